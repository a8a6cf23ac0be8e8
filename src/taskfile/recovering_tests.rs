//! What a task may declare about recoveries, and what is refused.

use std::time::Duration;

use crate::model::category::Category;
use crate::model::recovery::DependencyList;
use crate::model::recovery::RecoverMode;
use crate::model::recovery::RecoverWhen;
use crate::model::spec::Command;
use crate::taskfile::explain;
use crate::taskfile::load::tests::loaded;

const HEAD: &str = "[[task]]\nname = \"one\"\ncommand = \"true\"\n";

/// Message and hint of everything that is wrong with a task with these keys.
fn told(keys: &str) -> Vec<String> {
    let found = loaded(&format!("{HEAD}{keys}\n")).diagnostics;
    found
        .into_iter()
        .map(|one| format!("{} | {}", one.message, one.hint.unwrap_or_default()))
        .collect()
}

#[test]
fn all_that_a_task_declares_is_in_its_definition() {
    let text = format!(
        "{HEAD}service = \"db.internal\"\nrecover_mode = \"full\"\n\
         allow = [\"install_dependency\", \"fetch_again\"]\nfallback_command = \"./mirror.sh\"\n\
         fallbacks = {{ REGION = \"eu-1\" }}\nendpoints = {{ API_URL = [\"https://a\", \"https://b\"] }}\n\
         temp = [\"cache/*.tmp\", \"old/\"]\nensure = [\"out\", \"/var/tmp/mine\", \"~/logs\"]\n\
         dependencies = {{ python = [\"requests[socks]==2.32.3\"], node = \"web/package-lock.json\" }}\n\
         [[task.recover]]\nwhen = \"auth\"\ncommand = [\"./refresh.sh\"]\ntimeout = \"1m\"\nmax_uses = 2\n\
         [[task.recover]]\nwhen = \"mine\"\ncommand = \"echo mine\"\n\
         [[task.recover]]\nwhen = {{ matches = 'lock (?P<file>\\w+)' }}\ncommand = [\"true\"]\n\
         [[pattern]]\nname = \"mine\"\nmatches = \"x\"\ncategory = \"logic\"\n"
    );
    let loaded = loaded(&text);
    assert_eq!(loaded.diagnostics, []);
    let spec = &loaded.tasks[0].spec;
    assert_eq!(spec.service, ["db.internal"]);
    assert_eq!(spec.recover_mode, Some(RecoverMode::Full));
    assert_eq!(spec.allow, ["install_dependency", "fetch_again"]);
    assert_eq!(
        spec.fallback_command.as_ref().map(Command::argv),
        Some(["/bin/sh", "-c", "./mirror.sh"].map(Into::into).to_vec())
    );
    assert_eq!(spec.fallbacks["REGION"], "eu-1".into());
    assert_eq!(
        spec.endpoints["API_URL"],
        ["https://a".into(), "https://b".into()]
    );
    assert_eq!(spec.temp, ["cache/*.tmp", "old/"]);
    assert_eq!(
        spec.ensure,
        ["out", "/var/tmp/mine", "/home/me/logs"].map(Into::into)
    );
    let names = vec!["requests[socks]==2.32.3".to_owned()];
    assert_eq!(spec.dependencies.python, Some(DependencyList::Names(names)));
    assert_eq!(
        spec.dependencies.node,
        Some(DependencyList::File("web/package-lock.json".into()))
    );
    let [auth, mine, output] = spec.recover.as_slice() else {
        panic!("{:?}", spec.recover);
    };
    assert_eq!(auth.when, RecoverWhen::Category(Category::Auth));
    assert_eq!((auth.timeout, auth.max_uses), (Duration::from_mins(1), 2));
    assert_eq!(mine.when, RecoverWhen::Pattern("mine".to_owned()));
    assert_eq!((mine.timeout, mine.max_uses), (Duration::from_mins(5), 1));
    assert_eq!(
        output.when,
        RecoverWhen::Matches("lock (?P<file>\\w+)".to_owned())
    );

    let explained = explain(&loaded.tasks[0]);
    for line in [
        "service  ",
        "endpoints.API_URL  ",
        "dependencies.python  ",
        "recover.1.when  ",
        "recover.1.max_uses  ",
        "recover.2.command  ",
    ] {
        assert!(explained.contains(line), "{line}\n{explained}");
    }
}

#[test]
fn recoveries_of_a_task_replace_those_of_the_defaults() {
    let text = "[[defaults.recover]]\nwhen = \"auth\"\ncommand = [\"a\"]\ntimeout = \"1m\"\n\
                [[defaults.recover]]\nwhen = \"network\"\ncommand = [\"b\"]\n\
                [[task]]\nname = \"one\"\ncommand = \"true\"\n\
                [[task.recover]]\nwhen = \"auth\"\ncommand = [\"c\"]\n\
                [[task]]\nname = \"two\"\ncommand = \"true\"\n";
    let loaded = loaded(text);
    assert_eq!(loaded.diagnostics, []);
    let of = |index: usize| &loaded.tasks[index].spec.recover;
    assert_eq!(of(0).len(), 1);
    assert_eq!(of(0)[0].timeout, Duration::from_mins(5));
    assert_eq!(of(1).len(), 2);
}

#[test]
fn what_would_widen_the_lists_beyond_what_is_written_is_refused() {
    for (keys, part) in [
        ("temp = [\"../x\"]", "must not hold `..`"),
        ("temp = [\"/tmp/*\"]", "relative to the `workdir`"),
        ("temp = [\"**/*\"]", "match everything"),
        ("temp = [\"~/x\"]", "`~` means nothing here"),
        ("ensure = [\"a/../../b\"]", "a path without `..`"),
        (
            "allow = [\"install_dependancy\"]",
            "did you mean `install_dependency`?",
        ),
        ("allow = [\"rotate_endpoint\"]", "needs nobody's word"),
        (
            "allow = [\"sudo\"]",
            "the guarded strategies are install_dependency",
        ),
        ("endpoints = { A = [] }", "at least one address"),
        ("endpoints = { A = \"x\" }", "`endpoints.A` must be"),
        (
            "dependencies = { python = [\"requests\"] }",
            "requests==2.32.3",
        ),
        (
            "dependencies = { python = [\"requests==2.*\"] }",
            "exact version",
        ),
        (
            "dependencies = { python = [\"requests>=2\"] }",
            "exact version",
        ),
        (
            "dependencies = { python = [\"--index-url=x==1\"] }",
            "exact version",
        ),
        ("dependencies = { python = [\"-r==1\"] }", "exact version"),
        (
            "dependencies = { python = [\"a @ https://x/a==1\"] }",
            "exact version",
        ),
        ("dependencies = { python = [\"./a==1\"] }", "exact version"),
        (
            "dependencies = { python = \"https://x/r.txt\" }",
            "the path of a file",
        ),
        (
            "dependencies = { python = \"--editable\" }",
            "the path of a file",
        ),
        ("dependencies = { node = \"package.json\" }", "a lock file"),
        (
            "dependencies = { node = [\"left-pad@^1.3.0\"] }",
            "left-pad@1.3.0",
        ),
        (
            "dependencies = { node = [\"left-pad@latest\"] }",
            "exact version",
        ),
        (
            "dependencies = { node = [\"git+ssh://x@1.0.0\"] }",
            "exact version",
        ),
        (
            "dependencies = { ruby = \"Gemfile\" }",
            "there is no key `ruby`",
        ),
        ("service = []", "at least one name"),
        ("recover_mode = \"sage\"", "did you mean `safe`?"),
    ] {
        let told = told(keys);
        assert_eq!(told.len(), 1, "{keys}: {told:?}");
        assert!(told[0].contains(part), "{keys}: {told:?}");
    }
}

#[test]
fn every_wrong_item_of_a_list_is_told() {
    assert_eq!(told("temp = [\"../x\", \"ok/*\", \"/y\"]").len(), 2);
    assert_eq!(told("allow = [\"a\", \"fetch_again\", \"b\"]").len(), 2);
    let python = "dependencies = { python = [\"a\", \"b==1\", \"c\"] }";
    assert_eq!(told(python).len(), 2);
}

#[test]
fn good_names_of_packages_are_taken() {
    for keys in [
        "dependencies = { python = [\"requests==2.32.3\", \"zope.interface==5.0+local\", \"a[b,c]==1!2.0rc1\"] }",
        "dependencies = { node = [\"left-pad@1.3.0\", \"@types/node@20.1.2-rc.1\"] }",
    ] {
        assert_eq!(told(keys), Vec::<String>::new(), "{keys}");
    }
}

#[test]
fn a_recovery_needs_to_know_when_and_what() {
    for (recovery, part) in [
        ("command = [\"x\"]", "this recovery has no `when`"),
        ("when = \"auth\"", "this recovery has no `command`"),
        (
            "when = \"netwrok\"\ncommand = [\"x\"]",
            "did you mean `network`?",
        ),
        (
            "when = \"connection_refusd\"\ncommand = [\"x\"]",
            "did you mean `connection_refused`?",
        ),
        (
            "when = \"xyzzy\"\ncommand = [\"x\"]",
            "autoexec patterns list",
        ),
        (
            "when = { matches = \"(\" }\ncommand = [\"x\"]",
            "a regular expression",
        ),
        (
            "when = { match = \"x\" }\ncommand = [\"x\"]",
            "write `when = { matches",
        ),
        ("when = 3\ncommand = [\"x\"]", "a category, a pattern or"),
        (
            "when = \"auth\"\ncommand = [\"x\"]\nmax_uses = 0",
            "from 1 to",
        ),
    ] {
        let told = told(&format!("[[task.recover]]\n{recovery}"));
        assert_eq!(told.len(), 1, "{recovery}: {told:?}");
        assert!(told[0].contains(part), "{recovery}: {told:?}");
    }
    assert_eq!(told("recover = []").len(), 1);
}

#[test]
fn another_word_for_a_pattern_means_the_pattern() {
    let keys = "[[task.recover]]\nwhen = \"page_load_failure\"\ncommand = [\"x\"]\n";
    let loaded = loaded(&format!("{HEAD}{keys}"));
    assert_eq!(
        loaded.tasks[0].spec.recover[0].when,
        RecoverWhen::Pattern("page_load".to_owned())
    );
}

#[test]
fn a_single_address_and_one_that_is_written_twice_are_doubted() {
    let told = told("env = { A = \"x\" }\nendpoints = { A = [\"y\"] }");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("nothing to rotate to"), "{told:?}");
    assert!(told[1].contains("the addresses count"), "{told:?}");
}
