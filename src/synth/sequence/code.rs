//! Writing the Forth of a guess: words joined by blanks, with the shorter word where there is one.

use std::fmt::Write;

/// Forth text under construction.
#[derive(Clone, Default, Debug)]
pub struct Code(String);

impl Code {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_text(self) -> String {
        self.0
    }

    /// Appends words as they are.
    pub fn words(&mut self, words: &str) -> &mut Self {
        if !words.is_empty() {
            if !self.0.is_empty() {
                self.0.push(' ');
            }
            self.0.push_str(words);
        }
        self
    }

    /// Appends a number.
    pub fn number(&mut self, value: i128) -> &mut Self {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        write!(self.0, "{value}").expect("a String takes everything");
        self
    }

    /// Adds a constant to the top of the stack.
    pub fn plus(&mut self, value: i128) -> &mut Self {
        match value {
            0 => self,
            1 => self.words("1+"),
            -1 => self.words("1-"),
            _ if value < 0 => self.number(-value).words("-"),
            _ => self.number(value).words("+"),
        }
    }

    /// Multiplies the top of the stack by a constant.
    pub fn times(&mut self, value: i128) -> &mut Self {
        match value {
            1 => self,
            -1 => self.words("negate"),
            2 => self.words("2*"),
            _ => self.number(value).words("*"),
        }
    }

    /// Divides the top of the stack by a constant, floored.
    pub fn over(&mut self, value: i128) -> &mut Self {
        match value {
            1 => self,
            2 => self.words("2/"),
            _ => self.number(value).words("/"),
        }
    }

    /// The value of a polynomial (constant first) at the number on top of the stack, which it replaces.
    pub fn polynomial(&mut self, coefficients: &[i128]) -> &mut Self {
        let degree = coefficients.iter().rposition(|c| *c != 0).unwrap_or(0);
        match degree {
            0 => self.words("drop").number(coefficients.first().copied().unwrap_or(0)),
            1 => self.times(coefficients[1]).plus(coefficients[0]),
            _ => {
                self.words("dup").times(coefficients[degree]).plus(coefficients[degree - 1]);
                for at in (0..degree - 1).rev() {
                    if at > 0 {
                        self.words("over *");
                    } else {
                        self.words("*");
                    }
                    self.plus(coefficients[at]);
                }
                self
            }
        }
    }

    /// The value of a polynomial (constant first) at what `word` puts on the stack.
    pub fn polynomial_of(&mut self, word: &str, coefficients: &[i128]) -> &mut Self {
        let degree = coefficients.iter().rposition(|c| *c != 0).unwrap_or(0);
        if degree == 0 {
            return self.number(coefficients.first().copied().unwrap_or(0));
        }
        self.words(word).times(coefficients[degree]).plus(coefficients[degree - 1]);
        for at in (0..degree - 1).rev() {
            self.words(word).words("*").plus(coefficients[at]);
        }
        self
    }

    /// Replaces the index on top of the stack, which is in range, by the value of a table.
    pub fn table(&mut self, values: &[i128]) -> &mut Self {
        let (low, high) =
            (values.iter().min().copied().unwrap_or(0), values.iter().max().copied().unwrap_or(0));
        if low == high {
            return self.words("drop").number(low);
        }
        let packed = |low: i128| {
            let width = 128 - (high - low).leading_zeros() as i128;
            (width * values.len() as i128 <= 62).then_some((low, width))
        };
        let base = if low > 0 { packed(0).or_else(|| packed(low)) } else { packed(low) };
        if let Some((low, width)) = base {
            let literal = values.iter().rev().fold(0i128, |so_far, v| (so_far << width) | (v - low));
            self.times(width).number(literal).words("swap rshift").number((1 << width) - 1).words("and");
            return self.plus(low);
        }
        self.words("case");
        for (at, value) in values[..values.len() - 1].iter().enumerate() {
            self.number(at as i128).words("of").number(*value).words("endof");
        }
        self.number(values[values.len() - 1]).words("swap endcase")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(make: impl Fn(&mut Code) -> &mut Code, expect: &str) {
        let mut code = Code::new();
        make(&mut code);
        assert_eq!(code.text(), expect);
    }

    #[test]
    fn shorter_words_are_used() {
        check(|code| code.times(2).plus(-1).over(2), "2* 1- 2/");
        check(|code| code.times(1).plus(0).over(1), "");
        check(|code| code.times(-1).plus(-7), "negate 7 -");
        check(|code| code.polynomial(&[0, 1, 1]).over(2), "dup 1+ * 2/");
        check(|code| code.polynomial(&[0, 0, 0, 1]), "dup over * *");
        check(|code| code.polynomial(&[5, 0, -3, 2]), "dup 2* 3 - over * * 5 +");
        check(|code| code.polynomial(&[4]), "drop 4");
        check(|code| code.polynomial_of("i", &[1, 0, 3]), "i 3 * i * 1+");
    }

    #[test]
    fn small_tables_are_one_number() {
        check(|code| code.table(&[1, 2, 3]), "2* 57 swap rshift 3 and");
        check(|code| code.table(&[0, 1, 0, 0]), "2 swap rshift 1 and");
        check(|code| code.table(&[-1, 0]), "2 swap rshift 1 and 1-");
        check(|code| code.table(&[7, 7]), "drop 7");
        check(
            |code| code.table(&[1 << 40, 0, 5]),
            "case 0 of 1099511627776 endof 1 of 0 endof 5 swap endcase",
        );
    }
}
