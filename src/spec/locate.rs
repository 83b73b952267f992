//! Byte positions in a record become lines, columns and a clipped source line. Only records with findings come here.

use crate::model::{Code, Diagnostic, Place, Severity};
use crate::spec::codes;
use crate::spec::finding::{Finding, Log, Span};

/// So many characters of a long source line are shown before the mark, and as many from its start on.
const CLIP_CHARS: usize = 70;

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The file, as the user would name it.
    pub name: &'a str,
    /// The record.
    pub text: &'a [u8],
    /// The line of its first byte, from 1.
    pub line: u32,
    /// The column of its first byte in characters, from 1.
    pub column: u32,
}

impl Frame<'_> {
    /// The place of the record itself.
    pub fn place(&self) -> Place {
        let spaces = self.text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.locate(Span::at(if spaces == self.text.len() { 0 } else { spaces })).0
    }

    /// All findings of a record as diagnostics, in the order of the text.
    pub fn diagnostics(&self, log: Log) -> Vec<Diagnostic> {
        let mut findings = log.findings;
        findings.sort_by_key(|finding| finding.span.start);
        let last = findings.last().map(|finding| finding.span);
        let mut out: Vec<Diagnostic> = findings.into_iter().map(|finding| self.diagnostic(finding)).collect();
        if let (1.., Some(span)) = (log.n_dropped, last) {
            out.push(self.more(log.n_dropped, span));
        }
        out
    }

    /// One finding as a diagnostic.
    pub fn diagnostic(&self, finding: Finding) -> Diagnostic {
        let (place, source) = self.locate(finding.span);
        Diagnostic {
            code: finding.code,
            severity: finding.severity,
            message: finding.message,
            file: Some(self.name.to_owned()),
            place,
            suggestion: finding.suggestion,
            source: Some(source),
        }
    }

    fn more(&self, n_dropped: u32, span: Span) -> Diagnostic {
        let message = format!("{n_dropped} more findings in this record are not shown");
        Diagnostic::new(codes::MORE_FINDINGS, Severity::Note, message)
            .at(Some(self.name), self.locate(span).0)
    }

    fn locate(&self, span: Span) -> (Place, (String, u32)) {
        let start = (span.start as usize).min(self.text.len());
        let before = &self.text[..start];
        let n_breaks = before.iter().filter(|&&byte| byte == b'\n').count();
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line_end = memchr::memchr(b'\n', &self.text[start..]).map_or(self.text.len(), |at| start + at);
        let end = (span.end as usize).clamp(start, line_end);
        let column = n_chars(&self.text[line_start..start]) + 1;
        let place = Place {
            line: self.line + n_breaks as u32,
            column: column + if n_breaks == 0 { self.column - 1 } else { 0 },
            width: n_chars(&self.text[start..end]).max(1),
        };
        (place, clip(&self.text[line_start..line_end], start - line_start))
    }
}

/// One finding at the start of a place that is not in a record: a damaged archive, a missing bracket.
pub fn bare(code: Code, name: &str, line: u32, column: u32, message: String) -> Diagnostic {
    Diagnostic::new(code, Severity::Error, message).at(Some(name), Place { line, column, width: 1 })
}

/// Characters of a text; each stretch of invalid bytes counts as the replacement character that stands for it.
pub fn n_chars(text: &[u8]) -> u32 {
    text.utf8_chunks()
        .map(|chunk| chunk.valid().chars().count() as u32 + u32::from(!chunk.invalid().is_empty()))
        .sum()
}

/// The part of a line around a position, and the column of the position in that part.
fn clip(line: &[u8], at: usize) -> (String, u32) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let at = at.min(line.len());
    // A character has at most four bytes, so this is enough text on both sides.
    let from = at.saturating_sub(4 * CLIP_CHARS + 8);
    let to = (at + 4 * CLIP_CHARS + 8).min(line.len());
    let before = readable(&line[from..at]);
    let after = readable(&line[at..to]);
    let n_before = before.chars().count();
    let n_after = after.chars().count();
    let mut out = String::new();
    if from > 0 || n_before > CLIP_CHARS {
        out.push('…');
    }
    out.extend(before.chars().skip(n_before.saturating_sub(CLIP_CHARS)));
    let column = out.chars().count() as u32 + 1;
    out.extend(after.chars().take(CLIP_CHARS));
    if to < line.len() || n_after > CLIP_CHARS {
        out.push('…');
    }
    (out, column)
}

/// A text without anything that would disturb a terminal.
fn readable(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(text: &str, start: usize, end: usize) -> (u32, u32, u32, String, u32) {
        let frame = Frame { name: "x.json", text: text.as_bytes(), line: 10, column: 5 };
        let (place, (source, mark)) = frame.locate(Span::new(start, end));
        (place.line, place.column, place.width, source, mark)
    }

    #[test]
    fn places_count_characters() {
        assert_eq!(locate("abc", 1, 2), (10, 6, 1, "abc".into(), 2));
        assert_eq!(locate("äbc", 2, 4), (10, 6, 2, "äbc".into(), 2));
        assert_eq!(locate("a\r\nxyz\nb", 4, 99), (11, 2, 2, "xyz".into(), 2));
        assert_eq!(locate("a\nb", 3, 4), (11, 2, 1, "b".into(), 2));
        assert_eq!(locate("", 0, 1), (10, 5, 1, "".into(), 1));
        assert_eq!(locate("a\tb\u{1b}c", 4, 5), (10, 9, 1, "a b\u{fffd}c".into(), 5));
    }

    #[test]
    fn long_lines_are_clipped() {
        let text = "é".repeat(1_000_000);
        let (_, column, _, source, mark) = locate(&text, 1_000_000, 1_000_002);
        assert_eq!(column, 500_005);
        assert_eq!(source.chars().count(), 2 + 2 * CLIP_CHARS);
        assert_eq!(mark as usize, CLIP_CHARS + 2);
    }

    #[test]
    fn invalid_bytes_count_as_one_character() {
        assert_eq!(n_chars(b"a\xffb"), 3);
        assert_eq!(n_chars(b"a\xe2\x82b"), 3);
        assert_eq!(clip(b"a\xffb", 2), ("a\u{fffd}b".into(), 3));
    }
}
