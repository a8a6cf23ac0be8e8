//! The table of keys against the code that uses it, the defaults of the model, and the command line.

use std::path::Path;

use crate::model::ids::TaskName;
use crate::model::spec::Command;
use crate::model::spec::TaskSpec;
use crate::taskfile::CommandLine;
use crate::taskfile::Context;
use crate::taskfile::Flag;
use crate::taskfile::ParsedTask;
use crate::taskfile::explain;
use crate::taskfile::from_flags;
use crate::taskfile::keys::Key;
use crate::taskfile::keys::Kind;
use crate::taskfile::keys::Scope;
use crate::taskfile::keys::Since;
use crate::taskfile::load::tests::loaded;
use crate::taskfile::table::KEYS;

fn context() -> Context {
    Context {
        home: Some("/home/me".into()),
        base: "/data".into(),
    }
}

/// A task with one key besides name and command.
fn task_with(key: &Key, value: &str) -> String {
    match (key.scope, key.name) {
        (Scope::Task, "name") => format!("[[task]]\ncommand = \"true\"\nname = {value}\n"),
        (Scope::Task, "command") => format!("[[task]]\nname = \"one\"\ncommand = {value}\n"),
        (Scope::Step, "name" | "command") => format!(
            "[[task]]\nname = \"one\"\n[[task.step]]\n{} = {value}\n{} = \"x\"\n",
            key.name,
            if key.name == "name" {
                "command"
            } else {
                "name"
            }
        ),
        (Scope::Step, name) => format!(
            "[[task]]\nname = \"one\"\n[[task.step]]\nname = \"x\"\ncommand = \"true\"\n{name} = {value}\n"
        ),
        (Scope::Recover, name) => {
            let others = [("when", "\"auth\""), ("command", "\"true\"")];
            let others = others.map(|(other, value)| {
                if other == name {
                    String::new()
                } else {
                    format!("{other} = {value}\n")
                }
            });
            let others = others.concat();
            format!(
                "[[task]]\nname = \"one\"\ncommand = \"true\"\n[[task.recover]]\n{others}{name} = {value}\n"
            )
        }
        (Scope::Pattern, name) => {
            let others = [
                ("name", "\"mine\""),
                ("matches", "\"x\""),
                ("category", "\"auth\""),
            ];
            let others = others.map(|(other, value)| {
                if other == name {
                    String::new()
                } else {
                    format!("{other} = {value}\n")
                }
            });
            let others = others.concat();
            format!(
                "[[pattern]]\n{others}{name} = {value}\n[[task]]\nname = \"one\"\ncommand = \"true\"\n"
            )
        }
        (Scope::RetryOn, name) => {
            format!(
                "[[task]]\nname = \"one\"\ncommand = \"true\"\nretry.on.network.{name} = {value}\n"
            )
        }
        _ => format!(
            "[[task]]\nname = \"one\"\ncommand = \"true\"\n{} = {value}\n",
            key.path("")
        ),
    }
}

fn one(text: &str) -> ParsedTask {
    let mut loaded = loaded(text);
    assert_eq!(loaded.diagnostics, [], "{text}");
    loaded.tasks.remove(0)
}

fn plain() -> ParsedTask {
    one("[[task]]\nname = \"one\"\ncommand = \"true\"\n")
}

fn working_values() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(|key| {
        key.since == Since::Now
            && key.scope != Scope::File
            && !matches!(
                key.kind,
                Kind::Table(_) | Kind::Tables(_) | Kind::PerCategory(_)
            )
    })
}

#[test]
fn the_example_of_every_key_is_read_and_changes_the_definition() {
    let plain = plain().spec;
    for key in working_values() {
        assert!(!key.example.is_empty(), "{}", key.path(""));
        let changed = one(&task_with(key, key.example)).spec;
        assert_ne!(changed, plain, "{}", key.path(""));
    }
}

#[test]
fn the_default_of_every_key_is_what_the_model_does() {
    let plain = plain();
    for key in working_values() {
        let written = match key.default {
            "" | "none" | "nothing to read" => continue,
            text if text.contains(' ') && key.kind != Kind::Shell => continue,
            text @ ("true" | "[0]") => text.to_owned(),
            text if text.parse::<f64>().is_ok() => text.to_owned(),
            text => format!("\"{text}\""),
        };
        let without = match key.scope {
            Scope::Recover => {
                one(&task_with(key, "\"\"").replace(&format!("{} = \"\"\n", key.name), "")).spec
            }
            _ => plain.spec.clone(),
        };
        assert_eq!(
            one(&task_with(key, &written)).spec,
            without,
            "{}",
            key.path("")
        );
    }
    let of_model = TaskSpec::of_command(
        TaskName::new("one").unwrap(),
        Command::Shell {
            shell: ["/bin/sh", "-c"].map(Into::into).to_vec(),
            script: "true".into(),
        },
        Path::new("/data").into(),
    );
    assert_eq!(*plain.spec, of_model);
}

#[test]
fn an_option_says_the_same_as_its_key() {
    for key in working_values() {
        let Some(flag) = key.flag else {
            continue;
        };
        let by_flag = from_flags(
            &[
                Flag::new("--name", "one"),
                Flag::new(flag, key.example_of_flag()),
            ],
            CommandLine::Shell(vec!["true".into()]),
            &context(),
            |_| false,
        );
        assert_eq!(by_flag.diagnostics, [], "{flag}");
        let by_file = one(&task_with(key, key.example));
        assert_eq!(by_flag.tasks[0].spec, by_file.spec, "{flag}");
    }
}

#[test]
fn keys_of_later_work_are_refused_by_name_in_files_and_on_the_command_line() {
    for key in KEYS.iter().filter(|key| key.since != Since::Now) {
        let text = match key.scope {
            Scope::File => format!("{} = 1\n", key.name),
            Scope::Task | Scope::Success => task_with(key, "1"),
            Scope::Slurm => continue,
            Scope::Recover
            | Scope::Dependencies
            | Scope::Retry
            | Scope::RetryOn
            | Scope::Limits
            | Scope::Step
            | Scope::Pattern => {
                unreachable!()
            }
        };
        let refused = loaded(&text).diagnostics;
        assert_eq!(refused.len(), 1, "{refused:?}");
        let expected = format!("`{}` is not supported yet", key.path(""));
        assert_eq!(refused[0].message, expected);
        if let Some(flag) = key.flag {
            let flags = [Flag::new(flag, "1")];
            let line = CommandLine::Direct(vec!["true".into()]);
            let refused = from_flags(&flags, line, &context(), |_| false).diagnostics;
            assert_eq!(refused[0].message, format!("`{flag}` is not supported yet"));
        }
    }
}

#[test]
fn no_name_and_no_option_stands_twice_in_the_table() {
    for (index, key) in KEYS.iter().enumerate() {
        for other in &KEYS[index + 1..] {
            assert!(
                (key.scope, key.name) != (other.scope, other.name),
                "{}",
                key.path("")
            );
            assert!(
                key.flag.is_none() || key.flag != other.flag,
                "{:?}",
                key.flag
            );
        }
    }
}

#[test]
fn patterns_of_the_file_are_explained_under_their_names() {
    let task = one("[[task]]\nname = \"one\"\ncommand = \"true\"\n\
         [[pattern]]\nname = \"gpu_lost\"\nmatches = 'GPU \\d+ lost'\nexit_codes = [7]\n\
         category = \"resource\"\n");
    let explained = explain(&task);
    let rows: Vec<Vec<&str>> = explained
        .lines()
        .filter(|line| line.starts_with("pattern."))
        .map(|line| {
            let words = line.split("  ").map(str::trim);
            words.filter(|word| !word.is_empty()).collect()
        })
        .collect();
    let file = rows[0][2];
    assert_eq!(
        rows,
        [
            ["pattern.gpu_lost.matches", r#""GPU \d+ lost""#, file],
            ["pattern.gpu_lost.exit_codes", "[7]", file],
            ["pattern.gpu_lost.category", "resource", file],
            ["pattern.gpu_lost.retryable", "after_fix", "default"],
        ]
    );
}

#[test]
fn every_value_that_holds_is_explained_with_its_origin() {
    let task = one(
        "[defaults]\ntimeout = \"1.5h\"\nenv = { A = \"1\" }\n[[task]]\nname = \"one\"\nretries = 2\ncommand = [\"sort\", \"a b\"]\nstdin = \"in\"\n",
    );
    let explained = explain(&task);
    let line = |key: &str| {
        let line = explained
            .lines()
            .find(|line| line.split_whitespace().next() == Some(key));
        let words: Vec<&str> = line.unwrap_or_default().split("  ").collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        words
            .into_iter()
            .map(str::trim)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(line("name"), ["name", "one", "nightly.toml:5"]);
    assert_eq!(
        line("command"),
        ["command", "[\"sort\", \"a b\"]", "nightly.toml:7"]
    );
    assert_eq!(
        line("timeout"),
        ["timeout", "1h 30m", "nightly.toml:2 [defaults]"]
    );
    assert_eq!(
        line("env.A"),
        ["env.A", "\"1\"", "nightly.toml:3 [defaults]"]
    );
    assert_eq!(line("workdir"), ["workdir", "/data", "default"]);
    assert_eq!(line("stdin"), ["stdin", "/data/in", "nightly.toml:8"]);
    assert_eq!(line("retries"), ["retries", "2", "nightly.toml:6"]);
    assert_eq!(line("retry.max_attempts"), Vec::<String>::new());
    assert_eq!(line("grace"), ["grace", "10s", "default"]);
}
