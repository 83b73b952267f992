//! What the daemon needs of the command line: settings, sources, and somebody who shows verdicts.

use super::api::Api;
use super::args::MessageFormat;
use super::context::{Context, SettingSources};
use super::live_view::LiveView;
use super::message::visible;
use super::out_lock::OutLock;
use super::output::{BAD, BOLD, DIM, GOOD};
use super::service_manager::ServiceManager;
use super::{archive, running, text};
use crate::config::{Key, Settings};
use crate::corpus::{self, BuildOptions, Corpus};
use crate::daemon::{Board, Host, Remote, Setup, Told};
use crate::model::{Diagnostic, Severity, Status};
use crate::pipeline::{Heldout, Options};
use crate::report::{Row, write_line};
use crate::spec::{SourceSet, find_sources};
use crate::template::Library;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// Wires the daemon to the command line.
pub struct WatchHost<'c> {
    context: &'c mut Context,
    sources: SettingSources,
    out: PathBuf,
    board: Arc<Board>,
    remote: Remote,
    manager: ServiceManager,
    api: Arc<Api>,
    lock: OutLock,
    buffer: Vec<u8>,
    is_ready: bool,
    /// On a terminal.
    view: Option<LiveView>,
    /// Nobody takes the verdicts any more.
    failed: Option<io::Error>,
}

impl<'c> WatchHost<'c> {
    /// Shows verdicts as lines.
    pub fn new(
        context: &'c mut Context,
        board: Arc<Board>,
        remote: Remote,
        manager: ServiceManager,
        api: Arc<Api>,
        lock: OutLock,
    ) -> Self {
        let (sources, out) = (context.sources(), running::out(&context.settings));
        Self {
            context,
            sources,
            out,
            board,
            remote,
            manager,
            api,
            lock,
            buffer: Vec::new(),
            is_ready: false,
            view: None,
            failed: None,
        }
    }

    /// Shows the live view instead.
    pub fn show_live(&mut self) -> io::Result<()> {
        self.view = Some(LiveView::start(Arc::clone(&self.board), self.remote.clone(), &self.out)?);
        Ok(())
    }

    /// The daemon has ended.
    pub fn end(self) -> anyhow::Result<()> {
        self.manager.stopping();
        match self.failed {
            Some(error) => Err(anyhow::Error::new(error).context("cannot write to standard output")),
            None => Ok(()),
        }
    }

    fn show(&mut self, told: &Told<'_>) -> io::Result<()> {
        let out = &mut self.context.out;
        match self.context.format {
            MessageFormat::Json => {
                write_line(&mut self.buffer, &Row::from_record(told.record), told.outcome);
                out.write_all(&self.buffer)?;
            }
            // What was known before says nothing new, unless it fails.
            _ if !self.is_ready && told.is_known && !told.line.is_failing => return Ok(()),
            _ if self.context.quiet && !told.line.is_failing => return Ok(()),
            _ => {
                let line = told.line;
                let style = if line.status == Status::Verified { GOOD } else { BAD };
                let style = if line.is_failing || line.status == Status::Verified { style } else { DIM };
                let word = visible(line.word.as_deref().unwrap_or("?"));
                let status = line.status.name();
                write!(out, "{style}{status:<9}{style:#} {BOLD}{word}{BOLD:#}  ")?;
                write!(out, "{}:{}  {}", visible(&line.file), line.line, visible(&line.note))?;
                if let Some(latency) = line.latency_us {
                    write!(out, "  {DIM}{} ms{DIM:#}", latency.div_ceil(1000))?;
                }
                writeln!(out)?;
            }
        }
        out.flush()
    }
}

impl Host for WatchHost<'_> {
    fn setup(&mut self) -> Result<Setup, String> {
        let (settings, files, diagnostics) = self.sources.resolve().map_err(|error| format!("{error:#}"))?;
        if let Some(error) = diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(sentence(error));
        }
        if running::out(&settings) != self.out {
            return Err(format!(
                "the folder of the results is {} for as long as the daemon runs",
                self.out.display()
            ));
        }
        let templates = settings.paths(Key::TemplatesPaths);
        let library = Library::load(&templates).map_err(|error| match error.diagnostics().as_slice() {
            [first, ..] => sentence(first),
            [] => error.to_string(),
        })?;
        let mut options = running::options(&settings, Arc::new(library));
        let heldout = settings.paths(Key::RunHeldout);
        if !heldout.is_empty() {
            options.heldout = Some(Arc::new(self.heldout(&settings, &heldout)?));
        }
        let roots = settings.paths(Key::RunPaths);
        let mut extras = files;
        extras.extend(std::env::current_dir().ok().map(|here| here.join("config.toml")));
        extras.extend(templates);
        extras.extend(heldout);
        let setup = Setup {
            options,
            report: running::report_options(&settings, &self.out, String::new()),
            fingerprint: running::fingerprint,
            now: running::now,
            roots,
            extras,
            remembers: settings.bool(Key::RunCache),
        };
        self.context.settings = settings;
        Ok(setup)
    }

    fn sources(&mut self) -> Result<SourceSet, String> {
        let paths = self.context.settings.paths(Key::RunPaths);
        if let Some(path) = paths.iter().find(|path| Corpus::is_corpus_dir(path)) {
            return Err(format!("{} is an archive: name the files it was made from", path.display()));
        }
        if paths.is_empty() {
            return Err("nothing to watch: name files or folders of specifications, or set `run.paths` in \
                        config.toml"
                .to_owned());
        }
        let mut sources = find_sources(&paths).map_err(|error| error.to_string())?;
        running::leave_out_results(&mut sources, &self.out);
        Ok(sources)
    }

    fn told(&mut self, told: &Told<'_>) {
        if self.failed.is_some() || self.view.is_some() {
            return;
        }
        if let Err(error) = self.show(told) {
            self.failed = Some(error);
            self.remote.abandon();
        }
    }

    fn hold(&mut self) -> Result<bool, String> {
        self.lock.renew().map_err(|error| format!("{error:#}"))
    }

    fn alive(&mut self) {
        self.manager.alive();
    }

    fn world(&mut self, corpus: &Arc<Corpus>, options: &Arc<Options>) {
        self.api.set_world(corpus, options);
    }

    fn ready(&mut self) {
        self.is_ready = true;
        self.manager.ready();
        if self.view.is_some() {
            return;
        }
        let (specs, sentence) = self
            .board
            .with(|status| (status.specs, format!("{} failing", text::number(status.failing as u64))));
        self.context.note(&format!("watching {}, {sentence}", text::count(specs as u64, "specification")));
    }
}

impl WatchHost<'_> {
    fn heldout(&self, settings: &Settings, paths: &[PathBuf]) -> Result<Heldout, String> {
        let sources = running::heldout_sources(paths).map_err(|error| format!("{error:#}"))?;
        let dir = archive::cache_dir(settings).join("heldout");
        let go_on = |_| ControlFlow::Continue(());
        let report = corpus::update(&dir, &sources, &BuildOptions::default(), &go_on)
            .map_err(|error| error.to_string())?;
        match report.problems.first() {
            Some(problem) => Err(sentence(problem)),
            None => Ok(Heldout::new(report.corpus)),
        }
    }
}

/// A diagnostic in one line.
fn sentence(diagnostic: &Diagnostic) -> String {
    let place = match (&diagnostic.file, diagnostic.place.line) {
        (Some(file), 0) => format!("{file}: "),
        (Some(file), line) => format!("{file}:{line}: "),
        (None, _) => String::new(),
    };
    visible(&format!("{place}{}", diagnostic.message))
}
