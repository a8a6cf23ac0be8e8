//! Paths in error lines.

use super::*;

#[test]
fn the_path_is_found_in_every_usual_grammar() {
    let table = [
        ("zsh:1: permission denied: ./run.sh", "./run.sh"),
        (
            "cp: cannot stat 'a b.csv': No such file or directory",
            "a b.csv",
        ),
        ("cat: in/list.txt: No such file or directory", "in/list.txt"),
        (
            "cannot open in/list.txt: No such file or directory at job.pl line 1.",
            "in/list.txt",
        ),
        ("open /srv/x.yaml: no such file or directory", "/srv/x.yaml"),
        (
            "tar: backup.tar: Cannot open: No such file or directory",
            "backup.tar",
        ),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: 'x.csv'",
            "x.csv",
        ),
        (
            "Error: ENOENT: no such file or directory, open 'config/app.json'",
            "config/app.json",
        ),
        (
            "java.io.FileNotFoundException: data/in.csv (No such file or directory)",
            "data/in.csv",
        ),
        (
            "No such file or directory @ rb_sysopen - conf.yml (Errno::ENOENT)",
            "conf.yml",
        ),
        (
            "mv: cannot move 'a' to 'b/c': No such file or directory",
            "b/c",
        ),
        (
            "couldn't read `input.rs`: No such file or directory (os error 2)",
            "input.rs",
        ),
        (
            "tar: can't open `x.tgz': No such file or directory",
            "x.tgz",
        ),
    ];
    for (line, path) in table {
        assert_eq!(path_of(line).as_deref(), Some(path), "{line}");
    }
}
