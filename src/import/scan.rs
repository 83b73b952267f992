//! The text as tokens, and findings about it by line and column.

use super::Import;
use crate::model::{Diagnostic, Place};
use crate::spec::codes;
use crate::spec::finding::{Finding, Span};
use crate::spec::locate::Frame;

/// What was found in a file. Places are worked out line by line, so that a finding costs the length of its line.
pub(super) struct Findings<'t> {
    text: &'t [u8],
    name: &'t str,
    line_starts: Vec<usize>,
    found: Vec<Diagnostic>,
}

impl<'t> Findings<'t> {
    /// No findings yet about this text.
    pub fn new(text: &'t [u8], name: &'t str) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text).map(|at| at + 1);
        Self { text, name, line_starts: std::iter::once(0).chain(breaks).collect(), found: Vec::new() }
    }

    /// Adds a finding; its span counts bytes of the file.
    pub fn add(&mut self, finding: Finding) {
        let found = self.locate(finding);
        self.found.push(found);
    }

    /// Adds a finding about something that came out of this place of the file.
    pub fn add_from(&mut self, diagnostic: &Diagnostic, span: Span) {
        let Diagnostic { code, severity, message, suggestion, .. } = diagnostic.clone();
        self.add(Finding { code, severity, span, message, suggestion });
    }

    /// Line and column of a stretch.
    pub fn place(&self, span: Span) -> Place {
        self.locate(Finding::error(codes::FORTH_TEXT, span, "")).place
    }

    fn locate(&self, mut finding: Finding) -> Diagnostic {
        let start = (finding.span.start as usize).min(self.text.len());
        let line = self.line_starts.partition_point(|&from| from <= start) - 1;
        let from = self.line_starts[line];
        let to = self.line_starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        finding.span = Span::new(start - from, (finding.span.end as usize).saturating_sub(from));
        let text = &self.text[from..to];
        Frame { name: self.name, text, line: line as u32 + 1, column: 1 }.diagnostic(finding)
    }

    /// All of them in the order of the text.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| (found.place.line, found.place.column));
        self.found
    }

    /// The file is no text: nothing of it is read.
    pub fn not_utf8(mut self, error: std::str::Utf8Error) -> Import {
        let start = error.valid_up_to();
        let message =
            format!("the byte {:02X} is not UTF-8 here; nothing of the file is read", self.text[start]);
        let finding = Finding::error(codes::NOT_UTF8, Span::at(start), message);
        self.add(finding.suggest("convert the file to UTF-8"));
        Import { diagnostics: self.finish(), ..Import::default() }
    }
}

impl Findings<'_> {
    /// Some bytes of the file, `bytes` as it is, are no text, and are read as if they were unknown characters.
    pub fn not_utf8_in_places(&mut self, bytes: &[u8], error: std::str::Utf8Error) {
        let start = error.valid_up_to();
        let message =
            format!("the byte {:02X} is not UTF-8 here; such bytes may only stand in comments", bytes[start]);
        let finding = Finding::warning(codes::NOT_UTF8, Span::at(start), message);
        self.add(finding.suggest("convert the file to UTF-8"));
    }
}

/// A word of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Token<'t> {
    /// As it stands there.
    pub text: &'t str,
    /// Where it begins.
    pub start: usize,
}

impl Token<'_> {
    /// One past its end.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        Span::new(self.start, self.end())
    }

    /// Whether it is this word, in either case.
    pub fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    /// As words are looked up.
    pub fn lower(&self) -> String {
        self.text.to_ascii_lowercase()
    }
}

/// Reads a text as Forth's text interpreter does.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'t> {
    /// The text.
    pub text: &'t str,
    /// How far it has been read.
    pub at: usize,
}

impl<'t> Scanner<'t> {
    /// The next run of characters above the blank.
    pub fn next(&mut self) -> Option<Token<'t>> {
        let token = self.peek()?;
        self.at = token.end();
        Some(token)
    }

    /// The same without moving on.
    pub fn peek(&self) -> Option<Token<'t>> {
        let bytes = self.text.as_bytes();
        let start = (self.at..bytes.len()).find(|&at| bytes[at] > b' ')?;
        let end = (start..bytes.len()).find(|&at| bytes[at] <= b' ').unwrap_or(bytes.len());
        Some(Token { text: &self.text[start..end], start })
    }

    /// Whether the next word stands on the same line.
    pub fn goes_on(&self) -> bool {
        self.peek().is_some_and(|token| !self.text[self.at..token.start].contains('\n'))
    }

    /// The text behind one blank up to a delimiter, which is passed over; `None` where there is no delimiter.
    pub fn until(&mut self, delimiter: char) -> Option<&'t str> {
        let from = self.behind_blank();
        let len = self.text[from..].find(delimiter)?;
        self.at = from + len + delimiter.len_utf8();
        Some(&self.text[from..from + len])
    }

    /// The same up to a quote, with the escapes of `S\"`.
    pub fn until_quote_with_escapes(&mut self) -> Option<String> {
        let from = self.behind_blank();
        let mut out = Vec::new();
        let mut at = from;
        let bytes = self.text.as_bytes();
        loop {
            match *bytes.get(at)? {
                b'"' => break,
                b'\\' => {
                    let (escaped, len) = escape(&bytes[at + 1..])?;
                    out.extend_from_slice(escaped.as_slice());
                    at += 1 + len;
                }
                byte => {
                    out.push(byte);
                    at += 1;
                }
            }
        }
        self.at = at + 1;
        String::from_utf8(out).ok()
    }

    /// The rest of the line, which is passed over.
    pub fn rest_of_line(&mut self) -> &'t str {
        let from = self.at;
        self.at = self.text[from..].find('\n').map_or(self.text.len(), |len| from + len);
        &self.text[from..self.at]
    }

    /// Passes over everything.
    pub fn skip_all(&mut self) {
        self.at = self.text.len();
    }

    fn behind_blank(&self) -> usize {
        let is_blank = self.text.as_bytes().get(self.at).is_some_and(|byte| *byte <= b' ');
        self.at + usize::from(is_blank)
    }
}

/// What an escape stands for, and how many bytes it takes behind its backslash.
fn escape(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let byte = match *text.first()? {
        b'a' => 7,
        b'b' => 8,
        b'e' => 27,
        b'f' => 12,
        b'l' | b'n' => b'\n',
        b'm' => return Some((vec![b'\r', b'\n'], 1)),
        b'q' | b'"' => b'"',
        b'r' => b'\r',
        b't' => 9,
        b'v' => 11,
        b'z' => 0,
        b'\\' => b'\\',
        b'x' => {
            let digits = std::str::from_utf8(text.get(1..3)?).ok()?;
            return Some((vec![u8::from_str_radix(digits, 16).ok()?], 3));
        }
        _ => return None,
    };
    Some((vec![byte], 1))
}
