//! `autoexec classify`: what autoexec makes of an output that a command left behind.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::commands::{Invocation, patterns};
use crate::cli::failure::{Answer, CliError, Ending};
use crate::cli::output::Output;
use crate::model::category::{Category, Classification, Retryable};
use crate::model::outcome::Exit;
use crate::model::signal::Signal;
use crate::policy::classify::batch;
use crate::policy::classify::user::UserPatterns;
use crate::policy::classify::{CommandEnd, TAIL, classify_end_with, reason_of};
use crate::support::bytes::OsText;
use crate::support::opening;
use crate::support::untrusted::Untrusted;

/// Options of `autoexec classify`.
#[derive(Debug, clap::Args)]
pub struct ClassifyArgs {
    /// The exit code that came with the output
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=255))]
    pub exit_code: Option<i32>,
    /// The signal that ended the program, such as KILL
    #[arg(long, value_name = "S", value_parser = parse_signal, conflicts_with = "exit_code")]
    pub signal: Option<Signal>,
    /// Judge many: one JSON object per line in, one per line out (`-`: from standard input)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["exit_code", "signal", "file"])]
    pub batch: Option<PathBuf>,
    /// The command that printed the output
    #[arg(long, value_name = "CMD", conflicts_with = "batch")]
    pub command: Option<String>,
    /// Judge by the built-in patterns alone
    #[arg(long)]
    pub built_in_only: bool,
    /// A file with the output [default: standard input]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    pub json: bool,
}

fn parse_signal(text: &str) -> Result<Signal, String> {
    Signal::parse(text).ok_or_else(|| {
        let names: Vec<&str> = Signal::names().collect();
        format!(
            "a signal is a number from 1 to 64 or one of {}",
            names.join(", ")
        )
    })
}

/// Carries out the command.
///
/// # Errors
/// When the output cannot be read.
pub fn carry_out(args: &ClassifyArgs, invocation: &mut Invocation<'_>) -> Answer {
    let user = if args.built_in_only {
        UserPatterns::default()
    } else {
        patterns::in_force(&invocation.settings)?
    };
    let output = &mut *invocation.output;
    if let Some(file) = &args.batch {
        return judge_lines(file, &user, output);
    }
    if args.exit_code == Some(0) {
        if args.json {
            output.json(&json!({"schema": "autoexec.classification/1", "category": "success"}));
        } else {
            output.line("success: exit code 0");
        }
        return Ok(Ending::Well);
    }
    let tail = read_tail(args.file.as_deref())?;
    let exit = match (args.exit_code, args.signal) {
        (Some(code), _) => Some(Exit::Code(code)),
        (None, Some(signal)) => Some(Exit::Signal {
            signal,
            core: false,
        }),
        (None, None) => None,
    };
    // One file cannot tell which stream a line came from.
    let end = CommandEnd {
        command: args.command.as_deref().unwrap_or_default().as_bytes(),
        exit,
        stdout: b"",
        stderr: &tail,
    };
    let judged = classify_end_with(&end, &user);
    if args.json {
        output.json(&as_json(&judged, &user));
    } else {
        output.text(&as_text(&judged, &user));
    }
    Ok(Ending::Well)
}

/// Answers line by line, so that a reader need not wait for the last one.
fn judge_lines(file: &Path, user: &UserPatterns, output: &mut Output) -> Answer {
    let unreadable = |error: io::Error| {
        let shown = OsText::from(file).untrusted().for_terminal();
        CliError::usage("input_unreadable", format!("cannot read `{shown}`")).because(error)
    };
    let mut lines: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(opening::open(file).map_err(unreadable)?))
    };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(unreadable)? == 0 || output.is_broken() {
            break;
        }
        let text = String::from_utf8_lossy(line.trim_ascii());
        if text.is_empty() {
            continue;
        }
        let answer = batch::answer_with(&text, number, user).map_err(|error| {
            CliError::of_error(Ending::Usage, "input_wrong", error)
                .hint("each line is like `{\"id\": 1, \"exit_code\": 7, \"stderr\": \"…\"}`")
        })?;
        output.json(&answer);
    }
    Ok(Ending::Well)
}

fn as_json(judged: &Classification, user: &UserPatterns) -> serde_json::Value {
    json!({
        "schema": "autoexec.classification/1",
        "category": judged.category.as_str(),
        "pattern": judged.pattern,
        "retryable": judged.retryable.as_str(),
        "confidence": judged.confidence,
        "extracted": judged.extracted,
        "line": judged.line,
        "reason": reason_of(&judged.pattern).filter(|_| user.spec(&judged.pattern).is_none()),
        "strategies": user.strategies(judged),
    })
}

/// Whether running it again helps, in words.
pub(super) fn retry_words(judged: &Classification) -> &'static str {
    match judged.retryable {
        // Nothing speaks for another attempt, but one that goes well is the cheapest answer.
        Retryable::No if judged.category == Category::Unknown => {
            "nothing tells why; it is tried once more, or as often as `retries` says"
        }
        Retryable::Yes => "running it again can help",
        Retryable::No => "running it again is not expected to help",
        Retryable::AfterFix => "running it again can help once it is mended",
    }
}

fn as_text(judged: &Classification, user: &UserPatterns) -> String {
    let retry = retry_words(judged);
    let mut text = format!("{}: {} ({retry})\n", judged.category, judged.pattern);
    if let Some(line) = &judged.line {
        text.extend(["  ", &Untrusted::from(line.as_str()).for_terminal(), "\n"]);
    }
    if let Some(reason) =
        reason_of(&judged.pattern).filter(|_| user.spec(&judged.pattern).is_none())
    {
        text.extend(["  why: ", reason, "\n"]);
    }
    text.extend(["  would try: ", &user.strategies(judged).join(", "), "\n"]);
    text
}

/// The end of a file or of standard input, as much as a classifier looks at.
pub(super) fn read_tail(file: Option<&Path>) -> Result<Vec<u8>, CliError> {
    let Some(file) = file.filter(|file| *file != Path::new("-")) else {
        return tail_of(io::stdin().lock()).map_err(|error| {
            CliError::usage("input_unreadable", "cannot read standard input").because(error)
        });
    };
    opening::open(file).and_then(tail_of_file).map_err(|error| {
        let shown = OsText::from(file).untrusted().for_terminal();
        CliError::usage("input_unreadable", format!("cannot read `{shown}`")).because(error)
    })
}

/// The end of a file, without reading what stands before it where the file can be entered anywhere.
fn tail_of_file(mut file: File) -> io::Result<Vec<u8>> {
    let kind = file.metadata()?;
    if kind.is_file() {
        let start = kind.len().saturating_sub(TAIL as u64);
        file.seek(SeekFrom::Start(start))?;
    }
    tail_of(file)
}

fn tail_of(mut source: impl Read) -> io::Result<Vec<u8>> {
    let mut tail = VecDeque::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = match source.read(&mut piece) {
            Ok(0) => return Ok(tail.into()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        tail.extend(piece.get(..length).unwrap_or_default());
        let excess = tail.len().saturating_sub(TAIL);
        tail.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_entered_at_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut long = vec![b'a'; 3 * TAIL];
        long.extend(b"the end");
        std::fs::write(&path, &long).unwrap();
        let tail = tail_of_file(File::open(&path).unwrap()).unwrap();
        assert_eq!(tail, long[long.len() - TAIL..]);
        std::fs::write(&path, "short").unwrap();
        assert_eq!(tail_of_file(File::open(&path).unwrap()).unwrap(), b"short");
    }

    #[test]
    fn of_a_long_output_the_end_counts() {
        let mut long = vec![b'a'; TAIL];
        long.extend(b"the end");
        let tail = tail_of(long.as_slice()).unwrap();
        assert_eq!(tail.len(), TAIL);
        assert!(tail.ends_with(b"the end"));
        assert_eq!(tail_of(&b"short"[..]).unwrap(), b"short");
    }
}
