//! Nights for the tests of the renderings, all in a zone two hours east of Greenwich.

use std::time::Duration;

use crate::model::category::Category;
use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::outcome::FoundFile;
use crate::model::recovery::RecoveryState;
use crate::model::state::Hold;
use crate::model::state::Skip;
use crate::model::state::TaskState;
use crate::policy::compare::Night;
use crate::policy::since::Difference;
use crate::report::facts::AttemptFacts;
use crate::report::facts::Facts;
use crate::report::facts::Failure;
use crate::report::facts::Fate;
use crate::report::facts::RunFacts;
use crate::report::facts::Scope;
use crate::report::facts::TaskFacts;
use crate::store::BreakerBrief;
use crate::store::RateBrief;
use crate::store::RecoveryBrief;
use crate::store::parking::Parked;
use crate::store::retention::Cleared;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;

pub(crate) const ZONE: Zone = Zone::East(7200);
/// 22:00 on 14 November 2023 in [`ZONE`].
const EVENING: Timestamp = Timestamp::from_millis(1_699_992_000_000);

pub(crate) fn evening(minutes: u64) -> Timestamp {
    EVENING.plus(Duration::from_mins(minutes))
}

pub(crate) fn refused() -> Failure {
    Failure {
        category: Category::Network,
        pattern: "connection_refused".to_owned(),
        line: Some("connection to server at \"db.internal\" (10.0.0.7), port 5432 failed: Connection refused".into()),
    }
}

pub(crate) fn task(id: i64, name: &str, state: TaskState, fates: &[Fate]) -> TaskFacts {
    let attempts = fates.iter().zip(1_u32..).map(|(fate, number)| {
        let begun = u64::from(number) * 10;
        let open = *fate == Fate::Open;
        AttemptFacts {
            id: AttemptId::new(id * 10 + i64::from(number)),
            number,
            run: RunId::new(7),
            started_at: Some(evening(begun)),
            ended_at: (!open).then(|| evening(begun + 4)),
            duration: Duration::from_mins(if open { 0 } else { 4 }),
            fate: fate.clone(),
            max_rss_bytes: 48 * 1024 * 1024 * u64::try_from(id).unwrap(),
            cpu: Duration::from_millis(61_500),
            doubt: None,
            log: Some(format!("7-{number}.seg")),
            leftovers: 0,
        }
    });
    TaskFacts {
        id: TaskId::new(id),
        name: TaskName::new(name).unwrap(),
        state,
        priority: 0,
        attempts: attempts.collect(),
        parked: None,
        rescue_round: 0,
        waits_for: Vec::new(),
        blocked_by: None,
        anew: None,
        blocker_anew: None,
        earlier: Vec::new(),
        since: Vec::new(),
        recoveries: Vec::new(),
        given_up: None,
        requeued_at: None,
    }
}

fn night(tasks: Vec<TaskFacts>) -> Facts {
    Facts {
        now: evening(600),
        scope: Scope::SinceRead(Some(evening(0).minus(Duration::from_hours(14)))),
        from: evening(0).minus(Duration::from_hours(14)),
        to: evening(600),
        active_run: None,
        ever_run: true,
        last_window: None,
        runs: vec![RunFacts {
            id: RunId::new(7),
            mode: "plain".to_owned(),
            started_at: evening(0),
            ended_at: Some(evening(254)),
            ended_because: Some("drained".to_owned()),
            exit_code: Some(0),
            window: None,
            rebooted: false,
        }],
        tasks,
        needing: None,
        cleared: Cleared::default(),
        rates: Vec::new(),
        breakers: Vec::new(),
    }
}

pub(crate) fn all_ok() -> Facts {
    let names = ["photos", "shop-dump", "mail-archive"];
    night(
        names
            .iter()
            .zip(1..)
            .map(|(name, id)| task(id, name, TaskState::Succeeded, &[Fate::Succeeded]))
            .collect(),
    )
}

pub(crate) fn held() -> TaskState {
    TaskState::Held(Hold {
        code: "maybe_ran".to_owned(),
        reason: "it may have finished when autoexec was killed".to_owned(),
    })
}

/// One of every kind that a crash, a stop and a bad night leave behind.
pub(crate) fn mixed() -> Facts {
    let failed = || Fate::Failed(refused());
    let stopped = Fate::Stopped(Failure {
        category: Category::Killed,
        pattern: "run_stopped".to_owned(),
        line: Some("stopped because the run ends".into()),
    });
    let lost = Fate::Lost(Failure {
        category: Category::Killed,
        pattern: "supervisor_died".to_owned(),
        line: Some("its supervisor died while it ran; whether it finished is not known".into()),
    });
    let mut facts = night(vec![
        task(1, "photos", TaskState::Succeeded, &[Fate::Succeeded]),
        task(
            2,
            "shop-dump",
            TaskState::Failed,
            &[failed(), failed(), failed()],
        ),
        task(
            3,
            "crawl",
            TaskState::Succeeded,
            &[failed(), failed(), Fate::Succeeded],
        ),
        task(4, "payroll", held(), &[lost]),
        task(5, "train", TaskState::added(None), &[stopped]),
        task(
            6,
            "publish",
            TaskState::added(Some(evening(615))),
            &[failed()],
        ),
        task(7, "new-idea", TaskState::added(None), &[]),
        task(8, "old-idea", TaskState::Cancelled, &[]),
    ]);
    if let Some(run) = facts.runs.last_mut() {
        run.ended_because = Some("stopped".to_owned());
        run.exit_code = Some(1);
    }
    facts
}

/// Nothing since the last report.
pub(crate) fn empty() -> Facts {
    Facts {
        runs: Vec::new(),
        ..night(Vec::new())
    }
}

/// Nothing since the last report, in which two tasks failed that nobody has looked after.
pub(crate) fn unresolved() -> Facts {
    Facts {
        runs: Vec::new(),
        ..failed(2)
    }
}

/// Tasks, and never a run.
pub(crate) fn never_run() -> Facts {
    let waiting = |(name, id): (&&str, i64)| task(id, name, TaskState::added(None), &[]);
    Facts {
        ever_run: false,
        scope: Scope::SinceRead(None),
        runs: Vec::new(),
        ..night(
            ["photos", "shop-dump"]
                .iter()
                .zip(1..)
                .map(waiting)
                .collect(),
        )
    }
}

/// Everything that comes from outside tries to command the terminal.
pub(crate) fn hostile() -> Facts {
    let failure = Failure {
        category: Category::Unknown,
        pattern: "a\u{1b}]0;title\u{7}b".to_owned(),
        line: Some("\u{1b}[2J\u{1b}[31mall is well\r\nerror: \u{202e}live 東京".into()),
    };
    let hold = TaskState::Held(Hold {
        code: "by_hand".to_owned(),
        reason: "look\u{1b}[8m here".to_owned(),
    });
    let mut facts = night(vec![
        task(
            1,
            &"x".repeat(64),
            TaskState::Failed,
            &[Fate::Failed(failure)],
        ),
        task(2, "kept", hold, &[]),
    ]);
    if let Some(run) = facts.runs.last_mut() {
        run.ended_because = Some("odd\u{1b}[1m".to_owned());
    }
    facts
}

/// So many tasks that failed for one cause.
pub(crate) fn failed(number: i64) -> Facts {
    let one = |id: i64| {
        let name = format!("sync-{id}");
        task(id, &name, TaskState::Failed, &[Fate::Failed(refused())])
    };
    night((1..=number).map(one).collect())
}

/// So many tasks that failed for a cause of their own each.
pub(crate) fn failed_apart(number: i64) -> Facts {
    let mut facts = failed(number);
    for task in &mut facts.tasks {
        let host = "abcdefghijklmnopqrstuvwxyz".get(..usize::try_from(task.id.get()).unwrap());
        let line = format!(
            "connection to server at \"{}.internal\" failed",
            host.unwrap()
        );
        let failure = Failure {
            line: Some(line.as_str().into()),
            ..refused()
        };
        task.attempts.last_mut().unwrap().fate = Fate::Failed(failure);
    }
    facts
}

/// A night against earlier ones: one task broke, one works again, one is slow, one is big.
pub(crate) fn different() -> Facts {
    let failed = Fate::Failed(refused());
    let mut facts = night(vec![
        task(1, "broke", TaskState::Failed, &[failed]),
        task(2, "mended", TaskState::Succeeded, &[Fate::Succeeded]),
        task(3, "slow", TaskState::Succeeded, &[Fate::Succeeded]),
    ]);
    let before = |succeeded, days: u64| Night {
        succeeded,
        at: evening(0).minus(Duration::from_hours(24 * days)),
        same_definition: true,
        took: Duration::from_mins(1),
        cpu: Duration::from_millis(61_500),
        max_rss_bytes: 1024,
    };
    facts.tasks[0].earlier = vec![before(false, 1), before(true, 2)];
    facts.tasks[1].earlier = vec![before(false, 1), before(false, 2), before(true, 3)];
    facts.tasks[2].earlier = (1..=6).map(|days| before(true, days)).collect();
    facts
}

/// A night whose upstream failed and whose window was over before all was done.
pub(crate) fn blocked() -> Facts {
    let mut facts = mixed();
    let upstream = (TaskId::new(2), TaskName::new("shop-dump").unwrap());
    for (id, name) in [(9, "train"), (10, "publish-model")] {
        let mut one = task(id, name, TaskState::Skipped(Skip::Blocked), &[]);
        one.blocked_by = Some(upstream.clone());
        facts.tasks.push(one);
    }
    let detail = "it usually takes 3h 10m, and 1h 05m were left";
    facts.tasks[6].parked = Some(Parked::by("window", Some(detail)));
    let mut waiting = task(11, "tidy", TaskState::added(None), &[]);
    waiting.waits_for = vec![TaskName::new("train").unwrap()];
    facts.tasks.push(waiting);
    if let Some(run) = facts.runs.last_mut() {
        run.mode = "overnight".to_owned();
        run.ended_because = Some("deadline".to_owned());
        run.window = Some((evening(0), evening(254)));
    }
    facts
}

/// A run that goes on at this moment.
pub(crate) fn active() -> Facts {
    let running = TaskState::Running {
        attempt: AttemptId::new(21),
    };
    let mut facts = night(vec![
        task(1, "photos", TaskState::Succeeded, &[Fate::Succeeded]),
        task(
            2,
            "shop-dump",
            running,
            &[Fate::Failed(refused()), Fate::Open],
        ),
        task(3, "crawl", TaskState::added(None), &[]),
    ]);
    facts.active_run = Some(RunId::new(7));
    if let Some(run) = facts.runs.last_mut() {
        run.ended_at = None;
        run.ended_because = None;
        run.exit_code = None;
    }
    facts
}

/// Adds what recoveries, breakers and comparisons leave behind.
pub(crate) fn heal(facts: &mut Facts) {
    let recovery = |state, seconds| RecoveryBrief {
        task: TaskId::new(1),
        attempt: AttemptId::new(11),
        pattern: "connection_refused".to_owned(),
        strategy: "wait_for_reconnection".to_owned(),
        state,
        started_at: evening(20),
        ended_at: Some(evening(20).plus(Duration::from_secs(seconds))),
        detail: Some("tcp db.internal:5432 answered after 41 s".to_owned()),
    };
    let task = &mut facts.tasks[0];
    task.recoveries = vec![
        recovery(RecoveryState::Helped, 41),
        recovery(RecoveryState::InVain, 600),
        recovery(RecoveryState::Suggested, 0),
    ];
    task.given_up = Some(("deadline_passed".to_owned(), "its deadline passed".into()));
    let file = |name: &str| FoundFile {
        name: name.to_owned(),
        bytes: 2048,
        modified: 1,
    };
    task.since = vec![
        Difference::Definition {
            keys: vec!["command".to_owned(), "timeout".to_owned()],
        },
        Difference::Environment,
        Difference::Tool(file("/usr/bin/pg_dump")),
        Difference::Input {
            now: file("orders.csv"),
            before: 10,
        },
        Difference::Duration {
            now: Duration::from_mins(4),
            before: Duration::from_mins(1),
        },
    ];
    facts.rates = vec![RateBrief {
        pattern: "connection_refused".to_owned(),
        strategy: "wait_for_reconnection".to_owned(),
        tried: 12,
        succeeded: 11,
    }];
    facts.breakers = vec![BreakerBrief {
        name: "db.internal".to_owned(),
        state: "half_open".to_owned(),
        opened: 2,
        opened_at: Some(evening(20)),
        next_probe_at: Some(evening(30)),
        changed_at: evening(25),
        last_line: Some("connection refused".to_owned()),
    }];
}
