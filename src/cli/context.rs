//! What every command works with: the resolved settings and a way to write.

use super::args::{Cli, Command, MessageFormat};
use super::{log, message, output};
use crate::config::{Key, Layer, Settings, environment, file};
use crate::model::{Diagnostic, Severity};
use anyhow::Context as _;
use clap::ValueEnum;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The error of a command that has already told everything: ends with 2 and no further word.
#[derive(Debug, thiserror::Error)]
#[error("told already")]
pub struct Told;

/// Resolved settings and the streams.
pub struct Context {
    /// The settings, with their origins.
    pub settings: Settings,
    /// The configuration files that were read, the strongest first.
    pub files: Vec<PathBuf>,
    /// How diagnostics and listings are written.
    pub format: MessageFormat,
    /// Say less.
    pub quiet: bool,
    /// Say more.
    pub verbose: u8,
    /// Standard output, buffered; colours are taken out where it shows none.
    pub out: output::Out,
    sources: SettingSources,
}

/// Where settings come from, to read them again.
#[derive(Clone, Debug)]
pub struct SettingSources {
    flags: Layer,
    config: Option<PathBuf>,
    no_config: bool,
}

impl SettingSources {
    fn of(cli: &Cli) -> Self {
        let mut flags = cli.global.layer();
        flags.extend(cli.command.layer());
        Self { flags, config: cli.global.config.clone(), no_config: cli.global.no_config }
    }

    /// Reads all layers: the settings, the files, the strongest first, and what is wrong with them.
    pub fn resolve(&self) -> anyhow::Result<(Settings, Vec<PathBuf>, Vec<Diagnostic>)> {
        let mut diagnostics = Vec::new();
        let files = self.layers_of_files(&mut diagnostics)?;
        let (variables, told) = environment::layer(std::env::vars());
        diagnostics.extend(told);
        let paths = files.iter().map(|(path, _)| path.clone()).collect();
        let layers = [self.flags.clone(), variables]
            .into_iter()
            .chain(files.into_iter().map(|(_, layer)| layer))
            .collect::<Vec<_>>();
        Ok((Settings::resolve(layers.into_iter()), paths, diagnostics))
    }

    /// The layers of the files, the strongest first.
    fn layers_of_files(&self, diagnostics: &mut Vec<Diagnostic>) -> anyhow::Result<Vec<(PathBuf, Layer)>> {
        let mut layers = Vec::new();
        for path in self.files()? {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let (layer, told) = file::layer(&path, &text);
            diagnostics.extend(told);
            layers.push((path, layer));
        }
        Ok(layers)
    }

    fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        if self.no_config {
            return Ok(Vec::new());
        }
        if let Some(path) = &self.config {
            return Ok(vec![path.clone()]);
        }
        let here = std::env::current_dir().context("cannot tell the current directory")?;
        let variable = |name| std::env::var(name).ok();
        let user = file::find_user(variable("XDG_CONFIG_HOME").as_deref(), variable("HOME").as_deref());
        Ok(file::find_project(Path::new(&here)).into_iter().chain(user).collect())
    }
}

impl Context {
    /// Reads the layers, resolves them, sets up colours and logging. Mistakes in the configuration are told on standard
    /// error and end the command.
    pub fn new(cli: &Cli) -> anyhow::Result<Self> {
        let sources = SettingSources::of(cli);
        let (settings, paths, diagnostics) = sources.resolve()?;

        let choice = |key| settings.text(key);
        output::choose(choice(Key::OutputColor));
        let format = MessageFormat::from_str(choice(Key::OutputMessageFormat), false).unwrap_or_default();
        log::start(choice(Key::OutputLogFormat) == "json", cli.global.quiet, cli.global.verbose);
        let (quiet, verbose) = (cli.global.quiet, cli.global.verbose);
        let context = Self { settings, files: paths, format, quiet, verbose, out: output::out(), sources };
        let errors = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error || !quiet)
            .for_each(|d| context.complain(d));
        // A daemon must be reachable above all when somebody broke its settings.
        let may_go_on = matches!(cli.command, Command::Daemon(_));
        if errors && !may_go_on { Err(Told.into()) } else { Ok(context) }
    }

    /// Where the settings come from, for those who read them again.
    pub fn sources(&self) -> SettingSources {
        self.sources.clone()
    }

    /// Writes a diagnostic to standard output.
    pub fn emit(&mut self, diagnostic: &Diagnostic) -> std::io::Result<()> {
        let text = message::render(diagnostic, self.format);
        self.out.write_all(text.as_bytes())
    }

    /// Writes a diagnostic to standard error.
    pub fn complain(&self, diagnostic: &Diagnostic) {
        output::tell(&message::render(diagnostic, self.format));
    }

    /// A line for people on standard error: summaries, hints. Silent with `-q` and in other formats than `human`.
    pub fn note(&self, text: &str) {
        if !self.quiet && self.format == MessageFormat::Human {
            output::tell(&format!("{text}\n"));
        }
    }

    /// Writes what is buffered.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
