//! Data that cannot be read as what it should be: documents, configuration files, schemas, encodings.
//! Source code that does not parse is in `code`, damaged archives in `corruption`.

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
            "yaml", "scannererror", "parsererror", "composererror",
            "mapping values are not allowed", "found character that cannot start",
            "did not find expected",
        ],
        concat!(
            r"yaml(?:\.\w+)*\.?(?:scanner|parser|composer|constructor)?(?:error|exception)|",
            "yaml: |error (?:parsing|converting|loading|unmarshaling).{0,30}yaml|",
            "mapping values are not allowed|cannot start any token|did not find expected|",
            r"yaml: line \d+",
        ),
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("a YAML parser names the line it cannot read")
        .rank(rank::CAUSE)
        .like(&[
            "error: error loading config file \"kc.yml\": yaml: line 2: mapping values are not allowed in this context",
        ]),
    on(
        &[
            "json", "unexpected token", "unexpected end of json", "parse error:", "expecting value",
            "extra data: line", "expecting property name", "unterminated string",
            "invalid character '",
        ],
        concat!(
            r"json(?:\.\w+)*\.?decodeerror|json\.(?:parser)?error|unexpected (?:token|end of|",
            "non-whitespace).{0,60}json|invalid json|(?:error|failed|cannot|could not|",
            r"unable).{0,30}(?:pars|decod|deseriali|unmarshal)\w* .{0,20}json|parse error: |",
            "expecting (?:value|property name)|extra data: line|",
            "invalid character '.{1,6}' (?:looking for|after|in)|json ?parse ?(?:error|",
            "exception)|jsonsyntax|json (?:syntax|parse) error|jsonpath|mismatchedinput|",
            "ejsonparse|in json at|json::parsererror|unexpected end of json|not valid json",
        ),
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("a JSON parser names the place it cannot read")
        .rank(rank::STATEMENT + 5)
        .like(&[
            "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
            "jq: error: parse error: Invalid numeric literal at line 1, column 8",
        ]),
    on(
        &[
            "unicodedecodeerror", "unicodeencodeerror", "can't decode byte",
            "invalid byte sequence", "invalid utf-8", "invalid multibyte", "illegal byte sequence",
            "malformed utf-8", "did not contain valid utf-8", "malformedinput",
            "unmappable character", "incompatible character encodings",
        ],
        "",
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("the bytes are not in the encoding that the program expects")
        .rank(rank::CAUSE)
        .like(&[
            "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9 in position 3: invalid continuation byte",
        ]),
    on(
        &[
            "parser error", "not well-formed", "xmlsyntaxerror", "expat", "parse error", "parsing error", "saxparse", "premature end of data",
            "mismatched tag", "toml", "unexpected eof", "parseerror", "parse exception",
        ],
        concat!(
            "parser error :|not well-formed|xmlsyntaxerror|saxparseexception|",
            r"premature end of data|mismatched tag|toml(?:\.\w+)*(?:decodeerror|parse error)|",
            r"toml parse error|(?:parse|parsing) error (?:at|in|on|near) |expat\w*error",
        ),
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("an XML parser stopped at its input")
        .rank(rank::STATEMENT + 4)
        .like(&[
            "a.xml:1: parser error : Opening and ending tag mismatch: b line 1 and a",
            "TOML parse error at line 1, column 5",
        ]),
    on(
        &[
            "validation error", "validationerror", "schema", "is invalid because",
            "unsupported config option", "additional properties", "instancepath", "is not of type",
            "required property", "must be integer", "must be string", "must have required",
            "field required", "unknown field", "missing field", "unknown variant", "invalid type:",
            "unexpected keyword", "does not match the schema", "additional property",
            "failed validation",
        ],
        concat!(
            r"\d+ validation errors? for|validationerror|schema (?:validation|error|violation)|",
            "is invalid because|unsupported config option|additional propert|instancepath|",
            "is not of type|is a required property|must (?:be|have required) (?:integer|",
            r#"string|number|boolean|object|array|property)|field required|unknown field ["'`]|"#,
            r#"missing field ["'`]|unknown variant|invalid type: |does not match the schema|"#,
            "failed validation|error validating data",
        ),
    )
        .means(C::Validation, "schema_error", R::No)
        .because("the document parses but does not fit its schema")
        .rank(rank::STATEMENT + 6)
        .like(&[
            "pydantic_core._pydantic_core.ValidationError: 2 validation errors for U",
            "The Compose file './docker-compose.yml' is invalid because:",
        ]),
    on(
        &[
            "emergency stop", "undefined control sequence", "latex error", "! missing",
            "runaway argument", "unrecoverable error, exit code", "tex capacity exceeded",
            "/undefined in", "/syntaxerror in",
        ],
        concat!(
            "^! (?:undefined control|missing |latex error|emergency stop|tex capacity|extra|",
            "misplaced|argument of)|runaway argument|unrecoverable error, exit code|",
            "error: /(?:undefined|syntaxerror) in",
        ),
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("TeX stopped at a line of the document")
        .rank(rank::KIND + 5)
        .like(&["! Undefined control sequence."]),
    on(
        &[
            "bad minute", "bad hour", "bad day", "bad month", "errors in crontab",
            "syntax error in line", "error in line", "parse failure", "bad format", "malformed",
            "unparsable", "could not be parsed", "unable to parse", "cannot parse", "can't parse",
            "failed to parse", "error parsing", "error while parsing", "cannot unmarshal",
            "error decoding", "failed to decode", "unable to decode", "could not decode",
            "error loading config", "syntax error",
        ],
        concat!(
            "bad (?:minute|hour|day|month|day-of)|errors in crontab|syntax error in line|",
            "parse failure|bad format|malformed|unparsable|(?:unable to|cannot|can't|",
            "could not|failed to|error|error while) (?:be )?(?:pars|decod)|cannot unmarshal|",
            "error loading config|: syntax error (?:in|at|on|near) ?(?:line|input|'|char|",
            "position|token)",
        ),
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("cron refuses a line of the table")
        .rank(rank::STATEMENT)
        .like(&["\"jobs.cron\":0: bad minute", "Error: g.dot: syntax error in line 2"]),
    on(
        &["\\r':", "\\r: ", "^m: ", "bad interpreter"],
        concat!(
            r"bad interpreter: \S+(?:\^M|\\r)|\$'\\r'|\^M: (?:no such|bad)|",
            r"\\r'?: (?:no such file|command not found)",
        ),
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("a line ending of another system became part of a name")
        .rank(rank::PROOF)
        .like(&[
            "zsh:1: ./run.sh: bad interpreter: /bin/bash^M: no such file or directory",
            "env: 'bash\\r': No such file or directory",
        ]),
    on(
        &[
            "unterminated address", "unknown command: '", "unterminated `s'", "unmatched",
            "unterminated", "-e expression #", "invalid preceding regular",
            "backslash not last character", "awk:", "awk: line",
        ],
        concat!(
            r"-e expression #\d+|unmatched [(\[{\\]|unterminated (?:address|`s'|regex)|",
            r"invalid preceding regular|trailing backslash|awk: (?:.*syntax error|line \d+: (?:missing|unexpected|unterminated))",
        ),
    )
        .means(C::Validation, "usage", R::No)
        .because("an editor's script does not parse")
        .rank(rank::STATEMENT + 4)
        .like(&["sed: -e expression #1, char 5: unterminated `s' command"]),
    on(
        &[
            "no start line", "unable to load", "could not read certificate",
            "could not read private key", "bad magic number", "no supported data to decode",
            "could not read key",
        ],
        concat!(
            "no start line|unable to load (?:certificate|(?:private |public )?key)|",
            "could not read (?:certificate|(?:private |public )?key)|",
            "^(?:error )?bad magic number|no supported data to decode",
        ),
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("the file does not hold the key or certificate that it should")
        .rank(rank::STATEMENT + 3)
        .like(&["Unable to load certificate"]),
    on(
        &[
            "cannot iterate over", "cannot index ", "cannot be parsed as a number",
            "invalid numeric literal", "compile error",
        ],
        r"jq: (?:error|\d+ compile error)",
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("the value has another type than the filter expects")
        .like(&["jq: error (at <stdin>:1): Cannot iterate over null (null)"]),
    on(
        &["missing separator", "mixed implicit", "commands commence before"],
        r"\*\*\* (?:missing separator|mixed implicit|\w+ commence before)",
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("make cannot read its own makefile")
        .like(&["Makefile:2: *** missing separator.  Stop."]),
];
