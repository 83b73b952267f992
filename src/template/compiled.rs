//! A template, compiled: slices of text and hole numbers.

use super::screen::{Codes, Frame};
use crate::arena::{Bump, Text};
use crate::model::{Cell, Value};

/// A stretch of literal text, then a hole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part {
    /// Where the literal text starts in [`Template::text`].
    pub(super) start: u16,
    /// Where it ends.
    pub(super) end: u16,
    /// The hole that follows it.
    pub(super) hole: u16,
}

/// A template: Forth with holes.
///
/// Invariants: parts and tail lie one after the other in `text`, each literal stretch ends with a blank unless it ends the
/// code; the holes are numbered by their first place in the code; `example` and the `with` of each test have one value per hole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    /// The stable name, such as `DUP_TRANSFORM_001`.
    pub id: String,
    /// What it does with its example filling.
    pub description: String,
    /// The family that its file is about.
    pub family: String,
    /// The effect in stack notation, as written.
    pub effect: String,
    /// The code with its holes, blanks normalized.
    pub code: String,
    /// Names of the inputs, bottom to top.
    pub inputs: Vec<String>,
    /// Names of the outputs, bottom to top.
    pub outputs: Vec<String>,
    /// The holes, by their first place in the code.
    pub holes: Vec<Hole>,
    /// The filling that gives it the meaning of its description, one text per hole.
    pub example: Vec<String>,
    /// Inputs for which every filling ends soon; candidates on other inputs are not worth their fuel.
    pub bounds: Vec<Bound>,
    /// Its own tests.
    pub tests: Vec<TemplateTest>,
    /// Tags.
    pub tags: Vec<String>,
    /// Forth words outside the holes.
    pub size: u32,
    pub(super) text: Box<str>,
    pub(super) parts: Box<[Part]>,
    pub(super) tail: u16,
    /// The code outside the holes as the screen runs it.
    pub(super) frame: Frame,
}

/// A hole and what may stand in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hole {
    /// Its name in the code.
    pub name: String,
    /// What may stand in it.
    pub domain: Domain,
    /// How many places of the code it has.
    pub n_places: u32,
}

/// What may stand in a hole, in the order of the enumeration: the fixed choices, the constants, the words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Domain {
    /// The names of the sets that it was made of.
    pub sets: Vec<String>,
    /// Fixed texts.
    pub fixed: Vec<Choice>,
    /// Whether the numbers in the specification's own text may stand here.
    pub constants: bool,
    /// Whether the words that the specification may use may stand here.
    pub words: bool,
    /// Whether all bodies of an effect may stand here.
    pub typed: bool,
    /// The fixed texts as the screen runs them.
    pub(super) codes: Codes,
}

/// A text for a hole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The text, blanks normalized; may be empty.
    pub text: String,
    /// How many Forth words it has.
    pub size: u32,
}

impl Choice {
    /// A choice from its text.
    pub fn new(text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        Self { size: words.len() as u32, text: words.join(" ") }
    }
}

/// The inputs for which a template is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    /// Which input, from the bottom.
    pub input: usize,
    /// Least value.
    pub least: Cell,
    /// Greatest value.
    pub greatest: Cell,
}

/// A test of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateTest {
    /// What stands in the holes.
    pub with: Vec<String>,
    /// The stack before.
    pub input: Vec<Value>,
    /// The stack after.
    pub output: Vec<Value>,
    /// Forth to run instead of the bare word; `it` stands for the word.
    pub call: Option<String>,
    /// What it must print.
    pub prints: Option<String>,
    /// The exception that it must throw.
    pub throws: Option<Cell>,
    /// The line of the file that the test stands in.
    pub line: u32,
}

impl Domain {
    /// Whether nothing can ever stand in the hole.
    pub fn is_empty(&self) -> bool {
        self.fixed.is_empty() && !self.constants && !self.words
    }

    /// Whether this text may stand in the hole; constants and words of a specification are taken on trust, and so is another
    /// spelling of a body of a typed hole.
    pub fn admits(&self, text: &str) -> bool {
        self.typed
            || self.fixed.iter().any(|choice| choice.text == text)
            || (self.constants && text.parse::<Cell>().is_ok())
            || (self.words && !text.is_empty() && !text.contains(char::is_whitespace))
    }
}

impl Template {
    /// How many cells it takes.
    pub fn n_in(&self) -> usize {
        self.inputs.len()
    }

    /// How many cells it leaves.
    pub fn n_out(&self) -> usize {
        self.outputs.len()
    }

    /// Whether inputs in these ranges (least and greatest value of each input, bottom first) lie within its bounds.
    pub fn suits(&self, range_of: impl Fn(usize) -> (Cell, Cell)) -> bool {
        self.bounds.iter().all(|bound| {
            let (least, greatest) = range_of(bound.input);
            bound.least <= least && greatest <= bound.greatest
        })
    }

    /// Whether a hole stands for all bodies of an effect: then most of its fillings are no sensible program, and loops may
    /// not end.
    pub fn is_typed(&self) -> bool {
        self.holes.iter().any(|hole| hole.domain.typed)
    }

    /// The body with these texts in its holes, one text per hole.
    pub fn fill<'a>(&self, arena: &'a Bump, values: &[&str]) -> &'a str {
        let mut text = Text::with_capacity(arena, self.filled_len_max(values));
        self.write(&mut text, values);
        let body = text.finish();
        body.strip_suffix(' ').unwrap_or(body)
    }

    /// The whole definition `: name body ;` with these texts in its holes.
    pub fn fill_definition<'a>(&self, arena: &'a Bump, name: &str, values: &[&str]) -> &'a str {
        let mut text = Text::with_capacity(arena, self.filled_len_max(values) + name.len() + 4);
        text.push(": ");
        text.push(name);
        text.push(" ");
        self.write(&mut text, values);
        text.push(";");
        text.finish()
    }

    /// The body with its example filling.
    pub fn example_body(&self) -> String {
        let values: Vec<&str> = self.example.iter().map(String::as_str).collect();
        self.fill(&Bump::new(), &values).to_owned()
    }

    fn filled_len_max(&self, values: &[&str]) -> usize {
        assert_eq!(values.len(), self.holes.len(), "{} is filled with one text per hole", self.id);
        self.text.len() + self.parts.iter().map(|part| values[part.hole as usize].len() + 1).sum::<usize>()
    }

    /// Writes all words, each with a blank behind it.
    #[inline]
    fn write(&self, text: &mut Text<'_>, values: &[&str]) {
        for part in &self.parts {
            text.push(&self.text[part.start as usize..part.end as usize]);
            let value = values[part.hole as usize];
            if !value.is_empty() {
                text.push(value);
                text.push(" ");
            }
        }
        text.push(&self.text[self.tail as usize..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Library;

    #[test]
    fn a_filled_template_is_a_body_or_a_definition() {
        let arena = Bump::new();
        let check = |id: &str, values: &[&str], body: &str| {
            let template = Library::shipped().get(id).unwrap();
            assert_eq!(template.fill(&arena, values), body);
            let definition = if body.is_empty() { ": sq ;".to_owned() } else { format!(": sq {body} ;") };
            assert_eq!(template.fill_definition(&arena, "sq", values), definition);
        };
        check("DUP_TRANSFORM_001", &["*"], "dup *");
        check("DUP_TRANSFORM_002", &[""], "dup");
        check("ACCUMULATOR_LOOP_001", &["0", "1", "", "+"], "0 swap 1+ 1 ?do i + loop");
        check("ACCUMULATOR_LOOP_001", &["0", "1", "dup *", "+"], "0 swap 1+ 1 ?do i dup * + loop");
        check("UNARY_OP_001", &[""], "");
        check("UNITS_002", &["60", ""], "60 /mod");
    }

    #[test]
    #[should_panic(expected = "one text per hole")]
    fn too_few_texts_are_refused() {
        Library::shipped().get("UNARY_OP_002").unwrap().fill(&Bump::new(), &["2"]);
    }
}
