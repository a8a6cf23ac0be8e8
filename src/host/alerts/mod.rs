//! `alerts.jsonl`: what needs somebody's attention, one JSON object per line.
//!
//! Works without the database, because a damaged database is one of the things to alert about, and
//! keeps some room allocated behind its end, so that it can say that the disk is full. Who is told
//! besides, and how, is not decided here. Reading is [`read`]'s.
//!
//! # Rotation
//!
//! A file that would outgrow [`MOST_BYTES`] becomes `alerts.jsonl.1`, that one `.2`, and so on; the
//! oldest of [`FILES`] is dropped. Runs, guards, supervisors and commands append at the same time.
//! Whoever rotates holds a lock of the file that he found too large, and looks again whether it is
//! still the current one; whoever has it open meanwhile appends to it under its new name, where it is
//! read all the same. The gap that a death between two renames leaves is filled first by the next
//! rotation, so nothing is lost by it.
//!
//! INVARIANT: a line is written by one call at the end of the file, and begins behind a line feed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::FallocateFlags;
use serde_json::{Value, json};

use crate::model::layout::StateDir;
use crate::support::clock::Timestamp;
use crate::support::visible_json;

pub use crate::model::alert::Level;

pub mod follow;
pub mod read;

/// The most bytes of one file.
pub const MOST_BYTES: u64 = 1024 * 1024;
/// The files that there are at most, the current one included.
pub const FILES: u32 = 5;
/// The most bytes of a message; what is behind is left out.
const LONGEST_MESSAGE: usize = 4 * 1024;
/// The most bytes of the details; larger ones are left out as a whole.
const LARGEST_DETAILS: usize = 16 * 1024;
/// Room that is kept allocated behind the end of the file.
const ROOM: u64 = 64 * 1024;

/// Appends an alert.
///
/// # Errors
/// When the file is a link or something else than a file, or cannot be written.
pub fn append(
    dir: &StateDir,
    level: Level,
    component: &str,
    message: &str,
    details: &Value,
    now: Timestamp,
) -> io::Result<()> {
    let line = line(level, component, message, details, now)?;
    let mut file = open(dir)?;
    let mut size = file.metadata()?.len();
    if size > 0 && size + line.len() as u64 > MOST_BYTES && rotate(dir, &file)? {
        file = open(dir)?;
        size = file.metadata()?.len();
    }
    keep_room(&file, size);
    // One write: lines of two processes do not mix.
    if ends_within_a_line(&file, size) {
        // Its writer died or ran out of space; only its own line is damaged.
        file.write_all(&[b"\n", line.as_slice()].concat())?;
    } else {
        file.write_all(&line)?;
    }
    file.sync_data()
}

/// Makes the file with its room, while the disk still has some.
///
/// # Errors
/// When the file is a link or something else than a file, or cannot be made.
pub fn prepare(dir: &StateDir) -> io::Result<()> {
    let file = open(dir)?;
    let size = file.metadata()?.len();
    keep_room(&file, size);
    Ok(())
}

fn line(
    level: Level,
    component: &str,
    message: &str,
    details: &Value,
    now: Timestamp,
) -> io::Result<Vec<u8>> {
    let bytes = serde_json::to_vec(details)?.len();
    let left_out = json!({ "left_out_bytes": bytes });
    let details = if bytes > LARGEST_DETAILS {
        &left_out
    } else {
        details
    };
    let line = Line {
        timestamp: now.to_rfc3339(),
        level,
        component,
        message: message
            .get(..message.floor_char_boundary(LONGEST_MESSAGE))
            .unwrap_or_default(),
        details,
    };
    // People read this file, and show it on a terminal.
    let mut bytes = visible_json::to_string(&line)?.into_bytes();
    bytes.push(b'\n');
    Ok(bytes)
}

#[derive(serde::Serialize)]
struct Line<'a> {
    timestamp: String,
    level: Level,
    component: &'a str,
    message: &'a str,
    details: &'a Value,
}

fn open(dir: &StateDir) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        // A FIFO in its place must not keep us waiting for a reader.
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(dir.alerts())?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

/// The current file (0) or the one that was current before so many others.
pub(crate) fn place(dir: &StateDir, number: u32) -> PathBuf {
    let mut name = dir.alerts().into_os_string();
    if number > 0 {
        name.push(format!(".{number}"));
    }
    name.into()
}

/// Makes room for a new file; whether the one that is open is no longer the current one.
fn rotate(dir: &StateDir, file: &File) -> io::Result<bool> {
    if file.try_lock().is_err() {
        // Somebody rotates at this moment, or holds it for nobody knows how long: a file that is a
        // little too large is better than an alert that waits.
        return Ok(false);
    }
    let (own, current) = (file.metadata()?, place(dir, 0).symlink_metadata()?);
    if (own.dev(), own.ino()) != (current.dev(), current.ino()) {
        return Ok(true);
    }
    let last = FILES - 1;
    let free = (1..last)
        .find(|number| place(dir, *number).symlink_metadata().is_err())
        .unwrap_or(last);
    for number in (0..free).rev() {
        // CRASH: a number is missing; the next rotation moves the files before the gap only.
        std::fs::rename(place(dir, number), place(dir, number + 1))?;
    }
    Ok(true)
}

/// Allocates room behind the end of the file. Where that cannot be done the alert is written without.
fn keep_room(file: &File, size: u64) {
    let has_room = file
        .metadata()
        .is_ok_and(|metadata| metadata.blocks() * 512 >= size + ROOM / 4);
    if !has_room {
        let _without = rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, size + ROOM);
    }
}

fn ends_within_a_line(file: &File, size: u64) -> bool {
    let mut last = [b'\n'];
    let Some(at) = size.checked_sub(1) else {
        return false;
    };
    file.read_exact_at(&mut last, at).is_ok() && last != [b'\n']
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
