//! Specifications for property-based tests: every field, every shape, odd texts and sizes.

use crate::model::{CellType, Complexity, Metadata, Param, Spec, TestCase, Value};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![6 => "[a-z +*]{0,12}", 2 => "\\PC{0,8}", 1 => "[é²]{100,400}"]
}

fn opt() -> impl Strategy<Value = Option<String>> {
    prop::option::of(text())
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![3 => Just(vec![]), 2 => prop::collection::vec(text(), 1..4)]
}

fn param() -> impl Strategy<Value = Param> {
    (text(), 0..CellType::ALL.len(), opt(), opt()).prop_map(|(name, ty, constraint, value)| Param {
        name,
        ty: CellType::ALL[ty],
        constraint,
        value,
    })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => any::<i64>().prop_map(Value::Cell),
        1 => text().prop_map(Value::Str),
        1 => prop::collection::vec(any::<i64>(), 0..20).prop_map(Value::Cells),
    ]
}

fn meta() -> impl Strategy<Value = (Option<String>, Vec<String>)> {
    let tag =
        prop_oneof![text(), prop::sample::select(vec!["edge_case", "property"]).prop_map(str::to_owned)];
    prop_oneof![Just((None, vec![])), (opt(), prop::collection::vec(tag, 0..4))]
}

fn rich_test() -> impl Strategy<Value = TestCase> {
    let values = || prop::collection::vec(value(), 0..4);
    (meta(), values(), values(), prop::option::of(any::<i64>()), opt()).prop_map(
        |((description, tags), input, output, throws, prints)| TestCase {
            description,
            input: input.into(),
            output: output.into(),
            throws,
            prints,
            tags,
        },
    )
}

fn plain_test(n_in: usize, n_out: usize) -> impl Strategy<Value = TestCase> {
    let cells = |n| prop::collection::vec(any::<i64>().prop_map(Value::Cell), n);
    (meta(), cells(n_in), cells(n_out)).prop_map(|((description, tags), input, output)| TestCase {
        description,
        input: input.into(),
        output: output.into(),
        throws: None,
        prints: None,
        tags,
    })
}

fn tests(n_in: usize, n_out: usize) -> impl Strategy<Value = Vec<TestCase>> {
    prop_oneof![
        1 => Just(vec![]),
        4 => prop::collection::vec(plain_test(n_in, n_out), 0..20),
        2 => prop::collection::vec(rich_test(), 1..6),
    ]
}

/// Any specification.
pub(super) fn spec() -> impl Strategy<Value = Spec> {
    let params = || prop::collection::vec(param(), 0..4);
    let names = (prop_oneof![text(), "[a-z]{20,60}"], opt(), opt(), opt());
    let lists = (texts(), texts(), texts(), texts());
    let origin = (opt(), opt(), opt(), opt(), opt());
    (params(), params(), names, lists, origin).prop_flat_map(|(inputs, outputs, names, lists, origin)| {
        let cases = (tests(inputs.len(), outputs.len()), tests(inputs.len(), outputs.len()));
        cases.prop_map(move |(tests, heldout)| {
            let (word, description, pattern, code) = names.clone();
            let (properties, hints, uses, tags) = lists.clone();
            let (time, space, author, version, created) = origin.clone();
            Spec {
                word,
                description,
                inputs: inputs.clone(),
                outputs: outputs.clone(),
                properties,
                tests,
                heldout,
                complexity: Complexity { time, space },
                pattern,
                hints,
                code,
                uses,
                metadata: Metadata { author, version, created, tags },
            }
        })
    })
}
