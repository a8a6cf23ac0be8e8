//! What this machine has left: space, memory, processors, and whether a user's services outlive a
//! login. What is to be thought of it is `policy::health`'s.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::policy::health::machine::{Disk, Load, Memory};
use crate::process::clock_sync::load_of_five_minutes;
use crate::support::bytes::OsText;

/// Where systemd notes whose services outlive a login.
const LINGER: &str = "/var/lib/systemd/linger";

/// The file systems of these directories, each once; a directory is given with who uses it. One that
/// is not there is passed over.
pub fn disks(places: &[(&Path, String)]) -> Vec<Disk> {
    let mut known: Vec<(u64, Disk)> = Vec::new();
    for (path, used_by) in places {
        let Ok(metadata) = path.metadata() else {
            continue;
        };
        if let Some((_, disk)) = known
            .iter_mut()
            .find(|(device, _)| *device == metadata.dev())
        {
            // The first who uses it are told.
            if disk.used_by.matches('`').count() < 6 && !disk.used_by.contains(used_by.as_str()) {
                disk.used_by = format!("{}, {used_by}", disk.used_by);
            }
            continue;
        }
        if let Ok(disk) = disk(path, used_by) {
            known.push((metadata.dev(), disk));
        }
    }
    known.into_iter().map(|(_, disk)| disk).collect()
}

fn disk(path: &Path, used_by: &str) -> io::Result<Disk> {
    let answer = rustix::fs::statvfs(path)?;
    Ok(Disk {
        used_by: used_by.to_owned(),
        path: OsText::from(path).untrusted().for_terminal(),
        free: answer.f_bavail.saturating_mul(answer.f_frsize),
        total: answer.f_blocks.saturating_mul(answer.f_frsize),
        free_inodes: answer.f_favail,
        total_inodes: answer.f_files,
    })
}

/// Memory that can still be had: the machine's, or within the limit of our control group.
pub fn memory() -> Option<Memory> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    least(&text, &own, Path::new("/sys/fs/cgroup"))
}

fn least(meminfo: &str, own_group: &str, root: &Path) -> Option<Memory> {
    let field = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    };
    let machine = Memory {
        available: field("MemAvailable:")?,
        total: field("MemTotal:")?,
        limited: false,
    };
    let path = own_group
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))?;
    let group = root.join(path);
    // A limit holds for everything below the group that has it.
    let limits = group
        .ancestors()
        .take_while(|folder| folder.starts_with(root))
        .filter_map(within);
    Some(
        limits
            .chain([machine])
            .min_by_key(|memory| memory.available)
            .unwrap_or(machine),
    )
}

fn within(group: &Path) -> Option<Memory> {
    let read = |name: &str| std::fs::read_to_string(group.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    let total = number("memory.max")?;
    // What files keep in memory can be had back.
    let cached = read("memory.stat")?
        .lines()
        .find_map(|line| line.strip_prefix("inactive_file ")?.parse::<u64>().ok())
        .unwrap_or(0);
    let used = number("memory.current")?.saturating_sub(cached);
    Some(Memory {
        available: total.saturating_sub(used),
        total,
        limited: true,
    })
}

/// How many processes want to run.
pub fn load() -> Option<Load> {
    Some(Load {
        five_minutes: load_of_five_minutes()?,
        processors: std::thread::available_parallelism().map_or(1, usize::from),
    })
}

/// Whether the services of this user live while the user is not logged in; `None` where systemd does
/// not run the machine.
pub fn lingers() -> Option<bool> {
    if !Path::new("/run/systemd/system").is_dir() {
        return None;
    }
    let name = user_name(rustix::process::geteuid().as_raw())?;
    Some(PathBuf::from(LINGER).join(name).exists())
}

fn user_name(id: u32) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut cells = line.split(':');
        let name = cells.next()?;
        (cells.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_on_one_disk_are_told_once_with_who_uses_them() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let gone = folder.path().join("gone");
        let places = [
            (folder.path(), "the queue".to_owned()),
            (inner.as_path(), "`train`".to_owned()),
            (gone.as_path(), "`lost`".to_owned()),
        ];
        let found = disks(&places);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].used_by, "the queue, `train`");
        assert!(found[0].total >= found[0].free);
    }

    #[test]
    fn the_tightest_limit_of_the_groups_above_holds() {
        let folder = tempfile::tempdir().unwrap();
        let group = folder.path().join("user/night");
        std::fs::create_dir_all(&group).unwrap();
        let write =
            |path: &str, text: &str| std::fs::write(folder.path().join(path), text).unwrap();
        let meminfo = "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  800 kB\n";
        let own = "1:name=x:/\n0::/user/night\n";
        let read = || least(meminfo, own, folder.path()).unwrap();
        assert_eq!(read().available, 800 * 1024);
        write("user/memory.max", "500000\n");
        write("user/memory.current", "300000\n");
        write("user/memory.stat", "anon 1\ninactive_file 100000\n");
        write("user/night/memory.max", "max\n");
        let tight = Memory {
            available: 300_000,
            total: 500_000,
            limited: true,
        };
        assert_eq!(read(), tight);
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        assert!(memory().is_some_and(|memory| memory.total > 0));
        assert!(load().is_some_and(|load| load.processors > 0));
        assert_eq!(user_name(0).as_deref(), Some("root"));
    }
}
