//! What is not installed: commands, modules, libraries, headers, packages, and versions that do not
//! fit together, in the words of each ecosystem.

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
            "command not found", "not found", "Befehl nicht gefunden", "Kommando nicht gefunden",
            "commande introuvable", "orden no encontrada", "no se encontró la orden",
            "comando non trovato", "comando não encontrado", "nie znaleziono polecenia",
            "команда не найдена", "未找到命令", "コマンドが見つかりません", "is not recognized as",
        ],
        concat!(
            r#"(?:^|: )(?P<command>[^\s:'"]+): (?:command not found|befehl nicht gefunden|"#,
            "kommando nicht gefunden|commande introuvable|orden no encontrada|",
            r"comando non trovato|comando n\xc3\xa3o encontrado|nie znaleziono polecenia|",
            r"\xd0\xba\xd0\xbe\xd0\xbc|\xe6\x9c\xaa\xe6\x89\xbe|\xe3\x82\xb3)|",
            r"command not found: (?P<command2>\S+)|^(?:\S*/)?(?:sh|dash|ash|bash|ksh|busybox|",
            r"\S+\.sh): (?:line )?\d+: (?P<command3>[^\s:]+): not found|^(?:sh|",
            r"/bin/sh): (?P<command4>[^\s:]+): not found|",
            "'(?P<command5>[^']+)' is not recognized as",
        ),
    )
        .means(C::Dependency, "missing_command", R::AfterFix)
        .because("the shell knows no such command")
        .rank(rank::SPECIAL)
        .like(&[
            "bash: line 1: mongosh: command not found",
            "sh: 1: jqq: not found",
            "zsh: command not found: kubectx9",
        ]),
    on(
        &[
            "executable file not found", "cannot run program", "can't exec \"", "spawn ",
            "unable to spawn", "bad interpreter", "program not found", "command required",
            "no such binary", "could not find command", "failed to execute",
            "couldn't find executable", "is not installed", "not installed or not in",
            "unable to execute", "unable to find executable", "failed to exec",
            "failed to run command", "cannot exec", "not found: make", "not found: g++",
            "not found: gcc", "not found: python",
        ],
        concat!(
            r#"exec: "(?P<command>[^"]+)": executable file not found|"#,
            r"executable file not found.{0,40}: (?P<command2>\S+)|",
            r#"cannot run program "(?P<command3>[^"]+)".*error=2|"#,
            r#"can't exec "(?P<command4>[^"]+)": no such|spawn (?P<command5>\S+) enoent|"#,
            r"bad interpreter: (?P<command6>[^:\s]+)|",
            r"^(?:error: )?(?P<command7>[\w.+-]+) is not installed|",
            r"(?P<command8>[\w.+-]+) (?:is )?not installed or not in|",
            "unable to execute '(?P<command9>[^']+)': no such|",
            r"failed to run command '(?P<command0>[^']+)'|^(?:\S+ \(child\): |",
            r"\S+: )*(?P<command11>[\w.+-]+): cannot exec: no such file|",
            r"error: not found: (?P<command12>\S+)|failed to execute .{0,60}(?:no such file|",
            "program not found)",
        ),
    )
        .means(C::Dependency, "missing_command", R::AfterFix)
        .because("a program tried to start another one that is not there")
        .rank(rank::SPECIAL)
        .like(&[
            "Error: exec: \"newuidmap\": executable file not found in $PATH",
            "Error: spawn ffprobe ENOENT",
            "zsh:1: ./run.sh: bad interpreter: /opt/python: no such file or directory",
        ]),
    on(&["no module named", "modulenotfounderror"], r"no module named '?(?P<module>[\w.-]+)'?")
        .means(C::Dependency, "missing_module", R::AfterFix)
        .because("Python has no such module installed")
        .rank(rank::SPECIAL)
        .ecosystem("python")
        .like(&["ModuleNotFoundError: No module named 'pandaz'"]),
    on(&["cannot import name"], r"importerror: cannot import name '\w+' from ")
        .means(C::Logic, "exception", R::No)
        .because("the module is there but lacks the name: versions or code do not fit")
        .rank(rank::STATEMENT)
        .like(&["ImportError: cannot import name 'x' from 'app' (/home/user/app.py)"]),
    on(
        &[
            "cannot find module", "cannot find package", "can't resolve", "could not resolve",
            "module not found", "failed to resolve import", "could not find a declaration",
        ],
        concat!(
            r#"cannot find (?:module|package) ["'](?P<module>[^"']+)["']|"#,
            r#"module not found: error: can't resolve ["'](?P<module2>[^"']+)["']|"#,
            r#"could not resolve ["'](?P<module3>[^"']+)["']|"#,
            r#"failed to resolve import ["'](?P<module4>[^"']+)["']"#,
        ),
    )
        .means(C::Dependency, "missing_module", R::AfterFix)
        .because("Node resolves no such package from here")
        .rank(rank::SPECIAL - 2)
        .ecosystem("node")
        .refined(of_the_project)
        .like(&[
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'zod' imported from /x/m.mjs",
            "Module not found: Error: Can't resolve 'grid-lib' in '/x'",
        ]),
    on(
        &["can't locate"],
        concat!(
            r"can't locate (?P<module>[\w/]+)\.pm in @inc|",
            "can't locate object method .* perhaps you forgot to load",
        ),
    )
        .means(C::Dependency, "missing_module", R::AfterFix)
        .because("Perl has no such module in its paths")
        .rank(rank::SPECIAL)
        .ecosystem("perl")
        .refined(|draft, _, _| {
            if let Some(module) = draft.extracted.get_mut("module") {
                *module = module.replace('/', "::");
            }
            true
        })
        .like(&["Can't locate Foo/Bar.pm in @INC (you may need to install the Foo::Bar module)"]),
    on(
        &[
            "cannot load such file", "could not find gem", "gem::missingspec", "gem not found",
            "in locally installed gems",
        ],
        concat!(
            r"cannot load such file -- (?P<module>\S+)|could not find gem '(?P<package>[^' ]+)|",
            r"could not find '(?P<package2>[^']+)' \(.*\) among|",
            r"could not find (?P<package3>[\w-]+)-\d[\w.]*,? .{0,400}\bin (?:any|locally)|",
            r"could not find (?P<package4>[\w-]+)-\d[\w.]* in (?:any|locally)",
        ),
    )
        .means(C::Dependency, "missing_module", R::AfterFix)
        .because("Ruby has no such library or gem")
        .rank(rank::SPECIAL - 2)
        .ecosystem("ruby")
        .refined(of_the_project)
        .like(&[
            "<internal:/usr/lib/ruby/x.rb>:37:in `require': cannot load such file -- nokogirix (LoadError)",
        ]),
    on(
        &["call to undefined function", "class \"", "class '", "failed opening required"],
        concat!(
            r"call to undefined function (?P<function>\w+)\(\)|",
            r#"uncaught error: class ["'](?P<module>[^"']+)["'] not found"#,
        ),
    )
        .means(C::Dependency, "missing_module", R::AfterFix)
        .because("PHP has no such function or class loaded")
        .rank(rank::SPECIAL)
        .ecosystem("php")
        .like(&[
            "PHP Fatal error:  Uncaught Error: Call to undefined function imagecreate() in /x/job.php:1",
        ]),
    on(
        &[
            "no required module provides", "cannot find package", "no such package",
            "is not in goroot", "is not in std", "missing go.sum entry", "module lookup disabled",
        ],
        concat!(
            r"no required module provides package (?P<package>[^\s;]+)|",
            r#"cannot find package "(?P<package2>[^"]+)" in|"#,
            r"package (?P<package3>\S+) is not in (?:goroot|std)|",
            r"missing go\.sum entry for (?:module providing package )?(?P<package4>[^\s;:]+)|",
            r"(?P<package5>\S+): module lookup disabled",
        ),
    )
        .means(C::Dependency, "missing_package", R::AfterFix)
        .because("the module was never added to the project")
        .rank(rank::SPECIAL)
        .ecosystem("go")
        .like(&["a.go:2:8: no required module provides package example.com/acme/kit; to add it:"]),
    on(
        &[
            "no matching package named", "can't find crate", "unresolved import",
            "unable to find library -l", "could not find `",
        ],
        concat!(
            "no matching package named `(?P<package>[^`]+)` found|",
            "can't find crate for `(?P<package2>[^`]+)`",
        ),
    )
        .means(C::Dependency, "missing_package", R::AfterFix)
        .because("Cargo knows no such package, or has not fetched it")
        .rank(rank::SPECIAL)
        .ecosystem("rust")
        .like(&["error: no matching package named `serde` found"]),
    on(
        &[
            "could not find module", "module '", "can't find package", "there is no package called",
            "not found in current path",
            "' undefined", "package '", "library '",
        ],
        concat!(
            "could not find module [`'](?P<module>[^'`]+)'|",
            r"module '(?P<module2>[\w.]+)' not found:|can't find package (?P<module3>\S+)|",
            "there is no package called '(?P<module4>[^']+)'|",
            r"\b(?:package|module) (?P<module5>\w+) not found in current path",
        ),
    )
        .means(C::Dependency, "missing_module", R::AfterFix)
        .because("the language's own search for modules found none")
        .rank(rank::SPECIAL)
        .refined(|draft, _, evidence| {
            let line = evidence.line(draft.line_number);
            if line.contains("ackage ") && let Some(module) = draft.value("module").map(str::to_owned) {
                draft.extract("package", &module);
            }
            let name = [("no package called", "r"), ("current path", "julia"), ("find package", "tcl"), ("not found:", "lua")]
                .iter()
                .find(|(words, _)| line.contains(words))
                .map_or("haskell", |(_, name)| name);
            draft.extract("ecosystem", name);
            true
        })
        .like(&[
            "Error in library(ggx) : there is no package called 'ggx'",
            "lua: a.lua:1: module 'socketx' not found:",
        ]),
    on(
        &[".sty' not found", ".cls' not found", ".def' not found"],
        r"file `(?P<package>[^']+\.(?:sty|cls|def))' not found",
    )
        .means(C::Dependency, "missing_package", R::AfterFix)
        .because("TeX has no such package installed")
        .rank(rank::SPECIAL)
        .ecosystem("latex")
        .like(&["! LaTeX Error: File `fancytimeout.sty' not found."]),
    on(
        &["classnotfoundexception", "noclassdeffounderror", "package ", "unresolved reference"],
        concat!(
            r"(?:classnotfoundexception|noclassdeffounderror): (?P<module>[\w./$]+)|",
            r"error: package (?P<package>[\w.]+) does not exist",
        ),
    )
        .means(C::Dependency, "missing_module", R::AfterFix)
        .because("Java has no such class on its class path")
        .rank(rank::STATEMENT + 8)
        .ecosystem("java")
        .like(&["Exception in thread \"main\" java.lang.NoClassDefFoundError: org/x/Y"]),
    on(
        &[
            "cannot open shared object", "error while loading shared libraries",
            "library not loaded", "cannot find -l", "unable to find library -l",
            "library not found for -l", "could not load library", "cannot load library",
            "failed to load shared library", "host system is missing dependencies",
            "undefined symbol:",
        ],
        concat!(
            r"(?:error while loading shared libraries: )?(?P<library>[\w.+-]+\.so[\w.]*): cannot open shared object|",
            r"cannot find -l(?P<library2>[\w.+-]+)|",
            r"unable to find library -l(?P<library3>[\w.+-]+)|",
            r"library not found for -l(?P<library4>[\w.+-]+)|",
            r"library not loaded: (?P<library5>\S+)|(?:could not|cannot|",
            r"failed to) load (?:shared )?library ['\x22]?(?P<library6>[\w./+-]+)|",
            "undefined symbol: |host system is missing dependencies",
        ),
    )
        .means(C::Dependency, "missing_shared_library", R::AfterFix)
        .because("the loader finds no such shared library")
        .rank(rank::SPECIAL + 2)
        .ecosystem("system")
        .like(&[
            "OSError: libmagick9.so: cannot open shared object file: No such file or directory",
            "/usr/bin/ld: cannot find -lfoobar2: No such file or directory",
        ]),
    on(
        &["fatal error:", "fatal error C1083"],
        r"fatal error: '?(?P<header>[\w./+-]+\.(?:h|hh|hpp|hxx|inc|mod))'?(?:: | file not found)",
    )
        .means(C::Dependency, "missing_header", R::AfterFix)
        .because("the compiler finds no header of that name")
        .rank(rank::SPECIAL + 2)
        .ecosystem("system")
        .like(&["a.c:1:10: fatal error: openssl3/evp.h: Aucun fichier ou dossier de ce type"]),
    on(
        &[
            "could not find a package configuration file", "could not find",
            "required packages were not found", "no package '", "not found in the pkg-config",
            "was not found in the pkg-config",
        ],
        concat!(
            r#"package configuration file provided by "(?P<package>[^"]+)"|"#,
            "no package '(?P<package2>[^']+)' found|",
            r"package (?P<package3>\S+) was not found in the pkg-config|",
            r"^\s*could not find? (?P<package4>\w+) \(missing: ",
        ),
    )
        .means(C::Dependency, "missing_package", R::AfterFix)
        .because("CMake or pkg-config finds no such package")
        .rank(rank::SPECIAL)
        .ecosystem("system")
        .like(&["  Could not find a package configuration file provided by \"LibFancy\" with any"]),
    on(
        &[
            "in offline mode", "offline mode", "unmet dependencies", "unmet peer", "depends:",
            "missing dependencies", "missing dependency", "dependencies are not",
            "dependency is not", "not satisfied", "distributionnotfound", "packagenotfounderror",
            "optional dependency", "please install", "you need to install", "pip install",
            "npm install", "requires the ",
        ],
        concat!(
            "cannot access .* in offline mode|has not been downloaded from it before|",
            "unmet dependenc|missing (?:optional )?dependenc|distributionnotfound|",
            r"packagenotfounderror|requires the (?P<package>[\w-]+) (?:package|library|module)|",
            "(?:please|you (?:need|must|",
            r"have) to)(?: first)? (?:run )?[`'\x22]?(?:pip3? install|npm install|",
            r"install) (?P<package2>[\w@/.-]+)|",
            r"requires `?(?P<package3>[\w-]+)`?.{0,40}`?pip install|",
            r"try `?pip install (?P<package4>[\w-]+)",
        ),
    )
        .means(C::Dependency, "missing_package", R::AfterFix)
        .because("the package is known but was never fetched, and fetching is off")
        .rank(rank::STATEMENT + 9)
        .like(&[
            "[ERROR] Cannot access central (https://r/) in offline mode and the artifact x:y:1 has not been downloaded from it before.",
        ]),
    on(&["externally-managed-environment"], "")
        .means(C::Dependency, "externally_managed", R::AfterFix)
        .because("the system's Python wants an environment of the project's own")
        .rank(rank::SPECIAL)
        .like(&["error: externally-managed-environment"]),
];

/// A relative module is the project's own: no package manager has it.
fn of_the_project(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let module = draft.value("module").unwrap_or_default().to_owned();
    if module.starts_with('.') {
        draft.becomes(C::Logic, "exception", R::No);
        draft.extracted.remove("ecosystem");
    } else if module.starts_with('/') {
        // Node has a pattern of its own for these.
        draft.becomes(C::Logic, "exception", R::No);
        return draft.value("ecosystem") == Some("ruby");
    } else if evidence.lines.holds("is not in std") || evidence.lines.holds(".go:") {
        return false;
    }
    true
}
