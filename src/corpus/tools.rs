//! What `wordmill corpus info|ls|show|verify` tell, as data; printing is not done here.

use super::canonical;
use super::container::FORMAT_VERSION;
use super::error::CorpusError;
use super::manifest::{Manifest, SEGMENT_SUFFIX, segment_name};
use super::mmap::SegmentFile;
use super::store::Corpus;
use super::tests_view::{CaseView, Tests, Values};
use super::view::{Record, Texts};
use super::{ParamView, ValueView};
use crate::model::CellType;
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Figures of a corpus.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Info {
    /// Version of the format.
    pub format: u16,
    /// Version of wordmill that wrote it.
    pub tool: String,
    /// Hash of the ordered contents, in hexadecimal.
    pub generation: String,
    /// Records, valid or not.
    pub records: usize,
    /// Records that can be run.
    pub valid: usize,
    /// Records whose word stands more than once.
    pub duplicates: usize,
    /// Tests that the search may see.
    pub tests: u64,
    /// Tests that are only scored.
    pub heldout_tests: u64,
    /// Source files.
    pub sources: usize,
    /// Bytes of all segments.
    pub bytes: u64,
    /// The segments.
    pub segments: Vec<SegmentInfo>,
}

/// Figures of a segment.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct SegmentInfo {
    /// Name of its file.
    pub name: String,
    /// Records it has.
    pub records: u32,
    /// Records of it that this generation refers to.
    pub live: u64,
    /// Size of its file.
    pub bytes: u64,
}

/// Figures of a corpus. Looks at every record, but only at its hot part.
pub fn info(corpus: &Corpus) -> Info {
    let manifest = corpus.manifest();
    let mut live = vec![0u64; manifest.segments.len()];
    for run in manifest.sources.iter().flat_map(|source| &source.runs) {
        live[run.segment as usize] += run.count as u64;
    }
    let segment = |(entry, live): (&super::manifest::SegmentEntry, u64)| SegmentInfo {
        name: segment_name(&entry.hash),
        records: entry.records,
        live,
        bytes: entry.bytes,
    };
    Info {
        format: FORMAT_VERSION,
        tool: manifest.tool.clone(),
        generation: hex(&manifest.generation),
        records: corpus.len(),
        valid: corpus.records().filter(|record| record.is_valid()).count(),
        duplicates: manifest.duplicates.len(),
        tests: corpus.records().map(|record| record.tests().len() as u64).sum(),
        heldout_tests: corpus.records().map(|record| record.heldout().len() as u64).sum(),
        sources: manifest.sources.len(),
        bytes: manifest.segments.iter().map(|segment| segment.bytes).sum(),
        segments: manifest.segments.iter().zip(live).map(segment).collect(),
    }
}

/// One line of `wordmill corpus ls`.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Listed<'c> {
    /// The word.
    pub word: Option<&'c str>,
    /// Its source file.
    pub file: &'c str,
    /// Its line.
    pub line: u32,
    /// Whether it can be run.
    pub valid: bool,
    /// The declared effect: `( a b -- c )`; empty for what is invalid.
    pub effect: String,
    /// Tests that the search may see.
    pub tests: usize,
    /// Tests that are only scored.
    pub heldout: usize,
    /// Canonical content, in hexadecimal.
    pub content: String,
}

/// Every record on a line.
pub fn ls(corpus: &Corpus) -> impl Iterator<Item = Listed<'_>> {
    corpus.records().map(|record| Listed {
        word: record.word(),
        file: record.file(),
        line: record.line(),
        valid: record.is_valid(),
        effect: if record.is_valid() { effect(record) } else { String::new() },
        tests: record.tests().len(),
        heldout: record.heldout().len(),
        content: hex(record.content_hash()),
    })
}

fn effect(record: Record<'_>) -> String {
    let inputs: String = record.inputs().map(|param| format!("{} ", param.name)).collect();
    let outputs: String = record.outputs().map(|param| format!("{} ", param.name)).collect();
    format!("( {inputs}-- {outputs})")
}

/// The record in the JSON of a specification: reading it gives the same specification. Null for an invalid one.
pub fn show(record: Record<'_>) -> Value {
    if !record.is_valid() {
        return Value::Null;
    }
    let mut spec = Map::new();
    spec.insert("word".into(), json!(record.word()));
    put(&mut spec, "description", record.description());
    let params = |params: &mut dyn Iterator<Item = ParamView<'_>>| params.map(param).collect::<Vec<_>>();
    spec.insert(
        "stack_effect".into(),
        json!({"inputs": params(&mut record.inputs()), "outputs": params(&mut record.outputs())}),
    );
    put_all(&mut spec, "properties", record.properties());
    put_cases(&mut spec, "test_cases", record.tests(), record);
    put_cases(&mut spec, "heldout_cases", record.heldout(), record);
    put_all(&mut spec, "uses", record.uses());
    let mut complexity = Map::new();
    put(&mut complexity, "time", record.time_complexity());
    put(&mut complexity, "space", record.space_complexity());
    put_map(&mut spec, "complexity", complexity);
    let mut implementation = Map::new();
    put(&mut implementation, "pattern", record.pattern());
    put(&mut implementation, "code", record.code());
    put_all(&mut implementation, "hints", record.hints());
    put_map(&mut spec, "implementation", implementation);
    let mut metadata = Map::new();
    put(&mut metadata, "author", record.author());
    put(&mut metadata, "version", record.version());
    put(&mut metadata, "created", record.created());
    put_all(&mut metadata, "tags", record.tags());
    put_map(&mut spec, "metadata", metadata);
    Value::Object(spec)
}

fn put(map: &mut Map<String, Value>, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        map.insert(key.into(), json!(text));
    }
}

fn put_all(map: &mut Map<String, Value>, key: &str, texts: Texts<'_>) {
    if !texts.is_empty() {
        map.insert(key.into(), texts.collect::<Vec<_>>().into());
    }
}

fn put_map(map: &mut Map<String, Value>, key: &str, inner: Map<String, Value>) {
    if !inner.is_empty() {
        map.insert(key.into(), Value::Object(inner));
    }
}

fn param(param: ParamView<'_>) -> Value {
    let mut map = Map::new();
    map.insert("name".into(), json!(param.name));
    map.insert("type".into(), json!(param.ty.name()));
    put(&mut map, "constraint", param.constraint);
    put(&mut map, "value", param.value);
    Value::Object(map)
}

fn put_cases(map: &mut Map<String, Value>, key: &str, tests: Tests<'_>, record: Record<'_>) {
    if !tests.is_empty() {
        let inputs: Vec<_> = record.inputs().map(|param| param.ty).collect();
        let outputs: Vec<_> = record.outputs().map(|param| param.ty).collect();
        map.insert(key.into(), tests.cases().map(|test| case(test, &inputs, &outputs)).collect());
    }
}

fn case(test: CaseView<'_>, inputs: &[CellType], outputs: &[CellType]) -> Value {
    let mut map = Map::new();
    put(&mut map, "description", test.description());
    map.insert("input".into(), values(test.inputs(), inputs));
    match test.throws() {
        Some(code) => map.insert("throws".into(), json!(code)),
        None => map.insert("output".into(), values(test.outputs(), outputs)),
    };
    put(&mut map, "prints", test.prints());
    let tags: Vec<_> = test.tags().collect();
    if !tags.is_empty() {
        map.insert("tags".into(), tags.into());
    }
    Value::Object(map)
}

/// A string or an array stands for two parameters, so the types go on by two.
fn values(values: Values<'_>, types: &[CellType]) -> Value {
    let mut position = 0;
    let mut shown = Vec::new();
    for value in values {
        let ty = types.get(position).copied().unwrap_or(CellType::Int);
        position += if matches!(value, ValueView::Cell(_)) { 1 } else { 2 };
        shown.push(match value {
            ValueView::Cell(cell) if ty == CellType::Uint => json!(cell as u64),
            ValueView::Cell(cell) => json!(cell),
            ValueView::Str(text) => json!(text),
            ValueView::Cells(cells) => json!(cells),
        });
    }
    shown.into()
}

/// What a thorough check of an archive found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Segments that were read to the last byte.
    pub segments: usize,
    /// Records whose hashes were computed anew.
    pub records: usize,
    /// Segment files that the manifest does not name: litter, swept by the next update.
    pub unreferenced: usize,
    /// What is wrong; nothing if the archive is whole.
    pub problems: Vec<CorpusError>,
}

/// Checks everything, whatever was checked before: manifest, hash and structure of every segment, every record, every
/// fingerprint, the list of duplicate words. An error is returned only where there is no archive to check.
pub fn verify(dir: &Path) -> Result<Verified, CorpusError> {
    let manifest = Manifest::read(dir)?;
    let mut verified = Verified::default();
    let open = |entry: &super::manifest::SegmentEntry| {
        let path = dir.join(segment_name(&entry.hash));
        let (segment, _) = SegmentFile::open(&path, entry.hash, None)?;
        if segment.pools().hot.len() != entry.records as usize {
            return Err(CorpusError::damaged(
                &path,
                "it has another number of records than the manifest says",
            ));
        }
        Ok(segment)
    };
    let mut segments = Vec::new();
    for result in manifest.segments.par_iter().map(open).collect::<Vec<_>>() {
        match result {
            Ok(segment) => segments.push(segment),
            Err(error) => verified.problems.push(error),
        }
    }
    verified.segments = segments.len();
    let named: Vec<_> = manifest.segments.iter().map(|segment| segment_name(&segment.hash)).collect();
    let entries = std::fs::read_dir(dir).map_err(CorpusError::io(dir, "list the folder"))?;
    for name in entries.flatten().map(|entry| entry.file_name()) {
        let is_segment = Path::new(&name).extension().is_some_and(|extension| extension == SEGMENT_SUFFIX);
        verified.unreferenced += (is_segment && !named.iter().any(|other| name == **other)) as usize;
    }
    if verified.problems.is_empty() {
        let corpus = Corpus::new(manifest, segments);
        verified.records = corpus.len();
        verified.problems = check_fingerprints(dir, &corpus);
    }
    Ok(verified)
}

fn check_fingerprints(dir: &Path, corpus: &Corpus) -> Vec<CorpusError> {
    let broken = |i: usize| {
        let record = corpus.record(crate::model::SpecId(i as u32));
        let mut scratch = Vec::new();
        let content = match record.to_spec() {
            Some(spec) => {
                let is_heldout_right =
                    *record.heldout_hash() == canonical::heldout_hash(&spec.heldout, &mut scratch);
                is_heldout_right.then(|| canonical::content_hash(&spec, &mut scratch))
            }
            None => {
                let own = record.own_diagnostics();
                Some(canonical::invalid_hash(record.word(), &own, &mut scratch))
            }
        };
        (content.as_ref() != Some(record.content_hash())).then(|| {
            CorpusError::damaged(dir, format!("{record:?} does not have the fingerprint of its contents"))
        })
    };
    let mut problems: Vec<_> = (0..corpus.len()).into_par_iter().filter_map(broken).collect();
    if !corpus.are_word_hashes_right() {
        problems.push(CorpusError::damaged(dir, "a word does not have its number"));
    } else if corpus.find_duplicates() != corpus.manifest().duplicates {
        problems.push(CorpusError::damaged(dir, "the list of duplicate words is wrong"));
    }
    problems
}

fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}
