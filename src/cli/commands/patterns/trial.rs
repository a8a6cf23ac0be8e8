//! `autoexec patterns test`: which patterns an output meets, and which one decides.

use std::path::{Path, PathBuf};

use crate::cli::commands::Invocation;
use crate::cli::commands::classify::read_tail;
use crate::cli::commands::classify::retry_words;
use crate::cli::commands::patterns::{in_force, known};
use crate::cli::failure::{Answer, Ending};
use crate::model::outcome::Exit;
use crate::policy::classify::user::{Met, PatternSource};
use crate::policy::classify::{CommandEnd, classify_end_with, met_patterns};
use crate::support::untrusted::Untrusted;

/// The most lines that are told.
const MOST: usize = 100;

/// Options of `autoexec patterns test`.
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    /// Only this pattern; then the exit code is 1 if it is not met
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// A file with the output [default: standard input]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The exit code that came with the output
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=255))]
    pub exit_code: Option<i32>,
    /// The command that printed it
    #[arg(long, value_name = "CMD")]
    pub command: Option<String>,
}

/// Tries patterns out.
///
/// # Errors
/// When the pattern is not known, or the output cannot be read.
pub(super) fn test(args: &TestArgs, invocation: &mut Invocation<'_>) -> Answer {
    let known = known::all(&invocation.settings)?;
    let names: Vec<&str> = known.iter().map(|one| one.spec.name.as_str()).collect();
    // A single word that is no pattern is a file.
    let (name, file) = match (args.name.as_deref(), args.file.as_deref()) {
        (Some(word), None) if !names.contains(&word) => (None, Some(Path::new(word))),
        (name, file) => (name, file),
    };
    if let Some(name) = name
        && !names.contains(&name)
    {
        return Err(known::unknown(name, names));
    }
    if let (None, Some(file)) = (name, file)
        && file != Path::new("-")
        && !file.exists()
    {
        let word = file.to_string_lossy().into_owned();
        return Err(known::unknown(&word, names).detail("there is no file of this name either"));
    }
    let user = in_force(&invocation.settings)?;
    let tail = read_tail(file)?;
    let end = CommandEnd {
        command: args.command.as_deref().unwrap_or_default().as_bytes(),
        exit: args.exit_code.map(Exit::Code),
        stdout: b"",
        stderr: &tail,
    };
    let mut met = met_patterns(&end, &user);
    let ours = name.and_then(|name| {
        let one = known.iter().find(|one| one.spec.name == name)?;
        Some(one.stands_for().unwrap_or(name))
    });
    met.retain(|one| ours.is_none_or(|name| one.name == name));
    let is_off = |name: &str| {
        known
            .iter()
            .any(|one| one.spec.name == name && !one.enabled)
    };
    match name {
        Some(name) if is_off(name) => {
            let note = format!(
                "`{name}` is switched off and meets nothing; `autoexec patterns enable {name}`"
            );
            invocation.output.note(&note);
        }
        Some(_) | None => tell(&met, invocation),
    }
    let decides = classify_end_with(&end, &user);
    let retry = retry_words(&decides);
    let line = decides.line.map_or_else(String::new, |line| {
        format!(": {}", Untrusted::from(line).for_terminal_within(200))
    });
    invocation.output.line(&format!(
        "decides: {} ({}; {retry}){line}",
        decides.pattern, decides.category,
    ));
    Ok(match name {
        Some(_) if met.is_empty() => Ending::NeedsPerson,
        Some(_) | None => Ending::Well,
    })
}

fn tell(met: &[Met], invocation: &mut Invocation<'_>) {
    if met.is_empty() {
        invocation.output.note("no pattern is met");
    }
    for one in met.iter().take(MOST) {
        let source = match one.source {
            None => "built-in",
            Some(PatternSource::TaskFile) => "task file",
            Some(PatternSource::Config) => "config.toml",
            Some(PatternSource::Queue) => "added",
        };
        let place = one
            .line
            .map_or_else(|| "exit code".to_owned(), |line| format!("line {line}"));
        invocation.output.line(&format!(
            "{place}: {} ({source}): {}",
            Untrusted::from(one.name.as_str()).for_terminal(),
            Untrusted::from(one.text.as_str()).for_terminal_within(200)
        ));
    }
    if met.len() > MOST {
        let note = format!("and {} more", met.len() - MOST);
        invocation.output.note(&note);
    }
}
