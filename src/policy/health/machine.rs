//! What is to be thought of this machine: disk, memory, load, clock, and whether timers fire.

use std::time::Duration;

use crate::model::alert::Level;
use crate::policy::health::{Component, Reading, Thresholds};
use crate::support::clock::Timestamp;
use crate::support::text::{count, size, span};

/// Below this much free space a commit may fail, whatever was written as the limit.
const DISK_FULL: u64 = 64 << 20;
/// The limit of free space where nobody has written one.
const DISK_FREE: u64 = 5 << 30;
/// 2024-01-01: this program was written later.
const SANE: Timestamp = Timestamp::from_millis(1_704_067_200_000);
/// A clock that stands so far behind what it has shown before was set back.
const SET_BACK: Duration = Duration::from_mins(2);

/// A file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Whose it is, fit to be shown: `the queue`, `` `train` ``.
    pub used_by: String,
    /// A directory on it, fit to be shown.
    pub path: String,
    /// Bytes that this user may still write.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// Files that can still be made.
    pub free_inodes: u64,
    /// Files in all; 0 where the file system does not count them.
    pub total_inodes: u64,
}

/// What is to be thought of the disks.
pub fn disks(disks: &[Disk], limits: &Thresholds) -> Vec<Reading> {
    disks.iter().map(|one| disk(one, limits)).collect()
}

fn disk(disk: &Disk, limits: &Thresholds) -> Reading {
    let limit = limits
        .disk_free
        .unwrap_or_else(|| DISK_FREE.min(disk.total / 10));
    let Disk { path, used_by, .. } = disk;
    let free = size(disk.free);
    let says = format!(
        "{free} of {} are free on `{path}` ({used_by})",
        size(disk.total)
    );
    let is_full = disk.free < DISK_FULL.min(disk.total / 20);
    if disk.free < limit.max(1) || is_full {
        let level = if is_full || disk.free < limit / 10 {
            Level::Critical
        } else {
            Level::Warning
        };
        let less = format!("{says}, less than {}", size(limit.max(DISK_FULL)));
        return Reading::found(Component::Disk, level, less)
            .hint("make room, or set `disk_free` in `[health]`");
    }
    let percent = (disk.free_inodes.saturating_mul(100))
        .checked_div(disk.total_inodes)
        .unwrap_or(100);
    if percent < limits.inodes_free.into() {
        let says = format!(
            "only {} more can be made on `{path}` ({used_by}): {percent}% of its inodes are free",
            count(
                usize::try_from(disk.free_inodes).unwrap_or(usize::MAX),
                "file"
            )
        );
        let level = if percent == 0 {
            Level::Critical
        } else {
            Level::Warning
        };
        return Reading::found(Component::Disk, level, says).hint("remove small files");
    }
    Reading::good(Component::Disk, says)
}

/// Memory, of the machine or of the control group that we are in, whichever has less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Bytes that can still be had.
    pub available: u64,
    /// Bytes in all.
    pub total: u64,
    /// It is the limit of a control group.
    pub limited: bool,
}

/// What is to be thought of the memory. `largest` is the queued task that has used most before.
pub fn memory(memory: Memory, largest: Option<&(String, u64)>, limits: &Thresholds) -> Reading {
    let of = if memory.limited {
        " of its control group's limit"
    } else {
        ""
    };
    let (free, total) = (size(memory.available), size(memory.total));
    let says = format!("{free} of {total}{of} are available");
    let percent = memory
        .available
        .saturating_mul(100)
        .checked_div(memory.total)
        .unwrap_or(100);
    let limit = u64::from(limits.memory_free);
    if percent < limit {
        let level = if percent < limit / 4 {
            Level::Critical
        } else {
            Level::Warning
        };
        return Reading::found(Component::Memory, level, format!("only {says}"))
            .hint("see what uses it with `ps aux --sort=-rss | head`");
    }
    match largest {
        Some((name, used)) if *used > memory.available => {
            let says = format!("{says}, and `{name}` has used {} before", size(*used));
            Reading::found(Component::Memory, Level::Warning, says)
                .hint("end what uses memory, or let fewer tasks run at once")
        }
        _ => Reading::good(Component::Memory, says),
    }
}

/// Processes that want to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Over five minutes.
    pub five_minutes: f64,
    /// Processors that we may use.
    pub processors: usize,
}

/// What is to be thought of the load.
pub fn load(load: Load, limits: &Thresholds) -> Reading {
    let says = format!(
        "{:.1} processes want to run on {}",
        load.five_minutes,
        count(load.processors, "processor")
    );
    #[expect(clippy::cast_precision_loss, reason = "nobody has so many processors")]
    let each = load.five_minutes / load.processors.max(1) as f64;
    let limit = f64::from(limits.load);
    if each < limit {
        return Reading::good(Component::Load, says);
    }
    let level = if each < 4.0 * limit {
        Level::Warning
    } else {
        Level::Critical
    };
    Reading::found(Component::Load, level, says).hint("tasks take longer; see `top`")
}

/// What is known of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockFacts {
    /// What it shows.
    pub now: Timestamp,
    /// The last event of the queue.
    pub last_event: Option<Timestamp>,
    /// Whether somebody keeps it right; none: the system does not tell.
    pub synchronised: Option<bool>,
}

/// What is to be thought of the clock.
pub fn clock(facts: ClockFacts) -> Reading {
    let shows = facts.now.to_rfc3339();
    if facts.now < SANE {
        let says =
            format!("the clock shows {shows}, which cannot be: it was not set after the start");
        return Reading::found(Component::Clock, Level::Critical, says)
            .hint("set it, for example with `timedatectl set-ntp true`");
    }
    if let Some(last) = facts.last_event
        && last > facts.now.plus(SET_BACK)
    {
        let back = span(last.since(facts.now));
        let says = format!("the clock was set back: the queue has events {back} ahead of it");
        return Reading::found(Component::Clock, Level::Warning, says)
            .hint("compare it with `date`");
    }
    match facts.synchronised {
        // In a container nobody can tell, and a machine may be right without help.
        Some(false) => {
            let says = "the system does not say that the clock is kept right";
            Reading::found(Component::Clock, Level::Info, says).hint("see `timedatectl`")
        }
        Some(true) => Reading::good(Component::Clock, "it is kept right"),
        None => Reading::good(Component::Clock, "it has not been set back"),
    }
}

/// What is known of the timer of this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linger {
    /// A timer of systemd is installed.
    pub has_timer: bool,
    /// The user's services live while the user is not logged in; none: the system does not tell.
    pub lingers: Option<bool>,
}

/// What is to be thought of the timer; nothing where there is none.
pub fn linger(facts: Linger) -> Option<Reading> {
    if !facts.has_timer {
        return None;
    }
    Some(match facts.lingers {
        Some(true) => Reading::good(
            Component::Lingering,
            "the timer fires also while you are logged out",
        ),
        Some(false) => Reading::found(
            Component::Lingering,
            Level::Warning,
            "the timer fires only while you are logged in, and what runs is ended when you leave",
        )
        .hint("`loginctl enable-linger`"),
        None => return None,
    })
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
