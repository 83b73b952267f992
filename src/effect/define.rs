//! Definitions: how a body begins, what holds at its end, and what is kept of it.

use crate::effect::env::WordEffect;
use crate::effect::error::{EffectError, ErrorKind};
use crate::effect::machine::{BASE, FLOOR, Machine, Regs, Step, Token, floor_of};
use crate::effect::name::{Made, Making};
use crate::effect::node::{NO_VALUE, Op};
use crate::effect::notation;
use crate::forth::words::{self, Word};
use crate::model::Cell;

/// How often a definition is read again until its recursion fits.
const RERUNS_MAX: u8 = 4;

/// A range of the text.
pub(crate) type Span = (u32, u32);

/// What is being read.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OpenKind {
    /// Code outside a definition, which is interpreted.
    #[default]
    Bare,
    /// `: name … ;`
    Colon,
    /// `:noname … ;`
    NoName,
    /// `[: … ;]`
    Quotation,
}

/// The definition that is being read; bare code counts as one without a name.
#[derive(Clone, Copy, Default)]
pub(crate) struct Open {
    pub(crate) kind: OpenKind,
    pub(crate) name: Span,
    /// The word that a message about a missing end shows.
    pub(crate) opener: Span,
    /// Behind the name and the first comments.
    pub(crate) body_start: usize,
    /// The first stack comment before the body, where it could be counted.
    pub(crate) comment: Option<Comment>,
    /// What `recurse` does, as declared by the comment or found out by reading the body once.
    pub(crate) recursion: Option<(u8, u8)>,
    /// Where the last `recurse` stands.
    pub(crate) recursed: Option<u32>,
    pub(crate) reruns: u8,
    /// What running the body makes.
    pub(crate) making: Making,
    /// Running the body compiles something.
    pub(crate) compiles: bool,
    /// What stands before `does>`, once that is passed.
    pub(crate) before_does: Option<Definition>,
}

/// A stack comment in the code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comment {
    /// Its text without the parentheses.
    pub(crate) span: Span,
    pub(crate) counts: notation::Counts,
}

/// What kind of word a definition is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DefinitionKind {
    /// Code, or a number that stays what it is.
    Code,
    /// Memory with a name.
    Data,
    /// What CREATE made: an address; `does>` may change it.
    Created,
    /// What `does>` changed, and may change again.
    Does,
    /// So many cells that `to` changes.
    Value(u8),
    /// What `is` changes.
    Deferred(Deferred),
    /// Forgets what was defined since.
    Marker,
    /// Another name for a word of the table.
    Alias(Word),
}

/// What is known of the action of a deferred word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deferred {
    Unknown,
    /// From the action that it was given.
    Given,
    /// From the comment behind its name.
    Declared,
}

/// A finished definition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Definition {
    pub(crate) name: Span,
    pub(crate) kind: DefinitionKind,
    pub(crate) n_in: u8,
    pub(crate) outs: Span,
    pub(crate) comment: Option<Comment>,
    pub(crate) pure: bool,
    pub(crate) diverges: bool,
    pub(crate) flags: u32,
    /// The number that it always leaves.
    pub(crate) constant: Option<Cell>,
    pub(crate) immediate: bool,
    /// Running it compiles something.
    pub(crate) compiles: bool,
    pub(crate) making: Making,
    /// The text between its name and its end.
    pub(crate) body: Span,
    /// A marker was run that forgets it.
    pub(crate) forgotten: bool,
}

impl Definition {
    pub(crate) fn effect(&self) -> WordEffect {
        WordEffect {
            n_in: self.n_in,
            n_out: (self.outs.1 - self.outs.0) as u8,
            flags: self.flags,
            pure: self.pure,
        }
    }
}

/// What comes after the end of a body.
pub(crate) enum Ended {
    /// It is done; the cells between `low` and `sp` are its results.
    Done { r: Regs, diverges: bool },
    /// It must be read again from here, now that more is known about `recurse`.
    Again(Regs),
}

impl<'t> Machine<'_, 't> {
    pub(crate) fn span(&self, span: Span) -> &'t [u8] {
        &self.text[span.0 as usize..span.1 as usize]
    }

    /// Words are compiled here, not interpreted.
    pub(crate) fn is_compiling(&self) -> bool {
        self.s.control.open.kind != OpenKind::Bare && self.s.control.flow.bracket.is_none()
    }

    /// `: name` or `:noname`.
    pub(crate) fn colon(&mut self, word: Word, token: Token<'_>, r: Regs) -> Step {
        if self.s.control.open.kind != OpenKind::Bare || self.s.control.flow.bracket.is_some() {
            return Err(token.error(ErrorKind::Misplaced));
        }
        let opener = (token.position, token.position + token.bytes.len() as u32);
        let (kind, name, at) = match word {
            Word::NoName => (OpenKind::NoName, (0, 0), r.at),
            _ => {
                let (name, at) = self.name_after(token, r.at)?;
                (OpenKind::Colon, (name.position, name.position + name.bytes.len() as u32), at)
            }
        };
        self.enter_body(r);
        let opener = if name == (0, 0) { opener } else { name };
        self.s.control.open = Open { kind, name, opener, body_start: at, ..Open::default() };
        let binds = kind == OpenKind::Colon && self.is_last_definition(at);
        self.declared = if binds { self.env.declared() } else { None };
        Ok(self.begin_body(at))
    }

    fn is_last_definition(&self, mut at: usize) -> bool {
        while let Some((token, next)) = self.next_token(at) {
            if token.bytes == b";" {
                return self.next_token(next).is_none_or(|_| !self.has_code(next));
            }
            at = next;
        }
        true
    }

    /// Whether a definition or bare code stands behind an offset.
    fn has_code(&self, mut at: usize) -> bool {
        while let Some((token, next)) = self.next_token(at) {
            let rest = &self.text[token.position as usize..];
            at = match words::lookup(token.bytes) {
                Some(Word::Immediate) => next,
                Some(Word::Paren) => {
                    token.position as usize
                        + rest.iter().position(|&b| b == b')').map_or(rest.len(), |n| n + 1)
                }
                Some(Word::Backslash) => {
                    token.position as usize + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())
                }
                _ => return true,
            };
        }
        false
    }

    pub(crate) fn begin_body(&mut self, at: usize) -> Regs {
        self.s.stack.refresh();
        self.s.control.reset_flow();
        self.floor = floor_of(self.declared);
        Regs::start(at)
    }

    pub(crate) fn semicolon(&mut self, token: Token<'_>, r: Regs) -> Step {
        let kind = self.s.control.open.kind;
        if !matches!(kind, OpenKind::Colon | OpenKind::NoName) || self.s.control.flow.bracket.is_some() {
            return Err(token.error(ErrorKind::Misplaced));
        }
        match self.end_body(token, r)? {
            Ended::Again(again) => Ok(again),
            Ended::Done { r: done, diverges } => {
                self.end_definition(done, diverges, token.position);
                self.shadowed = true;
                let mut outer = self.leave_body(r.at);
                self.s.control.open = Open { body_start: r.at.min(self.text.len()), ..Open::default() };
                self.declared = self.env.declared();
                if kind == OpenKind::NoName {
                    let index = self.s.control.definitions.len() - 1;
                    let xt = self.definition_token(b":noname", index, token);
                    self.push(xt, &mut outer);
                }
                Ok(outer)
            }
        }
    }

    /// Keeps the definition that is open, now that its body is read.
    fn end_definition(&mut self, r: Regs, diverges: bool, end: u32) {
        self.record(r, diverges);
        let before_does = self.s.control.open.before_does;
        let Some(last) = self.s.control.definitions.last_mut() else { return };
        if let Some(definition) = before_does {
            // The body behind `does>` is the effect of what the word makes.
            let made = Made { effect: last.effect(), kind: DefinitionKind::Does, constant: None };
            let making = match definition.making {
                Making::Nothing | Making::Change(_) => Making::Change(made),
                Making::Word(_) => Making::Word(made),
                Making::Many => Making::Many,
            };
            *last = Definition { making, ..definition };
        }
        last.body.1 = end;
    }

    /// `does>`: ends the code that makes a word; the code that the word is to run follows, over the address of its data.
    pub(crate) fn does(&mut self, token: Token<'_>, r: Regs) -> Step {
        let open = self.s.control.open;
        let is_definition = matches!(open.kind, OpenKind::Colon | OpenKind::NoName);
        if !is_definition || self.s.control.flow.bracket.is_some() {
            return Err(token.error(ErrorKind::Misplaced));
        }
        if open.before_does.is_some() {
            return Err(token.error(ErrorKind::NotStatic));
        }
        self.s.control.note_impure();
        match self.end_body(token, r)? {
            Ended::Again(again) => Ok(again),
            Ended::Done { r: done, diverges } => {
                self.record(done, diverges);
                self.s.control.open.before_does = self.s.control.definitions.pop();
                self.s.control.open.comment = None;
                self.s.control.open.recursion = None;
                self.s.control.open.body_start = r.at;
                self.declared = None;
                self.s.control.impure = false;
                let mut r = self.begin_body(r.at);
                let address = self.s.graph.push(Op::Address, NO_VALUE, NO_VALUE, NO_VALUE, token.position);
                self.push(address, &mut r);
                Ok(r)
            }
        }
    }

    /// Keeps a finished body among the definitions.
    pub(crate) fn record(&mut self, r: Regs, diverges: bool) {
        let control = &mut *self.s.control;
        let outs = self.s.stack.slice(r.low, r.sp);
        let (start, end) = (control.outs.len() as u32, (control.outs.len() + outs.len()) as u32);
        let mut flags = 0;
        for (k, &id) in outs.iter().take(32).enumerate() {
            flags |= (self.s.graph.is_flag(id) as u32) << k;
        }
        control.outs.extend_from_slice(outs);
        control.definitions.push(Definition {
            name: control.open.name,
            kind: DefinitionKind::Code,
            n_in: (BASE - r.low) as u8,
            outs: (start, end),
            comment: control.open.comment,
            pure: !control.impure,
            diverges,
            flags,
            constant: None,
            immediate: false,
            compiles: control.open.compiles,
            making: control.open.making,
            body: (control.open.body_start as u32, control.open.body_start as u32),
            forgotten: false,
        });
    }

    /// No definition and no quotation is open.
    pub(crate) fn expect_bare(&self) -> Result<(), EffectError> {
        let open = &self.s.control.open;
        let closer = match open.kind {
            OpenKind::Bare => return Ok(()),
            OpenKind::Colon | OpenKind::NoName => ";",
            OpenKind::Quotation => ";]",
        };
        let (position, end) = open.opener;
        Err(EffectError { kind: ErrorKind::Unterminated { closer }, position, len: end - position })
    }

    /// The end of the text: the last definition, or bare code behind it, is recorded last.
    pub(crate) fn finish(&mut self, r: Regs) -> Result<Option<Regs>, EffectError> {
        self.expect_bare()?;
        let open = self.s.control.open;
        let rest = self.text.get(open.body_start..).unwrap_or(&[]);
        if !self.s.control.definitions.is_empty() && rest.iter().all(|&byte| byte <= b' ') {
            return Ok(None);
        }
        let end = Token { bytes: &[], position: self.text.len() as u32 };
        match self.end_body(end, r)? {
            Ended::Again(again) => Ok(Some(again)),
            Ended::Done { r, diverges } => {
                self.record(r, diverges);
                Ok(None)
            }
        }
    }

    /// The end of a body: flow is joined, recursion and declaration must fit.
    pub(crate) fn end_body(&mut self, end: Token<'_>, r: Regs) -> Result<Ended, EffectError> {
        let flow = &self.s.control.flow;
        if flow.bracket.is_some() || !flow.waiting.is_empty() {
            return Err(end.error(ErrorKind::Misplaced));
        }
        let mut r = self.end_flow(end, r)?;
        let diverges = self.s.control.dead;
        if diverges {
            r.low = self.s.control.low_alive;
            r.sp = r.sp.max(r.low);
        }
        let inferred = ((BASE - r.low) as u8, (r.sp - r.low) as u8);
        if let Some(position) = self.s.control.open.recursed
            && let Some(again) = self.check_recursion(inferred, diverges, position)?
        {
            return Ok(Ended::Again(again));
        }
        if let Some(declared) = self.declared {
            let fits = diverges || fits(inferred, declared);
            if !fits || declared.0 as usize > BASE - FLOOR {
                return Err(end.error(ErrorKind::NotDeclared {
                    n_in: declared.0,
                    n_out: declared.1,
                    inferred_in: inferred.0,
                    inferred_out: inferred.1,
                }));
            }
            r.low = r.low.min(BASE - declared.0 as usize);
        } else if let Some(Comment { counts, .. }) = self.s.control.open.comment
            && let Some(n_in) = counts.fitting(inferred)
        {
            r.low = r.low.min(BASE - (n_in as usize).min(BASE - FLOOR));
        }
        Ok(Ended::Done { r, diverges })
    }

    /// Whether `recurse` did what the whole does; if that cannot be known yet, the registers to read the body again.
    fn check_recursion(
        &mut self,
        inferred: (u8, u8),
        diverges: bool,
        position: u32,
    ) -> Result<Option<Regs>, EffectError> {
        let len = Word::Recurse.name().len() as u32;
        let open = &mut self.s.control.open;
        let Some(assumed) = open.recursion.or(self.declared) else {
            if diverges {
                return Err(EffectError { kind: ErrorKind::NoBaseCase, position, len });
            }
            open.recursion = Some(inferred);
            return Ok(Some(self.again()));
        };
        if diverges || fits(inferred, assumed) {
            return Ok(None);
        }
        // The recursive branch may reach deeper than the others, or the comment may count a double cell as one name.
        let wide = open.comment.map(|comment| comment.counts.wide).filter(|&wide| wide != assumed);
        let deeper = fits(assumed, inferred).then_some(inferred).filter(|_| open.comment.is_none());
        match wide.or(deeper) {
            Some(next) if open.reruns < RERUNS_MAX && self.declared.is_none() => {
                open.reruns += 1;
                open.recursion = Some(next);
                Ok(Some(self.again()))
            }
            _ => {
                let kind = ErrorKind::RecurseDisagrees { n_in: assumed.0, n_out: assumed.1 };
                Err(EffectError { kind, position, len })
            }
        }
    }

    fn again(&mut self) -> Regs {
        let open = &mut self.s.control.open;
        open.recursed = None;
        open.making = Making::Nothing;
        open.compiles = false;
        let at = open.body_start;
        self.begin_body(at)
    }

    pub(crate) fn name_of_open(&self) -> &'t [u8] {
        match self.s.control.open.name {
            (0, 0) => b"recurse",
            name => self.span(name),
        }
    }
}

/// Whether one effect is another one with cells below that nobody touches.
pub(crate) fn fits(inferred: (u8, u8), declared: (u8, u8)) -> bool {
    inferred.0 <= declared.0 && declared.0 as i16 - inferred.0 as i16 == declared.1 as i16 - inferred.1 as i16
}
