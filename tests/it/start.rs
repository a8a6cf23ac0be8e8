//! How the program starts: global options, settings, help, and what a wrong command line is told.

use std::process::Stdio;

use crate::sandbox::Sandbox;

#[test]
fn the_version_is_one_line() {
    let line = concat!("autoexec ", env!("CARGO_PKG_VERSION"), "\n");
    let sandbox = Sandbox::new();
    sandbox.run(["--version"]).is(0, line, "");
    sandbox.run(["-V"]).is(0, line, "");
}

#[test]
fn help_names_every_command_and_goes_to_standard_output() {
    let help = Sandbox::new().ok(["--help"]);
    assert!(help.contains("Usage: autoexec"), "{help}");
}

#[test]
fn a_misspelt_command_is_a_wrong_command_line() {
    Sandbox::new()
        .run(["chekc"])
        .fails(2, &["error: unrecognized subcommand `chekc`", "hint: "]);
}

#[test]
fn commands_and_options_of_later_work_are_refused_by_name() {
    let sandbox = Sandbox::new();
    sandbox.run(["template"]).is(
        2,
        "",
        "error: `template` is not supported yet\n  hint: see what is with `autoexec --help`\n",
    );
}

#[test]
fn a_failure_with_json_has_a_stable_code_on_standard_output() {
    let answer = Sandbox::new().run(["template", "--json"]);
    assert_eq!(answer.code, 2);
    let json = answer.json();
    assert_eq!(json["schema"], "autoexec.error/1");
    assert_eq!(json["code"], "not_supported_yet");
    assert!(answer.stderr.starts_with("error: "), "{}", answer.stderr);
}

#[test]
fn a_wrong_configuration_file_is_told_with_line_and_column() {
    let sandbox = Sandbox::new();
    sandbox.file("c.toml", "[run]\nparalel = 3\n");
    sandbox.run(["--config", "c.toml"]).is(
        2,
        "",
        "error: the configuration file `c.toml` has 1 error\n  \
         line 2, column 1: unknown key `paralel`; did you mean `parallel`?\n",
    );
    sandbox.run(["--config", "missing.toml"]).fails(
        2,
        &["cannot read the configuration file", "in `missing.toml`"],
    );
}

#[test]
fn a_configuration_file_that_anybody_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    let file = sandbox.file("c.toml", "[run]\nparallel = 3\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    sandbox
        .run(["--config", "c.toml"])
        .fails(2, &["error: ", "in `c.toml`", "hint: "]);
}

#[test]
fn the_default_configuration_file_is_read_from_the_home_directory() {
    let sandbox = Sandbox::new();
    sandbox.configure("[pool.gpu]\nitems = []\n");
    sandbox.run([] as [&str; 0]).fails(
        2,
        &[
            "[SANDBOX]/home/.config/autoexec/config.toml",
            "`[pool]` is not supported yet",
        ],
    );
}

#[test]
fn an_empty_environment_is_enough() {
    let sandbox = Sandbox::new();
    let answer = sandbox.finish(
        sandbox
            .command()
            .env_clear()
            .arg("--state-dir")
            .arg(sandbox.state()),
    );
    assert_eq!(answer.code, 0, "{}", answer.stderr);
}

#[test]
fn colours_are_only_for_terminals_unless_they_are_asked_for() {
    let sandbox = Sandbox::new();
    assert!(!sandbox.run(["template"]).stderr.contains('\u{1b}'));
    let config = ["--color", "always", "--config", "missing.toml"];
    assert!(sandbox.run(config).stderr.contains('\u{1b}'));
    let never = ["--color", "never", "--config", "missing.toml"];
    assert!(!sandbox.run(never).stderr.contains('\u{1b}'));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let sandbox = Sandbox::new();
    let mut child = sandbox
        .command()
        .arg("--help")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The reading end is closed before anything can have been read.
    drop(child.stdout.take());
    let answer = sandbox.answer_of(child);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
}

#[test]
fn a_reader_that_leaves_a_long_list_is_no_failure() {
    let sandbox = Sandbox::new();
    let lines = "true\n".repeat(3000);
    let added = sandbox.run_with_input(&["queue", "add", "--lines", "-"], lines.as_bytes());
    assert_eq!(added.code, 0, "{}", added.stderr);
    let mut child = sandbox.start(&["queue", "list"]);
    drop(child.stdout.take());
    let answer = sandbox.answer_of(child);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
}

#[test]
fn quiet_leaves_only_failures() {
    let sandbox = Sandbox::new();
    sandbox.run(["-q", "run"]).is(0, "", "");
    sandbox.ok(["queue", "add", "--name", "x", "--", "true"]);
    sandbox.run(["run", "--quiet"]).is(0, "", "");
    sandbox
        .run(["-q", "queue", "show", "y"])
        .fails(2, &["error: "]);
}

#[test]
fn the_log_is_written_on_request() {
    let answer = Sandbox::new().run(["-v", "queue", "list"]);
    assert_eq!(answer.code, 0);
    assert!(
        answer.stderr.contains("[SANDBOX]/state"),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_limit_of_the_shell_that_is_too_tight_is_named() {
    for (ulimit, words, code, pieces) in [
        (
            "-s 128",
            "queue list",
            4,
            &["the stack may have [SIZE] only", "`ulimit -s 8192`"][..],
        ),
        (
            "-n 5",
            "queue add -- true",
            3,
            &["only 5 files may be open here (`ulimit -n`)"][..],
        ),
        (
            "-f 0",
            "queue add -- true",
            3,
            &["no file may grow beyond [SIZE] here (`ulimit -f`)"][..],
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.ok(["queue", "add", "--", "true"]);
        let script = format!("ulimit {ulimit}; exec \"$0\" {words}");
        let own = env!("CARGO_BIN_EXE_autoexec");
        let mut shell = sandbox.wrapped("sh");
        let answer = sandbox.finish(shell.args(["-c", &script, own]));
        answer.fails(code, pieces);
    }
}
