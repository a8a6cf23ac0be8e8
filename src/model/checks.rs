//! What must be there before an attempt starts, and what must be true after it to be a success.
//!
//! Only what is wanted; looking is the supervisor's (`supervisor`), because it stands where the
//! command stands: with its directory, its variables and its PATH.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::spans::optional_millis;
use crate::model::spec::Command;
use crate::support::bytes::OsText;

/// What counts as success. Anything unmet makes the attempt a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuccessSpec {
    /// Exit codes that mean success.
    pub exit_codes: Vec<i32>,
    /// Files that must be there, not empty and newer than the attempt; relative to the workdir.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<OsText>,
    /// An expression that standard output must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout_matches: Option<String>,
    /// An expression that neither stream may match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_rejects: Option<String>,
    /// A command that must exit with 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// The least time that a real success takes.
    #[serde(
        default,
        with = "optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub min_duration: Option<Duration>,
}

impl SuccessSpec {
    /// Whether anything but the exit code is looked at.
    pub fn looks_beyond_the_exit_code(&self) -> bool {
        let plain = Self {
            exit_codes: self.exit_codes.clone(),
            ..Self::default()
        };
        *self != plain
    }
}

impl Default for SuccessSpec {
    fn default() -> Self {
        Self {
            exit_codes: vec![0],
            files: Vec::new(),
            stdout_matches: None,
            output_rejects: None,
            command: None,
            min_duration: None,
        }
    }
}

/// Something that must be there before an attempt starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// A program that is found on the task's PATH, of at least this version where one is written.
    Tool {
        /// Its name.
        name: String,
        /// The least version, such as `3.11`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
    },
    /// A file or folder; relative to the workdir.
    File(OsText),
    /// A variable that is set and not empty.
    Env(String),
    /// A TCP port that accepts connections.
    Tcp {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
    },
}

impl Requirement {
    /// As it is written in a task file; untrusted text.
    pub fn written(&self) -> OsText {
        match self {
            Self::Tool { name, version } => match version {
                Some(version) => OsText::from(format!("{name} >= {version}")),
                None => OsText::from(name.as_str()),
            },
            Self::File(path) => path.clone(),
            Self::Env(name) => OsText::from(format!("env:{name}")),
            Self::Tcp { host, port } if host.contains(':') => {
                OsText::from(format!("tcp:[{host}]:{port}"))
            }
            Self::Tcp { host, port } => OsText::from(format!("tcp:{host}:{port}")),
        }
    }
}
