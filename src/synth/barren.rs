//! Templates that an early round found nothing with: the last round does not try them again.
//!
//! Rounds begin a search anew, and up to where the early one was left both do the same. So what came of a template is known; what is
//! kept is all that it left behind.

use crate::model::NearMiss;
use crate::synth::solve::Found;
use std::ops::RangeInclusive;

/// One going through the templates, by what it depends on beside the specification and the settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pass {
    /// Whether the templates are those with typed holes.
    pub is_typed: bool,
    /// How many fillings they have.
    pub n_fillings: RangeInclusive<u64>,
    /// Candidates before it.
    pub before: u64,
}

/// What a pass left behind that found nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    /// So many templates of the library, in its order, are behind it.
    pub n_templates: usize,
    /// So many of them were tried.
    pub n_tried: usize,
    /// Candidates that they took.
    pub candidates: u64,
    /// The near misses after them.
    pub near_misses: Vec<NearMiss>,
}

/// The passes of one specification that found nothing.
#[derive(Clone, Default, Debug)]
pub struct Barren(Vec<(Pass, Left)>);

impl Barren {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is known of a pass.
    pub(super) fn of(&self, pass: &Pass) -> Option<&Left> {
        self.0.iter().find(|(known, _)| known == pass).map(|(_, left)| left)
    }

    /// Keeps what a pass has left behind so far.
    pub(super) fn note(&mut self, pass: Pass, n_templates: usize, n_tried: usize, found: &Found<'_>) {
        let candidates = found.candidates - pass.before;
        let near_misses = found.near_misses.clone();
        self.0.push((pass, Left { n_templates, n_tried, candidates, near_misses }));
    }
}
