//! Files that people write: task files, `config.toml`, patterns, environments and lists of commands.

use std::fs;
use std::path::Path;

use autoexec::cli::config;
use autoexec::process::environment::parse_env_file;
use autoexec::support::bytes::OsText;
use autoexec::support::paint::Paint;
use autoexec::taskfile;
use autoexec::taskfile::Context;
use autoexec::taskfile::Diagnostic;
use autoexec::taskfile::KEYS;
use autoexec::taskfile::Others;
use autoexec::taskfile::Severity;

use crate::fuzz::Heard;
use crate::fuzz::Target;
use crate::fuzz::are_lines;
use crate::fuzz::is_one_line;
use crate::fuzz::text;

const TASKS: &str = include_str!("../../../tasks.example.toml");
const MANUAL: &str = include_str!("../../../docs/task-files.md");
const README: &str = include_str!("../../../README.md");

const SYNTAX: &[&str] = &[
    "[[task]]\n",
    "[defaults]\n",
    "[task.retry]\n",
    "[[task.step]]\n",
    "[[task.recover]]\n",
    "[[pattern]]\n",
    "name = \"a\"\n",
    "command = \"true\"\n",
    "command = [\"a\", \"b\"]\n",
    "1979-05-27T07:32:00Z",
    "\"\\uD800\"",
    "{ a = 1 }",
    "[[[[",
    "a.b.c.d.e.f = 1\n",
    "= =",
];

/// The blocks of TOML in a page of Markdown.
fn blocks(page: &str) -> Vec<Vec<u8>> {
    let blocks = page.split("```toml\n").skip(1);
    blocks
        .map(|rest| {
            rest.split("```")
                .next()
                .unwrap_or_default()
                .as_bytes()
                .to_vec()
        })
        .collect()
}

/// What is written of every key, as lines.
fn lines_of_keys() -> Vec<String> {
    KEYS.iter()
        .map(|key| format!("{} = {}\n", key.name, key.example))
        .collect()
}

fn are_told(diagnostics: &[Diagnostic], input: &str) {
    let lines = input.matches('\n').count() + 1;
    for one in diagnostics {
        is_one_line(&one.message);
        if let Some(hint) = &one.hint {
            is_one_line(hint);
        }
        assert!(
            one.line.is_none_or(|line| (1..=lines).contains(&line)),
            "{one:?}"
        );
        assert!(
            one.column
                .is_none_or(|column| (1..=input.len() + 1).contains(&column)),
            "{one:?}"
        );
    }
    are_lines(&taskfile::render(diagnostics, Paint::PLAIN));
}

#[test]
fn no_task_file_makes_its_reader_stumble() {
    let mut corpus = vec![TASKS.as_bytes().to_vec()];
    corpus.extend(blocks(README).into_iter().chain(blocks(MANUAL)));
    let keys = lines_of_keys();
    let words: Vec<&str> = keys
        .iter()
        .map(String::as_str)
        .chain(SYNTAX.iter().copied())
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.toml");
    let context = Context {
        home: Some("/home/me".into()),
        base: folder.path().to_owned(),
    };
    Target {
        name: "task files",
        corpus: &corpus,
        words: &words,
        trials: (300, 100_000),
        takes_monsters: true,
    }
    .feed(|input| {
        fs::write(&path, input).unwrap();
        let loaded = taskfile::load(std::slice::from_ref(&path), &context);
        are_told(&loaded.diagnostics, &text(input));
        // All or nothing, and never nothing without a word.
        assert_eq!(loaded.tasks.is_empty(), loaded.has_errors());
        for one in &loaded.diagnostics {
            assert!(one.severity == Severity::Warning || one.file.is_some());
        }
        for task in &loaded.tasks {
            are_lines(&taskfile::explain(task));
            let stored = serde_json::to_string(&task.spec).unwrap();
            assert_eq!(
                serde_json::from_str::<autoexec::model::spec::TaskSpec>(&stored).unwrap(),
                *task.spec
            );
        }
        Heard::of(!loaded.tasks.is_empty())
    });
}

#[test]
fn no_configuration_makes_its_reader_stumble() {
    let mut corpus = blocks(README);
    corpus.push(Vec::new());
    let words: Vec<&str> = SYNTAX
        .iter()
        .copied()
        .chain([
            "[run]\n",
            "[overnight]\n",
            "[recover]\n",
            "[rescue]\n",
            "[breaker]\n",
            "[[notify]]\n",
            "[retention]\n",
            "[serve]\n",
            "[health]\n",
            "[breaker.service.\"x\"]\n",
            "[pool]\n",
            "parallel = 3\n",
            "start = \"22:00\"\n",
            "end = \"06:00\"\n",
            "timezone = \"Europe/Berlin\"\n",
            "mode = \"full\"\n",
            "allow = [\"install_dependency\"]\n",
            "probe = \"a:1\"\n",
            "runs = 3\n",
            "mail = \"a@b\"\n",
            "webhook = \"https://u:p@h/x\"\n",
            "command = [\"x\"]\n",
            "days = 90\n",
            "listen = \"127.0.0.1:1\"\n",
            "matches = '(a|b)'\n",
            "category = \"network\"\n",
        ])
        .collect();
    Target {
        name: "configuration files",
        corpus: &corpus,
        words: &words,
        trials: (400, 200_000),
        takes_monsters: true,
    }
    .feed(|input| {
        let content = text(input);
        let read = config::read(Path::new("/home/me/config.toml"), &content);
        let patterns = read.and_then(|config| config.patterns().map(drop));
        let Err(failure) = patterns else {
            return Heard::Taken;
        };
        are_lines(&failure.as_text(Paint::PLAIN));
        assert_eq!(failure.ending().code(), 2);
        let json = failure.as_json();
        let details = json["details"].as_array().unwrap();
        assert!(!details.is_empty());
        for detail in details {
            let detail = detail.as_str().unwrap();
            is_one_line(detail);
            assert!(detail.starts_with("line "), "{detail}");
        }
        Heard::Refused
    });
}

#[test]
fn no_file_of_patterns_makes_its_reader_stumble() {
    let mut corpus = blocks(README);
    corpus.extend(blocks(MANUAL));
    corpus.push(
        b"[[pattern]]\nname = \"own\"\nmatches = '(?i)^error: (?P<port>[0-9]{1,5})$'\nexit_codes = [3]\n\
          tool = \"x\"\ncategory = \"network\"\nretryable = \"yes\"\nstrategies = [\"wait_and_retry\"]\n"
            .to_vec(),
    );
    let words: Vec<&str> = SYNTAX
        .iter()
        .copied()
        .chain([
            "matches = '",
            "(?i)",
            "(?P<a>",
            "{1000}",
            "{1000}{1000}",
            "\\p{L}",
            "[^\\x00]",
            "$",
            "^",
            "(a*)*",
            "(a|a)*",
            "\\b",
            "exit_codes = [",
            "category = \"network\"\n",
            "retryable = \"no\"\n",
            "strategies = [\"",
            "name = \"",
            "tool = \"",
        ])
        .collect();
    let file = OsText::from("p.toml");
    Target {
        name: "files of patterns",
        corpus: &corpus,
        words: &words,
        trials: (300, 100_000),
        takes_monsters: true,
    }
    .feed(|input| {
        let content = text(input);
        for others in [Others::PassOver, Others::Refuse] {
            if let Err(found) = taskfile::read_patterns(&file, &content, others) {
                assert!(!found.is_empty());
                are_told(&found, &content);
            }
        }
        Heard::of(taskfile::read_patterns(&file, &content, Others::PassOver).is_ok())
    });
}

#[test]
fn no_environment_file_or_list_of_commands_makes_its_reader_stumble() {
    let corpus = [
        &b"# c\nexport A=1\nB='x y' # c\nC=\"a\\n\\\"b\\\"\"\n\nD=\n"[..],
        b"pg_dump shop > shop.sql\ncurl -sf https://h/x | sh\n# comment\n\n  true  \n",
    ]
    .map(<[u8]>::to_vec);
    let context = Context {
        home: None,
        base: "/tmp".into(),
    };
    Target {
        name: "environment files and lists of commands",
        corpus: &corpus,
        words: &[
            "export ", "A=", "'", "\"", "\\\"", " #", "\n", "=", "\u{feff}", "a && b\n",
        ],
        trials: (800, 400_000),
        takes_monsters: true,
    }
    .feed(|input| {
        let lines = input.split(|byte| *byte == b'\n').count();
        let variables = parse_env_file(input);
        if let Err(line) = &variables {
            assert!((1..=lines).contains(line));
        }
        for (name, value) in variables.iter().flatten() {
            assert!(!name.is_empty() && !name.as_bytes().contains(&b'='));
            assert!(!value.as_bytes().contains(&0));
        }
        let list = taskfile::from_lines(input, &OsText::from("list"), &[], &context, |_| false);
        are_told(&list.diagnostics, &text(input));
        assert!(list.tasks.is_empty() || !list.has_errors());
        Heard::of(variables.is_ok() || !list.tasks.is_empty())
    });
}
