//! Reads the repository itself: what no compiler checks and no reviewer should have to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms by height. A room may import what stands lower, never its own height or above.
const HEIGHTS: &[&[&str]] = &[
    &["model"],
    &["arena", "durable", "profile"],
    &["spec"],
    &["corpus", "forth"],
    &["effect", "import"],
    &["template"],
    &["validate"],
    &["synth"],
    &["pipeline", "report", "config"],
    &["daemon"],
    &["server"],
    &["generate", "judge"],
    &["dataset"],
    &["cli"],
];

/// Modules that may contain `unsafe`; each says why at its top.
const UNSAFE: &[&str] = &[
    "src/corpus/mmap",
    "src/arena",
    "src/synth/bank/simd",
    "src/synth/enumerate/vector",
    "src/forth/exec",
    "src/forth/machine",
    "src/forth/memory",
    "src/forth/native/compiled",
];

/// What may stand in the root beside the folders.
const ROOT_DOCUMENTS: &[&str] = &["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder with an extension, as paths from the root with `/`, sorted.
fn files(folder: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push(
                    path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/"),
                );
            }
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The lines of a source file without comments, with their numbers.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let uncommented = |line| {
        if str::trim_start(line).starts_with("//") { "" } else { line.split(" // ").next().unwrap_or("") }
    };
    text.lines().map(uncommented).enumerate().map(|(at, line)| (at + 1, line))
}

/// The same up to the tests at the foot of the file.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    code_lines(text).take_while(|(_, line)| line.trim() != "#[cfg(test)]")
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `word` stands in the line as a word of its own.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(is_word)
            && !line[at + word.len()..].chars().next().is_some_and(is_word)
    })
}

/// Fails with everything that was found, not only with the first.
fn expect_none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn every_source_file_is_a_module() {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<PathBuf> = vec!["src/lib.rs".into(), "src/main.rs".into()];
    while let Some(path) = waiting.pop() {
        let name = path.to_string_lossy().into_owned();
        let is_folder_root =
            ["lib", "main", "mod"].iter().any(|stem| path.file_stem().is_some_and(|it| it == *stem));
        let folder =
            if is_folder_root { path.parent().expect("src").to_owned() } else { path.with_extension("") };
        for (_, line) in code_lines(&read(&name)) {
            let Some((before, module)) =
                line.trim().strip_suffix(';').and_then(|line| line.split_once("mod "))
            else {
                continue;
            };
            if !(before.is_empty() || before.starts_with("pub")) || !module.chars().all(is_word) {
                continue;
            }
            let candidates = [folder.join(format!("{module}.rs")), folder.join(module).join("mod.rs")];
            waiting.extend(candidates.into_iter().filter(|path| root().join(path).is_file()));
        }
        reached.insert(name);
    }
    assert!(reached.len() > 20, "the walk reached {reached:?} only");
    expect_none(
        "files that no `mod` reaches",
        files("src", "rs").into_iter().filter(|path| !reached.contains(path)).collect(),
    );
}

fn height(room: &str) -> Option<usize> {
    HEIGHTS.iter().position(|rooms| rooms.contains(&room))
}

/// The names after `crate::` in a text: one, or those of a group.
fn crate_paths(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, found) in text.match_indices("crate::") {
        let rest = &text[at + found.len()..];
        if text[..at].chars().next_back().is_some_and(is_word) {
            continue;
        }
        match rest.strip_prefix('{') {
            None => names.push(rest.chars().take_while(|c| is_word(*c)).collect()),
            Some(group) => {
                let mut depth = 0;
                let mut name = String::new();
                for c in group.chars() {
                    match c {
                        '}' if depth == 0 => break,
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => names.push(std::mem::take(&mut name)),
                        _ if depth == 0 => name.push(c),
                        _ => {}
                    }
                }
                names.push(name);
            }
        }
    }
    let first = |name: String| name.trim().chars().take_while(|c| is_word(*c)).collect::<String>();
    names.into_iter().map(first).filter(|name| !name.is_empty()).collect()
}

#[test]
fn crate_paths_are_found() {
    assert_eq!(crate_paths("use crate::model::{Cell, Lane};"), ["model"]);
    assert_eq!(crate_paths("use crate::{model::{Cell, Lane}, spec, forth::x};"), ["model", "spec", "forth"]);
    assert_eq!(crate_paths("let x = crate::pipeline::run(crate::cli::x);"), ["pipeline", "cli"]);
    assert_eq!(crate_paths("macrocrate::x"), [""; 0]);
}

#[test]
fn imports_go_downwards_only() {
    let mut found = Vec::new();
    for path in files("src", "rs") {
        let room = path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or("").to_owned();
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let Some(own) = height(&room) else {
            found.push(format!("{path}: the room `{room}` has no height in tests/tidy.rs"));
            continue;
        };
        let code: String = code_lines(&read(&path)).map(|(_, line)| format!("{line}\n")).collect();
        for other in crate_paths(&code) {
            if height(&other).is_some_and(|height| height >= own) && other != room {
                found.push(format!("{path}: `{room}` imports `{other}`"));
            }
        }
    }
    expect_none("imports that do not go downwards", found);
}

/// Product lines of `src` for which `is_bad` holds.
fn offenders(is_bad: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for path in files("src", "rs") {
        let text = read(&path);
        let bad = code_lines(&text).filter(|(_, line)| is_bad(&path, line));
        found.extend(bad.map(|(number, line)| format!("{path}:{number}: {}", line.trim())));
    }
    found
}

#[test]
fn only_the_corpus_knows_rkyv() {
    let found = offenders(|path, line| !path.starts_with("src/corpus/") && has_word(line, "rkyv"));
    expect_none("rkyv outside src/corpus, where alone archives are read", found);
}

#[test]
fn workers_never_deserialize_records() {
    let calls = [
        "rkyv::deserialize",
        "rkyv::from_bytes",
        "rkyv::Deserialize",
        "from_bytes_unchecked",
        ".deserialize(",
    ];
    let found = offenders(|path, line| {
        !path.starts_with("src/corpus/") && calls.iter().any(|call| line.contains(call))
    });
    expect_none("rkyv deserialization outside src/corpus", found);
}

#[test]
fn only_the_command_line_prints() {
    let macros = ["println", "eprintln", "print", "eprint", "dbg"];
    let prints =
        |line: &str| macros.iter().any(|name| has_word(line, name) && line.contains(&format!("{name}!")));
    let mut found = Vec::new();
    for path in
        files("src", "rs").into_iter().filter(|path| !path.starts_with("src/cli/") && path != "src/main.rs")
    {
        let text = read(&path);
        let bad = product_lines(&text).filter(|(_, line)| prints(line));
        found.extend(bad.map(|(number, line)| format!("{path}:{number}: {}", line.trim())));
    }
    expect_none("printing outside src/cli", found);
}

#[test]
fn unsafe_stays_where_it_is_allowed() {
    let found = offenders(|path, line| {
        has_word(line, "unsafe") && !UNSAFE.iter().any(|allowed| path.starts_with(allowed))
            || line.contains("allow(unsafe_code)") && !UNSAFE.iter().any(|allowed| path.starts_with(allowed))
    });
    expect_none("unsafe outside its modules", found);
}

#[test]
fn every_code_in_the_source_is_explained() {
    let mut found = Vec::new();
    let mut seen = 0;
    for path in files("src", "rs") {
        let text = read(&path);
        for (number, line) in product_lines(&text) {
            for (at, call) in line.match_indices("Code(") {
                let digits: String =
                    line[at + call.len()..].chars().take_while(char::is_ascii_digit).collect();
                let is_path_end = !line[..at].chars().next_back().is_some_and(is_word);
                if let (true, Ok(code)) = (is_path_end, digits.parse()) {
                    seen += 1;
                    if wordmill::cli::codes::find(wordmill::model::Code(code)).is_none() {
                        found.push(format!("{path}:{number}: WM{code:03}"));
                    }
                }
            }
        }
    }
    assert!(seen >= 5, "the configuration alone has five codes, {seen} were seen");
    expect_none("codes without an entry for `wordmill explain`", found);
}

#[test]
fn every_bench_has_an_entry() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("Cargo.toml");
    let entries = manifest.get("bench").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let names: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.get("name")?.as_str()).collect();
    for entry in &entries {
        assert_eq!(
            entry.get("harness").and_then(toml::Value::as_bool),
            Some(false),
            "{entry}: criterion brings its own main"
        );
    }
    let mut found = Vec::new();
    for path in files("benches", "rs") {
        let name = path.trim_start_matches("benches/").trim_end_matches(".rs").to_owned();
        if !name.contains('/') && !names.contains(name.as_str()) {
            found.push(path);
        }
    }
    expect_none("benches without [[bench]] in Cargo.toml", found);
}

#[test]
fn no_stray_documents_in_the_root() {
    let mut found = Vec::new();
    for entry in fs::read_dir(root()).expect("root") {
        let name = entry.expect("entry").file_name().to_string_lossy().into_owned();
        let is_document =
            [".md", ".txt", ".rst", ".adoc", ".org", ".html", ".pdf"].iter().any(|end| name.ends_with(end));
        if is_document && !ROOT_DOCUMENTS.contains(&name.as_str()) {
            found.push(name);
        }
    }
    expect_none("documents that do not belong into the root", found);
}

/// Text between backticks in Markdown, outside fenced blocks.
fn quoted(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(line.split('`').skip(1).step_by(2).map(|quoted| (at + 1, quoted.to_owned())));
        }
    }
    found
}

/// Whether a quoted text names a path of the repository: it starts like one, and has nothing in it that a path has not.
fn is_repository_path(text: &str) -> bool {
    let tops = ["src/", "tests/", "benches/", "corpus/", "scripts/", ".ci/"];
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let is_source = text.contains('/') && text.ends_with(".rs");
    plain
        && (is_source
            || tops.iter().any(|top| text.starts_with(top))
            || ["config.toml", "deny.toml", "Cargo.toml"].contains(&text))
}

#[test]
fn documents_name_paths_that_exist() {
    let mut found = Vec::new();
    for document in ROOT_DOCUMENTS.iter().filter(|name| root().join(name).is_file()) {
        for (line, path) in quoted(&read(document)) {
            let exists = root().join(&path).exists() || root().join("src").join(&path).exists();
            if is_repository_path(&path) && !exists {
                found.push(format!("{document}:{line}: `{path}`"));
            }
        }
    }
    expect_none("paths in documents that are not there", found);
}

#[test]
fn quoted_paths_are_recognized() {
    fn check(text: &str, expect: bool) {
        assert_eq!(is_repository_path(text), expect, "{text}");
    }
    check("src/spec/mod.rs", true);
    check("spec/json.rs", true);
    check("corpus/specs", true);
    check("config.toml", true);
    check("corpus/templates/*.toml", false);
    check("wordmill-out/outcomes.jsonl", false);
    check("dup * swap +", false);
    assert_eq!(
        quoted("a `b` c `d`\n```\n`e`\n```\n`f`"),
        [(1, "b".into()), (1, "d".into()), (5, "f".to_owned())]
    );
}
