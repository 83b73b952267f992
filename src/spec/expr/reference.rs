//! The expression language on one page, for people.

use crate::spec::expr::builtin::BUILTINS;
use std::fmt::Write;

const HEAD: &str = "\
# Expressions

`constraint`, `value` and `properties` are executable. Numbers are whole; arithmetic is exact; division rounds down. Where
a number does not fit a cell, or something is undefined, the sample is not used. What can be read in two ways is refused.

## Where

- `constraint`: a condition over the parameters: `n >= 0`, `0 <= x <= 100`, `a, b > 0`, `> 0`, `positive`, `in 1..12`.
- `value`: what an output is, over the parameters: `n²`, `|n|`, `a if a > b else b`, `1 if n > 0, 0 if n = 0, -1 otherwise`.
- `properties`: claims that call the word or name its outputs: `f(-n) = f(n)`, `quotient * b + remainder = a`,
  `divmod(a, b) = (a / b, a mod b)`, `f(n) = n * f(n-1) for n > 1`, `for all x, y: f(x, y) = f(y, x)`,
  `if n > 0 then f(n) > 0`, `n > 0 implies f(n) > 0`, `f(f(n)) = n unless n = 0`.

A name that is not a parameter is a variable where `for all` names it or a word is called with it; standing alone as an
argument of the word, it takes type and constraint of that parameter. `result` is the only output.

## Operators, weakest first

| operator | meaning |
|---|---|
| `x if c else y`, `if c then x else y`, `c ? x : y` | choice |
| `iff` `<=>` `⇔` | both or neither |
| `implies` `=>` `⇒` `->` `→` | if … then; between values `->` is `=` |
| `or` `∨` `\\|\\|`, `xor` `⊻`, `and` `∧` `&&`, `not` `¬` `!` | between conditions logic, short-circuiting; `and`, `or` and `xor` between numbers work on bits |
| `=` `==` `≠` `!=` `<>` `<` `≤` `<=` `>` `≥` `>=` | comparison, also in chains |
| `in` `∈` `not in` `∉` | `0..10` (both ends), `0..<10`, `[0, 10)`, `{1, 2, 3}`, `ℕ` |
| `between a and b`, `divides`, `is even`, `is divisible by 3`, `≡ b (mod m)` | in words |
| `bor`, `bxor` `⊕`, `band` `&`, `<<` `>>` | bits; `>>` is logical |
| `+` `-` | |
| `*` `×` `·`, `/` `÷` `div`, `mod` `%`, `rem` | division rounds down, `mod` has the sign of the divisor, `rem` that of the dividend |
| `-x`, `~x` | negative; all bits flipped |
| `2n`, `2(a+b)`, `n(n+1)` | product without a sign |
| `x^y` `x**y` `x²`, `n!`, `√x`, `∛x` | power, factorial, roots rounded down |
| `\\|x\\|`, `⌊a/b⌋`, `⌈a/b⌉`, `(a, b)` | absolute value, rounding, several values |

Numbers: `42`, `1_000`, `1e6`, `0xFF`, `$FF`, `0b101`, `%101`, `'A'`, `true` (-1), `false` (0), `max_int`, `min_int`.
`sum(i, 1, n, i²)`, `product(…)` and `count(…)` run over a range.

## Functions

| function | meaning |
|---|---|
";

/// The language in Markdown, with the table of functions.
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for row in BUILTINS {
        let names: Vec<String> = row.names.iter().map(|name| format!("`{name}`")).collect();
        let meaning = row.meaning.replace('|', "\\|");
        writeln!(text, "| {} | {meaning} |", names.join(" ")).expect("a String takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_function_has_a_row() {
        let text = super::reference();
        for row in super::BUILTINS {
            assert!(text.contains(&format!("| `{}`", row.names[0])), "{}", row.names[0]);
        }
        assert!(text.contains("|x\\|"), "bars within a table are escaped");
    }
}
