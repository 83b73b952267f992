//! Memory that workers borrow: capped bump arenas and the pool that lends them (with engines and whatever else a worker
//! reuses). Nothing with `Drop` goes into an arena; no lent thing is kept in a thread-local, so nested parallelism
//! lends a second one instead of entering the first twice.

mod pool;
mod text;

pub use bumpalo::Bump;
pub use pool::{Lent, Pool, Reuse};
pub use text::Text;

/// Bytes that a worker's arena may keep over a reset; one that swelled past this is dropped and made anew.
pub const ARENA_KEPT_BYTES_MAX: usize = 8 << 20;

/// A bump arena that gives its memory back after an unusually large specification: `Bump::reset` alone keeps the largest
/// chunk for ever.
#[derive(Debug, Default)]
pub struct Arena {
    bump: Bump,
}

impl Arena {
    /// An empty arena.
    pub fn new() -> Self {
        Self::default()
    }

    /// The arena to allocate in.
    pub fn bump(&self) -> &Bump {
        &self.bump
    }

    /// Forgets everything in it, and gives back what is past [`ARENA_KEPT_BYTES_MAX`].
    pub fn reset(&mut self) {
        if self.bump.allocated_bytes() > ARENA_KEPT_BYTES_MAX {
            self.bump = Bump::new();
        } else {
            self.bump.reset();
        }
    }
}

impl Reuse for Arena {
    fn recycle(&mut self) {
        self.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swollen_arena_is_given_back() {
        let mut arena = Arena::new();
        arena.bump().alloc_slice_fill_copy(ARENA_KEPT_BYTES_MAX + 1, 0u8);
        arena.reset();
        assert!(arena.bump().allocated_bytes() < 4096);
    }

    #[test]
    fn an_ordinary_arena_keeps_its_chunk() {
        let mut arena = Arena::new();
        arena.bump().alloc_slice_fill_copy(100_000, 0u8);
        arena.reset();
        assert!(arena.bump().allocated_bytes() >= 100_000);
    }
}
