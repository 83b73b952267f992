//! `wordmill explain`: what a diagnostic code means.

use crate::cli::args::MessageFormat;
use crate::cli::output::{BOLD, DIM};
use crate::cli::{Exit, codes, context::Context};
use crate::config::nearest;
use crate::model::CodeEntry;
use anyhow::bail;
use std::io::Write;

/// Tell what a diagnostic code means and how to mend it
///
/// Without a code, lists all of them.
///
/// Examples:
///   wordmill explain WM095
///   wordmill explain 95
///   wordmill explain --message-format json
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The code, as it stands in a diagnostic: WM012, wm12 or 12
    code: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    match &args.code {
        None => list(context),
        Some(text) => explain(find(text)?, context),
    }
}

fn find(text: &str) -> anyhow::Result<&'static CodeEntry> {
    if let Some(entry) = codes::parse(text).and_then(codes::find) {
        return Ok(entry);
    }
    let names: Vec<String> = codes::all().map(|(_, entry)| entry.code.to_string()).collect();
    match nearest(text, names.iter().map(String::as_str)) {
        Some(near) => bail!("no diagnostic has the code `{text}`; did you mean {near}?"),
        None => bail!("no diagnostic has the code `{text}`; `wordmill explain` lists all of them"),
    }
}

fn list(context: &mut Context) -> anyhow::Result<Exit> {
    let mut last_room = "";
    for (room, entry) in codes::all() {
        if context.format == MessageFormat::Json {
            writeln!(context.out, "{}", to_json(entry))?;
            continue;
        }
        if room.room != last_room {
            let gap = if last_room.is_empty() { "" } else { "\n" };
            writeln!(context.out, "{gap}{DIM}{}{DIM:#}", room.room)?;
            last_room = room.room;
        }
        writeln!(context.out, "{BOLD}{}{BOLD:#}  {}", entry.code, entry.title)?;
    }
    Ok(Exit::Good)
}

fn explain(entry: &CodeEntry, context: &mut Context) -> anyhow::Result<Exit> {
    if context.format == MessageFormat::Json {
        writeln!(context.out, "{}", to_json(entry))?;
    } else {
        writeln!(
            context.out,
            "{BOLD}{}: {}{BOLD:#}\n\n{}",
            entry.code,
            entry.title,
            entry.explanation.trim_end()
        )?;
    }
    Ok(Exit::Good)
}

fn to_json(entry: &CodeEntry) -> serde_json::Value {
    serde_json::json!({ "code": entry.code, "title": entry.title, "explanation": entry.explanation })
}
