//! The `uses` of specifications: which other words of the corpus one may call, and the Merkle hash of that closure.

use crate::corpus::{Corpus, Record};
use crate::model::SpecId;
use rustc_hash::FxHashMap;

/// Most words in the closure of one specification.
pub const CLOSURE_MAX: usize = 256;

/// The words that a specification uses, directly and through others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// In an order in which each word comes after those that it uses; without the specification itself.
    pub order: Vec<SpecId>,
    /// The Merkle hash: names, contents and closures of the words used.
    pub hash: [u8; 32],
}

/// Why `uses` cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsesError {
    /// No specification of the corpus has this name.
    Unknown(String),
    /// Several have it.
    Ambiguous(String),
    /// The words use each other in a circle, named here from the first to the first again.
    Cycle(Vec<String>),
    /// More than [`CLOSURE_MAX`] words.
    TooMany,
}

impl std::fmt::Display for UsesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            UsesError::Unknown(name) => write!(f, "uses {name}, which is not a word of the corpus"),
            UsesError::Ambiguous(name) => write!(f, "uses {name}, which several specifications define"),
            UsesError::Cycle(names) => write!(f, "uses go in a circle: {}", names.join(" uses ")),
            UsesError::TooMany => {
                write!(f, "uses more than {CLOSURE_MAX} words, counting those that they use")
            }
        }
    }
}

/// Follows the `uses` of one record.
///
/// # Errors
/// When a name is unknown or ambiguous, the uses go in a circle, or there are too many.
pub fn closure(corpus: &Corpus, id: SpecId) -> Result<Closure, UsesError> {
    let mut walk = Walk { corpus, hashes: FxHashMap::default(), order: Vec::new(), path: Vec::new() };
    let hash = walk.visit(id)?;
    walk.order.pop();
    Ok(Closure { order: walk.order, hash })
}

struct Walk<'c> {
    corpus: &'c Corpus,
    hashes: FxHashMap<SpecId, [u8; 32]>,
    order: Vec<SpecId>,
    path: Vec<SpecId>,
}

impl<'c> Walk<'c> {
    fn visit(&mut self, id: SpecId) -> Result<[u8; 32], UsesError> {
        if let Some(hash) = self.hashes.get(&id) {
            return Ok(*hash);
        }
        if let Some(at) = self.path.iter().position(|other| *other == id) {
            let mut names: Vec<String> = self.path[at..].iter().map(|id| self.name(*id)).collect();
            names.push(self.name(id));
            return Err(UsesError::Cycle(names));
        }
        if self.order.len() + self.path.len() > CLOSURE_MAX {
            return Err(UsesError::TooMany);
        }
        self.path.push(id);
        let record: Record<'c> = self.corpus.record(id);
        let mut hasher = blake3::Hasher::new();
        for name in record.uses() {
            let used = resolve(self.corpus, name)?;
            let closure = self.visit(used)?;
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(self.corpus.record(used).content_hash());
            hasher.update(&closure);
        }
        self.path.pop();
        self.order.push(id);
        let hash = *hasher.finalize().as_bytes();
        self.hashes.insert(id, hash);
        Ok(hash)
    }

    fn name(&self, id: SpecId) -> String {
        self.corpus.record(id).word().unwrap_or("?").to_owned()
    }
}

fn resolve(corpus: &Corpus, name: &str) -> Result<SpecId, UsesError> {
    match corpus.find(name).as_slice() {
        [id] => Ok(*id),
        [] => Err(UsesError::Unknown(name.to_owned())),
        _ => Err(UsesError::Ambiguous(name.to_owned())),
    }
}
