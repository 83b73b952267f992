//! `wordmill templates`: the template library.

use crate::cli::args::{Flags, MessageFormat};
use crate::cli::context::{Context, Told};
use crate::cli::message::visible;
use crate::cli::output::{BAD, BOLD, DIM, GOOD};
use crate::cli::{Exit, table, text};
use crate::config::{Key, Layer};
use crate::template::{Library, LoadError, Template, TemplateTest, TestReport};
use anyhow::bail;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// List, show and test the templates that the search fills
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    /// Also read templates from this folder or file; may be given several times
    #[arg(long = "templates", value_name = "PATH", global = true)]
    paths: Vec<PathBuf>,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// List all templates, in the order in which the search tries them
    ///
    /// FILLINGS counts the ways to fill the holes for a specification without constants and words of its own.
    ///
    /// Examples:
    ///   wordmill templates list
    ///   wordmill templates list --templates my-templates --message-format json
    #[command(verbatim_doc_comment)]
    List,
    /// Show one template: its code, holes, domains and tests
    ///
    /// Examples:
    ///   wordmill templates show DUP_TRANSFORM_001
    #[command(verbatim_doc_comment)]
    Show {
        /// The id, as a specification names it in `implementation.pattern`
        id: String,
    },
    /// Run the tests of the templates on the engine
    ///
    /// Exit code 1 when one fails.
    ///
    /// Examples:
    ///   wordmill templates test
    ///   wordmill templates test ACCUMULATOR_LOOP_001
    ///   wordmill templates test --templates my-templates
    #[command(verbatim_doc_comment)]
    Test {
        /// Only these templates; without any, all
        #[arg(value_name = "ID")]
        ids: Vec<String>,
    },
}

impl Args {
    /// What the flags say about settings.
    pub fn layer(&self) -> Layer {
        let mut flags = Flags::default();
        flags.paths(Key::TemplatesPaths, "--templates", &self.paths);
        flags.0
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let library = library(context)?;
    match &args.action {
        Action::List => list(&library, context),
        Action::Show { id } => show(find(&library, id)?, context),
        Action::Test { ids } => test(&library, ids, context),
    }
}

/// The shipped templates and those that the settings name. Mistakes in the files are told.
pub fn library(context: &Context) -> anyhow::Result<Arc<Library>> {
    let paths = context.settings.paths(Key::TemplatesPaths);
    Library::load(&paths).map(Arc::new).map_err(|error| match error {
        LoadError::Invalid { diagnostics } => {
            diagnostics.iter().for_each(|diagnostic| context.complain(diagnostic));
            Told.into()
        }
        error => error.into(),
    })
}

/// Choices of a hole that are shown one by one; JSON has all.
const CHOICES_SHOWN_MAX: usize = 60;

fn list(library: &Library, context: &mut Context) -> anyhow::Result<Exit> {
    let mut table = table::Table::new(&["ID", "FAMILY", "EFFECT", "FILLINGS", "DESCRIPTION"]);
    for row in library.rows() {
        let template = row.template;
        if context.format == MessageFormat::Json {
            let mut json = to_json(template);
            json["fillings"] = row.fillings.into();
            writeln!(context.out, "{json}")?;
            continue;
        }
        table.row([
            template.id.clone(),
            template.family.clone(),
            template.effect.clone(),
            row.fillings.to_string(),
            template.description.clone(),
        ]);
    }
    if context.format != MessageFormat::Json {
        table.write(&mut context.out)?;
    }
    Ok(Exit::Good)
}

fn find<'l>(library: &'l Library, id: &str) -> anyhow::Result<&'l Template> {
    match (library.get(id).or_else(|| library.get(&id.to_ascii_uppercase())), library.suggest(id)) {
        (Some(template), _) => Ok(template),
        (None, Some(suggestion)) => bail!("no template has the id `{id}`; {suggestion}"),
        (None, None) => bail!("no template has the id `{id}`; `wordmill templates list` lists all of them"),
    }
}

fn test(library: &Library, ids: &[String], context: &mut Context) -> anyhow::Result<Exit> {
    let reports: Vec<TestReport> = match ids {
        [] => library.run_tests(),
        ids => ids.iter().map(|id| Ok(find(library, id)?.run_tests())).collect::<anyhow::Result<_>>()?,
    };
    for report in &reports {
        tell(report, context)?;
    }
    let tests: usize = reports.iter().map(|report| report.n_tests).sum();
    let failed: usize = reports.iter().map(|report| report.failures.len()).sum();
    let (templates, tests) =
        (text::count(reports.len() as u64, "template"), text::count(tests as u64, "test"));
    context.note(&format!(
        "{templates}, {tests}: {}",
        if failed == 0 { "all pass".to_owned() } else { format!("{failed} fail") }
    ));
    Ok(if failed == 0 { Exit::Good } else { Exit::Bad })
}

fn tell(report: &TestReport, context: &mut Context) -> anyhow::Result<()> {
    if context.format == MessageFormat::Json {
        let failures = report.failures.iter().map(|failure| {
            serde_json::json!({ "line": failure.line, "code": failure.code, "reason": failure.reason })
        });
        let json = serde_json::json!({
            "id": report.id, "tests": report.n_tests, "failures": failures.collect::<Vec<_>>(),
        });
        writeln!(context.out, "{json}")?;
        return Ok(());
    }
    if report.passed() {
        if context.verbose > 0 {
            writeln!(
                context.out,
                "{GOOD}pass{GOOD:#} {}: {}",
                report.id,
                text::count(report.n_tests as u64, "test")
            )?;
        }
        return Ok(());
    }
    for failure in &report.failures {
        let (code, reason) = (visible(&failure.code), visible(&failure.reason));
        writeln!(context.out, "{BAD}fail{BAD:#} {} (line {}): `{code}` {reason}", report.id, failure.line)?;
    }
    Ok(())
}

fn show(template: &Template, context: &mut Context) -> anyhow::Result<Exit> {
    if context.format == MessageFormat::Json {
        writeln!(context.out, "{}", to_json(template))?;
        return Ok(Exit::Good);
    }
    let out = &mut context.out;
    writeln!(out, "{BOLD}{}{BOLD:#}  {}", template.id, visible(&template.description))?;
    writeln!(out, "{DIM}family{DIM:#}   {}", template.family)?;
    writeln!(out, "{DIM}effect{DIM:#}   {}", template.effect)?;
    writeln!(out, "{DIM}code{DIM:#}     {}", template.code)?;
    writeln!(out, "{DIM}example{DIM:#}  {}", template.example_body())?;
    for hole in &template.holes {
        let domain = &hole.domain;
        let shown = domain.fixed.iter().take(CHOICES_SHOWN_MAX);
        let mut choices: Vec<String> = shown.map(|choice| quoted(&choice.text)).collect();
        if domain.fixed.len() > CHOICES_SHOWN_MAX {
            choices.push(format!("{} more", domain.fixed.len() - CHOICES_SHOWN_MAX));
        }
        choices.extend(domain.constants.then(|| "constants of the specification".to_owned()));
        choices.extend(domain.words.then(|| "words it may use".to_owned()));
        writeln!(out, "{DIM}hole{DIM:#}     {{{}}}: {}", hole.name, choices.join(", "))?;
    }
    for bound in &template.bounds {
        let input = template.inputs.get(bound.input).map_or("?", String::as_str);
        writeln!(out, "{DIM}bound{DIM:#}    {} <= {input} <= {}", bound.least, bound.greatest)?;
    }
    if !template.tags.is_empty() {
        writeln!(out, "{DIM}tags{DIM:#}     {}", template.tags.join(", "))?;
    }
    for test in &template.tests {
        writeln!(out, "{DIM}test{DIM:#}     {}", describe(template, test))?;
    }
    Ok(Exit::Good)
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "nothing".to_owned() } else { format!("`{text}`") }
}

/// A test in a few words: `5 -> 25`, with the filling where it is not the example's.
fn describe(template: &Template, test: &TemplateTest) -> String {
    let cells =
        |values: &[crate::model::Value]| values.iter().map(table::value).collect::<Vec<_>>().join(" ");
    let mut text = format!("{} -> {}", cells(&test.input), cells(&test.output));
    if let Some(code) = test.throws {
        text = format!("{} throws {code}", cells(&test.input));
    }
    if let Some(call) = &test.call {
        text += &format!("  called as `{call}`");
    }
    if let Some(prints) = &test.prints {
        text += &format!("  prints {prints:?}");
    }
    if test.with != template.example {
        let holes = template.holes.iter().zip(&test.with);
        let with: Vec<String> =
            holes.map(|(hole, text)| format!("{} = {}", hole.name, quoted(text))).collect();
        text += &format!("  with {}", with.join(", "));
    }
    visible(&text)
}

fn to_json(template: &Template) -> serde_json::Value {
    let holes = template.holes.iter().map(|hole| {
        let fixed: Vec<&str> = hole.domain.fixed.iter().map(|choice| choice.text.as_str()).collect();
        serde_json::json!({
            "name": hole.name, "sets": hole.domain.sets, "fixed": fixed,
            "constants": hole.domain.constants, "words": hole.domain.words,
        })
    });
    let tests = template.tests.iter().map(|test| describe(template, test));
    serde_json::json!({
        "id": template.id, "family": template.family, "description": template.description, "effect": template.effect,
        "code": template.code, "example": template.example_body(), "size": template.size,
        "holes": holes.collect::<Vec<_>>(), "tests": tests.collect::<Vec<_>>(), "tags": template.tags,
    })
}
