//! What a task requires, looked at before its first step.
//!
//! A child of ours looks (`process::requires`), so that timers and orders are not kept waiting by a
//! host that does not answer. Nothing of the task has run when something is missing.

use crate::model::attempt::Assignment;
use crate::model::checks::Requirement;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::model::spec::Limits;
use crate::process::environment::Environment;
use crate::process::requires::LOOK;
use crate::process::requires::LOOK_LIMIT;
use crate::process::requires::Unmet;
use crate::process::spawn;
use crate::process::spawn::Launch;
use crate::process::spawn::Streams;
use crate::supervisor::aside::Aside;
use crate::supervisor::aside::Part;
use crate::supervisor::attempt::Attempt;
use crate::support::bytes::OsText;
use crate::support::clock::monotonic;

/// This program, also after its file was replaced.
pub(super) const OURSELVES: &str = "/proc/self/exe";
/// The longest sentence about what is unmet.
const LONGEST: usize = 800;

impl Attempt<'_> {
    /// Looks at all requirements; the end of the attempt if one is not met.
    pub(super) fn missing_requirement(&mut self, environment: &Environment) -> Option<Ended> {
        if self.assignment.spec.requires.is_empty() {
            return None;
        }
        let begin = monotonic();
        let ended = self.look(environment);
        self.account.required = Some(monotonic().saturating_sub(begin));
        ended
    }

    fn look(&mut self, environment: &Environment) -> Option<Ended> {
        let spec = &self.assignment.spec;
        let launched = spawn::launch(&Launch {
            argv: &argv(self.assignment),
            program: None,
            workdir: spec.workdir.as_path(),
            environment,
            stdin: None,
            streams: Streams::Captured,
            // They are for the task.
            limits: &Limits::default(),
            nice: spec.nice,
        });
        let launched = match launched {
            Ok(launched) => launched,
            Err(failure) => return Some(Ended::CouldNotStart(failure)),
        };
        self.part = Part::Look(Vec::new());
        let end = self.aside(launched, LOOK_LIMIT + LOOK_LIMIT / 2);
        let said = self.part.take_said();
        match end {
            Aside::Stopped(exit) => Some(self.ladder.ended(exit)),
            Aside::Ended(Exit::Code(0)) => match serde_json::from_slice::<Vec<Unmet>>(&said) {
                Ok(unmet) => self.judge(&unmet),
                Err(_) => self.cannot_look(),
            },
            Aside::Ended(_) | Aside::TooSlow => self.cannot_look(),
        }
    }

    /// The end that unmet requirements mean; what only time can bring names it last.
    fn judge(&mut self, unmet: &[Unmet]) -> Option<Ended> {
        let needs_somebody = |unmet: &&Unmet| !matches!(unmet.requirement, Requirement::Tcp { .. });
        let first = unmet.iter().find(needs_somebody).or(unmet.first())?;
        let mut sentences: Vec<&str> = vec![&first.found];
        let others = unmet.iter().filter(|other| *other != first);
        sentences.extend(others.map(|unmet| unmet.found.as_str()));
        Some(self.not_met(&first.requirement, &sentences.join("; ")))
    }

    fn cannot_look(&mut self) -> Option<Ended> {
        let first = self.assignment.spec.requires.first()?;
        Some(self.not_met(first, "what the task requires could not be looked at"))
    }

    fn not_met(&mut self, requirement: &Requirement, sentence: &str) -> Ended {
        self.account.unmet = Some(within(&self.hiding.text(sentence), LONGEST));
        Ended::CouldNotStart(StartFailure {
            kind: StartFailureKind::RequirementMissing,
            errno: 0,
            path: requirement.written(),
        })
    }
}

fn argv(assignment: &Assignment) -> Vec<OsText> {
    let requires = assignment.spec.requires.iter();
    let arguments = requires.filter_map(|requirement| serde_json::to_string(requirement).ok());
    [OURSELVES.to_owned(), LOOK.to_owned()]
        .into_iter()
        .chain(arguments)
        .map(OsText::from)
        .collect()
}

/// A text of at most so many bytes, with an ellipsis where it was longer.
pub(super) fn within(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", text.get(..end).unwrap_or_default())
}
