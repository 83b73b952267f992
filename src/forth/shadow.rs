//! The shadow stack: names of the Forth words that an engine is in, readable from another thread at any moment without a
//! lock. An engine that keeps none pays nothing for it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many words deep the shadow goes; deeper ones are counted but not named.
pub const DEPTH: usize = 64;

/// A word's name: its first 32 bytes, zeros behind.
pub type Name = [u8; 32];

/// A name in words of 8 bytes, as it is stored.
pub(super) type Label = [u64; 4];

/// The active words of one engine, outermost first. One engine writes, any thread reads.
pub struct Shadow {
    depth: AtomicUsize,
    frames: [[AtomicU64; 4]; DEPTH],
}

impl Default for Shadow {
    fn default() -> Self {
        Self { depth: AtomicUsize::new(0), frames: [const { [const { AtomicU64::new(0) }; 4] }; DEPTH] }
    }
}

impl Shadow {
    /// An empty shadow.
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies the names of the active words, outermost first, and says how many. A name that changes while it is read may
    /// come out mixed; a profile does not mind.
    pub fn snapshot(&self, names: &mut [Name]) -> usize {
        let n = self.depth.load(Ordering::Acquire).min(DEPTH).min(names.len());
        for (name, frame) in names.iter_mut().zip(&self.frames[..n]) {
            for (bytes, word) in name.chunks_exact_mut(8).zip(frame) {
                bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
            }
        }
        n
    }

    /// A word is entered at this depth.
    #[inline]
    pub(super) fn enter(&self, depth: usize, label: &Label) {
        if let Some(frame) = self.frames.get(depth) {
            for (slot, word) in frame.iter().zip(label) {
                slot.store(*word, Ordering::Relaxed);
            }
        }
        self.depth.store(depth + 1, Ordering::Release);
    }

    /// So many words are active now.
    #[inline]
    pub(super) fn set_depth(&self, depth: usize) {
        self.depth.store(depth, Ordering::Release);
    }
}

impl crate::profile::Words for Shadow {
    fn each(&self, sink: &mut dyn FnMut(&str)) {
        let mut names = [[0; 32]; DEPTH];
        let n = self.snapshot(&mut names);
        names[..n].iter().for_each(|name| sink(text(name)));
    }
}

/// The text of a name.
pub fn text(name: &Name) -> &str {
    let len = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    match std::str::from_utf8(&name[..len]) {
        Ok(text) => text,
        // A name cut within a character keeps what is whole.
        Err(error) => std::str::from_utf8(&name[..error.valid_up_to()]).unwrap_or(""),
    }
}

/// The stored form of a name.
pub(super) fn label(name: &[u8]) -> Label {
    let mut bytes = [0; 32];
    let len = name.len().min(32);
    bytes[..len].copy_from_slice(&name[..len]);
    let mut label = [0; 4];
    for (word, chunk) in label.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_le_bytes(chunk.first_chunk().copied().unwrap_or_default());
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        let shadow = Shadow::new();
        shadow.enter(0, &label(b"main"));
        shadow.enter(1, &label("a-name-that-is-longer-than-thirty-two-bytes".as_bytes()));
        let mut names = [[0; 32]; 8];
        assert_eq!(shadow.snapshot(&mut names), 2);
        assert_eq!(text(&names[0]), "main");
        assert_eq!(text(&names[1]), "a-name-that-is-longer-than-thirt");
        shadow.set_depth(1);
        assert_eq!(shadow.snapshot(&mut names), 1);
        shadow.enter(1000, &label(b"deep"));
        assert_eq!(shadow.snapshot(&mut names[..3]), 3);
    }
}
