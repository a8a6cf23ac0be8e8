//! `autoexec completions` and `autoexec man`: the scripts in real shells, the pages in a real formatter.
//!
//! A shell or formatter that this machine does not have is not tried.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::Sandbox;

const SCRIPTS: [(&str, &str); 3] = [
    ("bash", "autoexec.bash"),
    ("zsh", "_autoexec"),
    ("fish", "autoexec.fish"),
];

/// A queue with two tasks to be named, and one that was called off.
fn queue() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["shop-dump", "shop-check", "train.1"] {
        sandbox.ok(["queue", "add", "--name", name, "--", "true"]);
    }
    sandbox.ok(["queue", "cancel", "train.1"]);
    sandbox
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// What a shell that can start the program by its name prints for a script.
fn shell(sandbox: &Sandbox, argv: &[&str]) -> String {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_autoexec"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::iter::once(program.parent().unwrap().to_owned()).chain(std::env::split_paths(&path));
    let mut command = Command::new(argv[0]);
    command
        .args(&argv[1..])
        .env_clear()
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env("HOME", sandbox.home())
        .env("AUTOEXEC_STATE_DIR", sandbox.state())
        .current_dir(sandbox.work());
    let answer = sandbox.finish(&mut command);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    answer.stdout
}

/// What bash offers for the last of these words, as it cuts them.
fn bash(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let script = r#"
        source <(autoexec completions bash)
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _autoexec autoexec "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let argv = [&["bash", "--norc", "-c", script, "bash"], words].concat();
    let offered = shell(sandbox, &argv);
    let offered = offered.lines().map(str::to_owned);
    offered.filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_scripts_are_the_files_that_packages_install() {
    let sandbox = Sandbox::new();
    for (name, file) in SCRIPTS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
        let kept = std::fs::read_to_string(path.join(file)).unwrap();
        let printed = sandbox.ok(["completions", name]);
        assert_eq!(
            printed, kept,
            "rewrite it with `autoexec completions {name} > completions/{file}`"
        );
    }
    let answer = sandbox.run(["completions", "tcsh"]);
    answer.fails(2, &["`tcsh` does not fit", "bash, zsh, fish"]);
}

#[test]
fn bash_completes_commands_options_values_and_names_of_tasks() {
    if !is_installed("bash") {
        return;
    }
    let sandbox = queue();
    sandbox.file("nightly.toml", "");
    let cases: [(&[&str], &[&str]); 9] = [
        (&["autoexec", "comp"], &["completions"]),
        (
            &["autoexec", "queue", "show", "shop"],
            &["shop-check", "shop-dump"],
        ),
        (&["autoexec", "queue", "show", "3"], &["3"]),
        (&["autoexec", "queue", "retry", ""], &["train.1"]),
        (&["autoexec", "queue", "cancel", "t"], &[]),
        (
            &["autoexec", "queue", "list", "--status", "=", "su"],
            &["succeeded"],
        ),
        (
            &["autoexec", "queue", "list", "--sta"],
            &["--state-dir", "--status"],
        ),
        (&["autoexec", "run", "ni"], &["nightly.toml"]),
        (
            &["autoexec", "queue", "add", "--", "cat", "ni"],
            &["nightly.toml"],
        ),
    ];
    for (words, offered) in cases {
        let mut found = bash(&sandbox, words);
        found.sort();
        assert_eq!(found, offered, "{words:?}");
    }
    let commands = bash(&sandbox, &["autoexec", "queue", "add", "--", "bas"]);
    assert!(commands.contains(&"bash".to_owned()), "{commands:?}");
}

#[test]
fn another_queue_is_asked_when_the_command_line_names_it() {
    let sandbox = queue();
    let elsewhere = sandbox.work().join("other");
    let named = format!("--state-dir={}", elsewhere.display());
    sandbox.ok([&named, "queue", "add", "--name", "lonely", "--", "true"]);
    let answer = sandbox.ok(["__complete", "4", "autoexec", &named, "queue", "show", ""]);
    assert_eq!(answer, "lonely\tqueued\n");
}

#[test]
fn names_of_patterns_are_offered_where_they_can_be_meant() {
    let sandbox = Sandbox::new();
    sandbox.ok("patterns add gpu_lost --matches GPU --category resource".split(' '));
    sandbox.ok(["patterns", "disable", "page_load"]);
    let offered = |command: &str, typed: &str| {
        let answer = sandbox.ok(["__complete", "3", "autoexec", "patterns", command, typed]);
        let names = answer.lines().filter_map(|line| line.split('\t').next());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(offered("show", "gpu"), ["gpu_lost"]);
    assert_eq!(offered("show", "page_load_"), ["page_load_failure"]);
    assert_eq!(offered("remove", ""), ["gpu_lost"]);
    assert_eq!(
        offered("enable", "page"),
        ["page_load", "page_load_failure"]
    );
    assert_eq!(offered("disable", "gpu"), ["gpu_lost"]);
    assert!(!offered("disable", "page").contains(&"page_load".to_owned()));
}

#[test]
fn without_a_queue_nothing_is_offered_said_or_made() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run(["__complete", "3", "autoexec", "queue", "show", ""]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    assert!(!answer.stdout.contains("shop"), "{}", answer.stdout);
    assert!(!sandbox.state().exists());
}

#[test]
fn fish_completes_with_descriptions() {
    if !is_installed("fish") {
        return;
    }
    let script = "autoexec completions fish | source; \
                  complete --do-complete='autoexec queue show shop'; \
                  complete --do-complete='autoexec comp'";
    let text = shell(&queue(), &["fish", "--no-config", "-c", script]);
    assert!(text.contains("shop-dump\tqueued\n"), "{text}");
    assert!(text.contains("completions\tPrint"), "{text}");
}

#[test]
fn zsh_takes_the_script() {
    if !is_installed("zsh") {
        return;
    }
    let script = "autoload -U compinit && compinit -u -D && \
                  source <(autoexec completions zsh) && print $_comps[autoexec]";
    let text = shell(&queue(), &["zsh", "-f", "-c", script]);
    assert_eq!(text, "_autoexec\n");
}

#[test]
fn the_manual_has_a_page_for_every_command_and_formatters_like_it() {
    let sandbox = Sandbox::new();
    let folder = sandbox.work().join("man/man1");
    sandbox.ok(["man".as_ref(), "--dir".as_ref(), folder.as_os_str()]);
    let page = sandbox.read("man/man1/autoexec.1");
    assert_eq!(
        page,
        String::from_utf8(sandbox.run(["man"]).raw_stdout).unwrap()
    );
    for file in ["autoexec-queue-add.1", "autoexec-man.1"] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let one = sandbox.run(["man", "queue", "add"]).raw_stdout;
    assert_eq!(
        one,
        sandbox.read("man/man1/autoexec-queue-add.1").into_bytes()
    );
    sandbox
        .run(["man", "quue"])
        .fails(2, &["did you mean `queue`?"]);
    if !is_installed("groff") {
        return;
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let mut groff = Command::new("groff");
        groff.args(["-man", "-ww", "-Tutf8", "-z"]).arg(&path);
        let answer = sandbox.finish(&mut groff);
        assert_eq!(
            (answer.code, answer.stderr.as_str()),
            (0, ""),
            "{}",
            path.display()
        );
    }
}
