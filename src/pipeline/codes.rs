//! The findings of validation, synthesis and the pipeline, for `wordmill explain`.

use crate::model::{Code, CodeEntry};

/// wordmill itself failed on a specification.
pub const CRASHED: Code = Code(70);
/// The `uses` of a specification cannot be followed.
pub const USES: Code = Code(71);
/// A word that a specification uses has no verified code.
pub const USED_UNVERIFIED: Code = Code(72);
/// A property or oracle could not be checked.
pub const UNCHECKED: Code = crate::validate::UNCHECKED;
/// There is nothing to check a program on.
pub const NOTHING_TO_CHECK: Code = crate::validate::NOTHING_TO_CHECK;
/// A verified program says more than what it explains.
pub const OVERFIT_RISK: Code = Code(75);

/// All codes of validation, synthesis and the pipeline.
pub const CODES: &[CodeEntry] = &[
    CodeEntry {
        code: CRASHED,
        title: "wordmill itself failed on this specification",
        explanation: "A panic inside wordmill was contained: this specification's outcome is `crashed`, and the rest of the \
                      batch is as it would have been without it. This is a bug of wordmill. Please report it with the \
                      specification; `wordmill run --explain WORD` shows the message again.",
    },
    CodeEntry {
        code: USES,
        title: "the words that it uses cannot be found or go in a circle",
        explanation: "`uses` names other words of the same corpus, each by a name that exactly one specification has. They \
                      may use further words, but not each other in a circle.\n\nWrong: two specifications named `gcd`, and \
                      a third with \"uses\": [\"gcd\"].\nRight: give one of them another name.",
    },
    CodeEntry {
        code: USED_UNVERIFIED,
        title: "a word that it uses has no verified code",
        explanation: "A specification is solved on top of the verified code of the words in its `uses`. One of them came out \
                      without verified code (see its own line in the report), so that this one was not tried. Mend that \
                      word, or take it out of `uses`.",
    },
    CodeEntry {
        code: UNCHECKED,
        title: "a property or value could not be checked",
        explanation: "The text of a property, `value` or `constraint` is not an expression that wordmill can read, or no \
                      sample made it say anything (every one overflowed, divided by zero or broke the constraints). It is \
                      counted as unchecked, never as passed.\n\nWrong: \"returns the larger of the two\"\nRight: \"max2(a, b) \
                      = max(a, b)\"",
    },
    CodeEntry {
        code: NOTHING_TO_CHECK,
        title: "there is nothing to check a program on",
        explanation: "The specification has no test case, and no property or value that can be checked. Nothing is called \
                      verified that was not executed, so it stays unsolved. Add test cases:\n\n\"test_cases\": [{\"input\": \
                      [3], \"output\": [9]}]",
    },
    CodeEntry {
        code: OVERFIT_RISK,
        title: "overfit-risk: the program is not clearly shorter than what it explains",
        explanation: "The program passes every test, but its free choices (words, numbers, first terms) take about as many \
                      bits as the outputs of the tests hold, so that it may agree with them by chance and be wrong on \
                      other inputs. Both figures stand in the message. More tests, or a `value` or property, tell.\n\n\
                      Wrong: \"test_cases\": [{\"input\": [1], \"output\": [1]}]\nRight: several tests with different, large \
                      outputs, or \"value\": \"n * n\"",
    },
];
