//! Searches that are ordinary, and such as want to take for ever.

use super::*;

/// Words, numbers and signs without end, the same ones each time.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut text = Vec::with_capacity(bytes + 64);
    while text.len() < bytes {
        for _ in 0..60 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let place = usize::try_from(state >> 59).unwrap();
            text.push(b"abcdefghijklmnopqrstuvwy 0123.:/"[place]);
        }
        text.push(b'\n');
    }
    text
}

fn hostile(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("[0-9a-z][^x]{{1,40}}x{number}x"))
        .collect()
}

fn lines(text: &[u8]) -> Lines {
    Lines::new(b"", text)
}

/// All lines that are met, with the expressions.
fn met(search: &Search, lines: &Lines) -> Vec<(usize, Vec<usize>)> {
    let mut met = Vec::new();
    let wanted = vec![true; search.written.len()];
    search.backwards(lines, &wanted, |line, numbers| {
        met.push((line, numbers.to_vec()));
        None::<()>
    });
    met
}

/// How many bytes are read before the search is given up; all of them if it is not.
fn read(table: &DFA, lines: &Lines) -> usize {
    let mut cache = table.create_cache();
    let mut found = PatternSet::new(table.pattern_len());
    let mut bytes = 0;
    for line in 0..lines.len() {
        if search(table, &mut cache, lines.line(line), &mut found).is_err() {
            break;
        }
        bytes += lines.line(line).len();
    }
    bytes
}

#[test]
fn the_last_line_comes_first_and_expressions_in_their_order() {
    let search = Search::of(["beta$", "a", "^be"].map(str::to_owned).to_vec()).unwrap();
    let text = lines(b"alpha\nnothing here\nbeta\n\nbe\n");
    assert_eq!(
        met(&search, &text),
        [(3, vec![2]), (2, vec![0, 1, 2]), (0, vec![1])]
    );
    let first = search.backwards(&text, &[false, true, false], |line, numbers| {
        Some((line, numbers.to_vec()))
    });
    assert_eq!(first, Some((2, vec![1])));
}

#[test]
fn work_is_bounded_whatever_expressions_and_text_are() {
    // Each byte of the noise needs a state that was not there before.
    let text = lines(&noise(256 * 1024));
    let nfa = |written: &[String]| expression::compile_together(written).unwrap();
    let crowd = nfa(&hostile(200));
    let size = crowd.states().len();
    let bytes = read(&table(crowd, WORK).unwrap(), &text);
    assert!(bytes * size <= 2 * WORK, "{bytes} bytes, {size} states");
    let single = nfa(&hostile(1));
    let size = single.states().len();
    let share = WORK / 200;
    let bytes = read(&table(single, share).unwrap(), &text);
    assert!(bytes * size <= 2 * share, "{bytes} bytes, {size} states");
}

#[test]
fn a_costly_expression_alone_is_searched_for_in_all_lines() {
    let mut text = b"q1 x0x\n".to_vec();
    text.extend(noise(64 * 1024));
    let search = Search::of(hostile(1)).unwrap();
    assert_eq!(met(&search, &lines(&text)), [(0, vec![0])]);
}

#[test]
fn a_costly_crowd_hides_no_sound_expression() {
    let mut text = b"the licence pool is EMPTY\n".to_vec();
    text.extend(noise(256 * 1024));
    text.extend(b"q1 x7x\n");
    let end = lines(&text).len() - 1;
    let mut written = hostile(200);
    written.push("pool is EMPTY$".to_owned());
    let search = Search::of(written).unwrap();
    for _ in 0..2 {
        assert_eq!(
            met(&search, &lines(&text)),
            [(end, vec![7]), (0, vec![200])]
        );
    }
}

#[test]
fn what_was_learnt_from_other_output_is_not_held_against_this_one() {
    let search = Search::of(hostile(200)).unwrap();
    assert!(met(&search, &lines(&noise(64 * 1024))).is_empty());
    assert_eq!(met(&search, &lines(b"q1 x7x\n")), [(0, vec![7])]);
}
