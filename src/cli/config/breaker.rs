//! `[breaker]` and `[breaker.service."NAME"]` of the configuration file: when tasks of a service are
//! kept back, and how it is found out that it is there again.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::cli::config::section::Section;
use crate::model::remedy::Await;
use crate::policy::breaker::{BreakerConfig, BreakerSettings, ServiceSettings};
use crate::support::bytes::OsText;
use crate::taskfile::parse_host_and_port;

/// How many failures or probes may be asked for.
const COUNTS: RangeInclusive<u64> = 1..=1000;
const SECOND: Duration = Duration::from_secs(1);

/// Reads the section with those of the services.
pub(crate) fn read(keys: &mut Section<'_, '_>) -> BreakerConfig {
    let default = settings(keys, &BreakerSettings::default());
    let services = keys.named_tables("service", |name, keys| ServiceSettings {
        settings: settings(keys, &default),
        probe: keys.table("probe", |keys| probe(name, keys)).flatten(),
    });
    BreakerConfig { default, services }
}

/// The probes of all services that have one, by their names.
pub(crate) fn probes(breakers: &BreakerConfig) -> BTreeMap<String, Await> {
    let services = breakers.services.iter();
    services
        .filter_map(|(name, own)| Some((name.clone(), own.probe.clone()?)))
        .collect()
}

/// What is written, and `otherwise` for the rest.
fn settings(keys: &mut Section<'_, '_>, otherwise: &BreakerSettings) -> BreakerSettings {
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let settings = BreakerSettings {
        failures: keys
            .whole("failures", COUNTS)
            .map_or(otherwise.failures, count),
        within: keys.span("within", SECOND).unwrap_or(otherwise.within),
        open_for: keys.span("open_for", SECOND).unwrap_or(otherwise.open_for),
        max_open: keys.span("max_open", SECOND).unwrap_or(otherwise.max_open),
        half_open_calls: keys
            .whole("half_open_calls", COUNTS)
            .map_or(otherwise.half_open_calls, count),
    };
    if keys.is_flawless() && settings.max_open < settings.open_for {
        let written = ["open_for", "max_open"]
            .into_iter()
            .find(|key| keys.is_written(key));
        let what = format!(
            "`max_open` ({}) is shorter than `open_for` ({})",
            humantime::format_duration(settings.max_open),
            humantime::format_duration(settings.open_for)
        );
        keys.wrong(written.unwrap_or_default(), what);
    }
    settings
}

/// `{ tcp = "HOST:PORT" }`, `{ http = "URL" }` or `{ command = [...] }`.
fn probe(service: &str, keys: &mut Section<'_, '_>) -> Option<Await> {
    let tcp = keys.text_as("tcp", |text| {
        let (host, port) = parse_host_and_port(text).ok_or("must be `\"HOST:PORT\"`")?;
        Ok(Await::Tcp { host, port })
    });
    let http = keys.text_as("http", |url| {
        if is_address(url) {
            let url = url.to_owned();
            Ok(Await::Http { url })
        } else {
            Err("must be an address such as `\"https://api.example.com/health\"`".to_owned())
        }
    });
    let command = keys.argv("command").map(|argv| Await::Probe {
        service: service.to_owned(),
        argv: argv.into_iter().map(OsText::from).collect(),
    });
    let written = ["tcp", "http", "command"]
        .into_iter()
        .filter(|key| keys.is_written(key))
        .count();
    if written != 1 {
        let what = "`probe` must be one of `{ tcp = \"HOST:PORT\" }`, `{ http = \"URL\" }` and `{ command = [\"…\"] }`";
        keys.wrong("", what.to_owned());
    }
    tcp.or(http).or(command)
}

fn is_address(url: &str) -> bool {
    let rest = ["http://", "https://"]
        .into_iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let plain = |character: char| !character.is_whitespace() && !character.is_control();
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use crate::cli::config::{Config, read};
    use crate::model::remedy::Await;
    use crate::policy::breaker::BreakerConfig;
    use crate::support::paint::Paint;

    fn config(content: &str) -> Config {
        read(Path::new("c"), content).unwrap()
    }

    #[test]
    fn a_service_has_what_is_written_for_it_and_the_rest_from_all() {
        let config = config(
            "[breaker]\nfailures = 3\nopen_for = \"10s\"\n\
             [breaker.service.\"api.example.com\"]\nopen_for = \"1m\"\n\
             probe = { tcp = \"api.example.com:443\" }\n\
             [breaker.service.db]\nprobe = { command = [\"pg_isready\", \"-q\"] }\n\
             [breaker.service.web]\nprobe = { http = \"http://[::1]:80/health\" }\n",
        );
        let breakers = &config.breakers;
        assert_eq!(breakers.default.failures, 3);
        let api = breakers.settings("api.example.com");
        assert_eq!(api.open_for, Duration::from_mins(1));
        assert_eq!(api.failures, 3);
        assert_eq!(breakers.settings("else").open_for, Duration::from_secs(10));
        let tcp = Await::Tcp {
            host: "api.example.com".to_owned(),
            port: 443,
        };
        assert_eq!(breakers.probe("api.example.com"), Some(&tcp));
        assert_eq!(config.recovery.probes.len(), 3);
        let probe = Await::Probe {
            service: "db".to_owned(),
            argv: ["pg_isready", "-q"].map(Into::into).to_vec(),
        };
        assert_eq!(config.recovery.probes["db"], probe);
    }

    #[test]
    fn nothing_written_is_as_usual() {
        assert_eq!(config("[breaker]\n").breakers, BreakerConfig::default());
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        for (content, part) in [
            (
                "[breaker]\nfailures = 0\n",
                "line 2, column 12: `failures` must be",
            ),
            ("[breaker]\nwithin = \"60\"\n", "write the unit too"),
            (
                "[breaker]\nopen_for = \"20m\"\n",
                "line 2, column 12: `max_open` (15m) is shorter",
            ),
            (
                "[breaker.service.a]\nfailurs = 2\n",
                "did you mean `failures`?",
            ),
            (
                "[breaker.service.a]\nprobe = { tcp = \"host\" }\n",
                "must be `\"HOST:PORT\"`",
            ),
            (
                "[breaker.service.a]\nprobe = { tcp = \"a:1\", http = \"http://a\" }\n",
                "must be one of",
            ),
            ("[breaker.service.a]\nprobe = {}\n", "must be one of"),
            (
                "[breaker.service.a]\nprobe = { http = \"ftp://a\" }\n",
                "must be an address",
            ),
            (
                "[breaker.service.a]\nprobe = { command = [] }\n",
                "names no program",
            ),
            ("[breaker.service]\na = 1\n", "`a` must be a table"),
        ] {
            let told = read(Path::new("c"), content)
                .unwrap_err()
                .as_text(Paint::PLAIN);
            assert!(told.contains(part), "{part}\n{told}");
            assert!(told.contains("has 1 error"), "{told}");
        }
    }
}
