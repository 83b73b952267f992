//! From expressions to a body: conditionals are cut out, what lies between them is scheduled as straight-line code, and the
//! code with locals is taken where it is shorter.

use crate::model::Cell;
use crate::synth::expr::locals::with_locals;
use crate::synth::expr::straight::straight;
use crate::synth::expr::{ExprId, Exprs, Node, Op};
use rustc_hash::FxHashMap;

/// Orders of what stays on the stack under a condition that are compared, where it is this many items or fewer.
const ORDERED_MAX: usize = 2;

/// A body that takes the inputs and leaves the roots, the last on top: the shortest that was found. Where the stack gets too
/// deep for the search, inputs become locals; it is empty only where there are more inputs than names as well.
pub fn schedule(exprs: &Exprs, roots: &[ExprId]) -> String {
    let start: Vec<ExprId> = (0..exprs.n_in()).map(|position| exprs.input(position)).collect();
    let mut planner = Planner { exprs, known: FxHashMap::default() };
    let planned = planner.plan(&start, roots);
    let named = with_locals(exprs, roots);
    match (planned, named) {
        (Some(planned), Some(named)) if named.len() < effort(&planned) => named,
        (Some(planned), _) => planned,
        (None, named) => named.unwrap_or_default(),
    }
    .join(" ")
}

/// A chain of conditions becomes a CASE from so many on; fewer read better as conditions.
const ARMS_MIN: usize = 3;

/// The length of a body, where reaching far into the stack counts as one word more.
fn effort(words: &[String]) -> usize {
    words.len() + words.iter().filter(|word| *word == "pick").count()
}

/// From which stack to which.
type Task = (Vec<ExprId>, Vec<ExprId>);

struct Planner<'e> {
    exprs: &'e Exprs,
    known: FxHashMap<Task, Option<Vec<String>>>,
}

impl Planner<'_> {
    /// Words from one stack to another.
    fn plan(&mut self, start: &[ExprId], goal: &[ExprId]) -> Option<Vec<String>> {
        let key = (start.to_vec(), goal.to_vec());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let conditionals = self.conditionals(start, goal);
        let words = match conditionals.first() {
            None => straight(self.exprs, start, goal),
            Some(first) => {
                let rest_is_there = goal
                    .split_last()
                    .is_some_and(|(last, rest)| last == first && rest.iter().all(|id| start.contains(id)));
                if rest_is_there { self.branch(start, goal, *first) } else { self.first(start, goal, *first) }
            }
        };
        self.known.insert(key, words.clone());
        words
    }

    /// Conditionals that the goal needs outside of other conditionals, operands first.
    fn conditionals(&self, start: &[ExprId], goal: &[ExprId]) -> Vec<ExprId> {
        let mut found = Vec::new();
        let mut seen: Vec<ExprId> = start.to_vec();
        let mut waiting = goal.to_vec();
        while let Some(id) = waiting.pop() {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            match self.exprs.node(id) {
                Node::If(..) => found.push(id),
                node => waiting.extend(node.operands()),
            }
        }
        found.sort_unstable();
        found
    }

    /// What of `start` the goal needs when `have` is there too: each once, in the order of the stack.
    fn live(&self, start: &[ExprId], have: Option<ExprId>, goal: &[ExprId]) -> Vec<ExprId> {
        let mut seen: Vec<ExprId> = have.into_iter().collect();
        let mut used: Vec<ExprId> = Vec::new();
        let mut waiting = goal.to_vec();
        while let Some(id) = waiting.pop() {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            if start.contains(&id) {
                used.push(id);
            } else {
                waiting.extend(self.exprs.node(id).operands());
            }
        }
        let mut live: Vec<ExprId> = Vec::new();
        for id in start {
            if used.contains(id) && !live.contains(id) {
                live.push(*id);
            }
        }
        live
    }

    /// Computes one conditional first, then the rest.
    fn first(&mut self, start: &[ExprId], goal: &[ExprId], first: ExprId) -> Option<Vec<String>> {
        let mut between = self.live(start, Some(first), goal);
        between.push(first);
        let mut words = self.plan(start, &between)?;
        words.extend(self.plan(&between, goal)?);
        Some(words)
    }

    /// The conditional on top of a goal whose other items are on the stack already.
    fn branch(&mut self, start: &[ExprId], goal: &[ExprId], conditional: ExprId) -> Option<Vec<String>> {
        let Node::If(condition, then, otherwise) = self.exprs.node(conditional) else { return None };
        let rest = &goal[..goal.len() - 1];
        let with = |top: ExprId| [rest, &[top]].concat();
        let live = self.live(start, None, &[rest, &[then, otherwise]].concat());
        let mut orders = vec![live.clone()];
        if live.len() == ORDERED_MAX {
            orders.push(vec![live[1], live[0]]);
        }
        let mut best: Option<Vec<String>> = None;
        for live in orders {
            let tested = [live.as_slice(), &[condition]].concat();
            let Some(test) = self.plan(start, &tested) else { continue };
            let Some(then) = self.plan(&live, &with(then)) else { continue };
            let Some(otherwise) = self.plan(&live, &with(otherwise)) else { continue };
            let words = joined(test, then, otherwise);
            if best.as_ref().is_none_or(|best| words.len() < best.len()) {
                best = Some(words);
            }
        }
        match (best, self.case(start, goal, conditional)) {
            (Some(best), Some(case)) if case.len() < best.len() => Some(case),
            (best, case) => best.or(case),
        }
    }

    /// A chain of conditions that hold the same expression against numbers, as a CASE.
    fn case(&mut self, start: &[ExprId], goal: &[ExprId], conditional: ExprId) -> Option<Vec<String>> {
        let (selector, _) = match self.exprs.node(conditional) {
            Node::If(condition, ..) => self.equality(condition)?,
            _ => return None,
        };
        let mut arms = Vec::new();
        let mut otherwise = conditional;
        while let Node::If(condition, then, next) = self.exprs.node(otherwise) {
            match self.equality(condition) {
                Some((same, number)) if same == selector => {
                    arms.push((number, then));
                    otherwise = next;
                }
                // What is no flag is a condition itself: it does not hold where it is 0.
                _ if condition == selector => {
                    arms.push((0, next));
                    otherwise = then;
                }
                _ => break,
            }
        }
        if arms.len() < ARMS_MIN {
            return None;
        }
        let rest = &goal[..goal.len() - 1];
        let with = |top: ExprId| [rest, &[top]].concat();
        let mut needed = rest.to_vec();
        needed.extend(arms.iter().map(|(_, then)| *then));
        needed.push(otherwise);
        let live = self.live(start, None, &needed);
        let tested = [live.as_slice(), &[selector]].concat();
        let mut words = self.plan(start, &tested)?;
        words.push("case".to_owned());
        for (number, then) in arms {
            words.extend([number.to_string(), "of".to_owned()]);
            words.extend(self.plan(&live, &with(then))?);
            words.push("endof".to_owned());
        }
        // ENDCASE takes the selector away, which therefore lies on top of what no arm gave.
        words.extend(self.plan(&tested, &[with(otherwise).as_slice(), &[selector]].concat())?);
        words.push("endcase".to_owned());
        Some(words)
    }

    /// The expression and the number of which a condition says that they are equal.
    fn equality(&self, condition: ExprId) -> Option<(ExprId, Cell)> {
        match self.exprs.node(condition) {
            Node::Unary(Op::ZeroEquals, a) => Some((a, 0)),
            Node::Binary(Op::Equals, a, b) => match (self.exprs.node(a), self.exprs.node(b)) {
                (_, Node::Const(number)) => Some((a, number)),
                (Node::Const(number), _) => Some((b, number)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// `test if then else otherwise then`, without empty branches, and with what both end in behind them.
fn joined(mut test: Vec<String>, mut then: Vec<String>, mut otherwise: Vec<String>) -> Vec<String> {
    let stays = ["then", "pick", "r>", "r@", ">r"];
    let mut after = Vec::new();
    while let (Some(word), true) = (then.last(), then.last() == otherwise.last()) {
        if stays.contains(&word.as_str()) {
            break;
        }
        after.extend(then.pop());
        otherwise.pop();
    }
    after.reverse();
    if then.is_empty() && otherwise.is_empty() {
        test.push("drop".to_owned());
        test.append(&mut after);
        return test;
    }
    if then.is_empty() {
        negate(&mut test);
        std::mem::swap(&mut then, &mut otherwise);
    }
    test.push("if".to_owned());
    test.append(&mut then);
    if !otherwise.is_empty() {
        test.push("else".to_owned());
        test.append(&mut otherwise);
    }
    test.push("then".to_owned());
    test.append(&mut after);
    test
}

/// Turns a condition into its opposite.
fn negate(test: &mut Vec<String>) {
    let opposite = match test.last().map(String::as_str) {
        Some("=") => Some("<>"),
        Some("<>") => Some("="),
        Some("0=") => Some("0<>"),
        Some("0<>") => Some("0="),
        _ => None,
    };
    match opposite {
        // `if` takes any cell, so the flag need not be made of it.
        Some("0<>") => {
            test.pop();
        }
        Some(opposite) => *test.last_mut().expect("it has a last word") = opposite.to_owned(),
        None => test.push("0=".to_owned()),
    }
}
