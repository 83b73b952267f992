//! `wordmill run`, `shard`, `merge`, `corpus`.

use super::*;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// Specifications, one a line: name, value of the output over `n`, supplied code, tag.
fn specs() -> String {
    let all = [
        ("square", [1, 9, 16], "", ""),
        ("successor", [2, 4, 5], "", ""),
        ("wrong", [2, 6, 8], "1 lshift 1 +", ""),
        ("given", [1, 27, 64], "dup dup * *", ""),
        ("beyond", [71, 977, 3], "", "expect:unsolved"),
    ];
    all.iter().map(|(word, outputs, code, tag)| spec(word, *outputs, code, tag) + "\n").collect()
}

fn spec(word: &str, outputs: [i64; 3], code: &str, tag: &str) -> String {
    let cases = [1, 3, 4].into_iter().zip(outputs);
    let cases: Vec<String> =
        cases.map(|(input, output)| format!(r#"{{"input": [{input}], "output": [{output}]}}"#)).collect();
    let code =
        if code.is_empty() { String::new() } else { format!(r#", "implementation": {{"code": "{code}"}}"#) };
    let tags = if tag.is_empty() { String::new() } else { format!(r#", "metadata": {{"tags": ["{tag}"]}}"#) };
    format!(
        r#"{{"word": "{word}", "stack_effect": {{"inputs": [{{"name": "n", "type": "int"}}], "outputs": [{{"name": "r", "type": "int"}}]}}, "test_cases": [{}]{code}{tags}}}"#,
        cases.join(", ")
    )
}

fn with_specs() -> tempfile::TempDir {
    let folder = folder();
    write(folder.path(), "specs/a.jsonl", &specs());
    folder
}

/// A budget that debug builds get through quickly.
const SMALL: [&str; 2] = ["--budget", "5000"];

fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    wordmill(folder, &[&["run", "specs"], &SMALL[..], arguments].concat())
}

fn outcomes(folder: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(folder.join("outcomes.jsonl")).expect("outcomes.jsonl");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The files that must be the same bytes for the same input, by path.
fn stable_files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    files.insert("outcomes.jsonl".to_owned(), fs::read(out.join("outcomes.jsonl")).expect("outcomes"));
    for entry in fs::read_dir(out.join("code")).expect("code") {
        let path = entry.expect("entry").path();
        files.insert(
            path.file_name().expect("name").to_string_lossy().into_owned(),
            fs::read(&path).expect("code"),
        );
    }
    files
}

#[test]
fn a_run_gives_verdicts_files_and_an_exit_code() {
    let folder = with_specs();
    let ran = run_in(folder.path(), &[]).expect(0);
    assert!(ran.stdout.contains("4 of 5 verified (80 %)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 unsolved as expected"), "{}", ran.stdout);
    let out = folder.path().join("wordmill-out");
    for file in ["outcomes.jsonl", "report.json", "report.md", "report.html", "junit.xml", "code/a.jsonl.fth"]
    {
        assert!(out.join(file).exists() || file.starts_with("code"), "{file}");
    }
    let outcomes = outcomes(&out);
    let told: Vec<_> = outcomes.iter().map(|line| (line["word"].as_str(), line["status"].as_str())).collect();
    let verified = Some("verified");
    let expect = [
        (Some("square"), verified),
        (Some("successor"), verified),
        (Some("wrong"), verified),
        (Some("given"), verified),
        (Some("beyond"), Some("unsolved")),
    ];
    assert_eq!(told, expect);
    assert_eq!(outcomes[2]["given"]["status"], "refuted");
    assert!(
        outcomes[2]["given"]["failing_test"]
            .as_str()
            .is_some_and(|test| test.starts_with("1 -> 3, expected 2"))
    );
    assert_eq!(
        (&outcomes[3]["given"]["status"], &outcomes[3]["strategy"]),
        (&"verified".into(), &"given".into())
    );
    assert_eq!((&outcomes[0]["file"], &outcomes[0]["line"]), (&"specs/a.jsonl".into(), &1.into()));
}

#[test]
fn the_second_run_does_nothing_and_says_the_same() {
    let folder = with_specs();
    run_in(folder.path(), &[]).expect(0);
    let out = folder.path().join("wordmill-out");
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).expect("a time");
    let before = (stable_files(&out), changed(&out.join("outcomes.jsonl")));
    let again = run_in(folder.path(), &[]).expect(0);
    assert!(again.stdout.contains("4 of 5 verified"), "{}", again.stdout);
    assert_eq!(before, (stable_files(&out), changed(&out.join("outcomes.jsonl"))));
    // One file more: only that one is worked on.
    write(folder.path(), "specs/b.json", &spec("fourfold", [4, 12, 16], "", ""));
    let more = run_in(folder.path(), &[]).expect(0);
    assert!(
        more.stdout.contains("5 of 6 verified") && more.stdout.contains("5 known from earlier runs"),
        "{}",
        more.stdout
    );
}

#[test]
fn the_exit_code_is_what_fail_on_asks_for() {
    let folder = folder();
    write(folder.path(), "specs/a.jsonl", &spec("beyond", [71, 977, 3], "", ""));
    run_in(folder.path(), &[]).expect(1);
    run_in(folder.path(), &["--fail-on", "never"]).expect(0);
    run_in(folder.path(), &["--fail-on", "regression"]).expect(0);
    write(folder.path(), "specs/a.jsonl", &spec("beyond", [1, 3, 4], "", ""));
    run_in(folder.path(), &[]).expect(0);
    write(folder.path(), "specs/a.jsonl", &spec("beyond", [71, 977, 3], "", ""));
    run_in(folder.path(), &["--fail-on", "regression"]).expect(1);
    run_in(folder.path(), &["--fail-on", "sometimes"]).expect(2);
    // A broken record is one verdict.
    write(folder.path(), "specs/a.jsonl", "{\"word\": \"x\n");
    let ran = run_in(folder.path(), &[]).expect(1);
    assert!(ran.stdout.contains("0 of 1 verified"), "{}", ran.stdout);
    fs::remove_file(folder.path().join("specs/a.jsonl")).expect("remove");
    run_in(folder.path(), &[]).expect(4);
    wordmill(folder.path(), &["run"]).expect(2);
    wordmill(folder.path(), &["run", "nowhere"]).expect(2);
}

#[test]
fn formats_of_the_summary() {
    let folder = with_specs();
    write(folder.path(), "specs/b.json", &spec("failing", [71, 977, 3], "", ""));
    let json = run_in(folder.path(), &["--message-format", "json"]).expect(1).json_lines();
    assert_eq!((json.len(), &json[0]["totals"]["specs"]), (1, &6.into()));
    let github = run_in(folder.path(), &["--message-format", "github"]).expect(1).stdout;
    assert!(github.starts_with("::error file=specs/b.json,line=1,title=failing is unsolved::"), "{github}");
    let quiet = run_in(folder.path(), &["-q"]).expect(1);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn shards_merge_into_what_one_run_writes() {
    let folder = with_specs();
    run_in(folder.path(), &["--out", "whole"]).expect(0);
    for index in ["0", "1", "2"] {
        let out = format!("shard-{index}");
        let arguments = ["shard", "--index", index, "--of", "3", "specs", "--out", &out];
        wordmill(folder.path(), &[&arguments[..], &SMALL[..]].concat()).expect(0);
    }
    let missing = wordmill(folder.path(), &["merge", "shard-0", "shard-2", "--out", "merged"]).expect(2);
    assert!(missing.stderr.contains("of 3 shards these are missing: 1"), "{}", missing.stderr);
    let ran =
        wordmill(folder.path(), &["merge", "shard-2", "shard-0", "shard-1", "--out", "merged"]).expect(0);
    assert!(ran.stdout.contains("4 of 5 verified"), "{}", ran.stdout);
    assert_eq!(stable_files(&folder.path().join("merged")), stable_files(&folder.path().join("whole")));
    wordmill(folder.path(), &["shard", "--index", "3", "--of", "3", "specs"]).expect(2);
    wordmill(folder.path(), &["merge", "specs"]).expect(2);
}

#[test]
fn an_archive_is_enough() {
    let folder = with_specs();
    run_in(folder.path(), &["--out", "from-json"]).expect(0);
    let built = wordmill(folder.path(), &["corpus", "build", "specs", "--to", "archive"]).expect(0);
    assert!(built.stderr.contains("5 records; 1 file read"), "{}", built.stderr);
    fs::remove_dir_all(folder.path().join("specs")).expect("the JSON is gone");
    let arguments = ["run", "archive", "--out", "from-archive", SMALL[0], SMALL[1]];
    wordmill(folder.path(), &arguments).expect(0);
    assert_eq!(
        stable_files(&folder.path().join("from-archive")),
        stable_files(&folder.path().join("from-json"))
    );

    let ls = wordmill(folder.path(), &["corpus", "ls", "archive"]).expect(0).stdout;
    assert!(ls.contains("square  ( n -- r )  3 tests  specs/a.jsonl:1\n"), "{ls}");
    let info = wordmill(folder.path(), &["corpus", "info", "archive", "--message-format", "json"])
        .expect(0)
        .json_lines();
    assert_eq!((&info[0]["records"], &info[0]["valid"]), (&5.into(), &5.into()));
    wordmill(folder.path(), &["corpus", "info", "archive"]).expect(0);
    let shown = wordmill(folder.path(), &["corpus", "show", "square", "archive"]).expect(0).stdout;
    write(folder.path(), "again/square.json", &shown);
    wordmill(folder.path(), &["check", "again"]).expect(0);
    let wrong = wordmill(folder.path(), &["corpus", "show", "sqare", "archive"]).expect(2);
    assert!(wrong.stderr.contains("did you mean `square`?"), "{}", wrong.stderr);
    let whole = wordmill(folder.path(), &["corpus", "verify", "archive"]).expect(0).stdout;
    assert_eq!(whole, "whole: 5 records in 1 segment\n");

    let segment = fs::read_dir(folder.path().join("archive"))
        .expect("archive")
        .map(|entry| entry.expect("entry").path());
    let segment =
        segment.into_iter().find(|path| path.extension().is_some_and(|it| it == "wmseg")).expect("a segment");
    let mut bytes = fs::read(&segment).expect("segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).expect("write");
    let broken = wordmill(folder.path(), &["corpus", "verify", "archive"]).expect(1).stdout;
    assert!(broken.contains("is damaged"), "{broken}");
    wordmill(folder.path(), &["run", "archive", SMALL[0], SMALL[1], "--out", "broken"]).expect(2);
    wordmill(folder.path(), &["corpus", "info", "nowhere"]).expect(2);
}

#[test]
fn held_out_cases_are_scored_and_change_no_code() {
    let folder = with_specs();
    run_in(folder.path(), &["--out", "without"]).expect(0);
    let mut held = spec("square", [1, 9, 16], "", "").replace("[3]", "[10]").replace("[9]", "[100]");
    held.push('\n');
    write(folder.path(), "held.heldout.jsonl", &held);
    run_in(folder.path(), &["--out", "with", "--heldout", "held.heldout.jsonl"]).expect(0);
    let (without, with) = (outcomes(&folder.path().join("without")), outcomes(&folder.path().join("with")));
    assert_eq!((&with[0]["heldout_passed"], &with[0]["heldout_total"]), (&3.into(), &3.into()));
    assert_eq!(&without[0]["heldout_total"], 0);
    // What cannot be used is not passed over in silence.
    write(folder.path(), "none.jsonl", "garbage\n");
    let ran = run_in(folder.path(), &["--out", "none", "--heldout", "none.jsonl"]).expect(2);
    assert!(ran.stderr.contains("no held-out case can be used"), "{}", ran.stderr);
    write(folder.path(), "specs/a.heldout.jsonl", &format!("garbage\n{held}{{}}\n"));
    let beside = run_in(folder.path(), &["--out", "beside"]).expect(0);
    assert!(beside.stderr.contains("2 of 3 held-out records cannot be read"), "{}", beside.stderr);
    assert_eq!(outcomes(&folder.path().join("beside"))[0]["heldout_passed"], 3);
    fs::remove_file(folder.path().join("specs/a.heldout.jsonl")).expect("it is there");
    let codes =
        |lines: &[serde_json::Value]| lines.iter().map(|line| line["code"].clone()).collect::<Vec<_>>();
    assert_eq!(codes(&with), codes(&without));
}

#[test]
fn settings_of_the_search_come_from_everywhere() {
    let folder = with_specs();
    write(
        folder.path(),
        "config.toml",
        "[wordmill]\n[run]\npaths = [\"specs\"]\nbudget = 5000\nout = \"results\"\n",
    );
    wordmill(folder.path(), &["run"]).expect(0);
    assert!(folder.path().join("results/report.json").exists());
    let settings = |out: &str| {
        let text = fs::read_to_string(folder.path().join(out).join("report.json")).expect("report.json");
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    };
    assert_eq!(settings("results")["settings"]["run.budget"], 5000);
    let mut with_variable = command(folder.path(), &["run", "--out", "two", "--seed", "7"]);
    with_variable.env("WORDMILL_BUDGET", "4000").env("WORDMILL_SEED", "3");
    run(with_variable).expect(0);
    let two = settings("two");
    assert_eq!((&two["settings"]["run.budget"], &two["seed"]), (&4000.into(), &7.into()));
}

#[test]
fn one_verdict_is_explained() {
    let folder = with_specs();
    let told = run_in(folder.path(), &["--explain", "wrong"]).expect(0).stdout;
    for needle in
        ["wrong: verified  specs/a.jsonl:3", "supplied    refuted: 1 -> 3, expected 2", "code        : wrong"]
    {
        assert!(told.contains(needle), "{needle}: {told}");
    }
    // Enough to come from the templates to the banks.
    let beyond = ["run", "specs", "--budget", "100000", "--explain", "beyond"];
    let told = wordmill(folder.path(), &beyond).expect(1).stdout;
    for needle in [
        "beyond: unsolved",
        "tried       bodies of 0 to 3 words: ",
        " templates: ",
        "tried       expressions of numbers, and trees of them: ",
        "; a bank of ",
        " of 8 tests at once",
    ] {
        assert!(told.contains(needle), "{needle}: {told}");
    }
    let json = wordmill(folder.path(), &[&beyond[..], &["--message-format", "json"]].concat()).expect(1);
    let tried = json.json_lines()[0]["tried"].clone();
    let banks =
        tried.as_array().expect("a list").iter().filter_map(|tried| tried["bank"]["expressions"].as_u64());
    assert!(banks.max().is_some_and(|most| most > 100), "{tried}");
    let unknown = run_in(folder.path(), &["--explain", "sqare"]).expect(2);
    assert!(unknown.stderr.contains("did you mean `square`?"), "{}", unknown.stderr);
    assert!(!folder.path().join("wordmill-out/outcomes.jsonl").exists());
}

/// Specifications that keep the search busy for long.
fn endless(n: i64) -> String {
    (0..n).map(|k| spec(&format!("w{k}"), [71 + 13 * k, 977 - k * k, 3 + k], "", "") + "\n").collect()
}

#[test]
fn a_signal_stops_the_run_and_the_next_one_goes_on() {
    let folder = folder();
    write(folder.path(), "specs/a.jsonl", &endless(200));
    let arguments = ["run", "specs", "--budget", "1000000000"];
    let stop = |signal: &str, expect: i32| {
        let mut command = command(folder.path(), &arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start");
        std::thread::sleep(Duration::from_millis(1500));
        let sent = Instant::now();
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
        assert!(kill.success());
        let output = child.wait_with_output().expect("end");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(expect), "{stderr}");
        assert!(stderr.contains("the next run goes on from there"), "{stderr}");
        sent.elapsed()
    };
    let took = stop("-INT", 130);
    assert!(took < Duration::from_secs(10), "{took:?}");
    stop("-TERM", 143);
    assert!(!folder.path().join("wordmill-out/report.json").exists(), "half a run is no report");
}

#[cfg(feature = "flamegraph")]
#[test]
fn a_flame_graph_shows_stages_and_forth_words() {
    let folder = folder();
    // The supplied code burns fuel in a word with a name; the others keep the enumeration busy.
    let busy = ": countdown begin dup while 1- repeat drop ; : busy 150000 countdown 1+ ;";
    write(folder.path(), "specs/a.jsonl", &(endless(4) + &spec("busy", [2, 4, 5], busy, "")));
    let arguments = ["run", "specs", "--budget", "1000000", "--flamegraph", "out.svg", "--fail-on", "never"];
    wordmill(folder.path(), &arguments).expect(0);
    let svg = fs::read_to_string(folder.path().join("out.svg")).expect("out.svg");
    for needle in ["worker", "stage synth", "enumeration", "forth countdown", "native code"] {
        assert!(svg.contains(&format!("<title>{needle} (")), "{needle} is not in the picture");
    }
}
