//! `[health]` of the configuration file: where good ends.
//!
//! What follows from a limit is `policy::health`'s.

use std::time::Duration;

use crate::cli::config::section::Section;
use crate::policy::health::Thresholds;

/// Reads the section.
pub(crate) fn read(keys: &mut Section<'_, '_>) -> Thresholds {
    let default = Thresholds::default();
    let minute = Duration::from_mins(1);
    let mut percent = |name, default: u8| {
        let written = keys.whole(name, 0..=100);
        written
            .and_then(|number| u8::try_from(number).ok())
            .unwrap_or(default)
    };
    let inodes_free = percent("inodes_free", default.inodes_free);
    let memory_free = percent("memory_free", default.memory_free);
    let failed = percent("failed", default.failed);
    Thresholds {
        disk_free: keys.size("disk_free").or(default.disk_free),
        inodes_free,
        memory_free,
        load: keys
            .whole("load", 1..=1000)
            .and_then(|number| u16::try_from(number).ok())
            .unwrap_or(default.load),
        database_size: keys.size("database_size").unwrap_or(default.database_size),
        stalled_after: keys
            .span("stalled_after", minute)
            .unwrap_or(default.stalled_after),
        no_run_for: keys
            .span("no_run_for", minute)
            .unwrap_or(default.no_run_for),
        failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config;
    use crate::support::paint::Paint;
    use std::path::Path;

    #[test]
    fn what_is_written_holds_and_the_rest_has_defaults() {
        let written = "[health]\ndisk_free = \"2GiB\"\nstalled_after = \"45m\"\nload = 8\n\
                       inodes_free = 1\nmemory_free = 0\nfailed = 50\nno_run_for = \"7d\"\n\
                       database_size = \"500MiB\"\n";
        let limits = config::read(Path::new("c"), written).unwrap().health;
        let wanted = Thresholds {
            disk_free: Some(2 << 30),
            inodes_free: 1,
            memory_free: 0,
            load: 8,
            database_size: 500 << 20,
            stalled_after: Duration::from_mins(45),
            no_run_for: Duration::from_hours(7 * 24),
            failed: 50,
        };
        assert_eq!(limits, wanted);
        let none = config::read(Path::new("c"), "[health]\n").unwrap().health;
        assert_eq!(none, Thresholds::default());
    }

    #[test]
    fn everything_wrong_is_told() {
        let written =
            "[health]\ndisk_free = \"much\"\nstalled_after = \"1s\"\nfailed = 101\nscore = 1\n";
        let told = config::read(Path::new("c"), written)
            .unwrap_err()
            .as_text(Paint::PLAIN);
        for piece in [
            "4 errors",
            "`disk_free` must be a size",
            "`stalled_after` must be",
            "`failed` must be",
            "unknown key `score`",
        ] {
            assert!(told.contains(piece), "{piece}\n{told}");
        }
    }
}
