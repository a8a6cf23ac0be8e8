//! Successes that are hard to believe, measured: how many ends of failed programs raise a doubt when their
//! exit code says that all is well, and how many ends of good ones do.
//!
//! `tests/corpus/ends.jsonl` holds ends of output that were written for this: `good` ones that speak of
//! errors and mean none, `bad` ones as they stand in front of a pipe or a forgiving script, and ends marked
//! `held` that were written before the rules were last changed and have not been tuned for. Of the other
//! corpora every failure counts as if it had ended with 0, and every success as a good end.
//!
//! `cargo test --test suspicion -- --nocapture` prints the figures and what is judged wrongly.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot read the corpus has nothing better to do than to die"
)]

use std::fs;
use std::path::Path;

use serde_json::Value;

use autoexec::policy::suspicion::Printed;
use autoexec::policy::suspicion::error_as_last_word;

/// Doubts, of so many ends.
#[derive(Debug, Default, Clone, Copy)]
struct Share {
    doubted: usize,
    all: usize,
}

impl Share {
    fn percent(self) -> usize {
        self.doubted * 100 / self.all.max(1)
    }
}

fn lines(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(name);
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a doubt is raised by a case of a corpus of failures; nobody knows which stream came last, so
/// it is the one on which errors belong, if anything stands there.
fn is_doubted(case: &Value) -> bool {
    let (out, err) = (text(case, "stdout"), text(case, "stderr"));
    let (stream, end) = if err.trim().is_empty() {
        (Printed::Out, out)
    } else {
        (Printed::Err, err)
    };
    error_as_last_word(stream, end.as_bytes()).is_some()
}

/// The doubts about failures and about successes of a corpus.
fn corpus(name: &str) -> (Share, Share) {
    let (mut failed, mut good) = (Share::default(), Share::default());
    for case in lines(name) {
        let is_good = text(&case, "category") == "success";
        let doubted = is_doubted(&case);
        let share = if is_good { &mut good } else { &mut failed };
        share.all += 1;
        share.doubted += usize::from(doubted);
        if doubted == is_good && text(&case, "signal").is_empty() {
            let err = text(&case, "stderr");
            let end = if err.trim().is_empty() {
                text(&case, "stdout")
            } else {
                err
            };
            let last = end.trim_end().lines().last().unwrap_or_default();
            let word = if doubted { "false alarm" } else { "not seen" };
            println!("{word}: {name} {}: {last}", text(&case, "tool"));
        }
    }
    (failed, good)
}

/// The same for the ends that were written for this: those that may be tuned for, or those that may not.
fn ends(held: bool) -> (Share, Share) {
    let (mut bad, mut good) = (Share::default(), Share::default());
    for case in lines("ends.jsonl") {
        let is_held = case.get("held").is_some();
        if is_held != held {
            continue;
        }
        let stream = match text(&case, "stream") {
            "out" => Printed::Out,
            _ => Printed::Err,
        };
        let is_good = text(&case, "end") == "good";
        let end = text(&case, "text");
        let doubted = error_as_last_word(stream, end.as_bytes()).is_some();
        let share = if is_good { &mut good } else { &mut bad };
        share.all += 1;
        share.doubted += usize::from(doubted);
        if doubted == is_good {
            let word = if doubted { "false alarm" } else { "not seen" };
            println!("{word}: {end}");
        }
    }
    (bad, good)
}

fn tell(name: &str, (bad, good): (Share, Share)) {
    println!(
        "{name}: {} of {} failures doubted ({} %), {} of {} successes doubted",
        bad.doubted,
        bad.all,
        bad.percent(),
        good.doubted,
        good.all
    );
}

#[test]
fn doubts_are_seldom_false_and_often_raised() {
    // The least share of failures that is seen, and the most false alarms.
    let sets = [
        ("failures", corpus("failures.jsonl"), 48, 1),
        ("fresh", corpus("fresh.jsonl"), 44, 0),
        ("closing", corpus("closing.jsonl"), 44, 0),
        ("ends", ends(false), 85, 0),
        ("held ends", ends(true), 90, 0),
    ];
    for (name, shares, _, _) in sets {
        tell(name, shares);
    }
    for (name, (bad, good), least, most) in sets {
        assert!(bad.percent() >= least, "{name}: {bad:?}");
        assert!(good.doubted <= most, "{name}: {good:?}");
    }
}
