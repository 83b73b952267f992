//! `wordmill daemon`: asks the daemon of a folder, or ends it.

use crate::cli::args::{Flags, MessageFormat};
use crate::cli::context::Context;
use crate::cli::{Exit, control, message, out_lock, running};
use crate::config::{Key, Layer};
use anyhow::{Context as _, bail};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Ask a running `wordmill watch`, or end it
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    /// The folder of the results that it keeps up to date
    #[arg(long, value_name = "DIR", global = true)]
    out: Option<PathBuf>,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Tell in a sentence what it does, what fails, and what is wrong
    ///
    /// Exit code 1 when a specification fails, 4 when no daemon runs for the folder.
    ///
    /// Examples:
    ///   wordmill daemon status
    ///   wordmill daemon status --out results --message-format json
    #[command(verbatim_doc_comment)]
    Status,
    /// Let it finish what it works on, publish, and end; waits for that
    ///
    /// Exit code 4 when no daemon runs for the folder.
    ///
    /// Examples:
    ///   wordmill daemon stop
    ///   wordmill daemon stop --wait 60
    #[command(verbatim_doc_comment)]
    Stop {
        /// Seconds to wait until it has ended
        #[arg(long, value_name = "SECONDS", default_value_t = 30)]
        wait: u64,
    },
}

impl Args {
    /// What the flags say about settings.
    pub fn layer(&self) -> Layer {
        let mut flags = Flags::default();
        flags.path(Key::RunOut, "--out", self.out.as_deref());
        flags.0
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let out = running::out(&context.settings);
    let Some(holder) = out_lock::holder(&out)?.filter(|holder| holder.command == "watch") else {
        context.note(&format!("no daemon keeps {} up to date", out.display()));
        return Ok(Exit::Nothing);
    };
    let socket = holder.control.as_deref().context("the daemon tells no socket")?;
    match args.action {
        Action::Status => status(socket, context),
        Action::Stop { wait } => stop(socket, &out, Duration::from_secs(wait), context),
    }
}

fn status(socket: &Path, context: &mut Context) -> anyhow::Result<Exit> {
    let status = control::ask(socket, "status")?;
    match context.format {
        MessageFormat::Json => writeln!(context.out, "{status}")?,
        _ => {
            let text =
                |value: &serde_json::Value| message::visible(value.as_str().unwrap_or("?")).to_string();
            writeln!(context.out, "{}", text(&status["sentence"]))?;
            for failing in status["first_failing"].as_array().into_iter().flatten().take(20) {
                let (word, note) = (text(&failing["word"]), text(&failing["note"]));
                let (file, status) = (text(&failing["file"]), text(&failing["status"]));
                writeln!(context.out, "  {status}  {word}  {file}:{}  {note}", failing["line"])?;
            }
        }
    }
    Ok(if status["failing"].as_u64() == Some(0) { Exit::Good } else { Exit::Bad })
}

fn stop(socket: &Path, out: &Path, wait: Duration, context: &mut Context) -> anyhow::Result<Exit> {
    control::ask(socket, "stop")?;
    let began = Instant::now();
    while out_lock::holder(out)?.is_some_and(|holder| holder.command == "watch") {
        if began.elapsed() > wait {
            bail!("the daemon still works after {} s; ask again, or send it a second signal", wait.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    context.note("the daemon has ended");
    Ok(Exit::Good)
}
