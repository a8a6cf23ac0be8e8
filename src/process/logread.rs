//! Reading captured output: all of it, its end, or as it grows.
//!
//! Files are read by block, never whole, and what a crash left half written ends the reading without
//! an error. [`crate::process::logframe`] has the format.

use std::collections::VecDeque;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::model::outcome::OutputPlace;
use crate::process::logframe::BLOCK_HEAD;
use crate::process::logframe::BlockHead;
use crate::process::logframe::FILE_HEAD;
use crate::process::logframe::Geometry;
use crate::process::logframe::Kind;
use crate::process::logframe::Stream;
use crate::process::logframe::split_frame;

/// A piece of an attempt's output, in the order in which it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes that the command wrote; they may begin and end anywhere in a line.
    Output {
        /// Where it wrote them.
        stream: Stream,
        /// Since the start of the attempt.
        after: Duration,
        /// The bytes, untrusted.
        bytes: Vec<u8>,
    },
    /// Here bytes are missing that were not kept.
    Gap {
        /// How many.
        bytes: u64,
    },
}

/// The pieces of a finished attempt's output; see [`read`].
#[derive(Debug)]
pub struct Pieces {
    source: Source,
    wanted: Option<Stream>,
    ready: VecDeque<Piece>,
}

#[derive(Debug)]
enum Source {
    Nothing,
    /// One stretch of a segment.
    Segment {
        file: File,
        offset: u64,
        length: u64,
    },
    Blocks {
        log: BlockFile,
        /// The block that comes next.
        next: u64,
        newest: u64,
    },
}

/// Reads the output at `place` from the beginning, of one stream or of both.
///
/// # Errors
/// When the file is not there, cannot be read, or is none of ours.
pub fn read(logs: &Path, place: &OutputPlace, wanted: Option<Stream>) -> io::Result<Pieces> {
    let source = match &place.file {
        None => Source::Nothing,
        Some(name) => {
            let file = open(&logs.join(name))?;
            if is_own(name) {
                let log = BlockFile::of(file)?;
                let newest = log.newest()?;
                Source::Blocks {
                    log,
                    next: 0,
                    newest,
                }
            } else {
                Source::Segment {
                    file,
                    offset: place.offset,
                    length: place.length,
                }
            }
        }
    };
    Ok(Pieces {
        source,
        wanted,
        ready: VecDeque::new(),
    })
}

/// The last bytes of a stream, at most `most`, without reading more than is needed.
///
/// # Errors
/// When the file is not there, cannot be read, or is none of ours.
pub fn tail_bytes(
    logs: &Path,
    place: &OutputPlace,
    stream: Stream,
    most: usize,
) -> io::Result<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut have = 0;
    match &place.file {
        Some(name) if is_own(name) => {
            let log = BlockFile::of(open(&logs.join(name))?)?;
            let newest = log.newest()?;
            let tail = log.geometry.oldest_of_tail(newest);
            // The end of the head is not the end of the output if something is missing between.
            let gap = tail > log.geometry.head;
            let head_end = if gap {
                0
            } else {
                log.geometry.head.min(newest + 1)
            };
            for sequence in (0..head_end).chain(tail..=newest).rev() {
                if have >= most {
                    break;
                }
                let Some((_, frames)) = log.block(sequence)? else {
                    continue;
                };
                let part = bytes_of(&frames, stream);
                have += part.len();
                parts.push(part);
            }
        }
        Some(_) => {
            for piece in read(logs, place, Some(stream))? {
                if let Piece::Output { bytes, .. } = piece? {
                    parts.push(bytes);
                }
            }
            parts.reverse();
        }
        None => {}
    }
    parts.reverse();
    let mut all = parts.concat();
    all.drain(..all.len().saturating_sub(most));
    Ok(all)
}

/// The last pieces of the output at `place`, some kilobytes of them, in the order in which they came.
///
/// # Errors
/// When the file is not there, cannot be read, or is none of ours.
pub fn last_pieces(logs: &Path, place: &OutputPlace) -> io::Result<Vec<Piece>> {
    let Some(name) = place.file.as_ref().filter(|name| is_own(name)) else {
        return read(logs, place, None)?.collect();
    };
    let log = BlockFile::of(open(&logs.join(name))?)?;
    let newest = log.newest()?;
    let mut pieces = VecDeque::new();
    for sequence in newest.saturating_sub(1)..=newest {
        if let Some((_, frames)) = log.block(sequence)? {
            push_pieces(&frames, None, &mut pieces);
        }
    }
    Ok(pieces.into())
}

impl Iterator for Pieces {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(Ok(piece));
            }
            match self.refill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.source = Source::Nothing;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Pieces {
    /// Gets more pieces ready; whether there may be any.
    fn refill(&mut self) -> io::Result<bool> {
        match &mut self.source {
            Source::Nothing => Ok(false),
            Source::Segment {
                file,
                offset,
                length,
            } => {
                let bytes = read_up_to(file, *offset, *length)?;
                self.source = Source::Nothing;
                push_pieces(&bytes, self.wanted, &mut self.ready);
                Ok(true)
            }
            Source::Blocks { log, next, newest } => {
                if *next > *newest {
                    return Ok(false);
                }
                let tail = log.geometry.oldest_of_tail(*newest);
                if *next == log.geometry.head && *next < tail {
                    *next = tail;
                    let dropped = log.block(*newest)?.map_or(0, |(head, _)| head.dropped);
                    self.ready.push_back(Piece::Gap { bytes: dropped });
                }
                if let Some((_, frames)) = log.block(*next)? {
                    push_pieces(&frames, self.wanted, &mut self.ready);
                }
                *next += 1;
                Ok(true)
            }
        }
    }
}

/// A file of blocks.
#[derive(Debug)]
pub(crate) struct BlockFile {
    file: File,
    pub(crate) geometry: Geometry,
}

impl BlockFile {
    pub(crate) fn of(file: File) -> io::Result<Self> {
        let mut head = [0; FILE_HEAD];
        file.read_exact_at(&mut head, 0)?;
        let geometry = Geometry::decode(&head).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "it is no log of this program")
        })?;
        Ok(Self { file, geometry })
    }

    /// The header of the block that stands in the place of `sequence`.
    pub(crate) fn head_at(&self, sequence: u64) -> io::Result<Option<BlockHead>> {
        let mut head = [0; BLOCK_HEAD];
        match self
            .file
            .read_exact_at(&mut head, self.geometry.offset(sequence))
        {
            Ok(()) => Ok(BlockHead::decode(&head)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The sequence number of the newest block.
    pub(crate) fn newest(&self) -> io::Result<u64> {
        let mut newest = 0;
        for place in 0..self.geometry.head + self.geometry.ring {
            match self.head_at(place)? {
                Some(head) => newest = newest.max(head.sequence),
                None => break,
            }
        }
        Ok(newest)
    }

    /// The frames of a block; `None` if it is not there, or not any more.
    pub(crate) fn block(&self, sequence: u64) -> io::Result<Option<(BlockHead, Vec<u8>)>> {
        let block = u64::try_from(self.geometry.block).unwrap_or(u64::MAX);
        let bytes = read_up_to(&self.file, self.geometry.offset(sequence), block)?;
        let Some((head, frames)) = bytes.split_first_chunk::<BLOCK_HEAD>() else {
            return Ok(None);
        };
        let wanted = |head: &BlockHead| head.sequence == sequence;
        let Some(head) = BlockHead::decode(head).filter(wanted) else {
            return Ok(None);
        };
        // It may have been overwritten while it was read.
        if self
            .head_at(sequence)?
            .as_ref()
            .is_none_or(|now| !wanted(now))
        {
            return Ok(None);
        }
        Ok(Some((head, frames.to_vec())))
    }
}

pub(crate) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

fn is_own(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "log")
}

/// Reads a stretch of a file, less where the file ends before.
pub(crate) fn read_up_to(file: &File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let there = file.metadata()?.len().saturating_sub(offset).min(length);
    let mut bytes = vec![0; usize::try_from(there).unwrap_or_default()];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..)
        && !rest.is_empty()
    {
        let at = offset + u64::try_from(filled).unwrap_or_default();
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Turns frames into pieces; stops at anything that is no whole frame.
pub(crate) fn push_pieces(mut frames: &[u8], wanted: Option<Stream>, pieces: &mut VecDeque<Piece>) {
    while let Some((head, body, rest)) = split_frame(frames) {
        if let Kind::Output(stream) = head.kind
            && wanted.is_none_or(|wanted| wanted == stream)
        {
            pieces.push_back(Piece::Output {
                stream,
                after: head.after,
                bytes: body.to_vec(),
            });
        }
        frames = rest;
    }
}

fn bytes_of(mut frames: &[u8], stream: Stream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some((head, body, rest)) = split_frame(frames) {
        if head.kind == Kind::Output(stream) {
            bytes.extend_from_slice(body);
        }
        frames = rest;
    }
    bytes
}
