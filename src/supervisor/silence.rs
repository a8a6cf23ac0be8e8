//! Silence: an attempt that prints nothing and does nothing.
//!
//! Pure: it is told the time, of signs of life, and what the processes have used, and says what follows.
//!
//! # What counts as doing nothing
//!
//! Looked at only while there is no output, a few seconds apart. All processes of the attempt together
//! are idle while they use less than [`BUSY_SHARE`] of one CPU **and** write nothing, save for waking each
//! other with fewer than [`BUSY_WRITES`] bytes a second, **and** read fewer than [`BUSY_READS`] bytes a
//! second **and** no disk works for them. A short line in a file of its own is life. A program that only
//! waits is not quite still: timers tick, runtimes collect garbage, a shell asks every second whether a
//! file is there. A wake-up costs some 0.1 ms and 8 bytes (of an event counter), a small child process 1
//! to 2 ms and about 7 KiB of reading (what its loader reads), and neither writes. So two such ticks a
//! second are 0.4 % of a CPU, and below a quarter of what counts. Real work is far above, and one interval
//! of it is enough.
//!
//! Time counts only as far as it was looked at: a machine that slept, or a supervisor that was held up,
//! makes nobody silent.

use std::time::Duration;

use crate::process::activity::Sample;
use crate::process::activity::Work;

/// The share of one CPU from which on an attempt is busy: a hundredth.
const BUSY_SHARE: u32 = 100;
/// CPU time that the kernel's ticks of 10 ms can pretend.
const CPU_GRAIN: Duration = Duration::from_millis(30);
/// Bytes written a second from which on an attempt is busy, even if each call only wakes somebody.
const BUSY_WRITES: u64 = 512;
/// Bytes read a second from which on an attempt is busy.
const BUSY_READS: u64 = 64 * 1024;
/// The longest time between two looks where a limit is set.
const LONGEST_PERIOD: Duration = Duration::from_secs(5);
/// The same where only an alert depends on it.
const LONGEST_PERIOD_OF_ALERT: Duration = Duration::from_secs(30);
const SHORTEST_PERIOD: Duration = Duration::from_millis(250);

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Nothing,
    /// Silent and idle for so long that somebody should know; said once for each silence.
    Stalled(Duration),
    /// Silent and idle for its whole limit.
    Hangs(Duration),
}

/// How long an attempt has been silent and idle.
#[derive(Debug)]
pub(super) struct Silence {
    limit: Option<Duration>,
    stalled_after: Duration,
    period: Duration,
    /// Bytes written a second from which on it is busy, whatever they are.
    busy_writes: u64,
    idle: Duration,
    looked_at: Duration,
    /// At the last sign of life, or the first look after it; and at the last look.
    since: Option<(Duration, Sample)>,
    last: Option<(Duration, Sample)>,
    told: bool,
}

impl Silence {
    /// Of an attempt that begins now.
    ///
    /// Of one whose output is not `heard` every byte that it writes counts.
    pub(super) fn begin(
        limit: Option<Duration>,
        stalled_after: Duration,
        heard: bool,
        now: Duration,
    ) -> Self {
        let period = match limit {
            Some(limit) => (limit / 8).min(LONGEST_PERIOD),
            None => (stalled_after / 8).min(LONGEST_PERIOD_OF_ALERT),
        };
        Self {
            limit,
            stalled_after,
            period: period.max(SHORTEST_PERIOD),
            busy_writes: if heard { BUSY_WRITES } else { 0 },
            idle: Duration::ZERO,
            looked_at: now,
            since: None,
            last: None,
            told: false,
        }
    }

    /// Output, or progress: it lives. Whether that ends a silence that was told.
    pub(super) fn sign_of_life(&mut self, now: Duration) -> bool {
        self.idle = Duration::ZERO;
        self.looked_at = now;
        self.since = None;
        self.last = None;
        std::mem::take(&mut self.told)
    }

    /// When to look next.
    pub(super) fn next_look(&self) -> Duration {
        let left = self.limit.map(|limit| limit.saturating_sub(self.idle));
        let wait = left.map_or(self.period, |left| left.clamp(SHORTEST_PERIOD, self.period));
        self.looked_at.saturating_add(wait)
    }

    /// Takes what the processes have used so far.
    pub(super) fn look(&mut self, now: Duration, sample: Sample) -> Verdict {
        let passed = now.saturating_sub(self.looked_at);
        let is_busy = [&self.since, &self.last]
            .into_iter()
            .flatten()
            .any(|(at, earlier)| {
                is_work(
                    sample.since(earlier),
                    now.saturating_sub(*at),
                    self.busy_writes,
                )
            });
        if is_busy {
            self.sign_of_life(now);
        }
        if self.since.is_none() {
            self.since = Some((now, sample.clone()));
        } else {
            self.idle += passed.min(self.period * 2);
        }
        self.looked_at = now;
        self.last = Some((now, sample));
        match self.limit {
            Some(limit) if self.idle >= limit => Verdict::Hangs(limit),
            None if self.idle >= self.stalled_after && !self.told => {
                self.told = true;
                Verdict::Stalled(self.idle)
            }
            _ => Verdict::Nothing,
        }
    }
}

/// Whether it is more than a program does that only waits.
fn is_work(work: Work, time: Duration, busy_writes: u64) -> bool {
    let seconds = time.as_secs().max(1);
    work.cpu >= CPU_GRAIN.max(time / BUSY_SHARE)
        || work.told > 0
        || work.written >= busy_writes.saturating_mul(seconds).max(1)
        || work.read >= BUSY_READS.saturating_mul(seconds)
        || work.storage > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_hours(1);

    fn work(cpu: u64, read: u64, written: u64, storage: u64) -> Work {
        Work {
            cpu: Duration::from_millis(cpu),
            read,
            written,
            told: 0,
            storage,
        }
    }

    #[test]
    fn a_short_line_in_a_file_is_life() {
        let line = Work {
            written: 12,
            told: 12,
            ..Work::default()
        };
        assert!(is_work(line, 5 * SECOND, BUSY_WRITES));
    }

    #[test]
    fn ticks_are_not_work_and_work_is() {
        for (work, seconds, expected) in [
            (work(0, 0, 0, 0), 5, false),
            // A tick a second, and a shell that asks every half.
            (work(20, 70_000, 40, 0), 5, false),
            (work(60, 0, 0, 0), 5, true),
            (work(0, 0, 3000, 0), 5, true),
            (work(0, 400_000, 0, 0), 5, true),
            (work(0, 0, 0, 4096), 5, true),
            (work(20, 0, 0, 0), 1, false),
            (work(200, 0, 0, 0), 60, false),
            (work(700, 0, 0, 0), 60, true),
        ] {
            assert_eq!(
                is_work(work, seconds * SECOND, BUSY_WRITES),
                expected,
                "{work:?}"
            );
        }
    }

    #[test]
    fn who_does_nothing_hangs_when_the_limit_is_over_and_not_before() {
        let mut silence = Silence::begin(Some(10 * SECOND), HOUR, true, Duration::ZERO);
        let mut now = Duration::ZERO;
        let mut verdicts = Vec::new();
        while now < 30 * SECOND {
            now = silence.next_look();
            let verdict = silence.look(now, Sample::default());
            verdicts.push(verdict);
            if verdict != Verdict::Nothing {
                break;
            }
        }
        assert_eq!(verdicts.last(), Some(&Verdict::Hangs(10 * SECOND)));
        // The silence before the first look is nobody's proof.
        assert!(now >= 11 * SECOND && now <= 13 * SECOND, "{now:?}");
    }

    #[test]
    fn a_sign_of_life_starts_the_count_again() {
        let mut silence = Silence::begin(Some(10 * SECOND), HOUR, true, Duration::ZERO);
        for second in 1..100 {
            let now = second * SECOND;
            if second % 8 == 0 {
                assert!(!silence.sign_of_life(now));
            }
            assert_eq!(silence.look(now, Sample::default()), Verdict::Nothing);
        }
    }

    #[test]
    fn time_that_nobody_looked_at_makes_nobody_silent() {
        let mut silence = Silence::begin(Some(20 * SECOND), HOUR, true, Duration::ZERO);
        silence.look(2 * SECOND, Sample::default());
        // The supervisor was stopped for an hour.
        assert_eq!(silence.look(HOUR, Sample::default()), Verdict::Nothing);
    }

    #[test]
    fn without_a_limit_a_silence_is_told_once() {
        let mut silence = Silence::begin(None, 60 * SECOND, true, Duration::ZERO);
        let mut told = 0;
        for step in 1..100 {
            if let Verdict::Stalled(idle) = silence.look(step * 5 * SECOND, Sample::default()) {
                assert!(idle >= 60 * SECOND);
                told += 1;
            }
        }
        assert_eq!(told, 1);
        assert!(silence.sign_of_life(1000 * SECOND));
        assert!(!silence.sign_of_life(1001 * SECOND));
    }
}
