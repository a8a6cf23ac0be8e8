//! What is different since a task worked last, in words and as JSON.

use serde_json::Value;
use serde_json::json;

use crate::policy::since::Difference;
use crate::support::text::size;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// All of it in a sentence, safe for a terminal; `None` where nothing is known to be different.
pub(crate) fn since_words(all: &[Difference]) -> Option<String> {
    let words: Vec<String> = all.iter().map(words).collect();
    (!words.is_empty()).then(|| format!("different since then: {}", words.join("; ")))
}

fn words(difference: &Difference) -> String {
    match difference {
        Difference::Definition { keys } => {
            let keys = Untrusted::from(keys.join("`, `")).for_terminal();
            format!("`{keys}` of its definition")
        }
        Difference::Environment => "its variables".to_owned(),
        Difference::Tool(tool) => {
            let name = Untrusted::from(tool.name.as_str()).for_terminal();
            format!("the program `{name}` is another file or version")
        }
        Difference::Input { now, before } => {
            let name = Untrusted::from(now.name.as_str()).for_terminal();
            format!("`{name}` had {} and has {}", size(*before), size(now.bytes))
        }
        Difference::Duration { now, before } => {
            format!("it ran for {}, then for {}", span(*now), span(*before))
        }
    }
}

/// One of them as JSON.
pub(crate) fn value(difference: &Difference) -> Value {
    let what = difference.as_str();
    match difference {
        Difference::Definition { keys } => json!({ "what": what, "keys": keys }),
        Difference::Environment => json!({ "what": what }),
        Difference::Tool(tool) => json!({ "what": what, "path": tool.name }),
        Difference::Input { now, before } => json!({ "what": what, "path": now.name,
            "bytes": now.bytes, "bytes_before": before }),
        Difference::Duration { now, before } => json!({ "what": what,
            "seconds": now.as_secs_f64(), "seconds_before": before.as_secs_f64() }),
    }
}
