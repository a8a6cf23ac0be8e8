//! Steps of a task file: what is read, what is explained, what is refused.

use std::time::Duration;

use crate::model::spec::Command;
use crate::model::spec::MAX_STEPS;
use crate::model::spec::TaskSpec;
use crate::taskfile::explain;
use crate::taskfile::load::tests::loaded;

fn good(text: &str) -> TaskSpec {
    let mut loaded = loaded(text);
    assert_eq!(loaded.diagnostics, [], "{text}");
    *loaded.tasks.remove(0).spec
}

/// What is wrong with a text, as `line: message`.
fn wrong(text: &str) -> Vec<String> {
    let told = loaded(text).diagnostics;
    told.iter()
        .map(|one| format!("{}: {}", one.line.unwrap_or_default(), one.message))
        .collect()
}

const TWO: &str = r#"
[defaults]
timeout = "2h"
[[task]]
name = "train"
workdir = "/data"
shell = ["bash", "-c"]
  [[task.step]]
  name = "prepare"
  command = "python3 prepare.py"
  env = { STAGE = "1" }
  [[task.step]]
  name = "fit"
  command = ["python3", "fit.py"]
  workdir = "model"
  stdin = "rows.csv"
  timeout = "30m"
"#;

#[test]
fn steps_are_read_in_their_order_with_all_that_is_theirs() {
    let spec = good(TWO);
    let names: Vec<&str> = spec.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["prepare", "fit"]);
    let [prepare, fit] = spec.steps.as_slice() else {
        panic!("two steps")
    };
    let Command::Shell { shell, .. } = &prepare.command else {
        panic!("a text is for the shell")
    };
    assert_eq!(shell.first().and_then(|word| word.as_str()), Some("bash"));
    assert_eq!(prepare.env.len(), 1);
    assert_eq!(fit.timeout, Some(Duration::from_mins(30)));
    // The folder of the file is what relative directories start from, and a file lies in one.
    let workdir = fit.workdir.as_ref().unwrap().as_str().unwrap();
    assert!(workdir.ends_with("/model") && workdir.starts_with('/'));
    let stdin = fit.stdin.as_ref().unwrap().as_str().unwrap();
    assert_eq!(stdin, format!("{workdir}/rows.csv"));
    assert_eq!(spec.timeout, Some(Duration::from_hours(2)));
}

#[test]
fn every_value_of_a_step_is_explained_under_its_name() {
    let loaded = loaded(TWO);
    let told = explain(&loaded.tasks[0]);
    for line in [
        "step.prepare.command ",
        "step.prepare.env.STAGE ",
        "step.fit.timeout ",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert!(!told.contains("\ncommand "), "{told}");
}

#[test]
fn what_is_wrong_with_steps_is_told_with_its_place() {
    let head = "[[task]]\nname = \"one\"\n";
    for (steps, expected) in [
        (
            "[[task.step]]\nname = \"a\"\n",
            vec!["3: this step has no `command`"],
        ),
        (
            "[[task.step]]\ncommand = \"true\"\n",
            vec!["3: this step has no `name`"],
        ),
        (
            "command = \"true\"\n[[task.step]]\nname = \"a\"\ncommand = \"true\"\n",
            vec!["3: `command` and `[[task.step]]` are both written"],
        ),
        (
            "[[task.step]]\nname = \"a\"\ncommand = \"true\"\n[[task.step]]\nname = \"a\"\ncommand = \"true\"\n",
            vec!["7: a second step of this task is called `a`"],
        ),
        ("step = []\n", vec!["3: `step` holds no step"]),
        (
            "step = \"a\"\n",
            vec!["3: `step` must be a list of tables, found `\"a\"`"],
        ),
        (
            "[[task.step]]\nname = \"a\"\ncomand = \"true\"\n",
            vec!["5: there is no key `comand` in `[[task.step]]`"],
        ),
        (
            "[[task.step]]\nname = \"a b\"\ncommand = \"true\"\ntimeout = 3\n",
            vec![
                "4: `step.name` must be a legal name, found `\"a b\"`",
                "6: `step.timeout` must be a duration, found `3`",
            ],
        ),
        ("", vec!["1: this task has no `command`"]),
    ] {
        assert_eq!(wrong(&format!("{head}{steps}")), expected, "{steps}");
    }
    let step = |number| format!("[[task.step]]\nname = \"s{number}\"\ncommand = \"true\"\n");
    let many: String = (0..=MAX_STEPS).map(step).collect();
    assert_eq!(
        wrong(&format!("{head}{many}")),
        ["3: this task has 101 steps; the most are 100"]
    );
}

#[test]
fn steps_cannot_stand_in_the_defaults() {
    let text = "[[defaults.step]]\nname = \"a\"\ncommand = \"true\"\n[[task]]\nname = \"one\"\ncommand = \"true\"\n";
    assert_eq!(wrong(text), ["1: `step` cannot stand in `[defaults]`"]);
}
