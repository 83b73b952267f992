//! The library: all templates in canonical order, found by id or by effect, and its hash.

use super::codes;
use super::compiled::{Choice, Template};
use super::read::Raw;
use super::resolve::{OPEN_SETS, resolve};
use super::shipped::FILES;
use crate::model::{Diagnostic, Severity};
use rustc_hash::FxHashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A named set of texts for holes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Set {
    /// Its name in the domains of holes.
    pub name: String,
    /// What its values have in common.
    pub description: String,
    /// The stack effect that all of them have, where they are code.
    pub effect: Option<String>,
    /// The texts, in the order of the enumeration.
    pub values: Vec<Choice>,
}

/// Why a library could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A folder or file cannot be read.
    #[error("cannot read templates at {}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The files were read, and something in them is wrong.
    #[error("{} in the template files", count(diagnostics.len()))]
    Invalid {
        /// Everything that is wrong, in the order of files and lines.
        diagnostics: Vec<Diagnostic>,
    },
}

fn count(n: usize) -> String {
    format!("{n} error{}", if n == 1 { "" } else { "s" })
}

impl LoadError {
    /// The same as diagnostics, for those who print them.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            LoadError::Io { path, source } => {
                let message = format!("cannot read templates at {}: {source}", path.display());
                vec![Diagnostic::new(codes::UNREADABLE, Severity::Error, message)]
            }
            LoadError::Invalid { diagnostics } => diagnostics.clone(),
        }
    }
}

/// One line of `wordmill templates list`.
#[derive(Clone, Copy, Debug)]
pub struct TemplateRow<'l> {
    /// The template.
    pub template: &'l Template,
    /// How many fillings it has for a specification without constants and words of its own.
    pub fillings: u64,
}

/// A library of templates, compiled. Immutable; shared by all threads.
#[derive(Debug)]
pub struct Library {
    templates: Vec<Template>,
    sets: Vec<Set>,
    by_id: FxHashMap<String, usize>,
    hash: [u8; 32],
}

impl Library {
    /// The templates that are embedded in the binary.
    pub fn shipped() -> &'static Library {
        static SHIPPED: LazyLock<Library> = LazyLock::new(|| {
            Library::from_texts(FILES)
                .unwrap_or_else(|error| panic!("the shipped templates are wrong: {:#?}", error.diagnostics()))
        });
        &SHIPPED
    }

    /// Name and text of the files that are embedded in the binary.
    pub fn shipped_files() -> &'static [(&'static str, &'static str)] {
        FILES
    }

    /// The shipped templates and those of these folders (and single files), in this order.
    pub fn load(paths: &[PathBuf]) -> Result<Library, LoadError> {
        let mut files: Vec<(String, String)> =
            FILES.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        for path in paths {
            for file in template_files(path)? {
                let text = std::fs::read_to_string(&file)
                    .map_err(|source| LoadError::Io { path: file.clone(), source })?;
                files.push((file.display().to_string(), text));
            }
        }
        let files: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Library::from_texts(&files)
    }

    /// A library of just these files: name and text.
    pub fn from_texts(files: &[(&str, &str)]) -> Result<Library, LoadError> {
        let mut raw = Raw::default();
        for (name, text) in files {
            raw.read(name, text);
        }
        let (raw, sets, mut templates) = resolve(raw);
        if !raw.diagnostics.is_empty() {
            let mut diagnostics = raw.diagnostics;
            let rank =
                |file: &Option<String>| files.iter().position(|(name, _)| Some(*name) == file.as_deref());
            diagnostics.sort_by_key(|found| (rank(&found.file), found.place.line, found.place.column));
            return Err(LoadError::Invalid { diagnostics });
        }
        templates
            .sort_by(|a, b| (a.n_in(), a.n_out(), a.size, &a.id).cmp(&(b.n_in(), b.n_out(), b.size, &b.id)));
        let by_id = templates.iter().enumerate().map(|(i, template)| (template.id.clone(), i)).collect();
        let hash = hash(&templates);
        Ok(Library { templates, sets, by_id, hash })
    }

    /// The hash of everything that can change an outcome: ids, effects, codes, domains, examples and bounds in canonical order.
    /// Descriptions, tags and tests do not count.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The template with this id.
    pub fn get(&self, id: &str) -> Option<&Template> {
        self.by_id.get(id).map(|&i| &self.templates[i])
    }

    /// The id nearest to one that does not exist.
    pub fn suggest(&self, id: &str) -> Option<String> {
        super::source::nearest(id, self.templates.iter().map(|template| template.id.as_str()))
    }

    /// All templates, by (inputs, outputs, size, id).
    pub fn iter(&self) -> std::slice::Iter<'_, Template> {
        self.templates.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The templates that take and leave as many cells, by (size, id).
    pub fn fitting(&self, n_in: usize, n_out: usize) -> &[Template] {
        let start = self.templates.partition_point(|t| (t.n_in(), t.n_out()) < (n_in, n_out));
        let end = self.templates.partition_point(|t| (t.n_in(), t.n_out()) <= (n_in, n_out));
        &self.templates[start..end]
    }

    /// The named sets, in the order of their files.
    pub fn sets(&self) -> &[Set] {
        &self.sets
    }

    /// The sets that a specification fills: name and what is in them.
    pub fn open_sets(&self) -> &'static [(&'static str, &'static str)] {
        OPEN_SETS
    }

    /// The rows of `wordmill templates list`.
    pub fn rows(&self) -> impl Iterator<Item = TemplateRow<'_>> {
        let context = super::HoleContext::default();
        self.iter().map(move |template| TemplateRow { template, fillings: template.count(&context) })
    }
}

impl<'l> IntoIterator for &'l Library {
    type Item = &'l Template;
    type IntoIter = std::slice::Iter<'l, Template>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The `.toml` files of a folder by name, or the file itself.
fn template_files(path: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let io = |source| LoadError::Io { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(io)?.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        if file.extension().is_some_and(|extension| extension == "toml") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn hash(templates: &[Template]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut put = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for template in templates {
        put(&template.id);
        put(&format!("{} {}", template.n_in(), template.n_out()));
        put(&template.code);
        for (hole, example) in template.holes.iter().zip(&template.example) {
            put(&hole.name);
            put(example);
            put(&format!("{} {} {}", hole.domain.constants, hole.domain.words, hole.domain.fixed.len()));
            hole.domain.fixed.iter().for_each(|choice| put(&choice.text));
        }
        put(&template.bounds.len().to_string());
        for bound in &template.bounds {
            put(&format!("{} {} {}", bound.input, bound.least, bound.greatest));
        }
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_templates_are_right_in_form() {
        let found = match Library::from_texts(FILES) {
            Ok(_) => Vec::new(),
            Err(error) => error.diagnostics(),
        };
        for one in &found {
            let file = one.file.as_deref().unwrap_or("");
            eprintln!("{file}:{}:{}: {} {}", one.place.line, one.place.column, one.code, one.message);
        }
        assert!(found.is_empty());
    }
}
