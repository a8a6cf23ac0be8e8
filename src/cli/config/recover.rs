//! `[recover]` of the configuration file: how far recoveries may go on this machine.
//!
//! Probes of services stand in `[breaker.service."NAME"]`; whoever reads the file puts them beside this.

use crate::cli::config::section::Section;
use crate::model::recovery::{RecoverMode, RecoveryConfig};
use crate::taskfile::check_guarded;

/// Reads the section.
pub(crate) fn read(keys: &mut Section<'_, '_>) -> RecoveryConfig {
    let default = RecoveryConfig::default();
    RecoveryConfig {
        mode: keys
            .word(
                "mode",
                &[
                    ("off", RecoverMode::Off),
                    ("suggest", RecoverMode::Suggest),
                    ("safe", RecoverMode::Safe),
                    ("full", RecoverMode::Full),
                ],
            )
            .unwrap_or(default.mode),
        allow: keys
            .texts_as("allow", |name| {
                check_guarded(name)
                    .map(|()| name.to_owned())
                    .map_err(|hint| format!("must name guarded strategies ({hint})"))
            })
            .unwrap_or(default.allow),
        probes: default.probes,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::cli::config::read;
    use crate::model::recovery::{RecoverMode, RecoveryConfig};
    use crate::support::paint::Paint;

    #[test]
    fn what_is_written_holds_and_the_rest_has_defaults() {
        let content =
            "[recover]\nmode = \"full\"\nallow = [\"install_dependency\", \"fetch_again\"]\n";
        let recovery = read(Path::new("c"), content).unwrap().recovery;
        assert_eq!(recovery.mode, RecoverMode::Full);
        assert_eq!(recovery.allow, ["install_dependency", "fetch_again"]);
        let default = read(Path::new("c"), "[recover]\n").unwrap().recovery;
        assert_eq!(default, RecoveryConfig::default());
        assert_eq!(default.mode, RecoverMode::Safe);
    }

    #[test]
    fn everything_wrong_is_told_with_its_place() {
        let content = "[recover]\nmode = \"brave\"\nallow = [\"install_dependancy\", \"run_alone\"]\nallows = []\n";
        let told = read(Path::new("c"), content)
            .unwrap_err()
            .as_text(Paint::PLAIN);
        for line in [
            "line 2, column 8: `mode` must be `\"off\"`, `\"suggest\"`, `\"safe\"` or `\"full\"`, found `\"brave\"`",
            "line 3, column 10: `allow` must name guarded strategies (did you mean `install_dependency`?)",
            "line 3, column 32: `allow` must name guarded strategies (`run_alone` needs nobody's word",
            "line 4, column 1: unknown key `allows`; did you mean `allow`?",
        ] {
            assert!(told.contains(line), "{line}\n{told}");
        }
    }
}
