//! A second interpreter, slow and obvious: it compiles to one step for each word, keeps vectors, and checks every step. What
//! random programs do on it and on the engine must be the same: stack, output, exception, the word at which it happens,
//! and fuel.

use crate::forth::Limits;
use crate::forth::TrapKind;
use crate::forth::image::{acts_always, is_immediate};
use crate::forth::trap::throw::*;
use crate::forth::words::{WORDS, Word, lookup};
use crate::model::Cell;
use std::rc::Rc;

mod compiler;
mod source;
mod words;

/// Where memory begins, where what lies in it, and where programs see tokens, names and word lists.
pub(super) const MEMORY: Cell = 0x1000;
const STATE: Cell = MEMORY + 8;
const TO_IN: Cell = MEMORY + 16;
const HOLD_END: Cell = MEMORY + 0x200;
const HOLD_START: Cell = HOLD_END - 0x108;
const STRINGS: Cell = MEMORY + 0x200;
const WORD_BUFFER: Cell = MEMORY + 0xA00;
const PAD: Cell = MEMORY + 0xC00;
const USER: Cell = MEMORY + 0x1000;
const TOKENS: Cell = 0x4000_0000_0000;
const NAMES: Cell = 0x5000_0000_0000;
const LISTS: Cell = 0x6000_0000_0000;

/// Why a program stops, and at which word.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub kind: TrapKind,
    pub at: String,
}

type Run<T = ()> = Result<T, Stop>;

/// One step of compiled code, one for each word.
#[derive(Clone, Debug)]
enum Step {
    Push(Cell),
    /// A word of the system.
    Do(&'static str),
    /// A body, by its number.
    Call(usize),
    Jump(usize),
    JumpBack(usize, i64),
    JumpIfZero(usize),
    JumpBackIfZero(usize, i64),
    /// DO and ?DO; the latter goes there where the bounds are equal.
    Begin(Option<usize>),
    /// LOOP and +LOOP: where to go back to, and its cost.
    Again {
        plus: bool,
        to: usize,
        cost: i64,
    },
    Of(usize),
    Unloop,
    Return {
        n_locals: usize,
        word: &'static str,
    },
    Locals {
        n: usize,
        before: usize,
    },
    Local(usize),
    ToLocal(usize),
    SetDoes(usize),
}

#[derive(Default, Debug)]
struct Body {
    steps: Vec<(Step, String)>,
    cost: i64,
}

#[derive(Clone, Debug)]
enum Kind {
    Colon,
    Created { addr: Cell, does: Option<usize> },
    Constant(Vec<Cell>),
    Value(Cell),
    TwoValue(Cell),
    Deferred(Cell),
    Field(Cell),
    Synonym(Token),
    Marker { n_entries: usize, here: Cell, order: Vec<usize>, current: usize },
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    list: usize,
    hidden: bool,
    immediate: bool,
    kind: Kind,
    body: usize,
}

/// A word of the system by its row, or one of the program by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Token {
    System(Word),
    Program(usize),
}

/// An item of the control-flow stack.
#[derive(Clone, Debug)]
enum Control {
    Orig(usize),
    Dest { at: usize, tokens: i64 },
    Loop { at: usize, tokens: i64, question: bool },
    Case,
    EndOf(usize),
}

/// A definition being compiled.
#[derive(Default, Debug)]
struct Definition {
    entry: usize,
    body: usize,
    steps: Vec<(Step, String)>,
    tokens: i64,
    control: Vec<Control>,
    leaves: Vec<Vec<usize>>,
    locals: Vec<String>,
    /// It came through `define`, and ends with its text.
    bare: bool,
}

#[derive(Clone, Default, Debug)]
struct Source {
    text: Vec<u8>,
    at: usize,
    addr: Cell,
    id: Cell,
}

pub(super) struct Reference {
    pub stack: Vec<Cell>,
    /// The cells of each active word.
    frames: Vec<Vec<Cell>>,
    /// Cells that CATCH keeps on the return stack.
    n_catch: usize,
    memory: Vec<u8>,
    here: Cell,
    /// What ALLOCATE gave away, highest first: where, and how much.
    heap: Vec<(Cell, Cell)>,
    hold: Cell,
    string_turn: bool,
    pub output: Vec<u8>,
    pub fuel: i64,
    /// A CATCH went back to a depth whose cells were gone: their values are nobody's business.
    pub vague: bool,
    limits: Limits,
    bodies: Vec<Rc<Body>>,
    entries: Vec<Entry>,
    /// The word lists that are searched, the first last; list 0 is that of the system.
    order: Vec<usize>,
    current: usize,
    n_lists: usize,
    /// The definition being compiled, and those around it where it is a quotation.
    definitions: Vec<Definition>,
    compiling: bool,
    latest: Option<usize>,
    source: Source,
    nesting: u32,
    substitutions: Vec<(String, Vec<u8>)>,
    /// The token that is being compiled.
    token: String,
    /// The step that is being done.
    step: String,
}

impl Reference {
    pub fn new(limits: Limits) -> Self {
        let mut memory = vec![0; limits.memory_bytes as usize];
        memory[0] = 10;
        Self {
            stack: Vec::new(),
            frames: Vec::new(),
            n_catch: 0,
            memory,
            here: USER,
            heap: Vec::new(),
            hold: HOLD_END,
            string_turn: false,
            output: Vec::new(),
            fuel: limits.fuel as i64,
            vague: false,
            limits,
            bodies: Vec::new(),
            entries: Vec::new(),
            order: vec![0],
            current: 0,
            n_lists: 2,
            definitions: Vec::new(),
            compiling: false,
            latest: None,
            source: Source::default(),
            nesting: 0,
            substitutions: Vec::new(),
            token: String::new(),
            step: String::new(),
        }
    }

    /// `: name body ;`
    pub fn define(&mut self, name: &str, body: &str) -> Run {
        self.source = Source { text: body.into(), at: 0, addr: 0, id: 0 };
        self.open(name, true);
        self.interpret()?;
        self.close()
    }

    /// Runs the newest word with this name.
    pub fn execute(&mut self, name: &str, inputs: &[Cell]) -> Run {
        self.fuel = self.limits.fuel as i64;
        self.stack = inputs.to_vec();
        self.output.clear();
        self.frames.clear();
        let Some(Token::Program(entry)) = self.find(name) else { panic!("{name} is defined") };
        self.call(Token::Program(entry))
    }

    /// Puts bytes at HERE, aligned, and says where.
    pub fn place(&mut self, bytes: &[u8]) -> Cell {
        self.here = (self.here + 7) & !7;
        self.append(bytes).expect("room")
    }

    fn stop<T>(&self, kind: TrapKind) -> Run<T> {
        Err(Stop { kind, at: self.step.clone() })
    }

    fn throw<T>(&self, code: Cell) -> Run<T> {
        self.stop(TrapKind::Throw(code))
    }

    /// The value, or the exception.
    fn or<T>(&self, value: Option<T>, code: Cell) -> Run<T> {
        match value {
            Some(value) => Ok(value),
            None => self.throw(code),
        }
    }

    fn burn(&mut self, fuel: i64) -> Run {
        self.fuel = self.fuel.saturating_sub(fuel);
        if self.fuel < 0 { self.stop(TrapKind::Fuel) } else { Ok(()) }
    }

    fn burn_bytes(&mut self, n_bytes: i64) -> Run {
        self.burn(n_bytes / 32)
    }

    fn push(&mut self, value: Cell) -> Run {
        if self.stack.len() == self.limits.stack_cells as usize {
            return self.throw(STACK_OVERFLOW);
        }
        self.stack.push(value);
        Ok(())
    }

    fn push_all(&mut self, values: &[Cell]) -> Run {
        values.iter().try_for_each(|value| self.push(*value))
    }

    fn pop(&mut self) -> Run<Cell> {
        let value = self.stack.pop();
        self.or(value, STACK_UNDERFLOW)
    }

    /// Takes an address and a length: the bytes.
    fn pop_bytes(&mut self) -> Run<Vec<u8>> {
        let (len, addr) = (self.pop()?, self.pop()?);
        self.bytes(addr, len)
    }

    /// The same for words that pay for it.
    fn pop_string(&mut self) -> Run<Vec<u8>> {
        let bytes = self.pop_bytes()?;
        self.burn_bytes(bytes.len() as i64)?;
        Ok(bytes)
    }

    // Memory

    fn byte(&self, addr: Cell) -> Option<usize> {
        (MEMORY..MEMORY + self.memory.len() as Cell).contains(&addr).then(|| (addr - MEMORY) as usize)
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

    fn bytes(&self, addr: Cell, len: Cell) -> Run<Vec<u8>> {
        let mut bytes = Vec::new();
        if len < 0 || len > self.memory.len() as Cell {
            return self.throw(INVALID_ADDRESS);
        }
        for k in 0..len {
            let at = self.or(self.byte(addr.wrapping_add(k)), INVALID_ADDRESS)?;
            bytes.push(self.memory[at]);
        }
        Ok(bytes)
    }

    fn set_bytes(&mut self, addr: Cell, bytes: &[u8]) -> Run {
        self.bytes(addr, bytes.len() as Cell)?;
        for (k, byte) in bytes.iter().enumerate() {
            let at = self.byte(addr + k as Cell).unwrap();
            self.memory[at] = *byte;
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Run<Cell> {
        let addr = self.here;
        self.allot(bytes.len() as Cell)?;
        self.set_bytes(addr, bytes)?;
        Ok(addr)
    }

    fn allot(&mut self, n: Cell) -> Run {
        let floor = self.heap.last().map_or(MEMORY + self.memory.len() as Cell, |block| block.0);
        match self.here.checked_add(n) {
            Some(here) if (USER..=floor).contains(&here) => {
                self.here = here;
                Ok(())
            }
            _ => self.throw(DICTIONARY_OVERFLOW),
        }
    }

    fn comma(&mut self, value: Cell) -> Run {
        self.append(&value.to_le_bytes()).map(|_| ())
    }

    fn align(&mut self) -> Run {
        self.allot(((self.here + 7) & !7) - self.here)
    }

    fn base(&self) -> Run<u128> {
        match self.fetch(MEMORY) {
            Some(base @ 2..=36) => Ok(base as u128),
            _ => self.throw(INVALID_ARGUMENT),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Run {
        if self.output.len() + bytes.len() > self.limits.output_bytes as usize {
            return self.stop(TrapKind::Output);
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    // Calls

    fn r_depth(&self) -> usize {
        self.frames.iter().map(|frame| frame.len() + 1).sum::<usize>() + self.n_catch
    }

    /// Enters a body or a word of its own: fuel, then room for where to go back to.
    fn enter(&mut self, cost: i64) -> Run {
        self.step = "call".into();
        self.burn(cost)?;
        if self.r_depth() >= self.limits.return_cells as usize {
            return self.throw(RETURN_OVERFLOW);
        }
        self.frames.push(Vec::new());
        Ok(())
    }

    fn call_body(&mut self, body: usize) -> Run {
        let body = self.bodies[body].clone();
        self.enter(body.cost)?;
        let mut at = 0;
        while let Some((step, word)) = body.steps.get(at) {
            self.step.clone_from(word);
            at = match self.take(step, at + 1)? {
                Some(next) => next,
                None => break,
            };
        }
        self.frames.pop();
        Ok(())
    }

    /// Runs a word as EXECUTE and the text interpreter do.
    fn call(&mut self, token: Token) -> Run {
        let Token::Program(index) = token else {
            let Token::System(word) = token else { unreachable!("one of the two") };
            self.enter(1)?;
            let name = word.name();
            self.step = name.into();
            let of_caller = [">r", "r>", "r@", "2>r", "2r>", "2r@", "n>r", "nr>", "i", "j", "unloop"];
            if of_caller.contains(&name) {
                return self.throw(COMPILE_ONLY);
            }
            self.word(name)?;
            self.frames.pop();
            return Ok(());
        };
        let Some(entry) = self.entries.get(index).cloned() else { return self.throw(INVALID_ADDRESS) };
        if let Kind::Colon = entry.kind {
            if entry.hidden && self.bodies[entry.body].steps.is_empty() {
                return self.call(Token::System(Word::Semicolon));
            }
            return self.call_body(entry.body);
        }
        self.enter(1)?;
        match entry.kind {
            Kind::Colon => unreachable!("see above"),
            Kind::Created { addr, does } => {
                self.push(addr)?;
                if let Some(does) = does {
                    self.call_body(does)?;
                }
            }
            Kind::Constant(values) => self.push_all(&values)?,
            Kind::Value(addr) => self.push(self.fetch(addr).unwrap())?,
            Kind::TwoValue(addr) => {
                self.push(self.fetch(addr + 8).unwrap())?;
                self.push(self.fetch(addr).unwrap())?;
            }
            Kind::Deferred(addr) => {
                let token = self.token_of(self.fetch(addr).unwrap());
                let token = self.or(token, INVALID_ADDRESS)?;
                self.call(token)?;
            }
            Kind::Field(offset) => {
                let base = self.pop()?;
                self.push(base.wrapping_add(offset))?;
            }
            Kind::Synonym(token) => self.call(token)?,
            Kind::Marker { n_entries, here, order, current } => {
                self.burn(4)?;
                self.burn_bytes((self.entries.len() - n_entries) as i64 * 8)?;
                self.entries.truncate(n_entries);
                (self.here, self.order, self.current) = (here, order, current);
            }
        }
        self.frames.pop();
        Ok(())
    }

    fn cell_of(token: Token) -> Cell {
        TOKENS
            + match token {
                Token::System(word) => word as Cell,
                Token::Program(index) => (WORDS.len() + index) as Cell,
            }
    }

    fn token_of(&self, cell: Cell) -> Option<Token> {
        let number = usize::try_from(cell.wrapping_sub(TOKENS)).ok()?;
        match number.checked_sub(WORDS.len()) {
            None => Some(Token::System(WORDS[number].word)),
            Some(index) => (index < self.entries.len()).then_some(Token::Program(index)),
        }
    }

    fn catch(&mut self) -> Run {
        let cell = *self.stack.last().unwrap();
        let token = self.token_of(cell);
        let token = self.or(token, INVALID_ADDRESS)?;
        if self.r_depth() + 3 > self.limits.return_cells as usize {
            return self.throw(RETURN_OVERFLOW);
        }
        self.stack.pop();
        let (depth, n_frames, n_catch) = (self.stack.len(), self.frames.len(), self.n_catch);
        let n_own = self.frames.last().map_or(0, Vec::len);
        self.n_catch += 2;
        let done = self.call(token);
        self.n_catch = n_catch;
        let code = match done {
            Err(Stop { kind: TrapKind::Throw(code), .. }) => code,
            Err(stop) => return Err(stop),
            Ok(()) if self.stack.len() == self.limits.stack_cells as usize => STACK_OVERFLOW,
            Ok(()) => 0,
        };
        if code != 0 {
            self.vague |= self.stack.len() < depth;
            self.stack.resize(depth, 0);
            self.frames.truncate(n_frames);
            self.frames.last_mut().unwrap().truncate(n_own);
        }
        self.stack.push(code);
        Ok(())
    }

    // Steps

    /// Does one step; the next one, or none behind a return.
    fn take(&mut self, step: &Step, next: usize) -> Run<Option<usize>> {
        match step {
            Step::Push(value) => self.push(*value)?,
            Step::Do(name) => self.word(name)?,
            Step::Call(body) => self.call_body(*body)?,
            Step::Jump(to) => return Ok(Some(*to)),
            Step::JumpBack(to, cost) => {
                self.burn(*cost)?;
                return Ok(Some(*to));
            }
            Step::JumpIfZero(to) => {
                if self.pop()? == 0 {
                    return Ok(Some(*to));
                }
            }
            Step::JumpBackIfZero(to, cost) => {
                if self.pop()? == 0 {
                    self.burn(*cost)?;
                    return Ok(Some(*to));
                }
            }
            Step::Begin(end) => {
                if self.stack.len() < 2 {
                    return self.throw(STACK_UNDERFLOW);
                }
                if self.r_depth() + 2 > self.limits.return_cells as usize {
                    return self.throw(RETURN_OVERFLOW);
                }
                let (start, limit) = (self.pop()?, self.pop()?);
                match end {
                    Some(end) if start == limit => return Ok(Some(*end)),
                    _ => self.frames.last_mut().unwrap().extend([limit, start]),
                }
            }
            Step::Again { plus, to, cost } => {
                if *plus && self.stack.is_empty() {
                    return self.throw(STACK_UNDERFLOW);
                }
                let frame = self.frames.last().unwrap();
                let n = self.or(frame.len().checked_sub(2), LOOP_UNAVAILABLE)?;
                let step = if *plus { self.pop()? } else { 1 };
                let frame = self.frames.last_mut().unwrap();
                // Crossing the boundary between limit-1 and limit, counted from it in numbers that do not wrap.
                let before = frame[n + 1].wrapping_sub(frame[n]) as i128;
                let after = before + step as i128;
                frame[n + 1] = frame[n + 1].wrapping_add(step);
                let crossed = if step < 0 { before >= 0 && after < 0 } else { before < 0 && after >= 0 };
                if !crossed {
                    self.burn(*cost)?;
                    return Ok(Some(*to));
                }
                frame.truncate(n);
            }
            Step::Of(to) => {
                if self.stack.len() < 2 {
                    return self.throw(STACK_UNDERFLOW);
                }
                let choice = self.pop()?;
                if self.stack.last() != Some(&choice) {
                    return Ok(Some(*to));
                }
                self.stack.pop();
            }
            Step::Unloop => self.unloop()?,
            Step::Return { n_locals, word } => {
                self.step = (*word).into();
                if self.frames.last().unwrap().len() != *n_locals {
                    return self.throw(RETURN_IMBALANCE);
                }
                return Ok(None);
            }
            Step::Locals { n, before } => {
                if self.stack.len() < *n {
                    return self.throw(STACK_UNDERFLOW);
                }
                if self.r_depth() + n > self.limits.return_cells as usize {
                    return self.throw(RETURN_OVERFLOW);
                }
                if self.frames.last().unwrap().len() != *before {
                    return self.throw(RETURN_IMBALANCE);
                }
                // The last name is the top of the stack.
                let values = self.stack.split_off(self.stack.len() - n);
                self.frames.last_mut().unwrap().extend(values);
            }
            Step::Local(k) => {
                let value = self.frames.last().unwrap().get(*k).copied();
                let value = self.or(value, RETURN_IMBALANCE)?;
                self.push(value)?;
            }
            Step::ToLocal(k) => {
                let value = self.pop()?;
                self.frames.last_mut().unwrap()[*k] = value;
            }
            Step::SetDoes(body) => {
                let latest = self.latest.filter(|latest| *latest < self.entries.len());
                let latest = self.or(latest, INVALID_NAME)?;
                match &mut self.entries[latest].kind {
                    Kind::Created { does, .. } => *does = Some(*body),
                    _ => return self.throw(BODY_OF_NON_CREATED),
                }
            }
        }
        Ok(Some(next))
    }

    fn unloop(&mut self) -> Run {
        let frame = self.frames.last().unwrap();
        let n = self.or(frame.len().checked_sub(2), LOOP_UNAVAILABLE)?;
        self.frames.last_mut().unwrap().truncate(n);
        Ok(())
    }

    /// A word of the system, as compiled code does it.
    fn word(&mut self, name: &'static str) -> Run {
        let row = WORDS.iter().find(|row| row.name == name).unwrap();
        // What the dictionary or the text is needed for.
        let is_host =
            crate::forth::bytecode::op_of(row.word).is_none() && !crate::forth::prims::is_prim(row.word);
        if is_immediate(row.word) {
            self.burn(4)?;
            return self.do_immediate(row.word);
        }
        let (need, out) = (row.n_in as usize, row.n_out as usize);
        if self.stack.len() < need {
            return self.throw(STACK_UNDERFLOW);
        }
        if self.stack.len() - need + out > self.limits.stack_cells as usize {
            return self.throw(STACK_OVERFLOW);
        }
        if let Some(done) = self.return_word(name) {
            return done;
        }
        if is_host {
            self.burn(4)?;
        }
        let depth = self.stack.len() as Cell;
        let full = self.stack.len() == self.limits.stack_cells as usize;
        let args = self.stack[self.stack.len() - need..].to_vec();
        match self.compute(name, &args, depth, full) {
            Some(Ok(results)) => {
                self.stack.truncate(self.stack.len() - need);
                self.stack.extend(results);
                Ok(())
            }
            // Such words stop before they take anything.
            Some(Err(code)) => self.throw(code),
            None => self.system(name),
        }
    }

    fn return_word(&mut self, name: &'static str) -> Option<Run> {
        let (need, out) = match name {
            ">r" => (0, 1),
            "r>" => (1, 0),
            "r@" => (1, 1),
            "2>r" => (0, 2),
            "2r>" => (2, 0),
            "2r@" | "i" => (2, 2),
            "j" => (4, 4),
            "unloop" => (2, 0),
            "n>r" => return Some(self.n_to_r()),
            "nr>" => return Some(self.n_r_from()),
            _ => return None,
        };
        let r_depth = self.r_depth();
        let frame = self.frames.last_mut().unwrap();
        if frame.len() < need {
            let in_loop = matches!(name, "i" | "j" | "unloop");
            return Some(self.throw(if in_loop { LOOP_UNAVAILABLE } else { RETURN_UNDERFLOW }));
        }
        if r_depth - need + out > self.limits.return_cells as usize {
            return Some(self.throw(RETURN_OVERFLOW));
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
        Some(Ok(()))
    }

    /// Moves that many items and their number, so that the number is on top on both sides.
    fn n_to_r(&mut self) -> Run {
        let n = *self.stack.last().unwrap();
        if n < 0 || n >= self.stack.len() as Cell {
            return self.throw(STACK_UNDERFLOW);
        }
        if self.r_depth() + n as usize + 1 > self.limits.return_cells as usize {
            return self.throw(RETURN_OVERFLOW);
        }
        self.burn_bytes(n * 8)?;
        let moved = self.stack.split_off(self.stack.len() - 1 - n as usize);
        self.frames.last_mut().unwrap().extend(moved);
        Ok(())
    }

    fn n_r_from(&mut self) -> Run {
        let frame = self.frames.last().unwrap();
        let n = self.or(frame.last().copied(), RETURN_UNDERFLOW)?;
        if n < 0 || n >= frame.len() as Cell {
            return self.throw(RETURN_UNDERFLOW);
        }
        if self.stack.len() + n as usize + 1 > self.limits.stack_cells as usize {
            return self.throw(STACK_OVERFLOW);
        }
        self.burn_bytes(n * 8)?;
        let frame = self.frames.last_mut().unwrap();
        let moved = frame.split_off(frame.len() - 1 - n as usize);
        self.stack.extend(moved);
        Ok(())
    }
}
