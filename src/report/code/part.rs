//! One part of a source: its definitions, collected and then put into order.

use super::order::dependency_order;
use super::prelude::{Needed, TESTER};
use super::{MARK, tests};
use crate::forth::words;
use crate::model::{Outcome, Status};
use crate::report::Row;
use crate::report::text::one_line;
use std::collections::HashSet;
use std::fmt::Write;

/// Definitions of a part, in corpus order.
#[derive(Default)]
pub(super) struct Part {
    items: Vec<Item>,
    names: HashSet<String>,
    n_bytes: usize,
    n_data: usize,
}

/// One record: a comment, and the definition if there is one to load.
struct Item {
    comment: String,
    definition: Option<Definition>,
}

struct Definition {
    /// The word in lower case: Forth folds case.
    name: String,
    code: Box<str>,
    uses: Vec<String>,
}

/// A rendered part. `external` definitions fit between head and body.
pub(super) struct PartText {
    pub(super) head: String,
    pub(super) body: String,
    /// Words in lower case that the part uses and does not define.
    pub(super) needs: Vec<String>,
}

impl PartText {
    pub(super) fn with_external(&self, external: &str) -> String {
        [self.head.as_str(), external, &self.body].concat()
    }
}

impl Part {
    pub(super) fn n_words(&self) -> usize {
        self.items.len()
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Takes a record; tells whether its tests can be run on what the part defines.
    pub(super) fn add(&mut self, row: &Row<'_>, outcome: &Outcome) -> bool {
        let (comment, definition) = match (row.word, &outcome.code, outcome.status) {
            (Some(word), Some(code), Status::Verified) => self.definition(row, outcome, word, code),
            _ => (format!("\\ {}: {}\n", title(row), without_code(outcome)), None),
        };
        let is_loaded = definition.is_some();
        self.n_bytes += comment.len() + definition.as_ref().map_or(0, |definition| definition.code.len());
        self.items.push(Item { comment, definition });
        is_loaded
    }

    fn definition(
        &mut self,
        row: &Row<'_>,
        outcome: &Outcome,
        word: &str,
        code: &str,
    ) -> (String, Option<Definition>) {
        let mut comment = format!("\n\\ {}", title(row));
        if let Some(description) = row.description() {
            let _ = write!(comment, ": {}", one_line(description, 200));
        }
        let _ = writeln!(comment, "\n\\ {}", provenance(row, outcome));
        let name = word.to_ascii_lowercase();
        if !self.names.insert(name.clone()) {
            comment.push_str("\\ Not loaded, for the name is taken:\n");
            code.lines().for_each(|line| _ = writeln!(comment, "\\   {}", one_line(line, usize::MAX)));
            return (comment, None);
        }
        let mut uses = Vec::new();
        row.each_use(&mut |used| uses.push(used.to_ascii_lowercase()));
        (comment, Some(Definition { name, code: code.into(), uses }))
    }

    /// Appends the tests of a word that the part defines.
    pub(super) fn write_tests(&mut self, out: &mut String, row: &Row<'_>) {
        let word = row.word.expect("a defined word has a name");
        let is_shadow = is_shadow(&word.to_ascii_lowercase());
        let _ = writeln!(out, "\n\\ {}", title(row));
        if is_shadow {
            out.push_str("GET-ORDER wm-shadow SWAP 1+ SET-ORDER\n");
        }
        row.each_test(&mut |test| tests::write_test(out, word, test, &mut self.n_data));
        if is_shadow {
            out.push_str("PREVIOUS\n");
        }
    }

    /// The text of the file.
    pub(super) fn render(&self, source: &str, code_name: &str) -> PartText {
        let defined = || self.items.iter().filter_map(|item| item.definition.as_ref());
        let mut needed = Needed::default();
        defined().for_each(|definition| needed.add(&definition.code));
        let mut head = format!(
            "{MARK} verified words of {}. Written anew by every run.\n\
             \\ For any standard Forth with 64-bit cells: S\" ./{code_name}\" INCLUDED\nDECIMAL\n",
            one_line(source, 200)
        );
        needed.write(&mut head);
        PartText { head, body: self.body(), needs: self.needs() }
    }

    fn body(&self) -> String {
        fn uses(item: &Item) -> &[String] {
            item.definition.as_ref().map_or(&[], |definition| &definition.uses)
        }
        let name = |item: &Item| item.definition.as_ref().map(|definition| definition.name.clone());
        let order = dependency_order(&self.items, name, uses);
        let (mut plain, mut shadowed) = (String::with_capacity(self.n_bytes + 64), String::new());
        for item in order.into_iter().map(|i| &self.items[i]) {
            match &item.definition {
                Some(definition) if self.goes_to_shadow(definition) => {
                    write_shadow(&mut shadowed, item, definition)
                }
                Some(definition) => _ = writeln!(plain, "{}{}", item.comment, definition.code.trim_end()),
                None => plain.push_str(&item.comment),
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
    fn goes_to_shadow(&self, definition: &Definition) -> bool {
        is_shadow(&definition.name)
            || definition.uses.iter().any(|used| is_shadow(used) && self.names.contains(used))
    }

    fn needs(&self) -> Vec<String> {
        let uses = self.items.iter().filter_map(|item| item.definition.as_ref()).flat_map(|item| &item.uses);
        let mut needs: Vec<_> = uses.filter(|used| !self.names.contains(*used)).cloned().collect();
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

fn write_shadow(out: &mut String, item: &Item, definition: &Definition) {
    let code = definition.code.trim_end();
    let _ = match definition.uses.iter().any(|used| is_shadow(used)) {
        true => writeln!(out, "{}GET-ORDER wm-shadow SWAP 1+ SET-ORDER\n{code}\nPREVIOUS", item.comment),
        false => writeln!(out, "{}{code}", item.comment),
    };
}

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

fn looks_like_number(name: &str) -> bool {
    let digits = name.trim_start_matches(['$', '#', '%', '-', '&']);
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && !digits.is_empty() && {
        name.starts_with(['$', '#', '%', '&']) || digits.bytes().all(|byte| byte.is_ascii_digit())
    }
}

fn title(row: &Row<'_>) -> String {
    let mut effect = String::new();
    row.write_effect(&mut effect);
    let word = one_line(row.word.unwrap_or("(unreadable record)"), 100);
    let effect = one_line(&effect, 100);
    if effect.is_empty() { word } else { format!("{word} {effect}") }
}

fn provenance(row: &Row<'_>, outcome: &Outcome) -> String {
    let mut text = format!("line {}", row.line);
    if let Some(strategy) = outcome.strategy {
        let _ = write!(text, ", {}", strategy.name());
    }
    if let Some(template) = &outcome.template {
        let _ = write!(text, " {}", one_line(template, 60));
    }
    let _ = write!(text, ", {} of {} tests", outcome.tests_passed, outcome.tests_total);
    if outcome.heldout_total > 0 {
        let _ = write!(text, ", {} of {} held out", outcome.heldout_passed, outcome.heldout_total);
    }
    text
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
