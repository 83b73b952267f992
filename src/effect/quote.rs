//! Execution tokens: quotations, and what EXECUTE and CATCH do with a token that is known.

use crate::effect::control::Flow;
use crate::effect::define::{Deferred, DefinitionKind, Ended, Open, OpenKind, Span};
use crate::effect::env::WordEffect;
use crate::effect::error::{EffectError, ErrorKind};
use crate::effect::machine::{BASE, Machine, Regs, Step, Token};
use crate::effect::name::Making;
use crate::effect::node::{FIRST_NODE, Id, NO_VALUE, NODES_MAX, Node, Op};
use crate::forth::words::{Kind, Word};

/// Bodies that stand in each other, at most.
const NESTING_MAX: usize = 32;

/// What a body stands in, set aside until its end.
pub(crate) struct Outer {
    flow: Flow,
    open: Open,
    /// The stack from its first slot on.
    cells: Vec<Id>,
    r: Regs,
    floor: usize,
    declared: Option<(u8, u8)>,
    dead: bool,
    low_alive: usize,
    impure: bool,
    /// The number of nodes at the start of the body.
    n_nodes: usize,
}

/// A quotation whose body was read: its values, to be copied where it is executed.
#[derive(Clone, Copy)]
pub(crate) struct Quote {
    n_in: u8,
    outs: Span,
    /// Its nodes, as a range of their numbers.
    nodes: (u16, u16),
    flags: u32,
    pure: bool,
    diverges: bool,
    compiles: bool,
}

impl Quote {
    fn effect(&self) -> WordEffect {
        let n_out = (self.outs.1 - self.outs.0) as u8;
        WordEffect { n_in: self.n_in, n_out, flags: self.flags, pure: self.pure }
    }
}

/// What an execution token stands for.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// A word of the table.
    Word(Word),
    /// A definition of the text, by its number.
    Definition(usize),
    /// A word of the environment; the call names it.
    Env(Id, WordEffect),
    /// A quotation, by its number.
    Quote(usize),
    /// One of two with the same counts.
    Either(WordEffect),
}

/// What running a target does.
#[derive(Clone, Copy)]
pub(crate) struct Action {
    pub(crate) effect: WordEffect,
    pub(crate) diverges: bool,
}

impl Machine<'_, '_> {
    /// Sets the current body aside; the next one starts with a stack of its own.
    pub(crate) fn enter_body(&mut self, r: Regs) {
        let cells = self.s.stack.slice(0, r.sp).to_vec();
        let n_nodes = self.s.graph.nodes.len();
        let control = &mut *self.s.control;
        control.used = true;
        let outer = Outer {
            flow: std::mem::take(&mut control.flow),
            open: std::mem::take(&mut control.open),
            cells,
            r,
            floor: self.floor,
            declared: self.declared.take(),
            dead: control.dead,
            low_alive: control.low_alive,
            impure: std::mem::take(&mut control.impure),
            n_nodes,
        };
        control.outers.push(outer);
    }

    /// Goes back to the body around this one, to read on at an offset.
    pub(crate) fn leave_body(&mut self, at: usize) -> Regs {
        let control = &mut *self.s.control;
        let Some(outer) = control.outers.pop() else { return Regs::start(at) };
        control.flow = outer.flow;
        control.open = outer.open;
        control.dead = outer.dead;
        control.low_alive = outer.low_alive;
        control.impure = outer.impure;
        self.s.stack.slice_mut(0, outer.cells.len()).copy_from_slice(&outer.cells);
        self.floor = outer.floor;
        self.declared = outer.declared;
        Regs { at, ..outer.r }
    }

    /// `[:`
    pub(crate) fn open_quotation(&mut self, token: Token<'_>, r: Regs) -> Step {
        if self.s.control.outers.len() >= NESTING_MAX {
            return Err(token.error(ErrorKind::TooLarge));
        }
        if self.s.control.flow.bracket.is_some() {
            return Err(token.error(ErrorKind::Misplaced));
        }
        self.enter_body(r);
        let opener = (token.position, token.position + token.bytes.len() as u32);
        let kind = OpenKind::Quotation;
        self.s.control.open = Open { kind, opener, body_start: r.at, ..Open::default() };
        Ok(self.begin_body(r.at))
    }

    /// `;]`
    pub(crate) fn close_quotation(&mut self, token: Token<'_>, r: Regs) -> Step {
        if self.s.control.open.kind != OpenKind::Quotation || self.s.control.flow.bracket.is_some() {
            return Err(token.error(ErrorKind::Misplaced));
        }
        let (done, diverges) = match self.end_body(token, r)? {
            Ended::Again(again) => return Ok(again),
            Ended::Done { r, diverges } => (r, diverges),
        };
        let is_plain = self.s.control.open.making == Making::Nothing;
        self.record(done, diverges);
        let n_nodes = self.s.graph.nodes.len();
        let control = &mut *self.s.control;
        let (Some(body), Some(outer)) = (control.definitions.pop(), control.outers.last()) else {
            return Err(token.error(ErrorKind::Misplaced));
        };
        let quote = Quote {
            n_in: body.n_in,
            outs: body.outs,
            nodes: ((FIRST_NODE + outer.n_nodes) as u16, (FIRST_NODE + n_nodes) as u16),
            flags: body.flags,
            pure: body.pure,
            diverges,
            compiles: body.compiles,
        };
        control.quotes.push(quote);
        let n_quotes = control.quotes.len();
        if n_quotes > NODES_MAX || n_nodes > NODES_MAX {
            return Err(token.error(ErrorKind::TooLarge));
        }
        let mut r = self.leave_body(r.at);
        let xt = if is_plain {
            let number = Id((n_quotes - 1) as u16);
            self.s.graph.push(Op::Quote, number, NO_VALUE, NO_VALUE, token.position)
        } else {
            // What a quotation makes cannot be followed.
            self.s.graph.unknown(token.position)
        };
        self.push(xt, &mut r);
        Ok(r)
    }

    /// The token of a definition.
    pub(crate) fn definition_token(&mut self, name: &[u8], index: usize, token: Token<'_>) -> Id {
        let call = self.name_call(name, WordEffect::pure(0, 1), None);
        let number = u16::try_from(index).map_or(NO_VALUE, Id);
        self.s.graph.push(Op::Token, call, number, NO_VALUE, token.position)
    }

    /// The token of what has a name; an error where nothing has it.
    pub(crate) fn token_of(&mut self, name: Token<'_>, token: Token<'_>) -> Result<Id, EffectError> {
        if self.s.graph.calls.len() > NODES_MAX {
            return Err(token.error(ErrorKind::TooLarge));
        }
        if self.local(name.bytes).is_some() {
            return Err(name.error(ErrorKind::Misplaced));
        }
        if let Some(index) = self.definition(name.bytes) {
            return Ok(self.definition_token(name.bytes, index, token));
        }
        let effect = self.env_word(name);
        if effect.is_none() && crate::forth::words::lookup(name.bytes).is_none() {
            return Err(name.error(ErrorKind::UnknownWord));
        }
        let call = self.name_call(name.bytes, effect.unwrap_or_default(), None);
        Ok(self.s.graph.push(Op::Token, call, NO_VALUE, NO_VALUE, token.position))
    }

    /// What a token stands for, where that is known.
    pub(crate) fn target(&self, id: Id) -> Option<Target> {
        self.target_within(id, 8)
    }

    fn target_within(&self, id: Id, depth: u8) -> Option<Target> {
        let depth = depth.checked_sub(1)?;
        let node = self.s.graph.node(self.s.graph.resolve(id))?;
        match node.op {
            Op::Quote => Some(Target::Quote(node.a.0 as usize)),
            Op::Token if node.b != NO_VALUE => Some(Target::Definition(node.b.0 as usize)),
            Op::Token => {
                let name = self.s.graph.call_name(node.a);
                let overriding = self.env.overrides_standard().then(|| self.env.word(name)).flatten();
                if let Some(effect) = overriding {
                    return Some(Target::Env(node.a, effect));
                }
                match crate::forth::words::lookup(name.as_bytes()) {
                    Some(word) => Some(Target::Word(word)),
                    None => self.env.word(name).map(|effect| Target::Env(node.a, effect)),
                }
            }
            Op::Phi => {
                let (yes, no) = (self.target_within(node.b, depth)?, self.target_within(node.c, depth)?);
                let (yes, no) = (self.action(yes)?, self.action(no)?);
                let same = (yes.effect.n_in, yes.effect.n_out) == (no.effect.n_in, no.effect.n_out);
                let effect =
                    WordEffect { flags: yes.effect.flags & no.effect.flags, pure: false, ..yes.effect };
                (same && !yes.diverges && !no.diverges).then_some(Target::Either(effect))
            }
            _ => None,
        }
    }

    /// What running a target does to the stack, where that is one thing.
    pub(crate) fn action(&self, target: Target) -> Option<Action> {
        let sure = |effect| Some(Action { effect, diverges: false });
        match target {
            Target::Word(word) => {
                let def = word.def();
                let diverges = matches!(word, Word::Abort | Word::Quit | Word::Bye);
                let pure = matches!(def.kind, Kind::Stack | Kind::Op | Kind::Flag);
                let is_static = pure
                    || diverges
                    || matches!(def.kind, Kind::Memory | Kind::Io)
                    || matches!(word, Word::Depth | Word::Throw | Word::DeferFetch);
                let flags = (def.kind == Kind::Flag) as u32;
                let effect = WordEffect { n_in: def.n_in, n_out: def.n_out, flags, pure };
                is_static.then_some(Action { effect, diverges })
            }
            Target::Definition(index) => {
                let definition = self.s.control.definitions.get(index)?;
                let is_static = definition.making == Making::Nothing
                    && !definition.compiles
                    && !matches!(
                        definition.kind,
                        DefinitionKind::Deferred(Deferred::Unknown) | DefinitionKind::Marker
                    );
                let effect = definition.effect();
                match definition.kind {
                    DefinitionKind::Alias(word) => self.action(Target::Word(word)),
                    _ => is_static.then_some(Action { effect, diverges: definition.diverges }),
                }
            }
            Target::Env(_, effect) | Target::Either(effect) => sure(effect),
            Target::Quote(number) => {
                let quote = self.s.control.quotes.get(number)?;
                let action = Action { effect: quote.effect(), diverges: quote.diverges };
                (!quote.compiles).then_some(action)
            }
        }
    }

    /// Runs a target on the stack as it is.
    fn invoke(&mut self, target: Target, token: Token<'_>, r: Regs) -> Step {
        match target {
            Target::Word(word) => match word.def().kind {
                Kind::Stack | Kind::Op | Kind::Flag | Kind::Memory | Kind::Io | Kind::Dynamic => {
                    self.word(word, token, r)
                }
                _ => Err(token.error(ErrorKind::NotStatic)),
            },
            Target::Definition(index) => {
                let Some(definition) = self.s.control.definitions.get(index).copied() else {
                    return Err(token.error(ErrorKind::NotStatic));
                };
                if let DefinitionKind::Alias(word) = definition.kind {
                    return self.invoke(Target::Word(word), token, r);
                }
                if self.action(target).is_none() {
                    return Err(token.error(ErrorKind::NotStatic));
                }
                let name = match definition.name {
                    (0, 0) => b":noname",
                    name => self.span(name),
                };
                let r = self.call(name, definition.effect(), definition.constant, token, r)?;
                if definition.diverges {
                    self.die(r);
                }
                Ok(r)
            }
            Target::Env(call, effect) => {
                let name = self.s.graph.call_name(call).to_owned();
                self.call(name.as_bytes(), effect, None, token, r)
            }
            Target::Either(effect) => self.call(b"execute", effect, None, token, r),
            Target::Quote(number) => match self.s.control.quotes.get(number).copied() {
                Some(quote) if !quote.compiles => self.unfold(quote, token, r),
                _ => Err(token.error(ErrorKind::NotStatic)),
            },
        }
    }

    /// The values of a quotation over the cells that it finds.
    fn unfold(&mut self, quote: Quote, token: Token<'_>, mut r: Regs) -> Step {
        let n_in = quote.n_in as usize;
        let n_out = (quote.outs.1 - quote.outs.0) as usize;
        if r.sp < self.floor + n_in {
            return if self.s.control.dead { Ok(r) } else { Err(token.error(self.underflow())) };
        }
        let (from, to) = (quote.nodes.0 as usize, quote.nodes.1 as usize);
        let graph = &mut self.s.graph;
        if graph.nodes.len() + (to - from) > NODES_MAX {
            return Err(token.error(ErrorKind::TooLarge));
        }
        r.touch(n_in);
        let base = r.sp - n_in;
        let mut inputs = [NO_VALUE; BASE];
        for (k, input) in inputs.iter_mut().take(n_in).enumerate() {
            *input = self.s.stack.at(r.sp - 1 - k);
        }
        let offset = FIRST_NODE + graph.nodes.len() - from;
        let map = |id: Id| match id.input() {
            Some(k) => inputs[k],
            None if (from..to).contains(&(id.0 as usize)) => Id(id.0 + offset as u16),
            None => id,
        };
        // The results of one call stand together and stay together.
        let mut last_call = (NO_VALUE, NO_VALUE);
        for number in from..to {
            let Some(&node) = graph.node(Id(number as u16)) else { continue };
            let operands: Vec<Id> = graph.operands(&node).as_slice().iter().map(|&id| map(id)).collect();
            let operand = |k: usize| operands.get(k).copied().unwrap_or(NO_VALUE);
            let copy = match node.op {
                Op::Word(_) | Op::Second(_) | Op::Third(_) if operands.len() > 3 => {
                    let Some(a) = graph.keep_args(&operands) else {
                        return Err(token.error(ErrorKind::TooLarge));
                    };
                    Node { a, ..node }
                }
                Op::Call if last_call.0 == node.a => Node { a: last_call.1, ..node },
                Op::Call => {
                    if graph.calls.len() > NODES_MAX {
                        return Err(token.error(ErrorKind::TooLarge));
                    }
                    let call = graph.calls[node.a.0 as usize];
                    let a = Id(graph.calls.len() as u16);
                    graph.calls.push(super::node::Call { args: graph.args.len() as u32, ..call });
                    graph.args.extend_from_slice(&operands);
                    last_call = (node.a, a);
                    Node { a, ..node }
                }
                Op::Word(_) | Op::Second(_) | Op::Third(_) | Op::Phi => {
                    Node { a: operand(0), b: operand(1), c: operand(2), ..node }
                }
                Op::Alias => Node { a: operand(0), ..node },
                _ => node,
            };
            graph.nodes.push(copy);
        }
        for k in 0..n_out {
            let id = map(self.s.control.outs[quote.outs.0 as usize + k]);
            self.s.stack.set(base + k, id);
        }
        r.sp = base + n_out;
        if !quote.pure {
            self.s.control.note_impure();
        }
        if quote.diverges {
            self.die(r);
        }
        Ok(r)
    }

    pub(crate) fn execute(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        if self.s.control.dead {
            return Ok(r);
        }
        let top = self.pop(&mut r);
        let Some(target) = self.target(top) else {
            return Err(token.error(ErrorKind::NotStatic));
        };
        self.invoke(target, token, r)
    }

    /// `catch`: what the word leaves and 0, or as many cells as before and what was thrown. Where the counts differ the
    /// next words must tell the two ways apart.
    pub(crate) fn catch(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        if self.s.control.dead {
            return Ok(r);
        }
        let not_static = token.error(ErrorKind::NotStatic);
        let top = self.pop(&mut r);
        let target = self.target(top).ok_or(not_static)?;
        let action = self.action(target).ok_or(not_static)?;
        let n_in = action.effect.n_in as usize;
        if r.sp < self.floor + n_in {
            return Err(token.error(self.underflow()));
        }
        let thrown = self.s.graph.unknown(token.position);
        let mut lost = [NO_VALUE; BASE];
        for id in &mut lost[..n_in] {
            *id = self.s.graph.unknown(token.position);
        }
        let lost = &lost[..n_in];
        let base = r.sp - n_in;
        let after = self.invoke(target, token, r)?;
        r.low = after.low;
        if self.s.control.dead {
            // Whatever the word does, it throws.
            self.s.control.dead = false;
            let mut r = self.lay(lost, base, r);
            self.push(thrown, &mut r);
            return Ok(r);
        }
        let left = self.s.stack.slice(base, after.sp).to_vec();
        if let Some(follow) = self.follow(r.at) {
            return self.two_ways(follow, thrown, lost, &left, Regs { sp: base, ..r });
        }
        if lost.len() != left.len() {
            return Err(not_static);
        }
        let mut r = self.lay(lost, base, r);
        self.push(thrown, &mut r);
        Ok(r)
    }

    /// `traverse-wordlist` runs a word of ( … nt -- … flag ) as often as there are names.
    pub(crate) fn traverse(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        if self.s.control.dead {
            return Ok(r);
        }
        let not_static = token.error(ErrorKind::NotStatic);
        self.pop(&mut r);
        let top = self.pop(&mut r);
        let target = self.target(top).ok_or(not_static)?;
        let Action { effect, diverges } = self.action(target).ok_or(not_static)?;
        if diverges || effect.n_in != effect.n_out || effect.n_in == 0 {
            return Err(not_static);
        }
        self.s.control.note_impure();
        let n = effect.n_in as usize - 1;
        if r.sp < self.floor + n {
            return Err(token.error(self.underflow()));
        }
        r.touch(n);
        for k in 1..=n {
            let id = self.s.graph.unknown(token.position);
            self.s.stack.set(r.sp - k, id);
        }
        Ok(r)
    }
}
