//! Output that wants something done, against the real program with everything allowed: files, processes
//! and connections are watched, and nothing happens but what the tasks declare.
//!
//! Suite T11: `cargo test --test it healing_hostile:: -- --nocapture`. The short form takes every seventh
//! of the outputs, beginning with one of the first; the long one (`AUTOEXEC_FAULTS=long`) all of them.
//! What is chosen for an output, without a program, is `src/policy`'s.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::healing::{Fast, free};
use crate::sandbox::Sandbox;
use crate::trials::Trials;

#[rustfmt::skip]
const PATHS: &[&str] = &[
    "made/here/x", "../../etc/cron.d/x", "../outside/x/y", "../outside", "/etc/autoexec-hostile/x", "{ROOT}/outside/deep/x",
    "~/.bashrc/x", "out/../../outside/x/y", "//evil/share/x", "out/\u{1b}[31m/x", "out/$(touch pwned)/x",
    "out/`touch pwned`/x", "--index-url=http://evil/x", "-rf/x", "/proc/self/mem", "out/%2e%2e/../../x",
    "link/x/y", "link/deep/../x", "C:\\Windows\\x", "{WORK}/../outside/z/x", "out/a;touch pwned/x",
    "{WORK}2/out/x", "{WORK}", "cache/../../outside/x.tgz", "cache/--force.tgz", "cache/link.tgz",
    "/var/lib/dpkg/lock-frontend", "logs/../../x/y", "out/\u{202e}gpj/x", "./../x/y", ".", "/", "out//-/x",
    "run/../../outside/a.lock", "kept/file",
];
#[rustfmt::skip]
const MODULES: &[&str] = &[
    "evil-package", "requests-evil", "reqeusts", "--index-url=http://127.0.0.1:{TRAP}", "-r /etc/passwd",
    "../evil", "http://127.0.0.1:{TRAP}/x.tgz", "git+https://evil.example/x", "requests;touch pwned",
    "requests\u{1b}[0m", "./local", "requests==9.9.9", "@evil/scope", "$(touch pwned)",
];
#[rustfmt::skip]
const PEERS: &[(&str, &str)] = &[
    ("127.0.0.1", "{TRAP}"), ("localhost", "{TRAP}"), ("::1", "{TRAP}"), ("127.0.0.2", "{TRAP}"),
    ("0.0.0.0", "{TRAP}"), ("evil.example", "{TRAP}"), ("localhost", "22"), ("localhost", "99999"),
    ("-oProxyCommand=touch pwned", "22"), ("127.0.0.1@evil.example", "{TRAP}"), ("[::1]", "{TRAP}"),
    ("localhost.evil.example", "{OPEN}"),
];
#[rustfmt::skip]
const WAITS: &[&str] = &[
    "99999999", "-1", "NaN", "1e308", "0", "Fri, 31 Dec 9999 23:59:59 GMT", "Infinity", "0x10",
    "999999999999999999999999999999",
];
#[rustfmt::skip]
const PORTS: &[&str] = &["22", "80", "{TRAP}", "-1", "65536", "0"];
/// Messages with a place for a value, and the values that stand in it.
#[rustfmt::skip]
const SHAPES: &[(&[&str], &[&str])] = &[
    (&[
        "cp: cannot create regular file '{}': No such file or directory",
        "bash: line 1: {}: No such file or directory",
        "Traceback (most recent call last):\n  File \"job.py\", line 1, in <module>\nFileNotFoundError: [Errno 2] No such file or directory: '{}'",
        "{}: FAILED\nsha256sum: WARNING: 1 computed checksum did NOT match",
        "bash: {}: Permission denied",
        "fatal: Unable to create '{}': File exists.\nAnother git process seems to be running",
        "gzip: {}: unexpected end of file",
        "touch: cannot touch '{}': No space left on device",
    ], PATHS),
    (&[
        "ModuleNotFoundError: No module named '{}'",
        "Error: Cannot find module '{}'\nRequire stack:\n- /data/job/x.js",
        "bash: line 1: {}: command not found",
    ], MODULES),
    (&[
        "HTTP/1.1 429 Too Many Requests\nRetry-After: {}",
        "HTTP/1.1 503 Service Unavailable\nRetry-After: {}",
    ], WAITS),
    (&["Error: listen EADDRINUSE: address already in use :::{}"], PORTS),
];
#[rustfmt::skip]
const OF_PEERS: &[&str] = &[
    "curl: (7) Failed to connect to {h} port {p}: Connection refused",
    "Error: connect ECONNREFUSED {h}:{p}",
    "curl: (6) Could not resolve host: {h}",
];
/// Programs that a task could be made to start; each of them tells that it ran.
const PROGRAMS: &[&str] = &[
    "python3", "python", "pip", "pip3", "npm", "npx", "node", "curl", "wget", "git", "sudo",
    "apt-get", "ssh", "nc", "bash", "touch",
];

/// Every message with every value, and the places of the test filled in.
fn outputs(places: &BTreeMap<&str, String>) -> Vec<String> {
    let mut outputs: Vec<String> = Vec::new();
    for (shapes, values) in SHAPES {
        for shape in *shapes {
            outputs.extend(values.iter().map(|value| shape.replace("{}", value)));
        }
    }
    for shape in OF_PEERS {
        let fill = |(host, port): &(&str, &str)| shape.replace("{h}", host).replace("{p}", port);
        outputs.extend(PEERS.iter().map(fill));
    }
    let filled = outputs
        .iter()
        .map(|text| crate::healing::filled(text, places));
    filled.collect()
}

/// Everything below a folder, with what each file holds.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap().flatten() {
            let (path, about) = (entry.path(), entry.file_type().unwrap());
            let name = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if name == "state" {
                continue;
            }
            let content = if about.is_dir() {
                folders.push(path);
                "a folder".to_owned()
            } else if about.is_symlink() {
                format!("a link to {}", std::fs::read_link(&path).unwrap().display())
            } else {
                let mode = entry.metadata().unwrap().permissions().mode();
                format!("{mode:o} {:?}", std::fs::read(&path).unwrap())
            };
            found.insert(name, content);
        }
    }
    found
}

#[test]
fn hostile_output_makes_nothing_happen_that_is_not_declared() {
    let mut trials = Trials::of("T11 hostile advice", 55, u64::MAX);
    let sandbox = Arc::new(Sandbox::new());
    sandbox.configure("[recover]\nmode = \"full\"\n\
         allow = [\"install_dependency\", \"make_executable\", \"remove_stale_lock\", \"fetch_again\"]\n",
    );
    let (trap, open) = (free(), free());
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port().to_string();
    let root = sandbox.work().parent().unwrap().to_owned();
    let places = BTreeMap::from([
        ("TRAP", port(&trap)),
        ("OPEN", port(&open)),
        ("ROOT", root.to_str().unwrap().to_owned()),
        ("WORK", sandbox.work().to_str().unwrap().to_owned()),
    ]);
    // What may be deleted, what must not be, and a way out of the workdir.
    for file in [
        "cache/a.tgz",
        "run/a.lock",
        "kept/file",
        "../outside/x.tgz",
        "../outside/a.lock",
    ] {
        sandbox.file(file, "here");
    }
    std::os::unix::fs::symlink("../outside", sandbox.work().join("link")).unwrap();
    std::os::unix::fs::symlink("../../outside/x.tgz", sandbox.work().join("cache/link.tgz"))
        .unwrap();
    sandbox.file("requirements.txt", "declared==1.0\n");
    sandbox.file("job", "#!/bin/sh\ncat \"$1\" >&2\nexit 1\n");
    for program in PROGRAMS {
        let script = format!(
            "#!/bin/sh\necho \"{program} $*\" >> {}/ran\nexit 1\n",
            root.display()
        );
        let path = sandbox.file(&format!("../bin/{program}"), script);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(
        sandbox.work().join("job"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();

    let all = outputs(&places);
    let (first, every) = trials.stride(all.len());
    let outputs: Vec<String> = all.into_iter().skip(first).step_by(every).collect();
    let mut tasks = Vec::new();
    for (number, output) in outputs.iter().enumerate() {
        sandbox.file(&format!("said/{number}"), output);
        tasks.push(format!(
            "[[task]]\nname = \"t{number}\"\ncommand = [\"./job\", \"said/{number}\"]\n\
             env = {{ DB = \"tcp://127.0.0.1:{OPEN}\", PORT = \"{OPEN}\" }}\nretries = 2\n\
             retry = {{ base = \"10ms\", cap = \"20ms\", on.rate_limit.cap = \"20ms\" }}\n\
             recover_mode = \"full\"\ntemp = [\"cache/*.tgz\", \"run/*.lock\"]\n\
             dependencies = {{ python = \"requirements.txt\" }}\n",
            OPEN = places["OPEN"]
        ));
    }
    sandbox.file("night.toml", tasks.concat());
    let before = tree(&root);

    let fast = Fast::begin(Arc::clone(&sandbox), 60);
    let path = format!("{}/bin:{}", root.display(), std::env::var("PATH").unwrap());
    let run = sandbox
        .command()
        .args(["run", "night.toml", "--no-progress", "-j8"])
        .env("PATH", path)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let answer = run.wait_with_output().unwrap();
    drop(fast);
    let log = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert_eq!(answer.status.code(), Some(1), "{log}");

    let after = tree(&root);
    let is_ours = |name: &str| ["clock", "clock.new", "ran"].contains(&name);
    for (name, content) in &after {
        let is_new_folder =
            !before.contains_key(name) && content == "a folder" && name.starts_with("work/");
        assert!(
            is_ours(name) || before.get(name) == Some(content) || is_new_folder,
            "`{name}` is new or changed: {content}\n{log}"
        );
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        assert!(
            ["work/cache/a.tgz", "work/cache/link.tgz", "work/run/a.lock"].contains(&name.as_str()),
            "`{name}` is gone\n{log}"
        );
    }
    assert!(!Path::new("/etc/autoexec-hostile").exists());
    trap.set_nonblocking(true).unwrap();
    let visit = trap.accept().map(|(_, from)| from);
    assert_eq!(visit.unwrap_err().kind(), ErrorKind::WouldBlock);
    let ran = std::fs::read_to_string(root.join("ran")).unwrap_or_default();
    for line in ran.lines() {
        // An environment is made before anything is installed, and here that fails.
        assert!(
            line.starts_with("python3 -I -m venv ") || line.starts_with("python3 -m venv "),
            "{ran}"
        );
    }
    assert!(
        !log.contains('\u{1b}') && !log.contains('\u{202e}'),
        "{log}"
    );
    let report = sandbox.json(["report", "--json"]);
    let done: Vec<&str> = report["strategies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["strategy"].as_str().unwrap())
        .collect();
    // Some of the outputs alone need not ask for each of them.
    assert!(!done.is_empty());
    for strategy in ["create_missing_path", "install_dependency", "clean_temp"] {
        let is_done = done.contains(&strategy);
        assert!(every > 1 || is_done, "{strategy} in {done:?}");
    }
    trials.tell(&[
        ("outputs", &outputs.len()),
        ("attempts", &report["totals"]["attempts"]),
        ("recoveries", &report["totals"]["recovery"]["attempted"]),
        ("strategies", &done.len()),
        ("undeclared", &0),
    ]);
    sandbox.ok(["db", "check"]);
}
