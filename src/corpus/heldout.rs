//! Held-out cases from a file of their own, looked up by word while the file that they belong to is read.

use super::codes;
use super::manifest::FileState;
use super::pack::{Fragment, Packer};
use super::reading::{OpenSource, pack_chunk};
use super::store::{Corpus, MemoryBuilder};
use crate::model::{Diagnostic, Place, Severity, Spec, SpecId, TestCase, Value};
use crate::spec::{Chunk, Entry, SourceError, SourceFile};
use rayon::prelude::*;

/// The held-out cases of one source: a packed corpus in memory, about as large as the cases are in an archive.
pub(super) struct Heldout {
    corpus: Corpus,
    name: String,
}

impl Heldout {
    /// Reads a held-out file to its end. A fault in the middle is given beside what was read before it.
    pub(super) fn read(file: &SourceFile) -> Result<(Self, FileState, Option<SourceError>), SourceError> {
        let mut source = OpenSource::open(file)?;
        let mut builder = MemoryBuilder::default();
        let mut fault = None;
        loop {
            let mut batch = Vec::new();
            while batch.len() < 4 * rayon::current_num_threads() && fault.is_none() {
                match source.next() {
                    None => break,
                    Some(Ok(chunk)) => batch.push(chunk),
                    Some(Err(error)) => fault = Some(SourceError::read(&file.path, error)),
                }
            }
            if batch.is_empty() {
                break;
            }
            let pack = |chunk: &Chunk| -> Fragment {
                let mut packer = Packer::default();
                pack_chunk(chunk, &file.name, None, &mut packer);
                packer.finish()
            };
            batch
                .par_iter()
                .map(pack)
                .collect::<Vec<_>>()
                .iter()
                .for_each(|fragment| builder.append(fragment));
        }
        let state = source.finish().map_err(|error| SourceError::read(&file.path, error))?;
        builder.end_source(&file.name);
        Ok((Self { corpus: builder.finish(), name: file.name.clone() }, state, fault))
    }

    /// The file, as the user would name it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A warning where records name no word: nobody would ever look for them.
    pub(super) fn nameless(&self) -> Option<Diagnostic> {
        let records = (0..self.corpus.len()).map(|id| self.corpus.record(SpecId(id as u32)));
        let mut nameless = records.filter(|record| record.word().is_none_or(str::is_empty));
        let first = nameless.next()?;
        let n = 1 + nameless.count();
        let message =
            format!("{n} of {} held-out records cannot be read: they name no word", self.corpus.len());
        let place = Place { line: first.line(), column: 1, width: 1 };
        let warning = Diagnostic::new(codes::HELDOUT_MISFIT, Severity::Warning, message);
        let suggestion = Some("`wordmill check` says what is wrong with each".into());
        Some(Diagnostic { suggestion, ..warning.at(Some(&self.name), place) })
    }

    /// Adds the cases of the entry's word to it; what does not fit is left out with a warning.
    pub(super) fn merge_into(&self, entry: &mut Entry) {
        let Some(spec) = &mut entry.spec else { return };
        for id in self.corpus.find(&spec.word) {
            let record = self.corpus.record(id);
            let mut warn = |message: String| {
                let place = Place { line: record.line(), column: 1, width: 1 };
                entry.diagnostics.push(
                    Diagnostic::new(codes::HELDOUT_MISFIT, Severity::Warning, message)
                        .at(Some(&self.name), place),
                );
            };
            if !record.is_valid() {
                let reasons = record.diagnostics();
                let reason = reasons.iter().find(|d| d.severity == Severity::Error);
                let reason = reason.map_or("it is invalid", |reason| &reason.message);
                warn(format!("the held-out cases of `{}` cannot be used: {reason}", spec.word));
                continue;
            }
            let mut cases = record.tests().to_cases();
            cases.extend(record.heldout().to_cases());
            let n_before = cases.len();
            cases.retain(|case| fits(case, spec));
            if cases.len() < n_before {
                let n_misfits = n_before - cases.len();
                let (n_in, n_out) = (spec.inputs.len(), spec.outputs.len());
                warn(format!(
                    "{n_misfits} held-out cases of `{}` do not have {n_in} inputs and {n_out} outputs",
                    spec.word
                ));
            }
            spec.heldout.extend(cases);
        }
    }
}

/// Whether the case has as many cells as the effect declares.
fn fits(case: &TestCase, spec: &Spec) -> bool {
    let cells = |values: &[Value]| -> usize {
        values.iter().map(|value| if matches!(value, Value::Cell(_)) { 1 } else { 2 }).sum()
    };
    cells(&case.input) == spec.inputs.len()
        && (case.throws.is_some() || cells(&case.output) == spec.outputs.len())
}
