//! Dependencies that a task declares are installed into an environment of its own: with both words, and
//! never otherwise.

use std::fs;
use std::process::{Command, Stdio};

use crate::healing::{GUARDED, Story, assert_recoveries, has, heals, runs};
use crate::sandbox::Sandbox;
use crate::skipped;

/// Makes the archive of a package of one module by hand; packing is not our subject.
const PACK: &str = "import sys, zipfile\nname = sys.argv[1]\n\
    z = zipfile.ZipFile(f'wheels/{name}-1.0-py3-none-any.whl', 'w')\ninfo = f'{name}-1.0.dist-info/'\n\
    z.writestr(f'{name}.py', 'x = 1\\n')\n\
    z.writestr(info + 'METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n')\n\
    z.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: hand\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
    z.writestr(info + 'RECORD', '')\nz.close()\n";

/// A file of requirements, and beside it all that they need: nothing is fetched.
pub(crate) fn python_package(sandbox: &Sandbox, name: &str) {
    std::fs::create_dir_all(sandbox.work().join("wheels")).unwrap();
    let packed = Command::new("python3")
        .args(["-c", PACK, name])
        .current_dir(sandbox.work())
        .status();
    assert!(packed.unwrap().success());
    let list = format!("--no-index\n--find-links ./wheels\n{name}==1.0\n");
    sandbox.file("requirements.txt", list);
}

/// Whether environments can be made; some systems have that in a package of its own.
pub(crate) fn python_can_install() -> bool {
    Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn can_install(test: &str) -> bool {
    if !has(test, &["python3"]) {
        return false;
    }
    if !python_can_install() {
        skipped::say(test, "python3 cannot make environments (venv)");
        return false;
    }
    true
}

/// A task that needs a module; `more` says what is declared.
fn task(module: &str, more: &str) -> String {
    format!(
        "[[task]]\nname = \"use\"\ncommand = [\"python3\", \"-c\", \"import {module}\"]\n\
         retry = {{ base = \"10ms\" }}\n{more}\n"
    )
}

const DECLARED: &str = "dependencies = { python = \"requirements.txt\" }";
const ALLOWED: &str = "allow = [\"install_dependency\"]";

#[test]
fn a_declared_module_is_installed_for_the_task_alone() {
    if !can_install("a declared module is installed") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.configure(GUARDED);
    python_package(&sandbox, "declared_here");
    let answer = heals(
        &sandbox,
        &task("declared_here", &format!("{DECLARED}\n{ALLOWED}")),
    );
    assert_recoveries(&sandbox, "use", &[("install_dependency", "helped")]);
    let told = "recovering: install_dependency (requirements.txt)";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
    // Nobody else has it.
    let beside = Command::new("python3")
        .args(["-c", "import declared_here"])
        .env_remove("VIRTUAL_ENV")
        .stderr(Stdio::null())
        .status();
    assert!(!beside.unwrap().success());
    // It goes with its task.
    let environments = || {
        let all = fs::read_dir(sandbox.state().join("environments"));
        all.unwrap().count()
    };
    assert_ne!(environments(), 0);
    sandbox.ok(["queue", "remove", "use"]);
    sandbox.ok(["queue", "add", "--name", "next", "--", "true"]);
    sandbox.ok(["run"]);
    assert_eq!(environments(), 0);
}

#[test]
fn nothing_is_installed_without_both_words_and_a_declaration() {
    if !can_install("nothing is installed without both words") {
        return;
    }
    let all = format!("{DECLARED}\n{ALLOWED}");
    for (config, module, more, why) in [
        (
            "",
            "declared_here",
            all.as_str(),
            "this machine does not allow it",
        ),
        (
            GUARDED,
            "declared_here",
            DECLARED,
            "the task does not allow it",
        ),
        (
            GUARDED,
            "declared_here",
            ALLOWED,
            "declares no `dependencies`",
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.configure(config);
        python_package(&sandbox, "declared_here");
        let answer = runs(&sandbox, &task(module, more));
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        let story = Story::of(&sandbox, "use");
        assert_eq!(story.attempts, 1, "{}", answer.stderr);
        assert_ne!(story.status, "succeeded");
        let refused = [("install_dependency".to_owned(), "refused".to_owned())];
        assert_eq!(story.recoveries, refused, "{more}");
        assert!(
            story.details[0].contains(why),
            "no `{why}` in {:?}",
            story.details
        );
        assert!(!sandbox.state().join("environments").exists());
    }
}

#[test]
fn a_name_that_only_output_names_is_never_installed() {
    if !can_install("a name that only output names") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.configure(GUARDED);
    python_package(&sandbox, "other_here");
    python_package(&sandbox, "declared_here");
    // What is asked for lies ready beside what is declared.
    let answer = runs(
        &sandbox,
        &task("other_here", &format!("{DECLARED}\n{ALLOWED}")),
    );
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert_recoveries(&sandbox, "use", &[("install_dependency", "in_vain")]);
    let told = "installed 1 package from `requirements.txt`";
    assert!(answer.stderr.contains(told), "{}", answer.stderr);
}

#[test]
fn a_locked_node_package_is_installed_for_the_task_alone() {
    let test = "a locked node package is installed";
    if !has(test, &["node", "npm"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.configure(GUARDED);
    let about = "{\"name\": \"own\", \"version\": \"1.0.0\", \"main\": \"index.js\"}";
    sandbox.file("package/package.json", about);
    sandbox.file("package/index.js", "module.exports = 1\n");
    let packed = Command::new("tar")
        .args(["czf", "own.tgz", "package"])
        .current_dir(sandbox.work())
        .status();
    assert!(packed.unwrap().success());
    let own = format!("file:{}", sandbox.work().join("own.tgz").display());
    let wants = format!("\"dependencies\": {{\"own\": \"{own}\"}}");
    let job = format!("\"name\": \"job\", \"version\": \"1.0.0\", {wants}");
    sandbox.file("package.json", format!("{{{job}}}"));
    sandbox.file(
        "package-lock.json",
        format!(
            "{{\"name\": \"job\", \"version\": \"1.0.0\", \"lockfileVersion\": 3, \"requires\": true, \
             \"packages\": {{\"\": {{{job}}}, \"node_modules/own\": {{\"version\": \"1.0.0\", \
             \"resolved\": \"{own}\"}}}}}}"
        ),
    );
    sandbox.file(
        "night.toml",
        "[[task]]\nname = \"use\"\ncommand = [\"node\", \"-e\", \"require('own')\"]\n\
         retry = { base = \"10ms\" }\nallow = [\"install_dependency\"]\n\
         dependencies = { node = \"package-lock.json\" }\n",
    );
    let answer = sandbox.run(["run", "night.toml", "--no-progress"]);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert_recoveries(&sandbox, "use", &[("install_dependency", "helped")]);
    assert!(!sandbox.work().join("node_modules").exists());
}
