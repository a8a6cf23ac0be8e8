//! Errors of the operating system, by the texts that the C library has for them in the usual locales.
//!
//! The words alone decide; what they are about (an input, an output, a command, a socket) is read from
//! the rest of the line.

use regex::bytes::Captures;

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;
use crate::policy::classify::paths;
use crate::policy::classify::pattern::Pattern;
use crate::policy::classify::pattern::on;
use crate::policy::classify::pattern::rank;

/// Every line that holds one of the words.
const ANY: &str = "";

// Laid out by hand: words side by side, expressions cut at their alternatives.
#[rustfmt::skip]
pub(super) const PATTERNS: &[Pattern] = &[
    on(
        &[
            "no such file or directory", "ENOENT", "directory nonexistent", "no such file",
            "Datei oder Verzeichnis nicht gefunden", "Aucun fichier ou dossier de ce",
            "No existe el fichero o el directorio", "No existe el archivo o el directorio",
            "File o directory non esistente", "Arquivo ou diretório inexistente",
            "Arquivo ou diretório não encontrado", "Ficheiro ou directoria inexistente",
            "Ficheiro ou pasta inexistente", "Nie ma takiego pliku ani katalogu",
            "Bestand of map bestaat niet", "Нет такого файла или каталога",
            "そのようなファイルやディレクトリはありません", "没有那个文件或目录", "沒有此一檔案或目錄", "Filen eller katalogen finns inte",
            "Adresář nebo soubor neexistuje", "Böyle bir dosya ya da dizin yok",
            "Ingen sådan fil eller filkatalog", "그런 파일이나 디렉터리가 없습니다",
            "Немає такого файла або каталогу", "Tiedostoa tai hakemistoa ei ole",
            "Nincs ilyen fájl vagy könyvtár",
        ],
        ANY,
    )
    .means(C::Resource, "missing_path", R::No)
    .because("ENOENT in the words of the C library: something that was named is not there")
    .rank(rank::CAUSE)
    .refined(paths::missing)
    .like(&[
            "cp: cannot stat 'a.csv': No such file or directory",
            "rm: nie można usunąć 'dane.txt': Nie ma takiego pliku ani katalogu",
            "Error: ENOENT: no such file or directory, open 'config/app.json'",
        ]),
    on(&["not a directory", "ENOTDIR", "Ist kein Verzeichnis", "N'est pas un dossier"], ANY)
        .means(C::Resource, "missing_path", R::No)
        .because("ENOTDIR: a part of the path is a file")
        .rank(rank::CAUSE)
        .refined(paths::about)
        .like(&["cp: target 'out' is not a directory"]),
    on(&["is a directory", "EISDIR", "Ist ein Verzeichnis", "est un dossier"], ANY)
        .means(C::Validation, "usage", R::No)
        .because("EISDIR: a directory was named where a file is needed")
        .refined(paths::about)
        .like(&["cat: src: Is a directory"]),
    on(
        &[
            "permission denied", "EACCES", "PermissionError", "Keine Berechtigung",
            "Permission non accordée", "Permission refusée", "Permiso denegado", "Permesso negato",
            "Permissão negada", "Brak dostępu", "Toegang geweigerd", "Отказано в доступе",
            "許可がありません", "权限不够", "Åtkomst nekas", "Přístup odmítnut", "Erişim engellendi", "허가 거부",
            "Відмовлено у доступі", "Lupa evätty",
        ],
        ANY,
    )
    .means(C::Resource, "permission", R::AfterFix)
    .because("EACCES: the user may not do that with the file")
    .rank(rank::CAUSE)
    .refined(paths::forbidden)
    .like(&[
            "cp: cannot create regular file '/etc/app.conf': Permission denied",
            "mkdir: impossibile creare la directory \"/opt/x\": Permesso negato",
        ]),
    on(
        &[
            "only root can", "operation not permitted", "EPERM", "must be superuser",
            "must be root", "are you root", "requires root", "root privileges",
            "Die Operation ist nicht erlaubt", "Opération non permise", "Operación no permitida",
            "Operazione non permessa", "Operação não permitida", "Operacja niedozwolona",
            "Операция не позволена", "不允许的操作", "許可されていない操作です", "need to be root",
            "superuser privilege", "write permission", "is not writable", "not writeable",
        ],
        r"operation not permitted|\beperm\b|root|superuser|(?:have|grant|need) write permission|(?:is )?not write?able\b|op[e\xc3]|\xd0|\xe4|\xe8|niedozw",
    )
    .means(C::Resource, "permission", R::AfterFix)
    .because("EPERM: only the owner or root may do that")
    .rank(rank::CAUSE)
    .refined(paths::about)
    .like(&["chown: changing ownership of 'a.txt': Operation not permitted"]),
    on(
        &[
            "no space left on device", "running out of disk space", "ENOSPC", "disk is full",
            "disk full", "not enough disk space", "not enough space on", "insufficient disk space",
            "out of disk space", "disk quota exceeded", "EDQUOT", "insufficient free space",
            "You don't have enough free space", "kein Speicherplatz mehr",
            "Aucun espace disponible sur", "No queda espacio en", "Spazio esaurito sul device",
            "Não há espaço disponível", "Não há mais espaço", "Brak miejsca na urządzeniu",
            "Geen ruimte meer", "не осталось свободного места", "デバイスに空き領域がありません", "设备上没有空间",
            "ingen plats på enheten", "Enheten är full", "Plattenplatz (Quota)",
            "quota d'espace disque", "low on resource: ephemeral-storage",
        ],
        ANY,
    )
    .means(C::Resource, "disk_full", R::AfterFix)
    .because("ENOSPC or EDQUOT: there is no room left to write to")
    .rank(rank::CAUSE)
    .refined(paths::about)
    // A full quota of the file system, which is no answer of a service.
    .like(&[
        "cp: error writing '/mnt/x': No space left on device",
        "Disk quota exceeded",
        "rsync: write failed on \"/x\": Disk quota exceeded (122)",
    ]),
    on(
        &[
            "read-only file system", "EROFS", "Das Dateisystem ist nur lesbar",
            "Système de fichiers accessible en lecture seulement",
            "Sistema de ficheros de sólo lectura", "Sistema de archivos de solo lectura",
            "Sistema de ficheros de solo lectura", "File system in sola lettura",
            "Sistema de arquivos somente para leitura", "wyłącznie do odczytu", "только для чтения",
            "只读文件系统", "読み込み専用ファイルシステムです", "Alleen-lezen bestandssysteem",
        ],
        ANY,
    )
    .means(C::Resource, "read_only", R::AfterFix)
    .because("EROFS: the file system is mounted for reading only")
    .rank(rank::CAUSE)
    .refined(paths::about)
    .like(&["mkdir: cannot create directory 'x': Read-only file system"]),
    on(
        &[
            "file exists", "EEXIST", "already exists", "directory not empty", "ENOTEMPTY",
            "Die Datei existiert bereits", "Datei existiert bereits", "Le fichier existe",
            "El fichero ya existe", "El archivo ya existe", "File già esistente", "Arquivo existe",
            "O arquivo já existe", "Plik istnieje", "Файл существует", "文件已存在", "ファイルが存在します",
            "Bestand bestaat al", "Das Verzeichnis ist nicht leer", "n'est pas vide",
            "no está vacío", "Directory non vuota", "not an empty directory",
        ],
        ANY,
    )
    .means(C::Resource, "path_exists", R::No)
    .because("EEXIST or ENOTEMPTY: something is there already")
    .rank(rank::STATEMENT)
    .refined(paths::exists)
    .like(&["ln: failed to create symbolic link 'link': File exists"]),
    on(
        &[
            "too many open files", "EMFILE", "ENFILE", "Zu viele offene Dateien",
            "Trop de fichiers ouverts", "Demasiados archivos abiertos",
            "Demasiados ficheros abiertos", "Troppi file aperti", "Muitos arquivos abertos",
            "打开的文件过多", "Слишком много открытых файлов",
        ],
        ANY,
    )
    .means(C::Resource, "too_many_files", R::AfterFix)
    .because("EMFILE or ENFILE: no descriptor is left")
    .rank(rank::SPECIAL)
    .like(&["open #10: Too many open files"]),
    on(
        &[
            "resource temporarily unavailable", "EAGAIN", "BlockingIOError",
            "can't start new thread", "unable to create native thread", "fork: retry",
            "cannot fork", "failed to create thread", "Die Ressource ist zur Zeit nicht verfügbar",
            "Ressource temporairement non disponible",
        ],
        ANY,
    )
    .means(C::Resource, "too_many_processes", R::AfterFix)
    .because("EAGAIN of a start: no process or thread is left")
    .rank(rank::SPECIAL)
    .even_in_noise()
    .refined(no_process_or_no_lock)
    .like(&[
            "bash: fork: retry: Resource temporarily unavailable",
            "RuntimeError: can't start new thread",
        ]),
    on(
        &[
            "text file busy", "ETXTBSY", "device or resource busy", "EBUSY", "target is busy",
            "Das Gerät oder die Ressource ist belegt", "Périphérique ou ressource occupé",
            "Dispositivo o recurso ocupado", "Risorsa o dispositivo occupato",
            "Fichier texte occupé",
        ],
        ANY,
    )
    .means(C::Resource, "busy", R::Yes)
    .because("EBUSY or ETXTBSY: somebody uses it at the moment")
    .rank(rank::CAUSE)
    .refined(paths::about)
    .like(&["umount: /mnt: target is busy."]),
    on(
        &[
            "address already in use", "EADDRINUSE", "address in use", "port is already allocated",
            "port is already in use", "is already in use by", "ports are not available",
            "Die Adresse wird bereits verwendet", "Adresse déjà utilisée",
            "La dirección ya se está usando", "Only one usage of each socket address",
        ],
        "addr|adress|port|socket|direcci",
    )
    .means(C::Resource, "busy", R::AfterFix)
    .because("EADDRINUSE: another program listens there")
    .rank(rank::SPECIAL)
    .like(&["Error: listen EADDRINUSE: address already in use 127.0.0.1:8080"]),
    on(
        &[
            "argument list too long", "E2BIG", "Die Argumentliste ist zu lang",
            "Liste d'arguments trop longue",
        ],
        ANY,
    )
    .means(C::Resource, "limit_exceeded", R::No)
    .because("e2BIG: the list of arguments is too long, now and later")
    .rank(rank::CAUSE)
    .like(&["bash: /bin/ls: Argument list too long"]),
    on(
        &[
            "file too large", "EFBIG", "file size limit exceeded", "cpu time limit exceeded",
            "cputime limit exceeded", "exceeds limit", "limit exceeded by",
        ],
        "file too large|efbig|size limit|time limit exceeded|exceeds limit|limit exceeded by",
    )
    .means(C::Resource, "limit_exceeded", R::AfterFix)
    .because("EFBIG or a limit of the process: it is used up")
    .rank(rank::CAUSE)
    .like(&["File size limit exceeded (core dumped)"]),
    on(&["file name too long", "ENAMETOOLONG", "too many levels of symbolic links", "ELOOP"], ANY)
        .means(C::Validation, "bad_path", R::No)
        .because("ENAMETOOLONG or ELOOP: the path cannot be right")
        .rank(rank::CAUSE)
        .like(&["touch: cannot touch 'aaa': File name too long"]),
    on(
        &[
            "input/output error", "Eingabe-/Ausgabefehler", "Erreur d'entrée/sortie",
            "Error de entrada/salida",
        ],
        ANY,
    )
        .means(C::Resource, "io_error", R::No)
        .because("EIO: the device could not read or write")
        .rank(rank::CAUSE)
        .refined(paths::about)
        .like(&["dd: error reading '/dev/sdb': Input/output error"]),
    on(&["exec format error", "cannot execute binary file"], ANY)
        .means(C::Validation, "wrong_format", R::No)
        .because("ENOEXEC: the file is no program for this machine")
        .rank(rank::CAUSE)
        .like(&["bash: ./tool: cannot execute binary file: Exec format error"]),
    on(
        &[
            "lock held by", "locked by", "being used by another", "busy or unavailable",
            "exclusive lock", "remote port forwarding failed", "could not get lock",
            "unable to acquire the dpkg", "unable to lock", "lock file", "lockfile", "is locked",
            "state lock", "already locked", "another process", "another operation",
            "another instance", "another git process", "already running", "could not lock",
            "failed to lock", "waiting for lock", "lock is held", "holds the lock",
            "failed to acquire", "unable to obtain lock", "has been locked", "acquire the lock",
            "lock.exclusive", "remove locks", "' locked", "locks each", "executing an action",
        ],
        concat!(
            "lock held by|locked by|being used by another|busy or unavailable|(?:obtain|",
            "acquire|get) (?:an )?exclusive lock|could not (?:get|acquire|obtain) .{0,20}lock|",
            "unable to (?:acquire|get|obtain) .{0,40}lock|unable to lock|(?:is|are|has been|",
            "already) locked|error acquiring the state lock|state lock|failed to (?:acquire|",
            "obtain|get) .{0,30}lock|could(?:n't| not) lock|failed to lock|another (?:process|",
            r"operation|instance|git process|[\w /]{0,40}) (?:is|seems to be|has|",
            r"\().{0,60}(?:in progress|running|using|holding|lock)|lock (?:is|already) held|",
            r"holds the lock|already running\b.{0,30}(?:pid|process|instance|lock)|",
            "lock ?file .{0,60}(?:exists|held|present)|(?:create|obtain|take|get|acquire)[/\\w ]* the lock(?: [^f]|[^ \\w]|$)|",
            "working copy .{0,200} locked|to remove locks",
        ),
    )
    .means(C::Resource, "busy", R::Yes)
    .because("somebody else holds the lock and will let go of it")
    .rank(rank::CAUSE)
    .refined(paths::about)
    .like(&[
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 2785 (apt-get)",
            "Error: in prepare, database is locked (5)",
            "Error: Error acquiring the state lock",
        ]),
    on(
        &[
            "does not have enough memory", "insufficient capacity", "InsufficientInstanceCapacity",
            "Insufficient cpu", "Insufficient memory", "nodes are available", "no nodes available",
            "not enough resources", "ZONE_RESOURCE_POOL_EXHAUSTED",
            "node configuration is not available",
        ],
        ANY,
    )
    .means(C::Resource, "insufficient_capacity", R::Yes)
    .because("the pool has nothing free of the size that is asked for")
    .like(&["0/3 nodes are available: 3 Insufficient cpu."]),
    on(
        &[
            "not a git repository", "Kein Git-Repository", "not a mercurial repository",
            "no repository found in", "ni ceci ni aucun de ses répertoires parents",
            "No es un repositorio git", "not a working copy",
        ],
        ANY,
    )
        .means(C::Resource, "not_a_repository", R::No)
        .because("the command wants to be run inside a working copy")
        .rank(rank::CAUSE)
        .like(&["fatal: not a git repository (or any of the parent directories): .git"]),
];

/// The same error number says that there may be no more processes, or that a lock is held.
fn no_process_or_no_lock(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = evidence.line(draft.line_number).to_ascii_lowercase();
    let line = line.replace("blocking", "");
    let of_locks = ["lock", "held", "flock"]
        .iter()
        .any(|word| line.contains(word));
    if of_locks && !line.contains("thread") {
        draft.becomes(C::Resource, "busy", R::Yes);
        return true;
    }
    line.contains("fork")
        || line.contains("thread")
        || evidence.mentions(&["fork", "thread", "clone(", "spawn"])
}
