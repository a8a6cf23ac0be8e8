//! The last nights, each with how its tasks fared.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Days;
use chrono::NaiveDate;
use chrono::Timelike;

use crate::model::ids::RunId;
use crate::store::Reader;
use crate::store::StoreError;
use crate::store::runs::COMMAND_MODE;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;

/// So many nights are told.
const NIGHTS: usize = 14;
/// The most runs that are looked at for them.
const RUNS: usize = 500;
/// The most attempts that are looked at for them.
const ATTEMPTS: usize = 300_000;

/// A night: from noon to noon, named by the day on which it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Night {
    /// The day on which it began.
    pub day: NaiveDate,
    /// Tasks that succeeded at once.
    pub ok: usize,
    /// Tasks that succeeded after a failure in the same run.
    pub recovered: usize,
    /// Tasks that failed for good.
    pub failed: usize,
    /// Tasks that came to no end.
    pub open: usize,
    /// How long all attempts took.
    pub busy: Duration,
}

impl Night {
    /// How many tasks had attempts in it.
    pub const fn tasks(&self) -> usize {
        self.ok + self.recovered + self.failed + self.open
    }
}

/// The nights in which something ran, the oldest first.
pub(super) fn load(reader: &Reader, zone: Zone) -> Result<Vec<Night>, StoreError> {
    let mut nights: BTreeMap<NaiveDate, Night> = BTreeMap::new();
    let mut days: BTreeMap<RunId, NaiveDate> = BTreeMap::new();
    let mut first = None;
    for run in reader.runs(RUNS)? {
        if run.mode == COMMAND_MODE {
            continue;
        }
        let day = day_of(run.window_start.unwrap_or(run.started_at), zone);
        if nights.len() == NIGHTS && !nights.contains_key(&day) {
            break;
        }
        nights.entry(day).or_insert(Night {
            day,
            ok: 0,
            recovered: 0,
            failed: 0,
            open: 0,
            busy: Duration::ZERO,
        });
        days.insert(run.id, day);
        first = Some(run.first_attempt);
    }
    let Some(first) = first else {
        return Ok(Vec::new());
    };
    for share in reader.shares(first, ATTEMPTS)? {
        let night = days.get(&share.run).and_then(|day| nights.get_mut(day));
        let Some(night) = night else {
            continue;
        };
        night.busy += share.busy;
        let count = match (share.succeeded, share.failed) {
            (true, _) if share.stumbled => &mut night.recovered,
            (true, _) => &mut night.ok,
            (false, true) => &mut night.failed,
            (false, false) => &mut night.open,
        };
        *count += 1;
    }
    Ok(nights
        .into_values()
        .filter(|night| night.tasks() > 0)
        .collect())
}

/// The day on which the night of an instant began.
fn day_of(instant: Timestamp, zone: Zone) -> NaiveDate {
    let local = zone.at(instant);
    let day = local.date_naive();
    if local.hour() < 12 {
        day.checked_sub_days(Days::new(1)).unwrap_or(day)
    } else {
        day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_goes_from_noon_to_noon() {
        // 23:13 on 14 November 2023, one hour east of Greenwich.
        let at = Timestamp::from_millis(1_700_000_000_000);
        let zone = Zone::East(3600);
        let day = |hours| {
            day_of(at.plus(Duration::from_hours(hours)), zone)
                .format("%d")
                .to_string()
        };
        assert_eq!([day(0), day(12), day(13)], ["14", "14", "15"]);
    }
}
