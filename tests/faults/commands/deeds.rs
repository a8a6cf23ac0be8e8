//! What is typed: sequences of commands and the task files that they add.

use std::fmt::Write as _;

use fastrand::Rng;

use crate::commands::NAMES;
use crate::commands::new;
use crate::commands::nouns::Definition;
use crate::commands::nouns::New;
use crate::commands::nouns::Wanted;
use crate::commands::typed::Verb;
use crate::commands::typed::exit_code;

/// One thing that somebody types.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Add {
        tasks: Vec<New>,
        replace: bool,
    },
    /// About tasks of these names, of which the first is one that it changes if there is any; the number
    /// says which.
    Change(Verb, usize, Vec<&'static str>),
    /// A run to its end; one that is active already is let go on.
    Run {
        slots: u8,
    },
    /// A run begins whose only slot is taken, so that it has time for everybody who asks.
    Begin,
    /// The next command is killed at its first, second or third commit: before it, or behind it.
    Killed {
        commit: u8,
        is_before: bool,
    },
    List,
    Check,
}

pub(crate) fn deed(rng: &mut Rng) -> Deed {
    match rng.u8(..100) {
        0..28 => {
            let mut tasks: Vec<New> = (0..rng.usize(1..4)).map(|_| new(rng)).collect();
            tasks.sort_by_key(|task| task.definition.name);
            tasks.dedup_by_key(|task| task.definition.name);
            for task in &mut tasks {
                // The clock is that of the machine, and nobody waits for it.
                task.delay = None;
                let after = &mut task.definition.after;
                after.dedup_by_key(|(name, _)| *name);
            }
            rng.shuffle(&mut tasks);
            Deed::Add {
                tasks,
                replace: rng.bool(),
            }
        }
        28..70 => {
            let verbs = [
                Verb::Cancel,
                Verb::Hold,
                Verb::Hold,
                Verb::Release,
                Verb::Retry,
                Verb::Retry,
                Verb::Complete,
                Verb::Remove,
                Verb::Reprioritize(rng.i64(-3..4)),
            ];
            let mut names = NAMES.to_vec();
            rng.shuffle(&mut names);
            names.truncate(if rng.u8(..4) == 0 { 2 } else { 1 });
            Deed::Change(*rng.choice(&verbs).unwrap(), rng.usize(..100), names)
        }
        70..80 => Deed::Run {
            slots: rng.u8(1..4),
        },
        80..88 => Deed::Begin,
        88..93 => Deed::Killed {
            commit: rng.u8(1..4),
            is_before: rng.bool(),
        },
        93..97 => Deed::List,
        _ => Deed::Check,
    }
}

/// A task file; every attempt writes down that it began.
pub(crate) fn file(tasks: &[New]) -> String {
    let mut file =
        String::from("[defaults]\nretry = { max_attempts = 2, base = \"10ms\", cap = \"10ms\" }\n");
    for task in tasks {
        let definition = &task.definition;
        let (name, priority) = (definition.name, definition.priority);
        let code = exit_code(definition.variant);
        let after: Vec<String> = definition
            .after
            .iter()
            .map(|(task, wanted)| {
                let when = match wanted {
                    Wanted::Success => "success",
                    Wanted::Failure => "failure",
                    Wanted::Always => "always",
                };
                format!("{{ task = \"{task}\", when = \"{when}\" }}")
            })
            .collect();
        let after = after.join(", ");
        writeln!(
            file,
            "[[task]]\nname = \"{name}\"\npriority = {priority}\nafter = [{after}]\n\
             command = [\"/bin/sh\", \"-c\", \"echo {name} >> started; exit {code}\"]"
        )
        .unwrap();
    }
    file
}

/// Every verb on a task in each of the states that last.
pub(crate) fn stories() -> Vec<Vec<Deed>> {
    let task = |name, variant, after: &[(&'static str, Wanted)]| New {
        definition: Definition {
            name,
            variant,
            priority: 0,
            after: after.to_vec(),
        },
        delay: None,
    };
    let add = |tasks: Vec<New>| Deed::Add {
        tasks,
        replace: false,
    };
    let verbs = [
        Verb::Cancel,
        Verb::Hold,
        Verb::Release,
        Verb::Retry,
        Verb::Complete,
        Verb::Remove,
        Verb::Reprioritize(3),
    ];
    let story = |verb| {
        // They have succeeded, failed and been skipped; are cancelled and held; and wait.
        let ended = vec![
            task("a", 0, &[]),
            task("b", 1, &[]),
            task("c", 0, &[("b", Wanted::Success)]),
        ];
        let open = vec![task("d", 0, &[]), task("e", 0, &[]), task("f", 0, &[])];
        let before = [
            add(ended),
            Deed::Run { slots: 2 },
            add(open),
            Deed::Change(Verb::Cancel, 0, vec!["d"]),
            Deed::Change(Verb::Hold, 0, vec!["e"]),
        ];
        let then = NAMES.map(|name| Deed::Change(verb, 0, vec![name]));
        before.into_iter().chain(then).collect()
    };
    verbs.map(story).to_vec()
}
