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

/// Words after which a name stands that they define.
const DEFINERS: &[&str] = &[
    "create",
    "variable",
    "constant",
    "value",
    "defer",
    "2variable",
    "2constant",
    "2value",
    "buffer:",
    "synonym",
    "begin-structure",
    "field:",
    "cfield:",
    "+field",
];

/// Whether supplied code is whole source text rather than a body: a body has no colon definition in it, and it does not
/// define the word itself (`create primes 2 , 3 , 5 ,`).
pub fn is_source(code: &str, word: &str) -> bool {
    let mut after_definer = false;
    for token in tokens(code) {
        if token == ":" || token.eq_ignore_ascii_case(":noname") {
            return true;
        }
        if after_definer && token.eq_ignore_ascii_case(word) {
            return true;
        }
        after_definer = DEFINERS.iter().any(|definer| token.eq_ignore_ascii_case(definer));
    }
    false
}

/// The words of code, without comments and without the text of strings.
fn tokens(code: &str) -> impl Iterator<Item = &str> {
    let mut rest = code;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            let behind = |delimiter: char| after.find(delimiter).map_or("", |at| &after[at + 1..]);
            match token {
                "" => return None,
                "\\" => rest = behind('\n'),
                "(" | ".(" => rest = behind(')'),
                _ if token.ends_with('"') => {
                    rest = behind('"');
                    return Some(token);
                }
                _ => {
                    rest = after;
                    return Some(token);
                }
            }
        }
    })
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
            let before = engine.find(program.word);
            engine.load(source).map_err(LoadError::Refused)?;
            // A word that was there before, of the standard or of the prelude, is not what the code is judged by.
            engine.find(program.word).filter(|xt| Some(*xt) != before).ok_or(LoadError::Undefined)?
        }
    };
    engine.checkpoint();
    Ok(xt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forth::{Image, Limits};

    #[test]
    fn source_is_told_from_a_body() {
        let check = |code: &str, expect: bool| assert_eq!(is_source(code, "f"), expect, "{code}");
        check(": f dup * ;", true);
        check("variable x : f x @ ;", true);
        check("create F 1 , 2 ,", true);
        check("5 constant f", true);
        check("dup * ", false);
        check("s\" :\" type", false);
        check("s\" a : b\" type", false);
        check("dup ( a : b ) * \\ see : there\n1+", false);
        check("create does> @", false);
        check("constant", false);
    }

    /// What a program leaves on the stack for these inputs, or why it does not load.
    fn check(word: &str, source: &str, inputs: &[i64], expect: &str) {
        let mut engine = Engine::new(Image::shared(), Limits::default());
        let program = Program { prelude: ": used 7 ;", word, text: Text::Source(source) };
        let got = match load(&mut engine, &program) {
            Ok(xt) => match engine.execute(xt, inputs) {
                Ok(()) => format!("{:?}", engine.stack()),
                Err(trap) => engine.describe(trap).to_string(),
            },
            Err(LoadError::Refused(error)) => error.to_string(),
            Err(LoadError::Undefined) => "undefined".to_owned(),
        };
        assert_eq!(got, expect, "{source}");
    }

    #[test]
    fn whole_programs_are_loaded() {
        check("f", ": twice 2* ; : f twice 1+ ;", &[4], "[9]");
        check("f", "variable n 5 n ! : f n @ + 1 n +! ;", &[1], "[6]");
        check("f", ": table create 0 ?do i dup * , loop does> swap cells + @ ; 10 table f", &[7], "[49]");
        check("f", "create primes 2 , 3 , 5 , : f cells primes + @ used + ;", &[2], "[12]");
        check("f", "5 constant f", &[], "[5]");
        check("f", "defer g : f g 1+ ; : h 10 * ; ' h is g", &[3], "[31]");
        check("f", ": g 1 ;", &[], "undefined");
        check("abs", ": g 1 ;", &[-3], "undefined");
        check("used", ": g 1 ;", &[], "undefined");
        check("used", ": used 8 ;", &[], "[8]");
        check("abs", ": abs dup 0< if negate then ;", &[-3], "[3]");
        check("f", ": f foo ;", &[], "undefined word at `foo`");
    }
}
