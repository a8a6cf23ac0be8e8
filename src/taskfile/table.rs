//! The rows of the table of keys, in the order in which documentation and `check --explain` list
//! them. Their shape and their use are in `taskfile::keys`.
//!
//! INVARIANT: a default says what [`crate::model::spec`] does, and an example differs from it;
//! tests hold them together. A key that does not work yet says what brings it.

use std::time::Duration;

use crate::taskfile::keys::Key;
use crate::taskfile::keys::Kind::{
    Addresses, After, Choice, Command, ExitCodes, Expression, Folders, Guarded, Inherit,
    Installable, Labels, Moment, Name, Number, Other, Path, Paths, PerCategory, Requirements,
    Services, Shell, Size, Span, Stop, Table, Tables, Variables, When, Whole, Wildcards, Word,
};
use crate::taskfile::keys::Scope;
use crate::taskfile::keys::Since;

const ZERO: Duration = Duration::ZERO;
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// More attempts than any night has room for; a larger number is a slip of the finger.
const MOST_ATTEMPTS: i64 = 1_000_000;
/// The categories of failures.
const CATEGORIES: &[&str] = &[
    "network",
    "timeout",
    "rate_limit",
    "server_error",
    "auth",
    "not_found",
    "validation",
    "resource",
    "dependency",
    "browser",
    "logic",
    "corruption",
    "killed",
    "unknown",
];
const FIRST: i64 = 1_000_000;

macro_rules! optional {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

macro_rules! since {
    () => {
        Since::Now
    };
    ($what:literal) => {
        Since::Later($what)
    };
}

macro_rules! text {
    () => {
        ""
    };
    ($text:literal) => {
        $text
    };
}

/// One row: where and what; default, flag and example where there are any; what it is for.
macro_rules! keys {
    ($($scope:ident $name:literal = $kind:expr
        $(, default $default:literal)? $(, flag $flag:literal)? $(, example $example:literal)?
        $(, later $later:literal)?; $help:literal)*) => {
        &[$(Key {
            scope: Scope::$scope,
            name: $name,
            kind: $kind,
            default: text!($($default)?),
            flag: optional!($($flag)?),
            example: text!($($example)?),
            help: $help,
            since: since!($($later)?),
        }),*]
    };
}

/// Every key.
pub static KEYS: &[Key] = keys! {
    File "defaults" = Table(Scope::Task);
        "Keys for every task of the file: tables merge key by key, lists and values replace."
    File "task" = Tables(Scope::Task);
        "A task."
    File "pattern" = Tables(Scope::Pattern);
        "An error pattern of your own, for the tasks of the file."
    File "template" = Other("a table of tables"), later "templates";
        "A task with places to fill in."

    Task "name" = Name, flag "--name", example "\"shop-dump\"";
        "What the task is called: 1 to 64 of `A-Z a-z 0-9 . _ -`, unique among unfinished tasks."
    Task "command" = Command, example "[\"sort\", \"-o\", \"out.txt\", \"in.txt\"]";
        "What runs. A list is executed directly, a text is handed to `shell`."
    Task "shell" = Shell, default "/bin/sh -c", example "[\"bash\", \"-euo\", \"pipefail\", \"-c\"]";
        "What runs a `command` that is a text; it gets the text as its last argument."
    Task "workdir" = Path, default "the folder of the file, or where `queue add` was typed",
        flag "--workdir", example "\"~/backups\"";
        "Where the command runs; relative to the folder of the file, or to where `queue add` is typed."
    Task "env" = Variables, default "none", flag "--env", example "{ PGHOST = \"db.internal\" }";
        "Variables for the command. `$` in a value is not expanded."
    Task "env_inherit" = Inherit, default "true", example "[\"PATH\", \"HOME\"]";
        "Which variables of the runner the command gets: all, none, or these. PATH, HOME, USER, LANG, LC_*, TZ and VIRTUAL_ENV are as they were when the task was added."
    Task "env_file" = Path, default "none", flag "--env-file", example "\"nightly.env\"";
        "A file of `NAME=value` lines, read at each start; relative like `workdir`."
    Task "secrets" = Labels, default "none", flag "--secret", example "[\"API_TOKEN\"]";
        "Variables whose values are shown as `***` wherever the output or a message holds them, also in base64, hexadecimal, JSON and the like. Values that are written in `env` are not kept in the queue: they are read again from this file at each start."
    Task "stdin" = Path, default "nothing to read", flag "--stdin", example "\"input.txt\"";
        "The file that becomes standard input; relative to `workdir`."
    Task "tags" = Labels, default "none", flag "--tag", example "[\"nightly\"]";
        "Labels to select tasks by."
    Task "priority" = Whole(-FIRST, FIRST), default "0", flag "--priority", example "10";
        "Higher runs first."
    Task "retries" = Whole(0, MOST_ATTEMPTS - 1), flag "--retries", example "3";
        "How often to try again: the same as `retry.max_attempts` less one. Writing both is an error."
    Task "retry" = Table(Scope::Retry);
        "When to try again."
    Retry "max_attempts" = Whole(1, MOST_ATTEMPTS), default "5 (2 where nobody can tell why it failed)", example "7";
        "Attempts in all; 1 means no retry."
    Retry "backoff" = Choice(&["exponential", "fixed"]), default "exponential", example "\"fixed\"";
        "Whether the waits between attempts grow."
    Retry "base" = Span(ZERO), default "2s", example "\"500ms\"";
        "The first wait."
    Retry "factor" = Number(1.0, 100.0), default "2", example "1.5";
        "By how much each wait is longer than the one before."
    Retry "cap" = Span(ZERO), default "1m", example "\"10m\"";
        "The longest wait."
    Retry "jitter" = Number(0.0, 1.0), default "0.2", example "0.5";
        "The share of a wait that is left to chance."
    Retry "on" = PerCategory(Scope::RetryOn), default "none";
        "What holds for single categories of failures instead."
    RetryOn "max_attempts" = Whole(1, MOST_ATTEMPTS), example "8";
        "Attempts in all for failures of this category."
    RetryOn "cap" = Span(ZERO), example "\"15m\"";
        "The longest wait after failures of this category."
    Task "timeout" = Span(MILLISECOND), default "none", flag "--timeout", example "\"2h\"";
        "The most time that an attempt may take."
    Task "after" = After, default "none", flag "--after", example "[\"shop-dump\"]";
        "Tasks that must end first: names, or `{ task = \"shop-dump\", when = \"failure\" }`; `when` is `success`, `failure` or `always`. A name means the task of the same file, else the newest in the queue. If the wait is in vain the task is blocked, until the other one runs again."
    Task "not_before" = Moment, default "none", flag "--not-before", example "\"02:00\"";
        "The earliest start: the next time that the clocks show this, `\"+30m\"` from the adding on, or a date such as `\"2026-11-22T02:00:00+01:00\"`. A plain `run` does not wait for it."
    Task "deadline" = Moment, default "none", flag "--deadline", example "\"06:30\"";
        "The latest end, written like `not_before`; a time of the clock is the first one behind `not_before`. The task is not started after it and stopped at it, and has failed then."
    Task "total_timeout" = Span(MILLISECOND), default "none", flag "--total-timeout", example "\"12h\"";
        "The most time from the first start on, all attempts and waits included; then the task has failed."
    Task "expect_duration" = Span(MILLISECOND), default "none", flag "--expect-duration", example "\"45m\"";
        "How long an attempt usually takes, as long as there is no history to tell."
    Task "grace" = Span(ZERO), default "10s", flag "--grace", example "\"30s\"";
        "How long a task that is asked to stop may take before it is killed."
    Task "stop_signal" = Stop, default "TERM", flag "--stop-signal", example "\"INT\"";
        "The signal that asks the task to stop."
    Task "leftovers" = Choice(&["kill", "fail", "allow"]), default "kill", flag "--leftovers", example "\"allow\"";
        "What becomes of processes that outlive the command: killed, killed and the attempt counts as failed, or left alone if it succeeded."
    Task "on_crash" = Choice(&["retry", "ask", "fail"]), default "retry", flag "--on-crash", example "\"ask\"";
        "What to do when nobody can know whether the attempt finished: start it again, put the task aside for a person, or count it as failed."
    Task "max_output" = Size(0), default "64MiB", flag "--max-output", example "\"10MiB\"";
        "How much output is kept of each attempt: the head and the tail."
    Task "nice" = Whole(0, 19), default "0", flag "--nice", example "10";
        "How far the task steps back for others, from 0 to 19."
    Task "limits" = Table(Scope::Limits), default "none";
        "Limits of the operating system."
    Limits "memory" = Size(1), default "none", example "\"2GiB\"";
        "Memory of the attempt; where cgroups are not delegated, of each process."
    Limits "files" = Whole(3, 1_000_000_000), default "none", example "1024";
        "Open files of each process."
    Limits "cpu" = Span(SECOND), default "none", example "\"1h\"";
        "CPU time of each process."
    Limits "processes" = Whole(1, 4_194_304), default "none", example "64";
        "Processes of the attempt; needs delegated cgroups."
    Task "success" = Table(Scope::Success);
        "What counts as success."
    Success "exit_codes" = ExitCodes, default "[0]", example "[0, 2]";
        "Exit codes that mean success."

    Task "step" = Tables(Scope::Step);
        "The commands of a task of several, in order, instead of `command`; at most 100. A finished step is a checkpoint: the next attempt begins behind it."
    Step "name" = Name, example "\"prepare\"";
        "What the step is called; unique within the task."
    Step "command" = Command, example "[\"python3\", \"prepare.py\"]";
        "What runs. A list is executed directly, a text is handed to the task's `shell`."
    Step "env" = Variables, example "{ STAGE = \"1\" }";
        "Variables for this step besides the task's."
    Step "workdir" = Path, default "the task's", example "\"~/prepared\"";
        "Where this step runs; relative to the folder of the file."
    Step "stdin" = Path, default "the task's", example "\"rows.csv\"";
        "The file that becomes standard input of this step; relative to where it runs."
    Step "timeout" = Span(MILLISECOND), default "none", example "\"30m\"";
        "The most time that this step may take; the task's `timeout` spans all steps of an attempt."
    Success "files" = Paths, default "none", example "[\"shop.dump\"]";
        "Files that must be there, not empty and written by the attempt; relative to `workdir`. A folder must hold something."
    Success "stdout_matches" = Expression, default "none", example "\"^done$\"";
        "A regular expression that a line of standard output must match; all output counts, also what is not kept."
    Success "output_rejects" = Expression, default "none", example "\"ERROR\"";
        "A regular expression that no line of either output may match."
    Success "command" = Command, default "none", example "[\"pg_restore\", \"--list\", \"shop.dump\"]";
        "A command that must exit with 0 after the task's own, within ten minutes and the task's `timeout`."
    Success "min_duration" = Span(MILLISECOND), default "none", example "\"10s\"";
        "The least time that a real success takes."
    Task "requires" = Requirements, default "none", flag "--requires", example "[\"python3 >= 3.11\"]";
        "What must be there before an attempt starts: tools (`pg_dump`, `python3 >= 3.11`), files and folders (a path with a slash), `env:NAME`, `tcp:HOST:PORT`."
    Task "idle_timeout" = Span(SECOND), default "none", flag "--idle-timeout", example "\"20m\"";
        "How long an attempt may be silent and idle: no output, no progress, and no CPU time, input or output of any of its processes. Then it is stopped."

    Task "service" = Services, default "none", flag "--service", example "[\"db.internal\"]";
        "What the task talks to, by a name or several; `HOST:PORT` and `HOST` are looked at by themselves. Tasks of one service share its circuit breaker."
    Task "needs" = Other("a table of numbers"), later "pools and leases";
        "What the task borrows from pools."
    Task "recover" = Tables(Scope::Recover);
        "The task's own ways to heal a failure, tried before the built-in ones and in their order."
    Recover "when" = When, example "\"auth\"";
        "The failures that it is for: a category, a pattern (of the file or built-in), or `{ matches = \"regex\" }` for a line of the output."
    Recover "command" = Command, example "[\"./refresh-token.sh\"]";
        "What runs before the next attempt, where the task runs and with its variables. A list is executed directly, a text is handed to the task's `shell`."
    Recover "timeout" = Span(MILLISECOND), default "5m", example "\"1m\"";
        "The most time that it may take."
    Recover "max_uses" = Whole(1, MOST_ATTEMPTS), default "1", example "2";
        "How often it may be used for one task."
    Task "recover_mode" = Choice(&["off", "suggest", "safe", "full"]), default "as the machine's: `recover.mode` of config.toml", flag "--recover-mode", example "\"suggest\"";
        "How far recoveries may go, and never further than the machine's mode: plain retries only, saying what would be done, changing only what is declared here, or also every guarded strategy that the machine allows."
    Task "allow" = Guarded, default "none", flag "--allow", example "[\"install_dependency\"]";
        "Guarded strategies that the task gives its word for: `install_dependency`, `make_executable`, `remove_stale_lock`, `fetch_again`. The machine's `recover.allow` must name them too."
    Task "fallback_command" = Command, default "none", flag "--fallback-command", example "\"./from-mirror.sh\"";
        "What runs in place of the task's command or steps, once and last, whatever the failure."
    Task "fallbacks" = Variables, default "none", example "{ REGION = \"eu-1\" }";
        "Variables with values to fall back on when what was given is refused."
    Task "endpoints" = Addresses, default "none", example "{ API_URL = [\"https://a.example\", \"https://b.example\"] }";
        "Variables with addresses that are taken in turn: the first one is exported from the first attempt on, the next one after a failure of the peer."
    Task "temp" = Wildcards, default "none", example "[\"cache/*.tmp\"]";
        "Files below `workdir` that may be deleted to make room, or when they are stale or damaged: `*` and `?` within a name, `**` for any folders, `cache/` for all that is in it. Links are not followed."
    Task "ensure" = Folders, default "none", example "[\"out\", \"logs\"]";
        "Folders that may be created when they are missing, besides empty ones below `workdir`."
    Task "dependencies" = Table(Scope::Dependencies), default "none";
        "All that may be installed for the task, into an environment of its own, and only if `allow` names `install_dependency`."
    Dependencies "python" = Installable, default "none", example "\"requirements.txt\"";
        "A file of requirements, relative to `workdir`, or names with their versions: `[\"requests==2.32.3\"]`."
    Dependencies "node" = Installable, default "none", example "\"package-lock.json\"";
        "A lock file, relative to `workdir`, or names with their versions: `[\"left-pad@1.3.0\"]`."
    Task "evidence" = Other("a table"), later "evidence";
        "Files to keep as proof."
    Task "backend" = Other("a name"), later "other backends";
        "Where the task runs."
    Task "slurm" = Table(Scope::Slurm), later "other backends";
        "What Slurm is asked for."
    Slurm "partition" = Other("a name"), later "other backends";
        "The partition."
    Slurm "account" = Other("a name"), later "other backends";
        "The account."
    Slurm "cpus" = Whole(1, 1_000_000), later "other backends";
        "CPUs of the job."
    Slurm "memory" = Size(1), later "other backends";
        "Memory of the job."
    Slurm "time" = Span(SECOND), later "other backends";
        "Time limit of the job."
    Slurm "extra" = Labels, later "other backends";
        "More options of `sbatch`."
    Pattern "name" = Name, example "\"gpu_lost\"";
        "What the pattern is called in reports. The name of a built-in pattern gets the new meaning."
    Pattern "matches" = Expression, example "'GPU (?P<device>\\d+) has fallen off'";
        "What a line of the output holds; named groups are extracted."
    Pattern "exit_codes" = ExitCodes, default "any code", example "[3, 9]";
        "Exit codes that it is about. Without `matches` they decide before anything that was printed."
    Pattern "tool" = Word, default "any program", example "\"trainer\"";
        "The program that it is about; `sudo`, `timeout`, `sh -c` and the like are seen through."
    Pattern "category" = Choice(CATEGORIES), example "\"network\"";
        "The category of such failures."
    Pattern "retryable" = Choice(&["yes", "no", "after_fix"]), default "as the category usually has it", example "\"yes\"";
        "Whether running again can work."
    Pattern "strategies" = Labels, default "the usual ones", example "[\"run_alone\"]";
        "What to try, in order."
};

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
