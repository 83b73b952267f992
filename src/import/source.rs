//! One pass over the file: definitions, tests, and what stands between them.

use super::effect::{self, Declared};
use super::scan::{Findings, Scanner, Token};
use super::value::{self, Constants, Item};
use crate::model::{Cell, Value};
use crate::spec::codes;
use crate::spec::finding::{Finding, Span};
use std::collections::{HashMap, HashSet};

/// A stretch of the file that is code: a colon definition, or a line that defines something or changes it.
#[derive(Debug)]
pub(super) struct Piece {
    /// The names that it defines, in lower case; none where it only changes something.
    pub names: Vec<String>,
    /// The words in it, in lower case.
    pub words: HashSet<String>,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The base in which its numbers are read.
    pub base: u32,
    /// Its stack comment.
    pub declared: Option<Declared>,
    /// Words of a definition that must be known for it to compile, in the order of the text, each where it stands first.
    pub mentions: Vec<(String, Span)>,
    /// Its locals, in lower case.
    pub locals: HashSet<String>,
    /// Where it has a byte outside of comments that is no text.
    pub damage: Option<Span>,
}

impl Piece {
    /// One that begins with a word and has nothing else yet.
    fn at(start: Token<'_>, base: u32) -> Self {
        Self {
            names: Vec::new(),
            words: HashSet::new(),
            start: start.start,
            end: start.end(),
            base,
            declared: None,
            mentions: Vec::new(),
            locals: HashSet::new(),
            damage: None,
        }
    }

    /// Notes a word that it mentions.
    fn mention(&mut self, token: Token<'_>) {
        if self.words.insert(token.lower()) {
            self.mentions.push((token.lower(), token.span()));
        }
    }
}

/// A test of a word.
#[derive(Debug)]
pub(super) struct Test<'t> {
    /// The word under test.
    pub word: Token<'t>,
    /// The stack before.
    pub inputs: Vec<Item>,
    /// The stack after.
    pub outputs: Vec<Item>,
    /// The exception it expects instead.
    pub throws: Option<Cell>,
    /// The last line that begins with TESTING.
    pub about: Option<&'t str>,
    /// How many pieces of code stand before it.
    pub n_pieces: usize,
}

/// Everything that a file says.
pub(super) struct Source<'t> {
    /// The whole text.
    pub text: &'t str,
    /// What was found.
    pub findings: Findings<'t>,
    /// The code.
    pub pieces: Vec<Piece>,
    /// The tests.
    pub tests: Vec<Test<'t>>,
    /// Stack comments that name their word or stand right before a test, by the word in lower case.
    pub declared: HashMap<String, Declared>,
    /// Tests there are, with those that could not be read.
    pub n_tests: usize,
}

/// Words after which a name stands that they define.
const DEFINERS: &[&str] = &[
    "create",
    "variable",
    "constant",
    "value",
    "defer",
    "2variable",
    "2constant",
    "2value",
    "buffer:",
    "synonym",
    "begin-structure",
    "field:",
    "cfield:",
    "2field:",
    "+field",
    "marker",
];

/// Words that make a line without a definition worth keeping: it changes what a word does.
const CHANGERS: &[&str] = &[
    "!",
    "c!",
    "2!",
    "+!",
    ",",
    "c,",
    "2,",
    "allot",
    "align",
    "is",
    "to",
    "defer!",
    "fill",
    "erase",
    "move",
    "cmove",
    "immediate",
];

/// Reads a whole file.
///
/// `is_damaged` says that some bytes were no text: each is a U+FFFD now.
pub(super) fn read<'t>(text: &'t str, findings: Findings<'t>, is_damaged: bool) -> Source<'t> {
    let source = Source {
        text,
        findings,
        pieces: Vec::new(),
        tests: Vec::new(),
        declared: HashMap::new(),
        n_tests: 0,
    };
    let mut reader = Reader {
        scanner: Scanner { text, at: 0 },
        source,
        base: 10,
        constants: Constants::new(),
        definers: HashSet::new(),
        pending: None,
        about: None,
        is_damaged,
    };
    while let Some(token) = reader.scanner.next() {
        reader.top(token);
    }
    reader.source
}

struct Reader<'t> {
    scanner: Scanner<'t>,
    source: Source<'t>,
    base: u32,
    constants: Constants,
    /// Defining words of the file itself.
    definers: HashSet<String>,
    /// The stack comment that stood last outside of everything.
    pending: Option<Declared>,
    about: Option<&'t str>,
    is_damaged: bool,
}

/// A word or a literal of one side of a test.
#[derive(Clone)]
enum Element<'t> {
    Word(Token<'t>),
    Item(Token<'t>, Item),
}

impl<'t> Element<'t> {
    fn token(&self) -> Token<'t> {
        match self {
            Element::Word(token) | Element::Item(token, _) => *token,
        }
    }

    fn is(&self, word: &str) -> bool {
        matches!(self, Element::Word(token) if token.is(word))
    }
}

impl<'t> Reader<'t> {
    fn lost(&mut self, span: Span, message: impl Into<String>) {
        self.source.findings.add(Finding::error(codes::FORTH_TEXT, span, message));
    }

    fn passed_over(&mut self, span: Span, message: impl Into<String>) {
        self.source.findings.add(Finding::error(codes::FORTH_TEST, span, message));
    }

    /// A word outside of definitions and tests.
    fn top(&mut self, token: Token<'t>) {
        match token.lower().as_str() {
            "\\" => self.line_comment(),
            "(" => {
                self.pending = self.bracket(token).and_then(effect::parse).or(self.pending.take());
            }
            ".(" => _ = self.bracket(token),
            "t{" => self.test(token, "}t"),
            "{" => self.test(token, "}"),
            ":" => self.colon(token),
            "[if]" => self.conditional(token),
            "testing" => {
                self.about = Some(self.scanner.rest_of_line().trim()).filter(|about| !about.is_empty());
            }
            "hex" => self.base = 16,
            "decimal" => self.base = 10,
            _ => self.group(token),
        }
    }

    /// `\ ( a b -- c )` before a definition or a test, or `\ word ( a b -- c )` anywhere.
    fn line_comment(&mut self) {
        let line = self.scanner.rest_of_line().trim();
        let Some((before, rest)) = line.split_once('(') else { return };
        let Some(declared) = rest.split(')').next().and_then(effect::parse) else { return };
        match before.trim() {
            "" => self.pending = Some(declared),
            name if !name.contains(char::is_whitespace) => {
                self.source.declared.insert(name.to_ascii_lowercase(), declared);
            }
            _ => {}
        }
    }

    /// The text of a comment in brackets.
    fn bracket(&mut self, token: Token<'t>) -> Option<&'t str> {
        let text = self.scanner.until(')');
        if text.is_none() {
            self.lost(token.span(), "the comment is not closed; nothing behind it is read");
            self.scanner.skip_all();
        }
        text
    }

    /// A string behind a word that ends in a quote.
    fn string(&mut self, token: Token<'t>) -> Option<String> {
        let text = if token.is("s\\\"") {
            self.scanner.until_quote_with_escapes()
        } else {
            self.scanner.until('"').map(str::to_owned)
        };
        if text.is_none() {
            self.lost(token.span(), "the string is not closed; nothing behind it is read");
            self.scanner.skip_all();
        }
        text
    }

    /// Passes over `[IF] … [THEN]`: what it depends on is not known.
    fn conditional(&mut self, token: Token<'t>) {
        let mut depth = 1;
        while let Some(next) = self.scanner.next() {
            match next.lower().as_str() {
                "[if]" => depth += 1,
                "[then]" => depth -= 1,
                "\\" => _ = self.scanner.rest_of_line(),
                _ => {}
            }
            if depth == 0 {
                let span = Span::new(token.start, token.end());
                let note = "what stands between [IF] and [THEN] is not read";
                self.source.findings.add(Finding::warning(codes::FORTH_TEXT, span, note));
                return;
            }
        }
        self.lost(token.span(), "[IF] without [THEN]; nothing behind it is read");
    }

    /// `: name … ;`, with IMMEDIATE behind it.
    fn colon(&mut self, start: Token<'t>) {
        let Some(name) = self.scanner.next() else {
            return self.lost(start.span(), "a name is missing behind the colon");
        };
        let mut piece = Piece::at(start, self.base);
        piece.names.push(name.lower());
        piece.end = name.end();
        self.note_damage(name.text, name, &mut piece);
        if !self.body(start, &mut piece) {
            return;
        }
        while let Some(next) = self.scanner.peek().filter(|it| it.is("immediate") || it.is("compile-only")) {
            self.scanner.next();
            piece.end = next.end();
        }
        let is_definer = DEFINERS.iter().any(|definer| piece.words.contains(*definer))
            || piece.words.iter().any(|word| self.definers.contains(word))
            || piece.words.contains(":");
        if is_definer {
            self.definers.insert(name.lower());
        }
        piece.declared = piece.declared.or(self.pending.take());
        self.pending = None;
        self.constants.remove(&name.lower());
        self.source.pieces.push(piece);
    }

    /// The words up to `;`. Tells and goes back where a definition is never closed.
    fn body(&mut self, start: Token<'t>, piece: &mut Piece) -> bool {
        let (mut is_quoted, mut is_char_next) = (false, false);
        loop {
            let before = self.scanner.at;
            let Some(token) = self.scanner.next() else {
                self.lost(start.span(), "the definition is not closed by ;");
                return false;
            };
            let is_first = !self.source.text[..token.start]
                .rsplit('\n')
                .next()
                .is_some_and(|line| line.contains(|c: char| c > ' '));
            let opens = token.is(":") || token.is("t{");
            if is_first && opens && !is_quoted {
                self.lost(start.span(), "the definition is not closed by ;");
                self.scanner.at = before;
                return false;
            }
            if !is_quoted && token.text == ";" {
                piece.end = token.end();
                return true;
            }
            let is_char = is_char_next;
            is_quoted =
                matches!(token.lower().as_str(), "[char]" | "char" | "postpone" | "[compile]" | "[']");
            is_char_next = !is_char && matches!(token.lower().as_str(), "[char]" | "char");
            match is_char {
                true => {
                    self.note_damage(token.text, token, piece);
                    piece.end = piece.end.max(token.end());
                }
                false => self.inside(token, piece),
            }
        }
    }

    /// Notes that text of a piece is damaged.
    fn note_damage(&self, text: &str, token: Token<'t>, piece: &mut Piece) {
        if self.is_damaged && text.contains(char::REPLACEMENT_CHARACTER) {
            piece.damage.get_or_insert(token.span());
        }
    }

    /// A word of a piece of code, with the text that it reads.
    fn inside(&mut self, token: Token<'t>, piece: &mut Piece) {
        match token.text {
            "\\" => {
                let comment = self.scanner.rest_of_line().trim();
                let inner = comment.strip_prefix('(').and_then(|text| text.split(')').next());
                piece.declared = piece.declared.take().or_else(|| inner.and_then(effect::parse));
            }
            "(" => {
                let comment = self.bracket(token);
                piece.declared = piece.declared.take().or_else(|| comment.and_then(effect::parse));
            }
            ".(" => _ = self.bracket(token),
            "{:" => {
                let mut ahead = self.scanner;
                let text = ahead.text[ahead.at..].split(":}").next().unwrap_or("");
                piece.declared = piece.declared.take().or_else(|| effect::of_locals(text));
                let names = text.split_whitespace().take_while(|name| *name != "--");
                piece.locals.extend(names.map(str::to_ascii_lowercase));
                while ahead.next().is_some_and(|next| next.text != ":}") {}
                self.scanner.at = ahead.at;
            }
            text if text.ends_with('"') => {
                piece.mention(token);
                if let Some(string) = self.string(token) {
                    self.note_damage(&string, token, piece);
                    piece.end = self.scanner.at;
                }
                return;
            }
            text => {
                self.note_damage(text, token, piece);
                piece.mention(token);
            }
        }
        piece.end = piece.end.max(token.end());
    }

    /// The rest of a line outside of definitions: `5 CONSTANT five`, `CREATE table 1 , 2 ,`, `INCLUDE other.fs`.
    fn group(&mut self, first: Token<'t>) {
        let mut piece = Piece::at(first, self.base);
        let (mut tokens, mut strings) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        let mut structure = None;
        while let Some(token) = next {
            match token.lower().as_str() {
                ":noname" => {
                    piece.words.insert(token.lower());
                    if !self.body(token, &mut piece) {
                        return;
                    }
                }
                "begin-structure" => structure = Some(token),
                "end-structure" => structure = None,
                "char" | "[char]" => _ = self.scanner.next(),
                _ => {}
            }
            self.note_damage(token.text, token, &mut piece);
            if token.text.ends_with('"') {
                let string = self.string(token);
                self.note_damage(string.as_deref().unwrap_or(""), token, &mut piece);
                strings.extend(string);
                piece.end = self.scanner.at;
            } else {
                self.inside_group(token, &mut piece);
            }
            tokens.push(token);
            let is_end = |next: &Token<'t>| {
                ["\\", "(", ".(", "t{", "{", ":", "[if]"].iter().any(|special| next.is(special))
            };
            next = match structure {
                Some(_) => self.scanner.next(),
                None if !self.scanner.goes_on() => None,
                None => self.scanner.peek().filter(|next| !is_end(next)).inspect(|_| {
                    self.scanner.next();
                }),
            };
            if structure.is_some() && next.is_none() {
                return self.lost(token.span(), "the structure is not closed by END-STRUCTURE");
            }
        }
        self.finish_group(piece, &tokens, &strings);
    }

    fn inside_group(&mut self, token: Token<'t>, piece: &mut Piece) {
        let lower = token.lower();
        let is_definer = DEFINERS.contains(&lower.as_str()) || self.definers.contains(&lower);
        if is_definer && let Some(name) = self.scanner.peek().filter(|_| self.scanner.goes_on()) {
            piece.names.push(name.lower());
            self.constants.remove(&name.lower());
        }
        piece.words.insert(lower);
        piece.end = piece.end.max(token.end());
    }

    fn finish_group(&mut self, piece: Piece, tokens: &[Token<'t>], strings: &[String]) {
        let has = |word: &str| piece.words.contains(word);
        if has("base") && has("!") {
            return self.change_base(tokens);
        }
        if ["include", "included", "require", "required", "needs", "[if]"].iter().any(|word| has(word)) {
            let is_tester = |text: &str| text.to_ascii_lowercase().contains("tester");
            let tester =
                tokens.iter().any(|token| is_tester(token.text)) || strings.iter().any(|s| is_tester(s));
            if !tester {
                let span = Span::new(piece.start, piece.end);
                let note = "the other file is not read: words that it defines are not known here";
                self.source.findings.add(Finding::warning(codes::FORTH_TEXT, span, note));
            }
            return;
        }
        self.note_constant(tokens);
        let changes = CHANGERS.iter().any(|word| has(word));
        match self.source.pieces.last_mut() {
            // More data of the definition before: `1 , 2 ,`.
            Some(last) if piece.names.is_empty() && is_data(&piece) && last.words.contains("create") => {
                last.end = piece.end;
                last.words.extend(piece.words);
                last.damage = last.damage.or(piece.damage);
            }
            _ if !piece.names.is_empty() || changes => self.source.pieces.push(piece),
            _ => {}
        }
    }

    /// `16 BASE !`
    fn change_base(&mut self, tokens: &[Token<'t>]) {
        let mut stack = Vec::new();
        let values = tokens.iter().take_while(|token| !token.is("base"));
        let read = values.map(|token| value::push(&mut stack, token.text, self.base, &self.constants));
        match (read.collect::<Result<Vec<_>, _>>(), stack.as_slice()) {
            (Ok(_), [Item { value: Value::Cell(base @ 2..=36), .. }]) => self.base = *base as u32,
            _ => {
                let span = tokens[0].span();
                self.lost(
                    span,
                    "this changes BASE in a way that is not followed: numbers are read as before",
                );
            }
        }
    }

    /// `<values> CONSTANT name` on a line of its own.
    fn note_constant(&mut self, tokens: &[Token<'t>]) {
        let [values @ .., definer, name] = tokens else { return };
        let n_cells = match definer.lower().as_str() {
            "constant" => 1,
            "2constant" => 2,
            _ => return,
        };
        let mut stack = Vec::new();
        let is_known = values
            .iter()
            .all(|token| value::push(&mut stack, token.text, self.base, &self.constants).is_ok());
        if is_known && stack.iter().map(Item::width).sum::<usize>() == n_cells {
            self.constants.insert(name.lower(), stack);
        }
    }

    /// `T{ … -> … }T`
    fn test(&mut self, start: Token<'t>, end: &str) {
        let n_pieces = self.source.pieces.len();
        let mut sides: [Vec<Element<'t>>; 2] = [Vec::new(), Vec::new()];
        let mut arrow = None;
        let base = self.base;
        let before = self.scanner.at;
        loop {
            let here = self.scanner.at;
            let Some(token) = self.scanner.next() else {
                self.scanner.at = before;
                return self.unclosed(start);
            };
            if token.is(end) {
                break;
            }
            if token.is("t{") || (end == "}" && token.is("{")) {
                self.scanner.at = here;
                return self.unclosed(start);
            }
            match token.lower().as_str() {
                "->" => arrow = Some(token),
                "\\" => _ = self.scanner.rest_of_line(),
                "(" => _ = self.bracket(token),
                "hex" => self.base = 16,
                "decimal" => self.base = 10,
                ":" if arrow.is_none() => self.colon(token),
                _ => {
                    let element = self.element(token);
                    sides[usize::from(arrow.is_some())].push(element);
                }
            }
        }
        let [left, right] = sides;
        if arrow.is_none() {
            // `{ … }` without an arrow is not ours, whatever it is.
            if end == "}t" {
                self.source.n_tests += 1;
                self.passed_over(start.span(), "the test has no ->");
            }
            return;
        }
        let defines = self.source.pieces.len() > n_pieces;
        if right.is_empty() && (defines && left.is_empty() || self.defining_group(start, &left, base)) {
            return;
        }
        self.source.n_tests += 1;
        let text = &self.source.text[start.start..self.scanner.at];
        if self.is_damaged && text.contains(char::REPLACEMENT_CHARACTER) {
            return self.passed_over(start.span(), "the test has a byte that is not UTF-8");
        }
        self.finish_test(start, &left, &right, base);
    }

    fn unclosed(&mut self, start: Token<'t>) {
        self.source.n_tests += 1;
        self.passed_over(
            start.span(),
            format!("the test is not closed by {}", if start.is("{") { "}" } else { "}T" }),
        );
    }

    /// A word of a test, or the literal that begins with it.
    fn element(&mut self, token: Token<'t>) -> Element<'t> {
        match token.lower().as_str() {
            "char" | "[char]" => match self.scanner.next().and_then(|next| next.text.chars().next()) {
                Some(c) => Element::Item(token, Item::cell(c as Cell)),
                None => Element::Word(token),
            },
            "s\"" | "s\\\"" => match self.string(token) {
                Some(text) => Element::Item(token, Item::text(text)),
                None => Element::Word(token),
            },
            _ => Element::Word(token),
        }
    }

    /// A test that only defines something, `T{ 5 CONSTANT five -> }T`, is code.
    fn defining_group(&mut self, start: Token<'t>, left: &[Element<'t>], base: u32) -> bool {
        let is_definer = |token: &Token<'t>| {
            DEFINERS.iter().any(|definer| token.is(definer)) || self.definers.contains(&token.lower())
        };
        let tokens: Vec<Token<'t>> = left.iter().map(Element::token).collect();
        let definers: Vec<usize> = (0..tokens.len()).filter(|&at| is_definer(&tokens[at])).collect();
        let names: Vec<String> =
            definers.iter().filter_map(|&at| tokens.get(at + 1)).map(Token::lower).collect();
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return false };
        if names.is_empty() {
            return false;
        }
        debug_assert!(first.start >= start.end());
        names.iter().for_each(|name| _ = self.constants.remove(name));
        self.note_constant(&tokens);
        let words = tokens.iter().map(Token::lower).collect();
        let mut piece = Piece { names, words, end: last.end(), ..Piece::at(*first, base) };
        tokens.iter().for_each(|token| self.note_damage(token.text, *token, &mut piece));
        self.source.pieces.push(piece);
        true
    }

    fn finish_test(&mut self, start: Token<'t>, left: &[Element<'t>], right: &[Element<'t>], base: u32) {
        let about = self.about;
        let n_pieces = self.source.pieces.len();
        let caught = caught(left);
        let (before, word) = match (caught, left.split_last()) {
            (Some((n_before, word)), _) => (&left[..n_before], word),
            (None, Some((Element::Word(word), before))) => (before, *word),
            (None, Some((Element::Item(token, _), _))) => {
                return self.passed_over(token.span(), "a word must stand before ->, not a value");
            }
            (None, None) => return self.passed_over(start.span(), "there is no word before ->"),
        };
        let is_word = crate::forth::number(word.text.as_bytes(), base).is_none() || self.is_defined(&word);
        if !is_word {
            return self.passed_over(word.span(), "a word must stand before ->, not a value");
        }
        let Some(inputs) = self.values(before, base) else { return };
        let Some(outputs) = self.values(right, base) else { return };
        let throws = match (caught.is_some(), outputs.as_slice()) {
            (false, _) => None,
            (true, [Item { value: Value::Cell(code), .. }]) if *code != 0 => Some(*code),
            (true, _) => {
                let note =
                    "a test by CATCH becomes one of an exception only where its code is all that is left";
                return self.passed_over(start.span(), note);
            }
        };
        if let Some(declared) = self.pending.take() {
            self.source.declared.entry(word.lower()).or_insert(declared);
        }
        let outputs = if throws.is_some() { Vec::new() } else { outputs };
        self.source.tests.push(Test { word, inputs, outputs, throws, about, n_pieces });
    }

    /// Whether the file defines a word; asked of what looks like a number only.
    fn is_defined(&self, word: &Token<'t>) -> bool {
        let lower = word.lower();
        self.source.pieces.iter().any(|piece| piece.names.contains(&lower))
    }

    /// The values of a side; `None` where something is not a value, which has been told then.
    fn values(&mut self, side: &[Element<'t>], base: u32) -> Option<Vec<Item>> {
        let mut stack = Vec::new();
        for element in side {
            let pushed = match element {
                Element::Item(_, item) => {
                    stack.push(item.clone());
                    Ok(())
                }
                Element::Word(token) => value::push(&mut stack, token.text, base, &self.constants),
            };
            if let Err(why) = pushed {
                self.passed_over(element.token().span(), why);
                return None;
            }
        }
        Some(stack)
    }
}

/// `… ' word CATCH NIP NIP`: how many elements stand before the tick, and the word.
fn caught<'t>(left: &[Element<'t>]) -> Option<(usize, Token<'t>)> {
    let n_nips = left.iter().rev().take_while(|element| element.is("nip") || element.is("2nip")).count();
    let rest = &left[..left.len() - n_nips];
    match rest {
        [before @ .., tick, word, catch] if (tick.is("'") || tick.is("[']")) && catch.is("catch") => {
            Some((before.len(), word.token()))
        }
        _ => None,
    }
}

/// Whether a line only lays down data.
fn is_data(piece: &Piece) -> bool {
    [",", "c,", "2,", "allot"].iter().any(|word| piece.words.contains(*word))
}
