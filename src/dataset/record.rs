//! The shape of records: named fields of a few types, the same in JSON and Parquet.

use serde_json::{Map, Value, json};

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
pub struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: &'static str,
    /// What it says.
    pub content: String,
    /// Calls of an assistant.
    pub calls: Vec<Call>,
    /// The call that a tool answers; empty in all others.
    pub answers: String,
}

impl Message {
    /// A message without tools.
    pub fn new(role: &'static str, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), ..Self::default() }
    }
}

/// A value of a record.
#[derive(Clone, Debug)]
pub enum Field {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// Texts.
    Texts(Vec<String>),
    /// A conversation.
    Chat(Vec<Message>),
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Field::Text(text.to_owned())
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Field::Text(text)
    }
}

/// A record: its fields in the order of the columns.
pub type Fields = Vec<Field>;

/// A record as a line of JSON.
pub fn json_line(config: &Config, fields: &Fields, text: &mut Vec<u8>) {
    let mut object = Map::new();
    for ((name, kind), field) in config.columns.iter().zip(fields) {
        object.insert((*name).to_owned(), value(*kind, field));
    }
    serde_json::to_writer(&mut *text, &object).expect("memory takes everything");
    text.push(b'\n');
}

fn value(kind: Kind, field: &Field) -> Value {
    match field {
        Field::Text(text) => json!(text),
        Field::Int(number) => json!(number),
        Field::Bool(flag) => json!(flag),
        Field::Texts(texts) => json!(texts),
        Field::Chat(messages) => messages.iter().map(|message| message_value(kind, message)).collect(),
    }
}

fn message_value(kind: Kind, message: &Message) -> Value {
    let mut object = Map::new();
    object.insert("role".into(), json!(message.role));
    object.insert("content".into(), json!(message.content));
    if kind == Kind::Tools {
        let call = |call: &Call| {
            json!({ "id": call.id, "type": "function",
                    "function": { "name": call.name, "arguments": call.arguments } })
        };
        object.insert("tool_calls".into(), message.calls.iter().map(call).collect());
        object.insert("tool_call_id".into(), json!(message.answers));
    }
    Value::Object(object)
}
