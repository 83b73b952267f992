//! The settings: one table of all of them, and the layers that they are resolved from.
//!
//! Precedence: flag, environment (`WORDMILL_…`), `config.toml` of the project, `config.toml` of the user, default. A layer
//! is raw; [`Settings::resolve`] folds the layers once, before any thread starts, and remembers for each setting which
//! layer it came from. `cli` then builds the options that each room declares for itself. Imported by `cli` only.

pub mod codes;
pub mod environment;
pub mod file;

use std::path::PathBuf;

/// What a setting may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds, both included.
    Number(u64, u64),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A path; one that stands in a file is taken from the folder of that file.
    Path,
    /// Several paths, likewise.
    Paths,
}

impl Kind {
    /// What is expected, in words.
    pub fn expected(self) -> String {
        match self {
            Kind::Bool => "true or false".to_owned(),
            Kind::Number(0, u64::MAX) => "a whole number".to_owned(),
            Kind::Number(low, high) => format!("a whole number from {low} to {high}"),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Path => "a path".to_owned(),
            Kind::Paths => "a list of paths".to_owned(),
        }
    }

    /// Reads the text of an environment variable or a default.
    pub fn parse(self, text: &str) -> Option<Value> {
        match self {
            Kind::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(Value::Bool(true)),
                "false" | "0" | "no" | "off" => Some(Value::Bool(false)),
                _ => None,
            },
            Kind::Number(..) => text.replace('_', "").parse().ok().and_then(|number| self.number(number)),
            Kind::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
            Kind::Path => Some(Value::Text(text.to_owned())),
            Kind::Paths => Some(Value::List(
                std::env::split_paths(text)
                    .filter(|path| !path.as_os_str().is_empty())
                    .map(|path| path.to_string_lossy().into_owned())
                    .collect(),
            )),
        }
    }

    /// A number, if it stands within the bounds of this kind.
    pub fn number(self, number: u64) -> Option<Value> {
        match self {
            Kind::Number(low, high) if (low..=high).contains(&number) => Some(Value::Number(number)),
            _ => None,
        }
    }
}

/// The value of a setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Number`].
    Number(u64),
    /// Of [`Kind::Choice`] and [`Kind::Path`].
    Text(String),
    /// Of [`Kind::Paths`].
    List(Vec<String>),
}

impl Value {
    /// The same for programs.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Bool(truth) => (*truth).into(),
            Value::Number(number) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(list) => list.clone().into(),
        }
    }
}

impl std::fmt::Display for Value {
    /// As it would stand in `config.toml`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{}", toml::Value::from(text.as_str())),
            Value::List(list) => write!(f, "{}", toml::Value::from(list.clone())),
        }
    }
}

/// One row of the table of settings.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Which setting.
    pub key: Key,
    /// Its name in `config.toml`: table, dot, key.
    pub name: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// The default, as it would stand in the environment variable.
    pub default: &'static str,
    /// A few words.
    pub help: &'static str,
}

macro_rules! settings {
    ($($key:ident $name:literal $variable:literal $kind:expr, $default:literal, $help:literal;)*) => {
        /// A setting; the number is its row in [`SETTINGS`].
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each variant is the setting that its row in the table explains")]
        pub enum Key { $($key,)* }

        /// All settings, by the number of the key.
        pub static SETTINGS: &[Setting] = &[$(Setting {
            key: Key::$key, name: $name, variable: $variable, kind: $kind, default: $default, help: $help,
        },)*];
    };
}

settings! {
    RunPaths "run.paths" "WORDMILL_PATHS" Kind::Paths, "",
        "what to read where the command line names no path";
    RunOut "run.out" "WORDMILL_OUT" Kind::Path, "wordmill-out",
        "where the results go";
    RunHeldout "run.heldout" "WORDMILL_HELDOUT" Kind::Paths, "",
        "cases to score solutions on, instead of those beside the specifications";
    RunJobs "run.jobs" "WORDMILL_JOBS" Kind::Number(0, 4096), "0",
        "threads; 0 is one per core";
    RunMemory "run.memory-mib" "WORDMILL_MEMORY_MIB" Kind::Number(256, 1 << 24), "2048",
        "MiB that the searches may hold together; where they could need more, fewer run at once";
    RunBudget "run.budget" "WORDMILL_BUDGET" Kind::Number(0, u64::MAX), "1000000",
        "candidates to try for each specification";
    RunSeed "run.seed" "WORDMILL_SEED" Kind::Number(0, u64::MAX), "0",
        "seed of the random samples";
    RunSamples "run.samples" "WORDMILL_SAMPLES" Kind::Number(0, 1_000_000), "100",
        "samples for each specification that has properties or values";
    RunCache "run.cache" "WORDMILL_CACHE" Kind::Bool, "true",
        "remember outcomes, so that only what changed is done again";
    RunMergeHeldout "run.merge-heldout" "WORDMILL_MERGE_HELDOUT" Kind::Bool, "false",
        "make held-out cases into tests";
    RunIgnoreGiven "run.ignore-given" "WORDMILL_IGNORE_GIVEN" Kind::Bool, "false",
        "leave supplied code and named patterns aside";
    RunFailOn "run.fail-on" "WORDMILL_FAIL_ON" Kind::Choice(&["any", "regression", "never"]), "any",
        "what makes the exit code 1";
    SearchLengthMax "search.length-max" "WORDMILL_SEARCH_LENGTH_MAX" Kind::Number(0, 12), "6",
        "longest enumerated body, in words";
    SearchFuel "search.fuel" "WORDMILL_SEARCH_FUEL" Kind::Number(1, 1 << 62), "20000",
        "fuel of one test while searching";
    SearchLibrary "search.library" "WORDMILL_LIBRARY" Kind::Path, "",
        "a library of verified words to compose over, made by `wordmill library build`";
    EngineFuel "engine.fuel" "WORDMILL_ENGINE_FUEL" Kind::Number(1, 1 << 62), "1000000",
        "fuel of one test of the final code";
    EngineStackCells "engine.stack-cells" "WORDMILL_ENGINE_STACK_CELLS" Kind::Number(16, 65_000), "1024",
        "cells of the data stack";
    EngineReturnCells "engine.return-cells" "WORDMILL_ENGINE_RETURN_CELLS" Kind::Number(16, 65_000), "1024",
        "cells of the return stack";
    EngineMemoryBytes "engine.memory-bytes" "WORDMILL_ENGINE_MEMORY_BYTES" Kind::Number(16_384, 1 << 30), "1048576",
        "bytes of data space";
    EngineOutputBytes "engine.output-bytes" "WORDMILL_ENGINE_OUTPUT_BYTES" Kind::Number(0, 1 << 30), "65536",
        "bytes that a program may write";
    TemplatesPaths "templates.paths" "WORDMILL_TEMPLATES" Kind::Paths, "",
        "folders and files with templates beside the shipped ones";
    OutputColor "output.color" "WORDMILL_COLOR" Kind::Choice(&["auto", "always", "never"]), "auto",
        "when to colour; auto heeds NO_COLOR and CLICOLOR_FORCE";
    OutputMessageFormat "output.message-format" "WORDMILL_MESSAGE_FORMAT" Kind::Choice(&["human", "json", "github"]), "human",
        "how diagnostics are written";
    OutputLogFormat "output.log-format" "WORDMILL_LOG_FORMAT" Kind::Choice(&["text", "json"]), "text",
        "how log lines are written to standard error";
}

impl Key {
    /// Its row.
    pub fn setting(self) -> &'static Setting {
        &SETTINGS[self as usize]
    }
}

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A line of a configuration file.
    File(PathBuf, u32),
    /// Nobody said anything.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "flag {flag}"),
            Origin::Variable(name) => write!(f, "environment {name}"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// Raw settings of one layer: what somebody said, with where.
pub type Layer = Vec<(Key, Value, Origin)>;

/// The resolved settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// One value and its origin per row of [`SETTINGS`]. Invariant: the value is of the row's kind.
    values: Vec<(Value, Origin)>,
}

impl Default for Settings {
    fn default() -> Self {
        let default =
            |setting: &Setting| setting.kind.parse(setting.default).expect("a test parses every default");
        Self { values: SETTINGS.iter().map(|setting| (default(setting), Origin::Default)).collect() }
    }
}

impl Settings {
    /// Folds layers, the strongest first, over the defaults.
    pub fn resolve(layers: impl DoubleEndedIterator<Item = Layer>) -> Self {
        let mut settings = Self::default();
        for (key, value, origin) in layers.rev().flatten() {
            settings.values[key as usize] = (value, origin);
        }
        settings
    }

    /// Every setting with its value and origin, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Setting, &Value, &Origin)> {
        SETTINGS.iter().zip(&self.values).map(|(setting, (value, origin))| (setting, value, origin))
    }

    /// A setting of [`Kind::Bool`].
    pub fn bool(&self, key: Key) -> bool {
        match self.values[key as usize].0 {
            Value::Bool(truth) => truth,
            _ => unreachable!("{key:?} is no truth value"),
        }
    }

    /// A setting of [`Kind::Number`].
    pub fn number(&self, key: Key) -> u64 {
        match self.values[key as usize].0 {
            Value::Number(number) => number,
            _ => unreachable!("{key:?} is no number"),
        }
    }

    /// A setting of [`Kind::Choice`] or [`Kind::Path`].
    pub fn text(&self, key: Key) -> &str {
        match &self.values[key as usize].0 {
            Value::Text(text) => text,
            _ => unreachable!("{key:?} is no text"),
        }
    }

    /// A setting of [`Kind::Paths`].
    pub fn paths(&self, key: Key) -> Vec<PathBuf> {
        match &self.values[key as usize].0 {
            Value::List(list) => list.iter().map(PathBuf::from).collect(),
            _ => unreachable!("{key:?} is no list"),
        }
    }
}

/// The candidate that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word, &candidate.to_ascii_lowercase());
    let (distance, best) = candidates.into_iter().map(|candidate| (distance(candidate), candidate)).min()?;
    (distance <= (word.chars().count().max(best.chars().count()) / 3).max(1)).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        for (row, setting) in SETTINGS.iter().enumerate() {
            assert_eq!(setting.key as usize, row);
            assert!(setting.kind.parse(setting.default).is_some(), "{}", setting.name);
            assert!(setting.variable.starts_with("WORDMILL_"), "{}", setting.variable);
            let twice = |other: &Setting| other.name == setting.name || other.variable == setting.variable;
            assert_eq!(SETTINGS.iter().filter(|other| twice(other)).count(), 1, "{}", setting.name);
        }
    }

    #[test]
    fn the_strongest_layer_wins() {
        let layer = |value: &str, origin| vec![(Key::OutputColor, Value::Text(value.to_owned()), origin)];
        let flag = layer("always", Origin::Flag("--color"));
        let variable = layer("never", Origin::Variable("WORDMILL_COLOR"));
        let settings = Settings::resolve([flag, variable.clone()].into_iter());
        assert_eq!(settings.text(Key::OutputColor), "always");
        let settings = Settings::resolve([Vec::new(), variable].into_iter());
        assert_eq!(settings.text(Key::OutputColor), "never");
        assert_eq!(settings.text(Key::OutputLogFormat), "text");
    }

    #[test]
    fn kinds_read_text() {
        fn check(kind: Kind, text: &str, expect: Option<Value>) {
            assert_eq!(kind.parse(text), expect, "{kind:?} {text:?}");
        }
        check(Kind::Bool, "yes", Some(Value::Bool(true)));
        check(Kind::Bool, "0", Some(Value::Bool(false)));
        check(Kind::Bool, "maybe", None);
        check(Kind::Number(0, 10), "10", Some(Value::Number(10)));
        check(Kind::Number(0, 10), "11", None);
        check(Kind::Number(1, 10), "0", None);
        check(Kind::Number(0, u64::MAX), "1_000", Some(Value::Number(1000)));
        check(Kind::Number(0, 10), "-1", None);
        check(Kind::Choice(&["a", "b"]), "b", Some(Value::Text("b".to_owned())));
        check(Kind::Choice(&["a", "b"]), "B", None);
        check(Kind::Paths, "a:b", Some(Value::List(vec!["a".to_owned(), "b".to_owned()])));
        check(Kind::Paths, "", Some(Value::List(Vec::new())));
    }

    #[test]
    fn nearest_is_near() {
        fn check(word: &str, expect: Option<&str>) {
            assert_eq!(nearest(word, ["jobs", "budget", "fail-on"]), expect, "{word}");
        }
        check("job", Some("jobs"));
        check("bugdet", Some("budget"));
        check("fail_on", Some("fail-on"));
        check("JOBS", Some("jobs"));
        check("colour", None);
    }
}
