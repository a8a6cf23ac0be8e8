//! The figures of a run, as its last line tells them; counted by `engine::tally`.

/// The figures of a run: how many of its tasks stand where at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunTotals {
    /// Succeeded at the first attempt.
    pub ok: usize,
    /// Succeeded after a failed attempt.
    pub recovered: usize,
    /// Succeeded, which is hard to believe.
    pub suspicious: usize,
    /// Failed for good.
    pub failed: usize,
    /// Wait for a person.
    pub held: usize,
    /// Will not run because another task failed.
    pub blocked: usize,
    /// Did not run, because the task behind whose failure they come succeeded.
    pub not_needed: usize,
    /// Were stopped and go on next time.
    pub interrupted: usize,
    /// Were called off.
    pub cancelled: usize,
    /// Were not started, because the window would have been or was too short.
    pub deferred: usize,
    /// Are queued and were not reached.
    pub waiting: usize,
    /// Attempts that were started.
    pub attempts: usize,
}
