//! Files that are missing, in the words of tools that do not pass on the text of the system.

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
            "no targets specified and no makefile", "no makefile found",
        ],
        "",
    )
        .means(C::Resource, "missing_path", R::No)
        .because("make looked for its makefile in vain")
        .rank(rank::CAUSE)
        .like(&["make: *** No targets specified and no makefile found.  Stop."]),
    on(
        &["missing input files", "missinginputexception", "affected files:"],
        r"^missing input files for rule|^missinginputexception:",
    )
        .means(C::Resource, "missing_path", R::No)
        .because("a workflow has neither the file nor a rule that makes it")
        .rank(rank::CAUSE)
        .refined(first_of_a_list)
        .like(&["Missing input files for rule align:"]),
    on(
        &["no rule to make target"],
        r#"no rule to make target(?:[ \w,]*[`'"] ?(?P<path>[^'"`]+?) ?['"])?"#,
    )
        .means(C::Resource, "missing_path", R::No)
        .because("make knows neither the file nor a way to make it")
        .rank(rank::CAUSE)
        .like(&["make: *** No rule to make target 'prog.o', needed by 'prog'.  Stop."]),
    on(
        &[
            "could not locate gemfile", "could not find a pyproject.toml",
            "could not find `cargo.toml`", "does not appear to contain cmakelists",
            "there is no pom in this directory", "no configuration file provided",
            "could not read package.json", "no package.json", "enolocal", "go.mod file not found",
            "go: cannot find main module", "no pyproject.toml",
            "neither setup.py nor pyproject.toml",
        ],
        concat!(
            r"(?P<path>Gemfile|pyproject\.toml|Cargo\.toml)\b|",
            r#"source directory "(?P<path2>[^"]+)"|"#,
            r"no POM in this directory \((?P<path3>[^)]+)\)|no configuration file|",
            r"(?P<path4>package\.json)|(?P<path5>go\.mod)|cannot find main module",
        ),
    )
        .means(C::Resource, "missing_path", R::No)
        .because("the tool looked for the file of its project and found none")
        .rank(rank::CAUSE)
        .like(&[
            "Could not locate Gemfile or .bundle/ directory",
            "CMake Error: The source directory \"/home/u/x\" does not appear to contain CMakeLists.txt.",
        ]),
    on(
        &[
            "cannot find or open", "can't find or open", "cannot open file", "could not open file",
            "can't open file", "unable to open file", "unable to find", "no such config",
            "failed to open",
        ],
        concat!(
            r#"(?:cannot find or open|can't find or open) (?:file )?["']?(?P<path>[^"',\s]+)|"#,
            "(?:can't|cannot|could not|",
            r#"unable to) open (?:input )?file ["'](?P<path2>[^"']+)["'](?:[.:]|\s*$)(?:\s*$|"#,
            ".*(?:no such|not found))",
        ),
    )
        .means(C::Resource, "missing_path", R::No)
        .because("the tool says in its own words that an input cannot be opened")
        .rank(rank::STATEMENT)
        .even_in_noise()
        .like(&[
            "unzip:  cannot find or open input.zip, input.zip.zip or input.zip.ZIP.",
            "\"p.gp\" line 2: warning: Cannot find or open file \"data_500.dat\"",
        ]),
    on(
        &[
            "does not exist", "doesn't exist", "not found", "not exist", "matched no files",
            "no files matching", "no such file", "could not find or access", "cannot access",
            "is missing",
        ],
        concat!(
            r"\b(?:the )?(?:path|file|directory|folder|inventory|config(?:uration)? file|",
            r#"values file|input(?: file)?)\b:? ["'`]?(?P<path>[^\s"'`]+)["'`]? (?:is missing|"#,
            "was not found|not found|does not exist|doesn't exist|could not be found)|",
            "(?:pattern) '(?P<path2>[^']+)' matched no files|",
            r#"No files matching (?:the pattern )?"?(?P<path3>[^\s"]+)"?|"#,
            "could not find or access '(?P<path4>[^']+)'|",
            r#"^(?:error: )?["'`]?(?P<path5>(?:\.{0,2}/)[^\s"'`:]+)["'`]?:? (?:not found|"#,
            r"does not exist|doesn't exist)\.?$",
        ),
    )
        .means(C::Resource, "missing_path", R::No)
        .because("a file or directory that was named is not there")
        .rank(rank::STATEMENT)
        .even_in_noise()
        .like(&[
            "error: the path \"k8s/deploy.yaml\" does not exist",
            "File \"/data/dump.bin\" not found.",
            "[NbConvertApp] WARNING | pattern 'report.ipynb' matched no files",
            "Could not find or access 'files/app.conf' on the Ansible Controller.",
        ]),
    on(
        &[
            "unable to access jarfile", "could not find or load main class", "can't open file",
            "cannot find input file", "can't find file", "file not found", "filenotfound",
            "could not open input file", "no such script",
        ],
        concat!(
            r"unable to access jarfile (?P<path>\S+)|",
            r"can't open file '(?P<path2>[^']+)': \[errno 2\]|",
            r"could not open input file: (?P<path3>\S+)|",
            r#"file not found:? ["'`(]?(?P<path4>[\w./~-]+[\w/])|"#,
            r"filenotfound\w*: (?P<path5>\S+)|filenotfound|could not find or load main class",
        ),
    )
        .means(C::Resource, "missing_path", R::No)
        .because("the program to be run is not where it was said to be")
        .rank(rank::CAUSE - 2)
        .like(&["Error: Unable to access jarfile app.jar", "Could not open input file: artisan"]),
    on(&["cannot find module"], "cannot find module '(?P<path>/[^']+)'")
        .means(C::Resource, "missing_path", R::No)
        .because("an absolute path belongs to the project; no package manager has it")
        .rank(rank::SPECIAL)
        .like(&["Error: Cannot find module '/home/user/app/server.js'"]),
    on(&["can't locate"], r"can't locate (?P<path>\S+\.p[lh]) in @INC")
        .means(C::Resource, "missing_path", R::No)
        .because("a library of the project itself is not where Perl was told to look")
        .rank(rank::SPECIAL)
        .like(&["Can't locate lib/My/Config.pl in @INC (@INC contains: /etc/perl) at j.pl line 1."]),
    on(
        &["package-lock.json", "lock file", "lockfile"],
        concat!(
            r"can only install with an existing package-lock\.json|",
            r"\block ?file (?:was )?not found|no lock ?file found",
        ),
    )
        .means(C::Resource, "missing_path", R::No)
        .because("there is no lock file to install from")
        .rank(rank::CAUSE)
        .like(&[
            "npm error The `npm ci` command can only install with an existing package-lock.json or",
        ]),
    on(
        &[
            "couldn't find", "couldn't find a", "no eslint configuration", "no config file",
            "could not find config", "could not find a config", "config file",
        ],
        concat!(
            r"couldn't find (?:an? )?[\w./ -]*(?:config\w*|file)\b|",
            "no (?:eslint )?config(?:uration)? (?:file )?(?:was )?found|",
            r"could not find (?:a )?config\w*( file)?",
        ),
    )
        .means(C::Resource, "missing_path", R::No)
        .because("the tool wants a file of settings and finds none")
        .like(&["ESLint couldn't find an eslint.config.(js|mjs|cjs) file."]),
    on(
        &[
            "no configuration files", "backend initialization required",
            "please run \"terraform init\"",
        ],
        "no (?:terraform )?configuration files",
    )
        .means(C::Resource, "missing_path", R::No)
        .because("the directory holds no configuration")
        .like(&["Error: No configuration files"]),
    on(
        &[
            "no file exists at", "mount point", "no matches found", "nosuchfileexception",
            "can't cd to", "special device", "cannot find file", "not found in archive",
            "buildfile:", "no pkg_manifest", "no_pkg_manifest",
        ],
        concat!(
            r"no file exists at (?P<path7>\S+?)[;,.]?(?:\s|$)|",
            r"mount point (?P<path8>\S+ )?does not exist|no matches found: (?P<path9>\S+)|",
            r"nosuchfileexception: (?P<path>\S+)|can't cd to (?P<path2>\S+)|",
            r"special device (?P<path3>\S+) does not exist|",
            r"cannot find file \([^)]*\): '(?P<path4>[^']+)'|",
            r"(?P<path5>\S+): not found in archive|buildfile: (?P<path6>\S+) does not exist|",
            "no_?pkg_manifest",
        ),
    )
        .means(C::Resource, "missing_path", R::No)
        .because("what was named is not there, in the words of this tool")
        .rank(rank::SPECIAL)
        .like(&["java.nio.file.NoSuchFileException: data/in.csv", "sh: 1: cd: can't cd to nodir"]),
    on(&["nio.file.accessdenied"], r"nio\.file\.AccessDeniedException: (?P<path>\S+)")
        .means(C::Resource, "permission", R::AfterFix)
        .because("Java's name for a missing permission")
        .rank(rank::SPECIAL + 1)
        .like(&["java.nio.file.AccessDeniedException: /etc/app.conf"]),
    on(
        &["nio.file.filealreadyexists", "nio.file.directorynotempty"],
        r"nio\.file\.(?:FileAlreadyExists|DirectoryNotEmpty)Exception: (?P<path>\S+)",
    )
        .means(C::Resource, "path_exists", R::No)
        .because("Java's name for a path that is in the way")
        .rank(rank::SPECIAL + 1)
        .like(&["java.nio.file.FileAlreadyExistsException: out/a"]),
    on(&["filenotfoundexception: http"], "")
        .means(C::NotFound, "http_404", R::No)
        .because("for a URL, Java reports a 404 as a missing file")
        .rank(rank::SPECIAL)
        .like(&["java.io.FileNotFoundException: http://api.example.com/v1/x"]),
    on(&["file changed as we read it"], "")
        .means(C::Resource, "busy", R::Yes)
        .because("the file was written to while it was read; at another time it holds still")
        .like(&["tar: logs/a.log: file changed as we read it"]),
];

/// How many lines below a heading its list may begin.
const HEADING: usize = 6;

/// The path that a heading speaks of stands below it, in a line of its own.
fn first_of_a_list(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let below = draft.line_number + 1..draft.line_number + HEADING;
    let path = below
        .map(|number| evidence.line(number))
        .find(|line| !line.trim().is_empty() && !line.contains(':'));
    if let Some(path) = path {
        draft.extract("path", path.trim());
    }
    true
}
