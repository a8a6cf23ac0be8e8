//! Tasks that write down themselves whether they came to their end.

use std::fmt::Write as _;

use crate::wild::fake_task;

/// Tasks that come to an end of every manner.
pub(crate) fn first_tasks() -> String {
    let own = env!("CARGO_BIN_EXE_autoexec");
    let mut file = String::from("[defaults]\nretries = 0\n");
    for number in 0..12 {
        file += &task(
            &format!("good-{number}"),
            &ending(&format!("good-{number}")),
        );
    }
    file += &task(
        "bad",
        ", \"complain\", \"error: no such file\", \"exit\", \"3\"",
    );
    file += &task(
        "large",
        &format!(", \"flood\", \"200000\"{}", ending("large")),
    );
    write!(
        file,
        "[[task]]\nname = \"saves\"\ncommand = [\"sh\", \"-c\", \
         \"{own} checkpoint set part 7; echo '{{\\\"message\\\":\\\"said\\\"}}' > \
         $AUTOEXEC_RESULT_FILE; exit 4\"]\n"
    )
    .unwrap();
    file
}

/// A task that writes into the ledger that it starts.
pub(crate) fn task(name: &str, words: &str) -> String {
    let fake = fake_task();
    let fake = fake.to_str().unwrap();
    format!(
        "[[task]]\nname = \"{name}\"\ncommand = [\"{fake}\", \"record\", \"starts\", \
         \"{name}\"{words}]\n"
    )
}

/// The last words of a task that comes to its end.
pub(crate) fn ending(name: &str) -> String {
    format!(", \"record\", \"starts\", \"end-of-{name}\"")
}
