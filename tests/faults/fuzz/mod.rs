//! Junk in, truth out: whatever comes in from outside, nothing panics, nothing hangs, and what is said
//! about it can be shown.
//!
//! Suite T9: `cargo test --test faults fuzz:: -- --nocapture`. One test for each reader of something
//! from outside, through the library. The short form gives each some thousand inputs, the long one
//! (`AUTOEXEC_FAULTS=long`) a hundred times as many; both end with long inputs that are one word over
//! and over, in the long form of a mebibyte each. An input that stops a reader is made as short
//! as it can be before it is shown. What goes out is held against its format: reports of facts that no
//! night should have (`pages`), and messages to receivers that answer anything (`notices`).

mod facts;
mod files;
mod judging;
mod junk;
mod logs;
#[cfg(feature = "notify")]
mod notices;
mod pages;
mod records;
mod samples;
mod times;
mod typed;

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::time::Duration;

use autoexec::support::untrusted::Untrusted;
use rustix::time::ClockId;
use rustix::time::clock_gettime;

use crate::fuzz::junk::Junk;
use crate::fuzz::junk::monsters;
use crate::trials::Trials;
use crate::trials::aloud;
use crate::trials::is_long;

/// Who takes longer than this over a mebibyte hangs, on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// What one input may be shortened by.
const SHORTENINGS: usize = 3_000;
/// Bytes of an input that is one word over and over, in the short form and in the long one.
const SHORT_MONSTER: usize = 32 * 1024;
const LONG_MONSTER: usize = 1024 * 1024;
/// So many of them are taken in the short form; the long one takes all.
const SHORT_MONSTERS: usize = 12;
/// So many real inputs are taken as they are in the short form.
const SHORT_CORPUS: usize = 60;
/// No reader takes more memory than this in all.
const MOST_MEMORY_KIB: u64 = 512 * 1024;

/// What a reader makes of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It makes sense of it.
    Taken,
    /// It says what is wrong.
    Refused,
}

impl Heard {
    pub(crate) fn of(is_taken: bool) -> Self {
        if is_taken { Self::Taken } else { Self::Refused }
    }
}

/// One reader and what it is fed.
pub(crate) struct Target<'a> {
    /// Such as `task files`.
    pub(crate) name: &'static str,
    /// Real inputs.
    pub(crate) corpus: &'a [Vec<u8>],
    /// The words of the format.
    pub(crate) words: &'a [&'a str],
    /// Inputs every day and in a long night.
    pub(crate) trials: (u64, u64),
    /// Whether whole mebibytes come this way.
    pub(crate) takes_monsters: bool,
}

impl Target<'_> {
    /// Feeds the reader. It panics when something is not as it must be.
    pub(crate) fn feed(&self, read: impl Fn(&[u8]) -> Heard) {
        let (short, long) = self.trials;
        let mut trials = Trials::of("T9 fuzzing", short, long);
        let watched = Watched::new(self.name);
        let junk = Junk::of(self.corpus, self.words);
        let (mut taken, mut refused) = (0_u64, 0_u64);
        let mut slowest = Duration::ZERO;
        let mut give = |input: &[u8]| {
            watched.begin(input);
            let begun = used();
            match catch_unwind(AssertUnwindSafe(|| read(input))) {
                Ok(Heard::Taken) => taken += 1,
                Ok(Heard::Refused) => refused += 1,
                Err(_) => self.show_shortest(input, &read, &watched),
            }
            slowest = slowest.max(used().saturating_sub(begun));
        };
        let most = if is_long() { usize::MAX } else { SHORT_CORPUS };
        for sample in self.corpus.iter().take(most) {
            give(sample);
        }
        for _ in 0..trials.wanted {
            give(&junk.next(&mut trials.rng));
        }
        if self.takes_monsters {
            let mut all = monsters(
                self.words,
                if is_long() {
                    LONG_MONSTER
                } else {
                    SHORT_MONSTER
                },
            );
            trials.rng.shuffle(&mut all);
            let most = if is_long() { all.len() } else { SHORT_MONSTERS };
            all.iter().take(most).for_each(|monster| give(monster));
        }
        assert!(taken > 0, "{}: nothing was ever taken", self.name);
        assert!(
            most_memory() < MOST_MEMORY_KIB,
            "{}: {} KiB",
            self.name,
            most_memory()
        );
        trials.tell(&[
            ("of", &self.name),
            ("inputs", &(taken + refused)),
            ("taken", &taken),
            ("refused", &refused),
            ("panics or hangs", &0),
            ("slowest in ms", &slowest.as_millis()),
        ]);
    }

    /// Makes an input that breaks the reader shorter for as long as it breaks it.
    fn show_shortest(&self, input: &[u8], read: &impl Fn(&[u8]) -> Heard, watched: &Watched) -> ! {
        let breaks = |input: &[u8]| {
            watched.begin(input);
            catch_unwind(AssertUnwindSafe(|| read(input))).is_err()
        };
        let mut shortest = input.to_vec();
        let mut tries = 0;
        let mut piece = shortest.len().div_ceil(2);
        while piece > 0 && tries < SHORTENINGS {
            let mut at = 0;
            while at < shortest.len() && tries < SHORTENINGS {
                tries += 1;
                let mut shorter = shortest.clone();
                shorter.drain(at..(at + piece).min(shortest.len()));
                if breaks(&shorter) {
                    shortest = shorter;
                } else {
                    at += piece;
                }
            }
            piece /= 2;
        }
        let name = self.name;
        match catch_unwind(AssertUnwindSafe(|| read(&shortest))) {
            Err(why) => {
                println!("{name}: broken by `{}`", shortest.escape_ascii());
                std::panic::resume_unwind(why)
            }
            Ok(_) => panic!("{name}: broken once by `{}`", input.escape_ascii()),
        }
    }
}

/// Stops the whole test when one input takes for ever: nothing else could.
struct Watched {
    input: Arc<Mutex<Vec<u8>>>,
    begun: mpsc::Sender<()>,
}

impl Watched {
    fn new(name: &'static str) -> Self {
        let (begun, beginnings) = mpsc::channel();
        let input = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&input);
        std::thread::spawn(move || {
            loop {
                match beginnings.recv_timeout(PATIENCE) {
                    Ok(()) => {}
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        let input = shared.lock().unwrap_or_else(PoisonError::into_inner);
                        let file = std::env::temp_dir().join("autoexec-hangs");
                        let _best_effort = std::fs::write(&file, &*input);
                        let (length, file) = (input.len(), file.display());
                        aloud(&format!("{name}: hangs over {length} bytes: see {file}"));
                        std::process::abort();
                    }
                }
            }
        });
        Self { input, begun }
    }

    fn begin(&self, input: &[u8]) {
        let mut kept = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clear();
        kept.extend_from_slice(input);
        drop(kept);
        let _nobody_watches = self.begun.send(());
    }
}

/// What this thread has used of a processor.
fn used() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime)
        .try_into()
        .unwrap_or_default()
}

/// The most memory that this process ever held, in KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
    number.unwrap_or_default()
}

/// What is said to a person on one line can be shown as it is.
#[track_caller]
pub(crate) fn is_one_line(text: &str) {
    assert!(!text.is_empty());
    assert_eq!(Untrusted::from(text).for_terminal(), text);
}

/// The same of several lines.
#[track_caller]
pub(crate) fn are_lines(text: &str) {
    for line in text.lines() {
        assert_eq!(Untrusted::from(line).for_terminal(), line);
    }
}

/// An input as text.
pub(crate) fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}
