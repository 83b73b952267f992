//! Drives the program as a user does: arguments in, exit code and two streams out.

mod basics;
mod check;
mod dataset;
mod effects;
mod forth;
mod generate;
mod import;
mod judge;
mod library;
mod running;
mod settings;
mod templates;
mod values;

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What came back.
pub struct Ran {
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// Results.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

impl Ran {
    /// Fails unless the exit code is the expected one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// The lines of standard output as JSON.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// The program in a folder, with an environment that says nothing.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordmill"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command.env_clear().env("HOME", folder).env("PATH", "/usr/bin:/bin");
    command
}

/// Runs the program in a folder.
pub fn wordmill(folder: &Path, arguments: &[&str]) -> Ran {
    run(command(folder, arguments))
}

/// Runs a prepared command.
pub fn run(mut command: Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// An empty folder for one test.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("tempdir")
}

/// Writes a file below a folder, with the folders on the way.
pub fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    std::fs::write(path, text).expect("write");
}
