//! The enumeration against a naive one, and against itself on other instructions.

use super::*;
use crate::model::Lane;
use crate::model::random::Random;
use crate::synth::expr::Op;
use std::collections::BTreeMap;

static GO: AtomicBool = AtomicBool::new(false);

fn vocabulary() -> Vec<Step> {
    let mut steps: Vec<Step> = VOCABULARY.iter().map(|word| Step::Word(*word)).collect();
    steps.extend([0, 1, 2].map(Step::Literal));
    steps
}

fn text(body: &[Step]) -> String {
    let words = body.iter().map(|step| match step {
        Step::Word(word) => word.name().to_owned(),
        Step::Literal(value) => value.to_string(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn find(inputs: &[Lane], outputs: &[Lane], length_max: usize) -> (Ended, u64, String) {
    let mut found = String::new();
    let (ended, candidates) = Enumerator::default().run(
        Lanes { inputs, outputs },
        &vocabulary(),
        Bounds { length_min: 0, length_max, candidates_max: u64::MAX },
        &GO,
        |body| {
            found = text(body);
            Answer::Accept
        },
    );
    (ended, candidates, found)
}

fn map(a: &Lane, f: impl Fn(Cell) -> Cell) -> Lane {
    a.map(f)
}

fn zip(a: &Lane, b: &Lane, f: impl Fn(Cell, Cell) -> Cell) -> Lane {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

const X: Lane = [0, 1, -3, 7, 100, -250, 31, 12];
const Y: Lane = [5, -1, 3, 2, 9, 17, -31, 64];

#[track_caller]
fn check(inputs: &[Lane], outputs: &[Lane], expect: &str) {
    let (ended, _, found) = find(inputs, outputs, 4);
    assert_eq!((ended, found.as_str()), (Ended::Accepted, expect));
}

#[test]
fn finds_the_shortest_body() {
    check(&[X], &[X], "");
    check(&[X], &[map(&X, |x| x * x)], "dup *");
    check(&[X], &[map(&X, |x| x * x + x)], "dup 1+ *");
    check(&[X, Y], &[zip(&X, &Y, |x, y| x * x + y)], "swap dup * +");
    check(&[X, Y], &[Y, X], "swap");
    check(&[X], &[X, X], "dup");
    check(&[X, Y], &[], "drop drop");
    check(&[X, Y], &[zip(&X, &Y, |x, y| scalar::flag(x < y))], "<");
    check(&[], &[[2; 8]], "2");
}

#[test]
fn says_why_it_ended() {
    let goal = [map(&X, |x| x.wrapping_mul(x).wrapping_mul(12_345) ^ 77)];
    assert_eq!(find(&[X], &goal, 3).0, Ended::Exhausted);
    let bounds = Bounds { length_min: 0, length_max: 4, candidates_max: 1000 };
    let (ended, candidates) =
        Enumerator::default()
            .run(Lanes { inputs: &[X], outputs: &goal }, &vocabulary(), bounds, &GO, |_| Answer::Accept);
    assert_eq!((ended, candidates), (Ended::Budget, 1000));
    let stopped = AtomicBool::new(true);
    let bounds = Bounds { length_min: 0, length_max: 4, candidates_max: u64::MAX };
    let (ended, _) = Enumerator::default().run(
        Lanes { inputs: &[X], outputs: &goal },
        &vocabulary(),
        bounds,
        &stopped,
        |_| Answer::Accept,
    );
    assert_eq!(ended, Ended::Interrupted);
}

#[test]
fn a_used_enumerator_forgets_the_same() {
    // Two stacks may have the same place in the table of what was seen, and the first is forgotten, and tried again. Which ones
    // must not depend on earlier runs: what is tried is counted.
    let goal = [map(&X, |x| x.wrapping_mul(x).wrapping_mul(12_345) ^ 77)];
    let mut enumerator = Enumerator::default();
    let mut run = || {
        let bounds = Bounds { length_min: 0, length_max: 4, candidates_max: 1 << 19 };
        let goal = Lanes { inputs: &[X], outputs: &goal };
        enumerator.run(goal, &vocabulary(), bounds, &GO, |_| Answer::Reject)
    };
    let first = run();
    assert_eq!(first.0, Ended::Exhausted, "the budget would hide it");
    for _ in 0..4 {
        assert_eq!(run(), first);
    }
}

#[test]
fn a_used_enumerator_gives_the_same_rank() {
    let goal = [zip(&X, &Y, |x, y| x * x + y)];
    let mut enumerator = Enumerator::default();
    let mut run = |inputs: &[Lane], outputs: &[Lane]| {
        let bounds = Bounds { length_min: 0, length_max: 4, candidates_max: u64::MAX };
        enumerator.run(Lanes { inputs, outputs }, &vocabulary(), bounds, &GO, |_| Answer::Accept)
    };
    let first = run(&[X, Y], &goal);
    run(&[Y], &[map(&Y, |y| 3 * y)]);
    assert_eq!(run(&[X, Y], &goal), first);
}

/// Runs one step the obvious way. False where the stack is too shallow or too deep, or a lane would trap.
pub(super) fn apply(stack: &mut Vec<Lane>, step: Step) -> bool {
    let (n_in, n_out) = counts(step);
    if stack.len() < n_in || stack.len() - n_in + n_out > STACK_MAX {
        return false;
    }
    let word = match step {
        Step::Literal(value) => {
            stack.push([value; 8]);
            return true;
        }
        Step::Word(word) => word,
    };
    let taken = stack.split_off(stack.len() - n_in);
    match word {
        Word::Dup => stack.extend([taken[0], taken[0]]),
        Word::Drop | Word::TwoDrop => {}
        Word::Swap => stack.extend([taken[1], taken[0]]),
        Word::Over => stack.extend([taken[0], taken[1], taken[0]]),
        Word::Rot => stack.extend([taken[1], taken[2], taken[0]]),
        Word::Nip => stack.push(taken[1]),
        Word::Tuck => stack.extend([taken[1], taken[0], taken[1]]),
        Word::TwoDup => stack.extend([taken[0], taken[1], taken[0], taken[1]]),
        Word::SlashMod => {
            let parts: Option<Vec<(Cell, Cell)>> =
                taken[0].iter().zip(&taken[1]).map(|(a, b)| scalar::div_mod_floored(*a, *b)).collect();
            let Some(parts) = parts else { return false };
            stack.push(std::array::from_fn(|lane| parts[lane].1));
            stack.push(std::array::from_fn(|lane| parts[lane].0));
        }
        _ => {
            let op = Op::ALL.iter().find(|op| op.word() == word).expect("it is an operator");
            let last = taken.last().expect("it takes an operand");
            let lanes: Option<Vec<Cell>> = taken[0].iter().zip(last).map(|(a, b)| op.apply(*a, *b)).collect();
            let Some(lanes) = lanes else { return false };
            stack.push(std::array::from_fn(|lane| lanes[lane]));
        }
    }
    true
}

/// Every body up to a length, each run from the start, nothing left out: the first body, by length and then by the order of the
/// vocabulary, of every stack that one leaves.
fn naive(inputs: &[Lane], vocabulary: &[Step], length_max: usize) -> BTreeMap<Vec<Lane>, Vec<Step>> {
    let mut first = BTreeMap::new();
    let mut level = vec![(inputs.to_vec(), Vec::new())];
    for length in 0..=length_max {
        let mut next = Vec::new();
        for (stack, body) in level {
            if length < length_max {
                next.extend(vocabulary.iter().filter_map(|step| {
                    let mut after = stack.clone();
                    apply(&mut after, *step).then(|| (after, [&body[..], &[*step]].concat()))
                }));
            }
            first.entry(stack).or_insert(body);
        }
        level = next;
    }
    first
}

/// What the naive enumerator reaches the real one reaches, by the same body.
#[track_caller]
fn check_complete(
    simd: Simd,
    inputs: &[Lane],
    vocabulary: &[Step],
    length_max: usize,
    goals: usize,
    filter: impl Fn(&[Lane]) -> bool,
) {
    let first = naive(inputs, vocabulary, length_max);
    let wanted: Vec<_> = first.iter().filter(|(outputs, _)| filter(outputs)).collect();
    assert!(!wanted.is_empty(), "{}", text(vocabulary));
    let mut enumerator = Enumerator::with_simd(simd);
    for (outputs, expect) in wanted.iter().step_by(wanted.len().div_ceil(goals)) {
        let mut found = None;
        let bounds = Bounds { length_min: 0, length_max, candidates_max: u64::MAX };
        enumerator.run(Lanes { inputs, outputs }, vocabulary, bounds, &GO, |body| {
            let mut stack = inputs.to_vec();
            assert!(body.iter().all(|step| apply(&mut stack, *step)), "{} traps", text(body));
            assert_eq!(stack, **outputs, "{} gives something else", text(body));
            found = Some(text(body));
            Answer::Accept
        });
        assert_eq!(found, Some(text(expect)), "{outputs:?} in {}", text(vocabulary));
    }
}

#[test]
fn nothing_is_missed_against_a_naive_enumerator() {
    for simd in Simd::available() {
        check_complete(simd, &[X], &vocabulary(), 3, 200, |outputs| outputs.len() == 1);
        check_complete(simd, &[X, Y], &vocabulary(), 2, 200, |outputs| outputs.len() <= 3);
    }
}

/// Vocabularies that hold every word at some time, all bodies of up to five of their words.
#[test]
fn nothing_is_missed_up_to_five_words() {
    let mut all = vocabulary();
    let mut random = Random::new(&[5]);
    for at in (1..all.len()).rev() {
        all.swap(at, random.below(at as u64 + 1) as usize);
    }
    let base = [Word::Dup, Word::Swap, Word::Plus].map(Step::Word);
    for part in all.chunks(5) {
        let mut steps = base.to_vec();
        steps.extend(part.iter().filter(|step| !base.contains(step)));
        let simd = Simd::available();
        let simd = simd[random.below(simd.len() as u64) as usize];
        // In the canonical order, and in another, for which there are no rules.
        let place = |step: &Step| vocabulary().iter().position(|other| other == step);
        let mut sorted = steps.clone();
        sorted.sort_by_key(place);
        for steps in [&sorted, &steps] {
            check_complete(simd, &[X], steps, 5, 60, |outputs| outputs.len() == 1);
            check_complete(simd, &[X, Y], steps, 5, 60, |outputs| (1..=4).contains(&outputs.len()));
        }
    }
}

/// What random bodies of five words leave, from the whole vocabulary, is found in at most five words.
#[test]
fn what_five_random_words_leave_is_found() {
    let (all, mut random) = (vocabulary(), Random::new(&[55]));
    let (mut n_found, mut enumerator) = ([0; 3], Enumerator::default());
    for round in 0..20_000 {
        let inputs = &[X, Y][..1 + round % 2];
        let body: Vec<Step> = (0..5).map(|_| all[random.below(all.len() as u64) as usize]).collect();
        let mut outputs = inputs.to_vec();
        // Most bodies take more than there is.
        let runs = body.iter().all(|step| apply(&mut outputs, *step));
        if !runs || !(1..=3).contains(&outputs.len()) || n_found[outputs.len() - 1] >= 60 {
            continue;
        }
        let mut found = None;
        let bounds = Bounds { length_min: 0, length_max: 5, candidates_max: u64::MAX };
        enumerator.run(Lanes { inputs, outputs: &outputs }, &all, bounds, &GO, |body| {
            let mut stack = inputs.to_vec();
            assert!(body.iter().all(|step| apply(&mut stack, *step)), "{} traps", text(body));
            assert_eq!(stack, outputs, "{} gives something else", text(body));
            found = Some(body.len());
            Answer::Accept
        });
        assert!(found.is_some_and(|length| length <= 5), "{} is missed", text(&body));
        n_found[outputs.len() - 1] += 1;
    }
    assert!(n_found.iter().all(|n| *n >= 30), "{n_found:?}");
}

/// The order of bodies, and how many there are, whatever the instructions: also where everything is refused.
#[test]
fn all_instructions_try_the_same() {
    let goals: [&[Lane]; 4] = [&[Y], &[map(&X, |x| x & 1)], &[X, map(&X, |_| 1)], &[[0; 8]]];
    for goal in goals {
        let run = |simd: Simd| {
            let mut bodies = Vec::new();
            let bounds = Bounds { length_min: 1, length_max: 5, candidates_max: 400_000 };
            let lanes = Lanes { inputs: &[X, Y], outputs: goal };
            let ended = Enumerator::with_simd(simd).run(lanes, &vocabulary(), bounds, &GO, |body| {
                bodies.push(text(body));
                Answer::Reject
            });
            (ended, bodies)
        };
        let portable = run(Simd::PORTABLE);
        assert!(!portable.1.is_empty(), "{goal:?}");
        for simd in Simd::available() {
            assert_eq!(run(simd), portable, "{}", simd.name());
        }
    }
}
