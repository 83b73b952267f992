//! What can be the name of a Forth word.

use crate::model::Severity;
use crate::spec::codes;
use crate::spec::finding::{Finding, Span};
use crate::spec::json::shown;

/// Every Forth system keeps so many characters of a name.
const NAME_CHARS_SAFE: usize = 31;
/// The dictionary keeps the length of a name in a byte.
const NAME_BYTES_MAX: usize = 255;

/// Words without which no definition can be read or ended.
const COMPILER_WORDS: &[&str] = &[
    ":", ";", "(", "\\", "[", "]", "if", "else", "then", "begin", "while", "repeat", "until", "again", "do",
    "?do", "loop", "+loop", "leave", "exit", "recurse", "case", "of", "endof", "endcase", "to", "{:", "s\"",
    ".\"", "[char]", "[']",
];

/// What is wrong with a name; the position is left to the caller.
pub fn word_problem(name: &str) -> Option<Finding> {
    let error = |message: String| Finding::error(codes::BAD_WORD, Span::default(), message);
    let warning = |message: String| Finding::warning(codes::UNWISE_WORD, Span::default(), message);
    if name.is_empty() {
        return Some(error("a word needs a name".into()));
    }
    if name.chars().any(char::is_whitespace) {
        let joined = name.split_whitespace().collect::<Vec<_>>().join("-");
        let finding = error("a name of a Forth word has no white space in it".into());
        return Some(if joined.is_empty() {
            finding
        } else {
            finding.suggest(format!("write \"{}\"", clipped(&joined)))
        });
    }
    if let Some(control) = name.chars().find(|c| c.is_control()) {
        return Some(error(format!("the control character U+{:04X} cannot be in a name", control as u32)));
    }
    if name.len() > NAME_BYTES_MAX {
        return Some(error(format!(
            "a name has at most {NAME_BYTES_MAX} bytes, this one has {}",
            name.len()
        )));
    }
    if is_number(name) {
        return Some(
            warning(format!("the word would take the place of the number {}", shown(name)))
                .suggest("give it a name in letters"),
        );
    }
    if COMPILER_WORDS.iter().any(|word| word.eq_ignore_ascii_case(name)) {
        return Some(warning(format!("code after this could not use the Forth word {name} any more")));
    }
    let n_chars = name.chars().count();
    if n_chars > NAME_CHARS_SAFE {
        let message = format!("the name has {n_chars} characters, Forth systems promise {NAME_CHARS_SAFE}");
        return Some(warning(message).suggest("a shorter name works everywhere"));
    }
    None
}

fn clipped(name: &str) -> String {
    name.chars().take(NAME_CHARS_SAFE).collect()
}

/// Whether Forth 2012 reads the name as a number: `12`, `-12`, `12.`, `#12`, `$-1F`, `%101`, `'x'`.
fn is_number(name: &str) -> bool {
    let mut chars = name.chars();
    if let (Some('\''), Some(_), Some('\''), None) = (chars.next(), chars.next(), chars.next(), chars.next())
    {
        return true;
    }
    let (base, rest) = match name.as_bytes()[0] {
        b'#' => (10, &name[1..]),
        b'$' => (16, &name[1..]),
        b'%' => (2, &name[1..]),
        _ => (10, name),
    };
    let digits = rest.strip_prefix('-').unwrap_or(rest);
    let digits = digits.strip_suffix('.').unwrap_or(digits);
    !digits.is_empty() && digits.chars().all(|c| c.is_digit(base))
}

/// The finding about a name that stands at a place.
pub(super) fn check_word(name: &str, span: Span, log: &mut crate::spec::finding::Log) {
    if let Some(mut finding) = word_problem(name) {
        finding.span = span;
        debug_assert!(finding.severity != Severity::Note);
        log.add(|| finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expect: Option<(&str, Severity)>) {
        let found = word_problem(name).map(|finding| (finding.code.to_string(), finding.severity));
        assert_eq!(found.as_ref().map(|(code, severity)| (code.as_str(), *severity)), expect, "{name}");
    }

    #[test]
    fn names_are_judged() {
        for name in [
            "square",
            "2dup",
            "n²",
            ">=",
            "sum-of-squares",
            "größe",
            "+",
            "-",
            "a)",
            "$",
            "#",
            "%",
            "'",
            "''",
            "1+",
            "0<",
            "-.",
            ".",
            "$xyz",
            "%2",
            "he-13-greatest-common-divisor",
            "!",
            "\"",
        ] {
            check(name, None);
        }
        for name in ["", " ", "sum of", "a\tb", "a\u{a0}b", "a\u{7}", "\u{7f}", "a\nb"] {
            check(name, Some(("WM015", Severity::Error)));
        }
        check(&"é".repeat(128), Some(("WM015", Severity::Error)));
        check(&"é".repeat(31), None);
        check(&"é".repeat(32), Some(("WM016", Severity::Warning)));
        for name in ["0", "42", "-7", "12.", "$1F", "$-1f", "%101", "#-3", "'x'", "if", "IF", ";", "(", "\\"]
        {
            check(name, Some(("WM016", Severity::Warning)));
        }
        assert_eq!(word_problem("sum of  squares").unwrap().suggestion.unwrap(), "write \"sum-of-squares\"");
    }
}
