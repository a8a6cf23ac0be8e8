//! What a task's definition and what it saved show of secrets: nothing that can be told to be one.
//!
//! The values of declared secrets are known only where commands are started, and are hidden from output
//! there. A definition holds what was not declared: values of variables and options with the name of
//! a secret, and what looks like one by itself.

use serde_json::Value;

use crate::model::spec::TaskSpec;
use crate::policy::mask::HIDDEN;
use crate::policy::mask::is_secret_name;
use crate::policy::mask::mask;
use crate::policy::mask::mask_argument;

/// A definition as JSON.
pub(crate) fn definition(spec: &TaskSpec) -> Value {
    let mut value = serde_json::to_value(spec).unwrap_or_default();
    hide_in(&mut value);
    value
}

/// What a task saved under a name.
pub(crate) fn saved(spec: &TaskSpec, key: &str, text: &str) -> String {
    // Whether a task that has secrets saved one is not known here.
    if !spec.secrets.is_empty() || is_secret_name(key) {
        return HIDDEN.to_owned();
    }
    mask(text)
}

fn hide_in(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => *text = mask(text),
        Value::Array(items) => {
            let mut before: Option<String> = None;
            for item in items {
                if let Value::String(text) = item {
                    let masked = mask_argument(before.as_deref(), text);
                    before = Some(std::mem::replace(text, masked));
                } else {
                    hide_in(item);
                    before = None;
                }
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let is_variable = name == "env" || name == "fallbacks";
                if let (true, Value::Object(variables)) = (is_variable, &mut *field) {
                    for (name, value) in variables {
                        hide_or_look(value, is_secret_name(name));
                    }
                } else {
                    hide_in(field);
                }
            }
        }
    }
}

fn hide_or_look(value: &mut Value, is_hidden: bool) {
    if is_hidden {
        *value = Value::String(HIDDEN.to_owned());
    } else {
        hide_in(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::TaskName;
    use crate::model::spec::Command;
    use crate::support::bytes::OsText;

    fn spec(words: &[&str]) -> TaskSpec {
        let command = Command::Direct(words.iter().copied().map(OsText::from).collect());
        TaskSpec::of_command(TaskName::new("shop-dump").unwrap(), command, "/".into())
    }

    #[test]
    fn a_definition_shows_no_value_with_the_name_of_a_secret() {
        let mut spec = spec(&[
            "deploy",
            "--password",
            "hunter2",
            "--to",
            "PGPASSWORD=hunter2",
        ]);
        for (name, value) in [("API_TOKEN", "hunter2"), ("STAGE", "blue")] {
            spec.env.insert(name.to_owned(), OsText::from(value));
        }
        let shown = definition(&spec).to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("blue") && shown.contains("--to"), "{shown}");
        assert!(shown.contains("shop-dump"));
    }

    #[test]
    fn what_was_saved_is_shown_unless_it_may_be_a_secret() {
        let mut spec = spec(&["true"]);
        assert_eq!(saved(&spec, "last_row", "4711"), "4711");
        assert_eq!(saved(&spec, "api_token", "4711"), "***");
        assert_eq!(saved(&spec, "line", "password=4711"), "password=***");
        spec.secrets.push("PGPASSWORD".to_owned());
        assert_eq!(saved(&spec, "last_row", "4711"), "***");
    }
}
