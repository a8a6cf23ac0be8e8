//! How far attempts are whose supervisors an earlier run left behind: they speak to nobody any more, so
//! their slot files are read now and then.
//!
//! A picture for the eye only: nothing is decided by it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::dispatcher::Dispatcher;
use crate::engine::progress;
use crate::model::ids::AttemptId;
use crate::model::slot::SlotEntry;
use crate::process::slotfile;
use crate::support::clock::Timestamp;

/// The slot files of adopted attempts.
#[derive(Debug, Default)]
pub(crate) struct Adopted(BTreeMap<AttemptId, Slot>);

#[derive(Debug)]
struct Slot {
    file: PathBuf,
    /// How many steps were told to be finished.
    told: Option<u32>,
}

impl Adopted {
    /// An attempt was adopted that is recorded in this file.
    pub(crate) fn add(&mut self, attempt: AttemptId, file: PathBuf) {
        self.0.insert(attempt, Slot { file, told: None });
    }
}

impl Dispatcher<'_> {
    /// Tells which steps adopted attempts have come to since the last look.
    pub(crate) fn look_at_adopted(&mut self, now: Timestamp) {
        let live = &self.state.live;
        let queue = self.entered.here.queue;
        self.adopted
            .0
            .retain(|attempt, _| live.contains_key(attempt));
        for (attempt, slot) in &mut self.adopted.0 {
            // What cannot be read now may be read at the next look.
            let Ok(pages) = slotfile::read_pages(&slot.file) else {
                continue;
            };
            let latest = slotfile::latest(&pages, queue);
            let entry = latest.get(attempt).map(|record| &record.entry);
            let Some(SlotEntry::Running { steps_done, .. }) = entry else {
                continue;
            };
            if slot.told.replace(*steps_done) == Some(*steps_done) {
                continue;
            }
            let event = progress::in_step(&self.state, *attempt, *steps_done)
                .and_then(|progress| progress::told(&self.state, *attempt, progress));
            if let Some(event) = event {
                self.watcher.watch(now, &event);
            }
        }
    }
}
