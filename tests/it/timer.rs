//! `autoexec timer`: the units as systemd reads them, and the line as cron does.
//!
//! What this machine does not have is not tried.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::Sandbox;

fn is_there(program: &str) -> bool {
    Path::new("/usr/bin").join(program).exists() || Path::new("/bin").join(program).exists()
}

fn unit(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.home().join(".config/systemd/user").join(name)
}

/// Installs where no service manager answers.
fn install(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let answer = sandbox.run([&["timer", "install"], arguments].concat());
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    answer.stderr
}

#[test]
fn systemd_takes_the_units_whatever_the_paths_are() {
    let sandbox = Sandbox::new();
    let odd = sandbox.work().join("50% \"my\" $HOME queue");
    let config = sandbox.file(
        "c.toml",
        "[overnight]\nstart = \"23:30\"\ntimezone = \"Europe/Berlin\"\n",
    );
    let said = install(
        &sandbox,
        &[
            "--state-dir",
            odd.to_str().unwrap(),
            "--config",
            config.to_str().unwrap(),
        ],
    );
    assert!(
        said.contains("systemctl --user start autoexec.timer"),
        "{said}"
    );
    let timer = std::fs::read_to_string(unit(&sandbox, "autoexec.timer")).unwrap();
    assert!(
        timer.contains("OnCalendar=*-*-* 23:30:00 Europe/Berlin\n"),
        "{timer}"
    );
    if !is_there("systemd-analyze") {
        return;
    }
    for name in ["autoexec.service", "autoexec.timer"] {
        let runtime = sandbox.work();
        let answer = Command::new("systemd-analyze")
            .args(["--user", "--man=no", "verify"])
            .arg(unit(&sandbox, name))
            .env("HOME", sandbox.home())
            .env("XDG_RUNTIME_DIR", runtime)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&answer.stderr);
        assert!(answer.status.success(), "{told}");
        assert!(!told.contains(name), "{told}");
    }
}

#[test]
fn a_timer_is_told_by_its_status_and_removed() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run(["timer", "status"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.stderr.contains("nothing begins the nights"),
        "{}",
        answer.stderr
    );
    install(&sandbox, &[]);
    let value = sandbox.run(["timer", "status", "--json"]).json();
    assert_eq!(value["schema"], "autoexec.timer/1");
    assert_eq!(value["installed"]["enabled"], true);
    assert_eq!(value["installed"]["outdated"], false, "{value}");
    assert!(
        value["next_night"]
            .as_str()
            .unwrap()
            .ends_with("T22:00:00.000Z")
    );
    // The hours changed since.
    let config = sandbox.file("c.toml", "[overnight]\nstart = \"21:00\"\n");
    let config = config.to_str().unwrap();
    let value = sandbox
        .run(["--config", config, "timer", "status", "--json"])
        .json();
    assert_eq!(value["installed"]["outdated"], true);
    let told = sandbox.ok(["timer", "remove"]);
    assert!(told.contains("removed `autoexec.timer`"), "{told}");
    assert!(!unit(&sandbox, "autoexec.service").exists());
    assert_eq!(sandbox.run(["timer", "remove"]).code, 0);
}

#[test]
fn two_queues_do_not_share_a_timer() {
    let sandbox = Sandbox::new();
    install(&sandbox, &[]);
    let other = sandbox.work().join("other");
    let other = other.to_str().unwrap();
    sandbox
        .run(["--state-dir", other, "timer", "install"])
        .fails(2, &["run another queue", "--name NAME"]);
    install(
        &sandbox,
        &["--state-dir", other, "--name", "autoexec-other"],
    );
    assert!(unit(&sandbox, "autoexec-other.timer").exists());
    sandbox
        .run(["timer", "install", "--name", "../x"])
        .fails(2, &["letters, digits"]);
}

#[test]
fn what_somebody_else_wrote_stays() {
    let sandbox = Sandbox::new();
    let file = unit(&sandbox, "autoexec.service");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "[Service]\nExecStart=/bin/true\n").unwrap();
    for command in ["install", "remove"] {
        let answer = sandbox.run(["timer", command]);
        answer.fails(2, &["was not written by `autoexec timer install`"]);
    }
    assert!(std::fs::read_to_string(file).unwrap().contains("/bin/true"));
}

#[test]
fn the_line_for_cron_starts_the_night_of_this_queue() {
    let sandbox = Sandbox::new();
    let odd = sandbox.work().join("it's 50% mine");
    let odd = odd.to_str().unwrap();
    sandbox.ok([
        "--state-dir",
        odd,
        "queue",
        "add",
        "--name",
        "a",
        "--",
        "true",
    ]);
    let answer = sandbox.run(["--state-dir", odd, "timer", "install", "--cron"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let line = String::from_utf8(answer.raw_stdout).unwrap();
    let command = line.trim().strip_prefix("0 22 * * * ").unwrap();
    assert!(
        command.ends_with(" -q run --overnight --report"),
        "{command}"
    );
    // What cron makes of it before its shell sees it.
    let command = command.replace("\\%", "%").replace("\\\\", "\\");
    let asked = command.replace("run --overnight --report", "queue list --json");
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &asked])
        .env_clear()
        .env("HOME", sandbox.home())
        .env("PATH", "/usr/bin:/bin");
    let answer = sandbox.finish(&mut shell);
    assert_eq!(answer.json()["tasks"][0]["name"], "a", "{}", answer.stderr);
    assert!(!unit(&sandbox, "autoexec.timer").exists());
}

#[test]
fn a_night_in_another_zone_is_begun_in_time_all_year() {
    let sandbox = Sandbox::new();
    let config = sandbox.file("c.toml", "[overnight]\ntimezone = \"Europe/Berlin\"\n");
    let answer = sandbox.run([
        "--config",
        config.to_str().unwrap(),
        "timer",
        "install",
        "--cron",
    ]);
    // The machine's clock shows UTC: 21:00 in winter, 20:00 in summer.
    let line = String::from_utf8(answer.raw_stdout).unwrap();
    assert!(line.starts_with("0 20 * * * "), "{line}");
    assert!(
        answer.stderr.contains("the run waits for it"),
        "{}",
        answer.stderr
    );
}
