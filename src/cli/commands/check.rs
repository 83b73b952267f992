//! `wordmill check`: diagnose specifications, run nothing.

use crate::cli::args::Flags;
use crate::cli::context::Context;
use crate::cli::{Exit, text};
use crate::config::{Key, Layer};
use crate::model::{Diagnostic, Place, Severity};
use crate::spec::{self, Entry, SourceFile};
use anyhow::bail;
use rustc_hash::FxHashMap;
use std::path::PathBuf;

/// Diagnose specifications, run nothing
///
/// Reads files and folders of specifications (.json, .jsonl, plain or gzipped; ignore files are respected) and tells
/// what is wrong or doubtful in them, with file, line, column and a suggestion. Held-out files beside them are read
/// too. Exit code 1 when a specification cannot be run; warnings do not count.
///
/// Examples:
///   wordmill check corpus/specs
///   wordmill check specs.jsonl --message-format json
///   wordmill check specs --message-format github      in a workflow
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Files and folders; without any, `run.paths` of the settings
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

impl Args {
    /// What the flags say about settings.
    pub fn layer(&self) -> Layer {
        let mut flags = Flags::default();
        flags.paths(Key::RunPaths, "PATH", &self.paths);
        flags.0
    }
}

/// Runs the command.
pub fn run(_: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let paths = context.settings.paths(Key::RunPaths);
    if paths.is_empty() {
        bail!("nothing to check: name files or folders, or set `run.paths` in config.toml");
    }
    let sources = spec::find_sources(&paths)?;
    let mut check = Check { context, counts: Counts::default(), words: FxHashMap::default() };
    for diagnostic in &sources.diagnostics {
        check.tell(diagnostic)?;
    }
    for file in &sources.files {
        check.file(file, true)?;
        if let Some(heldout) = file.heldout_file() {
            check.file(&heldout?, false)?;
        }
    }
    let counts = check.counts;
    if counts.specs == 0 {
        context.note("no specification found");
        return Ok(Exit::Nothing);
    }
    context.note(&counts.summary(sources.files.len() as u64));
    Ok(if counts.invalid > 0 { Exit::Bad } else { Exit::Good })
}

#[derive(Clone, Copy, Default)]
struct Counts {
    specs: u64,
    invalid: u64,
    heldout: u64,
    warnings: u64,
}

impl Counts {
    fn summary(self, files: u64) -> String {
        let specs = text::count(self.specs, "specification");
        let mut summary =
            format!("{specs} in {}: {} valid", text::count(files, "file"), self.specs - self.invalid);
        if self.invalid > 0 {
            summary += &format!(", {} invalid", self.invalid);
        }
        if self.warnings > 0 {
            summary += &format!(", {}", text::count(self.warnings, "warning"));
        }
        if self.heldout > 0 {
            summary += &format!("; {}", text::count(self.heldout, "held-out record"));
        }
        summary
    }
}

struct Check<'c> {
    context: &'c mut Context,
    counts: Counts,
    /// Where each word was specified first.
    words: FxHashMap<String, String>,
}

impl Check<'_> {
    fn file(&mut self, file: &SourceFile, is_spec: bool) -> anyhow::Result<()> {
        let mut failed = None;
        spec::read_entries(file, &mut |entry| {
            if failed.is_none() {
                failed = self.entry(file, entry, is_spec).err();
            }
        })?;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    fn entry(&mut self, file: &SourceFile, entry: Entry, is_spec: bool) -> std::io::Result<()> {
        if is_spec {
            self.counts.specs += 1;
            self.counts.invalid += u64::from(entry.spec.is_none());
        } else {
            self.counts.heldout += 1;
        }
        for diagnostic in &entry.diagnostics {
            self.tell(diagnostic)?;
        }
        match entry.word {
            Some(word) if is_spec => self.word(word, &file.name, entry.place),
            _ => Ok(()),
        }
    }

    fn word(&mut self, word: String, file: &str, place: Place) -> std::io::Result<()> {
        let here = format!("{file}:{}", place.line);
        if let Some(first) = self.words.get(&word) {
            let message = format!("the word `{word}` is specified more than once, first at {first}");
            let code = spec::codes::DUPLICATE_WORD;
            let diagnostic = Diagnostic::new(code, Severity::Warning, message).at(Some(file), place);
            return self.tell(&diagnostic);
        }
        self.words.insert(word, here);
        Ok(())
    }

    fn tell(&mut self, diagnostic: &Diagnostic) -> std::io::Result<()> {
        self.counts.warnings += u64::from(diagnostic.severity == Severity::Warning);
        if self.context.quiet && diagnostic.severity != Severity::Error {
            return Ok(());
        }
        self.context.emit(diagnostic)
    }
}
