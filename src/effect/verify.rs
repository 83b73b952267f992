//! Whether code has the effect that a notation claims: the counts, and, where outputs are named after inputs or written as
//! expressions, the values too.

use crate::effect::define::fits;
use crate::effect::env::WordEnv;
use crate::effect::error::EffectError;
use crate::effect::eval::{Evaluated, value_of};
use crate::effect::infer::{Effect, answer, view};
use crate::effect::machine::Scratch;
use crate::effect::node::Id;
use crate::effect::notation::{self, Notation, NotationError};
use crate::model::Cell;

/// The verdict on one claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The counts are right, and no output was shown to be another one.
    Agrees,
    /// The counts of inputs or outputs are not the claimed ones.
    CountsDiffer,
    /// The counts are right, but an output is not the claimed value: `swap` is not `( a b -- a b )`.
    OutputsDiffer,
}

/// An output that is not the claimed one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Which output, from the deepest.
    pub output: usize,
    /// What is claimed, as it is written.
    pub expected: String,
    /// What the code leaves, in the names of the claim.
    pub got: String,
    /// Inputs, deepest first, on which the two are different numbers: first the claimed, then the real one.
    pub example: Option<(Vec<Cell>, Cell, Cell)>,
}

/// What became of a claim.
pub struct Verification<'s> {
    /// The inferred effect; it may have fewer inputs than the claim, which then lie untouched below.
    pub effect: Effect<'s>,
    /// The claim.
    pub notation: Notation<'s>,
    /// The verdict.
    pub verdict: Verdict,
    /// All outputs that differ.
    pub differences: Vec<Difference>,
    /// Bit `k`: output `k` of the claim is a mere name, or its value cannot be told; only its place was counted.
    pub unchecked: u64,
}

/// Checks a claim. The outer error is one of the notation, the inner one of the code.
pub fn verify<'s>(
    code: &'s str,
    claim: &'s str,
    env: &dyn WordEnv,
    scratch: &'s mut Scratch,
) -> Result<Result<Verification<'s>, EffectError>, NotationError> {
    let notation = notation::parse_notation(claim)?;
    let answer = match answer(code, env, scratch) {
        Ok(answer) => answer,
        Err(error) => return Ok(Err(error)),
    };
    let (mut verdict, mut unchecked, suspects) = quick(&view(scratch, code, answer), &notation);
    let mut differing = Vec::new();
    if suspects != 0 {
        let below = notation.n_in() - view(scratch, code, answer).n_in();
        let outs = view(scratch, code, answer).outs;
        let gots: Vec<Id> = (0..notation.n_out()).map(|k| got(&notation, below, k, outs)).collect();
        differing = differences(&notation, &gots, suspects, &mut unchecked, scratch);
    }
    if !differing.is_empty() {
        verdict = Verdict::OutputsDiffer;
    }
    let effect = view(scratch, code, answer);
    Ok(Ok(Verification { effect, notation, verdict, differences: differing, unchecked }))
}

/// The verdict by the counts, what stays unchecked for them, and the outputs that need a closer look, by their bits: those
/// that are not plainly the inputs they are named after.
fn quick(effect: &Effect<'_>, notation: &Notation<'_>) -> (Verdict, u64, u64) {
    let inferred = (effect.n_in() as u8, effect.n_out() as u8);
    if effect.diverges() {
        return (Verdict::Agrees, u64::MAX, 0);
    }
    if !fits(inferred, (notation.n_in() as u8, notation.n_out() as u8)) {
        let wide = fits(inferred, notation.counts().wide);
        return (if wide { Verdict::Agrees } else { Verdict::CountsDiffer }, u64::MAX, 0);
    }
    let below = notation.n_in() - effect.n_in();
    let is_suspect =
        |&k: &usize| notation.input(notation.output(k)) != Some(got(notation, below, k, effect.outs));
    let suspects = (0..notation.n_out()).filter(is_suspect).fold(0, |bits, k| bits | 1 << k);
    (Verdict::Agrees, 0, suspects)
}

/// What the code leaves at the place of an output, over `below` inputs that it does not touch.
fn got(notation: &Notation<'_>, below: usize, k: usize, outs: &[Id]) -> Id {
    match k.checked_sub(below) {
        Some(k) => outs[k],
        None => Id((notation.n_in() - 1 - k) as u16),
    }
}

/// A closer look at the outputs that are not plainly the inputs they are named after.
#[cold]
fn differences(
    notation: &Notation<'_>,
    gots: &[Id],
    suspects: u64,
    unchecked: &mut u64,
    scratch: &mut Scratch,
) -> Vec<Difference> {
    let mut found = Vec::new();
    for (k, &got) in gots.iter().enumerate().filter(|(k, _)| suspects >> k & 1 == 1) {
        let name = notation.output(k);
        let graph = &mut scratch.graph;
        let got = graph.resolve(got);
        let expected = match notation.input(name) {
            // `( n -- n )` may speak of types, unless what is left is certainly another input.
            Some(_) if notation::is_type_name(name) && got.input().is_none() => None,
            Some(id) => Some(id),
            None => notation.value(k, graph),
        };
        let Some(expected) = expected else {
            *unchecked |= 1 << k;
            continue;
        };
        if graph.same(expected, got) {
            continue;
        }
        let example = example(expected, got, notation.n_in(), scratch);
        match example {
            Compared::Different(inputs, expected, got_cell) => {
                let example = Some((inputs, expected, got_cell));
                found.push(Difference {
                    output: k,
                    expected: name.to_owned(),
                    got: written(got, notation, scratch),
                    example,
                });
            }
            Compared::SameSoFar => {}
            Compared::Unknown => *unchecked |= 1 << k,
        }
    }
    found
}

fn written(got: Id, notation: &Notation<'_>, scratch: &Scratch) -> String {
    let outs = [got];
    let names: Vec<&str> = notation.inputs().collect();
    let effect = Effect {
        scratch,
        code: "",
        outs: &outs,
        n_in: names.len() as u8,
        pure: true,
        diverges: false,
        name: (0, 0),
        comment: (0, 0),
    };
    effect.render_output_with(0, &names)
}

enum Compared {
    Different(Vec<Cell>, Cell, Cell),
    SameSoFar,
    Unknown,
}

/// Inputs on which every claim is tried.
const BOUNDARIES: [Cell; 16] = [3, 5, 0, 1, 2, -1, 7, -2, 10, 100, -7, 64, 255, -100, Cell::MAX, Cell::MIN];

const SAMPLES: usize = 64;

fn example(expected: Id, got: Id, n_in: usize, scratch: &Scratch) -> Compared {
    let mut values = Vec::new();
    let mut known = false;
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    for sample in 0..SAMPLES {
        let inputs: Vec<Cell> = (0..n_in).map(|k| sample_input(sample, k, &mut state)).collect();
        scratch.graph.eval(&inputs, &mut values);
        let value = |id| value_of(id, &inputs, &values);
        match (value(expected), value(got)) {
            (Evaluated::Cell(a), Evaluated::Cell(b)) if a != b => return Compared::Different(inputs, a, b),
            (Evaluated::Cell(_), Evaluated::Cell(_)) => known = true,
            (Evaluated::Unknown, _) | (_, Evaluated::Unknown) => return Compared::Unknown,
            _ => {}
        }
    }
    if known { Compared::SameSoFar } else { Compared::Unknown }
}

/// Boundary values first, each input from another place of the list, then random ones of all sizes.
fn sample_input(sample: usize, k: usize, state: &mut u64) -> Cell {
    if sample < BOUNDARIES.len() {
        return BOUNDARIES[(sample + k * 5 + sample * k) % BOUNDARIES.len()];
    }
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state as Cell) >> (*state % 61)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{WordEffect, Words};

    fn check(code: &str, claim: &str, expect: &str) {
        let mut scratch = Scratch::new();
        let env = Words { words: vec![("gcd", WordEffect::pure(2, 1))], declared: None };
        let got = match verify(code, claim, &env, &mut scratch) {
            Err(error) => format!("{error}"),
            Ok(Err(error)) => format!("{:?}", error.kind),
            Ok(Ok(report)) => match report.verdict {
                Verdict::Agrees => format!("agrees {}", report.unchecked.count_ones().min(9)),
                Verdict::CountsDiffer => {
                    format!("counts {}->{}", report.effect.n_in(), report.effect.n_out())
                }
                Verdict::OutputsDiffer => {
                    let show = |d: &Difference| format!("{}: {} is {}", d.output, d.expected, d.got);
                    report.differences.iter().map(show).collect::<Vec<_>>().join("; ")
                }
            },
        };
        assert_eq!(got, expect, "{code} {claim}");
    }

    #[test]
    fn claims() {
        check("dup *", "( n -- n² )", "agrees 0");
        check("dup *", "( n -- n^2 )", "agrees 0");
        check("dup *", "( n -- m )", "agrees 1");
        check("swap", "( a b -- b a )", "agrees 0");
        check("swap", "( a b -- a b )", "0: a is b; 1: b is a");
        check("2dup +", "( a b -- a b a+b )", "agrees 0");
        check("2dup +", "( a b -- a b b+a )", "agrees 0");
        check("2dup +", "( a b -- a b a-b )", "2: a-b is a+b");
        check("dup +", "( n -- 2n )", "agrees 0");
        check("dup +", "( n -- 2*n )", "agrees 0");
        check("dup +", "( n -- n*n )", "0: n*n is n+n");
        check("dup *", "( a b -- c )", "counts 1->1");
        check("dup", "( a -- a )", "counts 1->2");
        check("drop", "( a b -- a )", "agrees 0");
        check("drop", "( a b -- b )", "0: b is a");
        check("1+", "( n -- n )", "agrees 1");
        check("1+", "( k -- k )", "0: k is k+1");
        check("swap", "( n u -- n u )", "0: n is u; 1: u is n");
        check("negate negate", "( k -- k )", "agrees 0");
        check("d+", "( d1 d2 -- d3 )", "agrees 9");
        check("abs", "( n -- |n| )", "agrees 0");
        check("abs", "( n -- u )", "agrees 1");
        check("dup 0< if negate then", "( n -- |n| )", "agrees 0");
        check("dup 0< if negate then", "( n -- abs(n) )", "agrees 0");
        check("gcd", "( a b -- gcd(a,b) )", "agrees 0");
        check("swap gcd", "( a b -- gcd(a,b) )", "agrees 1");
        check("< if drop then", "( a b c -- )", "Branches { taken: -1, other: 0 }");
        check("dup", "( a -- a a", "brackets do not match");
        check("max", "( a b -- (a>b ? a : b) )", "agrees 0");
        check("max", "( a b -- (a<b ? a : b) )", "0: (a<b ? a : b) is max(a,b)");
        check("0 max", "( a -- max[a,0] )", "agrees 0");
        check("5", "( -- 5 )", "agrees 0");
        check("5", "( -- 6 )", "0: 6 is 5");
        check("2/ 2/", "( n -- n/4 )", "agrees 0");
        check("@", "( addr -- x )", "agrees 1");
        check("begin again", "( a -- b )", "agrees 9");
    }
}
