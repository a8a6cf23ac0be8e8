//! Exit and output weighed against each other.

use crate::model::category::Category as C;
use crate::model::category::Classification;
use crate::model::category::Retryable as R;
use crate::model::outcome::Exit;
use crate::model::signal::Signal;
use crate::policy::classify::CommandEnd;
use crate::policy::classify::book::Book;
use crate::policy::classify::codes;
use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;
use crate::policy::classify::families::http;
use crate::policy::classify::judged;
use crate::policy::classify::noise;
use crate::policy::classify::pattern::rank;
use crate::policy::classify::peers;
use crate::policy::classify::signals;
use crate::policy::classify::tools;
use crate::policy::classify::user::UserPatterns;

/// Judges a command that failed.
pub(super) fn judge(end: &CommandEnd<'_>, user: &UserPatterns) -> Classification {
    let mut evidence = Evidence::new(*end);
    // By the words that were printed, whatever language they are in.
    if let Some(judgement) = user.judge(&evidence) {
        return judgement;
    }
    if let Some(limit) = tools::reached_timeout(&evidence) {
        return time_limit(&evidence, &limit);
    }
    let draft = if tools::only_answered(&evidence) {
        None
    } else {
        read(&mut evidence, user)
    };
    match end.exit {
        Some(Exit::Signal { signal, .. }) => {
            by_signal(&evidence, draft, signal, signals::Seen::Directly)
        }
        Some(Exit::Code(code)) if let Some(signal) = signal_behind(code) => {
            by_signal(&evidence, draft, signal, signals::Seen::ByTheShell)
        }
        Some(Exit::Code(code)) => by_code(&evidence, draft, code),
        None => draft.map_or_else(
            || nothing_to_tell(&evidence, None),
            |draft| finish(draft, &evidence),
        ),
    }
}

/// What the output says, in whatever language it says it.
fn read(evidence: &mut Evidence<'_>, user: &UserPatterns) -> Option<Draft> {
    evidence.put_into_english();
    Book::built_in().judge(evidence, user)
}

/// The signal that a shell tells by an exit code: the usual ones; above them, codes are more likely a
/// program's own.
fn signal_behind(code: i32) -> Option<Signal> {
    (129..=159).contains(&code).then(|| Signal::new(code - 128))
}

/// Whether somebody outside ended the process: such a signal is the cause, whatever was printed.
pub(super) fn is_from_outside(exit: Exit) -> bool {
    let signal = match exit {
        Exit::Signal { signal, .. } => Some(signal),
        Exit::Code(code) => signal_behind(code),
    };
    signal
        .is_some_and(|signal| signals::judge(signal, signals::Seen::Directly).category == C::Killed)
}

/// A signal says how the process ended; the output may prove why.
fn by_signal(
    evidence: &Evidence<'_>,
    draft: Option<Draft>,
    signal: Signal,
    seen: signals::Seen,
) -> Classification {
    let judgement = signals::judge(signal, seen);
    match draft {
        Some(draft) if draft.rank >= rank::PROOF - 2 => finish(draft, evidence),
        Some(draft) if draft.category == judgement.category && draft.rank >= rank::KIND => {
            let line = Some(shown(evidence, draft.line_number));
            Classification {
                pattern: if signal.number() == libc::SIGABRT {
                    draft.pattern.to_owned()
                } else {
                    judgement.pattern
                },
                line,
                ..judgement
            }
        }
        _ => judgement,
    }
}

/// An exit code that no signal made.
fn by_code(evidence: &Evidence<'_>, draft: Option<Draft>, code: i32) -> Classification {
    let by_tool = tools::judge(evidence);
    // What only follows from something else knows less than the program's own code.
    let weak = draft.as_ref().is_none_or(|draft| draft.rank < rank::KIND);
    if weak && let Some(mut judgement) = by_tool {
        add_peer(&mut judgement, evidence);
        return judgement;
    }
    let convention = codes::judge(code);
    match (draft, convention) {
        // A shell says 126 and 127 of the command itself; other words are noise beside that.
        (Some(draft), Some(convention))
            if matches!(code, 126 | 127)
                && draft.category != convention.category
                && draft.rank < rank::PROOF =>
        {
            convention
        }
        (Some(draft), Some(convention))
            if draft.rank < rank::KIND && !matches!(code, 126 | 127) =>
        {
            convention
        }
        (Some(draft), _) => finish(found_by_a_linter(draft, evidence), evidence),
        (None, Some(convention)) => convention,
        (None, None) => nothing_to_tell(evidence, Some(code)),
    }
}

/// What a linter says of the documents that it reads is a finding, not a failure of its own.
fn found_by_a_linter(mut draft: Draft, evidence: &Evidence<'_>) -> Draft {
    let of_a_document = matches!(
        draft.pattern,
        "schema_error" | "malformed_input" | "config_error"
    );
    if of_a_document && draft.category == C::Validation && tools::is_linter(evidence) {
        draft.becomes(C::Logic, "lint_failure", R::No);
    }
    draft
}

/// Host, port and the like belong to a judgement by exit code too.
fn add_peer(judgement: &mut Classification, evidence: &Evidence<'_>) {
    let mut draft = Draft {
        category: judgement.category,
        pattern: "",
        retryable: judgement.retryable,
        rank: 0,
        extracted: std::mem::take(&mut judgement.extracted),
        line_number: evidence.lines.len(),
    };
    peers::name_peer(&mut draft, evidence);
    judgement.extracted = draft.extracted;
}

/// Adds what other lines say and makes a judgement of it.
pub(super) fn finish(mut draft: Draft, evidence: &Evidence<'_>) -> Classification {
    name_status(&mut draft, evidence);
    match draft.category {
        C::Network | C::Timeout | C::Browser | C::Auth | C::NotFound => {
            peers::name_peer(&mut draft, evidence);
        }
        C::RateLimit | C::ServerError => {
            peers::name_peer(&mut draft, evidence);
            peers::name_wait(&mut draft, evidence);
        }
        C::Resource if draft.pattern == "busy" => peers::name_peer(&mut draft, evidence),
        C::Resource
        | C::Validation
        | C::Dependency
        | C::Logic
        | C::Corruption
        | C::Killed
        | C::Unknown => {}
    }
    let line = draft.line_number;
    draft.finish(evidence.shown(line))
}

/// A line as it was printed, for a person.
fn shown(evidence: &Evidence<'_>, number: usize) -> String {
    String::from_utf8_lossy(evidence.shown(number).trim_ascii()).into_owned()
}

/// How many lines around the deciding one may hold the status of the same answer.
const AROUND: usize = 12;

/// Adds the status of an answer that was judged by a name or by words.
fn name_status(draft: &mut Draft, evidence: &Evidence<'_>) {
    let answered = matches!(
        draft.category,
        C::RateLimit | C::ServerError | C::Auth | C::NotFound | C::Browser
    );
    if !answered || draft.value("http_status").is_some() {
        return;
    }
    let first = draft.line_number.saturating_sub(AROUND);
    let mut near: Vec<usize> = (first..evidence.lines.len().min(first + 2 * AROUND)).collect();
    near.sort_by_key(|number| number.abs_diff(draft.line_number));
    let status = near
        .into_iter()
        .find_map(|number| http::status_in(noise::without_prefix(evidence.lines.line(number))));
    if let Some(status) = status {
        draft.extract("http_status", &status);
    }
}

/// A `timeout` in the command ended it.
fn time_limit(evidence: &Evidence<'_>, limit: &str) -> Classification {
    let mut judgement = judged(
        C::Timeout,
        "operation_timeout",
        R::AfterFix,
        0.95,
        match evidence.code() {
            Some(code) => format!("exit code {code}, by which `timeout` says that time ran out"),
            None => "killed by `timeout` because time ran out".to_owned(),
        },
    );
    if !limit.is_empty() {
        judgement
            .extracted
            .insert("timeout_s".to_owned(), limit.to_owned());
    }
    judgement
}

/// Neither the output nor the code says anything.
fn nothing_to_tell(evidence: &Evidence<'_>, code: Option<i32>) -> Classification {
    let silent = evidence.lines.is_blank() || tools::only_answered(evidence);
    let words = if silent {
        "no output"
    } else {
        "no known error text"
    };
    let line = code.map_or_else(
        || format!("nothing is known about its end, and {words}"),
        |code| format!("exit code {code} and {words}"),
    );
    let pattern = if silent { "silent" } else { "generic" };
    judged(C::Unknown, pattern, R::No, 0.3, line)
}
