//! What the library's queue is given, for what the reference says in fewer words.

use std::time::Duration;

use autoexec::model::dependency::After;
use autoexec::model::dependency::When;
use autoexec::model::ids::TaskName;
use autoexec::model::outcome::Account;
use autoexec::model::outcome::Containment;
use autoexec::model::outcome::Ended;
use autoexec::model::outcome::Exit;
use autoexec::model::outcome::Outcome;
use autoexec::model::outcome::OutputPlace;
use autoexec::model::outcome::Usage;
use autoexec::model::spec::Command;
use autoexec::model::spec::Surroundings;
use autoexec::model::spec::TaskSpec;
use autoexec::model::state::Hold;
use autoexec::store::Actor;
use autoexec::store::tasks::NewTask;
use autoexec::store::tasks::Times;
use autoexec::support::clock::Timestamp;

use crate::commands::nouns::New;
use crate::commands::nouns::Wanted;

pub(crate) fn actor() -> Actor {
    Actor::Command("test".to_owned())
}

pub(crate) fn hold() -> Hold {
    Hold {
        code: "by_hand".to_owned(),
        reason: "x".to_owned(),
    }
}

pub(crate) fn new_task(new: &New, now: Timestamp) -> NewTask {
    let definition = &new.definition;
    let command = Command::Direct(vec!["true".into(), definition.variant.to_string().into()]);
    let mut spec = TaskSpec::of_command(
        TaskName::new(definition.name).unwrap(),
        command,
        "/tmp".into(),
    );
    spec.priority = definition.priority;
    spec.after = definition
        .after
        .iter()
        .map(|(name, wanted)| After {
            task: TaskName::new(name).unwrap(),
            when: match wanted {
                Wanted::Success => When::Success,
                Wanted::Failure => When::Failure,
                Wanted::Always => When::Always,
            },
        })
        .collect();
    let later = |delay: i64| Timestamp::from_millis(now.as_millis() + delay);
    NewTask {
        spec: Box::new(spec),
        surroundings: Surroundings([("PATH".to_owned(), "/bin".into())].into()).into(),
        source: None,
        times: Times {
            not_before: new.delay.map(later),
            deadline: None,
        },
    }
}

pub(crate) fn outcome(now: Timestamp) -> Outcome {
    Outcome {
        ended: Ended::ByItself(Exit::Code(0)),
        started_at: Some(now),
        ended_at: now,
        duration: Duration::ZERO,
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
