//! Reports of big corpora in bounded memory. A program of its own, for it measures the memory of the process.

#[path = "report/sample.rs"]
#[allow(dead_code, reason = "made for the other tests of reports")]
mod sample;

use std::fs;
use wordmill::model::Status;
use wordmill::report::{Report, Row};

/// Resident memory of this process in KiB, where the system tells.
fn resident_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().trim_end_matches(" kB").parse().ok()
}

/// 200,000 rows twice over: the second run has to look up every line of the first, and memory stays where it was.
#[test]
fn memory_is_bounded_whatever_the_corpus() {
    let folder = tempfile::tempdir().unwrap();
    let spec = sample::spec("w", "a b -- c", &[(&[1, 2], &[3]), (&[3, 4], &[7])]);
    for round in 0..2 {
        let mut report = Report::begin(sample::options(folder.path())).unwrap();
        let mut early = None;
        for i in 0..200_000u32 {
            // The second run lacks the first record: no line stands where it stood.
            if round == 1 && i == 0 {
                continue;
            }
            let mut spec = spec.clone();
            spec.word = format!("word-{i}");
            spec.metadata.tags = vec![format!("tag-{i}")];
            let outcome = match i % 10 {
                0 => sample::failed(
                    Status::Unsolved,
                    wordmill::model::Stop::Budget,
                    Some("1 2 -> 4, expected 3"),
                ),
                _ => sample::verified(&spec, &format!(": word-{i} + ;"), wordmill::model::Strategy::Given),
            };
            let file = format!("specs/part-{}.jsonl", i / 50_000);
            report.accept(&Row::from_spec(&spec, &file, i + 1), &outcome).unwrap();
            if i == 60_000 {
                early = resident_kib();
            }
        }
        if let (Some(early), Some(late)) = (early, resident_kib()) {
            assert!(late < early + 24 * 1024, "{early} KiB after 60,000 rows, {late} KiB after 200,000");
        }
        let summary = report.finish(sample::facts()).unwrap();
        if round == 1 {
            let changes = summary.changes.unwrap();
            assert_eq!((changes.count(), changes.removed.count), (1, 1));
            assert_eq!(changes.removed.first[0].word.as_deref(), Some("word-0"));
        }
    }
    assert!(fs::metadata(folder.path().join("report.html")).unwrap().len() < 5 << 20);
}
