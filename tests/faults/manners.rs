//! The manners of tasks that live through kills, and what must be true of each at the end.
//!
//! What is judged is what the tasks wrote down themselves: each takes a lock of its own for as long
//! as it lives and appends a line when it starts and one when it ends.

use std::fmt::Write as _;
use std::fs;

use fastrand::Rng;

use crate::sandbox::Sandbox;
use crate::toll::{Harm, Toll};
use crate::wild::{Stored, attempt_of_line, fake_task, story};

/// What every file of tasks begins with.
const DEFAULTS: &str = r#"
[defaults]
retry = { max_attempts = 1000, base = "10ms", cap = "20ms" }
grace = "200ms"
"#;

/// A task of three steps, and one that comes behind it.
pub(crate) const STEPS: &str = r#"
name = "%-steps"
  [[task.step]]
  name = "one"
  command = "FAKE lock @.lock record @.log one sleep ~"
  [[task.step]]
  name = "two"
  command = "FAKE lock @.lock record @.log two sleep ~"
  [[task.step]]
  name = "three"
  command = "FAKE lock @.lock record @.log three sleep ~ record @.log end record %.order up"

[[task]]
name = "%-down"
after = ["%-steps"]
command = "FAKE lock @.lock record @.log start record %.order down sleep ~ record @.log end"
"#;

/// A task that cannot succeed, one that needs it, and one that is there for that.
pub(crate) const BROKEN: &str = r#"
name = "%-broken"
retry = { max_attempts = 1 }
on_crash = "fail"
command = "FAKE lock @.lock record @.log start exit 1"

[[task]]
name = "%-blocked"
after = ["%-broken"]
command = "FAKE record @.log start"

[[task]]
name = "%-instead"
after = [{ task = "%-broken", when = "failure" }]
command = "FAKE lock @.lock record @.log start sleep ~ record @.log end"
"#;

/// One or several tasks that belong together. In their text `%` stands for what comes before the
/// manner in a name, `@` for the name of the task, `~` for a short time in milliseconds, `FAKE` for
/// the scripted program, `PORT` for a port where somebody listens.
const MANNERS: &[&str] = &[
    r#"
name = "%-plain"
command = "FAKE lock @.lock record @.log start sleep ~ record @.log end"
"#,
    r#"
name = "%-fails"
command = "FAKE lock @.lock record @.log start fail-first 2 @.n 75 record @.log end"
"#,
    r#"
name = "%-leaves"
command = ["FAKE", "lock", "@.lock", "record", "@.log", "start", "daemon", "close", "ignore-term lock @.child sleep 600000", "sleep", "~", "record", "@.log", "end"]
"#,
    r#"
name = "%-holds"
command = ["FAKE", "lock", "@.lock", "record", "@.log", "start", "daemon", "hold", "ignore-term lock @.child sleep 600000", "sleep", "~", "record", "@.log", "end"]
"#,
    r#"
name = "%-ignores"
command = "FAKE lock @.lock record @.log start ignore-term sleep ~ record @.log end"
"#,
    r#"
name = "%-talks"
command = "FAKE lock @.lock record @.log start flood 100000 sleep ~ record @.log end"
"#,
    r#"
name = "%-ask"
on_crash = "ask"
command = "FAKE lock @.lock record @.log start sleep ~ record @.log end"
"#,
    r#"
name = "%-fail"
on_crash = "fail"
command = "FAKE lock @.lock record @.log start sleep ~ record @.log end"
"#,
    r#"
name = "%-saves"
command = '''
FAKE lock @.lock record @.log start sleep ~
n=$(cat $AUTOEXEC_CHECKPOINT_DIR/n || echo 0)
echo $n >> @.saved
echo $((n + 1)) > $AUTOEXEC_CHECKPOINT_DIR/new
mv $AUTOEXEC_CHECKPOINT_DIR/new $AUTOEXEC_CHECKPOINT_DIR/n
[ $n -ge 3 ] || exit 85
FAKE record @.log end
'''
"#,
    r#"
name = "%-mends"
command = "FAKE lock @.lock record @.log start sleep ~; [ -e @.mended ] || { echo needs mending >&2; exit 9; }; FAKE record @.log end"
  [[task.recover]]
  when = { matches = "needs mending" }
  command = "FAKE lock @.lock sleep ~ && touch @.mended"
"#,
    r#"
name = "%-client"
env = { DB = "tcp://127.0.0.1:PORT" }
command = "FAKE lock @.lock record @.log start; n=$(cat @.n || echo 0); echo $((n + 1)) > @.n; [ $n -ge 2 ] || { echo 'connect to 127.0.0.1:PORT: Connection refused' >&2; exit 1; }; FAKE record @.log end"
"#,
    r#"
name = "%-told"
command = "FAKE lock @.lock record @.log start; [ -e @.n ] || { touch @.n; echo '{\"category\": \"rate_limit\", \"retry_after\": 0.2}' > $AUTOEXEC_RESULT_FILE; exit 1; }; FAKE record @.log end"
"#,
    STEPS,
    BROKEN,
];

/// A file of so many different manners; each has a prefix of its own, made from `prefix`.
pub(crate) fn chosen(rng: &mut Rng, prefix: &str, count: usize, port: u16) -> String {
    let mut manners: Vec<&str> = MANNERS.to_vec();
    rng.shuffle(&mut manners);
    let mut file = DEFAULTS.to_owned();
    for (index, manner) in manners.into_iter().take(count).enumerate() {
        let manner = manner.replace("PORT", &port.to_string());
        file.push_str("\n[[task]]");
        file.push_str(&filled(rng, &manner, &format!("{prefix}m{index}")));
    }
    file
}

/// A text of tasks with its places filled.
pub(crate) fn filled(rng: &mut Rng, text: &str, prefix: &str) -> String {
    let program = fake_task();
    let text = text.replace("FAKE", program.to_str().unwrap());
    let mut whole = String::new();
    let mut name = String::new();
    for line in text.lines() {
        let line = line.replace('%', prefix);
        if let Some(rest) = line.strip_prefix("name = ") {
            rest.trim_matches('"').clone_into(&mut name);
        }
        let line = line.replace('@', &name);
        let line = line.replace('~', &rng.u32(1..170).to_string());
        writeln!(whole, "{line}").unwrap();
    }
    whole
}

/// The names of the tasks of a file.
pub(crate) fn names(file: &str) -> Vec<String> {
    let quoted = |line: &str| Some(line.strip_prefix("name = \"")?.trim_end_matches('"').into());
    file.lines().filter_map(quoted).collect()
}

/// The manner of a task, from its name.
pub(crate) fn manner(name: &str) -> &str {
    name.split_once('-').unwrap().1
}

/// Whether nothing else depends on a task, so that it may be cancelled and retried by hand.
pub(crate) fn stands_alone(name: &str) -> bool {
    !["steps", "down", "broken", "blocked", "instead"].contains(&manner(name))
}

/// What a task wrote down.
pub(crate) fn text(sandbox: &Sandbox, name: &str, kind: &str) -> String {
    fs::read_to_string(sandbox.work().join(format!("{name}.{kind}"))).unwrap_or_default()
}

/// What people did to a task.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ByHand {
    /// How often they asked for it to be tried again, answered or not.
    pub(crate) retries: usize,
    /// Whether they ever asked for its end.
    pub(crate) may_be_cancelled: bool,
}

/// Judges a task by what it wrote down and by what the queue says of it.
pub(crate) fn judge(sandbox: &Sandbox, task: &Stored, hand: ByHand, toll: &mut Toll) {
    let log = text(sandbox, &task.name, "log");
    let mut demand = |is_so: bool, harm: Harm, what: &str| {
        toll.demand(is_so, harm, || {
            let shown = sandbox.run(["queue", "show", &task.name]).stdout;
            format!("{}: {what}: {task:?} {hand:?}\n{log}{shown}", task.name)
        });
    };
    let overlaps =
        text(sandbox, &task.name, "lock.overlap") + &text(sandbox, &task.name, "child.overlap");
    demand(overlaps.is_empty(), Harm::Doubled, "two lives overlapped");
    demand(
        task.successes.len() <= 1,
        Harm::Doubled,
        "succeeded more than once",
    );
    let starts: Vec<i64> = log.lines().filter_map(attempt_of_line).collect();
    if let [success] = task.successes.as_slice() {
        demand(
            starts.iter().all(|attempt| attempt <= success),
            Harm::Doubled,
            "started after its success was recorded",
        );
        demand(
            log.contains("end "),
            Harm::Lost,
            "succeeded without having come to its end",
        );
        demand(
            task.status == "succeeded",
            Harm::Lost,
            "its success is forgotten",
        );
    }
    let manner = manner(&task.name);
    let wanted = match manner {
        "broken" | "dead" => &["failed"][..],
        "blocked" => &["skipped"],
        // Nobody knows what became of it; its rule says what follows.
        "ask" => &["succeeded", "held"],
        "fail" => &["succeeded", "failed"],
        _ => &["succeeded"],
    };
    demand(
        wanted.contains(&task.status.as_str())
            || hand.may_be_cancelled && task.status == "cancelled",
        Harm::Stuck,
        "neither done nor resolved",
    );
    if let Some((harm, what)) = against_its_manner(sandbox, task, hand, &log) {
        demand(false, harm, what);
    }
}

/// What the manner of a task forbids, where it happened.
fn against_its_manner(
    sandbox: &Sandbox,
    task: &Stored,
    hand: ByHand,
    log: &str,
) -> Option<(Harm, &'static str)> {
    let (prefix, manner) = task.name.split_once('-').unwrap();
    let (is_so, harm, what) = match manner {
        "blocked" => (
            log.is_empty(),
            Harm::Doubled,
            "started although it is blocked",
        ),
        "ask" | "fail" => {
            // Stopped by us it is known not to have finished.
            let events = &story(sandbox)[&task.name];
            let pauses = events.iter().filter(|event| *event == "interrupted");
            let allowed = 1 + pauses.count() + hand.retries;
            (
                log.matches("start ").count() <= allowed,
                Harm::Doubled,
                "started again without being asked",
            )
        }
        "steps" => (
            grows(log, &["one", "two", "three"]),
            Harm::Doubled,
            "repeated a step",
        ),
        "saves" => (
            is_sorted(&text(sandbox, &task.name, "saved")),
            Harm::Lost,
            "lost a checkpoint",
        ),
        "down" => (
            grows(&text(sandbox, prefix, "order"), &["up", "down"]),
            Harm::Doubled,
            "did not wait for the other task",
        ),
        _ => return None,
    };
    (!is_so).then_some((harm, what))
}

/// Five runs in a row died while they recorded its end: on a slow machine our kills are that quick,
/// and a person has to look, as the rule says.
pub(crate) fn is_poison(task: &Stored) -> bool {
    task.hold.as_deref() == Some("poison")
}

/// Whether a task came to its end and was started again all the same, because nobody knew.
pub(crate) fn was_repeated(sandbox: &Sandbox, name: &str) -> bool {
    let log = text(sandbox, name, "log");
    log.split_once("end ")
        .is_some_and(|(_, behind)| behind.lines().nth(1).is_some())
}

/// Whether the first words of the lines come in this order, each as often as it likes.
fn grows(text: &str, order: &[&str]) -> bool {
    let place = |line: &str| {
        let word = line.split(' ').next()?;
        order.iter().position(|wanted| *wanted == word)
    };
    text.lines().filter_map(place).is_sorted()
}

fn is_sorted(numbers: &str) -> bool {
    let number = |line: &str| line.parse::<u32>().unwrap();
    numbers.lines().map(number).is_sorted()
}
