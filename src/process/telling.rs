//! The file in which a task tells how far it is; also its sign of life.
//!
//! One record of [`RECORD`] bytes, written in place by one call: nothing is made or deleted per word,
//! nothing is synced, and the last word holds. What does not read is no word, but still a sign of
//! life. Whoever looks is `supervisor`; whoever writes is `autoexec progress`.

use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Bytes of the record.
const RECORD: usize = 1024;
/// The most characters of a message that are kept.
const LONGEST: usize = 160;

/// How far a task says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Whole percent, 0 to 100.
    pub percent: u8,
    /// A few words; untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Tells how far a task is.
///
/// # Errors
/// When the file cannot be written.
pub fn tell(path: &Path, told: &Told) -> io::Result<()> {
    let mut told = told.clone();
    if let Some(message) = &mut told.message {
        // A character may take six bytes of JSON, so that the record always has room.
        *message = message.chars().take(LONGEST).collect();
    }
    let mut record = serde_json::to_vec(&told)?;
    record.resize(RECORD, b' ');
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    file.write_all_at(&record, 0)
}

/// What a task told last; `None` if it told nothing that reads.
pub fn read(path: &Path) -> Option<Told> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .ok()?;
    let mut record = Vec::new();
    let most = u64::try_from(RECORD).unwrap_or_default();
    file.take(most).read_to_end(&mut record).ok()?;
    let mut told: Told = serde_json::from_slice(&record).ok()?;
    told.percent = told.percent.min(100);
    told.message = told
        .message
        .map(|message| message.chars().take(LONGEST).collect::<String>())
        .filter(|message| !message.trim().is_empty());
    Some(told)
}

/// Looks again and again whether a task has said something.
#[derive(Debug)]
pub struct Listening {
    path: PathBuf,
    /// The file as it was at the last look.
    seen: Option<(u64, i64, i64)>,
}

impl Listening {
    /// Listens to a file that need not be there.
    pub fn to(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    /// Whether something was said since the last look, even the same again.
    pub fn is_news(&mut self) -> bool {
        let Ok(data) = self.path.symlink_metadata() else {
            return false;
        };
        let now = Some((data.ino(), data.mtime(), data.mtime_nsec()));
        data.is_file() && std::mem::replace(&mut self.seen, now) != now
    }

    /// What was said last.
    pub fn told(&self) -> Option<Told> {
        read(&self.path)
    }

    /// Nobody listens any more.
    pub fn end(&self) {
        if self.seen.is_some() {
            let _left_for_the_end_of_the_run = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_holds_and_every_word_is_a_sign_of_life() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.progress");
        let mut listening = Listening::to(path.clone());
        assert!(!listening.is_news());
        let told = |percent, message: &str| Told {
            percent,
            message: Some(message.to_owned()),
        };
        tell(&path, &told(10, &"long ".repeat(500))).unwrap();
        assert!(listening.is_news());
        assert!(!listening.is_news());
        tell(&path, &told(40, "short")).unwrap();
        assert_eq!(listening.told(), Some(told(40, "short")));
        std::fs::write(&path, "junk").unwrap();
        assert!(listening.is_news());
        assert_eq!(listening.told(), None);
        std::fs::write(&path, "{\"percent\":200,\"message\":\" \"}").unwrap();
        let most = Told {
            percent: 100,
            message: None,
        };
        assert_eq!(listening.told(), Some(most));
        listening.end();
        assert!(!path.exists());
    }

    #[test]
    fn nothing_but_a_file_is_listened_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.progress");
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        let mut listening = Listening::to(path.clone());
        assert!(!listening.is_news());
        assert_eq!(read(&path), None);
    }
}
