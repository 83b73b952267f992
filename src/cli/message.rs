//! What a diagnostic looks like: for people, for programs, for GitHub Actions.
//!
//! Messages and source lines quote files that nobody has read. Nothing of them reaches a terminal raw: control
//! characters become visible, and so do the ones that reorder text.

use super::args::MessageFormat;
use crate::model::{Diagnostic, Place, Severity};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// Longest part of a source line that is shown, in characters.
const LINE_MAX: usize = 120;

/// Longest message or suggestion that is shown to people, in characters.
const MESSAGE_MAX: usize = 2000;

/// The whole text, with its newline. Coloured in the human form: the stream takes colours out where they do not belong.
pub fn render(diagnostic: &Diagnostic, format: MessageFormat) -> String {
    match format {
        MessageFormat::Human => human(diagnostic),
        MessageFormat::Json => json(&serde_json::to_value(diagnostic).unwrap_or_default()),
        MessageFormat::Github => github(diagnostic),
    }
}

/// One line of JSON in which no character is invisible.
pub fn json(value: &serde_json::Value) -> String {
    let mut line = String::new();
    for c in value.to_string().chars() {
        if !is_unsafe(c) {
            line.push(c);
            continue;
        }
        // Such a character can only stand inside a string.
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            line.push_str(&format!("\\u{unit:04x}"));
        }
    }
    line + "\n"
}

fn human(diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let code = diagnostic.code.to_string();
    let title = level.primary_title(clipped(&visible(&diagnostic.message))).id(code);
    let source = diagnostic.source.as_ref().map(|(line, column)| (line.as_str(), *column));
    let hints = diagnostic.suggestion.iter().map(|suggestion| (Level::HELP, suggestion.as_str()));
    group(Group::with_title(title), diagnostic.file.as_deref(), diagnostic.place, source, hints)
}

/// An error that has no code of its own: a Forth program that stopped. The notes stand below it.
pub fn snippet(
    message: &str,
    file: Option<&str>,
    place: Place,
    source: Option<(&str, u32)>,
    suggestion: Option<&str>,
    notes: &[String],
) -> String {
    let title = Level::ERROR.primary_title(clipped(&visible(message)));
    let hints = suggestion.map(|suggestion| (Level::HELP, suggestion));
    let notes = notes.iter().map(|note| (Level::NOTE, note.as_str()));
    group(Group::with_title(title), file, place, source, hints.into_iter().chain(notes))
}

fn group<'h>(
    mut group: Group<'_>,
    file: Option<&str>,
    place: Place,
    source: Option<(&str, u32)>,
    hints: impl Iterator<Item = (Level<'static>, &'h str)>,
) -> String {
    let file = file.map(visible);
    let line_number = place.line.max(1) as usize;
    let mut shown_place = String::new();
    if let Some((line, column)) = source {
        let (shown, start, end) = clip(line, column as usize, place.width as usize);
        shown_place = format!(":{line_number}:{}", shown[..start].chars().count() + 1);
        let mark = AnnotationKind::Primary.span(start..end);
        group = group.element(Snippet::source(shown).line_start(line_number).path(file).annotation(mark));
    } else if let Some(file) = file {
        let mut origin = Origin::path(file);
        if place.line > 0 {
            origin = origin.line(line_number).char_column(place.column.max(1) as usize);
        }
        group = group.element(origin);
    }
    for (level, hint) in hints {
        group = group.element(level.message(clipped(&visible(hint))));
    }
    let text = Renderer::styled().render(&[group]) + "\n\n";
    // The renderer takes the column from what is shown of the line; the place is in the whole line.
    let real_place = format!(":{line_number}:{}", place.column);
    if shown_place.is_empty() || shown_place == real_place {
        text
    } else {
        text.replacen(&shown_place, &real_place, 1)
    }
}

/// At most [`LINE_MAX`] characters around the mark, every one of them visible, and the bytes of the mark in it.
fn clip(line: &str, column: usize, width: usize) -> (String, usize, usize) {
    let chars: Vec<char> = line.trim_end_matches(['\n', '\r']).chars().map(visible_char).collect();
    let start = column.saturating_sub(1).min(chars.len());
    let end = (start + width.max(1)).min(chars.len()).max(start);
    let from = if chars.len() <= LINE_MAX { 0 } else { start.saturating_sub(LINE_MAX / 3) };
    let to = (from + LINE_MAX).min(chars.len());
    let mut shown = String::new();
    if from > 0 {
        shown.push('…');
    }
    let (mut mark_start, mut mark_end) = (None, None);
    for (at, c) in chars.iter().enumerate().take(to).skip(from) {
        if at == start {
            mark_start = Some(shown.len());
        }
        if at == end {
            mark_end = Some(shown.len());
        }
        shown.push(*c);
    }
    let length = shown.len();
    if to < chars.len() {
        shown.push('…');
    }
    let mark_start = mark_start.unwrap_or(length);
    (shown, mark_start, mark_end.unwrap_or(length).max(mark_start))
}

/// The same text with every control character made visible.
pub fn visible(text: &str) -> String {
    text.chars().map(visible_char).collect()
}

fn visible_char(c: char) -> char {
    match c {
        '\0'..='\x1f' if c != '\t' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        c if is_unsafe(c) => '\u{fffd}',
        c => c,
    }
}

/// Control characters, and invisible ones that change the order or the lines of text.
fn is_unsafe(c: char) -> bool {
    c.is_control() && c != '\t'
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(MESSAGE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A workflow command: `::error file=…,line=…,col=…,endColumn=…,title=WM001::message`.
fn github(diagnostic: &Diagnostic) -> String {
    let name = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(file) = &diagnostic.file {
        properties.push(format!("file={}", property(file)));
    }
    let place = diagnostic.place;
    if place.line > 0 {
        properties.push(format!("line={}", place.line));
    }
    if place.column > 0 {
        properties.push(format!("col={},endColumn={}", place.column, place.column + place.width));
    }
    properties.push(format!("title={}", diagnostic.code));
    let message = match &diagnostic.suggestion {
        Some(suggestion) => format!("{}\n{suggestion}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    format!("::{name} {}::{}\n", properties.join(","), data(&message))
}

/// The same for something that is no diagnostic: a specification that is not verified.
pub fn github_failure(file: &str, line: u32, title: &str, message: &str) -> String {
    format!("::error file={},line={line},title={}::{}\n", property(file), property(title), data(message))
}

/// Escapes the text after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A").chars().map(visible_char).collect()
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Code, Place};

    fn sample() -> Diagnostic {
        let place = Place { line: 12, column: 5, width: 4 };
        let mut diagnostic =
            Diagnostic::new(Code(3), Severity::Error, "unknown field `wrod`").at(Some("a.json"), place);
        diagnostic.suggestion = Some("did you mean `word`?".to_owned());
        diagnostic.source = Some(("    wrod: 1".to_owned(), 5));
        diagnostic
    }

    fn plain(diagnostic: &Diagnostic) -> String {
        anstream::adapter::strip_str(&human(diagnostic)).to_string()
    }

    #[test]
    fn people_see_the_line_and_a_mark() {
        let expect = "\
error[WM003]: unknown field `wrod`
  --> a.json:12:5
   |
12 |     wrod: 1
   |     ^^^^
   |
   = help: did you mean `word`?

";
        assert_eq!(plain(&sample()), expect);
    }

    #[test]
    fn a_clipped_source_line_keeps_the_real_column() {
        let mut diagnostic = sample();
        diagnostic.place.column = 70_005;
        let text = plain(&diagnostic);
        assert!(text.contains("a.json:12:70005") && text.contains("^^^^"), "{text}");
    }

    #[test]
    fn columns_count_characters_whatever_their_width() {
        let mut diagnostic = sample();
        diagnostic.source = Some(("\t漢字: wrod".to_owned(), 6));
        diagnostic.place.column = 6;
        let text = plain(&diagnostic);
        assert!(text.contains("a.json:12:6\n"), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        let width = |text: &str| unicode_width::UnicodeWidthStr::width(text);
        let before = |line: &str, needle: &str| width(line.split(needle).next().unwrap_or(""));
        assert_eq!(before(lines[3], "wrod"), before(lines[4], "^^^^"), "{text}");
    }

    #[test]
    fn no_escape_reaches_the_terminal() {
        let evil = "a\x1b]0;owned\x07b\u{202e}c\u{9b}31m\x7f";
        let mut diagnostic = sample();
        diagnostic.message = evil.to_owned();
        diagnostic.file = Some(format!("{evil}.json"));
        diagnostic.suggestion = Some(evil.to_owned());
        diagnostic.source = Some((evil.to_owned(), 1));
        for format in [MessageFormat::Human, MessageFormat::Json, MessageFormat::Github] {
            let text = anstream::adapter::strip_str(&render(&diagnostic, format)).to_string();
            assert!(
                !text.trim_end_matches('\n').chars().any(|c| is_unsafe(c) && c != '\n'),
                "{format:?}: {text:?}"
            );
            assert!(text.contains("owned"), "{text:?}");
        }
        assert!(plain(&diagnostic).contains("a␛]0;owned␇b\u{fffd}c\u{fffd}31m␡"));
    }

    #[test]
    fn long_lines_are_clipped_around_the_mark() {
        fn check(length: usize, column: usize, width: usize, marked: &str) {
            let mut line = "x".repeat(column - 1) + &"Y".repeat(width);
            line += &"z".repeat(length.saturating_sub(line.chars().count()));
            let (shown, start, end) = clip(&line, column, width);
            assert!(shown.chars().count() <= LINE_MAX + 2, "{shown}");
            assert_eq!(&shown[start..end], marked);
        }
        check(10, 3, 2, "YY");
        check(1_000_000, 500_000, 3, "YYY");
        check(1_000_000, 1, 3, "YYY");
        check(200, 200, 1, "Y");
        check(300, 10, 200, &"Y".repeat(LINE_MAX - 9));
    }

    #[test]
    fn a_mark_behind_the_line_is_at_its_end() {
        assert_eq!(clip("abc", 9, 4), ("abc".to_owned(), 3, 3));
        assert_eq!(clip("", 1, 1), (String::new(), 0, 0));
        assert!(plain(&Diagnostic { source: Some((String::new(), 1)), ..sample() }).contains("a.json:12:5"));
    }

    #[test]
    fn json_is_one_object_a_line() {
        let line = render(&sample(), MessageFormat::Json);
        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(value["code"], "WM003");
        assert_eq!((&value["line"], &value["column"], &value["width"]), (&12.into(), &5.into(), &4.into()));
        assert_eq!(line.matches('\n').count(), 1);
        let evil = json(&serde_json::json!("\u{202e}"));
        assert_eq!(evil, "\"\\u202e\"\n");
    }

    #[test]
    fn github_commands_are_escaped() {
        let mut diagnostic = sample();
        diagnostic.file = Some("a,b:c.json".to_owned());
        diagnostic.message = "100 % wrong\n::error::no".to_owned();
        diagnostic.suggestion = None;
        let expect = "::error file=a%2Cb%3Ac.json,line=12,col=5,endColumn=9,title=WM003::100 %25 wrong%0A::error::no\n";
        assert_eq!(github(&diagnostic), expect);
        diagnostic.severity = Severity::Note;
        diagnostic.place = Place::default();
        diagnostic.file = None;
        assert_eq!(github(&diagnostic), "::notice title=WM003::100 %25 wrong%0A::error::no\n");
    }
}
