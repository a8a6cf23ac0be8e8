//! The summary as a page in HTML: one file that needs nothing else.
//!
//! No script, no font, no picture from elsewhere: the policy of the page forbids all of it and allows
//! this one style sheet by its hash. Words come from the same parts as in the other renderings
//! ([`crate::report::sections`], [`crate::report::needs`]); only the pictures are its own.
//!
//! INVARIANT: every value that the template shows goes through the sink for HTML
//! ([`crate::support::untrusted::Untrusted::for_html`]), because the formatter is that sink. What is
//! passed on as it is was drawn by `svg` or `prose`, which use the same sink.

mod grid;
mod marks;
mod prose;
mod svg;
mod tables;
mod timeline;
mod view;

use minijinja::Environment;
use minijinja::UndefinedBehavior;
use minijinja::Value;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use sha2::Digest as _;
use sha2::Sha256;

use crate::report::charts::Charts;
use crate::report::html::prose::prose;
use crate::report::html::view::Page;
use crate::report::summary::RunSummary;
use crate::support::clock::Zone;
use crate::support::untrusted::Untrusted;

const TEMPLATE: &str = include_str!("page.html");
/// The style sheet, which other pages share.
pub(crate) const STYLE: &str = include_str!("style.css");

/// A page that cannot be made: a fault of the program.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the page in HTML")]
pub struct HtmlError(#[from] minijinja::Error);

/// The summary as a page.
///
/// # Errors
/// When the template does not fit its values, which is a fault of the program.
pub fn render(summary: &RunSummary, charts: &Charts, zone: Zone) -> Result<String, HtmlError> {
    let mut environment = environment()?;
    environment.add_template("report.html", TEMPLATE)?;
    let page = Page::of(summary, charts, zone);
    let context = minijinja::context! {
        style => Value::from_safe_string(STYLE.to_owned()),
        style_hash => style_hash(),
        patterns => Value::from_safe_string(svg::PATTERNS.to_owned()),
        page => Value::from(Serde(page)),
    };
    Ok(environment.get_template("report.html")?.render(context)?)
}

/// What templates are rendered in: their formatter is the sink for HTML, and `prose` shows what stands
/// between backticks as code.
///
/// # Errors
/// When the syntax of templates is not understood, which is a fault of the program.
pub(crate) fn environment() -> Result<Environment<'static>, HtmlError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(|out, _, value| {
        let text = value.to_string();
        if value.is_safe() {
            out.write_str(&text)?;
        } else {
            out.write_str(&Untrusted::from(text).for_html())?;
        }
        Ok(())
    });
    environment.add_filter("prose", |text: String| {
        Value::from_safe_string(prose(&text))
    });
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    environment.set_syntax(syntax.build()?);
    Ok(environment)
}

/// The policy of a report for whoever serves it: what stands in the page, and in no frame.
pub fn policy() -> String {
    let style = style_hash();
    format!(
        "default-src 'none'; style-src '{style}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
}

/// The hash of the style sheet as a policy names it.
fn style_hash() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let hash = Sha256::digest(STYLE.as_bytes());
    let mut text = String::from("sha256-");
    for group in hash.chunks(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for place in 0..4 {
            let index = bits >> (18 - 6 * place) & 63;
            let sign = ALPHABET
                .get(usize::try_from(index).unwrap_or_default())
                .filter(|_| place <= group.len());
            text.push(sign.map_or('=', |sign| char::from(*sign)));
        }
    }
    text
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
