//! The shape of records: named fields of a few types, the same in JSON and Parquet.

use std::borrow::Cow;

/// The type of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// A list of texts.
    Texts,
    /// A conversation: role and content.
    Chat,
    /// A conversation with tool calls.
    Tools,
}

/// A configuration of the data set: one table.
#[derive(Debug)]
pub struct Config {
    /// Its name, which is that of its folder.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub purpose: &'static str,
    /// Its columns. Every table begins with the problem's id.
    pub columns: &'static [(&'static str, Kind)],
}

use Kind::{Bool, Chat, Int, Text, Texts, Tools};

/// All configurations, the canonical table first.
pub const CONFIGS: &[Config] = &[
    Config {
        name: "problems",
        purpose: "the canonical table: statement, tests, verified solution, provenance",
        columns: &[
            ("problem_id", Text),
            ("word", Text),
            ("statement", Text),
            ("effect", Text),
            ("spec", Text),
            ("heldout_tests", Text),
            ("solution", Text),
            ("solutions", Texts),
            ("strategy", Text),
            ("difficulty", Int),
            ("size", Int),
            ("tests_passed", Int),
            ("tests_total", Int),
            ("heldout_passed", Int),
            ("heldout_total", Int),
            ("properties_checked", Int),
            ("steps", Int),
            ("cluster", Int),
            ("spec_hash", Text),
            ("code_hash", Text),
            ("seed", Int),
            ("generated", Text),
            ("engine_version", Int),
            ("tool", Text),
            ("license", Text),
        ],
    },
    Config {
        name: "sft",
        purpose: "supervised fine-tuning: a conversation that ends with verified code",
        columns: &[("problem_id", Text), ("messages", Chat)],
    },
    Config {
        name: "prompt_completion",
        purpose: "supervised fine-tuning: prompt and completion",
        columns: &[("problem_id", Text), ("prompt", Text), ("completion", Text)],
    },
    Config {
        name: "alpaca",
        purpose: "supervised fine-tuning: instruction, input, output",
        columns: &[("problem_id", Text), ("instruction", Text), ("input", Text), ("output", Text)],
    },
    Config {
        name: "preference",
        purpose: "preference: chosen passes every test, rejected ran and fails the test that is named",
        columns: &[
            ("problem_id", Text),
            ("prompt", Text),
            ("chosen", Text),
            ("rejected", Text),
            ("rejected_from", Text),
            ("failing_test", Text),
            ("tests_passed", Int),
            ("tests_total", Int),
            ("spec", Text),
        ],
    },
    Config {
        name: "preference_unpaired",
        purpose: "preference without pairs: a completion and whether it passes",
        columns: &[
            ("problem_id", Text),
            ("prompt", Text),
            ("completion", Text),
            ("label", Bool),
            ("spec", Text),
        ],
    },
    Config {
        name: "rl",
        purpose: "reinforcement learning with verifiable rewards: prompt, tests, held-out tests kept apart",
        columns: &[
            ("problem_id", Text),
            ("prompt", Chat),
            ("word", Text),
            ("spec", Text),
            ("heldout_tests", Text),
            ("difficulty", Int),
        ],
    },
    Config {
        name: "humaneval",
        purpose: "evaluation in the shape of HumanEval; words on plain numbers only",
        columns: &[
            ("task_id", Text),
            ("prompt", Text),
            ("entry_point", Text),
            ("canonical_solution", Text),
            ("test", Text),
        ],
    },
    Config {
        name: "trajectories",
        purpose: "an agent with tools, from a wrong first attempt to verified code; the answers are the engine's",
        columns: &[("problem_id", Text), ("messages", Tools), ("tools", Text), ("spec", Text)],
    },
    Config {
        name: "traces",
        purpose: "execution: the stack after each word, for one test; words on plain numbers only",
        columns: &[("problem_id", Text), ("code", Text), ("input", Text), ("trace", Text), ("output", Text)],
    },
    Config {
        name: "repair",
        purpose: "repair: broken code, what the engine says of it, and the edit of one word that mends it",
        columns: &[
            ("problem_id", Text),
            ("prompt", Text),
            ("broken", Text),
            ("failing_test", Text),
            ("edit", Text),
            ("fixed", Text),
            ("spec", Text),
        ],
    },
];

/// A call of a tool.
#[derive(Clone, Debug)]
pub struct Call {
    /// What ties the answer to it.
    pub id: String,
    /// The tool.
    pub name: &'static str,
    /// Its arguments as JSON.
    pub arguments: String,
}

/// A message of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Message<'a> {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: &'static str,
    /// What it says.
    pub content: Cow<'a, str>,
    /// Calls of an assistant.
    pub calls: Vec<Call>,
    /// The call that a tool answers; empty in all others.
    pub answers: String,
}

impl<'a> Message<'a> {
    /// A message without tools.
    pub fn new(role: &'static str, content: impl Into<Cow<'a, str>>) -> Self {
        Self { role, content: content.into(), ..Self::default() }
    }
}

/// A value of a record. Texts that several records share are borrowed.
#[derive(Clone, Debug)]
pub enum Field<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// Texts.
    Texts(Vec<&'a str>),
    /// A conversation.
    Chat(Vec<Message<'a>>),
}

impl<'a> From<&'a str> for Field<'a> {
    fn from(text: &'a str) -> Self {
        Field::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Field<'_> {
    fn from(text: String) -> Self {
        Field::Text(Cow::Owned(text))
    }
}

/// A record: its fields in the order of the columns.
pub type Fields<'a> = Vec<Field<'a>>;

/// A record as a line of JSON.
pub fn json_line(config: &Config, fields: &Fields<'_>, text: &mut Vec<u8>) {
    text.push(b'{');
    for (at, ((name, kind), field)) in config.columns.iter().zip(fields).enumerate() {
        if at > 0 {
            text.push(b',');
        }
        key(name, text);
        match field {
            Field::Text(content) => string(content, text),
            Field::Int(number) => text.extend_from_slice(number.to_string().as_bytes()),
            Field::Bool(flag) => text.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Field::Texts(texts) => list(texts, text, |content, text| string(content, text)),
            Field::Chat(messages) => list(messages, text, |it, text| message(*kind, it, text)),
        }
    }
    text.extend_from_slice(b"}\n");
}

/// Names of fields have no characters that need an escape.
fn key(name: &str, text: &mut Vec<u8>) {
    text.push(b'"');
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b"\":");
}

fn string(content: &str, text: &mut Vec<u8>) {
    serde_json::to_writer(text, content).expect("memory takes everything");
}

fn list<T>(items: &[T], text: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    text.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        write(item, text);
    }
    text.push(b']');
}

fn message(kind: Kind, message: &Message<'_>, text: &mut Vec<u8>) {
    text.push(b'{');
    key("role", text);
    string(message.role, text);
    text.push(b',');
    key("content", text);
    string(&message.content, text);
    if kind == Kind::Tools {
        text.push(b',');
        key("tool_calls", text);
        list(&message.calls, text, |call, text| {
            text.push(b'{');
            key("id", text);
            string(&call.id, text);
            text.extend_from_slice(b",\"type\":\"function\",\"function\":{");
            key("name", text);
            string(call.name, text);
            text.push(b',');
            key("arguments", text);
            string(&call.arguments, text);
            text.extend_from_slice(b"}}");
        });
        text.push(b',');
        key("tool_call_id", text);
        string(&message.answers, text);
    }
    text.push(b'}');
}
