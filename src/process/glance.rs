//! A look at what a running attempt has printed so far: when first, when last, and its last line.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::process::logfollow::Follower;
use crate::process::logread::Piece;

/// The most bytes of a last line that are kept.
const LINE: usize = 4096;

/// What an attempt has printed so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Glance {
    /// From the start to the first output.
    pub first: Option<Duration>,
    /// From the start to the last output.
    pub last: Option<Duration>,
    /// Its last line that is not empty, at most a few thousand bytes of it; untrusted.
    pub line: Vec<u8>,
}

/// Looks at the output of a running attempt.
///
/// # Errors
/// When a file of its output cannot be read.
pub fn glance(logs: &Path, run: RunId, attempt: AttemptId) -> io::Result<Glance> {
    let mut follower = Follower::new(logs, run, attempt);
    let mut seen = Glance::default();
    let mut open = Vec::new();
    loop {
        let pieces = follower.poll()?;
        if pieces.is_empty() {
            break;
        }
        for piece in pieces {
            if let Piece::Output { after, bytes, .. } = piece {
                seen.first.get_or_insert(after);
                seen.last = Some(after);
                take_lines(&mut seen.line, &mut open, &bytes);
            }
        }
    }
    take_lines(&mut seen.line, &mut open, b"\n");
    Ok(seen)
}

/// Keeps the last whole line that is not empty, and what is open behind it.
fn take_lines(last: &mut Vec<u8>, open: &mut Vec<u8>, bytes: &[u8]) {
    for part in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        let is_whole = matches!(part.last(), Some(b'\n' | b'\r'));
        let text = part.trim_ascii_end();
        let room = LINE.saturating_sub(open.len());
        open.extend_from_slice(text.get(..room).unwrap_or(text));
        if is_whole {
            if !open.trim_ascii().is_empty() {
                std::mem::swap(last, open);
            }
            open.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_of(parts: &[&[u8]]) -> Vec<u8> {
        let (mut last, mut open) = (Vec::new(), Vec::new());
        for part in parts {
            take_lines(&mut last, &mut open, part);
        }
        take_lines(&mut last, &mut open, b"\n");
        last
    }

    #[test]
    fn the_last_line_is_put_together_from_its_pieces() {
        assert_eq!(last_of(&[b"one\ntw", b"o\n\n \n"]), b"two");
        assert_eq!(last_of(&[b"one\nthr", b"ee"]), b"three");
        assert_eq!(last_of(&[b"10 %\r20 %\r"]), b"20 %");
        assert_eq!(last_of(&[]), b"");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let long = vec![b'x'; 10 * LINE];
        assert_eq!(last_of(&[&long, &long]).len(), LINE);
    }
}
