//! Values of secrets stay in their file.

use super::*;
use crate::taskfile::Context;
use crate::taskfile::Loaded;
use crate::taskfile::load;
use std::path::Path;

const SECRET: &str = "correct-horse-battery";

fn load_text(folder: &Path, text: &str) -> Loaded {
    let file = folder.join("night.toml");
    std::fs::write(&file, text).unwrap();
    let context = Context {
        home: None,
        base: folder.to_owned(),
    };
    load(&[file], &context)
}

#[test]
fn what_is_declared_as_secret_is_not_part_of_the_definition_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[defaults]\nenv = {{ SHARED = \"{SECRET}\" }}\n\
         [[task]]\nname = \"own\"\ncommand = [\"true\"]\nsecrets = [\"TOKEN\", \"ELSEWHERE\"]\n\
         env = {{ TOKEN = \"{SECRET}\", PLAIN = \"x\" }}\n\
         [[task]]\nname = \"shared\"\ncommand = [\"true\"]\nsecrets = [\"SHARED\"]\n"
    );
    let loaded = load_text(folder.path(), &text);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    for (task, name) in loaded.tasks.iter().zip(["TOKEN", "SHARED"]) {
        let is_own = task.spec.name.as_str() == "own";
        let stored = serde_json::to_string(&task.spec).unwrap();
        // The other task of the two gets `SHARED` as a plain variable, which it did not call a secret.
        assert_eq!(stored.contains(SECRET), is_own, "{stored}");
        assert!(!task.spec.env.contains_key(name));
        let read = written_values(&task.spec).unwrap();
        assert_eq!(read, [(OsText::from(name), OsText::from(SECRET))]);
    }
}

#[test]
fn a_token_of_a_known_issuer_is_a_secret_without_being_called_so() {
    let folder = tempfile::tempdir().unwrap();
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let text = format!(
        "[[task]]\nname = \"own\"\ncommand = [\"true\"]\nenv = {{ TOKEN = \"{token}\", PLAIN = \"x\" }}\n"
    );
    let loaded = load_text(folder.path(), &text);
    let spec = &loaded.tasks[0].spec;
    assert_eq!(spec.secrets, ["TOKEN"]);
    assert!(!serde_json::to_string(spec).unwrap().contains(token));
    assert_eq!(
        written_values(spec).unwrap(),
        [(OsText::from("TOKEN"), OsText::from(token))]
    );
}

#[test]
fn a_file_that_changed_says_why_the_secret_cannot_be_had_and_never_quotes_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[[task]]\nname = \"own\"\ncommand = [\"true\"]\nsecrets = [\"TOKEN\"]\nenv = {{ TOKEN = \"{SECRET}\" }}\n"
    );
    let spec = load_text(folder.path(), &text).tasks.remove(0).spec;
    let file = folder.path().join("night.toml");
    for broken in [
        format!("[[task]]\nname = \"other\"\nenv = {{ TOKEN = \"{SECRET}\" }}\n"),
        format!("[[task]]\nname = \"own\"\nenv = {{ TOKEN = \"{SECRET} }}\n"),
    ] {
        std::fs::write(&file, broken).unwrap();
        let why = written_values(&spec).unwrap_err();
        assert!(why.contains("night.toml") && !why.contains(SECRET), "{why}");
    }
    std::fs::remove_file(&file).unwrap();
    assert!(written_values(&spec).unwrap_err().contains("night.toml"));
}

#[test]
fn what_cannot_be_hidden_or_kept_apart_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let short = load_text(
        folder.path(),
        "[[task]]\nname = \"a\"\ncommand = [\"true\"]\nsecrets = [\"PIN\"]\nenv = { PIN = \"1234\" }\n",
    );
    let told: Vec<&str> = short
        .diagnostics
        .iter()
        .map(|one| one.message.as_str())
        .collect();
    assert!(told[0].contains("too short"), "{told:?}");
    assert!(!short.has_errors());
    let step = load_text(
        folder.path(),
        "[[task]]\nname = \"a\"\nsecrets = [\"TOKEN\"]\n[[task.step]]\nname = \"s\"\n\
         command = [\"true\"]\nenv = { TOKEN = \"correct-horse\" }\n",
    );
    assert!(step.has_errors());
}
