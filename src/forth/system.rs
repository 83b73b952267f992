//! What an engine knows besides code, words and memory: search order, files, substitutions, markers. It changes rarely, so going back to
//! the checkpoint is a copy that is only made once something is about to change.

use super::engine::Engine;
use super::files::Files;
use super::limits::Limits;
use super::order::SearchOrder;
use crate::model::Cell;

/// See the module.
#[derive(Clone)]
pub(super) struct System {
    pub order: SearchOrder,
    pub files: Files,
    /// Names of the files that INCLUDED and REQUIRED have read.
    pub included: Vec<Vec<u8>>,
    /// Names and texts of REPLACES; the newest of a name counts.
    pub substitutions: Vec<(Vec<u8>, Vec<u8>)>,
    pub markers: Vec<Marker>,
}

/// What MARKER goes back to.
#[derive(Clone, Copy)]
pub(super) struct Marker {
    /// Words defined before.
    pub n_words: usize,
    pub here: Cell,
    pub order: SearchOrder,
    pub n_included: usize,
}

impl System {
    pub fn new(limits: &Limits) -> Self {
        Self {
            order: SearchOrder::default(),
            files: Files::new(limits),
            included: Vec::new(),
            substitutions: Vec::new(),
            markers: Vec::new(),
        }
    }
}

impl Engine {
    #[inline]
    pub(super) fn system(&self) -> &System {
        &self.system
    }

    pub(super) fn files(&self) -> &Files {
        &self.system.files
    }

    /// To change it; the first time since the checkpoint, it is copied.
    pub(super) fn system_mut(&mut self) -> &mut System {
        self.system_before.get_or_insert_with(|| Box::new(self.system.clone()));
        self.system_used = true;
        // The dictionary may have to be gone through, too.
        self.hosted = true;
        &mut self.system
    }

    /// The files that programs see. What is put here between runs stays; what a program does to them is forgotten with the
    /// rest of what it did.
    pub fn files_mut(&mut self) -> &mut Files {
        self.settle();
        self.system_used = true;
        &mut self.system.files
    }

    /// The files, for a program that changes them.
    pub(super) fn program_files(&mut self) -> &mut Files {
        &mut self.system_mut().files
    }

    /// Makes it as it is now what the checkpoint goes back to.
    #[cold]
    pub(super) fn keep_system(&mut self) {
        self.system_before = None;
    }

    /// Goes back to a system without anything.
    #[cold]
    pub(super) fn forget_system(&mut self) {
        self.system = System::new(&self.limits);
        self.system_before = None;
        self.system_used = false;
    }

    /// Goes back to the checkpoint.
    #[cold]
    pub(super) fn restore_system(&mut self) {
        if let Some(before) = self.system_before.take() {
            self.system = *before;
        }
    }
}
