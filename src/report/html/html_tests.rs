//! The page as text; how it looks and behaves is tried in a browser (`tests/it/html.rs`).

use super::*;
use crate::report::charts::NightChart;
use crate::report::charts::Tail;
use crate::report::nights;
use crate::report::nights::ZONE;
use crate::report::nights::evening;
use crate::store::BarBrief;

fn page(summary: &RunSummary, charts: &Charts) -> String {
    render(summary, charts, ZONE).unwrap()
}

#[test]
fn every_kind_of_night_is_a_page() {
    for facts in [
        nights::all_ok(),
        nights::mixed(),
        nights::empty(),
        nights::unresolved(),
        nights::never_run(),
        nights::blocked(),
        nights::different(),
        nights::active(),
        nights::failed(200),
    ] {
        let page = page(&RunSummary::of(facts), &Charts::default());
        assert!(page.starts_with("<!doctype html>"), "{page}");
        assert!(page.trim_end().ends_with("</html>"), "{page}");
    }
}

#[test]
fn the_page_says_first_what_needs_a_person_and_how_to_deal_with_it() {
    let page = page(&RunSummary::of(nights::mixed()), &Charts::default());
    let order = [
        "<h1>",
        "<h2>Needs you",
        "<code>autoexec queue retry 2</code>",
        "<h2>Healed itself",
        "<h2>Did not finish",
        "<h2>Figures and tasks",
    ];
    let places: Vec<Option<usize>> = order.iter().map(|text| page.find(text)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
}

#[test]
fn nothing_from_outside_becomes_markup_wherever_it_stands() {
    let payload =
        "</pre></title><script>alert(1)</script><img src=x onerror=a>'\"&`\u{202e}\u{1b}[1m";
    let mut facts = nights::hostile();
    facts.runs.last_mut().unwrap().ended_because = Some(payload.to_owned());
    let summary = RunSummary::of(facts);
    let mut bar = BarBrief {
        task: crate::model::ids::TaskId::new(1),
        name: payload.to_owned(),
        number: 1,
        slot: 0,
        started_at: evening(0),
        ended_at: Some(evening(60)),
        next_at: None,
        category: Some(crate::model::category::Category::Unknown),
        pattern: Some(payload.to_owned()),
        ended: None,
        doubted: false,
    };
    bar.next_at = Some(evening(90));
    let charts = Charts {
        night: Some(NightChart {
            from: evening(0),
            to: evening(600),
            window: None,
            outages: vec![crate::report::charts::Outage {
                name: payload.to_owned(),
                from: None,
                to: None,
                because: "5 failures".to_owned(),
            }],
            bars: vec![bar],
            is_cut: false,
        }),
        trend: Vec::new(),
        tails: vec![Tail {
            title: payload.to_owned(),
            command: payload.to_owned(),
            lines: vec![payload.to_owned()],
        }],
    };
    let page = page(&summary, &charts);
    assert!(page.contains("still open"), "{page}");
    assert!(
        !page.contains("<script") && !page.contains("<img"),
        "{page}"
    );
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{page}"
    );
    let obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!page.contains(obeyed), "{page}");
}

#[test]
fn the_policy_allows_this_style_sheet_and_nothing_else() {
    let page = page(&RunSummary::of(nights::all_ok()), &Charts::default());
    let (_, behind) = page.split_once("<style>").unwrap();
    let (style, _) = behind.split_once("</style>").unwrap();
    assert_eq!(style, STYLE, "the hash is that of what stands there");
    assert!(page.contains(&format!("style-src '{}';", style_hash())));
    assert!(page.contains("default-src 'none'"));
    for outside in [
        "http://",
        "https://",
        " style=",
        "@import",
        "url(h",
        "<link rel=\"s",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_hash_is_written_as_a_policy_wants_it() {
    let hash = style_hash();
    let digits = hash.strip_prefix("sha256-").unwrap();
    assert_eq!(digits.len(), 44);
    assert!(digits.ends_with('=') && !digits.ends_with("=="), "{digits}");
}

/// The colours of one scheme, by their names.
fn colours(block: &str) -> Vec<(String, [f64; 3])> {
    let mut found = Vec::new();
    for piece in block.split(';') {
        let Some((name, value)) = piece.trim().split_once(":#") else {
            continue;
        };
        let name = name.trim_start_matches(|c: char| c != '-');
        let part = |at: usize| {
            let number = u8::from_str_radix(&value[at..at + 2], 16).unwrap();
            f64::from(number) / 255.0
        };
        found.push((name.to_owned(), [part(0), part(2), part(4)]));
    }
    found
}

fn luminance(colour: [f64; 3]) -> f64 {
    let linear = |part: f64| {
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    };
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[test]
fn words_can_be_read_in_both_schemes() {
    let (light, rest) = STYLE
        .split_once("@media (prefers-color-scheme:dark)")
        .unwrap();
    let (dark, _) = rest.split_once("}}").unwrap();
    let words = [
        ("--ink", "--page"),
        ("--ink", "--card"),
        ("--ink", "--code"),
        ("--soft", "--page"),
        ("--soft", "--card"),
        ("--accent", "--card"),
        ("--accent", "--code"),
        ("--good", "--good-bg"),
        ("--warn", "--warn-bg"),
        ("--bad", "--bad-bg"),
        ("--run", "--run-bg"),
        ("--calm", "--calm-bg"),
    ];
    // Shapes need less than words.
    let shapes = [
        "--f-ok",
        "--f-failed",
        "--f-running",
        "--f-recovered",
        "--f-lost",
    ];
    let shapes = shapes.map(|shape| (shape, "--lane"));
    for (scheme, block) in [("light", light), ("dark", dark)] {
        let all = colours(block);
        let of = |name: &str| {
            let found = all.iter().find(|(known, _)| known == name);
            luminance(found.unwrap_or_else(|| panic!("no {name}")).1)
        };
        let least = words.iter().map(|pair| (pair, 4.5));
        for ((front, back), least) in least.chain(shapes.iter().map(|pair| (pair, 2.6))) {
            let (front_light, back_light) = (of(front), of(back));
            let ratio = (front_light.max(back_light) + 0.05) / (front_light.min(back_light) + 0.05);
            assert!(ratio >= least, "{scheme}: {front} on {back}: {ratio:.2}");
        }
    }
}
