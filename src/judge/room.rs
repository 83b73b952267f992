//! Candidates against their specifications.

use super::codes;
use super::lines::Line;
use super::verdict::{self, Reward, State};
use crate::arena::{Bump, Pool, Reuse};
use crate::corpus::{Corpus, Record};
use crate::effect::{self, NoWords, Scratch};
use crate::forth::{Engine, Image, Limits};
use crate::model::{CellType, Code, Diagnostic, Place, Severity, SpecId, Status};
use crate::pipeline::{self, uses};
use crate::spec::expr::Word;
use crate::validate::{self, Checks, LoadError, Program, Text};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;

/// Candidates that one job takes.
const CHUNK: usize = 32;

/// How to judge.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How a verdict becomes a number.
    pub reward: Reward,
}

/// A candidate as it stands in its line.
#[derive(Deserialize)]
struct Candidate<'b> {
    #[serde(borrow)]
    word: Cow<'b, str>,
    #[serde(borrow)]
    code: Cow<'b, str>,
    /// As it stands there: it comes back to the letter.
    #[serde(borrow, default)]
    id: Option<&'b RawValue>,
    #[serde(borrow, default)]
    file: Option<Cow<'b, str>>,
    #[serde(default)]
    line: Option<u32>,
}

impl<'b> Candidate<'b> {
    /// What there is of a line that is no candidate: its verdict can still be told from others.
    fn without_code(text: &'b [u8]) -> Option<Box<Self>> {
        #[derive(Deserialize)]
        struct Bare<'b> {
            #[serde(borrow, default)]
            word: Option<&'b RawValue>,
            #[serde(borrow, default)]
            id: Option<&'b RawValue>,
        }
        let bare: Bare<'b> = serde_json::from_slice(text).ok()?;
        let word = bare.word.and_then(|word| serde_json::from_str::<String>(word.get()).ok());
        let (word, code) = (Cow::Owned(word.unwrap_or_default()), Cow::Borrowed(""));
        Some(Box::new(Self { word, code, id: bare.id, file: None, line: None }))
    }
}

/// What candidates for one specification are held against.
enum Case<'a> {
    Usable { checks: Box<Checks<'a>>, prelude: String, has_properties: bool },
    Unusable(String),
}

/// Holds candidates against the specifications of a corpus.
pub struct Judge<'a> {
    arena: &'a Bump,
    pipeline: &'a pipeline::Options,
    threads: rayon::ThreadPool,
    shared: Shared<'a>,
}

/// What all threads look at.
struct Shared<'a> {
    corpus: &'a Corpus,
    options: Options,
    /// By word: the first record of that name, and whether others of the name differ.
    words: FxHashMap<&'a str, (SpecId, bool)>,
    /// By record, made when the first candidate for it comes.
    cases: Vec<Option<Box<Case<'a>>>>,
    workers: Pool<Bench>,
}

/// An engine and the memory of inference.
pub struct Bench {
    engine: Engine,
    scratch: Scratch,
}

impl Reuse for Bench {
    fn recycle(&mut self) {
        self.engine.reset();
    }
}

/// A line that was read.
enum Asked<'b> {
    Candidate(Box<Candidate<'b>>, SpecId),
    Refused(Option<Box<Candidate<'b>>>, Code, String),
}

impl<'a> Judge<'a> {
    /// Gets ready. `arena` keeps what the specifications ask for as long as the judge is there.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(
        corpus: &'a Corpus,
        arena: &'a Bump,
        pipeline: &'a pipeline::Options,
        options: Options,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let mut words: FxHashMap<&'a str, (SpecId, bool)> = FxHashMap::default();
        for record in corpus.records() {
            let Some(word) = record.word() else { continue };
            let first = words.entry(word).or_insert((record.id(), false));
            first.1 |= corpus.content_hash(first.0) != record.content_hash();
        }
        let limits = pipeline.limits;
        let worker = move || Bench::new(limits);
        let cases = (0..corpus.len()).map(|_| None).collect();
        let threads = rayon::ThreadPoolBuilder::new().num_threads(pipeline.jobs).build()?;
        let shared = Shared { corpus, options, words, cases, workers: Pool::new(worker) };
        Ok(Self { arena, pipeline, threads, shared })
    }

    /// The verdicts on some lines, one line each, in their order. They depend on nothing but each line.
    pub fn judge(&mut self, lines: &[Line<'_>]) -> Vec<Vec<u8>> {
        let shared = &self.shared;
        let asked: Vec<Vec<Asked<'_>>> =
            self.threads.install(|| lines.par_chunks(CHUNK).map(|lines| shared.ask_all(lines)).collect());
        for asked in asked.iter().flatten() {
            if let Asked::Candidate(_, id) = asked
                && self.shared.cases[id.index()].is_none()
            {
                self.shared.cases[id.index()] = Some(Box::new(self.case(*id)));
            }
        }
        let shared = &self.shared;
        self.threads.install(|| asked.par_iter().map(|asked| shared.answers(asked)).collect())
    }

    fn case(&self, id: SpecId) -> Case<'a> {
        let record = self.shared.corpus.record(id);
        if !record.is_valid() {
            return Case::Unusable("the specification is invalid: `wordmill check` says why".to_owned());
        }
        let (words, prelude) = match self.used(record) {
            Ok(used) => used,
            Err(why) => return Case::Unusable(why),
        };
        let checks = Checks::prepare(self.arena, record, None, words, &self.pipeline.validate);
        if checks.is_empty() {
            return Case::Unusable("the specification has neither tests nor checkable properties".to_owned());
        }
        let has_properties =
            record.outputs().any(|output| output.value.is_some()) || !record.properties().is_empty();
        Case::Usable { checks: Box::new(checks), prelude, has_properties }
    }

    /// The words that a specification uses, as its properties may call them, and their verified code.
    fn used(&self, record: Record<'a>) -> Result<(&'a [Word<'a>], String), String> {
        if !record.has_uses() {
            return Ok((&[], String::new()));
        }
        let closure = uses::closure(self.shared.corpus, record.id()).map_err(|error| error.to_string())?;
        let mut prelude = String::new();
        for id in closure.order {
            let (outcome, _) =
                pipeline::outcome(self.shared.corpus, id, self.pipeline, &AtomicBool::new(false));
            match outcome.code {
                Some(code) if outcome.status == Status::Verified => {
                    prelude.push_str(&code);
                    prelude.push('\n');
                }
                _ => {
                    let name = self.shared.corpus.record(id).word().unwrap_or("?");
                    return Err(format!("it uses {name}, for which there is no verified code"));
                }
            }
        }
        let word = |name: &'a str| {
            let used = self.shared.corpus.find(name).first().map(|id| self.shared.corpus.record(*id));
            let effect = used.map(|used| {
                let inputs: &[CellType] = self.arena.alloc_slice_fill_iter(used.inputs().map(|p| p.ty));
                let outputs: &[CellType] = self.arena.alloc_slice_fill_iter(used.outputs().map(|p| p.ty));
                (inputs, outputs)
            });
            Word { name, effect }
        };
        let words: Vec<Word<'a>> = record.uses().map(word).collect();
        Ok((self.arena.alloc_slice_copy(&words), prelude))
    }
}

impl Shared<'_> {
    fn ask_all<'b>(&self, lines: &[Line<'b>]) -> Vec<Asked<'b>> {
        lines.iter().map(|line| self.ask(*line)).collect()
    }

    fn ask<'b>(&self, line: Line<'b>) -> Asked<'b> {
        let text = match line {
            Line::Text(text) => text,
            Line::TooLong => {
                let why = format!("the line has more than {} bytes", super::lines::LINE_BYTES_MAX);
                return Asked::Refused(None, codes::NOT_A_CANDIDATE, why);
            }
        };
        let candidate: Box<Candidate<'b>> = match serde_json::from_slice(text) {
            Ok(candidate) => Box::new(candidate),
            Err(error) => {
                let why = format!("not a candidate {{\"word\": …, \"code\": …}}: {error}");
                return Asked::Refused(Candidate::without_code(text), codes::NOT_A_CANDIDATE, why);
            }
        };
        match self.record_of(&candidate) {
            Ok(id) => Asked::Candidate(candidate, id),
            Err(why) => Asked::Refused(Some(candidate), codes::NO_SPECIFICATION, why),
        }
    }

    fn record_of(&self, candidate: &Candidate<'_>) -> Result<SpecId, String> {
        let word = &*candidate.word;
        let (first, differ) =
            *self.words.get(word).ok_or_else(|| format!("there is no specification of `{word}`"))?;
        if candidate.file.is_none() && candidate.line.is_none() {
            return match differ {
                false => Ok(first),
                true => Err(format!("several specifications of `{word}` differ: add \"line\" and \"file\"")),
            };
        }
        let is_meant = |id: &SpecId| {
            let record = self.corpus.record(*id);
            candidate.line.is_none_or(|line| line == record.line())
                && candidate.file.as_deref().is_none_or(|file| file == record.file())
        };
        let found: Vec<SpecId> = self.corpus.find(word).into_iter().filter(is_meant).collect();
        match found.as_slice() {
            [id] => Ok(*id),
            [] => Err(format!("there is no specification of `{word}` in that line and file")),
            _ => Err(format!("several specifications of `{word}` stand there: add \"line\" and \"file\"")),
        }
    }

    fn answers(&self, asked: &[Asked<'_>]) -> Vec<u8> {
        let mut worker = self.workers.lend();
        let mut text = Vec::with_capacity(256 * asked.len());
        for asked in asked {
            let start = text.len();
            let done = catch_unwind(AssertUnwindSafe(|| self.answer(&mut worker, asked, &mut text)));
            if done.is_err() {
                worker.discard();
                text.truncate(start);
                let candidate = match asked {
                    Asked::Candidate(candidate, _) => Some(&**candidate),
                    Asked::Refused(candidate, ..) => candidate.as_deref(),
                };
                let why = "wordmill failed on this candidate".to_owned();
                refuse(candidate, State::Crashed, codes::JUDGE_FAILED, why, &mut text);
            }
        }
        text
    }

    fn answer(&self, worker: &mut Bench, asked: &Asked<'_>, text: &mut Vec<u8>) {
        let (candidate, id) = match asked {
            Asked::Candidate(candidate, id) => (candidate, *id),
            Asked::Refused(candidate, code, why) => {
                return refuse(candidate.as_deref(), State::Invalid, *code, why.clone(), text);
            }
        };
        let case = self.cases[id.index()].as_deref().expect("made before any candidate is judged");
        let (checks, prelude, has_properties) = match case {
            Case::Usable { checks, prelude, has_properties } => (checks, prelude, *has_properties),
            Case::Unusable(why) => {
                let code = codes::UNUSABLE_SPECIFICATION;
                return refuse(Some(candidate), State::Invalid, code, why.clone(), text);
            }
        };
        let asked = Question { word: &candidate.word, code: &candidate.code, id: candidate.id };
        worker.verdict(checks, prelude, has_properties, self.options.reward, &asked, text);
    }
}

/// A candidate for a specification that is known.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// Its word, as the verdict repeats it.
    pub word: &'q str,
    /// Its code.
    pub code: &'q str,
    /// What comes back with the verdict.
    pub id: Option<&'q RawValue>,
}

impl Bench {
    /// A bench whose engine has these bounds.
    pub fn new(limits: Limits) -> Self {
        Self { engine: Engine::new(Image::shared(), limits), scratch: Scratch::new() }
    }

    /// Adds the line of the verdict on a candidate to a text: what `wordmill judge` prints.
    pub fn verdict(
        &mut self,
        checks: &Checks<'_>,
        prelude: &str,
        has_properties: bool,
        reward: Reward,
        asked: &Question<'_>,
        text: &mut Vec<u8>,
    ) -> State {
        let mut line = verdict::Line {
            id: asked.id,
            word: Some(asked.word),
            status: State::Invalid,
            passed: false,
            reward: 0.0,
            tests_passed: 0,
            tests_total: checks.n_tests(),
            properties_checked: 0,
            properties_unchecked: checks.n_unchecked(),
            failing_test: None,
            diagnostic: None,
            effect: None,
            steps: 0,
        };
        let code = asked.code;
        if code.trim().is_empty() {
            // A word that does nothing is `: word ;`. No code at all is no answer.
            let why = "there is no code";
            line.diagnostic = Some(Diagnostic::new(codes::DOES_NOT_COMPILE, Severity::Error, why));
            write(&line, text);
            return line.status;
        }
        let word = checks.word();
        let is_source = validate::is_source(code, word);
        line.effect = effect_of(code, word, is_source, checks, &mut self.scratch, &mut line.diagnostic);
        if !prelude.is_empty() {
            // Inference does not know the words that the specification uses.
            line.diagnostic = None;
        }
        let program = Program {
            prelude,
            word,
            text: if is_source { Text::Source(code) } else { Text::Body(code.trim()) },
        };
        match validate::load(&mut self.engine, &program) {
            Err(error) => {
                line.steps = self.engine.fuel_used().min(self.engine.limits().fuel);
                // What inference says of the text is more than what the engine says, where both find fault.
                let refusal = refusal(&error, word, code);
                line.failing_test = Some(refusal.message.clone());
                line.diagnostic.get_or_insert(refusal);
            }
            Ok(xt) => {
                let grade = validate::grade(&mut self.engine, &program, xt, checks);
                let verdict = &grade.verdict;
                line.passed = verdict.passed();
                line.status = if line.passed { State::Passed } else { State::Failed };
                line.reward = reward.of(verdict, has_properties);
                line.tests_passed = verdict.tests_passed;
                line.properties_checked = verdict.properties_checked;
                line.properties_unchecked = verdict.properties_unchecked;
                line.failing_test = grade.failing_test;
                line.steps = verdict.steps;
                if line.passed {
                    line.diagnostic = None;
                }
            }
        }
        write(&line, text);
        line.status
    }
}

fn write(line: &verdict::Line<'_>, text: &mut Vec<u8>) {
    serde_json::to_writer(&mut *text, line).expect("a verdict is JSON, and memory takes everything");
    text.push(b'\n');
}

fn refuse(candidate: Option<&Candidate<'_>>, status: State, code: Code, why: String, text: &mut Vec<u8>) {
    let line = verdict::Line {
        id: candidate.and_then(|candidate| candidate.id),
        word: candidate.map(|candidate| &*candidate.word).filter(|word| !word.is_empty()),
        status,
        passed: false,
        reward: 0.0,
        tests_passed: 0,
        tests_total: 0,
        properties_checked: 0,
        properties_unchecked: 0,
        failing_test: None,
        diagnostic: Some(Diagnostic::new(code, Severity::Error, why)),
        effect: None,
        steps: 0,
    };
    write(&line, text);
}

/// The effect of the candidate, as far as it has one that can be inferred; else what is in the way.
fn effect_of(
    code: &str,
    word: &str,
    is_source: bool,
    checks: &Checks<'_>,
    scratch: &mut Scratch,
    diagnostic: &mut Option<Diagnostic>,
) -> Option<String> {
    let effect = match effect::infer(code, &NoWords, scratch) {
        Ok(effect) => effect,
        Err(error) => {
            // Without looking for an edit that mends it: that takes longer than everything else together.
            let found = Diagnostic::new(error.code(), Severity::Error, error.message(code));
            *diagnostic = Some(found.at(None, error.place(code)));
            return None;
        }
    };
    let effect = match is_source {
        false => effect,
        true => {
            let named =
                |found: &effect::Effect<'_>| found.name().is_some_and(|name| name.eq_ignore_ascii_case(word));
            effect.definitions().filter(named).last()?
        }
    };
    let rendered = effect.render();
    let (n_in, n_out) = (checks.n_in(), checks.n_out());
    let gains = effect.n_out() as i64 - effect.n_in() as i64;
    let is_other = gains != n_out as i64 - n_in as i64 || effect.n_in() > n_in;
    if is_other && !effect.diverges() && checks.is_plain() {
        let message = format!("the code is {rendered}, where {n_in} in and {n_out} out are asked for");
        *diagnostic = Some(Diagnostic::new(codes::OTHER_COUNTS, Severity::Warning, message));
    }
    Some(rendered)
}

/// Why a candidate did not load.
fn refusal(error: &LoadError, word: &str, code: &str) -> Diagnostic {
    match error {
        LoadError::Undefined => {
            let message = format!("does not define {word}");
            Diagnostic::new(codes::DOES_NOT_COMPILE, Severity::Error, message)
        }
        LoadError::Refused(error) => {
            let message = format!("does not compile: {error}");
            let place = match code.is_char_boundary(error.position as usize) {
                true => effect::place(code, error.position, error.token.len() as u32),
                false => Place::default(),
            };
            Diagnostic::new(codes::DOES_NOT_COMPILE, Severity::Error, message).at(None, place)
        }
    }
}
