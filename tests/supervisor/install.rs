//! Environments with what a task declares. Nothing here needs a network; where the tools are missing
//! the tests say so and look at nothing.

use crate::driver::Driver;
use crate::driver::by_itself;
use crate::driver::line_of;
use crate::remedies::failed;
use crate::remedies::order;
use autoexec::model::attempt::Assignment;
use autoexec::model::outcome::Outcome;
use autoexec::model::recovery::DependencyList;
use autoexec::model::remedy::Action;
use autoexec::model::remedy::InstalledEnvironment;
use autoexec::process::Stream;
use autoexec::support::text::span;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

/// Whether tools are there; says so where they are not.
fn has(argv: &[&str]) -> bool {
    let found = Command::new(argv[0])
        .args(&argv[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        // Not by a macro, whose words the test harness would keep back.
        let words = format!("skipped: `{}` does not work here\n", argv.join(" "));
        std::io::stderr().write_all(words.as_bytes()).unwrap();
    }
    found
}

fn has_python() -> bool {
    has(&["python3", "-c", "import venv, ensurepip"])
}

/// A wheel of a package with one module and one program, written by hand.
fn make_wheel(folder: &Path, name: &str, version: &str, needs: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let script = format!(
        r#"
import base64, hashlib, zipfile
name, version, needs = "{name}", "{version}", "{needs}"
info = f"{{name}}-{{version}}.dist-info"
files = {{
    f"{{name}}.py": f"VERSION = '{{version}}'\ndef main():\n    print('program of', VERSION)\n",
    f"{{info}}/METADATA": f"Metadata-Version: 2.1\nName: {{name}}\nVersion: {{version}}\n"
        + (f"Requires-Dist: {{needs}}\n" if needs else ""),
    f"{{info}}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{{info}}/entry_points.txt": f"[console_scripts]\n{{name}}-tool = {{name}}:main\n",
}}
record = ""
for path, text in files.items():
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    record += f"{{path}},sha256={{digest}},{{len(text.encode())}}\n"
files[f"{{info}}/RECORD"] = record + f"{{info}}/RECORD,,\n"
with zipfile.ZipFile(f"{{name}}-{{version}}-py3-none-any.whl", "w") as wheel:
    for path, text in files.items():
        wheel.writestr(path, text)
"#
    );
    let done = Command::new("python3")
        .args(["-c", &script])
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(done.success());
}

fn python_task(driver: &Driver, id: i64, list: &DependencyList, script: &str) -> Assignment {
    let mut task = driver.shell(id, script);
    task.spec.dependencies.python = Some(list.clone());
    let environment = InstalledEnvironment::of_python(&driver.state, &task.spec, list);
    task.remedies = vec![order(
        id,
        "install_dependency",
        Action::Install {
            environment,
            list: list.clone(),
        },
    )];
    task
}

fn detail(outcome: &Outcome) -> &str {
    &outcome.account.remedies[0].detail
}

#[test]
fn what_a_task_declares_for_python_is_installed_into_an_environment_of_its_own() {
    if !has_python() {
        return;
    }
    let mut driver = Driver::start();
    let work = driver.work();
    make_wheel(&work.join("wheels"), "autoexec_probe", "1.5", "");
    // A file of the task that would be taken for the installer, were its folder on the path.
    std::fs::write(work.join("pip.py"), "open('hijacked', 'w')\n").unwrap();
    let requirements = "--no-index\n--find-links ./wheels\nautoexec_probe==1.5\n";
    std::fs::write(work.join("requirements.txt"), requirements).unwrap();
    let list = DependencyList::File("requirements.txt".into());
    let script = "python3 -c 'import autoexec_probe, sys; print(autoexec_probe.VERSION)' && \
                  autoexec_probe-tool && echo $VIRTUAL_ENV";
    let outcome = driver.run(python_task(&driver, 1, &list, script));
    assert_eq!(
        outcome.ended,
        by_itself(0),
        "{}",
        String::from_utf8_lossy(&driver.output(&outcome, Stream::Remedy))
    );
    assert_eq!(
        detail(&outcome),
        "installed 1 package from `requirements.txt`"
    );
    let printed = String::from_utf8(driver.output(&outcome, Stream::Stdout)).unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[..2], ["1.5", "program of 1.5"]);
    let folder = Path::new(lines[2]);
    assert!(folder.starts_with(driver.state.environments()));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700);
    assert_eq!(mode(&driver.state.environments()), 0o700);
    assert!(!work.join("hijacked").exists());

    // The same list again is there already; for the attempts after it only the path is needed.
    let outcome = driver.run(python_task(&driver, 2, &list, script));
    assert_eq!(detail(&outcome), "what it declares is installed already");
    let mut later = python_task(&driver, 3, &list, script);
    later.remedies.clear();
    later.environments = vec![InstalledEnvironment::Python(folder.into())];
    assert_eq!(driver.run(later).ended, by_itself(0));

    // Another content is another environment in the same place.
    make_wheel(&work.join("wheels"), "autoexec_probe", "2.0", "");
    let requirements = requirements.replace("1.5", "2.0");
    std::fs::write(work.join("requirements.txt"), requirements).unwrap();
    let outcome = driver.run(python_task(&driver, 4, &list, script));
    assert_eq!(outcome.ended, by_itself(0));
    assert!(
        driver
            .output(&outcome, Stream::Stdout)
            .starts_with(b"2.0\n")
    );
}

#[test]
fn an_installation_that_fails_leaves_nothing_and_says_why() {
    if !has_python() {
        return;
    }
    let mut driver = Driver::start();
    let work = driver.work();
    make_wheel(
        &work.join("wheels"),
        "autoexec_probe",
        "1.5",
        "autoexec_missing",
    );
    let list = DependencyList::File("requirements.txt".into());
    for (id, lines, words) in [
        (
            1,
            "autoexec_other==1",
            "`pip install` ended with exit code 1",
        ),
        (
            2,
            "autoexec_probe==1.5",
            "`pip install` ended with exit code 1",
        ),
        (3, "-e .", "line 3 of"),
        (
            4,
            "autoexec_probe==1.5 --hash=sha256:00",
            "`pip install` ended with exit code 1",
        ),
    ] {
        let text = format!("--no-index\n--find-links ./wheels\n{lines}\n");
        std::fs::write(work.join("requirements.txt"), text).unwrap();
        let task = python_task(&driver, id, &list, "touch ran");
        let folder = task.remedies[0].action.clone();
        let outcome = driver.run(task);
        let detail = failed(&outcome, "install_dependency");
        assert!(detail.contains(words), "{detail}");
        let Action::Install { environment, .. } = folder else {
            panic!("another action");
        };
        assert!(!environment.path().as_path().exists());
    }
    let names = DependencyList::Names(vec!["--index-url=https://evil.example".to_owned()]);
    let outcome = driver.run(python_task(&driver, 5, &names, "touch ran"));
    assert!(failed(&outcome, "install_dependency").contains("is no name with one version"));
    assert!(!work.join("ran").exists());
}

#[test]
fn an_environment_that_was_not_finished_is_built_anew() {
    if !has_python() {
        return;
    }
    let mut driver = Driver::start();
    let work = driver.work();
    make_wheel(&work.join("wheels"), "autoexec_probe", "1.5", "");
    let text = "--no-index\n--find-links ./wheels\nautoexec_probe==1.5\n";
    std::fs::write(work.join("requirements.txt"), text).unwrap();
    let list = DependencyList::File("requirements.txt".into());
    let mut task = python_task(&driver, 1, &list, "python3 -c 'import autoexec_probe'");
    for place in ["remedy_builds_environment", "remedy_before_mark"] {
        // The helper dies on that line; the supervisor lives.
        task.spec
            .env
            .insert("__AUTOEXEC_CRASH_AT".to_owned(), place.into());
        let outcome = driver.run(task.clone());
        assert_eq!(
            failed(&outcome, "install_dependency"),
            "it was ended by SIGKILL",
            "{place}"
        );
        task.attempt = autoexec::model::ids::AttemptId::new(task.attempt.get() + 1);
    }
    task.spec.env.clear();
    let outcome = driver.run(task);
    assert_eq!(outcome.ended, by_itself(0));
    assert!(detail(&outcome).starts_with("installed "));
}

#[test]
fn modules_of_node_come_from_the_lock_file_without_running_their_scripts() {
    if !has(&["npm", "--version"]) || !has(&["tar", "--version"]) {
        return;
    }
    let mut driver = Driver::start();
    let work = driver.work();
    let package = work.join("dep/package");
    std::fs::create_dir_all(&package).unwrap();
    let manifest = r#"{"name": "autoexec-dep", "version": "1.0.0", "main": "index.js",
        "bin": {"autoexec-dep": "index.js"},
        "scripts": {"install": "touch /tmp/autoexec-dep-script-ran", "postinstall": "exit 9"}}"#;
    std::fs::write(package.join("package.json"), manifest).unwrap();
    std::fs::write(
        package.join("index.js"),
        "#!/usr/bin/env node\nconsole.log('module of 1.0.0')\n",
    )
    .unwrap();
    let tarball = work.join("autoexec-dep-1.0.0.tgz");
    let tarred = Command::new("tar")
        .args(["-czf", tarball.to_str().unwrap(), "-C"])
        .arg(work.join("dep"))
        .arg("package")
        .status()
        .unwrap();
    assert!(tarred.success());
    let wanted = format!(
        r#"{{"name": "x", "version": "1.0.0", "dependencies": {{"autoexec-dep": "file:{}"}}}}"#,
        tarball.display()
    );
    std::fs::write(work.join("package.json"), wanted).unwrap();
    let locked = Command::new("npm")
        .args([
            "install",
            "--package-lock-only",
            "--ignore-scripts",
            "--offline",
        ])
        .current_dir(&work)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(locked.success());
    // npm writes a path relative to the lock file; the environment lies elsewhere.
    let lock = std::fs::read_to_string(work.join("package-lock.json")).unwrap();
    let absolute = format!("file:{}", tarball.display());
    let lock = lock.replace("file:autoexec-dep-1.0.0.tgz", &absolute);
    std::fs::write(work.join("package-lock.json"), lock).unwrap();

    let list = DependencyList::File("package-lock.json".into());
    let mut task = driver.shell(1, "node -e 'require(\"autoexec-dep\")' && autoexec-dep");
    task.spec.dependencies.node = Some(list.clone());
    let environment = InstalledEnvironment::of_node(&driver.state, &task.spec, &list);
    let action = Action::Install { environment, list };
    task.remedies = vec![order(1, "install_dependency", action)];
    let outcome = driver.run(task.clone());
    assert_eq!(
        outcome.ended,
        by_itself(0),
        "{}",
        String::from_utf8_lossy(&driver.output(&outcome, Stream::Remedy))
    );
    assert_eq!(
        driver.output(&outcome, Stream::Stdout),
        b"module of 1.0.0\nmodule of 1.0.0\n"
    );
    assert!(!Path::new("/tmp/autoexec-dep-script-ran").exists());
    assert!(!work.join("node_modules").exists());
    task.attempt = autoexec::model::ids::AttemptId::new(2);
    let outcome = driver.run(task);
    assert_eq!(detail(&outcome), "what it declares is installed already");
}

#[test]
fn an_installation_that_hangs_is_ended_with_the_installer() {
    let mut driver = Driver::start();
    let work = driver.work();
    std::fs::create_dir(work.join("bin")).unwrap();
    let fake = work.join("bin/python3");
    std::fs::write(&fake, "#!/bin/sh\necho $$ > pid\nexec sleep 600\n").unwrap();
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    let list = DependencyList::Names(vec!["requests==2.32.3".to_owned()]);
    let path = format!("{}:/usr/bin:/bin", work.join("bin").display());
    let mut patience = std::time::Duration::from_millis(350);
    let mut id = 0;
    // The time may be over before the installer has begun.
    while !work.join("pid").exists() {
        (id, patience) = (id + 1, patience * 2);
        let mut task = python_task(&driver, id, &list, "touch ran");
        task.spec.env.insert("PATH".to_owned(), path.clone().into());
        task.spec.grace = std::time::Duration::ZERO;
        task.remedies[0].timeout = patience;
        let outcome = driver.run(task);
        assert_eq!(
            failed(&outcome, "install_dependency"),
            format!("it did not end within {}", span(patience))
        );
    }
    let pid: i32 = line_of(&work.join("pid")).parse().unwrap();
    assert_eq!(autoexec::process::identity::identity(pid), None);
    assert!(!work.join("ran").exists());
}
