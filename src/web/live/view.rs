//! The values of the live page: words that are ready to be shown, in the order of the page.

use serde::Serialize;

use crate::model::ids::RunId;
use crate::model::state::TaskStatus;
use crate::model::verdict::Verdict;
use crate::policy::breaker::BreakerState;
use crate::policy::pick::RunPresence;
use crate::report::present_needs::Needy;
use crate::report::present_needs::PresentNeeds;
use crate::report::queue_table::Moment;
use crate::report::queue_table::note;
use crate::report::status_page;
use crate::report::status_page::Status;
use crate::report::text::Look as Page;
use crate::report::text::words_of;
use crate::store::Counts;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TaskLine;
use crate::store::breakers::KeptBreaker;
use crate::store::breakers::Kind;
use crate::store::pick::Selection;
use crate::store::runs::COMMAND_MODE;
use crate::store::runs::Run;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::paint::Paint;
use crate::web::live::around::Breaker;
use crate::web::live::around::Checked;
use crate::web::live::around::Past;
use crate::web::live::around::Told;
use crate::web::live::around::alerts;
use crate::web::live::around::breaker;
use crate::web::live::around::checked;
use crate::web::live::around::past;
use crate::web::live::tasks;
use crate::web::live::tasks::Recovering;
use crate::web::live::tasks::Running;
use crate::web::live::tasks::lines;
use crate::web::site::Look;
use crate::web::site::Site;

/// The most that is shown of what needs somebody.
const NEEDS: usize = 12;
/// The most that is shown of what comes next, and of runs.
const LISTED: usize = 8;
/// Runs that are looked through for those that did something.
const RUNS: usize = 100;

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct View {
    title: String,
    mood: &'static str,
    sentence: String,
    at: String,
    chips: Vec<Chip>,
    window: Option<String>,
    needs: Vec<Need>,
    needing: u64,
    more_needs: u64,
    running: Vec<Running>,
    more_running: u64,
    recovering: Vec<Recovering>,
    more_recovering: u64,
    next: Vec<Waiting>,
    more_next: u64,
    breakers: Vec<Breaker>,
    alerts: Vec<Told>,
    health: Option<Checked>,
    runs: Vec<Past>,
    is_new: bool,
}

#[derive(Debug, Serialize)]
struct Chip {
    class: &'static str,
    number: u64,
    word: &'static str,
}

#[derive(Debug, Serialize)]
struct Need {
    id: i64,
    name: String,
    class: &'static str,
    word: &'static str,
    what: String,
    commands: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Waiting {
    id: i64,
    name: String,
    what: String,
}

/// What is read of the queue.
#[derive(Default)]
struct Read {
    counts: Counts,
    needing: PresentNeeds,
    running: Vec<Running>,
    recovering: Vec<Recovering>,
    next: Vec<TaskLine>,
    breakers: Vec<KeptBreaker>,
    runs: Vec<Run>,
}

impl View {
    /// The page of this moment.
    pub(super) fn of(site: &Site, look: &Look) -> Result<Self, StoreError> {
        let moment = look.moment;
        let read = match &look.store {
            Some(store) => read(site, store, moment)?,
            None => Read::default(),
        };
        let page = Page {
            width: 80,
            zone: Zone::Local,
            paint: Paint::PLAIN,
        };
        let status = Status {
            counts: &read.counts,
            is_empty: read.counts.total() == 0,
            needing: &read.needing,
            active: look.active,
        };
        let sentence = status_page::sentence(status, moment, Zone::Local);
        let more = |status, shown: usize| {
            let shown = u64::try_from(shown).unwrap_or(u64::MAX);
            read.counts.of(status).saturating_sub(shown)
        };
        let shown = u64::try_from(read.needing.tasks.len()).unwrap_or(u64::MAX);
        Ok(Self {
            title: title(read.needing.in_all, look.active),
            mood: mood(&read, moment),
            sentence,
            at: Zone::Local.clock_time(moment.now),
            chips: chips(&read.counts),
            window: window(site, moment),
            needing: read.needing.in_all,
            more_needs: read.needing.in_all.saturating_sub(shown),
            needs: read
                .needing
                .tasks
                .iter()
                .map(|one| need(one, moment, page))
                .collect(),
            more_running: more(TaskStatus::Running, read.running.len().min(tasks::SHOWN)),
            more_recovering: more(TaskStatus::Recovering, read.recovering.len()),
            running: read.running,
            recovering: read.recovering,
            more_next: more(TaskStatus::Queued, read.next.len()),
            next: read
                .next
                .iter()
                .map(|line| Waiting {
                    id: line.id.get(),
                    name: line.name.clone(),
                    what: note(line, moment, page),
                })
                .collect(),
            breakers: read
                .breakers
                .iter()
                .map(|one| breaker(one, moment.now))
                .collect(),
            alerts: alerts(site, moment.now),
            // A look that takes too long is missing from the page and holds nothing else up.
            health: site.health().ok().map(|health| checked(&health)),
            runs: read
                .runs
                .iter()
                .map(|run| past(run, look.active, moment.now))
                .collect(),
            is_new: read.counts.total() == 0,
        })
    }
}

fn read(site: &Site, store: &Store, moment: Moment) -> Result<Read, StoreError> {
    let mut runs = store.runs(RUNS)?;
    runs.retain(|run| run.mode != COMMAND_MODE);
    runs.truncate(LISTED);
    Ok(Read {
        counts: store.counts(Selection::All)?,
        needing: PresentNeeds::read(store, NEEDS)?,
        running: tasks::running(site, store, moment.now)?,
        recovering: tasks::recovering(store, moment.now)?,
        next: lines(store, TaskStatus::Queued, LISTED)?,
        breakers: store.strict_breakers(Kind::Service)?,
        runs,
    })
}

/// What the window of a browser is called: what needs somebody first.
fn title(needing: u64, active: Option<(RunId, Timestamp)>) -> String {
    let needs = match needing {
        0 => "nothing needs you".to_owned(),
        1 => "1 needs you".to_owned(),
        number => format!("{number} need you"),
    };
    match active {
        Some((run, _)) => format!("{needs} · run {run} · autoexec"),
        None => format!("{needs} · autoexec"),
    }
}

fn mood(read: &Read, moment: Moment) -> &'static str {
    if read.counts.of(TaskStatus::Failed) > 0 {
        "bad"
    } else if read.needing.in_all > 0 || read.breakers.iter().any(is_strict) {
        "warn"
    } else if moment.presence == RunPresence::Active {
        "run"
    } else {
        "good"
    }
}

fn is_strict(one: &KeptBreaker) -> bool {
    one.breaker.state != BreakerState::Closed
}

const fn class_of(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Running => "run",
        TaskStatus::Failed | TaskStatus::Skipped => "bad",
        TaskStatus::Held | TaskStatus::Recovering => "warn",
        TaskStatus::Succeeded => "good",
        TaskStatus::Queued | TaskStatus::Cancelled => "calm",
    }
}

fn chips(counts: &Counts) -> Vec<Chip> {
    TaskStatus::ALL
        .into_iter()
        .filter(|status| counts.of(*status) > 0)
        .map(|status| Chip {
            class: class_of(status),
            number: counts.of(status),
            word: status.as_str(),
        })
        .collect()
}

/// What the hours and a pause say.
fn window(site: &Site, moment: Moment) -> Option<String> {
    let now = moment.now;
    let at = |at| Zone::Local.short(at, now);
    match moment.paused {
        Some(Some(until)) => return Some(format!("The queue is paused until {}.", at(until))),
        Some(None) => return Some("The queue is paused until `autoexec resume`.".to_owned()),
        None => {}
    }
    if let Some(opens) = moment.opens.filter(|opens| *opens > now) {
        return Some(format!(
            "The run waits for its window, which opens {}.",
            at(opens)
        ));
    }
    let night = site.checkup.hours()?.window(now)?;
    Some(if night.contains(now) {
        format!("The window of the night is open until {}.", at(night.end))
    } else {
        format!(
            "The next night is from {} to {}.",
            at(night.start),
            at(night.end)
        )
    })
}

fn need(needy: &Needy, moment: Moment, page: Page) -> Need {
    let line = &needy.line;
    let mut commands = vec![needy.command.clone()];
    if line.starts() > 0 {
        commands.push(format!("autoexec logs {}", line.id));
    }
    let status = line.state.status();
    Need {
        id: line.id.get(),
        name: line.name.clone(),
        class: if matches!(status, TaskStatus::Failed | TaskStatus::Skipped) {
            "bad"
        } else {
            "warn"
        },
        word: match status {
            TaskStatus::Succeeded => words_of(Verdict::Suspicious),
            TaskStatus::Skipped => words_of(Verdict::Blocked),
            TaskStatus::Queued
            | TaskStatus::Running
            | TaskStatus::Recovering
            | TaskStatus::Held
            | TaskStatus::Failed
            | TaskStatus::Cancelled => status.as_str(),
        },
        what: needy.note(moment, page),
        commands,
    }
}
