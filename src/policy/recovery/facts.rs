//! What the choice of a recovery rests on.
//!
//! All of it is owned, because it travels with the end of an attempt. What is known anyway when an
//! attempt is judged (its definition, its outcome, the window, `now`) is in
//! [`DecideFacts`](crate::policy::decide::DecideFacts).

use std::collections::BTreeMap;

use crate::model::category::Classification;
use crate::model::layout::StateDir;
use crate::model::recovery::PastRecovery;
use crate::model::recovery::RecoverMode;
use crate::model::remedy::Adjustment;
use crate::model::remedy::Await;
use crate::policy::recovery::learned::Learned;

/// What the choice of a recovery rests on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecoveryFacts {
    /// How far recoveries of this task may go: see [`effective_mode`](super::effective_mode).
    pub mode: RecoverMode,
    /// Guarded strategies that the machine allows.
    pub machine_allow: Vec<String>,
    /// Recoveries of this task since it was last queued by somebody, oldest first.
    pub past: Vec<PastRecovery>,
    /// How its attempts differ from the definition by now.
    pub adjustments: Adjustment,
    /// What the program failed with before, where this attempt did not come about because a remedy
    /// failed; then everything below is about that failure.
    pub original: Option<Classification>,
    /// The program that failed, by its base name; empty where nobody knows.
    pub tool: String,
    /// The fingerprint of the failure.
    pub fingerprint: String,
    /// Which entries of the task's `recover` are for expressions that its output matches, by their
    /// places; a missing place is not matched.
    pub matched: Vec<bool>,
    /// The strategies that a user's pattern names, in its order; none where it names none.
    pub strategies: Option<Vec<String>>,
    /// The strategies that whoever asks is able to carry out; none: all of them.
    pub able: Option<&'static [&'static str]>,
    /// What is known of strategies for failures like this one.
    pub learned: Learned,
    /// A breaker of one of its services is open: nobody else needs to watch whether it comes back.
    pub service_open: bool,
    /// How services are probed, as the configuration declares it; by their names.
    pub probes: BTreeMap<String, Await>,
    /// What this machine has.
    pub host: HostFacts,
    /// Other attempts ran beside this one.
    pub others_ran: bool,
    /// Recoveries that were begun this night, of all tasks.
    pub recoveries_tonight: u32,
    /// The task has something saved: a checkpoint or finished steps.
    pub checkpoint: bool,
    /// The state directory, below which environments of tasks are installed; none: nowhere.
    pub environments: Option<StateDir>,
    /// What the draws are made from; stored with the choice.
    pub seed: u64,
}

/// What this machine has; `None` where nobody looked or could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// A TCP port that nobody listens on.
    pub free_port: Option<u16>,
    /// Bytes of memory that are available.
    pub memory_available: Option<u64>,
    /// Bytes of memory in all.
    pub memory_total: Option<u64>,
    /// The hard limit of open files.
    pub files_hard_limit: Option<u64>,
    /// Bytes that are free on the file system of the task's workdir.
    pub disk_free: Option<u64>,
}
