//! `autoexec patterns add`, `remove`, `enable` and `disable`.

use crate::cli::commands::Invocation;
use crate::cli::commands::patterns::known::{self, Known};
use crate::cli::commands::queue::select::parse_category;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::engine::patterns::{bring_up_to_date, row_of};
use crate::model::category::{Category, Retryable};
use crate::model::ids::TaskName;
use crate::model::pattern::{MAX_PATTERNS, PatternSpec};
use crate::policy::classify::PatternSet;
use crate::policy::classify::catalogue::{self, KnownBy};
use crate::process::wake;
use crate::store::patterns::{self, Origin, StoredPattern};
use crate::store::{Store, StoreError, Transaction};
use crate::support::clock::Timestamp;
use crate::support::untrusted::Untrusted;
use crate::taskfile::check_pattern;

/// Options of `autoexec patterns add`.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// What it is called in reports
    #[arg(value_name = "NAME", value_parser = parse_name)]
    pub name: String,
    /// A regular expression for a line of the output; named groups are extracted
    #[arg(long, value_name = "RE", allow_hyphen_values = true)]
    pub matches: Option<String>,
    /// An exit code that it is about; may be given several times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=255))]
    pub exit_code: Vec<i32>,
    /// The program that it is about
    #[arg(long, value_name = "NAME")]
    pub tool: Option<String>,
    /// The category of such failures
    #[arg(long, value_name = "CATEGORY", value_parser = parse_category)]
    pub category: Category,
    /// Whether running again can work: yes, no or `after_fix` [default: as the category usually has it]
    #[arg(long, value_name = "R", value_parser = parse_retryable)]
    pub retryable: Option<Retryable>,
    /// What to try, in order; may be given several times
    #[arg(long, value_name = "STRATEGY")]
    pub strategy: Vec<String>,
    /// Replace a pattern of this name that was added before
    #[arg(long)]
    pub replace: bool,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    On,
    Off,
}

fn parse_name(text: &str) -> Result<String, String> {
    TaskName::new(text)
        .map(|name| name.to_string())
        .map_err(|why| format!("the name {why}"))
}

fn parse_retryable(text: &str) -> Result<Retryable, String> {
    Retryable::parse(text).ok_or_else(|| "it is one of yes, no and after_fix".to_owned())
}

/// Adds a pattern.
///
/// # Errors
/// When it is wrong or taken, or the queue cannot be used.
pub(super) fn add(args: &AddArgs, invocation: &mut Invocation<'_>) -> Answer {
    let mut exit_codes = args.exit_code.clone();
    exit_codes.sort_unstable();
    exit_codes.dedup();
    let spec = PatternSpec {
        name: args.name.clone(),
        matches: args.matches.clone(),
        exit_codes,
        tool: args.tool.clone(),
        category: args.category,
        retryable: args.retryable,
        strategies: args.strategy.clone(),
    };
    if let Err(found) = check_pattern(&spec) {
        let message = format!("the pattern `{}` cannot be added", spec.name);
        let failure = CliError::usage("pattern_wrong", message);
        return Err(found.into_iter().fold(failure, |failure, (what, hint)| {
            let failure = failure.detail(what);
            match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }));
    }
    let known = known::all(&invocation.settings)?;
    let is_held = |one: &Known| one.writer == known::Writer::Queue || one.is_added_besides;
    let before = known.iter().find(|one| one.spec.name == spec.name);
    let done = put_all(std::slice::from_ref(&spec), args.replace, invocation)?;
    let told = match done {
        0 => "nothing to do: there is the same pattern already".to_owned(),
        _ if before.is_some_and(is_held) => format!("replaced the pattern `{}`", spec.name),
        _ => format!("added the pattern `{}`", spec.name),
    };
    invocation.output.line(&told);
    if before.is_some_and(|one| one.writer == known::Writer::Config) {
        let note = format!(
            "`{}` stands in `config.toml`, too: that one counts as long as it is there",
            spec.name
        );
        invocation.output.note(&note);
    }
    if catalogue::named(&spec.name).is_some() {
        let note = format!(
            "`{}` is the name of a built-in pattern, which no longer counts; `autoexec patterns remove {0}` brings it back",
            spec.name
        );
        invocation.output.note(&note);
    }
    Ok(Ending::Well)
}

/// Adds patterns, all or none; how many were new or changed.
pub(super) fn put_all(
    specs: &[PatternSpec],
    replace: bool,
    invocation: &mut Invocation<'_>,
) -> Result<usize, CliError> {
    let now = invocation.settings.clock.now();
    let mut store = invocation.open_queue()?;
    let held: Vec<StoredPattern> = store
        .patterns()?
        .into_iter()
        .filter(|row| row.origin == Origin::User)
        .collect();
    let of_name = |name: &str| held.iter().find(|row| row.spec.name == name);
    let new: Vec<&PatternSpec> = specs
        .iter()
        .filter(|spec| of_name(&spec.name).is_none_or(|row| row.spec != **spec))
        .collect();
    if let Some(taken) = new
        .iter()
        .find(|spec| !replace && of_name(&spec.name).is_some())
    {
        return Err(CliError::usage(
            "pattern_exists",
            format!("there is another pattern `{}` already", taken.name),
        )
        .hint("`--replace` puts this one in its place"));
    }
    let mut all: Vec<PatternSpec> = held
        .iter()
        .map(|row| row.spec.clone())
        .filter(|spec| new.iter().all(|one| one.name != spec.name))
        .collect();
    all.extend(new.iter().map(|spec| (*spec).clone()));
    if all.len() > MAX_PATTERNS {
        return Err(CliError::usage(
            "too_many_patterns",
            format!("the queue would hold more than {MAX_PATTERNS} patterns"),
        )
        .hint("one expression may hold several words: `one|two`"));
    }
    if let Err(problem) = PatternSet::new(all) {
        let failure = CliError::usage("pattern_wrong", format!("the expressions: {problem}"));
        return Err(failure.hint(problem.hint()));
    }
    change(&mut store, invocation, now, |tx| {
        new.iter().try_for_each(|spec| patterns::put(tx, spec, now))
    })?;
    Ok(new.len())
}

/// Takes out a pattern.
///
/// # Errors
/// When it was not added, or the queue cannot be used.
pub(super) fn remove(name: &str, invocation: &mut Invocation<'_>) -> Answer {
    let one = known::find(name, known::all(&invocation.settings)?)?;
    match one.writer {
        known::Writer::Queue => {}
        known::Writer::Config if one.is_added_besides => {}
        known::Writer::Config => return Err(in_config(name)),
        known::Writer::BuiltIn(_) => {
            return Err(CliError::usage(
                "pattern_built_in",
                format!("`{name}` comes with the program and cannot be removed"),
            )
            .hint(format!(
                "switch it off with `autoexec patterns disable {name}`"
            )));
        }
    }
    let now = invocation.settings.clock.now();
    let mut store = invocation.open_queue()?;
    change(&mut store, invocation, now, |tx| {
        patterns::remove(tx, name)?;
        match catalogue::named(name) {
            Some(named) => patterns::restore_built_in(tx, &row_of(named), now),
            None => Ok(()),
        }
    })?;
    invocation
        .output
        .line(&format!("removed the pattern `{name}`"));
    Ok(Ending::Well)
}

/// Switches a pattern on or off.
///
/// # Errors
/// When it is not known or always counts, or the queue cannot be used.
pub(super) fn switch(name: &str, to: Switch, invocation: &mut Invocation<'_>) -> Answer {
    let one = known::find(name, known::all(&invocation.settings)?)?;
    // Its other names have no meaning of their own.
    let ours = one.stands_for().unwrap_or(&one.spec.name).to_owned();
    match one.writer {
        known::Writer::Config => return Err(in_config(name)),
        known::Writer::BuiltIn(named) if named.known_by == KnownBy::Fact => {
            return Err(CliError::usage(
                "pattern_is_fact",
                format!("`{name}` is something that autoexec sees itself; it always counts"),
            ));
        }
        known::Writer::BuiltIn(_) | known::Writer::Queue => {}
    }
    let now = invocation.settings.clock.now();
    let mut store = invocation.open_queue()?;
    let mut changed = None;
    change(&mut store, invocation, now, |tx| {
        changed = patterns::set_enabled(tx, &ours, to == Switch::On, now)?;
        Ok(())
    })?;
    let state = match to {
        Switch::On => "on",
        Switch::Off => "off",
    };
    let also = if ours == name {
        String::new()
    } else {
        format!(
            " (`{}` is another word for it)",
            Untrusted::from(name).for_terminal()
        )
    };
    invocation.output.line(&match changed {
        Some(true) => format!("switched `{ours}` {state}{also}"),
        Some(false) | None => format!("nothing to do: `{ours}` is {state} already{also}"),
    });
    Ok(Ending::Well)
}

/// Changes the table, which holds the built-in patterns of this program by then, and tells an active run.
fn change(
    store: &mut Store,
    invocation: &Invocation<'_>,
    now: Timestamp,
    make: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
) -> Result<(), CliError> {
    store.write(|tx| {
        bring_up_to_date(tx, now)?;
        make(tx)
    })?;
    // A run that does not hear it looks by itself a moment later.
    let _seen_later = wake::wake(&invocation.settings.state.wake());
    Ok(())
}

fn in_config(name: &str) -> CliError {
    CliError::usage(
        "pattern_in_config",
        format!("`{name}` stands in `config.toml`"),
    )
    .hint("change it there")
}
