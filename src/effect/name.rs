//! Words of the text and around it: what a name calls, and what the defining words of the standard and of the text make.

use crate::effect::define::{Comment, Deferred, Definition, DefinitionKind, OpenKind};
use crate::effect::env::WordEffect;
use crate::effect::error::{EffectError, ErrorKind};
use crate::effect::machine::{BASE, Machine, Regs, Step, Token};
use crate::effect::node::{Id, NO_VALUE, Op};
use crate::effect::notation;
use crate::forth::words::{self, Word};
use crate::model::Cell;

/// Calls of immediate words that put others into a definition, at most; and how deep they may call each other.
const PUT_IN_MAX: u32 = 20_000;
const NESTING_MAX: u32 = 64;

/// A word that running another one makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Made {
    pub(crate) effect: WordEffect,
    pub(crate) kind: DefinitionKind,
    pub(crate) constant: Option<Cell>,
}

/// What running a body makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Making {
    #[default]
    Nothing,
    /// A word with the name that follows.
    Word(Made),
    /// The newest word is made to do something else, by `does>`.
    Change(Made),
    /// More than can be followed.
    Many,
}

impl Making {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, making) | (making, Self::Nothing) => making,
            (Self::Word(_), Self::Change(made)) => Self::Word(made),
            _ => Self::Many,
        }
    }
}

impl<'t> Machine<'_, 't> {
    /// The newest definition of the text with a name.
    pub(crate) fn definition(&self, name: &[u8]) -> Option<usize> {
        let definitions = &self.s.control.definitions;
        let visible = &definitions[..self.visible.min(definitions.len())];
        visible.iter().rposition(|definition| {
            definition.name != (0, 0)
                && !definition.forgotten
                && self.span(definition.name).eq_ignore_ascii_case(name)
        })
    }

    /// Whether a name stands over the standard's words.
    pub(crate) fn is_shadowing(&self, name: &[u8]) -> bool {
        let overrides = || self.env.overrides_standard() && self.env_effect(name).is_some();
        self.local(name).is_some() || self.definition(name).is_some() || overrides()
    }

    /// A name that stands over the standard's words: a local, a definition of this text, an overriding word.
    pub(crate) fn shadowing(&mut self, token: Token<'_>, mut r: Regs) -> Result<Option<Regs>, EffectError> {
        if self.s.control.flow.bracket.is_none()
            && let Some(local) = self.local(token.bytes)
        {
            let value = self.s.control.flow.values[local];
            self.push(value, &mut r);
            return Ok(Some(r));
        }
        if let Some(index) = self.definition(token.bytes) {
            return self.call_definition(index, token, r).map(Some);
        }
        if self.env.overrides_standard()
            && let Some(effect) = self.env_word(token)
        {
            return self.call(token.bytes, effect, None, token, r).map(Some);
        }
        Ok(None)
    }

    /// The effect of a word of the environment, where its name does not mean a word of the standard.
    pub(crate) fn env_word(&self, token: Token<'_>) -> Option<WordEffect> {
        let means_standard = !self.env.overrides_standard() && words::lookup(token.bytes).is_some();
        if means_standard { None } else { self.env_effect(token.bytes) }
    }

    fn env_effect(&self, name: &[u8]) -> Option<WordEffect> {
        self.env.word(std::str::from_utf8(name).ok()?)
    }

    /// A name that is neither in the table nor a number.
    pub(crate) fn foreign(&mut self, token: Token<'_>, r: Regs) -> Step {
        if let Some(effect) = self.env_word(token) {
            return self.call(token.bytes, effect, None, token, r);
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

    pub(crate) fn name_after(&self, token: Token<'_>, at: usize) -> Result<(Token<'t>, usize), EffectError> {
        self.next_token(at).ok_or(token.error(ErrorKind::NameMissing))
    }

    /// A word of the text is called; while a definition is read, an immediate one acts at once.
    fn call_definition(&mut self, index: usize, token: Token<'_>, r: Regs) -> Step {
        let definition = self.s.control.definitions[index];
        self.s.control.used = true;
        if definition.immediate && self.is_compiling() {
            return self.call_immediate(index, token, r);
        }
        match definition.kind {
            DefinitionKind::Alias(word) => return self.word(word, token, r),
            DefinitionKind::Deferred(Deferred::Unknown) => {
                return if self.s.control.dead { Ok(r) } else { Err(token.error(ErrorKind::NotStatic)) };
            }
            _ => {}
        }
        let r = self.call(token.bytes, definition.effect(), definition.constant, token, r)?;
        if definition.diverges {
            self.die(r);
        }
        let r = if definition.compiles { self.compiles(token, r)? } else { r };
        if self.is_compiling() {
            let making = &mut self.s.control.open.making;
            *making = making.and(definition.making);
            if definition.kind == DefinitionKind::Marker {
                *making = Making::Many;
            }
            return Ok(r);
        }
        if definition.kind == DefinitionKind::Marker {
            for definition in &mut self.s.control.definitions[index..] {
                definition.forgotten = true;
            }
        }
        match definition.making {
            Making::Nothing => Ok(r),
            Making::Word(made) => self.make(made, token, r),
            Making::Change(made) => {
                let newest = self.s.control.definitions.iter().rposition(|newest| !newest.forgotten);
                let created = |&index: &usize| {
                    matches!(
                        self.s.control.definitions[index].kind,
                        DefinitionKind::Created | DefinitionKind::Does
                    )
                };
                let index = newest.filter(created).ok_or(token.error(ErrorKind::NotStatic))?;
                let Definition { name, body, .. } = self.s.control.definitions[index];
                let changed = self.made(made, token.position);
                self.s.control.definitions[index] = Definition { name, body, ..changed };
                Ok(r)
            }
            Making::Many => Err(token.error(ErrorKind::NotStatic)),
        }
    }

    /// An immediate word in a definition: it puts words into the definition, or computes what `literal` takes.
    fn call_immediate(&mut self, index: usize, token: Token<'_>, r: Regs) -> Step {
        let definition = self.s.control.definitions[index];
        let not_static = token.error(ErrorKind::NotStatic);
        if let DefinitionKind::Alias(word) = definition.kind {
            return self.word(word, token, r);
        }
        if definition.making != Making::Nothing || definition.diverges {
            return Err(not_static);
        }
        if definition.compiles {
            return self.put_in(index, token, r);
        }
        if definition.n_in > 0 {
            return Err(not_static);
        }
        // Its results wait for `literal`, as if it stood in brackets.
        let after = self.call(token.bytes, definition.effect(), definition.constant, token, r)?;
        let results = self.s.stack.slice(r.sp, after.sp);
        self.s.control.flow.waiting.extend_from_slice(results);
        Ok(r)
    }

    /// A body of `postpone`s alone: the words that they name stand here.
    fn put_in(&mut self, index: usize, token: Token<'_>, mut r: Regs) -> Step {
        let (mut at, end) = {
            let body = self.s.control.definitions[index].body;
            (body.0 as usize, body.1 as usize)
        };
        let not_static = token.error(ErrorKind::NotStatic);
        self.s.control.n_put_in += 1;
        self.s.control.nesting += 1;
        if self.s.control.n_put_in > PUT_IN_MAX || self.s.control.nesting > NESTING_MAX {
            return Err(token.error(ErrorKind::TooLarge));
        }
        // A word of the same name that is defined later is not the one that is meant.
        let visible = std::mem::replace(&mut self.visible, index);
        while let Some((postpone, next)) =
            self.next_code(at).filter(|(token, _)| (token.position as usize) < end)
        {
            let word = words::lookup(postpone.bytes);
            let is_postpone = matches!(word, Some(Word::Postpone | Word::BracketCompile));
            let (name, next) = self.next_token(next).filter(|_| is_postpone).ok_or(not_static)?;
            at = next;
            let name = Token { bytes: name.bytes, position: token.position };
            r = self.token(name, r).map_err(|error| match error.position == token.position {
                true => EffectError { len: token.bytes.len() as u32, ..error },
                false => error,
            })?;
        }
        self.visible = visible;
        self.s.control.nesting -= 1;
        Ok(r)
    }

    /// Something is put into the definition that is being read when this runs.
    pub(crate) fn compiles(&mut self, token: Token<'_>, r: Regs) -> Step {
        self.s.control.note_impure();
        if self.s.control.flow.bracket.is_some() {
            return Err(token.error(ErrorKind::NotStatic));
        }
        self.s.control.open.compiles = true;
        Ok(r)
    }

    /// `variable x`, `5 constant x` and their like: outside a definition they take their values and make a word; a
    /// definition that contains them makes one when it runs.
    pub(crate) fn declare(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        use DefinitionKind::*;
        let state = |n_out| WordEffect { n_out, ..WordEffect::default() };
        let (n_in, effect, kind) = match word {
            Word::Create => (0, WordEffect::pure(0, 1), Created),
            Word::Variable | Word::TwoVariable => (0, WordEffect::pure(0, 1), Data),
            Word::BufferColon => (1, WordEffect::pure(0, 1), Data),
            Word::Constant => (1, WordEffect::pure(0, 1), Code),
            Word::TwoConstant => (2, WordEffect::pure(0, 2), Code),
            Word::Value => (1, state(1), Value(1)),
            Word::TwoValue => (2, state(2), Value(2)),
            Word::Defer => (0, state(0), Deferred(self::Deferred::Unknown)),
            Word::Marker => (0, state(0), Marker),
            Word::BeginStructure => (0, WordEffect::pure(0, 1), Code),
            Word::FieldColon | Word::CFieldColon => (1, WordEffect::pure(1, 1), Code),
            Word::PlusField => (2, WordEffect::pure(1, 1), Code),
            _ => (0, WordEffect::pure(0, 1), Code),
        };
        if r.sp < self.floor + n_in {
            return if self.s.control.dead { Ok(r) } else { Err(token.error(self.underflow())) };
        }
        r.touch(n_in);
        r.sp -= n_in;
        let (first, second) = (self.s.stack.at(r.sp), self.s.stack.at(r.sp + 1));
        let constant = (word == Word::Constant).then(|| self.s.graph.number_of(first)).flatten();
        // The address of a field, and where the next one begins.
        let offset = match word {
            Word::FieldColon => {
                Some((self.s.graph.number_of(first).map(|n| n.wrapping_add(7) & !7), Some(8)))
            }
            Word::CFieldColon => Some((self.s.graph.number_of(first), Some(1))),
            Word::PlusField => Some((self.s.graph.number_of(first), self.s.graph.number_of(second))),
            _ => None,
        };
        let made = Made { effect, kind, constant };
        let made_r = if self.is_compiling() {
            self.s.control.note_impure();
            let making = &mut self.s.control.open.making;
            *making = making.and(Making::Word(Made { constant: None, ..made }));
            r
        } else {
            let r = self.make(made, token, r)?;
            let graph = &mut self.s.graph;
            let out = match (word, offset) {
                (Word::Constant, _) => Some(first),
                (_, Some((Some(offset), _))) => {
                    let offset = graph.literal(offset, token.position);
                    Some(graph.push(Op::Word(Word::Plus), Id(0), offset, NO_VALUE, token.position))
                }
                _ => None,
            };
            if let (Some(out), Some(definition)) = (out, self.s.control.definitions.last()) {
                self.s.control.outs[definition.outs.0 as usize] = out;
            }
            if word == Word::Defer { self.deferred_comment(r) } else { r }
        };
        r = made_r;
        match (word, offset) {
            (Word::BeginStructure, _) => {
                let structure = self.s.graph.unknown(token.position);
                self.push(structure, &mut r);
                r = self.push_literal(0, token.position, r);
            }
            (_, Some((Some(offset), Some(size)))) => {
                r = self.push_literal(offset.wrapping_add(size), token.position, r);
            }
            (_, Some(_)) => {
                let id = self.s.graph.unknown(token.position);
                self.push(id, &mut r);
            }
            _ => {}
        }
        Ok(r)
    }

    /// A word with the name that follows.
    fn make(&mut self, made: Made, token: Token<'_>, r: Regs) -> Step {
        if self.s.control.open.kind != OpenKind::Bare {
            return Err(token.error(ErrorKind::NotStatic));
        }
        let (name, at) = self.name_after(token, r.at)?;
        let r = Regs { at, ..r };
        self.add(name, made, token.position);
        self.note_blank(r);
        Ok(r)
    }

    fn add(&mut self, name: Token<'_>, made: Made, position: u32) {
        let start = name.position;
        let definition = self.made(made, position);
        let name = (start, start + name.bytes.len() as u32);
        self.s.control.definitions.push(Definition { name, ..definition });
        self.shadowed = true;
    }

    fn made(&mut self, made: Made, position: u32) -> Definition {
        let WordEffect { n_in, n_out, flags, pure } = made.effect;
        let start = self.s.control.outs.len() as u32;
        for _ in 0..n_out {
            let id = match made.kind {
                DefinitionKind::Created | DefinitionKind::Data => {
                    self.s.graph.push(Op::Address, NO_VALUE, NO_VALUE, NO_VALUE, position)
                }
                _ => self.s.graph.unknown(position),
            };
            self.s.control.outs.push(id);
        }
        Definition {
            name: (0, 0),
            kind: made.kind,
            n_in,
            outs: (start, start + n_out as u32),
            comment: None,
            pure,
            diverges: false,
            flags,
            constant: made.constant,
            immediate: false,
            compiles: false,
            making: Making::Nothing,
            body: (0, 0),
            forgotten: false,
        }
    }

    /// Code that only made words is no answer: what is answered begins behind it.
    pub(crate) fn note_blank(&mut self, r: Regs) {
        if r.sp == BASE && r.low == BASE && self.s.control.open.kind == OpenKind::Bare {
            self.s.control.open.body_start = r.at.min(self.text.len());
        }
    }

    /// `defer name ( a -- b )`: the comment declares what the action does.
    fn deferred_comment(&mut self, r: Regs) -> Regs {
        let Some((open, at)) = self.next_token(r.at).filter(|(token, _)| token.bytes == b"(") else {
            return r;
        };
        let behind = self.text.get(at..).unwrap_or(&[]);
        let Some(len) = behind.iter().position(|&byte| byte == b')') else { return r };
        let counts = std::str::from_utf8(&behind[..len]).ok().and_then(notation::count);
        let (Some(counts), Some(index)) = (counts, self.s.control.definitions.len().checked_sub(1)) else {
            return r;
        };
        let span = (at as u32, (at + len) as u32);
        let effect = WordEffect { n_in: counts.n_in, n_out: counts.n_out, ..WordEffect::default() };
        self.give(index, effect, false, Deferred::Declared, open.position);
        self.s.control.definitions[index].comment = Some(Comment { span, counts });
        let r = Regs { at: at + len + 1, ..r };
        self.note_blank(r);
        r
    }

    /// A deferred word gets an effect.
    fn give(&mut self, index: usize, effect: WordEffect, diverges: bool, known: Deferred, position: u32) {
        let kind = DefinitionKind::Deferred(known);
        let effect = WordEffect { pure: false, ..effect };
        let given = self.made(Made { effect, kind, constant: None }, position);
        let old = self.s.control.definitions[index];
        self.s.control.definitions[index] =
            Definition { name: old.name, comment: old.comment, diverges, ..given };
    }

    /// `to name`, `is name`.
    pub(crate) fn to(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        let (name, at) = self.name_after(token, r.at)?;
        r.at = at;
        if let Some(local) = self.local(name.bytes) {
            self.s.control.flow.values[local] = self.pop(&mut r);
            return Ok(r);
        }
        self.s.control.note_impure();
        if let Some(index) = self.definition(name.bytes) {
            match self.s.control.definitions[index].kind {
                DefinitionKind::Value(n) => {
                    r.touch(n as usize);
                    r.sp -= n as usize;
                }
                DefinitionKind::Deferred(_) => {
                    let xt = self.pop(&mut r);
                    self.assign(index, xt, token)?;
                }
                _ => return Err(name.error(ErrorKind::Misplaced)),
            }
            return Ok(r);
        }
        if self.env_word(name).is_none() {
            let is_standard = words::lookup(name.bytes).is_some();
            let kind = if is_standard { ErrorKind::Misplaced } else { ErrorKind::UnknownWord };
            return Err(name.error(kind));
        }
        self.pop(&mut r);
        Ok(r)
    }

    /// A deferred word is given an action: from the first one that is known its effect is known, and later ones must have
    /// the same.
    fn assign(&mut self, index: usize, xt: Id, token: Token<'_>) -> Result<(), EffectError> {
        if self.s.control.dead {
            return Ok(());
        }
        let definition = self.s.control.definitions[index];
        let DefinitionKind::Deferred(known) = definition.kind else { return Ok(()) };
        let action = self.target(xt).and_then(|target| self.action(target));
        let fits = |action: crate::effect::quote::Action| {
            let (given, known) = (action.effect, definition.effect());
            action.diverges
                || crate::effect::define::fits((given.n_in, given.n_out), (known.n_in, known.n_out))
        };
        match (known, action) {
            (Deferred::Unknown, Some(action)) => {
                self.give(index, action.effect, action.diverges, Deferred::Given, token.position);
                Ok(())
            }
            (Deferred::Unknown | Deferred::Declared, None) => Ok(()),
            (_, Some(action)) if fits(action) && !definition.diverges => Ok(()),
            _ => Err(token.error(ErrorKind::NotStatic)),
        }
    }

    /// `defer!`
    pub(crate) fn defer_store(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        self.s.control.note_impure();
        let deferred = self.pop(&mut r);
        let xt = self.pop(&mut r);
        let is_deferred = |definition: &Definition| matches!(definition.kind, DefinitionKind::Deferred(_));
        match self.target(deferred) {
            Some(crate::effect::quote::Target::Definition(index)) => self.assign(index, xt, token)?,
            _ if self.s.control.definitions.iter().any(is_deferred) && !self.s.control.dead => {
                return Err(token.error(ErrorKind::NotStatic));
            }
            _ => {}
        }
        Ok(r)
    }

    /// `synonym new old`
    pub(crate) fn synonym(&mut self, token: Token<'_>, r: Regs) -> Step {
        if self.s.control.open.kind != OpenKind::Bare {
            return Err(token.error(ErrorKind::NotStatic));
        }
        let (new, at) = self.name_after(token, r.at)?;
        let (old, at) = self.name_after(token, at)?;
        let name = (new.position, new.position + new.bytes.len() as u32);
        if let Some(index) = self.definition(old.bytes) {
            let definition = self.s.control.definitions[index];
            self.s.control.definitions.push(Definition { name, ..definition });
            self.shadowed = true;
        } else if let Some(effect) = self.env_word(old) {
            self.add(new, Made { effect, kind: DefinitionKind::Code, constant: None }, token.position);
        } else if let Some(word) = words::lookup(old.bytes) {
            let def = word.def();
            let effect = WordEffect { n_in: def.n_in, n_out: def.n_out, ..WordEffect::default() };
            self.add(new, Made { effect, kind: DefinitionKind::Alias(word), constant: None }, token.position);
            if let Some(definition) = self.s.control.definitions.last_mut() {
                let immediate = matches!(word.def().kind, words::Kind::Control | words::Kind::Parsing);
                definition.immediate = immediate;
            }
        } else {
            return Err(old.error(ErrorKind::UnknownWord));
        }
        let r = Regs { at, ..r };
        self.note_blank(r);
        Ok(r)
    }
}
