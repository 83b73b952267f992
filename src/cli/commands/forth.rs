//! `wordmill forth`: the engine itself, for files, for code on the command line, and for a person at a terminal.

use crate::cli::context::Context;
use crate::cli::forth_error::{self, Origin};
use crate::cli::{Exit, file_map, repl, running};
use crate::forth::{CompileErrorKind, Engine, ForthError, Image, TrapKind};
use anyhow::Context as _;
use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Run Forth: files, code, or a session at the terminal
///
/// The engine is a Forth 2012 system with 64-bit cells; src/forth/STANDARD.md lists its choices. Files are loaded in
/// order into one session, then the code of each -e; a file named - is standard input. Without both, lines are read from standard input: on a terminal
/// with editing, a history and completion of words by the tab key, otherwise plainly, so that a pipe works. A
/// definition may go on over several lines. Ctrl-C drops the line, or the definition that is open, and stops a running
/// program with exception -28; a second one ends wordmill where the program waits for input. Ctrl-D or BYE leaves.
///
/// A program sees no file of this machine, with the exception of a copy of the folder that --files names: OPEN-FILE,
/// INCLUDED and the like find its files by their names relative to the folder. What a program writes into files is
/// gone when it ends. KEY, ACCEPT and REFILL read standard input.
///
/// An error is told with file, line and column, the word, its exception code and the stack. In a file or in -e it ends
/// the command with 1; in a session the stack is emptied and the session goes on, and what a pipe brings ends with 1
/// when any line had an error. BYE and QUIT end files with 0. How much memory and stack a program has is in the settings
/// engine.memory-bytes, engine.stack-cells and engine.return-cells; fuel is without a bound unless --fuel gives one.
///
/// Examples:
///   wordmill forth                                     a session
///   wordmill forth -e '7 dup * . cr'
///   wordmill forth words.fs tests.fs                   one after the other
///   wordmill forth --files src -e 'include main.fs'    files that include each other
///   wordmill forth --fuel 1000000 untrusted.fs         at most a million units of fuel for each file
///   echo '1 2 + .' | wordmill forth
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Files of Forth, loaded in this order
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Code to run behind the files; may be given several times
    #[arg(short = 'e', long = "evaluate", value_name = "CODE", allow_hyphen_values = true)]
    code: Vec<String>,
    /// Let the program see a copy of the files of this folder
    #[arg(long = "files", value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Fuel for each file, each -e and each line of a session, or unlimited: a unit for each call and jump back and for 32 words in
    /// a row, more for words that handle many bytes
    #[arg(long, value_name = "N", default_value = "unlimited", value_parser = fuel)]
    fuel: u64,
}

/// Most bytes of one file.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Files that a program may make beside those of the folder.
const OWN_FILES_MAX: usize = 256;

/// Bytes that it may write.
const OWN_BYTES_MAX: usize = 16 << 20;

fn fuel(text: &str) -> Result<u64, String> {
    if text == "unlimited" {
        return Ok(i64::MAX as u64);
    }
    match text.replace('_', "").parse() {
        Ok(fuel) if (1..=i64::MAX as u64).contains(&fuel) => Ok(fuel),
        _ => Err("units of fuel from 1 on, or unlimited".to_owned()),
    }
}

/// How the reading of a piece of source ended.
pub enum Ended {
    /// It was read to its end.
    Whole,
    /// QUIT gave up control.
    Quit,
    /// BYE ended everything.
    Bye,
    /// An error.
    Failed(Box<ForthError>),
}

impl From<Result<(), ForthError>> for Ended {
    fn from(done: Result<(), ForthError>) -> Self {
        match done {
            Ok(()) => Ended::Whole,
            Err(error) => match error.kind {
                CompileErrorKind::Trapped(kind) if kind.is_quit() => Ended::Quit,
                CompileErrorKind::Trapped(TrapKind::Bye) => Ended::Bye,
                _ => Ended::Failed(Box::new(error)),
            },
        }
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let exit = session(args, context)?;
    end_line();
    Ok(exit)
}

fn session(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let mut limits = running::limits(&context.settings);
    limits.fuel = args.fuel;
    limits.file_bytes = (file_map::BYTES_MAX + OWN_BYTES_MAX) as u32;
    limits.files = (file_map::FILES_MAX + OWN_FILES_MAX) as u32;
    let mut engine = Engine::new(Image::shared(), limits);
    if let Some(folder) = &args.folder {
        let skipped = file_map::fill(engine.files_mut(), folder)?;
        for name in skipped {
            context.note(&format!("{name} is left out: its name is not UTF-8"));
        }
    }
    engine.set_output(Some(Box::new(print)));
    engine.set_input(Some(Box::new(next_line)));
    if args.files.is_empty() && args.code.is_empty() {
        return repl::run(&mut engine, context);
    }
    for path in &args.files {
        let name = path.to_string_lossy();
        let text = read(path)?;
        match Ended::from(engine.load_file(&name, &text)) {
            Ended::Whole => {}
            Ended::Quit | Ended::Bye => return Ok(Exit::Good),
            Ended::Failed(error) => return failed(&error, &Origin::file(&name), context),
        }
    }
    for code in &args.code {
        match Ended::from(engine.load(code)) {
            Ended::Whole => {}
            Ended::Quit | Ended::Bye => return Ok(Exit::Good),
            Ended::Failed(error) => return failed(&error, &Origin::file("-e"), context),
        }
    }
    Ok(Exit::Good)
}

fn failed(error: &ForthError, origin: &Origin<'_>, context: &Context) -> anyhow::Result<Exit> {
    end_line();
    forth_error::tell(error, origin, context.format);
    Ok(Exit::Bad)
}

fn read(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let failed = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(failed)?;
    } else {
        let file = std::fs::File::open(path).with_context(failed)?;
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(failed)?;
    }
    anyhow::ensure!(bytes.len() as u64 <= FILE_BYTES_MAX, "{} is longer than 16 MiB", path.display());
    // What some editors put in front is not for the program.
    if bytes.starts_with("\u{FEFF}".as_bytes()) {
        bytes.drain(.."\u{FEFF}".len());
    }
    Ok(bytes)
}

/// Whether what was printed last ended a line.
static AT_LINE_START: AtomicBool = AtomicBool::new(true);

/// The terminal is at the start of a line, whatever was printed before.
pub fn begin_line() {
    AT_LINE_START.store(true, Ordering::Relaxed);
}

/// Ends the line that a program has begun, where somebody looks.
pub fn end_line() {
    if std::io::stdout().is_terminal() && !AT_LINE_START.swap(true, Ordering::Relaxed) {
        print(b"\n");
    }
}

/// Writes what a program prints. Where nobody reads it any more, the program ends as one that the closed pipe killed: it
/// might print for ever.
fn print(bytes: &[u8]) {
    if let Some(last) = bytes.last() {
        AT_LINE_START.store(*last == b'\n', Ordering::Relaxed);
    }
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            std::process::exit(128 + 13);
        }
        eprintln!("error: cannot write to standard output: {error}");
        std::process::exit(2);
    }
}

/// The next line of standard input, for KEY, ACCEPT and REFILL.
pub fn next_line() -> Option<Vec<u8>> {
    let mut line = Vec::new();
    match std::io::stdin().lock().read_until(b'\n', &mut line) {
        Ok(1..) => Some(line),
        Ok(0) | Err(_) => None,
    }
}

/// Whether a person sits at both ends.
pub fn is_at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
