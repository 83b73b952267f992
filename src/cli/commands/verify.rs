//! `wordmill verify`: whether code has the effect that is claimed.

use super::infer::WordArgs;
use crate::cli::args::MessageFormat;
use crate::cli::context::{Context, Told};
use crate::cli::output::{BAD, DIM, GOOD};
use crate::cli::words::{CorpusWords, is_unknown_word};
use crate::cli::{Exit, message};
use crate::effect::{self, NoWords, Scratch, Verdict, Verification, WordEnv, codes, told};
use std::io::Write;

/// Check whether Forth code has the stack effect that is claimed
///
/// The counts of inputs and outputs must agree. Where outputs are named after inputs, or are expressions over them, the
/// values must agree too: `swap` is not ( a b -- a b ). Exit code 1 when the claim does not hold.
///
/// Examples:
///   wordmill verify "dup *" "( n -- n*n )"
///   wordmill verify "swap" "a b -- b a"
///   wordmill verify ": square dup * ;" "( n -- n² )"
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Forth code
    #[arg(allow_hyphen_values = true)]
    code: String,
    /// The effect in stack notation, with or without parentheses
    #[arg(allow_hyphen_values = true)]
    effect: String,
    #[command(flatten)]
    words: WordArgs,
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    if let Ok(Err(error)) = effect::verify(&args.code, &args.effect, &NoWords, &mut Scratch::new())
        && is_unknown_word(&error)
    {
        return verify(args, &CorpusWords::read(&args.words.corpus, context)?, context);
    }
    verify(args, &NoWords, context)
}

fn verify(args: &Args, env: &dyn WordEnv, context: &mut Context) -> anyhow::Result<Exit> {
    let mut scratch = Scratch::new();
    match effect::verify(&args.code, &args.effect, env, &mut scratch) {
        Err(error) => {
            context.complain(&told::notation_diagnostic(&args.effect, &error));
            Err(Told.into())
        }
        Ok(Err(error)) => {
            let (diagnostic, _) = effect::diagnose(&args.code, env, &error);
            context.emit(&diagnostic)?;
            Ok(Exit::Bad)
        }
        Ok(Ok(verification)) => {
            tell(&verification, &args.effect, context)?;
            Ok(if verification.verdict == Verdict::Agrees { Exit::Good } else { Exit::Bad })
        }
    }
}

fn tell(verification: &Verification<'_>, claim: &str, context: &mut Context) -> std::io::Result<()> {
    let got = verification.effect.render();
    if context.format == MessageFormat::Json {
        let told = told::verification_json(verification, claim);
        return context.out.write_all(message::json(&told).as_bytes());
    }
    let (claim, got) = (message::visible(claim), message::visible(&got));
    let out = &mut context.out;
    match verification.verdict {
        Verdict::Agrees => writeln!(out, "{GOOD}holds{GOOD:#}: {got}")?,
        Verdict::CountsDiffer | Verdict::OutputsDiffer => {
            let counts = verification.verdict == Verdict::CountsDiffer;
            let code = if counts { codes::COUNTS_DIFFER } else { codes::OUTPUTS_DIFFER };
            writeln!(out, "{BAD}does not hold{BAD:#} [{code}]\n  claimed  {claim}\n  is       {got}")?;
        }
    }
    for difference in &verification.differences {
        let (expected, got) = (message::visible(&difference.expected), message::visible(&difference.got));
        writeln!(out, "  output {} is {got}, not {expected}", difference.output + 1)?;
        if let Some((inputs, claimed, real)) = &difference.example {
            let inputs: Vec<String> = inputs.iter().map(ToString::to_string).collect();
            writeln!(out, "    {DIM}for{DIM:#} {}: {real}, not {claimed}", inputs.join(" "))?;
        }
    }
    if verification.verdict == Verdict::Agrees && got.contains(" ? ") {
        writeln!(
            out,
            "  {DIM}branches are compared on samples of the inputs: not refuted, not proven{DIM:#}"
        )?;
    }
    let unchecked = verification.unchecked.count_ones() as usize;
    if verification.verdict == Verdict::Agrees && unchecked > 0 {
        let n = unchecked.min(verification.notation.n_out());
        if n > 0 {
            writeln!(
                out,
                "  {DIM}{n} of {} outputs are mere names: only counted{DIM:#}",
                verification.notation.n_out()
            )?;
        }
    }
    Ok(())
}
