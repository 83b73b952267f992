//! The words of the corpus, for the commands that look at code: what each takes and leaves.
//!
//! Read only when the code calls a word that is not in the standard: most never do.

use super::context::Context;
use crate::config::Key;
use crate::corpus::Corpus;
use crate::effect::{EffectError, ErrorKind, WordEffect, WordEnv};
use crate::model::{CellType, Spec};
use crate::spec;
use rustc_hash::FxHashMap;
use std::path::PathBuf;

/// Effects by word, in lower case; `None` where specifications disagree.
#[derive(Default)]
pub struct CorpusWords(FxHashMap<String, Option<WordEffect>>);

impl WordEnv for CorpusWords {
    fn word(&self, name: &str) -> Option<WordEffect> {
        *self.0.get(&name.to_ascii_lowercase())?
    }

    fn each_name(&self, sink: &mut dyn FnMut(&str)) {
        self.0.keys().for_each(|name| sink(name));
    }
}

impl CorpusWords {
    /// Reads the specifications that `--corpus` names, else those of `run.paths`. Paths of the settings that do not exist
    /// are passed over.
    pub fn read(named: &[PathBuf], context: &Context) -> anyhow::Result<Self> {
        let mut paths = named.to_vec();
        if paths.is_empty() {
            paths = context.settings.paths(Key::RunPaths);
            paths.retain(|path| path.exists());
        }
        let mut words = Self::default();
        let (archives, sources): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|path| Corpus::is_corpus_dir(path));
        for dir in archives {
            let corpus = super::archive::open(&dir, context)?;
            corpus.records().filter_map(|record| record.to_spec()).for_each(|spec| words.add(&spec));
        }
        for file in spec::find_sources(&sources)?.files {
            spec::read_entries(&file, &mut |entry| entry.spec.iter().for_each(|spec| words.add(spec)))?;
        }
        Ok(words)
    }

    /// The words of a corpus that is open.
    pub fn of_corpus(corpus: &Corpus) -> Self {
        let mut words = Self::default();
        corpus.records().filter_map(|record| record.to_spec()).for_each(|spec| words.add(&spec));
        words
    }

    fn add(&mut self, spec: &Spec) {
        let effect = effect_of(spec);
        let known = self.0.entry(spec.word.to_ascii_lowercase()).or_insert(effect);
        if *known != effect {
            *known = None;
        }
    }
}

/// What a specification declares. A word that has to do with addresses is not taken for a function of its inputs.
fn effect_of(spec: &Spec) -> Option<WordEffect> {
    let is_address = |ty: CellType| matches!(ty, CellType::Addr | CellType::Any);
    let params = spec.inputs.iter().chain(&spec.outputs);
    let flags = spec.outputs.iter().take(32).enumerate();
    let flags = flags.fold(0, |bits, (at, output)| bits | (u32::from(output.ty == CellType::Bool) << at));
    Some(WordEffect {
        n_in: u8::try_from(spec.inputs.len()).ok()?,
        n_out: u8::try_from(spec.outputs.len()).ok()?,
        flags,
        pure: !spec.outputs.is_empty() && !params.into_iter().any(|param| is_address(param.ty)),
    })
}

/// Whether more words could help.
pub fn is_unknown_word(error: &EffectError) -> bool {
    matches!(error.kind, ErrorKind::UnknownWord)
}
