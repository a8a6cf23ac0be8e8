//! Reading alerts, the newest first, without holding anybody up.
//!
//! A line that is not an alert is counted and passed over: it was written by a process that died, or
//! by hand.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;

use crate::host::alerts::{FILES, MOST_BYTES, place};
use crate::model::alert::{Alert, Level};
use crate::model::layout::StateDir;
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;

/// The most bytes of a file that are read, from its end.
const MOST_READ: u64 = 2 * MOST_BYTES;

/// Which alerts are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// As bad as this or worse.
    pub level: Level,
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// Not after this instant.
    pub to: Option<Timestamp>,
    /// The most of them, the newest.
    pub most: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The alerts, the newest first.
    pub alerts: Vec<Alert>,
    /// There are more that were wanted.
    pub has_more: bool,
    /// Lines that are not alerts.
    pub damaged: usize,
}

impl Wanted {
    /// The newest alerts of any kind.
    pub const fn newest(most: usize) -> Self {
        Self {
            level: Level::Info,
            from: None,
            to: None,
            most,
        }
    }

    pub(super) fn takes(&self, alert: &Alert) -> bool {
        alert.level >= self.level
            && self.from.is_none_or(|from| alert.timestamp >= from)
            && self.to.is_none_or(|to| alert.timestamp <= to)
    }
}

/// The newest alerts that are wanted; none where there is no file.
///
/// # Errors
/// When a file cannot be read.
pub fn newest(dir: &StateDir, wanted: &Wanted) -> io::Result<Found> {
    let mut found = Found::default();
    // All are opened before any is read, and the current one first: while somebody rotates, a file
    // may be met twice and none is missed.
    let mut files = Vec::new();
    let mut known = Vec::new();
    for number in 0..FILES {
        let Some(file) = open(dir, number)? else {
            continue;
        };
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        if metadata.is_file() && !known.contains(&identity) {
            known.push(identity);
            files.push(file);
        }
    }
    for mut file in files {
        let text = tail(&mut file)?;
        for line in text.split(|byte| *byte == b'\n').rev() {
            match parse(line) {
                None => found.damaged += usize::from(!line.trim_ascii().is_empty()),
                Some(alert) if !wanted.takes(&alert) => {}
                Some(_) if found.alerts.len() >= wanted.most => {
                    found.has_more = true;
                    return Ok(found);
                }
                Some(alert) => found.alerts.push(alert),
            }
        }
    }
    Ok(found)
}

pub(super) fn open(dir: &StateDir, number: u32) -> io::Result<Option<File>> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(place(dir, number));
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The end of a file, from the beginning of a line on.
fn tail(file: &mut File) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    let from = size.saturating_sub(MOST_READ);
    file.seek(SeekFrom::Start(from))?;
    let mut text = Vec::new();
    file.take(MOST_READ).read_to_end(&mut text)?;
    if from > 0 {
        let begin = text.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        text.drain(..begin);
    }
    Ok(text)
}

#[derive(Deserialize)]
struct Line {
    timestamp: String,
    level: Level,
    component: String,
    message: String,
    #[serde(default)]
    details: Value,
}

pub(super) fn parse(line: &[u8]) -> Option<Alert> {
    let line: Line = serde_json::from_slice(line).ok()?;
    let timestamp = DateTime::parse_from_rfc3339(&line.timestamp).ok()?;
    Some(Alert {
        timestamp: Timestamp::from_millis(timestamp.timestamp_millis()),
        level: line.level,
        component: Untrusted::from(line.component),
        message: Untrusted::from(line.message),
        details: line.details,
    })
}
