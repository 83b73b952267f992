//! What can be wrong with a template file.

use crate::model::{Code, CodeEntry};

/// The file is not TOML, or a value has the wrong type.
pub const NOT_TOML: Code = Code(60);
/// A field that no template has.
pub const UNKNOWN_FIELD: Code = Code(61);
/// A field that every template needs.
pub const MISSING_FIELD: Code = Code(62);
/// Two templates or two sets with one name.
pub const DUPLICATE: Code = Code(63);
/// The code has a hole without a domain.
pub const UNKNOWN_HOLE: Code = Code(64);
/// A domain for a hole that is not in the code.
pub const UNUSED_HOLE: Code = Code(65);
/// A domain that does not exist, is empty, or lacks a value that a test or the example uses.
pub const WRONG_DOMAIN: Code = Code(66);
/// The effect cannot be read, or disagrees with the code.
pub const WRONG_EFFECT: Code = Code(67);
/// A test does not fit the effect, or fails.
pub const WRONG_TEST: Code = Code(68);
/// The file or folder cannot be read.
pub const UNREADABLE: Code = Code(69);

/// All of them, for `wordmill explain`.
pub const CODES: &[CodeEntry] = &[
    CodeEntry {
        code: NOT_TOML,
        title: "template file cannot be read as TOML",
        explanation: "Template files are TOML: a `family`, then `[[template]]` tables (and `[[set]]` tables that name\n\
                      sets of values for holes). The message says what was expected at this place.\n\n\
                      [[template]]\nid = \"DUP_TRANSFORM_001\"\ndescription = \"square\"\neffect = \"( n -- n² )\"\n\
                      code = \"dup {op}\"\nholes = { op = [\"*\", \"+\"] }\nexample = { op = \"*\" }\n\
                      tests = [{ in = [5], out = [25] }]",
    },
    CodeEntry {
        code: UNKNOWN_FIELD,
        title: "unknown field in a template file",
        explanation: "A `[[template]]` has id, description, effect, code, holes, example, where, tests and tags; a `[[set]]` has\n\
                      name, description, effect and values; a test has in, out, with, call, prints and throws.",
    },
    CodeEntry {
        code: MISSING_FIELD,
        title: "a template lacks a field",
        explanation: "Every template needs id, description, effect, code and at least one test, and an `example` for\n\
                      its holes: the filling that gives it the meaning of its description. A template without tests\n\
                      proves nothing and is refused.",
    },
    CodeEntry {
        code: DUPLICATE,
        title: "two templates or sets with one name",
        explanation: "Ids are unique over all folders, because specifications name templates by id and the order of\n\
                      the search depends on it. Rename one of the two.",
    },
    CodeEntry {
        code: UNKNOWN_HOLE,
        title: "the code has a hole without a domain",
        explanation: "A hole is a token of its own, a name in lower case within braces: `dup {op}`. Each one needs a\n\
                      domain in `holes`: the name of a set, a list of texts, or `{ set = …, also = … }`.\n\
                      Locals are safe: `{: a b :}` is not a hole, because blanks follow its brace.",
    },
    CodeEntry {
        code: UNUSED_HOLE,
        title: "a hole that the code does not have",
        explanation: "`holes`, `example` or a test's `with` names a hole that does not occur in `code`.\n\
                      Remove it or mend the name.",
    },
    CodeEntry {
        code: WRONG_DOMAIN,
        title: "wrong domain of a hole",
        explanation: "The domain of a hole is the name of a set (`wordmill templates list` shows them), a list of Forth\n\
                      texts, or a table `{ set = \"binop\", also = [\"swap -\"] }`. `constant` stands for the numbers in the\n\
                      specification's own text, `word` for the words that it may use. The values of `example` and of a\n\
                      test's `with` must belong to the domain.",
    },
    CodeEntry {
        code: WRONG_EFFECT,
        title: "the effect of a template or set is wrong",
        explanation: "An effect is written `( n -- n² )`: names before and after `--`, within parentheses with blanks.\n\
                      It must have as many names as the code takes and leaves cells; all values of a set must have the effect\n\
                      of their set.",
    },
    CodeEntry {
        code: WRONG_TEST,
        title: "a test of a template does not fit or fails",
        explanation: "Without `call`, `in` and `out` have as many cells as the effect (a string or an array counts as two:\n\
                      address and length). `call` is Forth in which `it` stands for the filled template:\n\
                      { call = \"pad it pad @\", in = [7], out = [7] }. `wordmill templates test` runs all of them.",
    },
    CodeEntry {
        code: UNREADABLE,
        title: "a template folder or file cannot be read",
        explanation: "Template folders hold `.toml` files in UTF-8. Check the path in the configuration, and who may\n\
                      read it.",
    },
];
