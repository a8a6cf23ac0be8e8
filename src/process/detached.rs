//! A process that goes on without us: it outlives us, and nobody waits for it.
//!
//! Not for attempts (their supervisors are started by [`crate::process::launch`]) and not for helpers
//! whose answer is wanted ([`crate::process::helper`]).

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use crate::process::children;
use crate::process::children::HELPER_VARIABLE;
use crate::process::helper::in_memory;

/// Starts it with `input` on its standard input, in a group of its own: a Ctrl-C is not meant for it.
/// Its outputs go nowhere, so that whoever reads ours does not wait for it.
///
/// # Errors
/// When it cannot be started.
#[expect(
    clippy::disallowed_methods,
    reason = "one of the places that start helper programs"
)]
pub fn start(argv: &[OsString], input: &[u8]) -> io::Result<Child> {
    let (name, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let input = if input.is_empty() {
        Stdio::null()
    } else {
        in_memory(input)?.into()
    };
    let mut command = Command::new(name);
    command
        .args(arguments)
        .env(HELPER_VARIABLE, "1")
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    children::start(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_it_is_given_and_has_a_group_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let script = format!("cat > {0}; ps -o pgid= -p $$ >> {0}", out.display());
        let argv = ["/bin/sh", "-c", script.as_str()].map(OsString::from);
        let mut child = start(&argv, b"a message\n").unwrap();
        assert!(child.wait().unwrap().success());
        let told = std::fs::read_to_string(out).unwrap();
        let (message, group) = told.split_once('\n').unwrap();
        assert_eq!(message, "a message");
        assert_eq!(group.trim(), child.id().to_string());
        assert!(start(&[], b"").is_err());
    }
}
