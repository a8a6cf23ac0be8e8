//! Somebody to tell: what he wants to hear of and how he is reached.

use sha2::{Digest, Sha256};

use crate::model::notice::{Occasion, Subscriber};
use crate::notify::command;
use crate::notify::error::SendError;
use crate::notify::letter::Letter;
use crate::notify::mail::{Mail, Relay};
use crate::notify::secret::{SecretSource, Surroundings};
use crate::notify::webhook::Webhook;
use crate::support::bytes::to_hex;
use crate::support::untrusted::Untrusted;

/// A target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its place in the configuration, from 1.
    pub number: usize,
    /// What it wants to hear of.
    pub occasions: Vec<Occasion>,
    /// How it is reached.
    pub way: Way,
}

/// How a target is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By mail.
    Mail(Mail),
    /// By a request.
    Webhook(Webhook),
    /// By a command, the message on its standard input.
    Command(Vec<String>),
}

impl Target {
    /// A name that gives nothing away: `webhook #2 (slack, hooks.slack.com)`.
    pub fn name(&self) -> String {
        let number = self.number;
        match &self.way {
            Way::Mail(mail) => format!("mail #{number} ({})", mail.place()),
            Way::Webhook(webhook) => {
                let format = webhook.format.as_str();
                format!("webhook #{number} ({format}, {})", webhook.place())
            }
            Way::Command(argv) => {
                let program = argv.first().map_or("", String::as_str);
                let program = program.rsplit('/').next().unwrap_or_default();
                let shown = Untrusted::from(program).for_terminal_within(60);
                format!("command #{number} ({shown})")
            }
        }
    }

    /// A hash of how it is reached, by which its messages are known.
    pub fn key(&self) -> String {
        let source = |source: &Option<SecretSource>| {
            source
                .as_ref()
                .map_or_else(String::new, SecretSource::definition)
        };
        let definition = match &self.way {
            Way::Mail(mail) => {
                let relay = match &mail.relay {
                    Relay::Sendmail(program) => program.clone(),
                    Relay::Smtp(server) => format!("{} {}", server.host, server.port),
                };
                format!("mail\n{}\n{relay}", mail.to.join("\n"))
            }
            Way::Webhook(webhook) => format!(
                "webhook\n{}\n{}\n{}",
                webhook.format.as_str(),
                webhook.url.definition(),
                source(&webhook.token)
            ),
            Way::Command(argv) => format!("command\n{argv:?}"),
        };
        let mut hasher = Sha256::new();
        hasher.update(b"autoexec target 1\n");
        hasher.update(definition);
        let hash = hasher.finalize();
        to_hex(hash.get(..16).unwrap_or_default())
    }

    /// Whether a program has to be asked before it can be told anything.
    pub fn asks_a_program(&self) -> bool {
        let asks = |source: &SecretSource| matches!(source, SecretSource::Command(_));
        match &self.way {
            Way::Command(_) => false,
            Way::Webhook(webhook) => asks(&webhook.url) || webhook.token.as_ref().is_some_and(asks),
            Way::Mail(mail) => match &mail.relay {
                Relay::Sendmail(_) => false,
                Relay::Smtp(server) => server
                    .login
                    .as_ref()
                    .is_some_and(|(_, password)| asks(password)),
            },
        }
    }

    /// What the queue may know of it.
    pub fn subscriber(&self) -> Subscriber {
        Subscriber {
            target: self.key(),
            name: self.name(),
            occasions: self.occasions.clone(),
        }
    }
}

/// Tells a target, once; the target's own limits of time hold.
///
/// # Errors
/// When it was not delivered, or nobody can tell whether it was.
pub fn send(target: &Target, letter: &Letter, around: Surroundings<'_>) -> Result<(), SendError> {
    match &target.way {
        Way::Command(argv) => command::send(argv, letter, around),
        #[cfg(feature = "notify")]
        Way::Mail(mail) => crate::notify::mail::prepare(mail, letter, around)?.send(),
        #[cfg(feature = "notify")]
        Way::Webhook(webhook) => crate::notify::webhook::prepare(webhook, letter, around)?.send(),
        #[cfg(not(feature = "notify"))]
        Way::Mail(_) | Way::Webhook(_) => Err(SendError::target(
            "this autoexec was built without mail and webhooks",
        )),
    }
}

/// What was found of a target without sending anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// Why it could not be told anything; holds no secret.
    pub problem: Option<String>,
}

/// Looks whether the secrets of all targets can be had and fit; nothing is sent.
pub fn check(targets: &[Target], around: Surroundings<'_>) -> Vec<Checked> {
    targets
        .iter()
        .map(|target| Checked {
            name: target.name(),
            problem: problem(&target.way, around),
        })
        .collect()
}

fn problem(way: &Way, around: Surroundings<'_>) -> Option<String> {
    let fetch = |source: &SecretSource| source.fetch(around).map_err(|error| error.to_string());
    let found = match way {
        Way::Command(argv) => command::check(argv, around),
        Way::Mail(mail) => match &mail.relay {
            Relay::Sendmail(program) => command::check(std::slice::from_ref(program), around),
            Relay::Smtp(server) => match &server.login {
                Some((_, password)) => fetch(password).map(drop),
                None => Ok(()),
            },
        },
        Way::Webhook(webhook) => fetch(&webhook.url).and_then(|url| {
            Webhook::check_url(url.reveal(), webhook.allow_private)
                .map_err(|why| format!("its address {why}"))?;
            match &webhook.token {
                Some(token) => fetch(token).map(drop),
                None => Ok(()),
            }
        }),
    };
    found.err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::secret::Secret;
    use crate::notify::webhook::Format;
    use std::path::Path;

    fn webhook(url: SecretSource) -> Target {
        Target {
            number: 2,
            occasions: vec![Occasion::Critical],
            way: Way::Webhook(Webhook {
                url,
                format: Format::Slack,
                token: None,
                allow_private: false,
                proxy: false,
            }),
        }
    }

    #[test]
    fn what_the_queue_knows_of_a_target_gives_nothing_away() {
        let written = "https://hooks.slack.com/services/T00/B00/hunter2";
        let target = webhook(SecretSource::Written(Secret::new(written)));
        let known = target.subscriber();
        assert_eq!(known.name, "webhook #2 (slack, hooks.slack.com)");
        assert_eq!(known.target.len(), 32);
        assert!(!format!("{target:?}{known:?}").contains("hunter2"));
        let by_variable = webhook(SecretSource::Variable("SLACK".to_owned()));
        assert_eq!(by_variable.name(), "webhook #2 (slack, $SLACK)");
        assert_ne!(by_variable.key(), target.key());
        let elsewhere = Target {
            number: 7,
            ..target.clone()
        };
        assert_eq!(elsewhere.key(), target.key());
    }

    #[test]
    fn what_keeps_a_target_from_being_told_is_found_without_telling_it() {
        let around = Surroundings {
            variable: &|name| (name == "PLAIN").then(|| "http://example.com/hunter2".into()),
            home: None,
            folder: Path::new("/"),
        };
        let targets = [
            webhook(SecretSource::Variable("NONE".to_owned())),
            webhook(SecretSource::Variable("PLAIN".to_owned())),
            Target {
                number: 3,
                occasions: Vec::new(),
                way: Way::Command(vec!["/no/such/pager".to_owned()]),
            },
        ];
        let found = check(&targets, around);
        let problem = |index: usize| found[index].problem.clone().unwrap();
        assert!(problem(0).contains("`NONE` is not set"), "{found:?}");
        assert!(
            problem(1).contains("must begin with `https://`"),
            "{found:?}"
        );
        assert!(problem(2).contains("no such program"), "{found:?}");
        assert!(!format!("{found:?}").contains("hunter2"));
    }
}
