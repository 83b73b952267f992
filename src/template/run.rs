//! The templates' own tests, run on the engine.

use super::compiled::{Template, TemplateTest};
use super::library::Library;
use crate::forth::{Engine, Image, Limits, Xt};
use crate::model::{Cell, Value};
use bumpalo::Bump;

/// What became of the tests of one template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestReport {
    /// The template.
    pub id: String,
    /// How many tests it has.
    pub n_tests: usize,
    /// Those that failed.
    pub failures: Vec<TestFailure>,
}

/// A test that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestFailure {
    /// The line of the template file.
    pub line: u32,
    /// The filled code.
    pub code: String,
    /// What happened instead, in words.
    pub reason: String,
}

impl TestReport {
    /// Whether all passed.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl Library {
    /// Runs the tests of every template, in canonical order.
    pub fn run_tests(&self) -> Vec<TestReport> {
        let mut runner =
            Runner { engine: Engine::new(Image::shared(), Limits::default()), arena: Bump::new() };
        self.iter().map(|template| runner.template(template)).collect()
    }
}

impl Template {
    /// Runs its own tests.
    pub fn run_tests(&self) -> TestReport {
        let mut runner =
            Runner { engine: Engine::new(Image::shared(), Limits::default()), arena: Bump::new() };
        runner.template(self)
    }
}

struct Runner {
    engine: Engine,
    arena: Bump,
}

impl Runner {
    fn template(&mut self, template: &Template) -> TestReport {
        let mut failures = Vec::new();
        for test in &template.tests {
            self.arena.reset();
            let values: Vec<&str> = test.with.iter().map(String::as_str).collect();
            let code = template.fill(&self.arena, &values).to_owned();
            if let Err(reason) = self.test(&code, test) {
                failures.push(TestFailure { line: test.line, code, reason });
            }
        }
        TestReport { id: template.id.clone(), n_tests: template.tests.len(), failures }
    }

    fn test(&mut self, code: &str, test: &TemplateTest) -> Result<(), String> {
        self.engine.reset();
        let word = self.define("it", code)?;
        let word = match &test.call {
            Some(call) => self.define("(call)", call)?,
            None => word,
        };
        let mut inputs: Vec<Cell> = Vec::new();
        for value in &test.input {
            self.push(value, &mut inputs)?;
        }
        let run = self.engine.execute(word, &inputs);
        match (run, test.throws) {
            (Ok(()), None) => self.compare(test),
            (Ok(()), Some(code)) => Err(format!("{} instead of exception {code}", show(self.engine.stack()))),
            (Err(trap), Some(code)) if trap.code() == Some(code) => Ok(()),
            (Err(trap), _) => Err(format!("{} -> {}", show(&inputs), self.engine.describe(trap))),
        }
    }

    fn define(&mut self, name: &str, body: &str) -> Result<Xt, String> {
        self.engine.define(name, body).map_err(|error| format!("`{body}` does not compile: {error}"))
    }

    fn push(&mut self, value: &Value, inputs: &mut Vec<Cell>) -> Result<(), String> {
        let (address, len) = match value {
            Value::Cell(cell) => {
                inputs.push(*cell);
                return Ok(());
            }
            Value::Str(text) => (self.engine.place(text.as_bytes()), text.len()),
            Value::Cells(cells) => (self.engine.place_cells(cells), cells.len()),
        };
        inputs.push(address.map_err(|trap| self.engine.describe(trap).to_string())?);
        inputs.push(len as Cell);
        Ok(())
    }

    fn compare(&self, test: &TemplateTest) -> Result<(), String> {
        let mut expected = Vec::new();
        for value in &test.output {
            match value {
                Value::Cell(cell) => expected.push(*cell),
                _ => return Err("only numbers can be compared with the stack".to_owned()),
            }
        }
        let found = self.engine.stack();
        if found != expected {
            return Err(format!(
                "{} -> {}, expected {}",
                show_values(&test.input),
                show(found),
                show(&expected)
            ));
        }
        let printed = String::from_utf8_lossy(self.engine.output());
        let wanted = test.prints.as_deref().unwrap_or("");
        if printed != wanted {
            return Err(format!("printed {printed:?}, expected {wanted:?}"));
        }
        Ok(())
    }
}

fn show(cells: &[Cell]) -> String {
    let cells: Vec<String> = cells.iter().map(Cell::to_string).collect();
    if cells.is_empty() { "nothing".to_owned() } else { cells.join(" ") }
}

fn show_values(values: &[Value]) -> String {
    let values: Vec<String> = values
        .iter()
        .map(|value| match value {
            Value::Cell(cell) => cell.to_string(),
            Value::Str(text) => format!("{text:?}"),
            Value::Cells(cells) => format!("{cells:?}"),
        })
        .collect();
    if values.is_empty() { "nothing".to_owned() } else { values.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{Scratch, Words, infer};
    use crate::template::HoleContext;

    #[test]
    fn every_shipped_template_passes_its_own_tests() {
        let mut failed = 0;
        for report in Library::shipped().run_tests() {
            assert!(report.n_tests > 0, "{}", report.id);
            for failure in &report.failures {
                failed += 1;
                eprintln!("{} (line {}): {}\n    {}", report.id, failure.line, failure.reason, failure.code);
            }
        }
        assert_eq!(failed, 0);
    }

    /// Calls `visit` with all fillings of a template, or with a thousand of them.
    fn each_filling(template: &Template, context: &HoleContext<'_>, mut visit: impl FnMut(&str)) {
        let mut arena = Bump::new();
        let mut all = template.assignments(context);
        // An odd stride meets all values of most holes.
        let stride = if all.count() > 2_000 { (all.count() / 1_000) | 1 } else { 1 };
        let mut rank = 0;
        while rank < all.count() {
            all.seek(rank);
            let (_, _, values) = all.next().expect("a rank below the count");
            visit(template.fill(&arena, values));
            rank += stride;
            arena.reset();
        }
    }

    #[test]
    fn every_filling_compiles_and_keeps_the_effect() {
        let arena = Bump::new();
        let context = HoleContext::new_in(&arena, &[100, -7], &[]);
        let mut engine = Engine::new(Image::shared(), Limits::default());
        let mut scratch = Scratch::new();
        for template in Library::shipped() {
            let words =
                Words { words: Vec::new(), declared: Some((template.n_in() as u8, template.n_out() as u8)) };
            // Which shuffles fit together is left to the search.
            let keeps = template.family != "stack shuffles";
            each_filling(template, &context, |code| {
                engine.reset();
                if let Err(error) = engine.define("it", code) {
                    panic!("{}: `{code}`: {error}", template.id);
                }
                if let (true, Err(error)) = (keeps, infer(code, &words, &mut scratch)) {
                    panic!("{}: `{code}`: {}", template.id, error.message(code));
                }
            });
        }
    }

    fn check(code: &str, effect: &str, test: &str, expect: &str) {
        let toml = format!(
            "family = \"test\"\n[[template]]\nid = \"T\"\ndescription = \"t\"\neffect = \"{effect}\"\ncode = '''{code}'''\n\
             tests = [{test}]\n"
        );
        let library = Library::from_texts(&[("t.toml", &toml)]).unwrap();
        let reports = library.run_tests();
        let reasons: Vec<&str> = reports[0].failures.iter().map(|failure| failure.reason.as_str()).collect();
        assert!(if expect.is_empty() { reasons.is_empty() } else { reasons[..] == [expect] }, "{reasons:?}");
    }

    #[test]
    fn a_test_that_fails_says_how() {
        check("1+", "( n -- m )", "{ in = [1], out = [2] }", "");
        check("1+", "( n -- m )", "{ in = [1], out = [3] }", "1 -> 2, expected 3");
        check("0 /", "( n -- m )", "{ in = [1], throws = -10 }", "");
        check("1+", "( n -- m )", "{ in = [1], throws = -10 }", "2 instead of exception -10");
        check(".", "( n -- )", "{ in = [1], out = [], prints = \"1 \" }", "");
        check(".", "( n -- )", "{ in = [1], out = [] }", "printed \"1 \", expected \"\"");
        check("swap !", "( addr n -- )", "{ call = \"pad 5 it pad @\", in = [], out = [5] }", "");
        check("type", "( c-addr u -- )", "{ in = [\"hi\"], out = [], prints = \"hi\" }", "");
        check("nip", "( addr n -- n )", "{ in = [[7, 8, 9]], out = [3] }", "");
    }
}
