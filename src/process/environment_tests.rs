//! Which variable wins, and how an `env_file` is read.

use super::*;
use crate::model::ids::AttemptId;
use crate::model::ids::RunId;
use crate::model::ids::TaskId;
use crate::model::ids::TaskName;
use crate::model::spec::Command;
use crate::model::spec::TaskSpec;

const QUEUE: QueueId = QueueId([7; 16]);

fn assignment() -> Assignment {
    Assignment {
        attempt: AttemptId::new(5),
        task: TaskId::new(1),
        run: RunId::new(1),
        spec: TaskSpec::of_command(
            TaskName::new("one").unwrap(),
            Command::Direct(vec!["true".into()]),
            "/work".into(),
        ),
        surroundings: Surroundings::default(),
        variables: BTreeMap::new(),
        timeout: None,
        ends_at: None,
        steps_done: 0,
        remedies: Vec::new(),
        environments: Vec::new(),
        series_started: None,
    }
}

fn variables(pairs: &[(&str, &str)]) -> Environment {
    pairs
        .iter()
        .map(|(name, value)| (OsText::from(*name), OsText::from(*value)))
        .collect()
}

fn get<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment
        .get(&OsText::from(name))
        .and_then(OsText::as_str)
}

#[test]
fn later_sources_win_over_earlier_ones() {
    let mut assignment = assignment();
    let inherited = variables(&[
        ("A", "runner"),
        ("B", "runner"),
        ("C", "runner"),
        ("D", "runner"),
    ]);
    let file = [("B", "file"), ("C", "file"), ("D", "file")]
        .map(|(name, value)| (OsText::from(name), OsText::from(value)));
    for (name, value) in [("C", "task"), ("D", "task")] {
        assignment.spec.env.insert(name.to_owned(), value.into());
    }
    assignment.variables.insert("D".to_owned(), "ours".into());
    let built = build(&assignment, QUEUE, &Inherited::of(inherited.clone()), &file);
    let values = ["A", "B", "C", "D"].map(|name| get(&built, name).unwrap());
    assert_eq!(values, ["runner", "file", "task", "ours"]);
}

#[test]
fn path_and_the_like_are_as_they_were_when_the_task_was_added() {
    let mut assignment = assignment();
    let stored = variables(&[("PATH", "/mine"), ("LC_ALL", "C")]);
    assignment.surroundings = Surroundings::of(stored.into_iter());
    let inherited = variables(&[
        ("PATH", "/cron"),
        ("VIRTUAL_ENV", "/other"),
        ("LC_TIME", "de_DE"),
        ("TOKEN", "t"),
    ]);
    let all = build(&assignment, QUEUE, &Inherited::of(inherited.clone()), &[]);
    assert_eq!(get(&all, "PATH"), Some("/mine"));
    assert_eq!(get(&all, "LC_ALL"), Some("C"));
    assert_eq!(get(&all, "VIRTUAL_ENV"), None);
    assert_eq!(get(&all, "LC_TIME"), None);
    assert_eq!(get(&all, "TOKEN"), Some("t"));

    assignment.spec.env_inherit =
        EnvInherit::Names(vec!["PATH".into(), "TOKEN".into(), "NO".into()]);
    let some = build(&assignment, QUEUE, &Inherited::of(inherited.clone()), &[]);
    assert_eq!(get(&some, "PATH"), Some("/mine"));
    assert_eq!(get(&some, "TOKEN"), Some("t"));
    assert_eq!(some.len(), 3);

    assignment.spec.env_inherit = EnvInherit::Nothing;
    let none = build(&assignment, QUEUE, &Inherited::of(inherited.clone()), &[]);
    assert_eq!(none.len(), 1);
}

#[test]
fn the_mark_names_the_attempt_and_keeps_that_of_an_outer_one() {
    let built = build(&assignment(), QUEUE, &Inherited::default(), &[]);
    let own = format!("{QUEUE}:5");
    assert_eq!(get(&built, MARK_VARIABLE), Some(own.as_str()));
    let outer = variables(&[(MARK_VARIABLE, "outer:1")]);
    let built = build(&assignment(), QUEUE, &Inherited::of(outer), &[]);
    assert_eq!(
        get(&built, MARK_VARIABLE).unwrap(),
        format!("outer:1,{own}")
    );
}

#[test]
fn what_speaks_to_us_is_not_passed_on_and_pwd_is_right() {
    let inherited = variables(&[
        ("NOTIFY_SOCKET", "/run/x"),
        ("__AUTOEXEC_CRASH_AT", "here"),
        ("PWD", "/elsewhere"),
        ("OLDPWD", "/old"),
    ]);
    let built = build(&assignment(), QUEUE, &Inherited::of(inherited), &[]);
    assert_eq!(get(&built, "PWD"), Some("/work"));
    assert_eq!(built.len(), 2);
    let mut asking = assignment();
    asking.spec.env_inherit = EnvInherit::Names(vec!["NOTIFY_SOCKET".into()]);
    let inherited = Inherited::of(variables(&[("NOTIFY_SOCKET", "/run/x")]));
    let built = build(&asking, QUEUE, &inherited, &[]);
    assert_eq!(get(&built, "NOTIFY_SOCKET"), Some("/run/x"));
}

#[test]
fn what_a_service_manager_tells_the_run_is_not_told_to_tasks() {
    let told = OURS.map(|name| (name, "1"));
    let mut inherited = variables(&told);
    inherited.extend(variables(&[("XDG_RUNTIME_DIR", "/run/user/7")]));
    let built = build(&assignment(), QUEUE, &Inherited::of(inherited), &[]);
    let names: Vec<&str> = built.keys().filter_map(OsText::as_str).collect();
    assert_eq!(names, [MARK_VARIABLE, "XDG_RUNTIME_DIR"]);
}

#[test]
fn an_env_file_is_read_as_people_write_them() {
    let text = b"# comment\n\nA=1\nexport B = no\n";
    assert_eq!(parse_env_file(text), Err(4));
    let text = b"\xef\xbb\xbfA=1\r\n  export B='x # \"y\"'  # why\nC=\"a\\\"b\\n$HOME\"\nD=a b # c\nE=\nF=a#b\n_g=\\n\nexported=1";
    let read = parse_env_file(text).unwrap();
    let expected = [
        ("A", "1"),
        ("B", "x # \"y\""),
        ("C", "a\"b\n$HOME"),
        ("D", "a b"),
        ("E", ""),
        ("F", "a#b"),
        ("_g", "\\n"),
        ("exported", "1"),
    ];
    let expected = expected.map(|(name, value)| (OsText::from(name), OsText::from(value)));
    assert_eq!(read, expected);
    for bad in [
        "novalue", "1A=x", "A='open", "A=\"open", "A='x'y", "=x", "A B=1", "A=\0",
    ] {
        assert_eq!(parse_env_file(bad.as_bytes()), Err(1), "{bad:?}");
    }
}

#[test]
fn what_was_installed_comes_first_and_leaves_the_rest_as_it_is() {
    let value = |environment: &Environment, name: &str| {
        let value = environment.get(&OsText::from(name)).cloned();
        value.map(|value| value.as_str().unwrap().to_owned())
    };
    let mut environment: Environment = [
        ("PATH", "/usr/bin:/bin"),
        ("PYTHONHOME", "/elsewhere"),
        ("NODE_PATH", "/own/modules"),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), value.into()))
    .collect();
    let installed = [
        InstalledEnvironment::Python("/env/p".into()),
        InstalledEnvironment::Node("/env/n".into()),
    ];
    enter_all(&mut environment, &installed);
    assert_eq!(
        value(&environment, "PATH").as_deref(),
        Some("/env/n/node_modules/.bin:/env/p/bin:/usr/bin:/bin")
    );
    assert_eq!(
        value(&environment, "VIRTUAL_ENV").as_deref(),
        Some("/env/p")
    );
    assert_eq!(value(&environment, "PYTHONHOME"), None);
    assert_eq!(
        value(&environment, "NODE_PATH").as_deref(),
        Some("/env/n/node_modules:/own/modules")
    );
    let mut bare = Environment::new();
    enter_all(&mut bare, &installed[..1]);
    // Without a PATH programs are found in the usual places, and still are.
    assert_eq!(
        value(&bare, "PATH").as_deref(),
        Some("/env/p/bin:/bin:/usr/bin")
    );
}
