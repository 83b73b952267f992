//! Locals: cells with names. Their values are kept beside the return stack, and branches and loops follow them as they
//! follow cells.

use crate::effect::define::Span;
use crate::effect::error::{EffectError, ErrorKind};
use crate::effect::machine::{Machine, Regs, Step, Token};
use crate::forth::words::Word;

/// Locals of one definition, at most.
const LOCALS_MAX: usize = 32;

/// A local: its name; the value stands at the same place in `Flow::values`.
#[derive(Clone, Copy)]
pub(crate) struct Local {
    name: Span,
}

impl Machine<'_, '_> {
    /// The local with a name.
    pub(crate) fn local(&self, name: &[u8]) -> Option<usize> {
        let locals = &self.s.control.flow.locals;
        locals.iter().rposition(|local| self.span(local.name).eq_ignore_ascii_case(name))
    }

    /// `{: a b | c -- d :}`, and `locals| b a |`, where the first name is the top of the stack.
    pub(crate) fn locals(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        // The engine keeps locals under everything else on the return stack.
        if self.s.control.flow.bracket.is_some() || !self.s.control.is_flat() {
            return Err(token.error(ErrorKind::Misplaced));
        }
        let before = self.s.control.flow.locals.len();
        let n_args = match word {
            Word::LocalsOpen => self.read_locals(token, &mut r)?,
            _ => self.read_locals_bar(token, &mut r)?,
        };
        let n = self.s.control.flow.locals.len();
        if n > LOCALS_MAX {
            return Err(token.error(ErrorKind::TooLarge));
        }
        self.s.control.used = true;
        self.shadowed = true;
        let is_deep_enough = r.sp >= self.floor + n_args;
        if !is_deep_enough && !self.s.control.dead {
            return Err(token.error(self.underflow()));
        }
        let from = r.sp.saturating_sub(n_args);
        for k in 0..n - before {
            let id = match k {
                k if k < n_args && is_deep_enough => self.s.stack.at(from + k),
                _ => self.s.graph.unknown(token.position),
            };
            self.s.control.flow.values.push(id);
        }
        if is_deep_enough {
            r.touch(n_args);
            r.sp -= n_args;
        }
        Ok(r)
    }

    fn read_locals(&mut self, token: Token<'_>, r: &mut Regs) -> Result<usize, EffectError> {
        let unterminated = token.error(ErrorKind::Unterminated { closer: ":}" });
        let mut section = b'a';
        let mut n_args = 0;
        loop {
            let (name, at) = self.next_token(r.at).ok_or(unterminated)?;
            r.at = at;
            match name.bytes {
                b":}" => return Ok(n_args),
                b"--" => section = b'-',
                b"|" if section == b'a' => section = b'|',
                _ if section == b'-' => {}
                _ => {
                    self.add_local(name);
                    n_args += (section == b'a') as usize;
                }
            }
        }
    }

    fn read_locals_bar(&mut self, token: Token<'_>, r: &mut Regs) -> Result<usize, EffectError> {
        let before = self.s.control.flow.locals.len();
        let unterminated = token.error(ErrorKind::Unterminated { closer: "|" });
        loop {
            let (name, at) = self.next_token(r.at).ok_or(unterminated)?;
            r.at = at;
            if name.bytes == b"|" {
                let names = &mut self.s.control.flow.locals[before..];
                names.reverse();
                return Ok(names.len());
            }
            self.add_local(name);
        }
    }

    fn add_local(&mut self, name: Token<'_>) {
        let name = (name.position, name.position + name.bytes.len() as u32);
        self.s.control.flow.locals.push(Local { name });
    }
}
