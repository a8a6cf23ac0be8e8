//! A page for a terminal in the making.
//!
//! INVARIANT: no line is wider than asked.

use crate::report::text::Look;
use crate::support::table::cut;
use crate::support::table::wrap;

/// A page in the making.
pub(crate) struct Page {
    /// How it looks.
    pub(crate) look: Look,
    /// What it holds so far.
    pub(crate) text: String,
}

impl Page {
    pub(crate) const fn new(look: Look) -> Self {
        Self {
            look,
            text: String::new(),
        }
    }

    /// A line, cut where it is too wide.
    pub(crate) fn line(&mut self, line: &str) {
        self.text.push_str(cut(line, self.look.width).trim_end());
        self.text.push('\n');
    }

    pub(crate) fn item(&mut self, item: &str) {
        self.line(&format!("  {item}"));
    }

    /// Words over as many lines as they need.
    pub(crate) fn wrapped(&mut self, words: &str) {
        for line in wrap(words, self.look.width.saturating_sub(2)) {
            self.item(&line);
        }
    }

    pub(crate) fn title(&mut self, title: &str) {
        self.text.push('\n');
        let title = self.look.paint.strong(title);
        self.line(&title);
    }

    /// A title with a number; nothing when there is nothing to tell.
    pub(crate) fn section(&mut self, title: &str, number: usize) {
        if number > 0 {
            self.title(&format!("{title} ({number})"));
        }
    }
}
