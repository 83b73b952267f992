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

/// Records of each projection that are taken apart; `WORDMILL_TEST_RECORDS` says how many.
fn n_records() -> usize {
    std::env::var("WORDMILL_TEST_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(60)
}

/// So many of the records, at random but always the same.
fn some(mut records: Vec<Value>, n: usize) -> Vec<Value> {
    records.sort_by_cached_key(|record| *blake3::hash(record.to_string().as_bytes()).as_bytes());
    records.truncate(n);
    records
}

/// The lines that `wordmill judge` prints for these candidates, each with the specification of its own record.
fn judge(folder: &Path, asked: &[(String, String)]) -> Vec<Value> {
    judge_lines(folder, asked).iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn judge_lines(folder: &Path, asked: &[(String, String)]) -> Vec<String> {
    let (mut specs, mut candidates) = (String::new(), String::new());
    for (line, (spec, code)) in asked.iter().enumerate() {
        specs += &format!("{spec}\n");
        let word = serde_json::from_str::<Value>(spec).expect("JSON")["word"].clone();
        candidates += &format!("{}\n", json!({"word": word, "code": code, "line": line + 1}));
    }
    write(folder, "again.jsonl", &specs);
    write(folder, "candidates.jsonl", &candidates);
    let arguments = ["judge", "again.jsonl", "--candidates", "candidates.jsonl", "--no-config"];
    let lines: Vec<String> =
        wordmill(folder, &arguments).expect(0).stdout.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), asked.len());
    lines
}

/// What a command prints in JSON, whatever its verdict.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let (command, operands) = arguments.split_at(1);
    let flags = ["--message-format", "json", "--no-config", "--"];
    let ran = wordmill(folder, &[command, &flags, operands].concat());
    assert!(matches!(ran.code, Some(0 | 1)), "{arguments:?}: {}", ran.stderr);
    ran.stdout.trim_end().to_owned()
}

/// The code of an answer in a conversation.
fn unfenced(answer: &str) -> &str {
    answer.split("```forth\n").last().and_then(|rest| rest.split("\n```").next()).expect("a block")
}

/// The specification that stands in a prompt: word, effect and examples, and nothing else.
fn spec_of_prompt(prompt: &str) -> String {
    let word = prompt.split('`').nth(1).expect("the word");
    let effect = prompt.split("stack effect ( ").nth(1).and_then(|rest| rest.split(" ).").next());
    let (before, after) = effect.expect("the effect").split_once("--").expect("two sides");
    let params = |side: &str| {
        side.split_whitespace()
            .map(|name| json!({"name": name, "type": if name.contains("addr") { "addr" } else { "any" }}))
            .collect::<Vec<_>>()
    };
    let examples =
        prompt.rsplit("Examples (the last value is on top of the stack):\n").next().expect("examples");
    let values = |text: &str| -> Vec<Value> {
        serde_json::Deserializer::from_str(text).into_iter().map(|value| value.expect("a value")).collect()
    };
    let case = |line: &str| {
        let (input, rest) = line.split_once("->").expect("an arrow");
        let (rest, prints) = match rest.split_once(" and prints ") {
            Some((rest, prints)) => (rest, Some(values(prints)[0].clone())),
            None => (rest, None),
        };
        let mut case = match rest.trim().strip_prefix("exception ") {
            Some(code) => json!({"input": values(input), "throws": values(code)[0]}),
            None => {
                json!({"input": values(input), "output": values(rest.trim().trim_start_matches("nothing"))})
            }
        };
        if let Some(prints) = prints {
            case["prints"] = prints;
        }
        case
    };
    let cases: Vec<Value> = examples.lines().take_while(|line| line.starts_with("  ")).map(case).collect();
    assert!(!cases.is_empty(), "{prompt}");
    json!({"word": word, "stack_effect": {"inputs": params(before), "outputs": params(after)}, "test_cases": cases})
        .to_string()
}

/// Whether a prompt shows a test: its input and output with one of the words between that descriptions and examples use.
fn shows(prompt: &str, case: &Value) -> bool {
    let side = |name: &str| {
        let values =
            case[name].as_array().map(|values| values.iter().map(Value::to_string).collect::<Vec<_>>());
        values.unwrap_or_default().join(" ")
    };
    let prompt = prompt.replace(", ", ",");
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-');
    ["->", "gives", "leaves"].iter().any(|between| {
        let needle = format!("{} {between} {}", side("input"), side("output"));
        prompt.match_indices(&needle).any(|(at, _)| {
            !is_part(prompt[..at].chars().next_back()) && !is_part(prompt[at + needle.len()..].chars().next())
        })
    })
}

/// Everything that a run of generated, shipped and composed specifications gives, taken apart: nothing may be false.
#[test]
fn nothing_is_false() {
    let n = n_records();
    let folder = folder();
    let folder = folder.path();
    let count = (n * 3 / 2 + 100).to_string();
    wordmill(folder, &["generate", "--count", &count, "--seed", "5", "--out", "tasks"]).expect(0);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/specs");
    let shipped = shipped.to_str().expect("UTF-8");
    let run = ["run", "tasks/specs", shipped, "--out", "results", "--no-config", "-q", "--budget", "20000"];
    wordmill(folder, &[&run[..], &["--fail-on", "never"]].concat()).expect(0);
    wordmill(folder, &["dataset", "--from", "results", "--out", "data", "--seed", "2"]).expect(0);
    let all = |config: &str| records(folder, config);
    let sample = |config: &str| {
        let records = some(all(config), n);
        assert!(!records.is_empty(), "{config}");
        records
    };
    let pairs = |records: &[Value], spec: &str, code: &str| -> Vec<(String, String)> {
        records.iter().map(|it| (text_of(it, spec), text_of(it, code))).collect()
    };
    let passes = |asked: Vec<(String, String)>| {
        for ((spec, code), verdict) in asked.iter().zip(judge(folder, &asked)) {
            assert_eq!(verdict["status"], "passed", "{code}\n{spec}\n{verdict}");
        }
    };

    // Held-out tests, by problem, for everything below.
    let problems = all("problems");
    let heldout: BTreeMap<String, Vec<Value>> = problems
        .iter()
        .map(|it| (text_of(it, "problem_id"), serde_json::from_str(text(it, "heldout_tests")).expect("JSON")))
        .collect();
    assert!(heldout.values().filter(|cases| !cases.is_empty()).count() * 10 > problems.len() * 9);
    let hides = |record: &Value, prompt: &str| {
        for case in &heldout[text(record, "problem_id")] {
            assert!(!shows(prompt, case), "{case} in {prompt}");
        }
    };

    let records = some(problems.clone(), n);
    for record in &records {
        assert_eq!(
            blake3::hash(text(record, "solution").as_bytes()).to_hex()[..32],
            *text(record, "code_hash")
        );
        assert_eq!(record["solution"], record["solutions"][0]);
        let spec: Value = serde_json::from_str(text(record, "spec")).expect("JSON");
        assert_eq!(record["tests_passed"], spec["test_cases"].as_array().expect("tests").len());
        assert_eq!(record["heldout_total"], heldout[text(record, "problem_id")].len());
    }
    let solutions = |record: &Value| -> Vec<String> {
        record["solutions"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| it.as_str().expect("code").to_owned())
            .collect()
    };
    let several: Vec<&Value> = problems.iter().filter(|it| solutions(it).len() > 1).collect();
    assert!(!several.is_empty(), "no problem has several solutions");
    for record in records.iter().chain(several) {
        let mut spec: Value = serde_json::from_str(text(record, "spec")).expect("JSON");
        let codes = || solutions(record).into_iter();
        passes(codes().map(|code| (text_of(record, "spec"), code)).collect());
        let cases = &heldout[text(record, "problem_id")];
        if !cases.is_empty() {
            spec["test_cases"] = json!(cases);
            passes(codes().map(|code| (spec.to_string(), code)).collect());
        }
    }

    let records = sample("sft");
    for record in &records {
        hides(record, text(&record["messages"][1], "content"));
    }
    let asked = |record: &Value| {
        let messages = &record["messages"];
        (spec_of_prompt(text(&messages[1], "content")), unfenced(text(&messages[2], "content")).to_owned())
    };
    passes(records.iter().map(asked).collect());

    let records = sample("prompt_completion");
    records.iter().for_each(|record| hides(record, text(record, "prompt")));
    passes(
        records.iter().map(|it| (spec_of_prompt(text(it, "prompt")), text_of(it, "completion"))).collect(),
    );

    let records = sample("alpaca");
    let prompt = |it: &Value| format!("{}\n\n{}", text(it, "instruction"), text(it, "input"));
    records.iter().for_each(|record| hides(record, &prompt(record)));
    passes(records.iter().map(|it| (spec_of_prompt(&prompt(it)), text_of(it, "output"))).collect());

    let records = sample("preference");
    records.iter().for_each(|record| hides(record, text(record, "prompt")));
    passes(pairs(&records, "spec", "chosen"));
    for (record, verdict) in records.iter().zip(judge(folder, &pairs(&records, "spec", "rejected"))) {
        assert_eq!(verdict["status"], "failed", "{record}");
        for field in ["failing_test", "tests_passed", "tests_total"] {
            assert_eq!(verdict[field], record[field], "{record}");
        }
        assert!(verdict["tests_passed"].as_u64() < verdict["tests_total"].as_u64(), "{record}");
    }
    let from: BTreeSet<String> = all("preference").iter().map(|it| text_of(it, "rejected_from")).collect();
    assert!(from.iter().eq(["mutated solution", "near miss of the search"]), "{from:?}");

    let records = sample("preference_unpaired");
    records.iter().for_each(|record| hides(record, text(record, "prompt")));
    for (record, verdict) in records.iter().zip(judge(folder, &pairs(&records, "spec", "completion"))) {
        assert_eq!(verdict["passed"], record["label"], "{record}");
    }

    for record in sample("rl") {
        hides(&record, text(&record["prompt"][0], "content"));
        let spec: Value = serde_json::from_str(text(&record, "spec")).expect("JSON");
        let held: Vec<Value> = serde_json::from_str(text(&record, "heldout_tests")).expect("JSON");
        assert_eq!(held, heldout[text(&record, "problem_id")]);
        let visible = spec["test_cases"].as_array().expect("tests");
        for case in &held {
            assert!(visible.iter().all(|test| test["input"] != case["input"]), "{record}");
        }
        assert_eq!(spec["word"], record["word"]);
    }

    let records = sample("repair");
    for record in &records {
        hides(record, text(record, "prompt"));
        assert_eq!(mended(text(record, "broken"), text(record, "edit")), text(record, "fixed"), "{record}");
        assert!(text(record, "prompt").contains(text(record, "failing_test")), "{record}");
    }
    passes(pairs(&records, "spec", "fixed"));
    for (record, verdict) in records.iter().zip(judge(folder, &pairs(&records, "spec", "broken"))) {
        assert_eq!(
            (&verdict["status"], &verdict["failing_test"]),
            (&json!("failed"), &record["failing_test"])
        );
    }

    let records = sample("trajectories");
    records.iter().for_each(|record| hides(record, text(&record["messages"][1], "content")));
    trajectories_replay(folder, &records);
    sample("traces").iter().for_each(|record| trace_replays(folder, record));
    sample("humaneval").iter().for_each(|record| passes_the_tester(folder, record));
}

/// Every tool answer is what the command prints, and the last code passes.
fn trajectories_replay(folder: &Path, records: &[Value]) {
    let (mut asked, mut answers) = (Vec::new(), Vec::new());
    let mut called: BTreeMap<String, usize> = BTreeMap::new();
    for record in records {
        let messages = record["messages"].as_array().expect("messages");
        let tools: Vec<Value> = serde_json::from_str(text(record, "tools")).expect("JSON");
        let mut last = String::new();
        for (at, message) in messages.iter().enumerate() {
            let Some(call) = message["tool_calls"].get(0) else { continue };
            let answer = &messages[at + 1];
            assert_eq!((&answer["role"], &answer["tool_call_id"]), (&json!("tool"), &call["id"]));
            let (name, answer) = (text(&call["function"], "name"), text(answer, "content"));
            let arguments: Value = serde_json::from_str(text(&call["function"], "arguments")).expect("JSON");
            let tool = tools.iter().find(|tool| tool["function"]["name"] == name).expect("it is a tool");
            let named: Vec<&String> = arguments.as_object().expect("an object").keys().collect();
            let required = tool["function"]["parameters"]["required"].as_array().expect("names");
            assert!(required.iter().all(|it| named.iter().any(|name| *name == it)), "{call}");
            *called.entry(name.to_owned()).or_default() += 1;
            let argument = |name: &str| text(&arguments, name);
            let again = match name {
                "run_tests" => {
                    last = argument("code").to_owned();
                    asked.push((text_of(record, "spec"), last.clone()));
                    answers.push(answer.to_owned());
                    continue;
                }
                "infer" => printed(folder, &["infer", argument("code")]),
                "verify" => printed(folder, &["verify", argument("code"), argument("effect")]),
                "lookup_word" => printed(folder, &["words", argument("word")]),
                other => panic!("{other}"),
            };
            assert_eq!(again, answer, "{call}");
        }
        assert_eq!(unfenced(text(messages.last().expect("an end"), "content")), last);
        let first: Value = serde_json::from_str(text(&messages[3], "content")).expect("JSON");
        assert_eq!(first["status"], "failed", "{record}");
        assert!(answers.last().expect("answers").contains(r#""status":"passed""#), "{record}");
    }
    assert_eq!(judge_lines(folder, &asked), answers);
    for name in ["run_tests", "infer", "verify", "lookup_word"] {
        assert!(called.get(name).is_some_and(|n| *n * 3 > records.len()), "{name}: {called:?}");
    }
}

/// A trace is made again from the code, the input and the engine alone: each word of the definition says that it comes next,
/// calls say again that they were it, and a word behind each shows the stack.
fn trace_replays(folder: &Path, record: &Value) {
    let code = text(record, "code");
    let (before, definition) = code.split_at(code.rfind("\n: ").map_or(0, |at| at + 1));
    let name = definition.split(' ').nth(1).expect("a name");
    let mut program = format!(
        "0 value now : after now . 124 emit depth 0 ?do depth 1- i - pick . loop cr ; {before} : {name}"
    );
    let body = definition.split_once(name).expect("its name").1.trim().strip_suffix(" ;").expect("its end");
    let body = if body.starts_with("( ") { body.split_once(')').expect("a comment").1 } else { body };
    let words: Vec<&str> = body.split_whitespace().collect();
    let mut in_locals = false;
    for (at, word) in words.iter().enumerate() {
        in_locals |= *word == "{:";
        in_locals &= *word != ":}";
        program += &match in_locals {
            true => format!(" {word}"),
            false if *word == ":}" => format!(" {word} {at} to now after"),
            false if *word == "recurse" => format!(" {word} {at} to now after"),
            false => format!(" {at} to now {word} after"),
        };
    }
    program += &format!(" ; {} {name} 999999 to now after", text(record, "input"));
    let printed = wordmill(folder, &["forth", "-e", &program, "--no-config"]).expect(0).stdout;
    let mut lines = Vec::new();
    for line in printed.lines() {
        let (at, stack) = line.split_once('|').unwrap_or_else(|| panic!("{line} of {program}"));
        let word = words.get(at.trim().parse::<usize>().expect("a number"));
        lines.push((word.copied().unwrap_or("the end"), stack.trim().to_owned()));
    }
    let (_, output) = lines.pop().expect("the end");
    assert_eq!(output, text(record, "output"), "{record}");
    let told: Vec<(&str, String)> = text(record, "trace")
        .lines()
        .map(|line| {
            line.split_once(" | ")
                .map(|(word, stack)| (word, stack.to_owned()))
                .unwrap_or_else(|| (line.trim_end_matches([' ', '|']), String::new()))
        })
        .collect();
    assert_eq!(lines, told, "{record}");
}

/// The tests of a record in the shape of HumanEval, run by a tester in Forth.
fn passes_the_tester(folder: &Path, record: &Value) {
    const TESTER: &str = "variable n variable wrong create actual 64 cells allot
        : T{ ; : -> depth dup n ! 0 ?do actual i cells + ! loop ;
        : }T depth n @ <> wrong @ or wrong ! depth 0 ?do actual i cells + @ <> wrong @ or wrong ! loop ;";
    let program = format!(
        "{}{}{TESTER}\n{}wrong @ . depth .",
        text(record, "prompt"),
        text(record, "canonical_solution"),
        text(record, "test")
    );
    assert!(program.contains(&format!("\n: {} (", text(record, "entry_point"))), "{program}");
    let tests = text(record, "test").lines().count();
    assert!(tests >= 2, "{record}");
    write(folder, "program.fs", &program);
    let printed = wordmill(folder, &["forth", "program.fs", "--no-config"]).expect(0).stdout;
    assert_eq!(printed.trim(), "0 0", "{program}");
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
    let start = broken.rfind("\n: ").map_or(0, |at| at + 1);
    let head_end = start + broken[start..].find(" )").expect("a comment") + 2;
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
fn clusters_stand_in_one_split() {
    let folder = folder();
    let folder = folder.path();
    a_run(folder, "400");
    wordmill(folder, &["dataset", "--from", "results", "--out", "data", "--configs", "problems"]).expect(0);
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
    // As after a kill: a segment is not noted, one of its files is there, one is torn, one has no name yet.
    let segments = build("segments", &["--segment", "1000", "--jobs", "1"]);
    let killed = folder.join("segments");
    std::fs::remove_file(killed.join(".segments/00001.json")).expect("it is there");
    std::fs::remove_file(killed.join("manifest.json")).expect("it is there");
    std::fs::write(killed.join("parquet/sft/train-00100.parquet"), "torn").expect("write");
    std::fs::write(killed.join("jsonl/sft/train-00000.jsonl"), "torn").expect("write");
    std::fs::write(killed.join("jsonl/sft/.train-00100.jsonl.1-0.wm-tmp"), "half").expect("write");
    assert_eq!(segments, build("segments", &["--segment", "1000"]));
    assert!(segments.contains_key("jsonl/sft/train-00200.jsonl"), "{:?}", segments.keys());
    killed_and_resumed(folder, &segments);
    // Whatever the segments and shards, the records are the same, in the same order.
    let records = |files: &[&BTreeMap<String, Vec<u8>>]| {
        let mut names: Vec<(&String, &Vec<u8>)> = files.iter().copied().flatten().collect();
        names.retain(|(name, _)| name.ends_with(".jsonl") && name.contains('-'));
        names.sort();
        let mut tables: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (name, bytes) in names {
            let table = name.rsplit_once('-').expect("a number").0;
            tables.entry(table.to_owned()).or_default().extend(bytes);
        }
        tables
    };
    assert_eq!(records(&[&one]).len(), 9);
    assert_eq!(records(&[&one]), records(&[&segments]));
    let parts = [build("part-0", &["--shard", "0/2"]), build("part-1", &["--shard", "1/2"])];
    assert_eq!(records(&[&one]), records(&[&parts[0], &parts[1]]));
    assert!(records(&[&parts[1]]) != records(&[&one]));
    // Files are cut where they become too large.
    let cut = build("cut", &["--file-mb", "1"]);
    assert_eq!(records(&[&one]), records(&[&cut]));
    assert!(cut.contains_key("jsonl/preference/train-00001.jsonl"), "{:?}", cut.keys());
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
    let limited = build("limited", &["--limit-of", "sft=300,traces=7"]);
    let rows = |config: &str| -> usize {
        let of_config = limited.iter().filter(|(name, _)| name.starts_with(&format!("jsonl/{config}/")));
        of_config.map(|(_, bytes)| bytes.iter().filter(|byte| **byte == b'\n').count()).sum()
    };
    assert_eq!(rows("sft"), 300);
    assert!(rows("traces") <= 7 && rows("preference") > 2000);
    let packed = build("packed", &["--format", "jsonl", "--compress", "gzip"]);
    let mut unpacked = String::new();
    let reader = &mut flate2::read::GzDecoder::new(packed["jsonl/sft/train-00000.jsonl.gz"].as_slice());
    std::io::Read::read_to_string(reader, &mut unpacked).expect("gzip");
    assert_eq!(unpacked.as_bytes(), one["jsonl/sft/train-00000.jsonl"]);
    let packed = build("zstd", &["--format", "jsonl", "--compress", "zstd"]);
    let unpacked = zstd::decode_all(packed["jsonl/sft/train-00000.jsonl.zst"].as_slice()).expect("zstd");
    assert_eq!(unpacked, one["jsonl/sft/train-00000.jsonl"]);
}

/// A process that is killed at some moments and started again comes to the same bytes.
fn killed_and_resumed(folder: &Path, whole: &BTreeMap<String, Vec<u8>>) {
    let arguments =
        "dataset --from results --out killed --seed 9 --configs sft,preference,traces --segment 1000";
    let mut n_killed = 0;
    for milliseconds in [50, 150, 300, 600, 1_000, 1_500] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wordmill"))
            .args(arguments.split(' '))
            .current_dir(folder)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        n_killed += usize::from(child.try_wait().expect("a state").is_none());
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
    assert!(n_killed > 0, "it was done before the first kill");
    wordmill(folder, &arguments.split(' ').collect::<Vec<_>>()).expect(0);
    let killed = contents(&folder.join("killed"));
    assert!(killed == *whole, "{:?} and {:?}", killed.keys(), whole.keys());
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
    // Records of another data set are texts and code, whatever their fields are called.
    let record = serde_json::json!({ "question": [{ "content": long }], "answer": ": f ( n -- r ) dup dup * swap drop ;" });
    write(folder, "records.jsonl", &record.to_string());
    let told = build("records", &["--decontaminate", "records.jsonl"]);
    assert!(told.contains(&"double: contaminated: words".to_owned()), "{told:?}");
    write(folder, "noise.jsonl", "nothing of any use\n");
    let refused = wordmill(
        folder,
        &["dataset", "--from", "results", "--out", "noise", "--decontaminate", "noise.jsonl"],
    );
    assert!(refused.expect(2).stderr.contains("neither specifications nor JSON with texts"));
    assert_eq!(build("limit", &["--limit", "1"]).iter().filter(|line| line.ends_with("balance")).count(), 1);
    wordmill(folder, &["dataset", "--from", "specs.jsonl", "--out", "x"]).expect(2);
}

/// Two words that differ at one number alone are two problems, wherever that number is.
#[test]
fn what_differs_somewhere_is_no_duplicate() {
    let folder = folder();
    let folder = folder.path();
    let spec = |word: &str, above: i64| {
        format!(
            r#"{{"word":"{word}","description":"Whether n is above {above}","stack_effect":{{"inputs":[{{"name":"n","type":"int"}}],"outputs":[{{"name":"fib(n)","type":"bool"}}]}},"test_cases":[{{"input":[0],"output":[false]}},{{"input":[9999],"output":[true]}},{{"input":[-3],"output":[false]}}],"implementation":{{"code":"{above} >"}}}}"#
        ) + "\n"
    };
    write(folder, "specs.jsonl", &(spec("one", 4_001) + &spec("two", 4_002) + &spec("three", 4_001)));
    wordmill(folder, &["run", "specs.jsonl", "--out", "results", "--no-config", "-q"]).expect(0);
    let base = ["dataset", "--from", "results", "--out", "data", "--configs", "problems,humaneval"];
    wordmill(folder, &[&base[..], &["--format", "jsonl"]].concat()).expect(0);
    let removed = std::fs::read_to_string(folder.join("data/removed.jsonl")).expect("removed");
    assert!(removed.lines().count() == 1 && removed.contains("three"), "{removed}");
    // What names its output with a parenthesis still gives a prompt that any Forth reads.
    let records: String = std::fs::read_dir(folder.join("data/jsonl/humaneval"))
        .expect("records")
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text"))
        .collect();
    assert!(records.contains(": one ( n -- q )") && !records.contains("fib(n) )"), "{records}");
}

fn text_of(value: &Value, field: &str) -> String {
    text(value, field).to_owned()
}

/// Both ways in which people load files: by the card of the folder, and by the names of the files.
#[test]
fn python_datasets_loads_what_the_manifest_says() {
    let check = r#"
import json, sys
try:
    from datasets import load_dataset
except ImportError:
    print("skipped: this Python has no `datasets`"); sys.exit()
manifest = json.load(open("data/manifest.json"))
for format in ["parquet", "jsonl"]:
    expected, paths = {}, {}
    for file in manifest["files"]:
        if file["format"] == format:
            key = (file["config"], file["split"])
            expected[key] = expected.get(key, 0) + file["rows"]
            paths.setdefault(key, []).append("data/" + file["path"])
    assert len({config for config, _ in expected}) == 11, expected
    for (config, split), rows in expected.items():
        by_card = load_dataset("data/" + format, config, split=split)
        assert len(by_card) == rows, (format, config, split, len(by_card), rows)
        builder = {"parquet": "parquet", "jsonl": "json"}[format]
        by_files = load_dataset(builder, data_files={split: paths[config, split]}, split=split)
        assert len(by_files) == rows, (format, config, split, len(by_files), rows)
        lines = [json.loads(line) for path in paths[config, split]
                 for line in open(path.replace("parquet", "jsonl"))]
        for at in {0, rows // 2, rows - 1}:
            assert by_card[at] == lines[at] == by_files[at], (format, config, split, by_card[at], lines[at])
print("loaded")
"#;
    let folder = folder();
    let folder = folder.path();
    a_run(folder, "200");
    wordmill(folder, &["dataset", "--from", "results", "--out", "data"]).expect(0);
    let mut python = Command::new("python3");
    python
        .args(["-c", check])
        .current_dir(folder)
        .env("HF_HUB_OFFLINE", "1")
        .env("HF_HOME", folder.join("cache"));
    let Ok(ran) = python.output() else {
        eprintln!("skipped: there is no python3");
        return;
    };
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}{}", String::from_utf8_lossy(&ran.stderr));
    let last = told.lines().last().unwrap_or("");
    assert!(last == "loaded" || last.starts_with("skipped"), "{told}");
    eprintln!("{last}");
}
