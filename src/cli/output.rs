//! The two streams: colours, buffering, and what an error looks like.

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use std::io::{BufWriter, StdoutLock, Write};

/// What went wrong.
pub const ERROR: Style = AnsiColor::BrightRed.on_default().bold();
/// What went well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What did not.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Names and headings.
pub const BOLD: Style = Style::new().bold();
/// Things that matter less.
pub const DIM: Style = Style::new().dimmed();

/// Standard output, buffered.
pub type Out = BufWriter<AutoStream<StdoutLock<'static>>>;

/// Locks standard output for the life of the command.
pub fn out() -> Out {
    BufWriter::with_capacity(1 << 16, AutoStream::auto(std::io::stdout().lock()))
}

/// Chooses for both streams when to colour: `auto`, `always` or `never`.
pub fn choose(choice: &str) {
    match choice {
        "always" => ColorChoice::Always,
        "never" => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
    .write_global();
}

/// The same before the arguments are parsed, so that help and usage errors heed it too.
pub fn choose_early(arguments: impl Iterator<Item = std::ffi::OsString>) {
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let flag =
        arguments.iter().enumerate().find_map(|(at, argument)| match argument.strip_prefix("--color") {
            Some("") => arguments.get(at + 1).map(String::as_str),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        });
    choose(&flag.map(str::to_owned).or_else(|| std::env::var("WORDMILL_COLOR").ok()).unwrap_or_default());
}

/// Writes to standard error. If nobody reads that, there is nobody to tell.
pub fn tell(text: &str) {
    let _ = AutoStream::auto(std::io::stderr().lock()).write_all(text.as_bytes());
}

/// Tells an error with its causes: `error: cannot read x.toml: no such file`.
pub fn complain(error: &anyhow::Error) {
    tell(&format!("{ERROR}error{ERROR:#}: {}\n", super::message::visible(&format!("{error:#}"))));
}
