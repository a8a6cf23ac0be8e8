//! The text of the units: a service that runs one night, and a timer that begins it.
//!
//! Pure. Every key is there for a reason that stands beside it in the text, because people read the
//! file and change it.
//!
//! INVARIANT: a path or value from outside is one word to systemd, whatever is in it: quoted, with
//! `%` doubled against specifiers, and without expansion of `$` (the `:` before the program).

use std::path::Path;
use std::time::Duration;

/// The first line of what we write, by which it is known again.
pub const MARK: &str = "# Written by `autoexec timer install`; `autoexec timer remove` removes it.";

/// What a night is started with.
#[derive(Debug, Clone)]
pub struct Night<'a> {
    /// This program.
    pub program: &'a Path,
    /// The state directory.
    pub state: &'a Path,
    /// The configuration file, where one is to be named.
    pub config: Option<&'a Path>,
    /// Variables that the run has besides what the service manager sets.
    pub variables: Vec<(&'static str, String)>,
    /// The longest that stopping may take.
    pub stop_limit: Duration,
    /// When the night begins: `22:00`.
    pub start: String,
    /// The zone in which it does; none: the machine's own.
    pub zone: Option<String>,
}

/// Something that cannot be written into a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not valid UTF-8, which a unit of systemd must be")]
pub struct NotText {
    what: &'static str,
}

/// The service.
///
/// # Errors
/// When a path is not UTF-8.
pub fn service(night: &Night<'_>) -> Result<String, NotText> {
    let mut command = vec![word(night.program, "the path of this program")?];
    command.extend([
        "\"--state-dir\"".to_owned(),
        word(night.state, "the state directory")?,
    ]);
    if let Some(config) = night.config {
        command.extend([
            "\"--config\"".to_owned(),
            word(config, "the configuration file")?,
        ]);
    }
    command.extend(["\"run\"".to_owned(), "\"--overnight\"".to_owned()]);
    let variables = night
        .variables
        .iter()
        .fold(String::new(), |mut text, (name, value)| {
            text.push_str("Environment=");
            text.push_str(&quoted(&format!("{name}={value}")));
            text.push('\n');
            text
        });
    Ok(format!(
        "{MARK}
[Unit]
Description=autoexec: the tasks of the night
Documentation=man:autoexec(1)
# A run that dies again and again is left alone.
StartLimitIntervalSec=1h
StartLimitBurst=4

[Service]
Type=exec
ExecStart=:{command}
{variables}# Tasks outlive a run that dies or is restarted; the next one takes them over.
KillMode=process
# A task for which memory runs out is a failed task, not a failed night.
OOMPolicy=continue
# Each task in a control group of its own, so that nothing is left behind.
Delegate=yes
# Longer than the longest `grace` of a task.
TimeoutStopSec={stop}s
Restart=on-failure
RestartSec=30s
# 1 something needs you, 2 a definition is wrong, 4 nothing could be started: trying again is no help.
RestartPreventExitStatus=1 2 4
# 75 a run is active already, 130 and 143 it was stopped.
SuccessExitStatus=75 130 143
",
        command = command.join(" "),
        stop = night.stop_limit.as_secs(),
    ))
}

/// The timer.
pub fn timer(night: &Night<'_>) -> String {
    let zone = night
        .zone
        .as_ref()
        .map_or_else(String::new, |zone| format!(" {zone}"));
    format!(
        "{MARK}
[Unit]
Description=autoexec: begins the night at {start}

[Timer]
OnCalendar=*-*-* {start}:00{zone}
# A night that began while the machine was off is caught up when it is on again.
Persistent=true
AccuracySec=1s

[Install]
WantedBy=timers.target
",
        start = night.start,
    )
}

/// A path as one word.
///
/// # Errors
/// When it is not UTF-8.
pub fn word(path: &Path, what: &'static str) -> Result<String, NotText> {
    path.to_str().map(quoted).ok_or(NotText { what })
}

fn quoted(text: &str) -> String {
    use std::fmt::Write as _;
    let mut word = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => word.extend(['\\', character]),
            '%' => word.push_str("%%"),
            '\n' => word.push_str("\\n"),
            '\t' => word.push_str("\\t"),
            control if control.is_ascii_control() => {
                // Writing to a text cannot fail.
                let _written = write!(word, "\\x{:02x}", u32::from(control));
            }
            plain => word.push(plain),
        }
    }
    word.push('"');
    word
}

/// The crontab line of a night, fit for `crontab -e`.
///
/// # Errors
/// When a path is not UTF-8 or holds a line feed, which no crontab can.
pub fn cron_line(night: &Night<'_>, hour: u8, minute: u8) -> Result<String, NotText> {
    let cell = |path: &Path, what| {
        path.to_str()
            .filter(|text| !text.contains('\n'))
            .map(for_cron)
            .ok_or(NotText { what })
    };
    let mut line = format!(
        "{minute} {hour} * * * {} --state-dir {}",
        cell(night.program, "the path of this program")?,
        cell(night.state, "the state directory")?
    );
    if let Some(config) = night.config {
        line.push_str(" --config ");
        line.push_str(&cell(config, "the configuration file")?);
    }
    // Cron mails what is printed: the report, not a line for every event.
    line.push_str(" -q run --overnight --report");
    Ok(line)
}

/// A word for the shell of cron, which takes `%` for a line feed and one `\` away before.
fn for_cron(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    let word = if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    };
    word.replace('\\', "\\\\").replace('%', "\\%")
}

#[cfg(test)]
#[path = "units_tests.rs"]
mod tests;
