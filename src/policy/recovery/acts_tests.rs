//! What an action may touch.

use super::*;
use crate::model::recovery::RecoveryState as S;
use crate::policy::recovery::fixture::Scene;

fn missing(path: &str) -> Scene {
    Scene::new(C::Resource, "missing_path", Retryable::AfterFix).found("path", path)
}

/// The directory that is created, and whether it is declared.
fn created(scene: &Scene) -> Option<(String, bool)> {
    let remedy = scene.remedy()?;
    let Remedy::Act(Action::CreateDirectory { path, declared }) = remedy else {
        panic!("{remedy:?}")
    };
    Some((path.as_str().unwrap().to_owned(), declared))
}

#[test]
fn an_empty_directory_beneath_the_workdir_is_created_and_no_other() {
    for (path, wanted) in [
        ("out/x.csv", Some("out")),
        ("./out/2026/x.csv", Some("out/2026")),
        ("/data/job/out/x.csv", Some("out")),
        ("out/deep/", Some("out/deep")),
        ("a b/c@2/x", Some("a b/c@2")),
        // Nothing to create, or not beneath.
        ("x.csv", None),
        ("/data/job", None),
        ("/data/job/", None),
        ("/etc/cron.d/x", None),
        ("/data/jobs/out/x", None),
        ("../other/x", None),
        ("out/../../other/x", None),
        ("/data/job/../other/x", None),
        ("~/x/y", None),
        ("--index-url=x/y", None),
        ("out/--index-url=x/y", None),
        ("out/a\nb/x", None),
        ("out/\u{1b}[2J/x", None),
        ("out/$(id)/x", None),
        ("out/*/x", None),
        ("", None),
        ("//evil/share/x", None),
    ] {
        let created = created(&missing(path)).map(|(path, declared)| {
            assert!(!declared);
            path
        });
        assert_eq!(created.as_deref(), wanted, "{path:?}");
    }
}

#[test]
fn a_path_that_leads_elsewhere_is_refused_aloud() {
    let decided = missing("../../etc/x").decide();
    assert_eq!(decided.notes[0].strategy, "create_missing_path");
    assert_eq!(decided.notes[0].state, S::Refused);
}

#[test]
fn a_declared_directory_is_created_wherever_it_is_and_for_an_input_too() {
    for (ensure, path, wanted) in [
        ("/srv/out", "/srv/out/x.csv", Some("/srv/out")),
        ("/srv/out", "/srv/out", Some("/srv/out")),
        ("/srv/out", "/srv/out/../x", None),
        ("/srv/out", "/srv/outer/x", None),
        ("logs/", "logs", Some("logs/")),
        ("logs/", "logs/2026/11/x", Some("logs/2026/11")),
        ("logs/", "other/x", None),
    ] {
        let mut scene = missing(path).with(|scene| scene.spec.ensure.push(ensure.into()));
        scene.failure.retryable = Retryable::No;
        let created = created(&scene).map(|(path, _)| path);
        assert_eq!(created.as_deref(), wanted, "{ensure} {path}");
    }
}

#[test]
fn paths_are_those_of_the_step_that_failed() {
    let scene = |workdir: &str| {
        missing("out/x").with(|scene| scene.spec.steps[0].workdir = Some(workdir.into()))
    };
    let created = |scene: &Scene| created(scene).map(|(path, _)| path);
    assert_eq!(
        created(&scene("/data/job/part")).as_deref(),
        Some("part/out")
    );
    assert_eq!(created(&scene("/elsewhere")), None);
}

#[test]
fn only_files_that_temp_means_are_deleted() {
    let scene = |path: &str| {
        Scene::new(C::Corruption, "checksum_mismatch", Retryable::AfterFix)
            .found("path", path)
            .allow("fetch_again")
            .with(|scene| scene.spec.temp.push("cache/*.tgz".to_owned()))
    };
    for (path, wanted) in [
        ("cache/a.tgz", true),
        ("/data/job/cache/a.tgz", true),
        ("cache/b/a.tgz", false),
        ("cache/../cache/a.tgz", false),
        ("../cache/a.tgz", false),
        ("/etc/a.tgz", false),
        ("cache/-rf.tgz", false),
        ("cache/a.txt", false),
    ] {
        let scene = scene(path);
        assert_eq!(scene.remedy().is_some(), wanted, "{path}");
        assert_eq!(scene.decide().notes.is_empty(), wanted, "{path}");
    }
}

#[test]
fn a_damaged_file_is_known_by_the_line_or_by_the_command_if_temp_means_it() {
    let scene = |line: &str, argv: &[&str]| {
        let scene = Scene::new(C::Corruption, "truncated_archive", Retryable::AfterFix)
            .allow("fetch_again")
            .command(argv);
        scene.with(|scene| {
            scene.spec.temp = vec!["cache/*.gz".to_owned(), "cache/*.lock".to_owned()];
            scene.failure.line = Some(line.to_owned());
        })
    };
    let gzip = "gzip: cache/a.gz: unexpected end of file";
    let tar = "tar: Unexpected EOF in archive";
    for (line, argv, wanted) in [
        (gzip, &["./job"][..], true),
        (gzip, &["gzip", "-t", "cache/b.gz"], true),
        (tar, &["tar", "xf", "cache/a.gz"], true),
        (tar, &["sh", "-c", "tar xf cache/a.gz"], true),
        (tar, &["./job"], false),
        (tar, &["cat", "cache/a.gz", "cache/b.gz"], false),
        (tar, &["flock", "cache/a.lock", "./job"], false),
        (
            "gzip: ../cache/a.gz: unexpected end of file",
            &["./job"],
            false,
        ),
        ("gzip: /etc/a.gz: unexpected end of file", &["./job"], false),
    ] {
        let deleted = match scene(line, argv).remedy() {
            Some(Remedy::Act(Action::Delete { path, .. })) => Some(path),
            _ => None,
        };
        let wanted = wanted.then(|| OsText::from("cache/a.gz"));
        let other = OsText::from("cache/b.gz");
        assert!(
            deleted == wanted && deleted != Some(other),
            "{line} {argv:?} {deleted:?}"
        );
    }
}

#[test]
fn only_the_step_s_own_program_beneath_the_workdir_is_made_executable() {
    let scene = |program: &str, path: &str| {
        Scene::new(C::Resource, "permission", Retryable::AfterFix)
            .command(&[program, "x"])
            .found("path", path)
            .allow("make_executable")
    };
    for (program, path, wanted) in [
        ("./job", "./job", true),
        ("bin/job", "/data/job/bin/job", true),
        ("./job", "./other", false),
        ("./job", "/etc/shadow", false),
        ("/usr/bin/job", "/usr/bin/job", false),
        ("../job", "../job", false),
        ("job", "job", false),
    ] {
        assert_eq!(
            scene(program, path).remedy().is_some(),
            wanted,
            "{program} {path}"
        );
    }
}
