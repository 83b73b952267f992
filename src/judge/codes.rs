//! The findings about candidates, for `wordmill explain`.

use crate::model::{Code, CodeEntry};

/// A line is no candidate.
pub const NOT_A_CANDIDATE: Code = Code(100);
/// No specification, or more than one, has the word of a candidate.
pub const NO_SPECIFICATION: Code = Code(101);
/// The code of a candidate does not compile or does not define the word.
pub const DOES_NOT_COMPILE: Code = Code(102);
/// The code takes or leaves another number of cells than the specification says.
pub const OTHER_COUNTS: Code = Code(103);
/// The specification itself cannot be used to judge anything.
pub const UNUSABLE_SPECIFICATION: Code = Code(104);
/// wordmill itself failed on a candidate.
pub const JUDGE_FAILED: Code = Code(105);

/// All codes of the room.
pub const CODES: &[CodeEntry] = &[
    CodeEntry {
        code: NOT_A_CANDIDATE,
        title: "the line is not a candidate",
        explanation: "A candidate is one JSON object on one line with the fields `word` and `code`, both text: \
                      {\"word\": \"square\", \"code\": \"dup *\"}. `id` may be anything and comes back with the verdict; \
                      other fields are passed over. A line that is not such an object, is not UTF-8 or has more than 1 MiB \
                      costs its own verdict (`invalid`, reward 0), never the run.",
    },
    CodeEntry {
        code: NO_SPECIFICATION,
        title: "no specification, or more than one, has this word",
        explanation: "The word of a candidate names the specification that it is judged by. There is none of that name in \
                      the specifications that were given, or several that differ.\n\nWhere several specifications have one \
                      name, add \"line\" (and \"file\", as `wordmill check` shows it) to the candidate: {\"word\": \"f\", \
                      \"line\": 12, \"code\": \"dup *\"}.",
    },
    CodeEntry {
        code: DOES_NOT_COMPILE,
        title: "the candidate does not compile, or does not define its word",
        explanation: "The code is a body (`dup *`) or a whole program that defines the word (`: square dup * ;`). The engine \
                      refused it: an unknown word, an unbalanced `if`, a program that stops or never ends while it is read. \
                      The message says what and where. No test was run and the reward is 0.",
    },
    CodeEntry {
        code: OTHER_COUNTS,
        title: "the candidate takes or leaves another number of cells",
        explanation: "The effect that was inferred from the code has other counts than the stack effect of the specification: \
                      `dup dup *` is ( a -- a a*a ) where ( n -- square ) is asked for. Tests compare the whole stack, so \
                      what is left over or missing fails them; there is no partial credit for it.",
    },
    CodeEntry {
        code: UNUSABLE_SPECIFICATION,
        title: "nothing can be judged by this specification",
        explanation: "The specification is invalid (`wordmill check` says why), or it uses other words for which there is no \
                      verified code, or it has neither tests nor properties that can be checked. Candidates for it are \
                      `invalid` with reward 0.",
    },
    CodeEntry {
        code: JUDGE_FAILED,
        title: "wordmill itself failed on this candidate",
        explanation: "A panic inside wordmill was contained: this candidate's verdict is `crashed` with reward 0, and all \
                      others are as they would have been without it. This is a bug of wordmill. Please report it with the \
                      candidate.",
    },
];
