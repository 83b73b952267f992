//! Files and streams, good and hostile: how they are cut into records, and what is said about the rest.

use super::chunk::{CHUNK_BYTES, Chunks, parse_chunk};
use super::parse::RECORD_BYTES_MAX;
use super::{Entry, SourceFile, parse_entries, read_entries};
use crate::model::Severity;
use std::io::{Read, Write};
use std::path::PathBuf;

/// A specification on one line.
fn spec(word: &str) -> String {
    format!(
        r#"{{"word":"{word}","stack_effect":{{"inputs":[{{"name":"n","type":"int"}}],"outputs":[{{"name":"m","type":"int"}}]}},"test_cases":[{{"input":[1],"output":[2]}}]}}"#
    )
}

/// One record of an answer: `word@line:column`, or the codes of the errors instead of the word.
fn shown(entry: &Entry) -> String {
    let errors: Vec<String> = entry
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| format!("{}@{}:{}", d.code, d.place.line, d.place.column))
        .collect();
    assert_eq!(entry.spec.is_none(), !errors.is_empty(), "{entry:#?}");
    match &entry.spec {
        Some(spec) => format!("{}@{}:{}", spec.word, entry.place.line, entry.place.column),
        None => errors.join("+"),
    }
}

fn check_all(entries: &[Entry], expect: &str) {
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(entry.index as usize, index);
    }
    let found: Vec<String> = entries.iter().map(shown).collect();
    assert_eq!(found.join(" "), expect);
}

fn check_lines(text: &[u8], expect: &str) {
    check_all(&parse_entries(text, "x.jsonl", true), expect);
    check_dripping(text, true);
}

fn check_document(text: &str, expect: &str) {
    check_all(&parse_entries(text.as_bytes(), "x.json", false), expect);
    check_dripping(text.as_bytes(), false);
}

/// A reader that gives a few bytes at a time gives the same records.
fn check_dripping(text: &[u8], is_lines: bool) {
    struct Drip<'a>(&'a [u8], usize);
    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.1 = self.1 % 7 + 1;
            let n = self.1.min(into.len()).min(self.0.len());
            into[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }
    let whole: Vec<String> = parse_entries(text, "x", is_lines).iter().map(shown).collect();
    let drip = Chunks::new(Box::new(Drip(text, 0)), "x", is_lines);
    let dripped: Vec<String> = drip
        .flat_map(|chunk| parse_chunk(&chunk.expect("a chunk"), "x"))
        .map(|entry| shown(&entry))
        .collect();
    assert_eq!(dripped, whole);
}

#[test]
fn lines_are_records() {
    let (a, b) = (spec("a"), spec("b"));
    check_lines(b"", "");
    check_lines(b"\n\r\n  \n", "");
    check_lines(format!("{a}\n{b}\n").as_bytes(), "a@1:1 b@2:1");
    check_lines(format!("{a}\n{b}").as_bytes(), "a@1:1 b@2:1");
    check_lines(format!("\u{FEFF}{a}\r\n\r\n  {b}\r\n").as_bytes(), "a@1:1 b@3:3");
    check_lines(format!("{a}\nnot json\n{b}\n").as_bytes(), "a@1:1 WM010@2:1 b@3:1");
    check_lines(format!("{a}\n{{\"word\":\n{b}\n").as_bytes(), "a@1:1 WM003@2:9 b@3:1");
    check_lines(format!("{a} {b}\n{b}\n").as_bytes(), &format!("WM010@1:{} b@2:1", a.len() + 2));
    check_lines(format!("{a}\n\u{FEFF}{b}").as_bytes(), "a@1:1 WM001@2:1");
    check_lines(&[spec("a").as_bytes(), b"\n\xFF\xFF\n", b.as_bytes()].concat(), "a@1:1 WM006@2:1 b@3:1");
}

#[test]
fn other_formats_are_one_diagnostic() {
    check_lines(b"\xFF\xFE{\0}\0\n\0{\0", "WM006@1:1");
    check_lines(b"\x1f\x8b\x08\0\0\n\0\n\0", "WM010@1:1");
    check_lines(b"PK\x03\x04\n\n\n{", "WM010@1:1");
    check_document("PK\x03\x04 [ ", "WM010@1:1");
}

#[test]
fn documents_are_objects_or_arrays() {
    let (a, b) = (spec("a"), spec("b"));
    check_document(&a, "a@1:1");
    check_document(&format!("\u{FEFF}\r\n  {a}\r\n"), "a@2:3");
    check_document(&format!("[{a},{b}]"), &format!("a@1:2 b@1:{}", a.len() + 3));
    check_document(&format!("[\n  {a},\n  {b}\n]\n"), "a@2:3 b@3:3");
    check_document("[]", "");
    check_document(" [ ] ", "");
    check_document("", "WM003@1:1");
    check_document("  \n", "WM003@2:1");
    check_document(&a.replace(',', ",\n"), "a@1:1");
    check_document(&format!("[{}]", a.replace('{', " {")), "a@1:3");
    check_document(&format!("[\n{a},\n]"), "a@2:1 WM002@3:1");
    check_document(&format!("[\n{a},,\n{b}]"), &format!("a@2:1 WM002@2:{} b@3:1", a.len() + 2));
    check_document(&format!("[\n{a}\n{b}]"), "a@2:1 WM001@3:1 b@3:1");
    check_document(&format!("[\n{a}\n;{b}]"), "a@2:1 WM001@3:1 b@3:2");
    check_document(&format!("[\n{a},\n{b}"), &format!("a@2:1 b@3:1 WM003@3:{}", b.len() + 1));
    check_document(&format!("[\n{a},\n{{\"word\":"), "a@2:1 WM003@3:9 WM003@3:9");
    check_document(&format!("{a}\n{b}\n"), "a@1:1 WM010@2:1");
    check_document(&format!("[{a}] x"), &format!("a@1:2 WM010@1:{}", a.len() + 4));
    check_document("nonsense, all of it", "WM010@1:1");
    check_document("\"square\"", "WM010@1:1");
    check_document(&format!("[\n1,\n\"x\",\n{a}]"), "WM010@2:1 WM010@3:1 a@4:1");
    check_document(&format!("[\n{{\"a\":\"[{{,]}}\\\"\"}},\n{a}]"), "WM012@2:1+WM012@2:1 a@3:1");
}

#[test]
fn a_broken_element_costs_itself() {
    let (a, b) = (spec("a"), spec("b"));
    check_document(&format!("[\n  {{\"word\":\"no end}},\n  {a},\n  {b}]"), "WM003@2:11 a@3:3 b@4:3");
    check_document(&format!("[\n{{\"word\":{{\"x\":1,\n{a},\n{b}]"), "WM003@2:15 a@3:1 b@4:1");
    check_document(&format!("[\n{{\"word\":[1}},\n{a},\n{b}]"), "WM001@2:11 a@3:1 b@4:1");
    check_document(
        &format!("[\n{{\"word\":1]}},\n{a},\n{b}]"),
        "WM013@2:9+WM001@2:10 WM001@2:11 a@3:1 b@4:1",
    );
    check_document(&format!("[\n{{\n\"word\":\n[\n{{\n}},\n{{}}]}},\n{a}\n]"), "WM012@2:1+WM013@4:1 a@8:1");
}

#[test]
fn a_million_bytes_on_one_line_are_quick_and_short() {
    for garbage in [
        "x", "[", "{", "\"", "1", " ", "\\", "\u{1}", "é", "{\"a\":", "[1,", "NaN,", "/**/", "'a'",
        "\"\\q\",",
    ] {
        let line = garbage.repeat(1_000_000 / garbage.len());
        let (a, b) = (spec("a"), spec("b"));
        let start = std::time::Instant::now();
        let entries = parse_entries(format!("{a}\n{line}\n{b}\n").as_bytes(), "x.jsonl", true);
        assert!(start.elapsed().as_secs() < 5, "{garbage:?} took {:?}", start.elapsed());
        let n_bad = usize::from(garbage != " ");
        assert_eq!(entries.len(), 2 + n_bad, "{garbage:?}");
        assert!(entries[0].spec.is_some() && entries[1 + n_bad].spec.is_some());
        for diagnostic in entries.iter().flat_map(|entry| &entry.diagnostics) {
            assert!(diagnostic.message.len() < 300, "{}", diagnostic.message.len());
            assert!(diagnostic.source.as_ref().is_none_or(|(source, _)| source.chars().count() < 150));
            assert!(diagnostic.suggestion.as_ref().is_none_or(|hint| hint.len() < 300));
        }
        let as_document = parse_entries(line.as_bytes(), "x.json", false);
        assert!(as_document.iter().all(|entry| entry.spec.is_none()) && !as_document.is_empty());
    }
}

/// Long text in any place of a record is quick, and what is said about it short.
#[test]
fn a_million_bytes_in_any_place_are_quick_and_short() {
    let pieces = [
        "x",
        "(",
        "1",
        "1+",
        "-",
        "|",
        " ",
        "n*",
        "n!",
        "²",
        "((n))",
        "é",
        "0 <= ",
        "if n then ",
        "w(",
        "n and ",
        "√",
    ];
    let places = [
        r#"{"LONG":1,"word":"w","stack_effect":{"inputs":[],"outputs":[]},"properties":["w(1) = 1"]}"#,
        r#"{"word":"LONG","stack_effect":{"inputs":[],"outputs":[]},"properties":["w(1) = 1"]}"#,
        r#"{"word":"w","stack_effect":{"inputs":[{"name":"LONG","type":"LONG","constraint":"LONG"}],"outputs":[]},"properties":["LONG"]}"#,
        r#"{"word":"w","stack_effect":{"inputs":[{"name":"n","type":"int","constraint":"LONG"}],"outputs":[{"type":"int","value":"LONG"}]},"test_cases":[{"input":[1],"output":[2]}]}"#,
        r#"{"word":"w","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"type":"int"}]},"properties":["LONG"],"uses":["LONG"],"test_cases":[{"input":["LONG"],"output":[2]}]}"#,
    ];
    for place in places {
        for piece in pieces {
            let text = place.replace("LONG", &piece.repeat(300_000 / piece.len()));
            let start = std::time::Instant::now();
            let entry = &parse_entries(text.as_bytes(), "x.jsonl", true)[0];
            assert!(start.elapsed().as_secs() < 10, "{piece:?} in {place} took {:?}", start.elapsed());
            shown(entry);
            for diagnostic in &entry.diagnostics {
                assert!(diagnostic.message.len() < 400, "{place} {}", diagnostic.message);
                assert!(diagnostic.suggestion.as_ref().is_none_or(|hint| hint.len() < 400), "{place}");
            }
        }
    }
}

#[test]
fn a_record_beyond_the_limit_costs_itself() {
    let (a, b) = (spec("a"), spec("b"));
    let long = " ".repeat(RECORD_BYTES_MAX + 10);
    check_all(
        &parse_entries(format!("{a}\n\"{long}\"\n{b}\n").as_bytes(), "x", true),
        "a@1:1 WM008@2:1 b@3:1",
    );
    check_all(&parse_entries(format!("{a}\n\"{long}").as_bytes(), "x", true), "a@1:1 WM008@2:1");
    check_all(
        &parse_entries(format!("[{a},\n{{\"x\":\"{long}\"}},\n{b}]").as_bytes(), "x", false),
        "a@1:2 WM008@2:1 b@3:1",
    );
    check_all(&parse_entries(format!("{{\"x\":\"{long}\"").as_bytes(), "x", false), "WM008@1:1");
}

#[test]
fn long_streams_are_cut_and_read_alike() {
    let lines: Vec<String> = (0..6_000).map(|i| spec(&format!("w{i}"))).collect();
    let text = lines.join("\n");
    assert!(text.len() > 3 * CHUNK_BYTES);
    for (is_lines, text) in [(true, text), (false, format!("[\n{}]", lines.join(",\n")))] {
        let chunks: Vec<_> =
            Chunks::new(Box::new(text.as_bytes()), "x", is_lines).map(Result::unwrap).collect();
        assert!(chunks.len() > 2);
        assert!(chunks.iter().all(|chunk| chunk.bytes.len() < 3 * CHUNK_BYTES));
        let entries: Vec<Entry> =
            chunks.iter().rev().flat_map(|chunk| parse_chunk(chunk, "x").into_iter().rev()).collect();
        assert_eq!(entries.len(), 6_000);
        for (index, entry) in entries.iter().rev().enumerate() {
            assert_eq!(entry.index as usize, index);
            assert_eq!(entry.word.as_deref(), Some(format!("w{index}").as_str()));
            assert_eq!(entry.place.line as usize, index + 1 + usize::from(!is_lines));
            assert!(entry.diagnostics.is_empty());
        }
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn read_file(name: &str, bytes: &[u8]) -> Vec<Entry> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let mut entries = Vec::new();
    read_entries(&SourceFile::at(&path).unwrap(), &mut |entry| entries.push(entry)).unwrap();
    entries
}

#[test]
fn compressed_files_are_read() {
    let (a, b) = (spec("a"), spec("b"));
    let text = format!("{a}\n{b}\n");
    check_all(&read_file("x.jsonl", text.as_bytes()), "a@1:1 b@2:1");
    check_all(&read_file("x.jsonl.gz", &gzip(text.as_bytes())), "a@1:1 b@2:1");
    let members = [gzip(format!("{a}\n").as_bytes()), gzip(b.as_bytes())].concat();
    check_all(&read_file("x.jsonl.gz", &members), "a@1:1 b@2:1");
    check_all(&read_file("x.json.gz", &gzip(format!("[{a}]").as_bytes())), "a@1:2");
    check_all(&read_file("x.jsonl.gz", &gzip(b"")), "");
}

#[test]
fn held_out_records_need_not_be_enough_to_search_by() {
    let text = spec("a").replace(r#","test_cases":[{"input":[1],"output":[2]}]"#, "");
    assert_eq!(read_file("x.jsonl", text.as_bytes())[0].diagnostics[0].code.0, 26);
    assert_eq!(read_file("x.heldout.jsonl", text.as_bytes())[0].diagnostics, []);
}

#[test]
fn damaged_archives_keep_what_came_before() {
    let lines: Vec<String> = (0..3_000).map(|i| spec(&format!("w{}", i * 7919 % 10_007))).collect();
    let whole = gzip(lines.join("\n").as_bytes());
    for n in [0, 5, 100, whole.len() / 2, whole.len() - 1] {
        let entries = read_file("x.jsonl.gz", &whole[..n]);
        let (last, before) = entries.split_last().expect("an entry");
        assert!(before.iter().all(|entry| entry.spec.is_some()), "cut at {n}");
        assert_eq!(shown(last).split('@').next(), Some("WM009"), "cut at {n}: {last:?}");
        assert_eq!(last.index as usize, before.len());
        assert!(n < whole.len() / 2 || before.len() > 1_000, "{} at {n}", before.len());
    }
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    let entries = read_file("x.jsonl.gz", &flipped);
    assert_eq!(entries.iter().filter(|entry| shown(entry).starts_with("WM009")).count(), 1);
    let mut not_gzip = read_file("x.jsonl.gz", spec("a").as_bytes());
    assert_eq!(shown(&not_gzip.remove(0)), "WM009@1:1");
    let document = gzip(format!("[{}]", lines.join(",")).as_bytes());
    let entries = read_file("x.json.gz", &document[..document.len() / 2]);
    assert!(entries.len() > 1_000);
    assert!(entries[..entries.len() - 1].iter().all(|entry| entry.spec.is_some()));
    assert!(shown(&entries[entries.len() - 1]).starts_with("WM009"));
}

#[test]
fn mutated_files_give_entries_in_order() {
    let seed = format!("[\n  {},\n  {},\n  {}\n]\n", spec("a"), spec("b"), spec("c"));
    let mut state = 0xD1B5_4A32_D192_ED03u64;
    let mut next = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % n
    };
    for _ in 0..1_000 {
        let mut bytes = seed.clone().into_bytes();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes[at] = b"{}[]\",:\\\n x\xff"[next(12)],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"{}[]\",:\\\n x\xff"[next(12)]),
            }
        }
        for is_lines in [false, true] {
            let entries = parse_entries(&bytes, "fuzz", is_lines);
            for (index, entry) in entries.iter().enumerate() {
                shown(entry);
                assert_eq!(entry.index as usize, index);
            }
            assert!(entries.windows(2).all(|pair| pair[0].place.line <= pair[1].place.line));
            check_dripping(&bytes, is_lines);
        }
    }
}
