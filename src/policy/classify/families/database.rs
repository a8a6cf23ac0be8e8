//! Databases: what they do not have, what their rules forbid, what they cannot take at the moment.

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
            "relation \"", "column ", "table ", "database \"", "unknown database", "unknown column",
            "unknown table", "no such table", "no such column", "undefinedtable", "undefinedcolumn",
            "collection", "index_not_found", "no such index", "ora-00942", "role \"", "schema \"",
            "function ", "type \"", "table or view", "tablenotfound", "no such collection",
            "namespace not found", "table_or_view_not_found", "table or view", "invalid object name", "key does not exist", "no such key",
            "ns not found",
        ],
        concat!(
            r"\b(?:relation|column|table|database|role|schema|function|type|view|sequence|",
            "index|extension|",
            r#"collection) ["'`]?[\w.$-]*["'`]?(?:\.\S+)?(?:\([^)]*\))? (?:of relation \S+ )?(?:does not exist|"#,
            "doesn't exist|not found|cannot be found|could not be found)|table_or_view_not_found|",
            "(?:relation|column|table|database|role|schema) does not exist|",
            r"unknown (?:database|column|table)|no such (?:table|",
            "column|index|collection|function|view)|undefined(?:table|column)|index_not_found|",
            r"ora-00942|table or view (?:not found|does not exist)|tables?: \S+ not found|",
            "invalid object name|ns not found",
        ),
    )
        .means(C::NotFound, "database_object", R::No)
        .because("the server answers that it has no such table, column or database")
        .rank(rank::SPECIAL)
        .like(&[
            "ERROR:  relation \"custmers\" does not exist",
            "Error: in prepare, no such table: users",
            "ERROR 1146 (42S02) at line 1: Table 'shop.invoices' doesn't exist",
        ]),
    on(
        &[
            "violates", "duplicate entry", "duplicate key", "constraint failed",
            "constraint violation", "integrityerror", "foreign key constraint", "cannot be null",
            "uniqueviolation", "notnullviolation", "e11000", "integrity constraint",
            "doesn't have a default value", "data too long for column", "out of range value",
            "value too long for type", "create unique index", "is duplicated",
        ],
        concat!(
            r"violates (?:\S+ )?(?:\S+ )?constraint|duplicate (?:entry|key)|",
            r"could not create unique index|^detail: +key \(.*is duplicated|",
            "constraint (?:failed|violation)|integrityerror|foreign key constraint|",
            r"column '\S+' cannot be null|(?:unique|notnull|check|foreignkey)violation|e11000|",
            "default value|too long for (?:column|type)|out of range value",
        ),
    )
        .means(C::Validation, "constraint_violation", R::No)
        .because("the row breaks a rule of the schema")
        .rank(rank::SPECIAL)
        .like(&[
            "ERROR:  new row for relation \"users\" violates check constraint \"c\"",
            "ERROR 1062 (23000) at line 1: Duplicate entry '1' for key 'PRIMARY'",
        ]),
    on(
        &[
            "too many connections", "too many clients", "remaining connection slots",
            "max number of clients", "max_connections", "max_user_connections",
            "connection limit exceeded", "maxclientsinsession",
        ],
        "",
    )
        .means(C::ServerError, "too_many_connections", R::Yes)
        .because("the server is full at the moment; others will leave")
        .rank(rank::SPECIAL + 2)
        .like(&[
            "FATAL:  sorry, too many clients already",
            "ERROR 1040 (HY000): Too many connections",
        ]),
    on(
        &[
            "starting up", "is loading the dataset", "shutting down", "in recovery mode",
            "not primary", "readonly you can't write", "clusterdown", "masterdown", "is not ready",
            "leader election", "no leader", "tryagain ", "notwriteable", "not master",
        ],
        concat!(
            "(?:database system|server|service|node|cluster|broker) is (?:starting up|",
            "shutting down|in recovery|not ready)|loading (?:redis|the dataset)|",
            r"not (?:primary|master)\b|clusterdown|masterdown|^tryagain",
        ),
    )
        .means(C::ServerError, "not_ready", R::Yes)
        .because("the server is there and says that it is about to start or to stop")
        .rank(rank::CAUSE)
        .like(&[
            "FATAL:  the database system is starting up",
            "LOADING Redis is loading the dataset in memory",
        ]),
    on(
        &[
            "deadlock", "could not serialize access", "serialization failure", "write conflict",
            "try restarting transaction",
        ],
        concat!(
            "deadlock (?:found|detected)|could not serialize|serialization failure|",
            "write ?conflict|deadlock victim",
        ),
    )
        .means(C::Resource, "busy", R::Yes)
        .because("two transactions were in each other's way; one was sent back to try again")
        .rank(rank::SPECIAL)
        .like(&[
            "ERROR:  deadlock detected",
            "ERROR 1213 (40001): Deadlock found when trying to get lock; try restarting transaction",
        ]),
    on(&["database is locked", "database table is locked", "sqlite_busy"], "")
        .means(C::Resource, "busy", R::Yes)
        .because("another process holds the database at the moment")
        .rank(rank::SPECIAL)
        .like(&["sqlite3.OperationalError: database is locked"]),
    on(
        &[
            "oom command not allowed", "maxmemory", "max_memory", "out of shared memory",
            "cannot allocate memory for",
        ],
        "oom command not allowed|used memory > 'maxmemory'|out of shared memory",
    )
        .means(C::ServerError, "server_memory", R::AfterFix)
        .because("the server is at its own memory limit")
        .rank(rank::PROOF)
        .like(&["OOM command not allowed when used memory > 'maxmemory'."]),
    on(&["database or disk is full"], "")
        .means(C::Resource, "disk_full", R::AfterFix)
        .because("the disk below the database is full")
        .rank(rank::SPECIAL)
        .like(&["Error: stepping, database or disk is full (13)"]),
    on(
        &[
            "attempt to write a readonly database", "readonly database", "read-only transaction",
            "cannot execute",
        ],
        r"readonly database|cannot execute \w+ in a read-only transaction",
    )
        .means(C::Resource, "read_only", R::AfterFix)
        .because("the database may only be read here")
        .rank(rank::SPECIAL)
        .like(&["Error: stepping, attempt to write a readonly database (8)"]),
    on(
        &["unable to open database", "unable to open the database"],
        r#"unable to open (?:the )?database(?: file)?(?: "?(?P<path>[^":]+)"?)?"#,
    )
        .means(C::Resource, "missing_path", R::AfterFix)
        .because("the file of the database cannot be opened where it should be made")
        .rank(rank::SPECIAL)
        .like(&["Error: unable to open database \"data/app.db\": unable to open database file"]),
    on(
        &[
            "wrongtype ", "you have an error in your sql syntax", "syntax error at or near",
            "near \"", "invalid input syntax", "wrong number of arguments",
            "unterminated quoted string", "incorrect integer value", "datatype mismatch",
            "incomplete input", "err unknown command", "undefinedfunction",
            "operator does not exist", "division by zero", "err syntax",
            "date/time field value out of range", "cannot cast",
        ],
        concat!(
            r"^\(?(?:error\)? )?wrongtype|error in your sql syntax|syntax error at or near|",
            r#"near "[^"]*": syntax error|invalid input syntax|err wrong number of arguments|"#,
            r"unterminated quoted string|incorrect \w+ value|datatype mismatch|",
            "incomplete input|err unknown command|operator does not exist|",
            r"^(?:psql:\S+ )?error: +division by zero|err syntax|field value out of range|",
            "cannot cast",
        ),
    )
        .means(C::Validation, "malformed_input", R::No)
        .because("the server cannot read the statement")
        .rank(rank::CAUSE)
        .like(&[
            "ERROR:  syntax error at or near \"selct\"",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ]),
    on(&["no matching tables were found", "no matching schemas were found"], "")
        .means(C::NotFound, "database_object", R::No)
        .because("the dump was asked for something that the database does not hold")
        .like(&["pg_dump: error: no matching tables were found"]),
];
