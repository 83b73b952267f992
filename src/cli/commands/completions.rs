//! `wordmill completions`: completion scripts.

use crate::cli::args::Cli;
use crate::cli::{Exit, context::Context};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;

/// Write a completion script for a shell
///
/// Examples:
///   wordmill completions bash > /etc/bash_completion.d/wordmill
///   wordmill completions zsh > "${fpath[1]}/_wordmill"
///   wordmill completions fish > ~/.config/fish/completions/wordmill.fish
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Which shell
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    // Into memory first: clap_complete panics where the reader goes away.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "wordmill", &mut script);
    context.out.write_all(&script)?;
    Ok(Exit::Good)
}
