//! A frozen library: words that were verified earlier, kept in a file, over which later searches compose. It is an input like
//! the templates: its hash is part of every fingerprint, and nothing else of the batch is ever composed over.
//!
//! The file has one JSON object a line: a header, then the words by name. Each word's code stands as it is written in front of
//! a definition that uses it, under its name in parentheses, so that it hides no word of the batch.

use crate::effect::{NoWords, Scratch, infer};
use crate::forth::{Engine, Image, Limits};
use serde::{Deserialize, Serialize};

/// The version of the file.
const VERSION: u32 = 1;

/// Most cells that a word of a library takes.
pub const FROZEN_INPUTS_MAX: usize = 2;

/// A verified word.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FrozenWord {
    /// Its name.
    pub word: String,
    /// What its code defines: the name in parentheses.
    pub call: String,
    /// How many cells it takes, at least one; it leaves one.
    pub inputs: usize,
    /// The definition, with its helpers before it.
    pub code: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    wordmill_library: u32,
    words: usize,
}

/// Words to compose over, by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frozen {
    words: Vec<FrozenWord>,
    hash: [u8; 32],
}

/// A word that is not in the library, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// Its name.
    pub word: String,
    /// Why.
    pub reason: String,
}

/// Why a text is no library.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrozenError {
    /// The first line says something else.
    #[error(
        "this is no library of words: its first line should be the header that `wordmill library build` writes"
    )]
    Header,
    /// A library of another version.
    #[error("the library has format {0}, this wordmill reads {VERSION}; build it again")]
    Version(u32),
    /// A line is no word.
    #[error("line {line} of the library is no word: {why}")]
    Line {
        /// Which one, from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// Fewer or more words than the header says.
    #[error("the library holds {found} of {expected} words; build it again")]
    Truncated {
        /// As the header says.
        expected: usize,
        /// As there are.
        found: usize,
    },
}

impl Frozen {
    /// A library of those of these words (name and code) that can be composed: they compile by themselves, take one or two
    /// cells and leave one. The order of the words does not matter.
    pub fn build(found: impl IntoIterator<Item = (String, String)>) -> (Self, Vec<LeftOut>) {
        let mut found: Vec<(String, String)> = found.into_iter().collect();
        found.sort_by(|a, b| (&a.0, a.1.len(), &a.1).cmp(&(&b.0, b.1.len(), &b.1)));
        let (mut words, mut left_out): (Vec<FrozenWord>, Vec<LeftOut>) = (Vec::new(), Vec::new());
        let mut engine = Engine::new(Image::shared(), Limits::default());
        let mut scratch = Scratch::new();
        for (word, code) in found {
            if words.last().is_some_and(|last| last.word == word) {
                left_out.push(LeftOut { word, reason: "there is a shorter definition of it".to_owned() });
                continue;
            }
            match freeze(&word, &code, &mut engine, &mut scratch) {
                Ok(frozen) => words.push(frozen),
                Err(reason) => left_out.push(LeftOut { word, reason }),
            }
        }
        (Self::of(words), left_out)
    }

    fn of(words: Vec<FrozenWord>) -> Self {
        let mut frozen = Self { words, hash: [0; 32] };
        frozen.hash = *blake3::hash(frozen.to_text().as_bytes()).as_bytes();
        frozen
    }

    /// Reads a library.
    ///
    /// # Errors
    /// When the text is not what [`Frozen::to_text`] writes, or a word does not compile.
    pub fn from_text(text: &str) -> Result<Self, FrozenError> {
        let mut lines = text.lines();
        let header: Header =
            lines.next().and_then(|line| serde_json::from_str(line).ok()).ok_or(FrozenError::Header)?;
        if header.wordmill_library != VERSION {
            return Err(FrozenError::Version(header.wordmill_library));
        }
        let mut words: Vec<FrozenWord> = Vec::new();
        let mut engine = Engine::new(Image::shared(), Limits::default());
        for (line, text) in (2..).zip(lines) {
            let wrong = |why: String| FrozenError::Line { line, why };
            let word: FrozenWord = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
            if !(1..=FROZEN_INPUTS_MAX).contains(&word.inputs) {
                return Err(wrong(format!("it takes {} cells", word.inputs)));
            }
            if words.last().is_some_and(|last| last.word >= word.word) {
                return Err(wrong("it is not in the order of the names".to_owned()));
            }
            compiles(&word, &mut engine).map_err(wrong)?;
            words.push(word);
        }
        if words.len() != header.words {
            return Err(FrozenError::Truncated { expected: header.words, found: words.len() });
        }
        Ok(Self::of(words))
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let header = Header { wordmill_library: VERSION, words: self.words.len() };
        let mut text = serde_json::to_string(&header).expect("plain data is JSON");
        for word in &self.words {
            text.push('\n');
            text.push_str(&serde_json::to_string(word).expect("plain data is JSON"));
        }
        text.push('\n');
        text
    }

    /// The words, by name.
    pub fn words(&self) -> &[FrozenWord] {
        &self.words
    }

    /// The hash of the text.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }
}

/// The word as it stands in a library, or why it cannot.
fn freeze(word: &str, code: &str, engine: &mut Engine, scratch: &mut Scratch) -> Result<FrozenWord, String> {
    let call = format!("({word})");
    let (n_in, n_out) = match infer(code, &NoWords, scratch) {
        Ok(effect) if effect.diverges() => return Err("it never ends".to_owned()),
        Ok(effect) => (effect.n_in(), effect.n_out()),
        Err(error) => return Err(error.message(code)),
    };
    if n_out != 1 || !(1..=FROZEN_INPUTS_MAX).contains(&n_in) {
        return Err(format!("it takes {n_in} and leaves {n_out} cells, not one or two and one"));
    }
    let code = renamed(code.trim(), word, &call)?;
    let frozen = FrozenWord { word: word.to_owned(), call, inputs: n_in, code };
    compiles(&frozen, engine)?;
    Ok(frozen)
}

/// The text with `: word` as `: call`; that must be the one place where the name stands.
fn renamed(code: &str, word: &str, call: &str) -> Result<String, String> {
    let is_word = |token: &&str| token.eq_ignore_ascii_case(word);
    if code.split_ascii_whitespace().filter(is_word).count() != 1 {
        return Err("its code names it more than once".to_owned());
    }
    let definition = format!(": {word} ");
    match code.find(&definition) {
        Some(at) => Ok(format!("{}: {call} {}", &code[..at], &code[at + definition.len()..])),
        None => Err("it is no colon definition".to_owned()),
    }
}

fn compiles(word: &FrozenWord, engine: &mut Engine) -> Result<(), String> {
    engine.reset();
    if engine.find(&word.call).is_some() {
        return Err(format!("{} is a word of the standard", word.call));
    }
    engine.load(&word.code).map_err(|error| format!("does not compile by itself: {error}"))?;
    match engine.find(&word.call) {
        Some(_) => Ok(()),
        None => Err(format!("its code does not define {}", word.call)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(words: &[(&str, &str)]) -> (Frozen, Vec<String>) {
        let owned = words.iter().map(|(word, code)| (word.to_string(), code.to_string()));
        let (frozen, left_out) = Frozen::build(owned);
        (frozen, left_out.into_iter().map(|one| format!("{}: {}", one.word, one.reason)).collect())
    }

    #[test]
    fn what_can_be_composed_is_kept_by_name() {
        let (frozen, left_out) = build(&[
            ("square", ": square ( n -- n² ) dup * ;"),
            ("gcd", ": gcd ( a b -- g ) begin ?dup while tuck mod repeat ;"),
            ("square", ": square ( n -- n² ) dup dup drop * ;"),
            ("halves", ": halves 2 /mod ;"),
            ("uses", ": uses square 1+ ;"),
            ("again", ": again dup again ;"),
        ]);
        let names: Vec<&str> = frozen.words().iter().map(|word| word.call.as_str()).collect();
        assert_eq!(names, ["(gcd)", "(square)"]);
        assert_eq!(frozen.words()[1].code, ": (square) ( n -- n² ) dup * ;");
        assert_eq!(frozen.words()[0].inputs, 2);
        assert_eq!(left_out.len(), 4, "{left_out:?}");
        assert!(left_out[1].starts_with("halves: it takes 1 and leaves 2"), "{left_out:?}");
    }

    #[test]
    fn the_text_is_read_back_and_the_order_does_not_matter() {
        let one = (": f 1+ ;", ": g dup * ;");
        let (frozen, _) = build(&[("f", one.0), ("g", one.1)]);
        assert_eq!(Frozen::from_text(&frozen.to_text()).as_ref(), Ok(&frozen));
        assert_eq!(build(&[("g", one.1), ("f", one.0)]).0, frozen);
        assert_ne!(build(&[("g", one.1)]).0.hash(), frozen.hash());
    }

    #[test]
    fn what_is_no_library_is_told() {
        let (frozen, _) = build(&[("f", ": f 1+ ;"), ("g", ": g dup * ;")]);
        let text = frozen.to_text();
        let wrong = |text: &str| Frozen::from_text(text).unwrap_err().to_string();
        assert_eq!(Frozen::from_text("").unwrap_err(), FrozenError::Header);
        assert_eq!(wrong(&text.replace("library\":1", "library\":9")), FrozenError::Version(9).to_string());
        let cut = &text[..text.trim_end().rfind('\n').unwrap()];
        assert_eq!(wrong(cut), "the library holds 1 of 2 words; build it again");
        assert!(
            wrong(&text.replace("dup *", "dupp *"))
                .starts_with("line 3 of the library is no word: does not compile")
        );
        assert!(wrong(&text.replace(": (f)", ": (h)")).contains("does not define (f)"));
        assert!(wrong(&text.replace("\"inputs\":1", "\"inputs\":7")).contains("takes 7 cells"));
    }
}
