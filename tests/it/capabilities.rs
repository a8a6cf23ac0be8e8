//! `autoexec capabilities`.

use crate::sandbox::Sandbox;

#[test]
fn tools_strategies_and_backends_are_told_and_nothing_is_made() {
    let sandbox = Sandbox::new();
    let value = sandbox.json(["capabilities", "--json"]);
    assert_eq!(value["schema"], "autoexec.capabilities/1");
    assert!(!sandbox.state().exists());
    let strategies = value["strategies"].as_array().unwrap();
    let of = |name: &str| {
        let mut found = strategies.iter().filter(|one| one["name"] == name);
        found.next().unwrap()
    };
    assert_eq!(of("wait_and_retry")["allowed"], true);
    assert_eq!(of("install_dependency")["risk"], "guarded");
    assert_eq!(of("install_dependency")["allowed"], false);
    assert!(
        of("install_dependency")["why_not"]
            .as_str()
            .unwrap()
            .contains("under `[recover]`")
    );
    assert_eq!(value["backends"][0]["name"], "local");
    assert_eq!(value["pools"], serde_json::json!([]));
    let config = sandbox.file("c.toml", "[recover]\nallow = [\"install_dependency\"]\n");
    let value = sandbox.json([
        "--config",
        config.to_str().unwrap(),
        "capabilities",
        "--json",
    ]);
    let strategies = value["strategies"].as_array().unwrap();
    let mut found = strategies
        .iter()
        .filter(|one| one["name"] == "install_dependency");
    assert_eq!(found.next().unwrap()["allowed"], true);
}

#[test]
fn tools_stand_with_the_tasks_that_use_them() {
    let sandbox = Sandbox::new();
    sandbox.ok(["queue", "add", "--name", "a", "--", "bash", "-c", "true"]);
    sandbox.ok(["queue", "add", "--name", "b", "--", "no-such-tool-7"]);
    let value = sandbox.json(["capabilities", "--json"]);
    let tools = value["tools"].as_array().unwrap();
    let of = |name: &str| tools.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(of("bash")["used_by"], serde_json::json!(["a"]));
    assert!(of("bash")["version"].as_str().unwrap().contains('.'));
    assert_eq!(of("no-such-tool-7")["found"], false);
    let page = sandbox.ok(["capabilities"]);
    for expected in [
        "not here: no-such-tool-7, used by `b`",
        "Strategies (`recover.mode` is \"safe\")",
        "local: attempts live on this machine",
    ] {
        assert!(page.contains(expected), "no `{expected}` in\n{page}");
    }
}
