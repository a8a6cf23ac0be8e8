//! Damaged data: archives, downloads, databases, objects of a repository, media.

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
            "invalid or corrupt jarfile", "zip end header", "zipexception",
            "error in opening zip file", "tar_bad_archive", "z_data_error", "incorrect data check",
            "zlib::", "lone zero block", "buffer error", "unexpected end of", "unexpected eof",
            "file ends unexpectedly", "premature end of", "truncated", "not in gzip format",
            "not a bzip2", "does not look like a tar", "does not look like an archive", "not a zip",
            "not a zipfile", "badzipfile", "end-of-central-directory",
            "cannot find zipfile directory", "cannot open the file as", "is not archive",
            "can't open as archive", "file format not recognized", "unrecognized archive",
            "not a valid archive", "unsupported format", "skipping to next header",
            "read error in archive", "incomplete file", "compressed file ended", "pickle data",
            "be a valid archive", "not recognized as an archive", "compressed data is corrupt",
            "invalid header", "error while deserializing", "safetensor", "corrupt archive",
            "archive is corrupt", "not a gzipped", "eoferror", "ran out of input", "invalid magic",
            "incorrect header", "central directory", "invalid load key", "read error (39)",
            "premature end", "invalid tar", "invalid gzip", "readerror:",
        ],
        concat!(
            "corrupt jarfile|zip end header|zipexception|error in opening zip|tar_bad_archive|",
            r"z_data_error|incorrect data check|zlib::\w*error|unexpected end of (?:file|",
            r"archive|input|data|stream|zlib|compressed)|unexpected eof (?:in archive|in \S+|",
            "while reading (?:archive|file))|ends unexpectedly|premature end of (?:file|",
            r"archive|input)|\btruncated\b|not in gzip format|not a (?:bzip2|gzipped|zip ?file|",
            "valid archive|zip)|be a valid archive|compressed data is corrupt|",
            "file format not recognized|does not look like an? (?:tar )?archive|badzip|end-of-central|",
            r"zipfile directory|as \[\w+\] archive|is not archive|open as archive|",
            "unrecognized archive|unsupported format|next header|compressed file ended|",
            r"pickle data|error while deserializing|safetensor\w*error|corrupt archive|",
            "archive is corrupt|eoferror|ran out of input|incorrect header check|",
            r"failed finding central directory|invalid load key|read error \(39\)|",
            "invalid (?:tar|gzip) |readerror: ",
        ),
    )
        .means(C::Corruption, "truncated_archive", R::AfterFix)
        .because("the data ends too early or does not begin as its format must; it can be had again")
        .rank(rank::STATEMENT + 6)
        .refined(no_source_code)
        .like(&[
            "gzip: x.gz: not in gzip format",
            "tar: This does not look like a tar archive",
            "zipfile.BadZipFile: File is not a zip file",
        ]),
    on(
        &[
            "crc error", "crc failed", "crc mismatch", "bad crc", "checksum mismatch",
            "checksum error", "checksum does not match", "checksum did not match",
            "checksums did not match", "checksum failed", "hash mismatch", "hash sum mismatch",
            "digest mismatch", "do not match the hashes", "sha256 mismatch", "sha-256 mismatch",
            "eintegrity", "integrity check", "integrity checksum", "invalid compressed data",
            "data error", "computed checksum", "unexpected size", "signature mismatch",
            "checksum verification", "does not match the expected", "invalid checksum",
            "digest did not match", "content digest", "filesize mismatch", "verification failed",
            "data integrity", "block checksum", "hash verification", "hashes mismatch",
            "size mismatch", "incorrect hash", "wrong hash", "expected hash",
        ],
        concat!(
            "crc (?:error|failed|mismatch)|bad crc|checksums? (?:mismatch|error|",
            "does not match|did not match|failed|verification failed)|hash(?:es)? (?:mismatch|",
            r"sum mismatch|verification failed)|(?:digest|sha-?\d+|content|size|",
            r"filesize) (?:\w+ )?mismatch|do not match the hashes|eintegrity|",
            "integrity check(?:sum)? (?:failed|error)|invalid compressed data|data error|",
            "computed checksums? did not match|unexpected size|invalid checksum|",
            "digest did not match|(?:incorrect|wrong) hash",
        ),
    )
        .means(C::Corruption, "checksum_mismatch", R::AfterFix)
        .because("what arrived is not what was announced")
        .rank(rank::SPECIAL)
        .even_in_noise()
        .refined(pinned)
        .like(&[
            "sha256sum: WARNING: 1 computed checksum did NOT match",
            "npm error code EINTEGRITY",
            "gzip: logs.gz: invalid compressed data--crc error",
        ]),
    on(
        &[
            "file is not a database", "disk image is malformed", "database is corrupt",
            "database corruption", "notadb", "malformed database", "is marked as crashed",
            "invalid page in block", "index corrupted", "table is corrupt", "corrupted database",
            "bad magic number in super-block", "is not a database",
        ],
        "",
    )
        .means(C::Corruption, "malformed_database", R::No)
        .because("the database finds its own file damaged; only a backup helps")
        .rank(rank::SPECIAL)
        .like(&[
            "sqlite3.DatabaseError: file is not a database",
            "Error: database disk image is malformed",
        ]),
    on(
        &[
            "pack id does not match", "repository contains errors", "bad object", "loose object",
            "unable to parse commit", "unable to read tree", "object corrupt", "object file",
            "bad tree object", "missing blob", "missing tree", "pack has bad object", "packfile",
            "invalid sha1 pointer", "index file corrupt", "bad index file", "repository is corrupt",
            "ciphertext verification failed", "unable to load tree", "broken link from",
            "inflate: data stream error", "index.pack",
        ],
        concat!(
            "pack id does not match|repository contains errors|bad (?:tree )?object|",
            "loose object .* corrupt|unable to (?:parse (?:commit|object)|read tree|",
            "load tree)|object (?:file )?.*(?:corrupt|is empty)|missing (?:blob|tree)|",
            "packfile .* (?:corrupt|does not match|cannot be)|invalid sha1 pointer|(?:bad|",
            "corrupt) index|index file corrupt|repository is corrupt|ciphertext verification|",
            "broken link from|data stream error|invalid index-pack",
        ),
    )
        .means(C::Corruption, "bad_object", R::No)
        .because("an object of a repository is missing or does not fit its name")
        .rank(rank::STATEMENT + 7)
        .refined(|draft, _, evidence| {
            // A pack that broke off on the way is the network's fault.
            if evidence.mentions(&["early eof", "unexpected disconnect", "remote end hung up"]) {
                draft.becomes(C::Network, "connection_closed", R::Yes);
            }
            true
        })
        .like(&[
            "fatal: unable to parse commit b646039afcb26da3",
            "error: object file .git/objects/ab/cd is empty",
        ]),
    on(
        &[
            "moov atom not found", "invalid data found when processing",
            "could not find codec parameters", "corrupt jpeg", "corrupt image",
            "premature end of jpeg", "image file is truncated", "cannot identify image file",
            "not a jpeg file", "insufficient image data", "bad image header",
            "improper image header", "truncated file", "unable to synchronously open file",
            "unable to open file (", "parquet magic", "header missing", "crc for",
            "expected image data", "not a parquet", "arrowinvalid",
        ],
        concat!(
            "moov atom|invalid data found|codec parameters|corrupt (?:jpeg|image|png)|",
            "premature end of jpeg|image file is truncated|cannot identify image|not a jpeg|",
            "insufficient image data|(?:bad|improper) image header|",
            r"unable to (?:synchronously )?open file \((?:truncated|bad|file signature|",
            "addr overflow|unable to determine|.*byte)|parquet magic|header missing|",
            "not a parquet",
        ),
    )
        .means(C::Corruption, "truncated_media", R::No)
        .because("the media file is incomplete or no media file at all")
        .rank(rank::STATEMENT + 8)
        .like(&[
            "in.mp4: Invalid data found when processing input",
            "OSError: Unable to synchronously open file (bad byte number in an address)",
        ]),
    on(
        &[
            "be corrupt", "file is corrupt", "is corrupted", "are corrupted", "corrupted",
            "corrupt file", "data corruption", "corrupt input", "corrupt data", "damaged",
        ],
        concat!(
            "(?:might|may) be corrupt|(?:file|data|image|download|package|index|cache|archive|",
            "block|chunk|input|header) (?:is |are |appears to be |seems )?(?:corrupt|damaged)|",
            "corrupt(?:ed)? (?:file|input|data|block|index|cache|header|record)|",
            "data corruption",
        ),
    )
        .means(C::Corruption, "corrupt_data", R::AfterFix)
        .because("the tool itself calls the data damaged")
        .rank(rank::STATEMENT)
        .like(&["error: input file is corrupted"]),
];

/// Source code and documents end unexpectedly in the same words as archives.
fn no_source_code(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = evidence.line(draft.line_number).to_ascii_lowercase();
    ![
        "syntaxerror",
        "syntax error",
        "parser error",
        "parse error",
        "[error]",
        "json",
        "[emerg]",
        ".rs:",
        ".js:",
        ".ts:",
        "yaml",
        "looking for matching",
        "expecting",
    ]
    .iter()
    .any(|word| line.contains(word))
}

/// Whether a word of the command holds a digest: then somebody pinned it.
fn holds_a_digest(word: &str) -> bool {
    word.split(|c: char| !c.is_ascii_hexdigit())
        .any(|run| [32, 40, 64, 96, 128].contains(&run.len()))
}

/// Programs whose repositories are the last copy: what is damaged there cannot be had again.
const BACKUPS: &[&str] = &[
    "borg",
    "restic",
    "kopia",
    "duplicity",
    "bup",
    "rdiff-backup",
];

/// A hash that somebody pinned, or a mirror that is being updated.
fn pinned(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    if evidence.command.runs(BACKUPS) {
        draft.retryable = R::No;
    } else if evidence.mentions(&["mirror sync in progress", "hash sum mismatch"]) {
        draft.retryable = R::Yes;
    } else if evidence.mentions(&[
        "from the requirements file",
        "eintegrity",
        "go.sum",
        "security error",
        "--require-hashes",
        "lock file",
        "package-lock",
    ]) || evidence
        .command
        .has(&["--require-hashes", "--checksum", "--sha256"])
        || evidence.command.words().any(holds_a_digest)
    {
        draft.retryable = R::No;
    }
    true
}
