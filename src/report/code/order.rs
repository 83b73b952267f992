//! Definitions in an order in which each word stands after those that it uses.

use std::collections::HashMap;

/// Indices of `items` in their own order, except that what an item uses comes before it. `name` folds case; a name that is
/// defined twice means the first. A cycle, which the pipeline calls invalid, is cut where it is met.
pub fn dependency_order<'i, T>(
    items: &'i [T],
    name: impl Fn(&'i T) -> Option<String>,
    uses: impl Fn(&'i T) -> &'i [String],
) -> Vec<usize> {
    let mut by_name = HashMap::new();
    for (i, item) in items.iter().enumerate() {
        if let Some(name) = name(item) {
            by_name.entry(name).or_insert(i);
        }
    }
    let mut order = Vec::with_capacity(items.len());
    let mut state = vec![State::Unseen; items.len()];
    // Each frame is an item and how many of its uses have been looked at: no recursion, chains may be long.
    let mut frames = Vec::new();
    for root in 0..items.len() {
        if state[root] == State::Unseen {
            state[root] = State::Open;
            frames.push((root, 0));
        }
        while let Some((item, at)) = frames.last_mut() {
            let Some(used) = uses(&items[*item]).get(*at) else {
                order.push(*item);
                frames.pop();
                continue;
            };
            *at += 1;
            if let Some(&used) = by_name.get(&used.to_ascii_lowercase())
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
        let order = dependency_order(&items, |(name, _)| Some(name.to_ascii_lowercase()), |(_, uses)| uses);
        let names: Vec<_> = order.into_iter().map(|i| items[i].0.as_str()).collect();
        assert_eq!(names.join(" "), expect);
    }

    #[test]
    fn what_is_used_comes_first() {
        check("a: b: c:", "a b c");
        check("a:c b: c:", "c a b");
        check("a:b,c b:c c:", "c b a");
        check("a:B b:", "b a");
        check("a:x b:a", "a b");
        check("a:b b:a c:", "b a c");
        check("a:a", "a");
    }

    #[test]
    fn long_chains_do_not_overflow() {
        let items: Vec<_> = (0..100_000).map(|i| (i.to_string(), vec![(i + 1).to_string()])).collect();
        let order = dependency_order(&items, |(name, _)| Some(name.clone()), |(_, uses)| uses);
        assert_eq!(order[0], 99_999);
        assert_eq!(order.len(), 100_000);
    }
}
