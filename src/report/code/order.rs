//! Definitions in an order in which each word stands after those that it uses.

/// Indices below `n` in their own order, except that what an item uses comes before it. `find` knows items by the names
/// that `uses` gives. A cycle, which the pipeline calls invalid, is cut where it is met.
pub fn dependency_order<'i>(
    n: usize,
    find: impl Fn(&str) -> Option<usize>,
    uses: impl Fn(usize) -> &'i [String],
) -> Vec<usize> {
    let mut order = Vec::with_capacity(n);
    let mut state = vec![State::Unseen; n];
    // Each frame is an item and how many of its uses have been looked at: no recursion, chains may be long.
    let mut frames = Vec::new();
    for root in 0..n {
        if state[root] == State::Unseen {
            state[root] = State::Open;
            frames.push((root, 0));
        }
        while let Some((item, at)) = frames.last_mut() {
            let Some(used) = uses(*item).get(*at) else {
                order.push(*item);
                frames.pop();
                continue;
            };
            *at += 1;
            if let Some(used) = find(used)
                && state[used] == State::Unseen
            {
                state[used] = State::Open;
                frames.push((used, 0));
            }
        }
    }
    order
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unseen,
    Open,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(items: &str, expect: &str) {
        let parse = |item: &str| {
            let (name, uses) = item.split_once(':').unwrap();
            (
                name.to_owned(),
                uses.split(',').filter(|used| !used.is_empty()).map(str::to_owned).collect::<Vec<_>>(),
            )
        };
        let items: Vec<_> = items.split(' ').map(parse).collect();
        let find = |used: &str| items.iter().position(|(name, _)| name == used);
        let order = dependency_order(items.len(), find, |i| &items[i].1);
        let names: Vec<_> = order.into_iter().map(|i| items[i].0.as_str()).collect();
        assert_eq!(names.join(" "), expect);
    }

    #[test]
    fn what_is_used_comes_first() {
        check("a: b: c:", "a b c");
        check("a:c b: c:", "c a b");
        check("a:b,c b:c c:", "c b a");
        check("a:b,b b:", "b a");
        check("a:x b:a", "a b");
        check("a:b b:a c:", "b a c");
        check("a:a", "a");
    }

    #[test]
    fn long_chains_do_not_overflow() {
        let items: Vec<_> = (0..100_000).map(|i| ((), vec![(i + 1).to_string()])).collect();
        let find = |used: &str| used.parse().ok().filter(|&i| i < items.len());
        let order = dependency_order(items.len(), find, |i| &items[i].1);
        assert_eq!(order[0], 99_999);
        assert_eq!(order.len(), 100_000);
    }
}
