//! `[[learned]]`: what was learned of strategies, in a file for another machine.

use std::fmt::Write as _;

use chrono::DateTime;
use serde::Deserialize;

use crate::cli::failure::CliError;
use crate::policy::learning::Imported;
use crate::policy::strategy;
use crate::store::learning::LearnedRow;
use crate::support::clock::Timestamp;
use crate::support::similar::closest;
use crate::support::untrusted::Untrusted;

/// More recoveries than this of one strategy nobody has seen.
const MOST_TRIED: u32 = 1_000_000;
/// The most characters of a pattern's name.
const LONGEST_NAME: usize = 64;

/// The part of a file that is read here; the patterns are read by `taskfile`.
#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    learned: Vec<toml::Spanned<Written>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    pattern: String,
    strategy: String,
    helped: u32,
    tried: u32,
    as_of: String,
}

/// What was learned here, as it is written in a file. What came from other machines is left out, so
/// that no figure comes back to where it was learned.
pub(super) fn as_toml(rows: &[LearnedRow], now: Timestamp) -> String {
    let mut text = String::new();
    for row in rows.iter().filter(|row| row.tried > 0) {
        // Writing into a String cannot fail.
        let _infallible = write!(
            text,
            "[[learned]]\npattern = {}\nstrategy = \"{}\"\nhelped = {}\ntried = {}\nas_of = \"{}\"\n\n",
            toml::Value::from(row.pattern.as_str()),
            row.strategy,
            row.helped,
            row.tried,
            now.to_rfc3339()
        );
    }
    text
}

/// The figures of a file, each with its pattern.
///
/// # Errors
/// Names everything that is wrong, each with its line.
pub(super) fn read(
    file: &str,
    text: &str,
    now: Timestamp,
) -> Result<Vec<(String, Imported)>, CliError> {
    let wrong = |found: &str| {
        let message = format!("the file `{file}` has {found} in what was learned");
        CliError::usage("learned_wrong", message)
    };
    let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    let read: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let problem = Untrusted::from(error.message()).for_terminal();
        wrong("an error").detail(format!("line {}: {problem}", line(at)))
    })?;
    let mut figures = Vec::new();
    let mut problems = Vec::new();
    for one in read.learned {
        let at = line(one.span().start);
        match meant(one.into_inner(), now) {
            Ok(found) => figures.push(found),
            Err(problem) => problems.push(format!("line {at}: {problem}")),
        }
    }
    if problems.is_empty() {
        return Ok(figures);
    }
    let failure = wrong(&crate::support::text::count(problems.len(), "error"));
    Err(problems.into_iter().fold(failure, CliError::detail))
}

fn meant(written: Written, now: Timestamp) -> Result<(String, Imported), String> {
    let Written {
        pattern,
        strategy,
        helped,
        tried,
        as_of,
    } = written;
    let shown = Untrusted::from(strategy.as_str()).for_terminal_within(40);
    if !strategy::ALL.contains(&strategy.as_str()) {
        let meant = closest(&strategy, strategy::ALL.iter().copied());
        let hint = meant.map(|meant| format!("; did you mean `{meant}`?"));
        return Err(format!(
            "there is no strategy `{shown}`{}",
            hint.unwrap_or_default()
        ));
    }
    let is_name = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if pattern.is_empty() || pattern.len() > LONGEST_NAME || !pattern.chars().all(is_name) {
        let shown = Untrusted::from(pattern.as_str()).for_terminal_within(40);
        return Err(format!("`pattern` must be a name, found `{shown}`"));
    }
    if tried == 0 || tried > MOST_TRIED || helped > tried {
        return Err(format!(
            "`helped` must be at most `tried`, and `tried` from 1 to {MOST_TRIED}, found {helped} of {tried}"
        ));
    }
    let as_of = DateTime::parse_from_rfc3339(&as_of)
        .map(|at| Timestamp::from(at.to_utc()))
        .map_err(|_| "`as_of` must be a date such as `2026-11-22T02:00:00Z`".to_owned())?;
    let figures = Imported {
        strategy,
        helped,
        tried,
        // Nothing is known of what is still to come.
        as_of: as_of.min(now),
    };
    Ok((pattern, figures))
}
