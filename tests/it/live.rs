//! The live page of `autoexec serve`, in a real browser and while a run goes on.

use std::path::Path;

use serde_json::Value;

use crate::browser::Browser;
use crate::browser::Tab;
use crate::sandbox::Sandbox;
use crate::server::Server;

/// What would be markup if anybody took it for that.
const PAYLOAD: &str =
    "</p></div><script>document.title='taken'</script><img src=x onerror=alert(1)>'\"&amp;";
/// Says how far it is when it is told to, and ends when it is told to.
const SPEAKS: &str = "\"$AUTOEXEC\" progress 10 \"$PAYLOAD\"; \
    until test -e further; do sleep 0.05; done; \"$AUTOEXEC\" progress 70 'rows loaded'; \
    until test -e enough; do sleep 0.05; done";
const LONG: &str = "a-name-as-long-as-a-name-may-be-and-without-a-place-to-break-it";

fn keep(tab: &mut Tab<'_>, name: &str) {
    let Some(folder) = std::env::var_os("AUTOEXEC_TEST_PICTURES") else {
        return;
    };
    let picture = tab.picture();
    let file = Path::new(&folder).join(format!("{name}.png.base64"));
    std::fs::write(file, picture).unwrap();
}

/// A queue of which something failed, something waits and something that speaks is about to run.
fn evening() -> Sandbox {
    let sandbox = Sandbox::new();
    let payload = format!("PAYLOAD={PAYLOAD}");
    let fails = format!("printf '%s\\n' \"error: permission denied: {LONG}$PAYLOAD\" >&2; exit 77");
    for (name, script) in [(LONG, fails.as_str()), ("bold", "exit 3")] {
        sandbox.ok([
            "queue",
            "add",
            "--name",
            name,
            "--env",
            &payload,
            "--retries",
            "0",
            "--",
            "/bin/sh",
            "-c",
            script,
        ]);
    }
    assert_eq!(sandbox.run(["run"]).code, 1);
    sandbox.ok(["queue", "add", "--name", "held", "--", "true"]);
    sandbox.ok(["queue", "hold", "held", "--reason", PAYLOAD]);
    let program = format!("AUTOEXEC={}", env!("CARGO_BIN_EXE_autoexec"));
    sandbox.ok([
        "queue", "add", "--name", "speaks", "--env", &payload, "--env", &program, "--", "/bin/sh",
        "-c", SPEAKS,
    ]);
    sandbox.ok([
        "queue", "add", "--name", "later", "--after", "speaks", "--", "true",
    ]);
    sandbox
}

fn text(tab: &mut Tab<'_>, selector: &str) -> String {
    let found = tab.ask(&format!("document.querySelector('{selector}').textContent"));
    found.as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_page_follows_a_run_by_itself_and_shows_what_tasks_say_as_text() {
    let Some(mut browser) = Browser::start("the live page in a browser") else {
        return;
    };
    let sandbox = evening();
    let mut server = Server::of(&sandbox);
    let run = sandbox.start(&["run"]);
    let url = format!("http://{}/", server.address);
    let mut tab = browser.go_to(&url, 1280, "light");
    tab.wait_until("document.querySelector('.says') !== null");
    assert_eq!(text(&mut tab, ".says"), PAYLOAD);
    assert_eq!(
        tab.ask("document.querySelector('progress').value"),
        Value::from(10)
    );
    assert_eq!(
        tab.ask("document.querySelectorAll('#live script, #live img, #live b > *, #live [style]').length"),
        Value::from(0)
    );
    let names = tab.ask("[...document.querySelectorAll('article .name')].map(e => e.textContent)");
    assert_eq!(names, serde_json::json!([LONG, "bold", "held"]));
    assert_eq!(text(&mut tab, "article:last-of-type p"), PAYLOAD);
    let title = tab.ask("document.title");
    assert!(title.as_str().unwrap().starts_with("3 need you"), "{title}");
    keep(&mut tab, "live-1280-light");
    // It goes on by itself, and what somebody is about to copy stays.
    tab.ask("document.getSelection().selectAllChildren(document.querySelector('.commands code'))");
    sandbox.file("further", "");
    tab.ask("fetch('/live')");
    tab.ask("setTimeout(() => document.getSelection().removeAllRanges(), 2500), 0");
    tab.wait_until("document.querySelector('progress')?.value === 70");
    assert_eq!(text(&mut tab, ".says"), "rows loaded");
    sandbox.file("enough", "");
    tab.wait_until("document.querySelector('progress') === null");
    tab.wait_until("document.querySelector('.runs li .badge')?.textContent === 'needs you' || document.querySelectorAll('.runs li').length > 1 && !document.querySelector('.runs .run')");
    sandbox.answer_of(run);
    let wanted = format!("\"{url}");
    let elsewhere: Vec<String> = tab
        .requests()
        .into_iter()
        .filter(|one| !one.starts_with(&wanted) && !one.starts_with("\"data:"))
        .collect();
    assert_eq!(elsewhere, Vec::<String>::new());
    assert_eq!(tab.complaints(), Vec::<String>::new());
    // Once nobody answers any more the page says so.
    assert_eq!(
        tab.ask("document.getElementById('gone').hidden"),
        Value::from(true)
    );
    server.kill();
    tab.wait_until("!document.getElementById('gone').hidden");
    keep(&mut tab, "live-gone");
}

#[test]
fn the_page_fits_a_phone_and_both_schemes_and_needs_no_script() {
    let Some(mut browser) = Browser::start("the live page on a phone") else {
        return;
    };
    let sandbox = evening();
    let server = Server::of(&sandbox);
    let run = sandbox.start(&["run"]);
    let url = format!("http://{}/", server.address);
    for (width, scheme) in [(360, "light"), (360, "dark"), (1280, "dark")] {
        let mut tab = browser.go_to(&url, width, scheme);
        tab.wait_until("document.querySelector('.says') !== null");
        let told = format!("{width} {scheme}");
        let wide = tab.ask("document.documentElement.scrollWidth");
        assert_eq!(
            wide,
            Value::from(width),
            "{told}: it is as wide as the window"
        );
        let beyond = tab.ask(
            "[...document.querySelectorAll('body *')].filter(e => { \
             const r = e.getBoundingClientRect(); \
             return r.width > 0 && (r.right > innerWidth + 1 || r.left < -1); \
             }).map(e => e.outerHTML.slice(0, 120))",
        );
        assert_eq!(beyond, serde_json::json!([]), "{told}");
        assert_eq!(tab.complaints(), Vec::<String>::new(), "{told}");
        keep(&mut tab, &format!("live-{width}-{scheme}"));
    }
    let mut tab = browser.go_to(&url, 1280, "light");
    tab.forbid_scripts();
    tab.reload();
    let refresh = "document.querySelector('meta[http-equiv=refresh]').content";
    assert_eq!(tab.ask(refresh), Value::from("5"));
    assert!(text(&mut tab, "h1").contains("need you"));
    // A report of a run is a page with a policy of its own.
    let tab_url = format!("{url}report/1");
    let mut tab = browser.go_to(&tab_url, 1280, "light");
    assert_eq!(tab.complaints(), Vec::<String>::new());
    let page = tab.ask("getComputedStyle(document.body).backgroundColor");
    assert_eq!(page, "rgb(246, 244, 239)", "its style is allowed");
    sandbox.file("further", "");
    sandbox.file("enough", "");
    sandbox.answer_of(run);
}
