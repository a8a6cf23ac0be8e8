//! Every strategy: what it may change, how it is verified and undone, and how long it may take.
//!
//! The one table of them; which of them suit a failure is [`crate::policy::strategy`].

use std::time::Duration;

use crate::model::recovery::RecoverSpec;
use crate::model::recovery::Risk;

/// How often most strategies are used for one task: what did not help twice does not help.
const TWICE: u32 = 2;
/// How often what only waits is used for one task: the attempts and the time are counted, so this is
/// only a last bound.
const OFTEN: u32 = 20;
/// How often directories are created for one task, each another one.
const PER_PATH: u32 = 5;
/// A program of ours that deletes, moves or sets a bit on a disk that answers.
const QUICK: Duration = Duration::from_mins(1);
/// Nothing is carried out, so nothing can take time.
const AT_ONCE: Duration = Duration::from_secs(10);
/// Package managers download.
const INSTALLING: Duration = Duration::from_mins(20);

/// A strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strategy {
    /// Its stable name.
    pub name: &'static str,
    /// What it may change.
    pub risk: Risk,
    /// What it does, in a few words that go on behind "it".
    pub what: &'static str,
    /// What shows that it helped.
    pub verify: &'static str,
    /// How to undo it; none where there is nothing to undo.
    pub undo: Option<&'static str>,
    /// The most time that it may take at once.
    pub timeout: Duration,
    /// How often it may be used for one task.
    pub most: u32,
    /// What a task has to declare for it, by its key; none where it needs nothing.
    pub declared_by: Option<&'static str>,
    /// Who carries it out.
    pub kind: Kind,
}

/// Who carries a strategy out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The engine waits, for an instant or for something that is observed.
    Wait,
    /// The next attempt is made differently.
    Change,
    /// A supervisor does something before the next attempt.
    Act,
    /// A person.
    Person,
    /// Nobody yet: it needs what other parts of the program bring.
    Nobody,
}

/// How long the strategies that wait do so at once, at most.
const PATIENCE: Duration = Duration::from_mins(15);
const LOCKS: Duration = Duration::from_mins(10);

const fn wait(
    name: &'static str,
    what: &'static str,
    verify: &'static str,
    timeout: Duration,
) -> Strategy {
    Strategy {
        name,
        risk: Risk::Observe,
        what,
        verify,
        undo: None,
        timeout,
        most: OFTEN,
        declared_by: None,
        kind: Kind::Wait,
    }
}

const fn change(
    name: &'static str,
    what: &'static str,
    most: u32,
    declared_by: Option<&'static str>,
) -> Strategy {
    Strategy {
        name,
        risk: Risk::Safe,
        what,
        verify: NEXT,
        undo: Some("`autoexec queue retry` starts it as it is defined"),
        timeout: AT_ONCE,
        most,
        declared_by,
        kind: Kind::Change,
    }
}

const fn act(
    name: &'static str,
    risk: Risk,
    what: &'static str,
    (verify, undo): (&'static str, &'static str),
    (timeout, most): (Duration, u32),
    declared_by: Option<&'static str>,
) -> Strategy {
    Strategy {
        name,
        risk,
        what,
        verify,
        undo: Some(undo),
        timeout,
        most,
        declared_by,
        kind: Kind::Act,
    }
}

const NEXT: &str = "the next attempt";
const OWN: (&str, &str) = (
    "it exits with 0, and the next attempt",
    "what the command itself says of it",
);

/// All of them, in the order of their names in [`crate::policy::strategy::ALL`].
#[rustfmt::skip]
pub const STRATEGIES: &[Strategy] = &[
    wait("wait_and_retry", "waits and tries again", NEXT, AT_ONCE),
    wait("wait_retry_after", "waits as long as the peer asked for", NEXT, AT_ONCE),
    wait("wait_for_reconnection", "waits until the declared peer answers",
        "the port or address answers, and the next attempt", PATIENCE),
    wait("check_dns", "waits until the declared name resolves",
        "the name resolves, and the next attempt", PATIENCE),
    wait("wait_for_lock", "waits until nobody holds the declared lock",
        "the lock is free, and the next attempt", LOCKS),
    wait("wait_for_disk", "waits until the file system of the workdir has space again",
        "the space is there, and the next attempt", PATIENCE),
    wait("wait_for_memory", "waits until enough memory is available",
        "the memory is there, and the next attempt", LOCKS),
    Strategy { kind: Kind::Change, most: TWICE,
        ..wait("run_alone", "lets nothing else run beside the next attempts", NEXT, AT_ONCE) },
    Strategy { kind: Kind::Change, most: PER_PATH, declared_by: Some("service"),
        undo: Some("`autoexec breakers reset NAME` lets it have any number again"),
        ..wait("reduce_concurrency", "lets fewer attempts at once use its service", NEXT, AT_ONCE) },
    change("retry_with_longer_timeout", "doubles its time limit, up to four times the declared one", TWICE, Some("timeout")),
    // Each address once: the list is the bound.
    change("rotate_endpoint", "takes the next declared address", OFTEN, Some("endpoints")),
    Strategy { kind: Kind::Nobody, ..change("rotate_lease", "takes another item of its pool", TWICE, Some("needs")) },
    change("use_defaults", "sets the declared fallback values", 1, Some("fallbacks")),
    change("use_fallback_command", "runs `fallback_command` in place of its steps", 1, Some("fallback_command")),
    act("create_missing_path", Risk::Safe, "creates an empty directory beneath the workdir, or one of `ensure`",
        ("the directory is there, and the next attempt", "remove the directory with `rmdir`"), (QUICK, PER_PATH), None),
    act("clean_temp", Risk::Safe, "deletes files that `temp` names",
        ("the files are gone, and the next attempt", "nothing brings them back: `temp` declares them as temporary"),
        (Duration::from_mins(5), TWICE), Some("temp")),
    change("raise_open_files", "raises the limit of open files, up to the hard limit", TWICE, None),
    change("raise_memory", "doubles `limits.memory`, up to four times the declared one", TWICE, Some("limits.memory")),
    change("use_free_port", "gives the variable with the port that is in use a free one", TWICE, Some("env")),
    Strategy { risk: Risk::Safe, kind: Kind::Change, most: OFTEN,
        ..wait("restart_from_checkpoint", "goes on behind what is saved", NEXT, AT_ONCE) },
    act("restart_from_scratch", Risk::Safe, "moves what is saved aside and begins anew",
        ("nothing is saved any more, and the next attempt", "what was saved is kept for 7 days in `checkpoints/` of the state directory"),
        (QUICK, 1), None),
    Strategy { kind: Kind::Nobody, ..act("restart_browser", Risk::Safe, "starts a fresh browser",
        (NEXT, "nothing is left of it"), (QUICK, TWICE), None) },
    act("run_command", Risk::Safe, "runs a command of `[[task.recover]]`", OWN,
        (RecoverSpec::DEFAULT_TIMEOUT, OFTEN), Some("recover")),
    act("refresh_credentials", Risk::Safe, "runs a command of `[[task.recover]]` for failures of `auth`", OWN,
        (RecoverSpec::DEFAULT_TIMEOUT, OFTEN), Some("recover")),
    act("install_dependency", Risk::Guarded, "installs what `dependencies` declares into an environment of the task's own",
        ("the installer ends well, and the next attempt", "remove the environment's folder; nothing else was changed"),
        (INSTALLING, 1), Some("dependencies")),
    act("make_executable", Risk::Guarded, "sets the execute bit of its own program beneath the workdir",
        ("the program may be executed, and the next attempt", "take the execute bit away with `chmod a-x`"), (QUICK, 1), None),
    act("remove_stale_lock", Risk::Guarded, "deletes a lock file that `temp` names and nobody holds",
        ("the file is gone, and the next attempt", "nothing brings it back: `temp` declares it as temporary"), (QUICK, TWICE), Some("temp")),
    act("fetch_again", Risk::Guarded, "deletes a damaged file that `temp` names, so that the task fetches it again",
        ("the file is gone, and the next attempt", "nothing brings it back: `temp` declares it as temporary"), (QUICK, TWICE), Some("temp")),
    Strategy { risk: Risk::Manual, kind: Kind::Person, most: 1,
        ..wait("wait_for_manual_intervention", "puts the task aside for a person", "a person lets it go on", AT_ONCE) },
];

/// The strategy of a name.
pub fn named(name: &str) -> Option<&'static Strategy> {
    STRATEGIES.iter().find(|strategy| strategy.name == name)
}

/// The risk class as a word.
pub const fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Observe => "observe",
        Risk::Safe => "safe",
        Risk::Guarded => "guarded",
        Risk::Manual => "manual",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::strategy::ALL;

    #[test]
    fn the_table_has_every_strategy_in_order_and_its_bounds() {
        let names: Vec<&str> = STRATEGIES.iter().map(|strategy| strategy.name).collect();
        assert_eq!(names, ALL);
        for strategy in STRATEGIES {
            assert!(
                strategy.most > 0 && strategy.most <= OFTEN,
                "{}",
                strategy.name
            );
            assert!(!strategy.timeout.is_zero(), "{}", strategy.name);
            assert!(!strategy.what.is_empty() && !strategy.verify.is_empty());
            let changes = matches!(strategy.risk, Risk::Safe | Risk::Guarded);
            assert!(
                !changes || strategy.undo.is_some() || strategy.name == "restart_from_checkpoint",
                "`{}` changes something and does not say how to undo it",
                strategy.name
            );
        }
    }

    /// The table as the document shows it.
    fn rendered() -> String {
        use std::fmt::Write as _;
        let mut table = "| strategy | risk | what it does | what shows that it helped | how to undo it | the task declares |\n\
                         |---|---|---|---|---|---|\n"
            .to_owned();
        for strategy in STRATEGIES {
            if strategy.kind == Kind::Nobody {
                continue;
            }
            let undo = strategy.undo.unwrap_or("–");
            let key = strategy
                .declared_by
                .map_or_else(|| "–".to_owned(), |key| format!("`{key}`"));
            writeln!(
                table,
                "| `{}` | {} | {} | {} | {undo} | {key} |",
                strategy.name,
                risk_word(strategy.risk),
                strategy.what,
                strategy.verify
            )
            .unwrap();
        }
        table
    }

    #[test]
    fn the_document_shows_the_table_as_it_is() {
        const DOCUMENT: &str = include_str!("../../../docs/recoveries.md");
        let (_, behind) = DOCUMENT.split_once("<!-- strategies: begin -->\n").unwrap();
        let (table, _) = behind.split_once("<!-- strategies: end -->").unwrap();
        let made = rendered();
        assert!(
            table == made,
            "put this between the two marks of docs/recoveries.md:\n\n{made}"
        );
    }
}
