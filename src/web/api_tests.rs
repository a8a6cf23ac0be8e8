//! The description of the paths says what there is, and nothing else.

use std::collections::BTreeSet;

use super::*;

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

fn described() -> Value {
    serde_json::from_str(DESCRIPTION).unwrap()
}

#[test]
fn the_description_has_every_path_and_no_other() {
    let description = described();
    assert_eq!(description["openapi"], "3.1.0");
    let mut found = BTreeSet::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            assert!(METHODS.contains(&method.as_str()), "{path}: {method}");
            found.insert((method.as_str(), path.as_str()));
        }
    }
    let known: BTreeSet<(&str, &str)> = PATHS.iter().copied().collect();
    assert_eq!(found, known);
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    fn look(value: &Value, whole: &Value, found: &mut usize) {
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    if let ("$ref", Value::String(to)) = (name.as_str(), inner) {
                        let pointer = to.strip_prefix('#').unwrap();
                        assert!(whole.pointer(pointer).is_some(), "{to}");
                        *found += 1;
                    }
                    look(inner, whole, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| look(item, whole, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let description = described();
    let mut found = 0;
    look(&description, &description, &mut found);
    assert!(found > 10, "{found}");
}

#[test]
fn what_changes_something_says_that_it_needs_the_token() {
    let description = described();
    for (method, path) in PATHS {
        let security = &description["paths"][path][method]["security"];
        if *method == "get" {
            assert!(security.is_null(), "{path}");
        } else {
            assert_eq!(*security, serde_json::json!([{ "token": [] }]), "{path}");
        }
    }
}
