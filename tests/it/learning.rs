//! `autoexec patterns stats`, `forget`, `pin`, `compare`, and what is carried from machine to machine.

use rusqlite::Connection;

use crate::sandbox::Sandbox;

/// A queue with a history of recoveries: how often each strategy helped against a refused connection.
fn with_history(figures: &[(&str, u32, u32)]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "one", "--", "true"]);
    let database = Connection::open(sandbox.state().join("queue.db")).unwrap();
    for (strategy, helped, tried) in figures {
        for number in 0..*tried {
            let state = if number < *helped {
                "helped"
            } else {
                "in_vain"
            };
            database
                .execute(
                    "INSERT INTO error_recovery_history (task_id, task_name, attempt_id, run_id, \
                     error_type, category, fingerprint, strategy_used, risk, state, success, \
                     started_at, ended_at) VALUES (1, 'one', 1, 1, 'connection_refused', 'network', \
                     'f', ?1, 'observe', ?2, ?3, 1000, 2000)",
                    (strategy, state, number < *helped),
                )
                .unwrap();
        }
    }
    sandbox
}

#[test]
fn figures_are_shown_with_their_interval_and_forgotten_on_request() {
    let sandbox = with_history(&[("wait_for_reconnection", 11, 12), ("rotate_endpoint", 0, 2)]);
    let page = sandbox.ok(["patterns", "stats"]);
    let line = page
        .lines()
        .find(|line| line.contains("wait_for_reconnection"));
    let line = line.unwrap_or_default();
    for piece in ["connection_refused", " 11 of 12 ", "92 %", "(65-99)"] {
        assert!(line.contains(piece), "{piece}\n{page}");
    }
    let json = sandbox.json(["patterns", "stats", "connection_refused", "--json"]);
    assert_eq!(json["schema"], "autoexec.pattern_stats/1");
    let all = json["strategies"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1]["attempts"], 12);
    assert_eq!(all[1]["succeeded"], 11);

    let told = sandbox.ok([
        "patterns",
        "forget",
        "connection_refused",
        "rotate_endpoint",
    ]);
    assert!(told.contains("(2 recoveries)"), "{told}");
    let json = sandbox.json(["patterns", "stats", "--json"]);
    assert_eq!(json["strategies"].as_array().map(Vec::len), Some(1));
    sandbox.ok(["patterns", "forget", "connection_refused"]);
    let again = sandbox.ok(["patterns", "forget", "connection_refused"]);
    assert!(again.starts_with("nothing to do"), "{again}");
    assert_eq!(sandbox.run(["patterns", "stats"]).stdout, "");
}

#[test]
fn pins_are_set_shown_and_taken_back() {
    let sandbox = Sandbox::new();
    sandbox.ok("patterns pin connection_refused rotate_endpoint --never".split(' '));
    sandbox.ok("patterns pin connection_refused wait_and_retry".split(' '));
    let json = sandbox.json(["patterns", "stats", "--json"]);
    assert_eq!(json["strategies"][0]["pin"], "never");
    assert_eq!(json["strategies"][1]["pin"], "first");
    assert!(json["strategies"][1]["rate"].is_null());
    let page = sandbox.ok(["patterns", "stats"]);
    assert!(page.contains("pinned: never"), "{page}");
    sandbox.ok(["patterns", "unpin", "connection_refused"]);
    let json = sandbox.json(["patterns", "stats", "--json"]);
    assert_eq!(json["strategies"].as_array().map(Vec::len), Some(0));

    sandbox
        .run("patterns pin connection_refusd rotate_endpoint".split(' '))
        .fails(2, &["did you mean `connection_refused`?"]);
    sandbox
        .run("patterns pin connection_refused rotate_endpint".split(' '))
        .fails(2, &["did you mean `rotate_endpoint`?"]);
}

#[test]
fn two_strategies_are_compared_until_that_is_ended() {
    let sandbox = Sandbox::new();
    let compare = "patterns compare connection_refused wait_and_retry rotate_endpoint --tasks 20";
    sandbox.ok(compare.split(' '));
    let page = sandbox.ok(["patterns", "stats"]);
    assert!(page.contains("not decided yet (0 of 20 tasks)"), "{page}");
    let json = sandbox.json(["patterns", "stats", "--json"]);
    assert_eq!(json["experiments"][0]["running"], true);
    sandbox.ok("patterns compare connection_refused --stop".split(' '));
    let page = sandbox.ok(["patterns", "stats"]);
    assert!(page.contains("no difference was found (over"), "{page}");
    sandbox
        .run("patterns compare connection_refused run_alone run_alone".split(' '))
        .fails(2, &["cannot be compared with itself"]);
    sandbox
        .run("patterns compare connection_refused run_alone".split(' '))
        .fails(2, &["STRATEGY_B"]);
}

#[test]
fn what_one_machine_has_learned_is_known_to_another_and_does_not_come_back() {
    let one = with_history(&[("wait_for_reconnection", 9, 10)]);
    one.ok("patterns add mine --matches mine --category auth".split(' '));
    let file = one.work().join("learned.toml");
    let told = one.ok(["patterns", "export", "--learned", "learned.toml"]);
    assert!(
        told.contains("1 pattern") && told.contains("1 strategy"),
        "{told}"
    );
    let other = Sandbox::new();
    for _ in 0..2 {
        other.ok(["patterns", "import", file.to_str().unwrap()]);
    }
    let json = other.json(["patterns", "stats", "--json"]);
    let learned = &json["strategies"][0];
    assert_eq!(learned["pattern"], "connection_refused");
    assert_eq!(learned["imported"]["attempts"], 10);
    assert_eq!(learned["imported"]["succeeded"], 9);
    assert_eq!(learned["attempts"], 0);
    let exported = other.ok(["patterns", "export", "--learned"]);
    assert!(exported.contains("[[pattern]]"), "{exported}");
    assert!(!exported.contains("[[learned]]"), "{exported}");
    // Without the option the file is fit for `config.toml` as before.
    assert!(!one.ok(["patterns", "export"]).contains("[[learned]]"));
}

#[test]
fn figures_that_cannot_be_true_are_refused_with_their_line() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "bad.toml",
        "[[learned]]\npattern = \"x\"\nstrategy = \"run_alnoe\"\nhelped = 1\ntried = 2\n\
         as_of = \"2026-11-22T02:00:00Z\"\n[[learned]]\npattern = \"x\"\nstrategy = \"run_alone\"\n\
         helped = 3\ntried = 2\nas_of = \"2026-11-22T02:00:00Z\"\n",
    );
    sandbox.run(["patterns", "import", "bad.toml"]).fails(
        2,
        &[
            "2 errors",
            "line 1: there is no strategy",
            "did you mean `run_alone`?",
            "line 7: `helped`",
        ],
    );
    sandbox.file("odd.toml", "[[learned]]\npattern = \"x\"\nsurprise = 1\n");
    sandbox
        .run(["patterns", "import", "odd.toml"])
        .fails(2, &["line 3: unknown field `surprise`"]);
}

#[test]
fn what_helped_is_remembered_and_foretells_what_will() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "t.toml",
        "[[task]]\nname = \"one\"\nretry = { base = \"10ms\" }\ncommand = '''\n\
         if [ -e ok ]; then rm ok; exit 0; fi\ntouch ok\n\
         echo 'curl: (7) Failed to connect to 127.0.0.1 port 9: Connection refused' >&2\nexit 7\n'''\n",
    );
    for _ in 0..6 {
        assert_eq!(sandbox.run(["run", "t.toml", "--no-progress"]).code, 0);
    }
    let json = sandbox.json(["patterns", "stats", "--json"]);
    let learned = &json["strategies"][0];
    assert_eq!(learned["pattern"], "connection_refused", "{json}");
    assert_eq!(learned["attempts"], 6);
    assert_eq!(learned["succeeded"], 6);
    let shown = sandbox.json(["queue", "show", "one", "--json"]);
    let recovery = &shown["task"]["recoveries"][0];
    assert_eq!(recovery["expected_from"], 5, "{shown}");
    assert!(recovery["expected"].as_f64().unwrap() > 0.7, "{shown}");
    let why = sandbox.ok(["why", "one"]);
    assert!(why.contains("by 5 earlier ones"), "{why}");
    // The draw and its seed are kept, so that the choice can be made again.
    let database = Connection::open(sandbox.state().join("queue.db")).unwrap();
    let drawn: i64 = database
        .query_row(
            "SELECT count(*) FROM error_recovery_history WHERE draw BETWEEN 0 AND 1 AND seed IS NOT NULL",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(drawn, 1);
}

#[test]
fn figures_of_an_unknown_pattern_are_refused_with_the_nearest_name_and_fit_a_terminal() {
    let sandbox = with_history(&[("retry_with_longer_timeout", 11, 12), ("run_alone", 0, 2)]);
    sandbox
        .run("patterns stats connection_refusd".split(' '))
        .fails(2, &["did you mean `connection_refused`?"]);
    sandbox
        .run(["patterns", "stats", "nosuch"])
        .fails(2, &["`nosuch`"]);
    sandbox.ok("patterns pin connection_refused run_alone --never".split(' '));
    let page = sandbox.ok("patterns stats connection_refused".split(' '));
    for line in page.lines() {
        assert!(line.chars().count() <= 80, "{page}");
    }
    assert!(page.contains("11 of 12"), "{page}");
    assert!(
        page.contains("run_alone for connection_refused: pinned: never"),
        "{page}"
    );
}
