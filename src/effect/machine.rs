//! Symbolic execution of one text: the loop over its tokens and the words that only move and compute cells. Everything
//! rarer is cold and stands in `control`, `returns` and `define`.

use crate::effect::control::Control;
use crate::effect::env::{WordEffect, WordEnv};
use crate::effect::error::{EffectError, ErrorKind};
use crate::effect::node::{FIRST_NODE, Graph, Id, NO_VALUE, NODES_MAX, Op};
use crate::effect::token::{Ending, delimiters_in, key_of, straight_word};
use crate::forth::words::{self, Kind, Word};
use crate::forth::{Number, number};
use crate::model::Cell;

/// The stack slot of the first cell that the code itself leaves; its inputs lie below, topmost first.
pub(crate) const BASE: usize = FIRST_NODE;

/// Lowest slot that an input may stand in: room for the deepest word below it, so that a step needs no check of its own.
pub(crate) const FLOOR: usize = 8;

/// Highest stack pointer after a step: room for what one word leaves.
pub(crate) const CEILING: usize = 240;

const SLOTS: usize = 256;

/// A text of so many bytes makes too few values by straight words alone for their number to be looked at after each.
const SHORT: usize = 8192;

const _: () = assert!(NODES_MAX + SHORT / 2 < NO_VALUE.0 as usize - FIRST_NODE);

/// The slots at the start: each input by its number from the top.
static FRESH: [Id; BASE] = {
    let mut slots = [NO_VALUE; BASE];
    let mut i = 0;
    while i < BASE {
        slots[i] = Id((BASE - 1 - i) as u16);
        i += 1;
    }
    slots
};

/// The symbolic stack. Slots are taken modulo its size, so that no access can miss; the guard after each step keeps the
/// pointer within bounds.
pub(crate) struct Stack([Id; SLOTS]);

impl Stack {
    #[inline(always)]
    pub(crate) fn at(&self, slot: usize) -> Id {
        self.0[slot % SLOTS]
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, slot: usize, id: Id) {
        self.0[slot % SLOTS] = id;
    }

    #[inline(always)]
    pub(crate) fn slice(&self, from: usize, to: usize) -> &[Id] {
        &self.0[from..to]
    }

    pub(crate) fn slice_mut(&mut self, from: usize, to: usize) -> &mut [Id] {
        &mut self.0[from..to]
    }

    /// Inputs only, as at the start of a definition.
    #[inline(always)]
    pub(crate) fn refresh(&mut self) {
        self.0[..BASE].copy_from_slice(&FRESH);
    }
}

/// The memory of inference, to be used again and again: after the first few texts it allocates nothing.
pub struct Scratch {
    pub(crate) stack: Stack,
    pub(crate) graph: Graph,
    pub(crate) control: Box<Control>,
}

impl Scratch {
    /// Empty memory.
    pub fn new() -> Self {
        let mut graph = Graph::default();
        graph.nodes.reserve(256);
        graph.literals.reserve(64);
        Self { stack: Stack([NO_VALUE; SLOTS]), graph, control: Box::default() }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// The registers of symbolic execution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Regs {
    /// First free slot.
    pub(crate) sp: usize,
    /// Lowest slot touched.
    pub(crate) low: usize,
    /// Where the next token is looked for.
    pub(crate) at: usize,
}

impl Regs {
    /// At the start of a definition.
    #[inline(always)]
    pub(crate) fn start(at: usize) -> Self {
        Self { sp: BASE, low: BASE, at }
    }

    /// Notes that the top `n` cells are used.
    #[inline(always)]
    pub(crate) fn touch(&mut self, n: usize) {
        self.low = self.low.min(self.sp.wrapping_sub(n));
    }
}

/// A token with its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) bytes: &'t [u8],
    pub(crate) position: u32,
}

impl Token<'_> {
    pub(crate) fn error(self, kind: ErrorKind) -> EffectError {
        EffectError { kind, position: self.position, len: self.bytes.len() as u32 }
    }
}

pub(crate) type Step = Result<Regs, EffectError>;

/// One inference under way.
pub(crate) struct Machine<'m, 't> {
    pub(crate) s: &'m mut Scratch,
    pub(crate) env: &'m dyn WordEnv,
    pub(crate) text: &'t [u8],
    /// Lowest slot that may be touched.
    pub(crate) floor: usize,
    /// Names are looked up among locals, definitions of the text and overriding words first.
    pub(crate) shadowed: bool,
    /// The declaration that binds the code here.
    pub(crate) declared: Option<(u8, u8)>,
    /// So many definitions of the text can be found.
    pub(crate) visible: usize,
    list: List<'m>,
}

/// What is read, where it is no text.
#[derive(Clone, Copy)]
enum List<'m> {
    Text,
    Words(&'m [Word]),
    Names(&'m [&'m str]),
}

impl<'m, 't> Machine<'m, 't> {
    #[inline(always)]
    pub(crate) fn new(s: &'m mut Scratch, env: &'m dyn WordEnv, text: &'t [u8]) -> Self {
        s.stack.refresh();
        s.graph.clear();
        if s.control.used {
            s.control.reset();
        }
        let (shadowed, declared) = env.settings();
        let (floor, visible) = (floor_of(declared), usize::MAX);
        Self { s, env, text, floor, shadowed, declared, visible, list: List::Text }
    }

    /// Runs the text to its end.
    #[inline(always)]
    pub(crate) fn run(&mut self, r: Regs) -> Step {
        if self.text.len() > SHORT { self.run_long(r) } else { self.run_text::<false>(r) }
    }

    #[cold]
    #[inline(never)]
    fn run_long(&mut self, r: Regs) -> Step {
        self.run_text::<true>(r)
    }

    #[inline(always)]
    fn run_text<const LONG: bool>(&mut self, mut r: Regs) -> Step {
        let text = self.text;
        let ending = Ending::new(text);
        loop {
            let raw = match text.get(r.at..).and_then(|rest| rest.first_chunk()) {
                Some(bytes) => u64::from_le_bytes(*bytes),
                None if r.at < text.len() => ending.from(r.at),
                None => return Ok(r),
            };
            let delimiters = delimiters_in(raw);
            let len = delimiters.trailing_zeros() as usize / 8;
            // The bytes before the first delimiter; of eight the last is lost, and no name in the table is so long.
            let key = raw & ((delimiters ^ delimiters.wrapping_sub(1)) >> 8);
            let start = r.at;
            r.at = start + len + 1;
            if let Some(word) = straight_word(key)
                && !self.shadowed
                && len < 8
            {
                straight(self.s, word, &mut r, start as u32);
                if self.is_within(&r) && (!LONG || self.has_room()) {
                    continue;
                }
            } else if len == 0 {
                continue;
            } else {
                r = self.other(start, raw as u8, r)?;
                if self.is_within(&r) && self.has_room() {
                    continue;
                }
            }
            r = self.beyond(start, r)?;
        }
    }

    /// Runs words of the table; `literal` takes the next of `literals`.
    #[inline(always)]
    pub(crate) fn run_words(&mut self, words: &'m [Word], literals: &[Cell]) -> Step {
        if words.len() > SHORT / 2 {
            return self.run_long_list(words, literals);
        }
        self.run_list::<false>(words, literals)
    }

    #[cold]
    #[inline(never)]
    fn run_long_list(&mut self, words: &'m [Word], literals: &[Cell]) -> Step {
        self.run_list::<true>(words, literals)
    }

    #[inline(always)]
    fn run_list<const LONG: bool>(&mut self, words: &'m [Word], literals: &[Cell]) -> Step {
        let mut r = Regs::start(0);
        let mut n_literals = 0;
        while let Some(&word) = words.get(r.at) {
            let start = r.at;
            r.at += 1;
            if straight(self.s, word, &mut r, start as u32) {
                if self.is_within(&r) && (!LONG || self.has_room()) {
                    continue;
                }
            } else {
                r = match (word, literals.get(n_literals)) {
                    (Word::Literal, Some(&value)) => {
                        n_literals += 1;
                        self.push_literal(value, start as u32, r)
                    }
                    _ => self.listed(words, word, start, r)?,
                };
                if self.is_within(&r) && self.has_room() {
                    continue;
                }
            }
            r = self.beyond(start, r)?;
        }
        Ok(r)
    }

    /// Runs names one by one.
    #[inline(always)]
    pub(crate) fn run_names(&mut self, names: &'m [&'m str]) -> Step {
        let mut r = Regs::start(0);
        while let Some(name) = names.get(r.at) {
            let start = r.at;
            r.at += 1;
            if let Some(word) = key_of(name.as_bytes()).and_then(straight_word)
                && !self.shadowed
            {
                straight(self.s, word, &mut r, start as u32);
            } else {
                r = self.named(names, name, start, r)?;
            }
            if !self.is_within(&r) || !self.has_room() {
                r = self.beyond(start, r)?;
            }
        }
        Ok(r)
    }

    #[inline(always)]
    fn is_within(&self, r: &Regs) -> bool {
        r.low >= self.floor && r.sp <= CEILING
    }

    #[inline(always)]
    fn has_room(&self) -> bool {
        self.s.graph.nodes.len() <= NODES_MAX
    }

    /// The registers left their bounds: an error, unless the code is never reached.
    #[cold]
    #[inline(never)]
    fn beyond(&mut self, start: usize, mut r: Regs) -> Step {
        if self.s.graph.nodes.len() <= NODES_MAX && self.s.control.dead {
            r.low = self.s.control.low_alive;
            r.sp = BASE;
            return Ok(r);
        }
        let kind = if self.s.graph.nodes.len() > NODES_MAX {
            ErrorKind::TooLarge
        } else if r.sp > CEILING {
            ErrorKind::TooDeep
        } else {
            self.underflow()
        };
        Err(self.token_at(start).error(kind))
    }

    pub(crate) fn underflow(&self) -> ErrorKind {
        match self.declared {
            Some((declared, _)) if self.floor != FLOOR => ErrorKind::Underflow { declared },
            _ => ErrorKind::TooManyInputs,
        }
    }

    /// The token at an offset of the text; without a text, the word at an index.
    pub(crate) fn token_at(&self, start: usize) -> Token<'t> {
        let rest = self.text.get(start..).unwrap_or(&[]);
        let len = rest.iter().position(|&byte| byte <= b' ').unwrap_or(rest.len());
        Token { bytes: &rest[..len], position: start as u32 }
    }

    /// The next token at or after an offset, and where to go on behind it.
    pub(crate) fn next_token(&self, at: usize) -> Option<(Token<'t>, usize)> {
        let skip = self.text.get(at..)?.iter().position(|&byte| byte > b' ')?;
        let token = self.token_at(at + skip);
        Some((token, at + skip + token.bytes.len() + 1))
    }

    /// A token that is not one of the common words.
    #[cold]
    #[inline(never)]
    fn other(&mut self, start: usize, first: u8, mut r: Regs) -> Step {
        let token = self.token_at(start);
        r.at = start + token.bytes.len() + 1;
        // Measured: most of what comes here is a number; a digit in front decides quickly.
        if !self.shadowed
            && first.is_ascii_digit()
            && let Some(Number::Single(value)) = number(token.bytes, 10)
        {
            return Ok(self.push_literal(value, token.position, r));
        }
        self.token(token, r)
    }

    /// Any token, by all rules.
    pub(crate) fn token(&mut self, token: Token<'_>, r: Regs) -> Step {
        if self.shadowed
            && let Some(r) = self.shadowing(token, r)?
        {
            return Ok(r);
        }
        if let Some(word) = words::lookup(token.bytes) {
            return self.word(word, token, r);
        }
        match number(token.bytes, 10) {
            Some(Number::Single(value)) => Ok(self.push_literal(value, token.position, r)),
            Some(Number::Double(value)) => {
                let r = self.push_literal(value as Cell, token.position, r);
                Ok(self.push_literal((value >> 64) as Cell, token.position, r))
            }
            Some(Number::TooLarge) | None => self.foreign(token, r),
        }
    }

    #[cold]
    #[inline(never)]
    fn listed(&mut self, words: &'m [Word], word: Word, start: usize, r: Regs) -> Step {
        self.list = List::Words(words);
        self.word(word, Token { bytes: &[], position: start as u32 }, r)
    }

    #[cold]
    #[inline(never)]
    fn named(&mut self, names: &'m [&'m str], name: &str, start: usize, r: Regs) -> Step {
        self.list = List::Names(names);
        self.token(Token { bytes: name.as_bytes(), position: start as u32 }, r)
    }

    /// The word of the table that comes next, past comments, and where to go on behind it.
    pub(crate) fn peek(&self, at: usize) -> Option<(Word, Token<'t>, usize)> {
        match self.list {
            List::Words(words) => {
                words.get(at).map(|&word| (word, Token { bytes: &[], position: at as u32 }, at + 1))
            }
            List::Names(names) => {
                let word = words::lookup(names.get(at)?.as_bytes())?;
                Some((word, Token { bytes: &[], position: at as u32 }, at + 1))
            }
            List::Text => {
                let (token, at) = self.next_code(at)?;
                let is_own = self.shadowed && self.is_shadowing(token.bytes);
                Some((words::lookup(token.bytes).filter(|_| !is_own)?, token, at))
            }
        }
    }

    /// The next token that is not a comment.
    pub(crate) fn next_code(&self, mut at: usize) -> Option<(Token<'t>, usize)> {
        loop {
            let (token, next) = self.next_token(at)?;
            let behind = self.text.get(token.position as usize + 1..)?;
            let len = match token.bytes {
                b"(" => behind.iter().position(|&byte| byte == b')')?,
                b"\\" => behind.iter().position(|&byte| byte == b'\n')?,
                _ => return Some((token, next)),
            };
            at = token.position as usize + 1 + len + 1;
        }
    }

    pub(crate) fn push_literal(&mut self, value: Cell, position: u32, mut r: Regs) -> Regs {
        let id = self.s.graph.literal(value, position);
        self.push(id, &mut r);
        r
    }

    pub(crate) fn push(&mut self, id: Id, r: &mut Regs) {
        self.s.stack.set(r.sp, id);
        r.sp += 1;
    }

    /// A word of the table that is not one of the common ones, or is found by a rare way.
    pub(crate) fn word(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        if straight(self.s, word, &mut r, token.position) {
            return Ok(r);
        }
        match word {
            Word::SlashMod | Word::StarSlashMod | Word::SToD | Word::DToS | Word::Bl => {
                self.split(word, token.position, &mut r);
                Ok(r)
            }
            Word::Depth | Word::DeferFetch => {
                self.s.control.note_impure();
                self.generic(word, token.position, &mut r);
                Ok(r)
            }
            Word::EndStructure => {
                self.s.control.note_impure();
                self.generic(word, token.position, &mut r);
                self.note_blank(r);
                Ok(r)
            }
            Word::See if !self.is_compiling() => {
                self.s.control.note_impure();
                let (_, at) = self.name_after(token, r.at)?;
                Ok(Regs { at, ..r })
            }
            _ => match word.def().kind {
                Kind::Stack | Kind::Op | Kind::Flag => {
                    self.generic(word, token.position, &mut r);
                    Ok(r)
                }
                Kind::Memory | Kind::Io => {
                    self.s.control.note_impure();
                    self.generic(word, token.position, &mut r);
                    Ok(r)
                }
                Kind::Return => self.return_word(word, token, r),
                Kind::Control => self.control_word(word, token, r),
                Kind::Dynamic => self.dynamic_word(word, token, r),
                Kind::Defining | Kind::Parsing => self.source_word(word, token, r),
            },
        }
    }

    /// Words whose results are simpler than a node of their own.
    fn split(&mut self, word: Word, position: u32, r: &mut Regs) {
        let graph = &mut self.s.graph;
        let stack = &mut self.s.stack;
        let sp = r.sp;
        match word {
            Word::SlashMod => {
                r.touch(2);
                let (a, b) = (stack.at(sp - 2), stack.at(sp - 1));
                stack.set(sp - 2, graph.push(Op::Word(Word::Mod), a, b, NO_VALUE, position));
                stack.set(sp - 1, graph.push(Op::Word(Word::Slash), a, b, NO_VALUE, position));
            }
            Word::StarSlashMod => {
                r.touch(3);
                let (a, b, c) = (stack.at(sp - 3), stack.at(sp - 2), stack.at(sp - 1));
                stack.set(sp - 3, graph.push(Op::Word(Word::StarSlashMod), a, b, c, position));
                stack.set(sp - 2, graph.push(Op::Word(Word::StarSlash), a, b, c, position));
                r.sp -= 1;
            }
            Word::SToD => {
                r.touch(1);
                let a = stack.at(sp - 1);
                stack.set(sp, graph.push(Op::Second(Word::SToD), a, NO_VALUE, NO_VALUE, position));
                r.sp += 1;
            }
            Word::DToS => {
                r.touch(2);
                r.sp -= 1;
            }
            _ => {
                stack.set(sp, graph.literal(32, position));
                r.sp += 1;
            }
        }
    }

    /// Any word with fixed counts: one node for each result.
    fn generic(&mut self, word: Word, position: u32, r: &mut Regs) {
        let (n_in, n_out) = (word.def().n_in as usize, word.def().n_out as usize);
        r.touch(n_in);
        let from = r.sp - n_in;
        let operand = |k: usize| if k < n_in { self.s.stack.at(from + k) } else { NO_VALUE };
        let (mut a, b, c) = (operand(0), operand(1), operand(2));
        let mut kept = true;
        if n_in > 3 && n_out > 0 {
            let at = self.s.graph.keep_args(self.s.stack.slice(from, r.sp));
            kept = at.is_some();
            a = at.unwrap_or(NO_VALUE);
        }
        for k in 0..n_out {
            let id = match k {
                _ if !kept => self.s.graph.unknown(position),
                0 => self.s.graph.push(Op::Word(word), a, b, c, position),
                1 => self.s.graph.push(Op::Second(word), a, b, c, position),
                2 => self.s.graph.push(Op::Third(word), a, b, c, position),
                _ => self.s.graph.unknown(position),
            };
            self.s.stack.set(from + k, id);
        }
        r.sp = from + n_out;
    }

    /// A call: takes the arguments and leaves a node for each result.
    pub(crate) fn call(
        &mut self,
        name: &[u8],
        effect: WordEffect,
        constant: Option<Cell>,
        token: Token<'_>,
        mut r: Regs,
    ) -> Step {
        let (n_in, n_out) = (effect.n_in as usize, effect.n_out as usize);
        if r.sp < self.floor + n_in {
            return if self.s.control.dead { Ok(r) } else { Err(token.error(self.underflow())) };
        }
        if r.sp + n_out - n_in > CEILING {
            return Err(token.error(ErrorKind::TooDeep));
        }
        if !effect.pure {
            self.s.control.note_impure();
        }
        r.touch(n_in);
        let from = r.sp - n_in;
        if self.s.graph.calls.len() > NODES_MAX {
            return Err(token.error(ErrorKind::TooLarge));
        }
        let call = self.name_call(name, effect, constant);
        let args = self.s.stack.slice(from, r.sp);
        self.s.graph.args.extend_from_slice(args);
        for k in 0..n_out {
            let id = self.s.graph.push(Op::Call, call, Id(k as u16), NO_VALUE, token.position);
            self.s.stack.set(from + k, id);
        }
        r.sp = from + n_out;
        Ok(r)
    }

    /// A call with a name, its arguments to be appended to `args`.
    pub(crate) fn name_call(&mut self, name: &[u8], effect: WordEffect, constant: Option<Cell>) -> Id {
        let graph = &mut self.s.graph;
        let start = graph.names.len() as u32;
        graph.names.push_str(&String::from_utf8_lossy(name));
        let id = Id(graph.calls.len() as u16);
        graph.calls.push(crate::effect::node::Call {
            name: (start, graph.names.len() as u32),
            args: graph.args.len() as u32,
            n_in: effect.n_in,
            n_out: effect.n_out,
            flags: effect.flags,
            pure: effect.pure,
            constant,
        });
        id
    }
}

/// The lowest slot that a declaration lets the code touch.
#[inline(always)]
pub(crate) fn floor_of(declared: Option<(u8, u8)>) -> usize {
    match declared {
        Some((n_in, _)) => BASE - (n_in as usize).min(BASE - FLOOR),
        None => FLOOR,
    }
}

/// Runs a word that only moves cells or computes from one or two of them; `false` for all others, and then nothing has
/// happened. This is the hot path: no check, no call, the pointer is looked at afterwards.
#[inline(always)]
fn straight(s: &mut Scratch, word: Word, r: &mut Regs, position: u32) -> bool {
    use Word::*;
    let stack = &mut s.stack;
    let sp = r.sp;
    match word {
        Dup => {
            r.touch(1);
            stack.set(sp, stack.at(sp - 1));
            r.sp += 1;
        }
        Drop => {
            r.touch(1);
            r.sp -= 1;
        }
        Swap => {
            r.touch(2);
            let (a, b) = (stack.at(sp - 2), stack.at(sp - 1));
            stack.set(sp - 2, b);
            stack.set(sp - 1, a);
        }
        Over => {
            r.touch(2);
            stack.set(sp, stack.at(sp - 2));
            r.sp += 1;
        }
        Rot => {
            r.touch(3);
            let (a, b, c) = (stack.at(sp - 3), stack.at(sp - 2), stack.at(sp - 1));
            stack.set(sp - 3, b);
            stack.set(sp - 2, c);
            stack.set(sp - 1, a);
        }
        MinusRot => {
            r.touch(3);
            let (a, b, c) = (stack.at(sp - 3), stack.at(sp - 2), stack.at(sp - 1));
            stack.set(sp - 3, c);
            stack.set(sp - 2, a);
            stack.set(sp - 1, b);
        }
        Nip => {
            r.touch(2);
            stack.set(sp - 2, stack.at(sp - 1));
            r.sp -= 1;
        }
        Tuck => {
            r.touch(2);
            let (a, b) = (stack.at(sp - 2), stack.at(sp - 1));
            stack.set(sp - 2, b);
            stack.set(sp - 1, a);
            stack.set(sp, b);
            r.sp += 1;
        }
        TwoDup => {
            r.touch(2);
            stack.set(sp, stack.at(sp - 2));
            stack.set(sp + 1, stack.at(sp - 1));
            r.sp += 2;
        }
        TwoDrop => {
            r.touch(2);
            r.sp -= 2;
        }
        TwoSwap => {
            r.touch(4);
            let (a, b, c, d) = (stack.at(sp - 4), stack.at(sp - 3), stack.at(sp - 2), stack.at(sp - 1));
            stack.set(sp - 4, c);
            stack.set(sp - 3, d);
            stack.set(sp - 2, a);
            stack.set(sp - 1, b);
        }
        TwoOver => {
            r.touch(4);
            stack.set(sp, stack.at(sp - 4));
            stack.set(sp + 1, stack.at(sp - 3));
            r.sp += 2;
        }
        TwoRot => {
            r.touch(6);
            let (a, b) = (stack.at(sp - 6), stack.at(sp - 5));
            for slot in sp - 6..sp - 2 {
                stack.set(slot, stack.at(slot + 2));
            }
            stack.set(sp - 2, a);
            stack.set(sp - 1, b);
        }
        Plus | Minus | Star | Slash | Mod | Min | Max | LShift | RShift | And | Or | Xor | Equals
        | NotEquals | Less | Greater | LessEq | GreaterEq | ULess | UGreater => {
            r.touch(2);
            let (a, b) = (stack.at(sp - 2), stack.at(sp - 1));
            stack.set(sp - 2, s.graph.push(Op::Word(word), a, b, NO_VALUE, position));
            r.sp -= 1;
        }
        OnePlus | OneMinus | TwoStar | TwoSlash | Negate | Abs | Invert | ZeroEquals | ZeroNotEquals
        | ZeroLess | ZeroGreater => {
            r.touch(1);
            let a = stack.at(sp - 1);
            stack.set(sp - 1, s.graph.push(Op::Word(word), a, NO_VALUE, NO_VALUE, position));
        }
        _ => return false,
    }
    true
}
