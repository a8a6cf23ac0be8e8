//! A command of the user's as a target: the message on its standard input.
//!
//! What it is about stands in variables besides, never in arguments: a text from outside must not
//! become an option. What the command prints is nobody's business: it may hold a password.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::notify::error::SendError;
use crate::notify::letter::{Letter, Urgency};
use crate::notify::secret::Surroundings;
use crate::process::helper::{self, HelperError};
use crate::support::text::span;

/// How long it may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Runs the command.
pub(crate) fn send(
    argv: &[String],
    letter: &Letter,
    around: Surroundings<'_>,
) -> Result<(), SendError> {
    let title = letter.title();
    let number = letter.run.map(|run| run.to_string()).unwrap_or_default();
    let variables = [
        ("AUTOEXEC_NOTIFY_ID", letter.id.as_str()),
        ("AUTOEXEC_NOTIFY_OCCASION", letter.occasion.as_str()),
        ("AUTOEXEC_NOTIFY_SUBJECT", title.as_str()),
        ("AUTOEXEC_NOTIFY_URGENCY", urgency(letter.urgency)),
        ("AUTOEXEC_RUN_ID", number.as_str()),
    ];
    let input = format!("{title}\n\n{}", letter.text);
    run(&words(argv, around), input.as_bytes(), &variables)
}

/// Runs a program that takes a message.
pub(crate) fn run(
    argv: &[OsString],
    input: &[u8],
    variables: &[(&str, &str)],
) -> Result<(), SendError> {
    let answer = helper::run_with_input(argv, input, variables, LIMIT).map_err(|error| {
        SendError::target(match error {
            HelperError::TooSlow { limit, .. } => format!("it does not end within {}", span(limit)),
            HelperError::Start { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => "there is no such program".to_owned(),
                std::io::ErrorKind::PermissionDenied => "it may not be executed".to_owned(),
                _ => "it cannot be started".to_owned(),
            },
            HelperError::Nameless | HelperError::Read { .. } => "it cannot be asked".to_owned(),
        })
    })?;
    if answer.status.success() {
        Ok(())
    } else {
        Err(SendError::target(format!("it ends with {}", answer.status)))
    }
}

/// The command with a program that is looked for where the configuration means it.
fn words(argv: &[String], around: Surroundings<'_>) -> Vec<OsString> {
    let mut words: Vec<OsString> = argv.iter().map(OsString::from).collect();
    if let Some(program) = words.first_mut() {
        *program = program_of(program.clone(), around);
    }
    words
}

fn program_of(program: OsString, around: Surroundings<'_>) -> OsString {
    if program.as_encoded_bytes().contains(&b'/') {
        around.resolve(Path::new(&program)).into_os_string()
    } else {
        program
    }
}

/// Whether the program of a command can be found; else why not.
pub(crate) fn check(argv: &[String], around: Surroundings<'_>) -> Result<(), String> {
    let program = argv.first().map_or("", String::as_str);
    let program = program_of(program.into(), around);
    let path = Path::new(&program);
    let executable = |path: &Path| {
        rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file()
    };
    let is_found = if program.as_encoded_bytes().contains(&b'/') {
        executable(path)
    } else {
        let folders = (around.variable)("PATH").unwrap_or_default();
        std::env::split_paths(&folders).any(|folder| executable(&folder.join(path)))
    };
    if is_found {
        Ok(())
    } else {
        Err("there is no such program, or it may not be executed".to_owned())
    }
}

const fn urgency(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Routine => "routine",
        Urgency::NeedsPerson => "needs_person",
        Urgency::Critical => "critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::notice::Occasion;
    use crate::notify::letter::tests::letter;

    fn send_by(script: &str, folder: &Path, letter: &Letter) -> Result<(), SendError> {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        let around = Surroundings {
            variable: &|_| None,
            home: None,
            folder,
        };
        send(&argv, letter, around)
    }

    #[test]
    fn the_message_is_on_standard_input_and_nothing_of_it_in_the_arguments() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let script = format!(
            "{{ cat; echo \"$AUTOEXEC_NOTIFY_OCCASION $AUTOEXEC_RUN_ID $#\"; \
             echo \"$AUTOEXEC_NOTIFY_SUBJECT\"; }} > {}",
            out.display()
        );
        let mut letter = letter(Occasion::Critical);
        letter.subject = "--exec\n$(touch /tmp/x)".to_owned();
        send_by(&script, folder.path(), &letter).unwrap();
        assert_eq!(
            std::fs::read_to_string(out).unwrap(),
            "--exec $(touch /tmp/x)\n\nAll is well.\ncritical 7 0\n--exec $(touch /tmp/x)\n"
        );
    }

    #[test]
    fn a_command_that_fails_is_told_without_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let letter = letter(Occasion::Report);
        let failed = send_by("echo hunter2 >&2; exit 3", folder.path(), &letter).unwrap_err();
        assert_eq!(failed.to_string(), "it ends with exit status: 3");
    }

    #[test]
    fn a_program_that_is_not_there_is_told_before_anything_is_sent() {
        let around = Surroundings {
            variable: &|_| Some("/bin:/usr/bin".into()),
            home: None,
            folder: Path::new("/"),
        };
        for (program, found) in [
            ("sh", true),
            ("/bin/sh", true),
            ("no-such-pager", false),
            ("/etc/passwd", false),
        ] {
            let told = check(&[program.to_owned()], around);
            assert_eq!(told.is_ok(), found, "{program}");
        }
    }
}
