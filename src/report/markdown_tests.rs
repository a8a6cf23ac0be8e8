//! Markdown is read by a real reader, and nothing from outside becomes markup.

use proptest::prelude::*;
use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;

use super::*;
use crate::model::state::TaskState;
use crate::report::facts::Facts;
use crate::report::facts::Failure;
use crate::report::facts::Fate;
use crate::report::nights;
use crate::store::parking::Parked;

fn page(facts: Facts) -> String {
    render(&RunSummary::of(facts), nights::ZONE)
}

/// What a reader makes of a page.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    headings: Vec<String>,
    entries: usize,
    blocks: Vec<String>,
    /// Everything that is shown, in one.
    text: String,
}

/// Reads a page; panics at HTML, links, images, tables and rules.
fn read(page: &str) -> Read {
    let mut read = Read::default();
    let mut in_block = false;
    let mut in_heading = false;
    for event in Parser::new_ext(page, Options::all()) {
        match event.clone() {
            Event::Start(Tag::Heading { .. }) => {
                in_heading = true;
                read.headings.push(String::new());
            }
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Start(Tag::CodeBlock(_)) => {
                in_block = true;
                read.blocks.push(String::new());
            }
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::Start(Tag::Item) => read.entries += 1,
            Event::Text(text) | Event::Code(text) => {
                if in_block {
                    read.blocks.last_mut().unwrap().push_str(&text);
                } else if in_heading {
                    read.headings.last_mut().unwrap().push_str(&text);
                }
                read.text.push_str(&text);
            }
            Event::SoftBreak => read.text.push(' '),
            Event::Start(Tag::Paragraph | Tag::List(None) | Tag::Strong) | Event::End(_) => {}
            Event::Start(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_) => panic!("{event:?} in\n{page}"),
        }
    }
    read
}

#[test]
fn a_night_with_one_of_each_kind() {
    insta::assert_snapshot!(page(nights::blocked()));
}

#[test]
fn many_failures_of_one_cause() {
    let read = read(&page(nights::failed(27)));
    let command = "autoexec logs 1\nautoexec queue retry --all-failed --category network\n";
    assert!(read.blocks.iter().any(|block| block == command), "{read:?}");
    for id in 1..=20 {
        assert!(read.text.contains(&format!("sync-{id} ({id})")), "{id}");
    }
}

#[test]
fn the_parts_come_in_the_order_in_which_they_are_read() {
    assert_eq!(
        read(&page(nights::blocked())).headings,
        [
            "autoexec report",
            "Needs you (4 tasks)",
            "Told together",
            "Healed itself (1)",
            "Did not finish (4)",
            "Figures"
        ]
    );
}

#[test]
fn every_kind_of_night_is_sound_markdown() {
    for facts in [
        nights::all_ok(),
        nights::mixed(),
        nights::empty(),
        nights::never_run(),
        nights::unresolved(),
        nights::hostile(),
        nights::active(),
        nights::different(),
    ] {
        let page = page(facts);
        read(&page);
        assert!(page.starts_with("# autoexec report\n\n"), "{page}");
        assert!(!page.contains("\n\n\n") && page.ends_with('\n'), "{page}");
    }
}

/// A night in which all texts that can come from outside are this one.
fn night_of(text: &str) -> Facts {
    let failure = Failure {
        category: crate::model::category::Category::Unknown,
        pattern: text.to_owned(),
        line: Some(text.into()),
    };
    let hold = TaskState::Held(crate::model::state::Hold {
        code: "by_hand".to_owned(),
        reason: text.to_owned(),
    });
    let mut facts = nights::mixed();
    facts.tasks = vec![
        nights::task(
            1,
            "www.example.org",
            TaskState::Failed,
            &[Fate::Failed(failure)],
        ),
        nights::task(2, "_kept_", hold, &[]),
        nights::task(3, "parked", TaskState::added(None), &[]),
    ];
    facts.tasks[2].parked = Some(Parked::by("x", Some(text)));
    facts.runs[0].ended_because = Some(text.to_owned());
    facts
}

/// The parts of a page do not depend on what stands in them.
fn assert_text_stays_text(text: &str) {
    let page = page(night_of(text));
    let read = read(&page);
    assert_eq!(
        read.headings,
        [
            "autoexec report",
            "Needs you (2 tasks)",
            "Did not run (1)",
            "Figures"
        ],
        "{page}"
    );
    assert_eq!(read.entries, 2 + 1 + 3, "{page}");
    let line = crate::support::untrusted::Untrusted::from(text).for_terminal();
    assert!(read.blocks.contains(&format!("{line}\n")), "{page}");
    for raw in page.lines().filter(|line| !line.starts_with("  ")) {
        let linked = raw.contains("://") || raw.contains("www.");
        assert!(!linked || raw.contains('`'), "{raw}");
    }
}

#[test]
fn hostile_texts_stay_text() {
    for text in [
        "<script>alert(1)</script> <b>x</b> <!-- y -->",
        "[click](http://evil.example/) ![i](http://evil.example/x.png) <http://evil.example/>",
        "https://evil.example/ www.evil.example me@evil.example @team #12 owner/repo#3",
        "``` \n```\n# heading\n- item\n1. one\n> quote\n---\n===\n| a | b |\n|---|---|",
        "````````` ends ````` here ` and `` there",
        "`code `autoexec rm -rf` ` \\` \\",
        "**bold** __bold__ *em* _em_ ~~gone~~ $x^2$ $$y$$ [^1] :smile: &amp; &#35; \\# ==x==",
        "- x",
        "1) x",
        "+ x",
        "= x",
        "# x",
        "> x",
        "    indented",
        "\u{1b}[31mred\u{7} \u{202e}live",
        "[x]: http://evil.example/",
        "{{ template }} {% raw %} <details>",
    ] {
        assert_text_stays_text(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_text_stays_text(text in "[-`*_\\[\\]()<>&~|#!$:/@.=+^{}\\\\a1 \n\t]{1,60}") {
        prop_assume!(!text.trim().is_empty());
        assert_text_stays_text(&text);
    }
}
