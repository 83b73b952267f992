//! An effect as text, made only when somebody reads it: `( a b -- b*b+a )`.
//!
//! Inputs are named `a b c …`, or as the stack comment of the code names them. Operators are infix with as few brackets as
//! possible: `-a`, `~a`, `a*b`, `a/b`, `a mod b`, `a+b`, `a<<b`, `a>>b`, `a<b`, `a u< b`, `a and b`, `a xor b`, `a or b`,
//! and `a<0 ? -a : a` where branches meet; an item with blanks stands in brackets. Other words are written as calls,
//! `min(a,b)`, `*/(a,b,c)`, a result of several with its name or number: `um*(a,b).lo`, `sort2(a,b).1`. `mem[a]` is
//! what `@` fetches. What only a run can tell, and what is too long to be read, gets a name of its own: `x y z`.
//!
//! In a Forth comment a `)` would end it, so [`Effect::render_comment`] writes `[` and `]` for all brackets.

use crate::effect::infer::Effect;
use crate::effect::node::{Graph, Id, Node, Op};
use crate::effect::notation;
use crate::forth::words::{Kind, Word};
use std::fmt::Write;

/// Longest item; a longer one gets a name.
const ITEM_MAX: usize = 160;

/// Deepest nesting of an item.
const DEPTH_MAX: u32 = 60;

/// Levels, from loose to tight, as in `notation::expression`.
mod level {
    pub(super) const CHOICE: u8 = 0;
    pub(super) const OR: u8 = 1;
    pub(super) const XOR: u8 = 2;
    pub(super) const AND: u8 = 3;
    pub(super) const COMPARISON: u8 = 4;
    pub(super) const SHIFT: u8 = 5;
    pub(super) const SUM: u8 = 6;
    pub(super) const PRODUCT: u8 = 7;
    pub(super) const PREFIX: u8 = 8;
}

impl Effect<'_> {
    /// The effect in notation, for people: `( a b -- gcd(a,b) )`.
    pub fn render(&self) -> String {
        self.write(&self.names(), false)
    }

    /// The effect as a Forth comment: without any `)` but the last.
    pub fn render_comment(&self) -> String {
        self.write(&self.names(), true)
    }

    /// The effect with given names of the inputs, deepest first.
    ///
    /// # Panics
    ///
    /// When the number of names is not [`Effect::n_in`].
    pub fn render_with(&self, names: &[&str]) -> String {
        assert_eq!(names.len(), self.n_in());
        self.write(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>(), false)
    }

    /// One output as an expression.
    pub fn render_output(&self, output: usize) -> String {
        let names = self.names();
        let mut writer = self.writer(&names, false);
        writer.item(self.outs[output]);
        writer.out
    }

    /// One output as an expression, with given names of the inputs.
    pub(crate) fn render_output_with(&self, output: usize, names: &[&str]) -> String {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut writer = self.writer(&names, false);
        writer.item(self.outs[output]);
        writer.out
    }

    /// The names of the inputs: from the stack comment if it has good ones, else letters.
    pub(crate) fn names(&self) -> Vec<String> {
        let from_comment = self.comment().and_then(|comment| {
            let notation = notation::parse_notation(comment).ok()?;
            let names: Vec<&str> = notation.inputs().collect();
            let distinct = names.iter().enumerate().all(|(k, name)| !names[..k].contains(name));
            let good = names.len() == self.n_in() && distinct && names.iter().all(|name| is_good_name(name));
            good.then(|| names.into_iter().map(str::to_owned).collect())
        });
        from_comment.unwrap_or_else(|| letters(self.n_in()))
    }

    fn writer<'w>(&'w self, names: &'w [String], safe: bool) -> Writer<'w> {
        let brackets = if safe { ('[', ']') } else { ('(', ')') };
        Writer {
            graph: &self.scratch.graph,
            names,
            brackets,
            out: String::new(),
            start: 0,
            depth: 0,
            named: Vec::new(),
        }
    }

    fn write(&self, names: &[String], safe: bool) -> String {
        let mut writer = self.writer(names, safe);
        writer.out.push_str("( ");
        for name in names {
            writer.out.push_str(name);
            writer.out.push(' ');
        }
        writer.out.push_str("-- ");
        for &id in self.outs {
            writer.item(id);
            writer.out.push(' ');
        }
        writer.out.push(')');
        writer.out
    }
}

/// `a b c …`; numbered where the letters before those of unknowns do not suffice.
fn letters(n: usize) -> Vec<String> {
    if n <= 23 {
        (b'a'..).take(n).map(|letter| (letter as char).to_string()).collect()
    } else {
        (1..=n).map(|k| format!("a{k}")).collect()
    }
}

/// Names that an expression can contain without being misread.
fn is_good_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && !matches!(name, "mod" | "and" | "or" | "xor" | "true" | "false" | "index" | "mem" | "byte")
}

struct Writer<'w> {
    graph: &'w Graph,
    names: &'w [String],
    brackets: (char, char),
    out: String,
    /// Where the current item starts.
    start: usize,
    depth: u32,
    /// Names given to unknowns and to items that are too long.
    named: Vec<(Id, String)>,
}

/// The item is too long to be read.
struct TooLong;

type Written = Result<(), TooLong>;

impl Writer<'_> {
    fn item(&mut self, id: Id) {
        let id = self.graph.resolve(id);
        let start = self.out.len();
        self.start = start;
        self.depth = 0;
        if self.value(id, level::CHOICE).is_err() {
            self.out.truncate(start);
            // Writing a name cannot be too long.
            let _ = self.unknown(id, "x");
        } else if has_outer_blank(&self.out[start..]) {
            let (open, close) = self.brackets;
            self.out.insert(start, open);
            self.out.push(close);
        }
    }

    /// A value that stands where at least a level is wanted.
    fn value(&mut self, id: Id, wanted: u8) -> Written {
        if self.depth == DEPTH_MAX || self.out.len() - self.start > ITEM_MAX {
            return Err(TooLong);
        }
        self.depth += 1;
        let id = self.graph.resolve(id);
        let written = match (id.input(), self.graph.node(id)) {
            (Some(from_top), _) => {
                let name = self.names.len().checked_sub(from_top + 1).map_or("?", |k| &self.names[k]);
                self.put(name)
            }
            (None, Some(&node)) => self.node(id, node, wanted),
            (None, None) => self.put("?"),
        };
        self.depth -= 1;
        written
    }

    fn node(&mut self, id: Id, node: Node, wanted: u8) -> Written {
        match node.op {
            Op::Word(word) if !names_of(word).is_empty() => self.unknown(id, names_of(word)[0]),
            Op::Second(word) if !names_of(word).is_empty() => self.unknown(id, names_of(word)[1]),
            Op::Third(word) if !names_of(word).is_empty() => self.unknown(id, names_of(word)[2]),
            Op::Word(word) => self.word(node, word, wanted),
            Op::Second(Word::SToD) => self.compare_zero(node.a, "<", wanted),
            Op::Second(word) => self.call(word.name(), node, result_name(word, 1)),
            Op::Third(word) => self.call(word.name(), node, ".3"),
            Op::Literal => {
                let value = self.graph.literals[node.a.0 as usize];
                self.put(&value.to_string())
            }
            Op::Phi => self.bracketed(wanted > level::CHOICE, |w| {
                w.value(node.a, level::OR)?;
                w.out.push_str(" ? ");
                w.value(node.b, level::OR)?;
                w.out.push_str(" : ");
                w.value(node.c, level::CHOICE)
            }),
            Op::Call => {
                let call = self.graph.calls[node.a.0 as usize];
                let name = self.graph.call_name(node.a).to_owned();
                let suffix = if call.n_out > 1 { format!(".{}", node.b.0 + 1) } else { String::new() };
                self.call(&name, node, &suffix)
            }
            Op::Token => {
                self.out.push('\'');
                let name = self.graph.call_name(node.a).to_owned();
                self.name(&name);
                Ok(())
            }
            Op::Index => self.put("index"),
            Op::Address => self.unknown(id, "addr"),
            Op::Quote => self.unknown(id, "xt"),
            Op::Unknown | Op::LoopVar | Op::Alias => self.unknown(id, "x"),
        }
    }

    fn word(&mut self, node: Node, word: Word, wanted: u8) -> Written {
        if let Some((text, here)) = infix(word) {
            return self.binary(node, word, text, here, wanted);
        }
        let one = |w: &mut Self, text: &str, here, before: bool| {
            w.bracketed(wanted > here, |w| {
                if before {
                    w.out.push_str(text);
                }
                w.value(node.a, if here == level::PRODUCT && before { here + 1 } else { here })?;
                if !before {
                    w.out.push_str(text);
                }
                Ok(())
            })
        };
        match word {
            Word::OnePlus => one(self, "+1", level::SUM, false),
            Word::OneMinus => one(self, "-1", level::SUM, false),
            Word::TwoStar => one(self, "2*", level::PRODUCT, true),
            Word::TwoSlash => one(self, "/2", level::PRODUCT, false),
            Word::Negate => one(self, "-", level::PREFIX, true),
            Word::Invert => one(self, "~", level::PREFIX, true),
            Word::ZeroLess => self.compare_zero(node.a, "<", wanted),
            Word::ZeroGreater => self.compare_zero(node.a, ">", wanted),
            Word::ZeroNotEquals => self.compare_zero(node.a, "<>", wanted),
            Word::ZeroEquals => self.not(node.a, wanted),
            Word::Fetch | Word::CFetch => {
                self.out.push_str(if word == Word::Fetch { "mem[" } else { "byte[" });
                self.value(node.a, level::CHOICE)?;
                self.out.push(']');
                Ok(())
            }
            _ => self.call(word.name(), node, result_name(word, 0)),
        }
    }

    fn binary(&mut self, node: Node, word: Word, text: &str, here: u8, wanted: u8) -> Written {
        let negative = self.graph.literal_of(node.b).filter(|&n| n < 0 && n > i64::MIN);
        let (text, negative) = match (word, negative) {
            (Word::Plus, Some(n)) => ("-", Some(-n)),
            (Word::Minus, Some(n)) => ("+", Some(-n)),
            _ => (text, None),
        };
        // The order of brackets does not matter to these: `a+(b+c)` is written `a+b+c`.
        let associative = matches!(word, Word::Plus | Word::Star | Word::And | Word::Or | Word::Xor);
        let left = if here == level::COMPARISON { here + 1 } else { here };
        let right = if associative && self.is_word(node.b, word) { here } else { here + 1 };
        self.bracketed(wanted > here, |w| {
            w.value(node.a, left)?;
            w.out.push_str(text);
            match negative {
                Some(n) => w.put(&n.to_string()),
                None => w.value(node.b, right),
            }
        })
    }

    fn is_word(&self, id: Id, word: Word) -> bool {
        self.graph.node(self.graph.resolve(id)).is_some_and(|node| node.op == Op::Word(word))
    }

    fn compare_zero(&mut self, a: Id, operator: &str, wanted: u8) -> Written {
        self.bracketed(wanted > level::COMPARISON, |w| {
            w.value(a, level::COMPARISON + 1)?;
            w.out.push_str(operator);
            w.put("0")
        })
    }

    /// `0=`: turns a comparison round, and compares anything else with 0.
    fn not(&mut self, a: Id, wanted: u8) -> Written {
        let inner = self.graph.node(self.graph.resolve(a)).copied();
        if let Some(Node { op: Op::Word(word), a: x, b: y, .. }) = inner {
            let turned = match word {
                Word::Equals => "<>",
                Word::NotEquals => "=",
                Word::Less => ">=",
                Word::GreaterEq => "<",
                Word::Greater => "<=",
                Word::LessEq => ">",
                _ => "",
            };
            if !turned.is_empty() {
                return self.bracketed(wanted > level::COMPARISON, |w| {
                    w.value(x, level::COMPARISON + 1)?;
                    w.out.push_str(turned);
                    w.value(y, level::COMPARISON + 1)
                });
            }
            let turned_zero = match word {
                Word::ZeroLess => ">=",
                Word::ZeroGreater => "<=",
                Word::ZeroEquals => "<>",
                Word::ZeroNotEquals => "=",
                _ => "",
            };
            if !turned_zero.is_empty() {
                return self.compare_zero(x, turned_zero, wanted);
            }
        }
        self.compare_zero(a, "=", wanted)
    }

    fn call(&mut self, name: &str, node: Node, suffix: &str) -> Written {
        self.name(name);
        let operands = self.graph.operands(&node);
        if !operands.as_slice().is_empty() {
            self.out.push(self.brackets.0);
            for (k, &operand) in operands.as_slice().iter().enumerate() {
                if k > 0 {
                    self.out.push(',');
                }
                self.value(operand, level::CHOICE)?;
            }
            self.out.push(self.brackets.1);
        }
        self.out.push_str(suffix);
        Ok(())
    }

    /// A name of a word; in a comment without the character that would end it.
    fn name(&mut self, name: &str) {
        if self.brackets.1 == ')' {
            self.out.push_str(name);
        } else {
            self.out.extend(name.chars().map(|c| if c == ')' { ']' } else { c }));
        }
    }

    fn bracketed(&mut self, brackets: bool, write: impl FnOnce(&mut Self) -> Written) -> Written {
        let (open, close) = self.brackets;
        if brackets {
            self.out.push(open);
        }
        write(self)?;
        if brackets {
            self.out.push(close);
        }
        Ok(())
    }

    fn put(&mut self, text: &str) -> Written {
        self.out.push_str(text);
        Ok(())
    }

    fn unknown(&mut self, id: Id, kind: &str) -> Written {
        if let Some((_, name)) = self.named.iter().find(|(named, _)| *named == id) {
            self.out.push_str(name);
            return Ok(());
        }
        let mut name = String::new();
        for k in 0.. {
            name.clear();
            match (kind, k) {
                ("x", 0..3) => name.push(['x', 'y', 'z'][k]),
                (_, 0) => name.push_str(kind),
                _ => write!(name, "{kind}{k}").expect("strings can be written"),
            }
            if !self.names.contains(&name) && !self.named.iter().any(|(_, taken)| *taken == name) {
                break;
            }
        }
        self.out.push_str(&name);
        self.named.push((id, name));
        Ok(())
    }
}

/// Whether a blank outside brackets would tear the item apart.
fn has_outer_blank(item: &str) -> bool {
    let mut depth = 0;
    item.bytes().any(|byte| {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            _ => {}
        }
        byte == b' ' && depth == 0
    })
}

/// Infix operators with their level.
fn infix(word: Word) -> Option<(&'static str, u8)> {
    Some(match word {
        Word::Plus => ("+", level::SUM),
        Word::Minus => ("-", level::SUM),
        Word::Star => ("*", level::PRODUCT),
        Word::Slash => ("/", level::PRODUCT),
        Word::Mod => (" mod ", level::PRODUCT),
        Word::LShift => ("<<", level::SHIFT),
        Word::RShift => (">>", level::SHIFT),
        Word::And => (" and ", level::AND),
        Word::Or => (" or ", level::OR),
        Word::Xor => (" xor ", level::XOR),
        Word::Equals => ("=", level::COMPARISON),
        Word::NotEquals => ("<>", level::COMPARISON),
        Word::Less => ("<", level::COMPARISON),
        Word::Greater => (">", level::COMPARISON),
        Word::LessEq => ("<=", level::COMPARISON),
        Word::GreaterEq => (">=", level::COMPARISON),
        Word::ULess => (" u< ", level::COMPARISON),
        Word::UGreater => (" u> ", level::COMPARISON),
        _ => return None,
    })
}

/// The names of results that are no function of the inputs alone.
fn names_of(word: Word) -> &'static [&'static str] {
    use Word::*;
    match word {
        Count | Parse | ParseName | Source | NameToString | MinusTrailing | PlusXString | XStringMinus
        | MinusTrailingGarbage | Unescape => &["addr", "u"],
        WordWord | XCharPlus | XCharMinus | XcStorePlus => &["addr"],
        Find | XcFetchPlus | NameToCompile => match word {
            Find => &["addr", "flag"],
            XcFetchPlus => &["addr", "char"],
            _ => &["x", "xt"],
        },
        Search => &["addr", "u", "flag"],
        XcStorePlusQ => &["addr", "u", "flag"],
        Substitute => &["addr", "u", "n"],
        Allocate | Resize => &["addr", "ior"],
        CreateFile | OpenFile => &["file", "ior"],
        ReadFile | FileStatus => &["u", "ior"],
        ReadLine => &["u", "flag", "ior"],
        FilePosition | FileSize => &["lo", "hi", "ior"],
        Free | CloseFile | DeleteFile | RenameFile | RepositionFile | ResizeFile | FlushFile | WriteFile
        | WriteLine => &["ior"],
        Key | XKey => &["char"],
        Accept | XSize | XWidth => &["u"],
        Refill => &["flag"],
        WordlistWord | GetCurrent => &["wid"],
        NameToInterpret => &["xt"],
        _ => &[],
    }
}

/// What tells the results of one word apart.
fn result_name(word: Word, result: usize) -> &'static str {
    match word {
        Word::StarSlashMod => ".rem",
        Word::UMSlashMod | Word::SMSlashRem | Word::FMSlashMod => [".rem", ".quot"][result],
        _ => match (word.def().kind, word.def().n_out) {
            (_, 0 | 1) => "",
            (Kind::Op, 2) if word != Word::SlashString => [".lo", ".hi"][result],
            _ => [".1", ".2", ".3"][result],
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::effect::{NoWords, Scratch, Verdict, WordEffect, Words, infer, verify};

    fn check(code: &str, expect: &str) {
        let mut scratch = Scratch::new();
        let env = Words {
            words: vec![("gcd", WordEffect::pure(2, 1)), ("sort2", WordEffect::pure(2, 2))],
            declared: None,
        };
        match infer(code, &env, &mut scratch) {
            Ok(effect) => assert_eq!(effect.render(), expect, "{code}"),
            Err(error) => panic!("{code}: {error:?}"),
        }
        // What is written can be read back, and says the same.
        let report = verify(code, expect, &env, &mut scratch).unwrap().unwrap();
        assert_eq!(report.verdict, Verdict::Agrees, "{code} {expect} {:?}", report.differences);
    }

    #[test]
    fn expressions() {
        check("dup * swap +", "( a b -- b*b+a )");
        check("", "( -- )");
        check("dup", "( a -- a a )");
        check("1+ dup *", "( a -- (a+1)*(a+1) )");
        check("+ +", "( a b c -- a+b+c )");
        check("- -", "( a b c -- a-(b-c) )");
        check("rot rot - -", "( a b c -- c-(a-b) )");
        check("+ *", "( a b c -- a*(b+c) )");
        check("* *", "( a b c -- a*b*c )");
        check("/mod", "( a b -- (a mod b) a/b )");
        check("mod 1+", "( a b -- (a mod b+1) )");
        check("negate negate", "( a -- --a )");
        check("+ negate", "( a b -- -(a+b) )");
        check("abs", "( a -- abs(a) )");
        check("min 0 max", "( a b -- max(min(a,b),0) )");
        check("-1 +", "( a -- a-1 )");
        check("-3 *", "( a -- a*-3 )");
        check("2* 2/", "( a -- 2*a/2 )");
        check("1+ 2*", "( a -- 2*(a+1) )");
        check("* 2*", "( a b -- 2*(a*b) )");
        check("< 0=", "( a b -- a>=b )");
        check("0= 0=", "( a -- a<>0 )");
        check("and or", "( a b c -- (a or b and c) )");
        check("or and", "( a b c -- (a and (b or c)) )");
        check("u<", "( a b -- (a u< b) )");
        check("3 lshift 1 or", "( a -- (a<<3 or 1) )");
        check("*/", "( a b c -- */(a,b,c) )");
        check("*/mod", "( a b c -- */mod(a,b,c).rem */(a,b,c) )");
        check("um*", "( a b -- um*(a,b).lo um*(a,b).hi )");
        check("d+", "( a b c d -- d+(a,b,c,d).lo d+(a,b,c,d).hi )");
        check("within", "( a b c -- within(a,b,c) )");
        check("gcd 1+", "( a b -- gcd(a,b)+1 )");
        check("sort2", "( a b -- sort2(a,b).1 sort2(a,b).2 )");
        check("5.", "( -- 5 0 )");
        check("s>d", "( a -- a a<0 )");
        check("dup 0< if negate then", "( a -- (a<0 ? -a : a) )");
        check("dup 0< if negate then 1+", "( a -- (a<0 ? -a : a)+1 )");
        check(": f ( n k -- m ) swap - ;", "( n k -- k-n )");
        check("true", "( -- true )");
        check("$ff and", "( a -- (a and 255) )");
    }

    #[test]
    fn comments_hold_no_closing_parenthesis() {
        let mut scratch = Scratch::new();
        let env = Words { words: vec![("f)", WordEffect::pure(1, 1))], declared: None };
        let comment =
            |code: &str, scratch: &mut Scratch| infer(code, &env, scratch).unwrap().render_comment();
        assert_eq!(comment("+ min", &mut scratch), "( a b c -- min[a,b+c] )");
        assert_eq!(comment("/mod", &mut scratch), "( a b -- [a mod b] a/b )");
        assert_eq!(comment("f)", &mut scratch), "( a -- f][a] )");
    }

    #[test]
    fn long_items_get_a_name() {
        let mut scratch = Scratch::new();
        let code = "dup + 1+ ".repeat(40);
        let effect = infer(&code, &NoWords, &mut scratch).unwrap();
        assert_eq!(effect.render(), "( a -- x )");
        let code = "0= ".repeat(5000);
        assert_eq!(infer(&code, &NoWords, &mut scratch).unwrap().render(), "( a -- x )");
    }
}
