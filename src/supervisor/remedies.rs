//! What was ordered about an earlier failure, carried out before the first step of an attempt.
//!
//! A remedy is watched like a step: it has a limit of time of its own, orders are heard, everything
//! that it starts carries the mark of the attempt and goes with it. Commands of the task's own are
//! started here; what works on files and environments is a child of this program
//! ([`crate::process::remedy`]). What a remedy prints is kept in the log of the attempt, apart from the
//! output of the task.
//!
//! INVARIANT: an order is carried out only as far as the task's definition declares what it names,
//! whoever wrote the order.

use std::time::Duration;

use crate::model::attempt::Assignment;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::model::recovery::DependencyList;
use crate::model::remedy::Action;
use crate::model::remedy::InstalledEnvironment;
use crate::model::remedy::RemedyOrder;
use crate::model::remedy::RemedyResult;
use crate::model::spec::Command;
use crate::model::spec::Limits;
use crate::process::Stream;
use crate::process::environment;
use crate::process::environment::Environment;
use crate::process::remedy::Done;
use crate::process::remedy::Errand;
use crate::process::remedy::REMEDY;
use crate::process::spawn;
use crate::process::spawn::Launch;
use crate::process::spawn::Launched;
use crate::process::spawn::Streams;
use crate::supervisor::Post;
use crate::supervisor::aside::Aside;
use crate::supervisor::aside::Part;
use crate::supervisor::attempt::Attempt;
use crate::supervisor::requires::OURSELVES;
use crate::supervisor::requires::within;
use crate::support::bytes::OsText;
use crate::support::clock::monotonic;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// The longest sentence about a remedy.
const LONGEST: usize = 240;

/// Why a remedy is not done.
enum Undone {
    /// It failed; a sentence.
    Failed(String),
    /// The attempt as a whole is stopped.
    Stopped(Exit),
}

impl Attempt<'_> {
    /// Carries out all orders; gives the environments that the steps enter, or the end of the attempt
    /// if one of the orders failed or the attempt was stopped.
    pub(super) fn remedies(&mut self) -> Result<Vec<InstalledEnvironment>, Ended> {
        let assignment = self.assignment;
        let mut installed = assignment.environments.clone();
        for order in &assignment.remedies {
            self.remedy_has_begun(Some(&order.strategy));
            self.note(&format!("recovering: {}", order.strategy));
            let begin = monotonic();
            let (own, count) = (self.leftovers.named.len(), self.leftovers.count);
            let done = self.remedy(order, &installed);
            if !self.leftovers.any_alive() {
                // What a remedy left behind is gone and nothing that the task left.
                self.leftovers.named.truncate(own);
                self.leftovers.count = count;
            }
            let result = match done {
                Err(Undone::Stopped(exit)) => {
                    self.note(&format!("{} was stopped", order.strategy));
                    return Err(self.ladder.ended(exit));
                }
                Err(Undone::Failed(detail)) => Err(detail),
                Ok(detail) => Ok(detail),
            };
            // Before anything of it is cut off.
            let result = match result {
                Ok(detail) => Ok(self.hiding.text(&detail)),
                Err(detail) => Err(self.hiding.text(&detail)),
            };
            let (word, detail) = match &result {
                Ok(detail) => ("done", detail),
                Err(detail) => ("failed", detail),
            };
            self.note(&format!("{} {word}: {detail}", order.strategy));
            self.account.remedies.push(RemedyResult {
                recovery: order.recovery,
                succeeded: result.is_ok(),
                detail: within(detail, LONGEST),
                took: monotonic().saturating_sub(begin),
            });
            if let Err(detail) = result {
                return Err(self.could_not_recover(order, &detail));
            }
            if let Action::Install { environment, .. } = &order.action
                && !installed.contains(environment)
            {
                installed.push(environment.clone());
            }
        }
        if !assignment.remedies.is_empty() {
            self.remedy_has_begun(None);
        }
        Ok(installed)
    }

    fn could_not_recover(&mut self, order: &RemedyOrder, detail: &str) -> Ended {
        self.account.unmet = Some(within(
            &format!("the recovery `{}` failed: {detail}", order.strategy),
            LONGEST,
        ));
        Ended::CouldNotStart(StartFailure {
            kind: StartFailureKind::RemedyFailed,
            errno: 0,
            path: order.strategy.as_str().into(),
        })
    }

    fn remedy(
        &mut self,
        order: &RemedyOrder,
        installed: &[InstalledEnvironment],
    ) -> Result<String, Undone> {
        undeclared(self.assignment, &order.action).map_err(Undone::Failed)?;
        let environment = self.environment_of_remedy();
        match &order.action {
            Action::MoveCheckpointAside => self.put_checkpoint_aside().map_err(Undone::Failed),
            Action::Run { command } => {
                let mut entered = environment;
                environment::enter_all(&mut entered, installed);
                self.run_command(command, &entered, order.timeout)
            }
            // An environment is made with the task's own interpreter, not with one that was installed.
            Action::Install { .. }
            | Action::CreateDirectory { .. }
            | Action::Clean { .. }
            | Action::Delete { .. }
            | Action::MakeExecutable { .. } => self.run_errand(order, &environment),
        }
    }

    /// Without the file of variables where that cannot be read: a remedy may be what writes it.
    fn environment_of_remedy(&mut self) -> Environment {
        let file = self.read_env_files().unwrap_or_default();
        self.account.unmet = None;
        let environment = self.environment(&file);
        self.hiding.learn(&self.assignment.spec, &environment);
        environment
    }

    fn run_command(
        &mut self,
        command: &Command,
        environment: &Environment,
        limit: Duration,
    ) -> Result<String, Undone> {
        let launched = spawn::launch(&Launch {
            argv: &command.argv(),
            program: None,
            workdir: self.assignment.spec.workdir.as_path(),
            environment,
            stdin: None,
            // The standard output of a command alone is for what it is asked, and nothing else.
            streams: if self.service.is_alone() {
                Streams::Errors
            } else {
                Streams::Captured
            },
            limits: &self.limits,
            nice: self.assignment.spec.nice,
        });
        let exit = self.watch_remedy(launched, Part::Remedy, limit)?;
        let told = format!("its command {}", how(exit));
        if exit == Exit::Code(0) {
            Ok(told)
        } else {
            Err(Undone::Failed(told))
        }
    }

    fn run_errand(
        &mut self,
        order: &RemedyOrder,
        environment: &Environment,
    ) -> Result<String, Undone> {
        let errand = self
            .errand(&order.action)
            .ok_or_else(|| Undone::Failed("it has no state directory to work with".to_owned()))?;
        let launched = spawn::launch(&Launch {
            argv: &[OURSELVES.into(), REMEDY.into(), errand],
            program: None,
            workdir: self.assignment.spec.workdir.as_path(),
            environment,
            stdin: None,
            streams: if self.service.is_alone() {
                Streams::Answer
            } else {
                Streams::Captured
            },
            // They are for the task.
            limits: &Limits::default(),
            nice: self.assignment.spec.nice,
        });
        let exit = self.watch_remedy(launched, Part::Errand(Vec::new()), order.timeout);
        let said = self.part.take_said();
        match (exit?, serde_json::from_slice::<Done>(&said)) {
            (Exit::Code(0), Ok(done)) if done.succeeded => Ok(done.detail),
            (Exit::Code(0), Ok(done)) => Err(Undone::Failed(done.detail)),
            (exit, _) => Err(Undone::Failed(format!("it {}", how(exit)))),
        }
    }

    /// Watches a remedy to its end. What it printed for us stays in `part`.
    fn watch_remedy(
        &mut self,
        launched: Result<Launched, StartFailure>,
        part: Part,
        limit: Duration,
    ) -> Result<Exit, Undone> {
        let launched = launched.map_err(|failure| {
            let path = failure.path.untrusted().for_terminal();
            Undone::Failed(format!("`{path}` could not be started"))
        })?;
        let is_read = matches!(part, Part::Errand(_));
        self.part = part;
        let end = self.aside(launched, limit);
        if !is_read {
            self.part = Part::Task;
        }
        match end {
            Aside::Ended(exit) => Ok(exit),
            Aside::Stopped(exit) => Err(Undone::Stopped(exit)),
            Aside::TooSlow => Err(Undone::Failed(format!(
                "it did not end within {}",
                span(limit)
            ))),
        }
    }

    /// What a child of ours is told; `None` for a command alone that would install something nowhere.
    fn errand(&self, action: &Action) -> Option<OsText> {
        let environments = if let Action::Install { environment, .. } = action {
            environment.path().as_path().parent()?.into()
        } else {
            OsText::default()
        };
        let saved = self.assignment.variables.get("AUTOEXEC_CHECKPOINT_DIR");
        let mut protected: Vec<OsText> = saved.cloned().into_iter().collect();
        if let Post::Slot(post) = &self.service.arguments.post {
            protected.push(post.state.root().into());
            if matches!(action, Action::Install { .. })
                && OsText::from(post.state.environments()) != environments
            {
                return None;
            }
        }
        let errand = Errand {
            action: action.clone(),
            protected,
            environments,
        };
        serde_json::to_string(&errand).ok().map(OsText::from)
    }

    /// A line of our own in the log, before what a remedy prints or behind it.
    fn note(&mut self, text: &str) {
        let shown = Untrusted::from(text).for_terminal();
        let after = monotonic().saturating_sub(self.zero);
        let line = format!("[autoexec: {shown}]\n");
        self.service
            .log
            .append(Stream::Remedy, after, line.as_bytes());
    }
}

/// Whether an order names something that the definition does not; a sentence.
fn undeclared(assignment: &Assignment, action: &Action) -> Result<(), String> {
    let spec = &assignment.spec;
    let refused = |what: &str, name: &OsText| {
        let shown = name.untrusted().for_terminal();
        Err(format!("`{shown}` is not declared in the task's `{what}`"))
    };
    match action {
        Action::Clean { patterns } | Action::Delete { patterns, .. } => {
            match patterns.iter().find(|one| !spec.temp.contains(one)) {
                Some(odd) => refused("temp", &odd.as_str().into()),
                None => Ok(()),
            }
        }
        Action::CreateDirectory {
            path,
            declared: true,
        } if path.as_bytes().starts_with(b"/") => {
            let is_declared = |one: &OsText| path.as_path().starts_with(one.as_path());
            if spec.ensure.iter().any(is_declared) {
                Ok(())
            } else {
                refused("ensure", path)
            }
        }
        Action::Install { environment, list } => {
            let declared: Option<&DependencyList> = match environment {
                InstalledEnvironment::Python(_) => spec.dependencies.python.as_ref(),
                InstalledEnvironment::Node(_) => spec.dependencies.node.as_ref(),
            };
            if declared == Some(list) {
                Ok(())
            } else {
                Err("what it would install is not the task's `dependencies`".to_owned())
            }
        }
        Action::Run { .. }
        | Action::CreateDirectory { .. }
        | Action::MakeExecutable { .. }
        | Action::MoveCheckpointAside => Ok(()),
    }
}

fn how(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("ended with exit code {code}"),
        Exit::Signal { signal, .. } => format!("was ended by {signal}"),
    }
}
