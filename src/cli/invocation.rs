//! What a command works with: the settings, where its answer goes, and the queue that is meant.

use crate::cli::failure::CliError;
use crate::cli::output::Output;
use crate::cli::settings::Settings;
use crate::engine;
use crate::host::state_dir::{self, SharedFileSystem};
use crate::policy::pick::RunPresence;
use crate::process::runlock::{Holder, read_holder};
use crate::report::queue_table::Moment;
use crate::report::text::Look;
use crate::store::{Access, Store, StoreError};
use crate::support::bytes::OsText;
use crate::support::clock::Zone;

/// What a command works with.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// What holds for this life of the program.
    pub settings: Settings,
    /// Where answers and messages go.
    pub output: &'a mut Output,
}

/// The queue that the settings name, to be looked at; `None` if nothing was ever added.
///
/// # Errors
/// When the queue cannot be used.
pub fn look_into_queue(settings: &Settings) -> Result<Option<Store>, CliError> {
    state_dir::check(&settings.state, SharedFileSystem::Refuse)?;
    match Store::open(&settings.state, Access::ReadOnly, settings.clock.now()) {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Invocation<'_> {
    /// The queue, to be looked at; `None` if nothing was ever added.
    ///
    /// # Errors
    /// When the queue cannot be used.
    pub fn look_into_queue(&self) -> Result<Option<Store>, CliError> {
        look_into_queue(&self.settings)
    }

    /// The queue's directory, as a person is shown it.
    pub fn place(&self) -> String {
        let root = self.settings.state.root();
        OsText::from(root).untrusted().for_terminal()
    }

    /// Somebody who names a directory expects a queue there; a slip of the hand looks like an empty
    /// one.
    pub(crate) fn warn_of_missing_place(&mut self) {
        if self.settings.state_is_named && !self.settings.state.root().exists() {
            let warning = format!(
                "there is no directory `{}`, so no queue either",
                self.place()
            );
            self.output.warning(&warning);
        }
    }

    /// The process of the run that is active, and since when; `None` if there is none.
    pub fn active_run(&self) -> Option<Holder> {
        // A lock file that cannot be read is told by whoever needs the lock.
        let holder = read_holder(&self.settings.state.run_lock()).ok()?;
        holder.filter(|holder| holder.run.is_some())
    }

    /// The present instant, and whether a run is active; whether it stops is known to the queue.
    pub fn moment(&self) -> Moment {
        Moment {
            now: self.settings.clock.now(),
            stalled_after: self.settings.config.health.stalled_after,
            presence: match self.active_run() {
                Some(_) => RunPresence::Active,
                None => RunPresence::Absent,
            },
            stopping: false,
            paused: None,
            opens: None,
            alone: None,
        }
    }

    /// How a page for standard output looks.
    pub fn look(&self) -> Look {
        Look {
            width: self.settings.width,
            zone: Zone::Local,
            paint: self.output.paint(),
        }
    }

    /// The queue, to be changed; it is made if it is not there.
    ///
    /// # Errors
    /// When the state directory or the database cannot be used.
    pub fn open_queue(&mut self) -> Result<Store, CliError> {
        let settings = &self.settings;
        for warning in state_dir::prepare(&settings.state, SharedFileSystem::Refuse)? {
            self.output.warning(&warning.to_string());
        }
        let now = settings.clock.now();
        let mut store = Store::open(&settings.state, Access::ReadWrite, now)?;
        engine::settle_later_life(&mut store, &settings.state, now)?;
        Ok(store)
    }
}
