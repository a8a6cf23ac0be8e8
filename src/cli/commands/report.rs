//! `autoexec report`: what happened since the last report was read.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::{ErrorKind, IsTerminal};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::commands::Invocation;
use crate::cli::commands::health::inquiry;
use crate::cli::commands::report_form;
use crate::cli::commands::send;
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::written;
use crate::model::ids::{RunId, TaskId};
use crate::policy::pick::RunPresence;
use crate::process::helper;
use crate::report::alerted;
use crate::report::charts::{self, Charts};
use crate::report::health;
use crate::report::html;
use crate::report::json;
use crate::report::load::{LoadError, Loaded, Wish, load};
use crate::report::markdown;
use crate::report::range::{Range, RangeError, parse_run, parse_since};
use crate::report::standstill;
use crate::report::summary::RunSummary;
use crate::report::text::{self, Look};
use crate::report::told;
use crate::store::Store;
use crate::store::runs::{ReportRead, mark_report_read};
use crate::support::bytes::OsText;
use crate::support::clock::Zone;
use crate::support::paint::Paint;

/// Columns of a report that is not shown on a terminal.
const PAGE: usize = 80;
/// Opens a file by the desktop's own program. That may become the browser itself: it gets a session of
/// its own and is not waited for.
const OPEN: &str = "command -v xdg-open >/dev/null || exit 127
setsid xdg-open \"$1\" </dev/null >/dev/null 2>&1 &
sleep 1
kill -0 $! 2>/dev/null && exit 0
wait $!";
/// How long a desktop may take to open a page.
const PATIENCE: Duration = Duration::from_secs(10);
/// Columns beyond which sentences are hard to read.
const WIDEST: usize = 100;

/// Options of `autoexec report`.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each of them is an option that is typed or not"
)]
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
    /// Write the report to a file (`-`: to standard output); as HTML if its name ends in `.html`, as Markdown for `.md`, as JSON for `.json`
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Open the report in a browser; as HTML where nothing else is said
    #[arg(long)]
    pub open: bool,
    /// Send the report now to everybody whom `[[notify]]` of the configuration tells of reports
    #[arg(long, conflicts_with_all = ["output", "format", "json", "open"])]
    pub send: bool,
}

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A page for a terminal
    Terminal,
    /// Markdown, for a mail, a pager or a pull request
    #[value(alias = "md")]
    Markdown,
    /// One JSON object
    Json,
    /// A page for a browser, in one file
    Html,
}

/// A form of a report that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Terminal,
    Markdown,
    Json,
    Html,
}

impl ReportArgs {
    /// The form that is asked for: by name, else by the name of the file.
    fn form(&self) -> Form {
        match (self.json, self.format) {
            (true, _) | (false, Some(Format::Json)) => return Form::Json,
            (false, Some(Format::Terminal)) => return Form::Terminal,
            (false, Some(Format::Markdown)) => return Form::Markdown,
            (false, Some(Format::Html)) => return Form::Html,
            (false, None) if self.open && self.output.is_none() => return Form::Html,
            (false, None) => {}
        }
        let ending = self.output.as_ref().and_then(|file| file.extension());
        match ending.and_then(|ending| ending.to_str()) {
            Some("json") => Form::Json,
            Some("html" | "htm") => Form::Html,
            Some("md" | "markdown") => Form::Markdown,
            _ => Form::Terminal,
        }
    }
}

/// Carries out the command.
///
/// # Errors
/// When the time or run cannot be understood, the queue cannot be read, or the file not be written.
pub fn carry_out(args: &ReportArgs, invocation: &mut Invocation<'_>) -> Answer {
    if !args.json && args.format.is_none() {
        report_form::refuse_others(args.output.as_deref())?;
    }
    let form = args.form();
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
    let (loaded, charts) = match invocation.look_into_queue()? {
        Some(store) => {
            let mut loaded = load(&store, &wish)?;
            let state = &invocation.settings.state;
            standstill::note(&mut loaded.summary, &store, state, moment.stalled_after)?;
            alerted::note(&mut loaded.summary, state);
            note_health(&mut loaded.summary, &store, invocation);
            told::note(&mut loaded.summary, &store)?;
            // Only the pictures of a page need more, and reading it takes its time.
            let charts = match form {
                Form::Html => charts::load(&store, state, &loaded.summary, Zone::Local)?,
                Form::Terminal | Form::Markdown | Form::Json => Charts::default(),
            };
            (loaded, charts)
        }
        None => (Loaded::of_nothing(&wish)?, Charts::default()),
    };
    let file = args.output.clone().filter(|file| file.as_os_str() != "-");
    let file = match file {
        None if args.open => Some(file_to_open(form, invocation)?),
        file => file,
    };
    if args.send {
        return send::carry_out(&loaded.summary, invocation);
    }
    if let Some(file) = file {
        let content = content(form, &loaded.summary, &charts)?;
        write_file(&file, &content, invocation)?;
        if args.open {
            open(&file)?;
        }
        return Ok(Ending::Well);
    }
    match form {
        Form::Html => {
            let page = content(form, &loaded.summary, &charts)?;
            invocation.output.text(&page);
            return Ok(Ending::Well);
        }
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
        note_health(&mut loaded.summary, &store, invocation);
        told::note(&mut loaded.summary, &store)?;
        show(&loaded.summary, invocation);
    }
    Ok(())
}

/// How machine and queue are at this moment; the report does not wait for the database to be looked
/// through, which `autoexec health` does.
fn note_health(summary: &mut RunSummary, store: &Store, invocation: &Invocation<'_>) {
    let inquiry = inquiry(invocation, Duration::ZERO);
    health::note(summary, store, &inquiry);
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

/// The report as it stands in a file.
fn content(form: Form, summary: &RunSummary, charts: &Charts) -> Result<String, CliError> {
    Ok(match form {
        Form::Json => json::render(summary),
        Form::Markdown => markdown::render(summary, Zone::Local),
        Form::Html => html::render(summary, charts, Zone::Local).map_err(|error| {
            CliError::new(Ending::Bug, "report_not_made", error.to_string()).because(error)
        })?,
        Form::Terminal => {
            let look = Look {
                width: PAGE,
                zone: Zone::Local,
                paint: Paint::PLAIN,
            };
            text::render(summary, look)
        }
    })
}

/// A file of its own for a report that is to be opened and that nobody named a file for.
fn file_to_open(form: Form, invocation: &Invocation<'_>) -> Result<PathBuf, CliError> {
    let ending = match form {
        Form::Html => "html",
        Form::Markdown => "md",
        Form::Json => "json",
        Form::Terminal => "txt",
    };
    let folder = invocation.settings.state.reports();
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    made.map_err(|error| {
        let shown = OsText::from(folder.as_path()).untrusted().for_terminal();
        let what = format!("cannot make the folder `{shown}` for reports");
        CliError::new(Ending::NeedsPerson, "report_not_written", what)
            .hint("name a file of your own: `autoexec report --open --output night.html`")
            .because(error)
    })?;
    Ok(folder.join(format!("report.{ending}")))
}

/// Shows a file in the program that this desktop has for it.
fn open(file: &Path) -> Result<(), CliError> {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let argv = [
        OsString::from("/bin/sh"),
        OsString::from("-c"),
        OsString::from(OPEN),
        OsString::from("autoexec"),
        absolute.into_os_string(),
    ];
    let hint = "open the file yourself; its name stands above";
    let answer = helper::run(&argv, PATIENCE).map_err(|error| {
        CliError::new(
            Ending::NeedsPerson,
            "report_not_opened",
            "cannot open the report",
        )
        .hint(hint)
        .because(error)
    })?;
    if answer.status.success() {
        return Ok(());
    }
    let what = if answer.status.code() == Some(127) {
        "cannot open the report, as there is no `xdg-open` here".to_owned()
    } else {
        format!("`xdg-open` could not open the report ({})", answer.status)
    };
    Err(CliError::new(Ending::NeedsPerson, "report_not_opened", what).hint(hint))
}

fn write_file(file: &Path, content: &str, invocation: &mut Invocation<'_>) -> Answer {
    let shown = OsText::from(file).untrusted().for_terminal();
    written::replace(file, content.as_bytes()).map_err(|error| {
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
