//! Bars on a terminal that only remembers what was written to it.

use crate::model::signal::Signal;
use std::io;

use console::measure_text_width;
use indicatif::TermLike;

use super::*;
use crate::engine::events::AttemptEnd;
use crate::engine::events::RunEnd;
use crate::engine::events::RunTotals;
use crate::engine::events::TaskRef;
use crate::model::ids::RunId;
use crate::support::clock::Zone;
use crate::support::paint::Paint;

const WIDTH: u16 = 40;
const NOW: Timestamp = Timestamp::from_millis(1_700_051_027_000);

#[derive(Debug, Clone, Default)]
struct Remembering {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Remembering {
    fn write(&self, text: &str) {
        let mut lines = self.lines.lock().unwrap();
        lines.extend(text.split('\n').map(str::to_owned));
    }

    /// What was written, without the spaces that fill up lines.
    fn written(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

impl TermLike for Remembering {
    fn width(&self) -> u16 {
        WIDTH
    }
    fn height(&self) -> u16 {
        50
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write(text);
        Ok(())
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(text);
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

fn attempt(task: i64, number: u32) -> AttemptRef {
    AttemptRef {
        task: TaskRef {
            id: TaskId::new(task),
            name: TaskName::new(&format!("{}-{task}", "a-task-with-a-long-name".repeat(2)))
                .unwrap(),
        },
        id: AttemptId::new(task * 100 + i64::from(number)),
        number,
        limit: 5,
    }
}

fn bars(terminal: &Remembering) -> Bars {
    let manner = Manner {
        zone: Zone::East(7200),
        paint: Paint::PLAIN,
    };
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    Bars::new(ErrorStream::to(io::sink()), manner, target)
}

#[test]
fn a_terminal_that_is_closed_ends_nothing() {
    let manner = Manner {
        zone: Zone::East(7200),
        paint: Paint::PLAIN,
    };
    let target = ProgressDrawTarget::term_like(Box::new(LosableTerminal::of(Closed)));
    let stream = ErrorStream::to(io::sink());
    let mut bars = Bars::new(stream.clone(), manner, target);
    bars.watch(
        NOW,
        &RunEvent::AttemptStarted {
            attempt: attempt(1, 1),
        },
    );
    stream.line("something that is told around the bars");
    bars.watch(NOW, &ended(1, Next::Done));
}

/// A terminal whose window was closed.
#[derive(Debug)]
struct Closed;

fn gone() -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::EIO))
}

impl TermLike for Closed {
    fn width(&self) -> u16 {
        WIDTH
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        gone()
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        gone()
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        gone()
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        gone()
    }
    fn write_line(&self, _: &str) -> io::Result<()> {
        gone()
    }
    fn write_str(&self, _: &str) -> io::Result<()> {
        gone()
    }
    fn clear_line(&self) -> io::Result<()> {
        gone()
    }
    fn flush(&self) -> io::Result<()> {
        gone()
    }
}

fn ended(task: i64, next: Next) -> RunEvent {
    RunEvent::AttemptEnded {
        attempt: attempt(task, 1),
        end: AttemptEnd::Succeeded,
        step: None,
        duration: Duration::from_secs(2),
        next,
    }
}

#[test]
fn every_running_attempt_has_a_line_and_no_line_is_too_wide() {
    let terminal = Remembering::default();
    let mut bars = bars(&terminal);
    bars.watch(
        NOW,
        &RunEvent::RunStarted {
            run: RunId::new(1),
            queued: 30,
            slots: 20,
            until: None,
        },
    );
    for task in 1..=20 {
        let attempt = attempt(task, 2);
        bars.watch(NOW, &RunEvent::AttemptStarted { attempt });
    }
    assert_eq!(bars.running.len(), 20);
    let shown = bars.running.values().filter(|one| one.bar.is_some());
    assert_eq!(shown.count(), MOST_LINES);
    drop(bars);
    let written = terminal.written();
    assert!(written.iter().any(|line| line.contains("a-task-with")));
    for line in written {
        assert!(measure_text_width(&line) <= usize::from(WIDTH), "{line:?}");
    }
}

#[test]
fn a_line_that_becomes_free_goes_to_an_attempt_without_one() {
    let mut bars = bars(&Remembering::default());
    for task in 1..=20 {
        let attempt = attempt(task, 1);
        bars.watch(NOW, &RunEvent::AttemptStarted { attempt });
    }
    bars.watch(NOW, &ended(3, Next::Done));
    let shown = bars.running.values().filter(|one| one.bar.is_some());
    assert_eq!(shown.count(), MOST_LINES);
    assert_eq!(bars.running.len(), 19);
    assert_eq!(bars.whole.position(), 1);
}

#[test]
fn what_waits_for_its_next_attempt_is_told_the_soonest_first() {
    let mut bars = bars(&Remembering::default());
    let later = |seconds| Next::Retry(NOW.plus(Duration::from_secs(seconds)));
    bars.watch(NOW, &ended(1, later(90)));
    bars.watch(NOW, &ended(2, later(15)));
    let words = bars.waits_at(NOW).words(Duration::ZERO);
    assert!(words.starts_with("next attempts: "), "{words}");
    let (soon, late) = (words.find("-2 at 14:24:02"), words.find("-1 at 14:25:17"));
    assert!(soon.is_some() && soon < late, "{words}");
    // Its time has come, but the run has not started it yet.
    let words = bars.waits_at(NOW).words(Duration::from_secs(15));
    assert!(words.contains("-2 waits for its turn, "), "{words}");
    assert!(words.contains("-1 at 14:25:17"), "{words}");
    let again = attempt(2, 2);
    bars.watch(NOW, &RunEvent::AttemptStarted { attempt: again });
    let words = bars.waits_at(NOW).words(Duration::ZERO);
    assert!(!words.contains("-2 "), "{words}");
}

#[test]
fn what_failed_is_told_before_what_may_be_cut_off() {
    let mut bars = bars(&Remembering::default());
    let running = attempt(1, 1);
    bars.watch(NOW, &RunEvent::AttemptStarted { attempt: running });
    let retry = Next::Retry(NOW.plus(Duration::from_mins(1)));
    bars.watch(NOW, &ended(2, retry));
    bars.watch(NOW, &ended(3, Next::Failed("used up".to_owned())));
    let words = bars.whole.message();
    assert_eq!(words, "1 running, 1 failed, 1 waiting for a retry");
}

#[test]
fn a_run_that_is_stopped_says_what_another_signal_does_and_promises_no_attempt() {
    let mut bars = bars(&Remembering::default());
    let running = attempt(1, 1);
    bars.watch(NOW, &RunEvent::AttemptStarted { attempt: running });
    bars.watch(
        NOW,
        &ended(2, Next::Retry(NOW.plus(Duration::from_mins(1)))),
    );
    assert!(bars.waits.is_some());
    let stopping = |cause| RunEvent::Stopping { cause, running: 1 };
    bars.watch(NOW, &stopping(StopCause::Signal(Signal::INT)));
    let words = bars.whole.message();
    assert!(
        words.starts_with("stopping: 1 running, Ctrl-C again kills"),
        "{words}"
    );
    assert!(bars.waits.is_none());
    bars.watch(NOW, &stopping(StopCause::Requested));
    assert!(bars.whole.message().starts_with("stopping: 1 running"));
}

#[test]
fn a_run_says_above_its_bars_what_it_begins_with() {
    let started = RunEvent::RunStarted {
        run: RunId::new(1),
        queued: 7,
        slots: 3,
        until: None,
    };
    assert!(worth_keeping(&started));
    assert!(!worth_keeping(&ended(1, Next::Done)));
}

#[test]
fn the_end_of_the_run_leaves_no_bar_behind() {
    let mut bars = bars(&Remembering::default());
    let started = attempt(1, 1);
    bars.watch(NOW, &RunEvent::AttemptStarted { attempt: started });
    bars.watch(
        NOW,
        &RunEvent::RunEnded {
            because: RunEnd::Drained,
            totals: RunTotals::default(),
        },
    );
    assert!(bars.whole.is_finished() && bars.running.is_empty());
    assert!(bars.ticker.is_none());
}

#[test]
fn the_whole_is_never_smaller_than_its_parts() {
    let mut bars = bars(&Remembering::default());
    bars.watch(
        NOW,
        &RunEvent::RunStarted {
            run: RunId::new(1),
            queued: 1,
            slots: 2,
            until: None,
        },
    );
    bars.watch(NOW, &ended(1, Next::Done));
    // Added while the run went on.
    let added = attempt(2, 1);
    bars.watch(NOW, &RunEvent::AttemptStarted { attempt: added });
    assert_eq!((bars.whole.position(), bars.whole.length()), (1, Some(2)));
}

#[test]
fn an_adopted_attempt_that_is_lost_loses_its_line() {
    let mut bars = bars(&Remembering::default());
    bars.watch(
        NOW,
        &RunEvent::Adopted {
            attempt: attempt(1, 1),
            started_at: Some(NOW),
        },
    );
    assert_eq!(bars.running.len(), 1);
    bars.watch(
        NOW,
        &RunEvent::AfterCrash {
            attempt: attempt(1, 1),
            found: Found::MaybeRan,
            next: Next::Retry(NOW),
        },
    );
    assert_eq!((bars.running.len(), bars.waiting.len()), (0, 1));
}

#[test]
fn who_is_being_recovered_is_counted_until_it_goes_on() {
    let mut bars = bars(&Remembering::default());
    let started = attempt(1, 1);
    bars.watch(NOW, &RunEvent::AttemptStarted { attempt: started });
    bars.watch(NOW, &ended(1, Next::Recovering));
    assert!(
        bars.whole.message().contains("1 recovering"),
        "{}",
        bars.whole.message()
    );
    bars.watch(
        NOW,
        &RunEvent::RecoveryEnded {
            task: attempt(1, 1).task,
            strategy: "wait_for_reconnection".to_owned(),
            state: crate::model::recovery::RecoveryState::Applied,
            detail: None,
            next: Some(Next::Retry(NOW)),
        },
    );
    let told = bars.whole.message();
    assert!(
        !told.contains("recovering") && told.contains("1 waiting"),
        "{told}"
    );
}
