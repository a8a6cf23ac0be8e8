//! The program with which a line for a shell begins, where that can be told without being a shell.
//!
//! For doubts only (`process::preflight`): whatever might mean something else gives nothing. No line is
//! expanded and none is run.
//!
//! INVARIANT: what is given is the first thing that the shell starts, by exactly this name, and the line
//! does not go on in another way where it is missing.

use std::path::Path;

use crate::model::spec::Command;
use crate::support::bytes::OsText;

/// Shells whose lines begin alike. `zsh` reads a file of the user first, which may set PATH.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ash", "ksh"];

/// What is no program at the beginning of a line, or need not be one: words and builtins of any of them.
const OWN_WORDS: &str = " if then else elif fi for while until do done case esac in function select time \
     coproc repeat foreach end nocorrect noglob always \
     alias autoload bg bind break builtin caller cd chdir command compgen complete compopt continue \
     declare dirs disable disown echo emulate enable eval exec exit export false fc fg float functions \
     getln getopts hash help history inlib integer jobs kill let limit local log logout mapfile newgrp \
     popd print printf pushd pwd r read readarray readonly rehash return sched set setopt shift shopt \
     source stop suspend test times trap true type typeset ulimit umask unalias unfunction unhash unlimit \
     unset unsetopt vared wait whence where which zmodload zparseopts zstyle . : [ - ";

/// Words of a line that may make good what is missing, or mean that it need not be there.
const DECIDING_WORDS: [&str; 12] = [
    "if", "while", "until", "case", "command", "type", "which", "hash", "trap", "alias", "eval",
    "function",
];

/// The first program of a command that is a plain line for a shell.
pub(super) fn first_program(command: &Command) -> Option<OsText> {
    let argv = command.argv();
    let (script, shell) = match command {
        Command::Shell { .. } => argv.split_last()?,
        // `sh -c LINE`; what follows are arguments of the line.
        Command::Direct(_) => (argv.get(2)?, argv.get(..2)?),
    };
    if !reads_the_line_only(shell) {
        return None;
    }
    let script = std::str::from_utf8(script.as_bytes()).ok()?;
    let word = first_word(script)?;
    // The flags of the shell stand between its name and the line.
    let ends_at_failure = shell.iter().skip(1).any(|flags| {
        let flags = flags.as_bytes();
        flags.starts_with(b"-") && flags.contains(&b'e')
    });
    if goes_on_without(script, ends_at_failure) {
        return None;
    }
    let is_own = OWN_WORDS.split_whitespace().any(|own| own == word);
    (!is_own).then(|| OsText::from(word))
}

/// Whether it is a shell that runs the line that follows and reads nothing of its own before that.
fn reads_the_line_only(shell: &[OsText]) -> bool {
    let mut words = shell
        .iter()
        .map(|word| std::str::from_utf8(word.as_bytes()));
    let Some(Ok(program)) = words.next() else {
        return false;
    };
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str());
    if !name.is_some_and(|name| SHELLS.contains(&name)) {
        return false;
    }
    let options: Result<Vec<&str>, _> = words.collect();
    match options.as_deref() {
        Ok([flags]) => are_plain(flags) && flags.ends_with('c'),
        Ok([flags, "pipefail", last]) => {
            flags.strip_suffix('o').is_some_and(are_plain) && *last == "-c"
        }
        Ok(_) | Err(_) => false,
    }
}

/// `-c`, `-euc`: flags that change nothing about what a line begins with.
fn are_plain(flags: &str) -> bool {
    flags
        .strip_prefix('-')
        .is_some_and(|flags| flags.chars().all(|flag| "ceux".contains(flag)))
}

/// Whether a line may do well although its first program is missing. A pipe does not count: what it
/// passes on is empty then, which nobody wants.
fn goes_on_without(script: &str, ends_at_failure: bool) -> bool {
    let script = script.trim_matches([' ', '\t', '\n']);
    // What belongs to a redirection is no operator.
    let operators = script
        .replace(">&", ">")
        .replace("&>", ">")
        .replace("|&", "|");
    let has_other_way = script.contains("||") || operators.contains(['&', '!']);
    // In whatever quotes they stand.
    let mut words = script.split(|one: char| !one.is_alphanumeric() && one != '_' && one != '-');
    let decides = words.any(|word| DECIDING_WORDS.contains(&word));
    has_other_way || decides || (!ends_at_failure && script.contains([';', '\n']))
}

fn first_word(script: &str) -> Option<&str> {
    let script = script.trim_start_matches([' ', '\t', '\n']);
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "_-./+".contains(one);
    let end = script.find(|one| !is_plain(one)).unwrap_or(script.len());
    let (word, rest) = script.split_at(end);
    // What goes on in any other way is an assignment, a pattern, a quoted part, a function, …
    let after = rest.trim_start_matches([' ', '\t']);
    let ends = rest.is_empty() || rest.starts_with([' ', '\t', '\n', ';', '|', '&', '<', '>']);
    let is_function = after.starts_with('(');
    // `2>file` begins with a redirection.
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    (ends && !is_function && !is_number && !word.starts_with('-')).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shell: &[&str], script: &str) -> Option<String> {
        let command = Command::Shell {
            shell: shell.iter().copied().map(OsText::from).collect(),
            script: OsText::from(script),
        };
        first_program(&command).map(|word| word.untrusted().for_terminal())
    }

    #[test]
    fn a_plain_line_begins_with_its_program() {
        for (script, program) in [
            ("pg_dump shop | gzip > shop.gz", "pg_dump"),
            ("  ./publish.sh", "./publish.sh"),
            ("rsync -a x y >log 2>&1", "rsync"),
            ("python3.12 \"$FILE\"", "python3.12"),
            ("make |& tee log\n", "make"),
            ("sort <in >out", "sort"),
            ("\n\tg++ x.cc\n", "g++"),
        ] {
            assert_eq!(of(&["/bin/sh", "-c"], script).as_deref(), Some(program));
        }
        let strict = ["bash", "-euo", "pipefail", "-c"];
        for script in ["pg_dump x", "pg_dump x; gzip x", "pg_dump x\ngzip x\n"] {
            assert_eq!(of(&strict, script).as_deref(), Some("pg_dump"), "{script}");
        }
    }

    #[test]
    fn a_line_that_may_do_without_its_first_program_gives_nothing() {
        for script in [
            "dump -q 2>/dev/null || echo fallback",
            "dump || true",
            "dump --version >/dev/null 2>&1 && dump run",
            "dump & wait",
            "dump | if read x; then echo; fi",
            "dump | while read x\ndo echo\ndone",
            "dump \"$(command -v x)\"",
            "dump | ! grep x",
            "dump; echo done",
            "dump\necho done",
        ] {
            assert_eq!(of(&["/bin/sh", "-c"], script), None, "{script}");
        }
        let strict = ["bash", "-euo", "pipefail", "-c"];
        for script in ["dump || true", "dump && x", "dump & wait"] {
            assert_eq!(of(&strict, script), None, "{script}");
        }
    }

    #[test]
    fn where_anything_else_may_be_meant_nothing_is_given() {
        for script in [
            "",
            "cd /srv && pg_dump",
            "if test -e x; then y; fi",
            "exec pg_dump",
            "PATH=/opt/bin:$PATH pg_dump",
            "x=1",
            "$DUMP shop",
            "~/bin/dump",
            "\"my program\" x",
            "my\\ program",
            "'x'",
            "`which dump`",
            "(dump)",
            "{ dump; }",
            "! dump",
            "dump() { true; }; dump",
            "dump () { true; }; dump",
            "du*p",
            "d{u,v}mp",
            "# dump\ntrue",
            "2>/dev/null dump",
            "> out",
            "[ -e x ]",
            "[[ -e x ]]",
            ". ./env",
            "dümp x",
        ] {
            assert_eq!(of(&["/bin/sh", "-c"], script), None, "{script}");
        }
        // These read files of the user first, or are no shell of this kind.
        for shell in [
            &["bash", "-lc"][..],
            &["bash", "-i", "-c"],
            &["bash", "--rcfile", "x", "-c"],
            &["fish", "-c"],
            &["python3", "-c"],
            &["ssh", "host"],
            &["env", "sh", "-c"],
            &["sh"],
        ] {
            assert_eq!(of(shell, "pg_dump x"), None, "{shell:?}");
        }
    }

    #[test]
    fn a_shell_that_is_named_as_the_program_is_one_too() {
        let of = |words: &[&str]| {
            let command = Command::Direct(words.iter().copied().map(OsText::from).collect());
            first_program(&command).map(|word| word.untrusted().for_terminal())
        };
        assert_eq!(of(&["sh", "-c", "pg_dump x"]).as_deref(), Some("pg_dump"));
        assert_eq!(
            of(&["sh", "-c", "pg_dump $1", "x", "y"]).as_deref(),
            Some("pg_dump")
        );
        assert_eq!(of(&["sh", "dump.sh"]), None);
        assert_eq!(of(&["ssh", "-c", "pg_dump"]), None);
        assert_eq!(of(&["sh", "-l", "-c"]), None);
    }
}
