//! The return stack, and words whose effect depends on a value: static where the value is known.

use crate::effect::error::ErrorKind;
use crate::effect::machine::{Machine, Regs, Step, Token};
use crate::effect::node::{Id, NO_VALUE, Node, Op};
use crate::forth::words::{self, Word};

/// Cells that may lie on the return stack.
const RETURNS_MAX: usize = 200;

impl Machine<'_, '_> {
    pub(crate) fn return_word(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        self.s.control.used = true;
        if self.s.control.dead {
            return Ok(r);
        }
        match word {
            Word::ToR => {
                let a = self.pop(&mut r);
                self.s.control.returns.push(a);
            }
            Word::TwoToR => {
                let b = self.pop(&mut r);
                let a = self.pop(&mut r);
                self.s.control.returns.extend([a, b]);
            }
            Word::RFrom => {
                let a = self.returned(0, token)?;
                self.push(a, &mut r);
                self.s.control.returns.pop();
            }
            Word::RFetch => {
                let a = self.returned(0, token)?;
                self.push(a, &mut r);
            }
            Word::TwoRFrom | Word::TwoRFetch => {
                let (a, b) = (self.returned(1, token)?, self.returned(0, token)?);
                self.push(a, &mut r);
                self.push(b, &mut r);
                if word == Word::TwoRFrom {
                    let n = self.s.control.returns.len();
                    self.s.control.returns.truncate(n - 2);
                }
            }
            Word::I => {
                let index = self.index(0, token)?;
                self.push(index, &mut r);
            }
            Word::J => {
                self.index(0, token)?;
                let index = self.index(2, token)?;
                self.push(index, &mut r);
            }
            Word::Unloop => {
                self.index(0, token)?;
                let n = self.s.control.returns.len();
                self.s.control.returns.truncate(n - 2);
            }
            _ => return Err(token.error(ErrorKind::NotStatic)),
        }
        if self.s.control.returns.len() > RETURNS_MAX {
            return Err(token.error(ErrorKind::TooDeep));
        }
        Ok(r)
    }

    /// The cell at a depth of the return stack, if this definition put it there.
    fn returned(&self, depth: usize, token: Token<'_>) -> Result<Id, crate::effect::EffectError> {
        let control = &self.s.control;
        let own = &control.returns[control.locals.len()..];
        let Some(at) = own.len().checked_sub(depth + 1) else {
            return Err(token.error(ErrorKind::ReturnEmpty));
        };
        if own[at] == NO_VALUE || at > 0 && own[at - 1] == NO_VALUE {
            return Err(token.error(ErrorKind::UnderLoop));
        }
        Ok(own[at])
    }

    /// The index of the loop whose parameters lie at a depth of the return stack.
    fn index(&self, depth: usize, token: Token<'_>) -> Result<Id, crate::effect::EffectError> {
        let returns = &self.s.control.returns;
        match returns.len().checked_sub(depth + 2).map(|at| &returns[at..at + 2]) {
            Some(&[NO_VALUE, index]) => Ok(index),
            _ => Err(token.error(ErrorKind::NoLoop)),
        }
    }

    pub(crate) fn dynamic_word(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        self.s.control.used = true;
        match word {
            Word::QDup => self.question_dup(token, r, |machine, at| {
                let (token, at) = machine.next_token(at)?;
                Some((words::lookup(token.bytes)?, token.position, at))
            }),
            Word::Pick | Word::Roll => self.pick_or_roll(word, token, r),
            Word::Throw => {
                let code = self.pop(&mut r);
                if self.s.graph.literal_of(code).is_some_and(|code| code != 0) {
                    self.die(r);
                }
                Ok(r)
            }
            Word::Abort => {
                self.die(r);
                Ok(r)
            }
            Word::Execute => {
                let top = self.s.graph.resolve(self.s.stack.at(r.sp - 1));
                match self.s.graph.node(top) {
                    Some(&Node { op: Op::Token, a, .. }) => {
                        self.pop(&mut r);
                        let name = self.s.graph.call_name(a).to_owned();
                        let bytes = name.as_bytes();
                        self.token(Token { bytes, ..token }, r).map_err(|error| crate::effect::EffectError {
                            len: token.bytes.len() as u32,
                            ..error
                        })
                    }
                    _ if self.s.control.dead => Ok(r),
                    _ => Err(token.error(ErrorKind::NotStatic)),
                }
            }
            _ if self.s.control.dead => Ok(r),
            _ => Err(token.error(ErrorKind::NotStatic)),
        }
    }

    fn pick_or_roll(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        if self.s.control.dead {
            return Ok(r);
        }
        let top = self.pop(&mut r);
        let Some(depth) = self.s.graph.literal_of(top) else {
            return Err(token.error(ErrorKind::NotStatic));
        };
        let n = match usize::try_from(depth) {
            Ok(depth) if depth < r.sp - self.floor => depth + 1,
            _ => return Err(token.error(self.underflow())),
        };
        r.touch(n);
        if word == Word::Pick {
            let picked = self.s.stack.at(r.sp - n);
            self.push(picked, &mut r);
        } else {
            self.s.stack.slice_mut(r.sp - n, r.sp).rotate_left(1);
        }
        Ok(r)
    }

    /// `?dup` leaves one cell or two; with the test right behind it, each way has its own depth. `next` reads a word.
    pub(crate) fn question_dup(
        &mut self,
        token: Token<'_>,
        mut r: Regs,
        next: impl Fn(&Self, usize) -> Option<(Word, u32, usize)>,
    ) -> Step {
        self.s.control.used = true;
        let not_static = token.error(ErrorKind::NotStatic);
        r.touch(1);
        let x = self.s.stack.at(r.sp - 1);
        let (mut word, mut position, mut at) = next(self, r.at).ok_or(not_static)?;
        let negated = word == Word::ZeroEquals;
        if negated {
            (word, position, at) = next(self, at).ok_or(not_static)?;
        }
        if !matches!(word, Word::If | Word::While | Word::Until) {
            return Err(not_static);
        }
        r.at = at;
        let test = Token { bytes: word.name().as_bytes(), position };
        if negated {
            let condition =
                self.s.graph.push(Op::Word(Word::ZeroEquals), x, NO_VALUE, NO_VALUE, token.position);
            self.test(word, condition, r.sp - 1, r.sp, test, r)
        } else {
            self.test(word, x, r.sp, r.sp - 1, test, r)
        }
    }
}
