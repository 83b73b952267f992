//! Raw templates and sets to compiled ones: every name is looked up, every text and test checked against its hole and
//! effect.

use super::assign::MAX_HOLES;
use super::bodies::{BODY_CELLS_MAX, BODY_WORDS_MAX, bodies};
use super::codes;
use super::compiled::{Bound, Choice, Domain, Hole, Part, Template, TemplateTest};
use super::library::Set;
use super::read::{Raw, RawDomain, RawFilling, RawSet, RawTemplate, RawTest};
use super::screen::Frame;
use super::source::{At, nearest};
use crate::effect::{self, Notation, Scratch, Words, parse_notation};
use crate::model::{Code, Value};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// The sets that a specification fills.
pub(super) const OPEN_SETS: &[(&str, &str)] = &[
    ("constant", "the numbers in the specification's own text"),
    ("word", "the words that the specification may use"),
];

/// Looks everything up; what is wrong ends in `raw.diagnostics`.
pub(super) fn resolve(mut raw: Raw) -> (Raw, Vec<Set>, Vec<Template>) {
    let raw_sets = std::mem::take(&mut raw.sets);
    let raw_templates = std::mem::take(&mut raw.templates);
    let mut resolver = Resolver {
        raw,
        sets: Vec::new(),
        set_index: FxHashMap::default(),
        bodies: FxHashMap::default(),
        scratch: Scratch::new(),
    };
    for set in raw_sets {
        resolver.set(set);
    }
    let mut ids: FxHashMap<String, (usize, u32)> = FxHashMap::default();
    let mut templates = Vec::new();
    for template in raw_templates {
        let place = (template.id.file, resolver.line(&template.id));
        if let Some(&(file, line)) = ids.get(&template.id.value) {
            let first = &resolver.raw.sources[file].name;
            let message = format!("template {} stands already at {first}:{line}", template.id.value);
            resolver.error(codes::DUPLICATE, &template.id, message, None);
            continue;
        }
        ids.insert(template.id.value.clone(), place);
        templates.extend(resolver.template(template));
    }
    (resolver.raw, resolver.sets, templates)
}

/// The token is a hole: a name in lower case within braces.
fn hole_name(token: &str) -> Option<&str> {
    let name = token.strip_prefix('{')?.strip_suffix('}')?;
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (plain && name.starts_with(|c: char| c.is_ascii_lowercase())).then_some(name)
}

/// `( a b -- c )` as names before and after.
fn names_of(notation: &Notation<'_>) -> (Vec<String>, Vec<String>) {
    (notation.inputs().map(str::to_owned).collect(), notation.outputs().map(str::to_owned).collect())
}

fn n_cells(values: &[Value]) -> usize {
    values.iter().map(|value| if matches!(value, Value::Cell(_)) { 1 } else { 2 }).sum()
}

struct Resolver {
    raw: Raw,
    sets: Vec<Set>,
    set_index: FxHashMap<String, usize>,
    /// The bodies of typed holes, by cells taken, cells left and words.
    bodies: FxHashMap<(usize, usize, usize), Rc<[Choice]>>,
    scratch: Scratch,
}

impl Resolver {
    fn error<T>(&mut self, code: Code, at: &At<T>, message: String, suggestion: Option<String>) {
        self.raw.error_suggesting(code, at.file, at.span.clone(), message, suggestion);
    }

    fn line<T>(&self, at: &At<T>) -> u32 {
        let text = &self.raw.sources[at.file].text;
        text[..at.span.start.min(text.len())].bytes().filter(|&b| b == b'\n').count() as u32 + 1
    }

    fn set(&mut self, raw: RawSet) {
        let name = &raw.name.value;
        if self.set_index.contains_key(name) || OPEN_SETS.iter().any(|(open, _)| open == name) {
            let message = format!("there is a set `{name}` already");
            return self.error(codes::DUPLICATE, &raw.name, message, None);
        }
        let effect = raw.effect.as_ref().map(|at| at.value.clone());
        if let Some(at) = &raw.effect {
            let (inputs, outputs) = self.effect(at);
            for value in &raw.values {
                self.infer(value, &value.value, (inputs.len(), outputs.len()));
            }
        }
        self.set_index.insert(name.clone(), self.sets.len());
        let values = raw.values.iter().map(|at| Choice::new(&at.value)).collect();
        self.sets.push(Set { name: name.clone(), description: raw.description, effect, values });
    }

    fn template(&mut self, raw: RawTemplate) -> Option<Template> {
        let n_errors = self.raw.diagnostics.len();
        let (inputs, outputs) = self.effect(&raw.effect);
        let (holes, parts, tail, text, size) = self.code(&raw);
        let example = self.filling(&raw, &holes, &raw.example, None);
        let bounds = self.bounds(&raw, &inputs);
        let mut tests = Vec::new();
        for test in &raw.tests {
            tests.push(self.test(&raw, test, &holes, &example, (inputs.len(), outputs.len())));
        }
        if self.raw.diagnostics.len() > n_errors {
            return None;
        }
        let template = Template {
            code: Choice::new(&raw.code.value).text,
            id: raw.id.value,
            description: raw.description,
            family: raw.family,
            effect: raw.effect.value,
            inputs,
            outputs,
            holes,
            example,
            bounds,
            tests,
            tags: raw.tags,
            size,
            text: text.into_boxed_str(),
            parts: parts.into_boxed_slice(),
            tail,
            frame: Frame::default(),
        };
        let counts = (template.n_in(), template.n_out());
        self.infer(&raw.code.with(()), &template.example_body(), counts);
        Some(template)
    }

    fn effect(&mut self, at: &At<String>) -> (Vec<String>, Vec<String>) {
        match parse_notation(&at.value) {
            Ok(notation) => names_of(&notation),
            Err(error) => {
                let suggestion = Some("write it as `( a b -- c )`".to_owned());
                self.error(codes::WRONG_EFFECT, at, error.to_string(), suggestion);
                (Vec::new(), Vec::new())
            }
        }
    }

    /// Checks that this code, read from `at`, takes and leaves what is declared.
    fn infer<T>(&mut self, at: &At<T>, code: &str, (n_in, n_out): (usize, usize)) {
        let words = Words { words: Vec::new(), declared: Some((n_in as u8, n_out as u8)) };
        let wrong = effect::infer(code, &words, &mut self.scratch).err().map(|error| error.message(code));
        if let Some(wrong) = wrong {
            self.error(codes::WRONG_EFFECT, at, format!("`{code}`: {wrong}"), None);
        }
    }

    /// Cuts the code at its holes.
    fn code(&mut self, raw: &RawTemplate) -> (Vec<Hole>, Vec<Part>, u16, String, u32) {
        let (mut holes, mut parts): (Vec<Hole>, Vec<Part>) = (Vec::new(), Vec::new());
        let (mut text, mut start, mut size) = (String::new(), 0, 0);
        let mut used = vec![false; raw.holes.len()];
        for token in raw.code.value.split_whitespace() {
            let Some(name) = hole_name(token) else {
                if token == "\\" {
                    let message = "a comment to the end of the line cannot stand in a template".to_owned();
                    let suggestion = Some("use ( … )".to_owned());
                    self.error(codes::NOT_TOML, &raw.code, message, suggestion);
                }
                text.push_str(token);
                text.push(' ');
                size += 1;
                continue;
            };
            let number = holes.iter().position(|hole| hole.name == name).unwrap_or_else(|| {
                let declared = raw.holes.iter().position(|(at, _)| at.value == name);
                let domain = match declared {
                    Some(i) => {
                        used[i] = true;
                        self.domain(raw, &raw.holes[i].1)
                    }
                    None => {
                        self.unknown_hole(raw, name);
                        Domain::default()
                    }
                };
                holes.push(Hole { name: name.to_owned(), domain, n_places: 0 });
                holes.len() - 1
            });
            holes[number].n_places += 1;
            parts.push(Part { start, end: text.len() as u16, hole: number as u16 });
            start = text.len() as u16;
        }
        for ((name, _), _) in raw.holes.iter().zip(used).filter(|(_, used)| !used) {
            let suggestion = nearest(&name.value, holes.iter().map(|hole| hole.name.as_str()));
            let message = format!("the code has no hole `{{{}}}`", name.value);
            self.error(codes::UNUSED_HOLE, name, message, suggestion);
        }
        if holes.len() > MAX_HOLES || text.len() > usize::from(u16::MAX) {
            let message = format!("at most {MAX_HOLES} holes and 65,535 bytes of code");
            self.error(codes::WRONG_DOMAIN, &raw.code, message, None);
        }
        (holes, parts, start, text, size)
    }

    fn unknown_hole(&mut self, raw: &RawTemplate, name: &str) {
        let mut at = raw.code.with(());
        // The hole is marked itself where the string has no escapes before it.
        let token = format!("{{{name}}}");
        let source = &self.raw.sources[at.file].text;
        if let Some(offset) = source.get(at.span.clone()).and_then(|code| code.find(&token)) {
            at.span = at.span.start + offset..at.span.start + offset + token.len();
        }
        let suggestion = nearest(name, raw.holes.iter().map(|(at, _)| at.value.as_str()))
            .unwrap_or_else(|| format!("add `{name}` to `holes`"));
        let message = format!("the hole `{token}` has no domain");
        self.error(codes::UNKNOWN_HOLE, &at, message, Some(suggestion));
    }

    fn domain(&mut self, raw: &RawTemplate, domain: &RawDomain) -> Domain {
        let mut out = Domain::default();
        let typed = self.typed(domain);
        let (mut choices, mut seen): (Vec<Choice>, FxHashSet<String>) = Default::default();
        let mut add = |choice: Choice| {
            if seen.insert(choice.text.clone()) {
                choices.push(choice);
            }
        };
        // What the template says itself comes first.
        domain.also.iter().for_each(|at| add(Choice::new(&at.value)));
        let mut unknown = Vec::new();
        for name in &domain.sets {
            match (name.value.as_str(), self.set_index.get(&name.value)) {
                ("constant", _) => out.constants = true,
                ("word", _) => out.words = true,
                (_, Some(&set)) => self.sets[set].values.iter().cloned().for_each(&mut add),
                (_, None) => unknown.push(name),
            }
            out.sets.push(name.value.clone());
        }
        for name in &unknown {
            let known = self.sets.iter().map(|set| set.name.as_str());
            let suggestion = nearest(&name.value, known.chain(OPEN_SETS.iter().map(|(open, _)| *open)));
            self.error(codes::WRONG_DOMAIN, name, format!("there is no set `{}`", name.value), suggestion);
        }
        if let Some((name, bodies)) = typed {
            bodies.iter().cloned().for_each(&mut add);
            out.sets.push(name);
            out.typed = true;
        }
        out.fixed = choices;
        if out.is_empty() && unknown.is_empty() {
            let at = At { value: (), file: raw.id.file, span: domain.span.clone() };
            self.error(codes::WRONG_DOMAIN, &at, "the domain is empty".to_owned(), None);
        }
        out
    }

    /// All bodies of the effect that the hole declares, and what to call them.
    fn typed(&mut self, domain: &RawDomain) -> Option<(String, Rc<[Choice]>)> {
        let (effect, words) = match (&domain.effect, &domain.words) {
            (Some(effect), words) => (effect, words.as_ref().map_or(2, |at| at.value)),
            (None, Some(words)) => {
                let message = "`words` says how long the bodies of an `effect` may be".to_owned();
                self.error(codes::WRONG_DOMAIN, words, message, Some("add `effect`".to_owned()));
                return None;
            }
            (None, None) => return None,
        };
        let (inputs, outputs) = self.effect(effect);
        let cells = inputs.len().max(outputs.len());
        if cells > BODY_CELLS_MAX || outputs.is_empty() {
            let message = format!("bodies take and leave at most {BODY_CELLS_MAX} cells, and leave some");
            self.error(codes::WRONG_DOMAIN, effect, message, None);
            return None;
        }
        let words = match usize::try_from(words) {
            Ok(words @ 1..=BODY_WORDS_MAX) => words,
            _ => {
                let message = format!("bodies have 1 to {BODY_WORDS_MAX} words");
                let at = domain.words.as_ref().map_or(effect.with(()), |at| at.with(()));
                self.error(codes::WRONG_DOMAIN, &at, message, None);
                return None;
            }
        };
        let key = (inputs.len(), outputs.len(), words);
        let made = self.bodies.entry(key).or_insert_with(|| bodies(key.0, key.1, key.2).into());
        Some((format!("{} in at most {words} words", effect.value), Rc::clone(made)))
    }

    /// One text per hole, from a table of them and, where it is silent, from the example.
    fn filling(
        &mut self,
        raw: &RawTemplate,
        holes: &[Hole],
        filling: &RawFilling,
        example: Option<&[String]>,
    ) -> Vec<String> {
        for (name, text) in filling {
            let text_words = Choice::new(&text.value).text;
            match holes.iter().find(|hole| hole.name == name.value) {
                None => {
                    let suggestion = nearest(&name.value, holes.iter().map(|hole| hole.name.as_str()));
                    let message = format!("the code has no hole `{{{}}}`", name.value);
                    self.error(codes::UNUSED_HOLE, name, message, suggestion);
                }
                Some(hole) if !hole.domain.is_empty() && !hole.domain.admits(&text_words) => {
                    let message = format!("`{text_words}` is not in the domain of `{{{}}}`", hole.name);
                    let suggestion =
                        nearest(&text_words, hole.domain.fixed.iter().map(|choice| choice.text.as_str()));
                    self.error(codes::WRONG_DOMAIN, text, message, suggestion);
                }
                Some(_) => {}
            }
        }
        let mut texts = Vec::new();
        for (i, hole) in holes.iter().enumerate() {
            let given = filling.iter().find(|(name, _)| name.value == hole.name);
            let from_example = example.and_then(|example| example.get(i)).cloned();
            match given.map(|(_, text)| Choice::new(&text.value).text).or(from_example) {
                Some(text) => texts.push(text),
                None if hole.domain.is_empty() => texts.push(String::new()),
                None => {
                    let message =
                        format!("the example of {} says nothing of `{{{}}}`", raw.id.value, hole.name);
                    self.error(codes::MISSING_FIELD, &raw.id, message, None);
                    texts.push(String::new());
                }
            }
        }
        texts
    }

    fn bounds(&mut self, raw: &RawTemplate, inputs: &[String]) -> Vec<Bound> {
        let mut bounds = Vec::new();
        for (name, least, greatest) in &raw.bounds {
            match inputs.iter().position(|input| *input == name.value) {
                Some(input) => bounds.push(Bound { input, least: *least, greatest: *greatest }),
                None => {
                    let suggestion = nearest(&name.value, inputs.iter().map(String::as_str));
                    let message = format!("the effect has no input `{}`", name.value);
                    self.error(codes::WRONG_EFFECT, name, message, suggestion);
                }
            }
        }
        bounds
    }

    fn test(
        &mut self,
        raw: &RawTemplate,
        test: &RawTest,
        holes: &[Hole],
        example: &[String],
        (n_in, n_out): (usize, usize),
    ) -> TemplateTest {
        let at = At { value: (), file: raw.id.file, span: test.span.clone() };
        let line = self.line(&at);
        let (given_in, given_out) = (n_cells(&test.input), n_cells(&test.output));
        let fits = given_in == n_in && (given_out == n_out || test.throws.is_some());
        if test.call.is_none() && !fits {
            let message =
                format!("the test has {given_in} -> {given_out} cells, the effect {n_in} -> {n_out}");
            self.error(codes::WRONG_TEST, &at, message, None);
        }
        if test.call.as_ref().is_some_and(|call| !call.split_whitespace().any(|word| word == "it")) {
            let message = "`call` does not use `it`, the filled template".to_owned();
            self.error(codes::WRONG_TEST, &at, message, None);
        }
        let with = match &test.with {
            Some(filling) => self.filling(raw, holes, filling, Some(example)),
            None => example.to_vec(),
        };
        TemplateTest {
            with,
            input: test.input.clone(),
            output: test.output.clone(),
            call: test.call.clone(),
            prints: test.prints.clone(),
            throws: test.throws,
            line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_names_in_braces() {
        for (token, expect) in [
            ("{op}", Some("op")),
            ("{f_2}", Some("f_2")),
            ("{:", None),
            ("{}", None),
            ("{2}", None),
            ("{Op}", None),
            (":}", None),
            ("{a:b}", None),
            ("dup", None),
            ("{op", None),
        ] {
            assert_eq!(hole_name(token), expect, "{token}");
        }
    }
}
