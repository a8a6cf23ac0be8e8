//! Each kind of value, read and refused.

use super::*;

/// What was read, and everything wrong in the order in which it was found.
fn read<T>(content: &str, keys: impl FnOnce(&mut Section<'_, '_>) -> T) -> (T, Vec<String>) {
    let document = DeTable::parse(content).unwrap();
    let mut problems = Vec::new();
    let value = Section::document(document.get_ref(), &mut problems, keys);
    let told = problems
        .into_iter()
        .map(|Problem { at, what }| format!("{at}: {what}"))
        .collect();
    (value, told)
}

#[test]
fn every_kind_of_value_is_read() {
    let content = "text = \"a\"\nspan = \"90s\"\nspans = [\"5m\", \"1h\"]\nsize = \"2KiB\"\n\
                   whole = 7\nflag = true\nargv = [\"true\", \"-x\"]\n\
                   [sub]\nx = 1\n[named.one]\nx = 2\n[[many]]\nx = 3\n[[many]]\nx = 4\n";
    let x = |keys: &mut Section<'_, '_>| keys.whole("x", 0..=9).unwrap_or_default();
    let (value, told) = read(content, |keys| {
        (
            (keys.text("text"), keys.span("span", Duration::ZERO)),
            (keys.spans("spans", Duration::ZERO), keys.size("size")),
            (
                keys.whole("whole", 0..=7),
                keys.flag("flag"),
                keys.argv("argv"),
            ),
            keys.table("sub", x),
            keys.named_tables("named", |name, keys| (name.to_owned(), x(keys))),
            keys.tables("many", x),
        )
    });
    assert_eq!(told, Vec::<String>::new());
    let (first, second, third, sub, named, many) = value;
    assert_eq!(first, (Some("a".to_owned()), Some(Duration::from_secs(90))));
    let spans = vec![Duration::from_mins(5), Duration::from_hours(1)];
    assert_eq!(second, (Some(spans), Some(2048)));
    let argv = vec!["true".to_owned(), "-x".to_owned()];
    assert_eq!(third, (Some(7), Some(true), Some(argv)));
    assert_eq!(sub, Some(1));
    assert_eq!(named.get("one"), Some(&("one".to_owned(), 2)));
    assert_eq!(many, vec![3, 4]);
}

#[test]
fn what_is_not_written_is_none_and_no_problem() {
    let (value, told) = read("", |keys| {
        (
            keys.text("a"),
            keys.spans("b", Duration::ZERO),
            keys.table("c", |_| ()),
        )
    });
    assert_eq!((value, told), ((None, None, None), Vec::new()));
}

#[test]
fn everything_wrong_is_told_with_what_to_write_instead() {
    let (_, told) = read(
        "span = \"90\"\nshort = \"1ms\"\nspans = [\"5m\", 7]\nsize = \"10\"\nflag = 1\n\
         argv = []\nword = \"c\"\nmany = 1\nspann = 1\nzzz = 1\n",
        |keys| {
            (
                keys.span("span", Duration::ZERO),
                keys.span("short", Duration::from_secs(1)),
                keys.spans("spans", Duration::ZERO),
                (keys.size("size"), keys.flag("flag"), keys.argv("argv")),
                keys.word("word", &[("a", 1), ("b", 2)]),
                keys.tables("many", |_| ()),
            )
        },
    );
    let expected = [
        "7: `span` must be a length of time (write the unit too, such as `90s` or `90m`), found `\"90\"`",
        "20: `short` must be at least 1s, found `\"1ms\"`",
        "41: `spans` must be a string, found an integer",
        "51: `size` must be a size (write the unit too, such as `10MiB` or `10B`), found `\"10\"`",
        "63: `flag` must be true or false, found an integer",
        "72: `argv` names no program; write for example `[\"/bin/true\"]`",
        "82: `word` must be `\"a\"` or `\"b\"`, found `\"c\"`",
        "93: `many` must be a list of tables: `[[many]]`, found an integer",
        "95: unknown key `spann`; did you mean `span`?",
        "105: unknown key `zzz`; known here: `span`, `short`, `spans`, `size`, `flag`, `argv`, `word`, `many`",
    ];
    assert_eq!(told, expected);
}

#[test]
fn an_unknown_key_of_a_table_within_is_told_too() {
    let (_, told) = read("[sub]\nxx = 1\n[named.one]\nyy = 1\n", |keys| {
        (
            keys.table("sub", |keys| keys.flag("on")),
            keys.named_tables("named", |_, keys| keys.flag("on")),
        )
    });
    let expected = [
        "6: unknown key `xx`; known here: `on`",
        "25: unknown key `yy`; known here: `on`",
    ];
    assert_eq!(told, expected);
}
