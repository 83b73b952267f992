//! Words that read on in the source or make definitions, and what happens at the end of a definition.

use crate::effect::env::WordEffect;
use crate::effect::error::{EffectError, ErrorKind};
use crate::effect::machine::{BASE, FLOOR, Machine, Regs, Step, Token, floor_of};
use crate::effect::node::{Id, NO_VALUE, Op};
use crate::effect::notation;
use crate::forth::words::{self, Word};

/// Locals of one definition, at most.
const LOCALS_MAX: usize = 32;

/// How often a definition is read again until its recursion fits.
const RERUNS_MAX: u8 = 4;

/// A range of the text.
pub(crate) type Span = (u32, u32);

/// The definition that is being read; bare code counts as one without a name.
#[derive(Clone, Copy, Default)]
pub(crate) struct Open {
    pub(crate) is_colon: bool,
    pub(crate) name: Span,
    /// Behind the name and the first comments.
    pub(crate) body_start: usize,
    /// The first stack comment before the body, where it could be counted.
    pub(crate) comment: Option<Comment>,
    /// What `recurse` does, as declared by the comment or found out by reading the body once.
    pub(crate) recursion: Option<(u8, u8)>,
    /// Where the last `recurse` stands.
    pub(crate) recursed: Option<u32>,
    reruns: u8,
    impure_before: bool,
}

/// A stack comment in the code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comment {
    /// Its text without the parentheses.
    pub(crate) span: Span,
    pub(crate) counts: notation::Counts,
}

/// A finished definition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Definition {
    pub(crate) name: Span,
    pub(crate) n_in: u8,
    pub(crate) outs: Span,
    pub(crate) comment: Option<Comment>,
    pub(crate) pure: bool,
    pub(crate) diverges: bool,
    pub(crate) flags: u32,
}

impl Definition {
    fn effect(&self) -> WordEffect {
        WordEffect {
            n_in: self.n_in,
            n_out: (self.outs.1 - self.outs.0) as u8,
            flags: self.flags,
            pure: self.pure,
        }
    }
}

/// A local: its name and its place at the bottom of the return stack.
#[derive(Clone, Copy)]
pub(crate) struct Local {
    name: Span,
}

/// What comes after the end of a body.
pub(crate) enum Ended {
    /// It is done; the cells between `low` and `sp` are its results.
    Done { r: Regs, diverges: bool },
    /// It must be read again from here, now that more is known about `recurse`.
    Again(Regs),
}

impl<'t> Machine<'_, 't> {
    fn span(&self, span: Span) -> &'t [u8] {
        &self.text[span.0 as usize..span.1 as usize]
    }

    /// A name that stands over the standard's words: a local, a definition of this text, an overriding word.
    pub(crate) fn shadowing(&mut self, token: Token<'_>, mut r: Regs) -> Result<Option<Regs>, EffectError> {
        if let Some(slot) = self.local(token.bytes) {
            let value = self.s.control.returns[slot];
            self.push(value, &mut r);
            return Ok(Some(r));
        }
        let is_named = |definition: &&Definition| {
            definition.name != (0, 0) && self.span(definition.name).eq_ignore_ascii_case(token.bytes)
        };
        if let Some(definition) = self.s.control.definitions.iter().rev().find(is_named).copied() {
            let r = self.call(token.bytes, definition.effect(), token, r)?;
            if definition.diverges {
                self.die(r);
            }
            return Ok(Some(r));
        }
        if self.env.overrides_standard()
            && let Some(effect) = self.env_word(token)
        {
            return self.call(token.bytes, effect, token, r).map(Some);
        }
        Ok(None)
    }

    fn env_word(&self, token: Token<'_>) -> Option<WordEffect> {
        self.env.word(std::str::from_utf8(token.bytes).ok()?)
    }

    fn local(&self, name: &[u8]) -> Option<usize> {
        let locals = &self.s.control.locals;
        locals.iter().rposition(|local| self.span(local.name).eq_ignore_ascii_case(name))
    }

    /// A name that is neither in the table nor a number.
    pub(crate) fn foreign(&mut self, token: Token<'_>, r: Regs) -> Step {
        if let Some(effect) = self.env_word(token) {
            return self.call(token.bytes, effect, token, r);
        }
        let kind = if self.follows_broken_comment(token) {
            ErrorKind::CommentEndsEarly
        } else {
            ErrorKind::UnknownWord
        };
        Err(token.error(kind))
    }

    /// Whether the token is the rest of a comment such as `( a b -- gcd(a,b) )`.
    fn follows_broken_comment(&self, token: Token<'_>) -> bool {
        let before = &self.text[..(token.position as usize).min(self.text.len())];
        let Some(end) = before.iter().rposition(|&byte| byte == b')') else { return false };
        let is_glued = end > 0 && before[end - 1] > b' ';
        let mut rest = token.position as usize;
        while let Some((token, next)) = self.next_token(rest) {
            match token.bytes {
                b")" => return is_glued && before[..end].contains(&b'('),
                b"(" | b";" | b":" => return false,
                _ => rest = next,
            }
        }
        false
    }

    pub(crate) fn source_word(&mut self, word: Word, token: Token<'_>, r: Regs) -> Step {
        self.s.control.used = true;
        match word {
            Word::Paren => self.comment(token, r),
            Word::DotParen => self.comment(token, r),
            Word::Backslash => Ok(self.line_comment(r)),
            Word::Colon => self.colon(token, r),
            Word::Semicolon => self.semicolon(token, r),
            Word::SQuote | Word::DotQuote | Word::AbortQuote => self.string(word, token, r),
            Word::CharWord | Word::BracketChar => {
                let (name, at) = self.name_after(token, r.at)?;
                let first = std::str::from_utf8(name.bytes).ok().and_then(|name| name.chars().next());
                let r = Regs { at, ..r };
                Ok(self.push_literal(first.map_or(0, |c| c as i64), token.position, r))
            }
            Word::Tick | Word::BracketTick => {
                let (name, at) = self.name_after(token, r.at)?;
                let call = self.name_call(name.bytes, WordEffect::pure(0, 1));
                let id = self.s.graph.push(Op::Token, call, NO_VALUE, NO_VALUE, token.position);
                let mut r = Regs { at, ..r };
                self.push(id, &mut r);
                Ok(r)
            }
            Word::LocalsOpen => self.locals(token, r),
            Word::To | Word::Is => self.to(token, r),
            Word::LeftBracket | Word::RightBracket => self.bracket(word, token, r),
            Word::Literal | Word::TwoLiteral => self.compiled(word, token, r),
            Word::Immediate => {
                if self.is_before_body(token.position) {
                    self.s.control.open.body_start = r.at;
                }
                Ok(r)
            }
            Word::BufferColon => self.declare(1, WordEffect::pure(0, 1), token, r),
            Word::Variable | Word::TwoVariable | Word::Create => {
                self.declare(0, WordEffect::pure(0, 1), token, r)
            }
            Word::Constant => self.declare(1, WordEffect::pure(0, 1), token, r),
            Word::TwoConstant => self.declare(2, WordEffect::pure(0, 2), token, r),
            Word::Value => self.declare(1, WordEffect { n_out: 1, ..WordEffect::default() }, token, r),
            _ => Err(token.error(ErrorKind::NotStatic)),
        }
    }

    fn name_after(&self, token: Token<'_>, at: usize) -> Result<(Token<'t>, usize), EffectError> {
        self.next_token(at).ok_or(token.error(ErrorKind::NameMissing))
    }

    /// `[ … ]`: what stands there is computed early, with a stack of its own, and waits for `literal`.
    fn bracket(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        let control = &mut *self.s.control;
        match (word, control.bracket.take()) {
            (Word::LeftBracket, None) => {
                control.bracket = Some((r.sp, r.low));
                r.low = r.sp;
            }
            (Word::RightBracket, Some((sp, low))) if r.low >= sp => {
                control.waiting.extend_from_slice(self.s.stack.slice(sp, r.sp));
                (r.sp, r.low) = (sp, low);
            }
            _ => return Err(token.error(ErrorKind::Misplaced)),
        }
        Ok(r)
    }

    fn compiled(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        let n = if word == Word::Literal { 1 } else { 2 };
        let Some(from) = self.s.control.waiting.len().checked_sub(n) else {
            return Err(token.error(ErrorKind::Misplaced));
        };
        for k in from..from + n {
            let id = self.s.control.waiting[k];
            self.push(id, &mut r);
        }
        self.s.control.waiting.truncate(from);
        Ok(r)
    }

    fn comment(&mut self, token: Token<'_>, r: Regs) -> Step {
        let rest = self.text.get(r.at..).unwrap_or(&[]);
        let Some(len) = rest.iter().position(|&byte| byte == b')') else {
            return Err(token.error(ErrorKind::Unterminated { closer: ")" }));
        };
        let (start, end) = (r.at, r.at + len);
        let r = Regs { at: end + 1, ..r };
        if self.is_before_body(token.position) {
            let open = &mut self.s.control.open;
            open.body_start = r.at;
            if open.comment.is_none()
                && let Ok(text) = std::str::from_utf8(&self.text[start..end])
                && let Some(counts) = notation::count(text)
            {
                open.comment = Some(Comment { span: (start as u32, end as u32), counts });
                open.recursion = Some((counts.n_in, counts.n_out));
            }
        }
        Ok(r)
    }

    /// Nothing but blanks and comments since the start of the body.
    fn is_before_body(&self, position: u32) -> bool {
        let gap = self.text.get(self.s.control.open.body_start..position as usize);
        gap.is_some_and(|gap| gap.iter().all(|&byte| byte <= b' '))
    }

    fn line_comment(&mut self, r: Regs) -> Regs {
        // The delimiter behind the backslash may itself have been the end of the line.
        let from = r.at - 1;
        let rest = self.text.get(from..).unwrap_or(&[]);
        let len = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let before = self.is_before_body((from - 1) as u32);
        let r = Regs { at: from + len + 1, ..r };
        if before {
            self.s.control.open.body_start = r.at.min(self.text.len());
        }
        r
    }

    fn string(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        let rest = self.text.get(r.at..).unwrap_or(&[]);
        let Some(len) = rest.iter().position(|&byte| byte == b'"') else {
            return Err(token.error(ErrorKind::Unterminated { closer: "\"" }));
        };
        r.at += len + 1;
        if word != Word::SQuote {
            self.s.control.note_impure();
            if word == Word::AbortQuote {
                self.pop(&mut r);
            }
            return Ok(r);
        }
        let address = self.s.graph.push(Op::Text, NO_VALUE, NO_VALUE, NO_VALUE, token.position);
        self.push(address, &mut r);
        Ok(self.push_literal(len as i64, token.position, r))
    }

    fn colon(&mut self, token: Token<'_>, r: Regs) -> Step {
        if self.s.control.open.is_colon {
            return Err(token.error(ErrorKind::Misplaced));
        }
        let (name, at) = self.name_after(token, r.at)?;
        let start = name.position;
        self.s.control.open = Open {
            is_colon: true,
            name: (start, start + name.bytes.len() as u32),
            body_start: at,
            impure_before: self.s.control.impure,
            ..Open::default()
        };
        self.s.control.impure = false;
        self.declared = if self.is_last_definition(at) { self.env.declared() } else { None };
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

    fn begin_body(&mut self, at: usize) -> Regs {
        self.s.stack.refresh();
        self.s.control.reset_flow();
        self.floor = floor_of(self.declared);
        Regs::start(at)
    }

    fn semicolon(&mut self, token: Token<'_>, r: Regs) -> Step {
        if !self.s.control.open.is_colon {
            return Err(token.error(ErrorKind::Misplaced));
        }
        match self.end_body(token, r)? {
            Ended::Again(again) => Ok(again),
            Ended::Done { r: done, diverges } => {
                self.record(done, diverges);
                self.shadowed = true;
                let impure = self.s.control.impure | self.s.control.open.impure_before;
                self.s.control.impure = impure;
                self.s.control.open = Open { body_start: r.at, ..Open::default() };
                self.declared = self.env.declared();
                Ok(self.begin_body(r.at))
            }
        }
    }

    /// Keeps a finished body among the definitions.
    pub(crate) fn record(&mut self, r: Regs, diverges: bool) {
        let control = &mut *self.s.control;
        let outs = self.s.stack.slice(r.low, r.sp);
        let start = control.outs.len() as u32;
        control.outs.extend_from_slice(outs);
        let mut flags = 0;
        for (k, &id) in outs.iter().take(32).enumerate() {
            flags |= (self.s.graph.is_flag(id) as u32) << k;
        }
        control.definitions.push(Definition {
            name: control.open.name,
            n_in: (BASE - r.low) as u8,
            outs: (start, control.outs.len() as u32),
            comment: control.open.comment,
            pure: !control.impure,
            diverges,
            flags,
        });
    }

    /// The end of the text: the last definition, or bare code behind it, is recorded last.
    pub(crate) fn finish(&mut self, r: Regs) -> Result<Option<Regs>, EffectError> {
        let open = self.s.control.open;
        if open.is_colon {
            let position = open.name.0;
            let len = open.name.1 - open.name.0;
            return Err(EffectError { kind: ErrorKind::Unterminated { closer: ";" }, position, len });
        }
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
        if self.s.control.bracket.is_some() || !self.s.control.waiting.is_empty() {
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
        let at = self.s.control.open.body_start;
        self.s.control.open.recursed = None;
        self.begin_body(at)
    }

    pub(crate) fn name_of_open(&self) -> &'t [u8] {
        match self.s.control.open.name {
            (0, 0) => b"recurse",
            name => self.span(name),
        }
    }

    fn locals(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        let flat = self.s.control.is_flat() && self.s.control.returns.is_empty();
        if !flat || !self.s.control.locals.is_empty() {
            return Err(token.error(ErrorKind::Misplaced));
        }
        let unterminated = token.error(ErrorKind::Unterminated { closer: ":}" });
        let mut section = b'a';
        let mut n_args = 0;
        loop {
            let (name, at) = self.next_token(r.at).ok_or(unterminated)?;
            r.at = at;
            match name.bytes {
                b":}" => break,
                b"--" => section = b'-',
                b"|" if section == b'a' => section = b'|',
                _ if section == b'-' => {}
                bytes => {
                    let start = name.position;
                    self.s.control.locals.push(Local { name: (start, start + bytes.len() as u32) });
                    n_args += (section == b'a') as usize;
                }
            }
        }
        let n = self.s.control.locals.len();
        if n > LOCALS_MAX {
            return Err(token.error(ErrorKind::TooLarge));
        }
        if r.sp < self.floor + n_args {
            return Err(token.error(self.underflow()));
        }
        r.touch(n_args);
        r.sp -= n_args;
        self.s.control.returns.extend_from_slice(self.s.stack.slice(r.sp, r.sp + n_args));
        for _ in n_args..n {
            let id = self.s.graph.unknown(token.position);
            self.s.control.returns.push(id);
        }
        self.shadowed = true;
        Ok(r)
    }

    /// `to name`, `is name`.
    fn to(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        let (name, at) = self.name_after(token, r.at)?;
        r.at = at;
        let value: Id = self.pop(&mut r);
        match self.local(name.bytes) {
            Some(slot) => self.s.control.returns[slot] = value,
            None => self.s.control.note_impure(),
        }
        Ok(r)
    }

    /// `variable x`, `5 constant x`: outside a definition they take their values and make a word.
    fn declare(&mut self, n_in: usize, effect: WordEffect, token: Token<'_>, mut r: Regs) -> Step {
        if self.s.control.open.is_colon {
            return Err(token.error(ErrorKind::NotStatic));
        }
        let (name, at) = self.name_after(token, r.at)?;
        r.at = at;
        if r.sp < self.floor + n_in {
            return Err(token.error(self.underflow()));
        }
        r.touch(n_in);
        r.sp -= n_in;
        let control = &mut *self.s.control;
        let start = control.outs.len() as u32;
        for _ in 0..effect.n_out {
            let id = self.s.graph.unknown(token.position);
            control.outs.push(id);
        }
        let name_start = name.position;
        control.definitions.push(Definition {
            name: (name_start, name_start + name.bytes.len() as u32),
            n_in: 0,
            outs: (start, start + effect.n_out as u32),
            comment: None,
            pure: effect.pure,
            diverges: false,
            flags: 0,
        });
        self.shadowed = true;
        if r.sp == BASE && r.low == BASE {
            control.open.body_start = r.at.min(self.text.len());
        }
        Ok(r)
    }
}

/// Whether one effect is another one with cells below that nobody touches.
pub(crate) fn fits(inferred: (u8, u8), declared: (u8, u8)) -> bool {
    inferred.0 <= declared.0 && declared.0 as i16 - inferred.0 as i16 == declared.1 as i16 - inferred.1 as i16
}
