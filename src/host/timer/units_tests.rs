//! Units that the service manager takes, whatever the paths are.

use super::*;

fn night<'a>(program: &'a Path, state: &'a Path) -> Night<'a> {
    Night {
        program,
        state,
        config: None,
        variables: vec![("PATH", "/a b:/100%/bin".to_owned())],
        stop_limit: Duration::from_mins(3),
        start: "22:00".to_owned(),
        zone: Some("Europe/Berlin".to_owned()),
    }
}

#[test]
fn a_path_is_one_word_whatever_is_in_it() {
    let state = Path::new("/ä b/100%/\"q\"/$HOME/\\n/;");
    let text = service(&night(Path::new("/opt/my tools/autoexec"), state)).unwrap();
    let wanted = "ExecStart=:\"/opt/my tools/autoexec\" \"--state-dir\" \
                  \"/ä b/100%%/\\\"q\\\"/$HOME/\\\\n/;\" \"run\" \"--overnight\"\n";
    assert!(text.contains(wanted), "{text}");
    assert!(
        text.contains("Environment=\"PATH=/a b:/100%%/bin\"\n"),
        "{text}"
    );
}

#[test]
fn a_line_feed_in_a_path_adds_no_line() {
    let text = service(&night(
        Path::new("/a"),
        Path::new("/x\nExecStartPre=/bin/false"),
    ))
    .unwrap();
    let lines = text.lines().filter(|line| line.starts_with("ExecStart"));
    assert_eq!(lines.count(), 1, "{text}");
}

#[test]
fn what_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let odd = Path::new(std::ffi::OsStr::from_bytes(b"/\xff"));
    let refused = service(&night(Path::new("/a"), odd)).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("the state directory is not valid UTF-8")
    );
}

#[test]
fn the_timer_begins_at_the_hour_of_its_zone_and_catches_up() {
    let text = timer(&night(Path::new("/a"), Path::new("/q")));
    assert!(
        text.contains("OnCalendar=*-*-* 22:00:00 Europe/Berlin\n"),
        "{text}"
    );
    assert!(text.contains("Persistent=true\n"), "{text}");
}

#[test]
fn a_crontab_line_survives_cron_and_its_shell() {
    let state = Path::new("/it's/50% \\ off");
    let line = cron_line(&night(Path::new("/usr/bin/autoexec"), state), 22, 5).unwrap();
    assert_eq!(
        line,
        "5 22 * * * /usr/bin/autoexec --state-dir '/it'\\\\''s/50\\% \\\\ off' -q run --overnight --report"
    );
    assert!(cron_line(&night(Path::new("/a"), Path::new("/a\nb")), 22, 5).is_err());
}
