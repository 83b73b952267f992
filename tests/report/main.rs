//! The files that a run writes, from a corpus made by hand: golden files, gforth, hostile names, bounded memory.
//! `UPDATE=1 cargo test --test report` rewrites the golden files; read the difference.

mod sample;

use sample::{run, samples};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wordmill::model::{SpecId, Status};
use wordmill::report::{Report, Row, unchanged};

fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/report").join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
    }
    let expect = fs::read_to_string(&path).unwrap_or_default();
    assert!(expect == actual, "{name} differs; UPDATE=1 rewrites it:\n{actual}");
}

fn files(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn golden_files() {
    let folder = tempfile::tempdir().unwrap();
    // A first run, so that the second has something to compare with.
    let mut before = samples();
    before[0].outcome = sample::failed(Status::Unsolved, wordmill::model::Stop::Budget, None);
    before[6].outcome = sample::verified(
        before[6].spec.as_ref().unwrap(),
        ": cube dup dup * * ;",
        before[1].outcome.strategy.unwrap(),
    );
    before[4].outcome.code = Some(": distance 2dup max -rot min - ;".into());
    before.remove(1);
    run(folder.path(), &before);
    let summary = run(folder.path(), &samples());
    golden(
        "terminal.txt",
        &anstream::adapter::strip_str(&summary.to_terminal(Path::new("out"), Default::default())).to_string(),
    );
    for name in ["outcomes.jsonl", "report.json", "report.md", "junit.xml"] {
        golden(name, &fs::read_to_string(folder.path().join(name)).unwrap());
    }
    let code = folder.path().join("code");
    for name in files(&code) {
        let text = fs::read_to_string(code.join(&name)).unwrap();
        golden(
            &format!("code/{}", name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "_")),
            &text,
        );
    }
}

#[test]
fn gforth_loads_the_code_and_its_tests_hold() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &samples());
    let code = folder.path().join("code");
    let mut n_tests = 0;
    for name in files(&code).into_iter().filter(|name| name.ends_with(".test.fth")) {
        let Some(output) = gforth(&code, &name) else { return };
        let (n, rest) = output.trim().split_once(" tests, ").unwrap_or_else(|| panic!("{name}: {output}"));
        assert_eq!(rest.trim(), "0 failed", "{name}: {output}");
        n_tests += n.trim().parse::<u32>().unwrap();
    }
    let expect: usize = samples()
        .iter()
        .filter(|sample| sample.outcome.status == Status::Verified)
        .map(|sample| sample.spec.as_ref().unwrap().tests.len())
        .sum();
    // The second `square` is not loaded.
    assert_eq!(n_tests as usize, expect - 1);
}

#[test]
fn gforth_tells_a_failing_test() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = samples();
    all.truncate(1);
    all[0].outcome.code = Some(": square dup + ;".into());
    let tests = &mut all[0].spec.as_mut().unwrap().tests;
    tests[2].output.clear();
    run(folder.path(), &all);
    let Some(output) = gforth(&folder.path().join("code"), "specs+basic.jsonl.test.fth") else { return };
    assert!(output.contains("INCORRECT RESULT: T{ 5 square -> 25 }T"), "{output}");
    assert!(output.contains("WRONG NUMBER OF RESULTS: T{ 0 square -> }T"), "{output}");
    assert!(output.contains("3 tests, 3 failed"), "{output}");
}

/// What gforth prints on loading a file; `None` (and a word) where it is not installed.
fn gforth(folder: &Path, name: &str) -> Option<String> {
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "60", "gforth", &format!("./{name}"), "-e", "bye"]).current_dir(folder);
    if Command::new("gforth").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("skipped: gforth is not installed");
        return None;
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // The shims make gforth tell that it has such a word already; nothing else may be told.
    let shims = ["lshift", "/", "mod", "/mod", "wm/?"].map(|word| format!("redefined {word} "));
    let text = shims.iter().fold(text, |text, shim| text.replace(shim, ""));
    assert!(output.status.success(), "{name}: {text}");
    Some(text)
}

#[test]
fn no_specs_make_whole_reports() {
    let folder = tempfile::tempdir().unwrap();
    let summary = run(folder.path(), &[]);
    assert_eq!(summary.totals.specs, 0);
    assert_eq!(fs::read(folder.path().join("outcomes.jsonl")).unwrap(), b"");
    assert!(files(&folder.path().join("code")).is_empty());
    assert!(fs::read_to_string(folder.path().join("report.json")).unwrap().contains("\"specs\": 0"));
}

#[test]
fn what_is_not_times_is_the_same_again() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut slower = samples();
    slower.iter_mut().for_each(|sample| sample.elapsed_us *= 3);
    run(a.path(), &samples());
    run(b.path(), &slower);
    assert_same(a.path(), b.path(), &["outcomes.jsonl".into()]);
    let names: Vec<_> =
        files(&a.path().join("code")).into_iter().map(|name| PathBuf::from("code").join(name)).collect();
    assert!(names.len() >= 6);
    assert_same(a.path(), b.path(), &names);
}

fn assert_same(a: &Path, b: &Path, names: &[PathBuf]) {
    for name in names {
        assert!(fs::read(a.join(name)).unwrap() == fs::read(b.join(name)).unwrap(), "{name:?}");
    }
}

#[test]
fn an_unchanged_run_has_nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let summary = run(folder.path(), &samples());
    let found = unchanged(folder.path(), "f00d").unwrap();
    assert_eq!((found.totals.verdicts, found.totals.known), (summary.totals.verdicts, 20));
    assert_eq!(found.changes.unwrap().count(), 0);
    assert!(unchanged(folder.path(), "beef").is_none());
    // A run that was killed may have replaced some files.
    drop(Report::begin(sample::options(folder.path())).unwrap());
    assert!(unchanged(folder.path(), "f00d").is_none());
    run(folder.path(), &samples());
    assert!(unchanged(folder.path(), "f00d").is_some());
    fs::write(folder.path().join("outcomes.jsonl"), "").unwrap();
    assert!(unchanged(folder.path(), "f00d").is_none());
}

#[test]
fn code_of_vanished_sources_goes_and_files_of_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &samples());
    let code = folder.path().join("code");
    fs::write(code.join("mine.fth"), ": mine ;").unwrap();
    fs::write(code.join(".x.fth.1-1.wm-tmp"), "litter").unwrap();
    let before = fs::metadata(code.join("specs+basic.jsonl.fth")).unwrap().modified().unwrap();
    let basic: Vec<_> = samples().into_iter().filter(|sample| sample.file.starts_with("specs/")).collect();
    run(folder.path(), &basic);
    assert_eq!(
        files(&code).into_iter().collect::<Vec<_>>(),
        ["mine.fth", "specs+basic.jsonl.fth", "specs+basic.jsonl.test.fth"]
    );
    assert_eq!(fs::metadata(code.join("specs+basic.jsonl.fth")).unwrap().modified().unwrap(), before);
}

#[test]
fn a_record_tells_what_its_spec_tells() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let valid: Vec<_> =
        samples().into_iter().filter(|sample| sample.outcome.status == Status::Verified).collect();
    let specs: Vec<_> = valid.iter().map(|sample| sample.spec.clone().unwrap()).collect();
    let corpus = wordmill::corpus::Corpus::from_specs("one.jsonl", &specs);
    let mut reports = folders.each_ref().map(|folder| Report::begin(sample::options(folder.path())).unwrap());
    for (i, sample) in valid.iter().enumerate() {
        let record = corpus.record(SpecId(i as u32));
        let diagnostics = record.diagnostics();
        let row = Row::from_spec(&specs[i], "one.jsonl", record.line()).found(&diagnostics);
        reports[0].accept(&row, &sample.outcome).unwrap();
        reports[1].accept(&Row::from_record(record), &sample.outcome).unwrap();
    }
    for report in reports {
        report.finish(sample::facts()).unwrap();
    }
    let names = [
        "outcomes.jsonl",
        "report.json",
        "report.md",
        "junit.xml",
        "code/one.jsonl.fth",
        "code/one.jsonl.test.fth",
    ];
    assert_same(folders[0].path(), folders[1].path(), &names.map(PathBuf::from));
}

/// Names from others must not become markup anywhere in the page, whichever way they get there.
#[test]
fn hostile_names_are_harmless_in_the_page() {
    let folder = tempfile::tempdir().unwrap();
    // The last run lacked some, so that they stand among the changes as well.
    run(folder.path(), &samples()[..3]);
    run(folder.path(), &samples());
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    for (tag, n) in
        [("<script", 2), ("</script", 2), ("<style", 1), ("<img", 0), ("<b>", 0), ("<!--", 0), ("-->", 0)]
    {
        let found = page.matches(tag).count();
        // `<b>` is ours as well, but never around a text of others.
        assert!(found == n || tag == "<b>" && !page.contains("&amp; <b>"), "{found} of {tag}");
    }
    for outside in [
        "http:",
        "https:",
        "//cdn",
        "url(",
        "@import",
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    let data = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let rows = data["rows"].as_array().unwrap();
    assert_eq!(rows.len(), samples().len());
    assert!(rows.iter().any(|row| row["w"] == sample::HOSTILE && row["f"] == sample::HOSTILE));
    let first: Vec<_> = rows.iter().take(5).map(|row| row["v"].as_u64().unwrap()).collect();
    assert_eq!(first, [1, 2, 3, 4, 3], "failures come first");
    assert_eq!(rows[5]["code"], ": square dup * ;");
}

/// Every element is closed, names and text hold no markup, and the counts are those of the cases.
#[test]
fn junit_is_well_formed_and_counts_its_cases() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &samples());
    let text = fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    let mut open: Vec<&str> = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    for piece in text.split('<').skip(1) {
        let (tag, after) = piece.split_once('>').expect("every tag is closed");
        assert!(!after.contains(['>', '"']) || after.trim().is_empty(), "{after}");
        let name = tag.trim_start_matches('/').split(|c: char| c.is_whitespace() || c == '/').next().unwrap();
        if tag.starts_with('?') || tag.ends_with('/') {
            *seen.entry(name).or_insert(0) += 1;
        } else if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            open.push(name);
            *seen.entry(name).or_insert(0) += 1;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
    }
    assert!(open.is_empty());
    assert!(text.chars().all(|c| matches!(c, '\n' | ' '..='\u{FFFD}' | '\u{10000}'..)));
    let sum = |attribute: &str| -> u64 {
        let suites = text.split("<testsuite ").skip(1);
        suites
            .map(|suite| {
                suite.split_once(attribute).unwrap().1.split('"').nth(1).unwrap().parse::<u64>().unwrap()
            })
            .sum()
    };
    assert_eq!(seen["testcase"], sum(" tests="));
    assert_eq!(seen["failure"], sum(" failures="));
    assert_eq!(seen["error"], sum(" errors="));
    assert_eq!(seen["skipped"], sum(" skipped="));
    assert!(
        text.contains(
            "<testsuites name=\"wordmill\" tests=\"20\" failures=\"2\" errors=\"3\" time=\"0.184\""
        )
    );
}

#[test]
fn big_sources_are_split() {
    let folder = tempfile::tempdir().unwrap();
    let spec = sample::spec("w", "n -- n", &[(&[1], &[1])]);
    let mut report = Report::begin(sample::options(folder.path())).unwrap();
    for i in 0..25_000u32 {
        let name = format!("w{i}");
        let mut spec = spec.clone();
        spec.word = name.clone();
        let mut outcome = sample::verified(&spec, &format!(": {name} ;"), wordmill::model::Strategy::Given);
        outcome.spec = SpecId(i);
        report.accept(&Row::from_spec(&spec, "big.jsonl", i + 1), &outcome).unwrap();
    }
    let summary = report.finish(sample::facts()).unwrap();
    assert_eq!(summary.totals.verdicts.verified, 25_000);
    let code = folder.path().join("code");
    assert_eq!(files(&code).len(), 6);
    let n_words = |name| {
        fs::read_to_string(code.join(name)).unwrap().lines().filter(|line| line.starts_with(": ")).count()
    };
    assert_eq!(["big.jsonl.fth", "big.jsonl.2.fth", "big.jsonl.3.fth"].map(n_words), [10_000, 10_000, 5_000]);
}
