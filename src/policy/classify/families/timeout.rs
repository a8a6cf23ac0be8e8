//! Time that ran out: waiting for somebody else (a retry can help) or a budget of the work's own
//! (a longer one can help).

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
            "connection timed out", "connect timed out", "connecttimeout", "connection timeout",
            "connect timeout", "ETIMEDOUT", "operation timed out", "err_connection_timed_out",
            "timeout expired", "connection attempt timed out", "timed out connecting",
            "timeout connecting", "handshake timeout", "timed out while connecting",
            "Die Wartezeit für die Verbindung ist abgelaufen", "Connexion terminée par expiration",
            "Expiró el tiempo de conexión", "Connessione scaduta", "Tempo esgotado para conexão",
            "Przekroczony czas oczekiwania na połączenie", "连接超时", "接続がタイムアウトしました",
            "ожидания соединения истекло", "banner exchange",
        ],
        "",
    )
        .means(C::Timeout, "connect_timeout", R::Yes)
        .because("the peer did not take the call in time")
        .rank(rank::CAUSE)
        .refined(timeout_seconds)
        .like(&[
            "curl: (28) Connection timed out after 2001 milliseconds",
            "dial tcp 10.0.0.1:443: connect: connection timed out",
        ]),
    on(
        &[
            "read timed out", "readtimeout", "read timeout", "operation timed out after",
            "operation too slow", "deadline exceeded", "deadline_exceeded", "deadlineexceeded",
            "client.timeout exceeded", "i/o timeout", "timeout was reached", "sockettimeout",
            "ESOCKETTIMEDOUT", "read operation timed out", "write operation timed out",
            "err_timed_out", "request timed out", "request timeout", "response timeout",
            "timed out waiting", "timeout waiting", "timed out while waiting", "requesttimeout",
            "apitimeouterror", "upstream request timeout", "inactivity timeout", "data timeout",
            "receive timeout", "und_err_headers_timeout", "und_err_body_timeout", "writetimeout",
            "pooltimeout", "(timed out)",
            "Errore di lettura nelle intestazioni (Connessione scaduta)", "server timeout",
            "gateway time-out", "no response from", "did not respond", "not responding",
            "response took too long", "execution expired", "collective operation timeout",
            "overflow 10 reached",
        ],
        "",
    )
        .means(C::Timeout, "read_timeout", R::Yes)
        .because("the peer took the call but did not answer in time")
        .rank(rank::CAUSE + 1)
        .refined(timeout_seconds)
        .like(&[
            "requests.exceptions.ReadTimeout: HTTPConnectionPool(host='h', port=80): Read timed out. (read timeout=2)",
            "curl: (28) Operation timed out after 2001 milliseconds with 0 bytes received",
        ]),
    on(
        &[
            "ms exceeded", "s exceeded", "timeout while waiting", "timeout occurred", "timed out",
            "timeout of", "timeout after", "timeout exceeded", "timeouterror", "timeoutexception",
            "timeout:", ":timeout", "exceeded the timeout", "time out", "time-out",
        ],
        concat!(
            r"\btimeout:? [\d.]+ ?\w* exceeded|timeout while waiting|timeout occurred|",
            r"\btimed out\b|\btimeout (?:of|after) ?[\d.]+ ?\w*|\btimeout exceeded|",
            r"timeout(?:error|exception)\b|\btimeout: |exceeded (?:the|its) timeout|",
            r"\btime[- ]out\b|[({ ,]:timeout\b",
        ),
    )
        .means(C::Timeout, "read_timeout", R::Yes)
        .because("a wait came to its limit before what was waited for")
        .rank(rank::STATEMENT)
        .refined(timeout_seconds)
        .like(&["AxiosError: timeout of 2000ms exceeded", "httpx.ReadTimeout: timed out"]),
    on(
        &["lock wait timeout", "lock timeout", "lock request time out"],
        "lock wait timeout|due to lock timeout|lock request time out",
    )
        .means(C::Timeout, "lock_wait_timeout", R::Yes)
        .because("somebody held the lock longer than we were willing to wait")
        .rank(rank::SPECIAL)
        .like(&[
            "ERROR:  canceling statement due to lock timeout",
            "ERROR 1205 (HY000): Lock wait timeout exceeded; try restarting transaction",
        ]),
    on(
        &[
            "due to time limit", "statement timeout", "maximum execution time",
            "max_execution_time", "max_statement_time", "test timed out after", "execution timeout",
            "exceeded its time", "time limit exceeded", "walltime", "activedeadlineseconds",
            "longer than specified deadline", "job timed out", "build timed out",
            "task timed out after", "exceeded the maximum execution time", "script timed out",
            "timed out after", "execution time limit", "timeoutexpired",
        ],
        concat!(
            "due to time limit|due to statement timeout|(?:maximum|max)[_ ](?:execution|",
            "statement)[_ ]time|panic: test timed out after|walltime|",
            "longer than specified deadline|(?:action|job|build|task|step|script|command|",
            r"process|execution|pipeline|workflow|stage)\b.{0,60}(?:timed out|timeout|",
            "exceeded (?:the|its) .{0,20}time)|query_?timeout|TimeoutExpired",
        ),
    )
        .means(C::Timeout, "operation_timeout", R::AfterFix)
        .because("the time that was given for the work itself is used up")
        .rank(rank::SPECIAL)
        .refined(timeout_seconds)
        .like(&[
            "PHP Fatal error:  Maximum execution time of 1 second exceeded in /x/job.php on line 1",
            "slurmstepd: error: *** JOB 494501 ON n CANCELLED AT 2026-04-20T09:09:37 DUE TO TIME LIMIT ***",
        ]),
    on(&["due to time limit"], "due to time limit")
        .means(C::Timeout, "operation_timeout", R::AfterFix)
        .because("the scheduler ended the job at its time limit")
        .rank(rank::PROOF)
        .even_in_noise()
        .like(&["*** STEP 1.0 ON node12 CANCELLED AT 2026-04-20T09:09:37 DUE TO TIME LIMIT ***"]),
];

/// Reads the limit that ran out, in whatever unit it is written.
fn timeout_seconds(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = evidence.line(draft.line_number);
    // Time-outs of options and settings are named, not reached.
    let lower = line.to_ascii_lowercase();
    if ["deprecated", "unrecognized", "unknown option", "invalid "]
        .iter()
        .any(|word| lower.contains(word))
    {
        return false;
    }
    if let Some(seconds) = crate::policy::classify::spans::time_limit(&line) {
        draft.extract("timeout_s", &seconds);
    }
    true
}
