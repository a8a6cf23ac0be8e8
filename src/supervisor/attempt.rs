//! One attempt from its start to the moment when nothing of it is left.

use std::path::Path;
use std::time::Duration;

use crate::model::attempt::Assignment;
use crate::model::message::FromSupervisor;
use crate::model::outcome::Account;
use crate::model::outcome::Containment;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::Outcome;
use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::model::outcome::Usage;
use crate::model::slot::SlotEntry;
use crate::model::spec::Leftovers as LeftoverRule;
use crate::model::spec::Limits;
use crate::model::spec::StepSpec;
use crate::process::cgroup::Group;
use crate::process::checkpoint::spare::Lent;
use crate::process::environment;
use crate::process::environment::Environment;
use crate::process::spawn;
use crate::process::spawn::Launch;
use crate::process::spawn::Launched;
use crate::process::spawn::Streams;
use crate::supervisor::aside::Part;
use crate::supervisor::heard::Heard;
use crate::supervisor::hiding::Hiding;
use crate::supervisor::ladder::Ladder;
use crate::supervisor::quiet;
use crate::supervisor::service::Service;
use crate::supervisor::silence::Silence;
use crate::supervisor::steps::Steps;
use crate::supervisor::success::Success;
use crate::supervisor::tree::Leftovers;
use crate::support::bytes::OsText;
use crate::support::clock::Clock;
use crate::support::clock::Timestamp;
use crate::support::clock::monotonic;
use crate::support::crash;
use crate::taskfile::written_values;

/// A start is told together with the end if that follows within this time.
const TELL_START_WITHIN: Duration = Duration::from_millis(15);
const MEMORY_NOTE: &str =
    "memory is limited per process (its address space), not for the whole attempt";

/// Carries out all steps of an attempt and returns when nothing of it is left, or what is left may or
/// must stay and is named.
pub(super) fn run(service: &mut Service, assignment: &Assignment) -> Outcome {
    service
        .log
        .begin(assignment.attempt, assignment.spec.max_output);
    let limits = &assignment.spec.limits;
    let group = service.group.as_ref();
    let memory_kills = group.and_then(Group::memory_kills);
    let limits = group.map_or_else(|| limits.clone(), |group| group.hold(limits));
    let limits_memory = limits.memory.is_some();
    let silence = Silence::begin(
        assignment.spec.idle_timeout,
        quiet::stalled_after(&service.arguments.post),
        !service.is_alone(),
        monotonic(),
    );
    let mut attempt = Attempt {
        service,
        assignment,
        limits,
        zero: monotonic(),
        deadline: None,
        limit: None,
        steps: Steps::after(assignment),
        part: Part::Task,
        lent: None,
        success: None,
        silence,
        last_words: Vec::new(),
        ladder: Ladder::Untouched,
        leftovers: Leftovers::default(),
        usage: Usage::default(),
        started_at: None,
        ended_after: Duration::ZERO,
        account: Account::default(),
        heard: Heard::of(assignment),
        hiding: Hiding::default(),
    };
    let (ended, saved) = attempt.with_checkpoint(Attempt::steps);
    let mut account = attempt.account(&ended, saved);
    attempt.heard.end();
    let found = attempt.result();
    account.said = found.said;
    let Attempt {
        leftovers,
        usage,
        started_at,
        ended_after: duration,
        hiding,
        ..
    } = attempt;
    let group = service.group.as_ref();
    let memory_kills = memory_kills.zip(group.and_then(Group::memory_kills));
    let containment = match group {
        Some(_) => Containment::Cgroup,
        None => Containment::Subreaper,
    };
    if leftovers.any_alive() {
        // They keep their limits: they are the last that are in the group.
        service.retire();
    } else if let Some(group) = group
        && !assignment.spec.limits.is_empty()
    {
        group.release();
    }
    hiding.outcome(Outcome {
        ended,
        started_at,
        ended_at: Clock::System.now(),
        duration,
        usage,
        output: service.log.finish(),
        leftovers: leftovers.named,
        leftover_count: leftovers.count,
        containment,
        out_of_memory: memory_kills.is_some_and(|(before, after)| after > before),
        notes: (limits_memory && started_at.is_some())
            .then(|| MEMORY_NOTE.to_owned())
            .into_iter()
            .chain(found.notes)
            .collect(),
        account,
    })
}

pub(super) struct Attempt<'a> {
    pub(super) service: &'a mut Service,
    pub(super) assignment: &'a Assignment,
    /// The limits that the control group does not keep.
    pub(super) limits: Limits,
    /// The start, on the clock that does not jump.
    pub(super) zero: Duration,
    /// When the time of the attempt or of the step that runs is up, and which limit says so.
    pub(super) deadline: Option<Duration>,
    pub(super) limit: Option<Duration>,
    pub(super) steps: Steps,
    /// What it told of itself so far.
    pub(super) heard: Heard,
    /// What is hidden in whatever it prints and says.
    pub(super) hiding: Hiding,
    /// Whose output is captured at the moment.
    pub(super) part: Part,
    /// The checkpoint directory of the task, while it has one.
    pub(super) lent: Option<Lent>,
    /// What counts as success besides the exit code; until it is looked at.
    pub(super) success: Option<Box<Success>>,
    /// How long it has been silent and idle.
    pub(super) silence: Silence,
    /// The end of what it printed last, where it may not be silent for ever.
    pub(super) last_words: Vec<u8>,
    pub(super) ladder: Ladder,
    pub(super) leftovers: Leftovers,
    pub(super) usage: Usage,
    pub(super) started_at: Option<Timestamp>,
    pub(super) ended_after: Duration,
    /// What else it did and said, so far.
    pub(super) account: Account,
}

impl Attempt<'_> {
    fn steps(&mut self) -> Ended {
        let spec = &self.assignment.spec;
        // First of all: they may bring what is required, and the file of variables too.
        let installed = match self.remedies() {
            Ok(installed) => installed,
            Err(ended) => return ended,
        };
        let file = match self.read_env_files() {
            Ok(file) => file,
            Err(failure) => return Ended::CouldNotStart(failure),
        };
        let mut environment = self.environment(&file);
        environment::enter_all(&mut environment, &installed);
        self.hiding.learn(spec, &environment);
        if let Some(ended) = self.missing_requirement(&environment) {
            return ended;
        }
        self.success = Success::begin(&spec.success, spec.workdir.as_path());
        if let Some(success) = &mut self.success
            && self.steps.first() > 0
        {
            success.goes_on(self.assignment.series_started);
        }
        let mut program = self.note_found(&environment);
        self.zero = monotonic();
        let mut last = Exit::Code(0);
        for (index, step) in spec.steps.iter().enumerate().skip(self.steps.first()) {
            self.set_deadline(step);
            let environment = self.environment_of(step, &mut environment);
            if !step.env.is_empty() {
                self.hiding.learn(spec, &environment);
            }
            let launched = match self.launch(step, &environment, program.take().as_deref()) {
                Ok(launched) => launched,
                Err(failure) => return Ended::CouldNotStart(failure),
            };
            let is_last = index + 1 == spec.steps.len();
            self.step_has_begun(step);
            let process = launched.process;
            last = self.step(launched, is_last);
            self.ended_after = monotonic().saturating_sub(self.zero);
            let stopped = self.ladder != Ladder::Untouched;
            let failed = self.leftovers.count > 0 && spec.leftovers == LeftoverRule::Fail;
            if stopped || failed || !self.is_success(last) {
                break;
            }
            self.step_is_finished(process, is_last);
            if is_last {
                self.check_success(&environment);
            }
        }
        self.ladder.ended(last)
    }

    /// The environment of the attempt, without what was installed for its task.
    pub(super) fn environment(&self, file: &[(OsText, OsText)]) -> Environment {
        let service = &self.service;
        let queue = service.arguments.queue;
        environment::build(self.assignment, queue, &service.inherited, file)
    }

    /// The variables that files hold: the `env_file`, and secrets that stay in the task file.
    pub(super) fn read_env_files(&mut self) -> Result<Vec<(OsText, OsText)>, StartFailure> {
        let mut variables = self.read_env_file()?;
        let secrets = written_values(&self.assignment.spec).map_err(|why| {
            self.account.unmet = Some(why);
            StartFailure {
                kind: StartFailureKind::EnvFileUnreadable,
                errno: 0,
                path: self
                    .assignment
                    .spec
                    .secrets_from
                    .clone()
                    .unwrap_or_default(),
            }
        })?;
        variables.extend(secrets);
        Ok(variables)
    }

    fn read_env_file(&mut self) -> Result<Vec<(OsText, OsText)>, StartFailure> {
        let Some(path) = &self.assignment.spec.env_file else {
            return Ok(Vec::new());
        };
        let failure = |errno| StartFailure {
            kind: StartFailureKind::EnvFileUnreadable,
            errno,
            path: path.clone(),
        };
        let text = environment::read_env_file(path.as_path())
            .map_err(|error| failure(error.raw_os_error().unwrap_or_default()))?;
        environment::parse_env_file(&text).map_err(|line| {
            self.account.unmet = Some(format!(
                "line {line} of the file of variables `{}` is no `NAME=value`",
                path.as_path().to_string_lossy()
            ));
            failure(0)
        })
    }

    fn launch(
        &mut self,
        step: &StepSpec,
        environment: &Environment,
        program: Option<&Path>,
    ) -> Result<Launched, StartFailure> {
        let spec = &self.assignment.spec;
        let launched = spawn::launch(&Launch {
            argv: &step.command.argv(),
            program,
            workdir: step.workdir.as_ref().unwrap_or(&spec.workdir).as_path(),
            environment,
            stdin: step
                .stdin
                .as_ref()
                .or(spec.stdin.as_ref())
                .map(OsText::as_path),
            streams: if self.service.is_alone() {
                Streams::Inherited
            } else {
                Streams::Captured
            },
            limits: &self.limits,
            nice: spec.nice,
        })?;
        // CRASH: the command runs and only `starting` stands.
        crash::point("supervisor_after_spawn");
        let at = Clock::System.now();
        let id = self.assignment.attempt;
        // By what is known and not by the time: two steps may start in the same millisecond.
        let is_first = self.started_at.is_none();
        let running = SlotEntry::Running {
            supervisor: self.service.own,
            process: launched.process,
            at: *self.started_at.get_or_insert(at),
            steps_done: self.steps.noted(),
        };
        self.service.note_running(id, running);
        if is_first {
            let started = FromSupervisor::Started {
                attempt: id,
                process: launched.process,
                at,
            };
            let until = monotonic() + TELL_START_WITHIN;
            self.service.control.send_later(&started, until);
        }
        Ok(launched)
    }

    pub(super) fn is_success(&self, exit: Exit) -> bool {
        match exit {
            Exit::Code(code) => self.assignment.spec.success.exit_codes.contains(&code),
            Exit::Signal { .. } => false,
        }
    }
}
