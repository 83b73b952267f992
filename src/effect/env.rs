//! What inference has to be told: the effects of other words, and what is declared about this one.

/// What a call does to the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WordEffect {
    /// Cells it takes.
    pub n_in: u8,
    /// Cells it leaves.
    pub n_out: u8,
    /// Bit `k` is set where result `k`, from the deepest, is a flag.
    pub flags: u32,
    /// The same arguments give the same results, and nothing else changes.
    pub pure: bool,
}

impl WordEffect {
    /// A pure word with these counts.
    pub fn pure(n_in: u8, n_out: u8) -> Self {
        Self { n_in, n_out, flags: 0, pure: true }
    }
}

/// The words around the code.
pub trait WordEnv {
    /// The effect of a word that may be called; `name` as it is written, in any case.
    fn word(&self, name: &str) -> Option<WordEffect>;

    /// The declared inputs and outputs of the code itself: `recurse` goes by them, and the code must keep them.
    fn declared(&self) -> Option<(u8, u8)> {
        None
    }

    /// Whether `word` may know names of the standard, which then have its meaning; asking for every word costs time.
    fn overrides_standard(&self) -> bool {
        false
    }

    /// Both of the above, so that inference asks once.
    fn settings(&self) -> (bool, Option<(u8, u8)>) {
        (self.overrides_standard(), self.declared())
    }

    /// All names, for suggestions.
    fn each_name(&self, sink: &mut dyn FnMut(&str)) {
        let _ = sink;
    }
}

/// No words but the standard's, nothing declared.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWords;

impl WordEnv for NoWords {
    fn word(&self, _name: &str) -> Option<WordEffect> {
        None
    }
}

/// A few words by name, and perhaps a declaration.
#[derive(Clone, Debug, Default)]
pub struct Words<'w> {
    /// Names and effects; names compare without case.
    pub words: Vec<(&'w str, WordEffect)>,
    /// The declared inputs and outputs of the code itself.
    pub declared: Option<(u8, u8)>,
}

impl WordEnv for Words<'_> {
    fn word(&self, name: &str) -> Option<WordEffect> {
        self.words.iter().find(|(word, _)| word.eq_ignore_ascii_case(name)).map(|(_, effect)| *effect)
    }

    fn declared(&self) -> Option<(u8, u8)> {
        self.declared
    }

    fn overrides_standard(&self) -> bool {
        self.words.iter().any(|(word, _)| crate::forth::words::lookup(word.as_bytes()).is_some())
    }

    fn each_name(&self, sink: &mut dyn FnMut(&str)) {
        for (word, _) in &self.words {
            sink(word);
        }
    }
}
