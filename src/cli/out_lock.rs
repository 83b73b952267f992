//! One writer for each folder of results: a lock of the system on a file in it, and in that file who holds it.

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Who writes into the folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// The command.
    pub command: String,
    /// The process.
    pub pid: u32,
    /// Where a daemon listens for `wordmill daemon`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub control: Option<PathBuf>,
}

impl Holder {
    /// This process.
    pub fn of(command: &str) -> Self {
        Self { command: command.to_owned(), pid: std::process::id(), control: None }
    }
}

/// The lock, for as long as it lives. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct OutLock {
    out: PathBuf,
    holder: Holder,
    file: File,
}

impl OutLock {
    /// Takes the folder for this process.
    ///
    /// # Errors
    /// When another process has it, which is then named, or the folder cannot be made.
    pub fn take(out: &Path, holder: Holder) -> anyhow::Result<Self> {
        std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        let path = out.join(".lock");
        let mut file = open(&path)?;
        let mut tried = file.try_lock();
        if matches!(tried, Err(std::fs::TryLockError::Error(_))) {
            // Some network file systems lock only what is open for writing.
            file = File::options().read(true).write(true).open(&path).unwrap_or(file);
            tried = file.try_lock();
        }
        match tried {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => bail!("{}", held(out, read(&mut file).as_ref())),
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(error).context(format!("cannot lock {}", path.display()));
            }
        }
        // The lock counts; who holds it is a courtesy that a full disk may refuse.
        let text = serde_json::to_string(&holder)?;
        let _ = std::fs::write(&path, text);
        Ok(Self { out: out.to_owned(), holder, file })
    }

    /// Takes the folder again, where it was removed or moved away meanwhile; `true` where that was so.
    ///
    /// # Errors
    /// When it cannot be had again.
    pub fn renew(&mut self) -> anyhow::Result<bool> {
        let place = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let held = self.file.metadata().map(place).ok();
        if held.is_some() && held == std::fs::metadata(self.out.join(".lock")).map(place).ok() {
            return Ok(false);
        }
        *self = Self::take(&self.out, self.holder.clone())?;
        Ok(true)
    }
}

/// Who holds the folder now, if anybody does.
pub fn holder(out: &Path) -> anyhow::Result<Option<Holder>> {
    let path = out.join(".lock");
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    match file.try_lock_shared() {
        Err(std::fs::TryLockError::WouldBlock) => Ok(read(&mut file)),
        _ => Ok(None),
    }
}

/// Opens the file for reading, which is enough to lock it: a file that stays open for writing would keep its file system from being
/// made read-only.
fn open(path: &Path) -> anyhow::Result<File> {
    match File::options().append(true).create(true).open(path) {
        Ok(_) => {}
        // A folder that cannot be written may still be held.
        Err(error) if !path.exists() => {
            return Err(error).with_context(|| format!("cannot write {}", path.display()));
        }
        Err(_) => {}
    }
    File::open(path).with_context(|| format!("cannot read {}", path.display()))
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.take(64 << 10).read_to_string(&mut text)).ok()?;
    serde_json::from_str(&text).ok()
}

fn held(out: &Path, holder: Option<&Holder>) -> String {
    let out = out.display();
    match holder {
        Some(Holder { command, pid, .. }) if command == "watch" => format!(
            "`wordmill watch` (process {pid}) keeps {out} up to date: `wordmill daemon status --out {out}` asks it, \
             `wordmill daemon stop --out {out}` ends it; or name another folder with --out"
        ),
        Some(Holder { command, pid, .. }) => format!(
            "another run (`wordmill {command}`, process {pid}) is writing into {out}: wait until it has ended, or name \
             another folder with --out"
        ),
        None => {
            format!(
                "another run is writing into {out}: wait until it has ended, or name another folder with --out"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_hears_who_is_first() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(holder(folder.path()).unwrap(), None);
        let first = OutLock::take(folder.path(), Holder::of("watch")).unwrap();
        let error = OutLock::take(folder.path(), Holder::of("run")).unwrap_err().to_string();
        assert!(error.contains(&format!("`wordmill watch` (process {})", std::process::id())), "{error}");
        assert_eq!(holder(folder.path()).unwrap(), Some(Holder::of("watch")));
        drop(first);
        assert_eq!(holder(folder.path()).unwrap(), None);
        // A folder that is gone is taken again, unless somebody was faster.
        let out = folder.path().join("out");
        let mut first = OutLock::take(&out, Holder::of("watch")).unwrap();
        assert!(!first.renew().unwrap());
        std::fs::remove_dir_all(&out).unwrap();
        assert!(first.renew().unwrap() && !first.renew().unwrap());
        assert_eq!(holder(&out).unwrap(), Some(Holder::of("watch")));
        std::fs::rename(&out, folder.path().join("away")).unwrap();
        let second = OutLock::take(&out, Holder::of("run")).unwrap();
        assert!(first.renew().unwrap_err().to_string().contains("`wordmill run`"));
        drop(second);
        assert!(first.renew().unwrap());
        OutLock::take(folder.path(), Holder::of("run")).unwrap();
    }
}
