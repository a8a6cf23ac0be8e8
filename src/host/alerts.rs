//! `alerts.jsonl`: what needs somebody's attention, one JSON object per line.
//!
//! Works without the database, because a damaged database is one of the things to alert about. Who
//! is told besides, and how, is not decided here.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use serde::{Deserialize, Serialize};

use crate::model::layout::StateDir;
use crate::support::clock::Timestamp;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Good to know.
    Info,
    /// Something will go wrong if nobody looks.
    Warning,
    /// Something went wrong.
    Critical,
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: Level,
    component: &'a str,
    message: &'a str,
    details: &'a serde_json::Value,
}

/// Appends an alert.
///
/// # Errors
/// When the file is a link or cannot be written.
pub fn append(
    dir: &StateDir,
    level: Level,
    component: &str,
    message: &str,
    details: &serde_json::Value,
    now: Timestamp,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Line {
        timestamp: now.to_rfc3339(),
        level,
        component,
        message,
        details,
    })?;
    line.push(b'\n');
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(dir.alerts())?;
    // One write: lines of two processes do not mix.
    file.write_all(&line)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn an_alert_is_one_line_whatever_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::at(folder.path());
        let now = Timestamp::from_millis(0);
        let details = serde_json::json!({ "free": 7 });
        append(
            &dir,
            Level::Critical,
            "store",
            "disk\nfull \"now\"",
            &details,
            now,
        )
        .unwrap();
        append(
            &dir,
            Level::Info,
            "run",
            "ended",
            &serde_json::Value::Null,
            now,
        )
        .unwrap();
        let text = fs::read_to_string(dir.alerts()).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["level"], "CRITICAL");
        assert_eq!(lines[0]["message"], "disk\nfull \"now\"");
        assert_eq!(lines[0]["details"]["free"], 7);
        assert_eq!(lines[0]["timestamp"], "1970-01-01T00:00:00.000Z");
        let mode = dir.alerts().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_link_in_place_of_the_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StateDir::at(folder.path());
        let elsewhere = folder.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, dir.alerts()).unwrap();
        let now = Timestamp::from_millis(0);
        append(&dir, Level::Info, "run", "x", &serde_json::Value::Null, now).unwrap_err();
        assert!(!elsewhere.exists());
    }
}
