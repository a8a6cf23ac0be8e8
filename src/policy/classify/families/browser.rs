//! Driving a browser: elements, pages, clicks, crashes, challenges.

use regex::bytes::Captures;

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::policy::classify::pattern::Pattern;
use crate::policy::classify::pattern::on;
use crate::policy::classify::pattern::rank;

use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;

// Laid out by hand: words side by side, expressions cut at their alternatives.
#[rustfmt::skip]
pub(super) const PATTERNS: &[Pattern] = &[
    on(
        &[
            "nosuchelement", "no such element", "unable to locate element", "waiting for selector",
            "waiting for locator", "no node found for selector", "element(s) not found",
            "elementnotfound", "no element found", "failed to find element", "waiting for get_by",
            "waiting for getby", "element not found",
        ],
        "",
    )
        .means(C::Browser, "element_not_found", R::AfterFix)
        .because("the page has no such element yet, or any more; a fresh page or a longer wait may find it")
        .rank(rank::SPECIAL)
        .even_in_noise()
        .refined(acted_on)
        .like(&[
            "selenium.common.exceptions.NoSuchElementException: Message: no such element: Unable to locate element",
            "  - waiting for locator(\"#pay\")",
        ]),
    on(
        &["selenium.common.exceptions.timeoutexception", "timeoutexception: message"],
        "timeoutexception: message",
    )
        .means(C::Browser, "element_not_found", R::AfterFix)
        .because("WebDriver waited in vain for a condition on the page, as a rule for an element")
        .rank(rank::SPECIAL)
        .refined(|draft, _, evidence| {
            if evidence.mentions(&["timed out receiving message from renderer", "page load", "loading timed out"]) {
                draft.becomes(C::Browser, "page_load", R::Yes);
            }
            true
        })
        .like(&["selenium.common.exceptions.TimeoutException: Message: "]),
    on(
        &[
            "elementclickintercepted", "click intercepted", "intercepts pointer events",
            "elementnotinteractable", "not interactable", "staleelement", "stale element",
            "element is not visible", "element is not enabled", "element is not stable",
            "element is not attached", "not clickable at", "element is outside of the viewport",
            "detached from", "not an htmlelement", "element is disabled", "invalidelementstate",
            "is not clickable", "execution context was destroyed",
        ],
        "",
    )
        .means(C::Browser, "action_failed", R::Yes)
        .because("something covered, moved or disabled the element at that moment")
        .rank(rank::SPECIAL + 3)
        .even_in_noise()
        .like(&[
            "selenium.common.exceptions.ElementClickInterceptedException: Message: element click intercepted",
            "    - <div></div> intercepts pointer events",
        ]),
    on(&["strict mode violation"], "")
        .means(C::Browser, "action_failed", R::No)
        .because("the locator fits several elements; only its author can say which was meant")
        .rank(rank::PROOF)
        .like(&[
            "Error: locator.click: Error: strict mode violation: locator('button') resolved to 2 elements",
        ]),
    on(
        &[
            "net::err_", "ns_error_", "navigation timeout", "page.goto", "neterror",
            "about:neterror", "failed to load page", "navigation failed", "page load failed",
            "timed out receiving message from renderer",
        ],
        concat!(
            r"net::err_\w+|ns_error_\w+|navigation timeout of|page\.goto: timeout|",
            "(?:navigating|navigation) to .* (?:failed|timeout)|about:neterror|",
            "navigation failed|page load failed|receiving message from renderer",
        ),
    )
        .means(C::Browser, "page_load", R::Yes)
        .because("the page itself did not load, which is a matter of the network or of the site")
        .rank(rank::SPECIAL + 3)
        .refined(loaded)
        .like(&[
            "selenium.common.exceptions.WebDriverException: Message: unknown error: net::ERR_CONNECTION_REFUSED",
            "TimeoutError: Navigation timeout of 30000 ms exceeded",
        ]),
    on(
        &[
            "tab crashed", "page crashed", "target crashed", "target closed",
            "browser has been closed", "browser has disconnected",
            "session deleted because of page crash", "browser closed", "chrome not reachable",
            "disconnected: not connected", "invalid session id", "browser crashed",
        ],
        "",
    )
        .means(C::Browser, "browser_crashed", R::Yes)
        .because("the tab or the browser died under the script; a new one can be started")
        .rank(rank::SPECIAL + 4)
        .like(&[
            "selenium.common.exceptions.WebDriverException: Message: tab crashed",
            "Error: page.click: Target page, context or browser has been closed",
        ]),
    on(
        &[
            "failed to launch", "devtoolsactiveport", "chrome failed to start", "missing x server",
            "cannot open display", "without having a xserver", "no usable sandbox",
            "running as root without --no-sandbox", "browsertype.launch", "unable to obtain driver",
            "session not created",
        ],
        concat!(
            "failed to launch (?:the )?(?:browser|chrom)|devtoolsactiveport|",
            "chrome failed to start|missing x server|without having a xserver|",
            "no usable sandbox|root without --no-sandbox|cannot open display|",
            "session not created",
        ),
    )
        .means(C::Browser, "launch_failed", R::No)
        .because("the browser program is there but does not start with these options on this machine")
        .rank(rank::SPECIAL)
        .refined(|draft, _, evidence| {
            if evidence.mentions(&["only supports chrome version"]) {
                draft.becomes(C::Dependency, "version_conflict", R::No);
            } else if evidence.mentions(&["devtoolsactiveport", "crashed"]) {
                draft.retryable = R::Yes;
            }
            true
        })
        .like(&["Error: Failed to launch the browser process!"]),
    on(
        &[
            "executable doesn't exist at", "no chrome binary at", "playwright install",
            "could not find chrome", "could not find chromium", "could not find expected browser",
            "cannot find chrome binary", "chromium distribution", "browser was not found at",
            "could not find firefox", "unable to find a matching set of capabilities",
            "expected browser binary location", "tried to find the browser at the configured path",
        ],
        concat!(
            r"executable doesn't exist at (?P<command>\S+)|",
            r"no chrome binary at (?P<command2>[^\s;]+)|could not find (?P<command3>chrome|",
            "chromium|firefox)|could not find expected browser|",
            "cannot find (?P<command4>chrome) binary|chromium distribution|(?:browser|chrome|",
            "chromium|firefox) was not found at|expected browser binary|",
            r"configured path \((?P<command5>[^)]+)\)",
        ),
    )
        .means(C::Dependency, "missing_command", R::AfterFix)
        .because("the browser program was never installed; the tool names the command that does it")
        .rank(rank::PROOF)
        .like(&[
            "browserType.launch: Executable doesn't exist at /home/u/.cache/ms-playwright/chromium-1/chrome",
            "selenium: Message: no chrome binary at /usr/bin/google-chrome-beta",
        ]),
    on(
        &[
            "captcha", "cf-challenge", "just a moment", "attention required! | cloudflare",
            "verify you are human", "checking your browser", "are you a robot", "not a robot",
            "ddos protection by", "challenge-platform", "security challenge", "human verification",
            "bot detection", "unusual traffic",
        ],
        concat!(
            r"captcha|cf-challenge|<title>just a moment|just a moment\.\.\.|",
            r"attention required! \| cloudflare|verify (?:that )?you are (?:a )?human|",
            "checking your browser|(?:are you|not) a robot|ddos protection by|",
            "challenge-platform|security challenge|human verification|bot detection|",
            "unusual traffic",
        ),
    )
        .means(C::Browser, "security_challenge", R::No)
        .because("the site wants to see a person, and no retry makes one of us")
        .rank(rank::SPECIAL + 5)
        .like(&["<title>Just a moment...</title>", "blocked: captcha required"]),
    on(
        &[
            "invalid selector", "invalidselector", "is not a valid selector", "unknown engine",
            "unexpected token \"", "is not a valid xpath",
        ],
        concat!(
            "invalid ?selector|is not a valid (?:selector|xpath)|unknown engine|",
            "unexpected token .* while parsing (?:css )?selector",
        ),
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("the selector does not parse, so no page can have what it means")
        .rank(rank::PROOF)
        .like(&["selenium.common.exceptions.InvalidSelectorException: Message: invalid selector"]),
    on(&["cannot navigate to invalid url"], "")
        .means(C::Validation, "usage", R::No)
        .because("the address that was given is no URL")
        .rank(rank::PROOF)
        .like(&["page.goto: Protocol error (Page.navigate): Cannot navigate to invalid URL"]),
    on(&["ms exceeded"], r"(?:page|locator|frame|elementhandle)\.\w+: timeout \d+ms exceeded")
        .means(C::Browser, "element_not_found", R::AfterFix)
        .because("the wait for an element ended, whatever unit its limit is printed in")
        .rank(rank::SPECIAL - 1)
        .like(&["Error: page.waitForFunction: Timeout 30000ms exceeded."]),
];

/// An element that was found but could not be used is another failure than one that never came.
fn acted_on(_: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    // Java has an exception of the same name for empty collections.
    !evidence.mentions(&[
        "strict mode violation",
        "java.util.nosuchelement",
        "no value present",
    ])
}

/// A page that does not load may load later, unless its certificate or its redirects are wrong.
fn loaded(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = evidence.line(draft.line_number).to_ascii_lowercase();
    if [
        "err_cert",
        "too_many_redirects",
        "err_unknown_url",
        "err_invalid",
        "err_file_not_found",
        "err_blocked",
        "err_ssl_version",
        "sec_error",
    ]
    .iter()
    .any(|word| line.contains(word))
    {
        draft.retryable = R::No;
    }
    true
}
