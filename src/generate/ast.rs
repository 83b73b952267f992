//! What a generated word computes, as a structure: code, description, skeleton and difficulty all come from it.

/// A value that expressions can name: parameters are 0 to 3, in the order of the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Var(pub u8);

impl Var {
    /// What a loop gathers.
    pub const ACC: Var = Var(4);
    /// The element that a loop looks at.
    pub const X: Var = Var(5);
    /// The index of a counted loop.
    pub const I: Var = Var(6);
    /// How many there are.
    pub const COUNT: usize = 7;
}

/// Operators of one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Un {
    /// `abs`
    Abs,
    /// `negate`
    Negate,
    /// `1+`
    Inc,
    /// `1-`
    Dec,
    /// `2*`
    Double,
    /// `2/`
    Half,
    /// `invert`
    Invert,
    /// `dup *`
    Square,
}

/// Operators of two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bin {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `and`
    And,
    /// `or`
    Or,
    /// `xor`
    Xor,
    /// `/`, by a literal above 1
    Div,
    /// `mod`, by a literal above 1
    Mod,
}

/// A number.
#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    /// A named value.
    Var(Var),
    /// A literal.
    Lit(i64),
    /// One operand.
    Un(Un, Box<Expr>),
    /// Two operands.
    Bin(Bin, Box<Expr>, Box<Expr>),
    /// One of two, by a condition.
    If(Box<Cond>, Box<Expr>, Box<Expr>),
}

/// Comparisons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cmp {
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `=`
    Equal,
}

/// A flag.
#[derive(Clone, PartialEq, Debug)]
pub enum Cond {
    /// A comparison.
    Cmp(Cmp, Expr, Expr),
    /// Odd.
    Odd(Expr),
    /// Divisible by a literal above 1.
    Divisible(Expr, i64),
    /// From the first literal to below the second.
    Within(Expr, i64, i64),
    /// Both.
    And(Box<Cond>, Box<Cond>),
    /// At least one.
    Or(Box<Cond>, Box<Cond>),
    /// Not.
    Not(Box<Cond>),
}

/// What goes in, with the values that it may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Any number.
    Int,
    /// 0 to 12: how often.
    Count,
    /// 0 to 5000.
    Natural,
    /// 1 to 60.
    Positive,
    /// A string.
    Text,
    /// An array of cells.
    Cells,
}

impl Kind {
    /// The constraint of the specification.
    pub fn constraint(self, name: &str) -> Option<String> {
        match self {
            Kind::Count => Some(format!("0 <= {name} <= 12")),
            Kind::Natural => Some(format!("0 <= {name} <= 5000")),
            Kind::Positive => Some(format!("1 <= {name} <= 60")),
            Kind::Int | Kind::Text | Kind::Cells => None,
        }
    }

    /// Whether it may have this value, where it is a number.
    pub fn admits(self, value: i64) -> bool {
        match self {
            Kind::Count => (0..=12).contains(&value),
            Kind::Natural => (0..=5000).contains(&value),
            Kind::Positive => (1..=60).contains(&value),
            Kind::Int => true,
            Kind::Text | Kind::Cells => false,
        }
    }

    /// Whether it is one cell.
    pub fn is_number(self) -> bool {
        !matches!(self, Kind::Text | Kind::Cells)
    }
}

/// Where the elements of a fold come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The digits of a number in a base, the last first.
    Digits(i64),
    /// The characters of a string.
    Chars,
    /// The cells of an array.
    Cells,
    /// The numbers from 0 or 1 to the input.
    Range(i64),
    /// The divisors of the input.
    Divisors,
}

/// How a fold gathers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reduce {
    /// The sum.
    Sum,
    /// How many.
    Count,
    /// The greatest, of the initial value and all.
    Max,
    /// The least.
    Min,
    /// All exclusive-ored.
    Xor,
    /// Times the factor, plus the next.
    Horner(i64),
    /// The last one.
    Last,
}

/// What a loop until a bound gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// The number of steps.
    Steps,
    /// The value at the end.
    Value,
}

/// One result.
#[derive(Clone, Debug)]
pub enum Out {
    /// A number.
    Number(Expr),
    /// A flag.
    Flag(Cond),
}

/// How the results come about.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Straight from the parameters.
    Straight(Vec<Out>),
    /// Over the elements of something.
    Fold {
        /// Where they come from.
        source: Source,
        /// The value before the first.
        init: i64,
        /// Which count.
        filter: Option<Cond>,
        /// What is gathered of each.
        map: Expr,
        /// How.
        reduce: Reduce,
        /// What is made of it in the end, over [`Var::ACC`].
        post: Option<Expr>,
    },
    /// A step, so many times.
    Iterate(Expr),
    /// Two numbers, the second of which becomes the first, and this becomes the second.
    Pair(i64, i64, Expr),
    /// A step while the number is above a bound.
    While {
        /// The bound.
        bound: i64,
        /// The step over [`Var::X`]; it makes every number above the bound smaller.
        step: Expr,
        /// What comes out.
        until: Until,
    },
    /// Each character or cell replaced, in place.
    Replace(Expr),
}

/// A generated word.
#[derive(Clone, Debug)]
pub struct Program {
    /// What goes in.
    pub params: Vec<Kind>,
    /// A condition over the parameters under which it throws, and the code. For strings and arrays it is over the length,
    /// which is [`Var::X`].
    pub guard: Option<(Cond, i64)>,
    /// How the results come about.
    pub shape: Shape,
}

/// Names of values in code and descriptions.
#[derive(Clone, Copy)]
pub struct Names([&'static str; Var::COUNT]);

impl Names {
    /// The name.
    pub fn of(&self, var: Var) -> &'static str {
        self.0[var.0 as usize]
    }
}

impl Program {
    /// What its values are called.
    pub fn names(&self) -> Names {
        let params = match (&self.shape, self.params.as_slice()) {
            (Shape::Straight(_), [_]) => ["n", "", "", ""],
            (Shape::Straight(_), _) => ["a", "b", "c", "d"],
            (Shape::Iterate(_), _) => ["x", "n", "k", ""],
            (_, [Kind::Text, ..]) => ["s", "k", "", ""],
            (_, [Kind::Cells, ..]) => ["array", "k", "", ""],
            _ => ["n", "k", "", ""],
        };
        let x = match &self.shape {
            Shape::Fold { source: Source::Digits(_), .. } => "d",
            Shape::Fold { source: Source::Chars, .. } => "c",
            Shape::Replace(_) if self.params[0] == Kind::Text => "c",
            Shape::Fold { source: Source::Range(_), .. } => "i",
            _ => "x",
        };
        let acc = if matches!(self.shape, Shape::Pair(..)) { "p" } else { "r" };
        let x = if matches!(self.shape, Shape::Pair(..)) { "q" } else { x };
        // A step that is repeated works on the first parameter, whatever it is then.
        let x = if matches!(self.shape, Shape::Iterate(_)) { "x" } else { x };
        Names([params[0], params[1], params[2], params[3], acc, x, "i"])
    }

    /// The same for a guard over the length of a string or array.
    pub fn names_of_length(&self) -> Names {
        let mut names = self.names();
        names.0[Var::X.0 as usize] = "the length";
        names
    }

    /// How many results it has, in values.
    pub fn n_outs(&self) -> usize {
        match &self.shape {
            Shape::Straight(outs) => outs.len(),
            _ => 1,
        }
    }

    /// What it is of, in a word.
    pub fn kind_name(&self) -> &'static str {
        match &self.shape {
            Shape::Straight(outs) if matches!(outs[0], Out::Flag(_)) => "test",
            Shape::Straight(_) => "calc",
            Shape::Fold { source: Source::Digits(_), .. } => "digits",
            Shape::Fold { source: Source::Chars, .. } => "chars",
            Shape::Fold { source: Source::Cells, .. } => "cells",
            Shape::Fold { source: Source::Range(_), .. } => "range",
            Shape::Fold { source: Source::Divisors, .. } => "divisors",
            Shape::Iterate(_) => "iterate",
            Shape::Pair(..) => "recur",
            Shape::While { .. } => "reduce",
            Shape::Replace(_) if self.params[0] == Kind::Text => "text",
            Shape::Replace(_) => "array",
        }
    }

    /// Whether it has a loop.
    pub fn has_loop(&self) -> bool {
        !matches!(self.shape, Shape::Straight(_))
    }
}
