//! `wordmill judge`: candidates in, verdicts out.

use super::*;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};

const SPECS: &str = r#"{"word":"square","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"s","type":"int"}]},"test_cases":[{"input":[0],"output":[0]},{"input":[2],"output":[4]},{"input":[-3],"output":[9]},{"input":[7],"output":[49]}]}
{"word":"sum","stack_effect":{"inputs":[{"name":"n","type":"int","constraint":"n >= 0"}],"outputs":[{"name":"s","type":"int","value":"n*(n+1)/2"}]},"test_cases":[{"input":[0],"output":[0]},{"input":[4],"output":[10]}]}
{"word":"fourth","uses":["square"],"stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"s","type":"int"}]},"test_cases":[{"input":[2],"output":[16]},{"input":[3],"output":[81]}]}
{"word":"hi","stack_effect":{"inputs":[],"outputs":[]},"test_cases":[{"input":[],"output":[],"prints":"hi"}]}
"#;

/// The verdicts on these lines.
fn judge(lines: &[String], more: &[&str]) -> Vec<Value> {
    let folder = folder();
    write(folder.path(), "specs.jsonl", SPECS);
    write(folder.path(), "candidates.jsonl", &lines.join("\n"));
    let arguments = [&["judge", "specs.jsonl", "--candidates", "candidates.jsonl"], more].concat();
    wordmill(folder.path(), &arguments).expect(0).json_lines()
}

fn candidate(word: &str, code: &str) -> String {
    json!({"word": word, "code": code, "id": code.len()}).to_string()
}

#[test]
fn verdicts_and_rewards() {
    fn check(word: &str, code: &str, status: &str, reward: f64, failing: &str) {
        let verdicts = judge(&[candidate(word, code)], &[]);
        let verdict = &verdicts[0];
        assert_eq!((&verdict["status"], &verdict["reward"]), (&json!(status), &json!(reward)), "{verdict}");
        assert_eq!(verdict["passed"], json!(status == "passed"));
        assert_eq!((&verdict["word"], &verdict["id"]), (&json!(word), &json!(code.len())));
        let told = verdict["failing_test"].as_str().unwrap_or("");
        assert!(told.contains(failing) && told.is_empty() == failing.is_empty(), "{code}: {verdict}");
    }
    check("square", "dup *", "passed", 1.0, "");
    check("square", ": square ( n -- s ) dup * ;", "passed", 1.0, "");
    check("square", "2*", "failed", 0.5, "-3 -> -6, expected 9");
    // The right number beside another one is not right.
    check("square", "dup dup *", "failed", 0.0, "0 -> 0 0, expected 0");
    check("square", "drop", "failed", 0.0, "0 -> nothing, expected 0");
    check("square", "foo", "invalid", 0.0, "does not compile: undefined word at `foo`");
    check("square", " ", "invalid", 0.0, "");
    check("square", ": other dup * ;", "invalid", 0.0, "does not define square");
    check("square", "begin again", "failed", 0.0, "0 -> out of fuel at `again` in `square`, expected 0");
    check("square", ": square recurse ; begin-structure", "invalid", 0.0, "does not compile");
    check("sum", "dup 1+ * 2/", "passed", 1.0, "");
    // All tests pass, the value does not hold: two of three.
    check("sum", "dup 4 > if drop 0 exit then dup 1+ * 2/", "failed", 2.0 / 3.0, "by its value");
    check("fourth", "square square", "passed", 1.0, "");
    check("hi", "s\" hi\" type", "passed", 1.0, "");
    check("hi", "s\" ho\" type", "failed", 0.0, "prints \"ho\"");
    assert_eq!(judge(&[candidate("square", "2*")], &["--reward", "all"])[0]["reward"], json!(0.0));
    assert_eq!(judge(&[candidate("square", "dup *")], &["--reward", "all"])[0]["reward"], json!(1.0));
}

#[test]
fn diagnostics_and_effects_say_what_is_wrong() {
    let verdicts = judge(
        &[candidate("square", "dup *"), candidate("square", "dup dup *"), candidate("square", "dup squre")],
        &[],
    );
    assert_eq!(verdicts[0]["effect"], "( a -- a*a )");
    assert_eq!(verdicts[0]["diagnostic"], Value::Null);
    assert!(verdicts[0]["steps"].as_u64() > Some(0));
    assert_eq!(verdicts[1]["diagnostic"]["code"], "WM103", "{}", verdicts[1]);
    assert_eq!(verdicts[1]["effect"], "( a -- a a*a )");
    let undefined = &verdicts[2]["diagnostic"];
    assert_eq!((&undefined["code"], &undefined["column"]), (&json!("WM040"), &json!(5)));
}

#[test]
fn bad_lines_cost_their_own_verdict() {
    let lines = [
        candidate("square", "dup *"),
        "not json".to_owned(),
        r#"{"word":"square","id":"7"}"#.to_owned(),
        r#"{"word":"nothing","code":"dup","id":[1]}"#.to_owned(),
        format!(r#"{{"word":"square","code":"{}"}}"#, "1 drop ".repeat(200_000)),
        String::new(),
        "[".repeat(100_000),
        candidate("square", "dup *"),
    ];
    let verdicts = judge(&lines, &["--jobs", "2"]);
    let told = |verdict: &Value| {
        let code = verdict["diagnostic"]["code"].as_str().unwrap_or("-").to_owned();
        format!("{} {code}", verdict["status"].as_str().expect("a status"))
    };
    let expect = [
        "passed -",
        "invalid WM100",
        "invalid WM100",
        "invalid WM101",
        "invalid WM100",
        "invalid WM100",
        "passed -",
    ];
    assert_eq!(verdicts.iter().map(told).collect::<Vec<_>>(), expect);
    assert_eq!(verdicts[3]["id"], json!([1]));
    // Also of what is no candidate it is told which it was.
    assert_eq!((&verdicts[2]["word"], &verdicts[2]["id"]), (&json!("square"), &json!("7")));
    // An id comes back to the letter.
    let folder = folder();
    write(folder.path(), "specs.jsonl", SPECS);
    let ids = ["123456789012345678901234567890", "-0", "1.50", "{ \"a\" : [1.0] }"];
    let lines = ids.map(|id| format!(r#"{{"word":"square","code":"dup *","id":{id}}}"#)).join("\n");
    write(folder.path(), "candidates.jsonl", &lines);
    let told =
        wordmill(folder.path(), &["judge", "specs.jsonl", "--candidates", "candidates.jsonl"]).expect(0);
    for (line, id) in told.stdout.lines().zip(ids) {
        assert!(line.starts_with(&format!(r#"{{"id":{id},"#)), "{line}");
    }
}

/// Candidates among which every third is hostile; the others say by their id what must come out.
fn mixed(n: usize, hostile: bool) -> Vec<String> {
    let evil = [
        "begin again",
        "recurse recurse",
        "begin here 100 allot again",
        "begin dup again",
        "begin 100000 allocate drop drop again",
        ": square begin s\" flood\" type again ;",
        ": square ; square begin again",
        "0 1000000000 0 do i + loop",
        "pad 1000000000 0 fill",
        "r> drop",
        "-1 @ execute",
    ];
    (0..n)
        .map(|at| match at % 3 {
            0 if hostile => candidate("square", evil[at / 3 % evil.len()]),
            0 => candidate("square", "dup *"),
            1 => json!({"word": "square", "code": "dup *", "id": format!("1 {at}")}).to_string(),
            _ => json!({"word": "square", "code": "2*", "id": format!("0.5 {at}")}).to_string(),
        })
        .collect()
}

#[test]
fn hostile_candidates_change_no_other_verdict_and_threads_change_nothing() {
    let lines = mixed(300, true);
    let fuel = ["--fuel", "100000"];
    let one = judge(&lines, &[&fuel[..], &["--jobs", "1"]].concat());
    let two = judge(&lines, &[&fuel[..], &["--jobs", "2"]].concat());
    assert_eq!(one, two);
    let calm = judge(&mixed(300, false), &fuel);
    for (at, (verdict, calm)) in one.iter().zip(&calm).enumerate() {
        match verdict["id"].as_str() {
            Some(id) => {
                let reward = id.split(' ').next().and_then(|text| text.parse::<f64>().ok());
                assert_eq!(verdict["reward"].as_f64(), reward, "{verdict}");
                assert_eq!(verdict, calm);
            }
            None => {
                assert_ne!(verdict["status"], "passed", "{at}: {verdict}");
                assert!(verdict["steps"].as_u64() <= Some(2 * 100_000), "{at}: {verdict}");
            }
        }
    }
}

#[test]
fn verdicts_come_while_the_input_is_open() {
    let folder = folder();
    write(folder.path(), "specs.jsonl", SPECS);
    let mut command = command(folder.path(), &["judge", "specs.jsonl", "--candidates", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("stdin");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    for round in 0..3 {
        for code in ["dup *", "2*"] {
            writeln!(stdin, "{}", candidate("square", code)).expect("write");
        }
        for reward in [1.0, 0.5] {
            let line = lines.next().expect("a verdict").expect("text");
            let verdict: Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(verdict["reward"], json!(reward), "round {round}");
        }
    }
    drop(stdin);
    assert!(lines.next().is_none());
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn the_reward_function_for_trainers_works() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/grpo_reward.py");
    let folder = folder();
    write(folder.path(), "specs.jsonl", SPECS);
    let ran = Command::new("python3")
        .arg(script)
        .args(["--self-test", env!("CARGO_BIN_EXE_wordmill"), "specs.jsonl"])
        .current_dir(folder.path())
        .output();
    let Ok(ran) = ran else {
        eprintln!("skipped: there is no python3");
        return;
    };
    let text = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(text.lines().last(), Some("36000 rewards as expected"), "{text}");
}
