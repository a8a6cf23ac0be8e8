//! `autoexec classify`.

use std::io::{Seek as _, SeekFrom, Write as _};

use crate::sandbox::Sandbox;

#[test]
fn an_exit_code_with_a_meaning_is_named() {
    let sandbox = Sandbox::new();
    let answer = sandbox.run_with_input(&["classify", "--exit-code", "75"], b"busy\n");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer
            .stdout
            .starts_with("unknown: try_later (running it again can help)\n"),
        "{}",
        answer.stdout
    );
}

#[test]
fn what_nothing_is_known_about_is_tried_once_more() {
    let answer = Sandbox::new().run_with_input(&["classify", "--exit-code", "1"], b"");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(
        answer.stdout.starts_with("unknown: ") && answer.stdout.contains("tried once more"),
        "{}",
        answer.stdout
    );
}

#[test]
fn success_is_success() {
    Sandbox::new()
        .run(["classify", "--exit-code", "0"])
        .is(0, "success: exit code 0\n", "");
}

#[test]
fn a_person_is_told_what_why_and_what_would_be_tried() {
    let output = b"\x1b[31mcurl: (7) Failed to connect to h port 81: Connection refused\x1b[0m\n";
    Sandbox::new()
        .run_with_input(&["classify", "--exit-code", "7"], output)
        .is(
            0,
            "network: connection_refused (running it again can help)\n  \
             curl: (7) Failed to connect to h port 81: Connection refused\n  \
             why: nobody listens there at the moment; services come back\n  \
             would try: rotate_endpoint, wait_for_reconnection, wait_and_retry\n",
            "",
        );
}

#[test]
fn a_signal_is_given_by_name_or_number() {
    let sandbox = Sandbox::new();
    for signal in ["SEGV", "sigsegv", "11"] {
        let json = sandbox.json(["classify", "--signal", signal, "--json"]);
        assert_eq!(json["schema"], "autoexec.classification/1");
        assert_eq!(json["category"], "logic", "{signal}");
        assert_eq!(json["retryable"], "no");
    }
    sandbox
        .run(["classify", "--signal", "FOO"])
        .fails(2, &["`FOO` does not fit `--signal <S>`"]);
}

#[test]
fn a_huge_line_of_a_sparse_file_is_judged_by_its_end() {
    let sandbox = Sandbox::new();
    let path = sandbox.work().join("flood");
    let mut file = std::fs::File::create(&path).unwrap();
    file.set_len(100 << 20).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b" curl: (7) Connection refused").unwrap();
    let answer = sandbox.json(["classify", "flood", "--json"]);
    assert_eq!(answer["pattern"], "connection_refused");
}

#[test]
fn nothing_of_an_output_reaches_a_terminal_raw() {
    let output =
        b"\x1b]0;owned\x07\x1b[2J\xe2\x80\xaetxt.\xe2\x80\xac: \xffPermission denied\x9b31m\x00\n";
    let sandbox = Sandbox::new();
    for arguments in [&["classify"][..], &["classify", "--json"]] {
        let answer = sandbox.run_with_input(arguments, output);
        assert_eq!(answer.code, 0, "{}", answer.stderr);
        assert!(answer.stdout.contains("Permission denied"));
        let text = String::from_utf8(answer.raw_stdout).unwrap();
        let is_raw =
            |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
        let is_json = arguments.len() > 1;
        assert!(is_json || !text.contains(is_raw), "{text:?}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}

#[test]
fn an_output_that_cannot_be_read_is_a_wrong_command_line() {
    Sandbox::new()
        .run(["classify", "missing.txt"])
        .fails(2, &["error: cannot read `missing.txt`\n  No such file"]);
}

#[test]
fn many_ends_are_judged_line_by_line_in_order() {
    let sandbox = Sandbox::new();
    let lines = "{\"id\":\"a\",\"exit_code\":0,\"stdout\":\"\",\"stderr\":\"\"}\n\n\
                 {\"id\":2,\"exit_code\":75,\"signal\":null,\"new\":true,\"stdout\":\"\",\"stderr\":\"\"}\n";
    sandbox.file("ends.jsonl", lines);
    let text = sandbox.ok(["classify", "--batch", "ends.jsonl"]);
    let answers: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 2);
    assert_eq!(
        (&answers[0]["id"], &answers[0]["category"]),
        (&"a".into(), &"success".into())
    );
    assert_eq!(
        (&answers[1]["id"], &answers[1]["pattern"]),
        (&2.into(), &"try_later".into())
    );

    sandbox
        .run_with_input(&["classify", "--batch", "-"], b"{}\nno json\n")
        .fails(2, &["line 2 is no JSON object"]);
}
