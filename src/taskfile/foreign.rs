//! Keys of other tools, and what says the same here.
//!
//! Not here: guesses at keys that are misspelt (`taskfile::walk`).

use crate::taskfile::keys::Key;
use crate::taskfile::keys::Scope;

/// Words of other tools, and ours for the same idea.
const WORDS: [(&str, &str); 18] = [
    ("cmd", "command"),
    ("run", "command"),
    ("script", "command"),
    ("exec", "command"),
    ("cwd", "workdir"),
    ("dir", "workdir"),
    ("directory", "workdir"),
    ("environment", "env"),
    ("depends", "after"),
    ("depends_on", "after"),
    ("requires_tasks", "after"),
    ("wait_for", "after"),
    ("max_retries", "retries"),
    ("time_limit", "timeout"),
    ("id", "name"),
    ("labels", "tags"),
    ("signal", "stop_signal"),
    ("tasks", "task"),
];

/// Keys for what is a task of its own here, and when that runs.
const SEQUELS: [(&str, &str); 6] = [
    ("on_failure", "failure"),
    ("on_error", "failure"),
    ("on_success", "success"),
    ("on_exit", "always"),
    ("always", "always"),
    ("finally", "always"),
];

/// Our key for a word of other tools.
pub(crate) fn word(scope: Scope, key: &str) -> Option<&'static str> {
    let mut words = WORDS.iter();
    words
        .find(|(word, ours)| *word == key && Key::find(scope, ours).is_some())
        .map(|(_, ours)| *ours)
}

/// What to write instead of a key that says what runs next.
pub(crate) fn sequel(scope: Scope, key: &str) -> Option<String> {
    let mut sequels = SEQUELS.iter();
    let (_, when) = sequels.find(|(word, _)| *word == key && scope == Scope::Task)?;
    Some(format!(
        "write a task of its own, with `after = [{{ task = \"…\", when = \"{when}\" }}]`"
    ))
}
