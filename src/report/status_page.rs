//! The page of bare `autoexec`: what is queued, what needs a person, and where to start.

use crate::model::ids::RunId;
use crate::model::state::TaskStatus;
use crate::report::present_needs::PresentNeeds;
use crate::report::queue_table::Moment;
use crate::report::queue_table::status_word;
use crate::report::text::Look;
use crate::store::Counts;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::table::Column;
use crate::support::table::rows;
use crate::support::table::wrap;

/// The most tasks that are listed by name.
pub const LISTED: usize = 8;

/// What the page rests on.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// How many tasks there are of each status that is not the last one.
    pub counts: &'a Counts,
    /// What needs a person, at most [`LISTED`] tasks of it by name.
    pub needing: &'a PresentNeeds,
    /// Whether there is no task at all.
    pub is_empty: bool,
    /// The active run and when it began.
    pub active: Option<(RunId, Timestamp)>,
}

/// The page.
pub fn text(status: Status<'_>, moment: Moment, look: Look) -> String {
    let mut page = wrap(&sentence(status, moment, look.zone), look.width).join("\n");
    if !status.needing.tasks.is_empty() {
        let title = format!("Needs you ({})", status.needing.in_all);
        page.extend(["\n\n", &look.paint.strong(&title), "\n"]);
        page.push_str(&needing_lines(status, moment, look));
        let shown = u64::try_from(status.needing.tasks.len()).unwrap_or(u64::MAX);
        let hidden = status.needing.in_all.saturating_sub(shown);
        if hidden > 0 {
            let more = format!("  and {hidden} more, see `autoexec queue list`\n");
            page.push_str(&more);
        }
    }
    let gap = if page.ends_with('\n') { "\n" } else { "\n\n" };
    page.extend([gap, &look.paint.strong("Where to start"), "\n"]);
    page.push_str(&start(status, look));
    page
}

/// The page where nothing was ever added.
pub fn of_nothing(look: Look) -> String {
    let status = Status {
        counts: &Counts::default(),
        needing: &PresentNeeds::default(),
        is_empty: true,
        active: None,
    };
    let moment = Moment {
        stalled_after: crate::policy::trace::SILENCE,
        now: Timestamp::from_millis(0),
        presence: crate::policy::pick::RunPresence::Absent,
        stopping: false,
        paused: None,
        opens: None,
        alone: None,
    };
    text(status, moment, look)
}

/// How the queue stands, in one sentence.
pub fn sentence(status: Status<'_>, moment: Moment, zone: Zone) -> String {
    let queued = status.counts.of(TaskStatus::Queued);
    let mut parts = vec![match queued {
        0 => "nothing is queued".to_owned(),
        1 => "1 task is queued".to_owned(),
        number => format!("{number} tasks are queued"),
    }];
    let running = status.counts.of(TaskStatus::Running) + status.counts.of(TaskStatus::Recovering);
    if running > 0 {
        parts.push(format!("{running} running"));
    }
    parts.push(match status.needing.in_all {
        0 => "nothing needs you".to_owned(),
        1 => "1 needs you".to_owned(),
        number => format!("{number} need you"),
    });
    let run = match status.active {
        Some((run, since)) => {
            let since = zone.short(since, moment.now);
            let stops = if moment.stopping {
                " and is stopping"
            } else {
                ""
            };
            format!("Run {run} has been going since {since}{stops}")
        }
        None => "No run is active".to_owned(),
    };
    format!("{run}: {}.", parts.join(", "))
}

fn needing_lines(status: Status<'_>, moment: Moment, look: Look) -> String {
    let columns = [
        Column::words(""),
        Column::cut_to("", 12),
        Column::cut_to("", 8),
        Column::words(""),
    ];
    let cells: Vec<Vec<String>> = status
        .needing
        .tasks
        .iter()
        .map(|needy| {
            let (line, command) = (&needy.line, &needy.command);
            vec![
                format!("  {}", status_word(look.paint, &line.state)),
                format!("{} ({})", line.name, line.id),
                needy.note(moment, look),
                look.paint.command(command),
            ]
        })
        .collect();
    rows(&columns, &cells, look.width)
}

/// The three commands to start with; which ones depends on where one stands.
fn start(status: Status<'_>, look: Look) -> String {
    let add = ("autoexec queue add FILE", "add the tasks of a file");
    let run = ("autoexec run", "run what is queued");
    let report = ("autoexec report", "say what happened");
    let commands = if status.active.is_some() {
        [
            ("autoexec queue list", "see how far it is"),
            ("autoexec stop", "stop it; the queue is kept"),
            report,
        ]
    } else if status.is_empty {
        [add, run, ("autoexec --help", "see everything else")]
    } else {
        [run, report, add]
    };
    let cells: Vec<Vec<String>> = commands
        .iter()
        .map(|(command, help)| {
            let command = look.paint.command(command);
            vec![format!("  {command}"), (*help).to_owned()]
        })
        .collect();
    rows(
        &[Column::words(""), Column::cut_to("", 10)],
        &cells,
        look.width,
    )
}

#[cfg(test)]
#[path = "status_page_tests.rs"]
mod tests;
