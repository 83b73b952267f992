//! Word lists and the search order (Forth 2012, section 16). A word list is a number; which words are in it stands with the
//! words.

use super::dictionary::HIDDEN;
use super::trap::throw;
use super::words::Word;
use crate::model::Cell;

/// The word list of the standard's words, and of everything else at first.
pub(super) const FORTH: u16 = 0;

/// The minimum search order: the words that lead out of it.
pub(super) const ROOT: u16 = 1;

/// Word lists are seen by programs as numbers from here on.
const WORDLIST_BASE: Cell = 0x6000_0000_0000;

/// Word lists in the search order.
pub(super) const ORDER_MAX: usize = 16;

/// Word lists in all.
const LISTS_MAX: u16 = 4096;

/// Which word lists are searched, and which gets new words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SearchOrder {
    /// The last one is searched first.
    lists: [u16; ORDER_MAX],
    n: usize,
    /// The compilation word list.
    pub current: u16,
    n_lists: u16,
}

type Result<T> = std::result::Result<T, Cell>;

impl Default for SearchOrder {
    fn default() -> Self {
        Self { lists: [FORTH; ORDER_MAX], n: 1, current: FORTH, n_lists: 2 }
    }
}

impl SearchOrder {
    /// Whether nothing but FORTH-WORDLIST is searched, and it alone gets new words.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.n == 1 && self.lists[0] == FORTH
    }

    /// The word lists, the one that is searched last first.
    pub fn lists(&self) -> &[u16] {
        &self.lists[..self.n]
    }

    /// A new, empty word list.
    pub fn add(&mut self) -> Result<u16> {
        if self.n_lists == LISTS_MAX {
            return Err(throw::DICTIONARY_OVERFLOW);
        }
        self.n_lists += 1;
        Ok(self.n_lists - 1)
    }

    /// Makes these the search order, the one to search last first.
    pub fn set(&mut self, lists: &[u16]) -> Result<()> {
        if lists.len() > ORDER_MAX {
            return Err(throw::ORDER_OVERFLOW);
        }
        self.lists[..lists.len()].copy_from_slice(lists);
        self.n = lists.len();
        Ok(())
    }

    /// ONLY.
    pub fn only(&mut self) {
        self.lists[0] = ROOT;
        self.n = 1;
    }

    /// ALSO.
    pub fn also(&mut self) -> Result<()> {
        let first = self.first()?;
        if self.n == ORDER_MAX {
            return Err(throw::ORDER_OVERFLOW);
        }
        self.lists[self.n] = first;
        self.n += 1;
        Ok(())
    }

    /// PREVIOUS.
    pub fn previous(&mut self) -> Result<()> {
        self.first()?;
        self.n -= 1;
        Ok(())
    }

    /// FORTH: replaces the word list that is searched first.
    pub fn forth(&mut self) -> Result<()> {
        if self.n == 0 {
            return self.set(&[FORTH]);
        }
        self.lists[self.n - 1] = FORTH;
        Ok(())
    }

    /// The word list that is searched first.
    pub fn first(&self) -> Result<u16> {
        self.lists().last().copied().ok_or(throw::ORDER_UNDERFLOW)
    }

    /// What a program sees of a word list.
    pub fn cell_of(list: u16) -> Cell {
        WORDLIST_BASE + list as Cell
    }

    /// The word list that a program means.
    pub fn list_of(&self, cell: Cell) -> Result<u16> {
        let list = u16::try_from(cell.wrapping_sub(WORDLIST_BASE)).ok();
        list.filter(|list| *list < self.n_lists && *list != HIDDEN).ok_or(throw::INVALID_ARGUMENT)
    }
}

/// Whether a word of the system is found through ROOT.
pub(super) fn is_root(word: Word) -> bool {
    use Word::*;
    matches!(
        word,
        Forth
            | ForthWordlist
            | Only
            | Also
            | Previous
            | Order
            | GetOrder
            | SetOrder
            | Definitions
            | Words
            | Bye
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_bounded() {
        let mut order = SearchOrder::default();
        for _ in 1..ORDER_MAX {
            order.also().unwrap();
        }
        assert_eq!(order.also(), Err(throw::ORDER_OVERFLOW));
        for _ in 0..ORDER_MAX {
            order.previous().unwrap();
        }
        assert_eq!(
            (order.previous(), order.also()),
            (Err(throw::ORDER_UNDERFLOW), Err(throw::ORDER_UNDERFLOW))
        );
        order.forth().unwrap();
        assert!(order.is_plain());
        assert_eq!(order.set(&[FORTH; ORDER_MAX + 1]), Err(throw::ORDER_OVERFLOW));
    }

    #[test]
    fn only_lists_that_exist_are_meant() {
        let mut order = SearchOrder::default();
        let list = order.add().unwrap();
        assert_eq!(order.list_of(SearchOrder::cell_of(list)), Ok(list));
        assert!(order.list_of(SearchOrder::cell_of(list + 1)).is_err());
        assert!(order.list_of(-1).is_err());
        assert!(order.list_of(Cell::MIN).is_err());
    }
}
