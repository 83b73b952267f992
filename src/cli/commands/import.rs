//! `wordmill import`: Forth test files become specifications.

use crate::cli::context::Context;
use crate::cli::{Exit, text};
use crate::import::{self, Import};
use crate::model::Severity;
use anyhow::Context as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Most bytes of one file: far beyond any test file.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Turn Forth test files into specifications
///
/// Reads files with tests as ttester and the Hayes tester have them, T{ 5 square -> 25 }T or { 5 square -> 25 }, and
/// writes one specification for each tested word as a line of JSON. The word under test is the last one before the
/// arrow; numbers, characters, flags, strings, constants of the file and arithmetic on them are its inputs and
/// outputs. T{ 1 0 ' divide CATCH NIP NIP -> -10 }T becomes a test of an exception. A word that the file defines gets
/// its definition, with every helper that it needs, as the code to judge; the others are left to the search. A stack
/// comment gives names and types.
///
/// Nothing of the files is run. What cannot become a specification is told on standard error with file, line and
/// column, and costs nothing else; then the exit code is 1. It is 4 when there was no test at all.
///
/// Examples:
///   wordmill import tests.fs > specs.jsonl
///   wordmill import tests/*.fth > specs.jsonl && wordmill run specs.jsonl
///   wordmill import -q tests.fs | wc -l                how many words are tested
///   echo 'T{ 2 square -> 4 }T' | wordmill import -
///
///   $ cat square.fs
///   : square ( n -- n*n ) dup * ;
///   T{ 5 square -> 25 }T
///   T{ -3 square -> 9 }T
///   $ wordmill import square.fs
///   {"word":"square","stack_effect":{"inputs":[{"name":"n","type":"int"}], …
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Forth test files; - is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let (mut n_specs, mut n_tests, mut n_imported, mut is_whole) = (0, 0, 0, true);
    for path in &args.files {
        let (name, bytes) = read(path)?;
        let Import { specs, diagnostics, n_tests: n_here } = import::import(&bytes, &name);
        for diagnostic in &diagnostics {
            let is_error = diagnostic.severity == Severity::Error;
            is_whole &= !is_error;
            if is_error || !context.quiet {
                context.complain(diagnostic);
            }
        }
        n_tests += n_here as u64;
        for spec in &specs {
            n_specs += 1;
            n_imported += spec.n_tests as u64;
            writeln!(context.out, "{}", spec.line)?;
        }
    }
    if n_tests == 0 {
        context.note("no test found: a test is T{ 5 square -> 25 }T");
        return Ok(if is_whole { Exit::Nothing } else { Exit::Bad });
    }
    let mut summary = format!(
        "{} from {} of {}",
        text::count(n_specs, "specification"),
        text::number(n_imported),
        text::count(n_tests, "test")
    );
    if n_imported < n_tests {
        summary += &format!(", {} passed over", text::number(n_tests - n_imported));
    }
    context.note(&summary);
    Ok(if is_whole { Exit::Good } else { Exit::Bad })
}

fn read(path: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
        anyhow::ensure!(bytes.len() as u64 <= FILE_BYTES_MAX, "standard input is longer than 64 MiB");
        return Ok(("-".to_owned(), bytes));
    }
    let failed = || format!("cannot read {}", path.display());
    let file = std::fs::File::open(path).with_context(failed)?;
    anyhow::ensure!(file.metadata().with_context(failed)?.is_file(), "{} is not a file", path.display());
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(failed)?;
    anyhow::ensure!(bytes.len() as u64 <= FILE_BYTES_MAX, "{} is longer than 64 MiB", path.display());
    Ok((path.to_string_lossy().into_owned(), bytes))
}
