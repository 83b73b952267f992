//! A specification as JSON again, with what matters for a verdict.

use crate::model::Spec;
use crate::model::spec::{Param, TestCase, Value};
use serde_json::{Map, Value as Json, json};

/// The line of a specification: effect, properties and visible tests. Held-out tests, code and origin are left out.
pub fn line(spec: &Spec) -> String {
    let mut object = Map::new();
    object.insert("word".into(), json!(spec.word));
    if let Some(description) = &spec.description {
        object.insert("description".into(), json!(description));
    }
    let params = |params: &[Param]| params.iter().map(param).collect::<Vec<_>>();
    let effect = json!({ "inputs": params(&spec.inputs), "outputs": params(&spec.outputs) });
    object.insert("stack_effect".into(), effect);
    if !spec.properties.is_empty() {
        object.insert("properties".into(), json!(spec.properties));
    }
    object.insert("test_cases".into(), cases(&spec.tests));
    Json::Object(object).to_string()
}

fn param(param: &Param) -> Json {
    let mut object = Map::new();
    object.insert("name".into(), json!(param.name));
    object.insert("type".into(), json!(param.ty.name()));
    if let Some(constraint) = &param.constraint {
        object.insert("constraint".into(), json!(constraint));
    }
    if let Some(value) = &param.value {
        object.insert("value".into(), json!(value));
    }
    Json::Object(object)
}

/// Tests as they stand in a specification.
pub fn cases(cases: &[TestCase]) -> Json {
    cases.iter().map(case).collect()
}

fn case(case: &TestCase) -> Json {
    let mut object = Map::new();
    let values = |values: &[Value]| values.iter().map(value).collect::<Vec<_>>();
    object.insert("input".into(), json!(values(&case.input)));
    match case.throws {
        Some(code) => object.insert("throws".into(), json!(code)),
        None => object.insert("output".into(), json!(values(&case.output))),
    };
    if let Some(prints) = &case.prints {
        object.insert("prints".into(), json!(prints));
    }
    Json::Object(object)
}

fn value(value: &Value) -> Json {
    match value {
        Value::Cell(cell) => json!(cell),
        Value::Str(text) => json!(text),
        Value::Cells(cells) => json!(cells),
    }
}

/// A test for people: `48 18 -> 6`.
pub fn shown(case: &TestCase) -> String {
    let values = |values: &[Value]| {
        let texts: Vec<String> = values.iter().map(|item| value(item).to_string()).collect();
        texts.join(" ")
    };
    let mut text = values(&case.input);
    text.push_str(if text.is_empty() { "->" } else { " ->" });
    match case.throws {
        Some(code) => text += &format!(" exception {code}"),
        None if case.output.is_empty() => text += " nothing",
        None => text += &format!(" {}", values(&case.output)),
    }
    if let Some(prints) = &case.prints {
        text += &format!(" and prints {}", json!(prints));
    }
    text
}
