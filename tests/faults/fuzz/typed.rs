//! Command lines as they may be typed: understood or refused in words that can be shown.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use autoexec::cli::args;
use autoexec::cli::args::Refusal;
use autoexec::support::paint::Paint;

use crate::fuzz::Heard;
use crate::fuzz::Target;
use crate::fuzz::are_lines;

/// Words are divided by a newline.
const LINES: &[&str] = &[
    "queue\nadd\n--name\na\n--after\nb\n--timeout\n2h\n--retries\n3\n--env\nA=1\n--tag\nt\n--\nsh\n-c\ntrue",
    "queue\nlist\n--status\nfailed\n--tag\nt\n--limit\n10\n--json",
    "queue\nretry\n--all-failed\n--category\nnetwork",
    "queue\ncomplete\na\n--reason\nwhy",
    "queue\nreprioritize\na\n--priority\n-5",
    "queue\nshow\n1\n--json",
    "queue\ncancel\na\nb\n--no-wait",
    "run\n-j\n4\n--until\n06:30\n--watch\n--poll-interval\n5s",
    "run\nt.toml\n--only\na\n--dry-run",
    "report\n--run\nlast\n--format\nhtml\n-o\nx.html",
    "report\n--since\n12h\n--peek",
    "logs\na\n--attempt\n2\n--stream\nstderr\n--tail\n10",
    "why\na",
    "plan\n--overnight",
    "check\nt.toml\n--explain\na",
    "exec\n--retries\n2\n--\ntrue",
    "classify\n--exit-code\n1\n--signal\nTERM",
    "classify\n--batch\nx.jsonl",
    "patterns\nadd\nx\n--matches\n(a)\n--category\nnetwork",
    "patterns\nimport\n-\n--replace",
    "breakers\nreset\nx",
    "alerts\n--level\nWARNING\n--limit\n3",
    "health\n--json",
    "capabilities",
    "checkpoint\nset\nk\nv",
    "progress\n40\nhalf",
    "rescue\n--dry-run",
    "timer\ninstall\n--cron",
    "serve\n--listen\n127.0.0.1:0",
    "db\ncheck",
    "db\nprune\n--keep\n90d",
    "completions\nbash",
    "man",
    "--version",
    "--help",
    "stop\n--drain",
    "pause",
    "--state-dir\n/x\n--config\ny\n-vv\n--color\nnever\nstatus",
];

const WORDS: &[&str] = &[
    "\n",
    "\n--\n",
    "\n-",
    "\n--",
    "--json\n",
    "=",
    "\nqueue\n",
    "\nrun\n",
    "\nhelp\n",
    "--help\n",
    "\n-j\n",
    "\n--backend\n",
    "\ntemplate\n",
    "\n--set\n",
    "--until=",
    "--since=",
    "--format=",
    "-jj",
    "-qv",
    "@file",
];

#[test]
fn no_command_line_makes_its_reader_stumble() {
    let corpus: Vec<Vec<u8>> = LINES.iter().map(|line| line.as_bytes().to_vec()).collect();
    Target {
        name: "command lines",
        corpus: &corpus,
        words: WORDS,
        trials: (200, 40_000),
        takes_monsters: false,
    }
    .feed(|input| {
        let words = input
            .split(|byte| *byte == b'\n')
            .map(|word| OsString::from_vec(word.to_vec()));
        let arguments: Vec<OsString> = std::iter::once("autoexec".into()).chain(words).collect();
        let _either = args::wants_json(&arguments);
        match args::parse(&arguments).map_err(|refusal| *refusal) {
            Ok(_) | Err(Refusal::Help(_)) => Heard::Taken,
            Err(Refusal::Wrong(failure)) => {
                assert_eq!(failure.ending().code(), 2);
                are_lines(&failure.as_text(Paint::PLAIN));
                Heard::Refused
            }
        }
    });
}
