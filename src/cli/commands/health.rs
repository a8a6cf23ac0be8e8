//! `autoexec health`: what is to be thought of this machine and this queue.

use std::time::Duration;

use crate::cli::commands::Invocation;
use crate::cli::commands::timer::status::installed;
use crate::cli::courier::surroundings;
use crate::cli::failure::{Answer, Ending};
use crate::cli::settings::Settings;
use crate::notify;
use crate::policy::health::Health;
use crate::policy::health::queue::Outbox;
use crate::report::health::{Inquiry, look};
use crate::report::health_page;
use crate::report::health_tasks::nightly;
use crate::report::text::Look;
use crate::store::Store;
use crate::support::bytes::OsText;
use crate::support::clock::Zone;

/// How long the database may be looked through.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Columns beyond which sentences are hard to read.
const WIDEST: usize = 100;

/// Options of `autoexec health`.
#[derive(Debug, clap::Args)]
pub struct HealthArgs {
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Carries out the command.
///
/// # Errors
/// Never: a queue that cannot be used is a finding.
pub fn carry_out(args: &HealthArgs, invocation: &mut Invocation<'_>) -> Answer {
    let store = invocation.look_into_queue();
    let store = match &store {
        Ok(store) => Ok(store.as_ref()),
        Err(failure) => Err(failure.as_reason()),
    };
    let health = of(store, invocation, PATIENCE);
    if args.json {
        invocation.output.json(&health_page::value(&health));
    } else {
        let look = invocation.look();
        let look = Look {
            width: look.width.min(WIDEST),
            ..look
        };
        invocation.output.text(&health_page::text(&health, look));
    }
    Ok(if health.needs_a_person() {
        Ending::NeedsPerson
    } else {
        Ending::Well
    })
}

/// The health of this machine and a queue.
pub fn of(
    store: Result<Option<&Store>, String>,
    invocation: &Invocation<'_>,
    patience: Duration,
) -> Health {
    look(store, &inquiry(invocation, patience))
}

/// What is asked, as this machine is configured.
pub fn inquiry<'a>(invocation: &'a Invocation<'_>, patience: Duration) -> Inquiry<'a> {
    let settings = &invocation.settings;
    let own = Settings::surroundings();
    let own_path = own.0.get("PATH").map(|path| path.as_os_str().to_owned());
    Inquiry {
        state: &settings.state,
        limits: &settings.config.health,
        hours: settings.config.overnight.hours(),
        slots: settings.config.run.parallel.get(),
        now: settings.clock.now(),
        zone: Zone::Local,
        presence: invocation.moment().presence,
        timer: installed(invocation)
            .filter(|timer| timer.enabled)
            .map(|timer| timer.since),
        own_path: own_path.unwrap_or_default(),
        patience,
        outbox: outbox(settings, patience),
        damage: None,
    }
}

/// What the configuration of messages says of itself. Secrets are fetched, and so programs asked for
/// them, only where there is time; whoever is asked by a person looks for what a night lacks, too.
fn outbox(settings: &Settings, patience: Duration) -> Outbox {
    let targets = &settings.config.notify;
    let mut outbox = Outbox {
        targets: Some(targets.len()),
        ..Outbox::default()
    };
    if patience.is_zero() || targets.is_empty() {
        return outbox;
    }
    let around = surroundings(settings);
    let nightly = nightly();
    let at_night = |name: &str| {
        let value = nightly.get(&OsText::from(name))?;
        Some(value.as_os_str().to_owned())
    };
    let by_night = notify::Surroundings {
        variable: &at_night,
        ..around
    };
    for target in targets {
        let one = std::slice::from_ref(target);
        let problem = |around| notify::check(one, around).into_iter().next()?.problem;
        let says = match problem(around) {
            Some(problem) => Some(problem),
            // A program that tells a secret is asked once; it may want somebody at the keyboard.
            None if target.asks_a_program() => None,
            None => problem(by_night)
                .map(|problem| format!("in a run by a timer or by cron: {problem}")),
        };
        let name = target.name();
        outbox
            .unfit
            .extend(says.map(|says| format!("{name} cannot be told anything: {says}")));
    }
    outbox
}
