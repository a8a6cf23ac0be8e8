//! What an index, a registry or a repository does not have: packages, versions, references, images.

use regex::bytes::Captures;

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;
use crate::policy::classify::pattern::Pattern;
use crate::policy::classify::pattern::on;
use crate::policy::classify::pattern::rank;

// Laid out by hand: words side by side, expressions cut at their alternatives.
#[rustfmt::skip]
pub(super) const PATTERNS: &[Pattern] = &[
    on(
        &[
            "no matching distribution", "could not find a version that satisfies",
            "no candidates found", "notarget", "no matching version", "no versions available",
            "unable to locate package", "has no installation candidate", "no match for argument",
            "couldn't find any versions", "could not find artifact", "no_matching_version",
            "is not a valid model identifier", "could not find gem", "e404",
            "is not in this registry", "no matching package found", "unable to find a match",
            "nothing provides", "package not found", "no such package", "no available formula",
            "could not find package", "no matching packages", "unknown revision",
            "version not found", "no version matching", "no version satisf", "no versions match",
            "compatible versions for", "spec satisfying", "satisfying the dependency",
        ],
        concat!(
            "no matching distribution|could not find a version that satisfies|",
            r"no candidates found|\bnotarget\b|no matching version|no versions available|",
            "couldn't find any versions|could not find artifact|no_matching_version|",
            r"is not a valid model identifier|unknown revision v?\d|",
            "has no installation candidate|no matching packages? found|",
            r"version \S+ (?:not found|does not exist)|no versions? (?:matching|satisf|match)|",
            "could not find compatible versions|spec satisfying the dependency",
        ),
    )
        .means(C::NotFound, "package_version", R::No)
        .because("the index has no such version")
        .rank(rank::STATEMENT + 2)
        .refined(package_or_version)
        .like(&[
            "ERROR: No matching distribution found for flask==99.1",
            "npm error code ETARGET npm error notarget No matching version found for x@9",
        ]),
    on(
        &[
            "unable to locate package", "no match for argument", "is not in this registry",
            "unable to find a match", "nothing provides", "no available formula",
            "could not find package", "no such package", "package not found",
            "could not find the package", "unknown package", "repository not found",
            "target not found", "is not in the npm registry", "doesn't exist in the registry",
            "no formulae or casks", "packagesnotfounderror", "unable to find package",
            "not available from current channels",
        ],
        concat!(
            r"unable to locate package (?P<package>\S+)|no match for argument|not in this registry|",
            "unable to find a match|nothing provides|no available formula|",
            "could not find package|no such package|not in the npm registry|target not found: |",
            r"no formulae or casks found for (?P<package2>\S+?)\.?$|packagesnotfounderror|",
            r"unable to find package (?P<package3>[\w@/.-]*\w)",
        ),
    )
        .means(C::NotFound, "package", R::No)
        .because("the index has no such package")
        .rank(rank::STATEMENT + 3)
        .like(&["E: Unable to locate package libfancy-timeout-dev"]),
    on(
        &[
            "pathspec", "did not match any file", "unknown revision",
            "remote ref", "remote branch", "couldn't find remote ref", "reference is not a tree",
            "bad revision", "does not match any",
            "not a valid object name", "invalid reference", "not a tree object", "no such ref",
            "ambiguous argument", "src refspec", "not something we can merge", "Remote-Branch",
            "invalid upstream",
        ],
        concat!(
            r"pathspec .* did not match|did not match any file\(s\) known|no such ref|",
            r"couldn't find remote ref|remote branch \S+ not found|",
            "remote-branch .* nicht gefunden|not a tree$|(?:unknown|bad) revision|",
            "not a valid object name|invalid reference|src refspec .* does not match|",
            "not something we can merge|invalid upstream|no coincid|non corrisponde",
        ),
    )
        .means(C::NotFound, "remote_ref", R::No)
        .because("the repository has no such branch, tag or commit")
        .rank(rank::STATEMENT + 4)
        .like(&[
            "error: pathspec 'release/2.9' did not match any file(s) known to git",
            "abort: unknown revision 'release'",
        ]),
    on(
        &["repository", "dépôt", "repositorio"],
        concat!(
            r"\brepository (?:['\x22]?\S+['\x22]? )?(?:was )?(?:not found|does not exist|",
            "nicht gefunden|non trouv|no encontrado|non trovato|existiert nicht)|",
            "does not appear to be a git repository|dépôt .* (?:introuvable|non trouvé)",
        ),
    )
        .means(C::NotFound, "repository", R::No)
        .because("there is no such repository, or none for this account")
        .rank(rank::STATEMENT + 4)
        .refined(|draft, _, evidence| {
            // "does not exist or may require 'docker login'" is about the login.
            !evidence.line(draft.line_number).contains("docker login")
        })
        .like(&["remote: Repository not found.", "fatal: repository 'http://h/x.git/' not found"]),
    on(
        &[
            "manifest unknown", "manifest for", "name unknown", "no such image", "imagepullbackoff",
            "errimagepull", "not found: manifest",
        ],
        concat!(
            r"manifest unknown|manifest for \S+ not found|name unknown|no such image|",
            "not found: manifest",
        ),
    )
        .means(C::NotFound, "http_404", R::No)
        .because("the registry has no such image or tag")
        .rank(rank::STATEMENT + 4)
        .like(&["Error response from daemon: manifest for x:9 not found: manifest unknown"]),
];

/// An index that has no version that fits may have no such package either; it names what was wanted.
fn package_or_version(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = evidence.line(draft.line_number);
    let wanted = line
        .split_once("distribution found for ")
        .or_else(|| line.split_once("satisfies the requirement "))
        .and_then(|(_, wanted)| wanted.split_whitespace().next());
    if let Some(wanted) = wanted {
        let name = wanted.split(['=', '<', '>', '~', '!', '[', ';']).next();
        draft.extract("package", name.unwrap_or_default());
        if name == Some(wanted) && evidence.lines.holds("from versions: none") {
            draft.pattern = "package";
        }
    }
    true
}
