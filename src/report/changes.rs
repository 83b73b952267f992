//! What is new since the last run: this run's lines against the `outcomes.jsonl` that it replaces.
//!
//! Both files stand in corpus order, so most lines meet their equal, byte for byte, and cost one comparison. A line that
//! does not meet its equal waits, hashed to a few words, until the other side brings its record (same file and word) or
//! the end shows that it is new or gone. Memory: 48 bytes for each waiting line, whatever its length.

use crate::model::{Diagnostic, Outcome, Severity, Status};
use crate::report::Row;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

/// At most so many changes of a kind are listed; all are counted.
pub const LISTED_MAX: usize = 100;

/// How many old lines may be read ahead for one new line that has not been met.
const READ_AHEAD: usize = 64;

/// What is new since the last run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Changes {
    /// Verified now, not before.
    pub newly_verified: ChangeList,
    /// Verified before, not now.
    pub newly_failing: ChangeList,
    /// Verified before and now, by other code.
    pub changed_code: ChangeList,
    /// Not verified before nor now, but for another reason.
    pub changed_verdict: ChangeList,
    /// Records that the last run did not have.
    pub added: ChangeList,
    /// Records that this run does not have.
    pub removed: ChangeList,
}

impl Changes {
    /// The lists with their titles, in the order of reports.
    pub fn lists(&self) -> [(&'static str, &ChangeList); 6] {
        [
            ("newly failing", &self.newly_failing),
            ("newly verified", &self.newly_verified),
            ("changed code", &self.changed_code),
            ("changed verdict", &self.changed_verdict),
            ("added", &self.added),
            ("removed", &self.removed),
        ]
    }

    /// How many changes there are.
    pub fn count(&self) -> u64 {
        self.lists().iter().map(|(_, list)| list.count).sum()
    }
}

/// Changes of one kind: all counted, the first [`LISTED_MAX`] in corpus order listed.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ChangeList {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Change>,
}

/// One change.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The word, or `None` where the record could not be parsed.
    pub word: Option<String>,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// The verdict of the last run; `None` for added records.
    pub before: Option<Status>,
    /// The verdict of this run; `None` for removed records.
    pub now: Option<Status>,
    /// The first failing test or error, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failing_test: Option<String>,
}

/// Compares line by line while a run writes its outcomes.
pub struct Comparison {
    old: OldLines,
    waiting_old: Waiting,
    waiting_new: Waiting,
    kinds: [Found; 4],
}

/// What is kept of a line that waits for its counterpart.
struct Digest {
    code: u64,
    offset: u64,
    status: Status,
    next: Option<Box<Digest>>,
}

/// Changes of one kind by the offset of their new line.
#[derive(Default)]
struct Found {
    count: u64,
    first: Vec<(u64, Status)>,
}

#[derive(Clone, Copy)]
enum Kind {
    NewlyVerified,
    NewlyFailing,
    ChangedCode,
    ChangedVerdict,
}

impl Comparison {
    /// Opens the last run's file; `None` when there is none. The file may be replaced while this reads on.
    pub fn open(outcomes: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(outcomes) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut old = OldLines {
            reader: BufReader::with_capacity(1 << 16, file),
            line: Vec::new(),
            offset: 0,
            next: 0,
        };
        old.advance()?;
        Ok(Some(Self {
            old,
            waiting_old: Waiting::default(),
            waiting_new: Waiting::default(),
            kinds: Default::default(),
        }))
    }

    /// Takes this run's next line; `offset` is where it starts in the new file.
    pub fn accept(&mut self, line: &[u8], row: &Row<'_>, outcome: &Outcome, offset: u64) -> io::Result<()> {
        if self.old.line == line {
            return self.old.advance();
        }
        let key = key_of(row.file, row.word);
        let new = Digest { code: hash(&outcome.code.as_deref()), offset, status: outcome.status, next: None };
        if let Some(old) = self.waiting_old.take(key) {
            self.met(&old, &new);
            return Ok(());
        }
        for _ in 0..READ_AHEAD {
            match self.next_old()? {
                None => break,
                Some((old_key, old)) if old_key == key => {
                    self.met(&old, &new);
                    return Ok(());
                }
                Some((old_key, old)) => self.place_old(old_key, old),
            }
        }
        self.waiting_new.put(key, new);
        Ok(())
    }

    /// Reads the rest of the old file and the names of what changed; `new_outcomes` is the finished new file.
    pub fn finish(mut self, new_outcomes: &Path) -> io::Result<Changes> {
        while let Some((key, old)) = self.next_old()? {
            self.place_old(key, old);
        }
        let mut new = BufReader::new(File::open(new_outcomes)?);
        let old = &mut self.old.reader;
        let [verified, failing, code, verdict] = self.kinds;
        Ok(Changes {
            newly_verified: verified.resolve(&mut new)?,
            newly_failing: failing.resolve(&mut new)?,
            changed_code: code.resolve(&mut new)?,
            changed_verdict: verdict.resolve(&mut new)?,
            added: self.waiting_new.resolve(&mut new, true)?,
            removed: self.waiting_old.resolve(old, false)?,
        })
    }

    fn place_old(&mut self, key: u64, old: Digest) {
        match self.waiting_new.take(key) {
            Some(new) => self.met(&old, &new),
            None => self.waiting_old.put(key, old),
        }
    }

    fn next_old(&mut self) -> io::Result<Option<(u64, Digest)>> {
        while !self.old.line.is_empty() {
            let parsed = serde_json::from_slice::<OldLine<'_>>(&self.old.line).ok().map(|old| {
                let digest = Digest {
                    code: hash(&old.code.as_deref()),
                    offset: self.old.offset,
                    status: old.status,
                    next: None,
                };
                (key_of(&old.file, old.word.as_deref()), digest)
            });
            self.old.advance()?;
            // A line that is not ours says nothing about the last run.
            if parsed.is_some() {
                return Ok(parsed);
            }
        }
        Ok(None)
    }

    fn met(&mut self, old: &Digest, new: &Digest) {
        let kind = match (old.status == Status::Verified, new.status == Status::Verified) {
            (false, true) => Kind::NewlyVerified,
            (true, false) => Kind::NewlyFailing,
            (true, true) if old.code != new.code => Kind::ChangedCode,
            (false, false) if old.status != new.status => Kind::ChangedVerdict,
            _ => return,
        };
        self.kinds[kind as usize].add(new.offset, old.status);
    }
}

impl Found {
    fn add(&mut self, offset: u64, before: Status) {
        self.count += 1;
        if self.first.len() < LISTED_MAX {
            self.first.push((offset, before));
        }
    }

    fn resolve(mut self, lines: &mut BufReader<File>) -> io::Result<ChangeList> {
        self.first.sort_unstable_by_key(|&(offset, _)| offset);
        let change = |(offset, before)| read_change(lines, offset, |now| (Some(before), Some(now)));
        Ok(ChangeList {
            count: self.count,
            first: self.first.into_iter().map(change).collect::<io::Result<_>>()?,
        })
    }
}

/// Lines that wait for their counterpart, by key; those with the same key in the order in which they came.
#[derive(Default)]
struct Waiting(HashMap<u64, Digest>);

impl Waiting {
    fn put(&mut self, key: u64, digest: Digest) {
        match self.0.entry(key) {
            Entry::Vacant(entry) => _ = entry.insert(digest),
            Entry::Occupied(entry) => {
                let mut last = entry.into_mut();
                while last.next.is_some() {
                    last = last.next.as_mut().expect("looked at just now");
                }
                last.next = Some(Box::new(digest));
            }
        }
    }

    fn take(&mut self, key: u64) -> Option<Digest> {
        let mut digest = self.0.remove(&key)?;
        if let Some(next) = digest.next.take() {
            self.0.insert(key, *next);
        }
        Some(digest)
    }

    fn resolve(self, lines: &mut BufReader<File>, is_new: bool) -> io::Result<ChangeList> {
        let mut offsets = Vec::with_capacity(self.0.len());
        for mut digest in self.0.into_values() {
            offsets.push(digest.offset);
            while let Some(next) = digest.next {
                digest = *next;
                offsets.push(digest.offset);
            }
        }
        let count = offsets.len() as u64;
        offsets.sort_unstable();
        offsets.truncate(LISTED_MAX);
        let statuses = |status| if is_new { (None, Some(status)) } else { (Some(status), None) };
        let change = |offset| read_change(lines, offset, statuses);
        Ok(ChangeList { count, first: offsets.into_iter().map(change).collect::<io::Result<_>>()? })
    }
}

fn read_change(
    lines: &mut BufReader<File>,
    offset: u64,
    statuses: impl Fn(Status) -> (Option<Status>, Option<Status>),
) -> io::Result<Change> {
    lines.seek(SeekFrom::Start(offset))?;
    let mut text = Vec::new();
    lines.read_until(b'\n', &mut text)?;
    let line: OldLine<'_> = serde_json::from_slice(&text)?;
    let (before, now) = statuses(line.status);
    let failing_test = line.failing_test.map(|test| test.into_owned()).or_else(|| first_error(&text));
    Ok(Change {
        word: line.word.map(|word| word.into_owned()),
        file: line.file.into_owned(),
        line: line.line,
        before,
        now,
        failing_test,
    })
}

fn first_error(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Found {
        diagnostics: Vec<Diagnostic>,
    }
    let found: Found = serde_json::from_slice(line).ok()?;
    let error = found.diagnostics.into_iter().find(|found| found.severity == Severity::Error)?;
    Some(format!("{}: {}", error.code, error.message))
}

/// The part of a line that changes are made of.
#[derive(Deserialize)]
struct OldLine<'l> {
    #[serde(borrow)]
    word: Option<std::borrow::Cow<'l, str>>,
    status: Status,
    #[serde(borrow)]
    code: Option<std::borrow::Cow<'l, str>>,
    #[serde(borrow)]
    file: std::borrow::Cow<'l, str>,
    line: u32,
    #[serde(borrow, default)]
    failing_test: Option<std::borrow::Cow<'l, str>>,
}

/// The old file, one line ahead. The line is empty at the end.
struct OldLines {
    reader: BufReader<File>,
    line: Vec<u8>,
    offset: u64,
    next: u64,
}

impl OldLines {
    fn advance(&mut self) -> io::Result<()> {
        self.line.clear();
        self.offset = self.next;
        self.next += self.reader.read_until(b'\n', &mut self.line)? as u64;
        Ok(())
    }
}

fn key_of(file: &str, word: Option<&str>) -> u64 {
    hash(&(file, word))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SpecId, Stop};
    use crate::report::line::write_line;

    type Case<'a> = (&'a str, u32, Status, &'a str);

    fn run(folder: &Path, cases: &[Case<'_>]) -> Option<Changes> {
        let target = folder.join("outcomes.jsonl");
        let mut comparison = Comparison::open(&target).unwrap();
        let (mut all, mut line) = (Vec::new(), Vec::new());
        for &(word, at, status, code) in cases {
            let mut outcome = Outcome::empty(SpecId(0), status, Stop::Solved);
            outcome.code = (!code.is_empty()).then(|| code.into());
            let row = Row::bare(Some(word), "f.jsonl", at);
            write_line(&mut line, &row, &outcome);
            if let Some(comparison) = &mut comparison {
                comparison.accept(&line, &row, &outcome, all.len() as u64).unwrap();
            }
            all.extend_from_slice(&line);
        }
        crate::durable::write(&target, &all).unwrap();
        comparison.map(|comparison| comparison.finish(&target).unwrap())
    }

    /// `old` and `new`: `word:status letter:code`, by blanks; `expect`: kinds with their words.
    fn check(old: &str, new: &str, expect: &str) {
        let folder = tempfile::tempdir().unwrap();
        let parse = |text: &'static str| -> Vec<Case<'static>> {
            let case = |(i, item): (usize, &'static str)| {
                let mut parts = item.split(':');
                let word = parts.next().unwrap();
                let letter = parts.next().unwrap();
                let status =
                    Status::ALL.into_iter().find(|status| status.name().starts_with(letter)).unwrap();
                (word, i as u32 + 1, status, parts.next().unwrap_or(""))
            };
            text.split_whitespace().enumerate().map(case).collect()
        };
        let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        assert_eq!(run(folder.path(), &parse(leak(old))), None);
        let changes = run(folder.path(), &parse(leak(new))).unwrap();
        let mut text = String::new();
        for (title, list) in changes.lists() {
            assert_eq!(list.count as usize, list.first.len());
            for change in &list.first {
                text += &format!("{title} {}, ", change.word.as_deref().unwrap());
            }
        }
        assert_eq!(text.trim_end_matches(", "), expect, "{old} => {new}");
    }

    #[test]
    fn changes_are_found_by_file_and_word() {
        check("", "", "");
        check("a:v:1 b:v:2", "a:v:1 b:v:2", "");
        check("a:v:1 b:u", "a:v:1 b:v:2", "newly verified b");
        check("a:v:1 b:v:2", "a:u b:v:2", "newly failing a");
        check("a:v:1 b:v:2", "a:v:9 b:v:2", "changed code a");
        check("a:u", "a:r", "changed verdict a");
        check("a:v:1 b:v:2", "z:v:3 a:v:1 b:v:2", "added z");
        check("a:v:1 b:v:2 c:v:3", "b:v:2 c:v:3", "removed a");
        check("a:v:1 b:v:2 c:v:3", "c:v:3 b:v:2 a:v:1", "");
        check("a:v:1 b:v:2 c:u", "c:v:3 x:u a:v:9", "newly verified c, changed code a, added x, removed b");
        check("", "a:v:1", "added a");
        check("a:v:1", "", "removed a");
        check("a:v:1 a:v:2 a:v:3", "b:u a:v:1 a:v:2 a:v:3", "added b");
        check("a:v:1 a:v:2", "a:v:1", "removed a");
    }

    #[test]
    fn a_big_insertion_or_removal_is_no_more_than_that() {
        let words =
            |range: std::ops::Range<u32>| range.map(|i| format!("w{i}:v:{i}")).collect::<Vec<_>>().join(" ");
        let count = |old: &str, new: &str| {
            let folder = tempfile::tempdir().unwrap();
            let case = |(i, item): (usize, &'static str)| -> Case<'static> {
                (item.split(':').next().unwrap(), i as u32, Status::Verified, item)
            };
            let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
            run(folder.path(), &leak(old).split(' ').enumerate().map(case).collect::<Vec<_>>());
            let changes =
                run(folder.path(), &leak(new).split(' ').enumerate().map(case).collect::<Vec<_>>()).unwrap();
            assert!(changes.added.first.len() <= LISTED_MAX && changes.removed.first.len() <= LISTED_MAX);
            (changes.added.count, changes.removed.count, changes.count())
        };
        assert_eq!(count(&words(0..2000), &words(500..2000)), (0, 500, 500));
        assert_eq!(count(&words(500..2000), &words(0..2000)), (500, 0, 500));
        let shuffled = format!("{} {}", words(1000..2000), words(0..1000));
        assert_eq!(count(&words(0..2000), &shuffled), (0, 0, 0));
    }

    #[test]
    fn foreign_lines_say_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("outcomes.jsonl"), "{}\nnot json\n\n[1").unwrap();
        let changes = run(folder.path(), &[("a", 1, Status::Verified, "x")]).unwrap();
        assert_eq!((changes.added.count, changes.count()), (1, 1));
    }
}
