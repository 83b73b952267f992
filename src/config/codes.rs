//! The diagnostics of the configuration, WM095 to WM099.

use crate::model::{Code, CodeEntry};

/// A key that is no setting.
pub const UNKNOWN_KEY: Code = Code(95);
/// A value that a setting cannot hold.
pub const BAD_VALUE: Code = Code(96);
/// The file is not TOML.
pub const SYNTAX: Code = Code(97);
/// An environment variable that its setting cannot hold.
pub const BAD_VARIABLE: Code = Code(98);
/// A `WORDMILL_…` variable that is no setting.
pub const UNKNOWN_VARIABLE: Code = Code(99);

/// The table for `wordmill explain`.
pub const CODES: &[CodeEntry] = &[
    CodeEntry {
        code: UNKNOWN_KEY,
        title: "unknown key in config.toml",
        explanation: "A configuration file names a table or key that wordmill does not have. A misspelt setting would \
otherwise be ignored in silence, so this is an error.

    [run]
    job = 4          # the setting is called `jobs`

`wordmill config show` lists every setting with its value and where the value comes from.",
    },
    CodeEntry {
        code: BAD_VALUE,
        title: "value that the setting cannot hold",
        explanation: "A configuration file gives a setting a value of the wrong type, outside its range, or not among \
its choices.

    [output]
    color = \"sometimes\"     # one of auto, always, never

The message says what is expected. `wordmill config show` shows the values in force.",
    },
    CodeEntry {
        code: SYNTAX,
        title: "configuration file is not TOML",
        explanation: "A configuration file could not be parsed. The line and column are where the parser gave up; the \
mistake is there or shortly before it.

    [output
    color = \"never\"         # the line above lacks its bracket

The format is TOML 1.1: https://toml.io",
    },
    CodeEntry {
        code: BAD_VARIABLE,
        title: "environment variable that its setting cannot hold",
        explanation: "An environment variable WORDMILL_… has a value that its setting cannot hold.

    WORDMILL_COLOR=sometimes wordmill check specs      # one of auto, always, never

Truth values are written true or false; lists of paths are separated by colons, as in PATH.",
    },
    CodeEntry {
        code: UNKNOWN_VARIABLE,
        title: "environment variable that is no setting",
        explanation: "The environment has a variable WORDMILL_… that belongs to no setting. It has no effect; if it was \
meant to have one, its name is misspelt.

    WORDMILL_COLOUR=never wordmill check specs         # the variable is WORDMILL_COLOR

`wordmill config show --message-format json` tells the variable of every setting.",
    },
];
