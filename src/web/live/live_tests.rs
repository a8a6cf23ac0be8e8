//! The live page as text; how it behaves is tried in a browser (`tests/it/live.rs`).

use super::*;

#[test]
fn trouble_is_a_page_and_its_words_are_text() {
    let page = fill_with(
        TROUBLE,
        Trouble {
            message: "<script>alert(1)</script> `x`".to_owned(),
            at: "03:00:00".to_owned(),
        },
    );
    let page = page.unwrap();
    assert!(page.contains("&lt;script&gt;"), "{page}");
    assert!(
        page.contains("<code>x</code>") && !page.contains("<script"),
        "{page}"
    );
}

#[test]
fn nothing_that_is_served_brings_a_style_or_a_script_of_its_own() {
    for template in [SHELL, LIVE, TROUBLE] {
        for own in [
            " style=",
            "<style",
            "http://",
            "https://",
            "|safe",
            "javascript:",
        ] {
            let found = template.contains(own);
            assert!(!found, "{own}");
        }
    }
    assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("eval"));
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
}
