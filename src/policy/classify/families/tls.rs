//! Encrypted connections: what is wrong for good (a certificate, no common protocol) and what may pass
//! (a handshake that broke off).

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::policy::classify::pattern::Pattern;
use crate::policy::classify::pattern::on;
use crate::policy::classify::pattern::rank;

// Laid out by hand: words side by side, expressions cut at their alternatives.
#[rustfmt::skip]
pub(super) const PATTERNS: &[Pattern] = &[
    on(
        &[
            "certificate has expired", "certificate is not yet valid", "cert_has_expired",
            "certificate expired", "certificate_verify_failed", "certificate verify failed",
            "self-signed certificate", "self signed certificate", "depth_zero_self_signed",
            "unable to get local issuer", "unable to get issuer", "x509:",
            "ssl certificate problem", "certificate problem", "pkix path",
            "unable to verify the first certificate", "unable_to_verify_leaf", "unknown ca",
            "unknown_ca", "no alternative certificate subject", "hostname mismatch",
            "doesn't match", "does not match", "hostname/ip does not match", "altname_invalid",
            "err_cert", "cannot verify", "certificate is not trusted", "not trusted",
            "server certificate verification failed", "certificate subject name",
            "no subject alternative", "certificate validation failed",
            "certificate is not standards", "certificatenotvalid", "certpathvalidat",
            "cert_untrusted", "ungültiges zertifikat",
        ],
        concat!(
            "certificate (?:has expired|is not yet valid|expired|problem|verify failed)|",
            "cert_has_expired|certificate_verify_failed|self[- ]signed certificate|",
            "depth_zero_self|unable to get (?:local )?issuer|x509: |pkix path|",
            r"verify the first certificate|unable_to_verify_leaf|unknown[_ ]ca\b|",
            "no alternative certificate|certificate.{0,80}(?:hostname mismatch|doesn't match|",
            "does not match)|hostname(?:/ip)? (?:mismatch|does not match certificate)|",
            "does not match certificate's|altname_invalid|err_cert|",
            r"cannot verify \S+ certificate|certificate.{0,40}not trusted|",
            "certificate verification failed|certificate subject name|no subject alternative|",
            "certificate validation|certpathvalidat",
        ),
    )
        .means(C::Network, "tls_certificate", R::No)
        .because("the certificate is expired, not trusted or for another name; somebody has to renew it")
        .rank(rank::SPECIAL)
        .like(&[
            "curl: (60) SSL certificate problem: self-signed certificate",
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
        ]),
    on(
        &[
            "certificate required", "no required ssl certificate", "certificate_required",
            "bad_certificate", "alert bad certificate", "bad certificate", "client certificate",
        ],
        concat!(
            "certificate[_ ]required|no required ssl certificate|bad[_ ]certificate|",
            "client certificate (?:is )?(?:required|needed|missing)",
        ),
    )
        .means(C::Network, "tls_client_cert", R::No)
        .because("the server wants a certificate of ours")
        .rank(rank::SPECIAL)
        .like(&[
            "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0",
        ]),
    on(
        &[
            "unsupported protocol", "unsupported_protocol", "alert protocol version",
            "protocol_version", "no protocols available", "no shared cipher", "no cipher",
            "handshake failure", "handshake_failure", "wrong version number",
            "wrong_version_number", "http request was sent to https", "version_or_cipher_mismatch",
            "no appropriate protocol", "packet length too long",
            "first record does not look like a tls",
        ],
        concat!(
            "(?:ssl|tls|handshake|openssl|alert|protocol).{0,120}|no appropriate protocol|",
            "cipher|wrong version number",
        ),
    )
        .means(C::Network, "tls_protocol", R::No)
        .because("both sides have no version or cipher in common")
        .rank(rank::CAUSE + 4)
        .like(&[
            "curl: (35) OpenSSL/3.0.11: error:0A000102:SSL routines::unsupported protocol",
            "sslv3 alert handshake failure",
        ]),
    on(
        &[
            "unexpected eof while reading", "ssl_error_syscall", "unexpected_eof",
            "non-properly terminated", "gnutls_handshake", "before secure tls connection",
            "terminated the handshake", "handshake failed", "handshake error", "handshake timeout",
            "tls handshake", "ssl handshake", "sslhandshake", "ssl_connect", "sslerror",
            "ssl error", "sslexception", "err_ssl_protocol_error", "tls error", "ssleoferror",
            "unable to establish ssl",
        ],
        "",
    )
        .means(C::Network, "tls_handshake", R::Yes)
        .because("the handshake broke off, as at a server under load")
        .rank(rank::CAUSE - 2)
        .like(&[
            "curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to h:443",
            "fatal: gnutls_handshake() failed: The TLS connection was non-properly terminated.",
        ]),
];
