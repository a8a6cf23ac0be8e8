//! Error codes by name, as clouds and remote procedure calls give them; they say more than the status
//! beside them (throttling comes as 400, a missing key as 403).

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
            "an error occurred (", "error code:", "exception:", "exception (", "errorcode",
            "error (", "throttling:", "<code>", "\"code\":", "code: '", "(accessdenied)",
            "notfound)", "exceeded)", "exception\"", "error from server (",
        ],
        concat!(
            r"an error occurred \((?P<name>\w+)\)|error ?code: (?P<name2>[A-Za-z]\w+)|",
            r"<code>(?P<name3>[A-Za-z]\w+)</code>|\b(?P<name4>[A-Za-z]\w+Exception)\b|",
            r#"^\W*(?P<name5>Throttling)\b:|"code": ?"(?P<name6>[A-Za-z]\w+)"|"#,
            r"code: '(?P<name7>[A-Za-z]\w+)'|error from server \((?P<name8>\w+)\)|",
            r"\((?P<name9>AccessDenied|NoSuch\w+|[A-Z]\w+(?:NotFound|Exceeded))\)",
        ),
    )
        .means(C::Unknown, "cloud", R::No)
        .because("the code in brackets is the service's own name for what is wrong")
        .rank(rank::SPECIAL)
        .refined(by_name)
        .like(&[
            "An error occurred (ThrottlingException) when calling the X operation: Rate exceeded",
            "Error from server (NotFound): pods \"x\" not found",
        ]),
    on(
        &["rpc error: code", "statuscode.", "code = ", "unavailable:", "grpc"],
        r"(?:code = |statuscode\.|grpc[^:]{0,30}: )(?P<name>[A-Za-z_]+)",
    )
        .means(C::Unknown, "cloud", R::No)
        .because("gRPC names the kind of failure by a status of its own")
        .rank(rank::CAUSE - 3)
        .refined(by_name)
        .like(&["rpc error: code = Unavailable desc = transport is closing"]),
    on(
        &[
            "requested entity was not found", "was not found", "could not be found",
            "does not exist", "nosuchbucket", "nosuchkey", "no such bucket",
            "bucket does not exist",
        ],
        concat!(
            r"requested (?:entity|resource) was not found|no ?such ?(?:bucket|key)|\b(?:bucket|",
            "object|model|image|repo(?:sitory)?|resource|project|cluster|namespace|release|",
            r"tag|manifest)\b[^.]{0,60}(?:was not found|could not be found|does not exist)",
        ),
    )
        .means(C::NotFound, "http_404", R::No)
        .because("the service has no resource of that name")
        .like(&["The specified bucket does not exist"]),
];

/// How a name is compared.
#[derive(Debug, Clone, Copy)]
enum Name {
    /// It holds one of these parts.
    Holds(&'static [&'static str]),
    /// It is one of these.
    Is(&'static [&'static str]),
    /// It begins with this.
    Begins(&'static str),
}

/// Names of error codes in small letters; the first that fits counts.
#[rustfmt::skip]
const NAMES: &[(Name, C, &str, R)] = &[
    (Name::Holds(&["element", "nosuchfile", "nosuchmethod", "nosuchfield", "nosuchprovider", "classnotfound", "filenotfound",
        "accessdeniedexception"]), C::Unknown, "", R::No),
    (Name::Holds(&["throttl", "slowdown", "requestlimitexceeded", "toomanyrequests", "provisionedthroughput", "ratelimit",
        "bandwidthlimit", "rateexceeded"]), C::RateLimit, "throttled", R::Yes),
    (Name::Is(&["resourceexhausted"]), C::RateLimit, "http_429", R::Yes),
    (Name::Holds(&["quotaexceeded", "limitexceeded", "insufficientquota"]), C::RateLimit, "quota_exceeded", R::No),
    (Name::Holds(&["requesttimetooskewed"]), C::Auth, "clock_skew", R::AfterFix),
    (Name::Holds(&["expiredtoken", "tokenexpired", "requestexpired", "credentialsexpired"]), C::Auth, "expired_token", R::AfterFix),
    (Name::Holds(&["invalidaccesskey", "signaturedoesnotmatch", "invalidclienttoken", "unrecognizedclient", "authfailure",
        "invalidtoken", "missingauthenticationtoken", "incompletesignature", "authenticationfailed"]),
        C::Auth, "bad_credentials", R::AfterFix),
    (Name::Is(&["unauthenticated", "unauthorized"]), C::Auth, "http_401", R::AfterFix),
    (Name::Holds(&["accessdenied", "unauthorizedoperation", "forbidden", "permissiondenied", "notauthorized", "allaccessdisabled"]),
        C::Auth, "http_403", R::No),
    (Name::Holds(&["tablenotfound", "indexnotfound", "resourcenotfound"]), C::NotFound, "database_object", R::No),
    (Name::Begins("nosuch"), C::NotFound, "http_404", R::No),
    (Name::Holds(&["notfoundexception"]), C::NotFound, "http_404", R::No),
    (Name::Holds(&["groupnotfound", "tablenotexist"]), C::NotFound, "http_404", R::No),
    (Name::Is(&["notfound"]), C::NotFound, "http_404", R::No),
    (Name::Is(&["timeout", "servertimeout"]), C::ServerError, "http_504", R::Yes),
    (Name::Is(&["expired", "gone"]), C::NotFound, "http_410", R::No),
    (Name::Holds(&["requesttimeout", "deadlineexceeded"]), C::Timeout, "read_timeout", R::Yes),
    (Name::Holds(&["internalerror", "internalfailure", "internalserver", "internalservice"]), C::ServerError, "http_500", R::Yes),
    (Name::Is(&["internal"]), C::ServerError, "http_500", R::Yes),
    (Name::Holds(&["serviceunavailable", "unavailableexception"]), C::ServerError, "http_503", R::Yes),
    (Name::Is(&["unavailable"]), C::ServerError, "http_503", R::Yes),
    (Name::Holds(&["insufficientinstancecapacity", "insufficientcapacity"]), C::Resource, "insufficient_capacity", R::Yes),
    (Name::Holds(&["alreadyexists", "alreadyowned", "conditionalcheckfailed", "conflict"]), C::Validation, "http_409", R::No),
    (Name::Holds(&["validationexception", "validationerror", "malformed", "invalidparameter", "invalidargument", "invalidrequest",
        "missingparameter", "badrequest", "invalidbucketname"]), C::Validation, "http_400", R::No),
    (Name::Is(&["invalid"]), C::Validation, "http_400", R::No),
];

/// Judges an error code by the parts that its name is made of.
fn by_name(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let Some(name) = draft.extracted.remove("name") else {
        return false;
    };
    if name.parse::<u16>().is_ok() {
        draft.extract("http_status", &name);
        draft.rank = rank::CAUSE;
        return super::http::judge_status(draft, evidence);
    }
    let name = name.replace('_', "").to_ascii_lowercase();
    let fits = |wanted: &Name| match wanted {
        Name::Holds(parts) => parts.iter().any(|part| name.contains(part)),
        Name::Is(names) => names.contains(&name.as_str()),
        Name::Begins(start) => name.starts_with(start),
    };
    let line = evidence.line(draft.line_number);
    // Java's own exception for a file; that of a cloud has a status or a request beside it.
    let of_a_cloud = name == "accessdeniedexception" && !line.contains("nio.file");
    let known = NAMES
        .iter()
        .filter(|(_, category, ..)| !(of_a_cloud && *category == C::Unknown))
        .find(|(wanted, ..)| fits(wanted));
    let Some((_, category, pattern, retryable)) = known else {
        return false;
    };
    if *category == C::Unknown {
        return false;
    }
    draft.becomes(*category, pattern, *retryable);
    if pattern == &"http_409" && evidence.mentions(&["in progress", "is being ", "currently being"])
    {
        draft.retryable = R::Yes;
    }
    if name.starts_with("limitexceeded")
        && evidence.mentions(&["rate of", "rate exceeded", "throughput limit"])
    {
        draft.becomes(C::RateLimit, "throttled", R::Yes);
    }
    if let Some(status) = line
        .split("Status Code: ")
        .nth(1)
        .and_then(|rest| rest.get(..3))
    {
        draft.extract("http_status", status);
    }
    true
}
