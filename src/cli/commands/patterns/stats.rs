//! `autoexec patterns stats`: what is known of strategies, and what came of comparing two.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::commands::Invocation;
use crate::cli::commands::patterns::learn;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::policy::classify::catalogue;
use crate::policy::learning::evidence::weighed;
use crate::policy::learning::experiment::compare;
use crate::policy::learning::{Finding, Pin, Posterior, Side, wilson};
use crate::store::Store;
use crate::store::learning::{ExperimentRow, LearnedRow, Past};
use crate::support::clock::Timestamp;
use crate::support::table::{Column, titled, wrap};
use crate::support::untrusted::Untrusted;

/// Options of `autoexec patterns stats`.
#[derive(Debug, clap::Args)]
pub struct StatsArgs {
    /// Only this pattern
    #[arg(value_name = "PATTERN")]
    pub name: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// A strategy with what is expected of it.
struct Shown {
    row: LearnedRow,
    expected: f64,
}

/// Shows what was learned.
///
/// # Errors
/// When the queue cannot be used.
pub(super) fn stats(args: &StatsArgs, invocation: &mut Invocation<'_>) -> Answer {
    let now = invocation.settings.clock.now();
    let pattern = args.name.as_deref();
    let pattern = pattern.map(|name| learned_or_known(name, invocation));
    let pattern = pattern.transpose()?;
    let pattern = pattern.as_deref();
    let (rows, experiments) = match invocation.look_into_queue()? {
        Some(store) => (
            shown(&store, pattern, now)?,
            store.experiments(pattern, Past::Too)?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    if args.json {
        let answer = json!({
            "schema": "autoexec.pattern_stats/1",
            "strategies": rows.iter().map(value).collect::<Vec<Value>>(),
            "experiments": experiments.iter().map(experiment_value).collect::<Vec<Value>>(),
        });
        invocation.output.json(&answer);
        return Ok(Ending::Well);
    }
    if rows.is_empty() && experiments.is_empty() {
        invocation.output.note(
            "nothing is learned yet: figures come from recoveries of which it is known whether they helped",
        );
        return Ok(Ending::Well);
    }
    if !rows.is_empty() {
        let text = table(&rows, invocation);
        invocation.output.text(&text);
    }
    for one in &experiments {
        let words = experiment_words(one);
        invocation.output.line(&words);
    }
    Ok(Ending::Well)
}

/// The name under which failures of a pattern are kept: another word for it means the same.
pub(super) fn ours(name: &str) -> &str {
    match catalogue::named(name).map(|named| named.known_by) {
        Some(catalogue::KnownBy::Alias(ours)) => ours,
        Some(catalogue::KnownBy::Output | catalogue::KnownBy::Fact) | None => name,
    }
}

/// A pattern of which something was learned, though it may be gone meanwhile, or one that there is.
fn learned_or_known(name: &str, invocation: &mut Invocation<'_>) -> Result<String, CliError> {
    if let Some(store) = invocation.look_into_queue()?
        && (!store.learned_rows(Some(ours(name)))?.is_empty()
            || !store.experiments(Some(ours(name)), Past::Too)?.is_empty())
    {
        return Ok(ours(name).to_owned());
    }
    learn::pattern(name, invocation)
}

fn shown(store: &Store, pattern: Option<&str>, now: Timestamp) -> Result<Vec<Shown>, CliError> {
    let mut of_patterns = BTreeMap::new();
    let mut all = Vec::new();
    for row in store.learned_rows(pattern)? {
        if !of_patterns.contains_key(&row.pattern) {
            let figures = store.figures(&row.pattern)?;
            let counts = weighed(figures.evidence.iter().collect(), &figures.imported, now);
            of_patterns.insert(row.pattern.clone(), counts);
        }
        let counts = of_patterns
            .get(&row.pattern)
            .and_then(|counts| counts.get(&row.strategy))
            .copied()
            .unwrap_or_default();
        let usual = catalogue::named(&row.pattern).map(|named| &named.strategies);
        let rank = usual.and_then(|usual| usual.iter().position(|name| *name == row.strategy));
        let last = usual.map_or(0, Vec::len);
        let expected = Posterior::new(rank.unwrap_or(last), counts).mean();
        all.push(Shown { row, expected });
    }
    Ok(all)
}

fn table(rows: &[Shown], invocation: &Invocation<'_>) -> String {
    let columns = [
        Column::cut_to("PATTERN", 12),
        Column::words("STRATEGY"),
        Column::numbers("HELPED"),
        Column::words("RATE"),
        Column::numbers("EXPECTED"),
    ];
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|Shown { row, expected }| {
            let (share, low, high) = wilson(row.helped, row.tried);
            let known = row.tried > 0;
            let percent = |share: f64| format!("{:.0} %", share * 100.0);
            vec![
                Untrusted::from(row.pattern.as_str()).for_terminal(),
                row.strategy.clone(),
                format!("{} of {}", row.helped, row.tried),
                if known {
                    let (low, high) = (low * 100.0, high * 100.0);
                    format!("{} ({low:.0}-{high:.0})", percent(share))
                } else {
                    String::new()
                },
                percent(*expected),
            ]
        })
        .collect();
    let look = invocation.look();
    let mut page = titled(&columns, &cells, look.width, |title| {
        look.paint.strong(title)
    });
    // On lines of their own: the columns take all that a terminal has.
    for (Shown { row, .. }, note) in rows.iter().map(|one| (one, note(&one.row))) {
        if !note.is_empty() {
            let pattern = Untrusted::from(row.pattern.as_str()).for_terminal();
            let line = format!("{} for {pattern}: {note}", row.strategy);
            page.push_str(&wrap(&line, look.width).join("\n"));
            page.push('\n');
        }
    }
    page
}

fn note(row: &LearnedRow) -> String {
    let pin = row.pin.map(|pin| match pin {
        Pin::First => "pinned: first".to_owned(),
        Pin::Never => "pinned: never".to_owned(),
    });
    let imported = row
        .imported
        .as_ref()
        .map(|one| format!("imported: {} of {} helped", one.helped, one.tried));
    pin.into_iter()
        .chain(imported)
        .collect::<Vec<_>>()
        .join("; ")
}

fn experiment_words(one: &ExperimentRow) -> String {
    let pattern = Untrusted::from(one.pattern.as_str()).for_terminal();
    let (a, b) = (&one.experiment.a, &one.experiment.b);
    let finding = match compare(one.a, one.b) {
        Finding::Better(Side::A) => format!("`{a}` is better"),
        Finding::Better(Side::B) => format!("`{b}` is better"),
        Finding::Undecided if one.is_running() => "not decided yet".to_owned(),
        Finding::Undecided => "no difference was found".to_owned(),
    };
    let state = match (one.is_running(), one.limit) {
        (true, Some(limit)) => format!("{} of {limit} tasks", one.tasks),
        (true, None) => format!("{} tasks so far", one.tasks),
        (false, _) => format!("over, {} tasks", one.tasks),
    };
    format!(
        "compared for {pattern}: `{a}` helped {} of {}, `{b}` {} of {}: {finding} ({state})",
        one.a.0, one.a.1, one.b.0, one.b.1
    )
}

fn value(Shown { row, expected }: &Shown) -> Value {
    let (rate, low, high) = wilson(row.helped, row.tried);
    let known = |number: f64| (row.tried > 0).then_some(number);
    json!({
        "pattern": row.pattern,
        "strategy": row.strategy,
        "attempts": row.tried,
        "succeeded": row.helped,
        "rate": known(rate),
        "rate_low": known(low),
        "rate_high": known(high),
        "expected": expected,
        "pin": row.pin.map(Pin::as_str),
        "imported": row.imported.as_ref().map(|one| json!({
            "attempts": one.tried,
            "succeeded": one.helped,
            "as_of": one.as_of.to_rfc3339(),
        })),
    })
}

fn experiment_value(one: &ExperimentRow) -> Value {
    let side = |strategy: &str, (helped, tried): (u32, u32)| {
        let (rate, low, high) = wilson(helped, tried);
        json!({
            "strategy": strategy,
            "attempts": tried,
            "succeeded": helped,
            "rate": (tried > 0).then_some(rate),
            "rate_low": (tried > 0).then_some(low),
            "rate_high": (tried > 0).then_some(high),
        })
    };
    json!({
        "id": one.experiment.id,
        "pattern": one.pattern,
        "a": side(&one.experiment.a, one.a),
        "b": side(&one.experiment.b, one.b),
        "better": match compare(one.a, one.b) {
            Finding::Better(Side::A) => Some(&one.experiment.a),
            Finding::Better(Side::B) => Some(&one.experiment.b),
            Finding::Undecided => None,
        },
        "tasks": one.tasks,
        "limit": one.limit,
        "running": one.is_running(),
        "started_at": one.started_at.to_rfc3339(),
        "ended_at": one.ended_at.map(Timestamp::to_rfc3339),
    })
}
