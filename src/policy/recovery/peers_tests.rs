//! Which hosts and ports a definition names, and which it does not.

use super::*;
use crate::policy::recovery::fixture::spec;

fn complete(spec: &TaskSpec, tool: &str) -> Vec<String> {
    Peers::of(spec, &BTreeMap::new(), tool)
        .complete()
        .into_iter()
        .map(|(peer, port)| format!("{}:{port}", peer.host))
        .collect()
}

#[test]
fn hosts_and_ports_are_read_out_of_commands() {
    for (argv, wanted) in [
        (
            &["curl", "https://api.example.com/v1"][..],
            &["api.example.com:443"][..],
        ),
        (
            &["curl", "http://u:p@a.example:8080/x?y"],
            &["a.example:8080"],
        ),
        (&["pg_dump", "-h", "db", "-p", "6432", "shop"], &["db:6432"]),
        (
            &["pg_dump", "--host=db.internal", "shop"],
            &["db.internal:5432"],
        ),
        (&["redis-cli", "-h", "cache", "ping"], &["cache:6379"]),
        (
            &["rsync", "-a", "data/", "me@backup.example:/srv/data"],
            &["backup.example:22"],
        ),
        (&["ssh", "me@host.example", "true"], &["host.example:22"]),
        (
            &["./job", "--db", "postgresql+psycopg2://u:p@db/x"],
            &["db:5432"],
        ),
        (&["nc", "[::1]:9000"], &["::1:9000"]),
        (
            &[
                "sh",
                "-c",
                "curl -s 'https://a.example/x' | nc b.example:99",
            ],
            &["a.example:443", "b.example:99"],
        ),
        // No hosts: files, times, owners, versions, tags of images.
        (
            &["python3", "job.py", "--at", "10:30", "report.csv", "1.2.3"],
            &[],
        ),
        (&["chown", "1000:1000", "x.txt"], &[]),
        (&["docker", "run", "postgres:16"], &[]),
        (&["./job", "--index-url=//evil", "../../etc"], &[]),
    ] {
        assert_eq!(complete(&spec(argv), ""), wanted, "{argv:?}");
    }
}

#[test]
fn variables_services_and_requirements_name_peers() {
    let mut spec = spec(&["python3", "job.py"]);
    for (name, value) in [
        ("PGHOST", "db.internal"),
        ("APP_HOST", "app"),
        ("APP_PORT", "8443"),
    ] {
        spec.env.insert(name.to_owned(), value.into());
    }
    assert_eq!(complete(&spec, ""), ["app:8443", "db.internal:5432"]);
    spec.env.clear();
    spec.service = vec!["queue.internal:5672".to_owned(), "stripe".to_owned()];
    spec.requires.push(Requirement::Tcp {
        host: "db".to_owned(),
        port: 5432,
    });
    assert_eq!(
        complete(&spec, ""),
        ["queue.internal:5672", "db:5432"]
            .map(str::to_owned)
            .to_vec()
    );
}

#[test]
fn a_host_without_a_port_takes_one_that_is_declared_before_the_usual_one() {
    let mut spec = spec(&["./job", "db.internal"]);
    assert_eq!(complete(&spec, ""), Vec::<String>::new());
    assert_eq!(complete(&spec, "psql"), ["db.internal:5432"]);
    spec.env.insert("DB_PORT".to_owned(), "6000".into());
    assert_eq!(complete(&spec, "psql"), ["db.internal:6000"]);
    spec.env.insert("URL".to_owned(), "db.internal:7000".into());
    assert_eq!(complete(&spec, "psql"), ["db.internal:7000"]);
}

#[test]
fn the_names_of_this_machine_are_one() {
    assert!(same_host("localhost", "127.0.0.1"));
    assert!(same_host("DB.internal.", "db.internal"));
    assert!(!same_host("db.internal", "db.internal.evil"));
    assert!(!same_host("localhost", "10.0.0.1"));
}
