//! Code with locals: inputs get names, what is used more than once is kept under a name where it is surely computed.

use crate::synth::expr::{ExprId, Exprs, Node};
use rustc_hash::FxHashMap;

/// Names of inputs and of what is kept; an input's name is that of its position.
const NAMES: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

struct Writer<'e> {
    exprs: &'e Exprs,
    n_in: usize,
    /// How often each expression is an operand.
    uses: FxHashMap<ExprId, u32>,
    /// What lies in a local at this point.
    kept: Vec<(ExprId, String)>,
    n_kept: usize,
    words: Vec<String>,
}

/// The body with locals; `None` where there are more names to give than letters.
pub(super) fn with_locals(exprs: &Exprs, roots: &[ExprId]) -> Option<Vec<String>> {
    let n_in = exprs.n_in();
    if n_in > NAMES.len() / 2 {
        return None;
    }
    let mut writer =
        Writer { exprs, n_in, uses: uses(exprs, roots), kept: Vec::new(), n_kept: 0, words: Vec::new() };
    roots.iter().for_each(|root| writer.write(*root));
    let mut words = vec!["{:".to_owned()];
    words.extend((0..n_in).map(name));
    if writer.n_kept > 0 {
        words.push("|".to_owned());
        words.extend((n_in..n_in + writer.n_kept).map(name));
    }
    words.push(":}".to_owned());
    words.append(&mut writer.words);
    Some(words)
}

fn name(position: usize) -> String {
    char::from(NAMES[position]).to_string()
}

/// How often each expression is an operand or a root.
fn uses(exprs: &Exprs, roots: &[ExprId]) -> FxHashMap<ExprId, u32> {
    let mut uses = FxHashMap::default();
    let mut waiting = roots.to_vec();
    while let Some(id) = waiting.pop() {
        let count = uses.entry(id).or_insert(0);
        *count += 1;
        if *count == 1 {
            waiting.extend(exprs.node(id).operands());
        }
    }
    uses
}

impl Writer<'_> {
    fn push(&mut self, word: &str) {
        self.words.push(word.to_owned());
    }

    fn write(&mut self, id: ExprId) {
        let node = self.exprs.node(id);
        match node {
            Node::Input(position) => return self.push(&name(position as usize)),
            Node::Const(value) => return self.push(&value.to_string()),
            _ => {}
        }
        if let Some((_, name)) = self.kept.iter().find(|(kept, _)| *kept == id) {
            let name = name.clone();
            return self.push(&name);
        }
        match node {
            Node::Unary(op, a) => {
                self.write(a);
                self.push(op.word().name());
            }
            Node::Binary(op, a, b) => {
                self.write(a);
                if a == b && !matches!(self.exprs.node(a), Node::Input(_) | Node::Const(_)) {
                    self.push("dup");
                } else {
                    self.write(b);
                }
                self.push(op.word().name());
            }
            Node::If(condition, a, b) => {
                self.write(condition);
                self.push("if");
                let n_kept = self.kept.len();
                self.write(a);
                self.kept.truncate(n_kept);
                self.push("else");
                self.write(b);
                self.kept.truncate(n_kept);
                self.push("then");
            }
            Node::Input(_) | Node::Const(_) => unreachable!("written above"),
        }
        let shared = self.uses.get(&id).is_some_and(|uses| *uses > 1);
        if shared && self.n_in + self.n_kept < NAMES.len() {
            let name = name(self.n_in + self.n_kept);
            self.n_kept += 1;
            self.push("dup");
            self.push("to");
            self.push(&name);
            self.kept.push((id, name));
        }
    }
}
