//! A specification as JSON again, with what matters for a verdict.

use crate::model::Spec;
use crate::model::spec::{CellType, Param, TestCase, Value};
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
    object.insert("test_cases".into(), cases(&spec.tests, spec));
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
pub fn cases(cases: &[TestCase], spec: &Spec) -> Json {
    cases.iter().map(|item| case(item, spec)).collect()
}

fn case(case: &TestCase, spec: &Spec) -> Json {
    let mut object = Map::new();
    object.insert("input".into(), Json::Array(values(&case.input, &spec.inputs)));
    match case.throws {
        Some(code) => object.insert("throws".into(), json!(code)),
        None => object.insert("output".into(), Json::Array(values(&case.output, &spec.outputs))),
    };
    if let Some(prints) = &case.prints {
        object.insert("prints".into(), json!(prints));
    }
    Json::Object(object)
}

/// The values of one side; a cell is written as its type has it.
fn values(values: &[Value], params: &[Param]) -> Vec<Json> {
    let mut at = 0;
    let mut value = |value: &Value| {
        let is_unsigned = params.get(at).is_some_and(|param| param.ty == CellType::Uint);
        // A string or an array is two cells: where it is and how long.
        at += if matches!(value, Value::Cell(_)) { 1 } else { 2 };
        match value {
            Value::Cell(cell) if is_unsigned => json!(*cell as u64),
            Value::Cell(cell) => json!(cell),
            Value::Str(text) => json!(text),
            Value::Cells(cells) => json!(cells),
        }
    };
    values.iter().map(&mut value).collect()
}

/// A test for people: `48 18 -> 6`.
pub fn shown(case: &TestCase, spec: &Spec) -> String {
    let side = |side: &[Value], params: &[Param]| {
        let texts: Vec<String> = values(side, params).iter().map(Json::to_string).collect();
        texts.join(" ")
    };
    let mut text = side(&case.input, &spec.inputs);
    text.push_str(if text.is_empty() { "->" } else { " ->" });
    match case.throws {
        Some(code) => text += &format!(" exception {code}"),
        None if case.output.is_empty() => text += " nothing",
        None => text += &format!(" {}", side(&case.output, &spec.outputs)),
    }
    if let Some(prints) = &case.prints {
        text += &format!(" and prints {}", json!(prints));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    #[test]
    fn a_line_is_read_again_as_what_it_was_written_of() {
        let text = r#"{"word":"w","description":"what","stack_effect":{"inputs":[{"name":"a","type":"uint"},{"name":"c-addr","type":"addr"},{"name":"u","type":"int"},{"name":"b","type":"uint"}],"outputs":[{"name":"r","type":"int","value":"a"}]},"properties":["w(1, 2, 3, 4) = 1"],"test_cases":[{"input":[18446744073709551615,"x",9223372036854775808],"output":[-1]},{"input":[3,[1,-2],4],"throws":-24}]}"#;
        let read = |text: &str| spec::parse_spec_line(text.as_bytes(), "f", 1).spec.expect("a specification");
        let spec = read(text);
        assert_eq!(line(&spec), text);
        assert_eq!(read(&line(&spec)), spec);
        assert_eq!(shown(&spec.tests[0], &spec), r#"18446744073709551615 "x" 9223372036854775808 -> -1"#);
        assert_eq!(shown(&spec.tests[1], &spec), "3 [1,-2] 4 -> exception -24");
    }
}
