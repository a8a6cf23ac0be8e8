//! What this program can do on this machine: tools, strategies, and where attempts may live, as a page
//! and as JSON.

use serde_json::Value;
use serde_json::json;

use crate::model::recovery::RecoverMode;
use crate::policy::health::queue::names;
use crate::policy::recovery::allowed_here;
use crate::policy::recovery::strategies::STRATEGIES;
use crate::policy::recovery::strategies::Strategy;
use crate::policy::recovery::strategies::risk_word;
use crate::process::tools::Tool;
use crate::report::page::Page;
use crate::report::text::Look;
use crate::support::bytes::OsText;
use crate::support::table::Column;
use crate::support::table::rows;

/// The name and version of the shape.
pub const SCHEMA: &str = "autoexec.capabilities/1";
/// What later versions bring, and what is told of it until then.
const LATER: [&str; 3] = ["pools", "templates", "skills"];

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Capabilities {
    /// Programs, each with the queued tasks that use it, fit to be shown.
    pub tools: Vec<(Tool, Vec<String>)>,
    /// How far recoveries may go.
    pub mode: RecoverMode,
    /// Guarded strategies that this machine allows.
    pub allow: Vec<String>,
}

impl Capabilities {
    fn strategies(&self) -> impl Iterator<Item = (&'static Strategy, Result<(), String>)> {
        STRATEGIES
            .iter()
            .map(|one| (one, allowed_here(one, self.mode, &self.allow)))
    }
}

/// The page.
pub fn text(found: &Capabilities, look: Look) -> String {
    let mut page = Page::new(look);
    tools(&mut page, found);
    let mode = match found.mode {
        RecoverMode::Off => "off",
        RecoverMode::Suggest => "suggest",
        RecoverMode::Safe => "safe",
        RecoverMode::Full => "full",
    };
    page.title(&format!("Strategies (`recover.mode` is \"{mode}\")"));
    let cells: Vec<Vec<String>> = found
        .strategies()
        .map(|(one, allowed)| {
            let (word, note) = match allowed {
                Ok(()) => (look.paint.good("yes"), one.what.to_owned()),
                Err(why) => (look.paint.warn("no"), why),
            };
            let name = format!("  {}", one.name);
            vec![name, risk_word(one.risk).to_owned(), word, note]
        })
        .collect();
    let columns = [
        Column::words(""),
        Column::words(""),
        Column::words(""),
        Column::cut_to("", 20),
    ];
    page.text.push_str(&rows(&columns, &cells, look.width));
    page.title("Backends");
    page.item("local: attempts live on this machine");
    page.title("Not part of this version");
    page.item(&LATER.join(", "));
    page.text
}

fn tools(page: &mut Page, found: &Capabilities) {
    let look = page.look;
    let here = found.tools.iter().filter(|(tool, _)| tool.path.is_some());
    let cells: Vec<Vec<String>> = here
        .map(|(tool, users)| {
            let path = tool.path.as_deref().map(OsText::from).unwrap_or_default();
            let used = match users.len() {
                0 => String::new(),
                _ => format!("used by {}", names(users)),
            };
            vec![
                format!("  {}", tool.name),
                tool.version.clone().unwrap_or_default(),
                path.untrusted().for_terminal(),
                used,
            ]
        })
        .collect();
    let heading = format!("Tools ({} of {} are here)", cells.len(), found.tools.len());
    page.line(&look.paint.strong(&heading));
    let columns = [
        Column::words(""),
        Column::words(""),
        Column::cut_to("", 20),
        Column::cut_to("", 10),
    ];
    page.text.push_str(&rows(&columns, &cells, look.width));
    let mut missing: Vec<&str> = Vec::new();
    for (tool, users) in &found.tools {
        match (&tool.path, users.is_empty()) {
            (Some(_), _) => {}
            (None, true) => missing.push(&tool.name),
            (None, false) => {
                let line = format!("not here: {}, used by {}", tool.name, names(users));
                let line = look.paint.warn(&line);
                page.item(&line);
            }
        }
    }
    if !missing.is_empty() {
        page.wrapped(&format!("not here: {}", missing.join(", ")));
    }
}

/// The same as a JSON value.
pub fn value(found: &Capabilities) -> Value {
    let tools: Vec<Value> = found
        .tools
        .iter()
        .map(|(tool, users)| {
            json!({
                "name": tool.name,
                "found": tool.path.is_some(),
                "path": tool.path.as_deref().map(|path| OsText::from(path).untrusted().for_json()),
                "version": tool.version,
                "used_by": users,
            })
        })
        .collect();
    let strategies: Vec<Value> = found
        .strategies()
        .map(|(one, allowed)| {
            json!({
                "name": one.name,
                "risk": risk_word(one.risk),
                "what": one.what,
                "verify": one.verify,
                "undo": one.undo,
                "declared_by": one.declared_by,
                "allowed": allowed.is_ok(),
                "why_not": allowed.err(),
            })
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "tools": tools,
        "strategies": strategies,
        "recover_mode": found.mode,
        "backends": [{"name": "local", "available": true}],
        "pools": [],
        "templates": [],
        "skills": [],
        "note": "pools, templates and skills are not part of this version",
    })
}
