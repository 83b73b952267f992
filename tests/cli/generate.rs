//! `wordmill generate`: specifications without end, the same ones whatever the way.

use super::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// All files below a folder with their bytes, `.settings` and the like included.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            let inside = contents(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes));
            found.extend(inside);
        } else {
            found.insert(name, std::fs::read(&path).expect("bytes"));
        }
    }
    found
}

fn lines(folder: &Path) -> Vec<Value> {
    let files = contents(&folder.join("specs"));
    let text = files.values().map(|bytes| std::str::from_utf8(bytes).expect("UTF-8")).collect::<String>();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

const COUNT: &str = "3000";

fn generate(folder: &Path, out: &str, more: &[&str]) -> Ran {
    wordmill(folder, &[&["generate", "--count", COUNT, "--seed", "11", "--out", out], more].concat())
}

#[test]
fn threads_shards_and_a_stop_half_way_change_nothing() {
    let folder = folder();
    let folder = folder.path();
    generate(folder, "one", &["--jobs", "1"]).expect(0);
    generate(folder, "two", &["--jobs", "2"]).expect(0);
    let whole = contents(&folder.join("one"));
    assert_eq!(whole, contents(&folder.join("two")));
    assert_eq!(whole.len(), 3 + 2, "three files of a thousand, the settings and the manifest");

    // As after a kill: one file is there, one is half written, one is missing, and so is the manifest.
    let two = folder.join("two");
    std::fs::remove_file(two.join("manifest.json")).expect("it is there");
    std::fs::remove_file(two.join("specs/specs-00001.jsonl")).expect("it is there");
    generate(folder, "two", &[]).expect(0);
    assert_eq!(whole, contents(&two));

    let mut parts = BTreeMap::new();
    for part in ["0/2", "1/2"] {
        let out = format!("part-{}", &part[..1]);
        generate(folder, &out, &["--shard", part]).expect(0);
        parts.extend(contents(&folder.join(&out).join("specs")));
    }
    assert_eq!(parts, contents(&folder.join("one/specs")));

    let other = wordmill(folder, &["generate", "--count", "10", "--out", "one"]).expect(2);
    assert!(other.stderr.contains("items of other settings"), "{}", other.stderr);
}

#[test]
fn a_kill_at_any_time_loses_nothing() {
    let folder = folder();
    let folder = folder.path();
    generate(folder, "whole", &[]).expect(0);
    let mut child = command(folder, &["generate", "--count", COUNT, "--seed", "11", "--out", "killed"])
        .spawn()
        .expect("the program starts");
    while !folder.join("killed/specs/specs-00000.jsonl").exists() && child.try_wait().expect("wait").is_none()
    {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().expect("kill");
    child.wait().expect("wait");
    generate(folder, "killed", &[]).expect(0);
    assert_eq!(contents(&folder.join("whole")), contents(&folder.join("killed")));
}

#[test]
fn all_are_distinct_verified_and_spread_over_the_scale() {
    let folder = folder();
    let folder = folder.path();
    let told = generate(folder, "tasks", &[]).expect(0);
    assert!(told.stdout.starts_with("3,000 specifications in 3 files"), "{}", told.stdout);
    let specs = lines(&folder.join("tasks"));
    let text = |spec: &Value, field: &str| spec[field].as_str().expect("text").to_owned();
    let words: BTreeSet<String> = specs.iter().map(|spec| text(spec, "word")).collect();
    assert_eq!(words.len(), 3000);
    let codes: BTreeSet<&str> =
        specs.iter().map(|spec| spec["implementation"]["code"].as_str().expect("code")).collect();
    assert_eq!(codes.len(), 3000, "the same code would do the same");
    let manifest = std::fs::read(folder.join("tasks/manifest.json")).expect("the manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let report = &manifest["report"];
    assert!(report["bands"].as_array().expect("five").iter().all(|n| n.as_u64() >= Some(300)), "{report}");
    assert!(report["skeleton_max"].as_u64() <= Some(30), "{report}");
    assert!(report["skeletons"].as_u64() > Some(1000), "{report}");
    let rows: u64 = report["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| file["rows"].as_u64().expect("rows"))
        .sum();
    assert_eq!(rows, 3000);

    let kinds: BTreeSet<String> =
        words.iter().filter_map(|word| Some(word.rsplit_once('-')?.0.to_owned())).collect();
    for kind in [
        "calc", "test", "digits", "chars", "cells", "range", "divisors", "iterate", "reduce", "text", "array",
    ] {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
    assert!(specs.iter().any(|spec| spec["test_cases"].to_string().contains("throws")), "exceptions");

    let run = ["run", "tasks/specs", "--out", "results", "--no-config", "--message-format", "json"];
    let ran = wordmill(folder, &run).expect(0).json_lines();
    assert_eq!(ran[0]["totals"]["verified"], 3000, "{}", ran[0]["totals"]);
    let outcomes = std::fs::read_to_string(folder.join("results/outcomes.jsonl")).expect("outcomes");
    for line in outcomes.lines() {
        let outcome: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(outcome["strategy"], "given", "{line}");
        assert_eq!(outcome["heldout_passed"], outcome["heldout_total"], "{line}");
    }
}

#[test]
fn difficulty_is_a_dial() {
    let folder = folder();
    let folder = folder.path();
    let arguments = ["generate", "--count", "200", "--seed", "3", "--difficulty", "45-60", "--out", "medium"];
    wordmill(folder, &arguments).expect(0);
    for spec in lines(&folder.join("medium")) {
        let tags = spec["metadata"]["tags"].as_array().expect("tags");
        let difficulty =
            tags.iter().find_map(|tag| tag.as_str()?.strip_prefix("difficulty:")?.parse::<u32>().ok());
        assert!(difficulty.is_some_and(|it| (45..=60).contains(&it)), "{spec}");
    }
    for wrong in ["0-5", "9-3", "1-101", "x"] {
        wordmill(folder, &["generate", "--count", "1", "--out", "x", "--difficulty", wrong]).expect(2);
    }
}
