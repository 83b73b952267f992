//! A folder of the machine as the files that a Forth program sees: copied once, never written back.

use crate::forth::Files;
use anyhow::{Context as _, bail};
use std::fs;
use std::path::Path;

/// Most files of a folder.
pub const FILES_MAX: usize = 4_096;

/// Most bytes of all files together.
pub const BYTES_MAX: usize = 64 << 20;

/// Deepest nesting of folders.
const DEPTH_MAX: usize = 32;

/// Puts every file below a folder into the map, under its name relative to the folder with `/` between the parts. Links to
/// files are followed, links to folders are not. Gives the files that are left out because their names are not UTF-8.
///
/// # Errors
/// When something cannot be read, or there is too much of it.
pub fn fill(files: &mut Files, folder: &Path) -> anyhow::Result<Vec<String>> {
    let is_folder =
        fs::metadata(folder).with_context(|| format!("cannot read {}", folder.display()))?.is_dir();
    if !is_folder {
        bail!("{} is not a folder", folder.display());
    }
    let mut walk = Walk { files, n_files: 0, n_bytes: 0, skipped: Vec::new() };
    walk.folder(folder, "", 0)?;
    Ok(walk.skipped)
}

struct Walk<'f> {
    files: &'f mut Files,
    n_files: usize,
    n_bytes: u64,
    skipped: Vec<String>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> anyhow::Result<()> {
        let failed = || format!("cannot read {}", folder.display());
        if depth > DEPTH_MAX {
            bail!("{} is nested deeper than {DEPTH_MAX} folders", folder.display());
        }
        let mut entries =
            fs::read_dir(folder).with_context(failed)?.collect::<Result<Vec<_>, _>>().with_context(failed)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                self.skipped.push(path.display().to_string());
                continue;
            };
            let name = format!("{prefix}{name}");
            if entry.file_type().with_context(failed)?.is_dir() {
                self.folder(&path, &format!("{name}/"), depth + 1)?;
            } else if fs::metadata(&path).is_ok_and(|it| it.is_file()) {
                self.file(&path, &name)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: &str) -> anyhow::Result<()> {
        self.n_files += 1;
        if self.n_files > FILES_MAX {
            bail!("there are more than {FILES_MAX} files; name a smaller folder");
        }
        let failed = || format!("cannot read {}", path.display());
        let size = fs::metadata(path).with_context(failed)?.len();
        let room = || {
            format!(
                "the files have more than {} MiB at {}; name a smaller folder",
                BYTES_MAX >> 20,
                path.display()
            )
        };
        self.n_bytes += size;
        if self.n_bytes > BYTES_MAX as u64 {
            bail!(room());
        }
        let bytes = fs::read(path).with_context(failed)?;
        self.files.insert(name, bytes).with_context(room)
    }
}
