//! Properties and `value` oracles, checked on samples of the inputs.

use crate::arena::Bump;
use crate::corpus::Record;
use crate::forth::{Engine, Xt};
use crate::model::{Cell, Diagnostic};
use crate::validate::checks::Settings;
use crate::validate::judge::Failure;
use std::marker::PhantomData;

pub struct Sample<'a> {
    pub inputs: &'a [Cell],
    pub outputs: &'a [Cell],
}
pub struct Oracles<'a>(PhantomData<&'a ()>);
pub struct OracleTally {
    pub n_checked: u32,
    pub n_unchecked: u32,
    pub failure: Option<Failure>,
}
impl<'a> Oracles<'a> {
    pub fn prepare(_: &'a Bump, _: &Record<'a>, _: &Settings) -> Self {
        Self(PhantomData)
    }
    pub fn n_unchecked(&self) -> u32 {
        0
    }
    pub fn can_refute(&self) -> bool {
        false
    }
    pub fn is_empty(&self) -> bool {
        true
    }
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        Vec::new()
    }
    pub fn is_complete(&self) -> bool {
        false
    }
    pub fn n_samples(&self) -> usize {
        0
    }
    pub fn samples(&self) -> &[Sample<'a>] {
        &[]
    }
    pub fn judge(&self, _: &mut Engine, _: Xt) -> OracleTally {
        OracleTally { n_checked: 0, n_unchecked: 0, failure: None }
    }
    pub fn describe(&self, _: &mut Engine, _: Xt, _: &Failure) -> String {
        String::new()
    }
}
