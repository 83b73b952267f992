//! Properties and `value` oracles, checked on samples of the inputs.

use crate::arena::Bump;
use crate::corpus::Record;
use crate::forth::{Engine, Trap, TrapKind, Xt};
use crate::model::{Cell, CellType, Diagnostic, Severity, ValueCheck};
use crate::spec::expr::{
    self, CallResult, Env, ExprError, Formula, Name, Names, NoWords, Property, Row, Word,
};
use crate::spec::sample::{self, Blocked, Constraint, Domain, Options, Samples};
use crate::validate::cases;
use crate::validate::checks::{Settings, UNCHECKED};
use crate::validate::judge::Failure;
use bumpalo::collections::Vec as ArenaVec;
use std::fmt::Write;

/// Calls that the shrinking of one counterexample may take.
const SHRINK_CALLS_MAX: u32 = 200;

/// Samples of the values that a glance looks at, at most.
const GLANCE_SAMPLES: usize = 256;

/// Inputs with at most so many rows within their bounds are checked one and all.
const EXHAUSTIVE_MAX: usize = 1 << 16;

/// A sample on which the oracles speak.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample<'a> {
    /// The stack before.
    pub inputs: &'a [Cell],
    /// The right stack after; only the outputs that [`Oracles::known`] marks count.
    pub outputs: &'a [Cell],
}

/// A property with the rows that it is checked on.
#[derive(Clone, Copy)]
struct Claim<'a> {
    text: &'a str,
    property: Property<'a>,
    params: &'a [Name<'a>],
    domain: Domain<'a>,
    rows: &'a [Samples<'a>],
}

/// What cannot be checked, and why.
struct Unchecked<'a> {
    what: &'static str,
    text: &'a str,
    why: &'a str,
    suggestion: Option<&'a str>,
}

/// The executable expressions of one specification.
pub(super) struct Oracles<'a> {
    words: &'a [Word<'a>],
    out_types: &'a [CellType],
    /// Which outputs have a `value` that gave answers.
    known: &'a [bool],
    samples: &'a [Sample<'a>],
    /// Whether the samples are all inputs that the constraints admit.
    is_whole: bool,
    claims: &'a [Claim<'a>],
    unchecked: &'a [Unchecked<'a>],
}

/// How the oracles and properties went for one definition.
pub(super) struct OracleTally {
    pub n_checked: u32,
    pub n_unchecked: u32,
    pub failure: Option<Failure>,
    /// How far the values reach.
    pub value: Option<ValueCheck>,
}

impl<'a> Oracles<'a> {
    /// Parses the expressions of a record and makes the samples. `used` are the words that it may call.
    pub fn prepare(arena: &'a Bump, record: &Record<'a>, used: &[Word<'a>], settings: &Settings) -> Self {
        let mut oracles = Self {
            words: &[],
            out_types: &[],
            known: &[],
            samples: &[],
            is_whole: false,
            claims: &[],
            unchecked: &[],
        };
        let has_values = record.outputs().any(|output| output.value.is_some());
        if !has_values && record.properties().is_empty() {
            return oracles;
        }
        let params = arena.alloc_slice_fill_iter(record.inputs().map(|p| Name { name: p.name, ty: p.ty }));
        let outputs = arena.alloc_slice_fill_iter(record.outputs().map(|p| Name { name: p.name, ty: p.ty }));
        let in_types = arena.alloc_slice_fill_iter(record.inputs().map(|p| p.ty));
        oracles.out_types = arena.alloc_slice_fill_iter(record.outputs().map(|p| p.ty));
        let own = Word { name: record.word().unwrap_or(""), effect: Some((in_types, oracles.out_types)) };
        oracles.words =
            arena.alloc_slice_fill_with(used.len() + 1, |i| if i == 0 { own } else { used[i - 1] });
        let names = Names { params, outputs, words: oracles.words };
        let constraints: &[Constraint<'a>] = arena.alloc_slice_fill_iter(
            record.inputs().enumerate().map(|(i, p)| Constraint::parse(arena, p.constraint, &names, i)),
        );
        let hash = record.content_hash();
        let seed = settings.seed ^ u64::from_le_bytes(hash[..8].try_into().expect("8 bytes"));
        let mut preparation = Preparation {
            arena,
            record,
            names,
            constraints,
            seed,
            settings,
            unchecked: ArenaVec::new_in(arena),
        };
        preparation.values(&mut oracles);
        preparation.claims(&mut oracles);
        oracles.unchecked = preparation.unchecked.into_bump_slice();
        oracles
    }

    /// Whether there is nothing to check and nothing unchecked.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.claims.is_empty() && self.unchecked.is_empty()
    }

    /// How many cannot be checked whatever the program.
    pub fn n_unchecked(&self) -> u32 {
        self.unchecked.len() as u32
    }

    /// Whether some program could fail here.
    pub fn can_refute(&self) -> bool {
        !self.samples.is_empty()
            || self.claims.iter().any(|claim| claim.rows.iter().any(|rows| !rows.is_empty()))
    }

    /// Whether the samples say what every output must be.
    pub fn is_complete(&self) -> bool {
        self.known.iter().all(|known| *known)
    }

    /// The samples of the `value` oracles.
    pub fn samples(&self) -> &'a [Sample<'a>] {
        self.samples
    }

    /// One finding for each expression that cannot be checked.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let finding = |unchecked: &Unchecked<'_>| {
            let Unchecked { what, text, why, suggestion } = unchecked;
            let text: String = text.chars().take(120).collect();
            let found = Diagnostic::new(
                UNCHECKED,
                Severity::Warning,
                format!("{what} \"{text}\" is unchecked: {why}"),
            );
            match suggestion {
                Some(suggestion) => found.suggest(*suggestion),
                None => found,
            }
        };
        self.unchecked.iter().map(finding).collect()
    }

    /// Whether a loaded definition fails somewhere; stops at the first failure.
    pub fn refutes(&self, engine: &mut Engine, xt: Xt) -> bool {
        self.check_samples(engine, xt, 1).failing.is_some()
            || self.claims.iter().any(|claim| self.check_claim(engine, xt, claim).failing.is_some())
    }

    /// The same on some of the samples only, spread over all.
    pub fn glance_refutes(&self, engine: &mut Engine, xt: Xt) -> bool {
        let step = self.samples.len().div_ceil(GLANCE_SAMPLES).max(1);
        self.check_samples(engine, xt, step).failing.is_some()
            || self.claims.iter().any(|claim| self.check_claim(engine, xt, claim).failing.is_some())
    }

    /// Holds a loaded definition against everything; a failing property comes with its smallest counterexample.
    pub fn judge(&self, engine: &mut Engine, xt: Xt) -> OracleTally {
        let n_known = self.known.iter().filter(|known| **known).count() as u32;
        let samples = self.check_samples(engine, xt, 1);
        let mut tally = OracleTally {
            n_checked: n_known,
            n_unchecked: self.n_unchecked(),
            failure: samples.failing.map(Failure::Sample),
            value: (samples.failing.is_none() && samples.n_conclusive > 0).then_some(ValueCheck {
                inputs: samples.n_conclusive,
                exhaustive: self.is_whole && samples.n_conclusive as usize == self.samples.len(),
            }),
        };
        for (index, claim) in (0..).zip(self.claims) {
            let checked = self.check_claim(engine, xt, claim);
            if checked.n_usable > 0 {
                tally.n_checked += 1;
            } else {
                tally.n_unchecked += 1;
            }
            if let (Some(mut row), None) = (checked.failing, &tally.failure) {
                sample::shrink(&claim.domain, &mut row, SHRINK_CALLS_MAX, &mut |row| {
                    matches!(
                        self.check_row(engine, xt, claim, row),
                        expr::Verdict::Fails | expr::Verdict::Traps
                    )
                });
                tally.failure = Some(Failure::Property(index, row));
            }
        }
        tally
    }

    /// Runs every `step`-th sample up to the first on which the definition is wrong.
    fn check_samples(&self, engine: &mut Engine, xt: Xt, step: usize) -> CheckedSamples {
        let mut n_conclusive = 0;
        let fails = |sample: &Sample<'_>| match run(engine, xt, sample.inputs) {
            Ran::Inconclusive => false,
            Ran::Trapped => true,
            Ran::Ended => {
                n_conclusive += 1;
                let stack = engine.stack();
                stack.len() != sample.outputs.len()
                    || stack
                        .iter()
                        .zip(sample.outputs)
                        .zip(self.known)
                        .any(|((got, due), known)| *known && got != due)
            }
        };
        let failing = self.samples.iter().step_by(step).position(fails).map(|index| (index * step) as u32);
        CheckedSamples { n_conclusive, failing }
    }

    fn check_claim(&self, engine: &mut Engine, xt: Xt, claim: &Claim<'a>) -> Checked {
        let mut n_usable = 0;
        for row in claim.rows.iter().flat_map(Samples::rows) {
            match self.check_row(engine, xt, claim, row) {
                expr::Verdict::Holds => n_usable += 1,
                expr::Verdict::Vacuous | expr::Verdict::Unusable(_) => {}
                expr::Verdict::Fails | expr::Verdict::Traps => {
                    return Checked { n_usable: n_usable + 1, failing: Some(row.to_vec()) };
                }
            }
        }
        Checked { n_usable, failing: None }
    }

    fn check_row(&self, engine: &mut Engine, xt: Xt, claim: &Claim<'_>, row: &[Cell]) -> expr::Verdict {
        let mut env = EngineWords { engine, xt, words: self.words };
        let row = Row { cells: row, types: claim.domain.types };
        claim.property.check(row, claim.domain.formulas, &mut env)
    }

    /// A failure of a sample or a property in words.
    pub fn describe(&self, engine: &mut Engine, xt: Xt, failure: &Failure) -> String {
        match failure {
            Failure::Sample(index) => self.describe_sample(engine, xt, &self.samples[*index as usize]),
            Failure::Property(index, row) => {
                self.describe_claim(engine, xt, &self.claims[*index as usize], row)
            }
            Failure::Test(..) | Failure::Below(..) => String::new(),
        }
    }

    fn describe_sample(&self, engine: &mut Engine, xt: Xt, sample: &Sample<'_>) -> String {
        let mut text = String::new();
        cases::push_stack(&mut text, sample.inputs);
        text.push_str(" -> ");
        match engine.execute(xt, sample.inputs) {
            Ok(()) => cases::push_stack(&mut text, engine.stack()),
            Err(trap) => write!(text, "{}", engine.describe(trap)).expect("a String takes everything"),
        }
        text.push_str(", expected");
        for (due, known) in sample.outputs.iter().zip(self.known) {
            match known {
                true => write!(text, " {due}").expect("a String takes everything"),
                false => text.push_str(" ?"),
            }
        }
        text.push_str(" by its value");
        text
    }

    fn describe_claim(&self, engine: &mut Engine, xt: Xt, claim: &Claim<'_>, row: &[Cell]) -> String {
        let mut text = format!("property \"{}\" fails", claim.text);
        let mut before = " for ";
        for (slot, cell) in row.iter().enumerate() {
            if claim.property.variables >> slot & 1 == 0 {
                continue;
            }
            let name = match slot.checked_sub(claim.params.len()) {
                Some(free) => claim.property.free[free],
                None => claim.params[slot].name,
            };
            let value = expr::number_of(*cell, claim.domain.types[slot]);
            write!(text, "{before}{name} = {value}").expect("a String takes everything");
            before = ", ";
        }
        let mut env = EngineWords { engine, xt, words: self.words };
        let row = Row { cells: row, types: claim.domain.types };
        if let Some((left, right)) = claim.property.side_values(row, &mut env) {
            let list = |values: &[i128]| values.iter().map(i128::to_string).collect::<Vec<_>>().join(" ");
            write!(text, ": {} against {}", list(&left), list(&right)).expect("a String takes everything");
        }
        text
    }
}

struct CheckedSamples {
    /// How many samples ran to an end.
    n_conclusive: u32,
    failing: Option<u32>,
}

struct Checked {
    n_usable: u32,
    failing: Option<Vec<Cell>>,
}

struct Preparation<'p, 'a> {
    arena: &'a Bump,
    record: &'p Record<'a>,
    names: Names<'a>,
    constraints: &'a [Constraint<'a>],
    seed: u64,
    settings: &'p Settings,
    unchecked: ArenaVec<'a, Unchecked<'a>>,
}

impl<'a> Preparation<'_, 'a> {
    /// Rows of small, middle and large values, a third each: the small ones keep recursions short, the large ones reach the
    /// ends of the types.
    fn rows(&self, domain: &Domain<'a>, salt: u64) -> &'a [Samples<'a>] {
        let wanted = (self.settings.samples as usize).div_ceil(3);
        let reaches = [Options::SMALL, Options::MIDDLE, Options::FULL];
        let rows = |reach| {
            let seed = self.seed.wrapping_add(salt.wrapping_mul(0x9E37_79B9_7F4A_7C15)) ^ reach;
            sample::samples(self.arena, domain, Options { seed, wanted, reach })
        };
        self.arena.alloc_slice_fill_iter(reaches.map(rows))
    }

    fn values(&mut self, oracles: &mut Oracles<'a>) {
        let n_out = self.record.n_outputs();
        let formulas = self.arena.alloc_slice_fill_copy(n_out, None::<Formula<'a>>);
        for (formula, output) in formulas.iter_mut().zip(self.record.outputs()) {
            let Some(text) = output.value else { continue };
            match expr::parse_value(self.arena, text, &self.names) {
                Ok(parsed) => *formula = Some(parsed),
                Err(error) => self.refuse("value", text, &error),
            }
        }
        if formulas.iter().all(Option::is_none) {
            return;
        }
        let domain = Domain::of_params(self.arena, &self.names, self.constraints);
        let every = sample::every(self.arena, &domain, EXHAUSTIVE_MAX);
        let rows = match &every {
            Some(every) => std::slice::from_ref(every),
            None => self.rows(&domain, 0),
        };
        let mut samples = ArenaVec::new_in(self.arena);
        // What a value says nothing of is no input that it can be equal on.
        let mut is_whole = every.is_some();
        for row in rows.iter().flat_map(Samples::rows) {
            match self.answers(formulas, row, domain.types) {
                Some(outputs) => samples.push(Sample { inputs: row, outputs }),
                None => is_whole = false,
            }
        }
        oracles.is_whole = is_whole;
        if samples.is_empty() {
            for (output, _) in
                self.record.outputs().zip(formulas.iter()).filter(|(_, formula)| formula.is_some())
            {
                self.no_sample("value", output.value.unwrap_or(""), domain.blocked);
            }
            return;
        }
        oracles.known = self.arena.alloc_slice_fill_iter(formulas.iter().map(Option::is_some));
        oracles.samples = samples.into_bump_slice();
    }

    /// What the values say of a row; `None` where one of them says nothing.
    fn answers(
        &self,
        formulas: &[Option<Formula<'a>>],
        row: &[Cell],
        types: &[CellType],
    ) -> Option<&'a [Cell]> {
        let outputs = self.arena.alloc_slice_fill_copy(formulas.len(), 0);
        for ((cell, formula), output) in outputs.iter_mut().zip(formulas).zip(self.names.outputs) {
            if let Some(formula) = formula {
                *cell = formula.cell(Row { cells: row, types }, output.ty, &mut NoWords).ok()?;
            }
        }
        Some(outputs)
    }

    fn claims(&mut self, oracles: &mut Oracles<'a>) {
        let mut claims = ArenaVec::new_in(self.arena);
        for (salt, text) in (1..).zip(self.record.properties()) {
            let property = match expr::parse_property(self.arena, text, &self.names) {
                Ok(property) => property,
                Err(error) => {
                    self.refuse("property", text, &error);
                    continue;
                }
            };
            let domain = Domain::of_property(self.arena, &self.names, &property, self.constraints);
            if domain.blocked.is_some() {
                self.no_sample("property", text, domain.blocked);
                continue;
            }
            let rows = self.rows(&domain, salt);
            claims.push(Claim { text, property, params: self.names.params, domain, rows });
        }
        oracles.claims = claims.into_bump_slice();
    }

    fn refuse(&mut self, what: &'static str, text: &'a str, error: &ExprError) {
        let why = self.arena.alloc_str(&error.to_string());
        let suggestion = error.suggestion.as_deref().map(|suggestion| &*self.arena.alloc_str(suggestion));
        self.unchecked.push(Unchecked { what, text, why, suggestion });
    }

    fn no_sample(&mut self, what: &'static str, text: &'a str, blocked: Option<Blocked>) {
        let name = |position: usize| self.names.params.get(position).map_or("?", |param| param.name);
        let why: &'a str = match blocked {
            Some(Blocked::UnknownConstraint(position)) => {
                self.arena.alloc_str(&format!("the constraint of {} cannot be read", name(position)))
            }
            Some(Blocked::Address(position)) => self
                .arena
                .alloc_str(&format!("{} is an address, for which no samples are made", name(position))),
            None => {
                "it says nothing on any sample (overflow, division by zero, or constraints that nothing satisfies)"
            }
        };
        self.unchecked.push(Unchecked { what, text, why, suggestion: None });
    }
}

/// How a run on a sample ended.
enum Ran {
    Ended,
    Trapped,
    /// It ran out of fuel or space on inputs that are not small: that says nothing about the word, which may just take
    /// long.
    Inconclusive,
}

fn run(engine: &mut Engine, xt: Xt, inputs: &[Cell]) -> Ran {
    match engine.execute(xt, inputs) {
        Ok(()) => Ran::Ended,
        Err(trap) if ran_out(trap) && inputs.iter().any(|cell| cell.unsigned_abs() > Options::SMALL) => {
            Ran::Inconclusive
        }
        Err(_) => Ran::Trapped,
    }
}

/// Whether a bound of the engine was reached: fuel, output, stack (-3) or return stack (-5).
fn ran_out(trap: Trap) -> bool {
    matches!(trap.kind, TrapKind::Fuel | TrapKind::Output | TrapKind::Throw(-3 | -5))
}

/// The words of a property, run on the engine.
struct EngineWords<'e, 'w> {
    engine: &'e mut Engine,
    xt: Xt,
    words: &'w [Word<'w>],
}

impl Env for EngineWords<'_, '_> {
    fn call(&mut self, word: usize, inputs: &[Cell], outputs: &mut [Cell]) -> CallResult {
        let xt = match word {
            0 => Some(self.xt),
            other => self.engine.find(self.words[other].name),
        };
        let Some(xt) = xt else { return CallResult::Unusable };
        match run(self.engine, xt, inputs) {
            Ran::Inconclusive => CallResult::Unusable,
            Ran::Trapped => CallResult::Failed,
            Ran::Ended if self.engine.stack().len() != outputs.len() => CallResult::Failed,
            Ran::Ended => {
                outputs.copy_from_slice(self.engine.stack());
                CallResult::Values
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::arena::Bump;
    use crate::corpus::Corpus;
    use crate::forth::{Engine, Image, Limits};
    use crate::model::SpecId;
    use crate::spec::parse_spec_line;
    use crate::validate::{Checks, Program, Settings, describe, judge, load};

    /// Judges a body against `( inputs -- outputs )` given as JSON, and a list of properties.
    #[track_caller]
    fn check(inputs: &str, outputs: &str, properties: &str, body: &str, expect: &str) {
        let line = format!(
            r#"{{"word":"f","stack_effect":{{"inputs":[{inputs}],"outputs":[{outputs}]}},"properties":[{properties}]}}"#
        );
        let spec = parse_spec_line(line.as_bytes(), "x", 1).spec.expect("a specification");
        let corpus = Corpus::from_specs("x", &[spec]);
        let arena = Bump::new();
        let checks = Checks::prepare(&arena, corpus.record(SpecId(0)), None, &[], &Settings::default());
        let mut engine = Engine::new(Image::shared(), Limits::default());
        let program = Program::body("f", body);
        let xt = load(&mut engine, &program).expect("it compiles");
        let verdict = judge(&mut engine, &program, xt, &checks, None);
        let mut got =
            format!("{} checked, {} unchecked", verdict.properties_checked, verdict.properties_unchecked);
        if let Some(failure) = &verdict.failure {
            got = format!("{got}: {}", describe(&mut engine, xt, &checks, failure));
        }
        assert_eq!(got, expect, "{body}");
        assert_eq!(
            super::super::first_failure(&mut engine, xt, &checks).is_some(),
            verdict.failure.is_some()
        );
    }

    const N: &str = r#"{"name":"n","type":"int"}"#;
    const NATURAL: &str = r#"{"name":"n","type":"int","constraint":"n >= 0"}"#;

    #[test]
    fn a_value_is_an_oracle() {
        let square = r#"{"name":"s","type":"int","value":"n²"}"#;
        check(N, square, "", "dup *", "1 checked, 0 unchecked");
        check(N, square, "", "2*", "1 checked, 0 unchecked: 1 -> 2, expected 1 by its value");
        check(N, square, "", "dup dup *", "1 checked, 0 unchecked: 0 -> 0 0, expected 0 by its value");
        check(
            N,
            square,
            "",
            "begin again",
            "1 checked, 0 unchecked: 0 -> out of fuel at `again` in `f`, expected 0 by its value",
        );
    }

    #[test]
    fn slow_on_large_inputs_is_not_wrong() {
        let sum = r#"{"name":"s","type":"int","value":"n*(n+1)/2"}"#;
        check(NATURAL, sum, "", "0 swap 1+ 1 ?do i + loop", "1 checked, 0 unchecked");
        check(NATURAL, sum, "", "dup 1+ * 2/", "1 checked, 0 unchecked");
    }

    #[test]
    fn a_failing_property_comes_with_the_smallest_counterexample() {
        let out = r#"{"name":"m","type":"int"}"#;
        check(N, out, r#""f(n) >= 0""#, "abs 1 max", "1 checked, 0 unchecked");
        check(
            N,
            out,
            r#""f(n) < 1000""#,
            "abs",
            "1 checked, 0 unchecked: property \"f(n) < 1000\" fails for n = 1000: 1000 against 1000",
        );
        check(
            NATURAL,
            out,
            r#""f(0) = 1", "f(n) = n * f(n-1) for n > 0""#,
            "1 swap 1+ 1 ?do i * loop",
            "2 checked, 0 unchecked",
        );
    }

    #[test]
    fn what_cannot_be_read_is_unchecked_and_never_passed() {
        let out = r#"{"name":"m","type":"int","value":"the larger one"}"#;
        check(N, out, r#""it is large""#, "abs", "0 checked, 2 unchecked");
        let odd = r#"{"name":"n","type":"int","constraint":"n is nice"}"#;
        check(odd, r#"{"name":"m","type":"int","value":"n"}"#, "", "2*", "0 checked, 1 unchecked");
    }
}
