//! A specification as its author wrote it, parsed and checked, owned. The archived form stands in `corpus`.

use crate::model::Cell;
use serde::{Deserialize, Serialize};

/// The rank of an input record in one generation of a corpus, in corpus order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SpecId(pub u32);

impl SpecId {
    /// The rank as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The type that a specification gives to a stack item.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum CellType {
    /// Signed 64-bit number.
    Int = 0,
    /// Unsigned 64-bit number, 0 to 2^64-1.
    Uint = 1,
    /// A flag: 0 or -1.
    Bool = 2,
    /// A character, 0 to 0x10FFFF.
    Char = 3,
    /// An address.
    Addr = 4,
    /// Anything.
    Any = 5,
}

impl CellType {
    /// All types, by their number.
    pub const ALL: [CellType; 6] =
        [CellType::Int, CellType::Uint, CellType::Bool, CellType::Char, CellType::Addr, CellType::Any];

    /// The name as it stands in a specification.
    pub fn name(self) -> &'static str {
        match self {
            CellType::Int => "int",
            CellType::Uint => "uint",
            CellType::Bool => "bool",
            CellType::Char => "char",
            CellType::Addr => "addr",
            CellType::Any => "any",
        }
    }
}

/// One stack item of a declared effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Param {
    /// Its name, for people and for expressions; may be any text (`n!`, `gcd(a,b)`).
    pub name: String,
    /// Its type.
    pub ty: CellType,
    /// On an input: an expression that every input value satisfies.
    pub constraint: Option<String>,
    /// On an output: an expression over the inputs that gives the right answer (an oracle).
    pub value: Option<String>,
}

/// A value of a test: what lies on the stack before or after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// One cell.
    Cell(Cell),
    /// A string in memory: two cells, `c-addr u`.
    Str(String),
    /// An array of cells in memory: two cells, `addr n` with n the number of cells.
    Cells(Vec<Cell>),
}

/// Values of one side of a test. Most words have one input and one output, and that one needs no memory of its own, so
/// that a test of a plain word is read without an allocation.
pub type Values = smallvec::SmallVec<[Value; 1]>;

/// One test case.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TestCase {
    /// What it is for.
    pub description: Option<String>,
    /// The stack before, from bottom to top.
    pub input: Values,
    /// The stack after, from bottom to top. Empty when `throws` is given.
    pub output: Values,
    /// The exception code that the word must THROW, instead of an output.
    pub throws: Option<Cell>,
    /// The text that the word must print, byte for byte; without it, printing is not looked at.
    pub prints: Option<String>,
    /// Tags such as `edge_case`.
    pub tags: Vec<String>,
}

/// Claimed complexity, kept as text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Complexity {
    /// Big-O of time.
    pub time: Option<String>,
    /// Big-O of space.
    pub space: Option<String>,
}

/// Where the specification comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Metadata {
    /// Who wrote it.
    pub author: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// When it was written, as text.
    pub created: Option<String>,
    /// Tags; `expect:unsolved` keeps the specification out of the exit code.
    pub tags: Vec<String>,
}

/// One specification.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spec {
    /// The name of the Forth word.
    pub word: String,
    /// What it does, for people.
    pub description: Option<String>,
    /// The stack before, bottom to top.
    pub inputs: Vec<Param>,
    /// The stack after, bottom to top.
    pub outputs: Vec<Param>,
    /// Properties that must hold, as expressions.
    pub properties: Vec<String>,
    /// Tests that the search may see.
    pub tests: Vec<TestCase>,
    /// Tests that are only scored.
    pub heldout: Vec<TestCase>,
    /// Claimed complexity.
    pub complexity: Complexity,
    /// The named pattern: a template id.
    pub pattern: Option<String>,
    /// Hints for people and templates.
    pub hints: Vec<String>,
    /// A body (or a whole definition) to judge.
    pub code: Option<String>,
    /// Other words of the corpus that this one may call.
    pub uses: Vec<String>,
    /// Where it comes from.
    pub metadata: Metadata,
}
