//! A run as plain lines, one per event. Which words: [`crate::ui::lines`].

use crate::engine::events::RunEvent;
use crate::engine::events::RunWatcher;
use crate::support::clock::Timestamp;
use crate::ui::far::Seldom;
use crate::ui::lines::Manner;
use crate::ui::lines::words;
use crate::ui::printer::ErrorStream;

/// One line per event.
#[derive(Debug)]
pub(super) struct Lines {
    stream: ErrorStream,
    manner: Manner,
    warnings_only: bool,
    seldom: Seldom,
}

impl Lines {
    pub(super) fn new(stream: ErrorStream, manner: Manner, warnings_only: bool) -> Self {
        Self {
            stream,
            manner,
            warnings_only,
            seldom: Seldom::default(),
        }
    }

    fn lines(&mut self, at: Timestamp, event: &RunEvent) -> Vec<String> {
        let is_wanted = !self.warnings_only || matches!(event, RunEvent::Warning { .. });
        if is_wanted && self.seldom.is_worth_a_line(at, event) {
            words(self.manner, at, event)
        } else {
            Vec::new()
        }
    }
}

impl RunWatcher for Lines {
    fn watch(&mut self, at: Timestamp, event: &RunEvent) {
        self.watch_all(at, std::slice::from_ref(event));
    }

    /// In one piece: the terminal, or whoever reads a pipe, is not woken up for each line.
    fn watch_all(&mut self, at: Timestamp, events: &[RunEvent]) {
        let mut lines = Vec::new();
        for event in events {
            lines.extend(self.lines(at, event));
        }
        if !lines.is_empty() {
            self.stream.line(&lines.join("\n"));
        }
    }
}
