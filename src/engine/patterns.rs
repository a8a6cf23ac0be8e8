//! The error patterns that a run judges by, read from the queue when they are first needed and again
//! after they have changed.
//!
//! Which one decides is `policy::classify::user`. What cannot be read must not stop a run: it then
//! judges by what it knew before.

use std::sync::Arc;

use crate::model::pattern::PatternSpec;
use crate::policy::classify::PatternSet;
use crate::policy::classify::catalogue;
use crate::policy::classify::catalogue::KnownBy;
use crate::policy::classify::user::PatternSource;
use crate::policy::classify::user::UserPatterns;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::patterns;
use crate::store::patterns::BuiltInRow;
use crate::store::patterns::Origin;
use crate::support::clock::Timestamp;

/// What a run judges by.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    config: Arc<PatternSet>,
    shared: UserPatterns,
    /// The state of the table that `shared` was read from.
    read_at: Option<i64>,
    /// Whether the table may have changed since.
    is_stale: bool,
    /// The patterns of the file whose task failed last.
    own: Option<Arc<PatternSet>>,
}

impl Patterns {
    /// With those of the configuration.
    pub(crate) fn new(config: Arc<PatternSet>) -> Self {
        Self {
            config,
            is_stale: true,
            ..Self::default()
        }
    }

    /// Somebody may have changed the table.
    pub(crate) fn doubt(&mut self) {
        self.is_stale = true;
    }

    /// The patterns for a task of a file with patterns of its own.
    pub(crate) fn for_task(&mut self, store: &Reader, own: &[PatternSpec]) -> UserPatterns {
        if std::mem::take(&mut self.is_stale)
            && let Err(error) = self.read(store)
        {
            tracing::warn!(%error, "the error patterns of the queue cannot be read");
        }
        if own.is_empty() {
            return self.shared.clone();
        }
        let held = self.own.take().filter(|held| held.specs() == own);
        let set = held.unwrap_or_else(|| Arc::new(PatternSet::of_the_sound(own.to_vec()).0));
        self.own = Some(Arc::clone(&set));
        self.shared.clone().with(PatternSource::TaskFile, set)
    }

    fn read(&mut self, store: &Reader) -> Result<(), StoreError> {
        let state = store.pattern_changes()?;
        if self.read_at != Some(state) {
            self.shared = stored(store)?.with(PatternSource::Config, Arc::clone(&self.config));
            self.read_at = Some(state);
        }
        Ok(())
    }
}

/// The patterns that the queue holds: those of the user that are enabled, and what is switched off.
///
/// # Errors
/// When the database cannot be read.
pub fn stored(store: &Reader) -> Result<UserPatterns, StoreError> {
    let mut own = Vec::new();
    let mut off = std::collections::BTreeSet::new();
    for row in store.patterns()? {
        match (row.origin, row.enabled) {
            (Origin::User, true) => own.push(row.spec),
            (Origin::BuiltIn, false) => {
                off.insert(row.spec.name);
            }
            (Origin::User, false) | (Origin::BuiltIn, true) => {}
        }
    }
    let (set, left_out) = PatternSet::of_the_sound(own);
    if !left_out.is_empty() {
        tracing::warn!(?left_out, "error patterns of the queue that cannot be used");
    }
    Ok(UserPatterns::default()
        .without_built_in(off)
        .with(PatternSource::Queue, Arc::new(set)))
}

/// Brings the built-in patterns of the queue up to date with this program.
///
/// # Errors
/// When the database cannot be written.
pub fn bring_up_to_date(tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    let version = catalogue::version();
    if tx.patterns_of()?.as_deref() == Some(version.as_str()) {
        return Ok(());
    }
    let rows: Vec<BuiltInRow<'_>> = catalogue::catalogue().iter().map(row_of).collect();
    patterns::bring_up_to_date(tx, &version, &rows, now)
}

/// A built-in pattern as the table holds it.
pub fn row_of(named: &'static catalogue::Named) -> BuiltInRow<'static> {
    BuiltInRow {
        name: named.name,
        category: named.category,
        retryable: named.retryable,
        reason: named.reason,
        examples: &named.examples,
        strategies: &named.strategies,
        stands_for: match named.known_by {
            KnownBy::Alias(ours) => Some(ours),
            KnownBy::Output | KnownBy::Fact => None,
        },
    }
}
