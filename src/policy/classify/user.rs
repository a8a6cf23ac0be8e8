//! Error patterns of users, ready to be matched, and which of them decides.
//!
//! What an expression may be is [`super::expression`]; where patterns are written is `taskfile`,
//! `cli::config` and `store::patterns`.
//!
//! # Which one decides
//!
//! 1. By source: the task's own file before `config.toml` before the queue (`patterns add`). Where two
//!    sources use one name, the first of them says what it means.
//! 2. Within a source: a pattern whose expression matches a line. The last such line counts, because
//!    causes are told at the end, and on that line the pattern that is written first.
//! 3. Then a pattern without an expression, by its exit codes; again the first that is written.
//!
//! A death by signal `n` counts as exit code 128 + n, as a shell tells it.
//!
//! INVARIANT: output selects a pattern and fills in `extracted` and `line`, nothing more.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::category::Classification;
use crate::model::outcome::Exit;
use crate::model::pattern::PatternSpec;
use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;
use crate::policy::classify::pattern_set::PatternSet;
use crate::policy::classify::spans;
use crate::policy::classify::spans::Wait;
use crate::policy::classify::weigh;
use crate::policy::strategy;

/// Where a pattern is written, the most trusted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PatternSource {
    /// The file of the task.
    TaskFile,
    /// The configuration of this machine.
    Config,
    /// The queue: `autoexec patterns add`.
    Queue,
}

/// A pattern that an output meets, for whoever tries patterns out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Its name.
    pub name: String,
    /// Where it is written; `None` for a built-in one.
    pub source: Option<PatternSource>,
    /// The number of the line, from 1; `None` where the exit code alone speaks.
    pub line: Option<usize>,
    /// The line; untrusted text.
    pub text: String,
}

/// The patterns of all sources, and the built-in ones that do not count.
#[derive(Debug, Clone, Default)]
pub struct UserPatterns {
    /// The most trusted source first.
    sets: Vec<(PatternSource, Arc<PatternSet>)>,
    switched_off: Arc<BTreeSet<String>>,
}

/// A pattern that fits how a command ended.
struct Fit<'p> {
    set: &'p PatternSet,
    number: usize,
    spec: &'p PatternSpec,
    line: Option<usize>,
}

impl UserPatterns {
    /// Leaves out the built-in patterns of these names.
    #[must_use]
    pub fn without_built_in(mut self, names: BTreeSet<String>) -> Self {
        self.switched_off = Arc::new(names);
        self
    }

    /// Adds the patterns of a source.
    #[must_use]
    pub fn with(mut self, source: PatternSource, set: Arc<PatternSet>) -> Self {
        self.sets.push((source, set));
        self.sets.sort_by_key(|(source, _)| *source);
        self
    }

    /// What a name means, and where that is written; `None` for a name of a built-in pattern.
    pub fn spec(&self, name: &str) -> Option<(PatternSource, &PatternSpec)> {
        self.sets
            .iter()
            .find_map(|(source, set)| Some((*source, set.spec(name)?)))
    }

    /// What would be tried after a failure, in order: as its pattern says, else as is usual.
    pub fn strategies(&self, judged: &Classification) -> Vec<String> {
        match self.spec(&judged.pattern) {
            Some((_, spec)) if !spec.strategies.is_empty() => spec.strategies.clone(),
            _ => strategy::usual(judged)
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Whether a built-in pattern does not count: it is switched off, or somebody gave its name
    /// another meaning.
    pub(super) fn hides(&self, name: &str) -> bool {
        self.switched_off.contains(name) || self.spec(name).is_some()
    }

    /// What the task's own file says of its exit code, before anybody looks at the output.
    pub(super) fn own_word(&self, evidence: &Evidence<'_>) -> Option<Classification> {
        let (_, own) = self
            .sets
            .iter()
            .find(|(source, _)| *source == PatternSource::TaskFile)?;
        let fit = self.by_code(PatternSource::TaskFile, own, evidence)?;
        Some(Classification {
            confidence: 1.0,
            ..judgement(&fit, evidence)
        })
    }

    /// The judgement of the pattern that decides, if any fits.
    pub(super) fn judge(&self, evidence: &Evidence<'_>) -> Option<Classification> {
        let only_named = ended_from_outside(evidence);
        let fit = self.sets.iter().find_map(|(source, set)| {
            self.by_line(*source, set, evidence, only_named)
                .or_else(|| self.by_code(*source, set, evidence))
        })?;
        Some(judgement(&fit, evidence))
    }

    /// Every pattern that the output or the exit code meets, line by line.
    pub(super) fn met(&self, evidence: &Evidence<'_>) -> Vec<Met> {
        let mut met = Vec::new();
        for (source, set) in &self.sets {
            let mut note = |spec: &PatternSpec, line: Option<usize>| {
                met.push(Met {
                    name: spec.name.clone(),
                    source: Some(*source),
                    line: line.map(|number| number + 1),
                    text: line.map_or_else(
                        || by_code_words(evidence),
                        |number| evidence.line(number).trim().to_owned(),
                    ),
                });
            };
            let fitting = self.fitting(*source, set, evidence);
            let mut found = Vec::new();
            set.backwards(
                &evidence.lines,
                |number| fitting.get(number).copied().flatten().is_some(),
                |line, numbers| {
                    found.push((line, numbers.to_vec()));
                    None::<()>
                },
            );
            for (line, numbers) in found.into_iter().rev() {
                for number in numbers {
                    if let Some(spec) = fitting.get(number).copied().flatten() {
                        note(spec, Some(line));
                    }
                }
            }
            for spec in fitting.into_iter().flatten() {
                if spec.matches.is_none() {
                    note(spec, None);
                }
            }
        }
        met
    }

    /// The pattern that matches the last line of all.
    fn by_line<'p>(
        &self,
        source: PatternSource,
        set: &'p PatternSet,
        evidence: &Evidence<'_>,
        only_named: bool,
    ) -> Option<Fit<'p>> {
        let fitting = self.fitting(source, set, evidence);
        let counts = |spec: &&PatternSpec| !only_named || !spec.exit_codes.is_empty();
        let spec = |number: usize| fitting.get(number).copied().flatten().filter(counts);
        set.backwards(
            &evidence.lines,
            |number| spec(number).is_some(),
            |line, numbers| {
                let number = numbers.first().copied()?;
                Some(Fit {
                    set,
                    number,
                    spec: spec(number)?,
                    line: Some(line),
                })
            },
        )
    }

    /// The pattern that goes by the exit code alone.
    fn by_code<'p>(
        &self,
        source: PatternSource,
        set: &'p PatternSet,
        evidence: &Evidence<'_>,
    ) -> Option<Fit<'p>> {
        let fitting = self.fitting(source, set, evidence);
        fitting.into_iter().enumerate().find_map(|(number, spec)| {
            let spec = spec.filter(|spec| spec.matches.is_none())?;
            Some(Fit {
                set,
                number,
                spec,
                line: None,
            })
        })
    }

    /// For each pattern of a source itself, if program and exit code are those that it is about, and
    /// no source that is trusted more gives its name another meaning.
    fn fitting<'p>(
        &self,
        source: PatternSource,
        set: &'p PatternSet,
        evidence: &Evidence<'_>,
    ) -> Vec<Option<&'p PatternSpec>> {
        let code = exit_code(evidence);
        let fits = |spec: &&PatternSpec| {
            let by_code = spec.exit_codes.is_empty()
                || code.is_some_and(|code| spec.exit_codes.contains(&code));
            let by_tool = || {
                let tool = spec.tool.as_deref();
                tool.is_none_or(|tool| evidence.command.programs().contains(&tool))
            };
            let speaks_first = || {
                let first = self.spec(&spec.name);
                first.is_some_and(|(owner, _)| owner == source)
            };
            by_code && by_tool() && speaks_first()
        };
        set.specs()
            .iter()
            .map(|spec| Some(spec).filter(fits))
            .collect()
    }
}

/// The exit code; 128 and the number for a signal.
fn exit_code(evidence: &Evidence<'_>) -> Option<i32> {
    match evidence.end.exit? {
        Exit::Code(code) => Some(code),
        Exit::Signal { signal, .. } => Some(128 + signal.number()),
    }
}

/// Whether somebody outside ended it: then the cause is known, and only a pattern that names this exit
/// code may say otherwise.
fn ended_from_outside(evidence: &Evidence<'_>) -> bool {
    evidence.end.exit.is_some_and(weigh::is_from_outside)
}

fn by_code_words(evidence: &Evidence<'_>) -> String {
    exit_code(evidence).map_or_else(String::new, |code| format!("exit code {code}"))
}

/// What the pattern makes of the failure.
fn judgement(fit: &Fit<'_>, evidence: &Evidence<'_>) -> Classification {
    let spec = fit.spec;
    let mut draft = Draft {
        category: spec.category,
        pattern: "",
        retryable: spec.retryable(),
        rank: 95,
        extracted: std::collections::BTreeMap::new(),
        // Without a line there is none to search; what the command names is still taken.
        line_number: fit.line.unwrap_or(evidence.lines.len()),
    };
    if let Some(number) = fit.line {
        extract(&mut draft, fit, evidence.lines.line(number));
    }
    let judged = weigh::finish(draft, evidence);
    let line = match fit.line {
        Some(_) => judged.line,
        None => Some(format!(
            "{}, which the pattern `{}` is about",
            by_code_words(evidence),
            spec.name
        )),
    };
    Classification {
        pattern: spec.name.clone(),
        told: spec.retryable.is_some(),
        line,
        ..judged
    }
}

/// Takes over the named groups.
fn extract(draft: &mut Draft, fit: &Fit<'_>, line: &[u8]) {
    let Some(expression) = fit.set.expression(fit.number) else {
        return;
    };
    let Some(captures) = expression.captures(line) else {
        return;
    };
    for name in expression.capture_names().flatten() {
        let Some(found) = captures.name(name) else {
            continue;
        };
        let value = String::from_utf8_lossy(found.as_bytes());
        match name {
            // As any other text that says how long to wait: `30`, `2 minutes`, a date.
            "retry_after" | "retry_after_s" => {
                match spans::wait(format!("retry-after: {value}").as_bytes()) {
                    Some(Wait::Seconds(seconds)) => draft.extract("retry_after_s", &seconds),
                    Some(Wait::At(date)) => draft.extract("retry_after_at", &date),
                    None => {}
                }
            }
            name => draft.extract(name, &value),
        }
    }
}

#[cfg(test)]
#[path = "user_tests.rs"]
mod tests;
