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
}

impl RunWatcher for Lines {
    fn watch(&mut self, at: Timestamp, event: &RunEvent) {
        if self.warnings_only && !matches!(event, RunEvent::Warning { .. }) {
            return;
        }
        if !self.seldom.is_worth_a_line(at, event) {
            return;
        }
        for line in words(self.manner, at, event) {
            self.stream.line(&line);
        }
    }
}
