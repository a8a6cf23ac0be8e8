//! How the keys of a section are read: each by its name, as the kind of value that it has.
//!
//! Reading a key makes it known; what nobody asked for is refused at the end with the known key that
//! it is most like. Nothing ends the reading: everything wrong is told at once, each with its place.
//! Which keys there are is said by the file of each section.
//!
//! INVARIANT: a section is read by [`Section::table`] and its kin, which end with the look for
//! unknown keys; so no section can forget it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::support::similar::closest;
use crate::support::untrusted::Untrusted;
use crate::taskfile::{parse_duration, parse_size};

/// One thing that is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// Bytes before it.
    pub at: usize,
    /// What it is.
    pub what: String,
}

/// A table of the file while its keys are read.
#[derive(Debug)]
pub struct Section<'a, 'p> {
    table: &'a DeTable<'a>,
    /// Where its name stands.
    at: usize,
    /// What has been asked for.
    known: Vec<&'static str>,
    /// What was wrong before this section.
    before: usize,
    problems: &'p mut Vec<Problem>,
}

impl<'a, 'p> Section<'a, 'p> {
    /// Reads the whole document.
    pub fn document<T>(
        document: &'a DeTable<'a>,
        problems: &'p mut Vec<Problem>,
        read: impl FnOnce(&mut Section<'a, '_>) -> T,
    ) -> T {
        Section::read(document, 0, problems, read)
    }

    fn read<T>(
        table: &'a DeTable<'a>,
        at: usize,
        problems: &mut Vec<Problem>,
        read: impl FnOnce(&mut Section<'a, '_>) -> T,
    ) -> T {
        let mut section = Section {
            table,
            at,
            known: Vec::new(),
            before: problems.len(),
            problems,
        };
        let value = read(&mut section);
        section.refuse_unknown();
        value
    }

    /// A table within this one.
    pub fn table<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Section<'a, '_>) -> T,
    ) -> Option<T> {
        let value = self.take(name)?;
        let at = self.place_of_key(name);
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(name, "a table", value);
            return None;
        };
        Some(Section::read(table, at, self.problems, read))
    }

    /// A list of tables, such as `[[notify]]`.
    pub fn tables<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&mut Section<'a, '_>) -> T,
    ) -> Vec<T> {
        let Some(value) = self.take(name) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(name, &format!("a list of tables: `[[{name}]]`"), value);
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in items {
            let DeValue::Table(table) = item.get_ref() else {
                self.wrong_type(name, &format!("a list of tables: `[[{name}]]`"), item);
                continue;
            };
            let at = item.span().start;
            found.push(Section::read(table, at, self.problems, &mut read));
        }
        found
    }

    /// Tables within a table, each by the name that the user gave it, such as `[pool.gpu]`.
    pub fn named_tables<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&str, &mut Section<'a, '_>) -> T,
    ) -> BTreeMap<String, T> {
        let Some(value) = self.take(name) else {
            return BTreeMap::new();
        };
        let DeValue::Table(tables) = value.get_ref() else {
            self.wrong_type(name, &format!("a table: `[{name}.NAME]`"), value);
            return BTreeMap::new();
        };
        let mut found = BTreeMap::new();
        for (key, item) in tables {
            let given = key.get_ref().as_ref();
            let DeValue::Table(table) = item.get_ref() else {
                self.wrong_type(given, "a table", item);
                continue;
            };
            let at = key.span().start;
            let one = Section::read(table, at, self.problems, |section| read(given, section));
            found.insert(given.to_owned(), one);
        }
        found
    }

    /// A text.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.text_as(name, |text| Ok(text.to_owned()))
    }

    /// A text that means something; `read` says else what it must be: `must be a time`.
    pub fn text_as<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.take(name)?;
        self.read_text(name, value, read)
    }

    /// A text that is one of a few words.
    pub fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        self.text_as(name, |text| one_of(text, words))
    }

    /// A list of texts that mean something.
    pub fn texts_as<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let value = self.take(name)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(name, "a list of strings", value);
            return None;
        };
        let before = self.problems.len();
        let found = items
            .iter()
            .filter_map(|item| self.read_text(name, item, &mut read))
            .collect();
        (self.problems.len() == before).then_some(found)
    }

    /// A program with its arguments.
    pub fn argv(&mut self, name: &'static str) -> Option<Vec<String>> {
        let argv = self.texts_as(name, |text| Ok(text.to_owned()))?;
        if argv.first().is_none_or(String::is_empty) {
            let what = format!("`{name}` names no program; write for example `[\"/bin/true\"]`");
            self.wrong(name, what);
            return None;
        }
        Some(argv)
    }

    /// A length of time, not shorter than `least`.
    pub fn span(&mut self, name: &'static str, least: Duration) -> Option<Duration> {
        self.text_as(name, |text| span_from(text, least))
    }

    /// Several lengths of time.
    pub fn spans(&mut self, name: &'static str, least: Duration) -> Option<Vec<Duration>> {
        self.texts_as(name, |text| span_from(text, least))
    }

    /// A number of bytes.
    pub fn size(&mut self, name: &'static str) -> Option<u64> {
        self.text_as(name, |text| {
            parse_size(text).map_err(|hint| format!("must be a size ({hint})"))
        })
    }

    /// A whole number.
    pub fn whole(&mut self, name: &'static str, allowed: RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(name)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(name, "a whole number", value);
            return None;
        };
        let read = u64::from_str_radix(number.as_str(), number.radix());
        let fit = read.ok().filter(|number| allowed.contains(number));
        if fit.is_none() {
            let (least, most) = (allowed.start(), allowed.end());
            self.wrong(
                name,
                format!("`{name}` must be a whole number from {least} to {most}, found `{number}`"),
            );
        }
        fit
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.take(name)?;
        if let DeValue::Boolean(yes) = value.get_ref() {
            return Some(*yes);
        }
        self.wrong_type(name, "true or false", value);
        None
    }

    /// A key that somebody else reads.
    pub fn pass_over(&mut self, name: &'static str) {
        self.known.push(name);
    }

    /// Sections of later versions: refused, and not as unknown.
    pub fn planned(&mut self, names: &[&'static str]) {
        for &name in names {
            if self.table.contains_key(name) {
                self.known.push(name);
                let what = format!("`[{name}]` is not supported yet");
                let at = self.place_of_key(name);
                self.problems.push(Problem { at, what });
            }
        }
    }

    /// Whether the key is written, with whatever value.
    pub fn is_written(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Whether the value of a key is a list.
    pub fn is_list(&self, name: &str) -> bool {
        let value = self.table.get(name);
        value.is_some_and(|value| matches!(value.get_ref(), DeValue::Array(_)))
    }

    /// Says what is wrong with the value of a key, or, where it is not written, with the section.
    pub fn wrong(&mut self, name: &str, what: String) {
        let value = self.table.get(name);
        let at = value.map_or(self.at, |value| value.span().start);
        self.problems.push(Problem { at, what });
    }

    /// Whether nothing has been found wrong in this section so far.
    pub fn is_flawless(&self) -> bool {
        self.problems.len() == self.before
    }

    fn take(&mut self, name: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(name);
        self.table.get(name)
    }

    fn place_of_key(&self, name: &str) -> usize {
        let written = self.table.get_key_value(name);
        written.map_or(self.at, |(key, _)| key.span().start)
    }

    fn read_text<T>(
        &mut self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(name, "a string", value);
            return None;
        };
        match read(text) {
            Ok(read) => Some(read),
            Err(must) => {
                let found = Untrusted::from(text.as_ref()).for_terminal();
                self.problems.push(Problem {
                    at: value.span().start,
                    what: format!("`{name}` {must}, found `\"{found}\"`"),
                });
                None
            }
        }
    }

    fn wrong_type(&mut self, name: &str, wanted: &str, found: &Spanned<DeValue<'_>>) {
        let name = Untrusted::from(name).for_terminal();
        let found_type = article(found.get_ref().type_str());
        self.problems.push(Problem {
            at: found.span().start,
            what: format!("`{name}` must be {wanted}, found {found_type}"),
        });
    }

    fn refuse_unknown(self) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let shown = Untrusted::from(name).for_terminal();
            let what = match closest(name, self.known.iter().copied()) {
                Some(meant) => format!("unknown key `{shown}`; did you mean `{meant}`?"),
                None => format!(
                    "unknown key `{shown}`; known here: `{}`",
                    self.known.join("`, `")
                ),
            };
            let at = key.span().start;
            self.problems.push(Problem { at, what });
        }
    }
}

/// The meaning of a word; else which words there are.
///
/// # Errors
/// Says what it must be.
pub fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*meaning);
    }
    let quoted: Vec<_> = words
        .iter()
        .map(|(word, _)| format!("`\"{word}\"`"))
        .collect();
    let (last, others) = match quoted.as_slice() {
        [others @ .., last] => (last.as_str(), others.join(", ")),
        [] => return Err("cannot be written".to_owned()),
    };
    Err(if others.is_empty() {
        format!("must be {last}")
    } else {
        format!("must be {others} or {last}")
    })
}

fn span_from(text: &str, least: Duration) -> Result<Duration, String> {
    let span = parse_duration(text).map_err(|hint| format!("must be a length of time ({hint})"))?;
    if span < least {
        let least = humantime::format_duration(least);
        return Err(format!("must be at least {least}"));
    }
    Ok(span)
}

fn article(kind: &str) -> String {
    match kind {
        "integer" | "array" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

#[cfg(test)]
#[path = "section_tests.rs"]
mod tests;
