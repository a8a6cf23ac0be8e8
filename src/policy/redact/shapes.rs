//! Tokens that are known by the prefix of their issuer, in bytes.
//!
//! What stands in a quoted line behind names such as `password` is [`crate::policy::mask`]'s, which
//! knows the same prefixes.

/// A kind of token: what it begins with and what follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) prefix: &'static str,
    rest: Rest,
}

/// What follows the prefix.
#[derive(Debug, Clone, Copy)]
enum Rest {
    /// Exactly sixteen upper-case letters and digits.
    Id,
    /// At least so many letters and digits.
    Plain(usize),
    /// The same with `_`.
    Word(usize),
    /// The same with `-`; at least one is a digit, because words are joined by dashes, too.
    Dashed(usize),
    /// The three parts of a JSON web token.
    Jwt,
}

use Rest::{Dashed, Id, Jwt, Plain, Word};

/// Every shape.
pub(super) const SHAPES: [Shape; 25] = [
    shape("AKIA", Id),
    shape("ASIA", Id),
    shape("ghp_", Plain(20)),
    shape("gho_", Plain(20)),
    shape("ghu_", Plain(20)),
    shape("ghs_", Plain(20)),
    shape("ghr_", Plain(20)),
    shape("github_pat_", Word(20)),
    shape("glpat-", Dashed(16)),
    shape("xoxa-", Dashed(10)),
    shape("xoxb-", Dashed(10)),
    shape("xoxe-", Dashed(10)),
    shape("xoxp-", Dashed(10)),
    shape("xoxr-", Dashed(10)),
    shape("xoxs-", Dashed(10)),
    shape("sk-", Dashed(20)),
    shape("sk_live_", Plain(16)),
    shape("sk_test_", Plain(16)),
    shape("rk_live_", Plain(16)),
    shape("AIza", Dashed(30)),
    shape("npm_", Plain(30)),
    shape("pypi-", Dashed(20)),
    shape("hf_", Plain(20)),
    shape("dckr_pat_", Dashed(20)),
    shape("eyJ", Jwt),
];

const fn shape(prefix: &'static str, rest: Rest) -> Shape {
    Shape { prefix, rest }
}

/// What stands behind a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// No token.
    None,
    /// A token of so many bytes, prefix and all.
    Whole(usize),
    /// It goes on to the end of what is there; it may become a token, or is one already.
    Open {
        /// Whether it is one as far as it goes.
        enough: bool,
    },
}

impl Shape {
    /// Whether a byte may be part of what follows the prefix.
    pub(super) fn takes(self, byte: u8) -> bool {
        match self.rest {
            Id => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Plain(_) => byte.is_ascii_alphanumeric(),
            Word(_) => byte.is_ascii_alphanumeric() || byte == b'_',
            Dashed(_) => byte.is_ascii_alphanumeric() || b"_-".contains(&byte),
            Jwt => byte.is_ascii_alphanumeric() || b"_-.".contains(&byte),
        }
    }

    /// How far a token goes that begins with `text`.
    pub(super) fn extent(self, text: &[u8]) -> Extent {
        let rest = text.get(self.prefix.len()..).unwrap_or_default();
        let run = rest
            .iter()
            .position(|byte| !self.takes(*byte))
            .unwrap_or(rest.len());
        let body = rest.get(..run).unwrap_or_default();
        let length = match self.rest {
            Id => (run >= 16).then_some(16),
            Plain(least) | Word(least) => (run >= least).then_some(run),
            Dashed(least) => (run >= least && body.iter().any(u8::is_ascii_digit)).then_some(run),
            Jwt => is_jwt(body).then_some(run),
        };
        let is_open = run == rest.len() && !(matches!(self.rest, Id) && length.is_some());
        match length {
            _ if is_open => Extent::Open {
                enough: length.is_some(),
            },
            Some(length) => Extent::Whole(self.prefix.len() + length),
            None => Extent::None,
        }
    }
}

fn is_jwt(body: &[u8]) -> bool {
    let mut parts = body.split(|byte| *byte == b'.').map(<[u8]>::len);
    let long = |part: Option<usize>, least| part.is_some_and(|length| length >= least);
    long(parts.next(), 8) && long(parts.next(), 8) && long(parts.next(), 4)
}
