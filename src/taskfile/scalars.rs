//! Reads single values: names, texts, numbers, durations, signals and words.
//!
//! Lists, paths and commands, and all messages, are `taskfile::values`.

use std::time::Duration;

use crate::model::ids::TaskName;
use crate::model::signal::Signal;
use crate::support::bytes::OsText;
use crate::support::similar::closest;
use crate::taskfile::diagnostic::At;
use crate::taskfile::keys::Key;
use crate::taskfile::names::legal_name;
use crate::taskfile::node::Node;
use crate::taskfile::node::Raw;
use crate::taskfile::quantities;

/// Linux passes no single argument or variable that is longer, its end included.
const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;

/// Why a value is refused.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    /// What it must be, where the kind alone does not say it.
    pub(crate) wanted: Option<String>,
    /// What to write instead, where the key's example does not say it.
    pub(crate) hint: Option<String>,
    /// The part that is wrong, where it is not the whole.
    pub(crate) at: Option<(At, String)>,
}

impl Refusal {
    /// With what it must be.
    pub(crate) fn wanted(what: impl Into<String>) -> Self {
        Self {
            wanted: Some(what.into()),
            ..Self::default()
        }
    }

    /// And with what to write instead.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Whether a text can be the name of a variable.
pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// The name of a task.
pub(crate) fn name(node: &Node) -> Result<TaskName, Refusal> {
    let Raw::Text(written) = &node.raw else {
        return Err(Refusal::default());
    };
    let text = written.as_str().unwrap_or("\u{fffd}");
    TaskName::new(text).map_err(|why| {
        let proposal = legal_name(text);
        let proposal = match &node.at {
            At::Flag(flag) => format!("{flag} {proposal}"),
            At::Text(_) | At::Arguments | At::Line(_) => format!("name = \"{proposal}\""),
        };
        Refusal::wanted("a legal name").hint(format!("it {why}; write for example `{proposal}`"))
    })
}

/// A text that the system can pass to a command.
pub(crate) fn text(node: &Node) -> Result<OsText, Refusal> {
    let Raw::Text(text) = &node.raw else {
        return Err(Refusal::wanted("a text"));
    };
    if text.as_bytes().contains(&0) {
        return Err(Refusal::wanted("a text without NUL bytes")
            .hint("no argument, path or variable can hold a NUL byte"));
    }
    if text.as_bytes().len() > LONGEST_ARGUMENT {
        return Err(Refusal::wanted("shorter than 128 KiB")
            .hint("the system passes nothing longer; put it into a file"));
    }
    Ok(text.clone())
}

/// A whole number within bounds.
pub(crate) fn whole(node: &Node, low: i64, high: i64) -> Result<i64, Refusal> {
    let number = match &node.raw {
        Raw::Whole(number) => Some(*number),
        Raw::Text(text) if node.is_of_flag() => {
            text.as_str().and_then(|text| text.trim().parse().ok())
        }
        Raw::HugeWhole => return Err(Refusal::default()),
        _ => None,
    };
    let number = number.ok_or_else(|| Refusal::wanted("a whole number"))?;
    if (low..=high).contains(&number) {
        Ok(number)
    } else {
        Err(Refusal::default())
    }
}

/// A number within bounds.
#[expect(
    clippy::cast_precision_loss,
    reason = "numbers that are in bounds are small"
)]
pub(crate) fn number(node: &Node, low: f64, high: f64) -> Result<f64, Refusal> {
    let number = match &node.raw {
        Raw::Whole(number) => *number as f64,
        Raw::Fraction(number) => *number,
        Raw::Text(text) if node.is_of_flag() => text
            .as_str()
            .and_then(|text| text.trim().parse().ok())
            .ok_or_else(Refusal::default)?,
        _ => return Err(Refusal::default()),
    };
    if (low..=high).contains(&number) {
        Ok(number)
    } else {
        Err(Refusal::default())
    }
}

/// A duration of at least `least`.
pub(crate) fn span(key: &Key, node: &Node, least: Duration) -> Result<Duration, Refusal> {
    let span = match &node.raw {
        Raw::Text(written) => quantities::duration(written.as_str().unwrap_or("?"))
            .map_err(|hint| Refusal::default().hint(hint))?,
        Raw::Whole(number) if *number >= 0 => {
            return Err(Refusal::default().hint(format!(
                "write the unit too: `{} = \"{number}s\"`",
                key.name
            )));
        }
        _ => return Err(Refusal::default()),
    };
    if span < least {
        let refusal = Refusal::wanted(format!("at least {}", humantime::format_duration(least)));
        return Err(if key.default == "none" && span.is_zero() {
            refusal.hint("leave it out for no limit")
        } else {
            refusal
        });
    }
    Ok(span)
}

/// A signal by name or number.
pub(crate) fn signal(node: &Node) -> Result<Signal, Refusal> {
    let Raw::Text(written) = &node.raw else {
        return Err(Refusal::default());
    };
    let text = written.as_str().unwrap_or("?");
    Signal::parse(text).ok_or_else(|| did_you_mean(text.trim_start_matches("SIG"), Signal::names()))
}

/// One of a few words.
pub(crate) fn choice(node: &Node, words: &'static [&'static str]) -> Result<&'static str, Refusal> {
    let Raw::Text(written) = &node.raw else {
        return Err(Refusal::default());
    };
    let text = written.as_str().unwrap_or("?");
    words
        .iter()
        .find(|word| **word == text)
        .copied()
        .ok_or_else(|| did_you_mean(text, words.iter().copied()))
}

fn did_you_mean<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> Refusal {
    match closest(text, words) {
        Some(word) => Refusal::default().hint(format!("did you mean `{word}`?")),
        None => Refusal::default(),
    }
}
