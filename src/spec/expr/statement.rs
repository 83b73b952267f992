//! Whole texts: values, constraints, and properties with their quantifiers, guards and cases.

use crate::spec::expr::ast::{Comparison, Expr, Logic};
use crate::spec::expr::build::{CALLS, FLAG, GROUPED, Node};
use crate::spec::expr::builtin::Builtin;
use crate::spec::expr::error::ExprError;
use crate::spec::expr::parser::{Compared, Parsed, Parser};
use crate::spec::expr::scanner::{Op, power};

/// One of several cases or claims, before they are put together.
#[derive(Clone, Copy)]
struct Piece<'a> {
    value: Node<'a>,
    guard: Option<Node<'a>>,
    /// Marked as what holds when no other case does.
    otherwise: bool,
    /// It has an `else`, so that it is defined everywhere.
    complete: bool,
    /// The two sides, where it is an equation.
    equation: Option<[Node<'a>; 2]>,
    /// The last comparison in it.
    last_compare: Option<Compared<'a>>,
}

/// What a property says: where the guard holds, the claim does.
pub(super) struct Statement<'a> {
    pub(super) guard: Option<Node<'a>>,
    pub(super) claim: Node<'a>,
    /// The comparison that the claim is, if it is one.
    pub(super) compared: Option<Compared<'a>>,
}

type Pieces<'a> = bumpalo::collections::Vec<'a, Piece<'a>>;

const PREFIXES: [&str; 10] =
    ["for", "forall", "every", "when", "whenever", "where", "given", "assuming", "provided", "unless"];

impl<'a> Parser<'a, '_, '_> {
    /// The value of an output.
    pub(super) fn value(&mut self) -> Parsed<'a> {
        self.skip_defined_name();
        let mut pieces = Pieces::new_in(self.arena);
        self.pieces(&mut pieces)?;
        self.end()?;
        match pieces[..] {
            [Piece { value, guard: None, .. }] => Ok(value),
            _ => self.cases(&pieces),
        }
    }

    /// `= n²` and `result = n²` stand for `n²`.
    fn skip_defined_name(&mut self) {
        if !self.at.text.as_bytes().contains(&b'=') {
            return;
        }
        let mut ahead = self.at;
        ahead.skip_space();
        let name = ahead.name();
        let is_output = self.names.outputs.iter().any(|output| output.name == name);
        let is_param = self.names.params.iter().any(|param| param.name == name);
        if is_output && !is_param {
            ahead.pos += name.len();
            ahead.skip_space();
        }
        if !ahead.rest().starts_with("==") && ahead.take("=") {
            self.at = ahead;
        }
    }

    /// A constraint; `subject` is the slot that `> 0` and `positive` are about.
    pub(super) fn constraint(&mut self, subject: Option<u8>) -> Parsed<'a> {
        self.subject = subject;
        let mut all: Option<Node<'a>> = None;
        let mut bare = bumpalo::collections::Vec::new_in(self.arena);
        loop {
            let item = self.expr(power::IFF)?;
            self.at.skip_space();
            let more = self.at.take(",") || self.at.take(";");
            if item.bare_slot().is_some() && !item.is(FLAG) && more {
                bare.push(item);
                continue;
            }
            let item = self.condition(item)?;
            for variable in
                bare.drain(..).filter(|variable: &Node<'_>| variable.variables & item.variables == 0)
            {
                let same = self.about(item, variable)?;
                all = Some(self.and(all, same)?);
            }
            all = Some(self.and(all, item)?);
            if !more {
                break;
            }
        }
        self.end()?;
        all.ok_or_else(|| ExprError::new(0, 0, "a condition is due here"))
    }

    /// A property.
    pub(super) fn property(&mut self) -> Result<Statement<'a>, ExprError> {
        self.skip_label();
        let mut guard = None;
        while let Some(quantifier) = self.take_quantifier(&PREFIXES) {
            let part = self.prefix(quantifier)?;
            guard = self.and_maybe(guard, part)?;
        }
        let mut pieces = Pieces::new_in(self.arena);
        self.pieces(&mut pieces)?;
        self.end()?;
        let mut statement = self.claims(&pieces)?;
        statement.guard = self.and_maybe(guard, statement.guard)?;
        Ok(statement)
    }

    /// `commutative: f(a, b) = f(b, a)`: the name of a law before a colon is a label. Other words there could be a
    /// condition (`even numbers: …`), and are not skipped.
    fn skip_label(&mut self) {
        const LABELS: [&str; 24] = [
            "associative",
            "associativity",
            "base",
            "bound",
            "bounds",
            "case",
            "commutative",
            "commutativity",
            "definition",
            "distributive",
            "example",
            "idempotence",
            "idempotent",
            "identity",
            "invariant",
            "inverse",
            "involution",
            "law",
            "monotone",
            "monotonic",
            "property",
            "recurrence",
            "symmetric",
            "symmetry",
        ];
        let mut ahead = self.at;
        while ahead.take_keyword(&LABELS).is_some() {}
        if ahead.pos > self.at.pos && ahead.take(":") {
            self.at = ahead;
        }
    }

    fn take_quantifier(&mut self, words: &[&'static str]) -> Option<&'static str> {
        self.at.skip_space();
        if self.at.take("∀") {
            return Some("for");
        }
        // A parameter may have such a name.
        if self.names.at(&self.at, false).is_some() {
            return None;
        }
        let word = self.at.take_keyword(words)?;
        let _ = self.at.take_keyword(&["that"]);
        Some(if matches!(word, "forall" | "every") { "for" } else { word })
    }

    /// What stands before the claim: up to a colon, or else up to what calls the word, or up to the last of the list.
    fn prefix(&mut self, quantifier: &str) -> Result<Option<Node<'a>>, ExprError> {
        let start = self.at.pos;
        let mut list = Conditions::new(quantifier);
        self.adjectives(&mut list);
        let mut n_items = 0;
        // After `such that`, conditions may call the word.
        let mut may_call = false;
        loop {
            let here = self.at;
            let item = self.item()?;
            n_items += 1;
            self.at.skip_space();
            if self.at.take(":") || self.at.take(".") {
                self.add(&mut list, item)?;
                break;
            }
            let calls = item.is(CALLS) && n_items > 1 && !may_call;
            if !calls && self.such_that() {
                may_call = true;
                self.add(&mut list, item)?;
            } else if !calls && (self.separator() || self.operand_follows()) {
                self.add(&mut list, item)?;
            } else if n_items == 1 {
                return self.error(start, "`:` is missing after the condition");
            } else {
                // The item is the claim.
                self.at = here;
                break;
            }
        }
        self.finish(&mut list)?;
        Ok(list.guard)
    }

    fn such_that(&mut self) -> bool {
        let mut ahead = self.at;
        let there = ahead.take_keyword(&["such"]).is_some() && ahead.take_keyword(&["that"]).is_some()
            || ahead.take_keyword(&["where", "with"]).is_some();
        if there {
            self.at = ahead;
        }
        there
    }

    /// A condition of a list, in which `and` separates.
    fn item(&mut self) -> Parsed<'a> {
        self.at.skip_space();
        let start = self.at;
        let node = self.expr(power::AND)?;
        self.at.skip_space();
        match self.at.operator() {
            Some((Op::Word(Logic::And) | Op::Logic(Logic::And) | Op::Question, _)) | None => Ok(node),
            Some(_) => {
                self.at = start;
                self.expr(power::IFF)
            }
        }
    }

    fn separator(&mut self) -> bool {
        self.at.skip_space();
        if self.at.take(",") || self.at.take(";") {
            let _ = self.at.take_keyword(&["and", "then"]);
            return true;
        }
        match self.at.operator() {
            Some((Op::Word(Logic::And) | Op::Logic(Logic::And), len)) => {
                self.at.pos += len;
                true
            }
            _ => self.at.take_keyword(&["then"]).is_some(),
        }
    }

    /// `for all x y: …`: a name follows without a comma.
    fn operand_follows(&self) -> bool {
        let is_name = !self.at.name().is_empty();
        is_name
            && self.at.operator().is_none()
            && self.at.keyword(&PREFIXES).is_none()
            && self.at.keyword(&["if"]).is_none()
    }

    /// `all`, `positive integers`, …
    fn adjectives(&mut self, list: &mut Conditions<'a>) {
        const FILLERS: [&str; 19] = [
            "all", "any", "every", "each", "the", "of", "valid", "int", "ints", "integer", "integers",
            "number", "numbers", "whole", "value", "values", "input", "inputs", "some",
        ];
        loop {
            self.at.skip_space();
            if self.names.at(&self.at, false).is_some() {
                return;
            }
            if self.at.take_keyword(&["naturals"]).is_some() {
                list.adjectives[0] = Some(Builtin::NonNegative);
            } else if self.at.take_keyword(&FILLERS).is_none() {
                let free = list.adjectives.iter().position(Option::is_none);
                match (free, self.adjective()) {
                    (Some(free), Some(builtin)) => list.adjectives[free] = Some(builtin),
                    _ => return,
                }
            }
        }
    }

    /// Adds a condition, or names a variable.
    fn add(&mut self, list: &mut Conditions<'a>, item: Node<'a>) -> Result<(), ExprError> {
        if list.declares {
            self.declare(item.variables);
        }
        if list.declares && item.bare_slot().is_some() {
            for builtin in list.adjectives.into_iter().flatten() {
                let node = self.call_builtin(builtin, &[item], FLAG)?;
                list.guard = Some(self.and(list.guard, node)?);
            }
            return match list.bare.get_mut(list.bare_len) {
                Some(free) => {
                    *free = Some(item);
                    list.bare_len += 1;
                    Ok(())
                }
                None => Err(item.error("too many variables")),
            };
        }
        let item = self.condition(item)?;
        let bare = list.bare.into_iter().take(list.bare_len).flatten();
        for variable in bare.filter(|variable| variable.variables & item.variables == 0) {
            let same = self.about(item, variable)?;
            list.guard = Some(self.and(list.guard, same)?);
        }
        list.bare_len = 0;
        list.guard = Some(self.and(list.guard, item)?);
        Ok(())
    }

    fn finish(&mut self, list: &mut Conditions<'a>) -> Result<(), ExprError> {
        if list.negated {
            list.guard = match list.guard {
                Some(guard) => Some(self.not(guard)?),
                None => None,
            };
        }
        Ok(())
    }

    /// `a, b > 0`: the condition on `b`, said of `a`.
    fn about(&mut self, condition: Node<'a>, variable: Node<'a>) -> Parsed<'a> {
        if let Expr::Compare(compare) = condition.expr
            && matches!(compare.first, Expr::Variable(_))
        {
            let moved = super::ast::Compare { first: variable.expr, ..**compare };
            let expr = Expr::Compare(self.arena.alloc(moved));
            return Node::join(self.arena, expr, &[variable, condition], FLAG);
        }
        Err(variable.error("a condition is due here, this is only a variable"))
    }

    /// All cases or claims of the text.
    fn pieces(&mut self, pieces: &mut Pieces<'a>) -> Result<(), ExprError> {
        loop {
            self.at.skip_space();
            let otherwise = !pieces.is_empty() && self.at.take_keyword(&["else", "otherwise"]).is_some();
            let mut piece = self.piece()?;
            piece.otherwise |= otherwise;
            self.at.skip_space();
            if !self.at.at_end() {
                self.suffixes(&mut piece)?;
                self.at.skip_space();
            }
            pieces.push(piece);
            if !self.at.take(",") && !self.at.take(";") {
                return Ok(());
            }
            let _ = self.at.take_keyword(&["and"]);
        }
    }

    /// A value in brackets or an argument: conditionals must have both ways.
    pub(super) fn conditional(&mut self) -> Parsed<'a> {
        let piece = self.piece()?;
        match piece.guard {
            None => Ok(piece.value),
            Some(guard) => Err(guard.error("`else` is missing after this condition")),
        }
    }

    /// An expression, and what `if` and `else` make of it.
    fn piece(&mut self) -> Result<Piece<'a>, ExprError> {
        self.enter()?;
        let value = self.expr(0)?;
        let equation = self.equation(value);
        let mut piece = Piece {
            value,
            guard: None,
            otherwise: false,
            complete: false,
            equation,
            last_compare: self.last_compare,
        };
        if self.at.take_keyword(&["if"]).is_some() {
            if self.at.take_keyword(&["and"]).is_some() {
                let only =
                    self.at.take_keyword(&["only"]).is_some() && self.at.take_keyword(&["if"]).is_some();
                if !only {
                    return self.error(self.at.pos, "`if and only if` is due here");
                }
                let right = self.expr(power::IFF)?;
                piece.value = self.logic(value, Logic::Iff, right)?;
                piece.equation = None;
            } else {
                let condition = self.expr(power::IFF)?;
                match self.alternative()? {
                    Some(no) => piece = self.conditional_piece(value, equation, condition, no)?,
                    None => piece.guard = Some(self.condition(condition)?),
                }
            }
        } else if self.at.take_keyword(&["otherwise"]).is_some() {
            piece.otherwise = true;
        }
        self.leave();
        Ok(piece)
    }

    /// `else y`, with or without a comma before it.
    fn alternative(&mut self) -> Result<Option<Node<'a>>, ExprError> {
        let mut ahead = self.at;
        ahead.skip_space();
        let _ = ahead.take(",") || ahead.take(";");
        if ahead.take_keyword(&["else", "otherwise"]).is_none() {
            return Ok(None);
        }
        self.at = ahead;
        self.conditional().map(Some)
    }

    /// The sides of an equation that stands without brackets.
    fn equation(&self, node: Node<'a>) -> Option<[Node<'a>; 2]> {
        match self.last_compare {
            Some((whole, sides, Comparison::Equal))
                if std::ptr::eq(whole.expr, node.expr) && !node.is(GROUPED) =>
            {
                Some(sides)
            }
            _ => None,
        }
    }

    /// `f(n) = x if c else y` chooses between `x` and `y`, unless `y` is an equation too.
    fn conditional_piece(
        &mut self,
        value: Node<'a>,
        equation: Option<[Node<'a>; 2]>,
        condition: Node<'a>,
        no: Node<'a>,
    ) -> Result<Piece<'a>, ExprError> {
        let value = match equation {
            Some([left, right]) if self.equation(no).is_none() => {
                let right = self.choose(condition, right, Some(no))?;
                self.single_compare(left, Comparison::Equal, right)?
            }
            _ => self.choose(condition, value, Some(no))?,
        };
        let equation = self.equation(value);
        Ok(Piece {
            value,
            guard: None,
            otherwise: false,
            complete: true,
            equation,
            last_compare: self.last_compare,
        })
    }

    /// Guards after a claim: `for n > 1`, `when a ≥ b`, `for all n, m`.
    fn suffixes(&mut self, piece: &mut Piece<'a>) -> Result<(), ExprError> {
        loop {
            let before = self.at;
            self.at.skip_space();
            let _ = self.at.take(",");
            let Some(quantifier) = self.take_suffix() else {
                self.at = before;
                return Ok(());
            };
            let mut list = Conditions::new(quantifier);
            self.adjectives(&mut list);
            self.suffix_items(&mut list)?;
            self.finish(&mut list)?;
            piece.guard = self.and_maybe(piece.guard, list.guard)?;
        }
    }

    fn take_suffix(&mut self) -> Option<&'static str> {
        const SUFFIXES: [&str; 10] =
            ["for", "forall", "when", "whenever", "where", "given", "assuming", "provided", "unless", "if"];
        self.take_quantifier(&SUFFIXES)
    }

    fn suffix_items(&mut self, list: &mut Conditions<'a>) -> Result<(), ExprError> {
        self.at.skip_space();
        if self.at.at_end() && list.declares {
            return Ok(());
        }
        loop {
            let item = self.item()?;
            self.add(list, item)?;
            let before = self.at;
            self.at.skip_space();
            // `for n > 0 and …` goes on with the guard; after a comma another claim may begin.
            let comma = matches!(self.at.byte(), Some(b',' | b';'));
            if !self.separator() || (comma && !self.guard_follows()) {
                self.at = before;
                return Ok(());
            }
        }
    }

    /// Whether what follows a comma is another condition: it calls nothing and is not a case of its own.
    fn guard_follows(&mut self) -> bool {
        let (before, nesting) = (self.at, self.nesting);
        let item = self.item();
        let after = self.at;
        self.at = before;
        self.nesting = nesting;
        let ends = |mut at: super::scanner::Scanner<'_>| {
            at.skip_space();
            at.at_end()
                || at.byte() == Some(b',')
                || !at.name().is_empty() && at.keyword(&["if", "otherwise"]).is_none()
        };
        item.is_ok_and(|item| {
            !item.is(CALLS) && (item.is_condition() || item.bare_slot().is_some()) && ends(after)
        })
    }

    /// Cases, tried in order, as one nested conditional.
    fn cases(&mut self, pieces: &[Piece<'a>]) -> Parsed<'a> {
        let mut rest: Option<Node<'a>> = None;
        for (index, piece) in pieces.iter().enumerate().rev() {
            rest = Some(match piece.guard {
                Some(guard) => self.choose(guard, piece.value, rest)?,
                None if (piece.otherwise || piece.complete) && index > 0 && rest.is_none() => piece.value,
                None => {
                    let error = piece.value.error("this case has no condition");
                    return Err(error.suggest("write `otherwise` before the last case"));
                }
            });
        }
        rest.ok_or_else(|| ExprError::new(0, 0, "a value is due here"))
    }

    /// Claims side by side, or an equation whose right side has cases: `f(n) = 1 if n > 0, -1 otherwise`.
    fn claims(&mut self, pieces: &[Piece<'a>]) -> Result<Statement<'a>, ExprError> {
        let is_case = |piece: &Piece<'a>| piece.otherwise || !piece.value.is_condition();
        if pieces.len() > 1 && pieces[1..].iter().any(is_case) {
            let [left, right] =
                pieces[0].equation.ok_or_else(|| pieces[1].value.error("a condition is due here"))?;
            let mut cases = bumpalo::collections::Vec::from_iter_in(pieces.iter().copied(), self.arena);
            cases[0].value = right;
            let right = self.cases(&cases)?;
            let claim = self.single_compare(left, Comparison::Equal, right)?;
            return Ok(Statement { guard: None, claim, compared: self.last_compare });
        }
        if let [piece] = pieces {
            let claim = self.condition(piece.value)?;
            let mut statement = self.lift(Statement { guard: piece.guard, claim, compared: None })?;
            let is_claim = |compared: &Compared<'a>| std::ptr::eq(compared.0.expr, statement.claim.expr);
            statement.compared = piece.last_compare.filter(is_claim);
            return Ok(statement);
        }
        let mut all = None;
        for piece in pieces {
            let claim = match piece.guard {
                Some(guard) => self.logic(guard, Logic::Implies, piece.value)?,
                None => piece.value,
            };
            all = Some(self.and(all, claim)?);
        }
        let claim = all.ok_or_else(|| ExprError::new(0, 0, "a property is due here"))?;
        Ok(Statement { guard: None, claim, compared: None })
    }

    /// `a implies b` is `b` guarded by `a`, so that samples where `a` fails do not count as checks.
    fn lift(&mut self, statement: Statement<'a>) -> Result<Statement<'a>, ExprError> {
        let Expr::Logic(Logic::Implies, left, right) = statement.claim.expr else { return Ok(statement) };
        let part = |expr| Node { expr, ..statement.claim };
        let guard = self.and_maybe(statement.guard, Some(part(left)))?;
        self.lift(Statement { guard, claim: part(right), compared: None })
    }

    fn and(&mut self, left: Option<Node<'a>>, right: Node<'a>) -> Parsed<'a> {
        match left {
            Some(left) => self.logic(left, Logic::And, right),
            None => self.condition(right),
        }
    }

    fn and_maybe(
        &mut self,
        left: Option<Node<'a>>,
        right: Option<Node<'a>>,
    ) -> Result<Option<Node<'a>>, ExprError> {
        match right {
            Some(right) => self.and(left, right).map(Some),
            None => Ok(left),
        }
    }

    /// A name that nobody declared is a variable where a quantifier or a call's argument shows it; else it is a mistake.
    pub(super) fn check_free_names(&self) -> Result<(), ExprError> {
        for free in self.free() {
            let short = free.name.chars().filter(|c| c.is_alphabetic()).count() <= 1;
            let is_variable =
                free.declared || (free.in_call && (short || self.names.nearest(free.name, false).is_none()));
            if !is_variable {
                return Err(self.unknown_name(free.name, free.position));
            }
        }
        Ok(())
    }

    /// Nothing may follow but a full stop.
    fn end(&mut self) -> Result<(), ExprError> {
        self.at.skip_space();
        let _ = self.at.take(".");
        self.at.skip_space();
        if self.at.at_end() {
            return Ok(());
        }
        let (found, len) = self.found();
        let error =
            ExprError::new(self.at.pos, len, format!("an operator or the end is due here, not {found}"));
        let prose =
            self.at.text.split_whitespace().filter(|w| w.len() > 1 && w.chars().all(char::is_alphabetic));
        Err(if prose.count() >= 3 {
            error.suggest("this reads like prose; an expression is due")
        } else {
            error
        })
    }
}

/// A list of conditions and named variables after a quantifier.
struct Conditions<'a> {
    guard: Option<Node<'a>>,
    /// Variables named without a condition yet.
    bare: [Option<Node<'a>>; 8],
    bare_len: usize,
    adjectives: [Option<Builtin>; 4],
    /// `for`: its names are variables.
    declares: bool,
    /// `unless`.
    negated: bool,
}

impl Conditions<'_> {
    fn new(quantifier: &str) -> Self {
        Self {
            guard: None,
            bare: [None; 8],
            bare_len: 0,
            adjectives: [None; 4],
            declares: quantifier == "for",
            negated: quantifier == "unless",
        }
    }
}
