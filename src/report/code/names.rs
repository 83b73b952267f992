//! File names for sources.

/// Names up to here are kept whole; file systems take 255 bytes, and the parts and tests add some.
const NAME_MAX: usize = 160;

/// A flat file name for a source, readable, and different for different sources.
///
/// Letters, digits, `.`, `-` and `_` stand for themselves and `/` becomes `+`; every other byte becomes `=` and two
/// hexadecimal digits, a component `..` becomes `=up`, a dot in front `=2e` (the file would be hidden). A long name is cut and ends
/// with a hash of the whole.
pub fn escape(source: &str) -> String {
    let mut name = String::with_capacity(source.len() + 8);
    for (i, component) in source.split('/').enumerate() {
        if i > 0 {
            name.push('+');
        }
        if component == ".." {
            name.push_str("=up");
        } else {
            component.bytes().for_each(|byte| escape_byte(&mut name, byte));
        }
    }
    if name.starts_with('.') {
        name.replace_range(..1, "=2e");
    }
    if name.len() <= NAME_MAX {
        return name;
    }
    name.truncate(NAME_MAX - 34);
    name + "=h" + &blake3::hash(source.as_bytes()).to_hex()[..32]
}

fn escape_byte(name: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
        name.push(byte as char);
    } else {
        name.push_str(&format!("={byte:02x}"));
    }
}

/// The files of one part of a source: definitions and tests. Parts count from 1.
pub fn part_files(source: &str, part: usize) -> (String, String) {
    let mut stem = escape(source);
    if part > 1 {
        stem += &format!(".{part}");
    }
    (format!("{stem}.fth"), format!("{stem}.test.fth"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_readable_flat_and_visible() {
        let check = |source: &str, expect: &str| assert_eq!(escape(source), expect, "{source}");
        check("basic.jsonl", "basic.jsonl");
        check("specs/fizz_buzz.json", "specs+fizz_buzz.json");
        check("../shared/x.jsonl.gz", "=up+shared+x.jsonl.gz");
        check("/abs/x.json", "+abs+x.json");
        check("./x.json", "=2e+x.json");
        check(".hidden.json", "=2ehidden.json");
        check("a b+c=d.json", "a=20b=2bc=3dd.json");
        check("é\n.json", "=c3=a9=0a.json");
        check("..x/y.json", "=2e.x+y.json");
    }

    #[test]
    fn different_sources_have_different_files() {
        let long = "x".repeat(300);
        let sources = [
            "a/b",
            "a+b",
            "a=2bb",
            "a-b",
            "../a",
            "=up/a",
            ".a",
            "=2ea",
            "a//b",
            "",
            "a b",
            "a=20b",
            "..",
            "=up",
            &long,
            &format!("{long}y"),
            &format!("{long}/"),
        ];
        let names: HashSet<_> = sources.iter().map(|source| escape(source)).collect();
        assert_eq!(names.len(), sources.len());
        assert!(names.iter().all(|name| name.len() <= NAME_MAX && !name.contains('/')));
    }

    #[test]
    fn parts_have_names_of_their_own() {
        assert_eq!(part_files("a/b.json", 1), ("a+b.json.fth".into(), "a+b.json.test.fth".into()));
        assert_eq!(part_files("b.json", 2), ("b.json.2.fth".into(), "b.json.2.test.fth".into()));
    }
}
