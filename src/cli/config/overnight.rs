//! `[overnight]` of the configuration file: the hours in which tasks may run.
//!
//! What the hours mean on a given day is `policy::window`. Which zone a machine is in is read here,
//! from its own files: a program that carried zones along would be wrong as soon as a parliament
//! decides something.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::cli::config::section::Section;
use crate::cli::settings::Settings;
use crate::policy::window::{AtEnd, ClockTime, Hours};

/// When nights begin where nothing is written.
const DEFAULT_START: ClockTime = ClockTime::new(22, 0).unwrap();
/// When they end.
const DEFAULT_END: ClockTime = ClockTime::new(7, 0).unwrap();

/// The hours of `run --overnight`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overnight {
    start: ClockTime,
    end: ClockTime,
    /// None: the machine's own.
    zone: Option<TimeZone>,
    /// What becomes of tasks that run when the window ends.
    pub at_end: AtEnd,
}

impl Default for Overnight {
    fn default() -> Self {
        Self {
            start: DEFAULT_START,
            end: DEFAULT_END,
            zone: None,
            at_end: AtEnd::Stop,
        }
    }
}

impl Overnight {
    /// The hours, in the zone that was written or the machine's own; `None` for hours that were
    /// refused when they were read.
    pub fn hours(&self) -> Option<Hours> {
        let zone = self.zone.clone().unwrap_or_else(local_zone);
        Hours::new(self.start, self.end, zone).ok()
    }

    /// When nights begin, by the clocks of their zone.
    pub const fn start(&self) -> ClockTime {
        self.start
    }

    /// The zone that is written; `None` for the machine's own.
    pub const fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }
}

/// The machine's own zone: `TZ`, else `/etc/localtime`; UTC where neither tells.
pub fn local_zone() -> TimeZone {
    let is_told = Settings::surroundings().0.contains_key("TZ");
    let of_machine = if is_told { None } else { zone_of_machine() };
    of_machine.unwrap_or_else(|| TimeZone::try_system().unwrap_or(TimeZone::UTC))
}

/// The zone that `/etc/localtime` leads to, by its name. Whoever looks a zone up by its name alone goes through
/// the folders of all zones first.
fn zone_of_machine() -> Option<TimeZone> {
    let file = Path::new("/etc/localtime");
    let target = std::fs::read_link(file).ok()?;
    let (_, name) = target.to_str()?.rsplit_once("zoneinfo/")?;
    TimeZone::tzif(name, &std::fs::read(file).ok()?).ok()
}

/// Reads the section.
pub(crate) fn read(keys: &mut Section<'_, '_>) -> Overnight {
    let default = Overnight::default();
    let hours = Overnight {
        start: keys.text_as("start", read_time).unwrap_or(default.start),
        end: keys.text_as("end", read_time).unwrap_or(default.end),
        zone: keys.text_as("timezone", read_zone).flatten(),
        at_end: keys
            .word(
                "at_end",
                &[("stop", AtEnd::Stop), ("finish", AtEnd::Finish)],
            )
            .unwrap_or(default.at_end),
    };
    if keys.is_flawless()
        && let Err(impossible) = Hours::new(hours.start, hours.end, TimeZone::UTC)
    {
        let written = ["start", "end"]
            .into_iter()
            .find(|key| keys.is_written(key));
        keys.wrong(written.unwrap_or_default(), impossible.to_string());
    }
    hours
}

fn read_time(text: &str) -> Result<ClockTime, String> {
    ClockTime::parse(text).ok_or_else(|| "must be a time such as `\"22:00\"`".to_owned())
}

/// A zone by its name; `None` for the machine's own.
fn read_zone(name: &str) -> Result<Option<TimeZone>, String> {
    if name == "local" {
        return Ok(None);
    }
    TimeZone::get(name).map(Some).map_err(|_| {
        "must be `\"local\"` or a zone that this machine knows, such as `\"Europe/Berlin\"`"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::{Config, read};
    use crate::support::clock::Timestamp;
    use crate::support::paint::Paint;
    use std::path::Path;

    fn config(content: &str) -> Config {
        read(Path::new("c"), content).unwrap()
    }

    fn refused(content: &str) -> String {
        read(Path::new("c"), content)
            .unwrap_err()
            .as_text(Paint::PLAIN)
    }

    #[test]
    fn what_is_written_holds_and_the_rest_has_defaults() {
        let written = config(
            "[overnight]\nstart = \"20:30\"\nend = \"05:15\"\ntimezone = \"Asia/Tokyo\"\n\
             at_end = \"finish\"\n",
        );
        assert_eq!(written.overnight.at_end, AtEnd::Finish);
        let night = written
            .overnight
            .hours()
            .unwrap()
            .window(Timestamp::from_millis(0))
            .unwrap();
        // The epoch is 09:00 in Tokyo.
        assert_eq!(night.start.as_millis(), 41_400_000);
        assert_eq!(night.end.as_millis(), 72_900_000);
        assert_eq!(config("[overnight]\n").overnight, Overnight::default());
    }

    #[test]
    fn everything_wrong_is_told_with_its_place() {
        let told = refused(
            "[overnight]\nstart = \"25:00\"\nend = 7\ntimezone = \"Mars/Olympus\"\n\
             at_end = \"panic\"\ntime_zone = \"UTC\"\n",
        );
        for line in [
            "line 2, column 9: `start` must be a time such as `\"22:00\"`, found `\"25:00\"`",
            "line 3, column 7: `end` must be a string, found an integer",
            "line 4, column 12: `timezone` must be `\"local\"` or a zone that this machine knows",
            "line 5, column 10: `at_end` must be `\"stop\"` or `\"finish\"`, found `\"panic\"`",
            "line 6, column 1: unknown key `time_zone`; did you mean `timezone`?",
        ] {
            assert!(told.contains(line), "{line}\n{told}");
        }
    }

    #[test]
    fn hours_without_any_time_are_impossible() {
        let told = refused("[overnight]\nstart = \"07:00\"\n");
        assert!(
            told.contains("line 2, column 9: `start` and `end` are both 07:00"),
            "{told}"
        );
        let told = refused("[overnight]\nend = \"22:00\"\n");
        assert!(told.contains("both 22:00"), "{told}");
    }

    #[test]
    fn the_zone_of_the_machine_is_the_one_of_its_name() {
        // Some machines have a copy instead of a link: they are asked for by the long way.
        if let Some(found) = zone_of_machine() {
            let name = found.iana_name().unwrap();
            let instant = jiff::Timestamp::from_second(1_795_000_000).unwrap();
            let offset = |zone: &TimeZone| zone.to_offset(instant);
            assert_eq!(offset(&found), offset(&TimeZone::get(name).unwrap()));
        }
    }

    #[test]
    fn names_of_zones_cannot_lead_out_of_the_folder_of_zones() {
        for name in ["../../etc/passwd", "/etc/localtime", "", "Europe/../UTC"] {
            assert!(read_zone(name).is_err(), "{name}");
        }
    }
}
