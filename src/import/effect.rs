//! Stack comments: `( n1 n2 -- n3 )` as names and types.

use crate::model::CellType;

/// What a comment says of a word.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Declared {
    /// The stack before, bottom to top.
    pub inputs: Vec<(String, CellType)>,
    /// The stack after, bottom to top.
    pub outputs: Vec<(String, CellType)>,
}

/// Reads what stands between the brackets of a comment; `None` where it is no stack comment, or one of more than plain
/// items (parsed text, the return stack, alternatives).
pub(super) fn parse(comment: &str) -> Option<Declared> {
    let mut sides = comment.split_whitespace().collect::<Vec<_>>();
    let middle = sides.iter().position(|item| *item == "--")?;
    let outputs = sides.split_off(middle + 1);
    sides.pop();
    Some(Declared { inputs: side(&sides)?, outputs: side(&outputs)? })
}

/// The same for the names of `{: a b | c -- d :}`.
pub(super) fn of_locals(text: &str) -> Option<Declared> {
    let (before, after) = text.split_once("--")?;
    let arguments = before.split('|').next().unwrap_or("");
    let names = |text: &str| side(&text.split_whitespace().collect::<Vec<_>>());
    Some(Declared { inputs: names(arguments)?, outputs: names(after)? })
}

fn side(items: &[&str]) -> Option<Vec<(String, CellType)>> {
    let mut out = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        if item.ends_with(':') || item.contains(['"', '|', '<']) || item.contains("..") || *item == "--" {
            return None;
        }
        // In `a b c d` the letters are names, not the standard's character and double.
        let in_row = at > 0 && matches!((items[at - 1], *item), ("b", "c") | ("c", "d"));
        match if in_row { Kind::One(CellType::Int) } else { type_of(item) } {
            Kind::One(ty) => out.push(((*item).to_owned(), ty)),
            Kind::Double => {
                out.push((format!("{item}-lo"), CellType::Int));
                out.push((format!("{item}-hi"), CellType::Int));
            }
        }
    }
    Some(out)
}

enum Kind {
    One(CellType),
    Double,
}

/// The type by the names that the standard uses (its table 2.1), numbers behind them left aside.
fn type_of(item: &str) -> Kind {
    let stem = item.trim_end_matches(|c: char| c.is_ascii_digit() || c == '\'').to_ascii_lowercase();
    Kind::One(match stem.as_str() {
        "d" | "ud" | "+d" | "xd" => return Kind::Double,
        "u" | "len" | "count" => CellType::Uint,
        "flag" | "f" | "true" | "false" | "bool" => CellType::Bool,
        "char" | "c" => CellType::Char,
        "addr" | "a-addr" | "c-addr" | "caddr" | "adr" => CellType::Addr,
        _ if stem.ends_with("-addr") || stem.starts_with("addr") => CellType::Addr,
        _ if stem.ends_with('?') => CellType::Bool,
        _ => CellType::Int,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(comment: &str, expect: &str) {
        let shown = |side: &[(String, CellType)]| {
            let items: Vec<_> = side.iter().map(|(name, ty)| format!("{name}:{}", ty.name())).collect();
            items.join(" ")
        };
        let got = match parse(comment) {
            Some(declared) => format!("{} -- {}", shown(&declared.inputs), shown(&declared.outputs)),
            None => "none".to_owned(),
        };
        assert_eq!(got, expect, "{comment}");
    }

    #[test]
    fn comments_are_names_and_types() {
        check(" n -- n*n ", "n:int -- n*n:int");
        check("n1 u2 -- flag", "n1:int u2:uint -- flag:bool");
        check("c-addr u -- char", "c-addr:addr u:uint -- char:char");
        check("d1 n -- ud", "d1-lo:int d1-hi:int n:int -- ud-lo:int ud-hi:int");
        check("a b c d -- c d", "a:int b:int c:int d:int -- c:char d:int");
        check("b d -- c", "b:int d-lo:int d-hi:int -- c:char");
        check("--", " -- ");
        check("a remark", "none");
        check("\"name\" -- xt", "none");
        check("R: x -- x", "none");
        check("x ... -- x", "none");
        check("a | b -- c", "none");
    }

    #[test]
    fn locals_say_it_too() {
        let declared = of_locals(" a b | t -- c ").expect("an effect");
        assert_eq!((declared.inputs.len(), declared.outputs.len()), (2, 1));
        assert!(of_locals(" a b ").is_none());
    }
}
