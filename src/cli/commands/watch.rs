//! `wordmill watch`: the daemon, in the foreground.

use crate::cli::Exit;
use crate::cli::api::Api;
use crate::cli::args::MessageFormat;
use crate::cli::context::Context;
use crate::cli::control::{self, Control};
use crate::cli::out_lock::{Holder, OutLock};
use crate::cli::running::{self, SearchArgs};
use crate::cli::service_manager::ServiceManager;
use crate::cli::watch_host::WatchHost;
use crate::cli::{archive, watch_signals};
use crate::config::Layer;
use crate::daemon::{self, Board, Orders, Remote};
use crate::server::{self, Listen, Server};
use anyhow::{Context as _, bail};
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Watch specifications: save one, and see its verdict
///
/// Finds out everything once, as `wordmill run` does, and from then on what changed: the saved specification, and the words
/// that use it. Each verdict is a line on standard output (with --message-format json, its line of outcomes.jsonl); on a
/// terminal there is a live view instead. outcomes.jsonl, code/ and the reports follow after a short pause, with the bytes
/// that `wordmill run` would write. Changed settings and templates are taken in; wrong ones are refused, and those in force
/// stay.
///
/// One daemon keeps one folder of results. SIGHUP reads the settings again; SIGTERM or Ctrl-C finishes what is being worked
/// on, publishes and ends with 0, a second signal ends at once. `wordmill daemon status` and `wordmill daemon stop` talk to it.
///
/// Examples:
///   wordmill watch                                      what config.toml says
///   wordmill watch specs more/words.jsonl --out results
///   wordmill watch specs --message-format json          for programs
///   wordmill watch specs --listen 127.0.0.1:8080        a status page, and answers for programs
///   wordmill watch specs --log-format json -v           under a service manager
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    search: SearchArgs,
    /// Look at a save after so many milliseconds of quiet, and at the latest after twice that; bursts wait longer
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    debounce: u64,
    /// Look at all files so often, in seconds, in case a notice was lost
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    reconcile: u64,
    /// The same where the system gives no notices, or not for all folders
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    poll: u64,
    /// Watch at most so many folders; the rest is looked at now and then
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    watches_max: usize,
    /// Once asked to stop (by a signal, `wordmill daemon stop`, q), drop what is not finished after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    drain: u64,
    /// Answer HTTP here: 127.0.0.1:PORT, or the path of a Unix socket. A status page at /, /healthz, /readyz, /metrics, and for
    /// programs POST /infer, /verify, /judge and /synthesize with JSON
    #[arg(long, value_name = "ADDR")]
    listen: Option<Listen>,
    /// Answer only requests with `Authorization: Bearer TOKEN`; the token stands in this file
    #[arg(long, value_name = "FILE", requires = "listen")]
    token_file: Option<PathBuf>,
    /// Lines also on a terminal, no live view
    #[arg(long)]
    plain: bool,
}

impl Args {
    /// What the flags say about settings.
    pub fn layer(&self) -> Layer {
        self.search.layer()
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let (remote, events) = Remote::new(Duration::from_secs(args.drain));
    watch_signals::catch(&remote)?;
    let out = running::out(&context.settings);
    let board = Arc::<Board>::default();
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let socket = control::path_of(&out).map_err(|error| {
        tracing::warn!("`wordmill daemon` cannot reach this one: {error:#}");
    });
    let holder = Holder { control: socket.clone().ok(), ..Holder::of("watch") };
    let lock = OutLock::take(&out, holder)?;
    // Only whoever holds the lock may take the place of a socket that a killed daemon left.
    let _control =
        socket.ok().map(|socket| Control::start(socket, Arc::clone(&board), remote.clone())).transpose()?;
    let api = Arc::<Api>::default();
    let _server = match &args.listen {
        None => None,
        Some(listen) => {
            let token = args.token_file.as_deref().map(token).transpose()?;
            let answers = Arc::clone(&api) as Arc<dyn server::Answers>;
            let server = Server::start(listen, token.as_deref(), Arc::clone(&board), answers)?;
            context.note(&format!("listening at {}", server.address()));
            tracing::info!(address = server.address(), "listening");
            Some(server)
        }
    };
    let manager = ServiceManager::start(Arc::clone(&board));
    let orders = Orders {
        cache: archive::cache_dir(&context.settings),
        quiet: Duration::from_millis(args.debounce),
        reconcile: Duration::from_secs(args.reconcile),
        poll: Duration::from_secs(args.poll),
        watches_max: args.watches_max,
        heartbeat: manager.heartbeat(),
    };
    let is_live = !args.plain
        && !context.quiet
        && context.format == MessageFormat::Human
        && std::io::stdout().is_terminal()
        && std::io::stdin().is_terminal();
    let mut host = WatchHost::new(context, Arc::clone(&board), remote.clone(), manager, api, lock);
    if is_live {
        host.show_live().context("cannot take the terminal; --plain writes lines")?;
    }
    let ended = daemon::run(&mut host, orders, (remote, events), board);
    let told = host.end();
    ended?;
    told?;
    Ok(Exit::Good)
}

/// Longest token file, in bytes.
const TOKEN_BYTES_MAX: u64 = 4096;

fn token(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut text = String::new();
    file.take(TOKEN_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let token = text.trim();
    if token.is_empty() {
        bail!("{} holds no token", path.display());
    }
    // Anything else could not be sent in a header.
    if text.len() as u64 > TOKEN_BYTES_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("{} must hold one token of visible characters, and nothing else", path.display());
    }
    Ok(token.to_owned())
}
