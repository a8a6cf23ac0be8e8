//! All patterns of the output, and the search for the line that decides.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::OnceLock;

use regex::bytes::Captures;
use regex::bytes::Regex;
use regex::bytes::RegexBuilder;

use crate::model::category::Category;
use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;
use crate::policy::classify::families;
use crate::policy::classify::noise;
use crate::policy::classify::noise::Role;
use crate::policy::classify::pattern::Pattern;
use crate::policy::classify::user::Met;
use crate::policy::classify::user::UserPatterns;
use crate::policy::classify::words::Words;

/// How many lines one pattern is tried on, counted from the end; a flood of one error must not delay.
const TRIES: usize = 40;
/// How much less a line is believed that only warns.
const WARNING: u8 = 45;
/// What part of its rank a piece of a document keeps.
const DOCUMENT: u8 = 4;
/// How much less a line is believed that says that it will be tried again.
const RETRY: u8 = 42;

/// The patterns, ready to be searched for.
#[derive(Debug)]
pub(super) struct Book {
    entries: Vec<Entry>,
    words: Words,
    /// Which entries each word belongs to.
    owners: Vec<Vec<usize>>,
    /// Which words are names of error numbers: they count only where a word begins.
    whole: Vec<bool>,
}

/// A pattern and its expression, compiled when it is first needed.
#[derive(Debug)]
struct Entry {
    pattern: Pattern,
    expression: OnceLock<Option<Regex>>,
}

impl Entry {
    fn captures<'t>(&self, line: &'t [u8]) -> Option<Captures<'t>> {
        self.expression
            .get_or_init(|| compile(self.pattern.expression))
            .as_ref()?
            .captures(line)
    }
}

/// Compiles an expression of this program's own; a test tries every one of them.
pub(super) fn compile(expression: &str) -> Option<Regex> {
    RegexBuilder::new(expression)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(1 << 20)
        .build()
        .ok()
}

impl Book {
    /// The built-in patterns.
    pub(super) fn built_in() -> &'static Self {
        static BOOK: OnceLock<Book> = OnceLock::new();
        BOOK.get_or_init(|| Self::of(families::all()))
    }

    fn of(patterns: impl Iterator<Item = Pattern>) -> Self {
        let mut words: Vec<&'static str> = Vec::new();
        let mut owners: Vec<Vec<usize>> = Vec::new();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut entries = Vec::new();
        for pattern in patterns {
            for word in pattern.words {
                let number = *numbers.entry(*word).or_insert_with(|| {
                    words.push(*word);
                    owners.push(Vec::new());
                    words.len() - 1
                });
                if let Some(owners) = owners.get_mut(number) {
                    owners.push(entries.len());
                }
            }
            entries.push(Entry {
                pattern,
                expression: OnceLock::new(),
            });
        }
        // Such names are written in capitals: `EMFILE` is no part of `Gemfile`.
        let whole = words
            .iter()
            .map(|word| {
                word.bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            })
            .collect();
        Self {
            entries,
            words: Words::of(words),
            owners,
            whole,
        }
    }

    /// The best judgement of what was printed, if any line says anything.
    ///
    /// Patterns that `user` hides are passed over.
    pub(super) fn judge(&self, evidence: &Evidence<'_>, user: &UserPatterns) -> Option<Draft> {
        let roles = noise::Roles::of(&evidence.lines);
        let mut trials: Vec<Trial<'_>> = self
            .hits(evidence)
            .into_iter()
            .filter_map(|(number, line)| {
                let entry = self.entries.get(number)?;
                let role = roles.role(line);
                let rank = weight_of(entry.pattern.rank, &entry.pattern, role)?;
                Some(Trial {
                    rank,
                    line,
                    number,
                    entry,
                    role,
                })
            })
            .collect();
        // The most believed first: then most expressions are never compiled.
        trials.sort_by_key(|trial| (Reverse(trial.rank), trial.line, trial.number));
        let mut best: Option<(u8, (usize, usize), Draft)> = None;
        for trial in trials {
            let held = best.as_ref().map_or(0, |(held, ..)| *held);
            // A refinement may still raise a pattern, so only what cannot reach is passed over.
            if trial.rank < held && trial.entry.pattern.refine.is_none() {
                continue;
            }
            let Some((rank, draft)) = trial.judge(evidence) else {
                continue;
            };
            // By the name that it has in the end: a refinement may change it.
            if user.hides(draft.pattern) {
                continue;
            }
            let place = (trial.line, trial.number);
            let is_better = match &best {
                None => true,
                Some((held, ..)) if *held != rank => rank > *held,
                // Of several paths with the same fate the first is named; of others the last decides.
                Some((_, held, first)) if first.is_like(&draft) => place < *held,
                Some((_, held, _)) => place > *held,
            };
            if is_better {
                best = Some((rank, place, draft));
            }
        }
        best.map(|(_, _, draft)| draft)
    }

    /// Every pattern that counts in its line, for whoever tries patterns out.
    pub(super) fn met(&self, evidence: &Evidence<'_>, user: &UserPatterns) -> Vec<Met> {
        let roles = noise::Roles::of(&evidence.lines);
        let mut met: Vec<Met> = Vec::new();
        for (entry, line) in self.hits(evidence) {
            let counts = |entry: &&Entry| {
                weight_of(entry.pattern.rank, &entry.pattern, roles.role(line)).is_some()
            };
            let found = self.entries.get(entry).filter(counts);
            let Some(draft) = found.and_then(|entry| draft(entry, evidence, line)) else {
                continue;
            };
            let one = Met {
                name: draft.pattern.to_owned(),
                source: None,
                line: Some(line + 1),
                text: String::from_utf8_lossy(evidence.shown(line).trim_ascii()).into_owned(),
            };
            // Several expressions may belong to one name.
            if !user.hides(draft.pattern) && !met.contains(&one) {
                met.push(one);
            }
        }
        met
    }

    /// Which patterns are to be tried on which lines, in the order of lines, each pair once: for each
    /// pattern its last lines.
    fn hits(&self, evidence: &Evidence<'_>) -> Vec<(usize, usize)> {
        let mut recent: Vec<VecDeque<usize>> = vec![VecDeque::new(); self.entries.len()];
        let mut line = 0;
        let mut line_end = 0;
        let text = evidence.lines.text();
        for (start, word) in self.words.find(evidence.lower()) {
            let inside_a_word = || {
                start
                    .checked_sub(1)
                    .and_then(|before| text.get(before))
                    .is_some_and(u8::is_ascii_alphanumeric)
            };
            if self.whole.get(word) == Some(&true) && inside_a_word() {
                continue;
            }
            if is_in_a_file_name(text, start, self.words.word(word)) {
                continue;
            }
            // Words come in the order in which they begin, so the line only moves on.
            if start >= line_end {
                line = evidence.lines.line_at(start);
                line_end = evidence.lines.end_of(line);
            }
            for entry in self.owners.get(word).into_iter().flatten() {
                let Some(lines) = recent.get_mut(*entry) else {
                    continue;
                };
                if lines.back() != Some(&line) {
                    if lines.len() == TRIES {
                        lines.pop_front();
                    }
                    lines.push_back(line);
                }
            }
        }
        let mut hits: Vec<(usize, usize)> = recent
            .iter()
            .enumerate()
            .flat_map(|(entry, lines)| lines.iter().map(move |line| (entry, *line)))
            .collect();
        hits.sort_unstable_by_key(|(entry, line)| (*line, *entry));
        hits
    }
}

/// Whether a word at this place is the whole name of a file in a path, as in `/srv/out-of-memory.txt`.
fn is_in_a_file_name(text: &[u8], start: usize, word: &str) -> bool {
    let before = start.checked_sub(1).and_then(|before| text.get(before));
    let after = text.get(start + word.len()..).unwrap_or_default();
    let has_ending = matches!(after, [b'.', first, second, ..]
        if first.is_ascii_alphanumeric() && second.is_ascii_alphanumeric());
    before == Some(&b'/') && has_ending && !word.contains(' ')
}

/// A pattern to be tried on a line.
#[derive(Debug)]
struct Trial<'a> {
    /// How much it would be believed there.
    rank: u8,
    line: usize,
    number: usize,
    entry: &'a Entry,
    role: Role,
}

impl Trial<'_> {
    /// What the pattern makes of the line and how much that is believed, if it matches.
    fn judge(&self, evidence: &Evidence<'_>) -> Option<(u8, Draft)> {
        let draft = draft(self.entry, evidence, self.line)?;
        let rank = weight_of(draft.rank, &self.entry.pattern, self.role)?;
        // Once a document has decided, it is believed as much as anything else.
        if self.role == Role::Data {
            return Some((rank, draft));
        }
        Some((rank, Draft { rank, ..draft }))
    }
}

/// How much a pattern of this rank counts in a line of this role; `None`: not at all.
fn weight_of(rank: u8, pattern: &Pattern, role: Role) -> Option<u8> {
    let less = match role {
        Role::Said => 0,
        // A document may decide where nothing else does.
        Role::Data => rank - rank / DOCUMENT,
        _ if pattern.in_noise && !matches!(role, Role::Echo | Role::Fault) => 0,
        Role::Warning => WARNING,
        Role::Retry => RETRY,
        Role::Test if pattern.in_tests => 0,
        Role::Fault if pattern.category == Category::Logic || pattern.of_faults => 0,
        Role::Test | Role::Echo | Role::Fault => return None,
    };
    rank.checked_sub(less).filter(|left| *left > 0)
}

/// What the pattern makes of the line, if it matches.
fn draft(entry: &Entry, evidence: &Evidence<'_>, line: usize) -> Option<Draft> {
    let pattern = &entry.pattern;
    let core = noise::without_prefix(evidence.lines.line(line));
    let captures = entry.captures(core)?;
    if let Some(context) = pattern.context
        && !evidence.lines.holds(context)
    {
        return None;
    }
    let mut draft = Draft {
        category: pattern.category,
        pattern: pattern.name,
        retryable: pattern.retryable,
        rank: pattern.rank,
        extracted: std::collections::BTreeMap::new(),
        line_number: line,
    };
    if let Some(regex) = entry.expression.get().and_then(Option::as_ref) {
        for name in regex.capture_names().flatten() {
            if let Some(value) = captures.name(name) {
                // A group may stand twice under names that differ in their last digit.
                let key = name.trim_end_matches(|c: char| c.is_ascii_digit());
                draft.extract(key, &String::from_utf8_lossy(value.as_bytes()));
            }
        }
    }
    if let Some(name) = pattern.ecosystem {
        draft.extract("ecosystem", name);
    }
    if let Some(refine) = pattern.refine
        && !refine(&mut draft, &captures, evidence)
    {
        return None;
    }
    Some(draft)
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
