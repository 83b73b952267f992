//! TOML to raw templates and sets: shapes and types only, with the place of everything. `resolve` gives them meaning.

use super::codes;
use super::source::{At, Source, nearest};
use crate::model::{Cell, Code, Diagnostic, FALSE, TRUE, Value};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A named set of texts for holes.
pub(super) struct RawSet {
    pub(super) name: At<String>,
    pub(super) description: String,
    pub(super) effect: Option<At<String>>,
    pub(super) values: Vec<At<String>>,
}

/// The domain of a hole: sets by name, then texts, then all bodies of an effect.
pub(super) struct RawDomain {
    pub(super) sets: Vec<At<String>>,
    pub(super) also: Vec<At<String>>,
    pub(super) effect: Option<At<String>>,
    pub(super) words: Option<At<Cell>>,
    pub(super) span: Range<usize>,
}

/// Texts for holes by name.
pub(super) type RawFilling = Vec<(At<String>, At<String>)>;

/// One test.
pub(super) struct RawTest {
    pub(super) input: Vec<Value>,
    pub(super) output: Vec<Value>,
    pub(super) with: Option<RawFilling>,
    pub(super) call: Option<String>,
    pub(super) prints: Option<String>,
    pub(super) throws: Option<Cell>,
    pub(super) span: Range<usize>,
}

/// One template.
pub(super) struct RawTemplate {
    pub(super) id: At<String>,
    pub(super) family: String,
    pub(super) description: String,
    pub(super) effect: At<String>,
    pub(super) code: At<String>,
    pub(super) holes: Vec<(At<String>, RawDomain)>,
    pub(super) example: RawFilling,
    pub(super) bounds: Vec<(At<String>, Cell, Cell)>,
    pub(super) tests: Vec<RawTest>,
    pub(super) tags: Vec<String>,
}

/// Everything read so far, from all files.
#[derive(Default)]
pub(super) struct Raw {
    pub(super) sources: Vec<Source>,
    pub(super) sets: Vec<RawSet>,
    pub(super) templates: Vec<RawTemplate>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Raw {
    /// Reads one more file.
    pub(super) fn read(&mut self, name: &str, text: &str) {
        let file = self.sources.len();
        self.sources.push(Source::new(name, text));
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            self.error(codes::NOT_TOML, file, error.span().unwrap_or(0..0), error.message());
        }
        if !errors.is_empty() {
            return;
        }
        let mut reader = Reader { raw: self, file };
        reader.document(document.get_ref());
    }

    /// Notes an error at a place.
    pub(super) fn error(&mut self, code: Code, file: usize, span: Range<usize>, message: impl Into<String>) {
        self.error_suggesting(code, file, span, message, None);
    }

    /// Notes an error at a place, with something to do about it.
    pub(super) fn error_suggesting(
        &mut self,
        code: Code,
        file: usize,
        span: Range<usize>,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) {
        let mut diagnostic = self.sources[file].error(code, span, message);
        diagnostic.suggestion = suggestion;
        self.diagnostics.push(diagnostic);
    }
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;
type Item<'i> = Spanned<DeValue<'i>>;

struct Reader<'r> {
    raw: &'r mut Raw,
    file: usize,
}

const SET_FIELDS: &[&str] = &["name", "description", "effect", "values"];
const TEMPLATE_FIELDS: &[&str] =
    &["id", "description", "effect", "code", "holes", "example", "where", "tests", "tags"];
const TEST_FIELDS: &[&str] = &["in", "out", "with", "call", "prints", "throws"];

impl Reader<'_> {
    fn error(&mut self, code: Code, span: Range<usize>, message: impl Into<String>) {
        self.raw.error(code, self.file, span, message);
    }

    fn wrong_type(&mut self, item: &Item<'_>, wanted: &str) {
        let message = format!("expected {wanted}, found {}", item.get_ref().type_str());
        self.error(codes::NOT_TOML, item.span(), message);
    }

    fn unknown_field(&mut self, key: &Key<'_>, known: &[&str]) {
        let name = key.get_ref();
        let suggestion = nearest(name, known.iter().copied())
            .unwrap_or_else(|| format!("the fields here are {}", known.join(", ")));
        let message = format!("unknown field `{name}`");
        self.raw.error_suggesting(codes::UNKNOWN_FIELD, self.file, key.span(), message, Some(suggestion));
    }

    fn document(&mut self, table: &DeTable<'_>) {
        let family = match table.get("family") {
            Some(item) => self.text(item).map(|at| at.value).unwrap_or_default(),
            None => String::new(),
        };
        for (key, item) in table.iter() {
            match key.get_ref().as_ref() {
                "family" => {}
                "set" => self.each_table(item, |reader, table, span| reader.set(table, span)),
                "template" => {
                    if family.is_empty() {
                        let message = "the file lacks its `family`";
                        self.error(codes::MISSING_FIELD, 0..0, message);
                    }
                    self.each_table(item, |reader, table, span| reader.template(table, span, &family));
                }
                _ => self.unknown_field(key, &["family", "set", "template"]),
            }
        }
    }

    fn each_table(&mut self, item: &Item<'_>, mut read: impl FnMut(&mut Self, &DeTable<'_>, Range<usize>)) {
        let Some(array) = item.get_ref().as_array() else { return self.wrong_type(item, "tables") };
        for element in array.iter() {
            match element.get_ref().as_table() {
                Some(table) => read(self, table, element.span()),
                None => self.wrong_type(element, "a table"),
            }
        }
    }

    fn at<T>(&self, value: T, span: Range<usize>) -> At<T> {
        At { value, file: self.file, span }
    }

    fn text(&mut self, item: &Item<'_>) -> Option<At<String>> {
        match item.get_ref().as_str() {
            Some(text) => Some(self.at(text.to_owned(), item.span())),
            None => {
                self.wrong_type(item, "a string");
                None
            }
        }
    }

    fn texts(&mut self, item: &Item<'_>) -> Vec<At<String>> {
        match item.get_ref() {
            DeValue::Array(array) => array.iter().filter_map(|element| self.text(element)).collect(),
            _ => {
                self.wrong_type(item, "a list of strings");
                Vec::new()
            }
        }
    }

    fn text_or_texts(&mut self, item: &Item<'_>) -> Vec<At<String>> {
        if item.get_ref().is_str() { self.text(item).into_iter().collect() } else { self.texts(item) }
    }

    fn integer(&mut self, item: &Item<'_>) -> Option<Cell> {
        let value = item
            .get_ref()
            .as_integer()
            .and_then(|integer| Cell::from_str_radix(integer.as_str(), integer.radix()).ok());
        if value.is_none() {
            self.wrong_type(item, "a 64-bit integer");
        }
        value
    }

    fn missing(&mut self, span: Range<usize>, what: &str, fields: &[(&str, bool)]) -> bool {
        let absent: Vec<&str> =
            fields.iter().filter(|(_, present)| !present).map(|&(name, _)| name).collect();
        if !absent.is_empty() {
            self.error(codes::MISSING_FIELD, span, format!("{what} lacks {}", absent.join(", ")));
        }
        !absent.is_empty()
    }

    fn set(&mut self, table: &DeTable<'_>, span: Range<usize>) {
        let (mut name, mut description, mut effect, mut values) = (None, String::new(), None, Vec::new());
        for (key, item) in table.iter() {
            match key.get_ref().as_ref() {
                "name" => name = self.text(item),
                "description" => description = self.text(item).map(|at| at.value).unwrap_or_default(),
                "effect" => effect = self.text(item),
                "values" => values = self.texts(item),
                _ => self.unknown_field(key, SET_FIELDS),
            }
        }
        let absent =
            self.missing(span, "the set", &[("name", name.is_some()), ("values", !values.is_empty())]);
        if let (false, Some(name)) = (absent, name) {
            self.raw.sets.push(RawSet { name, description, effect, values });
        }
    }

    fn template(&mut self, table: &DeTable<'_>, span: Range<usize>, family: &str) {
        let (mut id, mut description, mut effect, mut code) = (None, None, None, None);
        let (mut holes, mut example, mut bounds) = (Vec::new(), Vec::new(), Vec::new());
        let (mut tests, mut tags) = (Vec::new(), Vec::new());
        for (key, item) in table.iter() {
            match key.get_ref().as_ref() {
                "id" => id = self.text(item),
                "description" => description = self.text(item),
                "effect" => effect = self.text(item),
                "code" => code = self.text(item),
                "holes" => holes = self.holes(item),
                "example" => example = self.filling(item),
                "where" => bounds = self.bounds(item),
                "tests" => self.each_table(item, |reader, table, span| tests.push(reader.test(table, span))),
                "tags" => tags = self.texts(item).into_iter().map(|at| at.value).collect(),
                _ => self.unknown_field(key, TEMPLATE_FIELDS),
            }
        }
        let what = id.as_ref().map_or("the template".to_owned(), |id| format!("template {}", id.value));
        let fields = [
            ("id", id.is_some()),
            ("description", description.is_some()),
            ("effect", effect.is_some()),
            ("code", code.is_some()),
            ("tests", !tests.is_empty()),
        ];
        self.missing(id.as_ref().map_or(span, |id| id.span.clone()), &what, &fields);
        if let (Some(id), Some(description), Some(effect), Some(code)) = (id, description, effect, code) {
            let (family, description) = (family.to_owned(), description.value);
            self.raw.templates.push(RawTemplate {
                id,
                family,
                description,
                effect,
                code,
                holes,
                example,
                bounds,
                tests,
                tags,
            });
        }
    }

    fn holes(&mut self, item: &Item<'_>) -> Vec<(At<String>, RawDomain)> {
        let Some(table) = item.get_ref().as_table() else {
            self.wrong_type(item, "a table of holes");
            return Vec::new();
        };
        let mut holes = Vec::new();
        for (key, value) in table.iter() {
            let name = self.at(key.get_ref().to_string(), key.span());
            holes.push((name, self.domain(value)));
        }
        holes
    }

    fn domain(&mut self, item: &Item<'_>) -> RawDomain {
        let mut domain =
            RawDomain { sets: Vec::new(), also: Vec::new(), effect: None, words: None, span: item.span() };
        match item.get_ref() {
            DeValue::String(_) => domain.sets.extend(self.text(item)),
            DeValue::Array(_) => domain.also = self.texts(item),
            DeValue::Table(table) => {
                for (key, value) in table.iter() {
                    match key.get_ref().as_ref() {
                        "set" => domain.sets = self.text_or_texts(value),
                        "also" => domain.also = self.texts(value),
                        "effect" => domain.effect = self.text(value),
                        "words" => {
                            domain.words = self.integer(value).map(|words| self.at(words, value.span()));
                        }
                        _ => self.unknown_field(key, &["set", "also", "effect", "words"]),
                    }
                }
            }
            _ => self.wrong_type(item, "the name of a set, a list of texts or { set, also, effect, words }"),
        }
        domain
    }

    fn filling(&mut self, item: &Item<'_>) -> RawFilling {
        let Some(table) = item.get_ref().as_table() else {
            self.wrong_type(item, "a table of holes and their texts");
            return Vec::new();
        };
        let mut filling = Vec::new();
        for (key, value) in table.iter() {
            if let Some(text) = self.text(value) {
                filling.push((self.at(key.get_ref().to_string(), key.span()), text));
            }
        }
        filling
    }

    fn bounds(&mut self, item: &Item<'_>) -> Vec<(At<String>, Cell, Cell)> {
        let Some(table) = item.get_ref().as_table() else {
            self.wrong_type(item, "a table of inputs and their [least, greatest]");
            return Vec::new();
        };
        let mut bounds = Vec::new();
        for (key, value) in table.iter() {
            let numbers: Vec<Cell> = match value.get_ref().as_array() {
                Some(array) => array.iter().filter_map(|element| self.integer(element)).collect(),
                None => Vec::new(),
            };
            match numbers[..] {
                [least, greatest] => {
                    bounds.push((self.at(key.get_ref().to_string(), key.span()), least, greatest));
                }
                _ => self.wrong_type(value, "[least, greatest]"),
            }
        }
        bounds
    }

    fn test(&mut self, table: &DeTable<'_>, span: Range<usize>) -> RawTest {
        let mut test = RawTest {
            input: Vec::new(),
            output: Vec::new(),
            with: None,
            call: None,
            prints: None,
            throws: None,
            span,
        };
        for (key, item) in table.iter() {
            match key.get_ref().as_ref() {
                "in" => test.input = self.values(item),
                "out" => test.output = self.values(item),
                "with" => test.with = Some(self.filling(item)),
                "call" => test.call = self.text(item).map(|at| at.value),
                "prints" => test.prints = self.text(item).map(|at| at.value),
                "throws" => test.throws = self.integer(item),
                _ => self.unknown_field(key, TEST_FIELDS),
            }
        }
        test
    }

    fn values(&mut self, item: &Item<'_>) -> Vec<Value> {
        let Some(array) = item.get_ref().as_array() else {
            self.wrong_type(item, "a list of values");
            return Vec::new();
        };
        array.iter().filter_map(|element| self.value(element)).collect()
    }

    fn value(&mut self, item: &Item<'_>) -> Option<Value> {
        match item.get_ref() {
            DeValue::String(text) => Some(Value::Str(text.to_string())),
            DeValue::Boolean(truth) => Some(Value::Cell(if *truth { TRUE } else { FALSE })),
            DeValue::Array(cells) => {
                Some(Value::Cells(cells.iter().filter_map(|cell| self.integer(cell)).collect()))
            }
            _ => self.integer(item).map(Value::Cell),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::template::Library;

    const GOOD: &str = "family = \"test\"\n\n[[set]]\nname = \"binop\"\nvalues = [\"+\", \"*\"]\n\n[[template]]\nid = \"T_001\"\n\
        description = \"a test\"\neffect = \"( n -- m )\"\ncode = \"dup {op}\"\nholes = { op = \"binop\" }\nexample = { op = \"*\" }\n\
        where = { n = [0, 9] }\ntests = [{ in = [2], out = [4] }]\ntags = [\"x\"]\n";

    /// Edits the good file and expects these findings, as `code line:column message | suggestion`.
    fn check(from: &str, to: &str, expect: &[&str]) {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        let found = match Library::from_texts(&[("t.toml", &text)]) {
            Ok(_) => Vec::new(),
            Err(error) => error.diagnostics(),
        };
        let found: Vec<String> = found
            .iter()
            .map(|one| {
                assert_eq!(one.file.as_deref(), Some("t.toml"));
                let (source, column) = one.source.clone().unwrap();
                assert_eq!(
                    source.trim_end(),
                    text.lines().nth(one.place.line as usize - 1).unwrap().trim_end()
                );
                assert_eq!(column, one.place.column);
                let suggestion = one.suggestion.as_deref().map_or(String::new(), |s| format!(" | {s}"));
                format!("{} {}:{} {}{suggestion}", one.code, one.place.line, one.place.column, one.message)
            })
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn what_is_wrong_has_a_code_a_place_and_a_suggestion() {
        check("family", "family", &[]);
        check("[0, 9]", "[0, ]", &["WM060 14:15 expected [least, greatest], found array"]);
        check(
            "id = \"T_001\"",
            "id = 5",
            &["WM062 7:1 the template lacks id", "WM060 8:6 expected a string, found integer"],
        );
        check("tags =", "tag =", &["WM061 16:1 unknown field `tag` | did you mean `tags`?"]);
        check(
            "description =",
            "zzz =",
            &[
                "WM062 8:6 template T_001 lacks description",
                "WM061 9:1 unknown field `zzz` | the fields here are id, description, effect, code, holes, example, where, tests, tags",
            ],
        );
        check("[{ in = [2], out = [4] }]", "[]", &["WM062 8:6 template T_001 lacks tests"]);
        check("family = \"test\"", "", &["WM062 1:1 the file lacks its `family`"]);
        check(
            "dup {op}",
            "dup {op} {pq}",
            &["WM064 11:18 the hole `{pq}` has no domain | did you mean `op`?"],
        );
        check(
            "dup {op}",
            "dup *",
            &["WM065 12:11 the code has no hole `{op}`", "WM065 13:13 the code has no hole `{op}`"],
        );
        check(
            "{ op = \"binop\" }",
            "{ op = \"binops\" }",
            &["WM066 12:16 there is no set `binops` | did you mean `binop`?"],
        );
        check(
            "{ op = \"*\" }",
            "{ op = \"-\" }",
            &["WM066 13:18 `-` is not in the domain of `{op}` | did you mean `*`?"],
        );
        check("example = { op = \"*\" }", "", &["WM062 8:6 the example of T_001 says nothing of `{op}`"]);
        check(
            "( n -- m )",
            "( n m )",
            &[
                "WM067 10:10 a stack effect needs `--` between inputs and outputs | write it as `( a b -- c )`",
                "WM067 14:11 the effect has no input `n`",
                "WM068 15:10 the test has 1 -> 1 cells, the effect 0 -> 0",
            ],
        );
        check("( n -- m )", "( n -- m k )", &["WM068 15:10 the test has 1 -> 1 cells, the effect 1 -> 2"]);
        check(
            "dup {op}",
            "dup dup {op}",
            &["WM067 11:8 `dup dup *`: the code takes 1 and leaves 2, declared are 1 and 1"],
        );
        check("dup {op}", "dup {op} foo", &["WM067 11:8 `dup * foo`: unknown word `foo`"]);
        check(
            "values = [",
            "effect = \"( a b -- c )\"\nvalues = [\"dup\", ",
            &["WM067 6:11 `dup`: the code takes 1 and leaves 2, declared are 2 and 1"],
        );
        check("where = { n", "where = { k", &["WM067 14:11 the effect has no input `k` | did you mean `n`?"]);
        check("out = [4]", "out = [4, 5]", &["WM068 15:10 the test has 1 -> 2 cells, the effect 1 -> 1"]);
        check(
            "in = [2]",
            "call = \"2 dup\", in = []",
            &["WM068 15:10 `call` does not use `it`, the filled template"],
        );
        check(
            "name = \"binop\"",
            "name = \"word\"",
            &["WM063 4:8 there is a set `word` already", "WM066 12:16 there is no set `binop`"],
        );
        check(
            "dup {op}",
            "dup {op} \\\\ twice",
            &["WM060 11:8 a comment to the end of the line cannot stand in a template | use ( … )"],
        );
    }

    #[test]
    fn broken_toml_is_one_error_at_its_place() {
        let error = Library::from_texts(&[("t.toml", "family = \"x\"\n[[template]\n")]).unwrap_err();
        let found = error.diagnostics();
        assert_eq!((found[0].code, found[0].place.line), (crate::template::codes::NOT_TOML, 2));
    }

    #[test]
    fn the_second_of_two_with_one_id_is_refused() {
        let template = GOOD.split_once("[[template]]").unwrap().1;
        let twice = format!("{GOOD}\n[[template]]{template}");
        let found = Library::from_texts(&[("t.toml", &twice)]).unwrap_err().diagnostics();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "template T_001 stands already at t.toml:8");
        assert_eq!(found[0].place.line, 19);
    }
}
