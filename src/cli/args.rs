//! The arguments, as clap reads them: raw, unresolved.

use super::commands;
use crate::config::{Key, Layer, Origin, Value};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};

/// Turns specifications of Forth words into verified Forth code, in bulk.
///
/// A specification says a word's name, its stack effect, its properties and its test cases; wordmill finds code for it
/// from templates and by search, runs every test on an embedded Forth, and writes down what it proved.
#[derive(Parser, Debug)]
#[command(name = "wordmill", version, max_term_width = 110, after_long_help = AFTER)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Exit codes:
  0    all is well: every specification is verified, or what --fail-on asks for holds
  1    some specification is not verified, some test failed, some effect does not hold
  2    usage, configuration or I/O
  4    nothing was selected
  101  a bug of wordmill
  130  interrupted (143 for SIGTERM)

Settings come from flags, then the environment (WORDMILL_…), then config.toml of the project (the nearest one
upwards that has a table [wordmill]), then config.toml of the user, then the defaults.
`wordmill config show` prints each one and where it comes from.";

/// Options of every command.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Read settings from this file instead of the project's and the user's config.toml.
    #[arg(long, global = true, value_name = "FILE", env = "WORDMILL_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,
    /// Read no config.toml at all.
    #[arg(long, global = true, conflicts_with = "config")]
    pub no_config: bool,
    /// How diagnostics and listings are written.
    #[arg(long, global = true, value_name = "FORMAT")]
    pub message_format: Option<MessageFormat>,
    /// How log lines are written to standard error.
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// When to colour; auto heeds NO_COLOR and CLICOLOR_FORCE.
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<Color>,
    /// Say less: no progress, no summary, only errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more; twice for much more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl Global {
    /// What the flags say, as the strongest layer of settings.
    pub fn layer(&self) -> Layer {
        let mut flags = Flags::default();
        flags.choice(Key::OutputColor, "--color", self.color);
        flags.choice(Key::OutputMessageFormat, "--message-format", self.message_format);
        flags.choice(Key::OutputLogFormat, "--log-format", self.log_format);
        flags.0
    }
}

/// Collects what the flags of a command say.
#[derive(Default)]
pub struct Flags(pub Layer);

impl Flags {
    /// A flag that was given, or not.
    pub fn set(&mut self, key: Key, flag: &'static str, value: Option<Value>) {
        self.0.extend(value.map(|value| (key, value, Origin::Flag(flag))));
    }

    /// A flag that takes one path.
    pub fn path(&mut self, key: Key, flag: &'static str, path: Option<&Path>) {
        self.set(key, flag, path.map(|path| Value::Text(path.to_string_lossy().into_owned())));
    }

    /// A flag that takes paths; none given says nothing.
    pub fn paths(&mut self, key: Key, flag: &'static str, paths: &[PathBuf]) {
        let list = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        self.set(key, flag, (!paths.is_empty()).then_some(Value::List(list)));
    }

    /// A flag with a few choices.
    pub fn choice(&mut self, key: Key, flag: &'static str, value: Option<impl ValueEnum>) {
        let name = value.and_then(|value| value.to_possible_value()).map(|value| value.get_name().to_owned());
        self.set(key, flag, name.map(Value::Text));
    }
}

/// How diagnostics are written.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MessageFormat {
    /// For people: source line, mark, suggestion.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
    /// Workflow commands of GitHub Actions, shown beside the line in a pull request.
    Github,
}

/// What makes the exit code of `run` and `merge` 1.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailOn {
    /// Any specification that is not verified, but for those tagged `expect:unsolved`.
    Any,
    /// Only what was verified by the last run and is not now.
    Regression,
    /// Nothing.
    Never,
}

/// How log lines are written.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// When to colour.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Color {
    /// On a terminal, unless the environment says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Subcommand, Debug)]
#[command(disable_help_subcommand = true)]
#[allow(missing_docs, reason = "each variant takes its help from the documentation of its arguments")]
pub enum Command {
    Run(commands::run::Args),
    Watch(commands::watch::Args),
    Daemon(commands::daemon::Args),
    Check(commands::check::Args),
    Import(commands::import::Args),
    Infer(commands::infer::Args),
    Verify(commands::verify::Args),
    Compose(commands::compose::Args),
    Words(commands::words::Args),
    Judge(commands::judge::Args),
    Generate(commands::generate::Args),
    Dataset(commands::dataset::Args),
    Forth(commands::forth::Args),
    Templates(commands::templates::Args),
    Library(commands::library::Args),
    Corpus(commands::corpus::Args),
    Shard(commands::shard::Args),
    Merge(commands::merge::Args),
    Explain(commands::explain::Args),
    Schema(commands::schema::Args),
    Config(commands::config::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
}

impl Command {
    /// What the flags of the command say about settings.
    pub fn layer(&self) -> Layer {
        match self {
            Command::Run(args) => args.layer(),
            Command::Watch(args) => args.layer(),
            Command::Daemon(args) => args.layer(),
            Command::Check(args) => args.layer(),
            Command::Templates(args) => args.layer(),
            Command::Corpus(args) => args.layer(),
            Command::Shard(args) => args.layer(),
            Command::Judge(args) => args.layer(),
            Command::Merge(args) => args.layer(),
            _ => Layer::new(),
        }
    }
}

/// The whole command line. Paragraphs of the help are joined, so that they wrap at the width of the terminal; examples,
/// which are indented, keep their lines.
pub fn command() -> clap::Command {
    with_joined_paragraphs(<Cli as clap::CommandFactory>::command())
}

fn with_joined_paragraphs(command: clap::Command) -> clap::Command {
    let about = command.get_long_about().map(|about| joined_paragraphs(&about.to_string()));
    let command = match about {
        Some(about) => command.long_about(about),
        None => command,
    };
    command.mut_subcommands(with_joined_paragraphs)
}

fn joined_paragraphs(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let goes_on = |line: &str| !line.is_empty() && !line.starts_with(' ');
    for line in text.lines() {
        let before = joined.rsplit('\n').next().unwrap_or("");
        if goes_on(before) && goes_on(line) {
            joined.push(' ');
        } else if !joined.is_empty() {
            joined.push('\n');
        }
        joined.push_str(line);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn paragraphs_are_joined_and_examples_are_not() {
        assert_eq!(joined_paragraphs("a b\nc\n\nExamples:\n  x\n  y\n"), "a b c\n\nExamples:\n  x\n  y");
    }

    #[test]
    fn clap_agrees_with_itself() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_a_long_help_with_examples() {
        fn check(command: &clap::Command) {
            for sub in command.get_subcommands() {
                let long = sub.clone().render_long_help().to_string();
                let has_children = sub.has_subcommands();
                assert!(has_children || long.contains("Examples:"), "{}: {long}", sub.get_name());
                check(sub);
            }
        }
        check(&Cli::command());
    }
}
