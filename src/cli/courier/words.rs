//! The words of a message: from a notice, and from the queue for a report, to a letter.
//!
//! What came from outside is made fit for a terminal here; each way of sending escapes it for its own
//! format.

use serde_json::json;

use crate::model::ids::{QueueId, RunId};
use crate::model::notice::{Digest, FailedTask, Notice, Occasion, Trouble};
use crate::model::verdict::Verdict;
use crate::notify::{Letter, Urgency};
use crate::report::json as report_json;
use crate::report::summary::RunSummary;
use crate::report::text::{self, Look};
use crate::store::outbox::Waiting;
use crate::support::clock::{Timestamp, Zone};
use crate::support::paint::Paint;
use crate::support::text::count;
use crate::support::untrusted::Untrusted;

/// Columns of a report in a message.
const WIDTH: usize = 80;

/// Where and when a letter is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk<'a> {
    /// The name of this machine.
    pub(crate) host: &'a str,
    /// The queue; `None` where it cannot be read.
    pub(crate) queue: Option<QueueId>,
    /// Where the reader's clock stands.
    pub(crate) zone: Zone,
    /// The present instant.
    pub(crate) now: Timestamp,
}

/// The name of this machine.
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "this machine".to_owned(),
        name => Untrusted::from(name).for_terminal_within(40),
    }
}

/// The letter for a message of the outbox that is no report.
pub(crate) fn letter(message: &Waiting, desk: Desk<'_>) -> Letter {
    let draft = match &message.notice {
        // Its words come from the queue; this is what is said when they cannot be had.
        Notice::Report => Draft {
            subject: "the report cannot be made".to_owned(),
            text: "The report of the run cannot be read from the queue; look with \
                   `autoexec report`.\n"
                .to_owned(),
            urgency: Urgency::NeedsPerson,
            at: message.created_at,
        },
        Notice::Critical(digest) => troubles(digest, desk),
        Notice::TasksFailed(digest) => failures(digest, desk),
        Notice::RunStarted { mode, queued, at } => {
            let tasks = count(usize::try_from(*queued).unwrap_or(usize::MAX), "task");
            Draft {
                subject: format!("{} begins, {tasks} queued", run_words(message.run, mode)),
                text: format!("It began at {}.\n", desk.zone.short(*at, desk.now)),
                urgency: Urgency::Routine,
                at: *at,
            }
        }
        Notice::RunFinished {
            because,
            exit_code,
            done,
            needing,
            at,
        } => {
            let whole = |number: &u64| usize::try_from(*number).unwrap_or(usize::MAX);
            let needs = match needing {
                0 => "nothing needs you".to_owned(),
                1 => "1 task needs you".to_owned(),
                number => format!("{number} tasks need you"),
            };
            let because = Untrusted::from(because.replace('_', " ")).for_terminal();
            Draft {
                subject: format!(
                    "{} is over: {} done, {needs}",
                    run_words(message.run, ""),
                    count(whole(done), "task")
                ),
                text: format!(
                    "It ended at {} ({because}) with exit code {exit_code}.\n\n  autoexec report --run {}\n",
                    desk.zone.short(*at, desk.now),
                    message
                        .run
                        .map_or_else(|| "last".to_owned(), |run| run.to_string()),
                ),
                urgency: if *exit_code == 0 {
                    Urgency::Routine
                } else {
                    Urgency::NeedsPerson
                },
                at: *at,
            }
        }
    };
    Letter {
        id: message.message_id.clone(),
        occasion: message.notice.occasion(),
        urgency: draft.urgency,
        subject: format!("[autoexec {}] {}", desk.host, draft.subject),
        text: draft.text,
        html: None,
        details: serde_json::to_value(&message.notice).unwrap_or_default(),
        run: message.run,
        run_uuid: run_uuid(desk.queue, message.run),
        at: draft.at,
    }
}

struct Draft {
    subject: String,
    text: String,
    urgency: Urgency,
    at: Timestamp,
}

fn run_words(run: Option<RunId>, mode: &str) -> String {
    let name = if mode == "overnight" {
        "overnight run"
    } else {
        "run"
    };
    run.map_or_else(|| format!("a {name}"), |run| format!("{name} {run}"))
}

fn troubles(digest: &Digest<Trouble>, desk: Desk<'_>) -> Draft {
    let mut lines = Vec::new();
    for trouble in &digest.entries {
        let message = Untrusted::from(trouble.message.as_str()).for_terminal();
        let at = desk.zone.short(trouble.at, desk.now);
        lines.push(format!("{at}  {}: {message}", trouble.component));
    }
    lines.extend(more(digest.more));
    lines.push("\nSee `autoexec alerts`.\n".to_owned());
    let first = digest.entries.first();
    let first = first.map_or_else(String::new, |trouble| {
        Untrusted::from(trouble.message.as_str()).for_terminal_within(100)
    });
    let subject = match digest.count() {
        0 | 1 => format!("critical: {first}"),
        number => format!("critical: {number} alerts: {first}"),
    };
    Draft {
        subject,
        text: lines.join("\n"),
        urgency: Urgency::Critical,
        at: digest.entries.first().map_or(desk.now, |first| first.at),
    }
}

fn failures(digest: &Digest<FailedTask>, desk: Desk<'_>) -> Draft {
    let mut lines = Vec::new();
    for task in &digest.entries {
        let verdict = if task.held {
            Verdict::Held
        } else {
            Verdict::Failed
        };
        let why = Untrusted::from(task.why.as_str()).for_terminal();
        let at = desk.zone.short(task.at, desk.now);
        lines.push(format!("{at}  {} {}: {why}", verdict.as_str(), task.name));
        if let Some(line) = &task.line {
            let line = Untrusted::from(line.as_str()).for_terminal_within(200);
            lines.push(format!("    {line}"));
        }
        lines.push(format!("    autoexec why {}", task.id));
    }
    lines.extend(more(digest.more));
    lines.push(String::new());
    let held = digest.entries.iter().filter(|task| task.held).count();
    let verb = |one: &str, held: bool| {
        if held {
            format!("{one} waits for you")
        } else {
            format!("{one} failed")
        }
    };
    let subject = match (digest.entries.first(), digest.count()) {
        (Some(only), 1) => verb(&format!("task `{}`", only.name), only.held),
        (_, number) if held == digest.entries.len() && digest.more == 0 => {
            format!("{number} tasks wait for you")
        }
        (_, number) => format!("{number} tasks need you"),
    };
    Draft {
        subject,
        text: lines.join("\n"),
        urgency: Urgency::NeedsPerson,
        at: digest.entries.first().map_or(desk.now, |first| first.at),
    }
}

fn more(number: u64) -> Option<String> {
    (number > 0).then(|| format!("and {number} more"))
}

/// The letter with a report.
pub fn letter_of_report(
    id: &str,
    summary: &RunSummary,
    run: Option<RunId>,
    page: Option<String>,
    (host, queue): (&str, Option<QueueId>),
) -> Letter {
    let look = Look {
        width: WIDTH,
        zone: Zone::Local,
        paint: Paint::PLAIN,
    };
    let last = summary.runs.last();
    let failed = last
        .and_then(|run| run.exit_code)
        .is_some_and(|code| code != 0);
    let needs = summary.needs().len();
    Letter {
        id: id.to_owned(),
        occasion: Occasion::Report,
        urgency: if needs > 0 || failed {
            Urgency::NeedsPerson
        } else {
            Urgency::Routine
        },
        subject: format!("[autoexec {host}] {}", verdict(summary, needs)),
        text: text::render(summary, look),
        html: page,
        details: serde_json::to_value(report_json::value(summary)).unwrap_or(json!(null)),
        run,
        run_uuid: run_uuid(queue, run),
        at: summary.generated_at,
    }
}

/// Says in a letter with commands which queue they are for: a cron line names it, the reader's shell does
/// not. `place` is quoted for a shell.
pub(crate) fn name_queue(letter: &mut Letter, place: &str) {
    let export = format!("export AUTOEXEC_STATE_DIR={place}");
    let says = "Before any command of this message, so that it finds this queue:";
    letter
        .text
        .push_str(&["\n", says, "\n  ", &export, "\n"].concat());
    if let Some(page) = &mut letter.html
        && let Some(end) = page.rfind("</main>")
    {
        let export = Untrusted::from(export.as_str()).for_html();
        let part = [
            "<section><p>",
            says,
            "</p><pre>",
            &export,
            "</pre></section>\n",
        ]
        .concat();
        page.insert_str(end, &part);
    }
}

/// The verdict of a report in a few words: `2 need you (1 failed, 1 held), 25 of 27 tasks done`.
fn verdict(summary: &RunSummary, needs: usize) -> String {
    let totals = &summary.totals;
    let all = totals.tasks();
    let done: usize = [
        Verdict::Ok,
        Verdict::Recovered,
        Verdict::Suspicious,
        Verdict::NotNeeded,
    ]
    .into_iter()
    .map(|verdict| totals.of(verdict))
    .sum();
    let done = match all {
        0 => "nothing ran".to_owned(),
        all if all == done => format!("all well, {} done", count(all, "task")),
        all => format!("{done} of {} done", count(all, "task")),
    };
    if needs == 0 {
        return done;
    }
    let which: Vec<String> = [
        Verdict::Failed,
        Verdict::Held,
        Verdict::Blocked,
        Verdict::Suspicious,
    ]
    .into_iter()
    .filter(|verdict| totals.of(*verdict) > 0)
    .map(|verdict| format!("{} {}", totals.of(verdict), verdict.as_str()))
    .collect();
    let verb = if needs == 1 { "needs" } else { "need" };
    format!("{needs} {verb} you ({}), {done}", which.join(", "))
}

/// An id of a run that no other queue has, always the same: by it a receiver knows which end belongs to
/// which beginning.
fn run_uuid(queue: Option<QueueId>, run: Option<RunId>) -> Option<String> {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    hasher.update(b"autoexec run 1\n");
    hasher.update(queue?.0);
    hasher.update(run?.get().to_be_bytes());
    let hash = hasher.finalize();
    let bytes: [u8; 16] = hash.get(..16)?.try_into().ok()?;
    Some(
        uuid::Builder::from_bytes(bytes)
            .with_variant(uuid::Variant::RFC4122)
            .with_version(uuid::Version::Random)
            .into_uuid()
            .to_string(),
    )
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
