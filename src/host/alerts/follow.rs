//! Going along with the alerts as they are written, through rotations.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;

use crate::host::alerts::read::{self, Wanted};
use crate::host::alerts::{FILES, MOST_BYTES};
use crate::model::alert::Alert;
use crate::model::layout::StateDir;

/// Reads what is appended from now on.
#[derive(Debug)]
pub struct Follower<'a> {
    dir: &'a StateDir,
    /// The file that is read, none before there is one.
    file: Option<File>,
    /// The beginning of a line whose end was not there yet.
    begun: Vec<u8>,
}

impl<'a> Follower<'a> {
    /// Begins behind what is there.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn from_now(dir: &'a StateDir) -> io::Result<Self> {
        let mut file = read::open(dir, 0)?;
        if let Some(file) = &mut file {
            file.seek(SeekFrom::End(0))?;
        }
        Ok(Self {
            dir,
            file,
            begun: Vec::new(),
        })
    }

    /// What was appended since the last call, the oldest first.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn poll(&mut self, wanted: &Wanted) -> io::Result<Vec<Alert>> {
        let mut alerts = Vec::new();
        for number in self.files_to_come()? {
            self.read_on(wanted, &mut alerts)?;
            if self.number_of_own()? != Some(number) {
                self.file = read::open(self.dir, number)?;
                self.begun.clear();
            }
        }
        self.read_on(wanted, &mut alerts)?;
        Ok(alerts)
    }

    /// The numbers of the files behind the one that is read, the oldest first.
    fn files_to_come(&self) -> io::Result<Vec<u32>> {
        // One that was dropped, or never was there: what there is now is all new.
        let end = self.number_of_own()?.unwrap_or(FILES);
        let is_there = |number: &u32| read::open(self.dir, *number).is_ok_and(|one| one.is_some());
        Ok((0..end).rev().filter(is_there).collect())
    }

    fn number_of_own(&self) -> io::Result<Option<u32>> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let own = file.metadata()?;
        for number in 0..FILES {
            if let Some(other) = read::open(self.dir, number)? {
                let other = other.metadata()?;
                if (own.dev(), own.ino()) == (other.dev(), other.ino()) {
                    return Ok(Some(number));
                }
            }
        }
        Ok(None)
    }

    fn read_on(&mut self, wanted: &Wanted, alerts: &mut Vec<Alert>) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.take(2 * MOST_BYTES).read_to_end(&mut self.begun)?;
        let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let rest = self.begun.split_off(end + 1);
        let lines = std::mem::replace(&mut self.begun, rest);
        let found = lines
            .split(|byte| *byte == b'\n')
            .filter_map(read::parse)
            .filter(|alert| wanted.takes(alert));
        alerts.extend(found);
        Ok(())
    }
}
