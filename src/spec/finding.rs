//! What the reader and the checks find in one record, by byte positions. Lines and columns are worked out only when a
//! record has findings; see [`crate::spec::locate`].

use crate::model::{Code, Severity};

/// At most so many findings of one record are told; the rest is counted.
pub const FINDINGS_MAX: usize = 20;

/// A stretch of a record's text in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A stretch between two positions.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end.max(start) as u32 }
    }

    /// The one byte at a position.
    pub fn at(start: usize) -> Self {
        Self::new(start, start + 1)
    }
}

/// One finding in a record.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which kind.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// One sentence, lower case.
    pub message: String,
    /// What to do about it.
    pub suggestion: Option<String>,
}

impl Finding {
    /// An error at a place.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, span, message: message.into(), suggestion: None }
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// The same with something to do about it.
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

/// The findings of one record, bounded.
#[derive(Debug, Default)]
pub struct Log {
    /// What was found, in the order of finding.
    pub findings: Vec<Finding>,
    /// How many more there were.
    pub n_dropped: u32,
    /// Some finding is an error.
    pub has_error: bool,
    /// The text is not JSON.
    pub is_unparsable: bool,
}

impl Log {
    /// Adds a finding. When there is no room, the first error still finds a place (a warning gives way), and after that
    /// nothing is even made, so that a hostile record cannot cost more than its length.
    #[cold]
    pub fn add(&mut self, make: impl FnOnce() -> Finding) {
        let is_full = self.findings.len() >= FINDINGS_MAX;
        self.n_dropped += u32::from(is_full);
        if is_full && self.has_error {
            return;
        }
        let finding = make();
        let is_error = finding.severity == Severity::Error;
        self.has_error |= is_error;
        if is_full && is_error {
            self.findings.pop();
        }
        if !is_full || is_error {
            self.findings.push(finding);
        }
    }

    /// Nothing was found.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_never_dropped_for_warnings() {
        let mut log = Log::default();
        for _ in 0..FINDINGS_MAX + 5 {
            log.add(|| Finding::warning(Code(11), Span::at(0), "warning"));
        }
        assert!(!log.has_error);
        log.add(|| Finding::error(Code(18), Span::at(0), "error"));
        assert!(log.has_error);
        assert_eq!(log.findings.len(), FINDINGS_MAX);
        assert_eq!(log.findings.last().map(|f| f.severity), Some(Severity::Error));
        assert_eq!(log.n_dropped, 6);
        log.add(|| unreachable!("nothing is made any more"));
        assert_eq!(log.n_dropped, 7);
    }
}
