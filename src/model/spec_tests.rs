//! Tests of definitions: storage, limits of retries, stored variables.

use super::*;
use crate::model::category::Category;
use crate::model::retry::CategoryRetry;

fn spec_of_one_command() -> TaskSpec {
    TaskSpec::of_command(
        TaskName::new("one").unwrap(),
        Command::Direct(vec!["true".into()]),
        "/tmp".into(),
    )
}

#[test]
fn a_definition_survives_storage_and_keeps_its_hash() {
    let mut spec = spec_of_one_command();
    spec.timeout = Some(Duration::from_millis(1500));
    spec.retry.on.insert(
        Category::RateLimit,
        CategoryRetry {
            max_attempts: Some(8),
            cap: None,
        },
    );
    let json = serde_json::to_string(&spec).unwrap();
    let read: TaskSpec = serde_json::from_str(&json).unwrap();
    assert_eq!(read, spec);
    assert_eq!(read.hash(), spec.hash());
    assert_ne!(read.hash(), spec_of_one_command().hash());
}

#[test]
fn unknown_failures_are_tried_twice_unless_the_user_said_otherwise() {
    let mut retry = RetrySpec::default();
    assert_eq!(retry.limit(Category::Unknown), 2);
    assert_eq!(retry.limit(Category::Network), 5);
    retry.max_attempts = Some(3);
    assert_eq!(retry.limit(Category::Unknown), 3);
    retry.on.insert(
        Category::Network,
        CategoryRetry {
            max_attempts: Some(9),
            cap: None,
        },
    );
    assert_eq!(retry.limit(Category::Network), 9);
}

#[test]
fn only_harmless_variables_are_stored() {
    let environment = [("PATH", "/bin"), ("LC_ALL", "C"), ("API_TOKEN", "s3cret")];
    let kept = Surroundings::of(
        environment
            .into_iter()
            .map(|(name, value)| (name.into(), value.into())),
    );
    assert_eq!(kept.0.keys().collect::<Vec<_>>(), ["LC_ALL", "PATH"]);
}
