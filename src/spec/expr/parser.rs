//! Operands and operators: a Pratt parser over the scanner. The forms of whole properties stand in `statement`.

use crate::model::CellType;
use crate::spec::expr::ast::{Arithmetic, BitOp, Call, Choice, Comparison, Expr, Fold, Logic};
use crate::spec::expr::build::{
    self, AMPERSAND, CALLS_SIGNED, CONSTANT, FLAG, GROUPED, IMPLICIT, Node, ROUNDED, UNSIGNED, call_flags,
};
use crate::spec::expr::builtin::{Builtin, BuiltinRow};
use crate::spec::expr::error::ExprError;
use crate::spec::expr::eval::{FOLDS_MAX, WIDTH_MAX};
use crate::spec::expr::names::{Known, Names};
use crate::spec::expr::scanner::{Op, Scanner, is_name_start, power};
use crate::spec::expr::superscript;
use bumpalo::Bump;

/// Brackets and prefixes may nest so deep.
const NESTING_MAX: u32 = 64;
/// Slots for variables.
const SLOTS_MAX: usize = 64;
/// Variables that are not parameters.
const FREE_MAX: usize = 16;
/// Comparisons in one chain.
const CHAIN_MAX: usize = 8;
/// A longer text is not an expression.
pub(super) const TEXT_BYTES_MAX: usize = 1 << 14;

/// What is being parsed: it decides which names mean what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// The value of an output, or a constraint: about the parameters alone.
    Value,
    /// A property: calls the word, names outputs and free variables.
    Property,
}

/// A variable of a property that is not a parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct FreeName<'t> {
    pub(super) name: &'t str,
    pub(super) position: usize,
    /// A quantifier names it.
    pub(super) declared: bool,
    /// A word is called with it.
    pub(super) in_call: bool,
}

/// Marks an argument that is no bare variable in a binding.
pub(super) const NO_SLOT: u8 = u8::MAX;

pub(super) struct Parser<'a, 't, 'n> {
    pub(super) arena: &'a Bump,
    pub(super) at: Scanner<'t>,
    pub(super) names: &'n Names<'n>,
    pub(super) mode: Mode,
    free: [FreeName<'t>; FREE_MAX],
    n_free: usize,
    /// For each call of the own word with bare variables: the slot of each argument, or [`NO_SLOT`].
    pub(super) bindings: bumpalo::collections::Vec<'a, &'a [u8]>,
    /// The last single comparison made, with its sides: a conditional may have to move into the right one.
    pub(super) last_compare: Option<Compared<'a>>,
    pub(super) nesting: u32,
    pub(super) own_called: bool,
    /// The slot of the parameter that a constraint belongs to.
    pub(super) subject: Option<u8>,
    inside_bars: bool,
    in_call: u32,
    locals: [&'t str; FOLDS_MAX],
    n_locals: usize,
}

/// A comparison of two parts, with the parts.
pub(super) type Compared<'a> = (Node<'a>, [Node<'a>; 2], Comparison);

pub(super) type Parsed<'a> = Result<Node<'a>, ExprError>;

impl<'a, 't, 'n> Parser<'a, 't, 'n> {
    pub(super) fn new(
        arena: &'a Bump,
        text: &'t str,
        names: &'n Names<'n>,
        mode: Mode,
    ) -> Result<Self, ExprError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(ExprError::new(0, 0, format!("longer than {TEXT_BYTES_MAX} bytes")));
        }
        if names.params.len() > SLOTS_MAX || names.words.len() > 255 || names.outputs.len() > 255 {
            return Err(ExprError::new(0, 0, "the specification has too many parameters or words"));
        }
        Ok(Self {
            arena,
            at: Scanner { text, pos: 0 },
            names,
            mode,
            free: [FreeName { name: "", position: 0, declared: false, in_call: false }; FREE_MAX],
            n_free: 0,
            bindings: bumpalo::collections::Vec::new_in(arena),
            last_compare: None,
            nesting: 0,
            own_called: false,
            subject: None,
            inside_bars: false,
            in_call: 0,
            locals: [""; FOLDS_MAX],
            n_locals: 0,
        })
    }

    pub(super) fn error<T>(&self, start: usize, message: impl Into<String>) -> Result<T, ExprError> {
        Err(ExprError::new(start, self.at.pos.saturating_sub(start), message))
    }

    /// An expression whose operators bind at least as strongly as `power_min`.
    pub(super) fn expr(&mut self, power_min: u8) -> Parsed<'a> {
        self.enter()?;
        let left = match self.implied_subject(power_min)? {
            Some(subject) => subject,
            None => self.operand()?,
        };
        let node = self.expr_from(left, power_min)?;
        self.leave();
        Ok(node)
    }

    /// In a constraint, `> 0` and `positive` are about its parameter.
    fn implied_subject(&mut self, power_min: u8) -> Result<Option<Node<'a>>, ExprError> {
        let Some(slot) = self.subject.filter(|_| power_min <= power::COMPARE) else { return Ok(None) };
        self.at.skip_space();
        let start = self.at.pos;
        let variable = Node::leaf(self.arena, Expr::Variable(slot), start, start, self.variable_flags(slot));
        if matches!(self.at.operator(), Some((Op::Compare(_) | Op::In { .. } | Op::Between | Op::Is, _))) {
            return Ok(Some(variable));
        }
        if self.names.at(&self.at, false).is_some() {
            return Ok(None);
        }
        let Some(builtin) = self.adjective() else { return Ok(None) };
        let node = self.call_builtin(builtin, &[variable], FLAG)?;
        Ok(Some(Node { start: start as u32, end: self.at.pos as u32, ..node }))
    }

    /// Counts a level of nesting.
    pub(super) fn enter(&mut self) -> Result<(), ExprError> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return Err(ExprError::new(self.at.pos, 0, "nested too deeply"));
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.nesting -= 1;
    }

    /// Goes on after an operand.
    pub(super) fn expr_from(&mut self, left: Node<'a>, power_min: u8) -> Parsed<'a> {
        let mut left = left;
        loop {
            self.at.skip_space();
            let Some((op, len)) = self.at.operator() else { break };
            let (binds_left, binds_right) = op.power();
            if binds_left < power_min || (self.inside_bars && self.at.byte() == Some(b'|')) {
                break;
            }
            let sign = self.at.pos;
            self.at.pos += len;
            left = self.infix(left, op, sign, binds_right)?;
        }
        Ok(left)
    }

    fn infix(&mut self, left: Node<'a>, op: Op, sign: usize, power_right: u8) -> Parsed<'a> {
        match op {
            Op::Arithmetic(op) => self.arithmetic(left, op, power_right),
            Op::Compare(op) => self.chain(left, op),
            Op::Word(op) => self.logic_or_bits(left, op, power_right),
            Op::Logic(op) => {
                let right = self.expr(power_right)?;
                self.logic(left, op, right)
            }
            Op::Arrow => {
                let right = self.expr(power_right)?;
                let is_literal = right.is(FLAG) && right.constant().is_some();
                if left.is_condition() && right.is_condition() && !is_literal && left.is(FLAG) {
                    self.logic(left, Logic::Implies, right)
                } else {
                    self.single_compare(left, Comparison::Equal, right)
                }
            }
            Op::Bits(op) => {
                let right = self.expr(power_right)?;
                self.bits(left, op, right, 0)
            }
            Op::Ampersand => {
                let right = self.expr(power_right)?;
                if left.is(FLAG) && right.is(FLAG) {
                    return self.logic(left, Logic::And, right);
                }
                self.bits(left, BitOp::And, right, AMPERSAND)
            }
            Op::Rem => {
                let right = self.expr(power_right)?;
                self.call_builtin(Builtin::Rem, &[left, right], 0)
            }
            Op::Divides { negated } => {
                let right = self.expr(power_right)?;
                let node = self.call_builtin(Builtin::Divides, &[left, right], FLAG)?;
                if negated { self.not(node) } else { Ok(node) }
            }
            Op::In { negated } => {
                let node = self.membership(left)?;
                if negated { self.not(node) } else { Ok(node) }
            }
            Op::Between => self.range(left, &["and"]),
            Op::From => self.range(left, &["to"]),
            Op::Is => self.is(left),
            Op::Congruent => self.congruence(left),
            Op::Question => self.ternary(left),
            Op::Pipe => {
                let error = ExprError::new(sign, 1, "`|` between two values can be read in several ways");
                Err(error.suggest("write `divides(a, b)`, `a bor b` or `a or b`"))
            }
        }
    }

    /// A number is due, not several values.
    fn scalar(&self, node: Node<'a>) -> Parsed<'a> {
        if node.width == 1 {
            Ok(node)
        } else {
            Err(node.error(format!("one value is due here, this gives {}", node.width)))
        }
    }

    fn arithmetic(&mut self, left: Node<'a>, op: Arithmetic, power_right: u8) -> Parsed<'a> {
        let right = self.expr(power_right)?;
        if matches!(op, Arithmetic::Divide | Arithmetic::Mod) && right.is(IMPLICIT) {
            let error = right.error("a product without `*` after a division can be read in two ways");
            return Err(error.suggest("put it in parentheses"));
        }
        self.binary(left, op, right, if op == Arithmetic::Divide { ROUNDED } else { 0 })
    }

    pub(super) fn binary(&self, left: Node<'a>, op: Arithmetic, right: Node<'a>, flags: u16) -> Parsed<'a> {
        let (left, right) = (self.scalar(left)?, self.scalar(right)?);
        Node::join(self.arena, Expr::Arithmetic(op, left.expr, right.expr), &[left, right], flags)
    }

    fn bits(&self, left: Node<'a>, op: BitOp, right: Node<'a>, flags: u16) -> Parsed<'a> {
        let (left, right) = (self.scalar(left)?, self.scalar(right)?);
        Node::join(self.arena, Expr::Bits(op, left.expr, right.expr), &[left, right], flags)
    }

    pub(super) fn condition(&self, node: Node<'a>) -> Parsed<'a> {
        if node.is_condition() {
            return Ok(node);
        }
        Err(node.error("a condition is due here, this is a number").suggest("compare it with something"))
    }

    pub(super) fn logic(&self, left: Node<'a>, op: Logic, right: Node<'a>) -> Parsed<'a> {
        let (left, right) = (self.condition(left)?, self.condition(right)?);
        Node::join(self.arena, Expr::Logic(op, left.expr, right.expr), &[left, right], FLAG)
    }

    pub(super) fn not(&self, node: Node<'a>) -> Parsed<'a> {
        if !node.is_condition() {
            let error = node.error("`not` of a number can be read in two ways");
            return Err(error.suggest("write `invert(x)` to flip bits, `x = 0` to test for zero"));
        }
        Node::join(self.arena, Expr::Not(node.expr), &[node], FLAG)
    }

    /// `and`, `or`, `xor`: between conditions logic, between numbers bit work, and between one of each only what can
    /// be meant.
    fn logic_or_bits(&mut self, left: Node<'a>, op: Logic, power_right: u8) -> Parsed<'a> {
        let before = self.last_compare;
        let right = self.expr(power_right)?;
        let bit_op = match op {
            Logic::And => BitOp::And,
            Logic::Or => BitOp::Or,
            _ => BitOp::Xor,
        };
        if left.is(FLAG) && right.is(FLAG) {
            return self.logic(left, op, right);
        }
        if !left.is(FLAG) && !right.is(FLAG) {
            return self.bits(left, bit_op, right, 0);
        }
        // `band(a, b) = a and b`
        if let (Some((whole, [word, first], Comparison::Equal)), false) = (before, right.is(FLAG))
            && std::ptr::eq(whole.expr, left.expr)
            && word.is_direct_call()
            && !first.is(FLAG)
        {
            let value = self.bits(first, bit_op, right, 0)?;
            return self.single_compare(word, Comparison::Equal, value);
        }
        // `x and 1 = 1`
        if let (Some((whole, [mask, last], comparison)), false) = (self.last_compare, left.is(FLAG))
            && std::ptr::eq(whole.expr, right.expr)
            && mask.is(CONSTANT)
            && !mask.is(FLAG)
        {
            let value = self.bits(left, bit_op, mask, 0)?;
            return self.single_compare(value, comparison, last);
        }
        if left.is_condition() && right.is_condition() {
            return self.logic(left, op, right);
        }
        let number = if left.is(FLAG) { right } else { left };
        let error = number.error("a condition and a number stand side by side here");
        Err(error.suggest("put bit operations in parentheses; compare numbers with something"))
    }

    fn chain(&mut self, first: Node<'a>, op: Comparison) -> Parsed<'a> {
        let mut parts = [first; CHAIN_MAX + 1];
        let mut ops = [op; CHAIN_MAX];
        let mut n_ops = 0;
        let mut op = op;
        loop {
            if n_ops == CHAIN_MAX {
                return self.error(first.start as usize, "too many comparisons in one chain");
            }
            parts[n_ops + 1] = self.expr(power::COMPARE + 1)?;
            ops[n_ops] = op;
            n_ops += 1;
            self.at.skip_space();
            match self.at.operator() {
                Some((Op::Compare(next), len)) => {
                    self.at.pos += len;
                    op = next;
                }
                _ => break,
            }
        }
        if n_ops == 1 {
            return self.single_compare(first, op, parts[1]);
        }
        build::compare(self.arena, &parts[..=n_ops], &ops[..n_ops])
    }

    pub(super) fn single_compare(&mut self, left: Node<'a>, op: Comparison, right: Node<'a>) -> Parsed<'a> {
        let node = build::compare(self.arena, &[left, right], &[op])?;
        self.last_compare = Some((node, [left, right], op));
        Ok(node)
    }

    fn ternary(&mut self, condition: Node<'a>) -> Parsed<'a> {
        let yes = self.expr(power::IFF)?;
        self.at.skip_space();
        if !self.at.take(":") {
            return self.error(self.at.pos, "`:` is missing after `?`");
        }
        let no = self.expr(Op::Question.power().1)?;
        self.choose(condition, yes, Some(no))
    }

    /// `yes if condition else no`.
    pub(super) fn choose(&self, condition: Node<'a>, yes: Node<'a>, no: Option<Node<'a>>) -> Parsed<'a> {
        let condition = self.condition(condition)?;
        let other = no.unwrap_or(yes);
        if yes.width != other.width
            || (yes.is(FLAG) != other.is(FLAG) && yes.is_condition() != other.is_condition())
        {
            return Err(other.error("both ways of a conditional must give the same kind of value"));
        }
        let choice = Choice { condition: condition.expr, yes: yes.expr, no: no.map(|no| no.expr) };
        let flags = yes.flags & other.flags & FLAG;
        let expr = Expr::If(self.arena.alloc(choice));
        let node = Node::join(self.arena, expr, &[condition, yes, other], flags)?;
        Ok(Node { width: yes.width, ..node })
    }

    // Operands

    fn operand(&mut self) -> Parsed<'a> {
        self.at.skip_space();
        let start = self.at.pos;
        let node = self.primary(start)?;
        self.postfix(node)
    }

    fn primary(&mut self, start: usize) -> Parsed<'a> {
        if let Some((known, len)) = self.names.at(&self.at, self.mode == Mode::Property)
            && let Some(found) = self.known(known, len, start)
        {
            return found;
        }
        let Some(c) = self.at.char() else {
            return self.error(start, "a value is missing at the end");
        };
        match c {
            '0'..='9' | '$' | '%' => self.number(start),
            '(' => self.group(),
            '|' => self.bars(),
            '⌊' | '⌈' => self.rounding(c),
            '-' | '−' | '–' | '+' => self.signed(c),
            '!' | '¬' => {
                self.at.pos += c.len_utf8();
                let inner = self.expr(power::UNARY)?;
                self.not(inner)
            }
            '~' => {
                self.at.pos += 1;
                let inner = self.expr(power::UNARY)?;
                self.call_builtin(Builtin::Invert, &[inner], 0)
            }
            '√' | '∛' => self.root(c),
            '\'' => self.char_literal(start),
            '∑' => self.fold_at(Fold::Sum, c.len_utf8(), start),
            '∏' => self.fold_at(Fold::Product, c.len_utf8(), start),
            '∃' => self.error(start, "that something exists cannot be checked on samples"),
            c if is_name_start(c) => self.named(start),
            c => Err(ExprError::new(start, c.len_utf8(), format!("a value is due here, not `{}`", shown(c)))),
        }
    }

    fn number(&mut self, start: usize) -> Parsed<'a> {
        if matches!(self.at.byte(), Some(b'$' | b'%')) {
            let radix = if self.at.byte() == Some(b'$') { 16 } else { 2 };
            let digit = self.at.rest().chars().nth(1);
            if !digit.is_some_and(|c| c.is_digit(radix)) {
                return Err(ExprError::new(start, 1, "a value is due here, not an operator"));
            }
        }
        let value = self.at.number()?;
        let node = self.literal(value, start, 0);
        self.implicit_product(node)
    }

    fn literal(&self, value: i128, start: usize, flags: u16) -> Node<'a> {
        Node::leaf(self.arena, Expr::Number(value), start, self.at.pos, CONSTANT | flags)
    }

    /// `2n`, `2(a + b)`, `(a + b)(a - b)`: the next factor follows without a space.
    fn implicit_product(&mut self, left: Node<'a>) -> Parsed<'a> {
        let Some(c) = self.at.char() else { return Ok(left) };
        let is_number = left.constant().is_some();
        let factor = match c {
            '(' => !self.at.rest()[1..].trim_start().starts_with("mod "),
            '√' | '|' if is_number => !(self.at.rest().starts_with("||") || c == '|' && self.inside_bars),
            c if is_number && is_name_start(c) => !self.is_grammar_word(),
            _ => false,
        };
        if !factor {
            return Ok(left);
        }
        let right = self.expr(power::IMPLICIT)?;
        self.binary(left, Arithmetic::Multiply, right, IMPLICIT)
    }

    fn is_grammar_word(&self) -> bool {
        const WORDS: [&str; 12] = [
            "if",
            "else",
            "then",
            "for",
            "when",
            "where",
            "unless",
            "otherwise",
            "to",
            "such",
            "given",
            "forall",
        ];
        self.at.operator().is_some() || self.at.keyword(&WORDS).is_some()
    }

    /// A known name stands here. `None` when it cannot be meant so, and another reading should be tried.
    fn known(&mut self, known: Known, len: usize, start: usize) -> Option<Parsed<'a>> {
        match known {
            Known::Param(slot) => {
                self.at.pos += len;
                let node = self.variable(slot, start);
                Some(self.implicit_product(node))
            }
            Known::Output(index) => {
                self.at.pos += len;
                Some(self.output(index, start))
            }
            Known::Word(word) => {
                // In a value the mathematical function is meant: the value of `gcd` is not what `gcd` gives.
                let name = &self.at.text[start..start + len];
                if self.mode == Mode::Value && (Names::function(name).is_some() || fold_named(name).is_some())
                {
                    return None;
                }
                self.at.pos += len;
                if self.mode == Mode::Value && word == 0 {
                    let error =
                        ExprError::new(start, len, "the value of a word cannot be what the word gives");
                    return Some(Err(error.suggest("state it as a property")));
                }
                Some(self.call_word(word, start))
            }
        }
    }

    pub(super) fn variable_flags(&self, slot: u8) -> u16 {
        match self.names.params.get(slot as usize).map(|param| param.ty) {
            Some(CellType::Bool) => FLAG,
            Some(CellType::Uint | CellType::Addr) => UNSIGNED,
            _ => 0,
        }
    }

    fn variable(&self, slot: u8, start: usize) -> Node<'a> {
        Node::leaf(self.arena, Expr::Variable(slot), start, self.at.pos, self.variable_flags(slot))
    }

    /// A name that no parameter, output or word has: a function, a word of the grammar, a free variable, or a mistake.
    fn named(&mut self, start: usize) -> Parsed<'a> {
        let name = self.at.name();
        if let Some(depth) = self.locals[..self.n_locals].iter().rposition(|local| *local == name) {
            self.at.pos += name.len();
            return Ok(Node::leaf(self.arena, Expr::Local(depth as u8), start, self.at.pos, 0));
        }
        if let Some(node) = self.grammar_word(name, start) {
            return node;
        }
        if let Some(call) = self.function(start) {
            return call;
        }
        let long = self.at.long_name();
        if self.at.rest()[long.len()..].trim_start().starts_with('(')
            || self.at.rest()[name.len()..].starts_with('(')
        {
            return self.unknown_word(long, start);
        }
        self.at.pos += name.len();
        if let Some(Known::Param(slot)) = self.names.any_case(name) {
            return Ok(self.variable(slot, start));
        }
        if self.mode == Mode::Property {
            if let Some(index) = self.result_index(name) {
                return self.output(index, start);
            }
            return self.free_variable(name, start);
        }
        Err(self.unknown_name(name, start))
    }

    fn grammar_word(&mut self, name: &str, start: usize) -> Option<Parsed<'a>> {
        let lower = self.at.keyword(&[
            "not", "if", "true", "false", "max_int", "int_max", "maxint", "min_int", "int_min", "minint",
            "uint_max", "max_uint",
        ])?;
        self.at.pos += name.len();
        Some(match lower {
            "not" => self.expr(power::NOT).and_then(|inner| self.not(inner)),
            "if" => self.prefix_if(),
            "true" => Ok(self.literal(-1, start, FLAG)),
            "false" => Ok(self.literal(0, start, FLAG)),
            "max_int" | "int_max" | "maxint" => Ok(self.literal(i64::MAX as i128, start, 0)),
            "min_int" | "int_min" | "minint" => Ok(self.literal(i64::MIN as i128, start, 0)),
            _ => Ok(self.literal(u64::MAX as i128, start, 0)),
        })
    }

    /// `if c then x else y`, `if c: x`, `if(c, x, y)`. Without `else` it says something only where `c` holds.
    fn prefix_if(&mut self) -> Parsed<'a> {
        self.at.skip_space();
        let start = self.at.pos;
        let condition = if self.at.byte() == Some(b'(') {
            let mut nodes = bumpalo::collections::Vec::new_in(self.arena);
            let bars = std::mem::take(&mut self.inside_bars);
            self.at.pos += 1;
            self.list(start, ')', &mut nodes)?;
            self.inside_bars = bars;
            match nodes[..] {
                [condition, yes, no] => return self.choose(condition, yes, Some(no)),
                [condition] => {
                    let group =
                        Node { flags: condition.flags & !(AMPERSAND | IMPLICIT) | GROUPED, ..condition };
                    let group = self.implicit_product(group)?;
                    let left = self.postfix(group)?;
                    self.expr_from(left, power::IFF)?
                }
                _ => return self.error(start, "a condition is due here"),
            }
        } else {
            self.expr(power::IFF)?
        };
        let separated = self.at.take_keyword(&["then"]).is_some() || self.at.take(":") || self.at.take(",");
        if !separated {
            return self.error(start, "`then` is missing after `if`");
        }
        let yes = self.expr(power::IFF)?;
        let mut ahead = self.at;
        ahead.skip_space();
        let _ = ahead.take(",") || ahead.take(";");
        if ahead.take_keyword(&["else", "otherwise"]).is_some() {
            self.at = ahead;
            let _ = self.at.take(",") || self.at.take(":");
            let no = self.expr(power::IFF)?;
            return self.choose(condition, yes, Some(no));
        }
        if yes.is(FLAG) {
            return self.logic(condition, Logic::Implies, yes);
        }
        self.choose(condition, yes, None)
    }

    /// Something in parentheses: a value, or several.
    fn group(&mut self) -> Parsed<'a> {
        let start = self.at.pos;
        self.at.pos += 1;
        let bars = std::mem::take(&mut self.inside_bars);
        let node = self.elements(start, ')')?;
        self.inside_bars = bars;
        let node = Node { start: start as u32, end: self.at.pos as u32, flags: node.flags | GROUPED, ..node };
        let node = Node { flags: node.flags & !(AMPERSAND | IMPLICIT), ..node };
        if node.width == 1 { self.implicit_product(node) } else { Ok(node) }
    }

    /// Comma-separated values up to the closing bracket, as one node.
    fn elements(&mut self, open: usize, close: char) -> Parsed<'a> {
        let mut nodes = bumpalo::collections::Vec::new_in(self.arena);
        self.list(open, close, &mut nodes)?;
        match nodes[..] {
            [] => self.error(open, "a value is due between the parentheses"),
            [node] => Ok(node),
            _ => self.tuple(&nodes),
        }
    }

    fn list(
        &mut self,
        open: usize,
        close: char,
        nodes: &mut bumpalo::collections::Vec<'a, Node<'a>>,
    ) -> Result<(), ExprError> {
        self.at.skip_space();
        if self.at.char() == Some(close) {
            self.at.pos += close.len_utf8();
            return Ok(());
        }
        loop {
            if nodes.len() >= WIDTH_MAX {
                return self.error(open, format!("more than {WIDTH_MAX} values in one list"));
            }
            nodes.push(self.conditional()?);
            self.at.skip_space();
            match self.at.char() {
                Some(',') => self.at.pos += 1,
                Some(c) if c == close => {
                    self.at.pos += c.len_utf8();
                    return Ok(());
                }
                Some(_) => {
                    let (found, len) = self.found();
                    let message = format!("`{close}` or an operator is due here, not {found}");
                    return Err(ExprError::new(self.at.pos, len, message));
                }
                None => return self.error(open, format!("this is never closed: `{close}` is missing")),
            }
        }
    }

    fn tuple(&self, nodes: &[Node<'a>]) -> Parsed<'a> {
        let width: usize = nodes.iter().map(|node| node.width as usize).sum();
        if width > WIDTH_MAX {
            return Err(nodes[0].error(format!("more than {WIDTH_MAX} values side by side")));
        }
        let items = self.arena.alloc_slice_fill_iter(nodes.iter().map(|node| node.expr));
        let node = Node::join(self.arena, Expr::Tuple(items), nodes, 0)?;
        Ok(Node { width: width as u8, ..node })
    }

    /// `|x|`.
    fn bars(&mut self) -> Parsed<'a> {
        let start = self.at.pos;
        self.at.pos += 1;
        let outer = std::mem::replace(&mut self.inside_bars, true);
        let inner = self.expr(power::IFF)?;
        self.inside_bars = outer;
        self.at.skip_space();
        if !self.at.take("|") {
            return self.error(start, "this is never closed: `|` is missing");
        }
        let node = self.call_builtin(Builtin::Abs, &[inner], 0)?;
        Ok(Node { start: start as u32, end: self.at.pos as u32, ..node })
    }

    /// `⌊a/b⌋` and `⌈a/b⌉`.
    fn rounding(&mut self, open: char) -> Parsed<'a> {
        let start = self.at.pos;
        let close = if open == '⌊' { '⌋' } else { '⌉' };
        self.at.pos += open.len_utf8();
        let bars = std::mem::take(&mut self.inside_bars);
        let inner = self.elements(start, close)?;
        self.inside_bars = bars;
        let node = self.rounded(inner, open == '⌊')?;
        Ok(Node { start: start as u32, end: self.at.pos as u32, flags: node.flags | GROUPED, ..node })
    }

    /// Every division here rounds down at once; that is what `⌊…⌋` of the exact value gives only for one division or
    /// root, and a whole number added.
    pub(super) fn rounded(&mut self, inner: Node<'a>, down: bool) -> Parsed<'a> {
        let inner = self.scalar(inner)?;
        if !inner.is(ROUNDED) {
            return Ok(inner);
        }
        match inner.expr {
            Expr::Arithmetic(Arithmetic::Divide, a, b) if !down && !rounds(a) && !rounds(b) => {
                let args = self.arena.alloc_slice_copy(&[*a, *b]);
                Node::join(self.arena, Expr::Builtin(Builtin::CeilDiv, args), &[inner], 0)
            }
            expr if down && rounds_once(expr) => Ok(inner),
            _ => {
                let error = inner.error("divisions round down one by one here, which gives something else");
                Err(error.suggest("write one division between the brackets: ⌊a/b⌋"))
            }
        }
    }

    fn signed(&mut self, sign: char) -> Parsed<'a> {
        let start = self.at.pos;
        self.at.pos += sign.len_utf8();
        let inner = self.expr(power::UNARY)?;
        let inner = self.scalar(inner)?;
        if sign == '+' {
            return Ok(inner);
        }
        let flags = inner.flags & IMPLICIT;
        let node = Node::join(self.arena, Expr::Negate(inner.expr), &[inner], flags)?;
        Ok(Node { start: start as u32, ..node })
    }

    fn root(&mut self, sign: char) -> Parsed<'a> {
        self.at.pos += sign.len_utf8();
        self.at.skip_space();
        let start = self.at.pos;
        self.enter()?;
        let inner = self.primary(start)?;
        self.leave();
        if superscript::starts(self.at.char()) || matches!(self.at.byte(), Some(b'!' | b'^')) {
            let error = inner.error("what the root covers can be read in two ways");
            return Err(error.suggest("put it in parentheses"));
        }
        let builtin = if sign == '√' { Builtin::Sqrt } else { Builtin::Cbrt };
        self.call_builtin(builtin, &[inner], ROUNDED)
    }

    fn char_literal(&mut self, start: usize) -> Parsed<'a> {
        let mut chars = self.at.rest().chars().skip(1);
        if let (Some(c), Some('\'')) = (chars.next(), chars.next()) {
            self.at.pos += 2 + c.len_utf8();
            return Ok(self.literal(c as i128, start, 0));
        }
        Err(ExprError::new(start, 1, "a character is written 'A'"))
    }

    /// What may follow an operand: `!`, `²`, `.name`.
    fn postfix(&mut self, mut node: Node<'a>) -> Parsed<'a> {
        loop {
            let next = self.at.char();
            if next == Some('!') && !self.at.rest().starts_with("!=") {
                if self.at.rest().starts_with("!!") {
                    return self
                        .error(self.at.pos, "`!!` can be read in two ways")
                        .map_err(|e| e.suggest("write (n!)!"));
                }
                if node.is(IMPLICIT) {
                    break;
                }
                self.at.pos += 1;
                node = self.call_builtin(Builtin::Factorial, &[node], 0)?;
            } else if superscript::starts(next) && !node.is(IMPLICIT) {
                let exponent = self.exponent()?;
                node = self.binary(node, Arithmetic::Power, exponent, 0)?;
            } else if next == Some('.') && node.width > 1 {
                node = self.pick(node)?;
            } else {
                break;
            }
            node.end = self.at.pos as u32;
        }
        Ok(node)
    }

    /// `²`, `¹⁰`, `ⁿ`.
    fn exponent(&mut self) -> Parsed<'a> {
        let start = self.at.pos;
        let (value, len) = superscript::read(self.at.rest());
        self.at.pos += len;
        match value {
            Some(superscript::Exponent::Number(value)) => Ok(self.literal(value, start, 0)),
            Some(superscript::Exponent::N) => {
                match self.names.params.iter().position(|param| param.name == "n") {
                    Some(slot) => Ok(self.variable(slot as u8, start)),
                    None => self.error(start, "no parameter is called `n`"),
                }
            }
            None => self.error(start, "this superscript is not an exponent"),
        }
    }

    /// `divmod(a, b).quotient`.
    fn pick(&mut self, node: Node<'a>) -> Parsed<'a> {
        let start = self.at.pos;
        self.at.pos += 1;
        let name = self.at.name();
        self.at.pos += name.len();
        let index = self.names.outputs.iter().position(|output| output.name == name);
        match (node.expr, index) {
            (Expr::Call(call), Some(index)) if call.word == 0 && index < node.width as usize => {
                let node = Node::join(self.arena, Expr::Pick(call, index as u8), &[node], 0)?;
                Ok(self.typed_call(node, &call.outputs[index..=index]))
            }
            _ => self.error(start, "an output of the word is due after the dot"),
        }
    }

    /// Sets what follows from the output types of a call.
    fn typed_call(&self, node: Node<'a>, outputs: &[CellType]) -> Node<'a> {
        let flag = if outputs == [CellType::Bool] { FLAG } else { 0 };
        let inherited = node.flags & !(build::CALLS | CONSTANT);
        Node { flags: inherited | call_flags(outputs) | flag, width: outputs.len() as u8, ..node }
    }

    // Calls

    fn call_word(&mut self, word: u8, start: usize) -> Parsed<'a> {
        let entry = &self.names.words[word as usize];
        let name_end = self.at.pos;
        self.in_call += 1;
        let args = self.arguments()?;
        self.in_call -= 1;
        let width: usize = args.iter().map(|arg| arg.width as usize).sum();
        let (inputs, outputs): (&[CellType], &[CellType]) = entry.effect.unwrap_or((&[], &[CellType::Any]));
        if entry.effect.is_some() && width != inputs.len() {
            let name = &self.at.text[start..name_end];
            let message = format!("`{name}` takes {}, {width} given here", arguments_text(inputs.len()));
            return Err(ExprError::new(start, name_end - start, message));
        }
        if word == 0 {
            self.bind(&args);
        }
        self.word_node(word, outputs, inputs, &args, start)
    }

    fn word_node(
        &mut self,
        word: u8,
        outputs: &[CellType],
        inputs: &[CellType],
        args: &[Node<'a>],
        start: usize,
    ) -> Parsed<'a> {
        self.own_called |= word == 0;
        let call = Call {
            word,
            inputs: self.arena.alloc_slice_copy(inputs),
            outputs: self.arena.alloc_slice_copy(outputs),
            unknown_effect: self.names.words[word as usize].effect.is_none(),
            computed: args.iter().any(|arg| arg.bare_slot().is_none() && !arg.is(CONSTANT)),
            args: self.arena.alloc_slice_fill_iter(args.iter().map(|arg| arg.expr)),
        };
        let node = Node::join(self.arena, Expr::Call(self.arena.alloc(call)), args, 0)?;
        let node = Node { start: start as u32, end: self.at.pos as u32, ..node };
        let node = self.typed_call(node, outputs);
        Ok(if call.unknown_effect { Node { flags: node.flags | CALLS_SIGNED, ..node } } else { node })
    }

    /// Remembers with which bare variables the own word is called: its constraints hold for them.
    fn bind(&mut self, args: &[Node<'a>]) {
        if args.iter().any(|arg| arg.bare_slot().is_some()) && args.iter().all(|arg| arg.width == 1) {
            let slots = args.iter().map(|arg| arg.bare_slot().unwrap_or(NO_SLOT));
            self.bindings.push(self.arena.alloc_slice_fill_iter(slots));
        }
    }

    fn arguments(&mut self) -> Result<bumpalo::collections::Vec<'a, Node<'a>>, ExprError> {
        let mut nodes = bumpalo::collections::Vec::new_in(self.arena);
        let mut ahead = self.at;
        ahead.skip_space();
        if ahead.byte() == Some(b'(') {
            let open = ahead.pos;
            self.at.pos = open + 1;
            let bars = std::mem::take(&mut self.inside_bars);
            self.list(open, ')', &mut nodes)?;
            self.inside_bars = bars;
        }
        Ok(nodes)
    }

    /// What the word gives for the parameters, by the name of an output.
    fn output(&mut self, index: u8, start: usize) -> Parsed<'a> {
        let (n_params, n_outputs) = (self.names.params.len(), self.names.outputs.len());
        let arena = self.arena;
        let types = |names: &[super::Name<'_>]| arena.alloc_slice_fill_iter(names.iter().map(|name| name.ty));
        let (inputs, outputs) = (types(self.names.params), types(self.names.outputs));
        if n_params > WIDTH_MAX || n_outputs > WIDTH_MAX || self.names.words.is_empty() {
            return self.error(start, "an output cannot be named here");
        }
        let mut args = bumpalo::collections::Vec::new_in(self.arena);
        args.extend((0..n_params as u8).map(|slot| self.variable(slot, start)));
        let node = self.word_node(0, outputs, inputs, &args, start)?;
        match node.expr {
            Expr::Call(call) if n_outputs > 1 => {
                let picked = Node::join(self.arena, Expr::Pick(call, index), &[node], 0)?;
                Ok(self.typed_call(picked, &outputs[index as usize..=index as usize]))
            }
            _ => Ok(node),
        }
    }

    /// `result` names the only output, whatever its own name.
    fn result_index(&self, name: &str) -> Option<u8> {
        const NAMES: [&str; 7] = ["result", "output", "out", "answer", "ret", "return", "res"];
        let is_result = NAMES.iter().any(|known| known.eq_ignore_ascii_case(name));
        (is_result && self.names.outputs.len() == 1).then_some(0)
    }

    fn function(&mut self, start: usize) -> Option<Parsed<'a>> {
        let (name, long) = (self.at.name(), self.at.long_name());
        for name in [long, name] {
            let called = self.at.rest()[name.len()..].trim_start().starts_with('(');
            if !called {
                continue;
            }
            if let Some(fold) = fold_named(name) {
                return Some(self.fold_at(fold, name.len(), start));
            }
            if let Some(row) = Names::function(name) {
                self.at.pos += name.len();
                return Some(self.call_function(row, start));
            }
            if name.eq_ignore_ascii_case("ceil") || name.eq_ignore_ascii_case("ceiling") {
                self.at.pos += name.len();
                return Some(self.arguments().and_then(|args| match args[..] {
                    [inner] => self.rounded(inner, false),
                    _ => self.error(start, "`ceil` takes 1 argument"),
                }));
            }
        }
        None
    }

    fn call_function(&mut self, row: &'static BuiltinRow, start: usize) -> Parsed<'a> {
        let name_end = self.at.pos;
        let args = self.arguments()?;
        let width: usize = args.iter().map(|arg| arg.width as usize).sum();
        if width < row.args_min as usize || width > row.args_max as usize {
            let name = &self.at.text[start..name_end];
            let message =
                format!("`{name}` takes {}, {width} given here", arguments_text(row.args_min as usize));
            return Err(ExprError::new(start, name_end - start, message));
        }
        if row.builtin == Builtin::Floor {
            return self.rounded(args[0], true);
        }
        let rounds = matches!(row.builtin, Builtin::Sqrt | Builtin::Cbrt | Builtin::Log2 | Builtin::Log10);
        let flags = if row.flag { FLAG } else { 0 } | if rounds { ROUNDED } else { 0 };
        let node = self.call_builtin(row.builtin, &args, flags)?;
        Ok(Node { start: start as u32, end: self.at.pos as u32, ..node })
    }

    pub(super) fn call_builtin(&self, builtin: Builtin, args: &[Node<'a>], flags: u16) -> Parsed<'a> {
        let exprs = self.arena.alloc_slice_fill_iter(args.iter().map(|arg| arg.expr));
        Node::join(self.arena, Expr::Builtin(builtin, exprs), args, flags)
    }

    /// `sum(i, 1, n, i²)`.
    fn fold_at(&mut self, fold: Fold, len: usize, start: usize) -> Parsed<'a> {
        self.at.pos += len;
        self.at.skip_space();
        let shape = "it is written sum(i, low, high, term)";
        let opened = self.at.take("(");
        self.at.skip_space();
        let local = self.at.name();
        self.at.pos += local.len();
        if !opened || local.is_empty() || self.n_locals == FOLDS_MAX {
            return self.error(start, shape);
        }
        let mut parts = bumpalo::collections::Vec::new_in(self.arena);
        let bars = std::mem::take(&mut self.inside_bars);
        for i in 0..3 {
            self.at.skip_space();
            if !self.at.take(",") {
                return self.error(start, shape);
            }
            if i == 2 {
                self.locals[self.n_locals] = local;
                self.n_locals += 1;
            }
            let part = self.conditional()?;
            parts.push(self.scalar(part)?);
        }
        self.n_locals -= 1;
        self.inside_bars = bars;
        self.at.skip_space();
        if !self.at.take(")") {
            return self.error(start, shape);
        }
        let exprs = self.arena.alloc([parts[0].expr, parts[1].expr, parts[2].expr]);
        let node = Node::join(self.arena, Expr::Fold(fold, exprs), &parts, 0)?;
        Ok(Node { start: start as u32, end: self.at.pos as u32, ..node })
    }

    // Names that nobody declared

    pub(super) fn free(&self) -> &[FreeName<'t>] {
        &self.free[..self.n_free]
    }

    /// A quantifier names the variables.
    pub(super) fn declare(&mut self, variables: u64) {
        let n_params = self.names.params.len();
        for (index, free) in self.free[..self.n_free].iter_mut().enumerate() {
            free.declared |= variables >> (n_params + index) & 1 == 1;
        }
    }

    fn free_variable(&mut self, name: &'t str, start: usize) -> Parsed<'a> {
        let n_params = self.names.params.len();
        let index = match self.free().iter().position(|free| free.name == name) {
            Some(index) => index,
            None if self.n_free == FREE_MAX || n_params + self.n_free >= SLOTS_MAX => {
                return self.error(start, "too many variables");
            }
            None => {
                self.free[self.n_free] = FreeName { name, position: start, declared: false, in_call: false };
                self.n_free += 1;
                self.n_free - 1
            }
        };
        self.free[index].in_call |= self.in_call > 0;
        let slot = (n_params + index) as u8;
        Ok(Node::leaf(self.arena, Expr::Variable(slot), start, self.at.pos, 0))
    }

    pub(super) fn unknown_name(&self, name: &str, start: usize) -> ExprError {
        let error = ExprError::new(start, name.len(), format!("`{name}` is not known here"));
        if Names::function(name).is_some() {
            return error.suggest(format!("arguments stand in parentheses: {name}(…)"));
        }
        match self.names.nearest(name, false) {
            Some(near) => error.suggest(format!("did you mean `{near}`?")),
            None if self.prose() => error.suggest("this reads like prose; an expression is due"),
            None => error,
        }
    }

    fn unknown_word(&self, name: &str, start: usize) -> Parsed<'a> {
        let error = ExprError::new(start, name.len(), format!("no function or word `{name}` is known here"));
        Err(match self.names.nearest(name, true) {
            Some(near) => error.suggest(format!("did you mean `{near}`?")),
            None => error.suggest(format!("add `{name}` to `uses`, if it is a word of the corpus")),
        })
    }

    /// Several words in a row, with nothing between them.
    fn prose(&self) -> bool {
        let words = self.at.text.split_whitespace().filter(|word| word.chars().all(char::is_alphabetic));
        words.filter(|word| word.len() > 1).count() >= 3
    }

    /// What stands here, and its length.
    pub(super) fn found(&self) -> (String, usize) {
        let name = self.at.long_name();
        match self.at.char() {
            None => ("the end".to_owned(), 0),
            Some(c) if name.is_empty() => (format!("`{}`", shown(c)), c.len_utf8()),
            Some(_) => (format!("`{name}`"), name.len()),
        }
    }
}

fn shown(c: char) -> String {
    if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() }
}

fn arguments_text(n: usize) -> String {
    if n == 1 { "1 argument".to_owned() } else { format!("{n} arguments") }
}

fn fold_named(name: &str) -> Option<Fold> {
    const NAMES: [(&str, Fold); 6] = [
        ("sum", Fold::Sum),
        ("Σ", Fold::Sum),
        ("product", Fold::Product),
        ("prod", Fold::Product),
        ("Π", Fold::Product),
        ("count", Fold::Count),
    ];
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, fold)| *fold)
}

/// Whether a division or root rounds anywhere within.
fn rounds(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::Arithmetic(Arithmetic::Divide, ..) => true,
        Expr::Arithmetic(_, a, b) => rounds(a) || rounds(b),
        Expr::Negate(a) => rounds(a),
        Expr::Builtin(Builtin::Sqrt | Builtin::Cbrt | Builtin::Log2 | Builtin::Log10, _) => true,
        Expr::Builtin(_, args) => args.iter().any(|arg| rounds(arg)),
        _ => false,
    }
}

/// Whether rounding each step down gives what rounding the exact value down gives.
fn rounds_once(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::Arithmetic(Arithmetic::Divide, a, b) => !rounds(a) && !rounds(b),
        Expr::Arithmetic(Arithmetic::Add, a, b) => {
            (rounds_once(a) && !rounds(b)) || (!rounds(a) && rounds_once(b))
        }
        Expr::Arithmetic(Arithmetic::Subtract, a, b) => rounds_once(a) && !rounds(b),
        Expr::Builtin(Builtin::Sqrt | Builtin::Cbrt | Builtin::Log2 | Builtin::Log10, args) => {
            args.iter().all(|arg| !rounds(arg))
        }
        expr => !rounds(expr),
    }
}
