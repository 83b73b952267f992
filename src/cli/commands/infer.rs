//! `wordmill infer`: the stack effect of code.

use crate::cli::Exit;
use crate::cli::args::MessageFormat;
use crate::cli::context::Context;
use crate::cli::message;
use crate::cli::output::BOLD;
use crate::cli::words::{CorpusWords, is_unknown_word};
use crate::effect::{self, Effect, NoWords, Scratch, WordEnv, told};
use std::io::Write;
use std::path::PathBuf;

/// Infer the stack effect of Forth code, symbolically
///
/// The code is bare words or whole programs, with comments as Forth reads them. Control flow, the return stack, locals,
/// recursion, quotations, CATCH and words made by CREATE … DOES> are followed. Words that are not in the standard are
/// looked up in the corpus. Exit code 1 when there is no effect; the finding says where and, if one edit mends it, how.
///
/// Examples:
///   wordmill infer "dup * swap +"
///   wordmill infer ": max3 ( a b c -- m ) max max ;"
///   wordmill infer "gcd gcd" --corpus corpus/specs
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Forth code
    #[arg(allow_hyphen_values = true)]
    code: String,
    #[command(flatten)]
    words: WordArgs,
}

/// Where words that are not in the standard come from.
#[derive(clap::Args, Debug)]
pub struct WordArgs {
    /// Take words that are not in the standard from these specifications or archives, instead of `run.paths`
    #[arg(long = "corpus", value_name = "PATH")]
    pub corpus: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let mut scratch = Scratch::new();
    if let Err(error) = effect::infer(&args.code, &NoWords, &mut scratch)
        && is_unknown_word(&error)
    {
        return infer(&args.code, &CorpusWords::read(&args.words.corpus, context)?, context);
    }
    infer(&args.code, &NoWords, context)
}

fn infer(code: &str, env: &dyn WordEnv, context: &mut Context) -> anyhow::Result<Exit> {
    let mut scratch = Scratch::new();
    match effect::infer(code, env, &mut scratch) {
        Ok(effect) => {
            for warning in effect.warnings(env) {
                context.emit(&warning.to_diagnostic(code))?;
            }
            tell(effect, context)?;
            Ok(Exit::Good)
        }
        Err(error) => {
            let (diagnostic, _) = effect::diagnose(code, env, &error);
            context.emit(&diagnostic)?;
            Ok(Exit::Bad)
        }
    }
}

/// Writes the effect of each definition, or the one of bare code.
fn tell(effect: Effect<'_>, context: &mut Context) -> std::io::Result<()> {
    let mut definitions: Vec<Effect<'_>> = effect.definitions().collect();
    if definitions.is_empty() {
        definitions.push(effect);
    }
    for effect in definitions {
        if context.format == MessageFormat::Json {
            context.out.write_all(message::json(&told::effect_json(&effect)).as_bytes())?;
            continue;
        }
        let text = message::visible(&effect.render());
        match effect.name() {
            Some(name) => writeln!(context.out, "{BOLD}{}{BOLD:#} {text}", message::visible(name))?,
            None => writeln!(context.out, "{text}")?,
        }
    }
    Ok(())
}
