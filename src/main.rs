//! The binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A supervisor is started for every slot: it must not pay for anything that it does not need.
    match std::env::args_os().nth(1) {
        Some(first) if first == autoexec::process::launch::SUPERVISE => {
            return autoexec::supervisor::main(std::env::args_os().skip(2));
        }
        Some(first) if first == autoexec::process::requires::LOOK => {
            return autoexec::supervisor::look(std::env::args_os().skip(2));
        }
        Some(first) if first == autoexec::process::remedy::REMEDY => {
            return autoexec::supervisor::remedy(std::env::args_os().skip(2));
        }
        _ => {}
    }
    autoexec::cli::run(std::env::args_os())
}
