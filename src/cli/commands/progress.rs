//! `autoexec progress`: how far a task is, by its own word; also a sign of life.
//!
//! Typed inside a script, so it never breaks one: outside of a task it says so and ends well.

use crate::cli::commands::Invocation;
use crate::cli::failure::{Answer, Ending};
use crate::policy::redact::Redactor;
use crate::process::environment::secrets_around_us;
use crate::process::telling;
use crate::process::telling::Told;
use crate::support::bytes::OsText;

/// Options of `autoexec progress`.
#[derive(Debug, clap::Args)]
pub struct ProgressArgs {
    /// How far the task is, from 0 to 100
    #[arg(value_name = "PERCENT", value_parser = parse_percent)]
    pub percent: u8,
    /// What it is doing, in a few words
    #[arg(value_name = "MESSAGE")]
    pub message: Vec<String>,
}

/// Carries out the command.
///
/// # Errors
/// Never: a script that tells its progress must not fail by it.
pub fn carry_out(args: &ProgressArgs, invocation: &mut Invocation<'_>) -> Answer {
    let Some(path) = &invocation.settings.inside.progress else {
        let note = "this is not typed inside a task; nobody is told";
        invocation.output.note(note);
        return Ok(Ending::Well);
    };
    let secrets = secrets_around_us();
    let redactor = Redactor::new(secrets.iter().map(OsText::as_bytes));
    let message = redactor.text(&args.message.join(" "));
    let told = Told {
        percent: args.percent,
        message: (!message.is_empty()).then_some(message),
    };
    if let Err(error) = telling::tell(path, &told) {
        let warning = format!("the progress of the task cannot be told: {error}");
        invocation.output.warning(&warning);
    }
    Ok(Ending::Well)
}

/// `40`, `40%` and `40.5` are all forty percent.
fn parse_percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text);
    let whole = number.split_once('.').map_or(number, |(whole, fraction)| {
        if fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            whole
        } else {
            ""
        }
    });
    match whole.parse() {
        Ok(percent @ 0..=100) => Ok(percent),
        Ok(_) | Err(_) => Err("it is a number from 0 to 100".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_read_as_people_write_it() {
        for (text, percent) in [
            ("0", 0),
            ("100", 100),
            ("40%", 40),
            ("40.9", 40),
            ("7.5%", 7),
        ] {
            assert_eq!(parse_percent(text), Ok(percent), "{text}");
        }
        for text in ["", "101", "-1", "ten", "1.x", "%"] {
            assert!(parse_percent(text).is_err(), "{text}");
        }
    }
}
