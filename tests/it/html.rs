//! `autoexec report --format html`, in a real browser.

use std::path::Path;

use serde_json::Value;

use crate::browser::Browser;
use crate::browser::Tab;
use crate::sandbox::Sandbox;

/// What would be a picture, a script and a closed element if anybody took it for markup.
const PAYLOAD: &str = "</pre></title><script>document.title='taken'</script><img src=https://evil.invalid/x.png onerror=alert(1)>'\"&amp;";

/// A night in which things went wrong, of tasks that try to command whoever shows them.
fn night(sandbox: &Sandbox) -> std::path::PathBuf {
    // The first two run side by side, however long one of the slots takes.
    let script = "touch $AUTOEXEC_TASK_ID.here; until test -e 1.here && test -e 2.here; do sleep 0.02; done; \
                  printf '%s\\n' \"$PAYLOAD\" >&2; printf 'turned \\342\\200\\256round\\033[31m\\n' >&2; \
                  echo \"error: permission denied: $PAYLOAD\" >&2; exit 77";
    let payload = format!("PAYLOAD={PAYLOAD}");
    let long = "a-name-as-long-as-a-name-may-be-and-without-a-place-to-break-it";
    for name in [long, "short"] {
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
    let shaky = "test -e ready || { touch ready; exit 75; }";
    sandbox.ok([
        "queue",
        "add",
        "--name",
        "shaky",
        "--retries",
        "1",
        "--",
        "/bin/sh",
        "-c",
        shaky,
    ]);
    for number in 0..12 {
        let name = format!("quick-{number}");
        sandbox.ok(["queue", "add", "--name", &name, "--", "true"]);
    }
    let after = format!("--after={long}");
    sandbox.ok(["queue", "add", "--name", "later", &after, "--", "true"]);
    assert_eq!(sandbox.run(["run", "-j", "2"]).code, 1);
    sandbox.ok(["report", "-o", "night.html"]);
    sandbox.work().join("night.html")
}

/// Pictures go where a person who wants to look at them says.
fn keep(tab: &mut Tab<'_>, name: &str) {
    let Some(folder) = std::env::var_os("AUTOEXEC_TEST_PICTURES") else {
        return;
    };
    let picture = tab.picture();
    std::fs::write(
        Path::new(&folder).join(format!("{name}.png.base64")),
        picture,
    )
    .unwrap();
}

#[test]
fn the_page_stands_alone_and_fits_every_width_in_both_schemes() {
    let Some(mut browser) = Browser::start("the page in a browser") else {
        return;
    };
    let sandbox = Sandbox::new();
    let file = night(&sandbox);
    for (width, scheme) in [
        (360, "light"),
        (360, "dark"),
        (1280, "light"),
        (1280, "dark"),
    ] {
        let mut tab = browser.open(&file, width, scheme);
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
             return r.width > 0 && (r.right > innerWidth + 1 || r.left < -1) \
             && !e.closest('svg') && !e.closest('thead'); }).map(e => e.outerHTML.slice(0, 120))",
        );
        assert_eq!(beyond, serde_json::json!([]), "{told}");
        let page = tab.ask("getComputedStyle(document.body).backgroundColor");
        let expected = if scheme == "dark" {
            "rgb(20, 23, 27)"
        } else {
            "rgb(246, 244, 239)"
        };
        assert_eq!(page, expected, "{told}");
        assert_eq!(tab.requests().len(), 1, "{told}: {:?}", tab.requests());
        assert_eq!(tab.complaints(), Vec::<String>::new(), "{told}");
        keep(&mut tab, &format!("night-{width}-{scheme}"));
    }
}

#[test]
fn what_tasks_print_is_text_and_nothing_else_on_the_page() {
    let Some(mut browser) = Browser::start("hostile output in a browser") else {
        return;
    };
    let sandbox = Sandbox::new();
    let file = night(&sandbox);
    let mut tab = browser.open(&file, 1280, "light");
    for (selector, number) in [("script", 0), ("img", 0), ("iframe", 0), ("title", 1)] {
        let found = tab.ask(&format!(
            "document.querySelectorAll('head > {selector}, body {selector}:not(svg *)').length"
        ));
        assert_eq!(found, Value::from(number), "{selector}");
    }
    let handlers = "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]) \
                    .filter(a => a.name.startsWith('on') || a.name === 'style' || a.name === 'href' \
                    && !a.value.startsWith('data:')).length";
    assert_eq!(tab.ask(handlers), Value::from(0));
    let title = tab.ask("document.title");
    assert!(
        title.as_str().unwrap().starts_with("autoexec run 1: "),
        "{title}"
    );
    let text = |tab: &mut Tab<'_>, selector: &str| {
        let found = tab.ask(&format!("document.querySelector('{selector}').textContent"));
        found.as_str().unwrap().to_owned()
    };
    let quote = text(&mut tab, ".needs .quote");
    assert_eq!(quote, format!("error: permission denied: {PAYLOAD}"));
    let tail = text(&mut tab, ".tail pre");
    let printed: Vec<&str> = tail.lines().collect();
    assert_eq!(
        printed,
        [PAYLOAD, "turned \\u{202e}round\\e[31m", quote.as_str()]
    );
    // The night has a lane per slot, and a tooltip for what failed.
    let lanes = tab.ask("document.querySelectorAll('.lane-names li').length");
    assert!(lanes.as_i64().unwrap() >= 2, "{lanes}");
    let titles = tab.ask("[...document.querySelectorAll('.night title')].map(e => e.textContent)");
    let titles = titles.to_string();
    assert!(titles.contains("short (2), attempt 1: failed"), "{titles}");
}

#[test]
fn a_name_that_promises_another_form_is_refused_with_those_that_there_are() {
    let sandbox = Sandbox::new();
    for name in ["night.pdf", "NIGHT.CSV"] {
        sandbox
            .run(["report", "-o", name])
            .fails(2, &["cannot be written as `.", "`.html`", "`--format`"]);
        assert!(!sandbox.work().join(name).exists());
    }
    sandbox.ok(["report", "--format", "json", "-o", "night.pdf"]);
    sandbox.ok(["report", "-o", "night.2026-11-22"]);
}
