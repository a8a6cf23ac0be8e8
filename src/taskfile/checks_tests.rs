//! Requirements and success checks as people write them, and as they should not.

use crate::model::checks::Requirement;
use crate::model::spec::Command;
use crate::taskfile::load::tests::loaded;

fn task(lines: &str) -> String {
    format!("[[task]]\nname = \"one\"\ncommand = [\"true\"]\n{lines}\n")
}

fn requires(written: &str) -> Result<Requirement, String> {
    let mut loaded = loaded(&task(&format!("requires = [{written}]")));
    if let Some(diagnostic) = loaded.diagnostics.first() {
        return Err(format!(
            "{}: {}",
            diagnostic.message,
            diagnostic.hint.as_deref().unwrap_or_default()
        ));
    }
    Ok(loaded.tasks.remove(0).spec.requires.remove(0))
}

fn tool(name: &str, version: &str) -> Requirement {
    Requirement::Tool {
        name: name.to_owned(),
        version: (!version.is_empty()).then(|| version.to_owned()),
    }
}

#[test]
fn every_form_of_a_requirement_is_read_and_written_back() {
    let tcp = |host: &str, port| Requirement::Tcp {
        host: host.to_owned(),
        port,
    };
    for (written, requirement, back) in [
        ("pg_dump", tool("pg_dump", ""), "pg_dump"),
        (
            "python3 >= 3.11",
            tool("python3", "3.11"),
            "python3 >= 3.11",
        ),
        ("python3>=3", tool("python3", "3"), "python3 >= 3"),
        ("g++", tool("g++", ""), "g++"),
        (
            ".venv/bin/python >= 3.11",
            tool(".venv/bin/python", "3.11"),
            ".venv/bin/python >= 3.11",
        ),
        (
            "data/in.csv",
            Requirement::File("data/in.csv".into()),
            "data/in.csv",
        ),
        ("./a: b", Requirement::File("./a: b".into()), "./a: b"),
        ("/x y", Requirement::File("/x y".into()), "/x y"),
        (
            "~/in.csv",
            Requirement::File("/home/me/in.csv".into()),
            "/home/me/in.csv",
        ),
        (
            "env:PGHOST",
            Requirement::Env("PGHOST".to_owned()),
            "env:PGHOST",
        ),
        (
            "tcp:db.internal:5432",
            tcp("db.internal", 5432),
            "tcp:db.internal:5432",
        ),
        ("tcp:[::1]:80", tcp("::1", 80), "tcp:[::1]:80"),
    ] {
        let read = requires(&format!("\"{written}\"")).unwrap();
        assert_eq!(read, requirement, "{written}");
        assert_eq!(read.written().as_str(), Some(back));
    }
}

#[test]
fn what_is_no_requirement_is_refused_with_the_forms() {
    for written in [
        "\"\"",
        "\"two words\"",
        "\"http://x:80\"",
        "\"tcp:db\"",
        "\"tcp:db:0\"",
        "\"tcp:db:70000\"",
        "\"tcp:::1:80\"",
        "\"tcp::80\"",
        "\"env:\"",
        "\"env:A=B\"",
        "\">= 3\"",
        "\"a\\nb\"",
        "\"python:3\"",
    ] {
        let refused = requires(written).unwrap_err();
        assert!(refused.contains("must be a requirement"), "{refused}");
        assert!(refused.contains("tcp:HOST:PORT"), "{refused}");
    }
    for written in [
        "\"python3 == 3.11\"",
        "\"python3 >= new\"",
        "\"python3 < 4\"",
    ] {
        let refused = requires(written).unwrap_err();
        assert!(refused.contains("`python3 >= 3.11`"), "{refused}");
    }
    let later = requires("\"skill:x\"").unwrap_err();
    assert!(later.contains("`skill:` is not supported yet"), "{later}");
    let number = requires("3").unwrap_err();
    assert!(number.contains("must be a text"), "{number}");
    let one = &loaded(&task("requires = \"sh\"")).diagnostics[0];
    assert_eq!(
        one.hint.as_deref(),
        Some("put it into brackets: `[\"sh\"]`")
    );
}

#[test]
fn a_requirement_that_is_written_twice_counts_once() {
    let mut loaded = loaded(&task("requires = [\"sh\", \"sed\", \"sh\"]"));
    let spec = loaded.tasks.remove(0).spec;
    assert_eq!(spec.requires, [tool("sh", ""), tool("sed", "")]);
}

#[test]
fn a_success_command_that_is_a_text_is_run_by_the_shell_of_the_task() {
    let text = task("shell = [\"bash\", \"-c\"]\nsuccess = { command = \"test -s x\" }");
    let spec = loaded(&text).tasks.remove(0).spec;
    let expected = Command::Shell {
        shell: vec!["bash".into(), "-c".into()],
        script: "test -s x".into(),
    };
    assert_eq!(spec.success.command, Some(expected));
}

#[test]
fn an_expression_that_does_not_work_is_an_error_with_its_place() {
    let wrong = &loaded(&task("success = { stdout_matches = \"(\" }")).diagnostics[0];
    assert_eq!(
        wrong.message,
        "`success.stdout_matches` must be a regular expression that works, found `\"(\"`"
    );
    assert_eq!(
        wrong.hint.as_deref(),
        Some("it cannot be read: unclosed group")
    );
    assert_eq!((wrong.line, wrong.column), (Some(4), Some(30)));
}

#[test]
fn what_looks_like_more_than_it_is_is_doubted() {
    for (line, doubt) in [
        (
            "success = { files = [\"out/*.csv\"] }",
            "a `*` stands for itself",
        ),
        (
            "success = { output_rejects = 'a\\nb' }",
            "one line at a time",
        ),
    ] {
        let loaded = loaded(&task(line));
        assert_eq!(loaded.tasks.len(), 1, "{line}");
        assert!(loaded.diagnostics[0].message.contains(doubt), "{line}");
    }
}
