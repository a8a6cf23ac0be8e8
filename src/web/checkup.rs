//! The health of machine and queue for visitors: looked at when somebody asks, kept for a moment.
//!
//! The database is looked through beside that, seldom and for a short time, because it takes longer
//! than anybody waits for an answer.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::host::timer;
use crate::policy::health::Health;
use crate::policy::health::Thresholds;
use crate::policy::health::queue::Outbox;
use crate::policy::pick::RunPresence;
use crate::policy::window::Hours;
use crate::report::health;
use crate::report::health::Inquiry;
use crate::report::health::look;
use crate::report::summary::RunSummary;
use crate::store::Store;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::clock::monotonic;
use crate::web::answer::Refusal;
use crate::web::cached::Cached;
use crate::web::site::Site;

/// How long a look holds.
const FRESH: Duration = Duration::from_millis(1500);
/// How long the database is looked through.
const LOOK: Duration = Duration::from_secs(2);
/// From one look through the database to the next.
const SELDOM: Duration = Duration::from_mins(15);

/// What machine and queue are held against, and what was found last.
#[derive(Debug)]
pub struct Checkup {
    limits: Thresholds,
    hours: Option<Hours>,
    slots: usize,
    units: Option<PathBuf>,
    own_path: OsString,
    outbox: Outbox,
    latest: Cached<Health>,
    database: Mutex<Option<Look>>,
}

/// A look through the database.
#[derive(Debug, Clone)]
struct Look {
    at: Duration,
    found: Option<Vec<String>>,
}

impl Checkup {
    /// What an inquiry is held against; `units` is where timers of systemd are.
    pub fn like(inquiry: &Inquiry<'_>, units: Option<PathBuf>) -> Self {
        Self {
            limits: inquiry.limits.clone(),
            hours: inquiry.hours.clone(),
            slots: inquiry.slots,
            units,
            own_path: inquiry.own_path.clone(),
            outbox: inquiry.outbox.clone(),
            latest: Cached::new(FRESH),
            database: Mutex::new(None),
        }
    }

    /// The hours of the night.
    pub(crate) const fn hours(&self) -> Option<&Hours> {
        self.hours.as_ref()
    }

    /// How long a running task may be silent.
    pub(crate) const fn stalled_after(&self) -> Duration {
        self.limits.stalled_after
    }

    /// Forgets what was found last.
    pub(crate) fn forget(&self) {
        self.latest.forget();
    }
}

impl Site {
    /// How machine and queue are.
    ///
    /// # Errors
    /// When a look takes too long. A queue that cannot be used is a finding.
    pub(crate) fn health(&self) -> Result<Arc<Health>, Refusal> {
        self.checkup.latest.get(|| {
            let opened = self.open();
            let store = opened.as_ref().map(Option::as_ref);
            let store = store.map_err(|refusal| refusal.message().to_owned());
            let (presence, _) = self.active();
            let damage = self.damage(store.as_ref().ok().copied().flatten());
            let asked = self.inquiry(self.clock.now(), presence, damage);
            Ok(look(store, &asked))
        })
    }

    /// Notes in a summary how machine and queue are.
    pub(crate) fn note_health(&self, summary: &mut RunSummary, store: &Store) {
        let damage = self.damage(None);
        let asked = self.inquiry(summary.generated_at, summary.presence, damage);
        health::note(summary, store, &asked);
    }

    fn inquiry(
        &self,
        now: Timestamp,
        presence: RunPresence,
        damage: Option<Vec<String>>,
    ) -> Inquiry<'_> {
        let units = self.checkup.units.as_deref();
        let timer = units.and_then(|units| timer::find(units, self.state.root()));
        Inquiry {
            state: &self.state,
            limits: &self.checkup.limits,
            hours: self.checkup.hours.clone(),
            slots: self.checkup.slots,
            now,
            zone: Zone::Local,
            presence,
            timer: timer.filter(|timer| timer.enabled).map(|timer| timer.since),
            own_path: self.checkup.own_path.clone(),
            patience: Duration::ZERO,
            damage,
            outbox: self.checkup.outbox.clone(),
        }
    }

    /// What the last look through the database found; begins another one beside this, where it is time.
    fn damage(&self, store: Option<&Store>) -> Option<Vec<String>> {
        let mut known = self.database().clone();
        let is_due = known
            .as_ref()
            .is_none_or(|look| monotonic().saturating_sub(look.at) > SELDOM);
        if is_due && store.is_some() {
            let found = known.take().and_then(|look| look.found);
            let at = monotonic();
            let look = Look {
                at,
                found: found.clone(),
            };
            *self.database() = Some(look);
            self.look_through_beside(at);
            return found;
        }
        known.and_then(|look| look.found)
    }

    fn database(&self) -> std::sync::MutexGuard<'_, Option<Look>> {
        let known = &self.checkup.database;
        known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks through the database on a thread of its own, which ends by itself.
    fn look_through_beside(&self, at: Duration) {
        let Some(site) = self.own.upgrade() else {
            return;
        };
        std::thread::spawn(move || {
            let Ok(Some(store)) = site.open() else {
                return;
            };
            if let Ok(found) = store.quick_look(LOOK) {
                *site.database() = Some(Look { at, found });
                site.checkup.forget();
            }
        });
    }
}
