//! What is said of a Forth program that stopped: the place with its line, the word, the exception, the stack.

use super::args::MessageFormat;
use super::{message, output};
use crate::forth::{CompileErrorKind, ForthError, Location, TrapKind};
use serde_json::json;
use std::fmt::Write;

/// Where the source text comes from, for text that has no file of its own.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'n> {
    /// What stands before the line number; nothing for what was typed.
    name: Option<&'n str>,
    /// The number of the first line.
    line: u32,
}

impl<'n> Origin<'n> {
    /// A file, or something that is like one.
    pub fn file(name: &'n str) -> Self {
        Self { name: Some(name), line: 1 }
    }

    /// A line of a session, by its number.
    pub fn line(name: Option<&'n str>, line: u32) -> Self {
        Self { name, line }
    }
}

/// The exception of a file that is not there.
const NO_SUCH_FILE: i64 = -38;

/// Tells an error on standard error.
pub fn tell(error: &ForthError, origin: &Origin<'_>, format: MessageFormat) {
    output::tell(&render(error, origin, format));
}

/// The whole text, with its newline.
pub fn render(error: &ForthError, origin: &Origin<'_>, format: MessageFormat) -> String {
    let details = error.details.clone().unwrap_or_default();
    let location = &details.location;
    let is_inner = location.file.is_some();
    let file = location.file.as_deref().or(origin.name);
    let line = if is_inner { location.line } else { location.line.max(1) + origin.line - 1 };
    let place = crate::model::Place {
        line,
        column: location.column.max(1),
        width: (error.token.chars().count() as u32).max(1),
    };
    let title = title(error);
    let place_of = |other: &Location| {
        let (name, line) = match &other.file {
            Some(name) => (&**name, other.line),
            None => (origin.name.unwrap_or("input"), other.line.max(1) + origin.line - 1),
        };
        (name.to_owned(), line, other.column.max(1))
    };
    let from: Vec<(String, u32, u32)> = details.from.iter().map(place_of).collect();
    let word_at = details.word_at.as_ref().map(place_of);
    let stands = word_at
        .iter()
        .map(|(name, line, column)| format!("`{}` stands at {name}:{line}:{column}", details.word));
    let trail = from.iter().map(|(name, line, column)| format!("read from {name}:{line}:{column}"));
    let stack = Some(stack(error)).filter(|stack| !stack.is_empty());
    let notes: Vec<String> = stands.chain(stack).chain(trail).collect();
    let as_json =
        |(file, line, column): &(String, u32, u32)| json!({ "file": file, "line": line, "column": column });
    match format {
        MessageFormat::Human => {
            let source = Some((&*location.text, place.column));
            let help = match &error.suggestion {
                Some(word) => Some(format!("did you mean `{word}`?")),
                None if error.kind.code() == Some(NO_SUCH_FILE) => {
                    Some("a program sees no files but those of the folder that --files names".to_owned())
                }
                None => None,
            };
            message::snippet(&title, file, place, source, help.as_deref(), &notes)
        }
        MessageFormat::Json => message::json(&json!({
            "severity": "error", "message": title, "file": file, "line": place.line, "column": place.column,
            "width": place.width, "exception": error.kind.code(), "token": error.token, "word": details.word,
            "word_at": word_at.as_ref().map(as_json), "definition": details.definition, "stack": details.stack,
            "depth": details.depth, "suggestion": error.suggestion,
            "from": from.iter().map(as_json).collect::<Vec<_>>(),
        })),
        MessageFormat::Github => {
            let title_of =
                error.kind.code().map_or_else(|| "Forth".to_owned(), |code| format!("exception {code}"));
            message::github_failure(
                file.unwrap_or("-"),
                place.line,
                &title_of,
                &format!("{title}\n{}", notes.join("\n")),
            )
        }
    }
}

/// `undefined word (exception -13): `foo``, `stack underflow (exception -4) at `+` in `add``.
fn title(error: &ForthError) -> String {
    let details = error.details.as_deref();
    let message = details.and_then(|details| details.message.as_deref());
    let mut text = match (error.kind, message) {
        (_, Some(message)) => format!("{message} (exception -2)"),
        (CompileErrorKind::Trapped(TrapKind::Fuel), _) => "out of fuel (--fuel gives more)".to_owned(),
        (CompileErrorKind::Trapped(kind), _) => kind.to_string(),
        (kind, _) => match kind.code() {
            Some(code) => format!("{kind} (exception {code})"),
            None => kind.to_string(),
        },
    };
    let (word, definition) = details.map_or(("", ""), |details| (&details.word, &details.definition));
    let token = if word.is_empty() { &*error.token } else { word };
    if !token.is_empty() {
        let _ = write!(text, " at `{token}`");
    }
    if !definition.is_empty() && !definition.eq_ignore_ascii_case(token) {
        let _ = write!(text, " in `{definition}`");
    }
    text
}

/// `stack: <3> 1 2 3`, the top last.
fn stack(error: &ForthError) -> String {
    let Some(details) = &error.details else { return String::new() };
    let mut text = format!("stack: <{}>", details.depth);
    if details.stack.len() < details.depth {
        text.push_str(" …");
    }
    for cell in &details.stack {
        let _ = write!(text, " {cell}");
    }
    text
}
