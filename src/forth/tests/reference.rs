//! A second interpreter, slow and obvious: it walks a tree, keeps vectors, and checks every step. Random programs go
//! through both; results, exceptions, the word at which they happen, and fuel must be the same.

use super::*;
use crate::forth::trap::throw::*;
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

/// The number of tokens that fuel counts.
fn tokens(nodes: &[Node]) -> i64 {
    let mut text = String::new();
    render(nodes, &mut text);
    // The name behind ['] belongs to it.
    let n_ticks = text.split_whitespace().filter(|token| *token == "[']").count();
    (text.split_whitespace().count() - n_ticks) as i64
}

/// A generator of random programs.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

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

/// Where memory begins.
const MEMORY: Cell = 0x1000;

/// How a piece ends.
#[derive(Debug)]
enum Flow {
    Next,
    Leave,
    Exit,
    Stop(TrapKind, &'static str),
}

use Flow::{Exit, Leave, Next};

struct Reference<'p> {
    words: &'p [Vec<Node>],
    stack: Vec<Cell>,
    /// The cells of each active word.
    frames: Vec<Vec<Cell>>,
    /// Cells that CATCH keeps on the return stack.
    n_catch: usize,
    memory: Vec<u8>,
    fuel: i64,
    /// A CATCH went back to a depth whose cells were gone: their values are nobody's business.
    vague: bool,
    limits: Limits,
}

/// Unwraps an exception into the end of a piece.
macro_rules! some {
    ($value:expr, $code:expr, $word:expr) => {
        match $value {
            Some(value) => value,
            None => return Flow::Stop(TrapKind::Throw($code), $word),
        }
    };
}

impl Reference<'_> {
    fn r_depth(&self) -> usize {
        self.frames.iter().map(|frame| frame.len() + 1).sum::<usize>() + self.n_catch
    }

    fn burn(&mut self, tokens: i64, word: &'static str) -> Option<Flow> {
        self.fuel -= 1 + tokens / 32;
        (self.fuel < 0).then_some(Flow::Stop(TrapKind::Fuel, word))
    }

    fn call(&mut self, word: usize) -> Flow {
        if let Some(stop) = self.burn(tokens(&self.words[word]), "call") {
            return stop;
        }
        if self.r_depth() >= self.limits.return_cells as usize {
            return Flow::Stop(TrapKind::Throw(RETURN_OVERFLOW), "call");
        }
        self.frames.push(Vec::new());
        let words = self.words;
        match self.run(&words[word], word) {
            Flow::Stop(kind, at) => return Flow::Stop(kind, at),
            _ if !self.frames.last().unwrap().is_empty() => {
                return Flow::Stop(TrapKind::Throw(RETURN_IMBALANCE), "return");
            }
            _ => {}
        }
        self.frames.pop();
        Next
    }

    fn catch(&mut self, word: usize) -> Flow {
        // The token itself needs room.
        if self.stack.len() == self.limits.stack_cells as usize {
            return Flow::Stop(TrapKind::Throw(STACK_OVERFLOW), "[']");
        }
        if self.r_depth() + 3 > self.limits.return_cells as usize {
            return Flow::Stop(TrapKind::Throw(RETURN_OVERFLOW), "catch");
        }
        let (depth, n_frames, n_catch) = (self.stack.len(), self.frames.len(), self.n_catch);
        let n_own = self.frames.last().map_or(0, Vec::len);
        self.n_catch += 2;
        let flow = self.call(word);
        self.n_catch = n_catch;
        let code = match flow {
            Flow::Stop(TrapKind::Throw(code), _) => code,
            Flow::Stop(kind, at) => return Flow::Stop(kind, at),
            _ if self.stack.len() == self.limits.stack_cells as usize => STACK_OVERFLOW,
            _ => 0,
        };
        if code != 0 {
            self.vague |= self.stack.len() < depth;
            self.stack.resize(depth, 0);
            self.frames.truncate(n_frames);
            self.frames.last_mut().unwrap().truncate(n_own);
        }
        self.stack.push(code);
        Next
    }

    fn run(&mut self, nodes: &[Node], word: usize) -> Flow {
        for node in nodes {
            match self.step(node, word) {
                Next => {}
                flow => return flow,
            }
        }
        Next
    }

    fn step(&mut self, node: &Node, word: usize) -> Flow {
        match node {
            Node::Number(n) => self.push(*n, "number"),
            Node::Word(name) => self.word(name),
            Node::If(yes, no) => match some!(self.stack.pop(), STACK_UNDERFLOW, "if") {
                0 => no.as_ref().map_or(Next, |no| self.run(no, word)),
                _ => self.run(yes, word),
            },
            Node::QDupIf(yes, no) => match some!(self.stack.last().copied(), STACK_UNDERFLOW, "?dup") {
                0 => {
                    self.stack.pop();
                    self.run(no, word)
                }
                _ if self.stack.len() == self.limits.stack_cells as usize => {
                    Flow::Stop(TrapKind::Throw(STACK_OVERFLOW), "?dup")
                }
                _ => self.run(yes, word),
            },
            Node::Until(body) => loop {
                match self.run(body, word) {
                    Next => {}
                    flow => return flow,
                }
                if some!(self.stack.pop(), STACK_UNDERFLOW, "until") != 0 {
                    return Next;
                }
                if let Some(stop) = self.burn(tokens(body) + 1, "until") {
                    return stop;
                }
            },
            Node::Again(body) => loop {
                match self.run(body, word) {
                    Next => {}
                    flow => return flow,
                }
                if let Some(stop) = self.burn(tokens(body) + 1, "again") {
                    return stop;
                }
            },
            Node::While(condition, body) => loop {
                match self.run(condition, word) {
                    Next => {}
                    flow => return flow,
                }
                if some!(self.stack.pop(), STACK_UNDERFLOW, "while") == 0 {
                    return Next;
                }
                match self.run(body, word) {
                    Next => {}
                    flow => return flow,
                }
                if let Some(stop) = self.burn(tokens(condition) + tokens(body) + 2, "repeat") {
                    return stop;
                }
            },
            Node::Do { question, body, step } => self.counted(*question, body, *step, word),
            Node::Case(branches, default) => {
                for (choice, body) in branches {
                    match self.push(*choice, "number") {
                        Next => {}
                        flow => return flow,
                    }
                    if self.stack.len() < 2 {
                        return Flow::Stop(TrapKind::Throw(STACK_UNDERFLOW), "of");
                    }
                    let choice = self.stack.pop();
                    if self.stack.last().copied() == choice {
                        self.stack.pop();
                        return self.run(body, word);
                    }
                }
                match self.run(default, word) {
                    Next => {}
                    flow => return flow,
                }
                some!(self.stack.pop(), STACK_UNDERFLOW, "endcase");
                Next
            }
            Node::Leave => match self.unloop("leave") {
                Next => Leave,
                flow => flow,
            },
            Node::Exit => match self.frames.last().unwrap().len() {
                0 => Exit,
                _ => Flow::Stop(TrapKind::Throw(RETURN_IMBALANCE), "exit"),
            },
            Node::Recurse => self.call(word),
            Node::Call(callee) => self.call(*callee),
            Node::Catch(callee) => self.catch(*callee),
        }
    }

    fn unloop(&mut self, word: &'static str) -> Flow {
        let frame = self.frames.last_mut().unwrap();
        let n = some!(frame.len().checked_sub(2), LOOP_UNAVAILABLE, word);
        frame.truncate(n);
        Next
    }

    fn counted(&mut self, question: bool, body: &[Node], step: Option<Cell>, word: usize) -> Flow {
        let name = if question { "?do" } else { "do" };
        if self.stack.len() < 2 {
            return Flow::Stop(TrapKind::Throw(STACK_UNDERFLOW), name);
        }
        if self.r_depth() + 2 > self.limits.return_cells as usize {
            return Flow::Stop(TrapKind::Throw(RETURN_OVERFLOW), name);
        }
        let (start, limit) = (self.stack.pop().unwrap(), self.stack.pop().unwrap());
        if question && start == limit {
            return Next;
        }
        self.frames.last_mut().unwrap().extend([limit, start]);
        loop {
            match self.run(body, word) {
                Next => {}
                Leave => return Next,
                flow => return flow,
            }
            let end = if step.is_some() { "+loop" } else { "loop" };
            if let Some(step) = step {
                match self.push(step, "number") {
                    Next => {}
                    flow => return flow,
                }
            }
            let frame = self.frames.last_mut().unwrap();
            let n = some!(frame.len().checked_sub(2), LOOP_UNAVAILABLE, end);
            let step = if step.is_some() { self.stack.pop().unwrap() } else { 1 };
            // Crossing the boundary between limit-1 and limit, counted from it in numbers that do not wrap.
            let before = frame[n + 1].wrapping_sub(frame[n]) as i128;
            let after = before + step as i128;
            frame[n + 1] = frame[n + 1].wrapping_add(step);
            let crossed = if step < 0 { before >= 0 && after < 0 } else { before < 0 && after >= 0 };
            if crossed {
                frame.truncate(n);
                return Next;
            }
            let n_tokens = tokens(body) + if end == "loop" { 1 } else { 2 };
            if let Some(stop) = self.burn(n_tokens, end) {
                return stop;
            }
        }
    }

    fn push(&mut self, value: Cell, word: &'static str) -> Flow {
        if self.stack.len() == self.limits.stack_cells as usize {
            return Flow::Stop(TrapKind::Throw(STACK_OVERFLOW), word);
        }
        self.stack.push(value);
        Next
    }

    fn byte(&self, addr: Cell) -> Option<usize> {
        (MEMORY..MEMORY + 0x4000).contains(&addr).then(|| (addr - MEMORY) as usize)
    }

    fn fetch(&self, addr: Cell) -> Option<Cell> {
        let at = self.byte(addr)?;
        self.byte(addr.checked_add(7)?)?;
        Some(Cell::from_le_bytes(self.memory[at..at + 8].try_into().unwrap()))
    }

    fn store(&mut self, addr: Cell, value: Cell) -> Option<()> {
        self.fetch(addr)?;
        let at = self.byte(addr)?;
        self.memory[at..at + 8].copy_from_slice(&value.to_le_bytes());
        Some(())
    }

    fn word(&mut self, name: &'static str) -> Flow {
        let row = crate::forth::words::lookup(name.as_bytes()).unwrap().def();
        let (need, out) = match name {
            "?dup" => (1, 1),
            _ => (row.n_in as usize, row.n_out as usize),
        };
        if self.stack.len() < need {
            return Flow::Stop(TrapKind::Throw(STACK_UNDERFLOW), name);
        }
        if self.stack.len() - need + out > self.limits.stack_cells as usize {
            return Flow::Stop(TrapKind::Throw(STACK_OVERFLOW), name);
        }
        if let Some(flow) = self.return_word(name) {
            return flow;
        }
        if name == "pick" || name == "roll" {
            let n = self.stack.pop().unwrap();
            if n < 0 || n >= self.stack.len() as Cell {
                return Flow::Stop(TrapKind::Throw(STACK_UNDERFLOW), name);
            }
            if name == "roll" {
                // A bulk word.
                self.fuel -= n * 8 / 32;
                if self.fuel < 0 {
                    return Flow::Stop(TrapKind::Fuel, name);
                }
            }
            let at = self.stack.len() - 1 - n as usize;
            let value = if name == "pick" { self.stack[at] } else { self.stack.remove(at) };
            self.stack.push(value);
            return Next;
        }
        let depth = self.stack.len() as Cell;
        let full = self.stack.len() == self.limits.stack_cells as usize;
        let args = self.stack.split_off(self.stack.len() - need);
        match self.compute(name, &args, depth, full) {
            Ok(results) => {
                self.stack.extend(results);
                Next
            }
            Err(code) => {
                // Memory words and divisions stop before they take anything.
                if name != "throw" {
                    self.stack.extend(args);
                }
                Flow::Stop(TrapKind::Throw(code), name)
            }
        }
    }

    fn return_word(&mut self, name: &'static str) -> Option<Flow> {
        let (need, out) = match name {
            ">r" => (0, 1),
            "r>" => (1, 0),
            "r@" => (1, 1),
            "2>r" => (0, 2),
            "2r>" => (2, 0),
            "2r@" | "i" => (2, 2),
            "j" => (4, 4),
            "unloop" => (2, 0),
            _ => return None,
        };
        let r_depth = self.r_depth();
        let frame = self.frames.last_mut().unwrap();
        if frame.len() < need {
            let in_loop = matches!(name, "i" | "j" | "unloop");
            let code = if in_loop { LOOP_UNAVAILABLE } else { RETURN_UNDERFLOW };
            return Some(Flow::Stop(TrapKind::Throw(code), name));
        }
        if r_depth - need + out > self.limits.return_cells as usize {
            return Some(Flow::Stop(TrapKind::Throw(RETURN_OVERFLOW), name));
        }
        let n = frame.len();
        match name {
            ">r" => frame.push(self.stack.pop().unwrap()),
            "r>" => self.stack.push(frame.pop().unwrap()),
            "r@" | "i" => self.stack.push(frame[n - 1]),
            "2>r" => frame.extend(self.stack.split_off(self.stack.len() - 2)),
            "2r>" => self.stack.extend(frame.split_off(n - 2)),
            "2r@" => self.stack.extend(&frame[n - 2..]),
            "j" => self.stack.push(frame[n - 3]),
            _ => frame.truncate(n - 2),
        }
        Some(Next)
    }

    fn compute(&mut self, name: &str, a: &[Cell], depth: Cell, full: bool) -> Result<Vec<Cell>, Cell> {
        let flag = |truth: bool| if truth { -1 } else { 0 };
        let floored = |n: i128, d: i128| {
            (n.div_euclid(d) - (d < 0 && n.rem_euclid(d) != 0) as i128, {
                let r = n.rem_euclid(d);
                if d < 0 && r != 0 { r + d } else { r }
            })
        };
        let wide = |low: Cell, high: Cell| ((high as i128) << 64) + low as u64 as i128;
        let split = |d: i128| vec![d as Cell, (d >> 64) as Cell];
        let single = |n: i128| Cell::try_from(n).map_err(|_| OUT_OF_RANGE);
        let nonzero = |n: Cell| if n == 0 { Err(DIVISION_BY_ZERO) } else { Ok(n as i128) };
        let memory = |value: Option<Cell>| value.ok_or(INVALID_ADDRESS);
        Ok(match name {
            "dup" => vec![a[0], a[0]],
            "drop" => vec![],
            "swap" => vec![a[1], a[0]],
            "over" => vec![a[0], a[1], a[0]],
            "rot" => vec![a[1], a[2], a[0]],
            "-rot" => vec![a[2], a[0], a[1]],
            "nip" => vec![a[1]],
            "tuck" => vec![a[1], a[0], a[1]],
            "2dup" => vec![a[0], a[1], a[0], a[1]],
            "2drop" => vec![],
            "2swap" => vec![a[2], a[3], a[0], a[1]],
            "2over" => vec![a[0], a[1], a[2], a[3], a[0], a[1]],
            "2rot" => vec![a[2], a[3], a[4], a[5], a[0], a[1]],
            "?dup" if a[0] == 0 => vec![0],
            "?dup" if full => return Err(STACK_OVERFLOW),
            "?dup" => vec![a[0], a[0]],
            "depth" => vec![depth],
            "+" => vec![(a[0] as i128 + a[1] as i128) as Cell],
            "-" => vec![(a[0] as i128 - a[1] as i128) as Cell],
            "*" => vec![(a[0] as i128 * a[1] as i128) as Cell],
            "/" => vec![floored(a[0] as i128, nonzero(a[1])?).0 as Cell],
            "mod" => vec![floored(a[0] as i128, nonzero(a[1])?).1 as Cell],
            "/mod" => {
                let (q, r) = floored(a[0] as i128, nonzero(a[1])?);
                vec![r as Cell, q as Cell]
            }
            "1+" => vec![(a[0] as i128 + 1) as Cell],
            "1-" => vec![(a[0] as i128 - 1) as Cell],
            "2*" => vec![(a[0] as i128 * 2) as Cell],
            "2/" => vec![floored(a[0] as i128, 2).0 as Cell],
            "negate" => vec![(-(a[0] as i128)) as Cell],
            "abs" => vec![(a[0] as i128).abs() as Cell],
            "min" => vec![if a[0] < a[1] { a[0] } else { a[1] }],
            "max" => vec![if a[0] > a[1] { a[0] } else { a[1] }],
            "lshift" if a[1] as u64 >= 64 => vec![0],
            "lshift" => vec![((a[0] as i128) << a[1]) as Cell],
            "rshift" if a[1] as u64 >= 64 => vec![0],
            "rshift" => vec![((a[0] as u64 as u128) >> a[1]) as Cell],
            "and" => vec![a[0] & a[1]],
            "or" => vec![a[0] | a[1]],
            "xor" => vec![a[0] ^ a[1]],
            "invert" => vec![-1 - a[0]],
            "=" => vec![flag(a[0] == a[1])],
            "<>" => vec![flag(a[0] != a[1])],
            "<" => vec![flag(a[0] < a[1])],
            ">" => vec![flag(a[0] > a[1])],
            "<=" => vec![flag(a[0] <= a[1])],
            ">=" => vec![flag(a[0] >= a[1])],
            "u<" => vec![flag((a[0] as u64) < a[1] as u64)],
            "u>" => vec![flag(a[0] as u64 > a[1] as u64)],
            "0=" => vec![flag(a[0] == 0)],
            "0<" => vec![flag(a[0] < 0)],
            "0>" => vec![flag(a[0] > 0)],
            "within" => vec![flag((a[0].wrapping_sub(a[1]) as u64) < a[2].wrapping_sub(a[1]) as u64)],
            "true" => vec![-1],
            "s>d" => split(a[0] as i128),
            "d+" => split(wide(a[0], a[1]).wrapping_add(wide(a[2], a[3]))),
            "d-" => split(wide(a[0], a[1]).wrapping_sub(wide(a[2], a[3]))),
            "m+" => split(wide(a[0], a[1]).wrapping_add(a[2] as i128)),
            "dnegate" => split(wide(a[0], a[1]).wrapping_neg()),
            "d<" => vec![flag(wide(a[0], a[1]) < wide(a[2], a[3]))],
            "m*" => split(a[0] as i128 * a[1] as i128),
            "um*" => split((a[0] as u64 as u128 * a[1] as u64 as u128) as i128),
            "um/mod" => {
                let (n, d) = (wide(a[0], a[1]) as u128, nonzero(a[2])? as u64 as u128);
                let q = u64::try_from(n / d).map_err(|_| OUT_OF_RANGE)?;
                vec![(n % d) as Cell, q as Cell]
            }
            "fm/mod" => {
                let n = wide(a[0], a[1]);
                let d = nonzero(a[2])?;
                if n == i128::MIN && d == -1 {
                    return Err(OUT_OF_RANGE);
                }
                let (q, r) = floored(n, d);
                vec![r as Cell, single(q)?]
            }
            "*/" => vec![single(floored(a[0] as i128 * a[1] as i128, nonzero(a[2])?).0)?],
            "*/mod" => {
                let (q, r) = floored(a[0] as i128 * a[1] as i128, nonzero(a[2])?);
                vec![r as Cell, single(q)?]
            }
            "cells" => vec![(a[0] as i128 * 8) as Cell],
            "cell+" => vec![a[0].wrapping_add(8)],
            "@" => vec![memory(self.fetch(a[0]))?],
            "c@" => vec![memory(self.byte(a[0]).map(|at| self.memory[at] as Cell))?],
            "count" => vec![a[0].wrapping_add(1), memory(self.byte(a[0]).map(|at| self.memory[at] as Cell))?],
            "2@" => vec![memory(self.fetch(a[0].wrapping_add(8)))?, memory(self.fetch(a[0]))?],
            "!" => {
                self.store(a[1], a[0]).ok_or(INVALID_ADDRESS)?;
                vec![]
            }
            "c!" => {
                let at = self.byte(a[1]).ok_or(INVALID_ADDRESS)?;
                self.memory[at] = a[0] as u8;
                vec![]
            }
            "+!" => {
                let sum = memory(self.fetch(a[1]))? as i128 + a[0] as i128;
                self.store(a[1], sum as Cell);
                vec![]
            }
            "2!" => {
                memory(self.fetch(a[2]))?;
                self.store(a[2].wrapping_add(8), a[0]).ok_or(INVALID_ADDRESS)?;
                self.store(a[2], a[1]);
                vec![]
            }
            "throw" if a[0] != 0 => return Err(a[0]),
            "throw" => vec![],
            "execute" => return Err(INVALID_ADDRESS),
            _ => panic!("{name} is not in the reference"),
        })
    }
}

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

    let mut memory = vec![0; 0x4000];
    memory[0] = 10;
    let mut reference = Reference {
        words: &words,
        stack: inputs.clone(),
        frames: Vec::new(),
        n_catch: 0,
        memory,
        fuel: limits.fuel as i64,
        vague: false,
        limits,
    };
    let flow = reference.call(n_words - 1);
    let context = || format!("seed {seed}, inputs {inputs:?}, limits {limits:?}\n{source}");
    let n_proven = (0..n_words).filter(|k| engine.is_proven(engine.find(&format!("w{k}")).unwrap())).count();
    if reference.vague {
        return n_proven;
    }
    assert_eq!(engine.fuel_used() as i64, limits.fuel as i64 - reference.fuel.max(0), "fuel: {}", context());
    match (flow, ran) {
        (Flow::Stop(kind, at), Err(trap)) => {
            assert_eq!(trap.kind, kind, "{}", context());
            let word = engine.describe(trap).word;
            let known =
                !matches!(at, "call" | "return" | "number") && kind != TrapKind::Throw(STACK_OVERFLOW);
            assert!(!known || word == at, "stopped at {word}, not {at}: {}", context());
        }
        (Next | Exit, Ok(())) => assert_eq!(engine.stack(), reference.stack, "{}", context()),
        (flow, ran) => panic!("reference {flow:?}, engine {ran:?}: {}", context()),
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
