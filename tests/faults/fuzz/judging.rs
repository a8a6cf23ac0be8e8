//! What programs print: judged, quoted and masked, whatever it is.

use std::sync::Arc;

use autoexec::model::category::Category;
use autoexec::model::outcome::Exit;
use autoexec::model::signal::Signal;
use autoexec::policy::classify::CommandEnd;
use autoexec::policy::classify::PatternSet;
use autoexec::policy::classify::batch;
use autoexec::policy::classify::classify_end_with;
use autoexec::policy::classify::met_patterns;
use autoexec::policy::classify::user::UserPatterns;
use autoexec::policy::fingerprint;
use autoexec::policy::mask::HIDDEN;
use autoexec::policy::mask::mask;
use autoexec::support::bytes::OsText;
use autoexec::support::untrusted::Untrusted;
use autoexec::taskfile::Others;
use autoexec::taskfile::read_patterns;
use serde_json::Value;

use crate::fuzz::Heard;
use crate::fuzz::Target;
use crate::fuzz::is_one_line;
use crate::fuzz::text;

const FAILURES: &str = include_str!("../../corpus/failures.jsonl");
const FRESH: &str = include_str!("../../corpus/fresh.jsonl");

/// A line of the output that is looked at, where every byte of it may be broken UTF-8.
const LONGEST_LINE: usize = 3 * 8 * 1024 + 8;

const PRINTED: &[&str] = &[
    "error: ",
    "Error: ",
    "fatal: ",
    "ERROR 1045 (28000): ",
    "Traceback (most recent call last):\n",
    "  File \"/x.py\", line 1, in <module>\n",
    "ModuleNotFoundError: No module named '",
    "panicked at ",
    "Connection refused",
    "connect to h port 5432",
    "No space left on device",
    "Permission denied",
    "429 Too Many Requests",
    "503 Service Unavailable",
    "Retry-After: ",
    "Wed, 21 Oct 2026 07:28:00 GMT",
    "retry after ",
    "seconds",
    "HTTP/1.1 ",
    "curl: (7) ",
    "npm ERR! code ",
    "    at f (/a/b.js:1:2)\n",
    "\u{1b}[31m",
    "\r",
    "Killed",
    "Segmentation fault",
    "exit status 137",
    "timed out",
    "No such file",
    "/usr/bin/",
    "https://u:p@h:1/x?token=",
    "10.0.0.7",
    "::1",
    "caused by: ",
    "warning: ",
];

fn lines() -> Vec<Vec<u8>> {
    let lines = FAILURES.lines().chain(FRESH.lines());
    lines.map(|line| line.as_bytes().to_vec()).collect()
}

fn own_patterns() -> UserPatterns {
    let text = "[[pattern]]\nname = \"slow\"\nmatches = '(a*)*b|(x+x+)+y'\ncategory = \"network\"\n\
                [[pattern]]\nname = \"port\"\nmatches = 'error: (?P<port>\\d+)'\ncategory = \"logic\"\n";
    let specs = read_patterns(&OsText::from("p.toml"), text, Others::PassOver).unwrap();
    UserPatterns::default().with(
        autoexec::policy::classify::user::PatternSource::Config,
        Arc::new(PatternSet::new(specs).unwrap()),
    )
}

#[test]
fn no_line_of_a_batch_makes_its_reader_stumble() {
    Target {
        name: "lines of `classify --batch`",
        corpus: &lines(),
        words: PRINTED,
        trials: (150, 60_000),
        takes_monsters: true,
    }
    .feed(|input| match batch::answer(&text(input), 3) {
        Ok(answer) => {
            assert!((0.0..=1.0).contains(&answer.confidence));
            let written = serde_json::to_string(&answer).unwrap();
            assert!(!written.contains('\n'));
            Heard::Taken
        }
        Err(error) => {
            is_one_line(&error.to_string());
            Heard::Refused
        }
    });
}

#[test]
fn any_output_is_judged_the_same_way_twice_and_quoted_within_bounds() {
    let outputs: Vec<Vec<u8>> = lines()
        .iter()
        .map(|line| {
            let line: Value = serde_json::from_slice(line).unwrap();
            let of = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            format!("{}{}", of("stdout"), of("stderr")).into_bytes()
        })
        .collect();
    let own = own_patterns();
    Target {
        name: "outputs of commands",
        corpus: &outputs,
        words: PRINTED,
        trials: (120, 40_000),
        takes_monsters: true,
    }
    .feed(|input| {
        let exits = [
            Some(Exit::Code(1)),
            Some(Exit::Signal {
                signal: Signal::new(11),
                core: false,
            }),
            None,
        ];
        // Each byte has to do with which exit and command there was.
        let turn = input
            .iter()
            .fold(0_usize, |sum, byte| sum + usize::from(*byte));
        let commands: [&[u8]; 3] = [b"curl https://h/", b"sh -c 'a | b'", input];
        let end = CommandEnd {
            command: commands[turn % commands.len()],
            exit: exits[turn % exits.len()],
            stdout: &input[..input.len() / 3],
            stderr: &input[input.len() / 3..],
        };
        let judged = classify_end_with(&end, &own);
        assert_eq!(judged, classify_end_with(&end, &own));
        assert!((0.0..=1.0).contains(&judged.confidence));
        assert!(
            judged
                .line
                .as_ref()
                .is_none_or(|line| line.len() <= LONGEST_LINE),
            "{judged:?}"
        );
        for (name, value) in &judged.extracted {
            is_one_line(name);
            assert!(value.len() <= 4096, "{name}: {value}");
        }
        let line = judged.line.clone().unwrap_or_default();
        fingerprint_is_stable(&line);
        let met = met_patterns(&end, &own);
        Heard::of(!met.is_empty() || judged.pattern != "unknown")
    });
}

fn fingerprint_is_stable(line: &str) {
    let of = || fingerprint::fingerprint(Category::Network, "x", Some(line.as_bytes()));
    assert_eq!(of(), of());
    is_one_line(&of());
}

#[test]
fn a_secret_is_hidden_whatever_stands_around_it() {
    const SECRET: &str = "Q7XK2MZ9PT4W8VN3RB6YJ5HD";
    let forms = [
        "password=",
        "https://u:",
        "Authorization: Bearer ",
        "&token=",
        "\"api_key\": \"",
        " --token ",
        "secret = '",
        "ghp_",
        "PASSWORD: \"",
        "://:",
        "Proxy-Authorization: Basic ",
    ];
    let corpus: Vec<Vec<u8>> = forms
        .iter()
        .map(|form| format!("x {form}").into_bytes())
        .collect();
    let words: Vec<&str> = forms
        .iter()
        .copied()
        .chain([
            "eyJ", "sk-", "AKIA", "***", "bearer ", "secret", "token", ":", "@", "?", "&", "=",
        ])
        .collect();
    Target {
        name: "lines with secrets",
        corpus: &corpus,
        words: &words,
        trials: (250, 100_000),
        takes_monsters: true,
    }
    .feed(|input| {
        let before = text(input);
        let masked = mask(&before);
        assert!(masked.len() <= before.len() + HIDDEN.len() * (before.len() + 1));
        let mut is_hidden = false;
        for form in &forms {
            let behind = if form.contains("://") { "@h/" } else { " x" };
            // What stands before may have a meaning of its own for what follows on its line.
            let line = format!("{before}\n{form}{SECRET}{behind}");
            let masked = mask(&line);
            assert!(!masked.contains(SECRET), "{masked}");
            is_hidden |= masked.contains(HIDDEN);
        }
        let _shown = Untrusted::from(masked).for_terminal();
        Heard::of(is_hidden)
    });
}
