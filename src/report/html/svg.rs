//! Drawing: the night, the last nights, and durations, as SVG without script or style of its own.
//!
//! Across, everything is in per cent of the width, so that text keeps its size on any page; down, in
//! pixels. Colours and patterns are classes of the style sheet. INVARIANT: every text goes through the
//! sink for HTML.

use std::fmt::Write as _;

use crate::report::charts::Night;
use crate::report::html::grid::lines;
use crate::report::html::timeline::Kind;
use crate::report::html::timeline::Lane;
use crate::report::html::timeline::Mark;
use crate::report::html::timeline::Timeline;
use crate::report::usual::Usual;
use crate::support::clock::Timestamp;
use crate::support::clock::Zone;
use crate::support::text::count;
use crate::support::text::span;
use crate::support::untrusted::Untrusted;

/// Above the lanes, for the hours.
const HEAD: usize = 26;
/// A lane of a slot, and one of thin marks; the style sheet gives their names the same heights.
const LANE: usize = 30;
const THIN: usize = 20;
/// What is narrower is drawn this wide, in per cent.
const NARROWEST: f64 = 0.25;
/// From here on a mark has a border of its own, in per cent.
const WIDE: f64 = 0.8;
/// The picture of the last nights.
const TREND: usize = 132;
const TREND_FOOT: usize = 22;

/// The patterns that tell kinds apart without colour; once on a page.
pub(super) const PATTERNS: &str = include_str!("patterns.svg");

/// A text, escaped.
fn escaped(text: &str) -> String {
    Untrusted::from(text).for_html()
}

#[expect(clippy::cast_precision_loss, reason = "a picture has few pixels")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 * 100.0 / whole as f64
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The picture of a night.
pub(super) fn night(
    timeline: &Timeline,
    window: Option<(Timestamp, Timestamp)>,
    zone: Zone,
) -> String {
    let height = HEAD + timeline.lanes.iter().map(height_of).sum::<usize>();
    let whole = millis(timeline.to.since(timeline.from)).max(1);
    let place = |at: Timestamp| share(millis(at.since(timeline.from)).min(whole), whole);
    let label = escaped(&format!(
        "what ran from {} to {}",
        zone.clock_time(timeline.from),
        zone.clock_time(timeline.to)
    ));
    let mut svg = format!(
        "<svg class=\"night\" width=\"100%\" height=\"{height}\" role=\"img\" aria-label=\"{label}\">"
    );
    let mut top = HEAD;
    for lane in &timeline.lanes {
        let high = height_of(lane);
        let _infallible = write!(
            svg,
            "<rect class=\"lane\" x=\"0\" y=\"{}\" width=\"100%\" height=\"{}\" rx=\"4\"/>",
            top + 3,
            high - 6
        );
        top += high;
    }
    hours(&mut svg, timeline, height, zone, place);
    if let Some((opened, over)) = window {
        for (at, word) in [(opened, "window opens"), (over, "window ends")] {
            if at >= timeline.from && at <= timeline.to {
                let title = escaped(&format!("{word}, {}", zone.clock_time(at)));
                let x = place(at);
                let _infallible = write!(
                    svg,
                    "<line class=\"window\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"{}\" y2=\"{height}\"><title>{title}</title></line>",
                    HEAD - 6
                );
            }
        }
    }
    let mut top = HEAD;
    for lane in &timeline.lanes {
        let high = height_of(lane);
        for mark in &lane.marks {
            draw(&mut svg, mark, top + 3, high - 6, place);
        }
        top += high;
    }
    svg.push_str("</svg>");
    svg
}

const fn height_of(lane: &Lane) -> usize {
    if lane.is_thin { THIN } else { LANE }
}

fn hours(
    svg: &mut String,
    timeline: &Timeline,
    height: usize,
    zone: Zone,
    place: impl Fn(Timestamp) -> f64,
) {
    for (number, line) in lines(timeline.from, timeline.to, zone).iter().enumerate() {
        let x = place(line.at);
        let odd = if number % 2 == 1 { " odd" } else { "" };
        let (class, title) = if line.is_changed {
            ("grid changed", "<title>the clocks were changed</title>")
        } else {
            ("grid", "")
        };
        let anchor = match x {
            x if x < 3.0 => "start",
            x if x > 97.0 => "end",
            _ => "middle",
        };
        let label = escaped(&line.label);
        let _infallible = write!(
            svg,
            "<line class=\"{class}\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"{HEAD}\" y2=\"{height}\">{title}</line>\
             <text class=\"hour{odd}\" x=\"{x:.2}%\" y=\"15\" text-anchor=\"{anchor}\">{label}</text>"
        );
    }
}

/// A mark; where it stands for several attempts, a part of its height for each kind.
fn draw(svg: &mut String, mark: &Mark, top: usize, high: usize, place: impl Fn(Timestamp) -> f64) {
    let (from, to) = (place(mark.from), place(mark.to));
    let width = (to - from).max(NARROWEST);
    let x = from.min(100.0 - width);
    let title = escaped(&mark.title);
    let wide = if width >= WIDE { " wide" } else { "" };
    let rect = |svg: &mut String, kind: Kind, y: f64, h: f64, inside: &str| {
        let class = kind.class();
        let _infallible = write!(
            svg,
            "<rect class=\"{class}{wide}\" x=\"{x:.2}%\" y=\"{y:.1}\" width=\"{width:.2}%\" height=\"{h:.1}\">{inside}</rect>"
        );
    };
    let lossless = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let title = format!("<title>{title}</title>");
    if let [(kind, _)] = mark.parts.as_slice() {
        rect(svg, *kind, lossless(top), lossless(high), &title);
        return;
    }
    let all: usize = mark.parts.iter().map(|(_, number)| number).sum();
    // Nothing is too rare to be seen.
    let heights: Vec<f64> = mark
        .parts
        .iter()
        .map(|(_, number)| (lossless(*number) / lossless(all.max(1))).max(0.2))
        .collect();
    let sum: f64 = heights.iter().sum();
    let mut y = lossless(top);
    let _infallible = write!(svg, "<g>{title}");
    for ((kind, _), height) in mark.parts.iter().zip(heights) {
        let h = lossless(high) * height / sum;
        rect(svg, *kind, y, h, "");
        y += h;
    }
    svg.push_str("</g>");
}

/// A sample of a kind, for the legend.
pub(super) fn sample(kind: Kind) -> String {
    format!(
        "<svg class=\"sample\" width=\"22\" height=\"12\" aria-hidden=\"true\"><rect class=\"{} wide\" x=\"1\" y=\"1\" width=\"20\" height=\"10\"/></svg>",
        kind.class()
    )
}

/// The last nights as columns.
pub(super) fn trend(nights: &[Night]) -> String {
    let most = nights.iter().map(Night::tasks).max().unwrap_or(0).max(1);
    let room = TREND - TREND_FOOT;
    let label = escaped(&format!(
        "tasks in the last {}",
        count(nights.len(), "night")
    ));
    let mut svg = format!(
        "<svg class=\"trend\" width=\"100%\" height=\"{TREND}\" role=\"img\" aria-label=\"{label}\">"
    );
    let slots = nights.len().max(7);
    let step = share(1, u64::try_from(slots).unwrap_or(1));
    let mut left = step * 0.12;
    for (number, night) in nights.iter().enumerate() {
        let day = night.day.format("%-d %b").to_string();
        let title = escaped(&format!(
            "night of {day}: {} ok, {} recovered, {} failed, {} not done, busy for {}",
            night.ok,
            night.recovered,
            night.failed,
            night.open,
            span(night.busy)
        ));
        let _infallible = write!(svg, "<g><title>{title}</title>");
        let mut bottom = room;
        for (class, tasks) in [
            ("k-ok", night.ok),
            ("k-recovered", night.recovered),
            ("k-stopped", night.open),
            ("k-failed", night.failed),
        ] {
            if tasks == 0 {
                continue;
            }
            let high = (tasks * (room - 14)).div_ceil(most).max(3).min(bottom);
            bottom -= high;
            let _infallible = write!(
                svg,
                "<rect class=\"{class} wide\" x=\"{left:.2}%\" y=\"{bottom}\" width=\"{:.2}%\" height=\"{high}\"/>",
                step * 0.76
            );
        }
        let middle = left + step * 0.38;
        let odd = if (nights.len() - number).is_multiple_of(2) {
            " odd"
        } else {
            ""
        };
        let _infallible = write!(
            svg,
            "<text class=\"count\" x=\"{middle:.2}%\" y=\"{}\" text-anchor=\"middle\">{}</text>\
             <text class=\"hour{odd}\" x=\"{middle:.2}%\" y=\"{}\" text-anchor=\"middle\">{}</text></g>",
            bottom.saturating_sub(4),
            night.tasks(),
            TREND - 6,
            escaped(&day)
        );
        left += step;
    }
    svg.push_str("</svg>");
    svg
}

/// A duration beside what is usual: the band up to what nine of ten take, the median, and tonight.
pub(super) fn duration(usual: &Usual) -> String {
    let (took, median, p90) = (millis(usual.took), millis(usual.median), millis(usual.p90));
    let whole = took.max(p90).saturating_add(took.max(p90) / 12).max(1);
    let title = escaped(&format!(
        "tonight {}, usually {}, nine of ten up to {}",
        span(usual.took),
        span(usual.median),
        span(usual.p90)
    ));
    let class = if took > p90 { "now far" } else { "now" };
    format!(
        "<svg class=\"usual\" width=\"100%\" height=\"18\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>\
         <rect class=\"lane\" x=\"0\" y=\"6\" width=\"100%\" height=\"6\" rx=\"3\"/>\
         <rect class=\"band\" x=\"0\" y=\"6\" width=\"{:.2}%\" height=\"6\" rx=\"3\"/>\
         <line class=\"median\" x1=\"{:.2}%\" x2=\"{:.2}%\" y1=\"2\" y2=\"16\"/>\
         <circle class=\"{class}\" cx=\"{:.2}%\" cy=\"9\" r=\"5\"/></svg>",
        share(p90, whole),
        share(median, whole),
        share(median, whole),
        share(took, whole),
    )
}

/// A rate with the interval in which it lies.
pub(super) fn rate([rate, low, high]: [f64; 3]) -> String {
    let title = escaped(&format!(
        "{:.0} %, with 95 % certainty between {:.0} and {:.0} %",
        rate * 100.0,
        low * 100.0,
        high * 100.0
    ));
    format!(
        "<svg class=\"usual\" width=\"100%\" height=\"18\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>\
         <rect class=\"lane\" x=\"0\" y=\"6\" width=\"100%\" height=\"6\" rx=\"3\"/>\
         <rect class=\"band\" x=\"{:.2}%\" y=\"6\" width=\"{:.2}%\" height=\"6\" rx=\"3\"/>\
         <circle class=\"now\" cx=\"{:.2}%\" cy=\"9\" r=\"5\"/></svg>",
        low * 100.0,
        (high - low) * 100.0,
        rate.clamp(0.02, 0.98) * 100.0,
    )
}
