//! What processes hang on: where in the kernel they wait, for which lock, and what they have open.
//!
//! For a person, as short lines. Names of programs, files and peers only: no arguments and no
//! environment, which may hold secrets. The text is untrusted.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::process::table::Entry;
use crate::support::bytes::OsText;

/// So many processes are told, those without children first.
const MOST_PROCESSES: usize = 6;
/// So many open files of each.
const MOST_FILES: usize = 5;
/// So many descriptors are looked at.
const MOST_DESCRIPTORS: usize = 256;
/// The most of a table of the kernel that is read.
const MOST_TABLE: u64 = 4 << 20;
/// The longest name of a file.
const LONGEST: usize = 120;

/// What these processes hang on, the most telling lines first.
pub fn describe(processes: &[Entry]) -> Vec<String> {
    let is_parent = |entry: &Entry| {
        processes
            .iter()
            .any(|other| other.parent == entry.process.pid)
    };
    let mut order: Vec<&Entry> = processes.iter().collect();
    order.sort_by_key(|entry| is_parent(entry));
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut lines = Vec::new();
    for entry in order.iter().take(MOST_PROCESSES) {
        lines.push(waiting(entry, &locks));
        lines.extend(open_files(entry.process.pid));
    }
    let more = order.len().saturating_sub(MOST_PROCESSES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// What a process is doing, in one line.
fn waiting(entry: &Entry, locks: &str) -> String {
    let pid = entry.process.pid;
    let name = entry.name.untrusted().for_terminal();
    let state = match entry.state {
        b'R' => "runs",
        b'S' | b'I' => "sleeps",
        b'D' => "is stuck in the kernel",
        b'T' | b't' => "is stopped",
        _ => "is there",
    };
    let place = fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
    let is_symbol = |text: &str| {
        text.len() > 1
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
    };
    let place = match place.trim() {
        place if is_symbol(place) => format!(" in {place}"),
        _ => String::new(),
    };
    let lock = match holder(locks, pid) {
        Some(holder) => format!(", waits for a lock of process {holder}"),
        None => String::new(),
    };
    format!("`{name}` (process {pid}) {state}{place}{lock}")
}

/// Who holds the lock that a process waits for. A waiting line has the number of the holding one.
fn holder(locks: &str, pid: i32) -> Option<i32> {
    let parts = |line: &str| -> Option<(String, bool, i32)> {
        let mut words = line.split_ascii_whitespace().peekable();
        let number = words.next()?.to_owned();
        let waits = words.next_if_eq(&"->").is_some();
        // Kind, manner, access, process.
        let pid = words.nth(3)?.parse().ok()?;
        Some((number, waits, pid))
    };
    let all: Vec<(String, bool, i32)> = locks.lines().filter_map(parts).collect();
    let (number, ..) = all
        .iter()
        .find(|(_, waits, other)| *waits && *other == pid)?;
    let (.., holder) = all
        .iter()
        .find(|(other, waits, _)| !*waits && other == number)?;
    Some(*holder)
}

/// What a process has open that can tell something.
fn open_files(pid: i32) -> Vec<String> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, OsText)> = entries
        .take(MOST_DESCRIPTORS)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let number = entry.file_name().to_str()?.parse().ok()?;
            let target = fs::read_link(entry.path()).ok()?;
            Some((number, OsText::from(target)))
        })
        .collect();
    found.sort_by_key(|(number, _)| *number);
    let sockets: Vec<u64> = found.iter().filter_map(|(_, name)| socket(name)).collect();
    let peers = if sockets.is_empty() {
        BTreeMap::new()
    } else {
        peers(pid, &sockets)
    };
    found
        .into_iter()
        .filter_map(|(number, name)| {
            let what = match socket(&name) {
                Some(inode) => match peers.get(&inode) {
                    Some(peer) => peer.clone(),
                    None => "a socket".to_owned(),
                },
                // The outputs that we read ourselves, and what tells nothing.
                None if number < 3 && name.as_bytes().starts_with(b"pipe:") => return None,
                None if name.as_bytes() == b"/dev/null" => return None,
                None if name.as_bytes().starts_with(b"anon_inode:") => return None,
                None => name.untrusted().for_terminal_within(LONGEST),
            };
            Some(format!("  has open {what} (descriptor {number})"))
        })
        .take(MOST_FILES)
        .collect()
}

/// The inode of a socket.
fn socket(name: &OsText) -> Option<u64> {
    let name = name.as_str()?;
    name.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

/// What the wanted sockets are connected to, in the network of the process.
fn peers(pid: i32, wanted: &[u64]) -> BTreeMap<u64, String> {
    let mut found = BTreeMap::new();
    for (table, words) in [
        ("tcp", "a TCP connection"),
        ("tcp6", "a TCP connection"),
        ("udp", "a UDP socket"),
    ] {
        let Ok(file) = fs::File::open(format!("/proc/{pid}/net/{table}")) else {
            continue;
        };
        for line in BufReader::new(file.take(MOST_TABLE)).lines().skip(1) {
            let Ok(line) = line else { break };
            let mut fields = line.split_ascii_whitespace();
            let (Some(local), Some(remote), Some(state)) =
                (fields.nth(1), fields.next(), fields.next())
            else {
                continue;
            };
            let Some(inode) = fields.nth(5).and_then(|inode| inode.parse().ok()) else {
                continue;
            };
            if !wanted.contains(&inode) {
                continue;
            }
            let what = match (state, address(local), address(remote)) {
                ("0A", Some(local), _) => format!("a TCP socket that listens on {local}"),
                ("02", _, Some(remote)) => format!("{words} that is being made to {remote}"),
                (_, _, Some(remote)) => format!("{words} to {remote}"),
                _ => continue,
            };
            found.insert(inode, what);
        }
    }
    found
}

/// An address as the kernel's tables have it: words of four bytes in the order of the machine.
fn address(text: &str) -> Option<String> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for start in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(start..start + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    match bytes.len() {
        4 => {
            let bytes: [u8; 4] = bytes.try_into().ok()?;
            Some(format!("{}:{port}", Ipv4Addr::from(bytes)))
        }
        16 => {
            let bytes: [u8; 16] = bytes.try_into().ok()?;
            let address = Ipv6Addr::from(bytes);
            Some(match address.to_ipv4_mapped() {
                Some(address) => format!("{address}:{port}"),
                None => format!("[{address}]:{port}"),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::table::entry;
    use std::net::TcpListener;
    use std::net::TcpStream;

    #[test]
    fn open_files_and_peers_of_a_process_are_told() {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _connection = TcpStream::connect(address).unwrap();
        let inodes: Vec<u64> = fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| {
                let target = fs::read_link(entry.ok()?.path()).ok()?;
                socket(&OsText::from(target))
            })
            .collect();
        let told: Vec<String> = peers(own, &inodes).into_values().collect();
        assert!(
            told.contains(&format!("a TCP connection to {address}")),
            "{told:?}"
        );
        assert!(
            told.contains(&format!("a TCP socket that listens on {address}")),
            "{told:?}"
        );
        let lines = describe(&[entry(own).unwrap()]);
        assert!(lines[0].contains(&format!("(process {own})")), "{lines:?}");
        assert!(lines.len() <= 1 + MOST_FILES);
    }

    #[test]
    fn who_holds_the_lock_that_somebody_waits_for() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 00:2f:9 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 22 00:2f:7 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 33 00:2f:7 0 EOF\n";
        assert_eq!(holder(locks, 33), Some(22));
        assert_eq!(holder(locks, 22), None);
        assert_eq!(holder("", 33), None);
    }

    #[test]
    fn addresses_of_both_kinds_are_read() {
        let v4 = format!("{:08X}:1F90", u32::from_ne_bytes([127, 0, 0, 1]));
        assert_eq!(address(&v4).unwrap(), "127.0.0.1:8080");
        let v6 = format!("{:024X}{:08X}:0050", 0, u32::from_ne_bytes([0, 0, 0, 1]));
        assert_eq!(address(&v6).unwrap(), "[::1]:80");
        assert_eq!(address("xyz:1"), None);
        assert_eq!(address("0100:1"), None);
    }
}
