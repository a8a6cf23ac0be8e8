//! PID namespaces, as containers make them: where a program is process 1, and numbers begin anew.

use std::process::{Command, Stdio};

/// The program and its arguments that start another one as process 1 of a namespace of its own. When
/// the starter is killed, everything in there dies.
pub(crate) const ENTER: [&str; 7] = [
    "unshare",
    "--user",
    "--map-root-user",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];

/// Why there are none on this machine, if there are none.
pub(crate) fn missing() -> Option<String> {
    let [program, options @ ..] = ENTER;
    let tried = Command::new(program)
        .args(options)
        .arg("true")
        .stdin(Stdio::null())
        .output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "no PID namespace: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Some(format!("no PID namespace: {program}: {error}")),
    }
}
