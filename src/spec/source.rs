//! From paths to specification files: folders are walked (ignore files respected, hidden files passed over), and the
//! files come in corpus order. Links are followed once, so that a loop ends; nothing but regular files is opened.

use crate::model::{Diagnostic, Severity};
use crate::spec::codes;
use ignore::WalkBuilder;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// What the ending of a file's name says about it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileKind {
    /// One record a line (.jsonl), not one document (.json).
    pub is_lines: bool,
    /// Compressed by gzip.
    pub is_gzip: bool,
    /// Held-out cases of the file beside it.
    pub is_heldout: bool,
}

impl FileKind {
    /// The kind by the file's name; `None` for other files.
    pub fn of(file_name: &str) -> Option<Self> {
        let (stem, is_gzip) = match file_name.strip_suffix(".gz") {
            Some(stem) => (stem, true),
            None => (file_name, false),
        };
        let (stem, is_lines) = match stem.strip_suffix(".jsonl") {
            Some(stem) => (stem, true),
            None => (stem.strip_suffix(".json")?, false),
        };
        Some(Self { is_lines, is_gzip, is_heldout: stem.ends_with(".heldout") })
    }

    /// The ending of such a file's name.
    pub fn ending(self) -> &'static str {
        match (self.is_lines, self.is_gzip) {
            (true, true) => ".jsonl.gz",
            (true, false) => ".jsonl",
            (false, true) => ".json.gz",
            (false, false) => ".json",
        }
    }
}

/// What tells a changed file from an unchanged one without reading it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Stat {
    /// Length in bytes.
    pub size: u64,
    /// Time of the last change, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// The number of the file in its file system.
    pub inode: u64,
    /// The file system.
    pub device: u64,
}

impl Stat {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            size: metadata.len(),
            mtime_ns: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let mtime_ns = since.map_or(0, |time| time.as_nanos() as i64);
        Self { size: metadata.len(), mtime_ns, inode: 0, device: 0 }
    }
}

/// One file of specifications.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFile {
    /// As the user would name it: the given path, joined with the path below it by `/`.
    pub name: String,
    /// The same for the system.
    pub path: PathBuf,
    /// The rank of the given path.
    pub root: u32,
    /// The path below the given one with `/`; the file's name where the file itself was given.
    pub relative: String,
    /// What its ending says.
    pub kind: FileKind,
    /// Held-out cases beside it: `X.heldout.jsonl[.gz]` for `X.jsonl[.gz]`.
    pub heldout: Option<PathBuf>,
    /// Its state when it was found.
    pub stat: Stat,
}

impl SourceFile {
    /// Looks at one file, whatever its kind; for held-out files as well.
    pub fn at(path: &Path) -> Result<Self, SourceError> {
        let metadata = std::fs::metadata(path).map_err(|error| SourceError::look(path, error))?;
        let relative = file_name(path);
        let kind =
            FileKind::of(&relative).ok_or_else(|| SourceError::NotASource { path: path.to_owned() })?;
        if !metadata.is_file() {
            return Err(SourceError::Special { path: path.to_owned() });
        }
        let name = shown_path(path);
        Ok(Self {
            name,
            path: path.to_owned(),
            root: 0,
            relative,
            kind,
            heldout: None,
            stat: Stat::of(&metadata),
        })
    }

    /// Looks again at a file that was found before; `false` where it is no longer the regular file that it was, so that
    /// only a new walk tells.
    pub fn look_again(&mut self) -> bool {
        match std::fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => {
                self.stat = Stat::of(&metadata);
                true
            }
            _ => false,
        }
    }

    /// The held-out file beside this one, to be read like this one.
    pub fn heldout_file(&self) -> Option<Result<Self, SourceError>> {
        self.heldout.as_deref().map(Self::at)
    }
}

/// The specification files below some paths, in corpus order, and what was passed over.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceSet {
    /// By given path, then by the bytes of the path below it.
    pub files: Vec<SourceFile>,
    /// What was passed over and may be missed.
    pub diagnostics: Vec<Diagnostic>,
    /// The folders that were walked: where a file must appear to be found.
    pub folders: Vec<PathBuf>,
}

/// Why sources cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A given path does not exist.
    #[error("{} does not exist{}", path.display(), did_you_mean(suggestion))]
    Missing {
        /// The path.
        path: PathBuf,
        /// A path beside it with nearly the same name.
        suggestion: Option<PathBuf>,
    },
    /// A given file is not named like one of ours.
    #[error("{} is not a specification file: its name should end in .json, .jsonl, .json.gz or .jsonl.gz", path.display())]
    NotASource {
        /// The path.
        path: PathBuf,
    },
    /// Something else than a regular file stands there.
    #[error("{} is not a regular file", path.display())]
    Special {
        /// The path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} {}: {error}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

impl SourceError {
    fn look(path: &Path, error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::NotFound {
            return Self::Missing { path: path.to_owned(), suggestion: similar_path(path) };
        }
        Self::Io { action: "look at", path: path.to_owned(), error }
    }

    /// The system refused to read a file.
    pub fn read(path: &Path, error: std::io::Error) -> Self {
        Self::Io { action: "read", path: path.to_owned(), error }
    }
}

fn did_you_mean(suggestion: &Option<PathBuf>) -> String {
    suggestion.as_ref().map_or(String::new(), |path| format!("; did you mean {}?", path.display()))
}

/// The path whose name in the same folder is most like the missing one.
fn similar_path(path: &Path) -> Option<PathBuf> {
    const ENTRIES_MAX: usize = 10_000;
    let wanted = file_name(path);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let names = std::fs::read_dir(folder).ok()?.flatten().take(ENTRIES_MAX).map(|entry| entry.file_name());
    let scored =
        names.map(|name| (strsim::normalized_damerau_levenshtein(&wanted, &name.to_string_lossy()), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)))?;
    (best.0 >= 0.6).then(|| path.with_file_name(best.1))
}

/// Finds the specification files at and below some paths.
pub fn find_sources(paths: &[PathBuf]) -> Result<SourceSet, SourceError> {
    let mut finder = Finder::default();
    for (root, path) in (0..).zip(paths) {
        finder.root(root, path)?;
    }
    Ok(finder.finish())
}

#[derive(Default)]
struct Finder {
    files: Vec<Found>,
    /// Held-out files that were met.
    heldout: FxHashSet<PathBuf>,
    diagnostics: Vec<Diagnostic>,
    /// Folders that have been walked, by device and inode, per root.
    folders: FxHashSet<(u32, u64, u64)>,
    walked: Vec<PathBuf>,
    /// Links that were met, walked after everything that is no link.
    links: VecDeque<PathBuf>,
    /// What is found now is behind a link.
    is_behind_link: bool,
}

struct Found {
    file: SourceFile,
    /// It was reached through a link below the given path.
    is_linked: bool,
}

impl Finder {
    fn root(&mut self, root: u32, path: &Path) -> Result<(), SourceError> {
        let metadata = std::fs::metadata(path).map_err(|error| SourceError::look(path, error))?;
        if metadata.is_dir() {
            self.folder(root, path, path);
            self.is_behind_link = true;
            while let Some(link) = self.links.pop_front() {
                self.link(root, path, &link);
            }
            self.is_behind_link = false;
            return Ok(());
        }
        if !metadata.is_file() {
            self.special(path);
            return Ok(());
        }
        if FileKind::of(&file_name(path)).is_none() {
            return Err(SourceError::NotASource { path: path.to_owned() });
        }
        self.file(root, path, path, &metadata);
        Ok(())
    }

    fn folder(&mut self, root: u32, root_path: &Path, path: &Path) {
        for step in walker(path).build() {
            match step {
                Err(error) => self.unreadable(path, &error),
                Ok(entry) => {
                    // The folder itself is followed even when it is a link.
                    let is_start = entry.depth() == 0;
                    match entry.file_type() {
                        Some(ty) if ty.is_symlink() && !is_start => self.links.push_back(entry.into_path()),
                        _ => self.step(root, root_path, entry.path()),
                    }
                }
            }
        }
    }

    /// Something that the walk came to and that is no link.
    fn step(&mut self, root: u32, root_path: &Path, path: &Path) {
        match std::fs::metadata(path) {
            Err(error) => self.unreadable(path, &error),
            Ok(metadata) if metadata.is_dir() => {
                let stat = Stat::of(&metadata);
                self.folders.insert((root, stat.device, stat.inode));
                self.walked.push(path.to_owned());
            }
            Ok(metadata) if metadata.is_file() => self.file(root, root_path, path, &metadata),
            Ok(_) => self.special(path),
        }
    }

    fn link(&mut self, root: u32, root_path: &Path, path: &Path) {
        match std::fs::metadata(path) {
            Err(error) => self.unreadable(path, &error),
            Ok(metadata) if metadata.is_dir() => {
                let stat = Stat::of(&metadata);
                if !self.folders.contains(&(root, stat.device, stat.inode)) {
                    self.folder(root, root_path, path);
                }
            }
            Ok(metadata) if metadata.is_file() => {
                // It changes where it lies, not where the link does.
                let real = std::fs::canonicalize(path).ok();
                self.walked.extend(real.as_deref().and_then(Path::parent).map(Path::to_owned));
                self.file(root, root_path, path, &metadata);
            }
            Ok(_) => self.special(path),
        }
    }

    fn file(&mut self, root: u32, root_path: &Path, path: &Path, metadata: &Metadata) {
        let Some(kind) = FileKind::of(&file_name(path)) else {
            return;
        };
        if kind.is_heldout {
            self.heldout.insert(path.to_owned());
            return;
        }
        let (name, relative) = names(root_path, path);
        let (path, stat) = (path.to_owned(), Stat::of(metadata));
        let file = SourceFile { name, path, root, relative, kind, heldout: None, stat };
        self.files.push(Found { file, is_linked: self.is_behind_link });
    }

    fn special(&mut self, path: &Path) {
        let message = "not a regular file, passed over";
        self.diagnostics.push(about(path, Diagnostic::new(codes::SPECIAL_FILE, Severity::Warning, message)));
    }

    fn unreadable(&mut self, path: &Path, error: &dyn std::fmt::Display) {
        let message = format!("passed over: {error}");
        self.diagnostics.push(about(path, Diagnostic::new(codes::UNREADABLE, Severity::Warning, message)));
    }

    fn finish(mut self) -> SourceSet {
        let mut files = without_repeated(self.files);
        files.sort_by(|a, b| (a.root, a.relative.as_bytes()).cmp(&(b.root, b.relative.as_bytes())));
        let mut used = FxHashSet::default();
        for file in &mut files {
            let names = heldout_names(&file.path, file.kind);
            let is_given = file.is_given();
            let known = |path: &&PathBuf| self.heldout.contains(*path) || (is_given && is_regular(path));
            file.heldout = names.iter().find(known).cloned();
            // Of two that differ in compression only one is used; the other is not lone.
            used.extend(file.heldout.is_some().then_some(names).into_iter().flatten());
        }
        let mut lone: Vec<&PathBuf> = self.heldout.iter().filter(|path| !used.contains(*path)).collect();
        lone.sort();
        for path in lone {
            let message = "held-out cases without the specifications they belong to";
            self.diagnostics
                .push(about(path, Diagnostic::new(codes::LONE_HELDOUT, Severity::Warning, message)));
        }
        self.diagnostics.sort_by(|a, b| (&a.file, a.code).cmp(&(&b.file, b.code)));
        SourceSet { files, diagnostics: self.diagnostics, folders: self.walked }
    }
}

impl SourceFile {
    /// The file itself was given, not a folder above it.
    fn is_given(&self) -> bool {
        self.name == shown_path(&self.path) && self.relative == file_name(&self.path)
    }
}

/// Ignore files of the folder count, settings of the person who runs it do not: the same folder gives the same corpus.
fn walker(path: &Path) -> WalkBuilder {
    let mut builder = WalkBuilder::new(path);
    builder.follow_links(false).git_global(false).git_exclude(false).require_git(false);
    builder
}

/// The same file by two ways counts once, where it was given first, and rather without a link; two hard links are two
/// files.
fn without_repeated(mut found: Vec<Found>) -> Vec<SourceFile> {
    let key = |it: &Found| (it.file.root, it.is_linked, it.file.relative.clone());
    found.sort_by_cached_key(key);
    let mut seen: FxHashMap<(u64, u64), Vec<PathBuf>> = FxHashMap::default();
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut files: Vec<SourceFile> = found.into_iter().map(|it| it.file).collect();
    files.retain(|file| {
        let known = seen.entry((file.stat.device, file.stat.inode)).or_default();
        let is_repeated = !known.is_empty() && {
            let path = real(&file.path);
            known.iter().any(|other| real(other) == path)
        };
        known.push(file.path.clone());
        !is_repeated
    });
    files
}

/// The names that the held-out file of a file may have, the likeliest first.
fn heldout_names(path: &Path, kind: FileKind) -> [PathBuf; 2] {
    let name = file_name(path);
    let stem = name.strip_suffix(kind.ending()).unwrap_or(&name);
    [kind.is_gzip, !kind.is_gzip].map(|is_gzip| {
        let ending = FileKind { is_gzip, ..kind }.ending();
        path.with_file_name(format!("{stem}.heldout{ending}"))
    })
}

fn is_regular(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn shown_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(std::path::MAIN_SEPARATOR, "/")
    }
}

/// The name of a file for people, and its path below the root.
fn names(root: &Path, path: &Path) -> (String, String) {
    let below = match path.strip_prefix(root) {
        Ok(below) if !below.as_os_str().is_empty() => below,
        _ => return (shown_path(path), file_name(path)),
    };
    let relative = shown_path(below);
    let root = shown_path(root);
    let root = root.trim_end_matches('/');
    match root {
        "." => (relative.clone(), relative),
        _ => (format!("{root}/{relative}"), relative),
    }
}

fn about(path: &Path, diagnostic: Diagnostic) -> Diagnostic {
    Diagnostic { file: Some(shown_path(path)), ..diagnostic }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(files: &[&str]) -> Self {
            let folder = Self(tempfile::tempdir().expect("a folder"));
            for file in files {
                folder.put(file, "");
            }
            folder
        }

        fn at(&self, path: &str) -> PathBuf {
            if path.is_empty() { self.0.path().to_owned() } else { self.0.path().join(path) }
        }

        fn put(&self, path: &str, text: &str) {
            let path = self.at(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }

        #[cfg(unix)]
        fn link(&self, to: &str, path: &str) {
            std::os::unix::fs::symlink(to, self.at(path)).expect("a link");
        }

        /// Finds from some paths below the folder; what is found is shown by its path below the folder.
        fn find(&self, paths: &[&str]) -> (String, String) {
            let paths: Vec<PathBuf> = paths.iter().map(|path| self.at(path)).collect();
            let set = find_sources(&paths).expect("sources");
            let prefix = format!("{}/", self.0.path().display());
            let short = |text: &str| text.replace(&prefix, "");
            let files = set.files.iter().map(|file| match &file.heldout {
                Some(heldout) => format!("{}+{}", short(&file.name), short(&heldout.to_string_lossy())),
                None => short(&file.name),
            });
            let files = files.collect::<Vec<_>>().join(" ");
            let told = set.diagnostics.iter();
            let told = told.map(|d| format!("{}:{}", d.code, short(d.file.as_deref().unwrap_or("?"))));
            (files, told.collect::<Vec<_>>().join(" "))
        }

        fn check(&self, paths: &[&str], files: &str, told: &str) {
            assert_eq!(self.find(paths), (files.to_owned(), told.to_owned()), "{paths:?}");
        }
    }

    #[test]
    fn endings_tell_the_kind() {
        let kind = |name: &str| FileKind::of(name).map(|kind| (kind.is_lines, kind.is_gzip, kind.is_heldout));
        assert_eq!(kind("a.json"), Some((false, false, false)));
        assert_eq!(kind("a.jsonl"), Some((true, false, false)));
        assert_eq!(kind("a.json.gz"), Some((false, true, false)));
        assert_eq!(kind("a.heldout.jsonl.gz"), Some((true, true, true)));
        for name in ["a.jso", "a.gz", "json", "a.json.bak", "a.JSON~", ""] {
            assert_eq!(kind(name), None, "{name}");
        }
    }

    #[test]
    fn folders_are_walked_in_order_of_bytes() {
        let folder = Folder::new(&[
            "b.json",
            "a/z.jsonl",
            "a.json",
            "B.json.gz",
            "a/b/c.jsonl.gz",
            "note.txt",
            "a-b.json",
        ]);
        folder.check(&[""], "B.json.gz a-b.json a.json a/b/c.jsonl.gz a/z.jsonl b.json", "");
        folder.check(&["b.json", "a"], "b.json a/b/c.jsonl.gz a/z.jsonl", "");
    }

    #[test]
    fn ignored_and_hidden_files_are_passed_over() {
        let folder =
            Folder::new(&["a.json", "skip/b.json", ".hidden/c.json", ".d.json", "sub/e.json", "sub/f.json"]);
        folder.put(".gitignore", "skip/\n");
        folder.put("sub/.ignore", "f.json\n");
        folder.check(&[""], "a.json sub/e.json", "");
    }

    #[test]
    fn held_out_files_stand_beside_theirs() {
        let folder = Folder::new(&[
            "a.jsonl",
            "a.heldout.jsonl",
            "b.jsonl.gz",
            "b.heldout.jsonl",
            "c.json",
            "d.heldout.jsonl",
        ]);
        folder.check(
            &[""],
            "a.jsonl+a.heldout.jsonl b.jsonl.gz+b.heldout.jsonl c.json",
            "WM033:d.heldout.jsonl",
        );
        folder.check(&["a.jsonl"], "a.jsonl+a.heldout.jsonl", "");
        folder.check(&["a.jsonl", "a.heldout.jsonl"], "a.jsonl+a.heldout.jsonl", "");
        folder.check(&["a.heldout.jsonl"], "", "WM033:a.heldout.jsonl");
        let set = find_sources(&[folder.at("a.jsonl")]).expect("sources");
        let heldout = set.files[0].heldout_file().expect("a held-out file").expect("readable");
        assert!(heldout.kind.is_heldout && heldout.kind.is_lines);
    }

    #[test]
    fn a_file_counts_once() {
        let folder = Folder::new(&["sub/a.json", "b.json"]);
        folder.check(&["", "sub", "sub/a.json", "b.json"], "b.json sub/a.json", "");
        folder.check(&["sub/a.json", "", "sub/a.json"], "sub/a.json b.json", "");
    }

    #[test]
    fn what_is_missing_is_told() {
        let folder = Folder::new(&["square.json", "note.txt"]);
        let error = |path: &str| find_sources(&[folder.at(path)]).expect_err("an error").to_string();
        assert!(error("sqare.json").ends_with("square.json?"), "{}", error("sqare.json"));
        assert!(error("zzz").ends_with("does not exist"));
        assert!(error("note.txt").contains("is not a specification file"));
        assert!(matches!(SourceFile::at(&folder.at("")), Err(SourceError::NotASource { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_and_loops_are_followed_once() {
        let folder = Folder::new(&["a/x.json", "y.json", "out/z.json"]);
        folder.link("..", "a/loop");
        folder.link("a", "same");
        folder.link("x.json", "a/alias.json");
        folder.link("nowhere", "gone.json");
        folder.link("self.json", "self.json");
        let (files, told) = folder.find(&["a"]);
        assert_eq!(files.split(' ').count(), 3, "{files}");
        // alias.json sorts first, but what is no link is taken.
        assert!(files.contains("a/x.json") && !files.contains("alias"), "{files}");
        assert!(files.contains("loop/y.json") && files.contains("loop/out/z.json"), "{files}");
        assert_eq!(told, "WM031:a/loop/gone.json WM031:a/loop/self.json");
        folder.check(&[""], "a/x.json out/z.json y.json", "WM031:gone.json WM031:self.json");
    }

    #[cfg(unix)]
    #[test]
    fn many_links_among_folders_end_soon() {
        let folder = Folder::new(&[]);
        for i in 0..12 {
            folder.put(&format!("d{i}/f{i}.json"), "");
            for j in 0..12 {
                folder.link(&format!("../d{j}"), &format!("d{i}/l{j}"));
            }
        }
        let (files, told) = folder.find(&[""]);
        assert_eq!((files.split(' ').count(), told.as_str()), (12, ""));
    }

    #[cfg(unix)]
    #[test]
    fn pipes_are_not_opened() {
        let folder = Folder::new(&["a.json"]);
        let made = std::process::Command::new("mkfifo").arg(folder.at("pipe.json")).status();
        assert!(made.expect("mkfifo").success());
        let _socket = std::os::unix::net::UnixListener::bind(folder.at("socket.jsonl")).expect("a socket");
        folder.check(&[""], "a.json", "WM032:pipe.json WM032:socket.jsonl");
        folder.check(&["pipe.json", "a.json"], "a.json", "WM032:pipe.json");
        assert!(matches!(SourceFile::at(&folder.at("pipe.json")), Err(SourceError::Special { .. })));
    }

    #[test]
    fn names_are_as_given() {
        let names = |root: &str, path: &str| super::names(Path::new(root), Path::new(path));
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(names("specs", "specs/a/b.json"), pair("specs/a/b.json", "a/b.json"));
        assert_eq!(names("specs/", "specs/a.json"), pair("specs/a.json", "a.json"));
        assert_eq!(names(".", "./a.json"), pair("a.json", "a.json"));
        assert_eq!(names("x/a.json", "x/a.json"), pair("x/a.json", "a.json"));
        assert_eq!(names("/", "/a.json"), pair("/a.json", "a.json"));
    }
}
