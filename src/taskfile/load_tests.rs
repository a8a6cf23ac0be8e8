//! Files into tasks, and what is said of files that are wrong.

use super::*;
use crate::support::bytes::OsText;
use crate::support::paint::Paint;
use crate::taskfile::render;

fn source(text: &str) -> Source {
    Source::new(
        Arc::new("nightly.toml".into()),
        "/data".into(),
        text.to_owned(),
    )
}

fn loaded(text: &str) -> Loaded {
    load_source(
        &source(text),
        Some(Path::new("/home/me")),
        &mut Names::new(),
    )
    .complete()
}

fn told(text: &str) -> String {
    render(&loaded(text).diagnostics, Paint::PLAIN)
}

#[test]
fn a_small_file_becomes_a_definition() {
    let loaded = loaded(
        "[[task]]\nname = \"one\"\ncommand = [\"sort\", \"in file\"]\nworkdir = \"~/x/./y\"\n",
    );
    assert_eq!(render(&loaded.diagnostics, Paint::PLAIN), "");
    let spec = &loaded.tasks[0].spec;
    assert_eq!(spec.workdir.as_str(), Some("/home/me/x/y"));
    assert_eq!(
        spec.steps[0].command.argv(),
        ["sort", "in file"].map(OsText::from)
    );
}

#[test]
fn a_wrong_value_is_shown_in_its_line_with_what_to_write() {
    let file = "[[task]]\nname = \"one\"\ncommand = \"true\"\nretries = \"three\"\n";
    let expected = "\
error: `retries` must be a whole number, found `\"three\"`
 --> nightly.toml:4:11
  |
4 | retries = \"three\"
  |           ^^^^^^^
  |
  = hint: write `retries = 3`
";
    assert_eq!(told(file), expected);
    assert!(loaded(file).tasks.is_empty());
}
