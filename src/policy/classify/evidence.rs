//! What is known about an ended command while its output is judged.

use std::cell::OnceCell;
use std::cell::RefCell;
use std::collections::HashMap;

use crate::model::outcome::Exit;
use crate::policy::classify::CommandEnd;
use crate::policy::classify::command::CommandLine;
use crate::policy::classify::text::Lines;

/// The end of a command, its cleaned output and its command line, taken apart.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) end: CommandEnd<'a>,
    /// The output; in English, as far as its messages are known.
    pub(super) lines: Lines,
    /// The output as it was printed, where it was in another language.
    printed: Option<Lines>,
    pub(super) command: CommandLine,
    lower: OnceCell<Vec<u8>>,
    /// Words that were already looked for: the whole text is searched once for each.
    looked_for: RefCell<HashMap<&'static str, bool>>,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(end: CommandEnd<'a>) -> Self {
        Self {
            end,
            lines: Lines::new(tail(end.stdout), tail(end.stderr)),
            printed: None,
            command: CommandLine::read(end.command),
            lower: OnceCell::new(),
            looked_for: RefCell::default(),
        }
    }

    /// Puts the output into English; `false` where nothing is known to be in another language.
    pub(super) fn put_into_english(&mut self) -> bool {
        let english = match &self.printed {
            Some(_) => None,
            None => self.lines.in_english(),
        };
        let Some(english) = english else {
            return false;
        };
        self.printed = Some(std::mem::replace(&mut self.lines, english));
        self.lower = OnceCell::new();
        self.looked_for = RefCell::default();
        true
    }

    /// A line as it was printed.
    pub(super) fn shown(&self, number: usize) -> &[u8] {
        self.printed.as_ref().unwrap_or(&self.lines).line(number)
    }

    /// The exit code, if there is one.
    pub(super) fn code(&self) -> Option<i32> {
        match self.end.exit {
            Some(Exit::Code(code)) => Some(code),
            Some(Exit::Signal { .. }) | None => None,
        }
    }

    /// Whether the output holds one of these words, which are written in lower case.
    pub(super) fn mentions(&self, words: &[&'static str]) -> bool {
        let text = self.lower();
        let mut looked_for = self.looked_for.borrow_mut();
        words.iter().any(|word| {
            *looked_for
                .entry(word)
                .or_insert_with(|| crate::policy::classify::text::holds(text, word))
        })
    }

    /// The whole output in small ASCII letters.
    pub(super) fn lower(&self) -> &[u8] {
        self.lower
            .get_or_init(|| self.lines.text().to_ascii_lowercase())
    }

    /// A line as text; broken UTF-8 becomes U+FFFD.
    pub(super) fn line(&self, number: usize) -> String {
        String::from_utf8_lossy(self.lines.line(number)).into_owned()
    }
}

/// The end of a stream, as much of it as is judged.
fn tail(stream: &[u8]) -> &[u8] {
    stream
        .len()
        .checked_sub(crate::policy::classify::TAIL)
        .and_then(|from| stream.get(from..))
        .unwrap_or(stream)
}
