//! On which port a program's peer listens where nothing says otherwise.

/// Programs, by their base names, and the ports of what they talk to.
const BY_TOOL: &[(&[&str], &[u16])] = &[
    (
        &[
            "psql",
            "pg_dump",
            "pg_dumpall",
            "pg_restore",
            "pg_isready",
            "createdb",
            "dropdb",
            "vacuumdb",
            "pg_basebackup",
        ],
        &[5432],
    ),
    (
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mariadb",
            "mariadb-dump",
        ],
        &[3306],
    ),
    (&["redis-cli", "valkey-cli"], &[6379]),
    (
        &[
            "ssh",
            "scp",
            "sftp",
            "rsync",
            "ssh-copy-id",
            "borg",
            "sshfs",
        ],
        &[22],
    ),
    (&["git"], &[443, 22, 80]),
    (&["curl", "wget", "http", "xh", "aria2c"], &[443, 80]),
    (&["swaks", "msmtp", "sendmail"], &[25, 587, 465]),
    (&["ldapsearch", "ldapadd", "ldapmodify"], &[389, 636]),
    (
        &[
            "mongo",
            "mongosh",
            "mongodump",
            "mongorestore",
            "mongoexport",
        ],
        &[27017],
    ),
    (&["rabbitmqadmin"], &[15672]),
    (&["ftp", "lftp"], &[21]),
    (&["sqlcmd", "bcp"], &[1433]),
    (&["sqlplus"], &[1521]),
    (&["kubectl"], &[6443, 443]),
    (&["cqlsh"], &[9042]),
    (&["clickhouse-client"], &[9000]),
    (&["nfs", "mount.nfs"], &[2049]),
    (&["smbclient", "mount.cifs"], &[445]),
];

/// Schemes of addresses and their ports.
const BY_SCHEME: &[(&str, u16)] = &[
    ("http", 80),
    ("https", 443),
    ("ws", 80),
    ("wss", 443),
    ("ftp", 21),
    ("ssh", 22),
    ("sftp", 22),
    ("git", 9418),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("mysql", 3306),
    ("mariadb", 3306),
    ("redis", 6379),
    ("rediss", 6379),
    ("valkey", 6379),
    ("mongodb", 27017),
    ("amqp", 5672),
    ("amqps", 5671),
    ("ldap", 389),
    ("ldaps", 636),
    ("smtp", 25),
    ("smtps", 465),
    ("imap", 143),
    ("imaps", 993),
    ("mqtt", 1883),
    ("mqtts", 8883),
    ("nats", 4222),
    ("kafka", 9092),
    ("rsync", 873),
    ("svn", 3690),
    ("clickhouse", 9000),
    ("memcached", 11211),
    ("grpc", 443),
];

/// What names of variables such as `PGHOST` begin with, and the port of what they name.
const BY_VARIABLE: &[(&str, u16)] = &[
    ("PG", 5432),
    ("POSTGRES", 5432),
    ("MYSQL", 3306),
    ("MARIADB", 3306),
    ("REDIS", 6379),
    ("MONGO", 27017),
    ("AMQP", 5672),
    ("RABBITMQ", 5672),
    ("SMTP", 25),
    ("MAIL", 25),
    ("LDAP", 389),
    ("KAFKA", 9092),
    ("ELASTIC", 9200),
    ("MEMCACHE", 11211),
    ("SSH", 22),
    ("FTP", 21),
    ("NATS", 4222),
    ("MQTT", 1883),
    ("CASSANDRA", 9042),
];

/// The ports that a program talks to.
pub(super) fn of_tool(name: &str) -> &'static [u16] {
    BY_TOOL
        .iter()
        .find(|(names, _)| names.contains(&name))
        .map_or(&[], |(_, ports)| ports)
}

/// The port of a scheme, such as `https`; a dialect such as `postgresql+psycopg2` counts as its first part.
pub(super) fn of_scheme(scheme: &str) -> Option<u16> {
    let scheme = scheme
        .split('+')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    BY_SCHEME
        .iter()
        .find(|(known, _)| *known == scheme)
        .map(|(_, port)| *port)
}

/// The port of what a variable of this name holds the host of.
pub(super) fn of_variable(name: &str) -> Option<u16> {
    BY_VARIABLE
        .iter()
        .find(|(start, _)| name.starts_with(start))
        .map(|(_, port)| *port)
}
