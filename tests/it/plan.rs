//! `autoexec plan`.

use crate::sandbox::Sandbox;
use crate::window::at;

#[test]
fn an_empty_queue_has_an_empty_plan() {
    let sandbox = Sandbox::new();
    let page = sandbox.ok(["plan"]);
    assert!(
        page.starts_with("From now on 2 slots: nothing would run."),
        "{page}"
    );
    assert_eq!(
        sandbox.json(["plan", "--json"])["tasks"],
        serde_json::json!([])
    );
}

#[test]
fn a_plan_names_order_and_problems_and_starts_nothing() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "night.toml",
        "[[task]]\nname = \"dump\"\ncommand = [\"true\"]\n\n\
         [[task]]\nname = \"train\"\nafter = [\"dump\"]\ncommand = [\"no-such-program\"]\n",
    );
    // Of a file, without adding it.
    let answer = sandbox.run(["plan", "night.toml"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    for expected in [
        "2 tasks would run",
        "In the way (1)",
        "train: no program `no-such-program` is found along PATH",
    ] {
        assert!(
            answer.stdout.contains(expected),
            "{expected:?} in\n{}",
            answer.stdout
        );
    }
    assert!(!sandbox.state().exists(), "nothing was made");
    // Of the queue.
    sandbox.ok(["queue", "add", "night.toml"]);
    let json = sandbox.run(["plan", "--json"]).json();
    assert_eq!(json["schema"], "autoexec.plan/1");
    let tasks = json["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 2);
    assert!(tasks[0]["end_p50"].as_str() <= tasks[1]["start_p50"].as_str());
    assert_eq!(
        sandbox.json(["queue", "list", "--json"])["tasks"][0]["status"],
        "queued"
    );
}

#[test]
fn what_a_plain_run_does_not_wait_for_is_not_planned() {
    let sandbox = Sandbox::new();
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "late",
        "--not-before",
        "+5h",
        "--",
        "true",
    ]);
    let page = sandbox.ok(["plan"]);
    assert!(page.contains("nothing would run"), "{page}");
    assert!(page.contains("a plain run does not wait"), "{page}");
    sandbox.ok(["pause"]);
    assert!(sandbox.ok(["plan"]).contains("The queue is paused"));
}

#[test]
fn what_a_task_usually_takes_comes_from_its_history() {
    let sandbox = Sandbox::new();
    for _ in 0..3 {
        sandbox.ok(["queue", "add", "--name", "nap", "--", "sleep", "0.2"]);
        sandbox.ok(["run"]);
    }
    sandbox.ok(["queue", "add", "--name", "nap", "--", "sleep", "0.2"]);
    let json = sandbox.json(["plan", "--json"]);
    let forecast = &json["tasks"][0]["forecast"];
    assert_eq!(forecast["samples"], 3);
    assert!(forecast["p50_ms"].as_u64().unwrap() >= 200, "{forecast}");
}

#[test]
fn a_night_has_the_hours_of_the_configuration() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "config.toml",
        "[overnight]\nstart = \"23:00\"\nend = \"05:00\"\ntimezone = \"UTC\"\n",
    );
    sandbox.ok(["queue", "add", "--name", "one", "--", "true"]);
    let json = sandbox.json(["plan", "--overnight", "--json", "--config", "config.toml"]);
    let until = json["until"].as_str().unwrap();
    assert!(until.ends_with("T05:00:00.000Z"), "{until}");
    assert!(json["begin"].as_str().unwrap() < until);
}

#[test]
fn what_the_night_is_too_short_for_is_not_promised() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(at("2026-10-24T04:55:00Z"));
    sandbox.file(
        "config.toml",
        "[overnight]\nstart = \"23:00\"\nend = \"05:00\"\ntimezone = \"UTC\"\n",
    );
    sandbox.file(
        "night.toml",
        "[[task]]\nname = \"mirror\"\ncommand = \"true\"\nexpect_duration = \"8h\"\n\
         [[task]]\nname = \"index\"\ncommand = \"true\"\nexpect_duration = \"10m\"\n\
         [[task]]\nname = \"behind\"\ncommand = \"true\"\nafter = [\"index\"]\n\
         [[task]]\nname = \"goes-on\"\nexpect_duration = \"8h\"\n\
         step = [{ name = \"a\", command = \"true\" }, { name = \"b\", command = \"true\" }]\n",
    );
    sandbox.ok(["queue", "add", "night.toml"]);
    let json = sandbox
        .run(["plan", "--overnight", "--json", "--config", "config.toml"])
        .json();
    let stuck = |number: usize| json["tasks"][number]["stuck"].as_str().unwrap_or("");
    assert!(
        stuck(0).starts_with("would be held: it is expected to take 8h 00m"),
        "{json}"
    );
    let why = "waits for another night: it is expected to take 10m 00s, 5m 00s are left";
    assert_eq!(stuck(1), why);
    assert_eq!(json["tasks"][2]["waits_for_stuck"], true);
    assert_eq!(stuck(3), "");
    // The run says the same.
    let run = sandbox.run(["run", "--overnight", "--config", "config.toml"]);
    assert!(run.stderr.contains("mirror: held"), "{}", run.stderr);
    assert!(run.stderr.contains("index: deferred"), "{}", run.stderr);
}

#[test]
fn what_comes_too_late_in_the_night_is_not_promised_either() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(at("2026-10-23T23:00:00Z"));
    sandbox.file(
        "config.toml",
        "[overnight]\nstart = \"23:00\"\nend = \"05:00\"\ntimezone = \"UTC\"\n",
    );
    let task = |name: &str, takes: &str| {
        format!("[[task]]\nname = \"{name}\"\ncommand = \"true\"\nexpect_duration = \"{takes}\"\n")
    };
    let tasks = task("dump", "5h") + &task("mirror", "2h") + &task("index", "30m");
    sandbox.file("night.toml", tasks);
    let plan = [
        "plan",
        "night.toml",
        "--overnight",
        "-j1",
        "--config",
        "config.toml",
    ];
    let page = sandbox.run(plan).stdout;
    let why = "waits for another night: it is expected to take 2h 00m, 1h 00m are left";
    assert!(page.contains("mirror: waits for another night: "), "{page}");
    let json = sandbox.run(plan.into_iter().chain(["--json"])).json();
    let tasks = &json["tasks"];
    assert_eq!(tasks[1]["stuck"], why, "{json}");
    assert!(
        tasks[0]["stuck"].is_null() && tasks[2]["stuck"].is_null(),
        "{json}"
    );
    // Its place is free for the next one.
    assert_eq!(tasks[2]["start_p50"], "2026-10-24T04:00:00.000Z", "{json}");
}

#[test]
fn the_evening_check_stands_above_the_forecast() {
    let sandbox = Sandbox::new();
    sandbox.set_clock(at("2026-10-24T18:00:00Z"));
    let config = sandbox.file(
        "c.toml",
        "[overnight]\ntimezone = \"Europe/Berlin\"\n\
         [[notify]]\non = [\"report\"]\n\
         email = { to = \"me@example.com\", smtp = \"smtps://mail.example.com\", \
         user = \"me\", password_env = \"SMTP_PASSWORD\" }\n",
    );
    sandbox.file(
        "night.toml",
        "[[task]]\nname = \"push\"\ncommand = [\"true\"]\nrequires = [\"env:API_KEY\"]\n\
         [[task]]\nname = \"fetch\"\ncommand = [\"no-such-tool-7\"]\ntemp = [\"*.part\"]\n\
         [[task]]\nname = \"plain\"\ncommand = [\"true\"]\nenv_file = \"gone.env\"\n",
    );
    sandbox.ok(["queue", "add", "night.toml"]);
    let asked = |arguments: &[&str]| {
        let mut command = sandbox.command();
        // Both are set here, and not where a timer or cron begins the night.
        command
            .args(["--config", config.to_str().unwrap()])
            .args(arguments)
            .env("API_KEY", "hunter2")
            .env("SMTP_PASSWORD", "hunter2");
        sandbox.finish(&mut command)
    };
    let answer = asked(&["plan", "--overnight"]);
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    let page = &answer.stdout;
    for expected in [
        "Before the night: ",
        "`API_KEY` is not set",
        "no program `no-such-tool-7` is found",
        "gone.env` is not there",
        "in a run by a timer or by cron: the",
        "put back by [SPAN] in this night: it is [SPAN] long",
        "nothing begins the night by itself",
        "What recovery may do",
        "for `fetch` also: clean_temp",
    ] {
        assert!(page.contains(expected), "no `{expected}` in\n{page}");
    }
    assert!(page.find("Before the night") < page.find("SLOT"), "{page}");
    assert!(!page.contains("hunter2"), "{page}");
    let value = asked(&["plan", "--overnight", "--json"]).json();
    let check = &value["before_the_night"];
    assert!(check["findings"].as_array().unwrap().len() >= 4, "{value}");
    assert_eq!(check["recoveries"].as_array().unwrap().len(), 2, "{value}");
    assert_eq!(
        asked(&["plan", "--json"]).json()["before_the_night"],
        serde_json::Value::Null
    );
    // Bare `autoexec` sums it up.
    let told = asked(&[]).stdout;
    assert!(told.contains("Tonight [TIME]-[TIME]: 3 tasks"), "{told}");
    assert!(told.contains("`autoexec plan --overnight`"), "{told}");
}

#[test]
fn what_a_task_makes_itself_or_does_without_is_no_doubt() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "a.toml",
        "[[task]]\nname = \"made\"\nstep = [\n\
           { name = \"make\", command = \"printf '#!/bin/sh\\\\n' >made.sh; chmod +x made.sh\" },\n\
           { name = \"run\", command = \"./made.sh\" },\n\
           { name = \"direct\", command = [\"./made.sh\"] },\n]\n\
         [[task]]\nname = \"next\"\nafter = [\"made\"]\ncommand = \"./made2.sh\"\n\
         [[task]]\nname = \"a\"\ncommand = \"nosuch -q 2>/dev/null || echo fallback\"\n\
         [[task]]\nname = \"b\"\ncommand = \"nosuch || true\"\n\
         [[task]]\nname = \"c\"\ncommand = \"nosuch --version >/dev/null 2>&1 && nosuch run\"\n",
    );
    let checked = sandbox.run(["check", "a.toml"]);
    assert!(!checked.stderr.contains("no program"), "{}", checked.stderr);
    assert_eq!(sandbox.run(["queue", "add", "a.toml"]).code, 0);
    for command in ["plan", "health"] {
        let answer = sandbox.run([command]);
        assert!(!answer.stdout.contains("no program"), "{}", answer.stdout);
        assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    }
}
