//! What remedies do to files, and what they never do.
#![expect(
    clippy::disallowed_methods,
    reason = "a process is needed that holds a file"
)]

use super::*;
use crate::model::recovery::DependencyList;
use crate::model::remedy::InstalledEnvironment;
use std::fs;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Stdio;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["work", "state", "outside"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("outside/precious.tmp"), "p").unwrap();
        Self { dir }
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.work().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn act_in(&self, workdir: &Path, action: Action) -> Done {
        let errand = Errand {
            action,
            protected: vec![self.dir.path().join("state").into()],
            environments: self.dir.path().join("state/environments").into(),
        };
        carry_out(&errand, workdir, &Environment::new())
    }

    fn act(&self, action: Action) -> Done {
        let done = self.act_in(&self.work(), action);
        assert_eq!(
            fs::read(self.outside().join("precious.tmp")).unwrap(),
            b"p",
            "{done:?}"
        );
        done
    }

    fn create(&self, path: impl Into<OsText>) -> Done {
        self.act(Action::CreateDirectory {
            path: path.into(),
            declared: false,
        })
    }

    fn clean(&self, patterns: &[&str]) -> Done {
        self.act(Action::Clean {
            patterns: patterns.iter().map(|one| (*one).to_owned()).collect(),
        })
    }

    fn delete(&self, patterns: &[&str], path: impl Into<OsText>, unless_held: bool) -> Done {
        self.act(Action::Delete {
            patterns: patterns.iter().map(|one| (*one).to_owned()).collect(),
            path: path.into(),
            unless_held,
        })
    }

    fn make_executable(&self, program: impl Into<OsText>) -> Done {
        self.act(Action::MakeExecutable {
            program: program.into(),
        })
    }
}

#[track_caller]
fn failed(done: &Done, words: &str) {
    assert!(!done.succeeded, "{done:?}");
    assert!(done.detail.contains(words), "{done:?}");
}

#[test]
fn a_missing_directory_is_made_as_the_task_would_make_it() {
    let place = Place::new();
    let done = place.create("out/deep/er/");
    assert_eq!(
        done,
        Done {
            succeeded: true,
            detail: "created `out/deep/er/` and 2 directories above it".to_owned()
        }
    );
    let like = place.work().join("like");
    fs::create_dir(&like).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&place.work().join("out/deep/er")), mode(&like));
    let again = place.create("./out//deep/er");
    assert!(
        again.succeeded && again.detail.contains("is there"),
        "{again:?}"
    );
}

#[test]
fn no_directory_is_made_outside_of_the_workdir_or_through_a_link() {
    let place = Place::new();
    symlink(place.outside(), place.work().join("link")).unwrap();
    symlink("missing", place.work().join("dangling")).unwrap();
    place.write("file", "f");
    for (path, words) in [
        ("link/new", "leads through a link"),
        ("link", "leads through a link"),
        ("dangling", "leads through a link"),
        ("../new", "leads upwards"),
        ("a/../../new", "leads upwards"),
        ("file/new", "no directory"),
        ("/tmp/new-of-a-task", "is absolute"),
        ("", "names nothing"),
        ("./", "names nothing"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("\u{1b}[31m", "control character"),
        (
            "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21",
            "more than 20",
        ),
    ] {
        failed(&place.create(path), words);
    }
    failed(&place.create(OsText::new([b'a'; 5000])), "longer than");
    assert_eq!(fs::read_dir(place.outside()).unwrap().count(), 1);
    assert!(!Path::new("/tmp/new-of-a-task").exists());
}

#[test]
fn a_declared_absolute_directory_is_made_and_still_not_through_a_link() {
    let place = Place::new();
    let declared = |path: PathBuf| {
        place.act(Action::CreateDirectory {
            path: path.into(),
            declared: true,
        })
    };
    let real = fs::canonicalize(place.dir.path()).unwrap();
    assert!(declared(real.join("new/inner")).succeeded);
    assert!(real.join("new/inner").is_dir());
    symlink(place.outside(), real.join("link")).unwrap();
    failed(&declared(real.join("link/new")), "link");
    failed(&declared(real.join("new/../outside/x")), "leads upwards");
}

#[test]
fn a_directory_that_is_exchanged_for_a_link_leads_nowhere() {
    let place = Place::new();
    let work = place.work();
    let outside = place.outside();
    let end = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !end.load(std::sync::atomic::Ordering::Relaxed) {
                let _lost = fs::remove_dir_all(work.join("a"));
                let _lost = symlink(&outside, work.join("a"));
                let _lost = fs::remove_file(work.join("a"));
                let _lost = fs::create_dir(work.join("a"));
                let _lost = fs::write(work.join("a/x.tmp"), "x");
            }
        });
        for _ in 0..300 {
            place.create("a/b");
            place.clean(&["a/*.tmp"]);
            place.delete(&["a/*.tmp"], "a/precious.tmp", false);
        }
        end.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(!outside.join("b").exists());
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn only_what_is_declared_as_temporary_is_deleted() {
    let place = Place::new();
    let gone = [
        place.write("cache/a.tmp", "aaaa"),
        place.write("cache/b.tmp", "bb"),
        place.write("scratch/x/y", "1"),
        place.write("scratch/.hidden", "1"),
    ];
    let kept = [
        place.write("cache/result.csv", "1"),
        place.write("cache/deep/c.tmp", "1"),
        place.write("scratched", "1"),
    ];
    let done = place.clean(&["cache/*.tmp", "scratch/"]);
    assert!(done.succeeded, "{done:?}");
    assert!(done.detail.starts_with("deleted 4 files ("), "{done:?}");
    assert!(gone.iter().all(|path| !path.exists()));
    assert!(kept.iter().all(|path| path.exists()));
    assert!(place.work().join("scratch").is_dir());
    assert!(!place.work().join("scratch/x").exists());
    failed(&place.clean(&["cache/*.tmp"]), "no file is there");
}

#[test]
fn links_and_whatever_is_no_file_stay_where_they_are() {
    let place = Place::new();
    symlink(place.outside(), place.work().join("cache")).unwrap();
    failed(&place.clean(&["cache/*.tmp", "cache/"]), "no file is there");
    place.write("scratch/own", "1");
    symlink(
        place.outside().join("precious.tmp"),
        place.work().join("scratch/link"),
    )
    .unwrap();
    symlink(place.outside(), place.work().join("scratch/folder")).unwrap();
    assert!(place.clean(&["scratch/"]).succeeded);
    assert!(place.work().join("scratch/link").is_symlink());
    assert!(place.work().join("scratch/folder").is_symlink());
}

#[test]
fn nothing_of_the_state_directory_is_deleted() {
    let place = Place::new();
    let state = place.dir.path().join("state");
    fs::create_dir(state.join("checkpoints")).unwrap();
    fs::write(state.join("checkpoints/kept.tmp"), "k").unwrap();
    let clean = || Action::Clean {
        patterns: vec!["**/*.tmp".to_owned(), "checkpoints/".to_owned()],
    };
    // The state directory beneath the workdir, and the workdir in the state directory.
    place.act_in(place.dir.path(), clean());
    failed(&place.act_in(&state, clean()), "state directory");
    failed(
        &place.act_in(&state.join("checkpoints"), clean()),
        "state directory",
    );
    assert!(state.join("checkpoints/kept.tmp").exists());
}

#[test]
fn patterns_that_mean_everything_or_lead_outside_delete_nothing() {
    let place = Place::new();
    let kept = place.write("kept", "1");
    for pattern in ["*", "**", "../outside/*", "/", "", "..", "*/"] {
        failed(&place.clean(&["gone", pattern]), "pattern");
    }
    assert!(kept.exists());
}

#[test]
fn a_stale_lock_file_is_deleted_and_one_that_is_held_is_not() {
    let place = Place::new();
    let path = place.write("run.lock", "4000000000\n");
    {
        let held = File::open(&path).unwrap();
        rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
        failed(&place.delete(&["*.lock"], "run.lock", true), "is held");
    }
    let mut child = std::process::Command::new("sleep")
        .arg("600")
        .stdin(File::open(&path).unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let open = place.delete(&["*.lock"], "run.lock", true);
    failed(&open, &format!("process {} has it open", child.id()));
    fs::write(&path, format!("{}\n", child.id())).unwrap();
    let mut other = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(&path, format!("{}\n", other.id())).unwrap();
    let named = place.delete(&["*.lock"], "run.lock", true);
    failed(&named, "is alive");
    other.kill().unwrap();
    other.wait().unwrap();
    let done = place.delete(&["*.lock"], "run.lock", true);
    assert!(done.succeeded, "{done:?}");
    assert!(!path.exists());
    assert!(place.delete(&["*.lock"], "run.lock", true).succeeded);
}

#[test]
fn one_file_is_deleted_only_if_it_is_declared_and_a_file() {
    let place = Place::new();
    let kept = place.write("result.csv", "1");
    place.write("cache/a.tmp", "1");
    symlink(place.outside(), place.work().join("link")).unwrap();
    symlink(
        place.outside().join("precious.tmp"),
        place.work().join("cache/b.tmp"),
    )
    .unwrap();
    fs::create_dir(place.work().join("cache/c.tmp")).unwrap();
    for (path, words) in [
        ("result.csv", "not named by `temp`"),
        ("cache/../result.csv", "leads upwards"),
        ("link/precious.tmp", "cannot open the folder"),
        ("cache/b.tmp", "no regular file"),
        ("cache/c.tmp", "no regular file"),
        ("/etc/passwd", "is absolute"),
        ("--help", "not named by `temp`"),
        ("", "names nothing"),
    ] {
        let patterns = ["cache/*.tmp", "link/*"];
        failed(&place.delete(&patterns, path, false), words);
    }
    assert!(
        place
            .delete(&["cache/*.tmp"], "cache/a.tmp", false)
            .succeeded
    );
    assert!(kept.exists() && !place.work().join("cache/a.tmp").exists());
}

#[test]
fn a_program_of_the_task_may_be_executed_afterwards() {
    let place = Place::new();
    let path = place.write("bin/run.sh", "#!/bin/sh\n");
    let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
    set(0o640);
    assert!(place.make_executable("./bin/run.sh").succeeded);
    assert_eq!(mode(), 0o740);
    set(0o600);
    assert!(place.make_executable(path.clone()).succeeded);
    assert_eq!(mode(), 0o700);
    set(0o4600);
    failed(&place.make_executable("bin/run.sh"), "set-id");
    assert_eq!(mode(), 0o4600);
    set(0o600);
    fs::hard_link(&path, place.work().join("bin/other")).unwrap();
    failed(&place.make_executable("bin/run.sh"), "another name");
}

#[test]
fn nothing_else_gets_an_execute_bit() {
    let place = Place::new();
    let precious = place.outside().join("precious.tmp");
    symlink(&precious, place.work().join("link")).unwrap();
    symlink(place.outside(), place.work().join("folder")).unwrap();
    fs::create_dir(place.work().join("dir")).unwrap();
    for (program, words) in [
        ("run.sh", "found by PATH"),
        ("./link", "cannot open"),
        ("./folder/precious.tmp", "cannot open"),
        ("./dir", "no regular file"),
        ("../outside/precious.tmp", "leads upwards"),
        ("./missing", "cannot open"),
        ("/bin/sh", "is absolute"),
    ] {
        failed(&place.make_executable(program), words);
    }
    failed(&place.make_executable(precious.clone()), "is absolute");
    assert_eq!(
        fs::metadata(&precious).unwrap().permissions().mode() & 0o111,
        0
    );
}

#[test]
fn an_environment_lies_where_environments_lie_and_nowhere_else() {
    let place = Place::new();
    place.write("requirements.txt", "a==1\n");
    for folder in ["state/elsewhere", "state/environments/../x", "outside"] {
        let done = place.act(Action::Install {
            environment: InstalledEnvironment::Python(place.dir.path().join(folder).into()),
            list: DependencyList::File("requirements.txt".into()),
        });
        failed(&done, "is no place");
    }
}

#[test]
fn what_is_no_errand_gets_no_answer() {
    let nothing = Environment::new();
    assert_eq!(answer([OsString::from("{}")].into_iter(), &nothing), None);
    assert_eq!(answer(std::iter::empty(), &nothing), None);
}
