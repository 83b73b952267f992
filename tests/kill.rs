//! Killed at any moment: every file that others read is whole, and the next run ends with the bytes of an undisturbed one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often it is killed here; `WORDMILL_TEST_KILLS` asks for more.
const KILLS: u64 = 25;

fn specs(folder: &Path) -> PathBuf {
    let line = |n: i64| {
        let cases: Vec<String> = (0..6)
            .map(|x: i64| format!(r#"{{"input":[{x}],"output":[{}]}}"#, x * x * n + x * 7 - n))
            .collect();
        format!(
            r#"{{"word":"poly{n}","description":"uses 7 and {n}","stack_effect":{{"inputs":[{{"name":"x","type":"int"}}],"outputs":[{{"name":"y","type":"int"}}]}},"test_cases":[{}]}}"#,
            cases.join(",")
        )
    };
    let path = folder.join("polynomials.jsonl");
    std::fs::write(&path, (3..43).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    path
}

fn command(specs: &Path, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordmill"));
    command
        .args(["--no-config", "-q", "run", "--fail-on", "never", "--budget", "20000", "--out"])
        .arg(out)
        .arg(specs)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The files that must not depend on time: outcomes and code.
fn stable_files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    if let Ok(bytes) = std::fs::read(out.join("outcomes.jsonl")) {
        files.insert("outcomes.jsonl".to_owned(), bytes);
    }
    for entry in std::fs::read_dir(out.join("code")).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".fth") {
            files.insert(name, std::fs::read(path).unwrap());
        }
    }
    files
}

fn check_whole(out: &Path, wanted: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in stable_files(out) {
        assert_eq!(Some(&bytes), wanted.get(&name), "{name} is not whole");
    }
    if let Ok(text) = std::fs::read(out.join("report.json")) {
        serde_json::from_slice::<serde_json::Value>(&text).expect("report.json is whole");
    }
    if let Ok(text) = std::fs::read_to_string(out.join("report.html")) {
        assert!(text.trim_end().ends_with("</html>"), "report.html is not whole");
    }
    if let Ok(text) = std::fs::read_to_string(out.join("junit.xml")) {
        assert!(text.trim_end().ends_with("</testsuites>"), "junit.xml is not whole");
    }
}

#[test]
fn nothing_is_lost_to_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let specs = specs(folder.path());
    let undisturbed = folder.path().join("undisturbed");
    let began = Instant::now();
    assert!(command(&specs, &undisturbed).status().unwrap().success());
    let whole_run = began.elapsed();
    let wanted = stable_files(&undisturbed);
    assert!(wanted.len() >= 2, "outcomes and code: {:?}", wanted.keys());

    let kills = std::env::var("WORDMILL_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let out = folder.path().join("killed");
    let mut n_cut = 0;
    for kill in 0..kills {
        // A multiplicative walk through the span of a run; every fourth time from nothing.
        let share = (kill * 619 + 1) % 1000;
        if kill % 4 == 0 {
            let _ = std::fs::remove_dir_all(&out);
        }
        let mut child = command(&specs, &out).spawn().unwrap();
        std::thread::sleep(whole_run.mul_f64(share as f64 / 1000.0));
        n_cut += u64::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
        check_whole(&out, &wanted);
        if kill % 4 == 3 {
            let limit = Instant::now() + Duration::from_secs(120);
            assert!(command(&specs, &out).status().unwrap().success());
            assert!(Instant::now() < limit);
            assert_eq!(stable_files(&out), wanted, "the run after kill {kill}");
        }
    }
    assert!(command(&specs, &out).status().unwrap().success());
    assert_eq!(stable_files(&out), wanted);
    assert!(n_cut > kills / 4, "only {n_cut} of {kills} kills came in time");
    let litter: Vec<_> = walk(&out)
        .into_iter()
        .filter(|path| wordmill::durable::is_temporary(path.file_name().unwrap()))
        .collect();
    assert_eq!(litter, Vec::<PathBuf>::new(), "litter is swept");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(walk(&path)),
            false => found.push(path),
        }
    }
    found
}
