//! Archives on disk through their life: built, edited, moved, damaged, killed half way.

use super::error::CorpusErrorKind;
use super::manifest::MANIFEST;
use super::*;
use crate::model::Severity;
use crate::spec::{SourceSet, find_sources};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A folder with sources and an archive.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        Self { folder }
    }

    fn source(&self, name: &str) -> PathBuf {
        self.folder.path().join("src").join(name)
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    /// Writes a source that looks old enough to be trusted.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.source(name).parent().unwrap()).unwrap();
        fs::write(self.source(name), text).unwrap();
        self.age(name, 60);
    }

    fn age(&self, name: &str, seconds: u64) {
        let file = fs::File::options().write(true).open(self.source(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }

    fn sources(&self) -> SourceSet {
        find_sources(&[self.folder.path().join("src")]).unwrap()
    }

    fn update(&self) -> UpdateReport {
        self.update_with(&BuildOptions::default())
    }

    fn update_with(&self, options: &BuildOptions) -> UpdateReport {
        update(&self.dir(), &self.sources(), options, &|_| ControlFlow::Continue(())).unwrap()
    }

    /// What a build from nothing makes of the same sources.
    fn fresh(&self) -> Corpus {
        let dir = tempfile::tempdir().unwrap();
        let report =
            update(dir.path(), &self.sources(), &BuildOptions::default(), &|_| ControlFlow::Continue(()));
        drop(report.unwrap());
        Corpus::open(dir.path()).unwrap()
    }

    fn segment_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(self.dir())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "wmseg"))
            .collect();
        files.sort();
        files
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.dir())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn line(word: &str, answer: i64) -> String {
    format!(
        r#"{{"word":"{word}","stack_effect":{{"inputs":[{{"name":"n","type":"int"}}],"outputs":[{{"name":"m","type":"int"}}]}},"test_cases":[{{"input":[1],"output":[{answer}]}}]}}"#
    ) + "\n"
}

fn words(corpus: &Corpus) -> Vec<&str> {
    corpus.records().map(|record| record.word().unwrap_or("-")).collect()
}

/// Everything that a reader can see of a corpus.
fn seen(corpus: &Corpus) -> Vec<String> {
    corpus
        .records()
        .map(|record| {
            let place = (record.file(), record.line(), record.index_in_file(), record.id().0);
            format!("{place:?} {:?} {:?} {:?}", record.word(), record.to_spec(), record.diagnostics())
        })
        .collect()
}

#[track_caller]
fn check_like_fresh(place: &Place, report: &UpdateReport) {
    let fresh = place.fresh();
    assert_eq!(seen(&report.corpus), seen(&fresh));
    assert_eq!(report.corpus.generation(), fresh.generation());
    let reopened = Corpus::open(&place.dir()).unwrap();
    assert_eq!(seen(&reopened), seen(&fresh));
    assert_eq!(reopened.generation(), fresh.generation());
    let verified = verify(&place.dir()).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
}

#[test]
fn edits_deletions_and_renames_give_what_a_fresh_build_gives() {
    let place = Place::new();
    place.write("a.jsonl", line("one", 1) + &line("two", 2));
    place.write("b.json", line("three", 3));
    place.write("deep/c.jsonl", "\n\n".to_owned() + &line("four", 4) + "{broken\n" + &line("five", 5));
    let report = place.update();
    assert_eq!(words(&report.corpus), ["one", "two", "three", "four", "-", "five"]);
    assert_eq!((report.n_read, report.n_kept, report.is_changed), (3, 0, true));
    let lines: Vec<_> = report.corpus.records().map(|record| record.line()).collect();
    assert_eq!(lines, [1, 2, 1, 3, 4, 5]);
    check_like_fresh(&place, &report);

    let report = place.update();
    assert_eq!((report.n_read, report.n_kept, report.is_changed, report.bytes_written), (0, 3, false, 0));

    place.write("a.jsonl", line("two", 2) + &line("one", 7));
    let report = place.update();
    assert_eq!((report.n_read, report.n_kept, report.is_changed), (1, 2, true));
    assert_eq!(words(&report.corpus), ["two", "one", "three", "four", "-", "five"]);
    check_like_fresh(&place, &report);

    fs::rename(place.source("a.jsonl"), place.source("z.jsonl")).unwrap();
    let report = place.update();
    assert_eq!((report.n_read, report.n_kept, report.n_moved, report.bytes_written), (0, 3, 1, 0));
    assert_eq!((report.n_removed, report.is_changed), (0, true));
    assert_eq!(words(&report.corpus), ["three", "four", "-", "five", "two", "one"]);
    check_like_fresh(&place, &report);

    fs::remove_file(place.source("b.json")).unwrap();
    let report = place.update();
    assert_eq!((report.n_read, report.n_removed), (0, 1));
    assert_eq!(words(&report.corpus), ["four", "-", "five", "two", "one"]);
    check_like_fresh(&place, &report);

    fs::copy(place.source("z.jsonl"), place.source("copy.jsonl")).unwrap();
    let report = place.update();
    assert_eq!(report.n_read, 0);
    assert_eq!(words(&report.corpus), ["two", "one", "four", "-", "five", "two", "one"]);
    let duplicates: Vec<_> = report.corpus.records().map(|record| record.is_duplicate()).collect();
    assert_eq!(duplicates, [true, true, false, false, false, true, true]);
    check_like_fresh(&place, &report);

    fs::remove_dir_all(place.source("")).unwrap();
    fs::create_dir(place.source("")).unwrap();
    let report = place.update();
    assert!(report.corpus.is_empty());
    assert_eq!(report.n_removed, 3);
    assert!(place.segment_files().is_empty());
    check_like_fresh(&place, &report);
}

/// A seeded walk over everything that can happen to a folder; after each step the archive is what a fresh build gives.
#[test]
fn any_sequence_of_changes_gives_what_a_fresh_build_gives() {
    let place = Place::new();
    let names = [
        "a.jsonl",
        "b.jsonl",
        "c.json",
        "d/e.jsonl",
        "a.heldout.jsonl",
        "c.heldout.json",
        "d/e.heldout.jsonl",
    ];
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    for step in 0..60 {
        let (name, other) = (names[random(names.len())], names[random(names.len())]);
        match random(6) {
            0 => drop(fs::remove_file(place.source(name))),
            1 if place.source(name).exists() && place.source(other).parent().unwrap().exists() => {
                fs::rename(place.source(name), place.source(other)).unwrap();
            }
            2 if place.source(name).exists() => place.age(name, 10 + random(100) as u64),
            _ if name.ends_with(".json") => {
                place.write(name, line(&format!("w{}", random(5)), random(3) as i64))
            }
            _ => {
                let lines: String =
                    (0..random(4)).map(|_| line(&format!("w{}", random(5)), random(3) as i64)).collect();
                place.write(name, lines + ["", "\n", "{broken\n"][random(3)]);
            }
        }
        let report = place.update();
        assert_eq!(report.n_read + report.n_kept, place.sources().files.len(), "step {step}");
        check_like_fresh(&place, &report);
    }
}

#[test]
fn a_file_that_was_only_touched_is_read_but_not_parsed() {
    let place = Place::new();
    place.write("a.jsonl", line("one", 1));
    place.update();
    place.age("a.jsonl", 30);
    let report = place.update();
    assert_eq!((report.n_read, report.n_kept, report.is_changed, report.bytes_written), (0, 1, false, 0));
}

#[test]
fn an_edit_of_the_same_size_within_the_same_instant_is_noticed() {
    let place = Place::new();
    let instant = SystemTime::now();
    let write = |text: String| {
        // In place, so that the inode stays; with the same time, as a coarse clock would give.
        fs::write(place.source("a.jsonl"), text).unwrap();
        let file = fs::File::options().write(true).open(place.source("a.jsonl")).unwrap();
        file.set_modified(instant).unwrap();
    };
    write(line("one", 1));
    place.update();
    write(line("one", 2));
    let report = place.update();
    assert_eq!(report.n_read, 1);
    assert_eq!(report.corpus.record(crate::model::SpecId(0)).tests().output(0, 0), 2);
}

#[test]
fn lines_and_documents_of_the_same_bytes_are_not_taken_for_each_other() {
    let place = Place::new();
    let array = format!("[{},\n{}]", line("one", 1).trim(), line("two", 2).trim());
    place.write("a.json", &array);
    assert_eq!(words(&place.update().corpus), ["one", "two"]);
    fs::rename(place.source("a.json"), place.source("a.jsonl")).unwrap();
    let report = place.update();
    assert_eq!(report.n_read, 1);
    check_like_fresh(&place, &report);
}

#[test]
fn duplicates_come_and_go_with_edits_elsewhere() {
    let place = Place::new();
    place.write("a.jsonl", line("one", 1) + &line("two", 1));
    place.write("b.jsonl", line("three", 1));
    assert!(place.update().corpus.records().all(|record| !record.has_diagnostics()));
    place.write("b.jsonl", line("two", 1));
    let report = place.update();
    let flagged: Vec<_> = report.corpus.records().map(|record| record.diagnostics().len()).collect();
    assert_eq!(flagged, [0, 1, 1]);
    check_like_fresh(&place, &report);
    place.write("b.jsonl", line("four", 1));
    let report = place.update();
    assert!(report.corpus.records().all(|record| !record.is_duplicate()));
    check_like_fresh(&place, &report);
}

fn heldout_answers(corpus: &Corpus) -> Vec<Vec<i64>> {
    let answers = |record: Record<'_>| {
        record
            .heldout()
            .cases()
            .map(|case| match case.outputs().next() {
                Some(ValueView::Cell(cell)) => cell,
                other => panic!("{other:?}"),
            })
            .collect()
    };
    corpus.records().map(answers).collect()
}

#[test]
fn held_out_cases_come_from_the_file_beside() {
    let place = Place::new();
    place.write("a.jsonl", line("one", 1) + &line("two", 2) + &line("three", 3));
    let without = place.update();
    let hashes: Vec<_> = without.corpus.records().map(|record| *record.content_hash()).collect();

    place.write("a.heldout.jsonl", line("two", 20) + &line("one", 10) + &line("two", 21) + &line("other", 5));
    let report = place.update();
    assert_eq!(report.n_read, 1);
    assert_eq!(heldout_answers(&report.corpus), [vec![10], vec![20, 21], vec![]]);
    let with: Vec<_> = report.corpus.records().map(|record| *record.content_hash()).collect();
    assert_eq!(with, hashes, "held-out cases are no part of the content");
    assert_ne!(report.corpus.generation(), without.corpus.generation());
    assert_eq!(report.corpus.record(crate::model::SpecId(2)).heldout_hash(), &[0; 32]);
    check_like_fresh(&place, &report);
    assert_eq!(place.update().n_read, 0);

    place.write("a.heldout.jsonl", line("two", 22));
    let report = place.update();
    assert_eq!((report.n_read, heldout_answers(&report.corpus)), (1, vec![vec![], vec![22], vec![]]));
    check_like_fresh(&place, &report);

    fs::rename(place.source("a.jsonl"), place.source("b.jsonl")).unwrap();
    fs::rename(place.source("a.heldout.jsonl"), place.source("b.heldout.jsonl")).unwrap();
    let report = place.update();
    assert_eq!((report.n_read, report.n_moved), (0, 1));
    check_like_fresh(&place, &report);

    fs::remove_file(place.source("b.heldout.jsonl")).unwrap();
    let report = place.update();
    assert_eq!((report.n_read, report.corpus.generation() == without.corpus.generation()), (1, false));
    assert_eq!(heldout_answers(&report.corpus), [vec![], vec![], vec![0; 0]]);
}

#[test]
fn held_out_cases_that_do_not_fit_are_left_out_with_a_warning() {
    let place = Place::new();
    place.write("a.jsonl", line("one", 1) + &line("two", 2));
    let two_inputs = r#"{"word":"one","stack_effect":{"inputs":[{"name":"n","type":"int"},{"name":"o","type":"int"}],"outputs":[{"name":"m","type":"int"}]},"test_cases":[{"input":[1,2],"output":[3]}]}"#;
    place.write("a.heldout.jsonl", format!("{two_inputs}\n{}{{\"word\":\"two\"}}\n", line("one", 5)));
    let report = place.update();
    assert_eq!(heldout_answers(&report.corpus), [vec![5], vec![]]);
    let found: Vec<_> = report.corpus.records().map(|record| record.diagnostics()).collect();
    for (found, (line, start)) in found
        .iter()
        .zip([(1, "1 held-out cases of `one` do not have"), (3, "the held-out cases of `two` cannot")])
    {
        assert_eq!(found.len(), 1);
        assert!(found[0].message.starts_with(start), "{}", found[0].message);
        assert!(found[0].file.as_ref().unwrap().ends_with("a.heldout.jsonl"));
        assert_eq!((found[0].place.line, found[0].severity), (line, Severity::Warning));
    }
    fs::rename(place.source("a.jsonl"), place.source("b.jsonl")).unwrap();
    fs::rename(place.source("a.heldout.jsonl"), place.source("b.heldout.jsonl")).unwrap();
    let report = place.update();
    assert_eq!(report.n_moved, 1);
    check_like_fresh(&place, &report);
}

#[test]
fn large_files_are_cut_and_give_what_small_ones_give() {
    use std::io::Write;
    let place = Place::new();
    let text: String = (0..8000).map(|i| line(&format!("w{i}"), i)).collect();
    assert!(text.len() > 1 << 20);
    place.write("a.jsonl", &text);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    place.write("b.jsonl.gz", gzip.finish().unwrap());
    let elements: Vec<_> = text.lines().collect();
    place.write("c.json", format!("[{}]", elements.join(",\n")));
    let limits = SegmentLimits { records: 1000, bytes: 1 << 20 };
    let report = place.update_with(&BuildOptions { limits, ..Default::default() });
    assert_eq!(report.corpus.len(), 24_000);
    // The three files hold the same records on the same lines, so their segments are the same.
    assert_eq!(place.segment_files().len(), 8);
    for (i, record) in report.corpus.records().enumerate() {
        let i = i % 8000;
        assert_eq!((record.word(), record.line() as usize), (Some(format!("w{i}").as_str()), i + 1));
        assert_eq!((record.index_in_file() as usize, record.tests().output(0, 0)), (i, i as i64));
        assert!(record.is_duplicate());
    }
    check_like_fresh(&place, &report);
}

#[test]
fn many_edits_leave_few_segments() {
    let place = Place::new();
    for i in 0..60 {
        place.write(&format!("f{i:02}.jsonl"), line(&format!("w{i}"), 0) + &line(&format!("v{i}"), 0));
    }
    place.update();
    for i in 0..60 {
        place.write(&format!("f{i:02}.jsonl"), line(&format!("w{i}"), i + 1) + &line(&format!("v{i}"), 0));
        let report = place.update();
        assert_eq!(report.n_read, 1);
        assert!(place.segment_files().len() <= 18, "{}", place.segment_files().len());
    }
    let report = place.update();
    assert_eq!(report.corpus.len(), 120);
    check_like_fresh(&place, &report);
}

#[test]
fn readers_of_an_old_generation_are_not_disturbed() {
    let place = Place::new();
    place.write("a.jsonl", line("one", 1));
    place.update();
    let reader = Corpus::open(&place.dir()).unwrap();
    let before = seen(&reader);
    place.write("a.jsonl", line("two", 2) + &line("three", 3));
    place.update();
    assert_eq!(place.segment_files().len(), 1);
    assert_eq!(seen(&reader), before);
    assert_eq!(words(&Corpus::open(&place.dir()).unwrap()), ["two", "three"]);
}

/// A small archive with everything in it.
fn rich_place() -> Place {
    let place = Place::new();
    let rich = r#"{"word":"type-all","description":"é","stack_effect":{"inputs":[{"name":"a","type":"addr"},{"name":"u","type":"uint"}],"outputs":[{"name":"n","type":"int","value":"u"}]},"properties":["n = u"],"test_cases":[{"input":["text"],"output":[4],"tags":["edge_case","odd"],"description":"four"},{"input":[[1,2,3]],"output":[3]},{"input":[0,0],"throws":-9}],"metadata":{"tags":["memory"]}}"#;
    place.write("a.jsonl", format!("{rich}\n{}{{broken\n", line("one", 1)));
    place.write("b.json", line("one", 2));
    place.write("b.heldout.json", line("one", 3));
    place
}

/// Changes a byte in place: cutting and writing the file anew would wait for the disk each time.
fn set_byte(path: &Path, at: usize, byte: u8) {
    use std::os::unix::fs::FileExt;
    fs::File::options().write(true).open(path).unwrap().write_all_at(&[byte], at as u64).unwrap();
}

#[test]
fn every_flipped_bit_is_noticed_and_mended() {
    let place = rich_place();
    let report = place.update();
    assert_eq!(words(&report.corpus), ["type-all", "one", "-", "one"]);
    let expected = seen(&report.corpus);
    let segment = place.segment_files().pop().unwrap();
    for path in [segment.clone(), place.dir().join(MANIFEST)] {
        let mut whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            set_byte(&path, bit / 8, whole[bit / 8] ^ 1 << (bit % 8));
            let error = Corpus::open(&place.dir()).expect_err(&format!("{}: bit {bit}", path.display()));
            assert!(error.is_mended_by_rebuild(), "{error}");
            // To mend is slow, so only now and then.
            if bit % 997 == 0 {
                let report = place.update();
                assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
                assert_eq!(seen(&report.corpus), expected);
                assert_eq!(seen(&Corpus::open(&place.dir()).unwrap()), expected);
                // The file is another now, with other times in it.
                whole = fs::read(&path).unwrap();
            }
            set_byte(&path, bit / 8, whole[bit / 8]);
        }
    }
    assert_eq!(seen(&Corpus::open(&place.dir()).unwrap()), expected);
}

#[test]
fn every_truncation_is_noticed() {
    let place = rich_place();
    place.update();
    for path in [place.segment_files().pop().unwrap(), place.dir().join(MANIFEST)] {
        let whole = fs::read(&path).unwrap();
        for len in 0..whole.len() {
            fs::write(&path, &whole[..len]).unwrap();
            let error = Corpus::open(&place.dir()).unwrap_err();
            assert!(matches!(*error.kind, CorpusErrorKind::Truncated { .. }), "{len}: {error}");
        }
        fs::write(&path, [&whole[..], b"\0"].concat()).unwrap();
        assert!(Corpus::open(&place.dir()).is_err());
        fs::write(&path, &whole).unwrap();
        assert!(Corpus::open(&place.dir()).is_ok());
    }
}

#[test]
fn missing_foreign_and_older_files_are_told_apart_and_mended() {
    let place = rich_place();
    let expected = seen(&place.update().corpus);
    let segment = place.segment_files().pop().unwrap();
    let manifest = place.dir().join(MANIFEST);
    let whole = fs::read(&manifest).unwrap();

    let check = |code: crate::model::Code| {
        let error = Corpus::open(&place.dir()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.diagnostic().suggestion.unwrap().contains("corpus build"));
        let report = place.update();
        assert_eq!(report.problems.len(), 1);
        assert_eq!((report.problems[0].code, report.problems[0].severity), (code, Severity::Warning));
        assert_eq!(seen(&report.corpus), expected);
        assert!(place.update().problems.is_empty());
    };
    fs::remove_file(&segment).unwrap();
    check(codes::MISSING);

    fs::write(&manifest, "{\"some\": \"json\"}").unwrap();
    assert!(Corpus::is_corpus_dir(&place.dir()), "the segments tell, so that the error does");
    check(codes::FOREIGN);

    fs::write(
        place.segment_files().pop().unwrap(),
        "a text of some length, clearly longer than a header, which has sixty-four bytes",
    )
    .unwrap();
    check(codes::FOREIGN);

    let mut older = whole.clone();
    older[6] = 0;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&older[..28]).update(&older[32..64]);
    older[28..32].copy_from_slice(&hasher.finalize().as_bytes()[..4]);
    fs::write(&manifest, older).unwrap();
    assert!(Corpus::is_corpus_dir(&place.dir()));
    check(codes::OTHER_VERSION);
}

#[test]
fn a_manifest_of_another_tool_is_not_replaced() {
    let place = rich_place();
    fs::create_dir(place.dir()).unwrap();
    fs::write(place.dir().join(MANIFEST), "include *.py\n").unwrap();
    let result =
        update(&place.dir(), &place.sources(), &BuildOptions::default(), &|_| ControlFlow::Continue(()));
    assert_eq!(result.unwrap_err().code(), codes::FOREIGN);
    assert_eq!(fs::read(place.dir().join(MANIFEST)).unwrap(), b"include *.py\n");
    assert!(!Corpus::is_corpus_dir(&place.dir()));
    assert!(matches!(*Corpus::open(&place.source("")).unwrap_err().kind, CorpusErrorKind::NoManifest));
}

#[test]
fn litter_of_a_killed_run_is_swept() {
    let place = rich_place();
    let expected = seen(&place.update().corpus);
    let tidy = place.names();
    // Killed while writing a segment; killed between a segment and the manifest.
    fs::write(place.dir().join(".x.wmseg.4000000-7.wm-tmp"), "half a segment").unwrap();
    fs::copy(place.segment_files().pop().unwrap(), place.dir().join(format!("{:064}.wmseg", 0))).unwrap();
    assert_eq!(seen(&Corpus::open(&place.dir()).unwrap()), expected);
    assert_eq!(verify(&place.dir()).unwrap().unreferenced, 1);
    let report = place.update();
    assert_eq!((report.n_read, seen(&report.corpus)), (0, expected));
    assert_eq!(place.names(), tidy);
}

#[test]
fn an_interrupted_update_leaves_the_old_generation() {
    let place = rich_place();
    let expected = seen(&place.update().corpus);
    place.write("c.jsonl", line("new", 1));
    let result =
        update(&place.dir(), &place.sources(), &BuildOptions::default(), &|_| ControlFlow::Break(()));
    assert!(matches!(*result.unwrap_err().kind, CorpusErrorKind::Interrupted));
    assert_eq!(seen(&Corpus::open(&place.dir()).unwrap()), expected);
    let report = place.update();
    assert_eq!(report.n_read, 1);
    check_like_fresh(&place, &report);
}

#[test]
fn a_copied_archive_is_proven_and_read() {
    let place = rich_place();
    let expected = seen(&place.update().corpus);
    let copy = place.folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for name in place.names() {
        fs::copy(place.dir().join(&name), copy.join(&name)).unwrap();
    }
    fs::remove_dir_all(place.source("")).unwrap();
    assert_eq!(seen(&Corpus::open(&copy).unwrap()), expected);
    assert_eq!(Corpus::open(&copy).unwrap().generation(), Corpus::open(&place.dir()).unwrap().generation());
}

#[test]
fn two_writers_take_turns() {
    let place = rich_place();
    let expected = seen(&place.fresh());
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4).map(|_| scope.spawn(|| seen(&place.update().corpus))).collect();
        for writer in writers {
            assert_eq!(writer.join().unwrap(), expected);
        }
    });
    assert!(verify(&place.dir()).unwrap().problems.is_empty());
}

#[test]
fn a_source_that_cannot_be_read_is_a_problem_and_is_tried_again() {
    let place = rich_place();
    place.update();
    let mut sources = place.sources();
    fs::remove_file(place.source("b.json")).unwrap();
    sources.files.iter_mut().for_each(|file| file.stat.size += 1);
    let report =
        update(&place.dir(), &sources, &BuildOptions::default(), &|_| ControlFlow::Continue(())).unwrap();
    assert_eq!(report.problems.len(), 1);
    assert_eq!(report.problems[0].code, codes::UNREADABLE_SOURCE);
    assert_eq!(words(&report.corpus), ["type-all", "one", "-"]);
    place.write("b.json", line("one", 2));
    let report = place.update();
    assert!(report.problems.is_empty());
    assert_eq!(words(&report.corpus), ["type-all", "one", "-", "one"]);
    check_like_fresh(&place, &report);
}

#[test]
fn info_counts_what_is_there() {
    let place = rich_place();
    let info = info(&place.update().corpus);
    assert_eq!((info.records, info.valid, info.duplicates, info.sources), (4, 3, 2, 2));
    assert_eq!((info.tests, info.heldout_tests, info.segments.len()), (5, 1, 1));
    assert_eq!(info.segments[0].live, 4);
    assert_eq!(info.bytes, fs::metadata(&place.segment_files()[0]).unwrap().len());
}

#[test]
fn what_is_shown_reads_back_as_the_same_specification() {
    let place = rich_place();
    let corpus = place.update().corpus;
    for record in corpus.records().filter(|record| record.is_valid()) {
        let text = show(record).to_string();
        let entry = crate::spec::parse_spec_line(text.as_bytes(), "shown", 1);
        assert_eq!(entry.spec, record.to_spec(), "{text}");
    }
}

/// An archive of an older version of the format is told apart from damage, and an update builds it anew.
#[test]
fn the_archive_of_version_1_is_refused_and_rebuilt() {
    let place = rich_place();
    let golden = Path::new("tests/golden/corpus/v1/archive");
    fs::create_dir_all(place.dir()).unwrap();
    for entry in fs::read_dir(golden).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), place.dir().join(entry.file_name())).unwrap();
    }
    let error = Corpus::open(&place.dir()).unwrap_err();
    assert!(matches!(*error.kind, CorpusErrorKind::Version { found: 1, ours: FORMAT_VERSION }), "{error}");
    assert_eq!(error.code(), codes::OTHER_VERSION);
    let report = place.update();
    check_like_fresh(&place, &report);
}

/// An archive of this version of the format must be readable as long as the version is ours.
#[test]
fn the_archive_of_version_2_is_read() {
    // Relative, so that no path of any machine gets into the archive; tests run in the root of the package.
    let golden = Path::new("tests/golden/corpus/v2");
    if std::env::var_os("UPDATE").is_some() {
        let sources = find_sources(&[golden.join("sources")]).unwrap();
        update(&golden.join("archive"), &sources, &BuildOptions::default(), &|_| ControlFlow::Continue(()))
            .unwrap();
        fs::remove_file(golden.join("archive/LOCK")).unwrap();
    }
    let corpus = Corpus::open(&golden.join("archive")).unwrap();
    let mut text = format!("{}\n", blake3::Hash::from_bytes(corpus.generation()).to_hex());
    for record in corpus.records() {
        text += &format!("{} {:?}\n", record.index_in_file(), record.word());
        if record.is_valid() {
            text += &format!("{}\n", show(record));
        }
    }
    let expected = golden.join("expected.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&expected, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&expected).unwrap());
}
