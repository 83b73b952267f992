//! A Forth session: lines from a terminal with editing, history and completion, or from a pipe without.

use super::Exit;
use super::commands::forth::{Ended, begin_line, end_line, is_at_terminal, next_line};
use super::context::Context;
use super::forth_error::{self, Origin};
use super::output::DIM;
use crate::forth::Engine;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};
use signal_hook::consts::SIGINT;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lines that the history keeps.
const HISTORY_MAX: usize = 2_000;

/// Reads lines until there are no more, or BYE.
pub fn run(engine: &mut Engine, context: &mut Context) -> anyhow::Result<Exit> {
    if is_at_terminal() { at_terminal(engine, context) } else { from_pipe(engine, context) }
}

/// Lines of a pipe or a file: what the program prints is all that is written.
fn from_pipe(engine: &mut Engine, context: &mut Context) -> anyhow::Result<Exit> {
    let (mut n_lines, mut exit) = (0, Exit::Good);
    while let Some(line) = next_line() {
        n_lines += 1;
        let line = String::from_utf8_lossy(&line);
        match Ended::from(engine.interact(line.trim_end_matches(['\n', '\r']))) {
            Ended::Whole | Ended::Quit => {}
            Ended::Bye => return Ok(exit),
            Ended::Failed(error) => {
                forth_error::tell(&error, &Origin::line(Some("-"), n_lines), context.format);
                exit = Exit::Bad;
            }
        }
    }
    if engine.is_compiling() {
        context.note("the last definition is not closed by ;");
        exit = Exit::Bad;
    }
    Ok(exit)
}

fn at_terminal(engine: &mut Engine, context: &mut Context) -> anyhow::Result<Exit> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(HISTORY_MAX)?
        .history_ignore_dups(true)?
        .build();
    let mut editor: Editor<Words, DefaultHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(Words(engine.known_words())));
    let history = history_file();
    if let Some(path) = &history {
        // There is none before the first session.
        let _ = editor.load_history(path);
    }
    if !context.quiet {
        let version = env!("CARGO_PKG_VERSION");
        writeln!(
            context.out,
            "{DIM}wordmill {version}, Forth 2012. WORDS lists the words, BYE leaves.{DIM:#}"
        )?;
        context.finish()?;
    }
    let interrupt = interrupt()?;
    engine.set_interrupt(Some(Arc::clone(&interrupt)));
    let mut n_lines = 0;
    loop {
        let prompt = if engine.is_compiling() { "… " } else { "> " };
        match editor.readline(prompt) {
            Ok(line) => {
                n_lines += 1;
                begin_line();
                let _ = editor.add_history_entry(line.as_str());
                interrupt.store(false, Ordering::Relaxed);
                match Ended::from(engine.interact(&line)) {
                    Ended::Whole => {
                        let told = if engine.is_compiling() { "compiled" } else { "ok" };
                        writeln!(context.out, " {DIM}{told}{DIM:#}")?;
                        context.finish()?;
                    }
                    Ended::Quit => {}
                    Ended::Bye => break,
                    Ended::Failed(error) => {
                        end_line();
                        forth_error::tell(&error, &Origin::line(None, n_lines), context.format);
                    }
                }
                if let Some(words) = editor.helper_mut() {
                    words.0 = engine.known_words();
                }
                save(&mut editor, history.as_ref());
            }
            Err(ReadlineError::Interrupted) => {
                // An open definition goes, with whatever the brackets hide.
                if engine.is_compiling() {
                    let _ = engine.interact("[ -28 throw");
                }
            }
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        }
    }
    begin_line();
    save(&mut editor, history.as_ref());
    Ok(Exit::Good)
}

/// A flag that Ctrl-C sets while a program runs. Where a program does not come to look at it, because it waits for input,
/// a second Ctrl-C ends the process.
fn interrupt() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, Arc::clone(&flag))?;
    signal_hook::flag::register(SIGINT, Arc::clone(&flag))?;
    Ok(flag)
}

/// Appends the new lines to the history. A session is worth more than its history: where that cannot be written, it is not.
fn save(editor: &mut Editor<Words, DefaultHistory>, path: Option<&PathBuf>) {
    if let Some(path) = path {
        let made = path.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok());
        let _ = made.then(|| editor.append_history(path));
    }
}

/// `$XDG_STATE_HOME/wordmill/forth-history`, or the same below `~/.local/state`.
fn history_file() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let state = state.or_else(|| variable("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("wordmill/forth-history"))
}

/// Completes words: the names that the session knows.
struct Words(Vec<String>);

impl rustyline::Helper for Words {}
impl rustyline::highlight::Highlighter for Words {}
impl rustyline::validate::Validator for Words {}
impl rustyline::hint::Hinter for Words {
    type Hint = String;
}

impl rustyline::completion::Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(completions(&self.0, &line[..pos]))
    }
}

/// Where the last word of a text begins, and the names that begin like it, in either case.
fn completions(names: &[String], text: &str) -> (usize, Vec<String>) {
    let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let begun = &text[start..];
    let fits = |name: &&String| {
        let head = name.get(..begun.len());
        !begun.is_empty() && head.is_some_and(|head| head.eq_ignore_ascii_case(begun))
    };
    let mut found: Vec<String> = names.iter().filter(fits).cloned().collect();
    found.sort();
    found.dedup();
    (start, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_completed() {
        let names = ["dup", "2dup", "DUPLICATE", "drop", "dup", "n²"].map(str::to_owned);
        let check = |text: &str, start: usize, expect: &[&str]| {
            assert_eq!(
                completions(&names, text),
                (start, expect.iter().map(|&it| it.to_owned()).collect()),
                "{text}"
            );
        };
        check("du", 0, &["DUPLICATE", "dup"]);
        check("1 DU", 2, &["DUPLICATE", "dup"]);
        check(": f\t2d", 4, &["2dup"]);
        check("x ", 2, &[]);
        check("", 0, &[]);
        check("n", 0, &["n²"]);
        check("n³", 0, &[]);
    }
}
