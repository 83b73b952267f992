//! The text of one template file and the places in it.

use crate::model::{Code, Diagnostic, Place, Severity};
use std::ops::Range;

/// A file as it was read, for places in diagnostics.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
    line_starts: Vec<usize>,
}

/// A value with the file and the bytes that it was read from.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) file: usize,
    pub(super) span: Range<usize>,
}

impl<T> At<T> {
    /// Another value read from the same bytes.
    pub(super) fn with<U>(&self, value: U) -> At<U> {
        At { value, file: self.file, span: self.span.clone() }
    }
}

const SOURCE_LINE_CHARS_MAX: usize = 160;

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(i, _)| i + 1));
        Self { name: name.to_owned(), text: text.to_owned(), line_starts }
    }

    fn line_of(&self, offset: usize) -> (usize, &str) {
        let line = self.line_starts.partition_point(|&start| start <= offset).max(1) - 1;
        let start = self.line_starts[line];
        let end = self.line_starts.get(line + 1).map_or(self.text.len(), |&next| next - 1);
        (line, self.text[start..end.max(start)].trim_end_matches('\r'))
    }

    /// An error at these bytes; a span over several lines is marked to the end of its first.
    pub(super) fn error(&self, code: Code, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        let start = span.start.min(self.text.len());
        let (line, text) = self.line_of(start);
        let within = (start - self.line_starts[line]).min(text.len());
        let marked_end = (span.end.max(start) - self.line_starts[line]).clamp(within, text.len());
        let column = text[..within].chars().count() as u32 + 1;
        let width = text[within..marked_end].chars().count().max(1) as u32;
        let mut diagnostic = Diagnostic::new(code, Severity::Error, message);
        diagnostic.file = Some(self.name.clone());
        diagnostic.place = Place { line: line as u32 + 1, column, width };
        let skipped = (column as usize).saturating_sub(SOURCE_LINE_CHARS_MAX / 2 + 1);
        let clipped: String = text.chars().skip(skipped).take(SOURCE_LINE_CHARS_MAX).collect();
        diagnostic.source = Some((clipped, column - skipped as u32));
        diagnostic
    }
}

/// The nearest of some names, near enough to be what was meant.
pub(super) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = word.chars().count().max(3) / 3 + 1;
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word.to_lowercase(), &name.to_lowercase()), name))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, name)| format!("did you mean `{name}`?"))
}
