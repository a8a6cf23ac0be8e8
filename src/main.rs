//! The binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    autoexec::cli::run(std::env::args_os())
}
