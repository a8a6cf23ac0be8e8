//! `autoexec report`: what happened since the last report was read.

use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::model::ids::{RunId, TaskId};
use crate::policy::pick::RunPresence;
use crate::report::alerted;
use crate::report::json;
use crate::report::load::{LoadError, Loaded, Wish, load};
use crate::report::markdown;
use crate::report::range::{Range, RangeError, parse_run, parse_since};
use crate::report::standstill;
use crate::report::summary::RunSummary;
use crate::report::text::{self, Look};
use crate::store::runs::{ReportRead, mark_report_read};
use crate::support::bytes::OsText;
use crate::support::clock::Zone;
use crate::support::paint::Paint;

/// Columns of a report that is not shown on a terminal.
const PAGE: usize = 80;
/// Columns beyond which sentences are hard to read.
const WIDEST: usize = 100;

/// Options of `autoexec report`.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// Report on one run: its number, or `last`
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Report on everything since then: `2h`, `08:00` or a date and time
    #[arg(long, value_name = "TIME", conflicts_with = "run")]
    pub since: Option<String>,
    /// Do not count this report as read
    #[arg(long)]
    pub peek: bool,
    /// In which form
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
    /// Answer as JSON, like `--format json`
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Write the report to a file (`-`: to standard output); as JSON if its name ends in `.json`, as Markdown for `.md`
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A page for a terminal
    Terminal,
    /// Markdown, for a mail, a pager or a pull request
    Markdown,
    /// One JSON object
    Json,
    /// Later work
    #[value(hide = true)]
    Html,
}

/// A form of a report that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Terminal,
    Markdown,
    Json,
}

impl ReportArgs {
    /// The form that is asked for: by name, else by the name of the file.
    fn form(&self) -> Result<Form, CliError> {
        match (self.json, self.format) {
            (true, _) | (false, Some(Format::Json)) => return Ok(Form::Json),
            (false, Some(Format::Terminal)) => return Ok(Form::Terminal),
            (false, Some(Format::Markdown)) => return Ok(Form::Markdown),
            (false, Some(Format::Html)) => {
                let what = "`--format html` is not supported yet";
                let failure = CliError::usage("not_supported_yet", what);
                return Err(failure.hint("the forms are `terminal`, `markdown` and `json`"));
            }
            (false, None) => {}
        }
        let ending = self.output.as_ref().and_then(|file| file.extension());
        Ok(match ending.and_then(|ending| ending.to_str()) {
            Some("json") => Form::Json,
            Some("md" | "markdown") => Form::Markdown,
            _ => Form::Terminal,
        })
    }
}

/// Carries out the command.
///
/// # Errors
/// When the time or run cannot be understood, the queue cannot be read, or the file not be written.
pub fn carry_out(args: &ReportArgs, invocation: &mut Invocation<'_>) -> Answer {
    let form = args.form()?;
    let moment = invocation.moment();
    let range = match (&args.run, &args.since) {
        (Some(run), _) => parse_run(run).map_err(|error| misread("--run", &error))?,
        (None, Some(since)) => parse_since(since, moment.now, Zone::Local)
            .map_err(|error| misread("--since", &error))?,
        (None, None) => Range::SinceRead,
    };
    let wish = Wish {
        range,
        now: moment.now,
        presence: moment.presence,
        only: None,
    };
    let loaded = match invocation.look_into_queue()? {
        Some(store) => {
            let mut loaded = load(&store, &wish)?;
            standstill::note(&mut loaded.summary, &store, &invocation.settings.state)?;
            alerted::note(&mut loaded.summary, &invocation.settings.state);
            loaded
        }
        None => Loaded::of_nothing(&wish)?,
    };
    let file = args.output.as_ref().filter(|file| file.as_os_str() != "-");
    if let Some(file) = file {
        return write_file(file, form, &loaded.summary, invocation);
    }
    match form {
        Form::Json => {
            invocation.output.json(&json::value(&loaded.summary));
            return Ok(Ending::Well);
        }
        Form::Markdown => {
            let page = markdown::render(&loaded.summary, Zone::Local);
            invocation.output.text(&page);
        }
        Form::Terminal => show(&loaded.summary, invocation),
    }
    // Only what somebody had before their eyes counts as read; a part of it does not.
    let seen = std::io::stdout().is_terminal() && !invocation.output.is_broken();
    if seen && !args.peek && range == Range::SinceRead && loaded.summary.ever_run {
        mark_read(loaded.read, invocation);
    }
    Ok(Ending::Well)
}

/// Shows the report of a run that has just ended, of the chosen tasks where some were chosen.
///
/// # Errors
/// When the queue cannot be read.
pub fn show_run(
    run: RunId,
    chosen: Option<&[TaskId]>,
    invocation: &mut Invocation<'_>,
) -> Result<(), CliError> {
    let only = chosen.map(|tasks| {
        let mut tasks = tasks.to_vec();
        tasks.sort_unstable();
        tasks
    });
    let wish = Wish {
        range: Range::Run(run),
        now: invocation.settings.clock.now(),
        presence: RunPresence::Absent,
        only: only.as_deref(),
    };
    if let Some(store) = invocation.look_into_queue()? {
        let mut loaded = load(&store, &wish)?;
        alerted::note(&mut loaded.summary, &invocation.settings.state);
        show(&loaded.summary, invocation);
    }
    Ok(())
}

fn show(summary: &RunSummary, invocation: &mut Invocation<'_>) {
    let look = invocation.look();
    let width = if std::io::stdout().is_terminal() {
        look.width.min(WIDEST)
    } else {
        PAGE
    };
    let look = Look { width, ..look };
    invocation.output.text(&text::render(summary, look));
}

fn mark_read(read: ReportRead, invocation: &mut Invocation<'_>) {
    let marked = invocation
        .open_queue()
        .and_then(|mut store| Ok(store.write(|tx| mark_report_read(tx, read))?));
    if let Err(failure) = marked {
        let text = failure.as_text(Paint::PLAIN);
        invocation.output.warning(&format!(
            "the next report will tell this again, as it could not be noted as read\n{text}"
        ));
    }
}

fn write_file(
    file: &Path,
    form: Form,
    summary: &RunSummary,
    invocation: &mut Invocation<'_>,
) -> Answer {
    let content = match form {
        Form::Json => json::render(summary),
        Form::Markdown => markdown::render(summary, Zone::Local),
        Form::Terminal => {
            let look = Look {
                width: PAGE,
                zone: Zone::Local,
                paint: Paint::PLAIN,
            };
            text::render(summary, look)
        }
    };
    let shown = OsText::from(file).untrusted().for_terminal();
    std::fs::write(file, content).map_err(|error| {
        let what = format!("cannot write the report to `{shown}`");
        // Otherwise the machine could not, although such a file could be.
        let is_wrong_place = matches!(
            error.kind(),
            ErrorKind::NotFound
                | ErrorKind::PermissionDenied
                | ErrorKind::IsADirectory
                | ErrorKind::NotADirectory
                | ErrorKind::InvalidFilename
                | ErrorKind::ReadOnlyFilesystem
        );
        let ending = if is_wrong_place {
            Ending::Usage
        } else {
            Ending::NeedsPerson
        };
        let failure = CliError::new(ending, "report_not_written", what);
        let failure = if error.kind() == ErrorKind::NotFound {
            failure.hint("name a file in a folder that exists; without `--output` it is shown")
        } else {
            failure
        };
        failure.because(error)
    })?;
    let note = format!("the report is in `{shown}`");
    invocation.output.note(&note);
    Ok(Ending::Well)
}

fn misread(option: &str, error: &RangeError) -> CliError {
    CliError::usage("usage", format!("cannot read `{option}`")).detail(error.to_string())
}

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::NoSuchRun { .. } => Self::usage("unknown_run", error.to_string())
                .hint("the newest one is `autoexec report --run last`"),
            LoadError::Store(error) => error.into(),
        }
    }
}
