//! From a save to its verdict, in the ways in which editors save, and answers over HTTP: the daemon from outside.
//!
//! `cargo bench --bench watch -- save 10000` watches so many specifications; `-- http 20000` asks so many times over 32 connections that
//! are kept alive. Pin the daemon and this program to a core each with `taskset` through `WORDMILL_BENCH_DAEMON="taskset -c 0"`.
//! Wall times say something on an idle machine only; the processor time of the daemon is told beside them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 32;
const SAVES: usize = 300;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let number = |default| arguments.get(1).and_then(|it| it.parse().ok()).unwrap_or(default);
    match arguments.first().map(String::as_str) {
        Some("save") => save(number(10_000)),
        Some("http") => http(number(20_000)),
        _ => {
            save(1000);
            http(20_000);
        }
    }
}

struct Daemon {
    child: Child,
    lines: Receiver<(Instant, String)>,
    address: String,
}

impl Daemon {
    fn start(folder: &Path) -> Self {
        let prefix = std::env::var("WORDMILL_BENCH_DAEMON").unwrap_or_default();
        let mut words =
            prefix.split_whitespace().map(str::to_owned).chain([env!("CARGO_BIN_EXE_wordmill").to_owned()]);
        let mut command = Command::new(words.next().expect("the program"));
        command.args(words).args(["--no-config", "watch", "specs", "--message-format", "json", "-v"]);
        command.args(["--listen", "127.0.0.1:0"]).current_dir(folder).env("XDG_RUNTIME_DIR", folder);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon");
        let mut log = BufReader::new(child.stderr.take().expect("stderr"));
        let (mut line, mut address) = (String::new(), String::new());
        while address.is_empty() && log.read_line(&mut line).is_ok_and(|n| n > 0) {
            if let Some(at) = line.find("http://") {
                address = line[at + 7..].split('/').next().unwrap_or("").to_owned();
            }
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("stdout"));
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send((Instant::now(), line));
            }
        });
        let daemon = Self { child, lines, address };
        while !daemon.get("/status").contains(r#""published":true"#) {
            std::thread::sleep(Duration::from_millis(50));
        }
        // Past the look at what was young.
        std::thread::sleep(Duration::from_secs(4));
        daemon
    }

    fn get(&self, path: &str) -> String {
        let mut text = String::new();
        if let Ok(mut stream) = TcpStream::connect(&self.address) {
            let _ =
                write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
            let _ = stream.read_to_string(&mut text);
        }
        text
    }

    /// Processor time so far.
    fn cpu(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<u64> = text
            .rsplit(')')
            .next()
            .unwrap_or("")
            .split_whitespace()
            .map(|it| it.parse().unwrap_or(0))
            .collect();
        Duration::from_millis(10 * (fields.get(11).unwrap_or(&0) + fields.get(12).unwrap_or(&0)))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn times(word: usize, n: usize) -> String {
    let outputs = [n, 3 * n, 4 * n];
    format!(
        r#"{{"word": "w{word}", "stack_effect": {{"inputs": [{{"name": "n", "type": "int"}}], "outputs": [{{"name": "r", "type": "int"}}]}}, "test_cases": [{{"input": [1], "output": [{}]}}, {{"input": [3], "output": [{}]}}, {{"input": [4], "output": [{}]}}], "implementation": {{"code": "{n} *"}}}}"#,
        outputs[0], outputs[1], outputs[2]
    )
}

fn told(what: &str, mut latencies: Vec<Duration>, cpu: Duration) {
    latencies.sort();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: {} times, p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, most {:.2} ms; daemon's processor time {:.2} ms each",
        latencies.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
        cpu.as_secs_f64() * 1e3 / latencies.len() as f64
    );
}

fn save(n_specs: usize) {
    let folder = tempfile::tempdir().expect("tempdir");
    let path = |word: usize| folder.path().join(format!("specs/{}/{word}.json", word % 100));
    for word in 0..n_specs {
        std::fs::create_dir_all(path(word).parent().expect("a parent")).expect("folder");
        std::fs::write(path(word), times(word, word % 50 + 2)).expect("write");
    }
    let daemon = Daemon::start(folder.path());
    println!(
        "{n_specs} specifications in files of their own; from the last write or rename to the line on standard output"
    );
    for (way, save) in [
        ("in place", in_place as fn(&Path, &str)),
        ("renamed over", renamed_over),
        ("truncated, then written", truncated),
    ] {
        let (mut latencies, before) = (Vec::new(), daemon.cpu());
        for i in 0..SAVES {
            let word = i * 7919 % n_specs;
            let n = 100 + i % 50 + way.len();
            daemon.lines.try_iter().for_each(drop);
            save(&path(word), &times(word, n));
            let saved = Instant::now();
            let wanted = format!(": w{word} ( n -- r ) {n} * ;");
            let seen = daemon.lines.iter().find(|(_, line)| line.contains(&wanted)).expect("a verdict").0;
            latencies.push(seen.saturating_duration_since(saved));
            std::thread::sleep(Duration::from_millis(30));
        }
        told(way, latencies, daemon.cpu() - before);
    }
}

fn in_place(path: &Path, text: &str) {
    std::fs::write(path, text).expect("write");
}

fn renamed_over(path: &Path, text: &str) {
    let beside = path.with_extension("json.new~");
    std::fs::write(&beside, text).expect("write");
    std::fs::rename(beside, path).expect("rename");
}

fn truncated(path: &Path, text: &str) {
    let mut file = std::fs::File::create(path).expect("truncate");
    std::thread::sleep(Duration::from_millis(3));
    file.write_all(text.as_bytes()).expect("write");
}

fn http(n_questions: usize) {
    let folder = tempfile::tempdir().expect("tempdir");
    std::fs::create_dir(folder.path().join("specs")).expect("folder");
    std::fs::write(folder.path().join("specs/a.json"), times(1, 2)).expect("write");
    let daemon = Daemon::start(folder.path());
    let body = format!(
        "{:<200}",
        r#"{"code": "over over * rot rot + swap dup * +", "effect": "( a b -- (a+b)*1 )"}"#
    );
    let request = format!(
        "POST /verify HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        daemon.address,
        body.len()
    );
    let mut connections: Vec<BufReader<TcpStream>> = (0..CONNECTIONS)
        .map(|_| {
            let stream = TcpStream::connect(&daemon.address).expect("connect");
            stream.set_nodelay(true).expect("nodelay");
            BufReader::new(stream)
        })
        .collect();
    let (began, before) = (Instant::now(), daemon.cpu());
    let mut latencies = Vec::with_capacity(n_questions);
    let mut line = String::new();
    while latencies.len() < n_questions {
        let asked: Vec<Instant> = connections
            .iter_mut()
            .map(|connection| {
                connection.get_mut().write_all(request.as_bytes()).expect("ask");
                Instant::now()
            })
            .collect();
        for (connection, asked) in connections.iter_mut().zip(asked) {
            let mut length = 0;
            loop {
                line.clear();
                connection.read_line(&mut line).expect("answer");
                if line == "\r\n" {
                    break;
                }
                if let Some(text) = line.strip_prefix("content-length: ") {
                    length = text.trim().parse().expect("length");
                }
                assert!(!line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.1 200"), "{line}");
            }
            let mut answer = vec![0; length];
            connection.read_exact(&mut answer).expect("answer");
            latencies.push(asked.elapsed());
        }
    }
    let rate = latencies.len() as f64 / began.elapsed().as_secs_f64();
    println!("{CONNECTIONS} connections, bodies of {} bytes: {rate:.0} a second", body.len());
    told("POST /verify", latencies, daemon.cpu() - before);
}
