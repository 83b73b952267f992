//! Data space: one bounded run of bytes with addresses of its own. What a program writes is noted as two ranges, one below
//! and one in the heap, so that going back to the checkpoint costs what was written and nothing when nothing was.
//!
//! Source text has addresses, too, far above data space, so that SOURCE and PARSE need no copies; it can only be read.

#![allow(unsafe_code, reason = "see `executor`")]

use super::heap::Heap;
use super::trap::{TrapKind, throw};
use crate::model::Cell;
use std::mem::offset_of;
use std::ptr::NonNull;

/// The address of the first byte. Small numbers are never addresses.
pub(super) const BASE: Cell = 0x1000;

/// Where the words of programs begin; below stand the system's own variables and buffers.
pub(super) const USER: Cell = BASE + 0x1000;

/// BASE.
pub(super) const VAR_BASE: Cell = BASE;
/// STATE.
pub(super) const VAR_STATE: Cell = BASE + 8;
/// >IN, as far as a program looks.
pub(super) const VAR_TO_IN: Cell = BASE + 16;
/// The end of the buffer that pictured numbers grow down in.
pub(super) const HOLD_END: Cell = BASE + 0x200;
/// The beginning of that buffer.
pub(super) const HOLD_START: Cell = HOLD_END - 0x108;
/// Two buffers for strings of the text interpreter, used in turn.
pub(super) const STRINGS: Cell = BASE + 0x200;
/// Bytes of each.
pub(super) const STRING_BYTES: usize = 0x400;
/// Where WORD leaves its string.
pub(super) const WORD_BUFFER: Cell = BASE + 0xA00;
/// Bytes of it: a count, as many characters as that can count, and a space.
pub(super) const WORD_BYTES: usize = 0x101;
/// PAD, up to [`USER`].
pub(super) const PAD: Cell = BASE + 0xC00;

/// The address of the first byte of source text.
pub(super) const TEXT_BASE: Cell = 0x2000_0000_0000;

type Result<T> = std::result::Result<T, TrapKind>;

/// Data space.
///
/// Invariants, on which the unsafe code here and in `executor` rests:
/// 1. `bytes` points to `len` initialised bytes that this value owns, from construction until it is dropped.
/// 2. `last_cell + 8 == len`, and an offset is only used after a comparison with one of the two.
pub(super) struct Memory {
    bytes: NonNull<u8>,
    len: usize,
    last_cell: usize,
    /// The next free address of data space.
    pub here: Cell,
    /// What ALLOCATE gave away, at the end of data space.
    pub heap: Heap,
    /// All text that words were compiled from, each piece followed by spaces.
    pub text: Vec<u8>,
    /// What was written since the checkpoint, apart from the heap.
    dirty: Range,
    /// What was written in the heap since the checkpoint.
    dirty_heap: Range,
    /// How many offsets from `dirty.lo` on begin a cell that lies in `dirty`.
    dirty_cells: usize,
    /// All that differs from the image, apart from `dirty` and `dirty_heap`.
    changed: Range,
    changed_heap: Range,
    /// Contents at the checkpoint, from offset 0; zeros follow.
    saved: Vec<u8>,
    saved_here: Cell,
    saved_heap: Heap,
    /// Contents in the image.
    image: &'static [u8],
}

// SAFETY: invariant 1: the bytes are owned by this value alone.
unsafe impl Send for Memory {}

/// Offsets `lo..hi`; empty where `hi` is 0.
#[derive(Clone, Copy, Debug)]
struct Range {
    lo: usize,
    hi: usize,
}

const NOTHING: Range = Range { lo: usize::MAX, hi: 0 };

impl Range {
    fn include(&mut self, other: Range) {
        self.lo = self.lo.min(other.lo);
        self.hi = self.hi.max(other.hi);
    }
}

/// Where data space lies in the host's memory, for machine code: it stays there.
#[cfg_attr(not(feature = "machine-code"), allow(dead_code, reason = "machine code alone asks for it"))]
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub bytes: usize,
    pub len: usize,
}

/// Where [`Memory`] has the first offset noted as written, and how many offsets from there on need no note.
#[cfg_attr(not(feature = "machine-code"), allow(dead_code, reason = "machine code alone asks for it"))]
pub(super) const NOTED: (usize, usize) =
    (offset_of!(Memory, dirty) + offset_of!(Range, lo), offset_of!(Memory, dirty_cells));

impl Memory {
    /// For machine code.
    #[cfg_attr(not(feature = "machine-code"), allow(dead_code, reason = "machine code alone asks for it"))]
    pub fn place(&self) -> Place {
        Place { bytes: self.bytes.as_ptr().addr(), len: self.len }
    }

    pub fn new(len: usize, image: &'static [u8]) -> Self {
        assert!(len >= 8 && image.len() <= len);
        let mut bytes = vec![0u8; len].into_boxed_slice();
        bytes[..image.len()].copy_from_slice(image);
        let bytes = NonNull::from(Box::leak(bytes)).cast::<u8>();
        Self {
            bytes,
            len,
            here: USER,
            heap: Heap::new(BASE + len as Cell),
            text: Vec::new(),
            dirty: NOTHING,
            dirty_heap: NOTHING,
            dirty_cells: 0,
            last_cell: len - 8,
            changed: NOTHING,
            changed_heap: NOTHING,
            saved: image.to_vec(),
            saved_here: USER,
            saved_heap: Heap::new(BASE + len as Cell),
            image,
        }
    }

    /// All bytes.
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: invariant 1.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr(), self.len) }
    }

    #[inline(always)]
    fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: invariant 1; the borrow is as unique as `self`.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_ptr(), self.len) }
    }

    /// Where `addr` lies, when `n_bytes` from there lie in data space.
    #[inline(always)]
    fn offset(&self, addr: Cell, n_bytes: usize) -> Option<usize> {
        let offset = addr.wrapping_sub(BASE) as u64 as usize;
        (n_bytes <= self.len && offset <= self.len - n_bytes).then_some(offset)
    }

    /// The cell at `addr`.
    #[inline(always)]
    pub fn fetch(&self, addr: Cell) -> Option<Cell> {
        let offset = addr.wrapping_sub(BASE) as u64 as usize;
        if offset > self.last_cell {
            return self.fetch_text(addr);
        }
        // SAFETY: 8 bytes from `offset` are inside (invariants 1 and 2).
        let bytes = unsafe { self.bytes.as_ptr().add(offset).cast::<[u8; 8]>().read() };
        Some(Cell::from_le_bytes(bytes))
    }

    #[cold]
    #[inline(never)]
    fn fetch_text(&self, addr: Cell) -> Option<Cell> {
        self.text_at(addr, 8)?.first_chunk().map(|bytes| Cell::from_le_bytes(*bytes))
    }

    #[cold]
    #[inline(never)]
    fn fetch_text_byte(&self, addr: Cell) -> Option<u8> {
        self.text_at(addr, 1)?.first().copied()
    }

    /// Bytes of source text.
    fn text_at(&self, addr: Cell, len: usize) -> Option<&[u8]> {
        let offset = usize::try_from(addr.checked_sub(TEXT_BASE)?).ok()?;
        self.text.get(offset..offset.checked_add(len)?)
    }

    /// Writes the cell at `addr`.
    #[inline(always)]
    pub fn store(&mut self, addr: Cell, value: Cell) -> Option<()> {
        let offset = addr.wrapping_sub(BASE) as u64 as usize;
        if offset > self.last_cell {
            return None;
        }
        self.note_cell(offset);
        // SAFETY: as in `fetch`.
        unsafe { self.bytes.as_ptr().add(offset).cast::<[u8; 8]>().write(value.to_le_bytes()) };
        Some(())
    }

    /// The byte at `addr`.
    #[inline(always)]
    pub fn fetch_byte(&self, addr: Cell) -> Option<u8> {
        let offset = addr.wrapping_sub(BASE) as u64 as usize;
        if offset >= self.len {
            return self.fetch_text_byte(addr);
        }
        // SAFETY: the byte is inside (invariants 1 and 2).
        Some(unsafe { self.bytes.as_ptr().add(offset).read() })
    }

    /// Writes the byte at `addr`.
    #[inline(always)]
    pub fn store_byte(&mut self, addr: Cell, value: u8) -> Option<()> {
        let offset = addr.wrapping_sub(BASE) as u64 as usize;
        if offset >= self.len {
            return None;
        }
        self.note_cell(offset);
        // SAFETY: as in `fetch_byte`.
        unsafe { self.bytes.as_ptr().add(offset).write(value) };
        Some(())
    }

    /// The bytes of a string, where all of them lie in data space or in source text. An empty string may lie anywhere.
    pub fn string(&self, addr: Cell, len: Cell) -> Result<&[u8]> {
        if len == 0 {
            return Ok(&[]);
        }
        let n_bytes = usize::try_from(len).map_err(|_| INVALID)?;
        match self.offset(addr, n_bytes) {
            Some(offset) => Ok(&self.as_slice()[offset..offset + n_bytes]),
            None => self.text_at(addr, n_bytes).ok_or(INVALID),
        }
    }

    /// The same to write to; all of it counts as written.
    pub fn string_mut(&mut self, addr: Cell, len: Cell) -> Result<&mut [u8]> {
        if len == 0 {
            return Ok(&mut []);
        }
        let n_bytes = usize::try_from(len).map_err(|_| INVALID)?;
        let offset = self.offset(addr, n_bytes).ok_or(INVALID)?;
        self.note_any(Range { lo: offset, hi: offset + n_bytes });
        Ok(&mut self.as_mut_slice()[offset..offset + n_bytes])
    }

    /// Copies `len` bytes; the two may overlap.
    pub fn copy(&mut self, from: Cell, to: Cell, len: Cell) -> Result<()> {
        if len == 0 {
            return Ok(());
        }
        let n_bytes = usize::try_from(len).map_err(|_| INVALID)?;
        let target = self.offset(to, n_bytes).ok_or(INVALID)?;
        let Some(source) = self.offset(from, n_bytes) else {
            let text = self.text_at(from, n_bytes).ok_or(INVALID)?.to_vec();
            self.string_mut(to, len)?.copy_from_slice(&text);
            return Ok(());
        };
        self.note_any(Range { lo: target, hi: target + n_bytes });
        self.as_mut_slice().copy_within(source..source + n_bytes, target);
        Ok(())
    }

    /// Moves HERE by `n_bytes`, up or down.
    pub fn allot(&mut self, n_bytes: Cell) -> Result<()> {
        match self.here.checked_add(n_bytes) {
            Some(here) if (USER..=self.heap.floor()).contains(&here) => {
                self.here = here;
                Ok(())
            }
            _ => Err(TrapKind::Throw(throw::DICTIONARY_OVERFLOW)),
        }
    }

    /// Puts a cell at HERE.
    pub fn comma(&mut self, value: Cell) -> Result<()> {
        let addr = self.here;
        self.allot(8)?;
        self.store(addr, value).ok_or(INVALID)
    }

    /// Makes HERE a multiple of 8.
    pub fn align(&mut self) -> Result<()> {
        self.allot(aligned(self.here) - self.here)
    }

    /// Puts bytes at HERE and says where.
    pub fn append(&mut self, bytes: &[u8]) -> Result<Cell> {
        let addr = self.here;
        self.allot(bytes.len() as Cell)?;
        self.string_mut(addr, bytes.len() as Cell)?.copy_from_slice(bytes);
        Ok(addr)
    }

    /// Bytes between HERE and the heap.
    pub fn unused(&self) -> Cell {
        self.heap.floor() - self.here
    }

    /// Gives away `n_bytes` of the heap. `None` where there is no room.
    pub fn allocate(&mut self, n_bytes: Cell) -> Option<Cell> {
        self.heap_changes();
        self.heap.allocate(n_bytes, self.here)
    }

    /// Takes back what `allocate` gave at `addr`. False where it gave nothing there.
    pub fn free(&mut self, addr: Cell) -> bool {
        self.heap_changes();
        self.heap.free(addr)
    }

    /// Changes the size of what `allocate` gave at `addr`, moving it where it has to. `None` leaves all as it was.
    pub fn resize(&mut self, addr: Cell, n_bytes: Cell) -> Option<Cell> {
        self.heap_changes();
        let size = self.heap.size(addr)?;
        if self.heap.resize_here(addr, n_bytes) {
            return Some(addr);
        }
        let moved = self.heap.allocate(n_bytes, self.here)?;
        self.copy(addr, moved, size.min(n_bytes)).ok()?;
        self.heap.free(addr);
        Some(moved)
    }

    /// The heap is about to differ from that at the checkpoint.
    fn heap_changes(&mut self) {
        // `restore` and `reset` look at the heap only where something was written.
        self.dirty_heap.include(Range { lo: self.len - 1, hi: self.len });
    }

    /// Makes memory as it is now what [`restore`](Self::restore) goes back to.
    #[inline(always)]
    pub fn checkpoint(&mut self) {
        self.saved_here = self.here;
        if self.dirty.hi | self.dirty_heap.hi != 0 {
            self.keep_dirty();
        }
    }

    #[inline(never)]
    fn keep_dirty(&mut self) {
        let mut saved = std::mem::take(&mut self.saved);
        for Range { lo, hi } in [self.dirty, self.dirty_heap] {
            if hi == 0 {
                continue;
            }
            if saved.len() < hi {
                saved.resize(hi, 0);
            }
            saved[lo..hi].copy_from_slice(&self.as_slice()[lo..hi]);
        }
        self.saved = saved;
        self.saved_heap.clone_from(&self.heap);
        self.changed.include(self.dirty);
        self.changed_heap.include(self.dirty_heap);
        self.forget_dirty();
    }

    /// Whether anything is not as the checkpoint has it.
    #[inline(always)]
    pub fn is_changed(&self) -> bool {
        self.here != self.saved_here || self.dirty.hi | self.dirty_heap.hi != 0
    }

    /// Goes back to the checkpoint.
    #[inline(always)]
    pub fn restore(&mut self) {
        self.here = self.saved_here;
        if self.dirty.hi != 0 || self.dirty_heap.hi != 0 {
            self.restore_dirty();
        }
    }

    #[inline(never)]
    fn restore_dirty(&mut self) {
        let saved = std::mem::take(&mut self.saved);
        for range in [self.dirty, self.dirty_heap] {
            fill_from(self.as_mut_slice(), range, &saved);
        }
        self.saved = saved;
        self.heap.clone_from(&self.saved_heap);
        self.forget_dirty();
    }

    /// Goes back to the image; the checkpoint too.
    #[inline(always)]
    pub fn reset(&mut self) {
        self.here = USER;
        self.saved_here = USER;
        if (self.dirty.hi | self.dirty_heap.hi | self.changed.hi | self.changed_heap.hi) != 0 {
            self.reset_changed();
        }
    }

    #[inline(never)]
    fn reset_changed(&mut self) {
        let mut range = self.changed;
        range.include(self.dirty);
        let mut heap_range = self.changed_heap;
        heap_range.include(self.dirty_heap);
        let image = self.image;
        fill_from(self.as_mut_slice(), range, image);
        fill_from(self.as_mut_slice(), heap_range, image);
        self.saved.truncate(image.len());
        if range.lo < image.len() {
            self.saved.copy_from_slice(image);
        }
        self.heap.clear();
        self.saved_heap.clear();
        self.forget_dirty();
        self.changed = NOTHING;
        self.changed_heap = NOTHING;
    }

    /// Notes that the cell at `offset`, or its first byte, is about to be written.
    #[inline(always)]
    fn note_cell(&mut self, offset: usize) {
        // One comparison; it fails for offsets below `lo`, and always where nothing is noted.
        if offset.wrapping_sub(self.dirty.lo) >= self.dirty_cells {
            self.note_line(offset);
        }
    }

    /// Notes more than the cell, so that a program that writes one byte after the other comes here once in a line.
    #[cold]
    #[inline(never)]
    pub fn note_line(&mut self, offset: usize) {
        self.note_any(Range {
            lo: offset & !(LINE - 1),
            hi: (offset + 8).next_multiple_of(LINE).min(self.len),
        });
    }

    fn note_any(&mut self, range: Range) {
        // A write to the heap must not make all that lies below it look written.
        if range.lo as Cell + BASE >= self.heap.floor() {
            self.dirty_heap.include(range);
        } else {
            self.note(range);
        }
    }

    fn note(&mut self, range: Range) {
        self.dirty.include(range);
        self.dirty_cells = (self.dirty.hi - self.dirty.lo).saturating_sub(7);
    }

    fn forget_dirty(&mut self) {
        self.dirty = NOTHING;
        self.dirty_heap = NOTHING;
        self.dirty_cells = 0;
    }
}

/// Bytes that are noted together.
const LINE: usize = 64;

impl Drop for Memory {
    fn drop(&mut self) {
        let slice = std::ptr::slice_from_raw_parts_mut(self.bytes.as_ptr(), self.len);
        // SAFETY: invariant 1: made from a leaked box of this length, given back once.
        drop(unsafe { Box::from_raw(slice) });
    }
}

const INVALID: TrapKind = TrapKind::Throw(throw::INVALID_ADDRESS);

/// The next multiple of 8.
#[inline(always)]
pub(super) fn aligned(addr: Cell) -> Cell {
    addr.wrapping_add(7) & !7
}

/// Gives `range` of `bytes` the contents of `saved`, and zeros where that ends.
fn fill_from(bytes: &mut [u8], range: Range, saved: &[u8]) {
    let Range { lo, hi } = range;
    if hi == 0 {
        return;
    }
    let middle = saved.len().clamp(lo, hi);
    if lo < middle {
        bytes[lo..middle].copy_from_slice(&saved[lo..middle]);
    }
    bytes[middle..hi].fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    static IMAGE: [u8; 16] = [10, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

    fn memory() -> Memory {
        Memory::new(0x4000, &IMAGE)
    }

    #[test]
    fn addresses_are_checked() {
        let mut memory = memory();
        for (addr, inside) in [
            (0, false),
            (BASE - 1, false),
            (BASE, true),
            (BASE + 0x4000 - 8, true),
            (BASE + 0x4000 - 7, false),
            (BASE + 0x4000, false),
            (-1, false),
            (Cell::MIN, false),
            (Cell::MAX, false),
        ] {
            assert_eq!(memory.fetch(addr).is_some(), inside, "{addr}");
            assert_eq!(memory.store(addr, 1).is_some(), inside, "{addr}");
        }
        assert!(memory.fetch_byte(BASE + 0x3FFF).is_some());
        assert!(memory.fetch_byte(BASE + 0x4000).is_none());
        assert!(memory.string(BASE, 0x4000).is_ok());
        assert!(memory.string(BASE, 0x4001).is_err());
        assert!(memory.string(BASE + 1, 0x4000).is_err());
        assert!(memory.string(BASE, -1).is_err());
        assert!(memory.string(0, 0).is_ok());
        assert!(memory.copy(BASE, BASE + 0x3FFF, 2).is_err());
    }

    #[test]
    fn restore_goes_back_to_the_checkpoint() {
        let mut memory = memory();
        memory.store(USER, 5).unwrap();
        memory.allot(8).unwrap();
        memory.checkpoint();
        memory.store(USER, 6).unwrap();
        memory.store(USER + 0x100, 7).unwrap();
        memory.store_byte(BASE + 8, 99).unwrap();
        memory.allot(100).unwrap();
        memory.restore();
        assert_eq!(memory.fetch(USER), Some(5));
        assert_eq!(memory.fetch(USER + 0x100), Some(0));
        assert_eq!(memory.fetch_byte(BASE + 8), Some(1));
        assert_eq!(memory.here, USER + 8);
    }

    #[test]
    fn reset_goes_back_to_the_image() {
        let mut memory = memory();
        memory.store(BASE, 16).unwrap();
        memory.store(USER, 5).unwrap();
        memory.checkpoint();
        memory.store(USER + 64, 5).unwrap();
        memory.reset();
        assert_eq!(&memory.as_slice()[..16], &IMAGE);
        assert!(memory.as_slice()[16..].iter().all(|byte| *byte == 0));
        memory.store(USER, 1).unwrap();
        memory.restore();
        assert_eq!(memory.fetch(USER), Some(0));
        assert_eq!(memory.fetch(BASE), Some(10));
    }

    #[test]
    fn here_stays_inside() {
        let mut memory = memory();
        assert!(memory.allot(-1).is_err());
        assert!(memory.allot(0x3000).is_ok());
        assert!(memory.comma(1).is_err());
        assert!(memory.allot(Cell::MAX).is_err());
        assert!(memory.allot(-0x3000).is_ok());
        assert_eq!(memory.append(b"abc"), Ok(USER));
        memory.align().unwrap();
        assert_eq!(memory.here, USER + 8);
    }
}
