//! One specification becomes one outcome. What a worker needs is lent to it from a pool, and nothing of it leaves: the
//! outcome is owned.

use crate::arena::{Arena, Bump, Pool, Reuse};
use crate::corpus::{Corpus, Record};
use crate::forth::Shadow;
use crate::forth::{Engine, Image};
use crate::model::{CellType, Detail, Diagnostic, Outcome, Severity, SpecId, Status, Stop};
use crate::pipeline::codes;
use crate::pipeline::options::Options;
use crate::pipeline::uses::{self, Closure};
use crate::spec::expr::Word;
use crate::synth::bank::shared::SharedBanks;
use crate::synth::conquer::Conquer;
use crate::synth::enumerate::Enumerator;
use crate::synth::{self, Barren, Found, Problem, Round, Tools, Tried};
use crate::validate::{self, Checks, Splitter};
use rustc_hash::FxHashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// What one worker reuses from specification to specification.
pub struct Worker {
    arena: Arena,
    engine: Engine,
    enumerator: Enumerator,
    conquer: Conquer,
    tried: Vec<Tried>,
}

impl Worker {
    /// What the search for the last specification tried.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }

    /// Lets the sampler see which Forth words the engine is in, as part of what this thread does.
    pub fn show_words(&mut self) {
        let shadow = Arc::new(Shadow::new());
        self.engine.set_shadow(Some(Arc::clone(&shadow)));
        crate::profile::show_words(Some(shadow));
    }
}

impl Reuse for Worker {
    fn recycle(&mut self) {
        self.arena.reset();
        self.engine.reset();
    }
}

/// What all workers share for one run.
pub struct Context<'c> {
    /// The specifications.
    pub corpus: &'c Corpus,
    /// How to run them.
    pub options: &'c Options,
    /// Set by a signal.
    pub stop: &'c AtomicBool,
    workers: Pool<Worker>,
    splitter: Splitter,
    banks: SharedBanks,
    /// Words that others use, as far as they are found out in this run.
    used: Mutex<FxHashMap<SpecId, Used>>,
    /// Outcomes of words that others needed before it was their turn.
    early: Mutex<FxHashMap<SpecId, Outcome>>,
    /// What early rounds found nothing with.
    barren: Mutex<FxHashMap<SpecId, Barren>>,
}

/// What is known of a word that others use.
#[derive(Clone)]
enum Used {
    /// Its code, or that there is none.
    Settled(Option<Arc<str>>),
    /// That this round does not settle it.
    Unsettled(Round),
}

impl<'c> Context<'c> {
    /// A context for one run over a corpus.
    pub fn new(corpus: &'c Corpus, options: &'c Options, stop: &'c AtomicBool) -> Self {
        let limits = options.limits;
        let workers = Pool::new(move || Worker {
            arena: Arena::new(),
            engine: Engine::new(Image::shared(), limits),
            enumerator: Enumerator::default(),
            conquer: Conquer::default(),
            tried: Vec::new(),
        });
        let splitter = Splitter::new(limits);
        let banks = SharedBanks::new(options.shared_bytes_max());
        Self {
            corpus,
            options,
            stop,
            workers,
            splitter,
            banks,
            used: Mutex::default(),
            early: Mutex::default(),
            barren: Mutex::default(),
        }
    }

    /// The banks that specifications share.
    pub fn banks(&self) -> &SharedBanks {
        &self.banks
    }

    /// Lends a worker.
    pub fn lend(&self) -> crate::arena::Lent<'_, Worker> {
        self.workers.lend()
    }

    /// Tells the shared banks what the search for a record begins with, without searching.
    pub fn note(&self, worker: &mut Worker, id: SpecId) {
        worker.arena.reset();
        let record = self.corpus.record(id);
        if !record.is_valid() || record.has_uses() {
            return;
        }
        let (arena, options) = (worker.arena.bump(), self.options);
        let merged = options.heldout_of(&record).filter(|_| options.merge_heldout);
        let checks = Checks::prepare(arena, record, merged, &[], &options.validate);
        synth::note_banks(&self.banks, arena, (&record, &checks), options.synth.candidates_max);
    }

    /// The outcome of one record. A panic of ours becomes the outcome `crashed`, and the worker is thrown away.
    pub fn outcome(&self, worker: &mut crate::arena::Lent<'_, Worker>, id: SpecId) -> Outcome {
        let outcome = self.outcome_in(Round::LAST, worker, id);
        outcome.unwrap_or_else(|| Outcome::empty(id, Status::Unsolved, Stop::Interrupted))
    }

    /// The same outcome, where this round comes to it; the last one does, unless a signal comes.
    pub fn outcome_in(
        &self,
        round: Round,
        worker: &mut crate::arena::Lent<'_, Worker>,
        id: SpecId,
    ) -> Option<Outcome> {
        if let Some(outcome) = self.lock_early().remove(&id) {
            worker.tried.clear();
            return Some(outcome);
        }
        match catch_unwind(AssertUnwindSafe(|| self.solve(round, worker, id))) {
            Ok(outcome) => outcome,
            Err(panic) => {
                worker.discard();
                let why = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("no message");
                Some(refused(
                    id,
                    Status::Crashed,
                    codes::CRASHED,
                    format!("wordmill failed on this specification: {why}"),
                ))
            }
        }
    }

    /// The outcome of one record; `None` where the round does not come to it.
    fn solve(&self, round: Round, worker: &mut Worker, id: SpecId) -> Option<Outcome> {
        worker.arena.reset();
        worker.tried.clear();
        let record = self.corpus.record(id);
        if !record.is_valid() {
            return Some(Outcome::empty(id, Status::Invalid, Stop::Skipped));
        }
        let closure = if record.has_uses() {
            match uses::closure(self.corpus, id) {
                Ok(closure) => Some(closure),
                Err(error) => return Some(refused(id, Status::Invalid, codes::USES, error.to_string())),
            }
        } else {
            None
        };
        let prelude = match closure.as_ref().map(|closure| self.prelude(round, closure)).transpose() {
            Ok(None) => String::new(),
            Ok(Some(prelude)) => prelude?,
            Err(error) => return Some(refused(id, Status::Unsolved, codes::USED_UNVERIFIED, error)),
        };
        self.search(round, worker, record, closure.as_ref(), &prelude)
    }

    fn search(
        &self,
        round: Round,
        worker: &mut Worker,
        record: Record<'c>,
        closure: Option<&Closure>,
        prelude: &str,
    ) -> Option<Outcome> {
        let arena = worker.arena.bump();
        let options = self.options;
        let heldout = options.heldout_of(&record);
        let merged = heldout.filter(|_| options.merge_heldout);
        let words: &[Word<'_>] = match closure {
            Some(_) => arena.alloc_slice_fill_iter(record.uses().map(|name| self.used_word(arena, name))),
            None => &[],
        };
        let used: &[&str] = arena.alloc_slice_fill_iter(words.iter().map(|word| word.name));
        let checks = Checks::prepare(arena, record, merged, words, &options.validate);
        let mut barren = self.lock_barren().remove(&record.id()).unwrap_or_default();
        let mut tools = Tools {
            engine: &mut worker.engine,
            enumerator: &mut worker.enumerator,
            conquer: &mut worker.conquer,
            arena,
            stop: self.stop,
            split: Some(&self.splitter),
            fuel: options.limits.fuel,
            round,
            barren: &mut barren,
            banks: Some(&self.banks),
            tried: &mut worker.tried,
        };
        let problem = Problem {
            record,
            checks: &checks,
            prelude: arena.alloc_str(prelude),
            used,
            library: &options.library,
            frozen: options.frozen.as_deref(),
        };
        let found = synth::solve(&mut tools, &problem, &options.synth);
        if found.is_cut {
            if !barren.is_empty() {
                self.lock_barren().insert(record.id(), barren);
            }
            return None;
        }
        let mut outcome = outcome_of(record.id(), found, &checks);
        if let Some(code) = &outcome.code {
            (outcome.heldout_passed, outcome.heldout_total) =
                validate::score(tools.engine, prelude, record.word().unwrap_or(""), code, heldout);
        } else {
            outcome.heldout_total = heldout.map_or(0, |heldout| heldout.len() as u32);
        }
        self.remember(&outcome);
        Some(outcome)
    }

    /// A word that a specification uses, as its properties may call it.
    fn used_word<'a>(&self, arena: &'a Bump, name: &'a str) -> Word<'a>
    where
        'c: 'a,
    {
        let record = self.corpus.find(name).first().map(|id| self.corpus.record(*id));
        let effect = record.map(|record| {
            let inputs: &[CellType] = arena.alloc_slice_fill_iter(record.inputs().map(|param| param.ty));
            let outputs: &[CellType] = arena.alloc_slice_fill_iter(record.outputs().map(|param| param.ty));
            (inputs, outputs)
        });
        Word { name, effect }
    }

    /// Scores an outcome of the store on held-out cases that it was not scored on.
    pub fn rescore(&self, worker: &mut Worker, outcome: &mut Outcome) {
        let record = self.corpus.record(outcome.spec);
        let heldout = self.options.heldout_of(&record);
        outcome.heldout_total = heldout.map_or(0, |heldout| heldout.len() as u32);
        outcome.heldout_passed = 0;
        let prelude = if record.has_uses() {
            let closure = uses::closure(self.corpus, outcome.spec).ok();
            closure.and_then(|closure| self.prelude(Round::LAST, &closure).ok()?).unwrap_or_default()
        } else {
            String::new()
        };
        if let Some(code) = &outcome.code {
            (outcome.heldout_passed, _) =
                validate::score(&mut worker.engine, &prelude, record.word().unwrap_or(""), code, heldout);
        }
    }

    /// Keeps the code of words that others use.
    pub fn remember(&self, outcome: &Outcome) {
        if outcome.status == Status::Verified && self.options.words_used.contains(&outcome.spec) {
            let code = outcome.code.as_deref().map(Arc::from);
            self.lock_used().insert(outcome.spec, Used::Settled(code));
        }
    }

    fn lock_used(&self) -> std::sync::MutexGuard<'_, FxHashMap<SpecId, Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_barren(&self) -> std::sync::MutexGuard<'_, FxHashMap<SpecId, Barren>> {
        self.barren.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_early(&self) -> std::sync::MutexGuard<'_, FxHashMap<SpecId, Outcome>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The definitions of the words of a closure; those not yet found in this run are found now, by another worker's
    /// memory. The result depends on the closure alone; there is none yet where an early round
    /// does not settle one of them, or a signal came.
    fn prelude(&self, round: Round, closure: &Closure) -> Result<Option<String>, String> {
        let mut text = String::new();
        for id in &closure.order {
            let known = self.lock_used().get(id).cloned();
            let code = match known {
                Some(Used::Settled(code)) => code,
                Some(Used::Unsettled(last)) if round <= last => return Ok(None),
                Some(Used::Unsettled(_)) | None => {
                    let Some(outcome) = self.solve(round, &mut self.workers.lend(), *id) else {
                        self.lock_used().insert(*id, Used::Unsettled(round));
                        return Ok(None);
                    };
                    if outcome.stop == Stop::Interrupted {
                        return Ok(None);
                    }
                    let code =
                        (outcome.status == Status::Verified).then(|| outcome.code.as_deref().map(Arc::from));
                    let code: Option<Arc<str>> = code.flatten();
                    self.lock_used().insert(*id, Used::Settled(code.clone()));
                    self.lock_early().insert(*id, outcome);
                    code
                }
            };
            match code {
                Some(code) => {
                    text.push_str(&code);
                    text.push('\n');
                }
                None => {
                    let name = self.corpus.record(*id).word().unwrap_or("?");
                    return Err(format!("uses {name}, for which there is no verified code"));
                }
            }
        }
        Ok(Some(text))
    }
}

/// An outcome that carries one finding and nothing else.
fn refused(id: SpecId, status: Status, code: crate::model::Code, message: String) -> Outcome {
    let mut outcome = Outcome::empty(id, status, Stop::Skipped);
    let diagnostics = vec![Diagnostic::new(code, Severity::Error, message)];
    outcome.detail = Some(Box::new(Detail { diagnostics, ..Detail::default() }));
    outcome
}

fn outcome_of(id: SpecId, found: Found<'_>, checks: &Checks<'_>) -> Outcome {
    let status = match (&found.winner, found.given) {
        (Some(_), _) => Status::Verified,
        (None, Some(Status::Refuted | Status::Invalid)) => Status::Refuted,
        (None, _) => Status::Unsolved,
    };
    let mut outcome = Outcome::empty(id, status, found.stop);
    outcome.given = found.given;
    outcome.candidates = found.candidates;
    outcome.tests_total = checks.n_tests();
    outcome.properties_unchecked = checks.n_unchecked();
    let judged = match &found.winner {
        Some(winner) => {
            outcome.strategy = Some(winner.strategy);
            outcome.template = winner.template.map(|template| Arc::from(template.id.as_str()));
            outcome.code = Some(winner.text.into());
            Some(&winner.verdict)
        }
        None => found.failed.as_ref().map(|(_, verdict)| verdict),
    };
    if let Some(verdict) = judged {
        outcome.tests_passed = verdict.tests_passed;
        outcome.properties_checked = verdict.properties_checked;
        outcome.properties_unchecked = verdict.properties_unchecked;
        outcome.steps = verdict.steps;
        outcome.value = verdict.value;
    }
    let mut diagnostics = checks.diagnostics();
    if let Some(weight) = &found.overfit {
        let message = format!(
            "overfit-risk: the program takes {} bits to write down, not clearly fewer than the {} that it explains",
            weight.bits, weight.information
        );
        diagnostics.push(
            Diagnostic::new(codes::OVERFIT_RISK, Severity::Note, message)
                .suggest("add test cases that differ"),
        );
    }
    let failing_test = match &found.winner {
        Some(_) => None,
        None => found.near_misses.first().map(|miss| miss.failing_test.clone()),
    };
    let detail = Detail {
        given_failing_test: found.given_failing_test,
        diagnostics,
        failing_test,
        solutions: found.solutions,
        near_misses: found.near_misses,
    };
    if detail != Detail::default() {
        outcome.detail = Some(Box::new(detail));
    }
    outcome
}
