//! The diagnostic codes of this room.

use crate::model::{Code, CodeEntry};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $number:literal $title:literal $explanation:literal;)*) => {
        $($(#[$doc])* pub const $name: Code = Code($number);)*

        /// All codes of this room.
        pub const CODES: &[CodeEntry] =
            &[$(CodeEntry { code: $name, title: $title, explanation: $explanation },)*];
    };
}

codes! {
    /// A token that is neither a word nor a number.
    UNKNOWN_WORD 40 "unknown word"
        "The code calls a word that is not in the standard word sets and that nothing else defines: neither the text itself, nor the corpus, nor `uses`. A name is never taken for a value.\n\nExample: `dup squre +` — did you mean `square`? Inside its own definition a word is not known yet: write `recurse`.";
    /// The code reaches below its declared inputs.
    UNDERFLOW 41 "takes more than is declared"
        "The code uses more cells of the stack than its declared effect grants it, so it would eat what belongs to its caller.\n\nExample: `swap -` declared as ( n -- m ) takes two cells.";
    /// The code does not do what is declared.
    NOT_DECLARED 42 "effect is not the declared one"
        "The code leaves another number of cells than its declared effect says.\n\nExample: `dup *` leaves one cell; declared as ( n -- n m ) it lacks one: `dup dup *`.";
    /// Branches disagree.
    BRANCHES 43 "branches leave different depths"
        "Where two ways through the code meet, the stack must be equally deep on both, else nobody can say what lies where.\n\nExample: `dup 0< if negate drop then` — with the test true one cell less is left. Add an `else`, or take the `drop` out. `?dup if … then` is understood.";
    /// A loop body changes the depth.
    LOOP 44 "loop body does not balance"
        "Each turn of a loop must leave the stack as deep as it found it, else the depth depends on the number of turns. The same holds for `leave`.\n\nExample: `10 0 do i loop` leaves one more cell at each turn; `0 10 0 do i + loop` adds them up.";
    /// Exits disagree.
    EXITS 45 "exits disagree"
        "Every `exit` must leave the stack as deep as the end of the definition does.\n\nExample: `dup 0= if exit then drop` leaves one cell on one way and none on the other.";
    /// The return stack is not empty at the end.
    RETURN_LEFT 46 "cells left on the return stack"
        "What a definition puts on the return stack it must take off before its end and before every `exit`; a counted loop is left with `unloop exit`.\n\nExample: `>r dup` returns to an address that is a number.";
    /// The return stack holds nothing usable.
    RETURN_EMPTY 47 "nothing of ours on the return stack"
        "`r>` and `r@` may only take what the same definition put there, and not from under the parameters of a counted loop; `i` and `j` need a loop whose parameters lie on top.\n\nExample: `>r 10 0 do r@ . loop r> drop` reads the loop's parameters; use a local, or keep the cell on the data stack.";
    /// Control-flow words do not match.
    CONTROL 48 "control structure does not match"
        "A word such as `then` closes nothing, closes another structure than the open one, or is missing.\n\nExample: `dup if 1+` lacks `then`; `begin dup until then` has one too many.";
    /// Only a run can tell the effect.
    NOT_STATIC 49 "effect is not static"
        "The number of cells depends on a value that only a run can tell; the message names the word and its line and column. Understood are `pick`, `roll`, `n>r` and `set-order` behind a number; `?dup`, `catch` and `search-wordlist` right before `if`, `while` or `until` (`0=`, `dup` or `?dup` may stand between); `execute` and `catch` of a word or quotation that is known where they stand; deferred words with a stack comment or an action; `[if]` behind a number or `[defined]`. Text that is evaluated or included is not read.\n\nExample: `?dup +` leaves one cell or takes two.";
    /// A stack comment ended too early.
    COMMENT_ENDS_EARLY 50 "comment ends at the first `)`"
        "A Forth comment `( … )` ends at the first closing parenthesis, wherever it stands. What follows is code.\n\nExample: `( a b -- gcd(a,b) )` leaves the word `)` behind. Write `( a b -- gcd[a,b] )`.";
    /// Something has no end.
    UNTERMINATED 51 "no end"
        "A comment, a string, a list of locals or a definition is not closed.\n\nExample: `: square dup *` lacks `;`.";
    /// A word that cannot stand here.
    MISPLACED 52 "word cannot stand here"
        "A word that makes or ends a definition stands where there is none to make or end, or a word that reads a name finds none.\n\nExample: `dup * ;` ends a definition that was not begun.";
    /// Recursion that cannot be followed.
    RECURSION 53 "recursion cannot be followed"
        "The effect of `recurse` is the declared one, or else that of the branches that do not recurse; then the recursive branches must fit it.\n\nExample: `: f recurse ;` has no such branch; `: f ( n -- m ) …` declares it.";
    /// A flag is used as a number.
    FLAG_ARITHMETIC 54 "arithmetic on a flag"
        "A comparison gives 0 or -1, so adding flags counts downwards and multiplying by one turns the sign.\n\nExample: `0> swap 0> +` gives -2 for two positive numbers; `- negate`, or `and` with the flag, is what is usually meant.";
    /// A test that is probably not meant so.
    ODD_TEST 55 "test is always the same, or means something else"
        "`invert` turns bits, not truth: the inversion of every number but -1 is true; use `0=`. A true flag is -1, so `flag 1 =` is never true: leave the comparison out. A constant before `if` always goes the same way.\n\nExample: `dup invert if` — `dup 0= if`.";
    /// A notation that cannot be read.
    NOTATION 56 "stack effect cannot be read"
        "A stack effect is a list of inputs, `--`, and a list of outputs, perhaps in parentheses that stand alone.\n\nExample: `( a b -- a+b )`.";
    /// The claim has other counts.
    COUNTS_DIFFER 57 "effect has other counts"
        "The code takes or leaves another number of cells than the notation claims. Cells that lie untouched below may be named on both sides.\n\nExample: `dup *` is not `( a b -- c )`.";
    /// The claim names other values.
    OUTPUTS_DIFFER 58 "effect leaves other values"
        "An output that is named after an input, or is written as an expression over the inputs, is not what the code leaves there.\n\nExample: `swap` is not `( a b -- a b )`, but `( a b -- b a )`.";
    /// Inference has bounds.
    TOO_LARGE 59 "too large to follow"
        "Inference follows 32 inputs, a stack of 200 cells and some ten thousand values.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_room_and_each_is_there_once() {
        let numbers: Vec<u16> = CODES.iter().map(|entry| entry.code.0).collect();
        assert_eq!(numbers, (40..=59).collect::<Vec<_>>());
        assert!(CODES.iter().all(|entry| entry.explanation.contains("Example") || entry.code == TOO_LARGE));
    }
}
