//! The first sentence of a report: did it run, why did it end, does anything need you.

use crate::model::verdict::Verdict;
use crate::policy::pick::RunPresence;
use crate::report::facts::RunFacts;
use crate::report::facts::Scope;
use crate::report::not_run::OVERNIGHT;
use crate::report::summary::RunSummary;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::text::count;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// The exit code of a run that had work and started nothing.
const NOTHING_STARTED: i32 = 4;

/// The sentence.
pub fn sentence(summary: &RunSummary, zone: Zone) -> String {
    let Some(last) = summary.runs.last() else {
        return without_run(summary, zone);
    };
    let now = summary.generated_at;
    let begun = zone.short(last.started_at, now);
    let before = before(summary, zone);
    let (name, go_on) = if last.mode == OVERNIGHT {
        (
            format!("Overnight run {}", last.id),
            "autoexec run --overnight",
        )
    } else {
        (format!("Run {}", last.id), "autoexec run")
    };
    let run = match last.ended_at {
        // The clock was set back meanwhile; how long it took nobody knows.
        Some(ended) if ended < last.started_at => format!(
            "{name} began at {begun}, the clock was set back, and it ended at {} because {}",
            zone.short(ended, now),
            because(last, zone, now),
        ),
        Some(ended) => format!(
            "{name} went from {begun} to {} ({}) and ended because {}",
            zone.short(ended, now),
            span(ended.since(last.started_at)),
            because(last, zone, now),
        ),
        None if summary.presence == RunPresence::Active => going(last, &name, zone, now),
        None => format!(
            "{name} began at {begun} and was cut off, as {}; `{go_on}` goes on with what is left",
            if last.rebooted {
                "the machine was restarted"
            } else {
                "it was killed or the machine went down"
            }
        ),
    };
    let idle = if last.exit_code == Some(NOTHING_STARTED) {
        ", although nothing could be started"
    } else {
        ""
    };
    let missed = missed(summary, zone);
    format!("{before}{run}{idle}: {}.{missed}", state(summary))
}

/// A run that goes on, or waits for its window.
fn going(run: &RunFacts, name: &str, zone: Zone, now: Timestamp) -> String {
    match run.window {
        Some((opens, _)) if opens > now => {
            format!(
                "{name} waits for its window, which opens {}",
                zone.short(opens, now)
            )
        }
        Some((_, ends)) => format!(
            "{name} has been going since {} ({}), until {} at the latest",
            zone.short(run.started_at, now),
            span(now.since(run.started_at)),
            zone.short(ends, now)
        ),
        None => format!(
            "{name} has been going since {} ({})",
            zone.short(run.started_at, now),
            span(now.since(run.started_at))
        ),
    }
}

/// That a night went by in which nothing was started although tasks were queued.
fn missed(summary: &RunSummary, zone: Zone) -> String {
    summary.missed.map_or_else(String::new, |opened| {
        let opened = zone.short(opened, summary.generated_at);
        format!(
            " The night that began {opened} was missed, as no run was started: check the timer or \
             cron line of `autoexec run --overnight`."
        )
    })
}

/// What there is to say of the runs before the last one.
fn before(summary: &RunSummary, zone: Zone) -> String {
    let others = summary
        .runs
        .split_last()
        .map_or(&[][..], |(_, others)| others);
    let mut died = others.iter().filter(|run| run.ended_at.is_none());
    let number = died.clone().count();
    let (Some(first), 1) = (died.next(), number) else {
        return match (others.len(), number) {
            (0, _) => String::new(),
            (all, 0) => format!("{} went before. ", count(all, "run")),
            (all, died) => format!(
                "{} went before, {died} of them were cut off. ",
                count(all, "run")
            ),
        };
    };
    let begun = zone.short(first.started_at, summary.generated_at);
    let cut = format!(
        "un {}, begun at {begun}, was cut off (it was killed, or the machine went down). ",
        first.id
    );
    match others.len() {
        1 => format!("R{cut}"),
        all => format!("{} went before; r{cut}", count(all, "run")),
    }
}

/// How many tasks are done, and how many need a person.
fn state(summary: &RunSummary) -> String {
    let totals = &summary.totals;
    let all = totals.tasks();
    if all == 0 {
        return "it had no task".to_owned();
    }
    let done = [
        Verdict::Ok,
        Verdict::Recovered,
        Verdict::Suspicious,
        Verdict::NotNeeded,
    ];
    let done: usize = done.into_iter().map(|verdict| totals.of(verdict)).sum();
    let done = match (done, all) {
        (1, 1) => "its task is done".to_owned(),
        (done, all) if done == all => format!("all {all} tasks are done"),
        (done, all) => format!("{done} of {} done", count(all, "task")),
    };
    match summary.needs().len() {
        0 => format!("{done}, nothing needs you"),
        1 => format!("{done}, 1 needs you"),
        number => format!("{done}, {number} need you"),
    }
}

fn because(run: &RunFacts, zone: Zone, now: Timestamp) -> String {
    match (run.ended_because.as_deref(), run.window) {
        (Some("deadline"), Some((_, end))) => {
            return format!("its window was over ({})", zone.short(end, now));
        }
        (Some("drained"), Some((opened, _))) if run.ended_at.is_some_and(|end| end < opened) => {
            return "nothing was left to wait for".to_owned();
        }
        _ => {}
    }
    match run.ended_because.as_deref() {
        Some("drained") => "nothing was left to do".to_owned(),
        Some("stopped") => "it was told to stop".to_owned(),
        Some("signal") => "it got a signal".to_owned(),
        Some("deadline") => "its time was over".to_owned(),
        Some("storage") => "the queue could not be written".to_owned(),
        Some("no_supervisor") => "the processes that watch over attempts did not live".to_owned(),
        Some(other) => Untrusted::from(other.replace('_', " ")).for_terminal(),
        None => "of an unknown reason".to_owned(),
    }
}

fn without_run(summary: &RunSummary, zone: Zone) -> String {
    let queued = summary.totals.of(Verdict::Waiting)
        + summary.totals.of(Verdict::Interrupted)
        + summary.totals.of(Verdict::Deferred);
    let needing = summary.needs().len();
    let queued = match queued {
        0 if needing > 0 => "Nothing is queued.".to_owned(),
        0 => "Nothing is queued; add tasks with `autoexec queue add FILE`.".to_owned(),
        1 => "1 task is queued; start it with `autoexec run`.".to_owned(),
        number => format!("{number} tasks are queued; start them with `autoexec run`."),
    };
    if !summary.ever_run {
        return format!("Nothing has run yet. {queued}");
    }
    let now = summary.generated_at;
    let since = match summary.scope {
        Scope::SinceRead(Some(read)) => {
            format!(
                " since the last report was read ({})",
                zone.short(read, now)
            )
        }
        Scope::Since(since) => format!(" since {}", zone.short(since, now)),
        Scope::SinceRead(None) | Scope::Runs { .. } => String::new(),
    };
    let needs = match needing {
        0 => String::new(),
        1 => "; 1 task still needs you".to_owned(),
        number => format!("; {number} tasks still need you"),
    };
    let missed = missed(summary, zone);
    format!("Nothing ran{since}{needs}. {queued}{missed}")
}
