//! What a task says of itself in its result file.

use crate::sandbox::Sandbox;

/// Runs one task of this script, and tells the exit code and what is shown of the task.
fn told(keys: &str, script: &str) -> (i32, serde_json::Value, String) {
    let sandbox = Sandbox::new();
    let text = format!(
        "[defaults.retry]\nbase = \"10ms\"\ncap = \"20ms\"\n\
         [[task]]\nname = \"one\"\n{keys}\ncommand = '''{script}'''\n"
    );
    sandbox.file("one.toml", text);
    let answer = sandbox.run(["run", "one.toml", "--no-progress"]);
    let mut shown = sandbox.json(["queue", "show", "one", "--json"]);
    let page = sandbox.ok(["queue", "show", "one"]);
    (answer.code, shown["task"]["attempts_made"].take(), page)
}

fn says(json: &str, code: i32) -> String {
    format!("echo Connection refused >&2; echo '{json}' > $AUTOEXEC_RESULT_FILE; exit {code}")
}

#[test]
fn the_tasks_own_word_beats_every_guess() {
    let json = r#"{"message":"the quota of the day","category":"validation","result":{"rows":7}}"#;
    let (code, attempts, page) = told("", &says(json, 1));
    assert_eq!(code, 1);
    assert_eq!(attempts.as_array().unwrap().len(), 1, "{attempts}");
    let first = &attempts[0];
    assert_eq!(first["classification"]["pattern"], "said_by_task");
    assert_eq!(first["classification"]["category"], "validation");
    assert_eq!(first["classification"]["line"], "the quota of the day");
    assert_eq!(first["result"]["rows"], 7);
    assert!(page.contains("result: {\"rows\":7}"), "{page}");
}

#[test]
fn what_is_said_of_another_attempt_is_heeded() {
    let no = says(r#"{"retryable":false}"#, 1);
    let (_, attempts, _) = told("", &no);
    assert_eq!(attempts.as_array().unwrap().len(), 1);
    assert_eq!(
        attempts[0]["decision"],
        "the task itself says that a retry cannot help"
    );
    let yes = says(r#"{"category":"auth","retryable":true}"#, 1);
    let (_, attempts, _) = told("retries = 2", &yes);
    assert_eq!(attempts.as_array().unwrap().len(), 3);
}

#[test]
fn a_wait_that_the_task_asks_for_is_kept() {
    let script = format!(
        "[ -e again ] && exit 0; : > again; {}",
        says(r#"{"retry_after":0.4}"#, 1)
    );
    let (code, attempts, _) = told("", &script);
    assert_eq!(code, 0);
    let at = |name: &str, index: usize| {
        let text = attempts[index][name].as_str().unwrap();
        chrono::DateTime::parse_from_rfc3339(text).unwrap()
    };
    let ended = attempts[0]["outcome"]["ended_at"].as_i64().unwrap();
    let waited = at("started_at", 1).timestamp_millis() - ended;
    assert!(waited >= 390, "{waited}");
}

#[test]
fn a_success_keeps_its_result_and_junk_is_only_a_remark() {
    let good = "echo '{\"message\":\"all rows\",\"result\":[1,2]}' > $AUTOEXEC_RESULT_FILE";
    let (code, attempts, page) = told("", good);
    assert_eq!(code, 0);
    assert_eq!(attempts[0]["result"][1], 2);
    assert!(page.contains("says: all rows"), "{page}");
    for junk in [
        "echo nonsense > $AUTOEXEC_RESULT_FILE",
        "mkdir $AUTOEXEC_RESULT_FILE",
        "ln -s /etc/passwd $AUTOEXEC_RESULT_FILE",
        "mkfifo $AUTOEXEC_RESULT_FILE",
        "head -c 70000 /dev/zero > $AUTOEXEC_RESULT_FILE",
    ] {
        let (code, attempts, page) = told("", junk);
        assert_eq!(code, 0, "{junk}");
        assert_eq!(attempts[0]["result"], serde_json::Value::Null);
        assert!(
            page.contains("its result file is passed over"),
            "{junk}: {page}"
        );
    }
}
