//! A relay between two pipes of our own.

use super::*;
use std::io::PipeReader;
use std::io::PipeWriter;
use std::io::Write as _;

fn between() -> (PipeWriter, Relay, PipeReader) {
    let (source, feed) = io::pipe().unwrap();
    let (reader, target) = io::pipe().unwrap();
    let relay = Relay::new(Some(source.into()), target.as_fd()).unwrap();
    (feed, relay, reader)
}

#[test]
fn bytes_come_out_as_they_went_in_and_the_end_is_kept() {
    let (mut feed, mut relay, mut reader) = between();
    let bytes: Vec<u8> = (0..10_000)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect();
    feed.write_all(&bytes).unwrap();
    relay.read();
    assert!(relay.source().is_none(), "what was read goes out first");
    while relay.is_pending() {
        relay.write();
    }
    assert!(relay.source().is_some());
    let mut seen = vec![0; bytes.len()];
    reader.read_exact(&mut seen).unwrap();
    assert_eq!(seen, bytes);
    assert_eq!(relay.tail(), bytes);
    relay.begin();
    assert!(relay.tail().is_empty());
}

#[test]
fn a_reader_that_left_closes_the_commands_pipe_and_is_no_failure() {
    let (mut feed, mut relay, reader) = between();
    drop(reader);
    feed.write_all(b"one").unwrap();
    relay.read();
    relay.write();
    assert!(relay.is_cut_off() && !relay.is_pending());
    assert_eq!(
        feed.write_all(b"two").unwrap_err().kind(),
        io::ErrorKind::BrokenPipe
    );
    assert!(relay.take_failure().is_none());
}

#[test]
fn a_stream_that_cannot_be_written_is_a_failure() {
    let (source, mut feed) = io::pipe().unwrap();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut relay = Relay::new(Some(source.into()), full.as_fd()).unwrap();
    feed.write_all(b"one").unwrap();
    relay.read();
    relay.write();
    let failure = relay.take_failure().unwrap();
    assert_eq!(failure.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_line_that_was_begun_is_known_once() {
    let (mut feed, mut relay, _reader) = between();
    feed.write_all(b"begun").unwrap();
    relay.read();
    assert!(relay.breaks_line());
    assert!(!relay.breaks_line());
}

#[test]
fn only_the_end_of_much_output_is_kept() {
    let (mut feed, mut relay, _reader) = between();
    for _ in 0..40 {
        feed.write_all(&vec![b'x'; BUSY]).unwrap();
        relay.read();
        relay.filled = 0;
    }
    assert_eq!(relay.tail().len(), TAIL);
    assert!(relay.tail.len() <= 2 * TAIL);
}
