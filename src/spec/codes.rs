//! The kinds of findings about specifications, WM001 to WM039.

use crate::model::{Code, CodeEntry};

macro_rules! codes {
    ($($number:literal $name:ident $title:literal $explanation:literal;)*) => {
        $(#[doc = $title] pub const $name: Code = Code($number);)*

        /// All kinds, by number.
        pub const CODES: &[CodeEntry] = &[$(CodeEntry { code: $name, title: $title, explanation: $explanation },)*];
    };
}

codes! {
    1 SYNTAX "the text is not JSON here"
"Something stands where JSON wants something else: a comma, a colon, a quote, a bracket. The record cannot be read; the
records around it can.

wrong:  {\"word\": \"square\" \"uses\": []}
right:  {\"word\": \"square\", \"uses\": []}";

    2 NOT_STRICT "close to JSON, but not JSON"
"Python, JavaScript and configuration files allow things that JSON does not: a comma after the last item, comments, single
quotes, names without quotes, NaN, None, True, hexadecimal numbers, leading zeros. wordmill says what to write instead and
does not guess, because other tools that read the same file would not guess the same.

wrong:  {'word': 'square', \"test_cases\": [{\"input\": [0x10], \"output\": [256],}]} // to do
right:  {\"word\": \"square\", \"test_cases\": [{\"input\": [16], \"output\": [256]}]}";

    3 CUT_SHORT "the text ends too early"
"A bracket or a string is still open at the end of the record. In a .jsonl file a record is one line: an object spread over
several lines belongs in a .json file.

wrong:  {\"word\": \"square\", \"stack_effect\": {\"inputs\": []
right:  {\"word\": \"square\", \"stack_effect\": {\"inputs\": [], \"outputs\": []}}";

    4 TOO_DEEP "nested too deep"
"Brackets are nested deeper than 128 levels. A specification needs six; such a text is broken or hostile, and the reader
stops at once.

wrong:  {\"metadata\": {\"tree\": [[[[ … 10,000 brackets … ]]]]}}
right:  {\"metadata\": {\"tree\": \"tree.json\"}}";

    5 DUPLICATE_KEY "the same field stands twice in one object"
"JSON readers differ in which of the two they take, so wordmill takes neither.

wrong:  {\"word\": \"square\", \"word\": \"cube\", …}
right:  {\"word\": \"square\", …}";

    6 NOT_UTF8 "the text is not UTF-8"
"Specifications are UTF-8. A byte order mark at the start of the file is fine. Latin-1 and UTF-16 files must be converted:
iconv -f latin1 -t utf-8 old.jsonl > new.jsonl

wrong:  the byte F6 for ö
right:  the bytes C3 B6 for ö, or \\u00f6";

    7 BAD_STRING "a string that JSON does not allow"
"Control characters must be escaped, escapes must be among \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX, and characters above U+FFFF
are written as they are or as two \\u escapes that belong together.

wrong:  {\"description\": \"a\\qb \\ud83d\"}
right:  {\"description\": \"a\\\\qb \\ud83d\\ude00\"}";

    8 TOO_LONG "a record is too long"
"One record, a line of a .jsonl file or an element of a .json array, is longer than 16 MiB. It is passed over and the rest is
read. Split the tests over several specifications, or keep the data elsewhere.

wrong:  one specification with a million tests on one line
right:  ten specifications with a thousand chosen tests each";

    9 DAMAGED_GZIP "the compressed file is damaged"
"The file ends in the middle of the compressed data, or its contents do not agree with its checksum. The records before the
damage are used. Compress it again from the original.

wrong:  head -c 100000 specs.jsonl.gz > part.jsonl.gz
right:  zcat specs.jsonl.gz | head -1000 | gzip > part.jsonl.gz";

    10 NOT_A_RECORD "not a specification"
"A record is one JSON object. A .json file holds one object or an array of objects; a .jsonl file holds one object a line.

wrong:  [\"square\", \"cube\"]
right:  [{\"word\": \"square\", …}, {\"word\": \"cube\", …}]";

    11 UNKNOWN_FIELD "a field that wordmill does not know"
"Fields with other names are not looked at. Where the name is close to a field that changes what is checked, it is an error,
because passing over it would check less than was meant; elsewhere it is a warning. `metadata` and `complexity` take any field.

wrong:  {\"word\": \"square\", \"test_case\": [ … ]}
right:  {\"word\": \"square\", \"test_cases\": [ … ]}";

    12 MISSING_FIELD "a field is missing"
"A specification needs \"word\" and \"stack_effect\"; a stack effect needs \"inputs\" and \"outputs\", which may be empty; each item
of them needs \"type\"; a test needs \"input\" and one of \"output\" and \"throws\" (or, where nothing is left, \"prints\").

wrong:  {\"word\": \"square\", \"test_cases\": [{\"input\": [5]}]}
right:  {\"word\": \"square\", \"stack_effect\": {\"inputs\": [{\"name\": \"n\", \"type\": \"int\"}], \"outputs\": [{\"type\": \"int\"}]},
         \"test_cases\": [{\"input\": [5], \"output\": [25]}]}";

    13 WRONG_TYPE "a value of the wrong kind"
"The field holds a string where a list is wanted, a number where a string is wanted, and so on. `wordmill schema` prints what
each field holds.

wrong:  {\"input\": 5, \"output\": 25, \"tags\": \"edge_case\"}
right:  {\"input\": [5], \"output\": [25], \"tags\": [\"edge_case\"]}";

    14 UNKNOWN_TYPE "no such type of a stack item"
"The types are int (signed 64 bits), uint (unsigned 64 bits), bool (a flag, 0 or -1), char (0 to 0x10FFFF), addr and any.

wrong:  {\"name\": \"n\", \"type\": \"integer\"}
right:  {\"name\": \"n\", \"type\": \"int\"}";

    15 BAD_WORD "not a name of a Forth word"
"Forth words are separated by white space, so a name is not empty and has neither white space nor control characters in it.
Otherwise nearly anything is a name: 2dup, n², >=, sum-of-squares.

wrong:  {\"word\": \"sum of squares\"}
right:  {\"word\": \"sum-of-squares\"}";

    16 UNWISE_WORD "a name that makes trouble"
"The name works here, but it hides something: Forth systems promise only 31 characters of a name; a word named 42 takes the
place of the number; a word named if or ; breaks all code after it.

wrong:  {\"word\": \"10\"}
right:  {\"word\": \"ten\"}";

    17 TOO_MANY "more than wordmill handles"
"A word has at most 16 inputs and 16 outputs. A record of more is one for memory: pass an array of cells, which is two inputs,
addr and count.

wrong:  20 inputs of type int
right:  {\"inputs\": [{\"name\": \"a\", \"type\": \"addr\"}, {\"name\": \"u\", \"type\": \"uint\"}], …} and {\"input\": [[1, 2, 3, 4]], …}";

    18 ARITY "a test does not fit the stack effect"
"The test has more or fewer cells than the stack effect declares. A string counts as two cells, c-addr u, and an array too,
addr and the number of cells. Lists go from the bottom to the top of the stack.

wrong:  {\"input\": [7], \"output\": [1, 3]} for ( a b -- quotient )
right:  {\"input\": [7, 2], \"output\": [3]}";

    19 OUT_OF_RANGE "a number outside its range"
"Cells have 64 bits: int goes from -9223372036854775808 to 9223372036854775807, uint from 0 to 18446744073709551615, char from 0
to 1114111.

wrong:  {\"input\": [-1], …} for an input of type uint
right:  {\"input\": [18446744073709551615], …}";

    20 NOT_WHOLE "a number with a point or an exponent"
"Cells are whole numbers, also where the value of 3.0 or 1e3 is whole.

wrong:  {\"input\": [1e3], \"output\": [3.0]}
right:  {\"input\": [1000], \"output\": [3]}";

    21 NOT_A_FLAG "a flag is 0 or -1"
"Forth's true is -1, all bits set, and flags are compared exactly. A value of type bool is written true, false, -1 or 0.

wrong:  {\"input\": [4], \"output\": [1]} for ( n -- flag )
right:  {\"input\": [4], \"output\": [true]}";

    22 BAD_THROWS "an expected exception that cannot be"
"A test with \"throws\" says which exception code the word must THROW; it has no \"output\", and the code is not 0, because 0
THROW does nothing.

wrong:  {\"input\": [1, 0], \"output\": [0], \"throws\": -10}
right:  {\"input\": [1, 0], \"throws\": -10}";

    23 CONSTRAINT_BROKEN "a test that breaks a constraint"
"The input of the test does not satisfy the constraint of its own specification. One of the two is wrong; the test is run all
the same.

wrong:  {\"name\": \"n\", \"type\": \"int\", \"constraint\": \"n > 0\"} and {\"input\": [0], …}
right:  {\"name\": \"n\", \"type\": \"int\", \"constraint\": \"n >= 0\"} and {\"input\": [0], …}";

    24 UNCHECKED "an expression that wordmill does not understand"
"A constraint, value or property is not in the expression language, so it is counted as unchecked: it neither passes nor fails.
The language has numbers, names of the inputs, + - * / mod, powers, comparisons and chains of them, and, or, not, |n|, n!, n²,
min, max, gcd and the like, calls to the word itself, and guards with if and for.

wrong:  \"the result is always positive\"
right:  \"square(n) >= 0\"";

    25 DUPLICATE_WORD "the same word is specified twice in one corpus"
"All of them are run and judged one by one, but `uses` cannot tell which one is meant.

wrong:  two records with {\"word\": \"square\"}
right:  {\"word\": \"square\"} and {\"word\": \"square-fast\"}";

    26 NOTHING_TO_CHECK "nothing can be checked"
"Without tests, properties and values no code can earn a verdict.

wrong:  {\"word\": \"square\", \"stack_effect\": { … }}
right:  {\"word\": \"square\", \"stack_effect\": { … }, \"test_cases\": [{\"input\": [5], \"output\": [25]}]}";

    27 CONTRADICTION "two tests contradict each other"
"The same input has two different outputs. A word that depends on nothing but its inputs cannot pass both.

wrong:  {\"input\": [2], \"output\": [4]}, {\"input\": [2], \"output\": [5]}
right:  {\"input\": [2], \"output\": [4]}, {\"input\": [3], \"output\": [9]}";

    28 VALUE_BROKEN "a test that contradicts the value"
"The output of the test is not what the \"value\" of the stack effect gives for its input. One of the two is wrong; both are
checked all the same.

wrong:  {\"name\": \"s\", \"type\": \"int\", \"value\": \"n*n\"} and {\"input\": [3], \"output\": [6]}
right:  {\"name\": \"s\", \"type\": \"int\", \"value\": \"n*n\"} and {\"input\": [3], \"output\": [9]}";

    29 AMBIGUOUS_NAME "two inputs have the same name"
"Expressions name inputs, so a name that stands twice cannot be used in them.

wrong:  [{\"name\": \"n\", \"type\": \"int\"}, {\"name\": \"n\", \"type\": \"int\"}]
right:  [{\"name\": \"a\", \"type\": \"int\"}, {\"name\": \"b\", \"type\": \"int\"}]";

    30 NOT_AN_ADDRESS "a string or an array where the stack effect has no address"
"A string gives the address of its first character and their number, an array the address of its first cell and their number. The
stack effect should declare addr (or any) for the first and int or uint for the second.

wrong:  {\"inputs\": [{\"name\": \"a\", \"type\": \"int\"}, {\"name\": \"u\", \"type\": \"int\"}], …} and {\"input\": [\"abc\"], …}
right:  {\"inputs\": [{\"name\": \"a\", \"type\": \"addr\"}, {\"name\": \"u\", \"type\": \"uint\"}], …} and {\"input\": [\"abc\"], …}";

    31 UNREADABLE "something in the folder cannot be read"
"A file or folder below the given path could not be looked at, for example because of its permissions or because a symbolic link
leads nowhere. The rest is used.

wrong:  specs/old.jsonl -> /mnt/gone/old.jsonl
right:  specs/old.jsonl";

    32 SPECIAL_FILE "not a regular file"
"A pipe, a socket or a device stands in the folder. wordmill does not open it, because reading it could wait for ever.

wrong:  mkfifo specs/new.jsonl
right:  generator > specs/new.jsonl";

    33 LONE_HELDOUT "held-out cases without their specifications"
"X.heldout.jsonl belongs to X.jsonl in the same folder. Alone it says nothing, because it is never read as specifications.

wrong:  specs/square.heldout.jsonl alone
right:  specs/square.jsonl and specs/square.heldout.jsonl";

    34 MORE_FINDINGS "there is more to say about this record"
"At most 20 findings of one record are shown. Mend those and look again.

wrong:  a hundred tests with one value too many
right:  the same tests with as many values as the stack effect declares";

    35 FORTH_TEXT "something in a Forth test file that is not read"
"The import reads Forth text without running it. A definition, a comment or a string that does not end, a part between [IF] and
[THEN], another file, a change of BASE by calculation: it cannot follow these, says so and goes on behind them. A word in a definition
that neither the file nor the standard has is warned of.

wrong:  S\" helpers.fs\" INCLUDED   T{ 5 helped -> 25 }T
right:  the definitions of helpers.fs in front of the tests";

    36 FORTH_TEST "a Forth test that cannot become a test case"
"A test case has values before the word and values after it: numbers, characters, flags, strings, constants of the file, and
arithmetic on them. The word under test is the last one before ->. Tests of several words in a row, of addresses, of what lies
below the inputs, and of words that read the text behind them have no such form.

wrong:  T{ 5 square DUP -> 25 25 }T
right:  T{ 5 square -> 25 }T";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_range_and_explained_by_example() {
        for (index, entry) in CODES.iter().enumerate() {
            assert_eq!(entry.code.0 as usize, index + 1);
            assert!(entry.code.0 < 40);
            assert!(entry.explanation.contains("\nwrong:  "), "{}", entry.code);
            assert!(entry.explanation.contains("\nright:  "), "{}", entry.code);
            assert!(!entry.title.ends_with('.'));
            assert!(entry.explanation.lines().all(|line| line.chars().count() <= 140), "{}", entry.code);
        }
    }
}
