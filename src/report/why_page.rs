//! The answer of `autoexec why` as a page and as `autoexec.why/1`.

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::report::page::Page;
use crate::report::text::Look;
use crate::report::why::Facts;
use crate::report::why::SCHEMA;
use crate::report::why::Why;
use crate::support::table::pad;
use crate::support::table::wrap;

/// Columns of the labels.
const LABEL: usize = 10;

/// The answer as a page.
pub fn text(why: &Why, look: Look) -> String {
    let mut page = Page::new(look);
    let head = format!("{} ({})", why.name, why.id);
    let line = format!("{} {}", look.paint.strong(&head), why.sentence);
    for line in wrap(&line, look.width) {
        page.line(&line);
    }
    let mut before = "";
    for (label, sentence) in &why.told {
        let again = std::mem::replace(&mut before, label) == *label;
        let room = look.width.saturating_sub(LABEL + 3);
        for (index, line) in wrap(sentence, room).iter().enumerate() {
            let label = if index == 0 && !again { *label } else { "" };
            let label = look.paint.dim(&pad(label, LABEL));
            page.line(&format!("  {label} {line}"));
        }
    }
    page.title("What to type");
    let widest = why.next.iter().map(|(command, _)| command.len()).max();
    for (command, purpose) in &why.next {
        let command = pad(command, widest.unwrap_or_default());
        page.item(&format!("{}  {purpose}", look.paint.command(&command)));
    }
    page.text
}

/// The answer as a JSON value.
pub fn value(why: &Why, facts: &Facts<'_>) -> impl Serialize + use<> {
    let told: Vec<Value> = why
        .told
        .iter()
        .map(|(label, sentence)| json!({ "label": label, "sentence": sentence }))
        .collect();
    let commands: Vec<Value> = why
        .next
        .iter()
        .map(|(command, purpose)| json!({ "command": command, "purpose": purpose }))
        .collect();
    json!({
        "schema": SCHEMA,
        "id": why.id,
        "name": why.name,
        "status": why.status.as_str(),
        "code": why.code,
        "sentence": why.sentence,
        "told": told,
        "cause": why.cause,
        "ahead": facts.ahead,
        "next": commands,
    })
}
