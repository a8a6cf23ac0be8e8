//! Judging command ends that come as JSON Lines.
//!
//! One object in, one object out, in the same order; a line that cannot be read gives an object that
//! says so, so that the lines of both files stay side by side.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::model::category::Classification;
use crate::model::outcome::Exit;
use crate::model::signal::Signal;
use crate::policy::classify::CommandEnd;
use crate::policy::classify::classify_end_with;
use crate::policy::classify::user::UserPatterns;

/// A command that ended, as a line of the input describes it. Unknown fields are passed over.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Input {
    id: serde_json::Value,
    command: Option<String>,
    tool: Option<String>,
    exit_code: Option<i32>,
    signal: Option<String>,
    stdout: Option<String>,
    stderr: Option<String>,
}

/// A judgement, as a line of the output.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// What the input gave as its id.
    pub id: serde_json::Value,
    /// A category, or `success`.
    pub category: String,
    /// The named pattern.
    pub pattern: String,
    /// `yes`, `no` or `after_fix`.
    pub retryable: String,
    /// From 0 to 1.
    pub confidence: f64,
    /// Values found in the output.
    pub extracted: BTreeMap<String, String>,
    /// The line that decided; untrusted text.
    pub line: Option<String>,
    /// What would be tried, in order.
    pub strategies: Vec<String>,
}

/// A line of the input that cannot be read as an object.
#[derive(Debug, thiserror::Error)]
#[error("line {number} is no JSON object of a command's end")]
pub struct UnreadableLine {
    /// The number of the line, from 1.
    pub number: usize,
    /// What is wrong with it.
    #[source]
    pub source: serde_json::Error,
}

/// Judges one line of the input; `number` is its number for messages, from 1.
///
/// # Errors
/// When the line is no JSON object with fields of the expected types.
pub fn answer(line: &str, number: usize) -> Result<Answer, UnreadableLine> {
    answer_with(line, number, &UserPatterns::default())
}

/// The same, where patterns of users count too.
///
/// # Errors
/// When the line is no JSON object with fields of the expected types.
pub fn answer_with(
    line: &str,
    number: usize,
    user: &UserPatterns,
) -> Result<Answer, UnreadableLine> {
    // By way of an object: a list would be taken for the fields in order.
    let input: Input = serde_json::from_str::<serde_json::Map<_, _>>(line)
        .and_then(|object| serde_json::from_value(object.into()))
        .map_err(|source| UnreadableLine { number, source })?;
    let signal = input.signal.as_deref().and_then(Signal::parse);
    let exit = match (signal, input.exit_code) {
        (Some(signal), _) => Some(Exit::Signal {
            signal,
            core: false,
        }),
        (None, Some(code)) => Some(Exit::Code(code)),
        (None, None) => None,
    };
    if exit == Some(Exit::Code(0)) {
        return Ok(success(input.id));
    }
    let command = input.command.or(input.tool).unwrap_or_default();
    let judgement = classify_end_with(
        &CommandEnd {
            command: command.as_bytes(),
            exit,
            stdout: input.stdout.unwrap_or_default().as_bytes(),
            stderr: input.stderr.unwrap_or_default().as_bytes(),
        },
        user,
    );
    Ok(of(input.id, judgement, user))
}

fn of(id: serde_json::Value, judgement: Classification, user: &UserPatterns) -> Answer {
    let strategies = user.strategies(&judgement);
    Answer {
        id,
        category: judgement.category.as_str().to_owned(),
        pattern: judgement.pattern,
        retryable: judgement.retryable.as_str().to_owned(),
        confidence: judgement.confidence,
        extracted: judgement.extracted,
        line: judgement.line,
        strategies,
    }
}

fn success(id: serde_json::Value) -> Answer {
    Answer {
        id,
        category: "success".to_owned(),
        pattern: "ok".to_owned(),
        retryable: "no".to_owned(),
        confidence: 1.0,
        extracted: BTreeMap::new(),
        line: None,
        strategies: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_gives_a_line_out() {
        let given = answer(
            r#"{"id":7,"command":"curl http://h:81/","exit_code":7,"signal":null,"stdout":"","stderr":"curl: (7) Failed to connect to h port 81 after 0 ms: Connection refused","unknown":1}"#,
            1,
        )
        .unwrap();
        let json = serde_json::to_value(&given).unwrap();
        assert_eq!(json["id"], 7);
        assert_eq!(json["category"], "network");
        assert_eq!(json["retryable"], "yes");
        assert_eq!(json["extracted"]["port"], "81");
        assert_eq!(json["strategies"][0], "rotate_endpoint");
    }

    #[test]
    fn exit_0_is_success_whatever_it_printed() {
        let given = answer(r#"{"id":"a","exit_code":0,"stderr":"ERROR: refused"}"#, 1).unwrap();
        assert_eq!(
            (given.category.as_str(), given.retryable.as_str()),
            ("success", "no")
        );
    }

    #[test]
    fn a_line_that_is_no_object_is_named() {
        assert_eq!(
            answer("[1]", 3).unwrap_err().to_string(),
            "line 3 is no JSON object of a command's end"
        );
    }
}
