//! Minding the silence of an attempt: looking at its processes, telling about it, noting what it hung on.
//!
//! When a silence is too long is [`crate::supervisor::silence`]'s.

use std::time::Duration;

use serde_json::json;

use crate::host::alerts;
use crate::host::alerts::Level;
use crate::process::activity::Sample;
use crate::process::hang;
use crate::supervisor::arguments::Post;
use crate::supervisor::aside::Part;
use crate::supervisor::attempt::Attempt;
use crate::supervisor::complain;
use crate::supervisor::ladder::Ladder;
use crate::supervisor::requires::within;
use crate::supervisor::silence::Verdict;
use crate::supervisor::tree;
use crate::support::clock::Clock;
use crate::support::crash;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// The same for a command of nobody's queue.
const ALONE: Duration = Duration::from_mins(30);
/// How much of the last output is told with what it hung on.
const LAST_WORDS: usize = 200;
/// The most lines about what it hung on; the most of one.
const MOST_LINES: usize = 20;
const LONGEST_LINE: usize = 200;

/// Keeps the end of what was printed last.
pub(super) fn keep_last_words(words: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let from = bytes.len().saturating_sub(LAST_WORDS);
    words.clear();
    words.extend_from_slice(bytes.get(from..).unwrap_or_default());
}

/// After how much silence somebody is told; a debug build lets a test shorten it.
pub(super) fn stalled_after(post: &Post) -> Duration {
    let told = match post {
        Post::Slot(slot) => slot.stalled_after,
        // Whoever started the command sits before it.
        Post::Alone(_) => ALONE,
    };
    crash::wish("__AUTOEXEC_STALLED_AFTER_MS")
        .and_then(|millis| millis.parse().ok())
        .map_or(told, Duration::from_millis)
}

impl Attempt<'_> {
    /// It printed something, made progress or came a step further.
    pub(super) fn sign_of_life(&mut self, now: Duration) {
        self.silence.sign_of_life(now);
    }

    /// When to look whether it lives, if nothing else happens before.
    pub(super) fn next_look_at_silence(&self) -> Option<Duration> {
        // What is not the task's own has a limit of its own.
        let is_own = matches!(self.part, Part::Task | Part::Check);
        let is_minded = self.ladder == Ladder::Untouched && is_own;
        is_minded.then(|| self.silence.next_look())
    }

    /// Looks at its processes if it has been silent; the limit that it has reached, if it has one.
    pub(super) fn silent_too_long(&mut self, now: Duration) -> Option<Duration> {
        if self.next_look_at_silence().is_none_or(|at| now < at) {
            return None;
        }
        let family = tree::family(self.service.group.as_ref());
        match self.silence.look(now, Sample::take(&family)) {
            Verdict::Nothing => None,
            Verdict::Stalled(idle) => {
                self.tell_silence(idle);
                None
            }
            Verdict::Hangs(limit) => {
                let mut lines = hang::describe(&family);
                lines.truncate(MOST_LINES);
                if !self.last_words.is_empty() {
                    let words = String::from_utf8_lossy(&self.last_words);
                    let last = words.trim_end().lines().next_back().unwrap_or_default();
                    // Behind the processes and before their files, should the record be too small.
                    let at = lines.len().min(2);
                    let shown = Untrusted::from(last).for_terminal();
                    lines.insert(at, format!("its last output: {shown}"));
                }
                self.account.hang = lines
                    .iter()
                    .map(|line| within(&self.hiding.text(line), LONGEST_LINE))
                    .collect();
                Some(limit)
            }
        }
    }

    /// Nobody has said how long it may be silent, so it goes on and somebody is told.
    fn tell_silence(&mut self, idle: Duration) {
        self.write_alert(idle);
        self.pass_on_silence(idle);
    }

    /// By itself, because there may be no runner any more.
    fn write_alert(&self, idle: Duration) {
        let Post::Slot(slot) = &self.service.arguments.post else {
            return;
        };
        let name = &self.assignment.spec.name;
        let message = format!(
            "task `{name}` has been silent and idle for {}; see `autoexec logs {name}`, stop it with \
             `autoexec queue cancel {name}`, or give it an `idle_timeout`",
            span(idle)
        );
        let details = json!({
            "task": self.assignment.task.get(),
            "name": name.as_str(),
            "attempt": self.assignment.attempt.get(),
            "silent_seconds": idle.as_secs(),
        });
        let now = Clock::System.now();
        if let Err(error) =
            alerts::append(&slot.state, Level::Warning, "task", &message, &details, now)
        {
            complain(&format_args!("cannot write an alert: {error}"));
        }
    }
}
