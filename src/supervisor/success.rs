//! What counts as success besides the exit code, looked at after the last step.
//!
//! The first check that is not met is told in a sentence (`account.unmet`); what that means is
//! `policy::classify`'s.
//!
//! # Fresh files
//!
//! A file must have been written by the attempt. Clocks of file systems are coarse, and those of servers
//! wrong, so what counts is that a file is not as it was before the first step: it was not there, or it is
//! another one, or its size or time of change differs. One that was written within the grain of the clock
//! around the start counts too. Where steps of earlier attempts are not repeated, a file may stem from
//! them: then it must be newer than the first of these attempts.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::checks::SuccessSpec;
use crate::model::outcome::Exit;
use crate::model::spec::Command;
use crate::model::spec::Leftovers as LeftoverRule;
use crate::policy::expression;
use crate::process::Stream;
use crate::process::environment::Environment;
use crate::process::spawn;
use crate::process::spawn::Launch;
use crate::process::spawn::Streams;
use crate::supervisor::aside::Aside;
use crate::supervisor::aside::Part;
use crate::supervisor::attempt::Attempt;
use crate::supervisor::ladder::Ladder;
use crate::supervisor::requires::within;
use crate::supervisor::scan::Scan;
use crate::supervisor::tree;
use crate::supervisor::tree::Collected;
use crate::support::bytes::OsText;
use crate::support::clock::Clock;
use crate::support::clock::Timestamp;
use crate::support::clock::monotonic;
use crate::support::text::span;

/// The most time that a command that checks may take.
const COMMAND_LIMIT: Duration = Duration::from_mins(10);
/// The grain of the kernel's clock for files, and more.
const GRAIN: Duration = Duration::from_millis(20);
/// The grain of file systems that keep whole seconds.
const COARSE_GRAIN: Duration = Duration::from_secs(2);
/// The most entries of a folder that are looked at.
const MOST_ENTRIES: usize = 10_000;
/// The longest sentence.
const LONGEST: usize = 400;

/// Checks that wait for the end of the last step.
#[derive(Debug)]
pub(super) struct Success {
    files: Vec<File>,
    start: Timestamp,
    begins: Begins,
    matches: Option<Result<Scan, String>>,
    /// For each stream.
    rejects: Option<Result<[Scan; 2], String>>,
}

/// Where an attempt begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// With the first step.
    Anew,
    /// Behind steps of earlier attempts, of which the first started then, if anybody knows.
    Behind(Option<Timestamp>),
}

#[derive(Debug)]
struct File {
    name: OsText,
    path: PathBuf,
    before: Option<Look>,
}

/// What a file or folder looked like.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    place: (u64, u64),
    /// Bytes, or entries of a folder.
    size: u64,
    changed: (i64, i64),
}

impl Success {
    /// The checks of a task that has any; files are looked at as they are now.
    pub(super) fn begin(spec: &SuccessSpec, workdir: &Path) -> Option<Box<Self>> {
        if !spec.looks_beyond_the_exit_code() {
            return None;
        }
        let scan = |text: &String| expression::compile(text).map(Scan::new);
        let scans = |text: &String| Ok([scan(text)?, scan(text)?]);
        let files = spec.files.iter().map(|name| {
            let path = workdir.join(name.as_path());
            File {
                before: look(&path).ok().flatten(),
                name: name.clone(),
                path,
            }
        });
        Some(Box::new(Self {
            files: files.collect(),
            start: Clock::System.now(),
            begins: Begins::Anew,
            matches: spec.stdout_matches.as_ref().map(scan),
            rejects: spec.output_rejects.as_ref().map(scans),
        }))
    }

    /// The attempt begins behind steps that others finished, of which the first started `since`.
    pub(super) fn goes_on(&mut self, since: Option<Timestamp>) {
        self.begins = Begins::Behind(since);
    }

    /// Takes output of the task.
    pub(super) fn hear(&mut self, stream: Stream, bytes: &[u8]) {
        if let (Stream::Stdout, Some(Ok(scan))) = (stream, &mut self.matches) {
            scan.feed(bytes);
        }
        if let Some(Ok([stdout, stderr])) = &mut self.rejects {
            match stream {
                Stream::Stdout => stdout.feed(bytes),
                Stream::Stderr => stderr.feed(bytes),
                Stream::Remedy => {}
            }
        }
    }

    /// The first check that is not met, but for the command.
    fn unmet(self, spec: &SuccessSpec, took: Duration) -> Option<String> {
        if let Some(least) = spec.min_duration
            && took < least
            && self.begins == Begins::Anew
        {
            return Some(format!(
                "it took {}, and a real success takes at least {}",
                span(took),
                span(least)
            ));
        }
        if let (Some(scan), Some(written)) = (self.matches, &spec.stdout_matches) {
            match scan {
                Err(why) => return Some(format!("`success.stdout_matches` {why}")),
                Ok(scan) => {
                    if scan.finish().is_none() {
                        return Some(format!("no line of the output matches `{written}`"));
                    }
                }
            }
        }
        match self.rejects {
            Some(Err(why)) => return Some(format!("`success.output_rejects` {why}")),
            Some(Ok(scans)) => {
                for (scan, stream) in scans.into_iter().zip(["standard output", "standard error"]) {
                    if let Some(hit) = scan.finish() {
                        let (text, line) = (hit.text, hit.line);
                        return Some(format!(
                            "the output holds \"{text}\" in line {line} of {stream}"
                        ));
                    }
                }
            }
            None => {}
        }
        let (start, begins) = (self.start, self.begins);
        self.files.iter().find_map(|file| file.unmet(start, begins))
    }
}

impl File {
    fn unmet(&self, start: Timestamp, begins: Begins) -> Option<String> {
        let name = self.name.untrusted().for_terminal();
        let now = match look(&self.path) {
            Ok(Some(now)) => now,
            Ok(None) => return Some(format!("`{name}` is neither a file nor a folder")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Some(format!("`{name}` is missing"));
            }
            Err(error) => return Some(format!("`{name}` cannot be looked at ({error})")),
        };
        if now.size == 0 {
            return Some(format!("`{name}` is empty"));
        }
        let is_fresh = self.before.as_ref() != Some(&now)
            || match begins {
                // Nobody knows when they started, so nothing can be held against the file.
                Begins::Behind(None) => true,
                Begins::Behind(Some(first)) => now.is_newer_than(first),
                Begins::Anew => now.is_of(start),
            };
        (!is_fresh).then(|| format!("`{name}` is older than the attempt"))
    }
}

impl Look {
    fn grain(&self) -> Duration {
        match self.changed.1 {
            0 => COARSE_GRAIN,
            _ => GRAIN,
        }
    }

    fn millis(&self) -> i64 {
        let (seconds, nanoseconds) = self.changed;
        seconds
            .saturating_mul(1000)
            .saturating_add(nanoseconds / 1_000_000)
    }

    fn is_newer_than(&self, instant: Timestamp) -> bool {
        Timestamp::from_millis(self.millis()).plus(self.grain()) >= instant
    }

    /// Within the grain of the clock; a time that lies ahead is not of this attempt either.
    fn is_of(&self, start: Timestamp) -> bool {
        let last = start.plus(self.grain());
        self.is_newer_than(start) && Timestamp::from_millis(self.millis()) <= last
    }
}

/// What is there; `None` for what is neither a file nor a folder.
fn look(path: &Path) -> io::Result<Option<Look>> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_file() {
        return Ok(Some(look_of(&metadata, metadata.len())));
    }
    if !metadata.is_dir() {
        return Ok(None);
    }
    let mut whole = look_of(&metadata, 0);
    for entry in std::fs::read_dir(path)?.take(MOST_ENTRIES) {
        whole.size += 1;
        // An entry that goes away meanwhile changes the folder itself.
        if let Ok(entry) = entry?.metadata() {
            whole.changed = whole.changed.max((entry.mtime(), entry.mtime_nsec()));
        }
    }
    Ok(Some(whole))
}

fn look_of(metadata: &Metadata, size: u64) -> Look {
    Look {
        place: (metadata.dev(), metadata.ino()),
        size,
        changed: (metadata.mtime(), metadata.mtime_nsec()),
    }
}

impl Attempt<'_> {
    /// The last step did what was wanted: looks at the rest, and notes what is not met.
    pub(super) fn check_success(&mut self, environment: &Environment) {
        let Some(success) = self.success.take() else {
            return;
        };
        let begin = monotonic();
        let spec = self.assignment;
        let unmet = success
            .unmet(&spec.spec.success, self.ended_after)
            .or_else(|| self.check_by_command(environment));
        self.account.unmet = unmet.map(|sentence| within(&self.hiding.text(&sentence), LONGEST));
        self.account.checked = Some(monotonic().saturating_sub(begin));
        if spec.spec.leftovers == LeftoverRule::Allow {
            self.settle_leftovers();
        }
    }

    fn check_by_command(&mut self, environment: &Environment) -> Option<String> {
        let spec = &self.assignment.spec;
        let command = spec.success.command.as_ref()?;
        let name = within(&name_of(command), LONGEST / 4);
        self.deadline = self
            .assignment
            .timeout
            .map(|limit| self.zero.saturating_add(limit));
        self.limit = self.assignment.timeout;
        let launched = spawn::launch(&Launch {
            argv: &command.argv(),
            program: None,
            workdir: spec.workdir.as_path(),
            environment,
            stdin: None,
            streams: Streams::Captured,
            limits: &self.limits,
            nice: spec.nice,
        });
        let launched = match launched {
            Ok(launched) => launched,
            Err(failure) => {
                let path = failure.path.untrusted().for_terminal();
                return Some(format!("the check `{name}` could not be started: `{path}`"));
            }
        };
        self.part = Part::Check;
        let end = self.aside(launched, COMMAND_LIMIT);
        self.part = Part::Task;
        match end {
            Aside::Ended(Exit::Code(0)) | Aside::Stopped(_) => None,
            Aside::Ended(Exit::Code(code)) => {
                Some(format!("the check `{name}` ended with exit code {code}"))
            }
            Aside::Ended(Exit::Signal { signal, .. }) => {
                Some(format!("the check `{name}` was ended by {signal}"))
            }
            Aside::TooSlow => Some(format!(
                "the check `{name}` did not end within {}",
                span(COMMAND_LIMIT)
            )),
        }
    }

    /// What was left running until it was known whether the attempt succeeded.
    fn settle_leftovers(&mut self) {
        let group = self.service.group.as_ref();
        let mut collected = Collected::default();
        // The command itself was collected long ago.
        let leader = 0;
        collected.reap(leader);
        if collected.nothing_left && tree::is_empty(group) {
            return;
        }
        let is_good = self.ladder == Ladder::Untouched && self.account.unmet.is_none();
        let left = if is_good {
            tree::name_all(group)
        } else {
            tree::kill_until_nothing_is_left(leader, &mut collected, group)
        };
        self.leftovers.extend(left);
    }
}

/// A command by its program, or the text that a shell runs; untrusted text.
fn name_of(command: &Command) -> String {
    let text = match command {
        Command::Direct(argv) => argv.first().cloned().unwrap_or_default(),
        Command::Shell { script, .. } => script.clone(),
    };
    text.untrusted().for_terminal()
}

#[cfg(test)]
#[path = "success_tests.rs"]
mod tests;
