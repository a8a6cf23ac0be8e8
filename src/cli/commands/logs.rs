//! `autoexec logs`: the output of an attempt.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::commands::Invocation;
use crate::cli::commands::queue::select;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::model::attempt::AttemptState;
use crate::model::ids::TaskId;
use crate::model::outcome::Ended;
use crate::process::Stream;
use crate::process::logfollow::Follower;
use crate::process::logread::{self, Piece};
use crate::report::log_text::{LogText, Reader};
use crate::report::outcome_words::outcome_words;
use crate::store::{AttemptRecord, Store};

/// Between two looks at output that still grows.
const PAUSE: Duration = Duration::from_millis(200);

/// Options of `autoexec logs`.
#[derive(Debug, clap::Args)]
pub struct LogsArgs {
    /// The task: its id or its name
    #[arg(value_name = "ID|NAME")]
    pub task: String,
    /// Which attempt, counted from 1 [default: the latest]
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
    /// Only one of the streams
    #[arg(long, value_enum, value_name = "STREAM")]
    pub stream: Option<StreamChoice>,
    /// Go on as long as the attempt runs
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines
    #[arg(long, value_name = "N")]
    pub tail: Option<usize>,
}

/// A stream of an attempt's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StreamChoice {
    /// Standard output
    Stdout,
    /// Standard error
    Stderr,
}

/// Carries out the command.
///
/// # Errors
/// When there is no such task or attempt, or its output cannot be read.
pub fn carry_out(args: &LogsArgs, invocation: &mut Invocation<'_>) -> Answer {
    let Some(store) = invocation.look_into_queue()? else {
        return Err(select::unknown(&args.task, []));
    };
    let task = select::find(&store, &args.task)?;
    let Some(attempt) = choose(&store, task, args)? else {
        invocation.output.note("it has not started yet");
        return Ok(Ending::Well);
    };
    let reader = if io::stdout().is_terminal() {
        Reader::Terminal
    } else {
        Reader::Program
    };
    let wanted = args.stream.map(|stream| match stream {
        StreamChoice::Stdout => Stream::Stdout,
        StreamChoice::Stderr => Stream::Stderr,
    });
    let mut shower = Shower {
        logs: invocation.settings.state.logs(),
        text: LogText::new(reader, wanted, args.tail),
        shown: false,
        task,
        attempt,
        invocation,
    };
    if shower.attempt.state == AttemptState::Ended {
        shower.show_ended()?;
    } else {
        shower.show_running(&store, task, args.follow)?;
    }
    shower.finish();
    Ok(Ending::Well)
}

/// The attempt that is meant; `None` when there was none and none was named.
fn choose(store: &Store, task: TaskId, args: &LogsArgs) -> Result<Option<AttemptRecord>, CliError> {
    let mut attempts = store.attempts_of(task)?;
    let Some(number) = args.attempt else {
        return Ok(attempts.pop());
    };
    let most = attempts.len();
    match attempts.into_iter().find(|one| one.number == number) {
        Some(attempt) => Ok(Some(attempt)),
        None => Err(CliError::usage(
            "unknown_attempt",
            format!("there is no attempt {number} of task {task}"),
        )
        .hint(match most {
            0 => "it has not started yet".to_owned(),
            _ => format!("see them all with `autoexec queue show {task}`"),
        })),
    }
}

/// Shows the output of one attempt.
struct Shower<'a, 'b> {
    logs: PathBuf,
    text: LogText,
    shown: bool,
    task: TaskId,
    attempt: AttemptRecord,
    invocation: &'a mut Invocation<'b>,
}

impl Shower<'_, '_> {
    fn show_ended(&mut self) -> Result<(), CliError> {
        let place = self
            .attempt
            .outcome
            .as_ref()
            .map(|ended| ended.output.clone());
        let pieces = logread::read(&self.logs, &place.unwrap_or_default(), None);
        for piece in pieces.map_err(|error| self.unreadable(error))? {
            let piece = piece.map_err(|error| self.unreadable(error))?;
            self.show(&piece);
            if self.invocation.output.is_broken() {
                break;
            }
        }
        Ok(())
    }

    fn show_running(&mut self, store: &Store, task: TaskId, follow: bool) -> Result<(), CliError> {
        let mut follower = Follower::new(&self.logs, self.attempt.run, self.attempt.id);
        loop {
            // Asked before the output is read: what an ended attempt wrote is all there.
            let goes_on = follow && is_open(store, task, &self.attempt)?;
            let mut any = false;
            for piece in follower.poll().map_err(|error| self.unreadable(error))? {
                any = true;
                self.show(&piece);
            }
            if !any && !goes_on {
                return Ok(());
            }
            if !any {
                // All that there is so far was read: the last lines are known.
                let last = self.text.release();
                self.give(&last);
                std::thread::sleep(PAUSE);
            }
            self.invocation.output.flush();
            if self.invocation.output.is_broken() {
                return Ok(());
            }
        }
    }

    fn show(&mut self, piece: &Piece) {
        let ready = self.text.push(piece);
        self.shown = true;
        self.give(&ready);
    }

    fn give(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.invocation.output.bytes(bytes);
        }
    }

    /// Shows what is left, or says that there was nothing.
    fn finish(self) {
        let output = &mut *self.invocation.output;
        output.bytes(&self.text.finish());
        let number = self.attempt.number;
        if !self.shown {
            let task = self.task;
            let ended = self.attempt.outcome.as_ref().map(|outcome| &outcome.ended);
            let note = match (self.attempt.state, ended) {
                (AttemptState::Ended, Some(ended @ Ended::CouldNotStart(_))) => format!(
                    "attempt {number} could not start: {}\n  \
                     hint: `autoexec queue show {task}` says what follows from it",
                    outcome_words(ended)
                ),
                (AttemptState::Ended, _) => format!("attempt {number} wrote nothing"),
                (AttemptState::Claimed | AttemptState::Running, _) => {
                    format!("attempt {number} has written nothing so far")
                }
            };
            output.note(&note);
        }
        let failed = self
            .attempt
            .outcome
            .is_some_and(|ended| ended.output.write_failed);
        if failed {
            output.warning("a part of the output is missing: the disk did not take it");
        }
    }

    fn unreadable(&self, error: io::Error) -> CliError {
        let number = self.attempt.number;
        if error.kind() == io::ErrorKind::NotFound {
            let what = format!("the output of attempt {number} is not there any more");
            return CliError::usage("output_gone", what);
        }
        let what = format!("cannot read the output of attempt {number}");
        CliError::new(Ending::QueueUnusable, "output_unreadable", what).because(error)
    }
}

/// Whether an attempt is not over yet.
fn is_open(store: &Store, task: TaskId, attempt: &AttemptRecord) -> Result<bool, CliError> {
    let open = store.open_attempt(attempt.id)?;
    Ok(open.is_some_and(|open| open.task == task))
}
