//! What can go wrong with an archive.

use super::codes;
use crate::model::{Code, Diagnostic, Severity};
use std::path::{Path, PathBuf};

/// The environment failed: an archive cannot be read or written. Says where, what, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct CorpusError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub kind: Box<CorpusErrorKind>,
}

/// What is wrong with the file or folder.
#[derive(Debug, thiserror::Error)]
pub enum CorpusErrorKind {
    /// The folder has no manifest.
    #[error("is not a corpus archive (it has no MANIFEST)")]
    NoManifest,
    /// The file does not start as ours do.
    #[error("is not a file of a wordmill archive")]
    Foreign,
    /// Another version of the format.
    #[error("has archive format {found}, this wordmill reads {ours}")]
    Version {
        /// The version of the file.
        found: u16,
        /// Ours.
        ours: u16,
    },
    /// The same version, but another layout: a development build.
    #[error("was written by a build with another record layout")]
    Schema,
    /// Longer or shorter than its header says.
    #[error("is cut short or overlong: {found} bytes instead of {expected}")]
    Truncated {
        /// Bytes by the header.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A checksum or an invariant does not hold.
    #[error("is damaged: {0}")]
    Damaged(String),
    /// A file that the manifest names does not exist.
    #[error("is missing")]
    Missing,
    /// The system refused.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The caller asked to stop.
    #[error("interrupted before the new generation was complete; the old one is untouched")]
    Interrupted,
}

impl CorpusError {
    /// The error `kind` about `path`.
    pub(super) fn new(path: &Path, kind: CorpusErrorKind) -> Self {
        Self { path: path.to_owned(), kind: Box::new(kind) }
    }

    /// The archive does not hold together.
    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::new(path, CorpusErrorKind::Damaged(what.into()))
    }

    /// For `map_err`: the system refused to do `action`.
    pub(super) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::new(path, CorpusErrorKind::Io { action, source })
    }

    /// The code for `wordmill explain`.
    pub fn code(&self) -> Code {
        match *self.kind {
            CorpusErrorKind::NoManifest | CorpusErrorKind::Foreign => codes::FOREIGN,
            CorpusErrorKind::Version { .. } | CorpusErrorKind::Schema => codes::OTHER_VERSION,
            CorpusErrorKind::Truncated { .. } => codes::TRUNCATED,
            CorpusErrorKind::Damaged(_) => codes::DAMAGED,
            CorpusErrorKind::Missing => codes::MISSING,
            CorpusErrorKind::Io { .. } | CorpusErrorKind::Interrupted => codes::IO,
        }
    }

    /// Whether the bytes of the archive are at fault, so that building it anew from the sources helps.
    pub fn is_mended_by_rebuild(&self) -> bool {
        !matches!(*self.kind, CorpusErrorKind::Io { .. } | CorpusErrorKind::Interrupted)
    }

    /// The error as a diagnostic, with what to do about it.
    pub fn diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::new(self.code(), Severity::Error, self.to_string());
        if self.is_mended_by_rebuild() { diagnostic.suggest(codes::rebuild_advice()) } else { diagnostic }
    }
}
