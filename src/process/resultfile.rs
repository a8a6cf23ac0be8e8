//! The result file of an attempt: what a task says of itself, in JSON.
//!
//! Untrusted: it is a regular file of at most [`MOST_BYTES`] or it is passed over with a remark. No link
//! is followed and nothing is waited for. A field that cannot be used costs that field alone.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value;

use crate::model::category::Category;
use crate::model::category::Retryable;
use crate::model::outcome::Said;

/// The most bytes of a result file.
pub const MOST_BYTES: usize = 64 * 1024;
/// The most characters of a message that are kept with the outcome.
const LONGEST: usize = 300;
/// The longest wait that is understood; whoever decides allows less.
const LONGEST_WAIT: f64 = 366.0 * 86_400.0;

/// What a result file says, and remarks about what in it cannot be used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// What it says; `None` where nothing in it can be used.
    pub said: Option<Said>,
    /// Remarks for the report.
    pub notes: Vec<String>,
}

/// Reads the result file of an attempt that is over; `None` if it left none.
pub fn read(path: &Path) -> Option<Found> {
    let object = match load(path) {
        Ok(object) => object?,
        Err(why) => {
            return Some(Found {
                said: None,
                notes: vec![format!("its result file is passed over: {why}")],
            });
        }
    };
    let mut found = Found::default();
    let mut said = Said::default();
    let mut refuse = |key: &str, wanted: &str| {
        let note = format!("`{key}` in its result file is passed over: it must be {wanted}");
        found.notes.push(note);
    };
    match object.get("message") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => said.message = Some(text.chars().take(LONGEST).collect()),
        Some(_) => refuse("message", "a text"),
    }
    match object.get("category") {
        None | Some(Value::Null) => {}
        Some(value) => match value.as_str().and_then(Category::parse) {
            Some(category) => said.category = Some(category),
            None => refuse("category", "one of the categories of failures"),
        },
    }
    match object.get("retryable") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(true)) => said.retryable = Some(Retryable::Yes),
        Some(Value::Bool(false)) => said.retryable = Some(Retryable::No),
        Some(Value::String(word)) if word == "after_fix" => {
            said.retryable = Some(Retryable::AfterFix);
        }
        Some(_) => refuse("retryable", "`true`, `false` or `\"after_fix\"`"),
    }
    match object.get("retry_after") {
        None | Some(Value::Null) => {}
        Some(value) => match value.as_f64().filter(|seconds| *seconds >= 0.0) {
            Some(seconds) => {
                said.retry_after = Duration::try_from_secs_f64(seconds.min(LONGEST_WAIT)).ok();
            }
            None => refuse("retry_after", "a number of seconds"),
        },
    }
    found.said = Some(said);
    Some(found)
}

/// All that a result file says, as one line of JSON; `None` if it cannot be used.
pub fn whole(path: &Path) -> Option<String> {
    let object = load(path).ok()??;
    serde_json::to_string(&object).ok()
}

/// Writes the file anew without what `hide` finds in it; untouched if it finds nothing. What stands behind
/// the longest file that is understood is cut off: nobody looks for secrets in it.
pub fn hide(path: &Path, hide: impl FnOnce(&[u8]) -> Option<Vec<u8>>) {
    let Some(bytes) = open(path).ok().and_then(|file| {
        let is_file = file.metadata().is_ok_and(|data| data.is_file());
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
        (is_file && read.is_ok()).then_some(bytes)
    }) else {
        return;
    };
    let is_too_long = bytes.len() > MOST_BYTES;
    let Some(hidden) = hide(&bytes).or_else(|| is_too_long.then_some(bytes)) else {
        return;
    };
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".hidden");
    let fresh = Path::new(&fresh);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(fresh)
        .and_then(|mut file| file.write_all(&hidden))
        .and_then(|()| std::fs::rename(fresh, path));
    if written.is_err() {
        // What it says is worth less than what it would give away.
        let _gone = std::fs::remove_file(fresh);
        let _gone = std::fs::remove_file(path);
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

fn load(path: &Path) -> Result<Option<Map<String, Value>>, String> {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let data = file.metadata().map_err(|error| error.to_string())?;
    if !data.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    if data.len() > most {
        return Err("it is longer than 64 KiB".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(_) => Err("it holds no JSON object".to_owned()),
        Err(_) => Err("it is not JSON".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: impl AsRef<[u8]>) -> Option<Found> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.json");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn what_a_task_says_is_read_field_by_field() {
        let text = r#"{"message":"quota","category":"rate_limit","retry_after":30,"retryable":true,"result":{"rows":7}}"#;
        let found = read_text(text).unwrap();
        assert!(found.notes.is_empty());
        let said = found.said.unwrap();
        assert_eq!(said.category, Some(Category::RateLimit));
        assert_eq!(said.retry_after, Some(Duration::from_secs(30)));
        assert_eq!(said.retryable, Some(Retryable::Yes));
        let found =
            read_text(r#"{"message":1,"category":"odd","retry_after":-1,"retryable":"no"}"#);
        let found = found.unwrap();
        assert_eq!(found.notes.len(), 4);
        assert_eq!(found.said, Some(Said::default()));
    }

    #[test]
    fn what_is_too_long_to_be_looked_through_is_cut_off_and_stays_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.json");
        let text = format!("{{\"message\":\"{}secret\"}}", "x".repeat(MOST_BYTES));
        std::fs::write(&path, text).unwrap();
        hide(&path, |_| None);
        let left = std::fs::read_to_string(&path).unwrap();
        assert!(!left.contains("secret"));
        let note = read(&path).unwrap().notes.remove(0);
        assert!(note.contains("longer than 64 KiB"), "{note}");
        std::fs::write(&path, "{}").unwrap();
        hide(&path, |_| None);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}");
    }

    #[test]
    fn junk_is_a_remark_and_never_more() {
        assert_eq!(read_text(""), None);
        assert_eq!(read_text(" \n"), None);
        let too_long = format!("{{\"message\":\"{}\"}}", "x".repeat(MOST_BYTES));
        for junk in [&b"{"[..], b"[1]", b"7", b"\xff\xfe", too_long.as_bytes()] {
            let found = read_text(junk).unwrap();
            assert!(found.said.is_none() && found.notes.len() == 1);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.json");
        assert_eq!(read(&path), None);
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(read(&path).unwrap().said.is_none());
        assert!(read(folder.path()).unwrap().said.is_none());
    }
}
