//! What changed about a task since it last worked, as far as it was noted at both starts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::model::outcome::FoundFile;
use crate::model::outcome::FoundThere;

/// A duration is another one from so many times on.
const TIMES: u32 = 2;
/// What a duration must differ by at least.
const APART: Duration = Duration::from_secs(10);

/// A task at one of its starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Its definition, as it is stored.
    pub spec: Value,
    /// What the attempt found; nothing is known of old attempts.
    pub found: Option<FoundThere>,
    /// How long the attempt took.
    pub took: Duration,
}

/// Something that is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// These keys of its definition.
    Definition {
        /// As the task file calls them.
        keys: Vec<String>,
    },
    /// The variables that it gets.
    Environment,
    /// A program that it runs: another file, or another version of it.
    Tool(FoundFile),
    /// A file that it reads.
    Input {
        /// The file, and its size now.
        now: FoundFile,
        /// Its size then.
        before: u64,
    },
    /// How long it ran.
    Duration {
        /// Now.
        now: Duration,
        /// Then.
        before: Duration,
    },
}

impl Difference {
    /// The stable identifier.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Definition { .. } => "definition",
            Self::Environment => "environment",
            Self::Tool(_) => "tool",
            Self::Input { .. } => "input",
            Self::Duration { .. } => "duration",
        }
    }
}

/// What is different between a start that ended well and one that did not.
pub fn differences(before: &Start, now: &Start) -> Vec<Difference> {
    let mut found = Vec::new();
    let keys = keys(&before.spec, &now.spec);
    if !keys.is_empty() {
        found.push(Difference::Definition { keys });
    }
    if let (Some(then), Some(here)) = (&before.found, &now.found) {
        if then.environment != here.environment {
            found.push(Difference::Environment);
        }
        for tool in &here.tools {
            let same = then.tools.iter().find(|one| one.name == tool.name);
            if same.is_some_and(|same| same != tool) {
                found.push(Difference::Tool(tool.clone()));
            }
        }
        for input in &here.inputs {
            let same = then.inputs.iter().find(|one| one.name == input.name);
            if let Some(same) = same.filter(|same| same.bytes != input.bytes) {
                found.push(Difference::Input {
                    now: input.clone(),
                    before: same.bytes,
                });
            }
        }
    }
    let (longer, shorter) = (now.took.max(before.took), now.took.min(before.took));
    if longer.saturating_sub(shorter) >= APART && longer >= shorter * TIMES {
        found.push(Difference::Duration {
            now: now.took,
            before: before.took,
        });
    }
    found
}

/// The keys of two definitions that are not alike.
fn keys(before: &Value, now: &Value) -> Vec<String> {
    let (Some(before), Some(now)) = (before.as_object(), now.as_object()) else {
        return Vec::new();
    };
    let mut all: BTreeMap<&String, [Option<&Value>; 2]> = BTreeMap::new();
    for (key, value) in before {
        all.entry(key).or_default()[0] = Some(value);
    }
    for (key, value) in now {
        all.entry(key).or_default()[1] = Some(value);
    }
    let unlike = all.into_iter().filter(|(_, [before, now])| before != now);
    unlike
        .map(|(key, _)| match key.as_str() {
            "steps" => "command".to_owned(),
            key => key.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(name: &str, bytes: u64, modified: i64) -> FoundFile {
        FoundFile {
            name: name.to_owned(),
            bytes,
            modified,
        }
    }

    fn start(spec: Value, environment: &str) -> Start {
        Start {
            spec,
            found: Some(FoundThere {
                environment: environment.to_owned(),
                tools: vec![file("/usr/bin/python3", 10, 1)],
                inputs: vec![file("in.csv", 100, 1)],
            }),
            took: Duration::from_mins(1),
        }
    }

    #[test]
    fn what_is_alike_is_no_difference() {
        let one = start(json!({"name": "job"}), "a");
        assert_eq!(differences(&one, &one), []);
        let unknown = Start {
            found: None,
            ..one.clone()
        };
        assert_eq!(differences(&unknown, &one), []);
    }

    #[test]
    fn every_difference_is_named() {
        let before = start(json!({"name": "job", "steps": [1], "timeout": 5}), "a");
        let mut now = start(json!({"name": "job", "steps": [2], "nice": 3}), "b");
        let found = now.found.as_mut().unwrap();
        found.tools[0].modified = 2;
        // Written anew with the same size, as every night.
        found.inputs[0].modified = 7;
        found.inputs.push(file("new.csv", 1, 1));
        now.took = Duration::from_secs(2);
        let keys = ["nice", "command", "timeout"].map(str::to_owned).to_vec();
        assert_eq!(
            differences(&before, &now),
            [
                Difference::Definition { keys },
                Difference::Environment,
                Difference::Tool(file("/usr/bin/python3", 10, 2)),
                Difference::Duration {
                    now: Duration::from_secs(2),
                    before: Duration::from_mins(1),
                },
            ]
        );
        now.found.as_mut().unwrap().inputs[0].bytes = 0;
        assert!(differences(&before, &now).contains(&Difference::Input {
            now: file("in.csv", 0, 7),
            before: 100,
        }));
    }
}
