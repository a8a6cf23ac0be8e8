//! Statuses of HTTP, where the words around a number say that it is one.

use std::sync::OnceLock;

use regex::bytes::Captures;
use regex::bytes::Regex;

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::policy::classify::pattern::Pattern;
use crate::policy::classify::pattern::on;
use crate::policy::classify::pattern::rank;

use crate::policy::classify::book::compile;
use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;
use crate::policy::classify::text;

// Laid out by hand: words side by side, expressions cut at their alternatives.
#[rustfmt::skip]
pub(super) const PATTERNS: &[Pattern] = &[
    on(
        &["http/1", "http/2", "http/3"],
        r"(?:^|[^/\w])http/[123](?:\.\d)? (?P<http_status>[45]\d\d)\b",
    )
        .means(C::Unknown, "http", R::No)
        .because("a status line of HTTP carries its own meaning")
        .rank(rank::CAUSE)
        .refined(by_status)
        .like(&["  HTTP/1.1 429 Too Many Requests"]),
    on(
        &[
            "http error", "http status", "http response", "http code", "status code", "statuscode",
            "status:", "status =", "status=", "status\"", "response code", "responded with",
            "answered", "returned error", "error code", "error:", "error ", "erreur", "fehler",
            "errore", "code:", "code=", "code\"", "http ", "response status", "failed with status",
            "got status", "api error", "responseerror", "request failed", "server returned",
            "unexpected status", "s3 error", "http_status", "status_code",
        ],
        concat!(
            r"(?:\bhttps?[ _-]?(?:error|status|response|code)?[ _-]?(?:code)?|\b(?:response |",
            "unexpected |error )?(?:status|response)(?:[ _-]?code)?(?: (?:was|of|is))?|",
            r"\bresponded with|\banswered(?: with)?|\breturned error|\berror(?: code)?|",
            r"\berreur|\bfehler|\berrore|\b(?:with|got|server returned|",
            "returned)(?: an?)?(?: http)?(?: status| code| error| response)+(?: code)?|",
            r#"\bs3 error|\bapi error|\bserver returned)["']?\]?\s?(?:[:=]|"#,
            r#"\()?\s?["']?\(?(?P<http_status>[45]\d\d)\b(?:[^\d.%]|\.(?:\s|$)|$)"#,
        ),
    )
        .means(C::Unknown, "http", R::No)
        .because("the number stands where messages put the status of an answer")
        .rank(rank::CAUSE - 2)
        .refined(by_status)
        .like(&[
            "2026-11-21 20:46:20 ERROR 404: Not Found.",
            "AxiosError: Request failed with status code 422",
            "upstream answered 503, retry-after=1800",
        ]),
    on(
        &["\"code\"", "\"status\"", "code: ", "'code'", "'status'"],
        r#"^\W*["']?(?:code|status(?:_?code)?)["']?\s*:\s*["']?(?P<http_status>[45]\d\d)\b"#,
    )
        .means(C::Unknown, "http", R::No)
        .because("a field of the answer's body names the status")
        .rank(rank::CAUSE - 4)
        .refined(by_status)
        .like(&["  \"status\": 429"]),
    on(
        &[
            "unauthorized", "forbidden", "not found", "too many requests", "bad request",
            "unprocessable", "conflict", "request timeout", "internal server error",
            "not implemented", "bad gateway", "service unavailable", "service temporarily",
            "gateway time", "gone", "payment required", "not acceptable", "proxy authentication",
            "client error", "server error", "precondition failed", "payload too large", "slow down",
            "method not allowed",
        ],
        concat!(
            r#"(?:^|[^\d\w'"\[.-])(?P<http_status>40[0-9]|41[0-9]|42[0-9]|429|451|50[0-9]|"#,
            r"52[0-9])\)?:? -?\s?(?:\w+ (?:client|server) error|client error|server error|",
            "unauthorized|forbidden|not found|too many requests|bad request|unprocessable|",
            "conflict|request time-?out|internal server|not implemented|bad gateway|",
            r"service (?:temporarily )?unavailable|gateway time-?out|gone\b|payment required|",
            "not acceptable|proxy auth|precondition failed|payload too large|slow down|",
            "method not allowed)",
        ),
    )
        .means(C::Unknown, "http", R::No)
        .because("number and standard phrase of a status stand side by side")
        .rank(rank::CAUSE)
        .refined(by_status)
        .like(&[
            "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: http://h/",
            "429 Too Many Requests (retry-after: 15)",
            "npm error 404 Not Found - GET https://r/x",
        ]),
    on(
        &["error", "exception", "err!", "failed", "toomanyrequests"],
        concat!(
            "(?:error|exception|toomanyrequests|failed|status|",
            r"err!)\b[^0-9]{0,160}?[:\s(](?P<http_status>40[0-9]|41[0-9]|42[0-9]|50[0-9]|",
            r#"52[0-9])(?:\)|:| -| [{("])"#,
        ),
    )
        .means(C::Unknown, "http", R::No)
        .because("a number in an error's brackets is the status of an answer")
        .rank(rank::KIND)
        .refined(by_status)
        .like(&[
            "github.GithubException.RateLimitExceededException: 403 {\"message\": \"API rate limit exceeded\"}",
        ]),
    on(&["too many 4", "too many 5"], r"too many (?P<http_status>[45]\d\d) error responses")
        .means(C::Unknown, "http", R::No)
        .because("a client that gave up names the status that it got each time")
        .rank(rank::CAUSE)
        .refined(by_status)
        .like(&["requests.exceptions.RetryError: x (Caused by ResponseError('too many 502 error responses'))"]),
    on(&[" code e4", " code e5"], r"(?:^|code )E(?P<http_status>4\d\d|5\d\d)\b")
        .means(C::Unknown, "http", R::No)
        .because("npm writes the status as a code of its own")
        .rank(rank::CAUSE)
        .refined(by_status)
        .like(&["npm error code E401"]),
    on(
        &[
            "abuse detection", "limit reached", "limit exceeded", "too many requests", "rate limit",
            "ratelimit", "rate-limit", "rate exceeded", "toomanyrequests", "throttl",
            "reduce your request rate", "request rate", "quota exceeded",
            "exceeded your current quota", "resource_exhausted", "rate of requests", "slowdown",
            "slow down", "pull limit", "tokens per min", "requests per",
        ],
        concat!(
            "abuse detection mechanism|(?:usage|request|api|daily|hourly|monthly|",
            r"call) limit (?:reached|exceeded)|too ?many ?requests|rate[- _]?limit\w*(?: was|",
            " has been| is)?[ _]?(?:exceeded|reached|error|hit)|(?:exceeded|reached|",
            r"hit)\b.{0,40}\brate[- _]?limit|ratelimited|rate exceeded|throttl(?:ed|ing)|",
            "reduce your request rate|request rate .{0,20}(?:large|exceed|high)|",
            "(?:^|[^k] |[^ a-z])quota (?:has been )?exceeded|exceeded your (?:current )?quota|resource_exhausted|",
            "rate of requests|secondary rate limit|rate limiting",
        ),
    )
        .means(C::RateLimit, "http_429", R::Yes)
        .because("the service says that it is asked too often")
        .rank(rank::CAUSE + 3)
        .refined(limited)
        .like(&[
            "toomanyrequests: You have reached your pull rate limit.",
            "Error: You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        ]),
    on(
        &[
            "internal server error", "internal error", "service unavailable",
            "temporarily unavailable", "bad gateway", "overloaded", "server is currently unable",
            "currently unavailable", "under maintenance", "scheduled maintenance",
            "serviceunavailable", "internalservererror", "internal failure",
            "upstream connect error", "no healthy upstream", "at capacity", "server is busy",
            "try again later", "high demand",
        ],
        concat!(
            "internal server error|(?:we encountered|encountered|an|",
            "server) (?:an )?internal error|service (?:is )?(?:temporarily |",
            "currently )?unavailable|(?:temporarily|currently) unavailable|bad gateway|",
            "overloaded|server is currently unable|(?:under|scheduled) maintenance|",
            "serviceunavailable|internalservererror|upstream connect error|",
            "no healthy upstream|at capacity|(?:server|system) is busy",
        ),
    )
        .means(C::ServerError, "http_503", R::Yes)
        .because("the service says that it cannot answer at the moment")
        .refined(server_words)
        .like(&[
            "Error from server (ServiceUnavailable): the server is currently unable to handle the request",
        ]),
    on(&["error 1015", "error 1020", "error code: 10"], r"error (?:code: )?(?P<code>1015|1020)\b")
        .means(C::RateLimit, "cloudflare_1015", R::Yes)
        .because("Cloudflare numbers its own refusals")
        .rank(rank::SPECIAL)
        .refined(cloudflare)
        .like(&["error code: 1015"]),
];

/// Judges a status; what else the output says decides between its meanings.
fn by_status(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    judge_status(draft, evidence)
}

/// The same for a status that another family has found.
pub(super) fn judge_status(draft: &mut Draft, evidence: &Evidence<'_>) -> bool {
    let status: u16 = draft
        .value("http_status")
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    let (category, name, retryable) = match status {
        401 => (C::Auth, "http_401", R::AfterFix),
        403 => (C::Auth, "http_403", R::No),
        407 => (C::Auth, "proxy_auth", R::AfterFix),
        404 => (C::NotFound, "http_404", R::No),
        410 => (C::NotFound, "http_410", R::No),
        408 => (C::Timeout, "http_408", R::Yes),
        409 => (C::Validation, "http_409", R::No),
        422 => (C::Validation, "http_422", R::No),
        425 => (C::ServerError, "too_early", R::Yes),
        429 => (C::RateLimit, "http_429", R::Yes),
        400..=499 => (C::Validation, "http_400", R::No),
        500 => (C::ServerError, "http_500", R::Yes),
        501 | 505 => (C::ServerError, "http_501", R::No),
        502 => (C::ServerError, "http_502", R::Yes),
        503 => (C::ServerError, "http_503", R::Yes),
        504 => (C::ServerError, "http_504", R::Yes),
        529 => (C::ServerError, "overloaded", R::Yes),
        520..=528 => (C::ServerError, "http_52x", R::Yes),
        506..=599 => (C::ServerError, "http_5xx", R::Yes),
        _ => return false,
    };
    draft.becomes(category, name, retryable);
    by_body(draft, status, evidence);
    true
}

/// A pattern that reads a status, and its expression, compiled when it is first needed.
type StatusPlace = (&'static Pattern, OnceLock<Option<Regex>>);

/// The status that a line names, if it stands in a place where statuses stand.
pub(in crate::policy::classify) fn status_in(line: &[u8]) -> Option<String> {
    static PLACES: OnceLock<Vec<StatusPlace>> = OnceLock::new();
    let lower = line.to_ascii_lowercase();
    PLACES
        .get_or_init(|| {
            PATTERNS
                .iter()
                .filter(|pattern| pattern.expression.contains("<http_status>"))
                .map(|pattern| (pattern, OnceLock::new()))
                .collect()
        })
        .iter()
        .filter(|(pattern, _)| pattern.words.iter().any(|word| text::holds(&lower, word)))
        .filter_map(|(pattern, place)| place.get_or_init(|| compile(pattern.expression)).as_ref())
        .find_map(|place| place.captures(line)?.name("http_status"))
        .map(|status| String::from_utf8_lossy(status.as_bytes()).into_owned())
}

/// Statuses, words of a body, and what both together mean.
type Body = (&'static [u16], &'static [&'static str], C, &'static str, R);

/// What a body says beyond the status; the first that fits counts.
#[rustfmt::skip]
const BODIES: &[Body] = &[
    (&[403, 429, 503], CHALLENGE, C::Browser, "security_challenge", R::No),
    (&[429], OUT_OF_MONEY, C::RateLimit, "quota_exceeded", R::No),
    (&[403], &["secondary rate limit", "secondary-rate-limit"], C::RateLimit, "secondary_limit", R::Yes),
    (&[403], &["rate limit", "rate-limit", "ratelimitexceeded", "too many requests", "quotaexceeded", "quota exceeded"],
        C::RateLimit, "http_403_rate_limit", R::Yes),
    (&[503], &["slow down", "slowdown", "reduce your request rate"], C::RateLimit, "throttled", R::Yes),
    (&[500, 503], &["maintenance"], C::ServerError, "maintenance", R::Yes),
    (&[400, 403, 409], &["throttling", "throttled", "rate exceeded"], C::RateLimit, "throttled", R::Yes),
    (&[409], &["quota", "limit exceeded", "limitexceeded"], C::RateLimit, "quota_exceeded", R::No),
    (&[409], &["in progress", "is being", "try again", "operation is already"], C::Validation, "http_409", R::Yes),
    (&[400], &["expiredtoken", "token has expired", "token is expired", "token expired", "invalid_grant"],
        C::Auth, "expired_token", R::AfterFix),
    (&[400], &["api key not valid", "invalid api key", "api_key_invalid", "invalidaccesskeyid"],
        C::Auth, "bad_credentials", R::AfterFix),
    (&[400], &["requesttimeout"], C::Timeout, "read_timeout", R::Yes),
    (&[402], &["card", "payment"], C::Validation, "card_declined", R::No),
    (&[401], &["incorrect api key", "invalid api key", "bad credentials", "invalid x-api-key", "invalid_api_key",
        "invalid username or password", "invalid_auth"], C::Auth, "bad_credentials", R::AfterFix),
    (&[401], &["token has expired", "token expired", "expired token", "session expired"],
        C::Auth, "expired_token", R::AfterFix),
];

/// A page that wants to see a person.
const CHALLENGE: &[&str] = &[
    "captcha",
    "cf-challenge",
    "cf-chl",
    "just a moment...",
    "attention required! | cloudflare",
    "verify you are human",
    "challenge-platform",
    "are you a robot",
    "ddos protection by",
    "checking your browser",
];

/// A quota that only money brings back.
const OUT_OF_MONEY: &[&str] = &[
    "insufficient_quota",
    "check your plan and billing",
    "billing_hard_limit",
    "out of credits",
    "credit balance is too low",
    "insufficient credits",
    "billing quota",
    "exceeded your monthly included",
];

/// What the body of an answer says beyond its status.
fn by_body(draft: &mut Draft, status: u16, evidence: &Evidence<'_>) {
    let found = BODIES
        .iter()
        .find(|(statuses, words, ..)| statuses.contains(&status) && evidence.mentions(words));
    if let Some((_, _, category, name, retryable)) = found {
        draft.becomes(*category, name, *retryable);
    }
}

/// Words of a rate limit without a status.
fn limited(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = evidence.line(draft.line_number).to_ascii_lowercase();
    if let Some(status) = status_beside(&line) {
        draft.extract("http_status", status);
    }
    if evidence.mentions(OUT_OF_MONEY) {
        draft.becomes(C::RateLimit, "quota_exceeded", R::No);
    } else if line.contains("secondary rate") {
        draft.becomes(C::RateLimit, "secondary_limit", R::Yes);
    } else if line.contains("pull rate limit")
        || line.contains("docker-hub")
        || line.contains("toomanyrequests:")
    {
        draft.becomes(C::RateLimit, "pull_limit", R::Yes);
    } else if line.contains("403") {
        draft.becomes(C::RateLimit, "http_403_rate_limit", R::Yes);
    } else if [
        "throttl",
        "rate exceeded",
        "request rate",
        "slow down",
        "slowdown",
        "rate of requests",
    ]
    .iter()
    .any(|word| line.contains(word))
    {
        draft.becomes(C::RateLimit, "throttled", R::Yes);
    }
    true
}

/// A status that stands in the same line as the words about a rate limit.
fn status_beside(line: &str) -> Option<&'static str> {
    ["429", "403", "503", "400"].into_iter().find(|status| {
        line.match_indices(status).any(|(at, _)| {
            let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            !digit(line.get(..at).and_then(|before| before.chars().last()))
                && !digit(line.get(at + 3..).and_then(|after| after.chars().next()))
        })
    })
}

/// Words of a broken server without a status.
fn server_words(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = evidence.line(draft.line_number).to_ascii_lowercase();
    if line.contains("resource temporarily unavailable") {
        return false;
    }
    if line.contains("maintenance") {
        draft.pattern = "maintenance";
    } else if line.contains("overloaded") || line.contains("capacity") || line.contains("busy") {
        draft.pattern = "overloaded";
    } else if line.contains("internal") {
        draft.pattern = "http_500";
    } else if line.contains("bad gateway") {
        draft.pattern = "http_502";
    }
    true
}

/// Numbers of Cloudflare's own error pages.
fn cloudflare(draft: &mut Draft, _: &Captures<'_>, _: &Evidence<'_>) -> bool {
    if draft.value("code") == Some("1020") {
        draft.becomes(C::Auth, "http_403", R::No);
    }
    draft.extracted.remove("code");
    true
}
