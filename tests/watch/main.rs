//! Drives `wordmill watch` as an editor, a service manager and a hostile disk do.

mod following;
mod http;
mod soak;
mod trouble;

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Whatever is waited for must come within this time, also on a slow and busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with specifications, and the daemon that watches it.
pub(crate) struct Watched {
    pub(crate) folder: tempfile::TempDir,
    arguments: Vec<String>,
    pub(crate) envs: Vec<(String, String)>,
    child: Option<Child>,
    lines: Option<Receiver<String>>,
    /// What the daemon wrote to standard error, kept up to date by a thread.
    log: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Watched {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("tempdir");
        std::fs::create_dir(folder.path().join("specs")).expect("specs");
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { folder, arguments, envs: Vec::new(), child: None, lines: None, log: Default::default() }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file in place.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("write");
    }

    /// Writes a file as many editors do: beside it, then renamed over it.
    pub(crate) fn write_over(&self, path: &str, text: &str) {
        let beside = self.path(&format!("{path}.tmp~"));
        std::fs::write(&beside, text).expect("write");
        std::fs::rename(beside, self.path(path)).expect("rename");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wordmill"));
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        command.env_clear().env("HOME", self.folder.path()).env("PATH", "/usr/bin:/bin");
        command.env("XDG_RUNTIME_DIR", self.folder.path()).env("WORDMILL_BUDGET", "3000");
        command.envs(self.envs.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn wordmill(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    pub(crate) fn start(&mut self) {
        let mut arguments = vec!["watch", "specs", "--message-format", "json", "-v"];
        arguments.extend(self.arguments.iter().map(String::as_str));
        let mut command = self.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start");
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("stdout"));
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let (mut stderr, log) = (child.stderr.take().expect("stderr"), std::sync::Arc::clone(&self.log));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut buffer) {
                log.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
        });
        (self.child, self.lines) = (Some(child), Some(lines));
    }

    pub(crate) fn started(arguments: &[&str], files: &[(&str, String)]) -> Self {
        let mut watched = Self::new(arguments);
        files.iter().for_each(|(path, text)| watched.write(path, text));
        watched.start();
        watched.settled();
        watched
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("a daemon").id()
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> std::process::ExitStatus {
        let began = Instant::now();
        let mut child = self.child.take().expect("a daemon");
        loop {
            if let Some(status) = child.try_wait().expect("wait") {
                return status;
            }
            if began.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("it does not end: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn status(&self) -> Option<Value> {
        let output = self.wordmill(&["daemon", "status", "--message-format", "json"]);
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Waits until the status is like that.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let status = self.status();
            if let Some(status) = status.as_ref().filter(|status| is_so(status)) {
                return status.clone();
            }
            assert!(began.elapsed() < PATIENCE, "{what}: {status:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until everything is told and published.
    #[track_caller]
    pub(crate) fn settled(&self) -> Value {
        self.wait_for("settled", |status| {
            status["phase"] == "idle" && status["waiting"] == 0 && status["published"] == true
        })
    }

    /// The next verdict on this word.
    #[track_caller]
    pub(crate) fn verdict(&self, word: &str) -> Value {
        let began = Instant::now();
        let lines = self.lines.as_ref().expect("a daemon");
        while began.elapsed() < PATIENCE {
            let Ok(line) = lines.recv_timeout(Duration::from_millis(100)) else { continue };
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if line["word"] == word {
                return line;
            }
        }
        panic!("no verdict on {word}: {}", self.log());
    }

    /// Words whose verdicts were told and not looked at yet.
    pub(crate) fn told(&self) -> Vec<String> {
        let lines = self.lines.as_ref().expect("a daemon");
        let word = |line: String| {
            serde_json::from_str::<Value>(&line).expect("JSON")["word"].as_str().unwrap_or("?").to_owned()
        };
        lines.try_iter().map(word).collect()
    }

    /// Outcomes and code are those of a fresh run, byte for byte. Waits until they are.
    #[track_caller]
    pub(crate) fn equals_fresh_run(&self) {
        let began = Instant::now();
        let fresh = self.path("fresh");
        let _ = std::fs::remove_dir_all(&fresh);
        let ran = self.wordmill(&["-q", "run", "specs", "--out", "fresh", "--fail-on", "never"]);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let wanted = stable_files(&fresh);
        loop {
            self.settled();
            let found = stable_files(&self.path("wordmill-out"));
            if found == wanted {
                return;
            }
            if began.elapsed() > PATIENCE {
                let text = |files: &BTreeMap<String, Vec<u8>>| {
                    String::from_utf8_lossy(&files["outcomes.jsonl"]).into_owned()
                };
                let (found, wanted) = (text(&found), text(&wanted));
                let differs = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
                panic!(
                    "{} lines for {}, first difference {differs:#?}\n{}",
                    found.lines().count(),
                    wanted.lines().count(),
                    self.log()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A specification of one input and the outputs for 1, 3 and 4.
pub(crate) fn spec(word: &str, outputs: [i64; 3], code: &str, uses: &str) -> String {
    let cases = [1, 3, 4].into_iter().zip(outputs);
    let cases: Vec<String> =
        cases.map(|(input, output)| format!(r#"{{"input": [{input}], "output": [{output}]}}"#)).collect();
    let code = match code {
        "" => String::new(),
        code => format!(r#", "implementation": {{"code": "{code}"}}"#),
    };
    let uses = if uses.is_empty() { String::new() } else { format!(r#", "uses": ["{uses}"]"#) };
    format!(
        r#"{{"word": "{word}", "stack_effect": {{"inputs": [{{"name": "n", "type": "int"}}], "outputs": [{{"name": "r", "type": "int"}}]}}, "test_cases": [{}]{code}{uses}}}"#,
        cases.join(", ")
    )
}

/// A word that multiplies by `n`, with code.
pub(crate) fn times(word: &str, n: i64) -> String {
    spec(word, [n, 3 * n, 4 * n], &format!("{n} *"), "")
}

/// The files that must be the same bytes for the same input.
pub(crate) fn stable_files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    files.insert("outcomes.jsonl".to_owned(), std::fs::read(out.join("outcomes.jsonl")).unwrap_or_default());
    for entry in std::fs::read_dir(out.join("code")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".fth") {
            files.insert(name, std::fs::read(entry.path()).unwrap_or_default());
        }
    }
    files
}

/// A small generator of numbers, the same each time.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}
