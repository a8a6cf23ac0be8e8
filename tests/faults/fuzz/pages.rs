//! Reports of any facts, in every format and of every width.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use autoexec::report::charts::Charts;
use autoexec::report::facts::Facts;
use autoexec::report::html;
use autoexec::report::json;
use autoexec::report::markdown;
use autoexec::report::summary::RunSummary;
use autoexec::report::text;
use autoexec::report::text::Look;
use autoexec::support::clock::Zone;
use autoexec::support::paint::Paint;
use console::measure_text_width;
use fastrand::Rng;
use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use serde_json::Value;

use crate::fuzz::are_lines;
use crate::fuzz::facts::Drawer;
use crate::trials::Trials;
use crate::trials::is_long;

const WIDTHS: [usize; 5] = [40, 57, 80, 120, 200];
const ZONES: [Zone; 3] = [Zone::Local, Zone::East(14 * 3600), Zone::East(-12 * 3600)];
/// Tasks of a night that nobody reads to its end, in the short form and in the long one.
const MANY: i64 = 1_000;
const VERY_MANY: i64 = 10_000;
/// Elements that need no end.
const VOID: [&str; 4] = ["meta", "link", "br", "hr"];

/// What a report may look like to whoever reads it.
struct Judge {
    schemas: boon::Schemas,
    schema: boon::SchemaIndex,
    /// The elements and attributes of pages about harmless facts.
    known: BTreeSet<String>,
}

impl Judge {
    fn new() -> Self {
        const PLACE: &str = "urn:autoexec:report:1";
        let mut compiler = boon::Compiler::new();
        let text = include_str!("../../../docs/report.schema.json");
        let schema = serde_json::from_str(text).unwrap();
        compiler.add_resource(PLACE, schema).unwrap();
        let mut schemas = boon::Schemas::new();
        let schema = compiler.compile(PLACE, &mut schemas).unwrap();
        Self {
            schemas,
            schema,
            known: BTreeSet::new(),
        }
    }

    /// What stands in the page of facts without anything hostile is ours.
    fn learn(&mut self, facts: Facts) {
        let summary = RunSummary::of(facts);
        let page = html::render(&summary, &Charts::default(), Zone::Local).unwrap();
        self.known.extend(words_of_markup(&page));
    }

    /// Holds everything that is made of a summary against what it must be.
    fn look(&self, summary: &RunSummary, zones: &[Zone], widths: &[usize]) {
        for &zone in zones {
            for &width in widths {
                let look = Look {
                    width,
                    zone,
                    paint: Paint::PLAIN,
                };
                let page = text::render(summary, look);
                are_lines(&page);
                for line in page.lines() {
                    let found = measure_text_width(line);
                    assert!(found <= width, "{found} columns, not {width}: {line}");
                }
            }
            let page = markdown::render(summary, zone);
            are_lines(&page);
            for event in Parser::new_ext(&page, Options::all()) {
                let is_foreign = matches!(
                    event,
                    Event::Html(_)
                        | Event::InlineHtml(_)
                        | Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Table(_))
                );
                assert!(!is_foreign, "{event:?}");
            }
            let page = html::render(summary, &Charts::default(), zone).unwrap();
            are_lines(&page);
            for word in words_of_markup(&page) {
                assert!(self.known.contains(&word), "`{word}` is foreign");
            }
        }
        let line = json::render(summary);
        assert_eq!(line.lines().count(), 1);
        are_lines(&line);
        let read: Value = serde_json::from_str(&line).unwrap();
        if let Err(problem) = self.schemas.validate(&read, self.schema) {
            panic!("{problem}");
        }
        // What it was made of, as the usual encoder writes it.
        let usual = serde_json::to_string(&json::value(summary)).unwrap();
        assert_eq!(read, serde_json::from_str::<Value>(&usual).unwrap());
    }
}

/// The names of all elements and of their attributes, such as `td` and `td class`. Every element must be
/// well-formed, and ended where it has to be.
fn words_of_markup(page: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut open: Vec<&str> = Vec::new();
    let (kind, mut rest) = page.split_once('>').unwrap();
    assert_eq!(kind.to_ascii_lowercase(), "<!doctype html");
    while let Some(at) = rest.find('<') {
        let inside = &rest[at + 1..];
        let is_end = inside.starts_with('/');
        let inside = inside.trim_start_matches('/');
        let length = inside.find(|c: char| !c.is_ascii_alphanumeric()).unwrap();
        let (name, mut behind) = inside.split_at(length);
        assert!(
            !name.is_empty(),
            "`<` alone: {}",
            &rest[at..rest.len().min(at + 60)]
        );
        words.insert(name.to_owned());
        let is_closed = loop {
            behind = behind.trim_start();
            if let Some(next) = behind.strip_prefix("/>") {
                behind = next;
                break true;
            }
            if let Some(next) = behind.strip_prefix('>') {
                behind = next;
                break false;
            }
            let end = behind.find(|c: char| !(c.is_ascii_alphanumeric() || "-:".contains(c)));
            let (key, value) = behind.split_at(end.unwrap());
            assert!(
                !key.is_empty(),
                "in <{name}>: {}",
                &behind[..behind.len().min(60)]
            );
            words.insert(format!("{name} {key}"));
            behind = match value.strip_prefix("=\"") {
                Some(value) => value.split_once('"').unwrap().1,
                None => value,
            };
        };
        if is_end {
            assert_eq!(open.pop(), Some(name), "ended");
        } else if name == "style" || name == "script" {
            behind = behind.split_once(&format!("</{name}>")).unwrap().1;
        } else if !is_closed && !VOID.contains(&name) {
            open.push(name);
        }
        rest = behind;
    }
    assert!(open.is_empty(), "{open:?}");
    words
}

/// The facts that a seed makes, with at most so many tasks.
fn facts(seed: u64, most: i64, is_plain: bool) -> Facts {
    let rng = &mut Rng::with_seed(seed);
    let mut drawer = Drawer { rng, is_plain };
    let mut facts = drawer.facts(most);
    // A night that nobody reads to its end.
    while most >= MANY && facts.tasks.len() < usize::try_from(most).unwrap() {
        facts.tasks.extend(drawer.facts(most).tasks);
    }
    facts
}

#[test]
fn a_report_of_any_facts_is_readable_in_every_format() {
    let mut trials = Trials::of("T9 fuzzing", 60, 10_000);
    let mut judge = Judge::new();
    for _ in 0..100 {
        judge.learn(facts(trials.rng.u64(..), 12, true));
    }
    // Where many tasks fail alike, which is rare here.
    let names = "<!doctype html><details><summary></summary><p class=\"\"></p></details>";
    judge.known.extend(words_of_markup(names));
    let many = if is_long() { VERY_MANY } else { MANY };
    let (mut tasks, mut nights) = (0, 0);
    while nights < trials.wanted {
        nights += 1;
        let seed = trials.rng.u64(..);
        let is_last = nights == trials.wanted;
        // Of a night that nobody reads to its end one page of each kind will do.
        let (most, zones, widths) = if is_last {
            (many, &ZONES[..1], &WIDTHS[..1])
        } else {
            (12, &ZONES[..], &WIDTHS[..])
        };
        if !is_last {
            judge.learn(facts(seed, most, true));
        }
        let facts = facts(seed, most, false);
        tasks += facts.tasks.len();
        let tried = catch_unwind(AssertUnwindSafe(|| {
            judge.look(&RunSummary::of(facts), zones, widths);
        }));
        if let Err(why) = tried {
            println!("reports: broken by the facts of seed {seed}, at most {most} tasks");
            std::panic::resume_unwind(why);
        }
    }
    trials.tell(&[
        ("of", &"reports"),
        ("nights", &nights),
        ("tasks", &tasks),
        ("pages each", &(ZONES.len() * (WIDTHS.len() + 2) + 1)),
        (
            "panics, control characters, foreign elements, lines too long",
            &0,
        ),
    ]);
}
