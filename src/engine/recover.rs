//! What became of attempts whose supervisor cannot say it any more.
//!
//! Two callers: the start of a run or of a changing command, which finds what an earlier run left
//! open ([`examine`]), and a living run, one of whose supervisors is gone ([`inspect`]). Both only
//! look and sweep; what follows for a task is decided by the same step as for any other end.
//!
//! INVARIANT: the new epoch is written before any record is read (`engine::entry`). A supervisor
//! writes `starting` before it reads the epoch. So either it sees the new epoch and starts nothing,
//! or its `starting` is seen here.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::model::ids::AttemptId;
use crate::model::ids::BootId;
use crate::model::ids::ProcessIdentity;
use crate::model::ids::QueueId;
use crate::model::layout::StateDir;
use crate::model::message::NotStartedReason;
use crate::model::outcome::LossCause;
use crate::model::outcome::Outcome;
use crate::model::slot::SlotEntry;
use crate::model::slot::SlotRecord;
use crate::process::cgroup;
use crate::process::slotfile;
use crate::process::slotfile::LockGuard;
use crate::process::sweep::Remains;
use crate::process::sweep::SweepReport;
use crate::process::sweep::is_left;
use crate::process::sweep::sweep_all;
use crate::process::sweep::sweep_inherited;
use crate::support::clock::Timestamp;
use crate::support::crash;

/// An attempt that the database calls open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open {
    /// The attempt.
    pub(crate) attempt: AttemptId,
    /// The boot in which it was claimed.
    pub(crate) boot: BootId,
    /// Whether its row says that it runs.
    pub(crate) running: bool,
}

/// What became of an open attempt.
#[derive(Debug)]
pub(crate) enum Fate {
    /// Its outcome was kept.
    Outcome(Box<Outcome>),
    /// It never started and never will.
    NeverStarted(NotStartedReason),
    /// Nobody saw its end.
    Lost {
        /// Why not.
        cause: LossCause,
        /// When it started, if that is known.
        started_at: Option<Timestamp>,
        /// How many steps of the task are known to be finished.
        steps_done: u32,
        /// A process of it is left that could not be killed.
        survivors: bool,
    },
    /// Its supervisor lives.
    Alive {
        /// The slot file whose lock the supervisor holds.
        slot_file: PathBuf,
        /// The supervisor.
        supervisor: ProcessIdentity,
        /// When the command started, if it is known to have.
        started_at: Option<Timestamp>,
    },
}

/// What a look at all slot files found.
#[derive(Debug, Default)]
pub(crate) struct Examination {
    /// The fate of every open attempt.
    pub(crate) fates: Vec<(AttemptId, Fate)>,
    /// Slot files that nobody holds; to be removed once the fates are durable.
    pub(crate) spent: Vec<PathBuf>,
}

/// The queue and the boot that records must belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here {
    /// This queue.
    pub(crate) queue: QueueId,
    /// This boot.
    pub(crate) boot: BootId,
}

/// Looks at every slot file for what became of the open attempts.
///
/// # Errors
/// When the directory of slot files or one of them cannot be read: then nothing may be started.
pub(crate) fn examine(dir: &StateDir, here: Here, open: &[Open]) -> io::Result<Examination> {
    let mut examination = Examination::default();
    let mut unseen: BTreeMap<AttemptId, Open> =
        open.iter().map(|open| (open.attempt, *open)).collect();
    let mut dead = Dead::default();
    for path in slot_files(dir)? {
        let lock = slotfile::try_lock(&path)?;
        // Read after the lock was tried: what a dead supervisor wrote last is there.
        let records = slotfile::latest(&slotfile::read_pages(&path)?, here.queue);
        let found: Vec<(AttemptId, SlotRecord)> = records
            .into_iter()
            .filter(|(attempt, _)| unseen.remove(attempt).is_some())
            .collect();
        let fates = match lock {
            None => held_by_the_living(&path, here, found),
            Some(lock) => {
                let fates = dead.take(lock, &path, here, found);
                examination.spent.push(path);
                fates
            }
        };
        examination.fates.extend(fates);
    }
    let unrecorded: Vec<Open> = unseen.into_values().collect();
    let fates = without_record(here, &unrecorded, &mut dead);
    examination.fates.extend(fates);
    examination.fates.extend(dead.sweep(here));
    crash::point("recovery_after_sweep");
    Ok(examination)
}

/// What a supervisor of this run that is gone left behind of the attempts it was handed.
///
/// Blocks until its slot lock is free: only then is it dead. `inherited` tells that it was a child of
/// this process and is collected, so that its orphans have come here.
///
/// # Errors
/// When the slot file cannot be read.
pub(crate) fn inspect(
    path: &Path,
    here: Here,
    attempts: &[AttemptId],
    inherited: bool,
) -> io::Result<Vec<(AttemptId, Fate)>> {
    let lock = slotfile::wait_lock(path)?;
    let mut records = slotfile::latest(&slotfile::read_pages(path)?, here.queue);
    let (recorded, unrecorded): (Vec<_>, Vec<_>) = attempts
        .iter()
        .map(|attempt| (*attempt, records.remove(attempt)))
        .partition(|(_, record)| record.is_some());
    let recorded = recorded
        .into_iter()
        .filter_map(|(attempt, record)| Some((attempt, record?)))
        .collect();
    let mut dead = Dead {
        inherited,
        ..Dead::default()
    };
    let mut fates = dead.take(lock, path, here, recorded);
    fates.extend(dead.sweep(here));
    fates.extend(unrecorded.into_iter().map(|(attempt, _)| {
        // It never wrote `starting`, and it is dead: the assignment died in the pipe.
        (attempt, Fate::NeverStarted(NotStartedReason::RunnerGone))
    }));
    Ok(fates)
}

/// Every slot file, in a fixed order.
pub(crate) fn slot_files(dir: &StateDir) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir.slots())? {
        let entry = entry?;
        let path = entry.path();
        // Whatever else lies there is not ours.
        if path != dir.epoch() && entry.file_type()?.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The supervisor lives: what has ended is taken, what has not is its to finish.
fn held_by_the_living(
    path: &Path,
    here: Here,
    found: Vec<(AttemptId, SlotRecord)>,
) -> Vec<(AttemptId, Fate)> {
    found
        .into_iter()
        .map(|(attempt, record)| {
            let fate = match record.entry {
                // Whoever holds the lock is of this boot; an older record is of another life.
                _ if record.boot != here.boot => after_reboot(record.entry),
                SlotEntry::Ended(outcome) => Fate::Outcome(outcome),
                SlotEntry::NotStarted(reason) => Fate::NeverStarted(reason),
                SlotEntry::Starting { supervisor } => Fate::Alive {
                    slot_file: path.to_owned(),
                    supervisor,
                    started_at: None,
                },
                SlotEntry::Running { supervisor, at, .. } => Fate::Alive {
                    slot_file: path.to_owned(),
                    supervisor,
                    started_at: Some(at),
                },
            };
            (attempt, fate)
        })
        .collect()
}

/// An attempt that may have run under a supervisor that is dead.
#[derive(Debug)]
struct MaybeRan {
    remains: Remains,
    /// Since when, as far as is known.
    started_at: Option<Timestamp>,
    /// Steps that are known to be finished.
    steps_done: u32,
}

/// Supervisors that are dead, and what they may have left running.
///
/// Swept all at once: each look of a sweep goes through all processes of the machine.
#[derive(Debug, Default)]
pub(crate) struct Dead {
    /// The proof that they are dead, kept until everything is swept.
    locks: Vec<LockGuard>,
    /// Attempts that may have run.
    maybe_ran: Vec<MaybeRan>,
    /// The names of their slots' control groups.
    groups: Vec<String>,
    /// Whether their orphans came to this process.
    inherited: bool,
}

impl Dead {
    /// The supervisor of a slot file is dead: its lock is ours. Gives what is known already.
    pub(crate) fn take(
        &mut self,
        lock: LockGuard,
        slot_file: &Path,
        here: Here,
        found: Vec<(AttemptId, SlotRecord)>,
    ) -> Vec<(AttemptId, Fate)> {
        let group = cgroup::name(here.queue, slot_file);
        let mut fates = Vec::new();
        for (attempt, record) in found {
            let (supervisor, started_at, steps_done) = match record.entry {
                _ if record.boot != here.boot => {
                    fates.push((attempt, after_reboot(record.entry)));
                    continue;
                }
                SlotEntry::Ended(outcome) => {
                    fates.push((attempt, Fate::Outcome(outcome)));
                    continue;
                }
                SlotEntry::NotStarted(reason) => {
                    fates.push((attempt, Fate::NeverStarted(reason)));
                    continue;
                }
                SlotEntry::Starting { supervisor } => (supervisor, None, 0),
                SlotEntry::Running {
                    supervisor,
                    at,
                    steps_done,
                    process: _,
                } => (supervisor, Some(at), steps_done),
            };
            let remains = Remains {
                attempt,
                supervisor: Some(supervisor),
                group: group.clone(),
            };
            self.maybe_ran.push(MaybeRan {
                remains,
                started_at,
                steps_done,
            });
        }
        self.groups.extend(group);
        self.locks.push(lock);
        fates
    }

    /// Kills what is left of attempts that may have run; then nobody can know more.
    pub(crate) fn sweep(self, here: Here) -> Vec<(AttemptId, Fate)> {
        let remains: Vec<Remains> = self
            .maybe_ran
            .iter()
            .map(|one| one.remains.clone())
            .collect();
        let report = match (remains.is_empty(), self.inherited) {
            (true, _) => SweepReport::default(),
            (false, true) => sweep_inherited(here.queue, &remains),
            (false, false) => sweep_all(here.queue, &remains),
        };
        let is_clean = report.is_clean();
        let fates = self
            .maybe_ran
            .iter()
            .map(|one| {
                let fate = Fate::Lost {
                    cause: LossCause::SupervisorDied,
                    started_at: one.started_at,
                    steps_done: one.steps_done,
                    // Whose the survivors are is asked only when there are any.
                    survivors: !is_clean && is_left(here.queue, &one.remains, self.inherited),
                };
                (one.remains.attempt, fate)
            })
            .collect();
        // What was made in another part of the tree stays there, empty.
        if let Some(base) = (!self.groups.is_empty()).then(cgroup::Base::find).flatten() {
            for group in &self.groups {
                base.remove(group);
            }
        }
        drop(self.locks);
        fates
    }
}

/// No process survives a restart of the machine, so a record of another boot says all there is.
fn after_reboot(entry: SlotEntry) -> Fate {
    let (started_at, steps_done) = match entry {
        SlotEntry::Ended(outcome) => return Fate::Outcome(outcome),
        SlotEntry::NotStarted(reason) => return Fate::NeverStarted(reason),
        SlotEntry::Starting { .. } => (None, 0),
        SlotEntry::Running { at, steps_done, .. } => (Some(at), steps_done),
    };
    Fate::Lost {
        cause: LossCause::Reboot,
        started_at,
        steps_done,
        survivors: false,
    }
}

/// Attempts of which no slot file knows anything.
fn without_record(here: Here, unrecorded: &[Open], dead: &mut Dead) -> Vec<(AttemptId, Fate)> {
    let mut fates = Vec::new();
    for open in unrecorded {
        if !open.running {
            // Whoever was assigned it is fenced off or dead.
            fates.push((
                open.attempt,
                Fate::NeverStarted(NotStartedReason::RunnerGone),
            ));
        } else if open.boot == here.boot {
            let remains = Remains {
                attempt: open.attempt,
                supervisor: None,
                group: None,
            };
            dead.maybe_ran.push(MaybeRan {
                remains,
                started_at: None,
                steps_done: 0,
            });
        } else {
            fates.push((
                open.attempt,
                Fate::Lost {
                    cause: LossCause::Reboot,
                    started_at: None,
                    steps_done: 0,
                    survivors: false,
                },
            ));
        }
    }
    fates
}
