//! The timer of systemd: its two units in the user's folder, and the link that enables it.
//!
//! Writing them needs no service manager, so it works over ssh, in a container and before the first
//! login; who tells the manager is `cli::commands::timer`. A file that we did not write is never
//! overwritten and never removed.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::host::timer::units::MARK;
use crate::support::bytes::OsText;
use crate::support::clock::Timestamp;

pub mod units;

/// Where a timer is enabled.
const WANTS: &str = "timers.target.wants";
/// Larger files are not ours.
const LARGEST: u64 = 64 * 1024;

/// The two units of one timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    folder: PathBuf,
    name: String,
}

/// A timer that could not be installed or removed.
#[derive(Debug, thiserror::Error)]
pub enum TimerError {
    /// Somebody else's file.
    #[error("`{}` was not written by `autoexec timer install`", shown(path))]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written or removed.
    #[error("cannot {doing} `{}`", shown(path))]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn shown(path: &Path) -> String {
    OsText::from(path).untrusted().for_terminal()
}

/// A timer that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Its units.
    pub units: Units,
    /// Since when.
    pub since: Timestamp,
    /// It begins nights: the link is there.
    pub enabled: bool,
}

impl Units {
    /// The units of this name in systemd's folder of a user.
    pub fn new(folder: &Path, name: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Their name, without an ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The service.
    pub fn service(&self) -> PathBuf {
        self.folder.join(format!("{}.service", self.name))
    }

    /// The timer.
    pub fn timer(&self) -> PathBuf {
        self.folder.join(format!("{}.timer", self.name))
    }

    fn link(&self) -> PathBuf {
        self.folder.join(WANTS).join(format!("{}.timer", self.name))
    }

    /// What is written in both files, if both are ours.
    pub fn read(&self) -> Option<(String, String)> {
        Some((own(&self.service())?, own(&self.timer())?))
    }

    /// Writes both files and the link. What is there of ours is replaced as a whole.
    ///
    /// # Errors
    /// When a file of somebody else is in the way, or cannot be written.
    pub fn write(&self, service: &str, timer: &str) -> Result<(), TimerError> {
        let (service_file, timer_file) = (self.service(), self.timer());
        for file in [&service_file, &timer_file] {
            if file.symlink_metadata().is_ok() && own(file).is_none() {
                return Err(TimerError::Foreign { path: file.clone() });
            }
        }
        let wants = self.folder.join(WANTS);
        fs::create_dir_all(&wants).map_err(|source| TimerError::File {
            doing: "make the directory",
            path: wants,
            source,
        })?;
        // CRASH: a service without its timer does nothing.
        replace(&service_file, service)?;
        replace(&timer_file, timer)?;
        let link = self.link();
        match symlink(Path::new("..").join(format!("{}.timer", self.name)), &link) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(TimerError::File {
                doing: "make the link",
                path: link,
                source: error,
            }),
            _ => Ok(()),
        }
    }

    /// Removes link and files; whether there was anything.
    ///
    /// # Errors
    /// When a file is somebody else's, or cannot be removed.
    pub fn remove(&self) -> Result<bool, TimerError> {
        let mut any = false;
        // The link first: what is left then begins no night.
        for (file, is_link) in [
            (self.link(), true),
            (self.timer(), false),
            (self.service(), false),
        ] {
            if file.symlink_metadata().is_err() {
                continue;
            }
            if !is_link && own(&file).is_none() {
                return Err(TimerError::Foreign { path: file });
            }
            fs::remove_file(&file).map_err(|source| TimerError::File {
                doing: "remove",
                path: file.clone(),
                source,
            })?;
            any = true;
        }
        Ok(any)
    }
}

/// The timer that begins nights of a queue, looked for by the state directory in its service.
pub fn find(folder: &Path, state: &Path) -> Option<Installed> {
    let state = units::word(state, "").ok()?;
    let mut names: Vec<OsString> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .collect();
    names.sort_unstable();
    names.iter().find_map(|file| {
        let name = file.to_str()?.strip_suffix(".timer")?;
        let units = Units::new(folder, name);
        let (service, _) = units.read()?;
        if !service.contains(&format!("\"--state-dir\" {state} ")) {
            return None;
        }
        let changed = units.timer().metadata().ok()?.modified().ok()?;
        let millis = changed.duration_since(UNIX_EPOCH).ok()?.as_millis();
        Some(Installed {
            enabled: units.link().symlink_metadata().is_ok(),
            units,
            since: Timestamp::from_millis(i64::try_from(millis).ok()?),
        })
    })
}

/// The text of a file that we wrote.
fn own(path: &Path) -> Option<String> {
    let metadata = path.symlink_metadata().ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    fs::read_to_string(path)
        .ok()
        .filter(|text| text.starts_with(MARK))
}

fn replace(path: &Path, text: &str) -> Result<(), TimerError> {
    let mut new = path.to_owned().into_os_string();
    new.push(".new");
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // CRASH: what is left beside the unit is written anew the next time.
        fs::rename(&new, path)
    };
    write().map_err(|source| TimerError::File {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
#[path = "timer_tests.rs"]
mod tests;
