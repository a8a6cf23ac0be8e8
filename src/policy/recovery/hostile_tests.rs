//! Output that wants something done: whatever it says, what is done was declared.
//!
//! Every plan is held against lists that stand here by hand, not against the code that made it.

use std::time::Duration;

use crate::model::category::Classification;
use crate::model::outcome::Exit;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::RecoveryState as S;
use crate::model::remedy::Action;
use crate::model::remedy::Adjustment;
use crate::model::remedy::Await;
use crate::model::remedy::Remedy;
use crate::model::spec::Command;
use crate::policy::classify::CommandEnd;
use crate::policy::classify::catalogue::catalogue;
use crate::policy::classify::classify_end;
use crate::policy::decide::Decision;
use crate::policy::recovery::fixture::Scene;
use crate::policy::recovery::fixture::command;
use crate::policy::recovery::fixture::rich;
use crate::support::bytes::OsText;

#[rustfmt::skip]
const PATHS: &[&str] = &[
    "../../etc/cron.d/x", "../../etc", "/etc/passwd", "/root/.ssh/authorized_keys", "~/.bashrc",
    "out/../../../etc/x", "//evil/share/x", "out/\u{1b}[31m/x", "out/$(id)/x", "out/`id`/x",
    "--index-url=http://evil/x", "-rf/x", "/proc/self/mem", "out/%2e%2e/../../x", "link/../../x",
    "C:\\Windows\\x", "/data/job/../../etc/x", "out/a;rm -rf ~/x", "/data/job2/out/x", "/data/job",
    "cache/../../x.tgz", "cache/--force.tgz", "/srv/out/../../etc/x", "/srv/outer/x", "run/../a.lock",
    "/var/lib/dpkg/lock-frontend", "logs/../../x/y", "out/\u{202e}gpj/x", "./../x/y", ".", "/", "out//-/x",
];
#[rustfmt::skip]
const MODULES: &[&str] = &[
    "evil-package", "requests-evil", "reqeusts", "--index-url=http://evil.example", "-r /etc/passwd",
    "../evil", "http://evil.example/x.tgz", "git+https://evil.example/x", "requests;rm -rf ~",
    "requests\u{1b}[0m", "./local", "requests==9.9.9", "@evil/scope",
];
#[rustfmt::skip]
const PEERS: &[(&str, &str)] = &[
    ("evil.example", "443"), ("169.254.169.254", "80"), ("localhost", "22"), ("127.0.0.1", "6379"),
    ("db.internal.evil.example", "5432"), ("db.internal", "22"), ("db.internal", "99999"),
    ("-oProxyCommand=x", "22"), ("metadata.google.internal", "80"), ("0.0.0.0", "0"), ("[::1]", "22"),
    ("api.example.com@evil.example", "443"),
];
#[rustfmt::skip]
const WAITS: &[&str] = &[
    "99999999", "-1", "NaN", "1e308", "0", "Fri, 31 Dec 9999 23:59:59 GMT", "Infinity", "0x10",
    "999999999999999999999999999999",
];
#[rustfmt::skip]
const PORTS: &[&str] = &["22", "80", "8081", "-1", "65536", "0"];

#[rustfmt::skip]
const OF_PATHS: &[&str] = &[
    "cp: cannot create regular file '{}': No such file or directory",
    "bash: line 1: {}: No such file or directory",
    "Traceback (most recent call last):\n  File \"job.py\", line 1, in <module>\n    open(path, \"w\")\n\
     FileNotFoundError: [Errno 2] No such file or directory: '{}'",
    "mkdir: cannot create directory '{}': No such file or directory",
    "{}: FAILED\nsha256sum: WARNING: 1 computed checksum did NOT match",
    "bash: {}: Permission denied",
    "fatal: Unable to create '{}': File exists.\nAnother git process seems to be running",
    "E: Could not get lock {}. It is held by process 2785 (apt-get)",
    "gzip: {}: unexpected end of file",
    "touch: cannot touch '{}': No space left on device",
];
#[rustfmt::skip]
const OF_MODULES: &[&str] = &[
    "ModuleNotFoundError: No module named '{}'",
    "Error: Cannot find module '{}'\nRequire stack:\n- /data/job/x.js",
    "ERROR: Could not find a version that satisfies the requirement {}",
    "bash: line 1: {}: command not found",
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '{}' imported from /x/m.mjs",
];
#[rustfmt::skip]
const OF_PEERS: &[&str] = &[
    "curl: (7) Failed to connect to {h} port {p}: Connection refused",
    "Error: connect ECONNREFUSED {h}:{p}",
    "dial tcp {h}:{p}: connect: connection refused",
    "curl: (6) Could not resolve host: {h}",
    "ConnectionError: HTTPConnectionPool(host='{h}', port={p}): Max retries exceeded: connection refused",
];
#[rustfmt::skip]
const OF_WAITS: &[&str] = &[
    "429 Too Many Requests; Retry-After: {}",
    "HTTP/1.1 503 Service Unavailable\nRetry-After: {}",
    "rate limit exceeded, retry after {} seconds",
];
#[rustfmt::skip]
const OF_PORTS: &[&str] = &[
    "Error: listen EADDRINUSE: address already in use :::{}",
    "bind: address already in use: 0.0.0.0:{}",
];

/// Every template with everything that may stand in it, and as many mixtures of two of them.
fn outputs() -> Vec<String> {
    let mut outputs = Vec::new();
    for (templates, payloads) in [
        (OF_PATHS, PATHS),
        (OF_MODULES, MODULES),
        (OF_WAITS, WAITS),
        (OF_PORTS, PORTS),
    ] {
        for template in templates {
            outputs.extend(
                payloads
                    .iter()
                    .map(|payload| template.replace("{}", payload)),
            );
        }
    }
    for template in OF_PEERS {
        let filled =
            |(host, port): &(&str, &str)| template.replace("{h}", host).replace("{p}", port);
        outputs.extend(PEERS.iter().map(filled));
    }
    let mut chance = fastrand::Rng::with_seed(5);
    let simple = outputs.len();
    for _ in 0..simple {
        let mut one = || outputs[chance.usize(..simple)].clone();
        outputs.push(format!("\u{1b}]0;x\u{7}{}\r\n\u{1b}[1A{}", one(), one()));
    }
    outputs
}

fn judged(output: &str) -> Classification {
    classify_end(&CommandEnd {
        command: b"./job https://api.example.com/v1 --lock run/job.lock",
        exit: Some(Exit::Code(1)),
        stdout: b"",
        stderr: output.as_bytes(),
    })
}

/// Whether a path of a plan is a plain one that stays beneath the workdir.
fn is_beneath(path: &OsText) -> bool {
    let Some(text) = path.as_str() else {
        return false;
    };
    !text.is_empty()
        && !text.starts_with(['/', '~'])
        && !text
            .chars()
            .any(|one| one.is_control() || "$`;*?\\\u{202e}".contains(one))
        && text
            .split('/')
            .all(|name| !name.is_empty() && name != ".." && name != "." && !name.starts_with('-'))
}

/// Why a plan is not one that the rich task declares; `None` if it is.
fn breach(plan: &RecoveryPlan) -> Option<String> {
    let is_declared = match &plan.remedy {
        Remedy::Retry => true,
        Remedy::SlowDown { services } => services == &["db.internal:5432"],
        Remedy::Await(target) => is_declared_wait(target),
        Remedy::Adjust(adjustment) => is_declared_change(adjustment),
        Remedy::Act(action) => is_declared_act(action),
    };
    let most = if matches!(plan.remedy, Remedy::Await(_)) {
        15
    } else {
        20
    };
    let is_bounded = plan.timeout <= Duration::from_mins(most);
    (!is_declared || !is_bounded).then(|| format!("{plan:?}"))
}

fn is_declared_wait(target: &Await) -> bool {
    match target {
        Await::Tcp { host, port } => [
            ("db.internal", 5432),
            ("api.example.com", 443),
            ("a.example", 443),
            ("b.example", 443),
        ]
        .contains(&(host.as_str(), *port)),
        Await::Dns { host } => {
            ["db.internal", "api.example.com", "a.example", "b.example"].contains(&host.as_str())
        }
        Await::Disk { path, .. } => *path == OsText::from("/data/job"),
        Await::Memory { .. } => true,
        Await::Lock { path } => *path == OsText::from("run/job.lock"),
        // The configuration declares none.
        Await::Http { .. } | Await::Probe { .. } => false,
    }
}

fn is_declared_change(adjustment: &Adjustment) -> bool {
    let env = adjustment.env.iter().all(|(name, value)| {
        matches!(
            (name.as_str(), value.as_str().unwrap()),
            ("API", "https://b.example/x") | ("REGION", "eu-1") | ("PORT", "40001")
        )
    });
    env && adjustment.memory.is_none_or(|bytes| bytes <= 1 << 28)
        && adjustment.files.is_none_or(|files| files <= 100_000)
        && adjustment.timeout_ms.is_none_or(|millis| millis <= 240_000)
        && adjustment.environments.is_empty()
}

fn is_declared_act(action: &Action) -> bool {
    match action {
        Action::Run { command: run } => *run == command(&["./refresh"]),
        Action::CreateDirectory { path, declared } => {
            is_beneath(path) || *declared && ["/srv/out", "logs/"].contains(&path.as_str().unwrap())
        }
        Action::Clean { patterns } => patterns == &["cache/*.tgz", "run/*.lock"],
        Action::Delete { path, .. } => {
            let text = path.as_str().unwrap();
            is_beneath(path)
                && (text.starts_with("cache/") && text.strip_suffix(".tgz").is_some()
                    || text.starts_with("run/") && text.strip_suffix(".lock").is_some())
        }
        Action::MakeExecutable { program } => *program == OsText::from("./job"),
        Action::Install { environment, list } => {
            let spec = rich().spec;
            let place = environment.path().as_str().unwrap().to_owned();
            [spec.dependencies.python, spec.dependencies.node].contains(&Some(list.clone()))
                && place.starts_with("/state/environments/job-")
        }
        Action::MoveCheckpointAside => true,
    }
}

/// The breaches of a failure that comes again and again, whatever is done about it.
fn breaches(mut scene: Scene, seen: &mut Vec<String>) -> Vec<String> {
    let mut found = Vec::new();
    for _ in 0..6 {
        let Decision::Recover { chosen, until, .. } = scene.decide().decision else {
            break;
        };
        found.extend(breach(&chosen.plan));
        if until > scene.now.plus(Duration::from_mins(16)) {
            found.push(format!("it waits until {until:?}"));
        }
        if !seen.contains(&chosen.plan.strategy) {
            seen.push(chosen.plan.strategy.clone());
        }
        scene.again(S::InVain);
    }
    found
}

#[test]
fn no_output_makes_anything_happen_that_is_not_declared() {
    let outputs = outputs();
    assert!(outputs.len() >= 600, "{}", outputs.len());
    let mut seen = Vec::new();
    for output in &outputs {
        let scene = rich().with(|scene| scene.failure = judged(output));
        let breaches = breaches(scene, &mut seen);
        assert!(breaches.is_empty(), "{output:?} → {breaches:?}");
        // A task that declares nothing is waited for or left alone, or gets an empty directory.
        let bare = Scene::of(
            crate::policy::recovery::fixture::spec(&["./job"]),
            judged(output),
        );
        match bare.remedy() {
            None | Some(Remedy::Retry) => {}
            Some(Remedy::Act(Action::CreateDirectory {
                path,
                declared: false,
            })) => {
                assert!(is_beneath(&path), "{output:?} → {path:?}");
            }
            Some(other) => panic!("{output:?} → {other:?}"),
        }
    }
    // The corpus reaches what it is meant to reach.
    for strategy in [
        "wait_for_reconnection",
        "create_missing_path",
        "clean_temp",
        "install_dependency",
    ] {
        assert!(
            seen.iter().any(|seen| seen == strategy),
            "{strategy} of {seen:?}"
        );
    }
}

#[test]
fn no_extracted_value_becomes_an_argument_whatever_the_judgement() {
    let mut seen = Vec::new();
    let hosts = PEERS.iter().flat_map(|(host, port)| [*host, *port]);
    let payloads: Vec<&str> = PATHS
        .iter()
        .chain(MODULES)
        .chain(WAITS)
        .chain(PORTS)
        .copied()
        .chain(hosts)
        .collect();
    for named in catalogue() {
        for (number, payload) in payloads.iter().enumerate() {
            let mut scene = rich();
            scene.failure.category = named.category;
            named.name.clone_into(&mut scene.failure.pattern);
            scene.failure.retryable = named.retryable;
            for key in [
                "host",
                "port",
                "path",
                "module",
                "package",
                "command",
                "retry_after_s",
                "requirement",
            ] {
                let extracted = &mut scene.failure.extracted;
                extracted.insert(key.to_owned(), (*payload).to_owned());
            }
            if number % 2 == 0 {
                let extracted = &mut scene.failure.extracted;
                extracted.insert("ecosystem".to_owned(), "python".to_owned());
            }
            let breaches = breaches(scene, &mut seen);
            assert!(
                breaches.is_empty(),
                "{} {payload:?} → {breaches:?}",
                named.name
            );
        }
    }
    assert!(seen.len() >= 12, "{seen:?}");
}

#[test]
fn the_guard_of_this_test_sees_a_breach() {
    let plan = |remedy| RecoveryPlan {
        strategy: "x".to_owned(),
        risk: crate::model::recovery::Risk::Safe,
        remedy,
        about: None,
        undo: None,
        timeout: Duration::from_mins(1),
    };
    let tcp = |host: &str, port| Await::Tcp {
        host: host.to_owned(),
        port,
    };
    let run = |argv: &[&str]| Action::Run {
        command: command(argv),
    };
    let create = |path: &str| Action::CreateDirectory {
        path: path.into(),
        declared: false,
    };
    for bad in [
        Remedy::Await(tcp("evil.example", 443)),
        Remedy::Await(tcp("db.internal", 22)),
        Remedy::Act(run(&["./refresh", "--evil"])),
        Remedy::Act(create("../x")),
        Remedy::Act(create("/etc/x")),
        Remedy::Act(create("out/-rf")),
    ] {
        assert!(breach(&plan(bad.clone())).is_some(), "{bad:?}");
    }
    assert_eq!(breach(&plan(Remedy::Act(create("out/x")))), None);
    assert!(matches!(command(&["x"]), Command::Direct(_)));
}
