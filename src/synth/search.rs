//! The search proper: templates whose effect fits, and short bodies. The smallest program that passes wins, ties go to the
//! enumeration's or the template's order.

mod compose;

use crate::arena::Bump;
use crate::corpus::Record;
use crate::model::random::Random;
use crate::model::{Cell, Lane, Solution, Stop, Strategy};
use crate::profile::{self, Stage};
use crate::synth::bank::Vocabulary;
use crate::synth::bank::shared::SharedBanks;
use crate::synth::barren::Pass;
use crate::synth::conquer::{self, Condition, Goal, Plan};
use crate::synth::emit;
use crate::synth::enumerate::{Answer, Bounds, Ended, Step, VOCABULARY};
use crate::synth::expr::{ExprId, Exprs, schedule};
use crate::synth::sequence::occam::{self, Weight};
use crate::synth::sequence::{self, Proposal, Terms};
use crate::synth::solve::{
    Found, Problem, SOLUTIONS_MAX, Settings, Tools, Winner, define, describe, hole_context, keep_near_miss,
    near_miss, try_out,
};
use crate::synth::tried::Tried;
use crate::template::{Case, Look, Template};
use crate::validate::{self, Checks, Columns, FirstFailure, Lanes, Program, Text, Verdict};
use std::sync::atomic::Ordering;

/// Bodies up to this length are tried before the templates: they are cheap, and nothing smaller can be found later.
const SHORT: usize = 3;

/// Once a template solved it, the enumeration may go on for something smaller until this share of the budget is spent.
const REFINING_SHARE: u64 = 4;

/// Bodies up to this length are tried for what an expression was found for.
const MUCH_SHORTER: usize = 5;

/// Fillings of one template that may run out of fuel on the first case before the template is given up: its loop does not
/// suit these inputs.
const FUEL_STRIKES_MAX: u32 = 4;

/// The same for skeletons, most of whose fillings are no sensible loop. Such a filling gets less fuel.
const SKELETON_STRIKES_MAX: u32 = 4_000;
const SKELETON_FUEL_SHARE: u64 = 4;

/// Steps of a filling on the cheapest test, and how many more for each unit of the inputs: most of those that never end would
/// burn all their fuel there.
const FIRST_STEPS: (u64, u64) = (1_024, 128);

/// Steps that are paid with one unit of fuel, about.
const STEPS_OF_FUEL: u64 = 4;

/// Tests that a filling is looked at on before it is compiled.
const SCREEN_CASES: usize = 16;

/// Steps of such a look: what takes longer is the engine's, which is the quicker one from there on.
const SCREEN_STEPS: u64 = 4_096;

/// Fillings that may take longer before a template's are no longer looked at.
const SCREEN_STRIKES_MAX: u32 = 8;

/// Fillings of one template that are run on everything for the tests that they pass, without being right.
const NEAR_LOOKS_MAX: u32 = 8;

/// Skeletons with no more fillings than this are tried before the others.
const FEW_BODIES: u64 = 2_000;

/// The share of the budget, in hundredths, that all skeletons together may take.
const SKELETONS_SHARE: u64 = 30;

/// The words and literals that bodies are drawn from for one specification.
pub struct Steps(Vec<Step>);

impl Steps {
    /// The canonical words, then 0, 1, 2 and -1, then the numbers that the specification mentions.
    pub fn new(constants: &[Cell]) -> Self {
        let words = VOCABULARY.iter().map(|word| Step::Word(*word));
        let literals = [0, 1, 2, -1].into_iter().chain(constants.iter().copied()).map(Step::Literal);
        Self(words.chain(literals).collect())
    }

    /// The steps in canonical order.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

struct Candidate<'a> {
    body: &'a str,
    /// Definitions that it needs, or nothing.
    helpers: &'a str,
    size: usize,
    strategy: Strategy,
    template: Option<&'a Template>,
    /// The bits that it says, and those of what it explains.
    weight: Weight,
    /// What the engine said of the whole text with all its fuel, where it was asked already.
    verdict: Option<Verdict>,
}

/// Cases that the search over expressions looks at, spread over all where there are more.
const CASES_MAX: usize = 2048;

/// Random inputs on which a shorter body must do the same as the expression that was found.
const SAME_ROWS: usize = 256;

/// Templates with more fillings than this are tried late on bit patterns.
const FEW_FILLINGS: u64 = 100;

/// The smallest program that passes everything.
pub(super) fn smallest<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    found: &mut Found<'a>,
) -> Option<Winner<'a>> {
    if problem.checks.is_empty() {
        found.stop = Stop::Skipped;
        return None;
    }
    tools.engine.set_fuel(settings.search_fuel);
    let lanes = problem.checks.lanes(tools.arena);
    let vocabulary = Steps::new(super::constants::mentioned(tools.arena, &problem.record));
    let mut best = None;
    // What is verified, and yet says more than it explains: taken when there is nothing better.
    let mut doubtful: Option<Candidate<'_>> = None;
    let points = sequence::Points::of(problem.checks);
    let terms = points.as_ref().map(sequence::Points::terms);
    if problem.checks.n_in() == 0 {
        best = literals(tools, problem, found);
    }
    if let (Some(goal), None) = (lanes, &best) {
        best = enumerate(tools, problem, settings, goal, &vocabulary, 0..=SHORT, found);
    }
    if let Some(terms) = &terms {
        set_aside(&mut best, &mut doubtful);
        if best.is_none() && !ended(found) {
            best =
                sequences(tools, problem, settings, Cases::Terms(terms, Kind::Fitted), &mut doubtful, found);
        }
    }
    if best.is_none()
        && terms.is_none()
        && !ended(found)
        && let Some(goal) = goal_of(tools, problem)
    {
        best = sequences(tools, problem, settings, Cases::Scattered(goal), &mut None, found);
        // A sum of many parts can often be said in fewer words.
        if let Some(sum) = best.as_ref().filter(|_| problem.checks.n_in() > 2).map(|sum| sum.size) {
            let other = templates(tools, problem, settings, 0..=u64::MAX, found);
            if let Some(smaller) = other.filter(|other| other.size < sum && other.weight.is_sound) {
                keep_solution(problem, tools, found, best.replace(smaller));
            }
        }
    }
    if best.is_none() && !ended(found) {
        best = match &terms {
            None => in_order_of_cost(tools, problem, settings, found),
            Some(terms) => rules_first(tools, problem, settings, terms, &mut doubtful, found),
        };
        // What a template or a loop gave may still be beaten. What the bank gave was shortened already, so that only what computes
        // something else and is much shorter is of interest, and as well founded.
        let is_banked = |best: &Candidate<'_>| matches!(best.strategy, Strategy::Expression | Strategy::Tree);
        let longest = match &best {
            None => settings.length_max,
            Some(best) if is_banked(best) => best.size.saturating_sub(1).min(MUCH_SHORTER),
            Some(best) => best.size.saturating_sub(1),
        };
        if let (Some(goal), true) = (lanes, longest > SHORT && !found.is_cut && !is_interrupted(tools))
            && (best.is_some() || !leave_to_last_round(tools, found))
        {
            let lengths = SHORT + 1..=longest.min(settings.length_max);
            let mut settings = *settings;
            if best.is_some() {
                settings.candidates_max /= REFINING_SHARE;
            }
            let shorter = enumerate(tools, problem, &settings, goal, &vocabulary, lengths, found);
            let is_better = |shorter: &Candidate<'_>| {
                shorter.weight.is_sound
                    || !best.as_ref().is_some_and(|best| is_banked(best) && best.weight.is_sound)
            };
            if let Some(shorter) = shorter.filter(is_better) {
                keep_solution(problem, tools, found, best.replace(shorter));
            }
        }
    }
    if terms.is_some() {
        set_aside(&mut best, &mut doubtful);
    }
    if is_interrupted(tools) {
        found.stop = Stop::Interrupted;
        return None;
    }
    if found.is_cut {
        if let (Some(banks), 1, None) = (tools.banks, tools.round.number(), &doubtful) {
            let what = (&problem.record, problem.checks);
            note_banks(banks, tools.arena, what, settings.candidates_max);
        }
        return None;
    }
    if best.is_none() && terms.as_ref().is_some_and(|terms| is_whole_domain(problem, terms)) {
        best = exhaustive(tools, problem, terms.as_ref(), doubtful.take(), found);
    }
    let mut best = best.or(doubtful)?;
    tools.engine.set_fuel(tools.fuel);
    let made = define(tools.arena, problem, best.body);
    let (text, judged) = match best.helpers {
        "" => (made.text, Text::Body(made.inside)),
        helpers => {
            let text = &*tools.arena.alloc_str(&format!("{helpers}\n{}", made.text));
            (text, Text::Source(text))
        }
    };
    let program = Program { prelude: problem.prelude, word: problem.checks.word(), text: judged };
    let verdict = match best.verdict.take() {
        Some(verdict) => verdict,
        None => try_out(tools, problem, program).ok().filter(Verdict::passed)?,
    };
    // Values and properties are held against many more inputs than the tests have.
    found.overfit = (!best.weight.is_sound && verdict.properties_checked == 0).then_some(best.weight);
    Some(Winner { text, program, strategy: best.strategy, template: best.template, verdict })
}

/// The numbers themselves, where nothing goes in: then one test is all that there is to be right on.
fn literals<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    let outputs = problem.checks.outputs()?;
    let numbers: Vec<Cell> = outputs.iter().map(|column| column.first().copied()).collect::<Option<_>>()?;
    let text: Vec<String> = numbers.iter().map(Cell::to_string).collect();
    let body = &*tools.arena.alloc_str(&text.join(" "));
    found.candidates += 1;
    let information = numbers.iter().map(|number| occam::information(&[*number])).sum();
    accepts(tools, problem, body, found).then_some(Candidate {
        body,
        helpers: "",
        size: numbers.len(),
        strategy: Strategy::ClosedForm,
        template: None,
        weight: Weight { bits: information, information, is_sound: true },
        verdict: None,
    })
}

/// Whether the terms are all that the constraint of the input admits: `1 <= month <= 12`.
fn is_whole_domain(problem: &Problem<'_, '_>, terms: &Terms<'_>) -> bool {
    let constraint = problem.record.input(0).constraint.unwrap_or("");
    let parts: Vec<&str> = constraint.split("<=").map(str::trim).collect();
    let [least, name, greatest] = parts[..] else { return false };
    name == problem.record.input(0).name
        && least.parse() == Ok(terms.start)
        && greatest.parse() == Ok(terms.start + terms.values.len() as Cell - 1)
}

/// Where every input that there is was tested, a program that passes is right, whatever it says; if there is none, a table.
fn exhaustive<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    terms: Option<&Terms<'_>>,
    doubtful: Option<Candidate<'a>>,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    let terms = terms?;
    let candidate = match doubtful {
        Some(candidate) => candidate,
        None => {
            let body = &*tools.arena.alloc_str(&sequence::table(terms));
            found.candidates += 1;
            if !accepts(tools, problem, body, found) {
                return None;
            }
            let information = occam::information(terms.values);
            let weight = Weight { bits: information, information, is_sound: true };
            let size = emit::size(body, &[]);
            Candidate {
                body,
                helpers: "",
                size,
                strategy: Strategy::ClosedForm,
                template: None,
                weight,
                verdict: None,
            }
        }
    };
    Some(Candidate { weight: Weight { is_sound: true, ..candidate.weight }, ..candidate })
}

/// Puts a program that says more than it explains aside, the one that says least of them.
fn set_aside<'a>(best: &mut Option<Candidate<'a>>, doubtful: &mut Option<Candidate<'a>>) {
    if best.as_ref().is_some_and(|best| !best.weight.is_sound) {
        let candidate = best.take();
        if doubtful
            .as_ref()
            .is_none_or(|other| candidate.as_ref().is_some_and(|it| it.weight.bits < other.weight.bits))
        {
            *doubtful = candidate;
        }
    }
}

/// Of a sequence: templates, rules whose holes are looked up, and what is no rule of a sequence may yet be an expression.
fn rules_first<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    terms: &Terms<'_>,
    doubtful: &mut Option<Candidate<'a>>,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    // Templates solve few sequences, and take a fifth of the time of those that are hard.
    if leave_to_last_round(tools, found) {
        return None;
    }
    let mut best =
        templates(tools, problem, settings, 0..=u64::MAX, found).map(|found| weighed_as_rule(found, terms));
    set_aside(&mut best, doubtful);
    if best.is_none() && !ended(found) {
        best = compose::compositions(tools, problem, settings, Some(terms), doubtful, found);
    }
    if best.is_none() && !is_interrupted(tools) {
        best = sequences(tools, problem, settings, Cases::Terms(terms, Kind::Searched), doubtful, found);
    }
    if best.is_none()
        && doubtful.is_none()
        && !ended(found)
        && let Some(goal) = goal_of(tools, problem)
    {
        best = expressions(tools, problem, settings, goal, found).map(|found| weighed_as_rule(found, terms));
    }
    // Scattered tests beyond the terms tell a right loop from one that only fits them.
    let is_scattered = problem.checks.n_tests() as usize > terms.values.len();
    if best.is_none() && is_scattered && !ended(found) {
        best = skeletons(tools, problem, settings, found);
    }
    best
}

/// An expression for a sequence, or a template that was filled, is one of many that were looked up, as the rules are that are
/// searched for, and is held to what those are held to.
fn weighed_as_rule<'a>(found: Candidate<'a>, terms: &Terms<'_>) -> Candidate<'a> {
    let information = occam::information(terms.values).min(found.weight.information);
    let is_sound = found.weight.is_sound && occam::is_borne_out(found.weight.bits, information);
    Candidate { weight: Weight { information, is_sound, ..found.weight }, ..found }
}

/// The cases as the search over expressions takes them.
fn goal_of<'a>(tools: &Tools<'_, 'a>, problem: &Problem<'_, 'a>) -> Option<Goal<'a>> {
    problem.checks.columns(tools.arena, CASES_MAX).and_then(goal_of_columns)
}

fn goal_of_columns(columns: Columns<'_>) -> Option<Goal<'_>> {
    let some = !columns.inputs.is_empty() && !columns.outputs.is_empty();
    some.then_some(Goal { inputs: columns.inputs, outputs: columns.outputs, n_tests: columns.n_cases })
}

/// Templates, then expressions. Bit patterns rarely fit a template with many fillings, so that those come last.
fn in_order_of_cost<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    let Some(goal) = goal_of(tools, problem) else {
        let best = templates(tools, problem, settings, 0..=u64::MAX, found);
        return match best {
            None if !ended(found) => skeletons(tools, problem, settings, found),
            best => best,
        };
    };
    let few = if goal.is_patterns() { FEW_FILLINGS } else { u64::MAX };
    let mut best = templates(tools, problem, settings, 0..=few, found);
    if best.is_none() && !ended(found) {
        best = expressions(tools, problem, settings, goal, found);
    }
    if best.is_none() && !ended(found) && few < u64::MAX {
        best = templates(tools, problem, settings, few + 1..=u64::MAX, found);
    }
    if best.is_none() && !ended(found) {
        let mut doubtful = None;
        best = compose::compositions(tools, problem, settings, None, &mut doubtful, found).or(doubtful);
    }
    if best.is_none() && !ended(found) {
        best = skeletons(tools, problem, settings, found);
    }
    best
}

/// Tells which banks the search for a specification begins with, where it comes to that: others may want the same.
pub fn note_banks<'a>(
    banks: &SharedBanks,
    arena: &'a Bump,
    (record, checks): (&Record<'_>, &Checks<'a>),
    candidates_max: u64,
) {
    let Some(columns) = checks.columns(arena, CASES_MAX) else { return };
    let Some(goal) = goal_of_columns(columns) else { return };
    let mentioned = super::constants::mentioned(arena, record);
    for plan in plans(&goal, mentioned, candidates_max) {
        banks.note(record.id(), conquer::first_bank(goal, &plan));
    }
}

fn is_interrupted(tools: &Tools<'_, '_>) -> bool {
    tools.stop.load(Ordering::Relaxed)
}

fn ended(found: &Found<'_>) -> bool {
    found.is_cut || matches!(found.stop, Stop::Budget | Stop::Interrupted)
}

/// Ends the round before a step of which no part can be done alone.
fn leave_to_last_round(tools: &Tools<'_, '_>, found: &mut Found<'_>) -> bool {
    found.is_cut |= !tools.round.is_last();
    found.is_cut
}

fn keep_solution<'a>(
    problem: &Problem<'_, 'a>,
    tools: &Tools<'_, 'a>,
    found: &mut Found<'a>,
    other: Option<Candidate<'a>>,
) {
    if let Some(other) = other.filter(|_| found.solutions.len() < SOLUTIONS_MAX) {
        let text = define(tools.arena, problem, other.body).text;
        found.solutions.push(Solution {
            code: if other.helpers.is_empty() {
                text.to_owned()
            } else {
                format!("{}\n{text}", other.helpers)
            },
            strategy: other.strategy,
            template: other.template.map(|template| template.id.to_string()),
        });
    }
}

/// Bodies of these lengths; each that is right on the lanes is run on everything.
fn enumerate<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    goal: Lanes<'a>,
    vocabulary: &Steps,
    lengths: std::ops::RangeInclusive<usize>,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    let _stage = profile::stage(Stage::Enumeration);
    let mut best = None;
    let bounds = Bounds {
        length_min: *lengths.start(),
        length_max: *lengths.end(),
        candidates_max: settings.candidates_max.saturating_sub(found.candidates),
    };
    let (arena, stop) = (tools.arena, tools.stop);
    let mut enumerator = std::mem::take(tools.enumerator);
    let (ended, candidates) = enumerator.run(goal, vocabulary.steps(), bounds, stop, |steps| {
        let body = emit::body_text(arena, steps);
        if accepts(tools, problem, body, found) {
            let size = steps.len();
            let weight = Weight::of_words(steps.len(), vocabulary.steps().len(), problem.checks);
            best = Some(Candidate {
                body,
                helpers: "",
                size,
                strategy: Strategy::Enumeration,
                template: None,
                weight,
                verdict: None,
            });
            Answer::Accept
        } else {
            Answer::Reject
        }
    });
    *tools.enumerator = enumerator;
    tools.tried.push(Tried {
        what: format!("bodies of {} to {} words", bounds.length_min, bounds.length_max),
        candidates,
        bank: None,
        found: best.as_ref().map(|best| best.strategy),
    });
    found.candidates += candidates;
    match ended {
        Ended::Budget => found.stop = Stop::Budget,
        Ended::Interrupted => found.stop = Stop::Interrupted,
        Ended::Accepted | Ended::Exhausted | Ended::Left => {}
    }
    best
}

/// Expressions of a bank, and trees of them: vocabularies by what the numbers look like.
fn expressions<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    goal: Goal<'_>,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    let _stage = profile::stage(Stage::Enumeration);
    let mentioned = super::constants::mentioned(tools.arena, &problem.record);
    let (arena, stop) = (tools.arena, tools.stop);
    let mut best = None;
    let mut meaning = None;
    for plan in plans(&goal, mentioned, settings.candidates_max) {
        let left = settings.candidates_max.saturating_sub(found.candidates);
        let leave_after = tools.round.leave_after(settings.candidates_max);
        let plan = Plan { candidates_max: plan.candidates_max.min(left), leave_after, ..plan };
        let mut conquer = std::mem::take(tools.conquer);
        // While the bank is held, this thread must not begin another search: tests are not split over the pool.
        let split = tools.split.take();
        let (ended, candidates) = conquer.run(goal, &plan, tools.banks, stop, &mut |offer| {
            let body = arena.alloc_str(&schedule(offer.exprs, offer.roots));
            if body.is_empty() || !accepts(tools, problem, body, found) {
                return Answer::Reject;
            }
            let strategy = if offer.n_leaves > 1 { Strategy::Tree } else { Strategy::Expression };
            let size = emit::size(body, mentioned);
            if strategy == Strategy::Expression && size <= settings.length_max + 1 {
                meaning = Some((offer.exprs.clone(), offer.roots.to_vec()));
            }
            let weight = Weight {
                bits: u32::try_from(offer.bits).unwrap_or(u32::MAX),
                information: u32::try_from(offer.information).unwrap_or(u32::MAX),
                is_sound: !offer.overfit_risk,
            };
            best =
                Some(Candidate { body, helpers: "", size, strategy, template: None, weight, verdict: None });
            Answer::Accept
        });
        tools.tried.push(Tried {
            what: format!("expressions of {}, and trees of them", plan.name),
            candidates,
            bank: Some(conquer.last()),
            found: best.as_ref().map(|best| best.strategy),
        });
        conquer.release();
        *tools.conquer = conquer;
        tools.split = split;
        found.candidates += candidates;
        match ended {
            Ended::Interrupted => found.stop = Stop::Interrupted,
            Ended::Left => found.is_cut = true,
            Ended::Accepted | Ended::Exhausted | Ended::Budget => {}
        }
        if best.is_some() || matches!(ended, Ended::Interrupted | Ended::Left) {
            break;
        }
    }
    let best = best?;
    let shorter = meaning.and_then(|(exprs, roots)| {
        shorter(tools, problem, settings, Meaning { exprs: &exprs, roots: &roots }, &best, found)
    });
    Some(shorter.unwrap_or(best))
}

/// Inputs, and the outputs on them.
type Sample = (Vec<Cell>, Vec<Cell>);

/// What a program computes, whatever its tests.
#[derive(Clone, Copy)]
struct Meaning<'m> {
    exprs: &'m Exprs,
    roots: &'m [ExprId],
}

/// A shorter body that computes the same: on random inputs as well as on the tests.
fn shorter<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    meaning: Meaning<'_>,
    best: &Candidate<'a>,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    let rows = random_rows(meaning);
    if rows.len() < SAME_ROWS / 2 || best.size <= SHORT + 1 {
        return None;
    }
    let lane = |column: &dyn Fn(&Sample) -> Cell| std::array::from_fn(|at| column(&rows[at]));
    let inputs: Vec<Lane> = (0..meaning.exprs.n_in()).map(|param| lane(&|row| row.0[param])).collect();
    let outputs: Vec<Lane> = (0..meaning.roots.len()).map(|param| lane(&|row| row.1[param])).collect();
    let left = settings.candidates_max.saturating_sub(found.candidates);
    let bounds = Bounds {
        length_min: SHORT + 1,
        length_max: (best.size - 1).min(settings.length_max),
        candidates_max: left.min(settings.candidates_max / REFINING_SHARE),
    };
    let (arena, stop) = (tools.arena, tools.stop);
    let mut enumerator = std::mem::take(tools.enumerator);
    let mut shorter = None;
    let steps = Steps::new(super::constants::mentioned(arena, &problem.record));
    let goal = Lanes { inputs: &inputs, outputs: &outputs };
    let (ended, candidates) = enumerator.run(goal, steps.steps(), bounds, stop, |steps| {
        let body = emit::body_text(arena, steps);
        if !is_same(tools, problem, body, &rows) || !accepts(tools, problem, body, found) {
            return Answer::Reject;
        }
        shorter = Some(Candidate { body, size: steps.len(), template: None, verdict: None, ..*best });
        Answer::Accept
    });
    *tools.enumerator = enumerator;
    tools.tried.push(Tried {
        what: "shorter bodies that do the same".to_owned(),
        candidates,
        bank: None,
        found: shorter.as_ref().map(|shorter| shorter.strategy),
    });
    found.candidates += candidates;
    if ended == Ended::Interrupted {
        found.stop = Stop::Interrupted;
    }
    shorter
}

/// Inputs of all magnitudes and the outputs on them, where there are some. Every other row has inputs that are close to each
/// other: comparisons that differ only there must not pass for the same.
fn random_rows(meaning: Meaning<'_>) -> Vec<Sample> {
    let mut random = Random::new(&[0x5A4E]);
    let mut rows = Vec::with_capacity(SAME_ROWS);
    for at in 0..SAME_ROWS {
        let mut row: Vec<Cell> =
            (0..meaning.exprs.n_in()).map(|_| (random.next_u64() as Cell) >> random.below(64)).collect();
        if let (1, Some((first, others))) = (at % 2, row.split_first_mut()) {
            for other in others {
                let near =
                    if random.one_in(2) { *first >> random.below(3) } else { *first << random.below(3) };
                *other = near.wrapping_add(random.within(-2, 2) as Cell);
            }
        }
        let outputs: Option<Vec<Cell>> =
            meaning.roots.iter().map(|root| meaning.exprs.eval(*root, &row)).collect();
        rows.extend(outputs.map(|outputs| (row, outputs)));
    }
    rows
}

/// Whether a body does on the engine what the rows say.
fn is_same<'a>(tools: &mut Tools<'_, 'a>, problem: &Problem<'_, 'a>, body: &'a str, rows: &[Sample]) -> bool {
    let program = Program { prelude: problem.prelude, word: problem.checks.word(), text: Text::Body(body) };
    let Ok(xt) = validate::load(tools.engine, &program) else { return false };
    rows.iter()
        .all(|(inputs, outputs)| tools.engine.execute(xt, inputs).is_ok() && tools.engine.stack() == outputs)
}

/// The attempts for one goal, in order; shares of the budget go by what solves more, and some is left for bodies.
fn plans(goal: &Goal<'_>, mentioned: &[Cell], candidates_max: u64) -> Vec<Plan> {
    let plan = |name, vocabulary, condition, share: u64| Plan {
        name,
        vocabulary,
        condition: Some(condition),
        meets: condition == Condition::Flag,
        candidates_max: candidates_max / 100 * share,
        shared_max: candidates_max / 100 * share,
        entries_max: conquer::ENTRIES_MAX,
        leave_after: u64::MAX,
    };
    if !goal.is_patterns() {
        return vec![plan("numbers", Vocabulary::numbers(mentioned), Condition::Flag, 60)];
    }
    let logic = |share| plan("masked bits", Vocabulary::logic(), Condition::IsOne, share);
    let numeric = |share| plan("unsigned bits", Vocabulary::numeric_bits(), Condition::Flag, share);
    let wide = |share| plan("bits of all kinds", Vocabulary::wide_bits(mentioned), Condition::Flag, share);
    let tricks = |share| plan("bit tricks", Vocabulary::tricks(), Condition::Flag, share);
    // Several patterns are compared with each other before they are masked.
    if goal.inputs.len() == 1 {
        vec![logic(50), numeric(14), wide(14), tricks(8)]
    } else {
        vec![numeric(26), wide(36), logic(17), tricks(8)]
    }
}

/// Whether a body that is right on the lanes passes everything; a near miss is kept.
fn accepts<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    body: &'a str,
    found: &mut Found<'a>,
) -> bool {
    let program = Program { prelude: problem.prelude, word: problem.checks.word(), text: Text::Body(body) };
    let arena = tools.arena;
    accepts_program(tools, problem, program, || define(arena, problem, body).text, found)
}

/// The same of a program that is written out as `text`.
fn accepts_program<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    program: Program<'a>,
    text: impl FnOnce() -> &'a str,
    found: &mut Found<'a>,
) -> bool {
    passing(tools, problem, program, text, found).is_some()
}

/// The verdict on a program that passes everything.
fn passing<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    program: Program<'a>,
    text: impl FnOnce() -> &'a str,
    found: &mut Found<'a>,
) -> Option<Verdict> {
    match try_out(tools, problem, program) {
        Ok(verdict) if verdict.passed() => Some(verdict),
        Ok(verdict) => {
            let misses = &found.near_misses;
            if misses.last().is_none_or(|worst| worst.tests_passed < verdict.tests_passed || misses.len() < 2)
            {
                let why = describe(tools, problem, &program, &verdict);
                let text = text();
                keep_near_miss(found, near_miss(text, &verdict, why));
            }
            None
        }
        Err(_) => None,
    }
}

/// The two ways in which programs come from the terms of a sequence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fitted,
    Searched,
}

/// What programs come from.
#[derive(Clone, Copy)]
enum Cases<'g> {
    Terms(&'g Terms<'g>, Kind),
    /// Cases of which one tells nothing of another, unless they lie on a polynomial.
    Scattered(Goal<'g>),
}

/// What the terms of a sequence suggest; the first that says clearly less than it explains, and passes everything.
fn sequences<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    cases: Cases<'_>,
    doubtful: &mut Option<Candidate<'a>>,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    let _stage = profile::stage(Stage::Sequence);
    let mentioned = super::constants::mentioned(tools.arena, &problem.record);
    let left = settings.candidates_max.saturating_sub(found.candidates);
    if left == 0 {
        found.stop = Stop::Budget;
        return None;
    }
    tools.engine.set_fuel(tools.fuel);
    let (mut best, stop) = (None, tools.stop);
    let mut accept = |proposal: &Proposal| {
        let is_sound = proposal.is_sound();
        let is_better = doubtful.as_ref().is_none_or(|other| proposal.bits < other.weight.bits);
        if is_interrupted(tools) || !(is_sound || is_better && proposal.bits < proposal.information) {
            return is_interrupted(tools);
        }
        let body = &*tools.arena.alloc_str(&proposal.code);
        if !accepts(tools, problem, body, found) {
            return false;
        }
        let candidate = Candidate {
            body,
            helpers: "",
            size: emit::size(body, mentioned),
            strategy: proposal.strategy,
            template: None,
            weight: Weight { bits: proposal.bits, information: proposal.information, is_sound },
            verdict: None,
        };
        *(if is_sound { &mut best } else { &mut *doubtful }) = Some(candidate);
        is_sound
    };
    let candidates = match cases {
        Cases::Terms(terms, Kind::Fitted) => sequence::propose_fitted(terms, &mut accept),
        Cases::Terms(terms, Kind::Searched) => sequence::propose_searched(terms, left, stop, &mut accept),
        Cases::Scattered(goal) => match goal.outputs {
            [output] => sequence::propose_scattered(goal.inputs, output, &mut accept),
            _ => 0,
        },
    };
    tools.tried.push(Tried {
        what: match cases {
            Cases::Scattered(_) => "polynomials through the cases".to_owned(),
            Cases::Terms(_, Kind::Fitted) => "rules fitted to the terms".to_owned(),
            Cases::Terms(_, Kind::Searched) => "loops and recursions with looked-up holes".to_owned(),
        },
        candidates,
        bank: None,
        found: best.as_ref().map(|best| best.strategy),
    });
    found.candidates += candidates;
    tools.engine.set_fuel(settings.search_fuel);
    best
}

/// Loops and recursions whose holes stand for all bodies of an effect. Sequences do without them: what these loops would find
/// is looked up there ([`sequence::propose_searched`]), and on a sample of 212 sequences they found nothing more at four
/// times the cost.
fn skeletons<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    if leave_to_last_round(tools, found) {
        return None;
    }
    let share = settings.candidates_max / 100 * SKELETONS_SHARE;
    let candidates_max = settings.candidates_max.min(found.candidates + share);
    tools.engine.set_fuel(settings.search_fuel / SKELETON_FUEL_SHARE);
    let share = Settings { candidates_max, ..*settings };
    let mut best = fitting(tools, problem, &share, true, 0..=FEW_BODIES, found);
    if best.is_none() && !is_interrupted(tools) {
        best = fitting(tools, problem, &share, true, FEW_BODIES + 1..=u64::MAX, found);
    }
    tools.engine.set_fuel(settings.search_fuel);
    // Their share is spent, not the budget.
    if found.stop == Stop::Budget && found.candidates < settings.candidates_max {
        found.stop = Stop::Exhausted;
    }
    best
}

/// Templates whose holes stand for few texts.
fn templates<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    n_fillings: std::ops::RangeInclusive<u64>,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    fitting(tools, problem, settings, false, n_fillings, found)
}

/// Templates whose effect and bounds fit and that have so many fillings, in the library's order; a smaller program replaces a larger one.
fn fitting<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    is_typed: bool,
    n_fillings: std::ops::RangeInclusive<u64>,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    let _stage = profile::stage(Stage::Template);
    let mut best: Option<Candidate<'a>> = None;
    let (before, mut n_tried) = (found.candidates, 0usize);
    let leave_after = tools.round.leave_after(settings.candidates_max);
    let ranges = problem.checks.input_ranges(tools.arena);
    // A word that the specification uses may have the name of one that the screen knows.
    let cases: &[Case<'_>] = match problem.prelude {
        "" => problem.checks.cheapest(tools.arena, SCREEN_CASES),
        _ => &[],
    };
    let pass = Pass { is_typed, n_fillings: n_fillings.clone(), before };
    let barren = tools.barren.of(&pass);
    let n_barren = barren.map_or(0, |barren| barren.n_templates);
    if let Some(barren) = barren {
        n_tried = barren.n_tried;
        found.candidates += barren.candidates;
        found.near_misses.clone_from(&barren.near_misses);
    }
    let fitting = problem.library.fitting(problem.record.n_inputs(), problem.record.n_outputs());
    for (at, template) in fitting.iter().enumerate().skip(n_barren) {
        if best.as_ref().is_some_and(|best| template.size as usize >= best.size)
            || template.is_typed() != is_typed
            || !template.suits(|position| ranges[position])
            || !n_fillings.contains(&template.count(&hole_context(tools.arena, problem, template)))
        {
            continue;
        }
        if is_interrupted(tools) || found.stop == Stop::Budget {
            break;
        }
        n_tried += 1;
        if let Some(smaller) =
            fillings(tools, problem, settings, template, (cases, best.as_ref().map(|best| best.size)), found)
        {
            keep_solution(problem, tools, found, best.replace(smaller));
        }
        if found.candidates - before > leave_after {
            if best.is_none() && found.stop != Stop::Budget {
                tools.barren.note(pass, at + 1, n_tried, found);
            }
            found.is_cut = true;
            return None;
        }
    }
    if best.is_none() && !tools.round.is_last() && !ended(found) && !is_interrupted(tools) {
        tools.barren.note(pass, fitting.len(), n_tried, found);
    }
    tools.tried.push(Tried {
        what: match n_tried {
            1 => "1 template".to_owned(),
            n => format!("{n} templates"),
        },
        candidates: found.candidates - before,
        bank: None,
        found: best.as_ref().map(|best| best.strategy),
    });
    best
}

/// The smallest filling of one template that passes and is smaller than `below`; each is looked at on the cases first.
fn fillings<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    template: &'a Template,
    (cases, below): (&[Case<'a>], Option<usize>),
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    let mentioned = super::constants::mentioned(tools.arena, &problem.record);
    let context = hole_context(tools.arena, problem, template);
    let mut assignments = template.assignments(&context);
    let mut best: Option<Candidate<'a>> = None;
    let (mut fuel_strikes, mut screen_strikes, mut near_looks) = (0, 0, 0);
    let strikes_max = if template.is_typed() { SKELETON_STRIKES_MAX } else { FUEL_STRIKES_MAX };
    let first_steps = first_steps(problem.checks);
    let mut screen = if cases.is_empty() { None } else { template.screen(&assignments) };
    while let Some((_, size, _)) = assignments.next() {
        let size = size as usize;
        let limit = best.as_ref().map(|best| best.size).or(below);
        if limit.is_some_and(|limit| size >= limit) {
            continue;
        }
        if found.candidates >= settings.candidates_max {
            found.stop = Stop::Budget;
            break;
        }
        found.candidates += 1;
        let (choices, values) = assignments.current();
        let is_near = |n_passed: u32| {
            n_passed >= 2
                && near_looks < NEAR_LOOKS_MAX
                && found.near_misses.len() < super::solve::NEAR_MISSES_MAX
        };
        let steps_max = first_steps.min(SCREEN_STEPS);
        let looked = screen.as_mut().map_or(Look::Open, |screen| screen.look(choices, cases, steps_max));
        let failure = match looked {
            Look::Wrong(n_passed) if !is_near(n_passed) => continue,
            Look::Endless if first_steps <= SCREEN_STEPS => {
                Some(FirstFailure { n_passed: 0, ran_out_of_fuel: true })
            }
            Look::Endless => {
                screen_strikes += 1;
                screen.take_if(|_| screen_strikes >= SCREEN_STRIKES_MAX);
                None
            }
            Look::Open | Look::Wrong(_) => None,
        };
        let body = template.fill(tools.arena, values);
        let failure = match failure {
            Some(failure) => Some(failure),
            None => {
                let program =
                    Program { prelude: problem.prelude, word: problem.checks.word(), text: Text::Body(body) };
                let Ok(xt) = validate::load(tools.engine, &program) else { continue };
                validate::glance(tools.engine, xt, problem.checks, first_steps / STEPS_OF_FUEL)
            }
        };
        match failure {
            None => {
                let size = emit::size(body, mentioned);
                if limit.is_none_or(|limit| size < limit)
                    && let Some(verdict) = verified(tools, problem, body, found)
                {
                    best = Some(Candidate {
                        body,
                        helpers: "",
                        size,
                        strategy: Strategy::Template,
                        template: Some(template),
                        weight: Weight::of_rank(found.candidates, problem.checks),
                        verdict: Some(verdict),
                    });
                }
            }
            Some(failure) if failure.ran_out_of_fuel => {
                fuel_strikes += 1;
                if fuel_strikes >= strikes_max {
                    break;
                }
            }
            Some(failure) if is_near(failure.n_passed) => {
                near_looks += 1;
                accepts(tools, problem, body, found);
            }
            Some(_) => {}
        }
    }
    best
}

/// What a filling may take on the cheapest test: anything where nothing is known of that.
fn first_steps(checks: &Checks<'_>) -> u64 {
    let (base, each) = FIRST_STEPS;
    checks.least_inputs().map_or(u64::MAX, |inputs| inputs.saturating_mul(each).saturating_add(base))
}

/// What the engine says of the whole text with all its fuel, where everything holds; a near miss is kept.
fn verified<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    body: &'a str,
    found: &mut Found<'a>,
) -> Option<Verdict> {
    let made = define(tools.arena, problem, body);
    let program =
        Program { prelude: problem.prelude, word: problem.checks.word(), text: Text::Body(made.inside) };
    let fuel = tools.engine.limits().fuel;
    tools.engine.set_fuel(tools.fuel);
    let verdict = passing(tools, problem, program, || made.text, found);
    tools.engine.set_fuel(fuel);
    verdict
}
