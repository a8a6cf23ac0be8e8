//! Which lists are believed.

use super::*;

fn lines(text: &str) -> Result<Requirements, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("requirements.txt");
    std::fs::write(&path, text).unwrap();
    requirements(&path, &mut Sum::default()).map_err(|error| error.to_string())
}

#[test]
fn what_people_write_is_accepted() {
    let found = lines(
        "# what we need\n\
         --no-index\n\
         --find-links ./wheels\n\
         -i https://packages.example/simple\n\
         \n\
         requests[socks]==2.32.3 ; python_version < \"3.13\"  # why\n\
         numpy>=1.26,<3\n\
         zope.interface == 6.1 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def\n",
    )
    .unwrap();
    assert_eq!(found.count, 3);
    assert!(found.has_hashes);
}

#[test]
fn what_would_run_or_fetch_something_else_is_refused() {
    for line in [
        "-e .",
        "--editable ./src",
        "--no-binary :all:",
        "--install-option=--prefix=/",
        "--config-settings x=y",
        "git+https://example.org/x.git",
        "pkg @ https://example.org/pkg.whl",
        "https://example.org/pkg.whl",
        "./pkg",
        "../pkg-1.0.whl",
        "/opt/pkg",
        "file:pkg",
        "requests --install-option=x",
        "requests ; --global-option=x",
        "-r https://example.org/list.txt",
        "--requirement=",
        "\u{1b}[31m",
        "--index-url-evil x",
    ] {
        let why = lines(&format!("requests==1\n{line}\n")).unwrap_err();
        assert!(why.starts_with("line 2 of `"), "{line}: {why}");
    }
    let hidden = lines("requests \\\n --install-option=x\n").unwrap_err();
    assert!(hidden.starts_with("line 1 of `"), "{hidden}");
}

#[test]
fn files_that_it_takes_in_are_looked_through_and_count() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("requirements.txt");
    std::fs::write(&path, "-r base.txt\n-c requirements.txt\n").unwrap();
    std::fs::write(dir.path().join("base.txt"), "a==1\n").unwrap();
    let hash = || {
        let mut sum = Sum::default();
        requirements(&path, &mut sum).map(|_| sum.hash())
    };
    let before = hash().unwrap();
    std::fs::write(dir.path().join("base.txt"), "a==2\n").unwrap();
    assert_ne!(hash().unwrap(), before);
    std::fs::write(dir.path().join("base.txt"), "-e .\n").unwrap();
    hash().unwrap_err();
}

#[test]
fn names_are_pinned_to_one_version_and_nothing_else() {
    for good in [
        "requests==2.32.3",
        "a[b,c]==1",
        "zope.interface==6.1rc1",
        "x==1!2.0+local",
    ] {
        assert!(is_pinned_python(good), "{good}");
    }
    for bad in [
        "requests",
        "requests>=2",
        "requests==",
        "requests== 2",
        "-r==1",
        "--index-url==x",
        "a b==1",
        "a@https://x==1",
        "../a==1",
        "a==1;x",
        "a==*",
        "a==1\n",
        "a[b==1",
        "a===1",
    ] {
        assert!(!is_pinned_python(bad), "{bad}");
    }
    for good in ["left-pad@1.3.0", "@scope/name@1.0.0-rc.1"] {
        assert!(is_pinned_node(good), "{good}");
    }
    for bad in [
        "left-pad",
        "left-pad@latest",
        "left-pad@^1.0.0",
        "left-pad@1",
        "@scope",
        "-g@1.0.0",
        "x@npm:evil@1.0.0",
        "x@https://e/1.0.0",
        "../x@1.0.0",
        "x@1.0.0 y",
    ] {
        assert!(!is_pinned_node(bad), "{bad}");
    }
}
