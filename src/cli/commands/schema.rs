//! `wordmill schema`: the JSON Schema of a specification.

use crate::cli::{Exit, context::Context};
use std::io::Write;

/// Print the JSON Schema of a specification
///
/// For editors that complete and check JSON, and for agents that write specifications.
///
/// Examples:
///   wordmill schema > wordmill.schema.json
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {}

/// Runs the command.
pub fn run(Args {}: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    writeln!(context.out, "{}", serde_json::to_string_pretty(&crate::spec::schema())?)?;
    Ok(Exit::Good)
}
