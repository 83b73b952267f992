//! How `wordmill daemon` talks to the daemon: one line over a Unix socket, one JSON object back. The socket lies in a folder of the
//! user's own, not in that of the results, which may be on a file system without sockets, read-only, or too deep for their names.

use crate::daemon::{Board, Command, Remote};
use anyhow::{Context as _, bail};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Longest question.
const QUESTION_MAX: u64 = 64;

/// How long one who asks may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The socket of a daemon; removed when it ends.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
}

impl Control {
    /// Listens, on a thread of its own. The caller holds the lock of the folder: a socket that is there is a killed daemon's.
    pub fn start(path: PathBuf, board: Arc<Board>, remote: Remote) -> anyhow::Result<Self> {
        let _ = std::fs::remove_file(&path);
        let listener =
            UnixListener::bind(&path).with_context(|| format!("cannot listen at {}", path.display()))?;
        let serve = move || {
            for stream in listener.incoming().flatten() {
                if let Err(error) = answer(stream, &board, &remote) {
                    tracing::debug!(%error, "a question was not answered");
                }
            }
        };
        std::thread::Builder::new().name("control".to_owned()).spawn(serve)?;
        Ok(Self { path })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Where the daemon of a folder of results listens.
pub fn path_of(out: &Path) -> anyhow::Result<PathBuf> {
    let real = out.canonicalize().with_context(|| format!("cannot look at {}", out.display()))?;
    let name = &blake3::hash(real.as_os_str().as_encoded_bytes()).to_hex()[..24];
    let folder = match std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder).join("wordmill"),
        None => std::env::temp_dir().join(format!("wordmill-{}", own_uid()?)),
    };
    match std::fs::DirBuilder::new().mode(0o700).recursive(true).create(&folder) {
        Ok(()) => {}
        Err(error) => return Err(error).with_context(|| format!("cannot make {}", folder.display())),
    }
    let metadata = std::fs::symlink_metadata(&folder)?;
    if !metadata.is_dir() || metadata.uid() != own_uid()? || metadata.permissions().mode() & 0o022 != 0 {
        bail!("{} is not a folder of this user alone: remove it, or set XDG_RUNTIME_DIR", folder.display());
    }
    Ok(folder.join(format!("{name}.sock")))
}

fn own_uid() -> anyhow::Result<u32> {
    Ok(std::fs::metadata("/proc/self").context("cannot tell the user")?.uid())
}

fn answer(mut stream: UnixStream, board: &Board, remote: &Remote) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut question = String::new();
    BufReader::new(stream.try_clone()?.take(QUESTION_MAX)).read_line(&mut question)?;
    let answer = match question.trim_end() {
        "status" => serde_json::to_string(&status(board))?,
        "stop" => {
            remote.order(Command::Stop);
            r#"{"stopping":true}"#.to_owned()
        }
        _ => r#"{"error":"ask for status or stop"}"#.to_owned(),
    };
    writeln!(stream, "{answer}")
}

/// The status with its sentence.
pub fn status(board: &Board) -> serde_json::Value {
    let status = board.read();
    let mut value = serde_json::to_value(&status).expect("a status has no unwritable values");
    value["sentence"] = status.sentence().into();
    value
}

/// Asks a daemon.
pub fn ask(socket: &Path, question: &str) -> anyhow::Result<serde_json::Value> {
    let ask = || -> std::io::Result<String> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(5 * PATIENCE))?;
        writeln!(stream, "{question}")?;
        let mut answer = String::new();
        BufReader::new(stream.take(16 << 20)).read_line(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => anyhow::anyhow!(
            "the daemon did not answer within {} s: its process may be stopped, or hang",
            (5 * PATIENCE).as_secs()
        ),
        _ => anyhow::Error::new(error).context(format!("the daemon does not answer at {}", socket.display())),
    })?;
    serde_json::from_str(&answer).context("the daemon's answer cannot be read")
}
