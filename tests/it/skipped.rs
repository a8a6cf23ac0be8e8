//! Says that a test cannot run on this machine: a skip is no pass, so it has to be seen and counted.

use std::io::Write as _;

/// One line on standard error, `SKIPPED <test>: <why>`, which `.ci/run` counts.
pub(crate) fn say(test: &str, why: &str) {
    // Not by `eprintln`, which is shown for failed tests only.
    let line = format!("\nSKIPPED {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
