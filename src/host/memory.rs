//! Memory of this machine.

use std::io;

/// How much memory there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Bytes in all.
    pub total: u64,
    /// Bytes that programs can have without anything being paged out.
    pub available: u64,
}

/// How much memory there is now.
///
/// # Errors
/// Where the kernel does not tell.
pub fn memory() -> io::Result<Memory> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    read(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn read(text: &str) -> Option<Memory> {
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes = line.strip_prefix(':')?.trim().strip_suffix("kB")?;
        kibibytes.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(Memory {
        total: of("MemTotal")?,
        available: of("MemAvailable")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_figures_are_read() {
        let text = "MemTotal:       16303428 kB\nMemFree:  5 kB\nMemAvailable:   2048 kB\n";
        let wanted = Memory {
            total: 16_303_428 * 1024,
            available: 2048 * 1024,
        };
        assert_eq!(read(text), Some(wanted));
        assert_eq!(read("MemTotal: 5 kB\n"), None);
    }
}
