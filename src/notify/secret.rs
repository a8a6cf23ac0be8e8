//! Addresses and passwords: where they come from, and that they go nowhere else.
//!
//! A [`Secret`] has no text that a log, an error or a stored message could show. It is fetched when a
//! message is sent, by the process that sends it, and is gone with that process.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::process::helper;
use crate::support::bytes::OsText;
use crate::support::untrusted::Untrusted;

/// The longest secret.
const LARGEST: u64 = 64 * 1024;
/// How long a program may take to tell a secret.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that nobody else may see.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever is to be told and nobody else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// It is written in the configuration.
    Written(Secret),
    /// A variable of the environment.
    Variable(String),
    /// The first line of a file, which nobody else may read.
    File(PathBuf),
    /// The first line that a program prints.
    Command(Vec<String>),
    /// A file that systemd hands over, by its name.
    Credential(String),
}

/// What secrets are fetched from.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The variables of the process.
    pub variable: &'a (dyn Fn(&str) -> Option<OsString> + Sync),
    /// The home directory, for `~`.
    pub home: Option<&'a Path>,
    /// What other paths are relative to: the folder of the configuration file.
    pub folder: &'a Path,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

/// Why a secret cannot be had. The words name where it should be and never what is there.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("the variable `{0}` is not set; cron and systemd do not set what a shell profile does")]
    NoVariable(String),
    /// The file cannot be read.
    #[error("cannot read `{path}`: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// Others may read the file.
    #[error(
        "`{path}` can be read by others (mode {mode:o}); make it private with `chmod 600 {path}`"
    )]
    NotPrivate {
        /// The file.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// The file is somebody else's.
    #[error("`{path}` belongs to another user")]
    Foreign {
        /// The file.
        path: String,
    },
    /// The program tells nothing.
    #[error("the command `{program}` {why}")]
    Command {
        /// The program.
        program: String,
        /// What it did.
        why: String,
    },
    /// No credentials were handed over.
    #[error(
        "there is no credential `{0}`: `$CREDENTIALS_DIRECTORY` is not set; give the service `LoadCredential={0}:FILE`"
    )]
    NoCredentials(String),
    /// There is a source, and nothing in it.
    #[error("{0} is empty")]
    Empty(String),
    /// What was found cannot be a secret.
    #[error("{0} holds something that is no text")]
    NoText(String),
}

impl SecretSource {
    /// A word for the source that gives nothing away; `None` for what is written in place.
    pub fn place(&self) -> Option<String> {
        match self {
            Self::Written(_) => None,
            Self::Variable(name) => Some(format!(
                "${}",
                Untrusted::from(name.as_str()).for_terminal()
            )),
            Self::File(_) => Some("from a file".to_owned()),
            Self::Command(_) => Some("from a command".to_owned()),
            Self::Credential(_) => Some("from a credential".to_owned()),
        }
    }

    /// What makes two sources the same.
    pub(crate) fn definition(&self) -> String {
        match self {
            Self::Written(secret) => format!("written {}", secret.reveal()),
            Self::Variable(name) => format!("variable {name}"),
            Self::File(path) => format!("file {}", path.display()),
            Self::Command(argv) => format!("command {argv:?}"),
            Self::Credential(name) => format!("credential {name}"),
        }
    }

    /// Fetches the secret.
    ///
    /// # Errors
    /// When it is not there, cannot be read, or is not private.
    pub fn fetch(&self, around: Surroundings<'_>) -> Result<Secret, SecretError> {
        match self {
            Self::Written(secret) => Ok(secret.clone()),
            Self::Variable(name) => {
                let value = (around.variable)(name).filter(|value| !value.is_empty());
                let value = value.ok_or_else(|| SecretError::NoVariable(name.clone()))?;
                let bytes = value.as_encoded_bytes();
                first_line(bytes, || format!("the variable `{name}`"))
            }
            Self::File(path) => {
                let path = around.resolve(path);
                read(&path, Privacy::Demanded)
            }
            Self::Credential(name) => {
                let folder = (around.variable)("CREDENTIALS_DIRECTORY");
                let folder = folder.ok_or_else(|| SecretError::NoCredentials(name.clone()))?;
                // Whoever handed it over has seen to who may read it.
                read(&PathBuf::from(folder).join(name), Privacy::Given)
            }
            Self::Command(argv) => ask(argv, around),
        }
    }
}

impl Surroundings<'_> {
    /// A path of the configuration as a path of this machine.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home) {
            (Ok(below), Some(home)) => home.join(below),
            _ => self.folder.join(path),
        }
    }
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Privacy {
    /// This user alone, else it is refused.
    Demanded,
    /// That is somebody else's business.
    Given,
}

fn read(path: &Path, privacy: Privacy) -> Result<Secret, SecretError> {
    let shown = OsText::from(path).untrusted().for_terminal();
    let unreadable = |why: String| SecretError::Unreadable {
        path: shown.clone(),
        why,
    };
    // Before it is opened, because opening a pipe waits for whoever writes.
    let facts = std::fs::metadata(path).map_err(|error| unreadable(words(&error)))?;
    if !facts.is_file() {
        return Err(unreadable("it is no file".to_owned()));
    }
    let file = File::open(path).map_err(|error| unreadable(words(&error)))?;
    let facts = file.metadata().map_err(|error| unreadable(words(&error)))?;
    if privacy == Privacy::Demanded {
        let own = rustix::process::geteuid().as_raw();
        if facts.uid() != own && facts.uid() != 0 {
            return Err(SecretError::Foreign { path: shown });
        }
        if facts.mode() & 0o077 != 0 {
            let mode = facts.mode() & 0o777;
            return Err(SecretError::NotPrivate { path: shown, mode });
        }
    }
    let mut bytes = Vec::new();
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(words(&error)))?;
    first_line(&bytes, || format!("`{shown}`"))
}

fn words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "this user may not".to_owned(),
        _ => error.to_string(),
    }
}

fn ask(argv: &[String], around: Surroundings<'_>) -> Result<Secret, SecretError> {
    let mut words: Vec<OsString> = argv.iter().map(OsString::from).collect();
    if let Some(program) = words.first_mut()
        && program.as_encoded_bytes().contains(&b'/')
    {
        *program = around.resolve(Path::new(program)).into_os_string();
    }
    let program = Untrusted::from(argv.first().map_or("", String::as_str)).for_terminal();
    let told = |why: String| SecretError::Command {
        program: program.clone(),
        why,
    };
    let answer = helper::run(&words, PATIENCE).map_err(|error| {
        told(match error {
            helper::HelperError::TooSlow { .. } => {
                format!(
                    "does not end within {}",
                    crate::support::text::span(PATIENCE)
                )
            }
            helper::HelperError::Start { source, .. } => {
                format!("cannot be started: {}", self::words(&source))
            }
            helper::HelperError::Nameless | helper::HelperError::Read { .. } => {
                "cannot be asked".to_owned()
            }
        })
    })?;
    if !answer.status.success() {
        // Nothing of what it printed: that may be half of the secret.
        return Err(told(format!("ends with {}", answer.status)));
    }
    first_line(answer.stdout.as_bytes(), || {
        format!("what the command `{program}` prints")
    })
}

fn first_line(bytes: &[u8], source: impl Fn() -> String) -> Result<Secret, SecretError> {
    let text = std::str::from_utf8(bytes).map_err(|_| SecretError::NoText(source()))?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(SecretError::Empty(source()));
    }
    if line.chars().any(char::is_control) {
        return Err(SecretError::NoText(source()));
    }
    Ok(Secret::new(line))
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
