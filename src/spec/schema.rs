//! The JSON Schema of a specification, made from the same table that the reader matches on.

use crate::model::CellType;
use crate::spec::fields::{Field, FieldSet, Set, Shape, SpecField, Weight};
use crate::spec::parse::{INPUTS_MAX, OUTPUTS_MAX};
use serde_json::{Map, Value, json};

/// The JSON Schema (2020-12) of a file: one specification, or an array of them.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    definitions.insert("specification".into(), object(SpecField::ROWS, SpecField::IS_FREE));
    for set in Set::ALL {
        definitions.insert(set.name().into(), definition(set));
    }
    definitions.insert("cell".into(), cell());
    definitions.insert("values".into(), values());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wordmill specification",
        "description": "One specification of a Forth word, or an array of them; a .jsonl file has one a line",
        "oneOf": [
            reference("specification"),
            { "type": "array", "items": reference("specification") },
        ],
        "$defs": definitions,
    })
}

fn definition(set: Set) -> Value {
    let mut schema = object(set.rows(), set.is_free());
    if set == Set::Test {
        schema["oneOf"] = json!([
            {
                "required": ["output"],
                "properties": { "output": { "type": "array" }, "throws": { "type": "null" } },
            },
            {
                "required": ["prints"],
                "properties": {
                    "prints": { "type": "string" }, "output": { "type": "null" }, "throws": { "type": "null" },
                },
            },
            {
                "required": ["throws"],
                "properties": { "throws": { "type": "integer" }, "output": { "type": ["array", "null"], "maxItems": 0 } },
            },
        ]);
    }
    if set == Set::Effect {
        schema["properties"]["inputs"]["maxItems"] = INPUTS_MAX.into();
        schema["properties"]["outputs"]["maxItems"] = OUTPUTS_MAX.into();
    }
    schema
}

fn object(rows: &[Field], is_free: bool) -> Value {
    let properties: Map<String, Value> =
        rows.iter().map(|row| (row.name.to_owned(), property(row))).collect();
    let required: Vec<&str> =
        rows.iter().filter(|row| row.weight == Weight::Required).map(|row| row.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": is_free,
    })
}

fn property(row: &Field) -> Value {
    let is_word = row.name == "word";
    let nullable = row.weight != Weight::Required;
    let typed = |name: &str| if nullable { json!([name, "null"]) } else { json!(name) };
    let mut schema = match row.shape {
        // A name is what stands between white space.
        Shape::Text if is_word => {
            json!({ "type": "string", "pattern": "^[^\\s\\u0000-\\u001f\\u007f]+$", "maxLength": 255 })
        }
        Shape::Text => json!({ "type": typed("string") }),
        Shape::AnyText => json!({}),
        Shape::Texts => json!({ "type": typed("array"), "items": { "type": "string" } }),
        Shape::CellType => json!({ "type": "string", "enum": CellType::ALL.map(CellType::name) }),
        Shape::Int => {
            json!({ "type": typed("integer"), "minimum": i64::MIN, "maximum": i64::MAX, "not": { "const": 0 } })
        }
        Shape::Values if nullable => json!({ "anyOf": [reference("values"), { "type": "null" }] }),
        Shape::Values => reference("values"),
        Shape::Object(set) if nullable => json!({ "anyOf": [reference(set.name()), { "type": "null" }] }),
        Shape::Object(set) => reference(set.name()),
        Shape::Objects(set) => json!({ "type": typed("array"), "items": reference(set.name()) }),
    };
    schema["description"] = row.doc.into();
    schema["examples"] = json!([serde_json::from_str::<Value>(row.example).expect("examples are JSON")]);
    schema
}

fn cell() -> Value {
    json!({
        "description": "One cell: a whole number of 64 bits, or a flag (true is -1)",
        "anyOf": [
            { "type": "integer", "minimum": i64::MIN, "maximum": u64::MAX },
            { "type": "boolean" },
        ],
    })
}

fn values() -> Value {
    json!({
        "description": "Stack values from bottom to top; a string (c-addr u) and an array of cells (addr n) are two cells each",
        "type": "array",
        "items": {
            "anyOf": [
                reference("cell"),
                { "type": "string" },
                { "type": "array", "items": reference("cell") },
            ],
        },
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse_spec_line;

    /// Every field that the schema names is known to the reader, and every row of the table is in the schema.
    #[test]
    fn the_schema_and_the_reader_know_the_same_fields() {
        let schema = schema();
        let names = |definition: &str| -> Vec<String> {
            let properties = &schema["$defs"][definition]["properties"];
            properties.as_object().expect(definition).keys().cloned().collect()
        };
        assert_eq!(names("specification"), SpecField::ROWS.iter().map(|row| row.name).collect::<Vec<_>>());
        for set in Set::ALL {
            assert_eq!(names(set.name()), set.rows().iter().map(|row| row.name).collect::<Vec<_>>());
        }
    }

    /// The examples of all fields together are a specification that the reader takes without a word.
    #[test]
    fn the_examples_make_a_specification() {
        fn object_of(rows: &[Field]) -> Value {
            let fields = rows.iter().map(|row| {
                let value = match row.shape {
                    Shape::Object(set) => object_of(set.rows()),
                    Shape::Objects(set) => json!([object_of(set.rows())]),
                    _ => serde_json::from_str(row.example).expect(row.example),
                };
                (row.name.to_owned(), value)
            });
            Value::Object(fields.collect())
        }
        let mut whole = object_of(SpecField::ROWS);
        for list in ["test_cases", "heldout_cases"] {
            whole[list][0].as_object_mut().expect("a test").remove("throws");
        }
        let entry = parse_spec_line(whole.to_string().as_bytes(), "examples", 1);
        assert_eq!(entry.diagnostics, []);
        let spec = entry.spec.expect("a specification");
        assert_eq!(
            (spec.inputs.len(), spec.outputs.len(), spec.tests.len(), spec.heldout.len()),
            (1, 1, 1, 1)
        );
        assert!(spec.description.is_some() && spec.pattern.is_some() && spec.code.is_some());
        assert!(!spec.uses.is_empty() && !spec.properties.is_empty() && !spec.hints.is_empty());
        assert!(spec.metadata.author.is_some() && !spec.metadata.tags.is_empty());
        assert!(spec.complexity.time.is_some() && spec.complexity.space.is_some());
        for row in SpecField::ROWS {
            let alone = parse_spec_line(format!("{{\"{}\":{}}}", row.name, row.example).as_bytes(), "x", 1);
            assert!(alone.diagnostics.iter().all(|d| d.message.contains("is missing")), "{}", row.name);
        }
    }
}
