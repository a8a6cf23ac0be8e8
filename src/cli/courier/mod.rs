//! The courier: a short-lived process that delivers what the outbox holds, `autoexec __deliver`.
//!
//! Started by a run whenever something is due, at the end of a run by the command itself, and by
//! `autoexec report --send`. One at a time works on a queue. It alone knows addresses and passwords,
//! and it ends when nothing is due; what failed is for a later one.
//!
//! # At least once
//!
//! A try is counted before it is made and its success noted after it. Whoever kills a courier in
//! between makes the next one send the message again, with the same id.

mod deliver;
mod finish;
mod unrecorded;
mod words;

use std::ffi::OsString;
use std::path::Path;

use crate::cli::environment::usual_state_dir;
use crate::cli::settings::Settings;
use crate::engine::telling::{Telling, tell_unrecorded, trouble};
use crate::host::state_dir;
use crate::notify::{Surroundings, Target};
use crate::process::detached;
use crate::report::summary::RunSummary;
use crate::report::{charts, html};
use crate::store::{Access, Store, outbox};
use crate::support::bytes::OsText;
use crate::support::clock::Zone;

pub use deliver::{DeliverArgs, deliver, deliver_due};
pub use finish::{Undelivered, finish};
pub use unrecorded::{deliver_unrecorded, targets_of, tell_at_once};
pub use words::{host_name, letter_of_report};

/// The hidden command.
pub const DELIVER: &str = "__deliver";

/// What the targets of the configuration fetch their secrets from.
pub fn surroundings(settings: &Settings) -> Surroundings<'_> {
    let file = settings.config_file.as_deref();
    Surroundings {
        variable: &Settings::variable,
        home: settings.home.as_deref(),
        folder: file.and_then(Path::parent).unwrap_or(Path::new("/")),
    }
}

/// The state directory, quoted for a shell, where it is not the one that a command of this user looks into
/// by itself: who is told a command elsewhere has to name it.
pub(crate) fn unusual_place(settings: &Settings) -> Option<String> {
    let root = settings.state.root();
    let usual = usual_state_dir(settings.home.as_ref()?);
    if root == state_dir::meant(usual) {
        return None;
    }
    let shown = OsText::from(root).untrusted().for_terminal();
    Some(format!("'{}'", shown.replace('\'', "'\\''")))
}

/// Whom a run tells what.
pub fn telling(settings: &Settings) -> Telling {
    let subscribers: Vec<_> = settings
        .config
        .notify
        .iter()
        .map(Target::subscriber)
        .collect();
    // Without anybody to tell there is no courier; the system can always tell which program this is
    // where it could be told at all.
    let program = Settings::own_program().unwrap_or_default();
    let mut courier: Vec<OsString> = vec![
        program.into(),
        "--state-dir".into(),
        settings.state.root().into(),
    ];
    if let Some(file) = settings.config_file.as_ref().filter(|file| file.exists()) {
        courier.extend(["--config".into(), file.into()]);
    }
    courier.push(DELIVER.into());
    Telling {
        subscribers,
        courier,
    }
}

/// The page of a report; without it a mail holds the text alone.
pub fn page_of(summary: &RunSummary, store: &Store, settings: &Settings) -> Option<String> {
    let charts = charts::load(store, &settings.state, summary, Zone::Local);
    let charts = charts.map_err(|error| tracing::warn!(%error, "cannot read the figures"));
    let page = html::render(summary, &charts.ok()?, Zone::Local);
    page.map_err(|error| tracing::warn!(%error, "cannot make the page of a report"))
        .ok()
}

/// Lets what is due be delivered by a process of its own; nobody waits for it.
pub fn set_off(settings: &Settings) {
    let telling = telling(settings);
    if telling.subscribers.is_empty() {
        return;
    }
    if let Err(error) = detached::start(&telling.courier, b"") {
        tracing::warn!(%error, "cannot start a courier for notifications");
    }
}

/// Tells of something that is wrong while no run is there that could: by the queue, or past it.
pub fn alarm(settings: &Settings, component: &str, message: &str) {
    let telling = telling(settings);
    if telling.subscribers.is_empty() {
        return;
    }
    let now = settings.clock.now();
    let notice = trouble(component, message, now);
    let stored = Store::open(&settings.state, Access::ReadWrite, now)
        .and_then(|mut store| {
            store.write(|tx| {
                let run = tx.last_run()?.map(|run| run.id);
                outbox::put(tx, &telling.subscribers, run, &notice, now)
            })
        })
        .is_ok();
    if stored {
        set_off(settings);
    } else {
        tell_unrecorded(&telling, &notice);
    }
}
