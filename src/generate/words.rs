//! A structure in words: what is computed, in one of several phrasings.

use super::ast::{Bin, Cmp, Cond, Expr, Kind, Names, Out, Program, Reduce, Shape, Source, Un, Until, Var};
use crate::model::random::Random;

/// What a program does. The phrasing is drawn.
pub fn describe(program: &Program, random: &mut Random) -> String {
    let mut words = Words { names: program.names(), verbal: random.one_in(2), random };
    let mut text = match &program.shape {
        Shape::Straight(outs) => words.straight(outs),
        Shape::Fold { source, init, filter, map, reduce, post } => {
            words.fold(*source, *init, filter.as_ref(), map, *reduce, post.as_ref())
        }
        Shape::Iterate(step) => words.iterate(step),
        Shape::Pair(a, b, step) => words.pair(*a, *b, step),
        Shape::While { bound, step, until } => words.until(*bound, step, *until),
        Shape::Replace(map) => words.replace(map, program.params[0] == Kind::Text),
    };
    if let Some((cond, code)) = &program.guard {
        let cond = words.guard(cond, program);
        let before = words.pick(&["Throw exception", "Raise exception", "Stop with THROW code"]);
        text = match words.random.one_in(2) {
            true => format!("{before} {code} if {cond}. Otherwise: {text}"),
            false => format!("{text} {before} {code} instead if {cond}."),
        };
    }
    text
}

struct Words<'r> {
    names: Names,
    /// Words rather than formulas, where these stay short.
    verbal: bool,
    random: &'r mut Random,
}

impl Words<'_> {
    fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.random.below(choices.len() as u64) as usize]
    }

    fn straight(&mut self, outs: &[Out]) -> String {
        if let [Out::Flag(cond)] = outs {
            let cond = self.cond(cond);
            return match self.random.below(3) {
                0 => format!("Leave true if {cond}, else false."),
                1 => format!("A flag: is it so that {cond}?"),
                _ => format!("Test whether {cond}."),
            };
        }
        let parts: Vec<String> = outs
            .iter()
            .map(|out| match out {
                Out::Number(expr) => self.expr(expr),
                Out::Flag(cond) => format!("a flag that says whether {}", self.cond(cond)),
            })
            .collect();
        match (parts.as_slice(), self.random.below(3)) {
            ([one], 0) => format!("Compute {one}."),
            ([one], 1) => format!("Leave {one}."),
            ([one], _) => format!("The result is {one}."),
            (many, 0) => format!("Leave, with the last on top: {}.", many.join("; ")),
            (many, 1) => format!("Compute several results in this order: {}.", many.join("; ")),
            (many, _) => format!("The results are, from the bottom up, {}.", many.join(" and then ")),
        }
    }

    fn elements(&mut self, source: Source) -> String {
        let x = self.names.of(Var::X);
        match source {
            Source::Digits(10) => format!("the decimal digits {x} of n, the last digit first"),
            Source::Digits(base) => format!("the base-{base} digits {x} of n, the last digit first"),
            Source::Chars => format!("the characters {x} of the string (as character codes)"),
            Source::Cells => format!("the cells {x} of the array, in order"),
            Source::Range(from) => format!("the numbers {x} from {from} to n"),
            Source::Divisors => format!("the divisors {x} of n, in ascending order"),
        }
    }

    fn fold(
        &mut self,
        source: Source,
        init: i64,
        filter: Option<&Cond>,
        map: &Expr,
        reduce: Reduce,
        post: Option<&Expr>,
    ) -> String {
        let elements = self.elements(source);
        let r = self.names.of(Var::ACC);
        let value = self.expr(map);
        let filter = filter.map(|cond| self.cond(cond));
        let such = filter.as_ref().map(|cond| format!(" for which {cond}")).unwrap_or_default();
        let start = match reduce {
            Reduce::Sum | Reduce::Count | Reduce::Xor if init == 0 => String::new(),
            Reduce::Last => format!(" ({init} if there is none)"),
            _ => format!(", starting from {init}"),
        };
        let step = match reduce {
            Reduce::Sum => format!("add {value} to {r}"),
            Reduce::Count => format!("add 1 to {r}"),
            Reduce::Max => format!("let {r} be the greater of {r} and {value}"),
            Reduce::Min => format!("let {r} be the smaller of {r} and {value}"),
            Reduce::Xor => format!("exclusive-or {value} into {r}"),
            Reduce::Horner(factor) => format!("let {r} be {r} * {factor} plus {value}"),
            Reduce::Last => format!("let {r} be {value}"),
        };
        let gathered = match reduce {
            Reduce::Sum => format!("the sum of {value}"),
            Reduce::Count => "the number".to_owned(),
            Reduce::Max => format!("the greatest {value}"),
            Reduce::Min => format!("the least {value}"),
            Reduce::Xor => format!("the exclusive or of {value}"),
            Reduce::Horner(_) => String::new(),
            Reduce::Last => format!("the last {value}"),
        };
        let by_steps = gathered.is_empty() || self.random.one_in(2);
        let mut text = if by_steps {
            let only = filter.map(|cond| format!("if {cond}, ")).unwrap_or_default();
            let begin = self.pick(&["Start with", "Begin with", "Let r be at first"]);
            let begin = if begin.ends_with("first") {
                format!("{begin} {init}")
            } else {
                format!("{begin} {r} = {init}")
            };
            format!("{begin}. Go through {elements}; {only}{step}.")
        } else if reduce == Reduce::Count {
            let verb = self.pick(&["Count", "Tell how many there are of", "Determine the number of"]);
            format!("{verb} {elements}{such}{start}.")
        } else {
            let verb = self.pick(&["Compute", "Find", "Leave"]);
            let over = self.pick(&["over", "taken over"]);
            format!("{verb} {gathered} {over} {elements}{such}{start}.")
        };
        if let Some(post) = post {
            let post = self.expr(post);
            text += &match by_steps {
                true => format!(" Finally leave {post}."),
                false => format!(" Call it {r}; the result is {post}."),
            };
        } else if by_steps {
            let end = self.pick(&["The result is r.", "Leave r.", "At the end leave r."]);
            text += &format!(" {end}");
        }
        text
    }

    fn iterate(&mut self, step: &Expr) -> String {
        let step = self.expr(step);
        match self.random.below(3) {
            0 => format!("Do this n times: replace x by {step} (i counts from 0). Leave x."),
            1 => format!(
                "Starting from x, apply n times the step x := {step}, where i is 0 in the first step. The result is the last x."
            ),
            _ => {
                format!("Repeat n times, with i = 0, 1, 2 and so on: x becomes {step}. Leave what x is then.")
            }
        }
    }

    fn pair(&mut self, a: i64, b: i64, step: &Expr) -> String {
        let step = self.expr(step);
        match self.random.below(3) {
            0 => format!(
                "Let p = {a} and q = {b}. Repeat n times: p becomes q, and q becomes {step} (of the old p and q). Leave p."
            ),
            1 => format!(
                "A sequence begins with {a}, {b}; after p, q comes {step}. Leave its term number n, counted from 0."
            ),
            _ => format!(
                "Term n (from 0) of the sequence whose first terms are {a} and {b} and in which two terms p, q are followed by {step}."
            ),
        }
    }

    fn until(&mut self, bound: i64, step: &Expr, until: Until) -> String {
        let step = self.expr(step);
        let result = match until {
            Until::Steps => {
                self.pick(&["Leave how many steps that takes.", "The result is the number of steps."])
            }
            Until::Value => self.pick(&["Leave the value at the end.", "The result is the value reached."]),
        };
        match self.random.below(2) {
            0 => format!("Let x be n. As long as x is above {bound}, replace x by {step}. {result}"),
            _ => format!("Starting with x = n, x becomes {step} again and again while x > {bound}. {result}"),
        }
    }

    fn replace(&mut self, map: &Expr, is_text: bool) -> String {
        let value = self.expr(map);
        let (what, whole) = if is_text { ("character c", "string") } else { ("cell x", "array") };
        let code = if is_text { " (as character codes)" } else { "" };
        match self.random.below(3) {
            0 => format!(
                "Replace every {what} of the {whole} by {value}{code}, in place, and leave the {whole}."
            ),
            1 => format!(
                "Change the {whole} in memory: each {what} becomes {value}{code}. Leave its address and length."
            ),
            _ => format!(
                "In place, put {value}{code} where each {what} of the {whole} is; the {whole} is the result."
            ),
        }
    }

    fn guard(&mut self, cond: &Cond, program: &Program) -> String {
        if program.params[0].is_number() {
            return self.cond(cond);
        }
        let names = std::mem::replace(&mut self.names, program.names_of_length());
        let text = self.cond(cond);
        self.names = names;
        text
    }

    fn expr(&mut self, expr: &Expr) -> String {
        if self.verbal && size(expr) <= 5 { self.said(expr) } else { self.formula(expr, 0) }
    }

    /// As a sentence says it.
    fn said(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::Var(var) => self.names.of(*var).to_owned(),
            Expr::Lit(number) => number.to_string(),
            Expr::Un(op, a) => {
                let a = self.said(a);
                match op {
                    Un::Abs => format!("the absolute value of {a}"),
                    Un::Negate => format!("the negative of {a}"),
                    Un::Inc => format!("one more than {a}"),
                    Un::Dec => format!("one less than {a}"),
                    Un::Double => format!("twice {a}"),
                    Un::Half => format!("half of {a}, rounded down"),
                    Un::Invert => format!("the bitwise complement of {a}"),
                    Un::Square => format!("the square of {a}"),
                }
            }
            Expr::Bin(op, a, b) => {
                let atomic = size(a) == 1 && size(b) == 1;
                if !atomic {
                    return self.formula(expr, 0);
                }
                let (a, b) = (self.said(a), self.said(b));
                match op {
                    Bin::Add => format!("the sum of {a} and {b}"),
                    Bin::Sub => format!("{a} less {b}"),
                    Bin::Mul => format!("the product of {a} and {b}"),
                    Bin::Min => format!("the smaller of {a} and {b}"),
                    Bin::Max => format!("the greater of {a} and {b}"),
                    Bin::And => format!("the bitwise AND of {a} and {b}"),
                    Bin::Or => format!("the bitwise OR of {a} and {b}"),
                    Bin::Xor => format!("the exclusive or of {a} and {b}"),
                    Bin::Div => format!("{a} divided by {b}, rounded down"),
                    Bin::Mod => format!("the remainder of {a} by {b} (never negative)"),
                }
            }
            Expr::If(cond, a, b) => {
                let (cond, a, b) = (self.cond(cond), self.said(a), self.said(b));
                format!("{a} where {cond} and {b} elsewhere")
            }
        }
    }

    /// As a formula; `tight` is how strongly its surroundings bind.
    fn formula(&mut self, expr: &Expr, tight: u8) -> String {
        match expr {
            Expr::Var(var) => self.names.of(*var).to_owned(),
            Expr::Lit(number) if *number < 0 && tight > 0 => format!("({number})"),
            Expr::Lit(number) => number.to_string(),
            Expr::Un(op, a) => match op {
                Un::Abs => format!("abs({})", self.formula(a, 0)),
                Un::Negate => parenthesized(format!("-{}", self.formula(a, 3)), tight > 1),
                Un::Inc => parenthesized(format!("{} + 1", self.formula(a, 1)), tight > 1),
                Un::Dec => parenthesized(format!("{} - 1", self.formula(a, 1)), tight > 1),
                Un::Double => parenthesized(format!("2 * {}", self.formula(a, 3)), tight > 2),
                Un::Half => format!("floor({} / 2)", self.formula(a, 3)),
                Un::Invert => format!("not({})", self.formula(a, 0)),
                Un::Square => parenthesized(format!("{}^2", self.formula(a, 4)), tight > 3),
            },
            Expr::Bin(op, a, b) => {
                let call = |name: &str, a: String, b: String| format!("{name}({a}, {b})");
                match op {
                    Bin::Add => {
                        parenthesized(format!("{} + {}", self.formula(a, 1), self.formula(b, 1)), tight > 1)
                    }
                    Bin::Sub => {
                        parenthesized(format!("{} - {}", self.formula(a, 1), self.formula(b, 2)), tight > 1)
                    }
                    Bin::Mul => {
                        parenthesized(format!("{} * {}", self.formula(a, 3), self.formula(b, 3)), tight > 2)
                    }
                    Bin::Min => call("min", self.formula(a, 0), self.formula(b, 0)),
                    Bin::Max => call("max", self.formula(a, 0), self.formula(b, 0)),
                    Bin::And => call("bitand", self.formula(a, 0), self.formula(b, 0)),
                    Bin::Or => call("bitor", self.formula(a, 0), self.formula(b, 0)),
                    Bin::Xor => call("bitxor", self.formula(a, 0), self.formula(b, 0)),
                    Bin::Div => format!("floor({} / {})", self.formula(a, 3), self.formula(b, 3)),
                    Bin::Mod => {
                        parenthesized(format!("{} mod {}", self.formula(a, 3), self.formula(b, 3)), tight > 1)
                    }
                }
            }
            Expr::If(cond, a, b) => {
                let cond = self.cond(cond);
                format!("(if {cond} then {} else {})", self.formula(a, 0), self.formula(b, 0))
            }
        }
    }

    fn cond(&mut self, cond: &Cond) -> String {
        match cond {
            Cond::Cmp(op, a, b) => {
                let sign = match (op, self.verbal) {
                    (Cmp::Less, true) => "is less than",
                    (Cmp::Greater, true) => "is greater than",
                    (Cmp::Equal, true) => "equals",
                    (Cmp::Less, false) => "<",
                    (Cmp::Greater, false) => ">",
                    (Cmp::Equal, false) => "=",
                };
                format!("{} {sign} {}", self.formula(a, 1), self.formula(b, 1))
            }
            Cond::Odd(a) => format!("{} is odd", self.formula(a, 1)),
            Cond::Divisible(a, by) => format!("{} is divisible by {by}", self.formula(a, 1)),
            Cond::Within(a, from, to) => match self.verbal {
                true => format!("{} is from {from} to {}", self.formula(a, 1), to - 1),
                false => format!("{from} <= {} < {to}", self.formula(a, 1)),
            },
            Cond::And(a, b) => format!("({} and {})", self.cond(a), self.cond(b)),
            Cond::Or(a, b) => format!("({} or {})", self.cond(a), self.cond(b)),
            Cond::Not(a) => format!("not ({})", self.cond(a)),
        }
    }
}

fn parenthesized(text: String, needed: bool) -> String {
    if needed { format!("({text})") } else { text }
}

/// How many operators and operands an expression has.
pub fn size(expr: &Expr) -> usize {
    match expr {
        Expr::Var(_) | Expr::Lit(_) => 1,
        Expr::Un(_, a) => 1 + size(a),
        Expr::Bin(_, a, b) => 1 + size(a) + size(b),
        Expr::If(cond, a, b) => 1 + cond_size(cond) + size(a) + size(b),
    }
}

fn cond_size(cond: &Cond) -> usize {
    match cond {
        Cond::Cmp(_, a, b) => 1 + size(a) + size(b),
        Cond::Odd(a) | Cond::Divisible(a, _) => 2 + size(a),
        Cond::Within(a, _, _) => 3 + size(a),
        Cond::And(a, b) | Cond::Or(a, b) => 1 + cond_size(a) + cond_size(b),
        Cond::Not(a) => 1 + cond_size(a),
    }
}
