//! Findings in code that has an effect all the same: flags taken for numbers, tests that are not what they seem, a stack
//! comment that says something else. Looked for only when somebody asks.

use crate::effect::codes;
use crate::effect::error::{Edit, place};
use crate::effect::infer::{Effect, infer};
use crate::effect::mend::source_line;
use crate::effect::node::{Id, NOWHERE, Node, Op};
use crate::effect::notation;
use crate::effect::{Scratch, WordEnv};
use crate::forth::words::Word;
use crate::model::{Code, Diagnostic, Severity};

/// A finding that does not keep the code from running.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// Which kind of finding.
    pub code: Code,
    /// Byte offset in the code.
    pub position: u32,
    /// Length in bytes.
    pub len: u32,
    /// One sentence, lower case, without a full stop.
    pub message: String,
    /// What would mend it.
    pub edit: Option<Edit>,
}

impl Warning {
    /// As a finding with its place and source line.
    pub fn to_diagnostic(&self, code: &str) -> Diagnostic {
        let mut diagnostic = Diagnostic::new(self.code, Severity::Warning, self.message.clone());
        diagnostic.place = place(code, self.position, self.len);
        diagnostic.source = source_line(code, self.position);
        diagnostic.suggestion = self.edit.as_ref().map(|edit| {
            let old = &code[edit.position as usize..(edit.position + edit.delete_len) as usize];
            match edit.insert.as_str() {
                "" => format!("leave out `{}`", old.trim()),
                insert => format!("write `{insert}` for `{old}`"),
            }
        });
        diagnostic
    }
}

impl Effect<'_> {
    /// Everything in the text that is probably not meant so, in the order of the text. Edits are offered where inference,
    /// with the same environment, accepts the edited code.
    pub fn warnings(&self, env: &dyn WordEnv) -> Vec<Warning> {
        let mut found = Vec::new();
        for node in self.scratch.graph.nodes.iter().filter(|node| node.position != NOWHERE) {
            found.extend(self.arithmetic(node));
            found.extend(self.comparison(node));
        }
        for &(condition, position) in &self.scratch.control.tests {
            found.extend(self.test(condition, position));
        }
        for definition in self.definitions() {
            found.extend(definition.wrong_comment());
        }
        found.sort_by_key(|warning| (warning.position, warning.code));
        found.dedup();
        let mut scratch = Scratch::new();
        for warning in &mut found {
            warning.edit.take_if(|edit| infer(&edit.apply(self.code), env, &mut scratch).is_err());
        }
        found
    }

    fn token(&self, position: u32) -> &str {
        let rest = self.code.get(position as usize..).unwrap_or("");
        rest.split(|c: char| c <= ' ').next().unwrap_or("")
    }

    fn warning(&self, code: Code, position: u32, message: String) -> Warning {
        Warning { code, position, len: self.token(position).len() as u32, message, edit: None }
    }

    fn arithmetic(&self, node: &Node) -> Option<Warning> {
        use Word::*;
        let Op::Word(word) = node.op else { return None };
        // `-` and `negate` are the usual ways to count with flags; `and`, `or` and their like are for flags.
        let counts = matches!(
            word,
            Plus | Star
                | Slash
                | Mod
                | StarSlash
                | OnePlus
                | OneMinus
                | TwoStar
                | TwoSlash
                | Abs
                | LShift
                | RShift
        );
        let operands = self.scratch.graph.operands(node);
        let on_flag =
            counts && operands.as_slice().iter().any(|&operand| self.scratch.graph.is_flag(operand));
        on_flag.then(|| {
            let message = format!("`{}` on a flag: true is -1, not 1", self.token(node.position));
            self.warning(codes::FLAG_ARITHMETIC, node.position, message)
        })
    }

    fn comparison(&self, node: &Node) -> Option<Warning> {
        let Op::Word(word @ (Word::Equals | Word::NotEquals)) = node.op else { return None };
        let graph = &self.scratch.graph;
        let number = graph.literal_of(node.b)?;
        if !graph.is_flag(node.a) || number == 0 || number == -1 {
            return None;
        }
        let always = if word == Word::Equals { "never" } else { "always" };
        let message = format!("a flag is 0 or -1: compared with {number} this is {always} true");
        let mut warning = self.warning(codes::ODD_TEST, node.position, message);
        let literal = graph.node(graph.resolve(node.b)).map_or(node.position, |node| node.position);
        let between = self.code.get(literal as usize..node.position as usize)?;
        if between.split_whitespace().count() == 1 {
            let mut end = (node.position + warning.len) as usize;
            let insert = if word == Word::Equals { "" } else { "0=" };
            if insert.is_empty() && self.code[end..].starts_with(' ') {
                end += 1;
            }
            let delete_len = end as u32 - literal;
            warning.edit = Some(Edit { position: literal, delete_len, insert: insert.to_owned() });
        }
        Some(warning)
    }

    fn test(&self, condition: Id, position: u32) -> Option<Warning> {
        let graph = &self.scratch.graph;
        if graph.literal_of(condition).is_some() && self.token(position).eq_ignore_ascii_case("if") {
            let message = "this `if` always goes the same way".to_owned();
            return Some(self.warning(codes::ODD_TEST, position, message));
        }
        match graph.node(graph.resolve(condition)) {
            Some(&Node { op: Op::Word(Word::Invert), a, position: invert, .. }) if !graph.is_flag(a) => {
                let message =
                    "`invert` turns bits, not truth: every number but -1 is true after it".to_owned();
                let mut warning = self.warning(codes::ODD_TEST, invert, message);
                let delete_len = warning.len;
                warning.edit = Some(Edit { position: invert, delete_len, insert: "0=".to_owned() });
                Some(warning)
            }
            _ => None,
        }
    }

    /// A stack comment whose counts are not the inferred ones.
    fn wrong_comment(&self) -> Option<Warning> {
        let comment = self.comment()?;
        let counts = notation::count(comment)?;
        let inferred = (self.n_in() as u8, self.n_out() as u8);
        if self.diverges() || counts.fitting(inferred).is_some() {
            return None;
        }
        let position = self.comment.0 - 2;
        let len = self.comment.1 + 1 - position;
        let message = format!(
            "the comment says {} in and {} out, the code takes {} and leaves {}",
            counts.n_in, counts.n_out, inferred.0, inferred.1
        );
        let edit = Some(Edit { position, delete_len: len, insert: self.render_comment() });
        Some(Warning { code: codes::NOT_DECLARED, position, len, message, edit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::NoWords;

    fn check(code: &str, expect: &[(&str, &str)]) {
        let mut scratch = Scratch::new();
        let warnings = infer(code, &NoWords, &mut scratch).unwrap().warnings(&NoWords);
        let found: Vec<(String, String)> = warnings
            .iter()
            .map(|warning| {
                let start = warning.position as usize;
                let marked = &code[start..start + warning.len as usize];
                let edited = warning.edit.as_ref().map_or("-".to_owned(), |edit| edit.apply(code));
                (format!("{} {marked}", warning.code), edited)
            })
            .collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(found, expect, "{code}");
    }

    #[test]
    fn flags() {
        check("0< swap 0< +", &[("WM054 +", "-")]);
        check("0= 1+", &[("WM054 1+", "-")]);
        check("0= negate", &[]);
        check("0< swap 0< and", &[]);
        check("= -", &[]);
        check("< over and +", &[]);
        check("0= 1 = if 5 else 6 then", &[("WM055 =", "0= if 5 else 6 then")]);
        check("0= 1 <>", &[("WM055 <>", "0= 0=")]);
        check("0= -1 =", &[]);
        check("dup 1 =", &[]);
    }

    #[test]
    fn tests() {
        check("1 if 5 else 6 then", &[("WM055 if", "-")]);
        check("dup invert if 1+ then", &[("WM055 invert", "dup 0= if 1+ then")]);
        check("dup 0= invert if 1+ then", &[]);
        check("begin 1 until", &[]);
        check(": f dup invert if 1- recurse then ;", &[("WM055 invert", ": f dup 0= if 1- recurse then ;")]);
    }

    #[test]
    fn comments() {
        check(": f ( n -- ) dup * ;", &[("WM042 ( n -- )", ": f ( n -- n*n ) dup * ;")]);
        check(": f ( n -- n ) dup * ;", &[]);
        check(": f ( a n -- a n ) 1+ ;", &[]);
        check(": f ( d -- d ) dnegate ;", &[]);
        check(": f ( the square ) dup * ;", &[]);
    }
}
