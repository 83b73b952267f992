//! A piece of Forth to judge, and how it gets into the engine.

use crate::forth::{Engine, ForthError, Xt};

/// Code that defines one word, with what must be there before it.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Definitions of the words that it uses; empty for most.
    pub prelude: &'a str,
    /// The word to judge.
    pub word: &'a str,
    /// Its code.
    pub text: Text<'a>,
}

/// The two shapes of code.
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    /// What stands between the name and the `;`, comment included.
    Body(&'a str),
    /// Whole source text that defines the word among other things.
    Source(&'a str),
}

impl<'a> Program<'a> {
    /// A program without a prelude from a body.
    pub fn body(word: &'a str, body: &'a str) -> Self {
        Self { prelude: "", word, text: Text::Body(body) }
    }

    /// The code as it stands, comments and all.
    pub fn source_text(&self) -> &'a str {
        match self.text {
            Text::Body(text) | Text::Source(text) => text,
        }
    }
}

/// Whether supplied code is whole source text rather than a body: a body cannot contain a colon definition.
pub fn is_source(code: &str) -> bool {
    code.split_ascii_whitespace().any(|word| word == ":" || word.eq_ignore_ascii_case(":noname"))
}

/// Why a program did not come to the point of running.
#[derive(Debug)]
pub enum LoadError {
    /// The engine refused the text.
    Refused(ForthError),
    /// It loads, but does not define the word.
    Undefined,
}

/// Loads a program into a fresh engine and makes the state after it what every test starts from.
///
/// # Errors
/// When it does not compile, or does not define its word.
pub fn load(engine: &mut Engine, program: &Program<'_>) -> Result<Xt, LoadError> {
    engine.reset();
    if !program.prelude.is_empty() {
        engine.load(program.prelude).map_err(LoadError::Refused)?;
    }
    let xt = match program.text {
        Text::Body(body) => engine.define(program.word, body).map_err(LoadError::Refused)?,
        Text::Source(source) => {
            engine.load(source).map_err(LoadError::Refused)?;
            engine.find(program.word).ok_or(LoadError::Undefined)?
        }
    };
    engine.checkpoint();
    Ok(xt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_told_from_a_body() {
        assert!(is_source(": square dup * ;"));
        assert!(is_source("variable x : f x @ ;"));
        assert!(!is_source("dup * "));
        assert!(!is_source("s\" :\" type"));
    }
}
