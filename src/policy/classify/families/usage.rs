//! Usage and configuration: the command was called wrongly, or is set up wrongly.

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
            "unrecognized option", "unrecognized vm option", "unrecognized command-line option",
            "invalid command", "has no command named", "missing script",
            "could not determine executable", "no tracking information", "old option",
            "you must specify one of", "cowardly refusing", "unknown filesystem type",
            "not mounted", "invalid maximum heap", "invalid initial heap", "target \"",
            "unrecognised option", "unknown option", "invalid option", "illegal option",
            "no such option", "unexpected argument", "unrecognized argument", "unknown argument",
            "unknown flag", "unknown shorthand", "flag provided but not defined", "unknown switch",
            "bad option", "unknown parameter", "unknown command", "no such command",
            "unknown subcommand", "unrecognized subcommand", "is not a git command",
            "invalid choice", "unknown or unexpected option", "unrecognized command",
            "unknown primary", "unknown predicate", "is not a valid command", "no such subcommand",
            "not a valid subcommand", "requires an argument", "missing operand", "missing argument",
            "missing required", "too few arguments", "too many arguments",
            "the following arguments are required", "the following required arguments",
            "requires at least", "requires exactly", "expected one argument", "option requires",
            "accepts 1 arg", "required flag", "extra operand", "must be specified",
            "missing parameter", "option not recognized", "Unbekannte Option", "ungültige Option",
            "option invalide", "opción inválida", "opción no reconocida", "opzione non valida",
            "opção inválida", "nieprawidłowa opcja", "option non reconnue", "Unbekannte option",
            "no default push", "has no upstream branch", "no configured push destination",
            "No se ha configurado un destino", "unknown suffix", "fehlender Operand",
            "opérande manquant", "falta un operando",
        ],
        concat!(
            "(?:unrecogni[sz]ed|unknown|invalid|illegal|unexpected|bad|no such|",
            "undefined) (?:or unexpected |vm |command[- ]line )?(?:option|argument|flag|",
            "shorthand|switch|command|subcommand|choice|primary|predicate|parameter)|",
            "flag provided but not defined|has no command named|missing script|",
            "could not determine executable|no tracking information|must specify one of|",
            "cowardly refusing|unknown filesystem type|: not mounted|invalid (?:maximum|",
            r"initial) heap|^target \x22\S+\x22 does not exist|old option|is not a (?:git|",
            "valid) (?:sub)?command|requires (?:an argument|at least|exactly)|",
            "missing (?:file )?(?:operand|argument|required|parameter)|too (?:few|",
            "many) arguments|following (?:required )?arguments|expected (?:one|",
            r"at least one) argument|accepts \d arg|required flag|extra operand|",
            r"option\b.{0,40}(?:requires|not recogni[sz]ed)|no configured push|has no upstream|",
            r"destino para el empuje|unknown suffix|must be specified|option|opci|op\xc3|opera|",
            r"op\xc3\xa9rande",
        ),
    )
        .means(C::Validation, "usage", R::No)
        .because("the program does not know an option that it was given")
        .rank(rank::STATEMENT + 5)
        .like(&[
            "error: unexpected argument '--relase' found",
            "git: 'comit' is not a git command. See 'git --help'.",
            "rsync: --archvie: unknown option",
        ]),
    on(&["usage:"], "^usage: ")
        .means(C::Validation, "usage", R::No)
        .because("the program answers with the way it wants to be called")
        .rank(rank::CONSEQUENCE)
        .like(&["usage: tool [-h] FILE"]),
    on(
        &["invalid", "ungültig", "invalide", "inválid", "non valido", "nieprawidłow"],
        concat!(
            r"\binvalid \w+(?: \w+)? (?:specified|name specified|given)\b|",
            r"invalid (?:--?[\w-]+ )?(?:argument|value|parameter|input|mode|user|group|number|",
            "line count|date|time|suffix|range|syntax|format|spec|url|uri|path|name|reference|",
            r"regex\w*|pattern|field|character|byte|type|signal|file descriptor|filter|",
            r"selector|setting|config\w*|literal|json|yaml|toml|xml|duration|port|email|",
            "address|key|request|escape|token|scheme|expression|encoding|identifier|",
            "requirement|length|unit|zone|timezone|locale|instruction|manifest|workflow)|",
            r"is (?:not a valid|invalid)|is not valid\b|\bing\xc3|ung\xc3|inv\xc3|invalide|",
            "non valido|nieprawid",
        ),
    )
        .means(C::Validation, "usage", R::No)
        .because("the program refuses a value that it was given")
        .rank(rank::KIND + 3)
        .refined(|draft, _, evidence| {
            let line = evidence.line(draft.line_number).to_ascii_lowercase();
            if ["date", "json", "yaml", "toml", "xml", "byte", "encoding", "literal", "requirement", "character", "format", "manifest", "token", "utf"].iter().any(|word| line.contains(word)) {
                draft.pattern = "malformed_input";
            }
            true
        })
        .like(&["sort: invalid --parallel argument 'x'", "date: invalid date 'yesterdayy 10:00'"]),
    on(
        &[
            "url must include", "must be one of", "must be a", "must be an", "should be",
            "expected one of", "is required", "not allowed", "must not", "malformed",
            "no scheme supplied", "missing scheme", "url using bad", "unsupported scheme",
            "unsupported protocol", "could not parse", "bad/illegal format",
        ],
        concat!(
            r"url must include|must be (?:one of|an? )|expected one of|\b(?:is|are) required\b|",
            "malformed|no scheme supplied|missing scheme|url using bad|",
            "unsupported (?:url )?(?:scheme|protocol)|could not parse",
        ),
    )
        .means(C::Validation, "usage", R::No)
        .because("the program says what it would accept instead")
        .rank(rank::KIND + 1)
        .like(&["ValueError: URL must include a 'scheme', 'host', and 'port' component"]),
    on(
        &[
            "configuration", "config", "environment variable", "lock file", "profile",
            "context was not found", "module/action", "app.yaml", "undefined variable",
            "undeclared", "unsupported argument", "unsupported block", "failed to find attribute",
            "failed to find application", "app failed to load", "directive", "could not be parsed",
        ],
        concat!(
            "(?:error|invalid|bad|wrong|missing|unsupported|unknown|",
            r"incorrect)[\w ]{0,20} (?:in |the )?config(?:uration)?\b|",
            "config(?:uration)? (?:error|is invalid|is missing|validation|invalid)|",
            r"(?:required |missing )?environment variable \S+ (?:is )?(?:not set|missing|",
            "required|must be set)|(?:missing|required) environment variable|cannot (?:create|",
            r"update) the lock ?file \S+ because|config profile \(?\S+ could not be found|",
            r"profile \S+ (?:could not be found|not found|does not exist)|",
            "context was not found|couldn't resolve module/action|unsupported (?:argument|",
            "block)|failed to find (?:attribute|application)|unknown directive|",
            "directive .{0,40}(?:not allowed|unknown|invalid)|undeclared (?:resource|input|",
            r#"variable)|configerror|configparser\.|unknown \"\w+\" variable"#,
        ),
    )
        .means(C::Validation, "config_error", R::No)
        .because("a setting is missing or not accepted")
        .rank(rank::STATEMENT + 6)
        .like(&[
            "Error in configuration: context was not found for specified context: staging",
            "error: cannot create the lock file /x/Cargo.lock because --locked was passed to prevent this",
            "nginx: [emerg] unknown directive \"servr\" in /etc/nginx.conf:3",
        ]),
    on(&["keyerror:"], "^keyerror: '(?P<variable>[A-Z][A-Z0-9_]{2,})'$")
        .means(C::Validation, "config_error", R::No)
        .because("a variable of the environment is not set")
        .rank(rank::CAUSE)
        .of_faults()
        .within("environ")
        .like(&["KeyError: 'DATABASE_URL'"]),
    on(
        &["unbound variable", "parameter not set", "parameter null or not set"],
        r"[\w]+: (?:unbound variable|parameter (?:null or )?not set)",
    )
        .means(C::Validation, "config_error", R::No)
        .because("the script wants a variable that is not set")
        .rank(rank::PROOF)
        .like(&["run.sh: line 3: API_URL: unbound variable"]),
    on(
        &[
            "patch does not apply", "patch failed", "does not apply to", "hunk #", "merge conflict",
            "conflict (", "could not apply", "automatic merge failed", "non-fast-forward",
            "fetch first", "would be overwritten by", "unmerged", "not possible because you have",
            "diverging", "diverged", "need to specify how to reconcile", "refusing to merge",
            "rejected]", "container is running", "is in use by", "is being used by",
            "has active endpoints", "has dependent", "stop the container", "nothing to commit", "empty commit", "uncommitted changes",
            "unstaged changes",
        ],
        concat!(
            r"patch (?:does not apply|failed)|hunk #\d+ failed|merge conflict|^conflict \(|",
            r"could not apply|automatic merge failed|non-fast-forward|\(fetch first\)|",
            "would be overwritten by|unmerged (?:files|paths)|unmerged|diverg|reconcile|",
            "(?:cannot|can't|unable to) (?:remove|delete|drop|destroy).{0,120}(?:is running|",
            "in use|being used|has dependent|active endpoints|depend on it)|",
            r"refusing to merge|\[(?:remote )?rejected\]|uncommitted changes|unstaged changes",
        ),
    )
        .means(C::Validation, "conflict", R::No)
        .because("two states do not fit together; somebody has to merge them or to choose")
        .like(&["error: patch failed: a.txt:1", " ! [rejected]        main -> main (fetch first)"]),
    on(
        &[
            "[emerg]", "tell me who you are", "identity unknown", "auto-detect email address",
            "config file error", "configuration file /", "pyproject.toml changed",
            "are not in sync", "out of sync", "outdated_lockfile", "frozen-lockfile", "lockfile",
            "lock file", "can't find in /etc/fstab", "syntax is invalid", "configtest",
        ],
        concat!(
            "tell me who you are|identity unknown|auto-detect email|",
            r"\[emerg\]|config file error|pyproject\.toml changed|are not in sync|out of sync|",
            r"outdated_lockfile|in /etc/fstab|frozen-lockfile|\block ?file\b.{0,60}(?:out of date|",
            "outdated|not up.to.date|needs? (?:to be )?updat|would have been modified)",
        ),
    )
        .means(C::Validation, "config_error", R::No)
        .because("the server refuses its own configuration")
        .rank(rank::STATEMENT + 7)
        .refined(|draft, _, evidence| !evidence.line(draft.line_number).contains("failed ("))
        .like(&[
            "nginx: [emerg] unexpected end of file, expecting \";\" or \"}\" in /etc/nginx/nginx.conf:9",
        ]),
    on(
        &[
            "missing required argument", "missing name for", "unsupported block",
            "unclosed configuration block", "argument or block definition",
            "reference to undeclared", "no value for required variable", "invalid reference",
            "missing newline after", "invalid block", "duplicate resource", "invalid expression",
            "missing attribute", "extraneous label", "invalid value for",
            "incorrect attribute value", "unsupported attribute", "unterminated template", "cycle:",
        ],
        concat!(
            r"^\W*(?:error: )?(?:missing (?:required argument|name for|newline after|",
            "attribute)|unsupported (?:block|attribute)|unclosed configuration block|",
            "argument or block definition|reference to undeclared|",
            "no value for required variable|invalid (?:reference|block|expression|value for)|",
            "duplicate resource|extraneous label|incorrect attribute value|",
            "unterminated template|cycle:)",
        ),
    )
        .means(C::Validation, "config_error", R::No)
        .because("the configuration lacks something or holds something unknown")
        .rank(rank::STATEMENT + 5)
        .like(&["\u{2502} Error: Reference to undeclared resource"]),
    on(
        &["card was declined", "card_declined", "insufficient funds", "your card"],
        "card (?:was|has been) declined|card_declined|insufficient funds|your card",
    )
        .means(C::Validation, "card_declined", R::No)
        .because("the bank refuses the card")
        .rank(rank::SPECIAL)
        .like(&["stripe.error.CardError: Your card was declined."]),
];
