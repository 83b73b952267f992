//! Programs drawn from templates, expressions and a grammar, by band of difficulty.

use super::ast::{Bin, Cmp, Cond, Expr, Kind, Out, Program, Reduce, Shape, Source, Un, Until, Var};
use crate::model::random::Random;

/// A program for a band from 0 (easy) to 4 (hard).
pub fn program(random: &mut Random, band: u8) -> Program {
    let mut draw = Draw { random, vars: Vec::new(), band };
    match band {
        0 => match draw.random.below(16) {
            0 => draw.replace(),
            1 => draw.pair(),
            _ => draw.straight(),
        },
        1 => match draw.random.below(10) {
            0..4 => draw.straight(),
            4..7 => draw.fold(),
            7 => draw.iterate(),
            8 => draw.until(),
            _ => draw.replace(),
        },
        _ => match draw.random.below(10) {
            0..3 => draw.straight(),
            3..7 => draw.fold(),
            7 => draw.iterate(),
            8 => draw.until(),
            _ => draw.replace(),
        },
    }
}

struct Draw<'r> {
    random: &'r mut Random,
    /// The values that expressions may name.
    vars: Vec<Var>,
    band: u8,
}

impl Draw<'_> {
    fn below(&mut self, n: u64) -> u64 {
        self.random.below(n)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    fn straight(&mut self) -> Program {
        let band = u64::from(self.band);
        let n = match band {
            0 => 1 + self.below(3),
            1 => 1 + self.below(3),
            _ => 1 + self.below(4),
        };
        self.vars = (0..n as u8).map(Var).collect();
        let size = 1 + 3 * band + self.below(3 + 2 * band);
        let n_outs = if self.chance(8 * band) { 2 } else { 1 };
        let outs = (0..n_outs)
            .map(|_| {
                if self.chance(10) {
                    Out::Flag(self.cond(size.min(5 + band)))
                } else {
                    Out::Number(self.expr(1 + size / n_outs))
                }
            })
            .collect();
        let params = vec![Kind::Int; n as usize];
        let guard = self.guard();
        Program { params, guard, shape: Shape::Straight(outs) }
    }

    fn guard(&mut self) -> Option<(Cond, i64)> {
        if self.band < 2 || !self.chance(12) {
            return None;
        }
        let cond = self.cond(2);
        Some((cond, *self.choose(&[-24, -257, 1, 2, 7, 42, 100])))
    }

    fn choose<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len() as u64) as usize]
    }

    fn fold(&mut self) -> Program {
        let band = u64::from(self.band);
        let base = *self.choose(&[10, 10, 10, 2, 3, 5, 7, 8, 16]);
        let from = self.below(2) as i64;
        let source = *self.choose(&[
            Source::Digits(base),
            Source::Chars,
            Source::Cells,
            Source::Cells,
            Source::Range(from),
            Source::Divisors,
        ]);
        let mut params = vec![match source {
            Source::Digits(_) => Kind::Natural,
            Source::Chars => Kind::Text,
            Source::Cells => Kind::Cells,
            Source::Range(_) => Kind::Count,
            Source::Divisors => Kind::Positive,
        }];
        let with_k = self.chance(15 * band);
        self.vars = vec![Var::X];
        if with_k {
            params.push(Kind::Int);
            self.vars.extend([Var(1), Var::X]);
        }
        let factor = 2 + self.below(12) as i64;
        let reduce = *self.choose(&[
            Reduce::Sum,
            Reduce::Sum,
            Reduce::Count,
            Reduce::Max,
            Reduce::Min,
            Reduce::Xor,
            Reduce::Horner(factor),
            Reduce::Last,
        ]);
        let has_filter = matches!(reduce, Reduce::Count | Reduce::Last) || self.chance(25 * band);
        let filter_size = 1 + self.below(1 + 2 * band);
        let filter = has_filter.then(|| match source {
            Source::Chars => self.char_cond(filter_size),
            _ => self.cond(filter_size),
        });
        let map_size = self.below(2 + 3 * band);
        let map = match map_size {
            _ if reduce == Reduce::Count => Expr::Var(Var::X),
            0 => Expr::Var(Var::X),
            size => self.expr(size),
        };
        let init = match reduce {
            Reduce::Max | Reduce::Min => self.literal(),
            Reduce::Last => -1,
            _ if self.chance(30) => self.literal(),
            _ => 0,
        };
        let post = self.chance(20 * band).then(|| {
            self.vars = vec![Var::ACC];
            if with_k {
                self.vars.push(Var(1));
            }
            let size = 1 + self.below(1 + 2 * band);
            self.expr(size)
        });
        // A guard looks at the number, or at the length.
        self.vars = vec![if params[0].is_number() { Var(0) } else { Var::X }];
        let guard = self.guard();
        Program { params, guard, shape: Shape::Fold { source, init, filter, map, reduce, post } }
    }

    fn iterate(&mut self) -> Program {
        let band = u64::from(self.band);
        let mut params = vec![Kind::Int, Kind::Count];
        self.vars = vec![Var::X, Var::X, Var::I];
        if self.chance(15 * band) {
            params.push(Kind::Int);
            self.vars.push(Var(2));
        }
        let size = 2 + band + self.below(2 + 3 * band);
        let step = self.expr(size);
        self.vars = vec![Var(0), Var(1)];
        let guard = self.guard();
        Program { params, guard, shape: Shape::Iterate(step) }
    }

    fn pair(&mut self) -> Program {
        let (a, b) = (self.below(4) as i64, 1 + self.below(5) as i64);
        self.vars = vec![Var::ACC, Var::X];
        let size = 1 + self.below(3);
        let step = self.expr(size);
        Program { params: vec![Kind::Count], guard: None, shape: Shape::Pair(a, b, step) }
    }

    fn until(&mut self) -> Program {
        let band = u64::from(self.band);
        let bound = self.below(30) as i64;
        self.vars = vec![Var::X];
        let size = 1 + self.below(1 + 2 * band);
        let step = self.shrinking(size);
        let until = if self.chance(50) { Until::Steps } else { Until::Value };
        let guard = {
            self.vars = vec![Var(0)];
            self.guard()
        };
        Program { params: vec![Kind::Natural], guard, shape: Shape::While { bound, step, until } }
    }

    /// A step that makes every positive number smaller, and not below 0 by more than a little.
    fn shrinking(&mut self, size: u64) -> Expr {
        if size >= 2 && self.chance(70) {
            let cond = self.cond(size / 2);
            let (a, b) = (self.shrinking(size / 2), self.shrinking(size / 2));
            return Expr::If(Box::new(cond), Box::new(a), Box::new(b));
        }
        let x = Box::new(Expr::Var(Var::X));
        let by = 2 + self.below(11) as i64;
        match self.below(4) {
            0 => Expr::Un(Un::Half, x),
            1 => Expr::Bin(Bin::Sub, x, Box::new(Expr::Lit(by * 17))),
            2 => {
                let divided = Expr::Bin(Bin::Div, x, Box::new(Expr::Lit(by + 1)));
                Expr::Un(Un::Inc, Box::new(divided))
            }
            _ => Expr::Bin(Bin::Div, x, Box::new(Expr::Lit(by))),
        }
    }

    fn replace(&mut self) -> Program {
        let band = u64::from(self.band);
        if self.chance(40) {
            self.vars = vec![Var::X];
            let size = 1 + self.below(1 + band);
            let cond = self.char_cond(size);
            let map = self.char_map();
            let otherwise = if self.chance(20 * band) { self.char_map() } else { Expr::Var(Var::X) };
            let map = Expr::If(Box::new(cond), Box::new(map), Box::new(otherwise));
            self.vars = vec![Var::X];
            let guard = self.guard();
            return Program { params: vec![Kind::Text], guard, shape: Shape::Replace(map) };
        }
        let mut params = vec![Kind::Cells];
        self.vars = vec![Var::X];
        if self.chance(15 * band) {
            params.push(Kind::Int);
            self.vars.extend([Var(1), Var::X]);
        }
        let size = 1 + band + self.below(2 + 3 * band);
        let map = self.expr(size);
        self.vars = vec![Var::X];
        let guard = self.guard();
        Program { params, guard, shape: Shape::Replace(map) }
    }

    /// Another printable character, most of the time.
    fn char_map(&mut self) -> Expr {
        let x = Box::new(Expr::Var(Var::X));
        let (from, base) = (*self.choose(&[(97, 26), (65, 26), (48, 10)]), 1 + self.below(9) as i64);
        match self.below(4) {
            0 => Expr::Lit(*self.choose(&[32, 42, 45, 46, 95, 35, 120])),
            1 => Expr::Bin(Bin::Xor, x, Box::new(Expr::Lit(32))),
            2 => {
                // Moved on within its alphabet.
                let moved = Expr::Bin(Bin::Add, x, Box::new(Expr::Lit(base + 10 * from.1 - from.0)));
                let wrapped = Expr::Bin(Bin::Mod, Box::new(moved), Box::new(Expr::Lit(from.1)));
                Expr::Bin(Bin::Add, Box::new(wrapped), Box::new(Expr::Lit(from.0)))
            }
            _ => Expr::Bin(Bin::Sub, Box::new(Expr::Lit(from.0 * 2 + from.1 - 1)), x),
        }
    }

    /// A condition on a character.
    fn char_cond(&mut self, size: u64) -> Cond {
        let x = Expr::Var(Var::X);
        if size >= 3 && self.chance(60) {
            let (a, b) = (Box::new(self.char_cond(size / 2)), Box::new(self.char_cond(size / 2)));
            return if self.chance(40) { Cond::And(a, b) } else { Cond::Or(a, b) };
        }
        let at = *self.choose(&[97, 101, 105, 111, 65, 69, 48, 53, 32, 115, 116]);
        match self.below(7) {
            0 => Cond::Within(x, 97, 123),
            1 => Cond::Within(x, 65, 91),
            2 => Cond::Within(x, 48, 58),
            3 => Cond::Cmp(Cmp::Equal, x, Expr::Lit(at)),
            4 => Cond::Cmp(Cmp::Greater, x, Expr::Lit(at + self.below(9) as i64)),
            5 => Cond::Odd(x),
            _ => Cond::Cmp(Cmp::Less, x, Expr::Lit(at + self.below(9) as i64)),
        }
    }

    /// An expression of about so many operators.
    fn expr(&mut self, size: u64) -> Expr {
        if size == 0 {
            return self.leaf();
        }
        let branch = match self.band {
            0 => 0,
            band => 6 + 3 * u64::from(band),
        };
        if size >= 3 && self.chance(branch) {
            let cond = self.cond(size / 3);
            let (a, b) = (self.expr(size / 3), self.expr(size / 3));
            return Expr::If(Box::new(cond), Box::new(a), Box::new(b));
        }
        if self.chance(22) {
            let op = *self.choose(&[
                Un::Abs,
                Un::Negate,
                Un::Inc,
                Un::Dec,
                Un::Double,
                Un::Half,
                Un::Invert,
                Un::Square,
            ]);
            return Expr::Un(op, Box::new(self.expr(size - 1)));
        }
        let op = *self.choose(&[
            Bin::Add,
            Bin::Add,
            Bin::Add,
            Bin::Sub,
            Bin::Sub,
            Bin::Mul,
            Bin::Mul,
            Bin::Min,
            Bin::Max,
            Bin::And,
            Bin::Or,
            Bin::Xor,
            Bin::Div,
            Bin::Mod,
        ]);
        let left = self.below(size);
        if matches!(op, Bin::Div | Bin::Mod) {
            let reach = if self.chance(70) { 12 } else { 100 };
            let by = 2 + self.below(reach) as i64;
            return Expr::Bin(op, Box::new(self.expr(size - 1)), Box::new(Expr::Lit(by)));
        }
        let a = self.expr(left);
        // `n min n` and its like are n, 0 or -1 in disguise.
        let is_idle = |b: &Expr| {
            let same = matches!((&a, b), (Expr::Var(one), Expr::Var(other)) if one == other);
            same && !matches!(op, Bin::Add | Bin::Mul)
        };
        let b = if size - 1 - left == 0 && self.chance(45) {
            Expr::Lit(self.literal())
        } else {
            self.expr(size - 1 - left)
        };
        let b = if is_idle(&b) { Expr::Lit(self.literal()) } else { b };
        Expr::Bin(op, Box::new(a), Box::new(b))
    }

    fn leaf(&mut self) -> Expr {
        let var = self.vars[self.random.below(self.vars.len() as u64) as usize];
        Expr::Var(var)
    }

    /// Small numbers often, large ones now and then; never 0.
    fn literal(&mut self) -> i64 {
        let reach = *self.choose(&[4, 10, 10, 20, 100, 100, 1000]);
        let number = 1 + self.below(reach) as i64;
        if self.chance(15) { -number } else { number }
    }

    fn cond(&mut self, size: u64) -> Cond {
        if size >= 3 && self.chance(35) {
            let (a, b) = (Box::new(self.cond(size / 2)), Box::new(self.cond(size / 2)));
            return match self.below(5) {
                0 | 1 => Cond::And(a, b),
                2 | 3 => Cond::Or(a, b),
                _ => Cond::Not(a),
            };
        }
        let inner = size.saturating_sub(1);
        match self.below(7) {
            0 => Cond::Odd(self.expr(inner)),
            1 => {
                let by = 2 + self.below(11) as i64;
                Cond::Divisible(self.expr(inner), by)
            }
            2 => {
                let from = self.literal();
                let to = from + 2 + self.below(30) as i64;
                Cond::Within(self.expr(inner), from, to)
            }
            other => {
                let op = [Cmp::Less, Cmp::Greater, Cmp::Less, Cmp::Equal][other as usize - 3];
                let a = self.expr(inner);
                let b = if self.chance(60) { Expr::Lit(self.literal()) } else { self.leaf() };
                Cond::Cmp(op, a, b)
            }
        }
    }
}
