//! The way to a peer: names, routes, refusals, broken connections. Certificates are in `tls`.

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
            "connection refused", "ECONNREFUSED", "connection was refused", "actively refused",
            "connectionrefused", "err_connection_refused", "Verbindungsaufbau abgelehnt",
            "Verbindung verweigert", "Connexion refusée", "Conexión rehusada", "Conexión rechazada",
            "Connessione rifiutata", "Conexão recusada", "Ligação recusada", "Połączenie odrzucone",
            "Verbinding is geweigerd", "В соединении отказано", "接続を拒否されました", "拒绝连接", "连接被拒绝",
            "Förbindelse vägras", "Spojení odmítnuto", "Bağlantı reddedildi", "연결이 거부됨",
            "connect call failed",
        ],
        "",
    )
        .means(C::Network, "connection_refused", R::Yes)
        .because("the host answered that nobody listens at that port")
        .rank(rank::CAUSE)
        .like(&[
            "nc: connect to 127.0.0.1 port 9914 (tcp) failed: Connection refused",
            "Error: connect ECONNREFUSED 127.0.0.1:9994",
        ]),
    on(
        &[
            "through socket", "on socket", "is the docker daemon running",
            "connect to the docker daemon", "is the server running", "connect to local mysql",
            "connect to local server", "cannot connect to the docker", "cannot connect to podman",
        ],
        concat!(
            "can't connect to local .{0,24}server through socket '(?P<path>[^']+)'|",
            r#"connection to server on socket "(?P<path2>[^"]+)" failed: no such file|"#,
            "connect to the docker daemon|cannot connect to podman",
        ),
    )
        .means(C::Network, "connection_refused", R::Yes)
        .because("nobody listens at the local socket: the service is down")
        .rank(rank::SPECIAL)
        .like(&[
            "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)",
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        ]),
    on(
        &[
            "can't connect to", "could not connect", "couldn't connect", "failed to connect",
            "unable to connect", "cannot connect to", "failed to establish a new connection",
            "connection failed", "failed connecting", "error connecting", "connect error",
            "connection error", "connecterror", "connectionerror", "connectexception",
            "connection could not be established", "no connection could be made",
            "receiving data from the peer", "sending data to the peer", "sending data to the peer",
        ],
        concat!(
            "(?:can't|could ?n[o']t|cannot|failed to|unable to) connect|",
            r"failed to establish a new connection|\bconnection (?:failed|error)\b|",
            "failure when receiving data from the peer|failed sending data to the peer|",
            r"error connecting|connect(?:ion)?(?:error|exception)\b|no connection could be made",
        ),
    )
        .means(C::Network, "connect_failed", R::Yes)
        .because("the connection did not come about, for whatever reason")
        .rank(rank::STATEMENT - 5)
        .like(&[
            "fatal: unable to access 'https://h/': Failed to connect to h port 443 after 0 ms: Couldn't connect to server",
            "anthropic.APIConnectionError: Connection error.",
        ]),
    on(
        &[
            "can't connect to", "could not connect to the endpoint", "couldn't connect to server",
            "could not connect to redis",
        ],
        concat!(
            "can't connect to (?:mysql |mariadb )?server on|could not connect to the endpoint|",
            r"port \d+ after \d+ ms: couldn't connect to server|could not connect to redis",
        ),
    )
        .means(C::Network, "connection_refused", R::Yes)
        .because("these clients say so when they were refused")
        .rank(rank::CAUSE - 5)
        .like(&["ERROR 2002 (HY000): Can't connect to server on '127.0.0.1' (115)"]),
    on(
        &[
            "connection reset", "ECONNRESET", "err_connection_reset", "connectionreset",
            "reset by peer", "connection was reset",
            "Verbindung wurde vom Kommunikationspartner zurückgesetzt", "Connexion ré-initialisée",
            "Conexión reinicializada", "Connessione interrotta dal corrispondente",
            "Conexão fechada pela outra ponta", "zerwane przez drugą stronę",
            "разорвано другой стороной", "連接被對方重設", "连接被对方重设", "连接被对方重置", "接続が相手からリセットされました",
            "socket hang up", "broken pipe", "EPIPE", "connection was forcibly closed",
            "software caused connection abort", "ECONNABORTED",
        ],
        concat!(
            r"reset|econnaborted|zur\xc3|initialis|reinicial|interrotta|fechada|zerwane|\xd1|",
            r"\xe8|\xe5|\xe6|hang up|(?:client_loop|send|connection|ssh|socket|packet|write|",
            "http).{0,60}(?:broken pipe|epipe)|(?:broken pipe|epipe).{0,40}(?:connection|",
            "socket)|forcibly closed|connection abort",
        ),
    )
        .means(C::Network, "connection_reset", R::Yes)
        .because("the peer broke off a standing connection")
        .rank(rank::CAUSE)
        .like(&[
            "ConnectionResetError: [Errno 104] Connection reset by peer",
            "client_loop: send disconnect: Broken pipe",
        ]),
    on(
        &[
            "connection closed", "closed the connection", "connection was closed",
            "remote end closed", "remotedisconnected", "remote host closed", "unexpected eof",
            "premature", "incompleteread", "incomplete read", "early eof", "the remote end hung up",
            "empty reply from server", "transfer closed", "server closed", "eof occurred",
            "connection lost", "lost connection", "retrieval incomplete", "chunkedencodingerror",
            "unexpected disconnect", "connection terminated", "terminated by the other side",
            "connection unexpectedly closed", "disconnected", "connection was lost",
            "lost communication with the server", "err_empty_response", "other side closed",
            "stream was reset", "goaway", "und_err_socket", "response ended prematurely",
            "payload is not completed", "connection broken: ",
        ],
        concat!(
            r"connection (?:was |to \S+ )?closed|closed the connection|remote end closed|",
            "remotedisconnected|remote host closed|premature(?:ly)? (?:close|ended|",
            "end of (?:file|content|chunk|stream))|response ended prematurely|",
            "incomplete ?read|early eof|remote end hung up|empty reply|transfer closed|",
            "server closed|connection (?:was )?lost|lost communication with the server|",
            "lost connection|retrieval incomplete|unexpected disconnect|connection terminated|",
            "terminated by the other|unexpectedly closed|err_empty_response|other side closed|",
            "stream was reset|goaway|und_err_socket|payload is not completed|",
            "disconnected from|socket disconnected|(?:get|post|read|dial|http|",
            r"rpc)\b.*unexpected eof|connection broken: ",
        ),
    )
        .means(C::Network, "connection_closed", R::Yes)
        .because("the peer ended the conversation before it was complete")
        .rank(rank::STATEMENT)
        .like(&[
            "curl: (52) Empty reply from server",
            "urllib.error.ContentTooShortError: <urlopen error retrieval incomplete: got only 7 out of 10 bytes>",
            "fetch-pack: unexpected disconnect while reading sideband packet",
        ]),
    on(
        &[
            "could not resolve", "couldn't resolve", "name or service not known", "name resolution",
            "nodename nor servname", "ENOTFOUND", "eai_again", "eai_noname", "no such host",
            "unknown host", "unknownhost", "lookup error", "nxdomain", "name_not_resolved",
            "temporary failure resolving", "unable to resolve", "failed to lookup address",
            "name does not resolve", "no address associated", "failed to resolve",
            "unknown mysql server host", "could not translate host name", "getaddrinfo",
            "bad address '", "nameresolution", "cannot resolve host", "can't resolve host",
            "server can't find", "unknown server host", "host not found", "gaierror",
            "Name oder Dienst nicht bekannt", "Nom ou service inconnu",
            "Nombre o servicio desconocido", "Nome o servizio sconosciuto",
            "Nome ou serviço desconhecido", "Nieznana nazwa lub usługa",
            "Temporärer Fehler bei der Namensauflösung", "Échec temporaire dans la résolution",
            "Fallo temporal en la resolución", "имя или служба не известны", "未知的名称或服务",
            "名前またはサービスが不明です",
        ],
        concat!(
            "could ?n[o']t resolve (?:host|proxy)|name or service|(?:failure|",
            "error) in name resolution|nodename nor|getaddrinfo|enotfound|eai_(?:again|",
            "noname)|no such host|unknown ?host|lookup error|nxdomain|name_not_resolved|",
            "failure resolving|(?:unable|failed) to resolve (?:the )?(?:host|address|'|proxy|",
            "hostname)|failed to resolve|failed to lookup address|does not resolve|",
            "no address associated|unknown (?:mysql )?server host|translate host name|",
            "bad address '|nameresolution|can(?:not|'t) resolve host|server can't find|",
            r"host not found|gaierror|[^\x00-\x7f]|nom ou|nombre o|nome o|name oder|nazwa",
        ),
    )
        .means(C::Network, "dns_failure", R::Yes)
        .because("the name was not resolved; a resolver that is down says the same")
        .rank(rank::CAUSE + 2)
        .like(&[
            "curl: (6) Could not resolve host: h.example.org",
            "Error: getaddrinfo ENOTFOUND stock.example.org",
            "Unable to connect (Lookup error).",
        ]),
    on(
        &[
            "no route to host", "EHOSTUNREACH", "host is unreachable", "host unreachable",
            "Keine Route zum Zielrechner", "Aucun chemin d'accès pour atteindre",
            "No existe ninguna ruta hasta", "Nessun instradamento per l'host",
            "Não há rota para o host", "Brak trasy do", "没有到主机的路由", "ホストへの経路がありません",
            "err_address_unreachable",
        ],
        "",
    )
        .means(C::Network, "host_unreachable", R::Yes)
        .because("no router knows a way to the host at the moment")
        .rank(rank::CAUSE)
        .like(&["OSError: [Errno 113] No route to host"]),
    on(
        &[
            "network is unreachable", "ENETUNREACH", "network unreachable",
            "err_internet_disconnected", "err_network_changed", "Das Netzwerk ist nicht erreichbar",
            "Le réseau n'est pas accessible", "La red es inaccesible",
            "La rete non è raggiungibile", "A rede está fora de alcance", "Sieć jest niedostępna",
            "网络不可达", "ENETDOWN", "network is down",
        ],
        "",
    )
        .means(C::Network, "network_unreachable", R::Yes)
        .because("this machine has no way out at the moment")
        .rank(rank::CAUSE)
        .like(&["<urlopen error [Errno 101] Network is unreachable>"]),
    on(&["connection broken by"], "connection broken by '?(?:ConnectTimeout|ReadTimeout)")
        .means(C::Timeout, "read_timeout", R::Yes)
        .because("the index did not answer in time, and pip only says that it found nothing")
        .rank(rank::SPECIAL)
        .even_in_noise()
        .within("(from versions: none)")
        .like(&[
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'ReadTimeoutError(\"x: Read timed out. (read timeout=2.0)\")': /simple/x/ (from versions: none)",
        ]),
    on(
        &["connection broken by"],
        concat!(
            "connection broken by '?(?:NewConnection|Proxy|Protocol|Connection|Remote|",
            "NameResolution|IncompleteRead)",
        ),
    )
        .means(C::Network, "connection_refused", R::Yes)
        .because("the index was not reached, and pip only says that it found nothing")
        .rank(rank::SPECIAL)
        .even_in_noise()
        .within("(from versions: none)")
        .like(&[
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(\"[Errno 111] Connection refused\")': /simple/x/ (from versions: none)",
        ]),
    on(
        &["jsondecodeerror", "invalid json", "unexpected token '<'", "unexpected token <"],
        concat!(
            r"requests\.exceptions\.JSONDecodeError|unexpected token '?<'?.{0,60}(?:json|html|",
            "position 0)",
        ),
    )
        .means(C::Network, "bad_response", R::Yes)
        .because("a page of HTML came where data was expected, as from a broken gateway")
        .rank(rank::SPECIAL)
        .like(&["requests.exceptions.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"]),
    on(
        &[
            "bad response", "malformed response", "invalid response", "badstatusline",
            "protocol error", "http/0.9", "invalid http", "received http code",
            "weird server reply", "bad gateway response", "invalid chunk",
            "parse error: expected http", "unexpected response",
        ],
        concat!(
            r"badstatusline|http/0\.9|(?:malformed|invalid|unparsable) (?:http )?response|",
            "parse error: expected http|protocol error|weird server reply|invalid chunk",
        ),
    )
        .means(C::Network, "bad_response", R::Yes)
        .because("the answer is no answer of the protocol")
        .like(&["http.client.BadStatusLine: garbage"]),
    on(
        &[
            "kex_exchange_identification", "ssh_exchange_identification",
            "connection timed out during banner exchange",
        ],
        "exchange_identification: (?:connection|read)",
    )
        .means(C::Network, "connection_closed", R::Yes)
        .because("the SSH server hung up before it introduced itself, as a busy one does")
        .rank(rank::CAUSE)
        .like(&["kex_exchange_identification: Connection closed by remote host"]),
    on(
        &[
            "tunnel connection failed", "unable to connect to proxy", "proxyerror", "proxy connect",
            "err_proxy",
        ],
        concat!(
            "tunnel connection failed|unable to connect to proxy|proxyerror|",
            "proxy connect aborted|err_proxy",
        ),
    )
        .means(C::Network, "proxy", R::Yes)
        .because("the proxy in between did not connect")
        .like(&["ProxyError('Unable to connect to proxy', OSError('Tunnel connection failed'))"]),
    on(&["unable to negotiate with", "no matching host key type", "no matching key exchange"], "")
        .means(C::Network, "tls_protocol", R::No)
        .because("client and server have no method in common")
        .rank(rank::CAUSE)
        .like(&["Unable to negotiate with 192.0.2.7 port 22: no matching host key type found."]),
];
