//! `[retention]` of the configuration file: how much is kept of what is over.

use crate::cli::config::section::Section;
use crate::policy::retention::Retention;

/// Reads the section.
pub(crate) fn read(keys: &mut Section<'_, '_>) -> Retention {
    let default = Retention::default();
    let days = keys
        .whole("days", 1..=36_500)
        .and_then(|days| u32::try_from(days).ok());
    Retention {
        days: days.unwrap_or(default.days),
        max_tasks: keys
            .whole("max_tasks", 0..=u64::from(u32::MAX))
            .unwrap_or(default.max_tasks),
        max_log_bytes: keys.size("max_log_bytes").unwrap_or(default.max_log_bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::cli::config::read;
    use crate::support::paint::Paint;

    #[test]
    fn what_is_kept_is_read_and_the_rest_stays_as_usual() {
        let content = "[retention]\ndays = 30\nmax_log_bytes = \"1GiB\"\n";
        let retention = read(Path::new("c"), content).unwrap().retention;
        assert_eq!(retention.days, 30);
        assert_eq!(retention.max_log_bytes, 1 << 30);
        assert_eq!(retention.max_tasks, 500_000);
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        let content = "[retention]\ndays = 0\nmax_log_byte = \"1GiB\"\n";
        let told = read(Path::new("c"), content)
            .unwrap_err()
            .as_text(Paint::PLAIN);
        assert!(told.contains("line 2, column 8: `days` must be"), "{told}");
        assert!(told.contains("did you mean `max_log_bytes`"), "{told}");
    }
}
