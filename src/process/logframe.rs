//! The format of captured output, as bytes.
//!
//! Output is kept as **frames**: a header (what it is, when, how long) and the bytes as the command
//! wrote them. Frames lie in two kinds of files, both below `logs/`:
//!
//! * a **segment** (`<run>-<slot>.seg`): the small outputs of a slot, attempt after attempt, each
//!   behind a [`Kind::Begin`] frame; an output that became large ends there with [`Kind::Moved`];
//! * a file of its own (`<attempt>.log`): a [`Geometry`], then blocks of one size. A block has a
//!   [`BlockHead`] and frames that never cross its end. The first blocks keep the head of the output,
//!   the others are written in turn and so keep its tail.
//!
//! Sixteen zero bytes where a header should be mean: no more yet. Writing is
//! [`crate::process::logfile`], reading [`crate::process::logread`].

use std::time::Duration;

use crate::model::ids::AttemptId;

/// Bytes of a frame's header.
pub(crate) const FRAME_HEAD: usize = 16;
/// Bytes of a block's header.
pub(crate) const BLOCK_HEAD: usize = 24;
/// Bytes before the first block of a file.
pub(crate) const FILE_HEAD: usize = 64;

const FRAME_MAGIC: [u8; 2] = [0xA5, b'f'];
const BLOCK_MAGIC: [u8; 8] = *b"AXBLOCK1";
const FILE_MAGIC: [u8; 8] = *b"AXLOG\0\0\x01";

/// One of the two outputs of a command, or what was printed before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Both outputs of what was done about an earlier failure, before the command. It is kept apart,
    /// because the failure of a command is not judged by it.
    Remedy,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bytes that the command wrote.
    Output(Stream),
    /// What follows is of another attempt.
    Begin,
    /// The output goes on in a file of its own, from the beginning.
    Moved,
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) kind: Kind,
    /// Since the start of the attempt.
    pub(crate) after: Duration,
    /// Bytes that follow.
    pub(crate) length: usize,
}

impl FrameHead {
    pub(crate) fn encode(self) -> [u8; FRAME_HEAD] {
        let kind = match self.kind {
            Kind::Output(Stream::Stdout) => 1,
            Kind::Output(Stream::Stderr) => 2,
            Kind::Begin => 3,
            Kind::Moved => 4,
            Kind::Output(Stream::Remedy) => 5,
        };
        let length = u32::try_from(self.length).unwrap_or(u32::MAX);
        let millis = u64::try_from(self.after.as_millis()).unwrap_or(u64::MAX);
        let mut head = [0; FRAME_HEAD];
        let fields = FRAME_MAGIC
            .into_iter()
            .chain([kind, 0])
            .chain(length.to_le_bytes())
            .chain(millis.to_le_bytes());
        for (place, byte) in head.iter_mut().zip(fields) {
            *place = byte;
        }
        head
    }

    /// Reads a header; `None` for anything else, the end mark included.
    pub(crate) fn decode(head: &[u8; FRAME_HEAD]) -> Option<Self> {
        let (magic, rest) = head.split_first_chunk::<2>()?;
        let (kind, rest) = rest.split_first_chunk::<2>()?;
        let (length, millis) = rest.split_first_chunk::<4>()?;
        let millis = millis.first_chunk::<8>()?;
        if *magic != FRAME_MAGIC {
            return None;
        }
        let kind = match kind {
            [1, 0] => Kind::Output(Stream::Stdout),
            [2, 0] => Kind::Output(Stream::Stderr),
            [3, 0] => Kind::Begin,
            [4, 0] => Kind::Moved,
            [5, 0] => Kind::Output(Stream::Remedy),
            _ => return None,
        };
        Some(Self {
            kind,
            after: Duration::from_millis(u64::from_le_bytes(*millis)),
            length: usize::try_from(u32::from_le_bytes(*length)).ok()?,
        })
    }
}

/// The first frame of some bytes and what follows it; `None` when there is no whole one.
pub(crate) fn split_frame(bytes: &[u8]) -> Option<(FrameHead, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<FRAME_HEAD>()?;
    let head = FrameHead::decode(head)?;
    let (body, rest) = rest.split_at_checked(head.length)?;
    Some((head, body, rest))
}

/// The attempt that a [`Kind::Begin`] frame names.
pub(crate) fn begun(body: &[u8]) -> Option<AttemptId> {
    body.first_chunk::<8>()
        .map(|id| AttemptId::new(i64::from_le_bytes(*id)))
}

/// How the blocks of a file are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Bytes of a block, its header included.
    pub(crate) block: usize,
    /// Blocks that are written once.
    pub(crate) head: u64,
    /// Blocks that are written in turn.
    pub(crate) ring: u64,
}

impl Geometry {
    const SMALLEST_BLOCK: usize = 512;
    const LARGEST_BLOCK: usize = 256 * 1024;

    /// An arrangement that keeps about `cap` bytes, half of them from the end.
    pub(crate) fn for_cap(cap: u64) -> Self {
        let half = cap / 2;
        let block = usize::try_from(half / 8)
            .unwrap_or(Self::LARGEST_BLOCK)
            .clamp(Self::SMALLEST_BLOCK, Self::LARGEST_BLOCK);
        let blocks = half.div_ceil(u64::try_from(block).unwrap_or(1));
        Self {
            block,
            head: blocks,
            // One more, because one of them is always being filled.
            ring: blocks.max(1) + 1,
        }
    }

    /// The place of the block with this sequence number among all blocks.
    pub(crate) fn place(&self, sequence: u64) -> u64 {
        match sequence.checked_sub(self.head) {
            None => sequence,
            Some(turn) => self.head + turn % self.ring,
        }
    }

    /// Where the block with this sequence number begins in the file.
    pub(crate) fn offset(&self, sequence: u64) -> u64 {
        let block = u64::try_from(self.block).unwrap_or(u64::MAX);
        u64::try_from(FILE_HEAD)
            .unwrap_or(u64::MAX)
            .saturating_add(self.place(sequence).saturating_mul(block))
    }

    /// The oldest block of the tail that still stands when the newest is `newest`.
    pub(crate) fn oldest_of_tail(&self, newest: u64) -> u64 {
        self.head.max((newest + 1).saturating_sub(self.ring))
    }

    pub(crate) fn encode(self, attempt: AttemptId) -> [u8; FILE_HEAD] {
        let mut head = [0; FILE_HEAD];
        let block = u64::try_from(self.block).unwrap_or_default();
        let fields = FILE_MAGIC
            .into_iter()
            .chain(attempt.get().to_le_bytes())
            .chain(block.to_le_bytes())
            .chain(self.head.to_le_bytes())
            .chain(self.ring.to_le_bytes());
        for (place, byte) in head.iter_mut().zip(fields) {
            *place = byte;
        }
        head
    }

    pub(crate) fn decode(head: &[u8; FILE_HEAD]) -> Option<Self> {
        let (magic, rest) = head.split_first_chunk::<8>()?;
        let (_attempt, rest) = rest.split_first_chunk::<8>()?;
        let (block, rest) = rest.split_first_chunk::<8>()?;
        let (head, rest) = rest.split_first_chunk::<8>()?;
        let ring = rest.first_chunk::<8>()?;
        let geometry = Self {
            block: usize::try_from(u64::from_le_bytes(*block)).ok()?,
            head: u64::from_le_bytes(*head),
            ring: u64::from_le_bytes(*ring),
        };
        let sound = *magic == FILE_MAGIC
            && (Self::SMALLEST_BLOCK..=Self::LARGEST_BLOCK).contains(&geometry.block)
            && geometry.ring > 1;
        sound.then_some(geometry)
    }
}

/// A block's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockHead {
    /// Grows by one with every block that is begun.
    pub(crate) sequence: u64,
    /// Bytes of output that were given up when this block was begun.
    pub(crate) dropped: u64,
}

impl BlockHead {
    pub(crate) fn encode(self) -> [u8; BLOCK_HEAD] {
        let mut head = [0; BLOCK_HEAD];
        let fields = BLOCK_MAGIC
            .into_iter()
            .chain(self.sequence.to_le_bytes())
            .chain(self.dropped.to_le_bytes());
        for (place, byte) in head.iter_mut().zip(fields) {
            *place = byte;
        }
        head
    }

    pub(crate) fn decode(head: &[u8; BLOCK_HEAD]) -> Option<Self> {
        let (magic, rest) = head.split_first_chunk::<8>()?;
        let (sequence, dropped) = rest.split_first_chunk::<8>()?;
        let dropped = dropped.first_chunk::<8>()?;
        (*magic == BLOCK_MAGIC).then_some(Self {
            sequence: u64::from_le_bytes(*sequence),
            dropped: u64::from_le_bytes(*dropped),
        })
    }
}
