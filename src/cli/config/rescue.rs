//! `[rescue]` of the configuration file: the slower rounds of attempts after the ordinary ones.

use std::time::Duration;

use crate::cli::config::section::Section;
use crate::model::recovery::RescueConfig;

/// More rounds than a night has room for.
const MOST_ROUNDS: u64 = 20;

/// Reads the section.
pub(crate) fn read(keys: &mut Section<'_, '_>) -> RescueConfig {
    let default = RescueConfig::default();
    let max = keys
        .whole("max", 0..=MOST_ROUNDS)
        .and_then(|max| u32::try_from(max).ok());
    let delays = keys.spans("delays", Duration::from_secs(1));
    if delays.as_ref().is_some_and(Vec::is_empty) {
        let what = "`delays` must be a list with at least one length of time; `max = 0` turns rescue rounds off";
        keys.wrong("delays", what.to_owned());
    }
    RescueConfig {
        max: max.unwrap_or(default.max),
        delays: delays.unwrap_or(default.delays),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use crate::cli::config::read;
    use crate::model::recovery::RescueConfig;
    use crate::support::paint::Paint;

    #[test]
    fn rounds_follow_each_other_after_the_written_delays() {
        let content = "[rescue]\nmax = 3\ndelays = [\"1m\", \"10m\"]\n";
        let rescue = read(Path::new("c"), content).unwrap().rescue;
        let delays: Vec<_> = (1..=4).map(|round| rescue.delay(round)).collect();
        let minutes = |minutes| Some(Duration::from_mins(minutes));
        assert_eq!(delays, [minutes(1), minutes(10), minutes(10), None]);
        let default = read(Path::new("c"), "").unwrap().rescue;
        assert_eq!(default, RescueConfig::default());
        let delays: Vec<_> = (0..=4).map(|round| default.delay(round)).collect();
        assert_eq!(delays, [None, minutes(5), minutes(15), minutes(45), None]);
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        for (content, part) in [
            ("[rescue]\nmax = 21\n", "line 2, column 7: `max` must be"),
            (
                "[rescue]\ndelays = []\n",
                "line 2, column 10: `delays` must be",
            ),
            ("[rescue]\ndelays = [\"0s\"]\n", "at least 1s"),
            ("[rescue]\ndelay = \"5m\"\n", "did you mean `delays`?"),
        ] {
            let told = read(Path::new("c"), content)
                .unwrap_err()
                .as_text(Paint::PLAIN);
            assert!(told.contains(part), "{part}\n{told}");
        }
    }
}
