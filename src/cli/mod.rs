//! The command line: arguments and `config.toml` become resolved options, rooms are wired, results are printed.
//!
//! Nothing else in the crate prints. Results go to standard output, everything else to standard error. `anyhow` stays in
//! here: rooms have typed errors, and only this room turns them into a message and an exit code.

pub mod args;
pub mod context;
pub mod message;
pub mod output;
pub mod table;
pub mod text;

pub mod commands;

pub mod file_map;
pub mod forth_error;
pub mod repl;

pub mod api;
pub mod archive;
pub mod control;
pub mod judging;
pub mod live_view;
pub mod out_lock;
pub mod running;
pub mod service_manager;
pub mod watch_host;
pub mod watch_signals;
pub mod words;

pub mod codes;
#[cfg(feature = "flamegraph")]
pub mod flamegraph;
pub mod log;
pub mod progress;
pub mod signals;

use anyhow::Context as _;
use args::{Cli, Command};
use clap::FromArgMatches;
use context::Context;
use std::process::ExitCode;

/// How a command ended, where it did not fail. Failures of the environment are errors and end with 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// All is well: 0.
    Good,
    /// Some specification is not verified, some test failed, some effect does not hold: 1.
    Bad,
    /// Nothing was selected: 4.
    Nothing,
    /// A signal ended the work: 128 and its number.
    Signal(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Good => 0,
            Exit::Bad => 1,
            Exit::Nothing => 4,
            Exit::Signal(signal) => 128 + signal,
        })
    }
}

/// Usage, configuration or I/O.
const FAILED: u8 = 2;

/// The number of the signal for writing to a closed pipe.
const SIGPIPE: u8 = 13;

/// Parses the arguments, runs the command and returns its exit code.
pub fn main() -> ExitCode {
    output::choose_early(std::env::args_os());
    let parsed = args::command().try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no reason to fail: `wordmill --help | head -1`.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let judges = !matches!(
        cli.command,
        Command::Man(_)
            | Command::Completions(_)
            | Command::Explain(_)
            | Command::Config(_)
            | Command::Schema(_)
    );
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(error) if is_closed_pipe(&error) && !judges => ExitCode::SUCCESS,
        // Nobody learns the verdict: end as a program that the closed pipe killed.
        Err(error) if is_closed_pipe(&error) => ExitCode::from(128 + SIGPIPE),
        Err(error) => {
            if !error.is::<context::Told>() {
                output::complain(&error);
            }
            ExitCode::from(FAILED)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    let mut context = Context::new(&cli)?;
    let exit = dispatch(&cli.command, &mut context)?;
    context.finish().context("cannot write to standard output")?;
    Ok(exit)
}

fn dispatch(command: &Command, context: &mut Context) -> anyhow::Result<Exit> {
    use commands::*;
    match command {
        Command::Run(args) => run::run(args, context),
        Command::Watch(args) => watch::run(args, context),
        Command::Daemon(args) => daemon::run(args, context),
        Command::Check(args) => check::run(args, context),
        Command::Import(args) => import::run(args, context),
        Command::Infer(args) => infer::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Compose(args) => compose::run(args, context),
        Command::Words(args) => words::run(args, context),
        Command::Judge(args) => judge::run(args, context),
        Command::Generate(args) => generate::run(args, context),
        Command::Dataset(args) => dataset::run(args, context),
        Command::Templates(args) => templates::run(args, context),
        Command::Library(args) => library::run(args, context),
        Command::Corpus(args) => corpus::run(args, context),
        Command::Shard(args) => shard::run(args, context),
        Command::Merge(args) => merge::run(args, context),
        Command::Forth(args) => forth::run(args, context),
        Command::Explain(args) => explain::run(args, context),
        Command::Schema(args) => schema::run(args, context),
        Command::Config(args) => config::run(args, context),
        Command::Completions(args) => completions::run(args, context),
        Command::Man(args) => man::run(args, context),
    }
}

/// Whether the reader of our output went away, as in `wordmill schema | head -1`.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(closed))
}
