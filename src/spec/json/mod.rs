//! A pull reader of strict JSON that knows where it is. It never recurses, borrows strings that have no escapes, and
//! tells what people write instead of JSON (trailing commas, comments, NaN, single quotes) with a suggestion, reading on
//! where the meaning is plain.
//!
//! The text is valid UTF-8 before it comes here; see [`crate::spec::parse`].

mod number;
mod string;

pub use number::{Number, whole_value};

use crate::spec::codes;
use crate::spec::finding::{Finding, Log, Span};
use std::borrow::Cow;

/// Deeper nesting is a finding.
pub const DEPTH_MAX: u32 = 128;

/// The text cannot be read on; the log says why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken;

/// What a step of the reader gives.
pub type Step<T> = Result<T, Broken>;

/// What kind of value stands at a place, by its first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `"`, or `'` instead
    String,
    /// A digit, or a sign or point that begins a number
    Number,
    /// `true` or `false`, or `null`, or a word instead
    Word,
    /// Nothing that begins a value
    Other,
}

impl Kind {
    /// The kind as a reader of the message would call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Object => "an object",
            Kind::Array => "an array",
            Kind::String => "a string",
            Kind::Number => "a number",
            Kind::Word => "a word",
            Kind::Other => "something else",
        }
    }
}

const fn kind_of(byte: u8) -> Kind {
    match byte {
        b'{' => Kind::Object,
        b'[' => Kind::Array,
        b'"' | b'\'' => Kind::String,
        b'0'..=b'9' | b'-' | b'+' | b'.' => Kind::Number,
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => Kind::Word,
        _ => Kind::Other,
    }
}

/// A word of JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Literal {
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
    /// Some other word; the log has it.
    Bad,
}

/// A position in a text, and what was found on the way.
#[derive(Debug)]
pub struct Reader<'t> {
    text: &'t str,
    pos: usize,
    depth: u32,
    key: Span,
    /// What was found.
    pub log: Log,
}

impl<'t> Reader<'t> {
    /// A reader at the start of a text.
    pub fn new(text: &'t str) -> Self {
        Self { text, pos: 0, depth: 0, key: Span::default(), log: Log::default() }
    }

    /// A reader at a value somewhere in a text, to read it once more.
    pub fn at(text: &'t str, pos: usize) -> Self {
        Self { pos, ..Self::new(text) }
    }

    /// Where the reader stands, in bytes.
    #[inline(always)]
    pub fn pos(&self) -> usize {
        self.pos
    }

    /// The whole text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The key that [`Reader::next_key`] gave last.
    pub fn key_span(&self) -> Span {
        self.key
    }

    /// The byte at the position; 0 at the end.
    #[inline(always)]
    pub fn byte(&self) -> u8 {
        match self.text.as_bytes().get(self.pos) {
            Some(&byte) => byte,
            None => 0,
        }
    }

    /// The kind of the value that begins here.
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        kind_of(self.byte())
    }

    /// Passes over these bytes, if just they stand here.
    #[inline(always)]
    pub fn eat(&mut self, bytes: &[u8]) -> bool {
        let stands = self.text.as_bytes().get(self.pos..).is_some_and(|rest| rest.starts_with(bytes));
        self.pos += if stands { bytes.len() } else { 0 };
        stands
    }

    /// Goes back to a place where the reader has been, in the same object or array.
    #[inline(always)]
    pub fn back_to(&mut self, pos: usize) {
        self.pos = pos;
    }

    /// Passes over white space, and over comments with a finding.
    #[inline(always)]
    pub fn skip_space(&mut self) {
        let byte = self.byte();
        if byte <= b' ' || byte == b'/' || byte == b'#' {
            self.skip_space_slow();
        }
    }

    #[inline(never)]
    fn skip_space_slow(&mut self) {
        loop {
            match self.byte() {
                b' ' | b'\t' | b'\n' | b'\r' => self.pos += 1,
                b'/' | b'#' if self.skip_comment() => {}
                _ => return,
            }
        }
    }

    #[cold]
    fn skip_comment(&mut self) -> bool {
        let rest = &self.text[self.pos..];
        let len = if rest.starts_with("//") || rest.starts_with('#') {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            return false;
        };
        let span = Span::new(self.pos, self.pos + len);
        self.habit(span, || "JSON has no comments".into(), || "put the remark into \"description\"".into());
        self.pos += len;
        true
    }

    /// Enters the object or array that begins here.
    #[inline(always)]
    pub fn open(&mut self) -> Step<()> {
        self.pos += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(self.too_deep()) } else { Ok(()) }
    }

    #[cold]
    fn too_deep(&mut self) -> Broken {
        let span = Span::at(self.pos - 1);
        self.break_off(|| {
            Finding::error(codes::TOO_DEEP, span, format!("nested deeper than {DEPTH_MAX} levels"))
                .suggest("a specification needs six levels at most")
        })
    }

    /// The next key of the object that is open, with the reader at its value; `None` when the object ends, and it is left.
    #[inline(always)]
    pub fn next_key(&mut self, first: &mut bool) -> Step<Option<Cow<'t, str>>> {
        if !self.next_item(first, b'}')? {
            return Ok(None);
        }
        let start = self.pos;
        let key = if self.byte() == b'"' { self.string()? } else { self.odd_key()? };
        self.key = Span::new(start, self.pos);
        self.skip_space();
        if self.byte() != b':' {
            return Err(self.missing_colon());
        }
        self.pos += 1;
        self.skip_space();
        Ok(Some(key))
    }

    /// Whether the array that is open has another element, with the reader at it; when it ends, it is left.
    #[inline(always)]
    pub fn next_element(&mut self, first: &mut bool) -> Step<bool> {
        self.next_item(first, b']')
    }

    #[inline(always)]
    fn next_item(&mut self, first: &mut bool, end: u8) -> Step<bool> {
        self.skip_space();
        let mut byte = self.byte();
        if *first {
            *first = false;
        } else if byte == b',' {
            self.pos += 1;
            self.skip_space();
            byte = self.byte();
            if byte == end || byte == b',' {
                self.needless_comma(byte);
                byte = self.byte();
            }
        } else if byte != end {
            self.missing_comma(end)?;
        }
        if byte == end {
            self.pos += 1;
            self.depth -= 1;
            return Ok(false);
        }
        Ok(true)
    }

    #[cold]
    fn needless_comma(&mut self, byte: u8) {
        let span = Span::at(self.pos);
        let before = if byte == b',' { "another comma" } else { "the closing bracket" };
        self.habit(span, || format!("a comma right before {before}"), || "take the comma out".into());
        while self.byte() == b',' {
            self.pos += 1;
            self.skip_space();
        }
    }

    #[cold]
    fn missing_comma(&mut self, end: u8) -> Step<()> {
        let begins = match end {
            b'}' => self.byte() == b'"',
            _ => matches!(self.kind(), Kind::Object | Kind::Array | Kind::String | Kind::Number),
        };
        if !begins {
            return Err(self.unexpected(&format!("a comma or \"{}\"", end as char)));
        }
        let span = Span::at(self.pos);
        self.syntax(|| {
            Finding::error(codes::SYNTAX, span, "a comma is missing before this")
                .suggest("put a comma between the two")
        });
        Ok(())
    }

    #[cold]
    fn missing_colon(&mut self) -> Broken {
        self.unexpected("a colon after the name of the field")
    }

    #[cold]
    fn odd_key(&mut self) -> Step<Cow<'t, str>> {
        match self.kind() {
            Kind::String => self.single_quoted(),
            Kind::Word => {
                let start = self.pos;
                let word = self.take_word();
                self.habit(
                    Span::new(start, self.pos),
                    || format!("the field name {} stands without quotes", shown(word)),
                    || format!("write \"{}\"", shown(word)),
                );
                Ok(Cow::Borrowed(word))
            }
            _ => Err(self.unexpected("the name of a field in double quotes")),
        }
    }

    /// Reads `true`, `false` or `null`; other words are a finding.
    #[inline(always)]
    pub fn literal(&mut self) -> Literal {
        let rest = &self.text.as_bytes()[self.pos..];
        let (literal, len) = match rest {
            [b't', b'r', b'u', b'e', ..] => (Literal::True, 4),
            [b'n', b'u', b'l', b'l', ..] => (Literal::Null, 4),
            [b'f', b'a', b'l', b's', b'e', ..] => (Literal::False, 5),
            _ => return self.odd_word(),
        };
        if rest.get(len).is_some_and(|&byte| is_word_byte(byte)) {
            return self.odd_word();
        }
        self.pos += len;
        literal
    }

    #[cold]
    fn odd_word(&mut self) -> Literal {
        let start = self.pos;
        let word = self.take_word();
        let span = Span::new(start, self.pos);
        let hint = match word {
            "True" | "TRUE" => "write true".to_owned(),
            "False" | "FALSE" => "write false".to_owned(),
            "None" | "nil" | "NULL" | "Null" | "undefined" => "write null, or leave the field out".to_owned(),
            "NaN" | "nan" | "NAN" | "Infinity" | "inf" | "INFINITY" => {
                "a cell is a whole number; there is no such cell".to_owned()
            }
            _ => format!("text stands in double quotes: \"{}\"", shown(word)),
        };
        self.habit(span, || format!("{} is not JSON", shown(word)), || hint);
        Literal::Bad
    }

    fn take_word(&mut self) -> &'t str {
        let rest = &self.text[self.pos..];
        let len = rest.bytes().position(|byte| !is_word_byte(byte)).unwrap_or(rest.len());
        self.pos += len;
        &rest[..len]
    }

    /// Passes over the value that begins here, however deep.
    pub fn skip(&mut self) -> Step<()> {
        let floor = self.depth;
        // One bit a level, the innermost lowest: an object, or an array.
        let mut objects = 0u128;
        let mut first = false;
        loop {
            match self.kind() {
                kind @ (Kind::Object | Kind::Array) => {
                    self.open()?;
                    objects = objects << 1 | u128::from(kind == Kind::Object);
                    first = true;
                }
                _ => self.skip_scalar()?,
            }
            loop {
                if self.depth == floor {
                    return Ok(());
                }
                let more = match objects & 1 {
                    1 => self.next_key(&mut first)?.is_some(),
                    _ => self.next_element(&mut first)?,
                };
                if more {
                    break;
                }
                objects >>= 1;
                first = false;
            }
        }
    }

    fn skip_scalar(&mut self) -> Step<()> {
        match self.kind() {
            Kind::String if self.byte() == b'"' => self.string().map(drop),
            Kind::String => self.single_quoted().map(drop),
            Kind::Number => {
                self.number();
                Ok(())
            }
            Kind::Word => {
                self.literal();
                Ok(())
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    /// After the last value: nothing but white space may follow.
    pub fn finish(&mut self) -> Step<()> {
        self.skip_space();
        if self.pos == self.text.len() {
            return Ok(());
        }
        let (start, byte) = (self.pos, self.byte());
        Err(self.break_off(|| {
            let finding = Finding::error(codes::NOT_A_RECORD, Span::at(start), "more text after the record");
            match byte {
                b'{' => {
                    finding.suggest("one object a line in a .jsonl file, an array of objects in a .json file")
                }
                b'}' | b']' => finding.suggest("there is one closing bracket too many"),
                _ => finding.suggest("take it out"),
            }
        }))
    }

    /// Something else stands where `wanted` should.
    #[cold]
    pub fn unexpected(&mut self, wanted: &str) -> Broken {
        let (pos, depth) = (self.pos, self.depth);
        let Some(found) = self.text[pos..].chars().next() else {
            let pos = self.text.trim_end().len();
            return self.break_off(|| {
                let finding = Finding::error(
                    codes::CUT_SHORT,
                    Span::at(pos),
                    format!("the text ends where {wanted} should stand"),
                );
                match depth {
                    0 => finding,
                    1 => finding.suggest("one bracket is still open"),
                    _ => finding.suggest(format!("{depth} brackets are still open")),
                }
            });
        };
        self.break_off(|| {
            let message = format!("found {} where {wanted} should stand", shown_char(found));
            let finding = Finding::error(codes::SYNTAX, Span::new(pos, pos + found.len_utf8()), message);
            match found {
                '\u{201C}' | '\u{201D}' | '\u{2018}' | '\u{2019}' | '«' | '»' => {
                    finding.suggest("write straight double quotes")
                }
                '=' => finding.suggest("write a colon between name and value"),
                ';' => finding.suggest("write a comma"),
                '(' | ')' => finding.suggest("lists stand in [ ], objects in { }"),
                '\u{FEFF}' => finding.suggest("take the byte order mark out"),
                _ => finding,
            }
        })
    }

    /// What people write instead of JSON: told, and read on.
    #[cold]
    fn habit(&mut self, span: Span, message: impl FnOnce() -> String, hint: impl FnOnce() -> String) {
        self.syntax(|| Finding::error(codes::NOT_STRICT, span, message()).suggest(hint()));
    }

    #[cold]
    fn syntax(&mut self, make: impl FnOnce() -> Finding) {
        self.log.is_unparsable = true;
        self.log.add(make);
    }

    #[cold]
    fn break_off(&mut self, make: impl FnOnce() -> Finding) -> Broken {
        self.syntax(make);
        Broken
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

/// A word of the text for a message, clipped.
pub(crate) fn shown(word: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut chars = word.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c });
    let mut short: String = chars.by_ref().take(CHARS_MAX).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

fn shown_char(c: char) -> String {
    match c {
        '\n' => "the end of the line".into(),
        '"' => "a double quote".into(),
        c if c.is_control() || c == '\u{FEFF}' => format!("U+{:04X}", c as u32),
        c => format!("\"{c}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a text as one value and gives the codes with byte positions, `.` when there is none.
    fn check(text: &str, expect: &str) {
        let mut reader = Reader::new(text);
        reader.skip_space();
        let _ = reader.skip().and_then(|()| reader.finish());
        let found: Vec<String> = reader
            .log
            .findings
            .iter()
            .map(|f| format!("{}@{}-{}", f.code, f.span.start, f.span.end))
            .collect();
        let found = if found.is_empty() { ".".to_owned() } else { found.join(" ") };
        assert_eq!(found, expect, "{text}\n{:#?}", reader.log.findings);
        assert_eq!(reader.log.is_unparsable, expect != ".", "{text}");
        if expect == "." {
            serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        } else if !text.contains("\\ud") {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "serde_json takes {text}");
        }
    }

    #[test]
    fn json_is_read() {
        for text in [
            "{}",
            "[]",
            " [ ] ",
            "{\"a\":1}",
            "[1,2,3]",
            "[1 , 2]",
            "{\"a\":{\"b\":[{}, [], \"x\"]}, \"c\":null}",
            "true",
            "-0",
            "[1.5e+10, -2E-3, 0.25]",
            "\"\\u00e9\\n\\\\\\\"\\/\\ud83d\\ude00\"",
            "\"größer als ∑ 😀\"",
            "\r\n{\r\n}\r\n",
            "[18446744073709551616, 1e300]",
        ] {
            check(text, ".");
        }
    }

    #[test]
    fn habits_are_told_and_read_on() {
        check("[1,]", "WM002@3-4");
        check("{\"a\":1,}", "WM002@7-8");
        check("[1,,2]", "WM002@3-4");
        check("[NaN]", "WM002@1-4");
        check("[None, True, nil]", "WM002@1-5 WM002@7-11 WM002@13-16");
        check("[1] // done", "WM002@4-11");
        check("# first\n[1]", "WM002@0-7");
        check("[/* two */2]", "WM002@1-10");
        check("{'a':'b'}", "WM002@1-4 WM002@5-8");
        check("{a:1}", "WM002@1-2");
        check("[01]", "WM002@1-3");
        check("[+1]", "WM002@1-3");
        check("[.5]", "WM002@1-3");
        check("[5.]", "WM002@1-3");
        check("[0x1F]", "WM002@1-5");
        check("[1_000]", "WM002@1-6");
        check("[-]", "WM002@1-2");
        check("[1e]", "WM002@1-3");
        check("[Infinity, -Infinity]", "WM002@1-9 WM002@11-20");
        check("[truely]", "WM002@1-7");
        check("[1 2]", "WM001@3-4");
        check("{\"a\":1 \"b\":2}", "WM001@7-8");
    }

    #[test]
    fn broken_text_ends_the_reading() {
        check("", "WM003@0-1");
        check("[", "WM003@1-2");
        check("[1", "WM003@2-3");
        check("{\"a\"", "WM003@4-5");
        check("{\"a\":", "WM003@5-6");
        check("{\"a\":1", "WM003@6-7");
        check("{\"a", "WM003@1-3");
        check("[1}", "WM001@2-3");
        check("{\"a\"=1}", "WM001@4-5");
        check("{1:2}", "WM001@1-2");
        check("[“a”]", "WM001@1-4");
        check("{} {}", "WM010@3-4");
        check("{}}", "WM010@2-3");
        check("\"a\nb\"", "WM007@0-2");
        check("\u{1}", "WM001@0-1");
        check("[\u{0}]", "WM001@1-2");
        check("/", "WM001@0-1");
    }

    #[test]
    fn strings_are_strict() {
        check("\"\\x\"", "WM007@1-3");
        check("\"a\tb\"", "WM007@2-3");
        check("\"\\u12g4\"", "WM007@1-3");
        check("\"\\ud800\"", "WM007@1-7");
        check("\"\\udc00x\"", "WM007@1-7");
        check("\"\\ud800\\u0041\"", "WM007@1-7");
        check("\"\\", "WM003@0-2");
        check("\"\\u00", "WM003@0-5");
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let codes = |text: &str| {
            let mut reader = Reader::new(text);
            let _ = reader.skip();
            reader.log.findings.iter().map(|f| (f.code, f.span.start)).collect::<Vec<_>>()
        };
        assert_eq!(codes(&deep(128)), []);
        assert_eq!(codes(&deep(129)), [(codes::TOO_DEEP, 128)]);
        assert_eq!(codes(&deep(10_000)), [(codes::TOO_DEEP, 128)]);
        let objects = "{\"a\":[".repeat(64) + "0" + &"]}".repeat(64);
        assert_eq!(codes(&objects), []);
    }

    #[test]
    fn findings_are_bounded() {
        let mut reader = Reader::new(Box::leak(format!("[{}0]", "NaN,".repeat(100_000)).into_boxed_str()));
        assert_eq!(reader.skip(), Ok(()));
        assert_eq!(reader.log.findings.len(), crate::spec::finding::FINDINGS_MAX);
        assert_eq!(reader.log.n_dropped as usize, 100_000 - crate::spec::finding::FINDINGS_MAX);
    }
}
