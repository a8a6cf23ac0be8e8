//! What is waited for: declared, measured, bounded.

use super::*;
use crate::model::category::Retryable as R;
use crate::model::recovery::RecoveryState as S;
use crate::policy::recovery::fixture::Scene;

fn refused(argv: &[&str]) -> Scene {
    Scene::new(C::Network, "connection_refused", R::Yes).command(argv)
}

#[test]
fn only_a_declared_peer_is_probed_whatever_the_output_names() {
    let dump = ["pg_dump", "-h", "db.internal"];
    for (host, port, wanted) in [
        (None, None, Some(("db.internal", 5432))),
        (Some("db.internal"), None, Some(("db.internal", 5432))),
        (
            Some("DB.internal"),
            Some("5432"),
            Some(("db.internal", 5432)),
        ),
        (None, Some("5432"), Some(("db.internal", 5432))),
        (Some("db.internal"), Some("22"), None),
        (Some("evil.example"), Some("5432"), None),
        (Some("evil.example"), None, None),
        (Some("db.internal.evil.example"), None, None),
        (Some("-oProxyCommand=x"), None, None),
        (None, Some("22"), None),
        (None, Some("99999"), Some(("db.internal", 5432))),
    ] {
        let mut scene = refused(&dump);
        for (name, value) in [("host", host), ("port", port)] {
            if let Some(value) = value {
                scene = scene.found(name, value);
            }
        }
        let wanted = wanted.map(|(host, port)| Remedy::Await(tcp(host, port)));
        let remedy = scene.remedy();
        assert_eq!(remedy, wanted.or(Some(Remedy::Retry)), "{host:?} {port:?}");
    }
}

#[test]
fn an_address_stands_for_the_one_declared_host_that_the_same_line_names() {
    let argv = [
        "./job",
        "--db",
        "tcp://db.internal:5432",
        "tcp://api.example:443",
    ];
    for (line, wanted) in [
        (
            "connect to db.internal (10.0.0.5) port 5432: refused",
            Some("db.internal"),
        ),
        ("connect to 10.0.0.5 port 5432: refused", None),
        (
            "connect to xdb.internal (10.0.0.5) port 5432: refused",
            None,
        ),
        (
            "connect to db.internal or api.example (10.0.0.5): refused",
            None,
        ),
    ] {
        let scene = refused(&argv).found("host", "10.0.0.5").with(|scene| {
            scene.failure.line = Some(line.to_owned());
        });
        let wanted = wanted.map(|host| Remedy::Await(tcp(host, 5432)));
        assert_eq!(scene.remedy(), wanted.or(Some(Remedy::Retry)), "{line}");
    }
}

#[test]
fn a_lock_that_is_a_file_s_presence_is_not_looked_for_among_the_kernel_s() {
    let scene = Scene::new(C::Resource, "busy", R::Yes)
        .command(&["./job", "--lock", "run/job.lock"])
        .found("path", "run/job.lock");
    assert!(matches!(
        scene.remedy(),
        Some(Remedy::Await(Await::Lock { .. }))
    ));
    let line = "fatal: Unable to create '/data/job/run/job.lock': File exists.";
    let scene = scene.with(|scene| scene.failure.line = Some(line.to_owned()));
    assert_eq!(scene.remedy(), Some(Remedy::Retry));
}

#[test]
fn among_several_peers_nothing_is_guessed() {
    let scene = refused(&["./job", "https://a.example", "https://b.example"]);
    assert_eq!(scene.remedy(), Some(Remedy::Retry));
    let scene = scene.with(|scene| scene.spec.service.push("b.example".to_owned()));
    assert_eq!(scene.remedy(), Some(Remedy::Await(tcp("b.example", 443))));
}

#[test]
fn a_requirement_is_waited_for_as_it_is_written() {
    let scene = Scene::new(C::Network, "requirement_unreachable", R::Yes).with(|scene| {
        scene.spec.requires.push(Requirement::Tcp {
            host: "db".to_owned(),
            port: 5432,
        });
    });
    let found = scene.clone().found("requirement", "tcp:db:5432");
    assert_eq!(found.remedy(), Some(Remedy::Await(tcp("db", 5432))));
    let other = scene.found("requirement", "tcp:evil:1");
    assert_eq!(other.remedy(), Some(Remedy::Retry));
}

#[test]
fn a_name_is_looked_up_only_if_it_is_declared() {
    let scene =
        Scene::new(C::Network, "dns_failure", R::Yes).command(&["curl", "https://a.example"]);
    let dns = |host: &str| {
        Remedy::Await(Await::Dns {
            host: host.to_owned(),
        })
    };
    assert_eq!(scene.remedy(), Some(dns("a.example")));
    assert_eq!(
        scene.found("host", "evil.example").remedy(),
        Some(Remedy::Retry)
    );
}

#[test]
fn a_lock_is_waited_for_only_where_the_definition_names_it() {
    for (argv, found, wanted) in [
        (
            &["flock", "-w", "5", "run/job", "./x"][..],
            None,
            Some("run/job"),
        ),
        (&["./job", "--lock=a.lock"], None, Some("a.lock")),
        (
            &["./job", "--lock=a.lock"],
            Some("/data/job/a.lock"),
            Some("a.lock"),
        ),
        (
            &["./job", "/var/lock/a.lock"],
            Some("/var/lock/a.lock"),
            Some("/var/lock/a.lock"),
        ),
        (&["./job"], Some("/var/lib/dpkg/lock"), None),
        (&["./job"], Some("a.lock"), None),
        (&["./job", "a.lock"], Some("../a.lock"), None),
        (&["./job", "a.lock", "b.lock"], None, None),
        (&["./job"], None, None),
    ] {
        let mut scene = Scene::new(C::Resource, "busy", R::Yes).command(argv);
        if let Some(found) = found {
            scene = scene.found("path", found);
        }
        let wanted = wanted.map_or(Remedy::Retry, |path| {
            Remedy::Await(Await::Lock { path: path.into() })
        });
        assert_eq!(scene.remedy(), Some(wanted), "{argv:?} {found:?}");
    }
}

#[test]
fn space_and_memory_are_waited_for_by_what_was_there() {
    let disk = |free| {
        let scene = Scene::new(C::Resource, "disk_full", R::AfterFix);
        scene
            .with(|scene| scene.recovery.host.disk_free = free)
            .remedy()
    };
    let free = |free| {
        Remedy::Await(Await::Disk {
            path: "/data/job".into(),
            free,
        })
    };
    assert_eq!(disk(Some(0)), Some(free(64 * MIB)));
    assert_eq!(disk(Some(400 * MIB)), Some(free(600 * MIB)));
    assert_eq!(
        disk(Some(2048 * MIB)),
        Some(Remedy::Retry),
        "another one is full"
    );
    assert_eq!(disk(None), Some(Remedy::Retry));
    let memory = |peak, now, total| {
        let scene = Scene::new(C::Resource, "out_of_memory", R::AfterFix).with(|scene| {
            scene.outcome.usage.max_rss_bytes = peak;
            scene.recovery.host.memory_available = Some(now);
            scene.recovery.host.memory_total = Some(total);
        });
        scene.remedy()
    };
    let available = |available| Some(Remedy::Await(Await::Memory { available }));
    assert_eq!(memory(400, 100, 10_000), available(500));
    assert_eq!(
        memory(4000, 100, 1000),
        available(900),
        "no more than there can be"
    );
    assert_eq!(memory(0, 100 * MIB, 10_000 * MIB), available(356 * MIB));
    assert_eq!(
        memory(400, 600, 1000),
        Some(Remedy::Retry),
        "it is there already"
    );
}

#[test]
fn fewer_at_once_use_a_service_that_asks_for_it_again() {
    let mut scene = Scene::new(C::RateLimit, "http_429", R::Yes)
        .found("retry_after_s", "99999999")
        .with(|scene| scene.spec.service.push("api".to_owned()));
    let plan = scene.plan().unwrap();
    assert_eq!(plan.strategy, "wait_retry_after");
    // However much is asked, no more than the cap of fifteen minutes.
    assert_eq!(plan.about.as_deref(), Some("15m 00s"));
    assert!(scene.again(S::InVain).is_some());
    let services = vec!["api".to_owned()];
    assert_eq!(scene.remedy(), Some(Remedy::SlowDown { services }));
}

#[test]
fn a_retry_after_that_means_nothing_is_an_ordinary_wait() {
    for value in ["-5", "NaN", "soon", "", "0", "1e999x"] {
        let scene = Scene::new(C::RateLimit, "http_429", R::Yes).found("retry_after_s", value);
        assert_eq!(
            scene.strategy().as_deref(),
            Some("wait_and_retry"),
            "{value}"
        );
    }
}
