//! What a program may use. Every bound has one field here and one trap when it is reached.

/// The bounds of one engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Fuel of one `execute` or `load`; running out is [`TrapKind::Fuel`](super::TrapKind::Fuel).
    pub fuel: u64,
    /// Cells of the data stack; more is exception -3. At most 65,000.
    pub stack_cells: u32,
    /// Cells of the return stack, one for each call; more is exception -5. At most 65,000.
    pub return_cells: u32,
    /// Bytes of data space, the system's own 4 KiB included; allotting more is exception -8.
    pub memory_bytes: u32,
    /// Bytes of output; more is [`TrapKind::Output`](super::TrapKind::Output).
    pub output_bytes: u32,
    /// Instructions of compiled code above the image; more is exception -8.
    pub code_ops: u32,
    /// Words defined above the image; more is exception -8.
    pub dictionary_words: u32,
    /// Bytes of source text kept for one engine between resets; more is exception -18.
    pub source_bytes: u32,
    /// How deep source may nest (EVALUATE, INCLUDED and the like within each other); more is exception -5.
    pub nesting: u32,
    /// Bytes of all files together; more is an ior.
    pub file_bytes: u32,
    /// How many files there may be; more is an ior.
    pub files: u32,
    /// How many files may be open at once; more is an ior.
    pub files_open: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 1_000_000,
            stack_cells: 1024,
            return_cells: 1024,
            memory_bytes: 1 << 20,
            output_bytes: 65_536,
            code_ops: 1 << 20,
            dictionary_words: 1 << 16,
            source_bytes: 16 << 20,
            nesting: 16,
            file_bytes: 1 << 20,
            files: 64,
            files_open: 16,
        }
    }
}

impl Limits {
    /// The same limits with every field inside what the engine's packed frames can hold.
    pub(super) fn clamped(self) -> Self {
        Self {
            fuel: self.fuel.min(i64::MAX as u64),
            stack_cells: self.stack_cells.clamp(16, 65_000),
            return_cells: self.return_cells.clamp(16, 65_000),
            memory_bytes: self.memory_bytes.clamp(16_384, 1 << 30),
            source_bytes: self.source_bytes.min(1 << 30),
            code_ops: self.code_ops.min(1 << 28),
            dictionary_words: self.dictionary_words.min(1 << 24),
            nesting: self.nesting.min(64),
            ..self
        }
    }
}
