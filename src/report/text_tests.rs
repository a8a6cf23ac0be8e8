//! Pages for nights of every kind.

use console::measure_text_width;
use insta::assert_snapshot;

use super::*;
use crate::model::state::Hold;
use crate::model::state::TaskState;
use crate::report::facts::Facts;
use crate::report::nights;

fn page(facts: Facts) -> String {
    wide(facts, 80)
}

fn wide(facts: Facts, width: usize) -> String {
    let look = Look {
        width,
        zone: nights::ZONE,
        paint: Paint::PLAIN,
    };
    render(&RunSummary::of(facts), look)
}

#[test]
fn a_night_in_which_all_went_well() {
    assert_snapshot!(page(nights::all_ok()));
}

#[test]
fn a_night_with_one_of_each_kind() {
    assert_snapshot!(page(nights::mixed()));
}

#[test]
fn a_night_in_which_nothing_happened() {
    assert_snapshot!(page(nights::empty()));
}

#[test]
fn what_nobody_has_dealt_with_is_told_again() {
    assert_snapshot!(page(nights::unresolved()));
}

#[test]
fn a_queue_that_never_ran() {
    assert_snapshot!(page(nights::never_run()));
}

#[test]
fn a_night_whose_upstream_failed_and_whose_window_was_over() {
    assert_snapshot!(page(nights::blocked()));
}

#[test]
fn what_is_different_from_earlier_nights_is_told() {
    assert_snapshot!(page(nights::different()));
}

#[test]
fn a_night_that_was_missed_is_told() {
    let mut facts = nights::never_run();
    facts.ever_run = true;
    facts.last_window = Some((nights::evening(0), nights::evening(540)));
    let told = page(facts.clone());
    assert!(!told.contains("missed"), "{told}");
    facts.now = nights::evening(2 * 24 * 60 + 600);
    let told = page(facts.clone());
    let words = "The night that began 16 Nov 22:00 was missed, as no";
    assert!(told.replace('\n', " ").contains(words), "{told}");
    facts.tasks.clear();
    let told = page(facts);
    assert!(!told.contains("missed"), "nothing was to be done: {told}");
}

#[test]
fn a_run_that_goes_on() {
    assert_snapshot!(page(nights::active()));
}

#[test]
fn a_run_that_was_killed() {
    let mut facts = nights::active();
    facts.active_run = None;
    assert_snapshot!(page(facts));
}

#[test]
fn a_run_that_was_killed_before_another_one_is_told() {
    let mut facts = nights::all_ok();
    let mut first = facts.runs[0].clone();
    first.id = crate::model::ids::RunId::new(6);
    first.started_at = nights::evening(0).minus(std::time::Duration::from_hours(1));
    (first.ended_at, first.ended_because, first.exit_code) = (None, None, None);
    facts.runs.insert(0, first.clone());
    let told = page(facts.clone());
    let words = "Run 6, begun at 14 Nov 21:00, was cut off (it was killed, or the machine went\n\
                 down). Run 7 went from";
    assert!(told.starts_with(words), "{told}");
    facts.runs.insert(0, first);
    let told = page(facts);
    let words = "2 runs went before, 2 of them were cut off. Run 7 went";
    assert!(told.starts_with(words), "{told}");
}

#[test]
fn outputs_that_try_to_command_the_terminal_are_shown() {
    let page = page(nights::hostile());
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
    assert_snapshot!(page);
}

#[test]
fn many_failures_are_told_shortly_and_by_cause() {
    assert_snapshot!(page(nights::failed(30)));
}

#[test]
fn the_top_of_the_page_holds_every_needed_action() {
    for number in 1..=11 {
        let page = page(nights::failed_apart(number));
        let top: Vec<&str> = page.lines().take(TOP).collect();
        for id in 1..=number {
            let command = format!("autoexec queue retry {id}");
            assert!(
                top.iter().any(|line| line.ends_with(&command)),
                "{number}: {command} is not in the first lines of\n{page}"
            );
        }
    }
    let page = page(nights::failed_apart(12));
    let listed = "  and 2 more, see `autoexec queue list`";
    assert_eq!(page.lines().nth(TOP - 1), Some(listed), "{page}");
}

#[test]
fn up_to_ten_failures_are_told_with_the_lines_that_decided() {
    for number in 1..=10 {
        let page = page(nights::failed_apart(number));
        let lines = page.matches("connection to server at").count();
        assert!(i64::try_from(lines).unwrap() >= number, "{number}:\n{page}");
    }
    assert_snapshot!(page(nights::failed_apart(7)));
}

#[test]
fn commands_of_different_length_begin_below_each_other() {
    let mut summary = RunSummary::of(nights::failed_apart(9));
    let accepted = &mut summary.tasks[4];
    accepted.verdict = Verdict::Suspicious;
    accepted.next = Some("autoexec queue complete 5 --reason TEXT".to_owned());
    let look = Look {
        width: 80,
        zone: nights::ZONE,
        paint: Paint::PLAIN,
    };
    let page = render(&summary, look);
    let mut columns: Vec<usize> = page
        .lines()
        .take(TOP)
        .filter_map(|line| line.find("  autoexec queue "))
        .collect();
    assert_eq!(columns.len(), 9, "{page}");
    columns.dedup();
    assert_eq!(columns.len(), 1, "{page}");
}

#[test]
fn no_line_is_wider_than_asked() {
    let nights = [
        nights::mixed,
        nights::hostile,
        nights::never_run,
        || nights::failed(30),
        || nights::failed_apart(4),
        nights::blocked,
        nights::different,
    ];
    for night in nights {
        for width in [40, 50, 80, 120, 200] {
            for line in wide(night(), width).lines() {
                assert!(measure_text_width(line) <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn colours_change_no_word() {
    let look = Look {
        width: 80,
        zone: nights::ZONE,
        paint: Paint::COLOURED,
    };
    let painted = render(&RunSummary::of(nights::mixed()), look);
    assert!(painted.contains('\u{1b}'));
    assert_eq!(
        console::strip_ansi_codes(&painted),
        page(nights::mixed()).as_str()
    );
}

#[test]
fn a_reason_that_is_too_long_for_the_top_is_told_whole_below() {
    let mut facts = nights::mixed();
    let reason = "`make_executable` is refused: this machine does not allow it: put it into \
                  `allow` under `[recover]` in `config.toml`; then type `autoexec queue release a`";
    let held = facts
        .tasks
        .iter_mut()
        .find(|task| matches!(task.state, TaskState::Held(_)))
        .unwrap();
    held.state = TaskState::Held(Hold {
        code: "manual_intervention".to_owned(),
        reason: reason.to_owned(),
    });
    let page = page(facts);
    let flat: Vec<&str> = page.split_whitespace().collect();
    assert!(flat.join(" ").contains(reason), "{page}");
}

#[test]
fn what_was_only_suggested_is_told() {
    let mut facts = nights::mixed();
    nights::heal(&mut facts);
    let page = page(facts);
    assert!(page.contains("Only suggested (1)"), "{page}");
    assert!(
        page.contains("wait_for_reconnection: tcp db.internal:5432"),
        "{page}"
    );
}
