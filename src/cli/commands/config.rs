//! `wordmill config`: the settings and where they come from.

use crate::cli::args::MessageFormat;
use crate::cli::output::{BOLD, DIM};
use crate::cli::{Exit, context::Context};
use crate::config::{Origin, Setting, Value};
use std::io::Write;

/// Show the settings and where they come from
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Print every setting with its value and origin
    ///
    /// The output is a valid config.toml: each line is followed by a comment that says where the value comes from, a
    /// flag, the environment, a line of a file, or the default.
    ///
    /// Examples:
    ///   wordmill config show
    ///   WORDMILL_COLOR=never wordmill config show
    ///   wordmill --no-config config show --message-format json
    #[command(verbatim_doc_comment)]
    Show,
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let Action::Show = args.action;
    let settings = context.settings.clone();
    match context.format {
        MessageFormat::Json => {
            for (setting, value, origin) in settings.iter() {
                writeln!(context.out, "{}", to_json(setting, value, origin))?;
            }
        }
        MessageFormat::Human | MessageFormat::Github => show(context, settings.iter())?,
    }
    Ok(Exit::Good)
}

fn show<'a>(
    context: &mut Context,
    settings: impl Iterator<Item = (&'static Setting, &'a Value, &'a Origin)>,
) -> std::io::Result<()> {
    writeln!(context.out, "{BOLD}[wordmill]{BOLD:#}")?;
    let mut last_table = "wordmill";
    for (setting, value, origin) in settings {
        let (table, key) = setting.name.split_once('.').unwrap_or(("", setting.name));
        if table != last_table {
            writeln!(context.out, "\n{BOLD}[{table}]{BOLD:#}")?;
            last_table = table;
        }
        let line = format!("{key} = {value}");
        writeln!(context.out, "{line:<44} {DIM}# {origin}{DIM:#}")?;
    }
    Ok(())
}

fn to_json(setting: &Setting, value: &Value, origin: &Origin) -> serde_json::Value {
    serde_json::json!({
        "setting": setting.name,
        "value": value.to_json(),
        "origin": origin.to_string(),
        "variable": setting.variable,
        "help": setting.help,
    })
}
