//! Straight code into a structure, by running it over unknown values: so a filled template can be described like anything
//! that the grammar draws.

use super::ast::{Bin, Cmp, Cond, Expr, Out, Un, Var};
use super::words::size;

/// Greatest expression, in operators and operands.
const SIZE_MAX: usize = 40;
/// Most values on the stack.
const DEPTH_MAX: usize = 12;

/// A value on the stack.
#[derive(Clone, PartialEq, Debug)]
enum Value {
    Number(Expr),
    Flag(Cond),
}

impl Value {
    fn number(self) -> Option<Expr> {
        match self {
            Value::Number(expr) => Some(expr),
            Value::Flag(_) => None,
        }
    }

    fn flag(self) -> Cond {
        match self {
            Value::Flag(cond) => cond,
            Value::Number(expr) => Cond::Not(Box::new(Cond::Cmp(Cmp::Equal, expr, Expr::Lit(0)))),
        }
    }
}

/// What code leaves of so many unknown numbers; nothing where it does what no structure says: loops, memory, exceptions.
pub fn lift(code: &str, n_in: usize) -> Option<Vec<Out>> {
    let words: Vec<&str> = code.split_ascii_whitespace().collect();
    let inputs = (0..n_in as u8).map(|at| Value::Number(Expr::Var(Var(at)))).collect();
    let mut lifter = Lifter { words, at: 0 };
    let stack = lifter.run(inputs)?;
    let whole = lifter.at == lifter.words.len();
    let outs = stack.into_iter().map(|value| match value {
        Value::Number(expr) => Out::Number(expr),
        Value::Flag(cond) => Out::Flag(cond),
    });
    let outs: Vec<Out> = outs.collect();
    (whole && !outs.is_empty()).then_some(outs)
}

struct Lifter<'w> {
    words: Vec<&'w str>,
    at: usize,
}

impl Lifter<'_> {
    /// Runs to the end, or to the `else` or `then` of the branch that it is in.
    fn run(&mut self, mut stack: Vec<Value>) -> Option<Vec<Value>> {
        while let Some(word) = self.words.get(self.at) {
            let word = word.to_ascii_lowercase();
            match word.as_str() {
                "else" | "then" => return Some(stack),
                "if" => {
                    self.at += 1;
                    let cond = stack.pop()?.flag();
                    let mut taken = self.run(stack.clone())?;
                    let mut other = stack;
                    if self.words.get(self.at)?.eq_ignore_ascii_case("else") {
                        self.at += 1;
                        other = self.run(other)?;
                    }
                    if !self.words.get(self.at)?.eq_ignore_ascii_case("then") || taken.len() != other.len() {
                        return None;
                    }
                    let pairs = taken.drain(..).zip(other.drain(..));
                    stack = pairs.map(|(a, b)| merge(&cond, a, b)).collect::<Option<_>>()?;
                }
                word => step(word, &mut stack)?,
            }
            self.at += 1;
            let is_large = |value: &Value| matches!(value, Value::Number(expr) if size(expr) > SIZE_MAX);
            if stack.len() > DEPTH_MAX || stack.last().is_some_and(is_large) {
                return None;
            }
        }
        Some(stack)
    }
}

/// One of two values, by a condition.
fn merge(cond: &Cond, a: Value, b: Value) -> Option<Value> {
    if a == b {
        return Some(a);
    }
    let cond = Box::new(cond.clone());
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let expr = Expr::If(cond, Box::new(a), Box::new(b));
            (size(&expr) <= SIZE_MAX).then_some(Value::Number(expr))
        }
        (Value::Flag(a), Value::Flag(b)) => {
            let not = Box::new(Cond::Not(cond.clone()));
            let (a, b) = (Cond::And(cond, Box::new(a)), Cond::And(not, Box::new(b)));
            Some(Value::Flag(Cond::Or(Box::new(a), Box::new(b))))
        }
        _ => None,
    }
}

/// One word.
fn step(word: &str, stack: &mut Vec<Value>) -> Option<()> {
    if let Ok(number) = word.parse::<i64>() {
        stack.push(Value::Number(Expr::Lit(number)));
        return Some(());
    }
    let moved: (usize, &[usize]) = match word {
        "dup" => (1, &[0, 0]),
        "drop" => (1, &[]),
        "swap" => (2, &[1, 0]),
        "over" => (2, &[0, 1, 0]),
        "nip" => (2, &[1]),
        "tuck" => (2, &[1, 0, 1]),
        "rot" => (3, &[1, 2, 0]),
        "-rot" => (3, &[2, 0, 1]),
        "2dup" => (2, &[0, 1, 0, 1]),
        "2drop" => (2, &[]),
        "2swap" => (4, &[2, 3, 0, 1]),
        "2over" => (4, &[0, 1, 2, 3, 0, 1]),
        _ => return computed(word, stack),
    };
    let (taken, left) = moved;
    let values = stack.split_off(stack.len().checked_sub(taken)?);
    stack.extend(left.iter().map(|at| values[*at].clone()));
    Some(())
}

/// A word that computes.
fn computed(word: &str, stack: &mut Vec<Value>) -> Option<()> {
    let un = match word {
        "abs" => Some(Un::Abs),
        "negate" => Some(Un::Negate),
        "1+" => Some(Un::Inc),
        "1-" => Some(Un::Dec),
        "2*" => Some(Un::Double),
        "2/" => Some(Un::Half),
        "invert" => Some(Un::Invert),
        _ => None,
    };
    let top = stack.pop()?;
    let zero = || Expr::Lit(0);
    let not = |cond: Cond| Value::Flag(Cond::Not(Box::new(cond)));
    let value = match (un, top) {
        (Some(Un::Invert), Value::Flag(cond)) => not(cond),
        (Some(un), top) => Value::Number(Expr::Un(un, Box::new(top.number()?))),
        (None, Value::Flag(cond)) if word == "0=" => not(cond),
        (None, Value::Flag(cond)) => {
            let Value::Flag(below) = stack.pop()? else { return None };
            let (below, cond) = (Box::new(below), Box::new(cond));
            match word {
                "and" => Value::Flag(Cond::And(below, cond)),
                "or" => Value::Flag(Cond::Or(below, cond)),
                _ => return None,
            }
        }
        (None, Value::Number(top)) => match word {
            "0=" => Value::Flag(Cond::Cmp(Cmp::Equal, top, zero())),
            "0<>" => not(Cond::Cmp(Cmp::Equal, top, zero())),
            "0<" => Value::Flag(Cond::Cmp(Cmp::Less, top, zero())),
            "0>" => Value::Flag(Cond::Cmp(Cmp::Greater, top, zero())),
            _ => {
                let below = stack.pop()?.number()?;
                return binary(word, below, top, stack);
            }
        },
    };
    stack.push(value);
    Some(())
}

/// A word on two numbers, or three.
fn binary(word: &str, a: Expr, b: Expr, stack: &mut Vec<Value>) -> Option<()> {
    let bin = match (word, &b) {
        ("+", _) => Some(Bin::Add),
        ("-", _) => Some(Bin::Sub),
        ("*", _) => Some(Bin::Mul),
        ("min", _) => Some(Bin::Min),
        ("max", _) => Some(Bin::Max),
        ("and", _) => Some(Bin::And),
        ("or", _) => Some(Bin::Or),
        ("xor", _) => Some(Bin::Xor),
        ("/", Expr::Lit(2..)) => Some(Bin::Div),
        ("mod", Expr::Lit(2..)) => Some(Bin::Mod),
        _ => None,
    };
    let not = |cond: Cond| Value::Flag(Cond::Not(Box::new(cond)));
    let value = match (bin, word) {
        (Some(Bin::Mul), _) if a == b => Value::Number(Expr::Un(Un::Square, Box::new(a))),
        (Some(bin), _) => Value::Number(Expr::Bin(bin, Box::new(a), Box::new(b))),
        (None, "=") => Value::Flag(Cond::Cmp(Cmp::Equal, a, b)),
        (None, "<>") => not(Cond::Cmp(Cmp::Equal, a, b)),
        (None, "<") => Value::Flag(Cond::Cmp(Cmp::Less, a, b)),
        (None, ">") => Value::Flag(Cond::Cmp(Cmp::Greater, a, b)),
        (None, "<=") => not(Cond::Cmp(Cmp::Greater, a, b)),
        (None, ">=") => not(Cond::Cmp(Cmp::Less, a, b)),
        (None, "within") => match (stack.pop()?.number()?, a, b) {
            (value, Expr::Lit(from), Expr::Lit(to)) if from < to => {
                Value::Flag(Cond::Within(value, from, to))
            }
            _ => return None,
        },
        _ => return None,
    };
    stack.push(value);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forth::{Engine, Image, Limits};
    use crate::generate::ast::{Kind, Program, Shape};
    use crate::generate::emit;

    /// What is lifted does what the code does, when it is written as code again.
    #[test]
    fn what_is_lifted_does_the_same() {
        fn check(code: &str, n_in: usize) {
            let outs = lift(code, n_in).unwrap_or_else(|| panic!("{code}"));
            let program =
                Program { params: vec![Kind::Int; n_in], guard: None, shape: Shape::Straight(outs) };
            let again = emit::text(&emit::body(&program));
            let mut engine = Engine::new(Image::shared(), Limits::default());
            for row in [[3, 5, -7, 2], [0, 0, 0, 0], [-9, 4, 11, 6], [100, -1, 8, 8], [6, 6, -2, 50]] {
                let left: Vec<Vec<i64>> = [code, &again]
                    .map(|body| {
                        engine.reset();
                        let xt = engine.define("w", body).unwrap_or_else(|_| panic!("{body}"));
                        engine.execute(xt, &row[..n_in]).unwrap_or_else(|trap| panic!("{body}: {trap:?}"));
                        engine.stack().to_vec()
                    })
                    .to_vec();
                assert_eq!(left[0], left[1], "{code} and {again} on {row:?}");
            }
        }
        for (code, n_in) in [
            ("dup *", 1),
            ("2dup + -rot -", 2),
            ("rot over tuck nip swap - +", 3),
            ("dup 0< if negate then", 1),
            ("2dup < if swap then drop", 2),
            ("over 3 > over 0= or if + else - then", 2),
            ("2over xor 2swap 2drop min max", 4),
            ("dup 2 mod 0= swap -5 6 within and", 1),
            ("dup 10 / swap 10 mod", 1),
            ("< invert", 2),
        ] {
            check(code, n_in);
        }
        for code in ["dup @", "begin again", "dup if 1 then", "recurse", "drop", "/", "true", "+ +", "1 if"] {
            assert!(lift(code, 1).is_none(), "{code}");
        }
    }
}
