//! What a runner and a supervisor say to each other over a pair of pipes.
//!
//! A message is a frame: four bytes of length, little-endian, then JSON. Both ends are the same
//! binary, except while an upgrade happens under a running supervisor; so unknown fields are
//! ignored and known ones keep their meaning.

use std::io;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::attempt::Assignment;
use crate::model::ids::{AttemptId, ProcessIdentity};
use crate::model::outcome::{Outcome, StopReason};
use crate::model::spans::optional_millis;
use crate::support::clock::Timestamp;

/// The longest frame that is believed; a longer one is a broken pipe's junk.
///
/// An argument vector may hold 2 MiB (the kernel's usual limit) and JSON may need six bytes for one.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// From the runner to a supervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToSupervisor {
    /// Carry out an attempt as soon as the one before it is over.
    Assign(Box<Assignment>),
    /// Stop an attempt. For one that has not started yet: do not start it.
    Stop {
        /// The attempt.
        attempt: AttemptId,
        /// Why.
        reason: StopReason,
        /// With the stop signal and grace, or at once.
        force: Force,
    },
    /// The outcome of this attempt is committed: its pages are free.
    Acknowledge {
        /// The attempt.
        attempt: AttemptId,
    },
    /// Nothing more will come: finish what was assigned and exit.
    Retire,
}

/// How hard an attempt is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Force {
    /// The task's stop signal, its grace, then the kill.
    Gentle,
    /// The kill.
    Kill,
}

/// From a supervisor to the runner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromSupervisor {
    /// The supervisor holds its slot lock and takes assignments.
    Ready {
        /// The supervisor's own identity.
        supervisor: ProcessIdentity,
    },
    /// The command runs.
    Started {
        /// The attempt.
        attempt: AttemptId,
        /// The command's process.
        process: ProcessIdentity,
        /// When.
        at: Timestamp,
    },
    /// How far the attempt is, by its own word and by its steps.
    Progress {
        /// The attempt.
        attempt: AttemptId,
        /// How.
        progress: Progress,
    },
    /// The attempt did not start and never will.
    NotStarted {
        /// The attempt.
        attempt: AttemptId,
        /// Why not.
        reason: NotStartedReason,
    },
    /// The attempt is over and nothing of it is left, or what is left is named in the outcome.
    Ended {
        /// The attempt.
        attempt: AttemptId,
        /// How.
        outcome: Box<Outcome>,
    },
}

/// How far an attempt is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The remedy that is carried out before its steps, by the name of the strategy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovering: Option<String>,
    /// The step that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Whole percent, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// A few words; untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// It has been silent and idle for so long.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub silent_for: Option<Duration>,
}

/// Why a supervisor did not start what it was assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotStartedReason {
    /// The epoch on disk is no longer the supervisor's own: a later run has taken over.
    Fenced,
    /// It was told to stop before it started.
    Stopped,
    /// The runner is gone, so nobody wants new work.
    RunnerGone,
    /// The supervisor retires (left-over processes that cannot be waited for).
    Retiring,
}

/// Encodes a message as one frame.
///
/// # Errors
/// When the message cannot be written as JSON or is longer than [`MAX_FRAME`].
pub fn encode<M: Serialize>(message: &M) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len().saturating_sub(4);
    if length > MAX_FRAME {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the message is longer than a frame may be",
        ));
    }
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(head) = frame.first_chunk_mut::<4>() {
        *head = length;
    }
    Ok(frame)
}

/// Puts frames together again from whatever pieces a pipe delivers.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: Vec<u8>,
    taken: usize,
}

impl FrameReader {
    /// Adds bytes that were read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 && self.taken == self.buffer.len() {
            self.buffer.clear();
            self.taken = 0;
        } else if self.taken > 64 * 1024 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one.
    ///
    /// # Errors
    /// When the bytes are no frame of this kind of message; the pipe is of no use any more.
    pub fn next_message<M: DeserializeOwned>(&mut self) -> io::Result<Option<M>> {
        let pending = self.buffer.get(self.taken..).unwrap_or_default();
        let Some((head, body)) = pending.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(*head)).unwrap_or(usize::MAX);
        if length > MAX_FRAME {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a frame is longer than any message can be",
            ));
        }
        let Some(json) = body.get(..length) else {
            return Ok(None);
        };
        let message = serde_json::from_slice(json)?;
        self.taken += 4 + length;
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_being_cut_anywhere() {
        let messages = [
            ToSupervisor::Acknowledge {
                attempt: AttemptId::new(7),
            },
            ToSupervisor::Stop {
                attempt: AttemptId::new(8),
                reason: StopReason::Cancelled,
                force: Force::Gentle,
            },
            ToSupervisor::Retire,
        ];
        let stream: Vec<u8> = messages.iter().flat_map(|m| encode(m).unwrap()).collect();
        for cut in 0..stream.len() {
            let mut reader = FrameReader::default();
            let mut seen = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                reader.push(part);
                while let Some(message) = reader.next_message::<ToSupervisor>().unwrap() {
                    seen.push(message);
                }
            }
            assert_eq!(seen, messages, "cut at {cut}");
        }
    }

    #[test]
    fn junk_is_an_error_and_not_an_endless_wait() {
        let mut reader = FrameReader::default();
        reader.push(&[0xff; 8]);
        assert!(reader.next_message::<ToSupervisor>().is_err());
    }
}
