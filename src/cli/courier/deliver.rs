//! Taking messages out of the outbox: one at a time for each target, all targets at once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs::File;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use crate::cli::courier::words::{Desk, host_name, letter, letter_of_report, name_queue};
use crate::cli::courier::{deliver_unrecorded, page_of, surroundings, unusual_place};
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::invocation::Invocation;
use crate::cli::settings::Settings;
use crate::host::alerts::{self, Level};
use crate::model::notice::Notice;
use crate::notify::{Blame, Letter, SendError, Target, send};
use crate::policy::pick::RunPresence;
use crate::report::alerted;
use crate::report::load::{Wish, load};
use crate::report::range::Range;
use crate::report::told;
use crate::store::outbox::{self, After, Fault, Waiting};
use crate::store::{Access, Store, StoreError};
use crate::support::clock::{Zone, monotonic};

/// After this a courier takes up nothing more: a later one goes on.
const LONGEST_LIFE: Duration = Duration::from_mins(5);
/// Messages that are looked at together.
const AT_ONCE: usize = 500;

/// Options of the hidden command.
#[derive(Debug, clap::Args)]
pub struct DeliverArgs {
    /// Deliver the message on standard input, and leave the queue alone
    #[arg(long)]
    unrecorded: bool,
}

/// Carries out `autoexec __deliver`.
///
/// # Errors
/// When the queue cannot be used.
pub fn deliver(args: &DeliverArgs, invocation: &mut Invocation<'_>) -> Answer {
    let settings = &invocation.settings;
    if args.unrecorded {
        return deliver_unrecorded(settings);
    }
    deliver_due(settings)
}

/// Delivers what is due, unless somebody else is at it.
///
/// # Errors
/// When the queue cannot be used.
pub fn deliver_due(settings: &Settings) -> Answer {
    let Some(_lock) = lock(settings).map_err(|error| {
        CliError::new(
            Ending::QueueUnusable,
            "outbox_locked",
            "cannot lock the outbox",
        )
        .because(error)
    })?
    else {
        // Somebody else delivers at this moment.
        return Ok(Ending::Well);
    };
    let now = settings.clock.now();
    let store = Store::open(&settings.state, Access::ReadWrite, now)?;
    let mut round = Round {
        settings,
        store,
        host: host_name(),
        busy: BTreeSet::new(),
    };
    round.deliver()?;
    Ok(Ending::Well)
}

/// Held by the courier that works on the outbox, as long as it lives.
fn lock(settings: &Settings) -> std::io::Result<Option<File>> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(settings.state.courier_lock())?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

/// One life of a courier.
struct Round<'a> {
    settings: &'a Settings,
    store: Store,
    host: String,
    /// Targets that are being told something.
    busy: BTreeSet<String>,
}

type Outcome = (Waiting, Result<(), SendError>);

impl Round<'_> {
    fn deliver(&mut self) -> Result<(), StoreError> {
        let targets: BTreeMap<String, &Target> = self
            .settings
            .config
            .notify
            .iter()
            .map(|target| (target.key(), target))
            .collect();
        self.let_go_of_old()?;
        let end = monotonic() + LONGEST_LIFE;
        let around = surroundings(self.settings);
        let (done, results) = mpsc::channel::<Outcome>();
        std::thread::scope(|scope| {
            loop {
                if monotonic() < end {
                    for (message, letter) in self.take_up(&targets)? {
                        let Some(target) = targets.get(&message.target) else {
                            continue;
                        };
                        let done = done.clone();
                        scope.spawn(move || {
                            let result = send(target, &letter, around);
                            // The other end is there as long as the scope.
                            let _always_heard = done.send((message, result));
                        });
                    }
                }
                if self.busy.is_empty() {
                    return Ok(());
                }
                let Ok((message, result)) = results.recv() else {
                    return Ok(());
                };
                self.busy.remove(&message.target);
                self.note(&message, result)?;
            }
        })
    }

    /// The next message of each target that is not being told something, its try counted.
    fn take_up(
        &mut self,
        targets: &BTreeMap<String, &Target>,
    ) -> Result<Vec<(Waiting, Letter)>, StoreError> {
        let now = self.settings.clock.now();
        let mut taken = Vec::new();
        for message in self.store.messages_due(now, AT_ONCE)? {
            if !targets.contains_key(&message.target) {
                let why = "its target is no longer in the configuration";
                self.store
                    .write(|tx| outbox::abandon(tx, message.id, why, now))?;
                continue;
            }
            if self.busy.contains(&message.target) {
                continue;
            }
            let begun = self
                .store
                .write(|tx| outbox::begin_try(tx, message.id, now))?;
            if let Some(message) = begun {
                self.busy.insert(message.target.clone());
                let letter = self.letter(&message);
                taken.push((message, letter));
            }
        }
        Ok(taken)
    }

    fn letter(&self, message: &Waiting) -> Letter {
        let mut letter = self.bare_letter(message);
        // That a run began needs no command.
        let has_commands = !matches!(message.notice, Notice::RunStarted { .. });
        if has_commands && let Some(place) = unusual_place(self.settings) {
            name_queue(&mut letter, &place);
        }
        letter
    }

    fn bare_letter(&self, message: &Waiting) -> Letter {
        let now = self.settings.clock.now();
        let queue = self.store.queue().ok();
        if let (Notice::Report, Some(run)) = (&message.notice, message.run) {
            let wish = Wish {
                range: Range::Run(run),
                now,
                presence: RunPresence::Absent,
                only: None,
            };
            match load(&self.store, &wish) {
                Ok(mut loaded) => {
                    alerted::note(&mut loaded.summary, &self.settings.state);
                    if let Err(error) = told::note(&mut loaded.summary, &self.store) {
                        tracing::warn!(%error, "cannot look into the outbox");
                    }
                    let (id, summary) = (&message.message_id, &loaded.summary);
                    let page = page_of(summary, &self.store, self.settings);
                    let desk = (self.host.as_str(), queue);
                    return letter_of_report(id, summary, Some(run), page, desk);
                }
                Err(error) => tracing::warn!(%error, "cannot make a report to send"),
            }
        }
        let desk = Desk {
            host: &self.host,
            queue,
            zone: Zone::Local,
            now,
        };
        letter(message, desk)
    }

    fn note(&mut self, message: &Waiting, result: Result<(), SendError>) -> Result<(), StoreError> {
        let now = self.settings.clock.now();
        let error = match result {
            Ok(()) => {
                return self
                    .store
                    .write(|tx| outbox::delivered(tx, message.id, now));
            }
            Err(error) => error,
        };
        let fault = match error.blame {
            Blame::Target => Fault::Target,
            Blame::Message => Fault::Message,
        };
        let words = error.to_string();
        let after = self
            .store
            .write(|tx| outbox::failed(tx, message, fault, &words, now))?;
        if after == After::GivenUp {
            self.alert(message, &format!("{words}; given up"));
        }
        Ok(())
    }

    fn let_go_of_old(&mut self) -> Result<(), StoreError> {
        let now = self.settings.clock.now();
        for message in self.store.write(|tx| outbox::expire(tx, now))? {
            self.alert(&message, "nobody wants to hear it any more");
        }
        Ok(())
    }

    fn alert(&self, message: &Waiting, why: &str) {
        let target = &message.target_name;
        let details = json!({
            "target": target,
            "occasion": message.notice.occasion(),
            "message_id": message.message_id,
            "tries": message.tries,
        });
        // The report and the exit code tell it, too.
        let _told_otherwise = alerts::append(
            &self.settings.state,
            Level::Warning,
            "notify",
            &format!("could not tell {target}: {why}"),
            &details,
            self.settings.clock.now(),
        );
    }
}
