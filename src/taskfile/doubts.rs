//! Warnings: what works, but perhaps not as its writer thinks.

use std::path::Path;
use std::sync::Arc;

use crate::support::bytes::OsText;
use crate::taskfile::assemble::find;
use crate::taskfile::checks;
use crate::taskfile::diagnostic::Reporter;
use crate::taskfile::keys::Scope;
use crate::taskfile::recovering;
use crate::taskfile::secrets;
use crate::taskfile::values::Value;
use crate::taskfile::walk::Setting;

/// Programs to which a `$` in an argument means something of its own.
const SPEAKS_DOLLAR: [&str; 22] = [
    "sh", "bash", "dash", "zsh", "ksh", "fish", "busybox", "awk", "gawk", "mawk", "perl", "sed",
    "grep", "egrep", "rg", "php", "jq", "envsubst", "make", "psql", "expect", "tclsh",
];

/// Notes what is doubtful about a task.
pub(crate) fn note_doubts(reporter: &mut Reporter<'_>, settings: &[Arc<Setting>]) {
    checks::note_doubts(reporter, settings);
    recovering::note_doubts(reporter, settings);
    secrets::note_doubts(reporter, settings);
    let shell = find(settings, "shell");
    if let Some(shell) = shell {
        note_shell(reporter, shell);
    }
    for command in settings {
        let scope = command.key.scope;
        if !(matches!(scope, Scope::Task | Scope::Step | Scope::Recover)
            && matches!(command.key.name, "command" | "fallback_command"))
        {
            continue;
        }
        match &command.value {
            Value::Argv(argv) => {
                note_program(reporter, command, argv);
                note_dollar(reporter, command, argv);
            }
            // Who names a shell knows it; the default one does not stop at the first error.
            Value::Script(script) if shell.is_none() => note_script(reporter, command, script),
            _ => {}
        }
    }
}

fn note_shell(reporter: &mut Reporter<'_>, shell: &Setting) {
    let Value::Argv(argv) = &shell.value else {
        return;
    };
    let takes_text = |last: &OsText| last.as_bytes().starts_with(b"-");
    if !argv.last().is_some_and(takes_text) {
        reporter.warning(
            &shell.at,
            "`shell` gets the command as its last argument, and here nothing says that it is a text to run".to_owned(),
            Some("most shells want `-c` at the end".to_owned()),
        );
    }
}

/// A program that looks like a text for a shell, or like a path that a shell would expand.
fn note_program(reporter: &mut Reporter<'_>, command: &Setting, argv: &[OsText]) {
    let Some(program) = argv.first() else {
        return;
    };
    let bytes = program.as_bytes();
    let shown = program.untrusted().for_terminal_within(40);
    if bytes.starts_with(b"~/") {
        reporter.warning(
            &command.at,
            format!("`{shown}` is taken as it stands: `~` means nothing in a list"),
            Some("write the whole path, or the command as one text for the shell".to_owned()),
        );
    } else if argv.len() == 1
        && bytes
            .iter()
            .any(|byte| byte.is_ascii_whitespace() || b"|&;<>*".contains(byte))
        && !bytes.contains(&b'/')
    {
        reporter.warning(
            &command.at,
            format!("`{shown}` is the name of one program: a list is run without a shell"),
            Some("write the command as one text, or each word for itself".to_owned()),
        );
    }
}

fn note_dollar(reporter: &mut Reporter<'_>, command: &Setting, argv: &[OsText]) {
    let Some((program, arguments)) = argv.split_first() else {
        return;
    };
    let program = Path::new(program.as_os_str())
        .file_name()
        .unwrap_or_default();
    if SPEAKS_DOLLAR.iter().any(|known| program == *known) {
        return;
    }
    // Behind `-c` or `-e` stands a text for somebody who knows `$`.
    let before_script = |argument: &&OsText| {
        !matches!(
            argument.as_bytes(),
            b"-c" | b"-lc" | b"-ec" | b"-e" | b"--eval"
        )
    };
    let variable = arguments
        .iter()
        .take_while(before_script)
        .find_map(|argument| variable_in(argument.as_bytes()));
    if let Some(variable) = variable {
        let variable = OsText::new(variable).untrusted().for_terminal_within(40);
        reporter.warning(
            &command.at,
            format!("`{variable}` is passed on as it stands: a list is run without a shell"),
            Some("write the command as one text to let the shell expand it".to_owned()),
        );
    }
}

/// The first `$NAME` or `${…}`.
fn variable_in(text: &[u8]) -> Option<&[u8]> {
    let start = text.windows(2).position(|pair| {
        matches!(pair, [b'$', next] if next.is_ascii_alphabetic() || matches!(next, b'_' | b'{'))
    })?;
    let found = text.get(start..)?;
    let length = found
        .iter()
        .skip(1)
        .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'{' | b'}'))
        .map_or(found.len(), |end| end + 1);
    found.get(..length)
}

fn note_script(reporter: &mut Reporter<'_>, command: &Setting, script: &OsText) {
    let Some(text) = script.as_str() else {
        return;
    };
    let shape = shape_of(text);
    let safer = "`shell = [\"bash\", \"-euo\", \"pipefail\", \"-c\"]`";
    if shape.has_pipe && !text.contains("pipefail") {
        reporter.warning(
            &command.at,
            "only the last command of a pipe decides whether it succeeded".to_owned(),
            Some(format!("{safer} makes all of them count")),
        );
    }
    let stops_at_errors = text.contains("set -e") || text.contains("errexit");
    if shape.commands > 1 && !stops_at_errors {
        reporter.warning(
            &command.at,
            "the shell goes on after a line that failed; only the last one decides".to_owned(),
            Some(format!("begin with `set -e`, or use {safer}")),
        );
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    has_pipe: bool,
    /// Lines that are commands of their own.
    commands: usize,
}

/// A rough look at a script: quotes, comments and joined lines are understood, no more.
fn shape_of(script: &str) -> Shape {
    let mut shape = Shape::default();
    let mut quote: Option<char> = None;
    let mut previous = '\n';
    // Whether the line at hand has begun a command, and whether it goes on in the next line.
    let (mut begun, mut joined, mut comment) = (false, false, false);
    let mut characters = script.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (_, '\n') if quote.is_none() => {
                (begun, comment) = (begun && joined, false);
            }
            _ if comment => {}
            (Some('\'') | None, '\'') | (Some('"') | None, '"') => {
                quote = if quote.is_some() {
                    None
                } else {
                    Some(character)
                };
                count_command(&mut shape, &mut begun);
                joined = false;
            }
            (Some('"') | None, '\\') => {
                let escaped = characters.next();
                joined = quote.is_none() && escaped == Some('\n');
            }
            (Some(_), _) => {}
            (None, '#') if previous.is_whitespace() => comment = true,
            (None, blank) if blank.is_whitespace() => {}
            (None, other) => {
                joined = matches!(other, '|' | '&');
                let doubled = characters.peek() == Some(&other);
                if other == '|' && previous != '|' && previous != '>' && !doubled {
                    shape.has_pipe = true;
                }
                count_command(&mut shape, &mut begun);
            }
        }
        previous = character;
    }
    shape
}

fn count_command(shape: &mut Shape, begun: &mut bool) {
    if !*begun {
        *begun = true;
        shape.commands += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pipes_and_lines_are_told_from_what_only_looks_like_them() {
        for (script, has_pipe, commands) in [
            ("sort in | uniq", true, 1),
            ("grep 'a|b' in || true", false, 1),
            ("echo \"a | b\"", false, 1),
            ("echo hi >| file", false, 1),
            ("make\nmake install", false, 2),
            ("# first\n\nmake\n", false, 1),
            ("make &&\n  make install", false, 1),
            ("make \\\n  install", false, 1),
            ("echo 'two\nlines'", false, 1),
            ("a |\n b", true, 1),
            ("", false, 0),
        ] {
            let expected = Shape { has_pipe, commands };
            assert_eq!(shape_of(script), expected, "{script}");
        }
    }

    #[test]
    fn a_variable_is_found_whole() {
        assert_eq!(variable_in(b"--out=$HOME/x"), Some(&b"$HOME"[..]));
        assert_eq!(variable_in(b"${A}b"), Some(&b"${A}b"[..]));
        assert_eq!(variable_in(b"costs 5$ or $5"), None);
        assert_eq!(variable_in(b"$"), None);
    }

    proptest! {
        #[test]
        fn no_script_makes_the_look_stumble(script in "[a|&>#'\"\\\\ \n$]{0,40}") {
            let shape = shape_of(&script);
            prop_assert!(shape.commands <= script.lines().count());
        }
    }
}
