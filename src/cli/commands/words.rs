//! `wordmill words`: the words that the engine knows.

use super::infer::WordArgs;
use crate::cli::Exit;
use crate::cli::args::MessageFormat;
use crate::cli::context::Context;
use crate::cli::message::{self, visible};
use crate::cli::output::{BAD, BOLD, DIM};
use crate::cli::words::CorpusWords;
use crate::effect::{NoWords, Scratch, WordEnv, told};
use crate::forth::words::{WORDS, lookup};
use std::io::Write;

/// Look words up: what each does to the stack
///
/// Without a word, lists all that the engine knows. Names that are not in the standard are looked up in the corpus. Exit
/// code 1 when a word is unknown; names that are written alike are told. A word that looks like a flag stands behind `--`.
///
/// Examples:
///   wordmill words rot mod within
///   wordmill words -- -rot -
///   wordmill words
///   wordmill words gcd --corpus corpus/specs --message-format json
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The words
    #[arg(value_name = "WORD", allow_negative_numbers = true)]
    names: Vec<String>,
    #[command(flatten)]
    words: WordArgs,
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let all = || WORDS.iter().map(|row| row.name.to_owned()).filter(|name| !name.starts_with(' '));
    let names: Vec<String> = if args.names.is_empty() { all().collect() } else { args.names.clone() };
    match names.iter().all(|name| lookup(name.as_bytes()).is_some()) {
        true => tell(&names, &NoWords, context),
        false => tell(&names, &CorpusWords::read(&args.words.corpus, context)?, context),
    }
}

fn tell(names: &[String], env: &dyn WordEnv, context: &mut Context) -> anyhow::Result<Exit> {
    let mut scratch = Scratch::new();
    let mut exit = Exit::Good;
    for name in names {
        let told = told::word_json(name, env, &mut scratch);
        let text = |field: &str| visible(told[field].as_str().unwrap_or(""));
        if told["known"] == false {
            exit = Exit::Bad;
        }
        if context.format == MessageFormat::Json {
            context.out.write_all(message::json(&told).as_bytes())?;
        } else if told["known"] == true {
            let (word, effect, what) = (text("word"), text("effect"), text("what"));
            writeln!(context.out, "{BOLD}{word:<18}{BOLD:#} {effect:<28} {DIM}{what}{DIM:#}")?;
        } else {
            let similar: Vec<&str> =
                told["similar"].as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
            let hint = match similar.as_slice() {
                [] => String::new(),
                names => format!("; did you mean {}?", visible(&names.join(" or "))),
            };
            writeln!(context.out, "{BOLD}{}{BOLD:#}: {BAD}unknown{BAD:#}{hint}", visible(name))?;
        }
    }
    Ok(exit)
}
