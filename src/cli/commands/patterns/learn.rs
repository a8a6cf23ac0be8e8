//! `autoexec patterns forget`, `pin`, `unpin` and `compare`: what a person says of what was learned.

use crate::cli::commands::Invocation;
use crate::cli::commands::patterns::known;
use crate::cli::commands::patterns::stats::ours;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::policy::learning::Pin;
use crate::policy::strategy;
use crate::store::teaching;
use crate::support::untrusted::Untrusted;

/// Options of `autoexec patterns forget` and `unpin`.
#[derive(Debug, clap::Args)]
pub struct PairArgs {
    /// The pattern
    #[arg(value_name = "PATTERN")]
    pub name: String,
    /// The strategy [default: all of the pattern]
    #[arg(value_name = "STRATEGY", value_parser = parse_strategy)]
    pub strategy: Option<String>,
}

/// Options of `autoexec patterns pin`.
#[derive(Debug, clap::Args)]
pub struct PinArgs {
    /// The pattern
    #[arg(value_name = "PATTERN")]
    pub name: String,
    /// The strategy
    #[arg(value_name = "STRATEGY", value_parser = parse_strategy)]
    pub strategy: String,
    /// Try it before all others (the default)
    #[arg(long, conflicts_with = "never")]
    pub first: bool,
    /// Do not try it
    #[arg(long)]
    pub never: bool,
}

/// Options of `autoexec patterns compare`.
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// The pattern
    #[arg(value_name = "PATTERN")]
    pub name: String,
    /// One strategy
    #[arg(value_name = "STRATEGY_A", value_parser = parse_strategy, required_unless_present = "stop")]
    pub a: Option<String>,
    /// The other one
    #[arg(value_name = "STRATEGY_B", value_parser = parse_strategy, required_unless_present = "stop")]
    pub b: Option<String>,
    /// End after so many tasks [default: when it is stopped]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub tasks: Option<u32>,
    /// End the comparison of this pattern
    #[arg(long, conflicts_with_all = ["a", "b", "tasks"])]
    pub stop: bool,
}

/// Reads the name of a strategy.
///
/// # Errors
/// Says which one may have been meant.
fn parse_strategy(text: &str) -> Result<String, String> {
    strategy::known(text).map(|()| text.to_owned())
}

/// Lets what was learned count no longer.
///
/// # Errors
/// When the pattern is not known, or the queue cannot be used.
pub(super) fn forget(args: &PairArgs, invocation: &mut Invocation<'_>) -> Answer {
    let name = pattern(&args.name, invocation)?;
    let now = invocation.settings.clock.now();
    let strategy = args.strategy.as_deref();
    let mut store = invocation.open_queue()?;
    let meant = |one: &str| strategy.is_none_or(|strategy| strategy == one);
    let forgotten: u32 = store
        .learned_rows(Some(&name))?
        .iter()
        .filter(|row| meant(&row.strategy))
        .map(|row| row.tried + row.imported.as_ref().map_or(0, |one| one.tried))
        .sum();
    let shown = shown_pair(&name, strategy);
    let told = if forgotten == 0 {
        format!("nothing to do: nothing is learned of {shown}")
    } else {
        store.write(|tx| teaching::forget(tx, &name, strategy, now))?;
        format!(
            "forgot what was learned of {shown} ({forgotten} recoveries); the history keeps them"
        )
    };
    invocation.output.line(&told);
    // What a person said is not learned, and stays.
    let pins = store.figures(&name)?.pins;
    let pinned: Vec<String> = pins
        .keys()
        .filter(|one| meant(one))
        .map(|one| format!("`{one}`"))
        .collect();
    if !pinned.is_empty() {
        let pattern = Untrusted::from(name.as_str()).for_terminal();
        invocation.output.note(&format!(
            "what is pinned of it stays: {}; `autoexec patterns unpin {pattern}` takes that back",
            pinned.join(", ")
        ));
    }
    Ok(Ending::Well)
}

/// Puts a strategy first, or out.
///
/// # Errors
/// When the pattern is not known, or the queue cannot be used.
pub(super) fn pin(args: &PinArgs, invocation: &mut Invocation<'_>) -> Answer {
    let name = pattern(&args.name, invocation)?;
    let now = invocation.settings.clock.now();
    let place = if args.never { Pin::Never } else { Pin::First };
    let mut store = invocation.open_queue()?;
    store.write(|tx| teaching::pin(tx, &name, &args.strategy, place, now))?;
    let shown = Untrusted::from(name.as_str()).for_terminal();
    let strategy = &args.strategy;
    invocation.output.line(&match place {
        Pin::First => format!("`{strategy}` is tried first for `{shown}`, where it suits"),
        Pin::Never => format!("`{strategy}` is not tried for `{shown}`"),
    });
    Ok(Ending::Well)
}

/// Takes pins back.
///
/// # Errors
/// When the pattern is not known, or the queue cannot be used.
pub(super) fn unpin(args: &PairArgs, invocation: &mut Invocation<'_>) -> Answer {
    let name = pattern(&args.name, invocation)?;
    let strategy = args.strategy.as_deref();
    let mut store = invocation.open_queue()?;
    let taken = store.write(|tx| teaching::unpin(tx, &name, strategy))?;
    let shown = shown_pair(&name, strategy);
    invocation.output.line(&if taken == 0 {
        format!("nothing to do: nothing is pinned of {shown}")
    } else {
        format!("unpinned {shown}: what was learned decides again")
    });
    Ok(Ending::Well)
}

/// Begins or ends a comparison of two strategies.
///
/// # Errors
/// When the pattern is not known, both are the same, or the queue cannot be used.
pub(super) fn compare(args: &CompareArgs, invocation: &mut Invocation<'_>) -> Answer {
    let name = pattern(&args.name, invocation)?;
    let shown = Untrusted::from(name.as_str()).for_terminal();
    let now = invocation.settings.clock.now();
    let (Some(a), Some(b)) = (&args.a, &args.b) else {
        let mut store = invocation.open_queue()?;
        let ended = store.write(|tx| teaching::end_comparison(tx, &name, now))?;
        invocation.output.line(&if ended {
            format!("ended the comparison for `{shown}`; see `autoexec patterns stats {shown}`")
        } else {
            format!("nothing to do: no comparison goes on for `{shown}`")
        });
        return Ok(Ending::Well);
    };
    if a == b {
        let message = format!("`{a}` cannot be compared with itself");
        return Err(CliError::usage("same_strategy", message));
    }
    let mut store = invocation.open_queue()?;
    store.write(|tx| teaching::compare(tx, &name, [a, b], args.tasks, now))?;
    invocation.output.line(&format!(
        "tasks that fail with `{shown}` try `{a}` or `{b}` first, in turn; see `autoexec patterns stats {shown}`"
    ));
    Ok(Ending::Well)
}

/// The name under which a pattern's failures are kept, if anybody knows it.
pub(super) fn pattern(name: &str, invocation: &mut Invocation<'_>) -> Result<String, CliError> {
    let name = ours(name);
    let met = match invocation.look_into_queue()? {
        Some(store) => store.has_met(name)?,
        None => false,
    };
    // Patterns of task files are known only once they were met.
    if !met {
        known::find(name, known::all(&invocation.settings)?)?;
    }
    Ok(name.to_owned())
}

fn shown_pair(pattern: &str, strategy: Option<&str>) -> String {
    let pattern = Untrusted::from(pattern).for_terminal();
    match strategy {
        Some(strategy) => format!("`{strategy}` for `{pattern}`"),
        None => format!("`{pattern}`"),
    }
}
