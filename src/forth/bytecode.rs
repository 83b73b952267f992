//! The instructions: eight bytes each, and one table of what each does to the stacks. Both the proof of stack depths and
//! the checked interpreter go by that table, so it is the one place to be right.

use super::fuse::fuses;
use super::words::Word;

/// One instruction. What `a`, `b` and `c` mean depends on the operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub(super) struct Instr {
    pub op: Op,
    pub a: u8,
    pub b: u16,
    pub c: i32,
}

impl Instr {
    #[inline(always)]
    pub const fn new(op: Op) -> Self {
        Self { op, a: 0, b: 0, c: 0 }
    }

    #[inline(always)]
    pub const fn with(op: Op, c: i32) -> Self {
        Self { op, a: 0, b: 0, c }
    }
}

/// What an instruction does to the stacks when control goes on behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effect {
    /// Cells that must lie on the data stack.
    pub need: u8,
    /// Cells by which the data stack grows at its highest, before or at the end.
    pub peak: u8,
    /// Change of the data stack's depth.
    pub delta: i8,
    /// Cells of the current frame that must lie on the return stack.
    pub r_need: u8,
    /// Change of the return stack's depth.
    pub r_delta: i8,
}

impl Effect {
    pub const fn new(need: u8, out: u8, r_need: u8, r_out: u8) -> Self {
        let peak = out.saturating_sub(need);
        Self { need, peak, delta: out as i8 - need as i8, r_need, r_delta: r_out as i8 - r_need as i8 }
    }

    /// The same with cells in between that are gone at the end.
    const fn peaking(self, peak: u8) -> Self {
        Self { peak, ..self }
    }
}

/// `need` of a word whose depths are not proven: no stack is ever that deep.
pub(super) const UNPROVEN: u16 = u16::MAX;

/// In the `a` of `More`: the word has machine code.
pub(super) const NATIVE: u8 = 1;
/// In the `a` of `More`: the word is proven, one straight line of [plain](Op::is_plain) operations.
pub(super) const PLAIN: u8 = 2;
/// In the `a` of `More`: the word is proven, a leaf: plain operations and [jumps](Op::is_leaf), no more.
pub(super) const LEAF: u8 = 4;

macro_rules! ops {
    ($($(#[$doc:meta])* $name:ident $need:literal $out:literal $r_need:literal $r_out:literal $(peak $peak:literal)?
       $(jumps $jumps:ident)?,)*) => {
        /// An operation.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(super) enum Op { $($(#[$doc])* $name,)* }

        /// The effect of each operation, by its number.
        static EFFECTS: [Effect; 256] =
            by_number(&[$(Effect::new($need, $out, $r_need, $r_out)$(.peaking($peak))?,)*], Effect::new(0, 0, 0, 0));

        /// Where each operation may jump to, by its number.
        static JUMPS: [Jumps; 256] = by_number(&[$(first!($(Jumps::$jumps,)? Jumps::Nowhere,),)*], Jumps::Nowhere);

        #[cfg(any(test, fuzzing))]
        pub(super) static ALL_OPS: &[Op] = &[$(Op::$name,)*];
    };
}

/// A table that needs no comparison when a byte indexes it.
const fn by_number<T: Copy>(rows: &[T], rest: T) -> [T; 256] {
    let mut table = [rest; 256];
    let mut row = 0;
    while row < rows.len() {
        table[row] = rows[row];
        row += 1;
    }
    table
}

macro_rules! first {
    ($first:expr, $($rest:tt)*) => {
        $first
    };
}

/// Whether an operation may jump to its `c`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Jumps {
    /// Control goes on behind it, or the operation is a case of its own.
    Nowhere,
    /// Control goes on behind it or at `c`, with the same stacks.
    Perhaps,
    /// Control goes on at `c`.
    Always,
}

ops! {
    // First stands what a straight line is made of: the plain operations, then its end.
    /// c = the number.
    Lit 0 1 0 0,
    // Stack
    Dup 1 2 0 0,
    Drop 1 0 0 0,
    Swap 2 2 0 0,
    Over 2 3 0 0,
    Rot 3 3 0 0,
    MinusRot 3 3 0 0,
    Nip 2 1 0 0,
    Tuck 2 3 0 0,
    TwoDup 2 4 0 0,
    TwoDrop 2 0 0 0,
    TwoSwap 4 4 0 0,
    TwoOver 4 6 0 0,
    Depth 0 1 0 0,
    // Arithmetic and logic
    Add 2 1 0 0,
    Sub 2 1 0 0,
    Mul 2 1 0 0,
    Div 2 1 0 0,
    Mod 2 1 0 0,
    DivMod 2 2 0 0,
    OnePlus 1 1 0 0,
    OneMinus 1 1 0 0,
    TwoStar 1 1 0 0,
    TwoSlash 1 1 0 0,
    Negate 1 1 0 0,
    Abs 1 1 0 0,
    Min 2 1 0 0,
    Max 2 1 0 0,
    LShift 2 1 0 0,
    RShift 2 1 0 0,
    And 2 1 0 0,
    Or 2 1 0 0,
    Xor 2 1 0 0,
    Invert 1 1 0 0,
    Cells 1 1 0 0,
    CellPlus 1 1 0 0,
    Aligned 1 1 0 0,
    /// `chars`: nothing but its need.
    Same 1 1 0 0,
    // Comparison
    Equal 2 1 0 0,
    NotEqual 2 1 0 0,
    Less 2 1 0 0,
    Greater 2 1 0 0,
    LessEq 2 1 0 0,
    GreaterEq 2 1 0 0,
    ULess 2 1 0 0,
    UGreater 2 1 0 0,
    ZeroEqual 1 1 0 0,
    ZeroNotEqual 1 1 0 0,
    ZeroLess 1 1 0 0,
    ZeroGreater 1 1 0 0,
    Within 3 1 0 0,
    // Double
    SToD 1 2 0 0,
    DToS 2 1 0 0,
    DAdd 4 2 0 0,
    DSub 4 2 0 0,
    MStar 2 2 0 0,
    UMStar 2 2 0 0,
    // Fused
    LitAdd 1 1 0 0 peak 1,
    LitMul 1 1 0 0 peak 1,
    LitAnd 1 1 0 0 peak 1,
    LitLShift 1 1 0 0 peak 1,
    LitRShift 1 1 0 0 peak 1,
    /// A positive literal.
    LitDiv 1 1 0 0 peak 1,
    /// A positive literal.
    LitMod 1 1 0 0 peak 1,
    DupLitAdd 1 2 0 0 peak 2,
    /// `swap 1+ swap` and the like.
    UnderLitAdd 2 2 0 0 peak 1,
    DupMul 1 1 0 0 peak 1,
    OverAdd 2 2 0 0 peak 1,
    TuckMod 2 2 0 0 peak 1,
    /// Leaves a word. a = cells of locals to drop.
    Return 0 0 0 0,
    // Jumps, which with all before make a leaf.
    Jump 0 0 0 0 jumps Always,
    /// b = fuel.
    JumpBack 0 0 0 0 jumps Always,
    BranchZero 1 0 0 0 jumps Perhaps,
    /// b = fuel.
    BranchZeroBack 1 0 0 0 jumps Perhaps,
    BranchNonZero 1 0 0 0 jumps Perhaps,
    /// b = fuel.
    BranchNonZeroBack 1 0 0 0 jumps Perhaps,
    DupBranchZero 1 1 0 0 peak 1 jumps Perhaps,
    DupBranchNonZero 1 1 0 0 peak 1 jumps Perhaps,
    // Jumps where the comparison does not hold, each in four forms: `<`, `5 <`, `dup 5 <`, `2dup <`.
    BranchEqual 2 0 0 0 jumps Perhaps,
    BranchNotEqual 2 0 0 0 jumps Perhaps,
    BranchLess 2 0 0 0 jumps Perhaps,
    BranchGreater 2 0 0 0 jumps Perhaps,
    BranchLessEq 2 0 0 0 jumps Perhaps,
    BranchGreaterEq 2 0 0 0 jumps Perhaps,
    LitBranchEqual 1 0 0 0 peak 1 jumps Perhaps,
    LitBranchNotEqual 1 0 0 0 peak 1 jumps Perhaps,
    LitBranchLess 1 0 0 0 peak 1 jumps Perhaps,
    LitBranchGreater 1 0 0 0 peak 1 jumps Perhaps,
    LitBranchLessEq 1 0 0 0 peak 1 jumps Perhaps,
    LitBranchGreaterEq 1 0 0 0 peak 1 jumps Perhaps,
    DupLitBranchEqual 1 1 0 0 peak 2 jumps Perhaps,
    DupLitBranchNotEqual 1 1 0 0 peak 2 jumps Perhaps,
    DupLitBranchLess 1 1 0 0 peak 2 jumps Perhaps,
    DupLitBranchGreater 1 1 0 0 peak 2 jumps Perhaps,
    DupLitBranchLessEq 1 1 0 0 peak 2 jumps Perhaps,
    DupLitBranchGreaterEq 1 1 0 0 peak 2 jumps Perhaps,
    TwoDupBranchEqual 2 2 0 0 peak 2 jumps Perhaps,
    TwoDupBranchNotEqual 2 2 0 0 peak 2 jumps Perhaps,
    TwoDupBranchLess 2 2 0 0 peak 2 jumps Perhaps,
    TwoDupBranchGreater 2 2 0 0 peak 2 jumps Perhaps,
    TwoDupBranchLessEq 2 2 0 0 peak 2 jumps Perhaps,
    TwoDupBranchGreaterEq 2 2 0 0 peak 2 jumps Perhaps,

    // What stands before a word; never executed. Head: a = 1 in a quotation, c = execution token. Enter: a = delta as i8, b = cells needed or
    // UNPROVEN, c = how much deeper the stack may be. More: a = NATIVE, PLAIN or LEAF, b = highest return depth at entry, c = fuel.
    Head 0 0 0 0,
    Enter 0 0 0 0,
    More 0 0 0 0,
    // Ends of things, and `Return` above.
    /// Returns to the host.
    Stop 0 0 0 0,
    /// A caught word came back without an exception.
    CatchEnd 0 1 0 0,
    // Literals, and `Lit` above.
    /// c = index of the constant.
    LitWide 0 1 0 0,
    // Calls
    /// c = the callee's `Enter`.
    Call 0 0 0 0,
    Execute 1 0 0 0,
    Catch 1 0 0 0,
    Throw 1 0 0 0,
    /// A word done out of line. c = number of the word.
    Prim 0 0 0 0,
    /// A word that needs the dictionary or the source. c = number of the word.
    Host 0 0 0 0,
    /// Gives the newest created word the code behind it. c = that code's `Enter`.
    SetDoes 0 0 0 0,
    /// A word that may only be compiled.
    CompileOnly 0 0 0 0,
    /// Not plain: its division of 128 bits is a call.
    UMSlashMod 3 2 0 0,
    // Control, and the jumps above.
    /// `?dup if`: jumps over zero, which it drops.
    QDupBranchZero 1 1 0 0 peak 1,
    /// `?dup 0= if`: jumps over anything but zero, and keeps it.
    QDupBranchNonZero 1 0 0 0 peak 1,
    Do 2 0 0 2,
    QDo 2 0 0 2,
    /// b = fuel.
    Loop 0 0 2 0,
    /// b = fuel.
    PlusLoop 1 0 2 0,
    Unloop 0 0 2 0,
    Of 2 0 0 0,
    // Return stack
    ToR 1 0 0 1,
    RFrom 0 1 1 0,
    RFetch 0 1 1 1,
    TwoToR 2 0 0 2,
    TwoRFrom 0 2 2 0,
    TwoRFetch 0 2 2 2,
    /// `n>r`: moves a counted row of items.
    NToR 1 0 0 0,
    NRFrom 0 1 1 0,
    I 0 1 2 2,
    J 0 1 4 4,
    /// Moves a cells to the return stack, the top last. They are the frame's locals, behind b earlier ones.
    LocalsInit 0 0 0 0,
    /// c = which local.
    LocalGet 0 1 0 0,
    LocalSet 1 0 0 0,
    /// The room for the copy is checked when it is made.
    QDup 1 1 0 0,
    Pick 1 1 0 0,
    /// `2 pick` and the like. c = how deep.
    PickAt 0 1 0 0,
    // Memory
    Fetch 1 1 0 0,
    Store 2 0 0 0,
    CFetch 1 1 0 0,
    CStore 2 0 0 0,
    TwoFetch 1 2 0 0,
    TwoStore 3 0 0 0,
    PlusStore 2 0 0 0,
    Count 1 2 0 0,
    /// c = the address.
    FetchAt 0 1 0 0,
    StoreAt 1 0 0 0,
    // Fused. The name tells the words; a literal is in c, or in b where c is a target.
    IAdd 1 1 2 2 peak 1,
    JAdd 1 1 4 4 peak 1,
    /// `i cells +`.
    ICellsAdd 1 1 2 2 peak 1,
    ICells 0 1 2 2,
    DupFetch 1 2 0 0,
    CellPlusFetch 1 1 0 0,
    AddFetch 2 1 0 0,
    AddCFetch 2 1 0 0,
    LitFetch 0 1 0 0,
    LitStore 1 0 0 0 peak 1,
    LitPlusStore 1 0 0 0 peak 1,
}

impl Op {
    /// What the operation does to the stacks, as far as the operation alone says.
    #[inline(always)]
    pub fn effect(self) -> Effect {
        EFFECTS[self as usize]
    }

    /// Whether and when it jumps to its `c`.
    #[inline(always)]
    pub fn jumps(self) -> Jumps {
        JUMPS[self as usize]
    }

    /// Whether it works on the data stack alone, with the effect that its row says: no jump, no call, no memory, no
    /// return stack, nothing out of line.
    #[inline(always)]
    pub const fn is_plain(self) -> bool {
        (self as u8) < Op::Return as u8
    }

    /// Whether it may stand in a leaf: it is plain, the end of a word, or a jump that needs no more than the data stack.
    #[inline(always)]
    pub const fn is_leaf(self) -> bool {
        (self as u8) < Op::Head as u8
    }

    /// Whether it is a jump back of a leaf, which burns fuel.
    #[inline(always)]
    pub const fn burns(self) -> bool {
        matches!(self, Op::JumpBack | Op::BranchZeroBack | Op::BranchNonZeroBack)
    }
}

/// The operation that does all that a word does, for words that are one operation.
pub(super) const fn op_of(word: Word) -> Option<Op> {
    Some(match word {
        Word::Dup => Op::Dup,
        Word::Drop => Op::Drop,
        Word::Swap => Op::Swap,
        Word::Over => Op::Over,
        Word::Rot => Op::Rot,
        Word::MinusRot => Op::MinusRot,
        Word::Nip => Op::Nip,
        Word::Tuck => Op::Tuck,
        Word::TwoDup => Op::TwoDup,
        Word::TwoDrop => Op::TwoDrop,
        Word::TwoSwap => Op::TwoSwap,
        Word::TwoOver => Op::TwoOver,
        Word::QDup => Op::QDup,
        Word::Pick => Op::Pick,
        Word::Depth => Op::Depth,
        Word::Plus => Op::Add,
        Word::Minus => Op::Sub,
        Word::Star => Op::Mul,
        Word::Slash => Op::Div,
        Word::Mod => Op::Mod,
        Word::SlashMod => Op::DivMod,
        Word::OnePlus | Word::CharPlus => Op::OnePlus,
        Word::OneMinus => Op::OneMinus,
        Word::TwoStar => Op::TwoStar,
        Word::TwoSlash => Op::TwoSlash,
        Word::Negate => Op::Negate,
        Word::Abs => Op::Abs,
        Word::Min => Op::Min,
        Word::Max => Op::Max,
        Word::LShift => Op::LShift,
        Word::RShift => Op::RShift,
        Word::And => Op::And,
        Word::Or => Op::Or,
        Word::Xor => Op::Xor,
        Word::Invert => Op::Invert,
        Word::Equals => Op::Equal,
        Word::NotEquals => Op::NotEqual,
        Word::Less => Op::Less,
        Word::Greater => Op::Greater,
        Word::LessEq => Op::LessEq,
        Word::GreaterEq => Op::GreaterEq,
        Word::ULess => Op::ULess,
        Word::UGreater => Op::UGreater,
        Word::ZeroEquals => Op::ZeroEqual,
        Word::ZeroNotEquals => Op::ZeroNotEqual,
        Word::ZeroLess => Op::ZeroLess,
        Word::ZeroGreater => Op::ZeroGreater,
        Word::Within => Op::Within,
        Word::SToD => Op::SToD,
        Word::DToS => Op::DToS,
        Word::DPlus => Op::DAdd,
        Word::DMinus => Op::DSub,
        Word::MStar => Op::MStar,
        Word::UMStar => Op::UMStar,
        Word::UMSlashMod => Op::UMSlashMod,
        Word::Fetch => Op::Fetch,
        Word::Store => Op::Store,
        Word::CFetch => Op::CFetch,
        Word::CStore => Op::CStore,
        Word::TwoFetch => Op::TwoFetch,
        Word::TwoStore => Op::TwoStore,
        Word::PlusStore => Op::PlusStore,
        Word::Cells => Op::Cells,
        Word::CellPlus => Op::CellPlus,
        Word::Chars => Op::Same,
        Word::Aligned => Op::Aligned,
        Word::Count => Op::Count,
        Word::ToR => Op::ToR,
        Word::RFrom => Op::RFrom,
        Word::RFetch => Op::RFetch,
        Word::TwoToR => Op::TwoToR,
        Word::TwoRFrom => Op::TwoRFrom,
        Word::TwoRFetch => Op::TwoRFetch,
        Word::NToR => Op::NToR,
        Word::NRFrom => Op::NRFrom,
        Word::I => Op::I,
        Word::J => Op::J,
        Word::Unloop => Op::Unloop,
        Word::Execute => Op::Execute,
        Word::Throw => Op::Throw,
        Word::Catch => Op::Catch,
        _ => return None,
    })
}

/// [`op_of`] by the number of the word, and whether that operation [may fuse](fuses) with those before it.
pub(super) static SIMPLE: [(Option<Op>, bool); 512] = {
    let mut table = [(None, false); 512];
    let mut row = 0;
    while row < WORD_COUNT {
        let op = op_of(super::words::WORDS[row].word);
        table[row] = (op, matches!(op, Some(op) if fuses(op)));
        row += 1;
    }
    table
};

/// How many words the table of words has.
pub(super) const WORD_COUNT: usize = super::words::WORDS.len();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forth::words::{Kind, WORDS};

    #[test]
    fn effects_agree_with_the_table_of_words() {
        for row in WORDS {
            let Some(op) = op_of(row.word) else { continue };
            if matches!(row.kind, Kind::Dynamic) {
                continue;
            }
            let effect = op.effect();
            assert_eq!(
                (effect.need, effect.delta),
                (row.n_in, row.n_out as i8 - row.n_in as i8),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn instructions_are_eight_bytes() {
        assert_eq!(std::mem::size_of::<Instr>(), 8);
        assert!(ALL_OPS.len() < 256);
        assert!(ALL_OPS.iter().enumerate().all(|(i, op)| *op as usize == i));
    }
}
