//! After which program a task without a name is called.
//!
//! A name stands in lists, mails and folders, so nothing goes into it that might be a value: variables
//! that are set before the program are passed over with the quoting of the shell.
//!
//! INVARIANT: where it cannot be told which word is the program, the name says nothing of the command.

use crate::policy::mask::mask;
use crate::support::bytes::OsText;

/// What stands in a name where the program cannot be told.
const NEUTRAL: &str = "command";

/// Of an argument vector.
pub(super) fn of_program(program: &OsText) -> OsText {
    let is_plain = |byte: &u8| *byte != b'=' && *byte != b'@' && *byte != b':';
    if program.as_bytes().iter().all(is_plain) {
        checked(program.clone())
    } else {
        NEUTRAL.into()
    }
}

/// The program that a script begins with; variables that are set before it are passed over.
pub(super) fn of_script(script: &OsText) -> OsText {
    let mut rest = script.as_bytes().trim_ascii_start();
    while let [b'(' | b'{', behind @ ..] = rest {
        rest = behind.trim_ascii_start();
    }
    loop {
        let Some((word, behind)) = word(rest) else {
            return NEUTRAL.into();
        };
        if is_assignment(rest) {
            rest = behind.trim_ascii_start();
            continue;
        }
        let is_number = word.iter().all(u8::is_ascii_digit);
        return if is_number {
            NEUTRAL.into()
        } else {
            of_program(&OsText::new(word))
        };
    }
}

/// A token may stand where a program should.
fn checked(program: OsText) -> OsText {
    let shown = program.untrusted().for_terminal();
    if mask(&shown) == shown {
        program
    } else {
        NEUTRAL.into()
    }
}

/// Whether a text begins with `NAME=` or `NAME+=`.
fn is_assignment(text: &[u8]) -> bool {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let end = text.iter().position(|byte| !is_of_name(byte));
    let behind = end.and_then(|end| text.get(end..)).unwrap_or_default();
    !text.first().is_none_or(u8::is_ascii_digit)
        && end != Some(0)
        && (behind.starts_with(b"=") || behind.starts_with(b"+="))
}

/// The first word as the shell reads it, and what follows. None where it is expanded, is no word, or
/// never ends.
fn word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    let mut at = 0;
    let mut quote = None;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(b'\''), _) => word.push(byte),
            // A variable within a value does not change where it ends; a command might.
            (_, b'`') | (None, b'(' | b'<' | b'>' | b'#' | b'*' | b'?' | b'[' | b'~') => {
                return None;
            }
            (_, b'$') if text.get(at) == Some(&b'(') => return None,
            (_, b'\\') => {
                word.push(*text.get(at)?);
                at += 1;
            }
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b' ' | b'\t' | b'\n' | b'\r' | b';' | b'|' | b'&' | b')') => {
                at -= 1;
                break;
            }
            _ => word.push(byte),
        }
    }
    let is_whole = quote.is_none() && !word.is_empty();
    let rest = text.get(at..).unwrap_or_default();
    // An assignment at which its command ends, and what `$NAME` stands for, say nothing.
    let goes_on = !is_assignment(text) || rest.first().is_some_and(u8::is_ascii_whitespace);
    let is_told = is_assignment(text) || !word.contains(&b'$');
    (is_whole && goes_on && is_told).then_some((word, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(script: &str) -> String {
        of_script(&script.into()).untrusted().for_terminal()
    }

    #[test]
    fn a_script_is_called_after_the_program_behind_its_variables() {
        for (script, program) in [
            ("sort in > out", "sort"),
            ("  ./publish.sh; x", "./publish.sh"),
            ("(cd /x; y)", "cd"),
            ("PGPASSWORD='correct horse battery' psql", "psql"),
            ("TOKEN=\"x hunter3\" run", "run"),
            ("A=1 B=\"p\\\"q r\" C=d\\ e\tpsql -x", "psql"),
            ("A=\"$HOME/x y\" run", "run"),
            ("A=x'y z'\"v w\" run", "run"),
            ("\"my program\" x", "my program"),
        ] {
            assert_eq!(of(script), program, "{script}");
        }
    }

    #[test]
    fn in_doubt_a_name_says_nothing() {
        for script in [
            "",
            "TOKEN=hunter2",
            "TOKEN='hunter2",
            "TOKEN=\"hunter2 x",
            "TOKEN=$(echo hunter2 x) run",
            "TOKEN=`echo hunter2` run",
            "TOKENS=(a hunter2) run",
            "TOKEN[1]=hunter2 run",
            "TOKEN-x=hunter2 run",
            "1TOKEN=hunter2 run",
            "TOKEN=hunter2;run",
            "\"TOKEN=hunter2\" run",
            "$TOKEN run",
            "2>hunter2 run",
            "https://u:hunter2@h/x",
            "ghp_0123456789abcdefghij0123456789",
        ] {
            assert_eq!(of(script), "command", "{script}");
        }
        for program in ["TOKEN=hunter2", "A='a/b", "https://u:hunter2@h/x"] {
            let name = of_program(&program.into()).untrusted().for_terminal();
            assert_eq!(name, "command", "{program}");
        }
        assert_eq!(of_program(&"/usr/bin/g++".into()), "/usr/bin/g++".into());
    }

    proptest! {
        #[test]
        fn a_value_in_quotes_is_never_a_name(value in "[a-z \"$=;-]{0,20}") {
            let script = format!("TOKEN='{value}' run");
            prop_assert_eq!(of(&script), "run");
        }
    }
}
