//! Following the output of an attempt that runs, without asking its supervisor.
//!
//! The place of a running attempt's output is not in the database yet. It is found by its
//! `Begin` frame in one of the run's segments, or in a file of its own; when it moves from the one to
//! the other the follower goes along and shows nothing twice.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::model::layout::log_name;
use crate::process::logframe::FRAME_HEAD;
use crate::process::logframe::Kind;
use crate::process::logframe::begun;
use crate::process::logframe::split_frame;
use crate::process::logread::BlockFile;
use crate::process::logread::Piece;
use crate::process::logread::open;
use crate::process::logread::push_pieces;
use crate::process::logread::read_up_to;

/// Bytes of a segment that are looked at in one go.
const STRETCH: u64 = 1024 * 1024;

/// A reader of output that still grows.
#[derive(Debug)]
pub struct Follower {
    logs: PathBuf,
    run: RunId,
    attempt: AttemptId,
    position: Position,
    /// Bytes of output that were handed out.
    delivered: u64,
}

#[derive(Debug)]
enum Position {
    /// No output was seen yet; the segments were looked through up to these places.
    Searching(Vec<(PathBuf, u64)>),
    Segment {
        file: File,
        offset: u64,
    },
    Own {
        log: BlockFile,
        sequence: u64,
        /// Into the frames of the block.
        offset: usize,
        /// Bytes that were already handed out from the segment.
        skip: u64,
    },
    /// Another attempt's output begins.
    Over,
}

impl Follower {
    /// A follower of an attempt; it need not have written anything yet.
    pub fn new(logs: &Path, run: RunId, attempt: AttemptId) -> Self {
        Self {
            logs: logs.to_owned(),
            run,
            attempt,
            position: Position::Searching(Vec::new()),
            delivered: 0,
        }
    }

    /// What came since the last call; nothing is no end.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn poll(&mut self) -> io::Result<Vec<Piece>> {
        let mut pieces = VecDeque::new();
        if matches!(self.position, Position::Searching(_)) {
            self.search()?;
        }
        if matches!(self.position, Position::Segment { .. }) {
            self.poll_segment(&mut pieces)?;
        }
        if matches!(self.position, Position::Own { .. }) {
            self.poll_own(&mut pieces)?;
        }
        Ok(pieces.into())
    }

    fn search(&mut self) -> io::Result<()> {
        if self.enter_own(0)? {
            return Ok(());
        }
        let Position::Searching(seen) = &mut self.position else {
            return Ok(());
        };
        let prefix = format!("{}-", self.run);
        for item in std::fs::read_dir(&self.logs)? {
            let item = item?;
            let name = item.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&prefix)
                && name.ends_with(".seg")
                && !seen.iter().any(|(path, _)| *path == item.path())
            {
                seen.push((item.path(), 0));
            }
        }
        for (path, offset) in seen {
            let file = open(path)?;
            if let Some(found) = find_begin(&file, offset, self.attempt)? {
                self.position = Position::Segment {
                    file,
                    offset: found,
                };
                return Ok(());
            }
        }
        Ok(())
    }

    /// Goes over to the attempt's own file, if it is there.
    fn enter_own(&mut self, skip: u64) -> io::Result<bool> {
        let file = match open(&self.logs.join(log_name(self.attempt))) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let log = match BlockFile::of(file) {
            Ok(log) => log,
            // Just being made.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        };
        self.position = Position::Own {
            log,
            sequence: 0,
            offset: 0,
            skip,
        };
        Ok(true)
    }

    fn poll_segment(&mut self, pieces: &mut VecDeque<Piece>) -> io::Result<()> {
        let Position::Segment { file, offset } = &mut self.position else {
            return Ok(());
        };
        let bytes = read_up_to(file, *offset, STRETCH)?;
        let mut rest = bytes.as_slice();
        while let Some((head, body, next)) = split_frame(rest) {
            match head.kind {
                Kind::Begin => {
                    self.position = Position::Over;
                    return Ok(());
                }
                Kind::Moved => {
                    self.enter_own(self.delivered)?;
                    return Ok(());
                }
                Kind::Output(stream) => {
                    let count = u64::try_from(body.len()).unwrap_or_default();
                    self.delivered += count;
                    *offset += count + u64::try_from(FRAME_HEAD).unwrap_or_default();
                    pieces.push_back(Piece::Output {
                        stream,
                        after: head.after,
                        bytes: body.to_vec(),
                    });
                }
            }
            rest = next;
        }
        Ok(())
    }

    fn poll_own(&mut self, pieces: &mut VecDeque<Piece>) -> io::Result<()> {
        let Position::Own {
            log,
            sequence,
            offset,
            skip,
        } = &mut self.position
        else {
            return Ok(());
        };
        loop {
            // Looked at before the block is read: a block that has a successor is complete.
            let complete = log
                .head_at(*sequence + 1)?
                .is_some_and(|next| next.sequence > *sequence);
            if let Some((_, frames)) = log.block(*sequence)? {
                let fresh = frames.get(*offset..).unwrap_or_default();
                let mut found = VecDeque::new();
                push_pieces(fresh, None, &mut found);
                *offset += whole_frames(fresh);
                pieces.extend(
                    found
                        .into_iter()
                        .filter_map(|piece| skip_known(piece, skip)),
                );
                if !complete {
                    return Ok(());
                }
                *sequence += 1;
            } else {
                // Overtaken by the writer, or not begun yet.
                let newest = log.newest()?;
                if newest <= *sequence {
                    return Ok(());
                }
                let dropped = log.block(newest)?.map_or(0, |(head, _)| head.dropped);
                *sequence = log.geometry.oldest_of_tail(newest);
                *skip = 0;
                pieces.push_back(Piece::Gap { bytes: dropped });
            }
            *offset = 0;
        }
    }
}

/// Bytes of the whole frames at the beginning.
fn whole_frames(frames: &[u8]) -> usize {
    let mut rest = frames;
    while let Some((_, _, next)) = split_frame(rest) {
        rest = next;
    }
    frames.len() - rest.len()
}

/// Leaves out what was handed out before.
fn skip_known(piece: Piece, skip: &mut u64) -> Option<Piece> {
    let Piece::Output {
        stream,
        after,
        mut bytes,
    } = piece
    else {
        return Some(piece);
    };
    let known = usize::try_from(*skip)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    *skip -= u64::try_from(known).unwrap_or_default();
    bytes.drain(..known);
    (!bytes.is_empty()).then_some(Piece::Output {
        stream,
        after,
        bytes,
    })
}

/// Looks for the beginning of an attempt from `offset` on, which moves behind what was looked at.
fn find_begin(file: &File, offset: &mut u64, attempt: AttemptId) -> io::Result<Option<u64>> {
    loop {
        let bytes = read_up_to(file, *offset, STRETCH)?;
        let mut rest = bytes.as_slice();
        let mut moved = false;
        while let Some((head, body, next)) = split_frame(rest) {
            let size = u64::try_from(rest.len() - next.len()).unwrap_or_default();
            *offset += size;
            moved = true;
            if head.kind == Kind::Begin && begun(body) == Some(attempt) {
                return Ok(Some(*offset));
            }
            rest = next;
        }
        if !moved {
            return Ok(None);
        }
    }
}
