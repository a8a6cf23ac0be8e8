//! `autoexec completions`: the script by which a shell completes command lines.
//!
//! The scripts are the files in `completions/`, for packages to install as they are. They hold no
//! list of commands: they ask the program ([`crate::cli::completing`]).

use clap::ValueEnum;

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, Ending};

/// Options of `autoexec completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Load it with one of these lines:\n  \
    bash: source <(autoexec completions bash)         in ~/.bashrc\n  \
    zsh:  source <(autoexec completions zsh)          in ~/.zshrc, behind compinit\n  \
    fish: autoexec completions fish | source          in ~/.config/fish/config.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// A shell for which there is a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash 4.1 or later
    Bash,
    /// Zsh
    Zsh,
    /// Fish
    Fish,
}

impl Shell {
    /// The script.
    pub const fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../../completions/autoexec.bash"),
            Self::Zsh => include_str!("../../../completions/_autoexec"),
            Self::Fish => include_str!("../../../completions/autoexec.fish"),
        }
    }
}

/// Carries out the command.
///
/// # Errors
/// None.
pub fn carry_out(args: &CompletionsArgs, invocation: &mut Invocation<'_>) -> Answer {
    invocation.output.text(args.shell.script());
    Ok(Ending::Well)
}
