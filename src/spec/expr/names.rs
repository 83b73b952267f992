//! The names that an expression may use, and what a name at a position of the text stands for.

use crate::model::CellType;
use crate::spec::expr::builtin::{self, BUILTINS};
use crate::spec::expr::scanner::{Scanner, is_name_part};

/// A parameter or an output.
#[derive(Clone, Copy, Debug)]
pub struct Name<'n> {
    /// As the specification writes it.
    pub name: &'n str,
    /// Its type.
    pub ty: CellType,
}

/// A word that expressions may call.
#[derive(Clone, Copy, Debug)]
pub struct Word<'n> {
    /// Its name.
    pub name: &'n str,
    /// The types of its inputs and outputs, bottom of the stack first; `None` where they are not known, so that a call
    /// parses and cannot be run.
    pub effect: Option<(&'n [CellType], &'n [CellType])>,
}

/// Everything that an expression of one specification may name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'n> {
    /// The inputs; their positions are the slots of the variables.
    pub params: &'n [Name<'n>],
    /// The outputs. In a property their names mean what the word gives for the parameters.
    pub outputs: &'n [Name<'n>],
    /// The words: first the one that the specification is about, then those it `uses`.
    pub words: &'n [Word<'n>],
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Param(u8),
    Output(u8),
    Word(u8),
}

impl Names<'_> {
    /// The longest known name that stands at the scanner's position, with its length. A word counts only where it is
    /// called, that is before a parenthesis, or where it takes nothing.
    pub(super) fn at(&self, scanner: &Scanner<'_>, outputs: bool) -> Option<(Known, usize)> {
        let rest = scanner.rest();
        let mut best: Option<(Known, usize)> = None;
        let mut offer = |known: Known, len: usize| {
            let wins = |so_far| len > so_far || (len == so_far && matches!(known, Known::Word(_)));
            if best.is_none_or(|(_, so_far)| wins(so_far)) {
                best = Some((known, len));
            }
        };
        for (i, param) in self.params.iter().enumerate() {
            if stands_at(rest, param.name) {
                offer(Known::Param(i as u8), param.name.len());
            }
        }
        if outputs {
            for (i, output) in self.outputs.iter().enumerate() {
                if stands_at(rest, output.name) && self.is_plain(output.name) {
                    offer(Known::Output(i as u8), output.name.len());
                }
            }
        }
        for (i, word) in self.words.iter().enumerate() {
            if stands_at_any_case(rest, word.name) && is_callable(word.name) {
                let nullary = word.effect.is_some_and(|(inputs, _)| inputs.is_empty());
                if nullary || rest[word.name.len()..].trim_start().starts_with('(') {
                    offer(Known::Word(i as u8), word.name.len());
                }
            }
        }
        best
    }

    /// Whether an output's name is a name, not a formula such as `n!`, `a+b` or `gcd(a,b)`, which would make a property
    /// compare the word with itself.
    fn is_plain(&self, name: &str) -> bool {
        let letters = |c: char| is_name_part(c) || c == '-' || c == '?';
        let starts = name.chars().next().is_some_and(|c| is_name_part(c) && !c.is_ascii_digit());
        let is_param = |part: &str| part.parse::<u64>().is_ok() || self.params.iter().any(|p| p.name == part);
        starts && name.chars().all(letters) && !(name.contains('-') && name.split('-').any(is_param))
    }

    /// The single name that differs from `name` in case only.
    pub(super) fn any_case(&self, name: &str) -> Option<Known> {
        let mut params = self.params.iter().enumerate().filter(|(_, p)| p.name.eq_ignore_ascii_case(name));
        match (params.next(), params.next()) {
            (Some((i, _)), None) => Some(Known::Param(i as u8)),
            _ => None,
        }
    }

    /// The known name most like `name`, if one is near.
    pub(super) fn nearest(&self, name: &str, words: bool) -> Option<&str> {
        let params = self.params.iter().chain(self.outputs).map(|p| p.name);
        let callable = self.words.iter().map(|w| w.name);
        let functions = BUILTINS.iter().flat_map(|row| row.names.iter().copied());
        let near = |known: &&str| {
            let distance = strsim::damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase());
            let longest = name.chars().count().max(known.chars().count());
            (distance <= 1 + longest / 5 && distance < longest).then_some(distance)
        };
        let score = |known: &str| near(&known).map(|distance| (distance, known.len()));
        let best = if words {
            callable.chain(functions).filter(|k| near(k).is_some()).min_by_key(|k| score(k))
        } else {
            params.filter(|k| near(k).is_some()).min_by_key(|k| score(k))
        };
        best.filter(|known| *known != name)
    }

    /// The function of that name, for when no word has it.
    pub(super) fn function(name: &str) -> Option<&'static builtin::BuiltinRow> {
        builtin::find(name)
    }
}

/// Names that begin as operators do cannot be told from them.
fn is_callable(name: &str) -> bool {
    !matches!(name, "-" | "+" | "~" | "!" | "(" | "|" | "[" | "{" | "'" | "not" | "if" | "NOT" | "IF")
}

fn stands_at(rest: &str, name: &str) -> bool {
    let (rest, name) = (rest.as_bytes(), name.as_bytes());
    !name.is_empty() && rest.starts_with(name) && ends_well(rest, name)
}

fn stands_at_any_case(rest: &str, name: &str) -> bool {
    let (rest, name) = (rest.as_bytes(), name.as_bytes());
    !name.is_empty()
        && rest.get(..name.len()).is_some_and(|there| there.eq_ignore_ascii_case(name))
        && ends_well(rest, name)
}

/// A name made of letters does not end within a longer one.
fn ends_well(rest: &[u8], name: &[u8]) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'\'';
    match (name.last(), rest.get(name.len())) {
        (_, None) => true,
        (Some(last), Some(next)) if last.is_ascii() && next.is_ascii() => !(part(*last) && part(*next)),
        _ => {
            let last = std::str::from_utf8(name).ok().and_then(|name| name.chars().next_back());
            let next = std::str::from_utf8(&rest[name.len()..]).ok().and_then(|rest| rest.chars().next());
            !(last.is_some_and(is_name_part) && next.is_some_and(is_name_part))
        }
    }
}
