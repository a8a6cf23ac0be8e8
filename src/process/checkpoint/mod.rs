//! What tasks save: their checkpoint directories.
//!
//! Every attempt finds a directory of its own task, kept between attempts, crashes and nights.
//! [`spare`] gives it one, [`trace`] tells whether something real changed in it, [`values`] keeps
//! named values in it for `autoexec checkpoint`, and here is what becomes of it in the end.
//!
//! # Cost
//!
//! Nearly every task saves nothing, and a directory cannot be had for the asking: to make one costs
//! a task more than all its records, and to remove 100,000 of them takes minutes. So each slot has one
//! spare directory that is renamed to the task's name and, when it is empty afterwards, back: neither
//! makes nor deletes anything. The path is the same in every attempt, because programs write it down.

pub(in crate::process) mod folder;
pub mod spare;
pub mod trace;
pub mod values;

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::FileType;

use crate::model::ids::TaskId;
use crate::model::layout::StateDir;
use crate::process::checkpoint::folder::Folder;
use crate::support::clock::Timestamp;

/// Where what was moved aside lies, below `checkpoints/`.
const ASIDE: &str = ".aside";
/// How long it is kept.
const KEPT_ASIDE: Duration = Duration::from_hours(7 * 24);

/// Moves what a task saved aside, so that its next attempt starts with nothing. It is kept for a
/// week. `None` when the task had saved nothing.
///
/// # Errors
/// When it cannot be moved.
pub fn set_aside(dir: &StateDir, task: TaskId, now: Timestamp) -> io::Result<Option<PathBuf>> {
    let all = Folder::open(&dir.checkpoints())?;
    let aside = all.inner_or_new(Path::new(ASIDE))?;
    let name = format!("{task}-{}", now.as_millis());
    match all.move_into(Path::new(&task.to_string()), &aside, Path::new(&name)) {
        Ok(()) => Ok(Some(dir.checkpoints().join(ASIDE).join(name))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes what nobody needs any more: what `is_done` says of a task, what was aside for a week,
/// empty directories, and spare ones that a killed supervisor left. Whatever cannot be removed stays.
pub fn tidy(dir: &StateDir, now: Timestamp, mut is_done: impl FnMut(TaskId) -> bool) {
    let Ok(all) = Folder::open(&dir.checkpoints()) else {
        return;
    };
    for name in folders_of(&all) {
        let path = Path::new(&name);
        if let Ok(number) = name.parse() {
            let task = TaskId::new(number);
            if all.remove_empty(path).is_err() && is_done(task) {
                let _stays = all.remove_all(path);
            }
        } else if let Some(slot) = name.strip_prefix(spare::PREFIX)
            && !dir.slots().join(slot).exists()
        {
            let _stays = all.remove_empty(path);
        }
    }
    let Ok(aside) = all.inner(Path::new(ASIDE)) else {
        return;
    };
    for name in folders_of(&aside) {
        let at = name
            .rsplit_once('-')
            .and_then(|(_, at)| at.parse().ok())
            .map(Timestamp::from_millis);
        if at.is_none_or(|at| at.plus(KEPT_ASIDE) < now) {
            let _stays = aside.remove_all(Path::new(&name));
        }
    }
}

/// The directories of a directory; links to directories are none.
fn folders_of(folder: &Folder) -> Vec<String> {
    let mut names: Vec<String> = folder
        .names()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .collect();
    names.retain(|name| {
        folder
            .look_at(Path::new(name))
            .is_ok_and(|data| FileType::from_raw_mode(data.st_mode) == FileType::Directory)
    });
    names
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
