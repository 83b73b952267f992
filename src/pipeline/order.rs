//! Restores corpus order: chunks of outcomes arrive as workers finish them and leave by rank.

use std::collections::BTreeMap;

/// Holds chunks back until everything before them has left. A chunk is known by the position of its first item.
#[derive(Debug)]
pub struct InOrder<T> {
    next: usize,
    waiting: BTreeMap<usize, Vec<T>>,
}

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self { next: 0, waiting: BTreeMap::new() }
    }
}

impl<T> InOrder<T> {
    /// Takes the chunk that starts at `start`, and hands everything that is now in turn to `emit`.
    ///
    /// # Errors
    /// The first error of `emit`, after which the rest of the chunk is lost.
    pub fn push<E>(
        &mut self,
        start: usize,
        chunk: Vec<T>,
        mut emit: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        self.waiting.insert(start, chunk);
        while let Some(chunk) = self.waiting.remove(&self.next) {
            self.next += chunk.len();
            for item in chunk {
                emit(item)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_arrival_the_order_is_the_same() {
        let arrivals = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]];
        for arrival in arrivals {
            let mut order = InOrder::default();
            let mut out = Vec::new();
            for chunk in arrival {
                let start = chunk * 2;
                order
                    .push(start, vec![start, start + 1], |item| {
                        out.push(item);
                        Ok::<(), ()>(())
                    })
                    .unwrap();
            }
            assert_eq!(out, (0..8).collect::<Vec<_>>());
            assert!(order.waiting.is_empty());
        }
    }

    #[test]
    fn an_error_comes_through() {
        let mut order = InOrder::default();
        assert_eq!(
            order.push(0, vec![1, 2], |item| if item == 2 { Err("full") } else { Ok(()) }),
            Err("full")
        );
    }
}
