//! Versions that do not fit together, or that were never chosen. What is missing altogether is in
//! `dependency`.

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
            "eresolve", "resolutionimpossible", "conflicting dependencies", "dependency conflict",
            "requires python", "requires a different python", "ebadengine", "unsupported engine",
            "requires rustc", "incompatible with", "version conflict", "versionconflict",
            "version solving failed", "failed to select a version",
            "could not be resolved to an installable", "unsupportedclassversion",
            "class file version", "only supports", "requires node", "server version mismatch",
            "terraform core version", "peer_dep_issues", "incompatible package", "breaks",
            "held broken packages", "the engine \"", "could not resolve dependencies", "conflict set:",
            "no solution found", "unsatisfiable", "does not satisfy that requirement",
        ],
        concat!(
            r"\beresolve\b|resolutionimpossible|conflicting dependencies|dependency conflict|",
            "requires (?:a different )?python|ebadengine|requires rustc|version ?conflict|",
            "version solving failed|failed to select a version|installable set of packages|",
            "unsupportedclassversion|only supports chrome version|held broken packages|",
            r"the engine \x22.*is incompatible|requires node|server version mismatch|",
            "unsupported terraform core version|peer_dep_issues|conflict set:|",
            r"could not resolve dependencies:?$|no solution found when resolving|",
            r"requirements? (?:is|are) unsatisfiable|does not satisfy that requirement",
        ),
    )
        .means(C::Dependency, "version_conflict", R::No)
        .because("the versions that are asked for cannot stand side by side")
        .rank(rank::SPECIAL)
        .like(&[
            "npm error code ERESOLVE",
            "ERROR: Package 'x' requires a different Python: 3.8.1 not in '>=3.10'",
        ]),
    on(
        &["glibc", "glibcxx", "cxxabi"],
        r"version [`'](?P<library>(?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found",
    )
        .means(C::Dependency, "glibc_version", R::No)
        .because("the program was built for a newer C library than this machine has")
        .rank(rank::PROOF)
        .like(&["/bin/sh: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by /bin/sh)"]),
    on(
        &[
            "no version is selected", "is not yet installed", "module not installed",
            "required plugins are not installed", "terraform init", "missing required provider",
            "backend initialization required",
        ],
        concat!(
            "but no version is selected|module (?:is )?not (?:yet )?installed|",
            "required plugins are not installed|missing required provider|",
            "initialization required|please run .?terraform init",
        ),
    )
        .means(C::Dependency, "missing_package", R::AfterFix)
        .because("the version manager knows the tool but has no version of it installed")
        .rank(rank::SPECIAL)
        .like(&[
            "  - provider registry.example.io/hashicorp/null: required by this configuration but no version is selected",
        ]),
];
