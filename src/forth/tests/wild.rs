//! Random programs through the engine and the reference: results, exceptions, the word at which they happen, and fuel must
//! be the same. Some programs are wild and soon stop, some keep their stacks in order.

use super::generator::Dice;
use super::reference::{Reference, Stop};
use super::*;
use crate::forth::trap::throw::STACK_OVERFLOW;
use std::fmt::Write;

/// A piece of a program.
enum Node {
    Number(Cell),
    Word(&'static str),
    If(Vec<Node>, Option<Vec<Node>>),
    QDupIf(Vec<Node>, Vec<Node>),
    Until(Vec<Node>),
    Again(Vec<Node>),
    While(Vec<Node>, Vec<Node>),
    Do { question: bool, body: Vec<Node>, step: Option<Cell> },
    Case(Vec<(Cell, Vec<Node>)>, Vec<Node>),
    Leave,
    Exit,
    Recurse,
    Call(usize),
    Catch(usize),
}

/// Words that only move cells or compute on them, and what they compute.
const WORDS: &[&str] = &[
    "dup", "drop", "swap", "over", "rot", "-rot", "nip", "tuck", "2dup", "2drop", "2swap", "2over", "?dup",
    "depth", "pick", "+", "-", "*", "/", "mod", "/mod", "1+", "1-", "2*", "2/", "negate", "abs", "min",
    "max", "lshift", "rshift", "and", "or", "xor", "invert", "=", "<>", "<", ">", "<=", ">=", "u<", "u>",
    "0=", "0<", "0>", "within", "true", "s>d", "d+", "d-", "m*", "um*", "um/mod", "fm/mod", "*/", "*/mod",
    "m+", "dnegate", "d<", "cells", "cell+", "@", "!", "c@", "c!", "+!", "2@", "2!", "count", ">r", "r>",
    "r@", "2>r", "2r>", "2r@", "i", "j", "unloop", "throw", "execute", "roll", "2rot",
];

fn render(nodes: &[Node], text: &mut String) {
    for node in nodes {
        match node {
            Node::Number(n) => write!(text, "{n} ").unwrap(),
            Node::Word(word) => write!(text, "{word} ").unwrap(),
            Node::If(yes, no) => {
                text.push_str("if ");
                render(yes, text);
                if let Some(no) = no {
                    text.push_str("else ");
                    render(no, text);
                }
                text.push_str("then ");
            }
            Node::QDupIf(yes, no) => {
                text.push_str("?dup if ");
                render(yes, text);
                text.push_str("else ");
                render(no, text);
                text.push_str("then ");
            }
            Node::Until(body) => {
                text.push_str("begin ");
                render(body, text);
                text.push_str("until ");
            }
            Node::Again(body) => {
                text.push_str("begin ");
                render(body, text);
                text.push_str("again ");
            }
            Node::While(condition, body) => {
                text.push_str("begin ");
                render(condition, text);
                text.push_str("while ");
                render(body, text);
                text.push_str("repeat ");
            }
            Node::Do { question, body, step } => {
                text.push_str(if *question { "?do " } else { "do " });
                render(body, text);
                match step {
                    None => text.push_str("loop "),
                    Some(step) => write!(text, "{step} +loop ").unwrap(),
                }
            }
            Node::Case(branches, default) => {
                text.push_str("case ");
                for (choice, body) in branches {
                    write!(text, "{choice} of ").unwrap();
                    render(body, text);
                    text.push_str("endof ");
                }
                render(default, text);
                text.push_str("endcase ");
            }
            Node::Leave => text.push_str("leave "),
            Node::Exit => text.push_str("exit "),
            Node::Recurse => text.push_str("recurse "),
            Node::Call(word) => write!(text, "w{word} ").unwrap(),
            Node::Catch(word) => write!(text, "['] w{word} catch ").unwrap(),
        }
    }
}

impl Dice {
    fn number(&mut self) -> Cell {
        match self.roll(12) {
            0 => Cell::MIN,
            1 => Cell::MAX,
            2 => self.roll(u64::MAX) as Cell,
            3 => DATA + self.roll(64) as Cell,
            4 | 5 => DATA + 8 * self.roll(8) as Cell,
            _ => self.roll(9) as Cell - 3,
        }
    }

    fn body(&mut self, depth: u32, in_loop: bool, callees: usize) -> Vec<Node> {
        let n = 1 + self.roll(7);
        (0..n).map(|_| self.node(depth, in_loop, callees)).collect()
    }

    fn node(&mut self, depth: u32, in_loop: bool, callees: usize) -> Node {
        let kind = if depth == 0 { 4 + self.roll(13) } else { self.roll(26) };
        let body = |dice: &mut Dice, in_loop| dice.body(depth - 1, in_loop, callees);
        match kind {
            0..4 => Node::Word("dup"),
            4..9 => Node::Number(self.number()),
            9..15 => Node::Word(WORDS[self.roll(WORDS.len() as u64) as usize]),
            15 => match self.roll(6) {
                0 => Node::Exit,
                1 if in_loop => Node::Leave,
                2 => Node::Recurse,
                3 if callees > 0 => Node::Catch(self.roll(callees as u64) as usize),
                _ if callees > 0 => Node::Call(self.roll(callees as u64) as usize),
                _ => Node::Word("swap"),
            },
            16 => Node::Word("over"),
            17 => Node::If(body(self, in_loop), None),
            18 => Node::If(body(self, in_loop), Some(body(self, in_loop))),
            19 => Node::QDupIf(body(self, in_loop), body(self, in_loop)),
            20 => Node::Until(body(self, in_loop)),
            21 if self.roll(4) == 0 => Node::Again(body(self, in_loop)),
            22 => Node::While(body(self, in_loop), body(self, in_loop)),
            23 => Node::Case(
                vec![(self.number(), body(self, in_loop)), (1, body(self, in_loop))],
                body(self, in_loop),
            ),
            _ => {
                let question = self.roll(2) == 0;
                let step = (self.roll(3) == 0).then(|| self.roll(7) as Cell - 3);
                Node::Do { question, body: body(self, true), step }
            }
        }
    }
}

/// A generator of programs that keep their stacks in order, so that their depths can be proven: every piece is given the
/// depth before it and leaves a known depth.
struct Careful<'d>(&'d mut Dice);

impl Careful<'_> {
    /// Ends with `out` cells where there were `depth`.
    fn body(&mut self, mut depth: usize, out: usize, nesting: u32, in_loop: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        for _ in 0..self.0.roll(6) {
            let (node, after) = self.node(depth, nesting, in_loop);
            nodes.extend(node);
            depth = after;
        }
        while depth > out {
            nodes.push(Node::Word("drop"));
            depth -= 1;
        }
        nodes.extend((depth..out).map(|_| Node::Number(self.0.number())));
        nodes
    }

    fn node(&mut self, depth: usize, nesting: u32, in_loop: usize) -> (Vec<Node>, usize) {
        let kind = if nesting == 0 || depth == 0 { self.0.roll(10) } else { self.0.roll(18) };
        // Conditions are made on the spot, so that loops end now and then.
        let limit = self.0.roll(6) as Cell;
        let condition = [Node::Word("dup"), Node::Number(limit), Node::Word("<")];
        match kind {
            0..3 => (vec![Node::Number(self.0.number())], depth + 1),
            3..9 => {
                let name = WORDS[self.0.roll(WORDS.len() as u64) as usize];
                let row = crate::forth::words::lookup(name.as_bytes()).unwrap().def();
                let moves_returns = matches!(name, "i" | "j") && in_loop < 1 + (name == "j") as usize
                    || [">r", "r>", "r@", "2>r", "2r>", "2r@", "unloop", "throw", "execute", "?dup"]
                        .contains(&name);
                if moves_returns || (row.n_in as usize) > depth {
                    return (vec![Node::Word("depth")], depth + 1);
                }
                (vec![Node::Word(name)], depth - row.n_in as usize + row.n_out as usize)
            }
            9 => {
                let mut nodes = vec![Node::Number(3), Node::Word(">r")];
                nodes.extend(self.body(depth, depth, 0, 0));
                nodes.push(Node::Word("r>"));
                (nodes, depth + 1)
            }
            10 | 11 => {
                let out = depth - 1 + self.0.roll(3) as usize;
                let yes = self.body(depth - 1, out, nesting - 1, in_loop);
                let no = (out != depth - 1 || self.0.roll(2) == 0)
                    .then(|| self.body(depth - 1, out, nesting - 1, in_loop));
                (vec![Node::If(yes, no)], out)
            }
            12 => {
                let out = depth + self.0.roll(2) as usize;
                let yes = self.body(depth, out, nesting - 1, in_loop);
                (vec![Node::QDupIf(yes, self.body(depth - 1, out, nesting - 1, in_loop))], out)
            }
            13 => (vec![Node::Until(self.body(depth, depth + 1, nesting - 1, in_loop))], depth),
            14 => {
                let mut head = self.body(depth, depth, nesting - 1, in_loop);
                head.extend(condition);
                let mut body = self.body(depth, depth, nesting - 1, in_loop);
                body.push(Node::Word("1+"));
                (vec![Node::While(head, body)], depth)
            }
            15 => {
                let mut nodes = vec![Node::Number(limit), Node::Number(0)];
                let step = (self.0.roll(3) == 0).then_some(2);
                let body = self.body(depth, depth, nesting - 1, in_loop + 1);
                nodes.push(Node::Do { question: true, body, step });
                (nodes, depth)
            }
            16 => {
                let branch = self.body(depth - 1, depth, nesting - 1, in_loop);
                let default = self.body(depth, depth + 1, nesting - 1, in_loop);
                (vec![Node::Case(vec![(limit, branch)], default)], depth)
            }
            _ => {
                let mut body = Vec::from(condition);
                body.push(Node::If(vec![Node::Word("1+"), Node::Recurse], None));
                (body, depth)
            }
        }
    }
}

/// Where random programs like to write.
const DATA: Cell = 0x2000;

/// A few random words, each of which may call the ones before.
fn wild(dice: &mut Dice) -> Vec<Vec<Node>> {
    let n_words = 1 + dice.roll(3) as usize;
    (0..n_words).map(|k| dice.body(3, false, k)).collect()
}

/// Two random words that keep their stacks in order.
fn careful(dice: &mut Dice) -> Vec<Vec<Node>> {
    let first = Careful(dice).body(2, 2, 3, 0);
    let mut second = Careful(dice).body(3, 3, 3, 0);
    second.push(Node::Call(0));
    vec![first, second]
}

/// Runs one random program both ways; says how many of its words are proven.
fn compare(seed: u64, words: impl Fn(&mut Dice) -> Vec<Vec<Node>>) -> usize {
    let mut dice = Dice(seed);
    let words = words(&mut dice);
    let n_words = words.len();
    let inputs: Vec<Cell> = (0..dice.roll(7)).map(|_| dice.number()).collect();
    let limits = Limits {
        fuel: 300,
        stack_cells: 16 + dice.roll(10) as u32,
        return_cells: 16 + dice.roll(10) as u32,
        memory_bytes: 0x4000,
        ..Limits::default()
    };

    let mut engine = Engine::new(Image::shared(), limits);
    let mut source = String::new();
    let mut main = None;
    for (k, body) in words.iter().enumerate() {
        let mut text = String::new();
        render(body, &mut text);
        writeln!(source, ": w{k} {text};").unwrap();
        main = Some(engine.define(&format!("w{k}"), &text).unwrap_or_else(|error| panic!("{source}{error}")));
    }
    let ran = engine.execute(main.unwrap(), &inputs);

    let mut reference = Reference::new(limits);
    for (k, body) in words.iter().enumerate() {
        let mut text = String::new();
        render(body, &mut text);
        reference.define(&format!("w{k}"), &text).expect("it compiled");
    }
    let done = reference.execute(&format!("w{}", n_words - 1), &inputs);
    let context = || format!("seed {seed}, inputs {inputs:?}, limits {limits:?}\n{source}");
    let n_proven = (0..n_words).filter(|k| engine.is_proven(engine.find(&format!("w{k}")).unwrap())).count();
    if reference.vague {
        return n_proven;
    }
    assert_eq!(engine.fuel_used() as i64, limits.fuel as i64 - reference.fuel.max(0), "fuel: {}", context());
    match (done, ran) {
        (Err(Stop { kind, at }), Err(trap)) => {
            assert_eq!(trap.kind, kind, "{}", context());
            let word = engine.describe(trap).word;
            let known =
                !matches!(&*at, "call" | "return" | "number") && kind != TrapKind::Throw(STACK_OVERFLOW);
            assert!(!known || word == at, "stopped at {word}, not {at}: {}", context());
        }
        (Ok(()), Ok(())) => assert_eq!(engine.stack(), reference.stack, "{}", context()),
        (done, ran) => panic!("reference {done:?}, engine {ran:?}: {}", context()),
    }
    n_proven
}

const N_PROGRAMS: u64 = if cfg!(debug_assertions) { 5_000 } else { 100_000 };

#[test]
fn random_programs_agree_with_the_reference() {
    for seed in 0..N_PROGRAMS {
        compare(seed, wild);
    }
}

#[test]
fn orderly_programs_agree_with_the_reference() {
    let n_proven: usize = (0..N_PROGRAMS).map(|seed| compare(seed, careful)).sum();
    assert!(n_proven as u64 > N_PROGRAMS, "{n_proven} words of {} proven", 2 * N_PROGRAMS);
}

#[test]
fn the_programs_are_worth_running() {
    let (mut ended, mut caught, mut stopped) = (0, 0, 0);
    for seed in 0..3000 {
        let mut dice = Dice(seed);
        let words: Vec<Vec<Node>> = vec![dice.body(3, false, 0)];
        let mut text = String::new();
        render(&words[0], &mut text);
        let mut engine = Engine::new(Image::shared(), Limits { fuel: 300, ..Limits::default() });
        let xt = engine.define("w", &text).unwrap();
        match engine.execute(xt, &[1, 2, 3, 4, 5, 6]) {
            Ok(()) => ended += 1,
            Err(trap) if trap.kind == TrapKind::Fuel => caught += 1,
            Err(_) => stopped += 1,
        }
    }
    assert!(
        ended > 500 && caught > 20 && stopped > 500,
        "{ended} ended, {caught} out of fuel, {stopped} stopped"
    );
}
