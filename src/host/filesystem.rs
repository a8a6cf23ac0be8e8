//! File systems on which a lock or a sync means less than it says.

use std::io;
use std::path::Path;

/// Kinds of file systems that more than one machine may see, or that a program of some user serves.
/// The numbers are the kernel's (`linux/magic.h` and the file systems' own headers).
const SHARED: &[(u32, &str)] = &[
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x7375_7245, "Coda"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x0000_564c, "NCP"),
    (0xaad7_aaea, "PanFS"),
    (0x786f_4256, "a VirtualBox shared folder"),
];

/// The name of the file system, if it is one that must not hold a queue.
#[cfg(target_os = "linux")]
pub(crate) fn shared_kind(path: &Path) -> io::Result<Option<&'static str>> {
    let kind = rustix::fs::statfs(path)?.f_type;
    // The kernel's type is wider on some machines; the numbers are all of 32 bits.
    Ok(name_of(
        u32::try_from(kind & 0xffff_ffff).unwrap_or_default(),
    ))
}

/// Only Linux tells kinds by numbers that are known here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn shared_kind(_path: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

fn name_of(kind: u32) -> Option<&'static str> {
    SHARED
        .iter()
        .find(|(number, _)| *number == kind)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
        assert_eq!(name_of(0x6969), Some("NFS"));
        assert_eq!(name_of(0xff53_4d42), Some("CIFS"));
        assert_eq!(name_of(0xef53), None, "ext4");
        assert_eq!(name_of(0x0102_1994), None, "tmpfs");
    }
}
