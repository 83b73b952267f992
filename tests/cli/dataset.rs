//! `wordmill dataset`: records are taken apart and run again, from their own text alone.

use super::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).expect("bytes"));
            }
        }
    }
    found
}

/// A run over generated specifications and the shipped ones, in `results`.
fn a_run(folder: &Path, count: &str) {
    wordmill(folder, &["generate", "--count", count, "--seed", "5", "--out", "tasks"]).expect(0);
    wordmill(folder, &["run", "tasks/specs", "--out", "results", "--no-config", "-q"]).expect(0);
}

fn records(folder: &Path, config: &str) -> Vec<Value> {
    let files = contents(&folder.join("data/jsonl").join(config));
    let text: String = files.values().map(|bytes| std::str::from_utf8(bytes).expect("UTF-8")).collect();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn text<'v>(record: &'v Value, field: &str) -> &'v str {
    record[field].as_str().unwrap_or_else(|| panic!("{field} of {record}"))
}

/// The lines that `wordmill judge` prints for these candidates, each with the specification of its own record.
fn judge(folder: &Path, asked: &[(&str, &str)]) -> Vec<String> {
    let (mut specs, mut candidates) = (String::new(), String::new());
    for (line, (spec, code)) in asked.iter().enumerate() {
        specs += &format!("{spec}\n");
        let word = serde_json::from_str::<Value>(spec).expect("JSON")["word"].clone();
        candidates += &format!("{}\n", json!({"word": word, "code": code, "line": line + 1}));
    }
    write(folder, "again.jsonl", &specs);
    write(folder, "candidates.jsonl", &candidates);
    let arguments = ["judge", "again.jsonl", "--candidates", "candidates.jsonl", "--no-config"];
    wordmill(folder, &arguments).expect(0).stdout.lines().map(str::to_owned).collect()
}

fn verdict(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

#[test]
fn every_record_runs_again_from_its_own_text() {
    let folder = folder();
    let folder = folder.path();
    a_run(folder, "400");
    let ran = wordmill(folder, &["dataset", "--from", "results", "--out", "data", "--seed", "2"]).expect(0);
    assert!(ran.stdout.contains("problems of 400 verified outcomes"), "{}", ran.stdout);

    let preference = records(folder, "preference");
    assert!(preference.len() > 300, "{}", preference.len());
    let good: Vec<(&str, &str)> =
        preference.iter().map(|it| (text(it, "spec"), text(it, "chosen"))).collect();
    let bad: Vec<(&str, &str)> =
        preference.iter().map(|it| (text(it, "spec"), text(it, "rejected"))).collect();
    for line in judge(folder, &good) {
        assert_eq!(verdict(&line)["status"], "passed", "{line}");
    }
    for (record, line) in preference.iter().zip(judge(folder, &bad)) {
        let told = verdict(&line);
        assert_eq!(told["status"], "failed", "{line}");
        assert_eq!(told["failing_test"], record["failing_test"], "{line}");
        assert_eq!(told["tests_passed"], record["tests_passed"], "{line}");
    }

    let unpaired = records(folder, "preference_unpaired");
    let asked: Vec<(&str, &str)> =
        unpaired.iter().map(|it| (text(it, "spec"), text(it, "completion"))).collect();
    for (record, line) in unpaired.iter().zip(judge(folder, &asked)) {
        assert_eq!(verdict(&line)["passed"], record["label"], "{line}");
    }

    let repair = records(folder, "repair");
    let broken: Vec<(&str, &str)> = repair.iter().map(|it| (text(it, "spec"), text(it, "broken"))).collect();
    for (record, line) in repair.iter().zip(judge(folder, &broken)) {
        assert_eq!(verdict(&line)["failing_test"], record["failing_test"], "{line}");
        assert_eq!(mended(text(record, "broken"), text(record, "edit")), text(record, "fixed"), "{record}");
    }

    let trajectories = records(folder, "trajectories");
    assert!(trajectories.len() > 300);
    let mut asked = Vec::new();
    let mut answers = Vec::new();
    let mut n_inferred = 0;
    for record in &trajectories {
        let messages = record["messages"].as_array().expect("messages");
        for (at, message) in messages.iter().enumerate() {
            let Some(call) = message["tool_calls"].get(0) else { continue };
            let answer = &messages[at + 1];
            assert_eq!((&answer["role"], &answer["tool_call_id"]), (&json!("tool"), &call["id"]));
            let arguments: Value = serde_json::from_str(text(&call["function"], "arguments")).expect("JSON");
            match text(&call["function"], "name") {
                "run_tests" => {
                    asked.push((text(record, "spec"), arguments["code"].as_str().expect("code").to_owned()));
                    answers.push(text(answer, "content"));
                }
                "infer" if n_inferred < 40 => {
                    n_inferred += 1;
                    let printed = wordmill(folder, &["infer", text(&arguments, "code")]).expect(0).stdout;
                    assert_eq!(printed.trim_end(), text(answer, "content"));
                }
                "infer" => {}
                other => panic!("{other}"),
            }
        }
    }
    assert_eq!(n_inferred, 40);
    let asked: Vec<(&str, &str)> = asked.iter().map(|(spec, code)| (*spec, code.as_str())).collect();
    assert_eq!(judge(folder, &asked), answers);

    let sft = records(folder, "sft");
    let problems = records(folder, "problems");
    assert_eq!(sft.len(), problems.len());
    let asked: Vec<(&str, &str)> =
        problems.iter().map(|it| (text(it, "spec"), text(it, "solution"))).collect();
    for line in judge(folder, &asked) {
        assert_eq!(verdict(&line)["status"], "passed", "{line}");
    }
    for (record, problem) in sft.iter().zip(&problems) {
        let answer = text(&record["messages"][2], "content");
        assert!(answer.contains(text(problem, "solution")), "{answer}");
    }
}

/// The code after the edit, done by its words alone.
fn mended(broken: &str, edit: &str) -> String {
    let quoted: Vec<&str> = edit.split('`').skip(1).step_by(2).collect();
    let at: usize = edit
        .split("word ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .and_then(|n| n.parse().ok())
        .expect("a number");
    let head_end = broken.find(" )").expect("a comment") + 2;
    let body = broken[head_end..].strip_suffix(" ;").expect("the end");
    let mut words: Vec<&str> = body.split_whitespace().collect();
    match edit.split(' ').next() {
        Some("replace") => words[at - 1] = quoted[1],
        Some("insert") => words.insert(at - 1, quoted[0]),
        Some("delete") => _ = words.remove(at - 1),
        other => panic!("{other:?}"),
    }
    format!("{} {} ;", &broken[..head_end], words.join(" "))
}

#[test]
fn traces_replay_and_the_shape_of_human_eval_passes_the_tester() {
    let folder = folder();
    let folder = folder.path();
    a_run(folder, "150");
    wordmill(folder, &["dataset", "--from", "results", "--out", "data", "--configs", "traces,humaneval"])
        .expect(0);
    let traces = records(folder, "traces");
    assert!(traces.len() > 40, "{}", traces.len());
    for record in &traces {
        let code = text(record, "code");
        let name = code.split(' ').nth(1).expect("a name");
        let run = format!("{code} {} {name} .s", text(record, "input"));
        let printed = wordmill(folder, &["forth", "-e", &run]).expect(0).stdout;
        let last = text(record, "trace").lines().last().expect("a step").split_once('|').expect("a stack").1;
        assert_eq!(last.trim(), text(record, "output"), "{record}");
        assert!(printed.trim_end().ends_with(text(record, "output")), "{printed} {record}");
    }
    // Straight code is replayed word by word.
    let mut n_steps = 0;
    let straight = |record: &&Value| {
        !text(record, "trace").lines().any(|line| {
            let word = line.split(" |").next().expect("a word");
            ["if", "else", "then", "?do", "loop", "begin", "while", "repeat", "{:", ":}", "throw"]
                .contains(&word)
        }) && !text(record, "code").contains("{:")
    };
    for record in traces.iter().filter(straight).take(10) {
        let mut before = String::new();
        for line in text(record, "trace").lines() {
            let (word, stack) = line.split_once(" |").expect("a stack");
            before += &format!("{word} ");
            let run = format!("{} {before} .s", text(record, "input"));
            let printed = wordmill(folder, &["forth", "-e", &run]).expect(0).stdout;
            assert!(printed.trim_end().ends_with(stack.trim()), "{run}: {printed}, {stack}");
            n_steps += 1;
        }
    }
    assert!(n_steps > 10, "{n_steps}");

    let problems = records(folder, "humaneval");
    assert!(problems.len() > 40);
    for record in problems.iter().take(20) {
        let program = format!("{}{}", text(record, "prompt"), text(record, "canonical_solution"));
        write(folder, "program.fs", &format!("{program}{}", text(record, "test")));
        let imported = wordmill(folder, &["import", "program.fs"]).expect(0).stdout;
        write(folder, "imported.jsonl", &imported);
        let ran = wordmill(
            folder,
            &["run", "imported.jsonl", "--out", "imported", "--no-cache", "--no-config", "-q"],
        );
        ran.expect(0);
    }
}

#[test]
fn held_out_tests_stand_in_no_prompt_and_clusters_in_one_split() {
    let folder = folder();
    let folder = folder.path();
    a_run(folder, "400");
    wordmill(folder, &["dataset", "--from", "results", "--out", "data"]).expect(0);
    let mut heldout = BTreeMap::new();
    for record in records(folder, "rl") {
        let held: Vec<Value> = serde_json::from_str(text(&record, "heldout_tests")).expect("JSON");
        assert!(!held.is_empty(), "{record}");
        let spec: Value = serde_json::from_str(text(&record, "spec")).expect("JSON");
        let visible = spec["test_cases"].as_array().expect("tests");
        for case in &held {
            assert!(visible.iter().all(|test| test["input"] != case["input"]), "{record}");
        }
        heldout.insert(text(&record, "problem_id").to_owned(), held);
    }
    for config in ["sft", "prompt_completion", "alpaca", "preference", "rl", "trajectories", "repair"] {
        for record in records(folder, config) {
            let said = match config {
                "sft" | "rl" | "trajectories" => {
                    record[if config == "rl" { "prompt" } else { "messages" }].to_string()
                }
                "alpaca" => format!("{}{}", record["instruction"], record["input"]),
                _ => record["prompt"].to_string(),
            };
            for case in &heldout[text(&record, "problem_id")] {
                let shown = |side: &str| {
                    let values = case[side]
                        .as_array()
                        .map(|values| values.iter().map(Value::to_string).collect::<Vec<_>>());
                    values.unwrap_or_default().join(" ")
                };
                let line = format!("{} -> {}", shown("input"), shown("output"));
                assert!(!said.contains(&format!("\\n  {line}")), "{config}: {line} in {said}");
                assert!(!said.contains(&format!("xample: {line}.")), "{config}: {line} in {said}");
            }
        }
    }
    let mut splits: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for (name, bytes) in contents(&folder.join("data/jsonl/problems")) {
        for line in std::str::from_utf8(&bytes).expect("UTF-8").lines() {
            let record: Value = serde_json::from_str(line).expect("JSON");
            let split = name.split('-').next().expect("a split").to_owned();
            splits.entry(record["cluster"].as_u64().expect("a cluster")).or_default().insert(split);
        }
    }
    assert!(splits.values().all(|splits| splits.len() == 1), "{splits:?}");
    assert!(splits.values().flatten().collect::<BTreeSet<_>>().len() == 3, "all three splits");
}

#[test]
fn threads_shards_and_a_stop_change_nothing() {
    let folder = folder();
    let folder = folder.path();
    a_run(folder, "2500");
    let build = |out: &str, more: &[&str]| {
        let base = [
            "dataset",
            "--from",
            "results",
            "--out",
            out,
            "--seed",
            "9",
            "--configs",
            "sft,preference,traces",
        ];
        wordmill(folder, &[&base, more].concat()).expect(0);
        contents(&folder.join(out))
    };
    let one = build("one", &["--jobs", "1"]);
    assert_eq!(one, build("two", &["--jobs", "2"]));
    // As after a kill: the second block is not noted, one of its files is there, one is torn.
    let two = folder.join("two");
    std::fs::remove_file(two.join(".blocks/00001.json")).expect("it is there");
    std::fs::remove_file(two.join("manifest.json")).expect("it is there");
    std::fs::write(two.join("parquet/sft/train-00001.parquet"), "torn").expect("write");
    std::fs::write(two.join("jsonl/sft/train-00000.jsonl"), "torn").expect("write");
    assert_eq!(one, build("two", &[]));
    let data = |files: &BTreeMap<String, Vec<u8>>| {
        let is_data = |name: &String| name.contains("-0000");
        files
            .iter()
            .filter(|(name, _)| is_data(name))
            .map(|(name, bytes)| (name.clone(), bytes.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    let mut parts = data(&build("part-0", &["--shard", "0/2"]));
    parts.extend(data(&build("part-1", &["--shard", "1/2"])));
    assert_eq!(parts, data(&one));
    let manifest: Value = serde_json::from_slice(&one["manifest.json"]).expect("JSON");
    for file in manifest["files"].as_array().expect("files") {
        let bytes = &one[text(file, "path")];
        assert_eq!(blake3::hash(bytes).to_hex().as_str(), text(file, "blake3"));
        if text(file, "format") == "jsonl" {
            let rows = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            assert_eq!(file["rows"], rows, "{file}");
        }
    }
    let card = std::str::from_utf8(&one["parquet/README.md"]).expect("UTF-8");
    for needle in ["license: cc0-1.0", "- config_name: sft", "path: sft/train-*.parquet", "size_categories:"]
    {
        assert!(card.contains(needle), "{needle}: {card}");
    }
    let packed = build("packed", &["--format", "jsonl", "--compress", "gzip"]);
    let mut unpacked = String::new();
    let reader = &mut flate2::read::GzDecoder::new(packed["jsonl/sft/train-00000.jsonl.gz"].as_slice());
    std::io::Read::read_to_string(reader, &mut unpacked).expect("gzip");
    assert_eq!(unpacked.as_bytes(), one["jsonl/sft/train-00000.jsonl"]);
    let packed = build("zstd", &["--format", "jsonl", "--compress", "zstd"]);
    let unpacked = zstd::decode_all(packed["jsonl/sft/train-00000.jsonl.zst"].as_slice()).expect("zstd");
    assert_eq!(unpacked, one["jsonl/sft/train-00000.jsonl"]);
}

#[test]
fn duplicates_and_contamination_are_left_out_with_the_reason() {
    const SQUARE: &str = r#"{"word":"W","description":"D","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"s","type":"int"}]},"test_cases":[{"input":[0],"output":[0]},{"input":[2],"output":[4]},{"input":[-3],"output":[9]},{"input":[7],"output":[49]}],"implementation":{"code":"C"}}"#;
    let spec = |word: &str, what: &str, code: &str| {
        SQUARE
            .replace("\"W\"", &format!("\"{word}\""))
            .replace("\"D\"", &format!("\"{what}\""))
            .replace("\"C\"", &format!("\"{code}\""))
            + "\n"
    };
    let long = "take the number that lies on the stack and multiply it by itself please";
    let folder = folder();
    let folder = folder.path();
    let specs = spec("square", "The square", "dup *")
        + &spec("square-again", "Its second power", "DUP *")
        + &spec("square-other", "Another way", "dup dup abs swap abs * nip")
        + &spec("double", long, "2*")
            .replace("[-3],\"output\":[9]", "[-3],\"output\":[-6]")
            .replace("[7],\"output\":[49]", "[7],\"output\":[14]");
    write(folder, "specs.jsonl", &specs);
    wordmill(folder, &["run", "specs.jsonl", "--out", "results", "--no-config", "-q"]).expect(0);
    let build = |out: &str, more: &[&str]| {
        let base =
            ["dataset", "--from", "results", "--out", out, "--configs", "problems", "--format", "jsonl"];
        wordmill(folder, &[&base, more].concat());
        let text = std::fs::read_to_string(folder.join(out).join("removed.jsonl")).unwrap_or_default();
        let told = |line: &str| {
            let removed: Value = serde_json::from_str(line).expect("JSON");
            format!("{}: {}", text_of(&removed, "word"), text_of(&removed, "reason"))
        };
        text.lines().map(told).collect::<Vec<_>>()
    };
    assert_eq!(build("plain", &[]), ["square-other: same behaviour", "square-again: same code"]);
    write(folder, "bench.txt", &format!("Task: {}!", long.to_uppercase()));
    assert!(
        build("words", &["--decontaminate", "bench.txt"]).contains(&"double: contaminated: words".to_owned())
    );
    write(folder, "bench.jsonl", &spec("sq", "x", "dup dup * swap drop"));
    let told = build("behaviour", &["--decontaminate", "bench.jsonl"]);
    assert_eq!(told.iter().filter(|line| line.ends_with("contaminated: behaviour")).count(), 3, "{told:?}");
    assert_eq!(build("limit", &["--limit", "1"]).iter().filter(|line| line.ends_with("balance")).count(), 1);
    wordmill(folder, &["dataset", "--from", "specs.jsonl", "--out", "x"]).expect(2);
}

fn text_of(value: &Value, field: &str) -> String {
    text(value, field).to_owned()
}

#[test]
fn python_datasets_loads_what_the_manifest_says() {
    let check = r#"
import json, sys
try:
    from datasets import load_dataset
except ImportError:
    print("skipped: there is no `datasets`"); sys.exit()
manifest = json.load(open("data/manifest.json"))
for format in ["parquet", "jsonl"]:
    expected = {}
    for file in manifest["files"]:
        if file["format"] == format:
            key = (file["config"], file["split"]); expected[key] = expected.get(key, 0) + file["rows"]
    for (config, split), rows in expected.items():
        got = load_dataset("data/" + format, config, split=split)
        assert len(got) == rows, (format, config, split, len(got), rows)
print("loaded")
"#;
    let folder = folder();
    let folder = folder.path();
    a_run(folder, "200");
    wordmill(folder, &["dataset", "--from", "results", "--out", "data"]).expect(0);
    let ran =
        Command::new("python3").args(["-c", check]).current_dir(folder).env("HF_HUB_OFFLINE", "1").output();
    let Ok(ran) = ran else {
        eprintln!("skipped: there is no python3");
        return;
    };
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    let last = told.lines().last().unwrap_or("");
    assert!(last == "loaded" || last.starts_with("skipped"), "{told}");
    eprintln!("{last}");
}
