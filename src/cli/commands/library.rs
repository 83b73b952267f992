//! `wordmill library`: verified words become a frozen library that later searches compose over.

use crate::cli::context::Context;
use crate::cli::{Exit, text};
use crate::config::{Key, Settings};
use crate::synth::frozen::Frozen;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The code of the note that a program says more than it explains.
const OVERFIT_RISK: &str = "WM075";

/// Freeze verified words, for later searches to compose over
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Make a library from the verified words of earlier runs
    ///
    /// Reads outcomes.jsonl of one or several runs and keeps the words that are verified, are not marked
    /// `overfit-risk`, compile by themselves, take one or two cells and leave one. Held-out scores are not looked at.
    /// `wordmill run --library FILE` then composes over them; the hash of the file is part of what an outcome depends
    /// on. The same words give the same file, whatever their order.
    ///
    /// Examples:
    ///   wordmill library build wordmill-out --to words.jsonl
    ///   wordmill library build monday tuesday/outcomes.jsonl --to words.jsonl
    ///   wordmill run specs --library words.jsonl
    #[command(verbatim_doc_comment)]
    Build {
        /// outcomes.jsonl, or the folder of results that holds it
        #[arg(value_name = "OUTCOMES", required = true)]
        outcomes: Vec<PathBuf>,
        /// The file that is written
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let Action::Build { outcomes, to } = &args.action;
    let mut found = Vec::new();
    for path in outcomes {
        verified(path, &mut found)?;
    }
    if found.is_empty() {
        context.note("no verified word found");
        return Ok(Exit::Nothing);
    }
    let n_found = found.len();
    let (frozen, left_out) = Frozen::build(found);
    for one in &left_out {
        tracing::info!(word = one.word, reason = one.reason, "left out");
    }
    crate::durable::write(to, frozen.to_text().as_bytes())
        .with_context(|| format!("cannot write {}", to.display()))?;
    context.note(&format!(
        "{} of {} in {}{}",
        text::number(frozen.words().len() as u64),
        text::count(n_found as u64, "verified word"),
        to.display(),
        if left_out.is_empty() { "" } else { "; -v tells why the others are left out" }
    ));
    Ok(Exit::Good)
}

/// Adds name and code of the verified words of a run.
fn verified(path: &Path, found: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    let path = if path.is_dir() { path.join("outcomes.jsonl") } else { path.to_owned() };
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    for (number, line) in (1..).zip(text.lines()) {
        let outcome: serde_json::Value = serde_json::from_str(line)
            .with_context(|| format!("{}:{number} is no outcome", path.display()))?;
        if outcome.get("status").is_none() {
            bail!("{}:{number} is no outcome: it has no `status`", path.display());
        }
        let is_doubtful = outcome["diagnostics"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["code"] == OVERFIT_RISK));
        if outcome["status"] == "verified"
            && !is_doubtful
            && let (Some(word), Some(code)) = (outcome["word"].as_str(), outcome["code"].as_str())
        {
            found.push((word.to_owned(), code.to_owned()));
        }
    }
    Ok(())
}

/// The library that the settings name.
pub fn frozen(settings: &Settings) -> anyhow::Result<Option<Arc<Frozen>>> {
    let path = settings.text(Key::SearchLibrary);
    if path.is_empty() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the library {path}"))?;
    let frozen = Frozen::from_text(&text).with_context(|| format!("cannot use the library {path}"))?;
    Ok(Some(Arc::new(frozen)))
}
