//! Tests of the words of messages.

use super::*;
use crate::model::ids::{TaskId, TaskName};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn desk() -> Desk<'static> {
    Desk {
        host: "host",
        queue: Some(QueueId([3; 16])),
        zone: Zone::East(0),
        now: NOW,
    }
}

fn written(notice: Notice) -> Letter {
    let message = Waiting {
        id: 1,
        message_id: "an-id".to_owned(),
        target: "hash".to_owned(),
        target_name: "webhook #1 (json)".to_owned(),
        run: Some(RunId::new(7)),
        notice,
        tries: 1,
        created_at: NOW,
    };
    letter(&message, desk())
}

fn failed(name: &str, held: bool, line: &str) -> FailedTask {
    FailedTask {
        id: TaskId::new(12),
        name: TaskName::new(name).unwrap(),
        held,
        why: "network (connection refused)".to_owned(),
        line: Some(line.to_owned()),
        at: NOW,
    }
}

#[test]
fn a_failed_task_is_told_with_the_command_to_type() {
    let told = written(Notice::TasksFailed(Digest::of(failed(
        "dump",
        false,
        "\u{1b}[31mrefused\u{7}\nBcc: x",
    ))));
    assert_eq!(told.subject, "[autoexec host] task `dump` failed");
    assert_eq!(
        told.text,
        "22:13  failed dump: network (connection refused)\n    \
         \\e[31mrefused\\x07\\nBcc: x\n    autoexec why 12\n"
    );
    assert_eq!(told.urgency, Urgency::NeedsPerson);
    assert_eq!(told.id, "an-id");
}

#[test]
fn many_are_told_as_many() {
    let entries = vec![failed("a", true, ""), failed("b", true, "")];
    let waiting = written(Notice::TasksFailed(Digest {
        entries: entries.clone(),
        more: 0,
    }));
    assert_eq!(waiting.subject, "[autoexec host] 2 tasks wait for you");
    let many = written(Notice::TasksFailed(Digest { entries, more: 498 }));
    assert_eq!(many.subject, "[autoexec host] 500 tasks need you");
    assert!(many.text.contains("and 498 more\n"), "{}", many.text);
}

#[test]
fn the_beginning_and_the_end_of_a_run_have_one_id_that_no_other_queue_has() {
    let start = written(Notice::RunStarted {
        mode: "overnight".to_owned(),
        queued: 1,
        at: NOW,
    });
    let end = |exit_code, needing| {
        written(Notice::RunFinished {
            because: "drained".to_owned(),
            exit_code,
            done: 1,
            needing,
            at: NOW,
        })
    };
    assert_eq!(
        start.subject,
        "[autoexec host] overnight run 7 begins, 1 task queued"
    );
    let (well, badly) = (end(0, 0), end(1, 2));
    assert_eq!(
        well.subject,
        "[autoexec host] run 7 is over: 1 task done, nothing needs you"
    );
    assert_eq!(well.urgency, Urgency::Routine);
    assert_eq!(
        badly.subject,
        "[autoexec host] run 7 is over: 1 task done, 2 tasks need you"
    );
    assert_eq!(badly.urgency, Urgency::NeedsPerson);
    assert_eq!(start.run_uuid, well.run_uuid);
    let uuid = uuid::Uuid::parse_str(start.run_uuid.as_deref().unwrap()).unwrap();
    assert_eq!(uuid.get_version_num(), 4);
    let elsewhere = run_uuid(Some(QueueId([4; 16])), Some(RunId::new(7)));
    assert_ne!(elsewhere, start.run_uuid);
}

#[test]
fn an_alert_is_told_as_it_was_written() {
    let trouble = Trouble {
        component: "storage".to_owned(),
        message: "the disk is full".to_owned(),
        at: NOW,
    };
    let told = written(Notice::Critical(Digest::of(trouble)));
    assert_eq!(told.subject, "[autoexec host] critical: the disk is full");
    assert_eq!(told.urgency, Urgency::Critical);
    assert!(
        told.text.starts_with("22:13  storage: the disk is full\n"),
        "{}",
        told.text
    );
}

#[test]
fn a_letter_of_an_unusual_queue_says_what_to_type_first() {
    let mut told = written(Notice::TasksFailed(Digest::of(failed("dump", false, "x"))));
    told.html = Some("<main><p>page</p></main>".to_owned());
    name_queue(&mut told, "'/srv/<odd> queue'");
    assert!(
        told.text
            .ends_with("\n  export AUTOEXEC_STATE_DIR='/srv/<odd> queue'\n"),
        "{}",
        told.text
    );
    let page = told.html.unwrap();
    assert!(
        page.contains("<p>page</p><section>") && page.ends_with("</section>\n</main>"),
        "{page}"
    );
    assert!(page.contains("/srv/&lt;odd&gt; queue"), "{page}");
}
