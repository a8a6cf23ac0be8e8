//! What becomes of facts.

use super::*;
use crate::report::nights;

#[test]
fn every_task_of_a_mixed_night_gets_its_verdict_and_its_command() {
    let summary = RunSummary::of(nights::mixed());
    let told: Vec<(&str, &str, Option<&str>)> = summary
        .tasks
        .iter()
        .map(|task| {
            (
                task.name.as_str(),
                task.verdict.as_str(),
                task.next.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("photos", "ok", None),
            ("shop-dump", "failed", Some("autoexec queue retry 2")),
            ("crawl", "recovered", None),
            ("payroll", "held", Some("autoexec queue release 4")),
            ("train", "interrupted", Some("autoexec run")),
            ("publish", "waiting", Some("autoexec run")),
            ("new-idea", "waiting", Some("autoexec run")),
            ("old-idea", "cancelled", None),
        ]
    );
    assert_eq!(summary.needs().len(), 2);
    let waiting: Vec<&str> = summary.not_run.iter().map(|task| task.why.code()).collect();
    assert_eq!(waiting, ["waiting_retry", "no_run"]);
}

#[test]
fn a_failed_task_of_whose_name_there_is_a_newer_one_needs_nobody() {
    let mut facts = nights::mixed();
    let mut again = facts.tasks[0].clone();
    again.id = TaskId::new(9);
    again.name = facts.tasks[1].name.clone();
    facts.tasks.push(again);
    let summary = RunSummary::of(facts);
    let names: Vec<&str> = summary
        .needs()
        .iter()
        .map(|task| task.name.as_str())
        .collect();
    assert_eq!(names, ["payroll"]);
    assert_eq!(summary.totals.of(Verdict::Failed), 1);
}

#[test]
fn a_newer_task_that_has_not_run_or_was_called_off_stands_for_no_failure() {
    for place in [5, 7] {
        let mut facts = nights::mixed();
        let mut again = facts.tasks[place].clone();
        again.id = TaskId::new(9);
        again.name = facts.tasks[1].name.clone();
        facts.tasks.push(again);
        let summary = RunSummary::of(facts);
        assert_eq!(summary.needs().len(), 2, "{place}");
    }
}

#[test]
fn of_the_present_the_queue_tells_what_was_dealt_with() {
    let mut facts = nights::mixed();
    facts.needing = Some([TaskId::new(2), TaskId::new(7)].into());
    let summary = RunSummary::of(facts);
    let names: Vec<&str> = summary
        .needs()
        .iter()
        .map(|task| task.name.as_str())
        .collect();
    assert_eq!(names, ["shop-dump"]);
}

#[test]
fn the_report_of_one_run_counts_the_attempts_of_that_run_alone() {
    let mut facts = nights::mixed();
    let run = crate::model::ids::RunId::new(8);
    facts.scope = Scope::Runs {
        first: run,
        last: run,
    };
    let attempt = facts.tasks[2].attempts.last_mut().unwrap();
    attempt.run = crate::model::ids::RunId::new(8);
    let summary = RunSummary::of(facts);
    assert_eq!(summary.totals.attempts, 1);
    assert!(summary.causes.is_empty());
    assert_eq!(summary.tasks[2].verdict, Verdict::Recovered);
}

#[test]
fn stops_of_our_own_are_no_causes() {
    let summary = RunSummary::of(nights::mixed());
    let causes: Vec<(&str, usize)> = summary
        .causes
        .iter()
        .map(|cause| (cause.pattern.as_str(), cause.count))
        .collect();
    assert_eq!(causes, [("connection_refused", 6), ("supervisor_died", 1)]);
}

#[test]
fn what_a_person_declared_done_did_not_heal_itself() {
    let mut facts = nights::mixed();
    facts.tasks[1].state = TaskState::Succeeded;
    let summary = RunSummary::of(facts);
    assert_eq!(summary.tasks[1].verdict, Verdict::Ok);
    assert_eq!(summary.tasks[2].verdict, Verdict::Recovered);
}

#[test]
fn who_is_skipped_behind_a_skipped_task_is_brought_back_from_the_root() {
    use crate::model::state::Skip;
    let mut facts = nights::mixed();
    let upstream = |facts: &Facts, place: usize| {
        Some((facts.tasks[place].id, facts.tasks[place].name.clone()))
    };
    facts.tasks[5].state = TaskState::Skipped(Skip::Blocked);
    facts.tasks[5].blocked_by = upstream(&facts, 1);
    facts.tasks[6].state = TaskState::Skipped(Skip::Blocked);
    facts.tasks[6].blocked_by = upstream(&facts, 5);
    let root = facts.tasks[1].id;
    let summary = RunSummary::of(facts);
    let command = format!("autoexec queue retry {root}");
    for place in [5, 6] {
        assert_eq!(summary.tasks[place].next.as_deref(), Some(command.as_str()));
    }
}

#[test]
fn a_task_that_waits_for_its_hour_needs_a_run_that_waits() {
    let mut facts = nights::mixed();
    facts.tasks[6].attempts.clear();
    facts.tasks[6].state = TaskState::added(Some(facts.now.plus(Duration::from_hours(5))));
    let summary = RunSummary::of(facts);
    assert_eq!(
        summary.tasks[6].next.as_deref(),
        Some("autoexec run --watch")
    );
}

#[test]
fn a_recovery_that_failed_does_not_hide_what_the_task_died_of() {
    let of_recovery = Failure {
        category: crate::model::category::Category::Unknown,
        pattern: REMEDY_FAILED_PATTERN.to_owned(),
        line: Some("the recovery `vpn` failed: its command ended with exit code 1".into()),
    };
    let fates = [
        Fate::Failed(nights::refused()),
        Fate::Failed(of_recovery.clone()),
    ];
    let mut facts = nights::mixed();
    facts.tasks = vec![nights::task(1, "shop-dump", TaskState::Failed, &fates)];
    let summary = RunSummary::of(facts);
    let task = &summary.tasks[0];
    assert_eq!(task.failure, Some(nights::refused()));
    let recovery = task.failed_recovery.as_ref().unwrap();
    assert_eq!((recovery.attempt, &recovery.line), (1, &of_recovery.line));
    let causes: Vec<&str> = summary
        .causes
        .iter()
        .map(|one| one.pattern.as_str())
        .collect();
    assert_eq!(causes, ["connection_refused"]);
    let needs = crate::report::needs::needs(&summary, nights::ZONE);
    assert_eq!(
        needs[0].what,
        "network (connection refused), 2 attempts; \
         the recovery `vpn` failed: its command ended with exit code 1"
    );
    assert_eq!(needs[0].commands[0], "autoexec logs 1 --attempt 1");
}

#[test]
fn a_task_that_failed_of_asking_to_be_started_again_says_so() {
    let asked = Failure {
        category: crate::model::category::Category::Unknown,
        pattern: "start_again".to_owned(),
        line: None,
    };
    let mut facts = nights::mixed();
    let fates = [Fate::Stopped(asked.clone())];
    facts.tasks = vec![
        nights::task(1, "gave-up", TaskState::Failed, &fates),
        nights::task(2, "goes-on", TaskState::added(None), &fates),
    ];
    let summary = RunSummary::of(facts);
    assert_eq!(summary.tasks[0].failure, Some(asked));
    assert_eq!(summary.tasks[1].failure, None);
}
