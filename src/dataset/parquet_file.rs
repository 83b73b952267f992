//! Records as a Parquet file, zstd throughout.
//!
//! Rows come in portions, and a row group takes many of them. A file has one column after the other in each group, so the
//! pages of all columns wait, packed, until their group is whole.

use super::record::{Config, Field, Fields, Kind, Message};
use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::page::{CompressedPage, PageWriteSpec, PageWriter};
use parquet::column::writer::{ColumnWriter, get_column_writer, get_typed_column_writer_mut};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows of a row group.
pub const ROW_GROUP_ROWS: usize = 100_000;

/// A file that rows are added to.
pub struct ParquetFile<W: Write + Send> {
    config: &'static Config,
    properties: WriterPropertiesPtr,
    file: SerializedFileWriter<W>,
    /// The columns of the open row group, one for each leaf of the schema.
    columns: Vec<Column>,
    /// Rows of the open row group.
    n_rows: usize,
}

/// A column of the open row group, and where its pages wait.
struct Column {
    pages: Pages,
    writer: ColumnWriter<'static>,
}

/// Packed pages of one column, shared by the writer that makes them and the file that takes them.
#[derive(Clone)]
struct Pages(Arc<Mutex<TrackedWrite<Vec<u8>>>>);

impl Pages {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(TrackedWrite::new(Vec::new()))))
    }

    fn lock(&self) -> MutexGuard<'_, TrackedWrite<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PageWriter for Pages {
    fn write_page(&mut self, page: CompressedPage) -> Result<PageWriteSpec> {
        SerializedPageWriter::new(&mut *self.lock()).write_page(page)
    }

    fn close(&mut self) -> Result<()> {
        Ok(())
    }
}

impl<W: Write + Send> ParquetFile<W> {
    /// A file without rows.
    pub fn new(config: &'static Config, to: W) -> Result<Self> {
        let schema = Arc::new(parse_message_type(&schema(config))?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_created_by(format!("wordmill {}", env!("CARGO_PKG_VERSION")))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_dictionary_enabled(false);
        // Most texts stand in one row only: a dictionary of them is work for nothing.
        let properties = REPEATED.iter().fold(properties, |properties, path| {
            let path = ColumnPath::new(path.split('.').map(str::to_owned).collect());
            properties.set_column_dictionary_enabled(path, true)
        });
        let properties = Arc::new(properties.build());
        let file = SerializedFileWriter::new(to, schema, properties.clone())?;
        Ok(Self { config, properties, file, columns: Vec::new(), n_rows: 0 })
    }

    /// Adds rows.
    pub fn add(&mut self, mut rows: &[&Fields<'_>]) -> Result<()> {
        while !rows.is_empty() {
            let (now, later) = rows.split_at(rows.len().min(ROW_GROUP_ROWS - self.n_rows));
            self.add_to_group(now)?;
            if self.n_rows == ROW_GROUP_ROWS {
                self.end_group()?;
            }
            rows = later;
        }
        Ok(())
    }

    /// Bytes that the file has so far, as far as they are known.
    pub fn len(&self) -> usize {
        self.file.bytes_written()
            + self.columns.iter().map(|column| column.pages.lock().bytes_written()).sum::<usize>()
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<W> {
        self.end_group()?;
        self.file.into_inner()
    }

    fn add_to_group(&mut self, rows: &[&Fields<'_>]) -> Result<()> {
        if self.columns.is_empty() {
            let leaves = self.file.schema_descr().columns().to_vec();
            let column = |leaf| {
                let pages = Pages::new();
                let writer = get_column_writer(leaf, self.properties.clone(), Box::new(pages.clone()));
                Column { pages, writer }
            };
            self.columns = leaves.into_iter().map(column).collect();
        }
        self.n_rows += rows.len();
        let mut group = self.columns.iter_mut();
        for (at, (_, kind)) in self.config.columns.iter().enumerate() {
            let column = || rows.iter().map(|row| &row[at]);
            match kind {
                Kind::Text => {
                    write::<ByteArrayType>(&mut group, &column().map(text).collect::<Vec<_>>(), None)?
                }
                Kind::Int => write::<Int64Type>(&mut group, &column().map(int).collect::<Vec<_>>(), None)?,
                Kind::Bool => {
                    let values: Vec<bool> =
                        column().map(|field| matches!(field, Field::Bool(true))).collect();
                    write::<BoolType>(&mut group, &values, None)?;
                }
                Kind::Texts => {
                    let lists = column().map(|field| match field {
                        Field::Texts(texts) => texts.as_slice(),
                        _ => &[],
                    });
                    let (values, levels) = list(lists, |text| bytes_of(text));
                    write::<ByteArrayType>(&mut group, &values, Some(levels))?;
                }
                Kind::Chat | Kind::Tools => {
                    chats(&mut group, &column().map(chat).collect::<Vec<_>>(), *kind)?
                }
            }
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<()> {
        if self.n_rows == 0 {
            return Ok(());
        }
        self.n_rows = 0;
        let mut group = self.file.next_row_group()?;
        for Column { pages, writer } in self.columns.drain(..) {
            let closed = writer.close()?;
            let packed = Arc::into_inner(pages.0).ok_or_else(|| {
                ParquetError::General("the pages of a closed column are still held".to_owned())
            })?;
            let packed = packed.into_inner().unwrap_or_else(PoisonError::into_inner).into_inner()?;
            group.append_column(&Bytes::from(packed), closed)?;
        }
        group.close()?;
        Ok(())
    }
}

/// The columns of a group that rows are still to be written to.
type Group<'g> = std::slice::IterMut<'g, Column>;

/// Writes to the next column.
fn write<T: DataType>(group: &mut Group<'_>, values: &[T::T], levels: Option<Levels>) -> Result<()> {
    let column = group.next().expect("as many columns as the schema has");
    let (definition, repetition) = levels.unzip();
    get_typed_column_writer_mut::<T>(&mut column.writer).write_batch(
        values,
        definition.as_deref(),
        repetition.as_deref(),
    )?;
    Ok(())
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

fn chats(group: &mut Group<'_>, rows: &[&[Message<'_>]], kind: Kind) -> Result<()> {
    let mut column = |value: &dyn Fn(&Message<'_>) -> ByteArray| {
        let (values, levels) = list(rows.iter().copied(), value);
        write::<ByteArrayType>(group, &values, Some(levels))
    };
    column(&|message| bytes_of(message.role))?;
    column(&|message| bytes_of(&message.content))?;
    if kind == Kind::Chat {
        return Ok(());
    }
    let mut calls = |value: &dyn Fn(&super::record::Call) -> ByteArray| {
        let (values, levels) = nested(rows, value);
        write::<ByteArrayType>(group, &values, Some(levels))
    };
    calls(&|call| bytes_of(&call.id))?;
    calls(&|_| bytes_of("function"))?;
    calls(&|call| bytes_of(call.name))?;
    calls(&|call| bytes_of(&call.arguments))?;
    let (values, levels) = list(rows.iter().copied(), |message| bytes_of(&message.answers));
    write::<ByteArrayType>(group, &values, Some(levels))
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
            let mut file = ParquetFile::new(config, Vec::new()).expect("a file");
            file.add(&rows[..2].iter().collect::<Vec<_>>()).expect("rows");
            file.add(&rows[2..].iter().collect::<Vec<_>>()).expect("rows");
            let file = file.finish().expect("a file");
            let reader = SerializedFileReader::new(Bytes::from(file)).expect("a Parquet file");
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

    #[test]
    fn row_groups_are_filled_across_portions() {
        let config =
            CONFIGS.iter().find(|config| config.name == "preference_unpaired").expect("a configuration");
        let row: Fields<'_> = config.columns.iter().map(|(_, kind)| field(*kind, 1)).collect();
        let mut file = ParquetFile::new(config, Vec::new()).expect("a file");
        for n in [1, 70_000, 40_000, 0, 150_000] {
            file.add(&vec![&row; n]).expect("rows");
        }
        let len = file.len();
        let file = file.finish().expect("a file");
        assert!(len <= file.len() && len > file.len() / 2, "{len} of {}", file.len());
        let reader = SerializedFileReader::new(Bytes::from(file)).expect("a Parquet file");
        let groups = reader.metadata().row_groups();
        assert_eq!(
            groups.iter().map(|group| group.num_rows()).collect::<Vec<_>>(),
            [100_000, 100_000, 60_001]
        );
        assert_eq!(reader.get_row_iter(None).expect("rows").filter(|row| row.is_ok()).count(), 260_001);
    }
}
