//! Why code has no effect that can be told before it runs: a small value with a place.

use crate::effect::codes;
use crate::forth::words::Word;
use crate::model::{Code, Place};

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// A token that is neither a word nor a number.
    UnknownWord,
    /// A token that stands behind a comment which ended earlier than its author meant: `( a b -- gcd(a,b) )`.
    CommentEndsEarly,
    /// The code reaches below the inputs that its declaration grants.
    Underflow {
        /// How many cells are declared.
        declared: u8,
    },
    /// The code has no declaration and reaches deeper than inference follows.
    TooManyInputs,
    /// The stack grows higher than inference follows.
    TooDeep,
    /// The code makes more values than inference follows.
    TooLarge,
    /// The effect is not the declared one.
    NotDeclared {
        /// Declared inputs.
        n_in: u8,
        /// Declared outputs.
        n_out: u8,
        /// Inferred inputs.
        inferred_in: u8,
        /// Inferred outputs.
        inferred_out: u8,
    },
    /// Two branches leave different numbers of cells.
    Branches {
        /// What the branch taken when the test is true adds to the stack.
        taken: i16,
        /// What the other one adds.
        other: i16,
    },
    /// Two branches leave different numbers of cells on the return stack.
    ReturnBranches {
        /// What the branch taken when the test is true adds to the return stack.
        taken: i16,
        /// What the other one adds.
        other: i16,
    },
    /// The body of a loop changes the depth of the stack.
    Loop {
        /// By how many cells.
        change: i16,
    },
    /// The body of a loop changes the depth of the return stack.
    ReturnLoop {
        /// By how many cells.
        change: i16,
    },
    /// `leave` with another depth than the loop has.
    Leave {
        /// By how many cells it differs.
        change: i16,
    },
    /// `exit` with another depth than the end of the definition has.
    Exits {
        /// What the definition adds to the stack on the way through this `exit`.
        here: i16,
        /// What it adds on the way to the end.
        end: i16,
    },
    /// The return stack holds cells at the end of the definition or at an `exit`.
    ReturnLeft {
        /// How many.
        n: u8,
    },
    /// `exit` inside a counted loop, without `unloop`.
    NeedsUnloop,
    /// The return stack holds nothing of this definition here.
    ReturnEmpty,
    /// The parameters of a counted loop lie on top of the return stack here.
    UnderLoop,
    /// `i`, `j`, `leave` or `unloop` where there is no counted loop, or not on top.
    NoLoop,
    /// A control-flow word that closes nothing, or not what is open.
    Unmatched {
        /// The word that opened what is open.
        open: Option<Word>,
    },
    /// A control structure that is not closed.
    Unclosed {
        /// What would close it.
        closer: Word,
    },
    /// The effect depends on a value that only a run can tell.
    NotStatic,
    /// A string, comment or definition without an end.
    Unterminated {
        /// What ends it.
        closer: &'static str,
    },
    /// A word that has no business here.
    Misplaced,
    /// A name is missing after a word that reads one.
    NameMissing,
    /// `recurse` in a word without declaration and without a branch that does not recurse.
    NoBaseCase,
    /// The recursive branches do not fit the effect of the others, or the declaration.
    RecurseDisagrees {
        /// Inputs that `recurse` was taken to have.
        n_in: u8,
        /// Outputs that it was taken to have.
        n_out: u8,
    },
}

/// Why there is no effect, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EffectError {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Byte offset in the code; for a list of words, the index in the list.
    pub position: u32,
    /// Length of the token in bytes.
    pub len: u32,
}

/// A change of the code: at `position`, `delete_len` bytes give way to `insert`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// Byte offset.
    pub position: u32,
    /// How many bytes go.
    pub delete_len: u32,
    /// What comes in their place.
    pub insert: String,
}

impl Edit {
    /// The code with the edit made.
    pub fn apply(&self, code: &str) -> String {
        let start = self.position as usize;
        let end = start + self.delete_len as usize;
        format!("{}{}{}", &code[..start], self.insert, &code[end..])
    }
}

impl EffectError {
    /// The code of the kind, for `wordmill explain`.
    pub fn code(&self) -> Code {
        use ErrorKind::*;
        match self.kind {
            UnknownWord => codes::UNKNOWN_WORD,
            CommentEndsEarly => codes::COMMENT_ENDS_EARLY,
            Underflow { .. } => codes::UNDERFLOW,
            TooManyInputs | TooDeep | TooLarge => codes::TOO_LARGE,
            NotDeclared { .. } => codes::NOT_DECLARED,
            Branches { .. } | ReturnBranches { .. } => codes::BRANCHES,
            Loop { .. } | ReturnLoop { .. } | Leave { .. } => codes::LOOP,
            Exits { .. } => codes::EXITS,
            ReturnLeft { .. } | NeedsUnloop => codes::RETURN_LEFT,
            ReturnEmpty | UnderLoop | NoLoop => codes::RETURN_EMPTY,
            Unmatched { .. } | Unclosed { .. } => codes::CONTROL,
            NotStatic => codes::NOT_STATIC,
            Unterminated { .. } => codes::UNTERMINATED,
            Misplaced | NameMissing => codes::MISPLACED,
            NoBaseCase | RecurseDisagrees { .. } => codes::RECURSION,
        }
    }

    /// The token at the place of the error.
    pub fn token<'t>(&self, code: &'t str) -> &'t str {
        let start = self.position as usize;
        code.get(start..start + self.len as usize).unwrap_or("")
    }

    /// One sentence, lower case, without a full stop.
    pub fn message(&self, code: &str) -> String {
        use ErrorKind::*;
        let token = self.token(code);
        match self.kind {
            UnknownWord => format!("unknown word `{token}`"),
            CommentEndsEarly => format!(
                "`{token}` stands outside the comment: a comment ends at the first `)`, also inside a name"
            ),
            Underflow { declared } => {
                format!("`{token}` reaches below the {} declared", count(declared as i64, "input"))
            }
            TooManyInputs => format!("`{token}` reaches deeper into the stack than can be followed"),
            TooDeep => format!("the stack is deeper at `{token}` than can be followed"),
            TooLarge => format!("the code makes more values than can be followed, at `{token}`"),
            NotDeclared { n_in, n_out, inferred_in, inferred_out } => format!(
                "the code takes {inferred_in} and leaves {inferred_out}, declared are {n_in} and {n_out}"
            ),
            Branches { taken, other } => format!(
                "branches leave different depths: {} when the test is true, {} otherwise",
                change_of(taken),
                change_of(other)
            ),
            ReturnBranches { taken, other } => format!(
                "branches leave different depths on the return stack: {} when the test is true, {} otherwise",
                change_of(taken),
                change_of(other)
            ),
            Loop { change } => format!("each turn of the loop changes the stack by {}", change_of(change)),
            ReturnLoop { change } => {
                format!("each turn of the loop changes the return stack by {}", change_of(change))
            }
            Leave { change } => {
                format!("`leave` quits the loop with {} against its start", change_of(change))
            }
            Exits { here, end } => format!(
                "exits disagree: the definition adds {} on the way through this `exit`, {} at the end",
                change_of(here),
                change_of(end)
            ),
            ReturnLeft { n } => format!("{} left on the return stack", count(n as i64, "cell")),
            NeedsUnloop => "`exit` inside a counted loop needs `unloop` before it".into(),
            ReturnEmpty => format!("`{token}` finds nothing of this definition on the return stack"),
            UnderLoop => format!("`{token}` finds the parameters of the loop on the return stack"),
            NoLoop => format!("`{token}` stands in no counted loop, or cells lie over its parameters"),
            Unmatched { open: None } => format!("`{token}` closes nothing"),
            Unmatched { open: Some(open) } => format!("`{token}` cannot close the open `{}`", open.name()),
            Unclosed { closer } => format!("`{token}` is not closed: `{}` is missing", closer.name()),
            NotStatic => {
                let Place { line, column, .. } = self.place(code);
                let word = crate::forth::words::lookup(token.as_bytes());
                let name = word.map_or(token.to_owned(), |word| word.name().to_ascii_uppercase());
                format!("not static: {name} at {line}:{column}")
            }
            Unterminated { closer } => format!("`{token}` has no end: `{closer}` is missing"),
            Misplaced => format!("`{token}` cannot stand here"),
            NameMissing => format!("`{token}` reads a name, and none follows"),
            NoBaseCase => "`recurse` on every way: the effect needs a declaration `( … -- … )`".into(),
            RecurseDisagrees { n_in, n_out } => format!(
                "the recursive branch does not fit: `recurse` is taken to take {n_in} and to leave {n_out}"
            ),
        }
    }

    /// Line and column of the error in the code.
    pub fn place(&self, code: &str) -> Place {
        place(code, self.position, self.len)
    }
}

/// Line and column, from 1, of a byte offset; columns count characters.
pub fn place(code: &str, position: u32, len: u32) -> Place {
    let position = floor_boundary(code, position as usize);
    let end = floor_boundary(code, position + len as usize);
    let before = &code[..position];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Place {
        line: before.matches('\n').count() as u32 + 1,
        column: code[line_start..position].chars().count() as u32 + 1,
        width: (code[position..end].chars().count() as u32).max(1),
    }
}

fn floor_boundary(code: &str, mut position: usize) -> usize {
    position = position.min(code.len());
    while !code.is_char_boundary(position) {
        position -= 1;
    }
    position
}

fn count(n: i64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn change_of(change: i16) -> String {
    format!("{change:+}").replace("+0", "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let check = |code: &str, position, len, line, column, width| {
            assert_eq!(place(code, position, len), Place { line, column, width }, "{code:?} {position}");
        };
        check("dup foo", 4, 3, 1, 5, 3);
        check("dup\nfoo", 4, 3, 2, 1, 3);
        check("é foo", 3, 3, 1, 3, 3);
        check("foo", 3, 0, 1, 4, 1);
        check("é", 1, 9, 1, 1, 1);
    }

    #[test]
    fn edits_apply() {
        assert_eq!(
            Edit { position: 4, delete_len: 3, insert: "swap".into() }.apply("dup foo +"),
            "dup swap +"
        );
    }

    #[test]
    fn errors_are_small() {
        assert!(size_of::<EffectError>() <= 32);
    }
}
