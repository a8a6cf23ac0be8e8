//! What patterns mean and what they never mean.

use super::*;
use proptest::prelude::*;

fn means(pattern: &str, path: &str) -> bool {
    let names: Vec<&str> = path.split('/').collect();
    Wildcard::parse(pattern).unwrap().matches(&names)
}

fn may_lead_into(pattern: &str, folder: &str) -> bool {
    let names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    Wildcard::parse(pattern).unwrap().may_match_below(&names)
}

#[test]
fn a_star_stands_for_a_part_of_a_name_and_never_for_a_slash() {
    assert!(means("cache/*.tmp", "cache/a.tmp"));
    assert!(means("./cache//*.tmp", "cache/a.tmp"));
    assert!(means("*a*b", "xaxbxb"));
    assert!(!means("cache/*.tmp", "cache/deep/a.tmp"));
    assert!(!means("cache/*.tmp", "a.tmp"));
    assert!(!means("cache/*.tmp", "cache/a.tmp.keep"));
    assert!(!means("*a*b", "xaxbx"));
}

#[test]
fn a_question_mark_is_one_character_in_whatever_bytes() {
    assert!(means("a?c", "abc"));
    assert!(means("a?c", "aüc"));
    assert!(!means("a?c", "abbc"));
    assert!(!means("a?c", "ac"));
    let odd: [&[u8]; 1] = [b"a\xffc"];
    assert!(Wildcard::parse("a?c").unwrap().matches(&odd));
}

#[test]
fn two_stars_stand_for_any_number_of_folders() {
    for path in ["build/a.o", "build/x/a.o", "build/x/y/a.o"] {
        assert!(means("build/**/*.o", path), "{path}");
    }
    assert!(means("**/a.o", "a.o"));
    assert!(!means("build/**/*.o", "other/a.o"));
    assert!(!means("build/**/*.o", "build/.git/a.o"));
}

#[test]
fn a_slash_at_the_end_means_all_that_is_in_the_folder() {
    for path in ["cache/a", "cache/x/y/b", "cache/.hidden"] {
        assert!(means("cache/", path), "{path}");
    }
    assert!(!means("cache/", "cache"));
    assert!(!means("cache/", "cached/a"));
    assert!(means("run-*/tmp/", "run-3/tmp/a"));
}

#[test]
fn hidden_names_need_a_dot() {
    assert!(!means("x/*", "x/.keep"));
    assert!(means("x/.*", "x/.keep"));
}

#[test]
fn a_walk_goes_only_where_something_can_be_meant() {
    assert!(may_lead_into("cache/*.tmp", ""));
    assert!(may_lead_into("cache/*.tmp", "cache"));
    assert!(!may_lead_into("cache/*.tmp", "cache/deep"));
    assert!(!may_lead_into("cache/*.tmp", "src"));
    assert!(may_lead_into("build/**/*.o", "build/x/y"));
    assert!(may_lead_into("cache/", "cache/x/y"));
    assert!(!may_lead_into("cache/", "src"));
}

#[test]
fn what_leads_outside_or_means_everything_is_refused() {
    use WildcardError as E;
    for (pattern, why) in [
        ("", E::Empty),
        ("/tmp/*", E::Absolute),
        ("../x", E::Upwards),
        ("cache/../../x", E::Upwards),
        ("a\0b", E::Control),
        ("a\nb", E::Control),
        ("*", E::Everything),
        ("**", E::Everything),
        ("**/*", E::Everything),
        ("./", E::Everything),
        (".", E::Everything),
        (".*", E::Everything),
        ("*/", E::Everything),
    ] {
        assert_eq!(Wildcard::parse(pattern), Err(why), "{pattern:?}");
    }
    assert_eq!(Wildcard::parse(&"a".repeat(5000)), Err(E::TooLong));
}

proptest! {
    #[test]
    fn what_is_meant_is_found_by_a_walk(
        pattern in "[ab*?./]{1,12}",
        names in proptest::collection::vec("[ab.]{1,3}", 1..5),
    ) {
        if let Ok(pattern) = Wildcard::parse(&pattern) && pattern.matches(&names) {
            for depth in 0..names.len() {
                prop_assert!(pattern.may_match_below(&names[..depth]));
            }
        }
    }

    #[test]
    fn a_name_means_itself(name in "[a-z]{1,8}") {
        prop_assert!(means(&name, &name));
    }

    #[test]
    fn many_stars_end(name in "a{0,200}") {
        prop_assert!(!means("*a*a*a*a*a*a*a*b", &name));
    }
}
