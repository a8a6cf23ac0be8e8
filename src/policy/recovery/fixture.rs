//! A failed attempt to try the choice of recoveries on, and what follows it.

use std::time::Duration;

use crate::model::category::Category;
use crate::model::category::Classification;
use crate::model::category::Retryable;
use crate::model::ids::RecoveryId;
use crate::model::ids::TaskName;
use crate::model::layout::StateDir;
use crate::model::outcome::Account;
use crate::model::outcome::Containment;
use crate::model::outcome::Ended;
use crate::model::outcome::Exit;
use crate::model::outcome::Outcome;
use crate::model::outcome::OutputPlace;
use crate::model::outcome::Usage;
use crate::model::recovery::DependencyList;
use crate::model::recovery::PastRecovery;
use crate::model::recovery::RecoverMode;
use crate::model::recovery::RecoverSpec;
use crate::model::recovery::RecoverWhen;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::RecoveryState;
use crate::model::recovery::Risk;
use crate::model::remedy::Remedy;
use crate::model::spec::Command;
use crate::model::spec::TaskSpec;
use crate::policy::classify::Judgement;
use crate::policy::decide::DecideFacts;
use crate::policy::decide::Decided;
use crate::policy::decide::Decision;
use crate::policy::decide::decide;
use crate::policy::recovery::HostFacts;
use crate::policy::recovery::RecoveryFacts;
use crate::policy::recovery::strategies::STRATEGIES;
use crate::support::bytes::OsText;
use crate::support::clock::Timestamp;

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

/// A task in the folder `/data/job` whose attempt has failed.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) spec: TaskSpec,
    pub(super) outcome: Outcome,
    pub(super) failure: Classification,
    pub(super) recovery: RecoveryFacts,
    pub(super) used: u32,
    pub(super) timeout: Option<Duration>,
    pub(super) window_end: Option<Timestamp>,
    pub(super) now: Timestamp,
}

impl Scene {
    pub(super) fn new(category: Category, pattern: &str, retryable: Retryable) -> Self {
        Self::of(spec(&["./job"]), failure(category, pattern, retryable))
    }

    pub(super) fn of(spec: TaskSpec, failure: Classification) -> Self {
        Self {
            spec,
            outcome: outcome(Ended::ByItself(Exit::Code(1))),
            failure,
            recovery: RecoveryFacts {
                fingerprint: "f1".to_owned(),
                ..RecoveryFacts::default()
            },
            used: 0,
            timeout: None,
            window_end: None,
            now: NOW,
        }
    }

    pub(super) fn command(mut self, argv: &[&str]) -> Self {
        self.spec.steps = spec(argv).steps;
        self
    }

    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.spec.env.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn found(mut self, name: &str, value: &str) -> Self {
        let extracted = &mut self.failure.extracted;
        extracted.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn mode(mut self, mode: RecoverMode) -> Self {
        self.recovery.mode = mode;
        self
    }

    /// Both words for a guarded strategy.
    pub(super) fn allow(mut self, strategy: &str) -> Self {
        self.recovery.machine_allow.push(strategy.to_owned());
        self.spec.allow.push(strategy.to_owned());
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn decide(&self) -> Decided {
        let judgement = Judgement::Failure(self.failure.clone());
        decide(&DecideFacts {
            spec: &self.spec,
            outcome: &self.outcome,
            judgement: &judgement,
            used_before: self.used,
            failures_before: self.used,
            timeout: self.timeout.or(self.spec.timeout),
            checkpoint_changed: false,
            chance: 0.5,
            window_end: self.window_end,
            cut_short: 0,
            recovery: Some(&self.recovery),
            rescue: None,
            now: self.now,
        })
    }

    pub(super) fn plan(&self) -> Option<RecoveryPlan> {
        if let Decision::Recover { chosen, .. } = self.decide().decision {
            return Some(chosen.plan);
        }
        None
    }

    pub(super) fn remedy(&self) -> Option<Remedy> {
        self.plan().map(|plan| plan.remedy)
    }

    /// The name of the strategy that is chosen.
    pub(super) fn strategy(&self) -> Option<String> {
        self.plan().map(|plan| plan.strategy)
    }

    /// Carries the decision out; then the task fails again in the same way. Returns the strategy.
    pub(super) fn again(&mut self, state: RecoveryState) -> Option<String> {
        let decided = self.decide();
        self.used = decided.used_in_all;
        let Decision::Recover {
            chosen, timeout, ..
        } = decided.decision
        else {
            return None;
        };
        self.timeout = timeout;
        let plan = chosen.plan;
        if let Remedy::Adjust(adjustment) = &plan.remedy {
            let held = std::mem::take(&mut self.recovery.adjustments);
            self.recovery.adjustments = held.and(adjustment.clone());
        }
        let strategy = plan.strategy.clone();
        let number = i64::try_from(self.recovery.past.len()).unwrap() + 1;
        let ended_at = self.now.plus(plan.timeout);
        self.recovery.past.push(PastRecovery {
            id: RecoveryId::new(number),
            strategy: strategy.clone(),
            pattern: self.failure.pattern.clone(),
            fingerprint: self.recovery.fingerprint.clone(),
            plan: Some(plan),
            state,
            started_at: self.now,
            ended_at: Some(ended_at),
        });
        self.now = ended_at;
        Some(strategy)
    }
}

pub(super) fn spec(argv: &[&str]) -> TaskSpec {
    TaskSpec::of_command(
        TaskName::new("job").unwrap(),
        Command::Direct(argv.iter().map(|word| (*word).into()).collect()),
        "/data/job".into(),
    )
}

pub(super) fn failure(category: Category, pattern: &str, retryable: Retryable) -> Classification {
    Classification {
        category,
        pattern: pattern.to_owned(),
        retryable,
        told: false,
        confidence: 0.9,
        extracted: std::collections::BTreeMap::new(),
        line: None,
    }
}

pub(super) fn outcome(ended: Ended) -> Outcome {
    Outcome {
        ended,
        started_at: Some(NOW),
        ended_at: NOW,
        duration: Duration::from_secs(1),
        usage: Usage::default(),
        output: OutputPlace::default(),
        leftovers: Vec::new(),
        leftover_count: 0,
        containment: Containment::Subreaper,
        out_of_memory: false,
        notes: Vec::new(),
        account: Account::default(),
    }
}

pub(super) fn command(argv: &[&str]) -> Command {
    Command::Direct(argv.iter().map(|word| (*word).into()).collect())
}

pub(super) fn own(when: RecoverWhen, argv: &[&str], max_uses: u32) -> RecoverSpec {
    RecoverSpec {
        when,
        command: command(argv),
        timeout: Duration::from_secs(30),
        max_uses,
    }
}

/// A task that declares something for every strategy, with both words for the guarded ones. Its folder is
/// `/data/job`, its peers are `db.internal:5432` and `api.example.com:443`.
pub(super) fn rich() -> Scene {
    let mut scene = Scene::new(Category::Unknown, "generic", Retryable::No)
        .command(&[
            "./job",
            "https://api.example.com/v1",
            "--lock",
            "run/job.lock",
        ])
        .env("PORT", "8080")
        .env("REGION", "us-1");
    let spec = &mut scene.spec;
    spec.service.push("db.internal:5432".to_owned());
    spec.temp = vec!["cache/*.tgz".to_owned(), "run/*.lock".to_owned()];
    spec.ensure = vec!["/srv/out".into(), "logs/".into()];
    spec.limits.memory = Some(1 << 26);
    spec.fallbacks.insert("REGION".to_owned(), "eu-1".into());
    spec.fallback_command = Some(command(&["./plan-b"]));
    let list = ["https://a.example/x", "https://b.example/x"].map(OsText::from);
    spec.endpoints.insert("API".to_owned(), list.to_vec());
    let names = vec!["requests==2.32.3".to_owned()];
    spec.dependencies.python = Some(DependencyList::Names(names));
    spec.dependencies.node = Some(DependencyList::File("package-lock.json".into()));
    let when = RecoverWhen::Category(Category::Auth);
    spec.recover.push(own(when, &["./refresh"], 2));
    spec.timeout = Some(Duration::from_mins(1));
    let recovery = &mut scene.recovery;
    recovery.host = HostFacts {
        free_port: Some(40_001),
        memory_available: Some(1 << 20),
        memory_total: Some(1 << 34),
        files_hard_limit: Some(100_000),
        disk_free: Some(0),
    };
    recovery.checkpoint = true;
    recovery.others_ran = true;
    recovery.environments = Some(StateDir::at("/state"));
    for guarded in STRATEGIES
        .iter()
        .filter(|strategy| strategy.risk == Risk::Guarded)
    {
        scene = scene.allow(guarded.name);
    }
    scene
}
