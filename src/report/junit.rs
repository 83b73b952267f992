//! `junit.xml`: a suite for each source file, a case for each record, as Jenkins, GitLab and the like read it.
//!
//! Verified is passed; refuted and unsolved are failures, unless the specification is tagged `expect:unsolved`; invalid and
//! crashed are errors; expected and interrupted ones are skipped. A suite states its counts in front, so that its
//! cases wait: in memory while they are few, in a file without a name when they are many. Elements and attributes are
//! those of the schema by which Jenkins checks what Surefire writes, and no others.

use crate::durable::DurableFile;
use crate::model::{Outcome, Status};
use crate::report::summary::reason;
use crate::report::tally::{Expectation, micros};
use crate::report::{ReportError, Row, RunFacts, io_error};
use std::fmt::Write as _;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use tempfile::SpooledTempFile;

/// Cases of a suite that are kept in memory, in bytes.
const IN_MEMORY_MAX: usize = 1 << 20;

/// Room for the counts of the root, which are known last. Blanks inside a tag mean nothing.
const ROOT_ROOM: usize = 128;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"wordmill\"";

/// Writes the file while outcomes come in.
pub struct Junit {
    file: DurableFile,
    suite: Option<Suite>,
    totals: Counts,
    text: String,
}

struct Suite {
    name: String,
    /// The attributes that all its cases have.
    class: String,
    counts: Counts,
    cases: SpooledTempFile,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
    time_us: u64,
}

impl Junit {
    /// Begins the file in this folder.
    pub fn create(out: &Path) -> Result<Self, ReportError> {
        let path = out.join("junit.xml");
        let begin = || {
            let mut file = DurableFile::create(&path)?;
            writeln!(file, "{HEAD}{:ROOT_ROOM$}>", "")?;
            Ok(file)
        };
        let file = begin().map_err(io_error("create", &path))?;
        Ok(Self { file, suite: None, totals: Counts::default(), text: String::new() })
    }

    /// Takes the next record in corpus order.
    pub fn accept(
        &mut self,
        row: &Row<'_>,
        outcome: &Outcome,
        verdict: Expectation,
    ) -> Result<(), ReportError> {
        self.write_case(row, outcome, verdict).map_err(io_error("write", self.file.target()))
    }

    /// Ends the file; it is ready to be put in place.
    pub fn finish(mut self, run: &RunFacts) -> Result<DurableFile, ReportError> {
        self.close(run).map_err(io_error("write", self.file.target()))?;
        Ok(self.file)
    }

    fn write_case(&mut self, row: &Row<'_>, outcome: &Outcome, verdict: Expectation) -> io::Result<()> {
        if self.suite.as_ref().is_none_or(|suite| suite.name != row.file) {
            self.end_suite()?;
            self.suite = Some(Suite::new(row.file));
        }
        let suite = self.suite.as_mut().expect("begun just now");
        suite.counts.add(row, outcome, verdict);
        self.text.clear();
        write_case(&mut self.text, &suite.class, row, outcome, verdict);
        suite.cases.write_all(self.text.as_bytes())
    }

    fn end_suite(&mut self) -> io::Result<()> {
        let Some(mut suite) = self.suite.take() else { return Ok(()) };
        self.totals.absorb(suite.counts);
        let mut head = String::from("  <testsuite name=\"");
        escape(&mut head, &suite.name);
        head.push_str("\" file=\"");
        escape(&mut head, &suite.name);
        let _ = writeln!(head, "\"{} skipped=\"{}\">", suite.counts.attributes(), suite.counts.skipped);
        self.file.write_all(head.as_bytes())?;
        suite.cases.seek(SeekFrom::Start(0))?;
        io::copy(&mut suite.cases, &mut self.file)?;
        self.file.write_all(b"  </testsuite>\n")
    }

    fn close(&mut self, run: &RunFacts) -> io::Result<()> {
        self.end_suite()?;
        self.file.write_all(b"</testsuites>\n")?;
        let attributes = Counts { time_us: micros(run.elapsed), ..self.totals }.attributes();
        assert!(attributes.len() <= ROOT_ROOM, "three counts of specs and a time fit");
        self.file.seek(SeekFrom::Start(HEAD.len() as u64))?;
        self.file.write_all(attributes.as_bytes())
    }
}

impl Suite {
    fn new(file: &str) -> Self {
        let cases = SpooledTempFile::new(IN_MEMORY_MAX);
        let mut class = String::from("\" classname=\"");
        escape(&mut class, &class_name(file));
        class.push_str("\" time=\"");
        Self { name: file.to_owned(), class, counts: Counts::default(), cases }
    }
}

impl Counts {
    fn add(&mut self, row: &Row<'_>, outcome: &Outcome, verdict: Expectation) {
        self.tests += 1;
        match verdict {
            Expectation::Met | Expectation::UnexpectedlyVerified => {}
            Expectation::ExpectedUnsolved | Expectation::Interrupted => self.skipped += 1,
            Expectation::Failing if is_error(outcome.status) => self.errors += 1,
            Expectation::Failing => self.failures += 1,
        }
        self.time_us += row.elapsed.map_or(0, micros);
    }

    fn absorb(&mut self, other: Counts) {
        self.tests += other.tests;
        self.failures += other.failures;
        self.errors += other.errors;
        self.skipped += other.skipped;
        self.time_us += other.time_us;
    }

    fn attributes(self) -> String {
        let Counts { tests, failures, errors, time_us, .. } = self;
        // The schema takes no more than milliseconds here.
        let time = format!("{}.{:03}", time_us / 1_000_000, time_us % 1_000_000 / 1_000);
        format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{time}\"")
    }
}

fn is_error(status: Status) -> bool {
    matches!(status, Status::Invalid | Status::Crashed)
}

/// `specs/basic.jsonl` as the class `specs.basic`: viewers make a tree of the dots.
fn class_name(file: &str) -> String {
    let stem = file.strip_suffix(".gz").unwrap_or(file);
    let stem = stem.strip_suffix(".jsonl").or_else(|| stem.strip_suffix(".json")).unwrap_or(stem);
    let stem = stem.trim_start_matches(['.', '/']);
    stem.chars()
        .map(|c| {
            if c == '/' {
                '.'
            } else if c == '.' {
                '_'
            } else {
                c
            }
        })
        .collect()
}

fn write_case(out: &mut String, class: &str, row: &Row<'_>, outcome: &Outcome, verdict: Expectation) {
    out.push_str("    <testcase name=\"");
    match row.word {
        Some(word) => escape(out, word),
        None => _ = write!(out, "line {}", row.line),
    }
    out.push_str(class);
    let _ = write!(out, "{}\"", seconds(row.elapsed.map_or(0, micros)));
    match verdict {
        Expectation::Met => out.push_str("/>\n"),
        Expectation::UnexpectedlyVerified => {
            out.push_str(">\n      <system-out>verified, although tagged expect:unsolved</system-out>\n    </testcase>\n");
        }
        Expectation::ExpectedUnsolved | Expectation::Interrupted => {
            let why =
                if verdict == Expectation::Interrupted { "interrupted" } else { "expected to be unsolved" };
            let _ = writeln!(out, ">\n      <skipped message=\"{why}\"/>\n    </testcase>");
        }
        Expectation::Failing => write_failing(out, row, outcome),
    }
}

fn write_failing(out: &mut String, row: &Row<'_>, outcome: &Outcome) {
    let tag = if is_error(outcome.status) { "error" } else { "failure" };
    let reason = reason(row, outcome);
    let status = outcome.status.name();
    let _ = write!(out, ">\n      <{tag} message=\"");
    escape(out, &reason);
    let _ = write!(out, "\" type=\"{status}\">");
    let tests = match outcome.tests_total {
        0 => String::new(),
        total => format!(", {} of {total} tests passed", outcome.tests_passed),
    };
    let _ = writeln!(out, "{status}{tests}");
    escape(out, &reason);
    out.push_str("\nat ");
    escape(out, row.file);
    let (stop, candidates) = (outcome.stop.name(), outcome.candidates);
    let _ = writeln!(out, ":{}\nsearch: {stop}, {candidates} candidates</{tag}>\n    </testcase>", row.line);
}

/// Microseconds as seconds.
fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

/// Text for an attribute or an element. What XML 1.0 cannot say at all becomes U+FFFD.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => _ = write!(out, "&#{};", c as u32),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_valid_xml() {
        let check = |text: &str, expect: &str| {
            let mut out = String::new();
            escape(&mut out, text);
            assert_eq!(out, expect);
        };
        check("a<b> & \"c\"", "a&lt;b&gt; &amp; &quot;c&quot;");
        check("]]>\n\t", "]]&gt;&#10;&#9;");
        check("\0\u{1b}\u{FFFF}\u{1F600}", "\u{FFFD}\u{FFFD}\u{FFFD}\u{1F600}");
    }

    #[test]
    fn classes_are_dotted() {
        let check = |file: &str, expect: &str| assert_eq!(class_name(file), expect);
        check("specs/basic.jsonl", "specs.basic");
        check("../a.b/c.json.gz", "a_b.c");
        check("/abs/x.jsonl.gz", "abs.x");
        check("odd", "odd");
    }

    #[test]
    fn the_counts_of_the_root_always_fit() {
        let most = Counts {
            tests: u32::MAX.into(),
            failures: u32::MAX.into(),
            errors: u32::MAX.into(),
            ..Counts::default()
        };
        let most = Counts { time_us: u64::MAX, ..most };
        assert!(most.attributes().len() <= ROOT_ROOM, "{}", most.attributes().len());
    }
}
