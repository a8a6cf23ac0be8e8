//! Capturing the output of attempts: small ones side by side, large ones in files of their own.
//!
//! One writer per slot ([`SlotLog`]). ext4 makes the creation of files dear, so an output gets a file
//! only when it outgrows [`SMALL`]. What is kept of a large one is bounded: its head and its tail
//! ([`crate::process::logframe`] has the format). Output is bytes here: lines, however long, and
//! characters are the reader's business.
//!
//! A log that cannot be written (a full disk) never disturbs the command: the rest of its output is
//! counted and thrown away, and the outcome says so.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::model::layout::log_name;
use crate::model::layout::segment_name;
use crate::model::outcome::OutputPlace;
use crate::process::logframe::BLOCK_HEAD;
use crate::process::logframe::BlockHead;
use crate::process::logframe::FILE_HEAD;
use crate::process::logframe::FRAME_HEAD;
use crate::process::logframe::FrameHead;
use crate::process::logframe::Geometry;
use crate::process::logframe::Kind;
use crate::process::logframe::Stream;
use crate::process::logframe::split_frame;

/// An output of more bytes than this gets a file of its own.
pub const SMALL: u64 = 64 * 1024;

/// Marks the end of what was written: no frame begins with zeros.
const END_MARK: [u8; FRAME_HEAD] = [0; FRAME_HEAD];

/// The writer of a slot's output.
#[derive(Debug)]
pub struct SlotLog {
    logs: PathBuf,
    segment_name: String,
    segment: Option<File>,
    /// Where the next frame of the segment goes.
    end: u64,
    attempt: AttemptId,
    cap: u64,
    target: Target,
    place: OutputPlace,
    /// The frames of the present attempt in the segment, to be copied if it outgrows it.
    recent: Vec<u8>,
    scratch: Vec<u8>,
    /// Whether anything is kept at all.
    is_kept: bool,
}

#[derive(Debug)]
enum Target {
    Segment,
    Own(Box<OwnLog>),
    /// Writing failed; the rest of this attempt's output is only counted.
    Nowhere,
}

impl SlotLog {
    /// The log of slot `number` of a run. Nothing is created before there is output.
    pub fn new(logs: &Path, run: RunId, number: usize) -> Self {
        Self {
            logs: logs.to_owned(),
            segment_name: segment_name(run, number),
            segment: None,
            end: 0,
            attempt: AttemptId::new(0),
            cap: 0,
            target: Target::Segment,
            place: OutputPlace::default(),
            recent: Vec::new(),
            scratch: Vec::new(),
            is_kept: true,
        }
    }

    /// A log that keeps nothing and only counts.
    pub fn nowhere() -> Self {
        Self {
            is_kept: false,
            ..Self::new(Path::new(""), RunId::new(0), 0)
        }
    }

    /// Begins an attempt of whose output about `cap` bytes are kept.
    pub fn begin(&mut self, attempt: AttemptId, cap: u64) {
        self.attempt = attempt;
        self.cap = cap;
        self.target = Target::Segment;
        self.place = OutputPlace::default();
        self.recent.clear();
    }

    /// Takes output, `after` the start of the attempt.
    pub fn append(&mut self, stream: Stream, after: Duration, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match stream {
            Stream::Stdout => self.place.stdout_bytes += count,
            Stream::Stderr => self.place.stderr_bytes += count,
            Stream::Remedy => {}
        }
        if stream != Stream::Remedy {
            self.place.first_after.get_or_insert(after);
            self.place.last_after = Some(after);
        }
        if !self.is_kept {
            return;
        }
        let written = match &mut self.target {
            Target::Nowhere => return,
            Target::Own(own) => own.append(stream, after, bytes, &mut self.scratch),
            Target::Segment => self.append_small(stream, after, bytes),
        };
        if written.is_err() {
            self.place.write_failed = true;
            if let Target::Own(own) = &self.target {
                self.place.length = own.length;
                self.place.dropped_bytes = own.dropped;
            }
            self.target = Target::Nowhere;
        }
    }

    /// The attempt is over: where its output is.
    pub fn finish(&mut self) -> OutputPlace {
        if let Target::Own(own) = &self.target {
            self.place.length = own.length;
            self.place.dropped_bytes = own.dropped;
        }
        self.target = Target::Segment;
        std::mem::take(&mut self.place)
    }

    /// Whether so much came that larger pipes pay.
    pub fn is_large(&self) -> bool {
        matches!(self.target, Target::Own(_))
    }

    fn append_small(&mut self, stream: Stream, after: Duration, bytes: &[u8]) -> io::Result<()> {
        let size = self.recent.len() + FRAME_HEAD + bytes.len();
        if u64::try_from(size).unwrap_or(u64::MAX) > SMALL.min(self.cap) {
            return self.move_out(stream, after, bytes);
        }
        self.scratch.clear();
        if self.place.file.is_none() {
            let id = self.attempt.get().to_le_bytes();
            push_frame(&mut self.scratch, Kind::Begin, after, &id);
        }
        let begin = self.scratch.len();
        push_frame(&mut self.scratch, Kind::Output(stream), after, bytes);
        self.recent
            .extend_from_slice(self.scratch.get(begin..).unwrap_or_default());
        self.write_segment()
    }

    /// Writes the scratch buffer at the end of the segment.
    fn write_segment(&mut self) -> io::Result<()> {
        let segment = if let Some(file) = self.segment.take() {
            file
        } else {
            let file = open(&self.logs.join(&self.segment_name))?;
            self.end = file.metadata()?.len();
            file
        };
        // CRASH: half a frame may stand at the end; readers stop before it, and the next frame of
        // this supervisor overwrites it.
        let written = segment.write_all_at(&self.scratch, self.end);
        self.segment = Some(segment);
        written?;
        let count = u64::try_from(self.scratch.len()).unwrap_or(u64::MAX);
        if self.place.file.is_none() {
            self.place.file = Some(self.segment_name.clone());
            self.place.offset = self.end;
        }
        self.place.length += count;
        self.end += count;
        Ok(())
    }

    /// Gives the attempt a file of its own and copies what there is so far.
    fn move_out(&mut self, stream: Stream, after: Duration, bytes: &[u8]) -> io::Result<()> {
        let name = log_name(self.attempt);
        let mut own = OwnLog::create(&self.logs.join(&name), self.attempt, self.cap)?;
        let mut rest = self.recent.as_slice();
        while let Some((head, body, next)) = split_frame(rest) {
            if let Kind::Output(stream) = head.kind {
                own.append(stream, head.after, body, &mut self.scratch)?;
            }
            rest = next;
        }
        own.append(stream, after, bytes, &mut self.scratch)?;
        if self.place.file.is_some() {
            // Whoever follows the output in the segment is told where it goes on. If this cannot be
            // written, only followers suffer.
            self.scratch.clear();
            push_frame(&mut self.scratch, Kind::Moved, after, &[]);
            let _best_effort = self.write_segment();
        }
        self.place.file = Some(name);
        self.place.offset = 0;
        self.recent.clear();
        self.target = Target::Own(Box::new(own));
        Ok(())
    }
}

fn push_frame(buffer: &mut Vec<u8>, kind: Kind, after: Duration, body: &[u8]) {
    let head = FrameHead {
        kind,
        after,
        length: body.len(),
    };
    buffer.extend_from_slice(&head.encode());
    buffer.extend_from_slice(body);
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// The file of one large output.
#[derive(Debug)]
struct OwnLog {
    file: File,
    geometry: Geometry,
    /// The block that is being filled, and how much of it is.
    sequence: u64,
    used: usize,
    /// Bytes of output in each block of the tail, by place.
    kept: Vec<u64>,
    dropped: u64,
    length: u64,
}

impl OwnLog {
    fn create(path: &Path, attempt: AttemptId, cap: u64) -> io::Result<Self> {
        let geometry = Geometry::for_cap(cap);
        let file = open(path)?;
        file.set_len(0)?;
        file.write_all_at(&geometry.encode(attempt), 0)?;
        let mut own = Self {
            file,
            geometry,
            sequence: 0,
            used: 0,
            kept: Vec::new(),
            dropped: 0,
            length: u64::try_from(FILE_HEAD).unwrap_or_default(),
        };
        own.begin_block()?;
        Ok(own)
    }

    fn append(
        &mut self,
        stream: Stream,
        after: Duration,
        mut bytes: &[u8],
        scratch: &mut Vec<u8>,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = self.geometry.block.saturating_sub(self.used + FRAME_HEAD);
            if room == 0 {
                self.sequence += 1;
                self.begin_block()?;
                continue;
            }
            let (part, rest) = bytes.split_at(room.min(bytes.len()));
            scratch.clear();
            push_frame(scratch, Kind::Output(stream), after, part);
            let size = scratch.len();
            if self.used + size + FRAME_HEAD <= self.geometry.block {
                scratch.extend_from_slice(&END_MARK);
            }
            self.write(scratch)?;
            self.used += size;
            if let Some(kept) = self.kept_here() {
                *kept += u64::try_from(part.len()).unwrap_or_default();
            }
            bytes = rest;
        }
        Ok(())
    }

    fn begin_block(&mut self) -> io::Result<()> {
        // What stood in this place of the tail is given up now.
        let given_up = self.kept_here().map_or(0, std::mem::take);
        self.dropped += given_up;
        self.used = 0;
        let head = BlockHead {
            sequence: self.sequence,
            dropped: self.dropped,
        };
        let mut bytes = head.encode().to_vec();
        bytes.extend_from_slice(&END_MARK);
        self.write(&bytes)?;
        self.used = BLOCK_HEAD;
        Ok(())
    }

    /// Bytes of output in the present block; `None` in the head, which is never given up.
    fn kept_here(&mut self) -> Option<&mut u64> {
        let turn = self.sequence.checked_sub(self.geometry.head)?;
        let place = usize::try_from(turn % self.geometry.ring).ok()?;
        if self.kept.len() <= place {
            self.kept.resize(place + 1, 0);
        }
        self.kept.get_mut(place)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let offset =
            self.geometry.offset(self.sequence) + u64::try_from(self.used).unwrap_or_default();
        self.file.write_all_at(bytes, offset)?;
        let end = offset + u64::try_from(bytes.len()).unwrap_or_default();
        self.length = self.length.max(end);
        Ok(())
    }
}

#[cfg(test)]
#[path = "logfile_tests.rs"]
mod tests;
