//! The words defined above the image: names, newest first, and what each is. Going back to an earlier state is setting a
//! few lengths; nothing is cleared.

use super::lexer::key_of;
use super::words::{NameKey, fold_case};
use crate::model::Cell;

/// What a word is, as far as compiling a reference to it and changing it go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Code of its own.
    Colon,
    /// The address of its body: CREATE, VARIABLE and BUFFER:, with or without DOES>.
    Created,
    /// One number or two.
    Constant,
    /// A number in its body.
    Value,
    /// Two numbers in its body.
    TwoValue,
    /// An execution token in its body.
    Deferred,
    /// A number in its body that END-STRUCTURE sets.
    Structure,
    /// Adds its body to an address.
    Field,
    /// Another word by a second name; its body is that word's execution token.
    Synonym,
    /// Forgets itself and what came after.
    Marker,
}

/// Bytes of a name that an entry holds itself.
const SHORT: usize = 8;

/// A word above the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    key: NameKey,
    /// The name as it is written, where it is short.
    short: [u8; SHORT],
    /// Where the names are that it follows or, if it is long, begins.
    name_start: u32,
    name_len: u32,
    /// The next older word in the same bucket, plus one.
    older: u32,
    /// Its `Enter`.
    pub enter: u32,
    /// Where the text begins that it was read from, for messages.
    pub origin: u32,
    /// Where its own text begins and ends in the source buffer; both 0 where it has none.
    pub text: (u32, u32),
    /// The word list that it is in.
    pub wordlist: u16,
    pub kind: Kind,
    pub immediate: bool,
    /// Its data, for all kinds but colon definitions.
    pub body: Cell,
    /// The second number of a 2CONSTANT, and whether there is one.
    pub second: Option<Cell>,
    /// The code behind DOES>, if any.
    pub does: Option<u32>,
}

impl Entry {
    /// One of a kind, with nothing known of it yet.
    pub fn of(kind: Kind) -> Self {
        Self {
            key: 0,
            short: [0; SHORT],
            name_start: 0,
            name_len: 0,
            older: 0,
            enter: 0,
            origin: 0,
            text: (0, 0),
            wordlist: 0,
            kind,
            immediate: false,
            body: 0,
            second: None,
            does: None,
        }
    }
}

/// The word list of words that are not found any more.
pub(super) const HIDDEN: u16 = u16::MAX;

const N_BUCKETS: usize = 64;

/// The words above the image. An entry's index is its execution token less the number of words in the image.
pub(super) struct Dictionary {
    entries: Vec<Entry>,
    /// The names that are not short.
    names: Vec<u8>,
    /// Newest entry of each bucket, plus one; only good where `occupied` says so.
    heads: [u32; N_BUCKETS],
    occupied: u64,
    /// Fuel that long searches are to be paid with.
    walked: std::cell::Cell<u32>,
}

/// Entries that a search passes for one unit of fuel; the first so many are free.
const ENTRIES_PER_FUEL: u32 = 64;

impl Dictionary {
    pub fn new() -> Self {
        Self {
            entries: Vec::new(),
            names: Vec::new(),
            heads: [0; N_BUCKETS],
            occupied: 0,
            walked: Default::default(),
        }
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets everything.
    #[inline(always)]
    pub fn clear(&mut self) {
        self.entries.clear();
        self.names.clear();
        self.occupied = 0;
    }

    /// Forgets all but the oldest `n` entries.
    pub fn truncate(&mut self, n: usize) {
        while self.entries.len() > n {
            let index = self.entries.len() - 1;
            let entry = self.entries[index];
            let bucket = bucket_of(entry.key);
            // A hidden entry is not in its bucket.
            if self.occupied >> bucket & 1 == 1 && self.heads[bucket] == index as u32 + 1 {
                self.heads[bucket] = entry.older;
            }
            self.names.truncate(entry.name_start as usize);
            self.entries.pop();
        }
    }

    /// Adds a word that is not found until [`reveal`](Self::reveal); returns its index.
    #[inline(always)]
    pub fn add(&mut self, name: &[u8], entry: Entry) -> usize {
        let index = self.entries.len();
        let name_start = self.names.len() as u32;
        let key = key_of(name);
        if name.len() > SHORT {
            self.names.extend_from_slice(name);
        }
        let (short, name_len) = (key.to_le_bytes(), name.len() as u32);
        self.entries.push(Entry { key: fold_case(key), short, name_start, name_len, ..entry });
        index
    }

    /// Lets a word be found whose text ends at `place`; returns its `Enter`.
    #[inline(always)]
    pub fn reveal_to(&mut self, index: usize, place: u32) -> u32 {
        let Self { entries, heads, occupied, .. } = self;
        let entry = &mut entries[index];
        entry.text.1 = place;
        let enter = entry.enter;
        if entry.name_len > 0 {
            let bucket = bucket_of(entry.key);
            entry.older = if *occupied >> bucket & 1 == 1 { heads[bucket] } else { 0 };
            heads[bucket] = index as u32 + 1;
            *occupied |= 1 << bucket;
        }
        enter
    }

    /// Lets a word be found.
    pub fn reveal(&mut self, index: usize) {
        let place = self.entries[index].text.1;
        self.reveal_to(index, place);
    }

    /// Whether a word with this key may be there; false is certain.
    #[inline(always)]
    pub fn may_have(&self, key: NameKey) -> bool {
        self.occupied >> bucket_of(key) & 1 == 1
    }

    /// The newest visible word of a word list with this name.
    #[inline(always)]
    pub fn find(&self, key: NameKey, name: &[u8], wordlist: u16) -> Option<usize> {
        let bucket = bucket_of(key);
        if self.occupied >> bucket & 1 == 0 {
            return None;
        }
        self.find_in(bucket, key, name, wordlist)
    }

    fn find_in(&self, bucket: usize, key: NameKey, name: &[u8], wordlist: u16) -> Option<usize> {
        let mut next = self.heads[bucket];
        let mut steps = 0;
        while next != 0 {
            steps += 1;
            if steps == ENTRIES_PER_FUEL {
                steps = 0;
                self.walked.set(self.walked.get().saturating_add(1));
            }
            let index = next as usize - 1;
            let entry = &self.entries[index];
            if entry.key == key
                && entry.name_len as usize == name.len()
                && entry.wordlist == wordlist
                && self.name(index).eq_ignore_ascii_case(name)
            {
                return Some(index);
            }
            next = entry.older;
        }
        None
    }

    /// The fuel that searches since the last call are to be paid with: none, unless many words share a bucket.
    #[inline(always)]
    pub fn take_walked(&self) -> i64 {
        self.walked.take() as i64
    }

    /// The name of a word.
    #[inline]
    pub fn name(&self, index: usize) -> &[u8] {
        let entry = &self.entries[index];
        match entry.short.get(..entry.name_len as usize) {
            Some(short) => short,
            None => &self.names[entry.name_start as usize..(entry.name_start + entry.name_len) as usize],
        }
    }

    pub fn get(&self, index: usize) -> &Entry {
        &self.entries[index]
    }

    pub fn get_mut(&mut self, index: usize) -> &mut Entry {
        &mut self.entries[index]
    }

    /// Names of all words that can be found, newest first.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        let seen = (0..self.entries.len()).rev().filter(|index| self.entries[*index].wordlist != HIDDEN);
        seen.map(|index| self.name(index)).filter(|name| !name.is_empty())
    }
}

#[inline(always)]
fn bucket_of(key: NameKey) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forth::lexer::folded;

    fn add(dictionary: &mut Dictionary, name: &str) -> usize {
        let index = dictionary.add(name.as_bytes(), Entry::of(Kind::Colon));
        dictionary.reveal(index);
        index
    }

    fn find(dictionary: &Dictionary, name: &str) -> Option<usize> {
        dictionary.find(folded(name.as_bytes()), name.as_bytes(), 0)
    }

    #[test]
    fn the_newest_word_is_found() {
        let mut dictionary = Dictionary::new();
        let names: Vec<String> = (0..500).map(|i| format!("word-number-{}", i % 250)).collect();
        for name in &names {
            add(&mut dictionary, name);
        }
        assert_eq!(find(&dictionary, "WORD-number-7"), Some(257));
        assert_eq!(find(&dictionary, "word-number-250"), None);
        dictionary.truncate(257);
        assert_eq!(find(&dictionary, "word-number-7"), Some(7));
        assert_eq!(find(&dictionary, "word-number-6"), Some(256));
        dictionary.clear();
        assert_eq!(find(&dictionary, "word-number-6"), None);
    }

    #[test]
    fn hidden_words_stay_hidden() {
        let mut dictionary = Dictionary::new();
        let old = add(&mut dictionary, "x");
        let new = dictionary.add(b"x", Entry::of(Kind::Colon));
        assert_eq!(find(&dictionary, "x"), Some(old));
        dictionary.truncate(new);
        assert_eq!(find(&dictionary, "x"), Some(old));
        let new = dictionary.add(b"X", Entry::of(Kind::Colon));
        dictionary.reveal(new);
        assert_eq!(find(&dictionary, "x"), Some(new));
        let nameless = dictionary.add(b"", Entry::of(Kind::Colon));
        dictionary.reveal(nameless);
        assert_eq!(find(&dictionary, ""), None);
        assert_eq!(dictionary.names().count(), 2);
    }
}
