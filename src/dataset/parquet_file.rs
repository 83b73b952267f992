//! Records as a Parquet file, zstd throughout.

use super::record::{Config, Field, Fields, Kind, Message};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use std::sync::Arc;

/// Rows of a row group.
pub const ROW_GROUP_ROWS: usize = 100_000;

/// The bytes of a file of these records.
pub fn bytes(config: &Config, rows: &[&Fields<'_>]) -> Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(&schema(config))?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_created_by(format!("wordmill {}", env!("CARGO_PKG_VERSION")))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_dictionary_enabled(false);
    // Most texts stand in one row only: a dictionary of them is work for nothing.
    let properties = REPEATED
        .iter()
        .fold(properties, |properties, path| {
            let path = ColumnPath::new(path.split('.').map(str::to_owned).collect());
            properties.set_column_dictionary_enabled(path, true)
        })
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for rows in rows.chunks(ROW_GROUP_ROWS) {
        let mut group = writer.next_row_group()?;
        for (at, (_, kind)) in config.columns.iter().enumerate() {
            let column = || rows.iter().map(|row| &row[at]);
            match kind {
                Kind::Text => texts(&mut group, column().map(text).collect(), None)?,
                Kind::Int => {
                    let values: Vec<i64> = column().map(int).collect();
                    let mut column = group.next_column()?.expect("as many columns as the schema has");
                    column.typed::<Int64Type>().write_batch(&values, None, None)?;
                    column.close()?;
                }
                Kind::Bool => {
                    let values: Vec<bool> =
                        column().map(|field| matches!(field, Field::Bool(true))).collect();
                    let mut column = group.next_column()?.expect("as many columns as the schema has");
                    column.typed::<BoolType>().write_batch(&values, None, None)?;
                    column.close()?;
                }
                Kind::Texts => {
                    let lists = column().map(|field| match field {
                        Field::Texts(texts) => texts.as_slice(),
                        _ => &[],
                    });
                    let (values, levels) = list(lists, |text| bytes_of(text));
                    texts(&mut group, values, Some(levels))?;
                }
                Kind::Chat | Kind::Tools => {
                    chats(&mut group, &column().map(chat).collect::<Vec<_>>(), *kind)?
                }
            }
        }
        group.close()?;
    }
    writer.into_inner()
}

/// Columns in which the same few texts stand again and again.
const REPEATED: &[&str] = &[
    "strategy",
    "tool",
    "license",
    "tools",
    "rejected_from",
    "messages.list.element.role",
    "prompt.list.element.role",
    "messages.list.element.tool_call_id",
    "messages.list.element.tool_calls.list.element.id",
    "messages.list.element.tool_calls.list.element.type",
    "messages.list.element.tool_calls.list.element.function.name",
];

/// The schema in Parquet's own language.
fn schema(config: &Config) -> String {
    let columns: String = config
        .columns
        .iter()
        .map(|(name, kind)| match kind {
            Kind::Text => format!("required binary {name} (UTF8);"),
            Kind::Int => format!("required int64 {name};"),
            Kind::Bool => format!("required boolean {name};"),
            Kind::Texts => format!(
                "required group {name} (LIST) {{ repeated group list {{ required binary element (UTF8); }} }}"
            ),
            Kind::Chat | Kind::Tools => {
                let tools = match kind {
                    Kind::Tools => {
                        "required group tool_calls (LIST) { repeated group list { required group element { \
                         required binary id (UTF8); required binary type (UTF8); \
                         required group function { required binary name (UTF8); required binary arguments (UTF8); } } } } \
                         required binary tool_call_id (UTF8);"
                    }
                    _ => "",
                };
                format!(
                    "required group {name} (LIST) {{ repeated group list {{ required group element {{ \
                     required binary role (UTF8); required binary content (UTF8); {tools} }} }} }}"
                )
            }
        })
        .collect();
    format!("message {} {{ {columns} }}", config.name)
}

fn text(field: &Field<'_>) -> ByteArray {
    match field {
        Field::Text(text) => bytes_of(text),
        _ => ByteArray::from(""),
    }
}

fn int(field: &Field<'_>) -> i64 {
    match field {
        Field::Int(number) => *number,
        _ => 0,
    }
}

fn chat<'f>(field: &'f Field<'f>) -> &'f [Message<'f>] {
    match field {
        Field::Chat(messages) => messages,
        _ => &[],
    }
}

fn bytes_of(text: &str) -> ByteArray {
    ByteArray::from(text.as_bytes().to_vec())
}

/// Definition and repetition levels.
type Levels = (Vec<i16>, Vec<i16>);

fn texts(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: Vec<ByteArray>,
    levels: Option<Levels>,
) -> Result<()> {
    let mut column = group.next_column()?.expect("as many columns as the schema has");
    let (definition, repetition) = levels.unzip();
    column.typed::<ByteArrayType>().write_batch(&values, definition.as_deref(), repetition.as_deref())?;
    column.close()
}

/// The values of one list for each row, with their levels.
fn list<'r, T: 'r>(
    rows: impl Iterator<Item = &'r [T]>,
    value: impl Fn(&T) -> ByteArray,
) -> (Vec<ByteArray>, Levels) {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for items in rows {
        if items.is_empty() {
            definition.push(0);
            repetition.push(0);
        }
        for (at, item) in items.iter().enumerate() {
            values.push(value(item));
            definition.push(1);
            repetition.push(i16::from(at > 0));
        }
    }
    (values, (definition, repetition))
}

fn chats(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    rows: &[&[Message<'_>]],
    kind: Kind,
) -> Result<()> {
    let mut column = |value: &dyn Fn(&Message<'_>) -> ByteArray| {
        let (values, levels) = list(rows.iter().copied(), value);
        texts(group, values, Some(levels))
    };
    column(&|message| bytes_of(message.role))?;
    column(&|message| bytes_of(&message.content))?;
    if kind == Kind::Chat {
        return Ok(());
    }
    let mut calls = |value: &dyn Fn(&super::record::Call) -> ByteArray| {
        let (values, levels) = nested(rows, value);
        texts(group, values, Some(levels))
    };
    calls(&|call| bytes_of(&call.id))?;
    calls(&|_| bytes_of("function"))?;
    calls(&|call| bytes_of(call.name))?;
    calls(&|call| bytes_of(&call.arguments))?;
    let (values, levels) = list(rows.iter().copied(), |message| bytes_of(&message.answers));
    texts(group, values, Some(levels))
}

/// The values of the calls in each message of each row.
fn nested(
    rows: &[&[Message<'_>]],
    value: &dyn Fn(&super::record::Call) -> ByteArray,
) -> (Vec<ByteArray>, Levels) {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for messages in rows {
        if messages.is_empty() {
            definition.push(0);
            repetition.push(0);
        }
        for (at, message) in messages.iter().enumerate() {
            let outer = i16::from(at > 0);
            if message.calls.is_empty() {
                definition.push(1);
                repetition.push(outer);
            }
            for (inner, call) in message.calls.iter().enumerate() {
                values.push(value(call));
                definition.push(2);
                repetition.push(if inner > 0 { 2 } else { outer });
            }
        }
    }
    (values, (definition, repetition))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::record::{CONFIGS, Call, json_line};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field as Read;

    fn field(kind: Kind, at: usize) -> Field<'static> {
        match kind {
            Kind::Text => Field::Text(format!("text {at} \"ü\" \u{1} \\ \n").into()),
            Kind::Int => Field::Int(at as i64 - 1),
            Kind::Bool => Field::Bool(at.is_multiple_of(2)),
            Kind::Texts => Field::Texts(["t0", "t1", "t2", "t3", "t4"][..at].to_vec()),
            Kind::Chat | Kind::Tools => {
                let message = |n: usize| Message {
                    role: "assistant",
                    content: format!("m{n}").into(),
                    calls: match kind {
                        Kind::Tools => (0..n)
                            .map(|c| Call { id: format!("c{c}"), name: "infer", arguments: "{}".into() })
                            .collect(),
                        _ => Vec::new(),
                    },
                    answers: if kind == Kind::Tools { format!("a{n}") } else { String::new() },
                };
                Field::Chat((0..at).map(message).collect())
            }
        }
    }

    fn json_of(field: &Read) -> serde_json::Value {
        match field {
            Read::Str(text) => text.as_str().into(),
            Read::Long(number) => (*number).into(),
            Read::Bool(flag) => (*flag).into(),
            Read::ListInternal(list) => list.elements().iter().map(json_of).collect(),
            Read::Group(row) => {
                let fields = row.get_column_iter().map(|(name, field)| (name.clone(), json_of(field)));
                serde_json::Value::Object(fields.collect())
            }
            other => panic!("{other:?}"),
        }
    }

    /// What an independent reader of the same crate makes of the file is what stands in the JSON.
    #[test]
    fn parquet_holds_what_json_holds() {
        for config in CONFIGS {
            let rows: Vec<Fields<'_>> =
                (0..5).map(|at| config.columns.iter().map(|(_, kind)| field(*kind, at)).collect()).collect();
            let file = bytes(config, &rows.iter().collect::<Vec<_>>()).expect("a file");
            let reader = SerializedFileReader::new(::bytes::Bytes::from(file)).expect("a Parquet file");
            let got: Vec<serde_json::Value> = reader
                .get_row_iter(None)
                .expect("rows")
                .map(|row| json_of(&Read::Group(row.expect("a row"))))
                .collect();
            let mut text = Vec::new();
            rows.iter().for_each(|row| json_line(config, row, &mut text));
            let expect: Vec<serde_json::Value> = String::from_utf8(text)
                .expect("UTF-8")
                .lines()
                .map(|line| serde_json::from_str(line).expect("JSON"))
                .collect();
            assert_eq!(got, expect, "{}", config.name);
        }
    }
}
