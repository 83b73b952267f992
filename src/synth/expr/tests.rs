//! Every scheduled body is run on the engine and compared with evaluation.

use super::*;
use crate::forth::{Engine, Image, Limits};
use crate::model::Cell;
use crate::model::random::Random;

/// The column on one row is the value on that row.
#[track_caller]
fn columns_are_rows(exprs: &Exprs, root: ExprId, row: Row<'_>) {
    let columns: Vec<[Cell; 2]> = row.iter().map(|cell| [*cell, 5]).collect();
    let columns: Vec<&[Cell]> = columns.iter().map(|column| column.as_slice()).collect();
    let values = exprs.values(root, &columns, 2);
    let fives = vec![5; row.len()];
    for (at, row) in [row, &fives].into_iter().enumerate() {
        let value = (!values.trapped(at)).then_some(values.cells[at]);
        assert_eq!(value, exprs.eval(root, row), "{:?} on {row:?}", exprs.node(root));
    }
}

#[track_caller]
fn runs_as_evaluated(engine: &mut Engine, exprs: &Exprs, roots: &[ExprId], row: Row<'_>) {
    let body = schedule(exprs, roots);
    let expect: Option<Vec<Cell>> = roots.iter().map(|root| exprs.eval(*root, row)).collect();
    let xt = engine.define("w", &body).unwrap_or_else(|error| panic!("{body}: {error}"));
    match (engine.execute(xt, row), expect) {
        (Ok(()), Some(expect)) => assert_eq!(engine.stack(), expect, "{body} on {row:?}"),
        (Err(_), None) => {}
        (Ok(()), None) => panic!("{body} on {row:?} gives {:?} where evaluation traps", engine.stack()),
        (Err(trap), Some(_)) => panic!("{body} on {row:?}: {}", engine.describe(trap)),
    }
    engine.reset();
}

fn engine() -> Engine {
    Engine::new(Image::shared(), Limits::default())
}

/// A random expression of about `size` operators; operands are drawn from what is there, so that much is shared.
fn random_expression(exprs: &mut Exprs, random: &mut Random, size: usize, with_if: bool) -> ExprId {
    let mut pool: Vec<ExprId> = (0..exprs.n_in()).map(|position| exprs.input(position)).collect();
    for value in [0, 1, -1, 2, 3, 64, 1000, Cell::MIN] {
        if random.one_in(3) {
            pool.push(exprs.constant(value));
        }
    }
    pool.push(exprs.constant(7));
    let mut last = pool[0];
    for _ in 0..size {
        let mut draw = || pool[random.below(pool.len() as u64) as usize];
        let (a, b, c) = (draw(), draw(), last);
        last = if with_if && random.one_in(4) {
            exprs.choose(a, c, b)
        } else {
            let op = Op::ALL[random.below(Op::ALL.len() as u64) as usize];
            match (op.arity(), random.one_in(2)) {
                (1, _) => exprs.unary(op, c),
                (_, true) => exprs.binary(op, a, c),
                (_, false) => exprs.binary(op, c, b),
            }
        };
        pool.push(last);
    }
    last
}

fn random_cell(random: &mut Random) -> Cell {
    const CORNERS: [Cell; 8] = [0, 1, -1, 2, 63, 64, Cell::MIN, Cell::MAX];
    match random.below(4) {
        0 => CORNERS[random.below(8) as usize],
        1 => random.within(-20, 20) as Cell,
        2 => random.next_u64() as Cell,
        _ => (random.next_u64() >> random.below(64)) as Cell,
    }
}

fn random_bodies(with_if: bool, seed: u64, count: usize) {
    let (mut engine, mut random) = (engine(), Random::new(&[seed]));
    for _ in 0..count {
        let mut exprs = Exprs::new(1 + random.below(3) as usize);
        let size = 1 + random.below(9) as usize;
        let mut roots = vec![random_expression(&mut exprs, &mut random, size, with_if)];
        if random.one_in(4) {
            roots.push(random_expression(&mut exprs, &mut random, 3, with_if));
        }
        for _ in 0..4 {
            let row: Vec<Cell> = (0..exprs.n_in()).map(|_| random_cell(&mut random)).collect();
            runs_as_evaluated(&mut engine, &exprs, &roots, &row);
            columns_are_rows(&exprs, roots[0], &row);
        }
    }
}

#[test]
fn straight_bodies_compute_what_evaluation_says() {
    random_bodies(false, 1, 300);
}

#[test]
fn bodies_with_conditionals_compute_what_evaluation_says() {
    random_bodies(true, 2, 300);
}

/// What is built unsimplified, by the operators alone.
fn plain(op: Op, a: Cell, b: Cell) -> Option<Cell> {
    op.apply(a, b)
}

#[test]
fn simplified_expressions_mean_the_same() {
    let mut random = Random::new(&[3]);
    let constants = [0, 1, -1, 2, 3, 5, 62, 63, 64, -7];
    for _ in 0..30_000 {
        let mut exprs = Exprs::new(2);
        let row = [random_cell(&mut random), random_cell(&mut random)];
        // Two levels of operators over inputs and constants, with their values beside them.
        let mut pool: Vec<(ExprId, Option<Cell>)> =
            (0..2).map(|position| (exprs.input(position), Some(row[position]))).collect();
        for _ in 0..2 {
            let value = constants[random.below(constants.len() as u64) as usize];
            pool.push((exprs.constant(value), Some(value)));
        }
        let mut last = (exprs.input(0), Some(row[0]));
        for _ in 0..4 {
            let op = Op::ALL[random.below(Op::ALL.len() as u64) as usize];
            let other = pool[random.below(pool.len() as u64) as usize];
            let (a, b) = if random.one_in(2) { (last, other) } else { (other, last) };
            let value = a.1.and_then(|a| match op.arity() {
                1 => plain(op, a, 0),
                _ => b.1.and_then(|b| plain(op, a, b)),
            });
            let id = if op.arity() == 1 { exprs.unary(op, a.0) } else { exprs.binary(op, a.0, b.0) };
            last = (id, value);
            // Simplification may drop what traps, but never changes a value.
            if value.is_some() {
                assert_eq!(exprs.eval(id, &row), value, "{op:?} on {row:?}: {exprs:?}");
            }
            pool.push(last);
        }
        let [a, b, c] = [0, 1, 2].map(|_| pool[random.below(pool.len() as u64) as usize]);
        let chosen = exprs.choose(a.0, b.0, c.0);
        let value = a.1.and_then(|a| if a != 0 { b.1 } else { c.1 });
        if value.is_some() {
            assert_eq!(exprs.eval(chosen, &row), value, "choose on {row:?}: {exprs:?}");
        }
    }
}

/// Builds an expression from the names of words in reverse Polish order and compares its body.
#[track_caller]
fn check(n_in: usize, words: &str, expect: &str) {
    let mut exprs = Exprs::new(n_in);
    let mut stack = Vec::new();
    let mut kept: Vec<ExprId> = Vec::new();
    for word in words.split(' ') {
        let op = Op::ALL.iter().find(|op| op.word().name() == word);
        let item = match (op, word) {
            (Some(op), _) if op.arity() == 1 => {
                let a = stack.pop().expect("operand");
                exprs.unary(*op, a)
            }
            (Some(op), _) => {
                let (b, a) = (stack.pop().expect("operand"), stack.pop().expect("operand"));
                exprs.binary(*op, a, b)
            }
            (None, "?") => {
                let (b, a, c) = (
                    stack.pop().expect("operand"),
                    stack.pop().expect("operand"),
                    stack.pop().expect("operand"),
                );
                exprs.choose(c, a, b)
            }
            (None, "keep") => {
                kept.push(*stack.last().expect("operand"));
                continue;
            }
            (None, "kept") => kept[0],
            (None, "a") => exprs.input(0),
            (None, "b") => exprs.input(1),
            (None, "c") => exprs.input(2),
            (None, number) => exprs.constant(number.parse().expect("a number")),
        };
        stack.push(item);
    }
    assert_eq!(schedule(&exprs, &stack), expect, "{words}");
}

#[test]
fn bodies_are_idiomatic() {
    check(1, "a", "");
    check(1, "a a *", "dup *");
    check(1, "a a * a +", "dup dup * +");
    check(1, "a 1 +", "1+");
    check(1, "a 1 - a and", "dup 1- and");
    check(1, "a 4 rshift 16 rshift", "20 rshift");
    check(1, "7", "drop 7");
    check(2, "a b -", "-");
    check(2, "b a -", "swap -");
    check(2, "a", "drop");
    check(2, "b", "nip");
    check(2, "a b", "");
    check(2, "b a", "swap");
    check(2, "a b + a b -", "2dup + -rot -");
    check(2, "a b < a b ?", "2dup < if drop else nip then");
    check(1, "a 0 < a negate a ?", "dup 0< if negate then");
    check(1, "a 0 < a a negate ?", "dup 0< 0= if negate then");
    check(1, "a 0 = 1 a ?", "dup 0= if drop 1 then");
    check(1, "a 1 and 1 = a 1 rshift a 2* ?", "dup 1 and 1 = if 1 rshift else 2* then");
    check(1, "a 1 and a 2 + a 3 + ?", "dup 1 and if 2 else 3 then +");
    check(3, "a b + c *", "-rot + *");
    check(3, "a a b - c * b c - a * c b - *", "{: a b c :} a a b - c * b c - a * c b - *");
    check(3, "a b c * +", "* +");
    check(1, "a 1+ a * keep kept *", "dup 1+ * dup *");
}

/// A chain of comparisons with numbers is written as a CASE where that is shorter, and runs like the conditions.
#[test]
fn chains_of_equalities_become_a_case() {
    let mut engine = engine();
    let mut check = |arms: &[(Cell, Cell)], with_input: bool| {
        let mut exprs = Exprs::new(1);
        let x = exprs.input(0);
        let otherwise = if with_input { exprs.unary(Op::OnePlus, x) } else { exprs.constant(9) };
        let root = arms.iter().rev().fold(otherwise, |rest, (number, value)| {
            let (number, value) = (exprs.constant(*number), exprs.constant(*value));
            let condition = exprs.binary(Op::Equals, x, number);
            exprs.choose(condition, value, rest)
        });
        for row in -3..100 {
            runs_as_evaluated(&mut engine, &exprs, &[root], &[row]);
        }
        schedule(&exprs, &[root])
    };
    let plain = check(&[(3, 40), (5, 7), (0, 81)], false);
    assert_eq!(plain, "case 3 of 40 endof 5 of 7 endof 0 of 81 endof 9 swap endcase");
    let kept = check(&[(3, 40), (5, 7), (8, 81), (11, 2)], true);
    assert!(kept.contains(" case 3 of drop 40 endof "), "{kept}");
    let two = check(&[(3, 40), (5, 7)], false);
    assert!(!two.contains("case"), "{two}");
}
