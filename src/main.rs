//! The binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A supervisor is started for every slot: it must not pay for anything that it does not need.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == autoexec::process::launch::SUPERVISE)
    {
        return autoexec::supervisor::main(std::env::args_os().skip(2));
    }
    autoexec::cli::run(std::env::args_os())
}
