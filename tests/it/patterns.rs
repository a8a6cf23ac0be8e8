//! `autoexec patterns`, `[[pattern]]` in task files and in `config.toml`.

use crate::sandbox::Sandbox;

const FAILING: &str = "[[task]]\nname = \"t\"\ncommand = \"echo GPU 3 lost >&2; exit 7\"\n\
                       retry = { max_attempts = 3, base = \"0s\" }\n";

fn attempts(sandbox: &Sandbox) -> (u64, String) {
    let json = sandbox.json(["queue", "list", "--all", "--json"]);
    let task = &json["tasks"][0];
    (
        task["attempts"].as_u64().unwrap(),
        task["category"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn a_pattern_of_the_task_file_decides_whether_to_retry() {
    for (retryable, expected) in [("yes", 3), ("no", 1)] {
        let sandbox = Sandbox::new();
        let pattern = format!(
            "[[pattern]]\nname = \"gpu_lost\"\nmatches = 'GPU (?P<device>\\d+) lost'\n\
             category = \"logic\"\nretryable = \"{retryable}\"\n"
        );
        sandbox.file("t.toml", format!("{FAILING}{pattern}"));
        assert_eq!(sandbox.run(["run", "t.toml"]).code, 1);
        assert_eq!(attempts(&sandbox), (expected, "logic".to_owned()));
    }
}

#[test]
fn patterns_of_the_queue_and_of_the_configuration_count_for_every_task() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "patterns",
        "add",
        "gpu_lost",
        "--matches",
        "GPU \\d+ lost",
        "--category",
        "auth",
        "--retryable",
        "yes",
    ]);
    sandbox.file("t.toml", FAILING);
    assert_eq!(sandbox.run(["run", "t.toml"]).code, 1);
    assert_eq!(attempts(&sandbox), (3, "auth".to_owned()));
    let shown = sandbox.json(["patterns", "show", "gpu_lost", "--json"]);
    assert_eq!(shown["seen"], 3);

    let config = sandbox.file(
        "config.toml",
        "[[pattern]]\nname = \"mine\"\nmatches = \"lost\"\ncategory = \"corruption\"\n",
    );
    let config = config.to_str().unwrap();
    sandbox.file("u.toml", FAILING.replace("\"t\"", "\"u\""));
    assert_eq!(sandbox.run(["--config", config, "run", "u.toml"]).code, 1);
    let judged = sandbox
        .finish(
            sandbox
                .command()
                .args(["--config", config, "classify", "t.toml", "--json"]),
        )
        .json();
    assert_eq!(judged["pattern"], "mine");
}

#[test]
fn a_built_in_pattern_can_be_switched_off_and_on() {
    let sandbox = Sandbox::new();
    let output = b"connect: Connection refused\n";
    let pattern = |arguments: &[&str]| {
        let answer = sandbox.run_with_input(arguments, output);
        answer.json()["pattern"].as_str().unwrap().to_owned()
    };
    let usual = ["classify", "--exit-code", "1", "--json"];
    assert_eq!(pattern(&usual), "connection_refused");
    sandbox
        .run(["patterns", "disable", "connection_refused"])
        .is(0, "switched `connection_refused` off\n", "");
    assert_ne!(pattern(&usual), "connection_refused");
    let alone = ["classify", "--exit-code", "1", "--json", "--built-in-only"];
    assert_eq!(pattern(&alone), "connection_refused");
    sandbox.ok(["patterns", "enable", "connection_refused"]);
    assert_eq!(pattern(&usual), "connection_refused");
    sandbox
        .run(["patterns", "disable", "own_timeout"])
        .fails(2, &["it always counts"]);
}

#[test]
fn bombs_and_slips_are_refused_with_what_to_write() {
    let sandbox = Sandbox::new();
    let add = |rest: &[&str]| {
        let mut line = vec!["patterns", "add", "x", "--category", "auth"];
        line.extend(rest);
        sandbox.run(line)
    };
    add(&["--matches", "(a{1000}){1000}"]).fails(2, &["when it is compiled", "hint: "]);
    add(&["--matches", "(open"]).fails(2, &["unclosed group at character 1"]);
    add(&[]).fails(2, &["matches nothing", "--matches"]);
    add(&["--exit-code", "3", "--strategy", "run_alnoe"]).fails(2, &["did you mean `run_alone`?"]);
    let config = sandbox.file(
        "config.toml",
        "[[pattern]]\nname = \"x\"\nmatches = \"(a{1000}){1000}\"\ncategory = \"auth\"\n",
    );
    sandbox.ok(["queue", "add", "--", "true"]);
    sandbox
        .run(["--config", config.to_str().unwrap(), "run"])
        .fails(2, &["line 3, column 11", "when it is compiled"]);
}

#[test]
fn what_is_exported_is_imported_as_it_was() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "patterns",
        "add",
        "a",
        "--matches",
        "it's \"lost\" \\d+\u{1b}",
        "--exit-code",
        "3",
        "--tool",
        "trainer",
        "--category",
        "resource",
        "--strategy",
        "run_alone",
    ]);
    sandbox.ok([
        "patterns",
        "add",
        "b",
        "--exit-code",
        "9",
        "--category",
        "auth",
    ]);
    sandbox.ok(["patterns", "export", "p.toml"]);
    let other = Sandbox::new();
    other.file("p.toml", sandbox.read("p.toml"));
    assert_eq!(
        other.ok(["patterns", "import", "p.toml"]),
        "added 2 patterns\n"
    );
    let listed = |sandbox: &Sandbox| {
        sandbox.json(["patterns", "list", "--origin", "user", "--json"])["patterns"].clone()
    };
    assert_eq!(listed(&other), listed(&sandbox));
    other.file(
        "half.toml",
        "[[pattern]]\nname = \"c\"\nmatches = \"x\"\ncategory = \"auth\"\n\
         [[pattern]]\nname = \"d\"\ncategory = \"auth\"\n",
    );
    other
        .run(["patterns", "import", "half.toml"])
        .fails(2, &["matches nothing"]);
    assert_eq!(listed(&other).as_array().unwrap().len(), 2);
    sandbox.ok(["patterns", "disable", "b"]);
    let told = sandbox.ok(["patterns", "export", "one.toml"]);
    assert!(told.starts_with("wrote 2 patterns to `"), "{told}");
    assert!(told.ends_with("(1 of them switched off)\n"), "{told}");
}

#[test]
fn a_trial_says_what_is_met_and_what_decides_and_obeys_no_escape() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "patterns",
        "add",
        "mine",
        "--matches",
        "refused",
        "--category",
        "auth",
    ]);
    let output = b"connect: Connection refused \xe2\x80\xae\x07\n";
    let answer = sandbox.run_with_input(&["patterns", "test", "--exit-code", "1"], output);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stdout.contains("line 1: mine (added): "),
        "{}",
        answer.stdout
    );
    assert!(
        answer
            .stdout
            .contains("line 1: connection_refused (built-in): ")
    );
    assert!(answer.stdout.contains("decides: mine (auth"));
    assert!(!answer.stdout.contains('\u{202e}'), "{}", answer.stdout);
    let other = sandbox.run_with_input(&["patterns", "test", "mine"], b"all well\n");
    assert_eq!(other.code, 1);
    // What nothing explains is tried again, and both commands say so in the same words.
    for command in [&["patterns", "test"][..], &["classify"]] {
        let arguments = [command, &["--exit-code", "1"]].concat();
        let answer = sandbox.run_with_input(&arguments, b"hm\n");
        let told = "nothing tells why; it is tried once more, or as often as `retries` says";
        assert!(answer.stdout.contains(told), "{}", answer.stdout);
    }
    sandbox
        .run(["patterns", "test", "mnie"])
        .fails(2, &["there is no pattern `mnie`", "did you mean `mine`?"]);
}

#[test]
fn the_browser_family_is_listed_by_all_its_names() {
    let sandbox = Sandbox::new();
    let json = sandbox.json(["patterns", "list", "--category", "browser", "--json"]);
    let names: Vec<&str> = json["patterns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    for name in [
        "element_not_found",
        "timeout",
        "security_challenge",
        "page_load_failure",
        "action_execution_failure",
        "network_error",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[test]
fn a_pattern_behind_one_of_the_configuration_is_told_and_can_be_taken_out() {
    let sandbox = Sandbox::new();
    let config = sandbox.file(
        "config.toml",
        "[[pattern]]\nname = \"mine\"\nmatches = \"lost\"\ncategory = \"logic\"\n",
    );
    let run = |line: &str| {
        let words = ["--config", config.to_str().unwrap(), "patterns"];
        sandbox.run(words.into_iter().chain(line.split(' ')))
    };
    run("remove mine").fails(2, &["stands in `config.toml`"]);
    let added = run("add mine --matches gone --category auth");
    assert!(added.stderr.contains("that one counts"), "{}", added.stderr);
    run("add mine --replace --matches gone --category network").is(
        0,
        "replaced the pattern `mine`\n",
        "`mine` stands in `config.toml`, too: that one counts as long as it is there\n",
    );
    run("remove mine").is(0, "removed the pattern `mine`\n", "");
    run("remove mine").fails(2, &["stands in `config.toml`"]);
}

#[test]
fn what_is_switched_off_is_told_under_all_its_names() {
    let sandbox = Sandbox::new();
    sandbox.ok("patterns add gone --matches gone --category auth".split(' '));
    sandbox.ok(["patterns", "disable", "gone"]);
    sandbox.ok(["patterns", "disable", "page_load"]);
    let shown = sandbox.json(["patterns", "show", "page_load_failure", "--json"]);
    assert_eq!(shown["enabled"], false);
    let tried = sandbox.run_with_input(&["patterns", "test", "gone", "-"], b"gone\n");
    assert_eq!(tried.code, 1);
    assert!(
        tried.stderr.contains("`gone` is switched off"),
        "{}",
        tried.stderr
    );
}

#[test]
fn whoever_looks_for_a_pattern_of_a_task_file_is_told_where_it_is() {
    let sandbox = Sandbox::new();
    sandbox
        .run(["patterns", "show", "somewhere_else"])
        .fails(2, &["no pattern `somewhere_else`", "check --explain"]);
    sandbox.file(
        "t.toml",
        "[[task]]\nname = \"t\"\ncommand = \"true\"\n[[pattern]]\nname = \"somewhere_else\"\n\
         matches = \"x\"\ncategory = \"logic\"\n",
    );
    let told = sandbox.ok(["check", "--explain", "t", "t.toml"]);
    assert!(told.contains("pattern.somewhere_else.matches"), "{told}");
}
