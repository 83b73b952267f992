//! What a running program has: two stacks, data space, output and fuel. The run loop keeps the busy parts in locals and
//! puts them here when it stops or calls out.

#![allow(unsafe_code, reason = "see `executor`")]

use super::limits::Limits;
use super::memory::{self, Memory};
use super::trap::{TrapKind, throw};
use crate::model::Cell;
use std::ptr::NonNull;

/// A bounded stack's cells.
///
/// Invariant 1: `cells` points to `len` initialised cells that this value owns, from construction until it is dropped.
pub(super) struct Cells {
    cells: NonNull<Cell>,
    len: usize,
}

// SAFETY: invariant 1: the cells are owned by this value alone.
unsafe impl Send for Cells {}

impl Cells {
    fn new(len: usize) -> Self {
        let cells: Box<[Cell]> = vec![0; len].into_boxed_slice();
        Self { cells: NonNull::from(Box::leak(cells)).cast::<Cell>(), len }
    }

    /// For the run loop, which keeps indices below the length it was made with.
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut Cell {
        self.cells.as_ptr()
    }

    #[inline(always)]
    pub fn as_slice(&self) -> &[Cell] {
        // SAFETY: invariant 1.
        unsafe { std::slice::from_raw_parts(self.cells.as_ptr(), self.len) }
    }

    #[inline(always)]
    pub fn as_mut_slice(&mut self) -> &mut [Cell] {
        // SAFETY: invariant 1; the borrow is as unique as `self`.
        unsafe { std::slice::from_raw_parts_mut(self.cells.as_ptr(), self.len) }
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        let slice = std::ptr::slice_from_raw_parts_mut(self.cells.as_ptr(), self.len);
        // SAFETY: invariant 1: made from a leaked box of this length, given back once.
        drop(unsafe { Box::from_raw(slice) });
    }
}

/// A place to go on at, packed into one cell of the return stack: instruction, frame and whether to go on checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Frame(pub Cell);

impl Frame {
    #[inline(always)]
    pub fn new(ip: usize, r_base: usize, checked: bool) -> Self {
        Self((ip as u64 | (r_base as u64) << 32 | (checked as u64) << 63) as Cell)
    }

    #[inline(always)]
    pub fn ip(self) -> usize {
        self.0 as u32 as usize
    }

    #[inline(always)]
    pub fn r_base(self) -> usize {
        (self.0 as u64 >> 32) as usize & 0x7FFF_FFFF
    }

    #[inline(always)]
    pub fn checked(self) -> bool {
        self.0 < 0
    }
}

/// What CATCH leaves on the return stack above its frame: the depth to go back to, and the catch around it.
#[derive(Clone, Copy)]
pub(super) struct CatchFrame(pub Cell);

impl CatchFrame {
    #[inline]
    pub fn new(sp: usize, handler: usize, shadow: usize) -> Self {
        Self((sp as u64 | (handler as u64) << 16 | (shadow as u64) << 32) as Cell)
    }

    pub fn sp(self) -> usize {
        self.0 as u16 as usize
    }

    pub fn handler(self) -> usize {
        (self.0 >> 16) as u16 as usize
    }

    pub fn shadow(self) -> usize {
        (self.0 >> 32) as u16 as usize
    }
}

/// A running program's state.
///
/// The data stack's item number k (from 1 at the bottom) lies at `stack[k]`; `stack[0]` is never an item. The return stack
/// lies at `returns[0..rp]`; cells of the current frame at `returns[r_base..rp]`.
pub(super) struct Machine {
    pub stack: Cells,
    pub returns: Cells,
    pub memory: Memory,
    pub output: Vec<u8>,
    pub sp: usize,
    pub rp: usize,
    pub r_base: usize,
    /// The return depth of the innermost CATCH; 0 for none.
    pub handler: usize,
    pub ip: usize,
    pub checked: bool,
    /// Fuel that the run loop may burn before it looks into the reserve.
    pub fuel: i64,
    /// The rest of the fuel.
    pub reserve: i64,
    /// How much the run loop gets at a time.
    piece: i64,
    /// What is left of the piece apart from `fuel`: short runs share one, so that a word that is run again and again is
    /// sampled, too.
    spare: i64,
    /// A piece was used up since somebody asked.
    pub spent: bool,
    /// Depth of the shadow stack, where one is kept.
    pub shadow_depth: usize,
    /// Start of the pictured number.
    pub hold: Cell,
    pub sp_max: usize,
    pub rp_max: usize,
    output_max: usize,
    /// Takes what is printed as it comes, so that no more than a little is kept.
    sink: Option<Sink>,
}

/// Takes output as it comes.
pub type Sink = Box<dyn FnMut(&[u8]) + Send>;

/// Bytes of output that wait for the sink.
const SINK_BYTES: usize = 4096;

type Result<T> = std::result::Result<T, TrapKind>;

impl Machine {
    pub fn new(limits: &Limits, image: &'static [u8]) -> Self {
        let (sp_max, rp_max) = (limits.stack_cells as usize, limits.return_cells as usize);
        Self {
            stack: Cells::new(sp_max + 1),
            returns: Cells::new(rp_max),
            memory: Memory::new(limits.memory_bytes as usize, image),
            output: Vec::new(),
            sp: 0,
            rp: 0,
            r_base: 0,
            handler: 0,
            ip: 0,
            checked: false,
            fuel: 0,
            reserve: 0,
            piece: i64::MAX,
            spare: i64::MAX,
            spent: false,
            shadow_depth: 0,
            hold: memory::HOLD_END,
            sp_max,
            rp_max,
            output_max: limits.output_bytes as usize,
            sink: None,
        }
    }

    /// The data stack, bottom first.
    #[inline]
    pub fn items(&self) -> &[Cell] {
        &self.stack.as_slice()[1..=self.sp]
    }

    /// Puts these cells where the data stack's items lie; how many there are is for the caller to say. False where they
    /// do not fit.
    #[inline(always)]
    pub fn put_items(&mut self, items: &[Cell]) -> bool {
        let n = items.len();
        // There are just `sp_max` cells from number 1 on.
        let Some(cells) = self.stack.as_mut_slice().get_mut(1..n + 1) else { return false };
        match (items, &mut *cells) {
            // A call to copy one or two cells costs more than the word that is tested.
            ([a], [x]) => *x = *a,
            ([a, b], [x, y]) => {
                *x = *a;
                *y = *b;
            }
            _ => cells.copy_from_slice(items),
        }
        true
    }

    /// Enters a frame, for which there must be room, to go back to this one.
    #[inline(always)]
    pub fn push_frame(&mut self, outer: Frame) {
        let rp = self.rp;
        self.returns.as_mut_slice()[rp] = outer.0;
        self.rp = rp + 1;
        self.r_base = rp + 1;
    }

    /// Takes the top item.
    #[inline]
    pub fn pop(&mut self) -> Result<Cell> {
        if self.sp == 0 {
            return Err(TrapKind::Throw(throw::STACK_UNDERFLOW));
        }
        let value = self.stack.as_slice()[self.sp];
        self.sp -= 1;
        Ok(value)
    }

    /// Puts an item on top.
    #[inline]
    pub fn push(&mut self, value: Cell) -> Result<()> {
        if self.sp == self.sp_max {
            return Err(TrapKind::Throw(throw::STACK_OVERFLOW));
        }
        self.sp += 1;
        let sp = self.sp;
        self.stack.as_mut_slice()[sp] = value;
        Ok(())
    }

    /// Takes two items, the top one last.
    pub fn pop2(&mut self) -> Result<(Cell, Cell)> {
        let top = self.pop()?;
        Ok((self.pop()?, top))
    }

    /// Takes a double number.
    pub fn pop_double(&mut self) -> Result<i128> {
        let (low, high) = self.pop2()?;
        Ok(double(low, high))
    }

    /// Puts a double number on top.
    pub fn push_double(&mut self, value: i128) -> Result<()> {
        self.push(value as Cell)?;
        self.push((value >> 64) as Cell)
    }

    /// Burns fuel.
    pub fn burn(&mut self, fuel: i64) -> Result<()> {
        self.fuel = self.fuel.saturating_sub(fuel);
        if self.fuel >= 0 {
            return Ok(());
        }
        self.fuel = self.refill(self.fuel).ok_or(TrapKind::Fuel)?;
        Ok(())
    }

    /// Gives a run this much fuel.
    #[inline(always)]
    pub fn set_fuel(&mut self, fuel: i64) {
        // Where all that was left of the piece was given, what is left now is no more than the same fuel allows.
        if self.spare != 0 {
            let left = self.fuel + self.spare;
            self.fuel = fuel.min(left);
            self.spare = left - self.fuel;
        }
        // Wraps where `fuel` is the largest number and the last run ended overdrawn; their sum does not.
        self.reserve = fuel.wrapping_sub(self.fuel);
    }

    /// The next run may be given less fuel than the last.
    pub fn change_fuel(&mut self) {
        self.spare += self.fuel;
        self.reserve = self.reserve.wrapping_add(self.fuel);
        self.fuel = 0;
    }

    /// Begins a new piece of the fuel that is left: machine code has burned some that was never given.
    pub fn begin_piece(&mut self) {
        let left = self.fuel_left();
        self.fuel = left.min(self.piece);
        self.spare = self.piece - self.fuel;
        self.reserve = left - self.fuel;
    }

    /// From now on the run loop gets so much at a time.
    pub fn set_piece(&mut self, piece: i64) {
        self.piece = piece;
        // Negative where more is given already.
        self.spare = self.fuel.saturating_add(self.spare).min(piece) - self.fuel;
    }

    /// All the fuel that is left.
    #[inline(always)]
    pub fn fuel_left(&self) -> i64 {
        self.fuel.wrapping_add(self.reserve)
    }

    /// The next piece of fuel, where the last is overdrawn by `-fuel`. `None` when all is burned.
    #[cold]
    #[inline(never)]
    pub fn refill(&mut self, fuel: i64) -> Option<i64> {
        let left = fuel.wrapping_add(std::mem::take(&mut self.reserve));
        if left < 0 {
            return None;
        }
        self.spent = true;
        let given = left.min(self.piece);
        self.spare = self.piece - given;
        self.reserve = left - given;
        Some(given)
    }

    /// Hands the output to a sink from now on; it has no bound then.
    pub fn set_sink(&mut self, sink: Option<Sink>, limits: &Limits) {
        self.output_max = if sink.is_some() { usize::MAX } else { limits.output_bytes as usize };
        self.sink = sink;
    }

    /// Hands what was printed to the sink, if there is one.
    pub fn flush(&mut self) {
        if let Some(sink) = &mut self.sink {
            sink(&self.output);
            self.output.clear();
        }
    }

    /// Writes to the output.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > self.output_max - self.output.len() {
            return Err(TrapKind::Output);
        }
        self.output.extend_from_slice(bytes);
        if self.sink.is_some() && (self.output.len() >= SINK_BYTES || bytes.ends_with(b"\n")) {
            self.flush();
        }
        Ok(())
    }

    /// Writes a string of data space.
    pub fn write_from_memory(&mut self, addr: Cell, len: Cell) -> Result<()> {
        let text = self.memory.string(addr, len)?;
        if text.len() > self.output_max - self.output.len() {
            return Err(TrapKind::Output);
        }
        self.output.extend_from_slice(text);
        self.write(&[])
    }

    /// Writes a byte so many times.
    pub fn write_repeated(&mut self, byte: u8, n: Cell) -> Result<()> {
        let n = n.max(0) as u64;
        self.burn(super::fuel::of_bytes(n))?;
        if n > (self.output_max - self.output.len()) as u64 {
            return Err(TrapKind::Output);
        }
        let mut left = n as usize;
        while left > 0 {
            // With a sink there is no bound, so this goes piece by piece.
            let piece = left.min(SINK_BYTES);
            self.output.resize(self.output.len() + piece, byte);
            self.write(&[])?;
            left -= piece;
        }
        Ok(())
    }

    /// Goes to the innermost CATCH with an exception code. False where there is none.
    pub fn unwind(&mut self, code: Cell) -> bool {
        if self.handler == 0 {
            return false;
        }
        let returns = self.returns.as_slice();
        let caught = CatchFrame(returns[self.handler - 1]);
        let frame = Frame(returns[self.handler - 2]);
        self.rp = self.handler - 2;
        self.handler = caught.handler();
        self.shadow_depth = caught.shadow();
        self.r_base = frame.r_base();
        self.ip = frame.ip();
        self.checked = frame.checked();
        // CATCH took a token from above this depth, so there is room for the code.
        self.sp = caught.sp() + 1;
        let sp = self.sp;
        self.stack.as_mut_slice()[sp] = code;
        true
    }
}

/// A double number from its halves.
#[inline(always)]
pub(super) fn double(low: Cell, high: Cell) -> i128 {
    (high as i128) << 64 | low as u64 as i128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_keep_what_they_are_given() {
        for (ip, r_base, checked) in
            [(0, 0, false), (5, 7, true), (u32::MAX as usize, 65_000, true), (1 << 28, 1, false)]
        {
            let frame = Frame::new(ip, r_base, checked);
            assert_eq!((frame.ip(), frame.r_base(), frame.checked()), (ip, r_base, checked));
        }
        let caught = CatchFrame::new(65_000, 64_999, 64_998);
        assert_eq!((caught.sp(), caught.handler(), caught.shadow()), (65_000, 64_999, 64_998));
    }

    #[test]
    fn doubles_are_low_then_high() {
        assert_eq!(double(1, 0), 1);
        assert_eq!(double(-1, -1), -1);
        assert_eq!(double(0, 1), 1 << 64);
    }
}
