//! The booted system: code and memory that every engine starts with. Made once, never changed, shared by all threads; an
//! engine copies the code and the memory's beginning when it is made, so a reset has nothing to boot.

use super::bytecode::{Instr, Op, op_of};
use super::code::{CATCH_END, Code, STOP};
use super::memory::VAR_BASE;
use super::prims;
use super::translator::{Translator, is_control};
use super::words::{WORDS, Word};
use std::sync::LazyLock;

/// The booted system.
pub struct Image {
    pub(super) code: Code,
    /// The first bytes of data space.
    pub(super) memory: Vec<u8>,
}

impl Image {
    /// Boots.
    pub fn boot() -> Self {
        let mut code = Code::default();
        assert_eq!((code.instrs.len(), STOP, CATCH_END), (0, 0, 1));
        code.push(Instr::new(Op::Stop), 0);
        code.push(Instr::new(Op::CatchEnd), 0);
        for (row, def) in WORDS.iter().enumerate() {
            let enter = code.begin(row as u32, 0);
            code.push(instruction_of(def.word), 0);
            code.push(Instr::new(Op::Return), 0);
            code.enters.push(enter);
        }
        let memory = 10i64.to_le_bytes().to_vec();
        assert_eq!(VAR_BASE, super::memory::BASE);
        Self { code, memory }
    }

    /// The image that everything uses, booted at the first call.
    pub fn shared() -> &'static Image {
        static SHARED: LazyLock<Image> = LazyLock::new(Image::boot);
        &SHARED
    }

    /// A copy of the code with the words proven for these stacks.
    pub(super) fn code_for(&self, translator: &mut Translator, room: super::prove::Room) -> Code {
        let mut code = self.code.clone();
        for row in 0..code.enters.len() {
            let enter = code.enters[row] as usize;
            translator.prove(&mut code, enter, enter + 4, room);
        }
        code
    }
}

/// The one instruction that does a word's interpretation.
fn instruction_of(word: Word) -> Instr {
    match op_of(word) {
        // What acts on the frame of its caller has no meaning as a word of its own.
        Some(Op::ToR | Op::RFrom | Op::RFetch | Op::TwoToR | Op::TwoRFrom | Op::TwoRFetch) => {
            Instr::new(Op::CompileOnly)
        }
        Some(Op::I | Op::J | Op::Unloop | Op::NToR | Op::NRFrom) => Instr::new(Op::CompileOnly),
        Some(op) => Instr::new(op),
        None if prims::is_prim(word) => Instr::with(Op::Prim, word as i32),
        None => Instr::with(Op::Host, word as i32),
    }
}

/// Words without interpretation semantics, apart from control flow.
pub(super) const fn is_compile_only(word: Word) -> bool {
    use Word::*;
    matches!(
        word,
        Semicolon
            | Does
            | BracketChar
            | BracketTick
            | Literal
            | TwoLiteral
            | Postpone
            | LocalsOpen
            | LocalsBar
            | AbortQuote
            | CQuote
            | SLiteral
            | BracketCompile
            | QuotationOpen
            | QuotationClose
    )
}

/// Words that act while compiling, rather than being compiled.
pub(super) const fn is_immediate(word: Word) -> bool {
    use Word::*;
    is_control(word)
        || is_compile_only(word)
        || acts_always(word)
        || matches!(word, DotQuote | SQuote | SBackslashQuote | To | Is | ActionOf)
}

/// Words that do the same while compiling and while interpreting.
pub(super) const fn acts_always(word: Word) -> bool {
    use Word::*;
    matches!(
        word,
        Paren
            | Backslash
            | DotParen
            | LeftBracket
            | BracketIf
            | BracketElse
            | BracketThen
            | BracketDefined
            | BracketUndefined
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_code() {
        let image = Image::shared();
        assert_eq!(image.code.enters.len(), WORDS.len());
        for (row, enter) in image.code.enters.iter().enumerate() {
            assert_eq!(image.code.xt_of_enter(*enter as usize), row as u32);
            assert_eq!(image.code.xt_at(*enter as usize + 3), Some(row as u32));
        }
    }
}
