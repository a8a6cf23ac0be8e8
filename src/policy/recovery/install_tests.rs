//! What a missing module is compared with.

use super::*;

#[test]
fn a_missing_module_is_looked_up_among_the_declared_names_only() {
    let names = |names: &[&str]| {
        DependencyList::Names(names.iter().map(|name| (*name).to_owned()).collect())
    };
    let python = names(&["requests[socks]==2.32.3", "PyYAML>=6", "my_pkg"]);
    for (missing, wanted) in [
        ("requests", true),
        ("requests.adapters", true),
        ("yaml", true),
        ("my-pkg", true),
        ("MY.PKG", false),
        ("evil", false),
        ("requests2", false),
        ("", false),
        ("--index-url", false),
        ("requests==2.32.3", false),
    ] {
        assert_eq!(
            holds(&python, Some(missing), Language::Python),
            wanted,
            "{missing}"
        );
    }
    assert!(!holds(&python, None, Language::Python));
    let node = names(&["zod@3.23.8", "@scope/lib@1.0.0"]);
    for (missing, wanted) in [
        ("zod", true),
        ("zod/v4", true),
        ("@scope/lib/part", true),
        ("@scope/evil", false),
        ("@scope", false),
        ("left-pad", false),
    ] {
        assert_eq!(
            holds(&node, Some(missing), Language::Node),
            wanted,
            "{missing}"
        );
    }
    let file = DependencyList::File("requirements.txt".into());
    assert!(holds(&file, Some("anything"), Language::Python));
}
