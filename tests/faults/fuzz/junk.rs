//! Where junk comes from: real inputs with bytes, words, lines and numbers changed.
//!
//! No coverage guides it: the corpus is real, the words are those of the format at hand, and the
//! changes are the ones that break parsers. The same seed gives the same junk.

use fastrand::Rng;

/// The longest input that changes alone may make.
const LONGEST: usize = 256 * 1024;

/// What breaks readers of any format.
const WORDS: &[&str] = &[
    "",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "\u{1b}[2J",
    "\u{1b}]0;x\u{7}",
    "\u{9b}31m",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "é",
    "\u{301}",
    "𝔘",
    "İ",
    "ß",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\\u0000",
    "\\x",
    "{",
    "}",
    "{{",
    "}}",
    "{%",
    "[",
    "]",
    "[[",
    "]]",
    "<",
    ">",
    "&",
    "</pre>",
    "<script>",
    "`",
    "```",
    "|",
    "#",
    "//",
    "/*",
    "://",
    "@",
    ":",
    ";",
    ",",
    "=",
    "-",
    "--",
    "+",
    "%",
    "%s",
    "%00",
    "..",
    "../..",
    "/",
    "~",
    "$HOME",
    "*",
    "?",
    ".*",
    "(",
    "((",
    "a{9999}",
    "null",
    "true",
    "nan",
    "inf",
    "1e999",
    "0x",
    "Retry-After: ",
    "password=",
];

/// Numbers at the borders of what counts.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "1",
    "00",
    "007",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "999999999999999999999999999999999999999999999",
    "0.1",
    ".5",
    "5.",
    "1e9",
    "1e-9",
    "1_000",
    "٣",
];

/// Makes junk of a corpus.
#[derive(Debug)]
pub(crate) struct Junk<'a> {
    corpus: &'a [Vec<u8>],
    words: &'a [&'a str],
}

impl<'a> Junk<'a> {
    /// Out of these inputs, with the words of their format.
    pub(crate) fn of(corpus: &'a [Vec<u8>], words: &'a [&'a str]) -> Self {
        assert!(!corpus.is_empty());
        Self { corpus, words }
    }

    /// One input.
    pub(crate) fn next(&self, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = match rng.u8(..) {
            // Made of words alone.
            0..40 => (0..rng.usize(..24))
                .flat_map(|_| self.word(rng).as_bytes().to_vec())
                .collect(),
            40..44 => (0..rng.usize(..600)).map(|_| rng.u8(..)).collect(),
            _ => self.sample(rng).clone(),
        };
        // As it is, once in a while: it must be taken.
        let changes = rng.usize(..8);
        for _ in 0..changes {
            self.change(&mut bytes, rng);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn sample(&self, rng: &mut Rng) -> &Vec<u8> {
        rng.choice(self.corpus).unwrap()
    }

    fn word(&self, rng: &mut Rng) -> &'a str {
        match rng.u8(..10) {
            0..5 if !self.words.is_empty() => rng.choice(self.words).unwrap(),
            0..8 => rng.choice(WORDS).unwrap(),
            _ => rng.choice(NUMBERS).unwrap(),
        }
    }

    fn change(&self, bytes: &mut Vec<u8>, rng: &mut Rng) {
        let (from, to) = range(bytes.len(), rng);
        match rng.u8(..14) {
            0 if !bytes.is_empty() => bytes[from] ^= 1 << rng.u8(..8),
            1 if !bytes.is_empty() => bytes[from] = rng.u8(..),
            2 => drop(bytes.drain(from..to)),
            3 => {
                let part = bytes[from..to].repeat(rng.usize(1..16));
                bytes.splice(to..to, part);
            }
            4 => bytes.truncate(from),
            5 | 6 => drop(bytes.splice(from..from, self.word(rng).bytes())),
            7 | 8 => drop(bytes.splice(from..to, self.word(rng).bytes())),
            9 => {
                let other = self.sample(rng);
                let (start, end) = range(other.len(), rng);
                bytes.splice(from..to, other[start..end].iter().copied());
            }
            10 | 11 => other_number(bytes, rng),
            12 => move_line(bytes, rng),
            _ => {
                // A word many times over: what is quadratic shows.
                let times = 1 << rng.usize(..12);
                let many = self.word(rng).repeat(times);
                bytes.splice(from..from, many.into_bytes());
            }
        }
    }
}

/// A range within so many bytes, mostly short; empty only where there are none.
fn range(length: usize, rng: &mut Rng) -> (usize, usize) {
    if length == 0 {
        return (0, 0);
    }
    let from = rng.usize(..length);
    let most = if rng.u8(..4) == 0 { length } else { 12 };
    (from, (from + rng.usize(1..=most)).min(length))
}

/// Another number in the place of one that is there.
fn other_number(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[at - 1].is_ascii_digit()))
        .collect();
    let Some(&start) = rng.choice(&starts) else {
        return;
    };
    let length = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let number = rng.choice(NUMBERS).unwrap();
    bytes.splice(start..start + length, number.bytes());
}

/// A line in another place, or twice.
fn move_line(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    if lines.is_empty() {
        return;
    }
    let from = rng.usize(..lines.len());
    let line = if rng.bool() {
        lines.remove(from)
    } else {
        lines[from].clone()
    };
    lines.insert(rng.usize(..=lines.len()), line);
    *bytes = lines.concat();
}

/// Inputs that are one thing over and over, so many bytes of it: what takes for ever on them takes
/// more than their length.
pub(crate) fn monsters(words: &[&str], length: usize) -> Vec<Vec<u8>> {
    let general = WORDS
        .iter()
        .chain(NUMBERS)
        .chain(&["x\n", "a = 1\n", "x y ", "9", "a@b:c/"]);
    let all = words.iter().chain(general).filter(|word| !word.is_empty());
    all.map(|word| {
        let mut bytes = word.repeat(length / word.len() + 1).into_bytes();
        bytes.truncate(length);
        bytes
    })
    .collect()
}
