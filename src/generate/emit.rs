//! Code from a structure: values are kept track of on the stack, so that each is fetched by the shortest word.

use super::ast::{Bin, Cond, Expr, Kind, Out, Program, Reduce, Shape, Source, Un, Until, Var};
use std::fmt::Write;

/// A word of the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Token {
    /// A word, the name of a local included.
    Word(&'static str),
    /// A number.
    Number(i64),
}

/// The body of a program.
pub fn body(program: &Program) -> Vec<Token> {
    let written = |style| peephole(Emitter::new(program, style).program(program));
    let stack = written(Style::Stack);
    if !matches!(program.shape, Shape::Straight(_)) || program.params.len() < 2 {
        return stack;
    }
    let locals = written(Style::Locals);
    if locals.len() < stack.len() { locals } else { stack }
}

/// The text of a body.
pub fn text(tokens: &[Token]) -> String {
    let mut text = String::with_capacity(6 * tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 {
            text.push(' ');
        }
        match token {
            Token::Word(word) => text.push_str(word),
            Token::Number(number) => write!(text, "{number}").expect("a String takes everything"),
        }
    }
    text
}

/// The text with every number replaced by `#`.
pub fn skeleton(tokens: &[Token]) -> String {
    let words = tokens.iter().map(|token| match token {
        Token::Word(word) => word,
        Token::Number(_) => "#",
    });
    words.collect::<Vec<_>>().join(" ")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Values stay on the stack.
    Stack,
    /// All parameters are locals.
    Locals,
}

struct Emitter {
    tokens: Vec<Token>,
    /// What lies on the stack above what must not be touched; `None` is a value without a name.
    stack: Vec<Option<Var>>,
    /// How often each value is still asked for.
    uses: [u16; Var::COUNT],
    /// Inside a branch after which the stack must be as it was.
    keep: u32,
    /// Values that have a word of their own.
    locals: [Option<&'static str>; Var::COUNT],
    style: Style,
    names: super::ast::Names,
}

impl Emitter {
    fn new(program: &Program, style: Style) -> Self {
        Self {
            tokens: Vec::new(),
            stack: Vec::new(),
            uses: [0; Var::COUNT],
            keep: 0,
            locals: [None; Var::COUNT],
            style,
            names: program.names(),
        }
    }

    fn program(mut self, program: &Program) -> Vec<Token> {
        match &program.shape {
            Shape::Straight(outs) => self.straight(program, outs),
            Shape::Fold { source, init, filter, map, reduce, post } => {
                self.start_loop(program);
                self.fold(*source, *init, filter.as_ref(), map, *reduce);
                if let Some(post) = post {
                    self.whole(&[Var::ACC], post);
                }
            }
            Shape::Iterate(step) => {
                self.start_loop(program);
                self.locals[Var::I.0 as usize] = Some("i");
                self.words("0 ?do");
                self.whole(&[Var::X], step);
                self.words("loop");
            }
            Shape::Pair(a, b, step) => {
                self.start_loop(program);
                self.tokens.extend([Token::Number(*a), Token::Number(*b)]);
                self.words("rot 0 ?do tuck");
                self.whole(&[Var::ACC, Var::X], step);
                self.words("loop drop");
            }
            Shape::While { bound, step, until } => {
                self.start_loop(program);
                if *until == Until::Steps {
                    self.words("0 swap");
                }
                self.words("begin dup");
                self.number(*bound);
                self.words("> while");
                self.whole(&[Var::X], step);
                self.words(if *until == Until::Steps { "swap 1+ swap repeat drop" } else { "repeat" });
            }
            Shape::Replace(map) => {
                self.start_loop(program);
                let is_text = program.params[0] == Kind::Text;
                self.words(if is_text {
                    "2dup over + swap ?do i c@"
                } else {
                    "2dup cells over + swap ?do i @"
                });
                self.whole(&[Var::X], map);
                self.words(if is_text { "i c! loop" } else { "i ! 1 cells +loop" });
            }
        }
        self.tokens
    }

    fn straight(&mut self, program: &Program, outs: &[Out]) {
        let params = 0..program.params.len() as u8;
        match self.style {
            Style::Stack => self.stack.extend(params.map(|at| Some(Var(at)))),
            Style::Locals => self.all_locals(params.map(Var)),
        }
        if let Some((cond, _)) = &program.guard {
            self.count_cond(cond, 1);
        }
        for out in outs {
            match out {
                Out::Number(expr) => self.count(expr, 1),
                Out::Flag(cond) => self.count_cond(cond, 1),
            }
        }
        self.guard(program);
        if let [Out::Number(expr)] = outs {
            return self.tail(expr, 0);
        }
        for out in outs {
            match out {
                Out::Number(expr) => self.expr(expr),
                Out::Flag(cond) => self.cond(cond),
            }
        }
        self.clean(outs.len(), 0);
    }

    fn all_locals(&mut self, vars: impl Iterator<Item = Var>) {
        self.words("{:");
        for var in vars {
            let name = self.names.of(var);
            self.locals[var.0 as usize] = Some(name);
            self.tokens.push(Token::Word(name));
        }
        self.words(":}");
    }

    /// A further parameter becomes a local; then the guard.
    fn start_loop(&mut self, program: &Program) {
        let further = if matches!(program.shape, Shape::Iterate(_)) { 2 } else { 1 };
        if program.params.len() > further {
            self.all_locals(std::iter::once(Var(further as u8)));
        }
        let Some((cond, _)) = &program.guard else { return };
        let is_number = program.params[0].is_number();
        self.count_cond(cond, 1);
        let under: &[Var] = match &program.shape {
            Shape::Iterate(_) => &[Var(0), Var(1)],
            _ if is_number => &[Var(0)],
            _ => &[Var::X],
        };
        self.stack = under.iter().map(|var| Some(*var)).collect();
        self.guard(program);
        self.stack.clear();
    }

    fn guard(&mut self, program: &Program) {
        let Some((cond, code)) = &program.guard else { return };
        self.keep += 1;
        self.cond(cond);
        self.keep -= 1;
        self.stack.pop();
        self.words("if");
        self.number(*code);
        self.words("throw then");
    }

    fn fold(&mut self, source: Source, init: i64, filter: Option<&Cond>, map: &Expr, reduce: Reduce) {
        let (before, after) = match source {
            Source::Digits(_) => ("swap begin dup while", "swap repeat drop"),
            Source::Chars => ("-rot over + swap ?do i c@", "loop"),
            Source::Cells => ("-rot cells over + swap ?do i @", "1 cells +loop"),
            Source::Range(_) => ("swap 1+", "loop"),
            Source::Divisors => ("over 1+ 1 ?do over i mod 0= if i", "then loop nip"),
        };
        self.number(init);
        self.words(before);
        match source {
            Source::Digits(base) => {
                self.number(base);
                self.words("/mod -rot");
            }
            Source::Range(from) => {
                self.number(from);
                self.words("?do i");
            }
            Source::Chars | Source::Cells | Source::Divisors => {}
        }
        let acc = || Box::new(Expr::Var(Var::ACC));
        let map = || Box::new(map.clone());
        let next = match reduce {
            Reduce::Sum => Expr::Bin(Bin::Add, map(), acc()),
            Reduce::Count => Expr::Un(Un::Inc, acc()),
            Reduce::Max => Expr::Bin(Bin::Max, map(), acc()),
            Reduce::Min => Expr::Bin(Bin::Min, map(), acc()),
            Reduce::Xor => Expr::Bin(Bin::Xor, map(), acc()),
            Reduce::Horner(factor) => {
                let shifted = Expr::Bin(Bin::Mul, acc(), Box::new(Expr::Lit(factor)));
                Expr::Bin(Bin::Add, map(), Box::new(shifted))
            }
            Reduce::Last => *map(),
        };
        let next = match filter {
            None => next,
            Some(filter) => Expr::If(Box::new(filter.clone()), Box::new(next), acc()),
        };
        self.whole(&[Var::ACC, Var::X], &next);
        self.words(after);
    }

    /// Code that takes exactly these values from the stack and leaves the expression.
    fn whole(&mut self, vars: &[Var], expr: &Expr) {
        self.stack = vars.iter().map(|var| Some(*var)).collect();
        self.uses = [0; Var::COUNT];
        self.count(expr, 1);
        self.tail(expr, 0);
        self.stack.clear();
    }

    fn count(&mut self, expr: &Expr, by: i16) {
        match expr {
            Expr::Var(var) => {
                let uses = &mut self.uses[var.0 as usize];
                *uses = uses.wrapping_add_signed(by);
            }
            Expr::Lit(_) => {}
            Expr::Un(_, a) => self.count(a, by),
            Expr::Bin(_, a, b) => {
                self.count(a, by);
                self.count(b, by);
            }
            Expr::If(cond, a, b) => {
                self.count_cond(cond, by);
                self.count(a, by);
                self.count(b, by);
            }
        }
    }

    fn count_cond(&mut self, cond: &Cond, by: i16) {
        match cond {
            Cond::Cmp(_, a, b) => {
                self.count(a, by);
                self.count(b, by);
            }
            Cond::Odd(a) | Cond::Divisible(a, _) | Cond::Within(a, _, _) => self.count(a, by),
            Cond::And(a, b) | Cond::Or(a, b) => {
                self.count_cond(a, by);
                self.count_cond(b, by);
            }
            Cond::Not(a) => self.count_cond(a, by),
        }
    }

    /// The expression is all that is left to do: what is below it on the stack, down to `base`, goes.
    fn tail(&mut self, expr: &Expr, base: usize) {
        let Expr::If(cond, then, otherwise) = expr else {
            self.expr(expr);
            return self.clean(1, base);
        };
        self.cond(cond);
        self.stack.pop();
        let stack = self.stack.clone();
        self.words("if");
        self.branch(then, base);
        if matches!(**otherwise, Expr::Var(var) if self.is_all(&stack, base, var)) {
            // The other branch would leave the stack as it is.
            self.words("then");
        } else {
            self.words("else");
            self.stack = stack;
            self.branch(otherwise, base);
            self.words("then");
        }
    }

    /// Whether the stack is this value alone.
    fn is_all(&self, stack: &[Option<Var>], base: usize, var: Var) -> bool {
        stack[base..] == [Some(var)]
    }

    fn branch(&mut self, expr: &Expr, base: usize) {
        self.uses = [0; Var::COUNT];
        self.count(expr, 1);
        self.tail(expr, base);
    }

    /// Takes away what lies between `base` and the top `n`.
    fn clean(&mut self, n: usize, base: usize) {
        while self.stack.len() > n + base {
            match n {
                1 => self.words("nip"),
                2 => self.words("rot drop"),
                _ => {
                    self.number(n as i64);
                    self.words("roll drop");
                }
            }
            self.stack.remove(self.stack.len() - n - 1);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Var(var) => self.var(*var),
            Expr::Lit(number) => {
                self.number(*number);
                self.stack.push(None);
            }
            Expr::Un(op, a) => {
                self.expr(a);
                self.words(un(*op));
            }
            Expr::Bin(op, a, b) => {
                self.expr(a);
                self.expr(b);
                self.binary(bin(*op));
            }
            Expr::If(cond, then, otherwise) => {
                self.cond(cond);
                self.stack.pop();
                self.words("if");
                self.keep += 1;
                let n = self.stack.len();
                self.expr(then);
                self.stack.truncate(n);
                self.words("else");
                self.expr(otherwise);
                self.keep -= 1;
                self.words("then");
            }
        }
    }

    fn cond(&mut self, cond: &Cond) {
        match cond {
            Cond::Cmp(op, a, b) => {
                self.expr(a);
                self.expr(b);
                self.binary(["<", ">", "="][*op as usize]);
            }
            Cond::Odd(a) => {
                self.expr(a);
                self.words("1 and 0<>");
            }
            Cond::Divisible(a, by) => {
                self.expr(a);
                self.number(*by);
                self.words("mod 0=");
            }
            Cond::Within(a, from, to) => {
                self.expr(a);
                self.tokens.extend([Token::Number(*from), Token::Number(*to)]);
                self.words("within");
            }
            Cond::And(a, b) | Cond::Or(a, b) => {
                self.cond(a);
                self.cond(b);
                self.binary(if matches!(cond, Cond::And(..)) { "and" } else { "or" });
            }
            Cond::Not(a) => {
                self.cond(a);
                self.words("0=");
            }
        }
    }

    fn binary(&mut self, word: &'static str) {
        self.words(word);
        self.stack.pop();
    }

    fn var(&mut self, var: Var) {
        let uses = &mut self.uses[var.0 as usize];
        *uses = uses.saturating_sub(1);
        if let Some(name) = self.locals[var.0 as usize] {
            self.words(name);
            self.stack.push(None);
            return;
        }
        let at = self
            .stack
            .iter()
            .rposition(|item| *item == Some(var))
            .expect("a value that is asked for is there");
        let depth = self.stack.len() - 1 - at;
        if *uses == 0 && self.keep == 0 {
            match depth {
                0 => {}
                1 => self.words("swap"),
                2 => self.words("rot"),
                _ => {
                    self.number(depth as i64);
                    self.words("roll");
                }
            }
            self.stack.remove(at);
        } else {
            match depth {
                0 => self.words("dup"),
                1 => self.words("over"),
                _ => {
                    self.number(depth as i64);
                    self.words("pick");
                }
            }
        }
        self.stack.push(None);
    }

    fn words(&mut self, words: &'static str) {
        self.tokens.extend(words.split(' ').map(|word| match word.parse() {
            Ok(number) => Token::Number(number),
            Err(_) => Token::Word(word),
        }));
    }

    fn number(&mut self, number: i64) {
        self.tokens.push(Token::Number(number));
    }
}

fn un(op: Un) -> &'static str {
    ["abs", "negate", "1+", "1-", "2*", "2/", "invert", "dup *"][op as usize]
}

fn bin(op: Bin) -> &'static str {
    ["+", "-", "*", "min", "max", "and", "or", "xor", "/", "mod"][op as usize]
}

/// Shorter words for pairs, as long as there are any.
fn peephole(tokens: Vec<Token>) -> Vec<Token> {
    let mut done: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        done.push(token);
        while let [.., a, b] = done.as_slice()
            && let Some(shorter) = shorter(*a, *b)
        {
            done.truncate(done.len() - 2);
            done.extend(shorter.iter().map(|word| Token::Word(word)));
        }
    }
    done
}

fn shorter(a: Token, b: Token) -> Option<&'static [&'static str]> {
    let Token::Word(b) = b else { return None };
    let commutes = || matches!(b, "+" | "*" | "and" | "or" | "xor" | "min" | "max" | "=");
    Some(match (a, b) {
        (Token::Number(1), "+") | (Token::Number(-1), "-") => &["1+"],
        (Token::Number(1), "-") | (Token::Number(-1), "+") => &["1-"],
        (Token::Number(2), "*") => &["2*"],
        (Token::Number(2), "/") => &["2/"],
        (Token::Number(0), "=") => &["0="],
        (Token::Number(0), "<") => &["0<"],
        (Token::Number(0), ">") => &["0>"],
        (Token::Number(-1), "*") => &["negate"],
        (Token::Word("swap"), "swap") | (Token::Word("dup"), "drop" | "nip") => &[],
        (Token::Word("swap"), "nip") => &["drop"],
        (Token::Word("swap"), "drop") => &["nip"],
        (Token::Word("swap"), "over") => &["tuck"],
        (Token::Word("swap"), "<") => &[">"],
        (Token::Word("swap"), ">") => &["<"],
        (Token::Word("over"), "over") => &["2dup"],
        (Token::Word("rot"), "rot") => &["-rot"],
        (Token::Word("-rot"), "rot") | (Token::Word("rot"), "-rot") => &[],
        (Token::Word("drop"), "drop") => &["2drop"],
        (Token::Word("1+"), "1-") | (Token::Word("1-"), "1+") => &[],
        (Token::Word("negate"), "negate") | (Token::Word("invert"), "invert") => &[],
        (Token::Word("swap"), word) if commutes() => match word {
            "+" => &["+"],
            "*" => &["*"],
            "and" => &["and"],
            "or" => &["or"],
            "xor" => &["xor"],
            "min" => &["min"],
            "max" => &["max"],
            _ => &["="],
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::ast::Cmp;
    use super::*;

    fn var(at: u8) -> Box<Expr> {
        Box::new(Expr::Var(Var(at)))
    }

    #[track_caller]
    fn check(params: &[Kind], shape: Shape, expect: &str) {
        let program = Program { params: params.to_vec(), guard: None, shape };
        assert_eq!(text(&body(&program)), expect);
    }

    #[test]
    fn code_is_as_people_write_it() {
        let straight = |expr| Shape::Straight(vec![Out::Number(expr)]);
        let int = [Kind::Int, Kind::Int];
        let square = Expr::Bin(Bin::Mul, var(0), var(0));
        check(&int[..1], straight(square.clone()), "dup *");
        check(&int, straight(Expr::Bin(Bin::Sub, var(1), var(0))), "swap -");
        check(&int, straight(Expr::Bin(Bin::Add, var(0), var(1))), "+");
        let larger = Cond::Cmp(Cmp::Less, Expr::Var(Var(0)), Expr::Lit(0));
        let abs = Expr::If(Box::new(larger), Box::new(Expr::Un(Un::Negate, var(0))), var(0));
        check(&int[..1], straight(abs.clone()), "dup 0< if negate then");
        check(
            &int[..1],
            straight(Expr::Bin(Bin::Add, Box::new(abs), Box::new(Expr::Lit(7)))),
            "dup 0< if dup negate else dup then 7 + nip",
        );
        let fold = Shape::Fold {
            source: Source::Cells,
            init: 0,
            filter: Some(Cond::Odd(Expr::Var(Var::X))),
            map: Expr::Var(Var::X),
            reduce: Reduce::Sum,
            post: None,
        };
        check(
            &[Kind::Cells],
            fold,
            "0 -rot cells over + swap ?do i @ dup 1 and 0<> if + else drop then 1 cells +loop",
        );
        check(
            &[Kind::Count],
            Shape::Pair(
                0,
                1,
                Expr::Bin(Bin::Add, Box::new(Expr::Var(Var::ACC)), Box::new(Expr::Var(Var::X))),
            ),
            "0 1 rot 0 ?do tuck + loop drop",
        );
    }

    #[test]
    fn skeletons_have_no_numbers() {
        let tokens = [Token::Word("dup"), Token::Number(7), Token::Word("mod")];
        assert_eq!(skeleton(&tokens), "dup # mod");
    }
}
