//! The return stack, and words whose effect depends on a value: static where the value is known.

use crate::effect::error::ErrorKind;
use crate::effect::machine::{Machine, Regs, Step, Token};
use crate::effect::node::{Id, NO_VALUE, Op};
use crate::forth::words::Word;

/// Cells that may lie on the return stack.
const RETURNS_MAX: usize = 200;

impl<'t> Machine<'_, 't> {
    pub(crate) fn return_word(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        self.s.control.used = true;
        if self.s.control.dead {
            return Ok(r);
        }
        match word {
            Word::ToR => {
                let a = self.pop(&mut r);
                self.s.control.flow.returns.push(a);
            }
            Word::TwoToR => {
                let b = self.pop(&mut r);
                let a = self.pop(&mut r);
                self.s.control.flow.returns.extend([a, b]);
            }
            Word::RFrom => {
                let a = self.returned(0, token)?;
                self.push(a, &mut r);
                self.s.control.flow.returns.pop();
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
                    let n = self.s.control.flow.returns.len();
                    self.s.control.flow.returns.truncate(n - 2);
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
                let n = self.s.control.flow.returns.len();
                self.s.control.flow.returns.truncate(n - 2);
            }
            _ => return Err(token.error(ErrorKind::NotStatic)),
        }
        if self.s.control.flow.returns.len() > RETURNS_MAX {
            return Err(token.error(ErrorKind::TooDeep));
        }
        Ok(r)
    }

    /// `n>r`: so many cells, and how many they are on top.
    fn put_counted(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        let count = self.pop(&mut r);
        let n = self.s.graph.number_of(count).ok_or(token.error(ErrorKind::NotStatic))?;
        let n = match usize::try_from(n) {
            Ok(n) if r.sp >= self.floor + n => n,
            _ => return Err(token.error(self.underflow())),
        };
        r.touch(n);
        let returns = &mut self.s.control.flow.returns;
        returns.extend_from_slice(self.s.stack.slice(r.sp - n, r.sp));
        returns.push(count);
        r.sp -= n;
        if self.s.control.flow.returns.len() > RETURNS_MAX {
            return Err(token.error(ErrorKind::TooDeep));
        }
        Ok(r)
    }

    /// `nr>`
    fn take_counted(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        let count = self.returned(0, token)?;
        let n = self.s.graph.number_of(count).ok_or(token.error(ErrorKind::NotStatic))?;
        let n = usize::try_from(n).map_err(|_| token.error(ErrorKind::ReturnEmpty))?;
        for depth in (1..=n).rev() {
            let id = self.returned(depth, token)?;
            self.push(id, &mut r);
        }
        self.push(count, &mut r);
        let left = self.s.control.flow.returns.len() - n - 1;
        self.s.control.flow.returns.truncate(left);
        Ok(r)
    }

    /// The cell at a depth of the return stack, if this definition put it there.
    fn returned(&self, depth: usize, token: Token<'_>) -> Result<Id, crate::effect::EffectError> {
        let control = &self.s.control;
        let own = &control.flow.returns;
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
        let returns = &self.s.control.flow.returns;
        match returns.len().checked_sub(depth + 2).map(|at| &returns[at..at + 2]) {
            Some(&[NO_VALUE, index]) => Ok(index),
            _ => Err(token.error(ErrorKind::NoLoop)),
        }
    }

    pub(crate) fn dynamic_word(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        self.s.control.used = true;
        match word {
            Word::QDup => self.question_dup(token, r),
            Word::Pick | Word::Roll => self.pick_or_roll(word, token, r),
            Word::Execute => self.execute(token, r),
            Word::Catch => self.catch(token, r),
            Word::Throw => {
                let code = self.pop(&mut r);
                if self.s.graph.number_of(code).is_some_and(|code| code != 0) {
                    self.die(r);
                }
                Ok(r)
            }
            Word::Abort | Word::Quit | Word::Bye => {
                self.s.control.note_impure();
                self.die(r);
                Ok(r)
            }
            Word::DeferStore => self.defer_store(token, r),
            Word::CompileComma => {
                self.pop(&mut r);
                self.compiles(token, r)
            }
            _ if self.s.control.dead => Ok(r),
            Word::NToR => self.put_counted(token, r),
            Word::NRFrom => self.take_counted(token, r),
            Word::SearchWordlist => self.search_wordlist(token, r),
            Word::TraverseWordlist => self.traverse(token, r),
            Word::SetOrder => {
                self.s.control.note_impure();
                let count = self.pop(&mut r);
                let n = self.s.graph.number_of(count).ok_or(token.error(ErrorKind::NotStatic))?;
                let n = n.max(0) as usize;
                if n > r.sp - self.floor.min(r.sp) {
                    return Err(token.error(self.underflow()));
                }
                r.touch(n);
                r.sp -= n;
                Ok(r)
            }
            _ => Err(token.error(ErrorKind::NotStatic)),
        }
    }

    fn pick_or_roll(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        if self.s.control.dead {
            return Ok(r);
        }
        let top = self.pop(&mut r);
        let Some(depth) = self.s.graph.number_of(top) else {
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

    /// The test that comes next, past copies of its flag and negations; what it says goes before anything else does.
    pub(crate) fn follow(&self, at: usize) -> Option<Follow<'t>> {
        let (mut word, mut token, mut at) = self.peek(at)?;
        let copied = match word {
            Word::Dup => Copied::Always,
            Word::QDup => Copied::WhereTrue,
            _ => Copied::Never,
        };
        if copied != Copied::Never {
            (word, token, at) = self.peek(at)?;
        }
        let mut negated = None;
        while let Word::ZeroEquals | Word::ZeroNotEquals = word {
            if word == Word::ZeroEquals {
                negated = if negated.is_some() { None } else { Some(token.position) };
            }
            (word, token, at) = self.peek(at)?;
        }
        let throws = word == Word::Throw && copied == Copied::Never && negated.is_none();
        let follows = throws || matches!(word, Word::If | Word::While | Word::Until);
        follows.then_some(Follow { word, token, at, copied, negated })
    }

    /// Two stacks over the pointer, told apart by a cell that the next words test: `yes` where it is not 0, `no` where it is.
    pub(crate) fn two_ways(&mut self, follow: Follow<'_>, x: Id, yes: &[Id], no: &[Id], r: Regs) -> Step {
        let r = Regs { at: follow.at, ..r };
        if follow.word == Word::Throw {
            return Ok(self.lay(no, r.sp, r));
        }
        let position = follow.token.position;
        let (mut yes, mut no) = (yes.to_vec(), no.to_vec());
        if follow.copied != Copied::Never {
            yes.push(x);
        }
        if follow.copied == Copied::Always {
            no.push(self.s.graph.literal(0, position));
        }
        match follow.negated {
            None => self.test(follow.word, x, &yes, &no, follow.token, r),
            Some(negated) => {
                let condition = self.s.graph.push(Op::Word(Word::ZeroEquals), x, NO_VALUE, NO_VALUE, negated);
                self.test(follow.word, condition, &no, &yes, follow.token, r)
            }
        }
    }

    /// `?dup` leaves one cell or two; with the test right behind it, each way has its own depth.
    fn question_dup(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        let not_static = token.error(ErrorKind::NotStatic);
        let follow = self.follow(r.at).filter(|follow| follow.copied == Copied::Never).ok_or(not_static)?;
        if follow.word == Word::Throw {
            return Err(not_static);
        }
        let x = self.pop(&mut r);
        self.two_ways(follow, x, &[x], &[], r)
    }

    /// `search-wordlist` leaves a token and a flag, or 0 alone.
    fn search_wordlist(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        let follow = self.follow(r.at).ok_or(token.error(ErrorKind::NotStatic))?;
        self.s.control.note_impure();
        r.touch(3);
        r.sp -= 3;
        let xt = self.s.graph.unknown(token.position);
        let flag = self.s.graph.unknown(token.position);
        self.two_ways(follow, flag, &[xt], &[], r)
    }
}

/// A test that tells two stacks apart.
pub(crate) struct Follow<'t> {
    word: Word,
    token: Token<'t>,
    at: usize,
    copied: Copied,
    negated: Option<u32>,
}

/// What stays of the cell under test.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    Never,
    /// `dup` stands before the test.
    Always,
    /// `?dup` does.
    WhereTrue,
}
