//! Hiding the secrets of a task in all that leaves its supervisor: output, words, outcome, result file.
//!
//! Which variables hold secrets stands in the definition (`secrets`); what they hold is known only here,
//! where the environment of commands is made. Everything behind (slot file, runner, database, reports)
//! gets what is hidden already and never learns a value. How a secret is found is
//! [`crate::policy::redact`]'s.

use std::borrow::Cow;

use crate::model::outcome::Account;
use crate::model::outcome::Ended;
use crate::model::outcome::FoundThere;
use crate::model::outcome::Outcome;
use crate::model::outcome::Said;
use crate::model::spec::TaskSpec;
use crate::policy::redact::Redactor;
use crate::policy::redact::Stream as Redacted;
use crate::process::Stream;
use crate::process::environment;
use crate::process::environment::Environment;
use crate::support::bytes::OsText;

/// What is hidden of an attempt.
#[derive(Debug, Default)]
pub(super) struct Hiding {
    values: Vec<OsText>,
    /// Where the task has secrets; tokens that are known by their shape are looked for always.
    redactor: Option<Box<Redactor>>,
    stdout: Redacted,
    stderr: Redacted,
}

impl Hiding {
    /// Learns what the variables hold that the task names.
    pub(super) fn learn(&mut self, spec: &TaskSpec, environment: &Environment) {
        let before = self.values.len();
        for value in environment::secret_values(spec, environment) {
            if !self.values.contains(value) {
                self.values.push(value.clone());
            }
        }
        if self.values.len() > before {
            let values = self.values.iter().map(OsText::as_bytes);
            self.redactor = Some(Box::new(Redactor::new(values)));
        }
    }

    fn redactor(&self) -> &Redactor {
        of_secrets_or_tokens(self.redactor.as_deref())
    }

    /// Takes output of a command; gives what may be kept of it.
    pub(super) fn push<'b>(&mut self, stream: Stream, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let redactor = of_secrets_or_tokens(self.redactor.as_deref());
        match stream {
            Stream::Stdout => self.stdout.push(redactor, bytes),
            Stream::Stderr | Stream::Remedy => self.stderr.push(redactor, bytes),
        }
    }

    /// The outputs of a command are over; gives what was held back of them.
    pub(super) fn finish(&mut self) -> [(Stream, Vec<u8>); 2] {
        let redactor = of_secrets_or_tokens(self.redactor.as_deref());
        [
            (Stream::Stdout, self.stdout.finish(redactor)),
            (Stream::Stderr, self.stderr.finish(redactor)),
        ]
    }

    /// A text without secrets.
    pub(super) fn text(&self, text: &str) -> String {
        self.redactor().text(text)
    }

    /// Bytes of a file without secrets; `None` if there are none in them.
    pub(super) fn bytes(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut stream = Redacted::default();
        let mut shown = stream.push(self.redactor(), bytes).into_owned();
        shown.extend(stream.finish(self.redactor()));
        (shown != bytes).then_some(shown)
    }

    /// An outcome without secrets. All of it is named, so that whatever is added to an outcome has to be
    /// thought of here.
    pub(super) fn outcome(&self, mut outcome: Outcome) -> Outcome {
        let Outcome {
            ended,
            leftovers,
            notes,
            account,
            started_at: _,
            ended_at: _,
            duration: _,
            usage: _,
            output: _,
            leftover_count: _,
            containment: _,
            out_of_memory: _,
        } = &mut outcome;
        if self.redactor.is_some() {
            for leftover in leftovers {
                leftover.name = self.os_text(&leftover.name);
            }
            if let Ended::CouldNotStart(failure) = ended {
                failure.path = self.os_text(&failure.path);
            }
        }
        for note in notes {
            *note = self.text(note);
        }
        self.account(account);
        outcome
    }

    fn account(&self, account: &mut Account) {
        let Account {
            said,
            unmet,
            hang,
            remedies,
            found,
            steps_done: _,
            checkpoint_changed: _,
            saved: _,
            required: _,
            checked: _,
        } = account;
        for remedy in remedies {
            remedy.detail = self.text(&remedy.detail);
        }
        for line in hang.iter_mut().chain(unmet) {
            *line = self.text(line);
        }
        *said = said.take().map(|said| self.said(said));
        *found = found.take().map(|found| self.found(found));
    }

    fn said(&self, said: Said) -> Said {
        let Said {
            message,
            category,
            retryable,
            retry_after,
        } = said;
        Said {
            message: message.map(|message| self.text(&message)),
            category,
            retryable,
            retry_after,
        }
    }

    fn found(&self, found: FoundThere) -> FoundThere {
        let FoundThere {
            environment,
            mut tools,
            mut inputs,
        } = found;
        if self.redactor.is_some() {
            for file in tools.iter_mut().chain(&mut inputs) {
                file.name = self.text(&file.name);
            }
        }
        FoundThere {
            environment,
            tools,
            inputs,
        }
    }

    fn os_text(&self, text: &OsText) -> OsText {
        self.bytes(text.as_bytes())
            .map_or_else(|| text.clone(), OsText::new)
    }
}

/// What is looked for in an attempt, whether or not its task has secrets.
fn of_secrets_or_tokens(secrets: Option<&Redactor>) -> &Redactor {
    secrets.unwrap_or_else(|| Redactor::of_tokens())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::remedy::RemedyResult;
    use std::time::Duration;

    fn knowing(value: &str) -> Hiding {
        Hiding {
            redactor: Some(Box::new(Redactor::new([value.as_bytes()]))),
            ..Hiding::default()
        }
    }

    #[test]
    fn no_word_of_an_outcome_holds_a_secret() {
        let secret = "correct-horse-battery";
        let text = format!("it said {secret}");
        let mut account = Account {
            said: Some(Said {
                message: Some(text.clone()),
                ..Said::default()
            }),
            unmet: Some(text.clone()),
            hang: vec![text.clone()],
            remedies: vec![RemedyResult {
                recovery: crate::model::ids::RecoveryId::new(1),
                succeeded: false,
                detail: text.clone(),
                took: Duration::ZERO,
            }],
            ..Account::default()
        };
        knowing(secret).account(&mut account);
        let told = serde_json::to_string(&account).unwrap();
        assert!(!told.contains(secret), "{told}");
        assert_eq!(told.matches("it said ***").count(), 4, "{told}");
    }

    #[test]
    fn a_file_without_secrets_is_left_alone() {
        let hiding = knowing("correct-horse-battery");
        assert_eq!(hiding.bytes(b"{\"message\":\"fine\"}"), None);
        let hidden = hiding.bytes(b"{\"message\":\"correct-horse-battery\"}");
        assert_eq!(hidden.unwrap(), b"{\"message\":\"***\"}");
    }
}
