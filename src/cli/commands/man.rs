//! `wordmill man`: one manual page for all commands.

use crate::cli::args;
use crate::cli::{Exit, context::Context};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::io::Write;

/// Write the manual page, in roff
///
/// Examples:
///   wordmill man | man -l -
///   wordmill man > /usr/local/share/man/man1/wordmill.1
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {}

/// Runs the command.
pub fn run(Args {}: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let mut page = Vec::new();
    write_page(&mut page)?;
    context.out.write_all(&page)?;
    Ok(Exit::Good)
}

fn write_page(page: &mut Vec<u8>) -> std::io::Result<()> {
    let mut root = args::command();
    root.build();
    let man = Man::new(root.clone()).section("1");
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    commands(&root, "wordmill", &mut roff);
    roff.to_writer(page)?;
    man.render_extra_section(page)?;
    man.render_version_section(page)
}

/// Every command that does something, with its whole help, depth first.
fn commands(command: &clap::Command, path: &str, roff: &mut Roff) {
    for sub in command.get_subcommands() {
        let path = format!("{path} {}", sub.get_name());
        if sub.has_subcommands() {
            commands(sub, &path, roff);
            continue;
        }
        let mut sub = sub.clone();
        let usage = sub.render_usage().to_string();
        roff.control("SS", [path.as_str()]);
        roff.text([bold(usage.trim_start_matches("Usage: ").to_owned())]);
        let about = sub.get_long_about().or(sub.get_about()).map(ToString::to_string).unwrap_or_default();
        // Examples are indented: keep their lines as they are.
        roff.control("nf", []);
        about.lines().for_each(|line| {
            roff.text([roman(if line.is_empty() { " " } else { line })]);
        });
        roff.control("fi", []);
        for arg in sub.get_arguments().filter(|arg| !is_everywhere(arg)) {
            roff.control("TP", []);
            roff.text([bold(arg.to_string())]);
            let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
            roff.text([roman(help.replace('\n', " "))]);
        }
    }
}

/// Whether an argument is one that every command has.
fn is_everywhere(arg: &clap::Arg) -> bool {
    arg.is_global_set() || arg.is_hide_set() || matches!(arg.get_id().as_str(), "help" | "version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command() {
        let mut page = Vec::new();
        write_page(&mut page).expect("memory");
        let page = String::from_utf8(page).expect("UTF-8");
        assert!(page.contains(".TH wordmill 1"));
        for needle in ["wordmill explain", "wordmill config show", "wordmill completions", "Exit codes"] {
            assert!(page.contains(needle), "{needle} is not in the page");
        }
    }
}
