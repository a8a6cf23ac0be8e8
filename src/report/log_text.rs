//! The output of an attempt as text: whole lines, both streams in the order in which they came.
//!
//! Where a terminal shows it, everything that a terminal would obey is made visible; anywhere else
//! the bytes are passed on as they were written. What was not kept is said in a line of its own.

use std::collections::VecDeque;

use crate::process::Stream;
use crate::process::logread::Piece;
use crate::support::text::size;
use crate::support::untrusted::Untrusted;

/// A line that grows longer than this is shown in parts.
const LONGEST: usize = 64 * 1024;

/// Who reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person at a terminal.
    Terminal,
    /// A program or a file.
    Program,
}

/// Puts pieces together to lines.
#[derive(Debug)]
pub struct LogText {
    reader: Reader,
    /// Only this stream.
    wanted: Option<Stream>,
    /// Lines without an end yet, of standard output and of standard error.
    open: [Vec<u8>; 3],
    /// The lines that are kept back because only the last ones are wanted.
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    most: usize,
    lines: VecDeque<Vec<u8>>,
}

impl LogText {
    /// Text for a reader: of one stream or both, the whole or only the last lines.
    pub fn new(reader: Reader, wanted: Option<Stream>, tail: Option<usize>) -> Self {
        Self {
            reader,
            wanted,
            open: [const { Vec::new() }; 3],
            last: tail.map(|most| Last {
                most,
                lines: VecDeque::new(),
            }),
        }
    }

    /// Takes a piece and gives the lines that are whole now.
    pub fn push(&mut self, piece: &Piece) -> Vec<u8> {
        let mut ready = Vec::new();
        match piece {
            Piece::Output { stream, bytes, .. } => {
                if self.wanted.is_none_or(|wanted| wanted == *stream) {
                    self.push_bytes(*stream, bytes, &mut ready);
                }
            }
            Piece::Gap { bytes } => {
                self.end_lines(&mut ready);
                let missing = size(*bytes);
                let line = format!("[autoexec: {missing} of output were not kept here]\n");
                self.give(line.into_bytes(), &mut ready);
            }
        }
        ready
    }

    /// Gives what was kept back and, from here on, every line at once.
    pub fn release(&mut self) -> Vec<u8> {
        let last = self.last.take();
        last.map_or_else(Vec::new, |last| Vec::from(last.lines).concat())
    }

    /// Gives all that is left; nothing more will come.
    pub fn finish(mut self) -> Vec<u8> {
        let mut ready = Vec::new();
        self.end_lines(&mut ready);
        let mut all = self.release();
        all.append(&mut ready);
        all
    }

    fn push_bytes(&mut self, stream: Stream, bytes: &[u8], ready: &mut Vec<u8>) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let open = self.open_line(stream);
            open.extend_from_slice(part);
            if open.last() == Some(&b'\n') || open.len() >= LONGEST {
                let line = std::mem::take(open);
                let line = self.shown(line);
                self.give(line, ready);
            }
        }
    }

    /// Ends the lines that have none yet, so that what follows stands on its own.
    fn end_lines(&mut self, ready: &mut Vec<u8>) {
        for stream in [Stream::Remedy, Stream::Stdout, Stream::Stderr] {
            let mut line = std::mem::take(self.open_line(stream));
            if line.is_empty() {
                continue;
            }
            if self.reader == Reader::Terminal {
                line.push(b'\n');
            }
            let line = self.shown(line);
            self.give(line, ready);
        }
    }

    const fn open_line(&mut self, stream: Stream) -> &mut Vec<u8> {
        let [stdout, stderr, remedy] = &mut self.open;
        match stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
            Stream::Remedy => remedy,
        }
    }

    fn give(&mut self, line: Vec<u8>, ready: &mut Vec<u8>) {
        match &mut self.last {
            None => ready.extend_from_slice(&line),
            Some(last) => {
                last.lines.push_back(line);
                if last.lines.len() > last.most {
                    last.lines.pop_front();
                }
            }
        }
    }

    /// A line as its reader may have it.
    fn shown(&self, line: Vec<u8>) -> Vec<u8> {
        if self.reader == Reader::Program {
            return line;
        }
        let (text, end) = match line.as_slice() {
            [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] => (text, "\n"),
            text => (text, ""),
        };
        // A tab does no harm, and tables need it.
        let cells: Vec<String> = text
            .split(|byte| *byte == b'\t')
            .map(|cell| Untrusted::new(cell).for_terminal())
            .collect();
        format!("{}{end}", cells.join("\t")).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn piece(stream: Stream, bytes: &[u8]) -> Piece {
        Piece::Output {
            stream,
            after: Duration::ZERO,
            bytes: bytes.to_vec(),
        }
    }

    fn text(mut log: LogText, pieces: &[Piece]) -> String {
        let mut all: Vec<u8> = pieces.iter().flat_map(|piece| log.push(piece)).collect();
        all.append(&mut log.finish());
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn lines_of_two_streams_are_not_torn() {
        let pieces = [
            piece(Stream::Stdout, b"one\ntw"),
            piece(Stream::Stderr, b"oops\n"),
            piece(Stream::Stdout, b"o\nend"),
        ];
        let all = LogText::new(Reader::Program, None, None);
        assert_eq!(text(all, &pieces), "one\noops\ntwo\nend");
        let errors = LogText::new(Reader::Program, Some(Stream::Stderr), None);
        assert_eq!(text(errors, &pieces), "oops\n");
    }

    #[test]
    fn the_last_lines_are_the_last_lines_of_what_is_wanted() {
        let pieces = [
            piece(Stream::Stdout, b"1\n2\n3\n4"),
            piece(Stream::Stderr, b"x\n"),
        ];
        let last = LogText::new(Reader::Program, Some(Stream::Stdout), Some(2));
        assert_eq!(text(last, &pieces), "3\n4");
        let none = LogText::new(Reader::Program, None, Some(0));
        assert_eq!(text(none, &pieces), "");
    }

    #[test]
    fn a_terminal_obeys_nothing_and_a_program_gets_every_byte() {
        let pieces = [piece(Stream::Stdout, b"a\tb\x1b[2J\xff\r\nend")];
        let shown = LogText::new(Reader::Terminal, None, None);
        assert_eq!(text(shown, &pieces), "a\tb\\e[2J\\xff\nend\n");
        let mut raw = LogText::new(Reader::Program, None, None);
        let mut all = raw.push(&pieces[0]);
        all.append(&mut raw.finish());
        assert_eq!(all, b"a\tb\x1b[2J\xff\r\nend");
    }

    #[test]
    fn what_was_not_kept_is_said() {
        let pieces = [
            piece(Stream::Stdout, b"head"),
            Piece::Gap { bytes: 2048 },
            piece(Stream::Stdout, b"tail\n"),
        ];
        let log = LogText::new(Reader::Terminal, None, None);
        assert_eq!(
            text(log, &pieces),
            "head\n[autoexec: 2.0 KiB of output were not kept here]\ntail\n"
        );
    }

    #[test]
    fn a_line_without_end_is_passed_on_in_parts() {
        let mut log = LogText::new(Reader::Program, None, None);
        let part = piece(Stream::Stdout, &vec![b'x'; 40_000]);
        assert!(log.push(&part).is_empty());
        assert_eq!(log.push(&part).len(), 80_000);
    }
}
