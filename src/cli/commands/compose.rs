//! `wordmill compose`: the effect of words one after the other.

use super::infer::WordArgs;
use crate::cli::args::MessageFormat;
use crate::cli::context::Context;
use crate::cli::words::{CorpusWords, is_unknown_word};
use crate::cli::{Exit, message};
use crate::effect::{self, NoWords, Scratch, WordEnv, told};
use std::io::Write;

/// Compose the stack effects of words, symbolically
///
/// Words of the standard, numbers, and words of the corpus. A word that looks like a flag stands behind `--`.
///
/// Examples:
///   wordmill compose dup '*' swap +
///   wordmill compose square square
///   wordmill compose -- -rot - abs
///   wordmill compose gcd abs --corpus corpus/specs
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Words, in the order in which they run
    #[arg(value_name = "WORD", required = true, allow_negative_numbers = true)]
    sequence: Vec<String>,
    #[command(flatten)]
    words: WordArgs,
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let sequence: Vec<&str> = args.sequence.iter().flat_map(|words| words.split_whitespace()).collect();
    if let Err(error) = effect::compose(&sequence, &NoWords, &mut Scratch::new())
        && is_unknown_word(&error)
    {
        return compose(&sequence, &CorpusWords::read(&args.words.corpus, context)?, context);
    }
    compose(&sequence, &NoWords, context)
}

fn compose(sequence: &[&str], env: &dyn WordEnv, context: &mut Context) -> anyhow::Result<Exit> {
    let mut scratch = Scratch::new();
    if let Ok(effect) = effect::compose(sequence, env, &mut scratch) {
        if context.format == MessageFormat::Json {
            context.out.write_all(message::json(&told::effect_json(&effect)).as_bytes())?;
        } else {
            writeln!(context.out, "{}", message::visible(&effect.render()))?;
        }
        return Ok(Exit::Good);
    }
    // The same words as text: then the finding has a line to show.
    let code = sequence.join(" ");
    match effect::infer(&code, env, &mut scratch) {
        Ok(effect) => {
            writeln!(context.out, "{}", message::visible(&effect.render()))?;
            Ok(Exit::Good)
        }
        Err(error) => {
            let (diagnostic, _) = effect::diagnose(&code, env, &error);
            context.emit(&diagnostic)?;
            Ok(Exit::Bad)
        }
    }
}
