//! Identities: of tasks, attempts, runs, the queue itself, a boot of the machine and a process.
//!
//! Every id is a type of its own, so that one cannot stand in for another.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::bytes::{from_hex, to_hex};

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps the number of a stored row.
            pub const fn new(id: i64) -> Self {
                Self(id)
            }

            /// The number, as it stands in the database.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

row_id! {
    /// A task of the queue. Never reused.
    TaskId
}
row_id! {
    /// An attempt. Never reused, also after its row was deleted: logs, markers and slot records
    /// are named by it.
    AttemptId
}
row_id! {
    /// One life of the engine.
    RunId
}
row_id! {
    /// One recovery in the history.
    RecoveryId
}

/// The number that fences off supervisors of earlier runs: new for everyone who takes the run lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// Reads 32 hexadecimal digits; hyphens are passed over.
            pub fn parse(text: &str) -> Option<Self> {
                let digits: String = text.chars().filter(|c| *c != '-').collect();
                from_hex(&digits)?.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text)
                    .ok_or_else(|| D::Error::custom("an id has 32 hexadecimal digits"))
            }
        }
    };
}

random_id! {
    /// A queue, from its creation on; two state directories never share one.
    QueueId
}
random_id! {
    /// A boot of the machine: the kernel's random `boot_id`. No process survives a change of it.
    BootId
}

/// A process that cannot be mistaken for another of the same boot: its pid and when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The process id.
    pub pid: i32,
    /// Start time in clock ticks since boot (field 22 of `/proc/<pid>/stat`).
    pub start: u64,
}

/// The name of a task: 1 to 64 of `A-Z a-z 0-9 . _ -`, not starting with `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TaskName(String);

/// The most characters that a task's name may have.
pub const MAX_NAME: usize = 64;

impl TaskName {
    /// Checks the characters and the length.
    ///
    /// # Errors
    /// Says in a few words what is wrong with the name, fit to follow `the name … `.
    pub fn new(name: &str) -> Result<Self, &'static str> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() {
            return Err("is empty");
        }
        if name.len() > MAX_NAME {
            return Err("is longer than 64 characters");
        }
        if !name.chars().all(legal) {
            return Err("may hold only letters A-Z a-z, digits, `.`, `_` and `-`");
        }
        if name.starts_with(['.', '-']) {
            return Err("must not start with `.` or `-`");
        }
        // `queue show 12` must mean the task with the id 12.
        if name.bytes().all(|b| b.is_ascii_digit()) {
            return Err("must hold something besides digits, which stand for task ids");
        }
        Ok(Self(name.to_owned()))
    }

    /// The name of what is no task of a queue: a call of Rust code.
    pub fn of_a_call() -> Self {
        Self("call".to_owned())
    }

    /// The name; it holds nothing that a terminal or a file system could trip over.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for TaskName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(|why| D::Error::custom(format!("the task name {why}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_mistaken_are_refused() {
        for good in ["a", "shop-dump", "v1.2_x", "7zip"] {
            assert!(TaskName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".hidden",
            "-rf",
            "a b",
            "a/b",
            "ü",
            "12",
            &"x".repeat(65),
        ] {
            assert!(TaskName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn boot_ids_are_read_as_the_kernel_writes_them() {
        let id = BootId::parse("c5d1f3a2-0b44-4f0e-9a61-3f3c0e6a9d10").unwrap();
        assert_eq!(id.to_string(), "c5d1f3a20b444f0e9a613f3c0e6a9d10");
        assert!(BootId::parse("c5d1").is_none());
    }
}
