//! Words that read on in the source: comments, strings, names, brackets, conditional text.

use crate::effect::define::{Comment, DefinitionKind};
use crate::effect::error::ErrorKind;
use crate::effect::machine::{Machine, Regs, Step, Token};
use crate::effect::node::{Id, NO_VALUE, Op};
use crate::effect::notation;
use crate::forth::words::{self, Kind, Word};
use crate::model::{Cell, FALSE, TRUE};

impl Machine<'_, '_> {
    pub(crate) fn source_word(&mut self, word: Word, token: Token<'_>, r: Regs) -> Step {
        self.s.control.used = true;
        match word {
            Word::Paren | Word::DotParen => self.comment(token, r),
            Word::Backslash => Ok(self.line_comment(r)),
            Word::Colon | Word::NoName => self.colon(word, token, r),
            Word::Semicolon => self.semicolon(token, r),
            Word::Does => self.does(token, r),
            Word::QuotationOpen => self.open_quotation(token, r),
            Word::QuotationClose => self.close_quotation(token, r),
            Word::SQuote | Word::SBackslashQuote | Word::CQuote | Word::DotQuote | Word::AbortQuote => {
                self.string(word, token, r)
            }
            Word::CharWord | Word::Tick if self.is_compiling() => {
                // The name is read when the definition runs.
                self.s.control.note_impure();
                let id = self.s.graph.unknown(token.position);
                let mut r = r;
                self.push(id, &mut r);
                Ok(r)
            }
            Word::CharWord | Word::BracketChar => {
                let (name, at) = self.name_after(token, r.at)?;
                let first = std::str::from_utf8(name.bytes).ok().and_then(|name| name.chars().next());
                let r = Regs { at, ..r };
                Ok(self.push_literal(first.map_or(0, |c| c as Cell), token.position, r))
            }
            Word::Tick | Word::BracketTick => {
                let (name, at) = self.name_after(token, r.at)?;
                let id = self.token_of(name, token)?;
                let mut r = Regs { at, ..r };
                self.push(id, &mut r);
                Ok(r)
            }
            Word::ActionOf => {
                let (name, at) = self.name_after(token, r.at)?;
                // Its action does what the word does.
                let id = self.token_of(name, token)?;
                self.s.control.note_impure();
                let mut r = Regs { at, ..r };
                self.push(id, &mut r);
                Ok(r)
            }
            Word::LocalsOpen | Word::LocalsBar => self.locals(word, token, r),
            Word::To | Word::Is => self.to(token, r),
            Word::LeftBracket | Word::RightBracket => self.bracket(word, token, r),
            Word::Literal | Word::TwoLiteral | Word::SLiteral => self.compiled(word, token, r),
            Word::Postpone | Word::BracketCompile => self.postpone(word, token, r),
            Word::BracketIf => self.bracket_if(token, r),
            Word::BracketElse => self.skip_text(false, token, r),
            Word::BracketThen => Ok(r),
            Word::BracketDefined | Word::BracketUndefined => self.bracket_defined(word, token, r),
            Word::Immediate => {
                let is_before_body = self.is_before_body(token.position);
                if let Some(definition) = self.s.control.definitions.last_mut() {
                    definition.immediate = true;
                }
                if is_before_body {
                    self.s.control.open.body_start = r.at.min(self.text.len());
                }
                Ok(r)
            }
            Word::Synonym => self.synonym(token, r),
            _ => self.declare(word, token, r),
        }
    }

    /// `[ … ]`: what stands there is computed early, with a stack of its own, and waits for `literal`.
    fn bracket(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        let flow = &mut self.s.control.flow;
        match (word, flow.bracket.take()) {
            (Word::LeftBracket, None) => {
                flow.bracket = Some((r.sp, r.low));
                r.low = r.sp;
            }
            (Word::RightBracket, Some((sp, low))) if r.low >= sp => {
                flow.waiting.extend_from_slice(self.s.stack.slice(sp, r.sp));
                (r.sp, r.low) = (sp, low);
            }
            _ => return Err(token.error(ErrorKind::Misplaced)),
        }
        Ok(r)
    }

    fn compiled(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        let n = if word == Word::Literal { 1 } else { 2 };
        let Some(from) = self.s.control.flow.waiting.len().checked_sub(n) else {
            return Err(token.error(ErrorKind::Misplaced));
        };
        for k in from..from + n {
            let id = self.s.control.flow.waiting[k];
            self.push(id, &mut r);
        }
        self.s.control.flow.waiting.truncate(from);
        Ok(r)
    }

    /// `postpone name`: the word is put into another definition when this one runs.
    fn postpone(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        let (name, at) = self.name_after(token, r.at)?;
        r.at = at;
        if let Some(index) = self.definition(name.bytes) {
            let definition = self.s.control.definitions[index];
            if word == Word::BracketCompile {
                return self.call(name.bytes, definition.effect(), definition.constant, token, r);
            }
            let mut r = r;
            if definition.immediate && !matches!(definition.kind, DefinitionKind::Alias(_)) {
                r = self.call(name.bytes, definition.effect(), definition.constant, token, r)?;
            }
            return self.compiles(token, r);
        }
        let Some(standard) = words::lookup(name.bytes) else {
            return match self.env_word(name) {
                Some(effect) if word == Word::BracketCompile => self.call(name.bytes, effect, None, token, r),
                Some(_) => self.compiles(token, r),
                None => Err(name.error(ErrorKind::UnknownWord)),
            };
        };
        let acts = matches!(standard.def().kind, Kind::Control | Kind::Parsing);
        if word == Word::BracketCompile && !acts {
            return self.word(standard, name, r);
        }
        let n = match standard {
            Word::Literal => 1,
            Word::TwoLiteral | Word::SLiteral => 2,
            _ => 0,
        };
        r.touch(n);
        r.sp -= n;
        self.compiles(token, r)
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
        let unterminated = token.error(ErrorKind::Unterminated { closer: "\"" });
        let (n_read, len) = match word {
            Word::SBackslashQuote => escaped(rest).ok_or(unterminated)?,
            _ => rest.iter().position(|&byte| byte == b'"').map(|len| (len, len)).ok_or(unterminated)?,
        };
        r.at += n_read + 1;
        match word {
            Word::DotQuote => self.s.control.note_impure(),
            Word::AbortQuote => {
                self.s.control.note_impure();
                self.pop(&mut r);
            }
            _ => {
                let address = self.s.graph.push(Op::Address, NO_VALUE, NO_VALUE, NO_VALUE, token.position);
                self.push(address, &mut r);
                if word != Word::CQuote {
                    r = self.push_literal(len as Cell, token.position, r);
                }
            }
        }
        Ok(r)
    }

    /// `[if]`: the text up to `[else]` or `[then]` is passed over where the flag is 0.
    fn bracket_if(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        let flag = match self.s.control.flow.waiting.pop() {
            Some(flag) => flag,
            None if self.is_compiling() => return Err(token.error(ErrorKind::Misplaced)),
            None => self.pop(&mut r),
        };
        match self.s.graph.number_of(flag) {
            Some(0) => self.skip_text(true, token, r),
            Some(_) => Ok(r),
            None => Err(token.error(ErrorKind::NotStatic)),
        }
    }

    fn skip_text(&mut self, stops_at_else: bool, token: Token<'_>, mut r: Regs) -> Step {
        let mut depth = 0;
        loop {
            let Some((next, at)) = self.next_token(r.at) else {
                return Err(token.error(ErrorKind::Unterminated { closer: "[then]" }));
            };
            r.at = at;
            match words::lookup(next.bytes) {
                Some(Word::BracketIf) => depth += 1,
                Some(Word::BracketThen) if depth == 0 => return Ok(r),
                Some(Word::BracketThen) => depth -= 1,
                Some(Word::BracketElse) if depth == 0 && stops_at_else => return Ok(r),
                _ => {}
            }
        }
    }

    fn bracket_defined(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        let (name, at) = self.name_after(token, r.at)?;
        r.at = at;
        let is_defined = self.definition(name.bytes).is_some()
            || words::lookup(name.bytes).is_some()
            || self.env_word(name).is_some();
        let flag = if is_defined == (word == Word::BracketDefined) { TRUE } else { FALSE };
        if self.is_compiling() {
            let id: Id = self.s.graph.literal(flag, token.position);
            self.s.control.flow.waiting.push(id);
            return Ok(r);
        }
        Ok(self.push_literal(flag, token.position, r))
    }
}

/// The length of a string with escapes up to its quote: as it is written, and as it is kept.
fn escaped(text: &[u8]) -> Option<(usize, usize)> {
    let (mut at, mut len) = (0, 0);
    loop {
        match *text.get(at)? {
            b'"' => return Some((at, len)),
            b'\\' => {
                let (n_read, n_kept) = match text.get(at + 1)?.to_ascii_lowercase() {
                    b'm' => (2, 2),
                    b'x' => (4, 1),
                    _ => (2, 1),
                };
                at += n_read;
                len += n_kept;
            }
            _ => {
                at += 1;
                len += 1;
            }
        }
    }
}
