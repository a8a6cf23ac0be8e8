//! Persons who cancel tasks and have them tried again while everything around them is killed, and
//! what they were promised by an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Stdio};

use fastrand::Rng;

use crate::manners::{ByHand, stands_alone, text};
use crate::sandbox::{Sandbox, wait_until};
use crate::toll::{Harm, Toll};
use crate::wild::{Stored, processes, tasks};

/// What somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Cancel,
    CancelAtOnce,
    Retry,
}

/// One command at a time, and what came of the earlier ones.
#[derive(Default)]
pub(crate) struct Persons {
    command: Option<(String, Wish, Child)>,
    hands: BTreeMap<String, ByHand>,
    /// Cancelled by an answer, and how much of its log there was then.
    ended: BTreeMap<String, usize>,
    /// Asked to be tried again by an answer, and by nothing since.
    revived: BTreeSet<String>,
    /// How many commands were answered.
    pub(crate) answered: u32,
}

impl Persons {
    /// Somebody types something, unless the last command is still at work.
    pub(crate) fn type_something(&mut self, sandbox: &Sandbox, rng: &mut Rng, toll: &mut Toll) {
        self.look(sandbox, toll, false);
        if self.is_typing() {
            return;
        }
        let mut tasks = tasks(sandbox);
        tasks.retain(|task| stands_alone(&task.name) && task.status != "succeeded");
        let Some(task) = rng.choice(tasks) else {
            return;
        };
        let can_be_revived = matches!(task.status.as_str(), "failed" | "cancelled" | "held");
        let wish = match rng.u32(0..3) {
            _ if can_be_revived => Wish::Retry,
            0 => Wish::CancelAtOnce,
            _ => Wish::Cancel,
        };
        let words: &[&str] = match wish {
            Wish::Cancel => &["queue", "cancel"],
            Wish::CancelAtOnce => &["queue", "cancel", "--no-wait"],
            Wish::Retry => &["queue", "retry"],
        };
        let hand = self.hands.entry(task.name.clone()).or_default();
        match wish {
            Wish::Retry => hand.retries += 1,
            Wish::Cancel | Wish::CancelAtOnce => hand.may_be_cancelled = true,
        }
        // Whatever was promised before is in question from here on.
        self.ended.remove(&task.name);
        self.revived.remove(&task.name);
        let errors = fs::File::create(sandbox.work().join("typed.err")).unwrap();
        let command = sandbox
            .command()
            .args(words)
            .arg(&task.name)
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .unwrap();
        self.command = Some((task.name, wish, command));
    }

    /// Whether a command is at work: it may hold the lock of the queue.
    pub(crate) fn is_typing(&self) -> bool {
        self.command.is_some()
    }

    /// Kills the command that is at work; how many that were.
    pub(crate) fn kill(&mut self) -> u32 {
        let killed = self.command.as_mut().is_some_and(|(_, _, child)| {
            child.kill().unwrap();
            true
        });
        u32::from(killed)
    }

    /// Takes the answer of the command, if it is there or if it is to be waited for.
    pub(crate) fn look(&mut self, sandbox: &Sandbox, toll: &mut Toll, wait: bool) {
        let Some((name, wish, mut child)) = self.command.take() else {
            return;
        };
        if wait {
            wait_until("the command has answered", || {
                child.try_wait().unwrap().is_some()
            });
        }
        let Some(status) = child.try_wait().unwrap() else {
            self.command = Some((name, wish, child));
            return;
        };
        let said = sandbox.read("typed.err");
        match status.code() {
            Some(0) => {
                self.answered += 1;
                match wish {
                    Wish::Cancel => self.must_have_ended(sandbox, &name, &said, toll),
                    // Accepted, and perhaps not yet done.
                    Wish::CancelAtOnce => {}
                    Wish::Retry => {
                        self.revived.insert(name);
                    }
                }
            }
            // Refused: it has ended meanwhile, or a run holds the queue and does not answer in time.
            Some(2 | 75) | None => {}
            // Told what is left open.
            Some(1) if wish == Wish::Cancel => {}
            Some(code) => toll.note(Harm::Lost, format!("{wish:?} {name}: {code}: {said}")),
        }
    }

    /// Who waited for the end of a task was promised that it is one.
    fn must_have_ended(&mut self, sandbox: &Sandbox, name: &str, said: &str, toll: &mut Toll) {
        let lock = format!("{name}.lock");
        let is_there = || {
            let of_it = |command: &str| command.contains(&lock);
            processes(sandbox).iter().any(|one| of_it(&one.command))
        };
        if is_there() {
            let log = text(sandbox, name, "log");
            toll.note(
                Harm::Left,
                format!("{name}: told to be cancelled, and it lives:\n{log}{said}"),
            );
        }
        let log = text(sandbox, name, "log");
        self.ended.insert(name.to_owned(), log.len());
    }

    /// Has a task tried again that is held, with nobody else at work.
    pub(crate) fn revive(&mut self, sandbox: &Sandbox, name: &str) {
        sandbox.ok(["queue", "retry", name]);
        self.hands.entry(name.to_owned()).or_default().retries += 1;
    }

    /// What was done to a task.
    pub(crate) fn did(&self, name: &str) -> ByHand {
        self.hands.get(name).copied().unwrap_or_default()
    }

    /// Holds the end against the answers.
    pub(crate) fn judge(&self, sandbox: &Sandbox, task: &Stored, toll: &mut Toll) {
        if let Some(length) = self.ended.get(&task.name) {
            let log = text(sandbox, &task.name, "log");
            let behind = log.get(*length..).unwrap_or_default();
            toll.demand(!behind.contains("start "), Harm::Doubled, || {
                format!("{}: started after it was cancelled:\n{log}", task.name)
            });
        }
        if self.revived.contains(&task.name) {
            toll.demand(task.status != "cancelled", Harm::Lost, || {
                format!("{}: retried by hand, and {}", task.name, task.status)
            });
        }
    }
}
