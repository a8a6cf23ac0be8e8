//! Every pattern that there is, whoever wrote it, for those who show or choose one.

use crate::cli::failure::CliError;
use crate::cli::invocation::look_into_queue;
use crate::cli::settings::Settings;
use crate::model::category::{Category, Retryable};
use crate::model::pattern::PatternSpec;
use crate::policy::classify::catalogue::{self, KnownBy, Named};
use crate::store::patterns::{Origin, Sightings, StoredPattern};
use crate::support::similar::closest;
use crate::support::untrusted::Untrusted;

/// Who wrote a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// It comes with the program.
    BuiltIn(&'static Named),
    /// It stands in `config.toml`.
    Config,
    /// It was added to the queue.
    Queue,
}

/// A pattern, as far as anybody is shown one.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) spec: PatternSpec,
    pub(super) writer: Writer,
    pub(super) enabled: bool,
    pub(super) sightings: Sightings,
    /// There is one of this name in the queue, too, which does not count.
    pub(super) is_added_besides: bool,
}

impl Known {
    pub(super) fn category(&self) -> Category {
        self.spec.category
    }

    pub(super) fn retryable(&self) -> Retryable {
        self.spec.retryable()
    }

    /// `built-in`, `config.toml` or `added`.
    pub(super) fn origin(&self) -> &'static str {
        match self.writer {
            Writer::BuiltIn(_) => "built-in",
            Writer::Config => "config.toml",
            Writer::Queue => "added",
        }
    }

    /// The name that it is another word for.
    pub(super) fn stands_for(&self) -> Option<&'static str> {
        match self.writer {
            Writer::BuiltIn(Named {
                known_by: KnownBy::Alias(ours),
                ..
            }) => Some(ours),
            Writer::BuiltIn(_) | Writer::Config | Writer::Queue => None,
        }
    }
}

/// Every pattern, those of the user first; a name that stands for another pattern than the built-in one
/// is listed once, as it counts.
pub(super) fn all(settings: &Settings) -> Result<Vec<Known>, CliError> {
    let config = settings.config.patterns()?;
    let store = look_into_queue(settings)?;
    let rows: Vec<StoredPattern> = match &store {
        Some(store) => store.patterns()?,
        None => Vec::new(),
    };
    let mut known: Vec<Known> = Vec::new();
    for spec in config.specs() {
        let sightings = match &store {
            Some(store) => store.sightings(&spec.name)?,
            None => Sightings::default(),
        };
        known.push(Known {
            spec: spec.clone(),
            writer: Writer::Config,
            enabled: true,
            sightings,
            is_added_besides: rows
                .iter()
                .any(|row| row.origin == Origin::User && row.spec.name == spec.name),
        });
    }
    let is_taken = |known: &[Known], name: &str| known.iter().any(|one| one.spec.name == name);
    for row in rows.iter().filter(|row| row.origin == Origin::User) {
        if !is_taken(&known, &row.spec.name) {
            known.push(Known {
                spec: row.spec.clone(),
                writer: Writer::Queue,
                enabled: row.enabled,
                sightings: row.sightings,
                is_added_besides: false,
            });
        }
    }
    let row_of = |name: &str| {
        rows.iter()
            .find(|row| row.origin == Origin::BuiltIn && row.spec.name == name)
    };
    for named in catalogue::catalogue() {
        if !is_taken(&known, named.name) {
            let mut one = built_in(named, row_of(named.name));
            if let Some(ours) = one.stands_for() {
                // It counts as long as what it stands for does.
                one.enabled = row_of(ours).is_none_or(|row| row.enabled);
            }
            known.push(one);
        }
    }
    Ok(known)
}

fn built_in(named: &'static Named, row: Option<&StoredPattern>) -> Known {
    Known {
        spec: PatternSpec {
            name: named.name.to_owned(),
            matches: None,
            exit_codes: Vec::new(),
            tool: None,
            category: named.category,
            retryable: Some(named.retryable),
            strategies: named
                .strategies
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
        },
        writer: Writer::BuiltIn(named),
        enabled: row.is_none_or(|row| row.enabled),
        sightings: row.map(|row| row.sightings).unwrap_or_default(),
        is_added_besides: false,
    }
}

/// The pattern of a name.
pub(super) fn find(name: &str, known: Vec<Known>) -> Result<Known, CliError> {
    let names: Vec<String> = known.iter().map(|one| one.spec.name.clone()).collect();
    known
        .into_iter()
        .find(|one| one.spec.name == name)
        .ok_or_else(|| unknown(name, names.iter().map(String::as_str)))
}

pub(super) fn unknown<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> CliError {
    let shown = Untrusted::from(name).for_terminal_within(64);
    let hint = closest(name, names).map_or_else(
        || {
            "list all with `autoexec patterns list`, those of a task file with `autoexec check --explain TASK FILE`"
                .to_owned()
        },
        |meant| format!("did you mean `{meant}`?"),
    );
    CliError::usage("unknown_pattern", format!("there is no pattern `{shown}`")).hint(hint)
}
