//! The kernel's table of processes, as `/proc` shows it.
//!
//! Reading only. A process may be gone or another one between two looks; whoever acts on what was
//! read goes through [`crate::process::identity`], which looks again.

use std::fs;
use std::io;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;

use crate::model::ids::ProcessIdentity;
use crate::support::bytes::OsText;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The process.
    pub process: ProcessIdentity,
    /// Its name as the kernel keeps it, at most 15 bytes; untrusted.
    pub name: OsText,
    /// `R`, `S`, `D`, `Z`, `T`, ….
    pub state: u8,
    /// The parent.
    pub parent: i32,
    /// The process group.
    pub group: i32,
    /// The session.
    pub session: i32,
}

impl Entry {
    /// Whether the process can still do anything: a zombie cannot.
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// The entry of a process; `None` when there is none.
pub fn entry(pid: i32) -> Option<Entry> {
    // The line is about 350 bytes; one read of a buffer on the stack spares an allocation per attempt.
    let mut buffer = [0_u8; 1024];
    let mut file = fs::File::open(format!("/proc/{pid}/stat")).ok()?;
    let mut filled = 0;
    // The kernel makes the whole line for one read; only if a part of it came is there another.
    while buffer.get(..filled)?.last() != Some(&b'\n') {
        match file.read(buffer.get_mut(filled..)?) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    parse(pid, buffer.get(..filled)?)
}

/// Reads a line of `/proc/<pid>/stat`. The name stands in parentheses and may hold anything, also
/// parentheses and newlines, so the last closing one counts.
fn parse(pid: i32, line: &[u8]) -> Option<Entry> {
    let open = line.iter().position(|byte| *byte == b'(')?;
    let close = line.iter().rposition(|byte| *byte == b')')?;
    let name = line.get(open + 1..close)?;
    let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    // The start time is field 22; the session was field 6.
    let start = fields.nth(15)?.parse().ok()?;
    Some(Entry {
        process: ProcessIdentity { pid, start },
        name: OsText::new(name),
        state,
        parent,
        group,
        session,
    })
}

/// The ids of all processes, in no order that may be relied on.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn pids() -> io::Result<Vec<i32>> {
    let mut pids = Vec::new();
    for item in fs::read_dir("/proc")? {
        let name = item?.file_name();
        if let Some(pid) = std::str::from_utf8(name.as_bytes())
            .ok()
            .and_then(|text| text.parse().ok())
        {
            pids.push(pid);
        }
    }
    Ok(pids)
}

/// The real user of a process.
///
/// From `status` and not from the owner of the directory: that is root for a process that may not
/// dump core, such as a supervisor's child before it executes its program.
pub fn user(pid: i32) -> Option<u32> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line)
        .ok()?
        .split_ascii_whitespace()
        .next()?
        .parse()
        .ok()
}

/// The environment that a process was started with, as NUL-separated `NAME=value`.
pub fn environment(pid: i32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{pid}/environ")).ok()
}

/// The children of the calling process, those that it inherited included.
///
/// Meant for a process with a single thread. Where the kernel does not list children the whole
/// table is looked through.
pub fn own_children() -> Vec<Entry> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let listed = fs::read_to_string(format!("/proc/self/task/{own}/children"));
    let pids = match listed {
        Ok(list) => list
            .split_ascii_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect(),
        Err(_) => pids().unwrap_or_default(),
    };
    pids.into_iter()
        .filter_map(entry)
        .filter(|child| child.parent == own)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_process_name_does_not_move_the_fields() {
        let line = b"77 (a) R 1 (\n) S 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0";
        let entry = parse(77, line).unwrap();
        assert_eq!(entry.name.as_bytes(), b"a) R 1 (\n");
        assert_eq!(
            (entry.state, entry.parent, entry.group, entry.session),
            (b'S', 1, 2, 3)
        );
        assert_eq!(entry.process.start, 4242);
    }

    #[test]
    fn our_own_entry_is_alive_and_ours() {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        assert!(entry(own).unwrap().is_alive());
        assert_eq!(user(own), Some(rustix::process::getuid().as_raw()));
        assert!(pids().unwrap().contains(&own));
        assert!(entry(i32::MAX).is_none());
    }
}
