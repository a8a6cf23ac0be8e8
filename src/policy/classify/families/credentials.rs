//! Credentials and rights: who we are and what we may do.

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::policy::classify::pattern::Pattern;
use crate::policy::classify::pattern::on;
use crate::policy::classify::pattern::rank;

// Laid out by hand: words side by side, expressions cut at their alternatives.
#[rustfmt::skip]
pub(super) const PATTERNS: &[Pattern] = &[
    on(&["permission denied ("], r"permission denied \((?P<methods>(?:[a-z][\w,-]*)?)\)")
        .means(C::Auth, "publickey_denied", R::AfterFix)
        .because("the server knows none of the keys that were offered")
        .rank(rank::SPECIAL)
        .refined(|draft, _, evidence| {
            draft.extracted.remove("methods");
            if evidence.command.runs(&["sshpass"]) {
                draft.pattern = "bad_credentials";
            }
            true
        })
        .like(&["user@h: Permission denied (publickey,password)."]),
    on(
        &[
            "permission denied, please try again", "too many authentication failures",
            "no supported authentication methods", "userauth",
        ],
        "please try again|too many authentication|no supported auth",
    )
        .means(C::Auth, "bad_credentials", R::AfterFix)
        .because("the login was refused as often as the server allows")
        .rank(rank::SPECIAL)
        .like(&["Permission denied, please try again."]),
    on(
        &["unprotected private key", "bad permissions"],
        concat!(
            r"unprotected private key|permissions \d+ for '(?P<path>[^']+)' are too open|",
            "bad permissions",
        ),
    )
        .means(C::Resource, "permission", R::AfterFix)
        .because("the client refuses a private key that others may read; `chmod` mends it")
        .rank(rank::CAUSE)
        .even_in_noise()
        .like(&["@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @"]),
    on(
        &[
            "host key verification failed", "host identification has changed", "host key is known",
            "host key for", "authenticity of host",
        ],
        "verification failed|has changed|host key is known|authenticity of host",
    )
        .means(C::Auth, "host_key", R::No)
        .because("the host shows another key than the one on record; a person has to look")
        .rank(rank::SPECIAL + 2)
        .even_in_noise()
        .like(&["Host key verification failed."]),
    on(
        &[
            "authentication failed", "authentication failure", "access denied for user",
            "password authentication failed", "login failed", "invalid credentials",
            "bad credentials", "invalid username", "incorrect password", "invalid password",
            "wrong password", "incorrect api key", "invalid api key", "invalid api token",
            "invalid token", "invalid_auth", "invalid_grant", "invalid_client", "logon failure",
            "authenticationerror", "authenticationexception", "autherror", "authentication error",
            "invalid access key", "api key provided", "sign in failed", "username or password",
            "login incorrect", "wrongpass", "smtp auth", "smtpauthenticationerror", "535 ",
            "not authenticated", "passphrase", "no permissions for user", "decryption failed",
        ],
        concat!(
            "authenti[ck]ation (?:failed|failure|error)|access denied for user|login failed|",
            "(?:invalid|bad|wrong|incorrect) (?:credentials|username|password|api[ -]?(?:key|",
            r"token)|token|access key|user ?name|passphrase|auth\w*)|invalid_(?:auth|grant|",
            "client|token)|logon failure|authentication(?:error|exception)|autherror|",
            "username or password|username-password pair|login incorrect|wrongpass|",
            r"535[ -]5\.7|(?:sasl|smtp) auth\w* (?:fail|error)",
        ),
    )
        .means(C::Auth, "bad_credentials", R::AfterFix)
        .because("the server refused name or password")
        .rank(rank::CAUSE + 1)
        .like(&[
            "psql: error: FATAL:  password authentication failed for user \"app\"",
            "su: Authentication failure",
            "remote: Invalid username or password.",
        ]),
    on(
        &[
            "token expired", "token has expired", "token is expired", "expired token",
            "expiredtoken", "session expired", "session has expired", "credentials have expired",
            "credentials expired", "password has expired", "token_expired", "refresh token",
            "jwt expired", "key expired", "license expired", "sso session", "access token",
        ],
        concat!(
            "token (?:has |is |was )?expired|expired[_ ]?token|session (?:has |is )?expired|",
            "credentials (?:have |are )?expired|password has expired|token_expired|",
            "jwt expired|refresh token.{0,30}(?:invalid|revoked|expired)|",
            "sso session.{0,60}(?:expired|invalid)",
        ),
    )
        .means(C::Auth, "expired_token", R::AfterFix)
        .because("the token was right once; a new one is needed")
        .rank(rank::CAUSE + 2)
        .refined(|draft, _, evidence| {
            if evidence.mentions(&["sign-in page", "login first", "please log in", "sign in again"]) {
                draft.pattern = "login_required";
            }
            true
        })
        .like(&["error: The access token expired"]),
    on(
        &[
            "unable to locate credentials", "no credentials", "could not read username",
            "could not read password", "terminal prompts disabled", "not logged in",
            "login required", "log in first", "login first", "please log in", "please login",
            "authentication required", "no password supplied", "noauth ", "you must be logged in",
            "must be authenticated", "need to log in", "need to login",
            "may require 'docker login'", "no basic auth credentials", "auth login",
            "no active account", "active account selected", "default credentials",
            "api key must be set", "api_key client option must be set", "missing api key",
            "api key not found", "no api key", "eneedauth", "need auth", "unauthenticated",
            "credentials were not", "credentials not found", "could not find credentials",
            "login to", "you need to be logged", "gated repo", "must have access",
            "requires authentication", "no token", "missing credentials", "no valid credential",
            "please run", "sign in to", "log in to", "to re-authenticate", "reauthenticat",
            "one-time password", "eotp", "could not resolve authentication method",
        ],
        concat!(
            "unable to locate credentials|no credentials|could not (?:read|find) (?:username|",
            "password|credentials)|terminal prompts disabled|not (?:currently )?logged[ -]?in|",
            "(?:login|authentication|log ?in) (?:is )?required|(?:please |need to |",
            r"must )(?:be )?(?:log|sign)(?:ged)?[ -]?in\b|log ?in first|no password supplied|",
            "^noauth|must be authenticated|may require '?docker login|no basic auth|",
            "active account selected|default credentials|",
            "api[ _]key (?:client option )?(?:must be set|not found|is missing|is required)|",
            "(?:missing|no) api key|eneedauth|need auth|unauthenticated|",
            "credentials (?:were )?not (?:found|provided|set)|gated repo|",
            "requires authentication|missing credentials|no valid credential|",
            r"\brun:? +[`'\x22$ ]*[\w-]+ (?:auth |sso |account )?log-?in\b|",
            r"(?:^|: )(?:\[[\w:]+\] )?(?:\w+: )?(?:sign|log) in to |",
            r"one-time password|\beotp\b|could not resolve authentication",
        ),
    )
        .means(C::Auth, "login_required", R::AfterFix)
        .because("there are no credentials where the tool looks for them")
        .rank(rank::CAUSE + 1)
        .refined(|draft, _, evidence| {
            if evidence.mentions(&["403 client error", "403 forbidden"]) {
                draft.becomes(C::Auth, "http_403", R::No);
            }
            true
        })
        .like(&[
            "Unable to locate credentials. You can configure credentials by running \"aws configure\".",
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            "NOAUTH Authentication required.",
        ]),
    on(
        &[
            "permission denied for", "must be owner of", "command denied to user",
            "insufficient privilege", "insufficient permission", "insufficient_scope",
            "insufficient scope", "noperm ", "not authorized", "is not authorized",
            "access is denied", "access denied", "access to", "does not have permission",
            "don't have permission", "do not have permission", "not permitted to", "forbidden",
            "permissiondeniederror", "unauthorizedaccess", "cannot list resource",
            "protected branch", "not allowed to push", "lacks the required",
        ],
        concat!(
            "permission denied for (?:table|relation|schema|database|sequence|function|view)|",
            "permission denied to (?:create|set|alter)|must be owner of|",
            "command denied to user|insufficient[ _](?:privilege|permission|scope)|^noperm|",
            r"(?:is )?not authorized (?:to|for)|access to \S+ .{0,30}was denied|(?:does not|",
            r"doesn't|don't|do not) have (?:the )?(?:\w+ )?(?:permission|access|rights)|",
            "permissiondeniederror|is forbidden|cannot (?:list|get|create|delete|patch|",
            r"watch) resource|protected branch|not allowed to push|\baccess (?:is )?denied\b",
        ),
    )
        .means(C::Auth, "permission_denied", R::No)
        .because("the login worked, but the account lacks the right")
        .rank(rank::SPECIAL)
        .refined(|draft, _, evidence| {
            let line = evidence.line(draft.line_number).to_ascii_lowercase();
            // A wrong password, not a missing right.
            !line.contains("docker login")
                && !line.contains("404")
                && !line.contains("using password") && !line.contains("access denied for user")
        })
        .like(&[
            "ERROR:  permission denied for table users",
            "Error from server (Forbidden): pods is forbidden: User \"x\" cannot list resource \"pods\"",
        ]),
    on(
        &["connection refused: "],
        concat!(
            "connection refused: (?:not authori[sz]ed|bad user ?name or password|",
            "broker requires|identifier rejected)",
        ),
    )
        .means(C::Auth, "bad_credentials", R::AfterFix)
        .because("the server refused after the connection stood, and says why")
        .rank(rank::SPECIAL)
        .like(&["Connection error: Connection Refused: not authorised."]),
    on(
        &[
            "bad decrypt", "wrong password or no key", "unable to decrypt", "mac verify error",
            "invalid password?",
        ],
        r"bad decrypt|wrong password or no key|mac verify error|invalid password\?",
    )
        .means(C::Auth, "bad_credentials", R::AfterFix)
        .because("the secret does not open what it was made for")
        .rank(rank::SPECIAL)
        .like(&["Fatal: wrong password or no key found"]),
];
