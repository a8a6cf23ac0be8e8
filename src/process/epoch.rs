//! The epoch file: the fence against supervisors of earlier runs.
//!
//! It holds the number of whoever took the run lock last, written in place and never renamed, so
//! that nobody can look at an old copy. The number is written twice: a reader that sees the middle
//! of a write notices. No sync: no supervisor survives a reboot.
//!
//! Which number to write comes from the database (`store`); what follows from a foreign number is
//! decided in `supervisor`.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::model::ids::Epoch;

/// Twenty digits, a space, the same twenty digits, a newline.
const LENGTH: usize = 42;
/// How often a reader looks again when it saw the middle of a write.
const LOOKS: usize = 100;

/// Writes the epoch. Only the holder of the run lock may.
///
/// # Errors
/// When the file cannot be opened or written; then no supervisor may be trusted to be fenced off.
pub fn write(path: &Path, epoch: Epoch) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    let number = epoch.0;
    // CRASH: the old epoch stands, or the new one: the write is one system call within one page.
    file.write_all_at(format!("{number:020} {number:020}\n").as_bytes(), 0)
}

/// Reads the epoch.
///
/// # Errors
/// When there is none or it makes no sense; whoever asks must then take itself for fenced off.
pub fn read(path: &Path) -> io::Result<Epoch> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    for _ in 0..LOOKS {
        if let Some(epoch) = look(&file)? {
            return Ok(epoch);
        }
        std::thread::yield_now();
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "the epoch file does not hold the same number twice",
    ))
}

fn look(file: &File) -> io::Result<Option<Epoch>> {
    let mut buffer = [0; LENGTH];
    match file.read_exact_at(&mut buffer, 0) {
        Ok(()) => Ok(parse(&buffer)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(text: &[u8; LENGTH]) -> Option<Epoch> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
    let (first, second) = text.split_once(' ')?;
    if first != second {
        return None;
    }
    first.parse().ok().map(Epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_read_as_it_was_written_and_stays_in_the_same_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("epoch");
        assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        write(&path, Epoch(7)).unwrap();
        let early = File::open(&path).unwrap();
        write(&path, Epoch(u64::MAX)).unwrap();
        assert_eq!(read(&path).unwrap(), Epoch(u64::MAX));
        assert_eq!(look(&early).unwrap(), Some(Epoch(u64::MAX)));
    }

    #[test]
    fn half_a_write_is_never_taken_for_an_epoch() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("epoch");
        write(&path, Epoch(19)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            let mut torn = b"00000000000000000020 00000000000000000020\n".to_vec();
            torn[..cut].copy_from_slice(&whole[..cut]);
            std::fs::write(&path, &torn).unwrap();
            if let Ok(epoch) = read(&path) {
                assert!(epoch == Epoch(19) || epoch == Epoch(20), "{epoch:?}");
            }
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(read(&path).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_link_in_the_place_of_the_epoch_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("epoch");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &path).unwrap();
        assert!(write(&path, Epoch(1)).is_err());
        assert!(!dir.path().join("elsewhere").exists());
    }
}
