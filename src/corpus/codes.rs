//! The diagnostics of this room, for `wordmill explain`.

use crate::model::{Code, CodeEntry};

/// The file or folder is not an archive of wordmill.
pub const FOREIGN: Code = Code(86);
/// The archive has another format version.
pub const OTHER_VERSION: Code = Code(87);
/// The archive is damaged.
pub const DAMAGED: Code = Code(88);
/// The archive was cut short.
pub const TRUNCATED: Code = Code(89);
/// A segment of the archive is missing.
pub const MISSING: Code = Code(90);
/// The system refused to read or write.
pub const IO: Code = Code(91);
/// The record is too large for the archive.
pub const TOO_LARGE: Code = Code(92);
/// Held-out cases do not fit the specification.
pub const HELDOUT_MISFIT: Code = Code(93);
/// A source file could not be read.
pub const UNREADABLE_SOURCE: Code = Code(94);

const REBUILD: &str = "An archive is only a packed copy of its sources: `wordmill corpus build SPECS --to DIR` or any \
`wordmill run` with the sources at hand writes it anew. Where the sources are gone, restore the folder from a backup.";

/// All codes of this room.
pub const CODES: &[CodeEntry] = &[
    CodeEntry {
        code: FOREIGN,
        title: "not an archive of wordmill",
        explanation: "The file does not start with the mark of a wordmill archive, or the folder has no MANIFEST. Perhaps the \
path is wrong, or another program wrote over the file. An archive is a folder made by `wordmill corpus build`.",
    },
    CodeEntry {
        code: OTHER_VERSION,
        title: "the archive has another format version",
        explanation: "Another version of wordmill wrote the archive, and this one reads its own format only. Where the sources \
are at hand it is rebuilt without asking; otherwise use the version that wrote it, or run `wordmill corpus build` on the sources.",
    },
    CodeEntry {
        code: DAMAGED,
        title: "the archive is damaged",
        explanation: "A checksum does not fit its bytes, or a record does not hold together: a bit flipped, or somebody changed \
the file. Nothing of a damaged segment is used. An archive is only a packed copy of its sources: any `wordmill run` or `wordmill \
corpus build` with the sources at hand writes it anew.",
    },
    CodeEntry {
        code: TRUNCATED,
        title: "the archive was cut short",
        explanation: "A file of the archive is shorter or longer than its header says: a copy that stopped half way, a full disk. \
Copy it again, or rebuild it from the sources with `wordmill corpus build`.",
    },
    CodeEntry {
        code: MISSING,
        title: "a segment of the archive is missing",
        explanation: "The manifest names a segment file that is not there: the folder was copied in part, or a file was removed. \
Copy the whole folder, or rebuild it from the sources with `wordmill corpus build`.",
    },
    CodeEntry {
        code: IO,
        title: "the archive cannot be read or written",
        explanation: "The operating system refused; the message says what and why. Check the permissions, the free space and the \
path, and run again: what was there before is still whole.",
    },
    CodeEntry {
        code: TOO_LARGE,
        title: "the record is too large for the archive",
        explanation: "One specification may fill 256 MiB of text and 1 GiB of test cells, and have 65,535 inputs and outputs. \
Split its test cases over several specifications.",
    },
    CodeEntry {
        code: HELDOUT_MISFIT,
        title: "held-out cases do not fit the specification",
        explanation: "The held-out file has cases for this word with another number of inputs or outputs than the specification \
declares, or cases that could not be read. They are left out of the score.\n\n  X.jsonl:          {\"word\": \"max\", two inputs}\n  \
X.heldout.jsonl:  {\"word\": \"max\", \"test_cases\": [{\"input\": [1], …}]}",
    },
    CodeEntry {
        code: UNREADABLE_SOURCE,
        title: "a source file could not be read",
        explanation: "The file was found but could not be opened or read to its end: permissions, a broken gzip stream, a file \
that vanished meanwhile. What could be read before the fault is kept for this run and read again at the next.",
    },
];

/// What to do about a broken archive.
pub(super) fn rebuild_advice() -> &'static str {
    REBUILD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_in_range() {
        assert!(CODES.is_sorted_by_key(|entry| entry.code));
        assert!(CODES.iter().all(|entry| (86..=94).contains(&entry.code.0) && entry.explanation.len() > 80));
    }
}
