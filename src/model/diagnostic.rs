//! What went wrong, where, and what to do about it.

use serde::{Deserialize, Serialize};

/// The stable number of a kind of diagnostic, shown as `WM0xx`; `wordmill explain WM0xx` tells more.
///
/// Ranges: `spec` 1–39, `effect` 40–59, `template` 60–69, `validate`, `synth` and `pipeline` 70–84, `corpus` 85–94,
/// configuration 95–99, `judge` 100–109.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Code(pub u16);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WM{:03}", self.0)
    }
}

impl std::str::FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix("WM").or_else(|| text.strip_prefix("wm")).ok_or(())?;
        digits.parse().map(Code).map_err(|_| ())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom("not a diagnostic code"))
    }
}

/// One row of a room's table of codes, for `wordmill explain`.
#[derive(Clone, Copy, Debug)]
pub struct CodeEntry {
    /// The stable number.
    pub code: Code,
    /// A few words: what is wrong.
    pub title: &'static str,
    /// Why it is wrong and how to mend it, with an example.
    pub explanation: &'static str,
}

/// How bad it is: an error costs the specification its verdict, a warning does not, a note only tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Tells something worth knowing.
    Note,
    /// Something is probably not meant so; the specification is still run.
    Warning,
    /// The specification cannot be run.
    Error,
}

/// A place in a source file. Lines and columns count from 1; columns count characters, not bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Place {
    /// Line, from 1; 0 where there is no place.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Length in characters of what is marked, at least 1 where there is a place.
    pub width: u32,
}

/// One finding about a specification, a template or a piece of Forth.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Which kind of finding.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// One sentence, lower case, without a full stop.
    pub message: String,
    /// The file, as the user would name it; `None` where the text came from elsewhere (an argument, memory).
    pub file: Option<String>,
    /// The place in the file.
    #[serde(flatten)]
    pub place: Place,
    /// What to do about it, where something is likely: `did you mean "stack_effect"?`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suggestion: Option<String>,
    /// The source line (clipped around the place if it is long) and the column in it at which the mark starts, from 1.
    #[serde(skip)]
    pub source: Option<(String, u32)>,
}

impl Diagnostic {
    /// A finding without a place; the fields are public, fill in what is known.
    pub fn new(code: Code, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            file: None,
            place: Place::default(),
            suggestion: None,
            source: None,
        }
    }

    /// The same finding with something to do about it.
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// The same finding at a place.
    pub fn at(mut self, file: Option<&str>, place: Place) -> Self {
        self.file = file.map(str::to_owned);
        self.place = place;
        self
    }
}
