//! What to do about an error: names that were probably meant, and single edits that make the code infer. An edit is offered
//! only after inference has accepted the edited code.

use crate::effect::env::WordEnv;
use crate::effect::error::{Edit, EffectError, ErrorKind, place};
use crate::effect::infer::infer;
use crate::effect::machine::Scratch;
use crate::forth::words::WORDS;
use crate::model::{Diagnostic, Severity};

/// Longest code that edits are tried on.
const CODE_MAX: usize = 4096;

/// Longest source line that a diagnostic shows whole.
const LINE_MAX: usize = 160;

/// One edit of the code that makes it infer, where there is one.
pub fn mend(code: &str, env: &dyn WordEnv, error: &EffectError) -> Option<Edit> {
    if code.len() > CODE_MAX || error.position as usize > code.len() {
        return None;
    }
    let mut scratch = Scratch::new();
    candidates(code, env, error).into_iter().find(|edit| infer(&edit.apply(code), env, &mut scratch).is_ok())
}

/// The error as a finding with its place, source line and suggestion; the edit is that of [`mend`].
pub fn diagnose(code: &str, env: &dyn WordEnv, error: &EffectError) -> (Diagnostic, Option<Edit>) {
    let edit = mend(code, env, error);
    let mut diagnostic = Diagnostic::new(error.code(), Severity::Error, error.message(code));
    diagnostic.place = error.place(code);
    diagnostic.source = source_line(code, error.position);
    diagnostic.suggestion = match (error.kind, &edit) {
        (ErrorKind::UnknownWord, _) => did_you_mean(code, env, error),
        (ErrorKind::CommentEndsEarly, _) => Some("write brackets: `( a b -- gcd[a,b] )`".into()),
        (_, Some(edit)) => Some(in_words(code, edit)),
        _ => None,
    };
    (diagnostic, edit)
}

/// The line around an offset and the column in it, where the line is short enough to be shown.
pub(crate) fn source_line(code: &str, position: u32) -> Option<(String, u32)> {
    let before = code.get(..position as usize)?;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = code[start..].lines().next()?;
    (line.len() <= LINE_MAX).then(|| (line.to_owned(), place(code, position, 0).column))
}

fn in_words(code: &str, edit: &Edit) -> String {
    let insert = edit.insert.trim();
    let old = code[edit.position as usize..(edit.position + edit.delete_len) as usize].trim();
    match (old, insert) {
        ("", insert) => match code[edit.position as usize..].split_whitespace().next() {
            Some(next) => format!("insert `{insert}` before `{next}`"),
            None => format!("add `{insert}` at the end"),
        },
        (old, "") => format!("leave out `{old}`"),
        (old, insert) => format!("write `{insert}` for `{old}`"),
    }
}

fn did_you_mean(code: &str, env: &dyn WordEnv, error: &EffectError) -> Option<String> {
    let token = error.token(code);
    if is_own_name(code, error) {
        return Some("inside its own definition the word is called by `recurse`".into());
    }
    let names = similar(token, env);
    let list: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
    (!list.is_empty()).then(|| format!("did you mean {}?", list.join(" or ")))
}

/// Whether the token is the name of the definition that it stands in.
fn is_own_name(code: &str, error: &EffectError) -> bool {
    let before = &code[..error.position as usize];
    let tokens: Vec<&str> = before.split_whitespace().collect();
    let colon = tokens.iter().rposition(|&token| token == ":");
    colon.and_then(|at| tokens.get(at + 1)).is_some_and(|name| name.eq_ignore_ascii_case(error.token(code)))
}

/// Known names that look like a token, most alike first.
pub(crate) fn similar(token: &str, env: &dyn WordEnv) -> Vec<String> {
    let token = token.to_ascii_lowercase();
    let mut found: Vec<(usize, String)> = Vec::new();
    let limit = match token.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    let mut consider = |name: &str| {
        let distance = strsim::osa_distance(&token, &name.to_ascii_lowercase());
        // A name of which nothing remains is no misspelling of it.
        if distance <= limit && distance < name.chars().count() {
            found.push((distance, name.to_owned()));
        }
    };
    WORDS.iter().filter(|row| !row.name.starts_with(' ')).for_each(|row| consider(row.name));
    env.each_name(&mut consider);
    found.sort();
    found.dedup();
    let best = found.first().map_or(0, |(distance, _)| *distance);
    found.into_iter().filter(|(distance, _)| *distance == best).map(|(_, name)| name).take(5).collect()
}

fn candidates(code: &str, env: &dyn WordEnv, error: &EffectError) -> Vec<Edit> {
    use ErrorKind::*;
    let at = error.position;
    let edit = |position, delete_len, insert: &str| Edit { position, delete_len, insert: insert.to_owned() };
    let before = |insert: &str| edit(at, 0, &format!("{insert} "));
    let replace = |insert: &str| edit(at, error.len, insert);
    // At the end of bare code, or before the `;` that the error is at.
    let at_end = |insert: &str| {
        let trimmed = code[..at as usize].trim_end().len() as u32;
        edit(trimmed, 0, &format!(" {insert}"))
    };
    let delete = || {
        let rest = &code[(at + error.len) as usize..];
        let blank = rest.starts_with(' ') as u32;
        edit(at, error.len + blank, "")
    };
    match error.kind {
        UnknownWord if is_own_name(code, error) => vec![replace("recurse")],
        UnknownWord => similar(error.token(code), env).iter().map(|name| replace(name)).collect(),
        CommentEndsEarly => comment_edit(code, at).into_iter().collect(),
        Underflow { .. } => vec![before("dup"), before("over"), before("2dup"), delete()],
        NotDeclared { n_in, n_out, inferred_in, inferred_out } => {
            let surplus = (inferred_out as i16 - inferred_in as i16) - (n_out as i16 - n_in as i16);
            match surplus {
                1 => vec![at_end("drop"), at_end("nip")],
                2 => vec![at_end("2drop")],
                -1 => vec![at_start(code, "dup"), at_end("dup")],
                _ => vec![],
            }
        }
        Branches { taken, other } => match taken - other {
            -1 => vec![before("else drop"), before("drop")],
            1 => vec![before("drop"), before("else dup"), before("dup")],
            -2 => vec![before("else 2drop"), before("2drop")],
            2 => vec![before("2drop"), before("else 2dup")],
            _ => vec![],
        },
        ReturnBranches { taken: 1, .. } => vec![before("r>")],
        Loop { change: 1 } | Leave { change: 1 } => vec![before("drop")],
        Loop { change: 2 } | Leave { change: 2 } => vec![before("2drop")],
        Loop { change: -1 } => vec![before("dup")],
        ReturnLoop { change: 1 } => vec![before("r> drop")],
        Exits { here, end } => match here - end {
            1 => vec![before("drop")],
            -1 => vec![before("dup")],
            _ => vec![],
        },
        ReturnLeft { n: 1 } => vec![at_end("r> drop")],
        ReturnLeft { n: 2 } => vec![at_end("2r> 2drop")],
        NeedsUnloop => vec![before("unloop")],
        Unmatched { .. } | Misplaced => vec![delete()],
        Unclosed { closer } => vec![close_edit(code, closer.name())],
        Unterminated { closer } => {
            let blank = if closer == "\"" { "" } else { " " };
            vec![edit(code.trim_end().len() as u32, 0, &format!("{blank}{closer}"))]
        }
        NotStatic if error.token(code).eq_ignore_ascii_case("?dup") => vec![replace("dup")],
        _ => vec![],
    }
}

/// At the start of the body.
fn at_start(code: &str, insert: &str) -> Edit {
    let mut at = 0;
    let mut rest = code.trim_start();
    if let Some(after) = rest.strip_prefix(": ") {
        rest = after.trim_start();
        rest = rest.find(char::is_whitespace).map_or("", |end| &rest[end..]).trim_start();
    }
    while let Some(comment) = rest.strip_prefix("( ") {
        rest = comment.find(')').map_or("", |end| &comment[end + 1..]).trim_start();
    }
    at += (code.len() - rest.len()) as u32;
    Edit { position: at, delete_len: 0, insert: format!("{insert} ") }
}

/// Closes a structure at the end of the body.
fn close_edit(code: &str, closer: &str) -> Edit {
    let end = code.trim_end();
    let end = end.strip_suffix(';').map_or(end, str::trim_end);
    Edit { position: end.len() as u32, delete_len: 0, insert: format!(" {closer}") }
}

/// Writes the comment before an offset with square brackets, up to the parenthesis that was meant to end it.
fn comment_edit(code: &str, at: u32) -> Option<Edit> {
    let at = at as usize;
    let broken_end = code[..at].rfind(')')?;
    let start = code[..broken_end].rfind("( ")?;
    let mut end = at;
    for token in code[at..].split_inclusive(char::is_whitespace) {
        if token.trim_end() == ")" {
            let inside = &code[start + 2..end];
            let safe: String = inside
                .chars()
                .map(|c| {
                    if c == '(' {
                        '['
                    } else if c == ')' {
                        ']'
                    } else {
                        c
                    }
                })
                .collect();
            let insert = format!("( {safe})");
            return Some(Edit { position: start as u32, delete_len: (end + 1 - start) as u32, insert });
        }
        end += token.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{WordEffect, Words};

    fn check_declared(declared: Option<(u8, u8)>, code: &str, edited: &str, suggestion: &str) {
        let env = Words { words: vec![("square", WordEffect::pure(1, 1))], declared };
        let mut scratch = Scratch::new();
        let error = infer(code, &env, &mut scratch).expect_err(code);
        let (diagnostic, edit) = diagnose(code, &env, &error);
        assert_eq!(edit.map_or("-".into(), |edit| edit.apply(code)), edited, "{code}");
        assert_eq!(diagnostic.suggestion.unwrap_or("-".into()), suggestion, "{code}");
        assert_eq!(diagnostic.code, error.code());
    }

    fn check(code: &str, edited: &str, suggestion: &str) {
        check_declared(None, code, edited, suggestion);
    }

    #[test]
    fn edits() {
        check("dup squre +", "dup square +", "did you mean `square`?");
        check("dpu *", "dup *", "did you mean `dup`?");
        check("swpa -", "swap -", "did you mean `swap`?");
        check("5 xyzzyx", "-", "-");
        check("abrt", "abort", "did you mean `abort`?");
        check(": fib dup fib ;", "-", "inside its own definition the word is called by `recurse`");
        check(
            ": f ( n -- m ) dup 2 < if drop 1 else 1- f then ;",
            ": f ( n -- m ) dup 2 < if drop 1 else 1- recurse then ;",
            "inside its own definition the word is called by `recurse`",
        );
        check(
            "( a b -- gcd(a,b) ) drop",
            "( a b -- gcd[a,b] ) drop",
            "write brackets: `( a b -- gcd[a,b] )`",
        );
        check(
            ": f ( a -- g(a) b ) dup ;",
            ": f ( a -- g[a] b ) dup ;",
            "write brackets: `( a b -- gcd[a,b] )`",
        );
        check("dup 0< if drop then", "dup 0< if drop else drop then", "insert `else drop` before `then`");
        check("dup 0< if dup then", "dup 0< if dup drop then", "insert `drop` before `then`");
        check("10 0 do i loop", "10 0 do i drop loop", "insert `drop` before `loop`");
        check("begin 1- until", "begin 1- dup until", "insert `dup` before `until`");
        check("dup if 1+", "dup if 1+ then", "add `then` at the end");
        check(": f dup if 1+ ;", ": f dup if 1+ then ;", "insert `then` before `;`");
        check(": f dup *", ": f dup * ;", "add `;` at the end");
        check("dup then", "dup ", "leave out `then`");
        check("dup * ;", "dup * ", "leave out `;`");
        check(">r dup", ">r dup r> drop", "add `r> drop` at the end");
        check(
            "10 0 do i 5 = if exit then loop",
            "10 0 do i 5 = if unloop exit then loop",
            "insert `unloop` before `exit`",
        );
        check("?dup +", "dup +", "write `dup` for `?dup`");
        check("s\" abc", "s\" abc\"", "add `\"` at the end");
        check("dup 0= if exit then drop", "dup 0= if drop exit then drop", "insert `drop` before `exit`");
        check("execute", "-", "-");
    }

    #[test]
    fn edits_towards_a_declaration() {
        check_declared(Some((1, 1)), "*", "dup *", "insert `dup` before `*`");
        check_declared(Some((1, 1)), "dup 1+", "dup 1+ drop", "add `drop` at the end");
        check_declared(Some((1, 2)), "1+", "dup 1+", "insert `dup` before `1+`");
        check_declared(
            Some((1, 2)),
            ": f ( n -- n m ) 1+ ;",
            ": f ( n -- n m ) dup 1+ ;",
            "insert `dup` before `1+`",
        );
        check_declared(Some((1, 1)), ": f dup 1+ ;", ": f dup 1+ drop ;", "insert `drop` before `;`");
    }
}
