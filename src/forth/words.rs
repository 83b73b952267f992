//! The one table of the words that wordmill knows: name, stack counts, kind. The compiler turns them into bytecode, `effect`
//! gives them symbolic meaning, `synth` draws its vocabulary from here.
//!
//! Names follow Forth 2012; `-rot`, `<=`, `>=`, `[:` and `;]` are common practice outside the standard. A name that begins
//! with a space is the run-time part of another word: text cannot name it.

/// What kind of word it is, as far as inference and compilation differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only moves cells about.
    Stack,
    /// A pure function of cells.
    Op,
    /// A pure function of cells that gives a flag.
    Flag,
    /// Reads or writes memory.
    Memory,
    /// Writes output or touches the number formatting buffer.
    Io,
    /// Moves cells to or from the return stack, or reads loop parameters.
    Return,
    /// A control-flow word, acting at compile time.
    Control,
    /// Its effect depends on run-time values.
    Dynamic,
    /// Makes or ends a definition.
    Defining,
    /// Reads on in the source.
    Parsing,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct WordDef {
    /// Which word.
    pub word: Word,
    /// Its name in lower case.
    pub name: &'static str,
    /// Cells it takes from the data stack, where that is fixed.
    pub n_in: u8,
    /// Cells it leaves on the data stack, where that is fixed.
    pub n_out: u8,
    /// Its kind.
    pub kind: Kind,
}

macro_rules! words {
    ($($variant:ident $name:literal $n_in:literal $n_out:literal $kind:ident,)*) => {
        /// A word of the table; the number is its row in [`WORDS`].
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u16)]
        #[allow(missing_docs, reason = "each variant is the word that its row in the table names")]
        pub enum Word { $($variant,)* }

        /// All rows, by the number of the word.
        pub static WORDS: &[WordDef] = &[$(WordDef {
            word: Word::$variant, name: $name, n_in: $n_in, n_out: $n_out, kind: Kind::$kind,
        },)*];
    };
}

words! {
    // Stack
    Dup "dup" 1 2 Stack,
    Drop "drop" 1 0 Stack,
    Swap "swap" 2 2 Stack,
    Over "over" 2 3 Stack,
    Rot "rot" 3 3 Stack,
    MinusRot "-rot" 3 3 Stack,
    Nip "nip" 2 1 Stack,
    Tuck "tuck" 2 3 Stack,
    TwoDup "2dup" 2 4 Stack,
    TwoDrop "2drop" 2 0 Stack,
    TwoSwap "2swap" 4 4 Stack,
    TwoOver "2over" 4 6 Stack,
    TwoRot "2rot" 6 6 Stack,
    QDup "?dup" 1 1 Dynamic,
    Pick "pick" 1 1 Dynamic,
    Roll "roll" 1 0 Dynamic,
    Depth "depth" 0 1 Dynamic,
    // Arithmetic
    Plus "+" 2 1 Op,
    Minus "-" 2 1 Op,
    Star "*" 2 1 Op,
    Slash "/" 2 1 Op,
    Mod "mod" 2 1 Op,
    SlashMod "/mod" 2 2 Op,
    StarSlash "*/" 3 1 Op,
    StarSlashMod "*/mod" 3 2 Op,
    OnePlus "1+" 1 1 Op,
    OneMinus "1-" 1 1 Op,
    TwoStar "2*" 1 1 Op,
    TwoSlash "2/" 1 1 Op,
    Negate "negate" 1 1 Op,
    Abs "abs" 1 1 Op,
    Min "min" 2 1 Op,
    Max "max" 2 1 Op,
    LShift "lshift" 2 1 Op,
    RShift "rshift" 2 1 Op,
    And "and" 2 1 Op,
    Or "or" 2 1 Op,
    Xor "xor" 2 1 Op,
    Invert "invert" 1 1 Op,
    // Comparison
    Equals "=" 2 1 Flag,
    NotEquals "<>" 2 1 Flag,
    Less "<" 2 1 Flag,
    Greater ">" 2 1 Flag,
    LessEq "<=" 2 1 Flag,
    GreaterEq ">=" 2 1 Flag,
    ULess "u<" 2 1 Flag,
    UGreater "u>" 2 1 Flag,
    ZeroEquals "0=" 1 1 Flag,
    ZeroNotEquals "0<>" 1 1 Flag,
    ZeroLess "0<" 1 1 Flag,
    ZeroGreater "0>" 1 1 Flag,
    Within "within" 3 1 Flag,
    True "true" 0 1 Flag,
    False "false" 0 1 Flag,
    // Double
    SToD "s>d" 1 2 Op,
    DToS "d>s" 2 1 Op,
    DPlus "d+" 4 2 Op,
    DMinus "d-" 4 2 Op,
    DNegate "dnegate" 2 2 Op,
    DAbs "dabs" 2 2 Op,
    DTwoStar "d2*" 2 2 Op,
    DTwoSlash "d2/" 2 2 Op,
    DLess "d<" 4 1 Flag,
    DULess "du<" 4 1 Flag,
    DEquals "d=" 4 1 Flag,
    DZeroEquals "d0=" 2 1 Flag,
    DZeroLess "d0<" 2 1 Flag,
    DMin "dmin" 4 2 Op,
    DMax "dmax" 4 2 Op,
    MPlus "m+" 3 2 Op,
    MStar "m*" 2 2 Op,
    UMStar "um*" 2 2 Op,
    UMSlashMod "um/mod" 3 2 Op,
    SMSlashRem "sm/rem" 3 2 Op,
    FMSlashMod "fm/mod" 3 2 Op,
    MStarSlash "m*/" 4 2 Op,
    // Memory
    Fetch "@" 1 1 Memory,
    Store "!" 2 0 Memory,
    CFetch "c@" 1 1 Memory,
    CStore "c!" 2 0 Memory,
    TwoFetch "2@" 1 2 Memory,
    TwoStore "2!" 3 0 Memory,
    PlusStore "+!" 2 0 Memory,
    Cells "cells" 1 1 Op,
    CellPlus "cell+" 1 1 Op,
    Chars "chars" 1 1 Op,
    CharPlus "char+" 1 1 Op,
    Aligned "aligned" 1 1 Op,
    Align "align" 0 0 Memory,
    Here "here" 0 1 Memory,
    Allot "allot" 1 0 Memory,
    Comma "," 1 0 Memory,
    CComma "c," 1 0 Memory,
    Unused "unused" 0 1 Memory,
    Fill "fill" 3 0 Memory,
    Erase "erase" 2 0 Memory,
    Move "move" 3 0 Memory,
    CMove "cmove" 3 0 Memory,
    CMoveUp "cmove>" 3 0 Memory,
    Count "count" 1 2 Memory,
    Pad "pad" 0 1 Memory,
    Base "base" 0 1 Memory,
    State "state" 0 1 Memory,
    ToNumber ">number" 4 4 Memory,
    ToBody ">body" 1 1 Memory,
    Compare "compare" 4 1 Memory,
    SlashString "/string" 3 2 Op,
    MinusTrailing "-trailing" 2 2 Memory,
    Search "search" 4 3 Memory,
    // Output
    Emit "emit" 1 0 Io,
    Type "type" 2 0 Io,
    Cr "cr" 0 0 Io,
    Space "space" 0 0 Io,
    Spaces "spaces" 1 0 Io,
    Dot "." 1 0 Io,
    UDot "u." 1 0 Io,
    DotR ".r" 2 0 Io,
    UDotR "u.r" 2 0 Io,
    DDot "d." 2 0 Io,
    DDotR "d.r" 3 0 Io,
    Bl "bl" 0 1 Op,
    LessNumSign "<#" 0 0 Io,
    NumSign "#" 2 2 Io,
    NumSignS "#s" 2 2 Io,
    NumSignGreater "#>" 2 2 Io,
    Hold "hold" 1 0 Io,
    Holds "holds" 2 0 Io,
    Sign "sign" 1 0 Io,
    Decimal "decimal" 0 0 Io,
    Hex "hex" 0 0 Io,
    DotS ".s" 0 0 Io,
    // Return stack
    ToR ">r" 1 0 Return,
    RFrom "r>" 0 1 Return,
    RFetch "r@" 0 1 Return,
    TwoToR "2>r" 2 0 Return,
    TwoRFrom "2r>" 0 2 Return,
    TwoRFetch "2r@" 0 2 Return,
    I "i" 0 1 Return,
    J "j" 0 1 Return,
    Unloop "unloop" 0 0 Return,
    // Control
    If "if" 1 0 Control,
    Else "else" 0 0 Control,
    Then "then" 0 0 Control,
    Begin "begin" 0 0 Control,
    While "while" 1 0 Control,
    Repeat "repeat" 0 0 Control,
    Until "until" 1 0 Control,
    Again "again" 0 0 Control,
    Do "do" 2 0 Control,
    QDo "?do" 2 0 Control,
    Loop "loop" 0 0 Control,
    PlusLoop "+loop" 1 0 Control,
    Leave "leave" 0 0 Control,
    Exit "exit" 0 0 Control,
    Recurse "recurse" 0 0 Control,
    Case "case" 0 0 Control,
    Of "of" 2 1 Control,
    EndOf "endof" 0 0 Control,
    EndCase "endcase" 1 0 Control,
    Ahead "ahead" 0 0 Control,
    // Execution
    Execute "execute" 1 0 Dynamic,
    Throw "throw" 1 0 Dynamic,
    Catch "catch" 1 1 Dynamic,
    Abort "abort" 0 0 Dynamic,
    AbortQuote "abort\"" 1 0 Parsing,
    Evaluate "evaluate" 2 0 Dynamic,
    // Compiling and defining
    Colon ":" 0 0 Defining,
    Semicolon ";" 0 0 Defining,
    NoName ":noname" 0 1 Defining,
    BufferColon "buffer:" 1 0 Defining,
    Defer "defer" 0 0 Defining,
    Is "is" 1 0 Parsing,
    DeferStore "defer!" 2 0 Dynamic,
    DeferFetch "defer@" 1 1 Dynamic,
    CompileComma "compile," 1 0 Dynamic,
    Variable "variable" 0 0 Defining,
    TwoVariable "2variable" 0 0 Defining,
    Constant "constant" 1 0 Defining,
    TwoConstant "2constant" 2 0 Defining,
    Value "value" 1 0 Defining,
    To "to" 1 0 Parsing,
    Create "create" 0 0 Defining,
    Does "does>" 0 0 Defining,
    Paren "(" 0 0 Parsing,
    Backslash "\\" 0 0 Parsing,
    DotQuote ".\"" 0 0 Parsing,
    DotParen ".(" 0 0 Parsing,
    SQuote "s\"" 0 2 Parsing,
    CharWord "char" 0 1 Parsing,
    BracketChar "[char]" 0 1 Parsing,
    Tick "'" 0 1 Parsing,
    BracketTick "[']" 0 1 Parsing,
    Literal "literal" 0 1 Parsing,
    TwoLiteral "2literal" 0 2 Parsing,
    LeftBracket "[" 0 0 Parsing,
    RightBracket "]" 0 0 Parsing,
    Immediate "immediate" 0 0 Defining,
    Postpone "postpone" 0 0 Parsing,
    LocalsOpen "{:" 0 0 Parsing,
    // Input source
    ToIn ">in" 0 1 Memory,
    Source "source" 0 2 Memory,
    SourceId "source-id" 0 1 Memory,
    Parse "parse" 1 2 Memory,
    ParseName "parse-name" 0 2 Memory,
    WordWord "word" 1 1 Memory,
    Refill "refill" 0 1 Memory,
    SaveInput "save-input" 0 0 Dynamic,
    RestoreInput "restore-input" 0 1 Dynamic,
    Accept "accept" 2 1 Io,
    Key "key" 0 1 Io,
    Quit "quit" 0 0 Dynamic,
    Bye "bye" 0 0 Dynamic,
    EnvironmentQ "environment?" 2 1 Dynamic,
    // More of compiling and defining
    CQuote "c\"" 0 1 Parsing,
    SBackslashQuote "s\\\"" 0 2 Parsing,
    SLiteral "sliteral" 0 2 Parsing,
    BracketCompile "[compile]" 0 0 Parsing,
    ActionOf "action-of" 0 1 Parsing,
    Find "find" 1 2 Memory,
    Marker "marker" 0 0 Defining,
    TwoValue "2value" 2 0 Defining,
    Synonym "synonym" 0 0 Defining,
    QuotationOpen "[:" 0 0 Parsing,
    QuotationClose ";]" 0 1 Parsing,
    ParenLocal "(local)" 2 0 Dynamic,
    LocalsBar "locals|" 0 0 Parsing,
    CsPick "cs-pick" 1 0 Dynamic,
    CsRoll "cs-roll" 1 0 Dynamic,
    BracketIf "[if]" 1 0 Parsing,
    BracketElse "[else]" 0 0 Parsing,
    BracketThen "[then]" 0 0 Parsing,
    BracketDefined "[defined]" 0 1 Parsing,
    BracketUndefined "[undefined]" 0 1 Parsing,
    NToR "n>r" 1 0 Dynamic,
    NRFrom "nr>" 0 1 Dynamic,
    // Structures
    BeginStructure "begin-structure" 0 2 Defining,
    EndStructure "end-structure" 2 0 Memory,
    PlusField "+field" 2 1 Defining,
    FieldColon "field:" 1 1 Defining,
    CFieldColon "cfield:" 1 1 Defining,
    // Memory allocation
    Allocate "allocate" 1 2 Memory,
    Free "free" 1 1 Memory,
    Resize "resize" 2 2 Memory,
    // Strings
    Blank "blank" 2 0 Memory,
    Replaces "replaces" 4 0 Memory,
    Substitute "substitute" 4 3 Memory,
    Unescape "unescape" 3 2 Memory,
    // Search order
    WordlistWord "wordlist" 0 1 Memory,
    ForthWordlist "forth-wordlist" 0 1 Memory,
    GetCurrent "get-current" 0 1 Memory,
    SetCurrent "set-current" 1 0 Memory,
    Definitions "definitions" 0 0 Memory,
    GetOrder "get-order" 0 0 Dynamic,
    SetOrder "set-order" 1 0 Dynamic,
    SearchWordlist "search-wordlist" 3 1 Dynamic,
    Only "only" 0 0 Memory,
    Also "also" 0 0 Memory,
    Previous "previous" 0 0 Memory,
    Forth "forth" 0 0 Memory,
    Order "order" 0 0 Io,
    // Tools
    Question "?" 1 0 Io,
    Dump "dump" 2 0 Io,
    See "see" 0 0 Io,
    Words "words" 0 0 Io,
    TraverseWordlist "traverse-wordlist" 2 0 Dynamic,
    NameToString "name>string" 1 2 Memory,
    NameToInterpret "name>interpret" 1 1 Memory,
    NameToCompile "name>compile" 1 2 Memory,
    // Files
    ReadOnly "r/o" 0 1 Op,
    ReadWrite "r/w" 0 1 Op,
    WriteOnly "w/o" 0 1 Op,
    Bin "bin" 1 1 Op,
    CreateFile "create-file" 3 2 Io,
    OpenFile "open-file" 3 2 Io,
    CloseFile "close-file" 1 1 Io,
    DeleteFile "delete-file" 2 1 Io,
    RenameFile "rename-file" 4 1 Io,
    FileStatus "file-status" 2 2 Io,
    FilePosition "file-position" 1 3 Io,
    RepositionFile "reposition-file" 3 1 Io,
    FileSize "file-size" 1 3 Io,
    ResizeFile "resize-file" 3 1 Io,
    FlushFile "flush-file" 1 1 Io,
    ReadFile "read-file" 3 2 Io,
    ReadLine "read-line" 3 3 Io,
    WriteFile "write-file" 3 1 Io,
    WriteLine "write-line" 3 1 Io,
    IncludeFile "include-file" 1 0 Dynamic,
    Included "included" 2 0 Dynamic,
    Include "include" 0 0 Dynamic,
    Required "required" 2 0 Dynamic,
    Require "require" 0 0 Dynamic,
    // Extended characters, in UTF-8
    XEmit "xemit" 1 0 Io,
    XKey "xkey" 0 1 Io,
    XcSize "xc-size" 1 1 Op,
    XSize "x-size" 2 1 Memory,
    XcFetchPlus "xc@+" 1 2 Memory,
    XcStorePlus "xc!+" 2 1 Memory,
    XcStorePlusQ "xc!+?" 3 3 Memory,
    XcComma "xc," 1 0 Memory,
    XCharPlus "xchar+" 1 1 Memory,
    XCharMinus "xchar-" 1 1 Memory,
    PlusXString "+x/string" 2 2 Memory,
    XStringMinus "x\\string-" 2 2 Memory,
    MinusTrailingGarbage "-trailing-garbage" 2 2 Memory,
    XHold "xhold" 1 0 Io,
    XWidth "x-width" 2 1 Memory,
    XcWidth "xc-width" 1 1 Op,
    // Run-time parts
    AbortWith " abort" 2 0 Dynamic,
    ForgetTo " marker" 1 0 Dynamic,
}

impl Word {
    /// The row of this word.
    #[inline(always)]
    pub fn def(self) -> &'static WordDef {
        &WORDS[self as usize]
    }

    /// The name in lower case.
    pub fn name(self) -> &'static str {
        self.def().name
    }
}

/// Names of up to 8 bytes are looked up by their bytes in one integer, first byte lowest, ASCII letters in lower case.
pub type NameKey = u64;

/// Folds ASCII capitals to lower case in all 8 bytes at once; other bytes, also those above 0x7F, stay.
#[inline(always)]
pub const fn fold_case(key: NameKey) -> NameKey {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    // Capitals have bit 6 and not bit 5; nearly all source has none.
    if key & !(key << 1) & (HIGH >> 1) == 0 {
        return key;
    }
    let seven = key & LOW;
    // Bit 7 of a byte is set where the byte is at least 'A', and where it is above 'Z'.
    let from_a = seven.wrapping_add(0x3F3F_3F3F_3F3F_3F3F);
    let above_z = seven.wrapping_add(0x2525_2525_2525_2525);
    let capital = from_a & !above_z & !key & HIGH;
    key | (capital >> 2)
}

/// The key of a name of 1 to 8 bytes, not yet folded.
#[inline]
pub const fn name_key(name: &[u8]) -> NameKey {
    let mut key = 0;
    let mut i = 0;
    while i < name.len() && i < 8 {
        key |= (name[i] as u64) << (8 * i);
        i += 1;
    }
    key
}

const TABLE_BITS: u32 = 10;
const TABLE_LEN: usize = 1 << TABLE_BITS;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

#[derive(Clone, Copy)]
struct Slot {
    key: NameKey,
    word: Option<Word>,
}

/// Open addressing with linear probing, filled at compile time with all names of up to 8 bytes.
static TABLE: [Slot; TABLE_LEN] = {
    let mut table = [Slot { key: 0, word: None }; TABLE_LEN];
    let mut row = 0;
    while row < WORDS.len() {
        let name = WORDS[row].name.as_bytes();
        if name.len() <= 8 {
            let key = name_key(name);
            let mut at = slot_of(key);
            while table[at].word.is_some() {
                at = (at + 1) % TABLE_LEN;
            }
            table[at] = Slot { key, word: Some(WORDS[row].word) };
        }
        row += 1;
    }
    table
};

#[inline(always)]
const fn slot_of(key: NameKey) -> usize {
    (key.wrapping_mul(MULTIPLIER) >> (64 - TABLE_BITS)) as usize
}

/// The word with a folded key, for names of up to 8 bytes.
#[inline(always)]
pub fn lookup_key(key: NameKey) -> Option<Word> {
    let mut at = slot_of(key);
    loop {
        let slot = &TABLE[at];
        if slot.key == key || slot.word.is_none() {
            return slot.word;
        }
        at = (at + 1) % TABLE_LEN;
    }
}

/// The word with this name, in any case.
pub fn lookup(name: &[u8]) -> Option<Word> {
    match name.len() {
        0 => None,
        _ if name[0] == b' ' => None,
        1..=8 => lookup_key(fold_case(name_key(name))),
        _ => WORDS.iter().find(|row| row.name.as_bytes().eq_ignore_ascii_case(name)).map(|row| row.word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_in_any_case() {
        for row in WORDS {
            let found = (!row.name.starts_with(' ')).then_some(row.word);
            assert_eq!(lookup(row.name.as_bytes()), found, "{}", row.name);
            assert_eq!(lookup(row.name.to_ascii_uppercase().as_bytes()), found, "{}", row.name);
            assert_eq!(row.word.def().name, row.name);
        }
    }

    #[test]
    fn others_are_not_found() {
        for name in ["", "dupp", "square", "2dupp", "[DUP", "{", "`", "@@", "environment??", " marker"] {
            assert_eq!(lookup(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn only_ascii_capitals_fold() {
        for byte in 0..=255u8 {
            let folded = fold_case(byte as u64 * 0x0101_0101_0101_0101);
            assert_eq!(folded, byte.to_ascii_lowercase() as u64 * 0x0101_0101_0101_0101, "{byte}");
        }
    }
}
