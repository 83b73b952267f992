//! The layers of the files: `config.toml` of the project and of the user.

use super::{Kind, Layer, Origin, SETTINGS, Setting, Value, codes, nearest};
use crate::model::{Code, Diagnostic, Place, Severity};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use toml::de::{DeArray, DeTable, DeValue};

/// The table that marks a `config.toml` as wordmill's: other tools use that file name too.
const MARK: &str = "wordmill";

/// The `config.toml` of the project: the nearest from `start` upwards that has a table `[wordmill]`. The walk ends at the
/// root of a repository. The path is written as seen from `start`: `config.toml`, `../config.toml`.
pub fn find_project(start: &Path) -> Option<PathBuf> {
    let mut as_seen = PathBuf::new();
    for folder in start.ancestors() {
        let path = folder.join("config.toml");
        if std::fs::read_to_string(&path).is_ok_and(|text| is_ours(&text)) {
            return Some(as_seen.join("config.toml"));
        }
        if folder.join(".git").exists() {
            return None;
        }
        as_seen.push("..");
    }
    None
}

/// Whether the text has a table `[wordmill]`; a line by line look, so that a file with a syntax error is still ours.
fn is_ours(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.split('#').next().unwrap_or("").trim();
        line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|name| name.trim() == MARK)
    })
}

/// The `config.toml` of the user: `$XDG_CONFIG_HOME/wordmill/config.toml`, by default under `~/.config`.
pub fn find_user(xdg: Option<&str>, home: Option<&str>) -> Option<PathBuf> {
    let base = match (xdg.filter(|xdg| Path::new(xdg).is_absolute()), home.filter(|home| !home.is_empty())) {
        (Some(xdg), _) => PathBuf::from(xdg),
        (None, Some(home)) => Path::new(home).join(".config"),
        (None, None) => return None,
    };
    let path = base.join("wordmill/config.toml");
    path.is_file().then_some(path)
}

/// Reads the settings of a file; what cannot be used is told.
pub fn layer(path: &Path, text: &str) -> (Layer, Vec<Diagnostic>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { path, text, layer: Layer::new(), diagnostics: Vec::new() };
    match DeTable::parse(text) {
        Ok(root) => reader.root(root.get_ref()),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            reader.tell(codes::SYNTAX, span, error.message().to_owned(), None);
        }
    }
    (reader.layer, reader.diagnostics)
}

struct Reader<'t> {
    path: &'t Path,
    text: &'t str,
    layer: Layer,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>) {
        let tables = || SETTINGS.iter().map(|setting| table_of(setting)).chain([MARK]);
        for (name, value) in root {
            let table: &str = name.get_ref();
            match value.get_ref().as_table() {
                _ if !tables().any(|known| known == table) => {
                    let near = nearest(table, tables()).map(|near| format!("did you mean `[{near}]`?"));
                    self.tell(
                        codes::UNKNOWN_KEY,
                        name.span(),
                        format!("no table `{table}` in the settings"),
                        near,
                    );
                }
                None => self.tell(codes::BAD_VALUE, value.span(), format!("`{table}` is a table"), None),
                Some(entries) => self.table(table, entries),
            }
        }
    }

    fn table(&mut self, table: &str, entries: &DeTable<'_>) {
        for (name, value) in entries {
            let key: &str = name.get_ref();
            let full = format!("{table}.{key}");
            match SETTINGS.iter().find(|setting| setting.name == full) {
                Some(setting) => match self.value(setting.kind, value.get_ref()) {
                    Some(value) => self.keep(setting, name.span(), value),
                    None => {
                        let message = format!("`{full}` must be {}", setting.kind.expected());
                        let near = choice_near(setting.kind, value.get_ref());
                        self.tell(codes::BAD_VALUE, value.span(), message, near);
                    }
                },
                None => {
                    let near = self.suggestion(table, key);
                    self.tell(codes::UNKNOWN_KEY, name.span(), format!("no setting `{full}`"), near);
                }
            }
        }
    }

    fn keep(&mut self, setting: &'static Setting, span: Range<usize>, value: Value) {
        let line = place(self.text, span).line;
        self.layer.push((setting.key, value, Origin::File(self.path.to_owned(), line)));
    }

    fn value(&self, kind: Kind, value: &DeValue<'_>) -> Option<Value> {
        match (kind, value) {
            (Kind::Bool, DeValue::Boolean(truth)) => Some(Value::Bool(*truth)),
            (Kind::Number(..), DeValue::Integer(number)) => {
                kind.number(u64::from_str_radix(number.as_str(), number.radix()).ok()?)
            }
            (Kind::Choice(_), DeValue::String(text)) => kind.parse(text),
            (Kind::Path, DeValue::String(text)) => Some(Value::Text(self.beside(text))),
            (Kind::Paths, DeValue::String(text)) => Some(Value::List(vec![self.beside(text)])),
            (Kind::Paths, DeValue::Array(list)) => self.paths(list),
            _ => None,
        }
    }

    fn paths(&self, list: &DeArray<'_>) -> Option<Value> {
        let path = |item: &toml::Spanned<DeValue<'_>>| item.get_ref().as_str().map(|text| self.beside(text));
        list.iter().map(path).collect::<Option<_>>().map(Value::List)
    }

    /// A path in a file is meant from the folder of that file.
    fn beside(&self, text: &str) -> String {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let joined: PathBuf =
            folder.join(text).components().filter(|part| *part != Component::CurDir).collect();
        if joined.as_os_str().is_empty() { ".".to_owned() } else { joined.to_string_lossy().into_owned() }
    }

    /// A near key of the same table, else the same key in another table.
    fn suggestion(&self, table: &str, key: &str) -> Option<String> {
        let within = SETTINGS.iter().filter(|setting| table_of(setting) == table).map(key_of);
        let elsewhere = SETTINGS.iter().find(|setting| key_of(setting) == key);
        match (nearest(key, within), elsewhere) {
            (Some(near), _) => Some(format!("did you mean `{near}`?")),
            (None, Some(setting)) => Some(format!("`{key}` belongs into `[{}]`", table_of(setting))),
            (None, None) => None,
        }
    }

    fn tell(&mut self, code: Code, span: Range<usize>, message: String, suggestion: Option<String>) {
        let place = place(self.text, span);
        let line = self.text.lines().nth(place.line as usize - 1).unwrap_or("").to_owned();
        let mut diagnostic = Diagnostic::new(code, Severity::Error, message).at(self.path.to_str(), place);
        diagnostic.suggestion = suggestion;
        diagnostic.source = Some((line, place.column));
        self.diagnostics.push(diagnostic);
    }
}

fn table_of(setting: &Setting) -> &'static str {
    setting.name.split('.').next().unwrap_or("")
}

fn key_of(setting: &Setting) -> &'static str {
    setting.name.split('.').nth(1).unwrap_or("")
}

fn choice_near(kind: Kind, value: &DeValue<'_>) -> Option<String> {
    let Kind::Choice(words) = kind else { return None };
    let near = nearest(value.as_str()?, words.iter().copied())?;
    Some(format!("did you mean \"{near}\"?"))
}

/// Line and column of a byte range; a range over several lines is marked to the end of its first.
fn place(text: &str, span: Range<usize>) -> Place {
    let start = boundary(text, span.start);
    let before = &text[..start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let end = boundary(text, span.end.clamp(start, line_end));
    Place {
        line: before.matches('\n').count() as u32 + 1,
        column: text[line_start..start].chars().count() as u32 + 1,
        width: (text[start..end].chars().count() as u32).max(1),
    }
}

/// The last character boundary at or before a byte.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Key;

    fn told(text: &str) -> Vec<(u16, u32, u32, String)> {
        let (_, diagnostics) = layer(Path::new("config.toml"), text);
        let tell = |d: Diagnostic| (d.code.0, d.place.line, d.place.column, d.suggestion.unwrap_or_default());
        diagnostics.into_iter().map(tell).collect()
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        fn check(text: &str, expect: (u16, u32, u32, &str)) {
            let (code, line, column, suggestion) = expect;
            assert_eq!(told(text), [(code, line, column, suggestion.to_owned())], "{text}");
        }
        check("[output]\ncolour = \"never\"", (95, 2, 1, "did you mean `color`?"));
        check("[wordmill]\n[outptu]\n", (95, 2, 2, "did you mean `[output]`?"));
        check("[wordmill]\ncolor = \"never\"\n", (95, 2, 1, "`color` belongs into `[output]`"));
        check("[output]\ncolor = \"alwys\"", (96, 2, 9, "did you mean \"always\"?"));
        check("[output]\ncolor = 1", (96, 2, 9, ""));
        check("output = 1", (96, 1, 10, ""));
        check("[output\ncolor = 1", (97, 1, 8, ""));
        check("# ünïcödé\n[output]\nfoo = 1", (95, 3, 1, ""));
    }

    #[test]
    fn a_good_file_is_a_layer() {
        let (layer, diagnostics) =
            layer(Path::new("x/config.toml"), "[wordmill]\n[output]\ncolor = \"never\"\n");
        assert_eq!(diagnostics, []);
        let origin = Origin::File(PathBuf::from("x/config.toml"), 3);
        assert_eq!(layer, [(Key::OutputColor, Value::Text("never".to_owned()), origin)]);
    }

    #[test]
    fn paths_are_meant_from_the_folder_of_the_file() {
        fn check(file: &str, path: &str, expect: &str) {
            let reader =
                Reader { path: Path::new(file), text: "", layer: Vec::new(), diagnostics: Vec::new() };
            assert_eq!(reader.beside(path), expect);
        }
        check("config.toml", "corpus/specs", "corpus/specs");
        check("config.toml", "./out", "out");
        check("config.toml", ".", ".");
        check("../config.toml", "out", "../out");
        check("/home/u/.config/wordmill/config.toml", "/data", "/data");
        check("/etc/w/config.toml", "data", "/etc/w/data");
    }

    #[test]
    fn only_a_marked_file_is_ours() {
        assert!(is_ours("# hello\n[ wordmill ] # yes\n"));
        assert!(is_ours("[wordmill]\n[broken"));
        assert!(!is_ours("[tool]\nwordmill = 1\n# [wordmill]\n"));
    }

    #[test]
    fn the_project_is_searched_upwards_to_the_repository() {
        let root = tempfile::tempdir().expect("tempdir");
        let deep = root.path().join("repo/a/b");
        std::fs::create_dir_all(&deep).expect("folders");
        std::fs::create_dir(root.path().join("repo/.git")).expect("folder");
        std::fs::write(root.path().join("config.toml"), "[wordmill]").expect("outside");
        assert_eq!(find_project(&deep), None);
        std::fs::write(root.path().join("repo/config.toml"), "[wordmill]").expect("ours");
        std::fs::write(root.path().join("repo/a/config.toml"), "[other]").expect("not ours");
        assert_eq!(find_project(&deep), Some(PathBuf::from("../../config.toml")));
        assert_eq!(find_project(&root.path().join("repo")), Some(PathBuf::from("config.toml")));
    }
}
