//! How a command beside a running collector asks it for what only one process may do: a socket in the data folder, which is the
//! owner's alone. One line is asked, one answer comes, and it begins with `done` or `failed`.

use std::fs::Permissions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::clock::Clock;
use crate::datadir::DataDir;
use crate::export;
use crate::model::governed::{Act, Actor};
use crate::notary::Notary;

/// Longest question, in bytes.
const MAX_ASKED_BYTES: u64 = 200;
/// Longest answer, in bytes: a signed checkpoint.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;
/// How long one side waits for the other.
const PATIENCE: Duration = Duration::from_secs(30);

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A checkpoint over all entries.
    Checkpoint,
    /// The same, after a note that this format is exported.
    Export(String),
    /// Another key.
    RotateKey,
}

impl Ask {
    fn read(line: &str) -> Option<Self> {
        match line.split_once(' ') {
            None if line == "checkpoint" => Some(Self::Checkpoint),
            None if line == "rotate-key" => Some(Self::RotateKey),
            Some(("export", format)) if export::FORMATS.contains(&format) => {
                Some(Self::Export(format.to_owned()))
            }
            _ => None,
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Checkpoint => "checkpoint\n".to_owned(),
            Self::RotateKey => "rotate-key\n".to_owned(),
            Self::Export(format) => format!("export {format}\n"),
        }
    }

    /// Does it, and answers with a signed checkpoint, or with the new key. Blocking.
    pub fn answer(&self, notary: &Notary, now_ms: i64) -> Result<String, crate::notary::NotaryError> {
        let act = Act::by(Actor::Console, now_ms);
        Ok(match self {
            Self::Checkpoint => notary.checkpoint(now_ms)?.to_string(),
            Self::Export(format) => notary.exported(format, act)?.to_string(),
            Self::RotateKey => format!("{}\n", notary.rotate(act)?),
        })
    }
}

/// Asks the collector that runs on this folder. Blocking.
pub fn ask(dir: &DataDir, ask: &Ask) -> io::Result<Result<String, String>> {
    let mut socket = UnixStream::connect(dir.control())?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.write_all(ask.line().as_bytes())?;
    let mut answer = BufReader::new(socket.take(MAX_ANSWER_BYTES));
    let (mut word, mut text) = (String::new(), String::new());
    answer.read_line(&mut word)?;
    answer.read_to_string(&mut text)?;
    match word.as_str() {
        "done\n" => Ok(Ok(text)),
        "failed\n" => Ok(Err(text.trim_end().to_owned())),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Listens in the folder; whoever calls holds its lock.
pub(super) fn listen(dir: &DataDir) -> io::Result<UnixListener> {
    let path = dir.control();
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    // The folder keeps others out already; a folder of somebody else's making may not.
    std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers, one after the other.
pub(super) async fn serve(listener: UnixListener, notary: Arc<Notary>, clock: Clock) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (notary, clock) = (Arc::clone(&notary), clock.clone());
        let one = async move {
            let (reading, mut writing) = socket.into_split();
            let mut line = String::new();
            tokio::io::BufReader::new(reading.take(MAX_ASKED_BYTES)).read_line(&mut line).await?;
            let answer = match Ask::read(line.trim_end()) {
                None => "failed\nthe running collector knows no such question: it is of another version\n"
                    .to_owned(),
                Some(ask) => {
                    let answered =
                        tokio::task::spawn_blocking(move || ask.answer(&notary, clock.now_ms())).await;
                    match answered {
                        Ok(Ok(text)) => format!("done\n{text}"),
                        Ok(Err(error)) => {
                            tracing::error!(error = &error as &dyn std::error::Error, "nothing was signed");
                            format!("failed\n{}\n", chain(&error))
                        }
                        Err(_) => "failed\nthe running collector is stopping\n".to_owned(),
                    }
                }
            };
            writing.write_all(answer.as_bytes()).await?;
            writing.shutdown().await
        };
        // Whoever went away needs no answer.
        let _ = tokio::time::timeout(PATIENCE, one).await;
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        None => error.to_string(),
        Some(source) => format!("{error}: {}", chain(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_understood_and_nothing_else_is() {
        let asks = [Ask::Checkpoint, Ask::RotateKey, Ask::Export("json".into())];
        for ask in asks {
            assert_eq!(Ask::read(ask.line().trim_end()), Some(ask));
        }
        for line in ["", "export", "export exe", "checkpoint now", "stop"] {
            assert_eq!(Ask::read(line), None, "{line}");
        }
    }
}
