//! The shipped corpus: every specification has an honest verdict, and nearly all of them a verified program.
//!
//! `SHOW=1 cargo test --release --test shipped -- --nocapture` prints every outcome.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use wordmill::corpus::{Corpus, Record};
use wordmill::model::{Outcome, Spec, SpecId, Status};
use wordmill::pipeline::{Options, Silent, Sink, run};
use wordmill::spec::{find_sources, read_entries};
use wordmill::template::Library;

/// A fifth of the default, which solves the same where supplied code counts.
const BUDGET: u64 = 200_000;

const UNSOLVED: &str = "expect:unsolved";

fn specs() -> Vec<Spec> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/specs"));
    let sources = find_sources(&[folder]).expect("the folder is there");
    let mut specs = Vec::new();
    for file in &sources.files {
        read_entries(file, &mut |entry| {
            assert!(entry.diagnostics.is_empty(), "{}: {:?}", file.name, entry.diagnostics);
            specs.push(entry.spec.expect("a record without diagnostics"));
        })
        .expect("the file can be read");
    }
    specs
}

/// The template files as they stand in the folder, so that a change to them needs no build.
fn library() -> Library {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/templates");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("a text file")))
        .collect();
    files.sort();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Library::from_texts(&files).unwrap_or_else(|error| panic!("{:#?}", error.diagnostics()))
}

#[derive(Default)]
struct Collect(Vec<(Outcome, Option<Duration>)>);

impl Sink for Collect {
    fn accept(&mut self, _: Record<'_>, outcome: &Outcome, elapsed: Option<Duration>) -> std::io::Result<()> {
        self.0.push((outcome.clone(), elapsed));
        Ok(())
    }
}

#[test]
fn the_shipped_corpus_is_as_large_and_as_open_as_it_says() {
    let specs = specs();
    let open = specs.iter().filter(|spec| spec.code.is_none() && spec.pattern.is_none()).count();
    let unsolved = specs.iter().filter(|spec| spec.metadata.tags.iter().any(|tag| tag == UNSOLVED)).count();
    assert!(specs.len() >= 150, "{} specifications", specs.len());
    assert!(open >= 75, "{open} with neither code nor pattern");
    assert!((5..=15).contains(&unsolved), "{unsolved} beyond the search");
    for spec in &specs {
        assert!(spec.tests.len() >= 4, "{} has {} tests", spec.word, spec.tests.len());
        assert!(spec.description.is_some(), "{}", spec.word);
    }
}

#[test]
fn every_shipped_specification_gets_the_verdict_that_it_expects() {
    let specs = specs();
    let corpus = Corpus::from_specs("shipped.json", &specs);
    let mut options = Options::new(Arc::new(library()));
    options.synth.candidates_max = BUDGET;
    options.note_used(&corpus);
    let ids: Vec<SpecId> = (0..corpus.len() as u32).map(SpecId).collect();
    let (mut sink, go) = (Collect::default(), AtomicBool::new(false));
    run(&corpus, &ids, &options, None, &mut sink, &Silent, &go).expect("the run ends");
    let mut wrong = 0;
    for (spec, (outcome, elapsed)) in specs.iter().zip(&sink.0) {
        let expected = !spec.metadata.tags.iter().any(|tag| tag == UNSOLVED);
        let as_expected = (outcome.status == Status::Verified) == expected
            && outcome.properties_unchecked == 0
            && outcome.given.is_none_or(|given| given == Status::Verified)
            && outcome.heldout_passed == outcome.heldout_total;
        wrong += usize::from(!as_expected);
        if !as_expected || std::env::var_os("SHOW").is_some() {
            let strategy = outcome.strategy.map_or("-", |strategy| strategy.name());
            let mark = if as_expected { ' ' } else { '!' };
            let ms = elapsed.unwrap_or_default().as_secs_f64() * 1e3;
            let code = outcome.code.as_deref().unwrap_or("");
            let (status, n) = (outcome.status.name(), outcome.candidates);
            println!("{mark} {status:9} {strategy:11} {n:8} {ms:8.1} ms {:24} {code}", spec.word);
        }
    }
    assert_eq!(wrong, 0, "specifications without the verdict that they expect");
}
