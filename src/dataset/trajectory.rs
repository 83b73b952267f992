//! An agent with tools, from wrong first attempts to verified code. What it says follows from what the tools answered.

use super::project::{Attempt, Backed, fenced};
use super::record::{Call, Field, Fields, Message};
use crate::effect::{NoWords, Scratch, Verdict, told};
use crate::forth::words::{Kind, lookup};
use crate::model::random::Random;
use serde_json::{Value, json};

/// The tools as a chat template takes them. Each answers with what the command prints that its description names.
pub const TOOLS: &str = concat!(
    r#"[{"type":"function","function":{"name":"run_tests","description":"Runs the visible tests on code for a word and gives the verdict, as `wordmill judge` prints it.","parameters":{"type":"object","properties":{"word":{"type":"string"},"code":{"type":"string"}},"required":["word","code"]}}},"#,
    r#"{"type":"function","function":{"name":"infer","description":"The stack effect of each definition of Forth code, or what is in the way, as `wordmill infer --message-format json` prints it.","parameters":{"type":"object","properties":{"code":{"type":"string"}},"required":["code"]}}},"#,
    r#"{"type":"function","function":{"name":"verify","description":"Whether Forth code has the stack effect that is claimed, as `wordmill verify --message-format json` prints it.","parameters":{"type":"object","properties":{"code":{"type":"string"},"effect":{"type":"string"}},"required":["code","effect"]}}},"#,
    r#"{"type":"function","function":{"name":"lookup_word","description":"What a word of the standard does to the stack, as `wordmill words --message-format json` prints it.","parameters":{"type":"object","properties":{"word":{"type":"string"}},"required":["word"]}}}]"#
);

/// Answers of tools that one problem needs, made while an engine and the memory of inference are at hand.
pub struct Answers {
    asked: Vec<Asked>,
}

struct Asked {
    said: String,
    name: &'static str,
    arguments: Value,
    answer: String,
}

/// Lines as a command prints them, without the last line's end.
fn printed(lines: &[Value]) -> String {
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

/// Plays it: the calls in their order, each with what is said before it and what the tool answers. Nothing where there is no
/// wrong attempt to begin with.
pub fn play(
    scratch: &mut Scratch,
    problem: &super::problem::Problem,
    misses: &[Attempt],
    broken: Option<&Attempt>,
    verdict: &str,
    random: &mut Random,
) -> Option<Answers> {
    let first = misses.first().or(broken)?;
    let word = problem.word();
    let run = |code: &str| json!({ "word": word, "code": code });
    let mut asked = Vec::new();
    let mut ask = |said: String, name: &'static str, arguments: Value, answer: String| {
        asked.push(Asked { said, name, arguments, answer });
    };
    let beginnings = ["I try a first version.", "Let me run a first attempt.", "A first attempt:"];
    let said = beginnings[random.below(3) as usize].to_owned();
    ask(said, "run_tests", run(&first.code), first.verdict.clone());
    let mut last = first;
    if let (Some(broken), false) = (broken, misses.is_empty()) {
        let said = format!("That fails: {}. I go about it in another way.", first.failing_test);
        ask(said, "run_tests", run(&broken.code), broken.verdict.clone());
        last = broken;
    }
    let mut said = format!("That fails: {}. ", last.failing_test);
    let looks = random.below(3);
    if looks != 1 {
        let answer = printed(&told::inferred(&last.code, &NoWords, scratch));
        said += "I look at what the code does to the stack.";
        ask(std::mem::take(&mut said), "infer", json!({ "code": last.code }), answer);
    }
    let claim = problem.effect();
    let with_verify = looks != 0;
    if with_verify && let Some((found, answer)) = told::verified(&last.code, &claim, &NoWords, scratch) {
        said += "I check the stack effect against what is asked for.";
        let arguments = json!({ "code": last.code, "effect": claim });
        ask(std::mem::take(&mut said), "verify", arguments, answer.to_string());
        said = match found {
            Some(Verdict::Agrees) => "The effect is as claimed, so that a value must be wrong. ",
            Some(_) => "The effect is not the one that is asked for. ",
            None => "It has no effect that can be told without running it. ",
        }
        .to_owned();
    }
    if let Some(name) = unsure_of(last, random) {
        said += &format!("What does `{name}` do?");
        let answer = told::word_json(&name, &NoWords, scratch).to_string();
        ask(std::mem::take(&mut said), "lookup_word", json!({ "word": name }), answer);
    }
    said += &match &last.edit {
        Some(edit) => format!("I {}.", edit.mending()),
        None => "I write it anew.".to_owned(),
    };
    ask(said, "run_tests", run(&problem.code), verdict.to_owned());
    if random.one_in(3)
        && let Some((Some(Verdict::Agrees), answer)) =
            told::verified(&problem.code, &claim, &NoWords, scratch)
    {
        let arguments = json!({ "code": problem.code, "effect": claim });
        let said = "All visible tests pass. One more look at the stack effect.".to_owned();
        ask(said, "verify", arguments, answer.to_string());
    }
    Some(Answers { asked })
}

/// A word whose meaning somebody who made this mistake would look up: the one that is wrong, or that is missing, else one
/// of the attempt.
fn unsure_of(attempt: &Attempt, random: &mut Random) -> Option<String> {
    let is_known = |name: &&str| lookup(name.as_bytes()).is_some();
    let edited = attempt.edit.iter().flat_map(|edit| [edit.wrong.as_deref(), edit.right.as_deref()]);
    if let Some(name) = edited.flatten().find(is_known) {
        return Some(name.to_owned());
    }
    let is_plain = |name: &&str| {
        lookup(name.as_bytes())
            .is_some_and(|word| matches!(word.def().kind, Kind::Op | Kind::Flag | Kind::Stack))
    };
    let words: Vec<&str> = attempt.code.split_ascii_whitespace().filter(is_plain).collect();
    (!words.is_empty()).then(|| words[random.below(words.len() as u64) as usize].to_owned())
}

/// The record.
pub fn record<'b>(backed: &'b Backed<'_>) -> Option<Fields<'b>> {
    let answers = backed.answers.as_ref()?;
    let problem = backed.problem;
    let mut messages = vec![
        Message::new(
            "system",
            "You write words in standard Forth. Check your code with the tools before you answer.",
        ),
        Message::new("user", &*backed.prompt),
    ];
    for (at, asked) in answers.asked.iter().enumerate() {
        let id = format!("call_{}", at + 1);
        let calls = vec![Call { id: id.clone(), name: asked.name, arguments: asked.arguments.to_string() }];
        let content = asked.said.as_str().into();
        messages.push(Message { role: "assistant", content, calls, answers: String::new() });
        let content = asked.answer.as_str().into();
        messages.push(Message { role: "tool", content, calls: Vec::new(), answers: id });
    }
    messages.push(Message::new("assistant", format!("All visible tests pass:\n{}", fenced(&problem.code))));
    let spec = Field::from(&*problem.spec_line);
    Some(vec![Field::from(&*problem.id), Field::Chat(messages), Field::from(TOOLS), spec])
}
