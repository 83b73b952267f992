//! One part of a source: its definitions, collected and then put into order.

use super::order::dependency_order;
use super::prelude::{Needed, TESTER};
use super::{MARK, tests};
use crate::forth::words;
use crate::model::{Outcome, Status};
use crate::report::Row;
use crate::report::text::{one_line, push_line};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write;

/// Definitions of a part, in corpus order.
#[derive(Default)]
pub(super) struct Part {
    /// The comment and the definition of one item after the other.
    text: String,
    items: Vec<Item>,
    /// Defined words in lower case, for Forth folds case, and their items.
    names: HashMap<Box<str>, u32>,
    needed: Needed,
    n_data: usize,
    /// Whether the text will do as it stands: nothing uses another word or has the name of a standard one.
    has_order: bool,
}

/// One record: a comment, and the definition if there is one to load.
struct Item {
    from: usize,
    code: usize,
    to: usize,
    is_shadow: bool,
    /// In lower case.
    uses: Vec<String>,
}

/// A rendered part. Definitions from elsewhere fit between head and body.
pub(super) struct PartText {
    pub(super) head: String,
    pub(super) body: String,
    /// Words in lower case that the part uses and does not define.
    pub(super) needs: Vec<String>,
}

impl Part {
    pub(super) fn new() -> Self {
        Self { has_order: true, ..Self::default() }
    }

    pub(super) fn n_words(&self) -> usize {
        self.items.len()
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.text.len()
    }

    /// Takes a record; tells whether its tests can be run on what the part defines.
    pub(super) fn add(&mut self, row: &Row<'_>, outcome: &Outcome) -> bool {
        let from = self.text.len();
        let mut item = Item { from, code: from, to: from, is_shadow: false, uses: Vec::new() };
        let is_loaded = match (row.word, &outcome.code, outcome.status) {
            (Some(word), Some(code), Status::Verified) => self.define(row, outcome, &mut item, word, code),
            _ => {
                self.text.push_str("\\ ");
                write_title(&mut self.text, row);
                let _ = writeln!(self.text, ": {}", without_code(outcome));
                false
            }
        };
        item.to = self.text.len();
        if !is_loaded {
            item.code = item.to;
        }
        self.has_order &= !item.is_shadow && item.uses.is_empty();
        self.items.push(item);
        is_loaded
    }

    fn define(&mut self, row: &Row<'_>, outcome: &Outcome, item: &mut Item, word: &str, code: &str) -> bool {
        let out = &mut self.text;
        out.push_str("\n\\ ");
        write_title(out, row);
        if let Some(description) = row.description() {
            out.push_str(": ");
            push_line(out, description, 200);
        }
        out.push_str("\n\\ ");
        write_provenance(out, row, outcome);
        out.push('\n');
        let Entry::Vacant(entry) = self.names.entry(word.to_ascii_lowercase().into()) else {
            out.push_str("\\ Not loaded, for the name is taken:\n");
            for line in code.lines() {
                out.push_str("\\   ");
                push_line(out, line, usize::MAX);
                out.push('\n');
            }
            return false;
        };
        item.is_shadow = is_shadow(entry.key());
        entry.insert(self.items.len() as u32);
        row.each_use(&mut |used| item.uses.push(used.to_ascii_lowercase()));
        item.code = out.len();
        out.push_str(code.trim_end());
        out.push('\n');
        self.needed.add(code);
        true
    }

    /// Appends the tests of a word that the part defines. Each starts from what loading the code left, so code that keeps
    /// something in memory is loaded again before every test but the first.
    pub(super) fn write_tests(&mut self, out: &mut String, row: &Row<'_>, outcome: &Outcome) {
        let word = row.word.expect("a defined word has a name");
        let is_shadow = is_shadow(&word.to_ascii_lowercase());
        out.push_str("\n\\ ");
        write_title(out, row);
        out.push('\n');
        if is_shadow {
            out.push_str("GET-ORDER wm-shadow SWAP 1+ SET-ORDER\n");
        }
        let code = outcome.code.as_deref().filter(|code| keeps_state(code));
        let mut is_first = true;
        row.each_test(&mut |test| {
            if let Some(code) = code.filter(|_| !is_first) {
                let (before, after) = match is_shadow {
                    true => ("GET-CURRENT wm-shadow SET-CURRENT\n", "SET-CURRENT\n"),
                    false => ("", ""),
                };
                let _ = write!(out, "{before}{}\n{after}", code.trim_end());
            }
            is_first = false;
            tests::write_test(out, word, test, &mut self.n_data);
        });
        if is_shadow {
            out.push_str("PREVIOUS\n");
        }
    }

    /// The text of the file.
    pub(super) fn render(self, source: &str, code_name: &str) -> PartText {
        let mut head = format!(
            "{MARK} verified words of {}. Written anew by every run.\n\
             \\ For any standard Forth with 64-bit cells: S\" ./{code_name}\" INCLUDED\nDECIMAL\n",
            one_line(source, 200)
        );
        self.needed.write(&mut head);
        let needs = self.needs();
        PartText { head, body: if self.has_order { self.text } else { self.ordered() }, needs }
    }

    fn ordered(&self) -> String {
        let find = |used: &str| self.names.get(used).map(|&item| item as usize);
        let order = dependency_order(self.items.len(), find, |i| &self.items[i].uses);
        let (mut plain, mut shadowed) = (String::with_capacity(self.text.len() + 64), String::new());
        for item in order.into_iter().map(|i| &self.items[i]) {
            if self.goes_to_shadow(item) {
                self.write_shadow(&mut shadowed, item);
            } else {
                plain.push_str(&self.text[item.from..item.to]);
            }
        }
        if !shadowed.is_empty() {
            plain.push_str(SHADOW_HEAD);
            plain.push_str(&shadowed);
            plain.push_str("SET-CURRENT\n");
        }
        plain
    }

    /// A word with a standard name, or one that uses such a word of this part.
    fn goes_to_shadow(&self, item: &Item) -> bool {
        item.is_shadow || self.uses_shadow(item)
    }

    fn uses_shadow(&self, item: &Item) -> bool {
        item.uses.iter().any(|used| is_shadow(used) && self.names.contains_key(used.as_str()))
    }

    fn write_shadow(&self, out: &mut String, item: &Item) {
        let (comment, code) = (&self.text[item.from..item.code], &self.text[item.code..item.to]);
        let _ = match self.uses_shadow(item) {
            true => write!(out, "{comment}GET-ORDER wm-shadow SWAP 1+ SET-ORDER\n{code}PREVIOUS\n"),
            false => write!(out, "{comment}{code}"),
        };
    }

    fn needs(&self) -> Vec<String> {
        let uses = self.items.iter().flat_map(|item| &item.uses);
        let mut needs: Vec<_> =
            uses.filter(|used| !self.names.contains_key(used.as_str())).cloned().collect();
        needs.sort();
        needs.dedup();
        needs
    }
}

const SHADOW_HEAD: &str = "
\\ Words with names of the standard, in a word list of their own, so that all others keep the standard ones.
\\ To use them: GET-ORDER wm-shadow SWAP 1+ SET-ORDER
[UNDEFINED] wm-shadow [IF] WORDLIST CONSTANT wm-shadow [THEN]
GET-CURRENT wm-shadow SET-CURRENT
";

/// Whether a name (in lower case) means something that other lines of the files rely on.
pub(super) fn is_shadow(name: &str) -> bool {
    const OF_FILES: &[&str] = &[
        "t{",
        "->",
        "}t",
        "[if]",
        "[else]",
        "[then]",
        "[undefined]",
        "included",
        "wordlist",
        "get-current",
        "previous",
        "set-current",
        "get-order",
        "set-order",
        "source",
        "wm-report",
    ];
    words::lookup(name.as_bytes()).is_some() || OF_FILES.contains(&name) || looks_like_number(name)
}

/// Whether code may leave something in memory that its next run finds, or take something away.
fn keeps_state(code: &str) -> bool {
    const WORDS: &[&str] = &[
        "variable",
        "2variable",
        "create",
        "value",
        "2value",
        "buffer:",
        "defer",
        "here",
        "allot",
        "allocate",
        "pad",
        "marker",
    ];
    super::tokens(code).any(|token| WORDS.iter().any(|word| token.eq_ignore_ascii_case(word)))
}

fn looks_like_number(name: &str) -> bool {
    let digits = name.trim_start_matches(['$', '#', '%', '-', '&']);
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && !digits.is_empty() && {
        name.starts_with(['$', '#', '%', '&']) || digits.bytes().all(|byte| byte.is_ascii_digit())
    }
}

fn write_title(out: &mut String, row: &Row<'_>) {
    push_line(out, row.word.unwrap_or("(unreadable record)"), 100);
    out.push(' ');
    let from = out.len();
    row.write_effect(out);
    let effect = out.split_off(from);
    push_line(out, &effect, 100);
    if effect.is_empty() {
        out.pop();
    }
}

fn write_provenance(out: &mut String, row: &Row<'_>, outcome: &Outcome) {
    let _ = write!(out, "line {}", row.line);
    if let Some(strategy) = outcome.strategy {
        let _ = write!(out, ", {}", strategy.name());
    }
    if let Some(template) = &outcome.template {
        out.push(' ');
        push_line(out, template, 60);
    }
    let _ = write!(out, ", {} of {} tests", outcome.tests_passed, outcome.tests_total);
    if outcome.heldout_total > 0 {
        let _ = write!(out, ", {} of {} held out", outcome.heldout_passed, outcome.heldout_total);
    }
}

fn without_code(outcome: &Outcome) -> &'static str {
    match outcome.status {
        Status::Verified => "verified, without a name to define",
        Status::Refuted => "refuted",
        Status::Unsolved => "unsolved",
        Status::Invalid => "invalid",
        Status::Crashed => "crashed",
    }
}

/// How a file of tests begins.
pub(super) fn tests_head(source: &str, code_name: &str) -> String {
    format!(
        "{MARK} tests of {}. Written anew by every run.\n{TESTER}S\" ./{code_name}\" INCLUDED\n",
        one_line(source, 200)
    )
}
