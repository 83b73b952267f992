//! What a specification says, as bytes, and the hashes of it.
//!
//! The encoding depends on nothing but the content: not on path, line, whitespace, key order or the layout of the archive.
//! It is versioned on its own, because outcomes are cached under these hashes: changing it forgets every outcome.

use super::pack::put_answer;
use super::wire::{put_opt_str, put_signed, put_str, put_varint};
use crate::model::{Diagnostic, Param, Spec, TestCase, Value};

/// Stands before every content; a new version of the encoding gets a new text.
const SPEC_V1: &[u8] = b"wordmill spec v1\n";
const HELDOUT_V1: &[u8] = b"wordmill heldout v1\n";
const INVALID_V1: &[u8] = b"wordmill invalid v1\n";

/// The hash of "no held-out cases".
pub(super) const NO_HELDOUT: [u8; 32] = [0; 32];

/// Hash of everything that the specification says, apart from the held-out cases. `scratch` is overwritten.
pub fn content_hash(spec: &Spec, scratch: &mut Vec<u8>) -> [u8; 32] {
    scratch.clear();
    scratch.extend_from_slice(SPEC_V1);
    put_spec(scratch, spec);
    *blake3::hash(scratch).as_bytes()
}

/// Hash of held-out cases; zeros when there are none. `scratch` is overwritten.
pub fn heldout_hash(cases: &[TestCase], scratch: &mut Vec<u8>) -> [u8; 32] {
    if cases.is_empty() {
        return NO_HELDOUT;
    }
    scratch.clear();
    scratch.extend_from_slice(HELDOUT_V1);
    put_tests(scratch, cases);
    *blake3::hash(scratch).as_bytes()
}

/// Hash of a record that cannot be run: its word and what is wrong with it, but not where.
pub fn invalid_hash(word: Option<&str>, diagnostics: &[Diagnostic], scratch: &mut Vec<u8>) -> [u8; 32] {
    scratch.clear();
    scratch.extend_from_slice(INVALID_V1);
    put_opt_str(scratch, word);
    for diagnostic in diagnostics {
        put_varint(scratch, diagnostic.code.0 as u64);
        scratch.push(diagnostic.severity as u8);
        put_str(scratch, &diagnostic.message);
        put_opt_str(scratch, diagnostic.suggestion.as_deref());
    }
    *blake3::hash(scratch).as_bytes()
}

/// The number under which a word is looked up. Collisions are possible and are resolved by comparing the words.
pub(super) fn word_hash(word: &str) -> u64 {
    let hash = blake3::hash(word.as_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight bytes"))
}

fn put_spec(out: &mut Vec<u8>, spec: &Spec) {
    put_str(out, &spec.word);
    put_opt_str(out, spec.description.as_deref());
    put_params(out, &spec.inputs);
    put_params(out, &spec.outputs);
    put_strings(out, &spec.properties);
    put_tests(out, &spec.tests);
    put_opt_str(out, spec.complexity.time.as_deref());
    put_opt_str(out, spec.complexity.space.as_deref());
    put_opt_str(out, spec.pattern.as_deref());
    put_strings(out, &spec.hints);
    put_opt_str(out, spec.code.as_deref());
    put_strings(out, &spec.uses);
    put_opt_str(out, spec.metadata.author.as_deref());
    put_opt_str(out, spec.metadata.version.as_deref());
    put_opt_str(out, spec.metadata.created.as_deref());
    put_strings(out, &spec.metadata.tags);
}

fn put_strings(out: &mut Vec<u8>, strings: &[String]) {
    put_varint(out, strings.len() as u64);
    strings.iter().for_each(|text| put_str(out, text));
}

fn put_params(out: &mut Vec<u8>, params: &[Param]) {
    put_varint(out, params.len() as u64);
    for param in params {
        put_str(out, &param.name);
        out.push(param.ty as u8);
        put_opt_str(out, param.constraint.as_deref());
        put_opt_str(out, param.value.as_deref());
    }
}

fn put_tests(out: &mut Vec<u8>, tests: &[TestCase]) {
    put_varint(out, tests.len() as u64);
    for test in tests {
        put_opt_str(out, test.description.as_deref());
        put_values(out, &test.input);
        put_values(out, &test.output);
        put_answer(out, test);
        put_strings(out, &test.tags);
    }
}

fn put_values(out: &mut Vec<u8>, values: &[Value]) {
    put_varint(out, values.len() as u64);
    for value in values {
        match value {
            Value::Cell(cell) => {
                out.push(0);
                put_signed(out, *cell);
            }
            Value::Str(text) => {
                out.push(1);
                put_str(out, text);
            }
            Value::Cells(cells) => {
                out.push(2);
                put_varint(out, cells.len() as u64);
                cells.iter().for_each(|cell| put_signed(out, *cell));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CellType;

    fn square() -> Spec {
        let param = |name: &str, value: Option<&str>| Param {
            name: name.into(),
            ty: CellType::Int,
            constraint: None,
            value: value.map(str::to_owned),
        };
        Spec {
            word: "square".into(),
            inputs: vec![param("n", None)],
            outputs: vec![param("n²", Some("n * n"))],
            tests: vec![TestCase {
                input: vec![Value::Cell(3)].into(),
                output: vec![Value::Cell(9)].into(),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    fn hash(spec: &Spec) -> [u8; 32] {
        content_hash(spec, &mut Vec::new())
    }

    /// The value is part of the format: outcomes are cached under it. If this fails, the version must change.
    #[test]
    fn the_encoding_is_pinned() {
        let hex = blake3::Hash::from(hash(&square())).to_hex();
        assert_eq!(&hex[..16], PINNED);
    }

    const PINNED: &str = "c7f7d3954ec0ed90";

    #[test]
    fn every_field_counts() {
        let base = square();
        let mut variants = vec![base.clone()];
        let mut vary = |change: fn(&mut Spec)| {
            let mut spec = square();
            change(&mut spec);
            variants.push(spec);
        };
        vary(|s| s.word.push('x'));
        vary(|s| s.description = Some("x".into()));
        vary(|s| s.description = Some(String::new()));
        vary(|s| s.inputs[0].name = "x".into());
        vary(|s| s.inputs[0].ty = CellType::Uint);
        vary(|s| s.inputs[0].constraint = Some("n > 0".into()));
        vary(|s| s.outputs[0].value = None);
        vary(|s| s.properties.push("x".into()));
        vary(|s| s.tests[0].input = vec![Value::Str("3".into())].into());
        vary(|s| s.tests[0].input = vec![Value::Cells(vec![3])].into());
        vary(|s| s.tests[0].output = Default::default());
        vary(|s| s.tests[0].throws = Some(-10));
        vary(|s| s.tests[0].prints = Some("x".into()));
        vary(|s| s.tests[0].prints = Some(String::new()));
        vary(|s| (s.tests[0].throws, s.tests[0].prints) = (Some(-10), Some("x".into())));
        vary(|s| s.tests[0].description = Some("x".into()));
        vary(|s| s.tests[0].tags.push("x".into()));
        vary(|s| s.tests.push(TestCase::default()));
        vary(|s| s.complexity.time = Some("x".into()));
        vary(|s| s.complexity.space = Some("x".into()));
        vary(|s| s.pattern = Some("x".into()));
        vary(|s| s.hints.push("x".into()));
        vary(|s| s.code = Some("x".into()));
        vary(|s| s.uses.push("x".into()));
        vary(|s| s.metadata.author = Some("x".into()));
        vary(|s| s.metadata.version = Some("x".into()));
        vary(|s| s.metadata.created = Some("x".into()));
        vary(|s| s.metadata.tags.push("x".into()));
        let hashes: std::collections::HashSet<_> = variants.iter().map(hash).collect();
        assert_eq!(hashes.len(), variants.len());
    }

    #[test]
    fn heldout_cases_have_a_hash_of_their_own() {
        let mut spec = square();
        spec.heldout = spec.tests.clone();
        assert_eq!(hash(&spec), hash(&square()));
        assert_ne!(heldout_hash(&spec.heldout, &mut Vec::new()), NO_HELDOUT);
        assert_eq!(heldout_hash(&[], &mut Vec::new()), NO_HELDOUT);
    }
}
