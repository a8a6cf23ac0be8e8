/* Calls that do less than they were asked for, or are interrupted, as a kernel may let them.
 *
 * Preloaded into a program (`LD_PRELOAD`), for files only: of every four writes and reads one does a
 * part, one does nothing and says EINTR. Each such call adds a letter to the file SHORT_CALLS_COUNT.
 * Unlike a tracer, which can only lie about the result, this really does less. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long seed;

static unsigned long next(void) {
  if (seed == 0) {
    const char *text = getenv("SHORT_CALLS_SEED");
    seed = (text ? strtoul(text, 0, 10) : 1) * 2654435761UL + (unsigned long)getpid();
    seed |= 1;
  }
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static void count(const char *letter) {
  const char *path = getenv("SHORT_CALLS_COUNT");
  if (!path) return;
  int before = errno;
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd >= 0) {
    syscall(SYS_write, fd, letter, 1);
    syscall(SYS_close, fd);
  }
  errno = before;
}

/* How much of it is done; 0: nothing, it is interrupted. */
static size_t part(int fd, size_t asked) {
  struct stat about;
  if (asked < 2 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return asked;
  switch (next() % 4) {
  case 0:
    count("i");
    return 0;
  case 1:
    count("s");
    return 1 + next() % (asked - 1);
  default:
    return asked;
  }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define SHORTENED(fd, asked, done)                                                                 \
  size_t some = part(fd, asked);                                                                   \
  if (some == 0 && asked != 0) {                                                                   \
    errno = EINTR;                                                                                 \
    return -1;                                                                                     \
  }                                                                                                \
  return done;

ssize_t write(int fd, const void *from, size_t asked) { SHORTENED(fd, asked, REAL(write)(fd, from, some)) }
ssize_t read(int fd, void *to, size_t asked) { SHORTENED(fd, asked, REAL(read)(fd, to, some)) }
ssize_t pwrite(int fd, const void *from, size_t asked, off_t at) { SHORTENED(fd, asked, REAL(pwrite)(fd, from, some, at)) }
ssize_t pread(int fd, void *to, size_t asked, off_t at) { SHORTENED(fd, asked, REAL(pread)(fd, to, some, at)) }
ssize_t pwrite64(int fd, const void *from, size_t asked, off64_t at) { SHORTENED(fd, asked, REAL(pwrite64)(fd, from, some, at)) }
ssize_t pread64(int fd, void *to, size_t asked, off64_t at) { SHORTENED(fd, asked, REAL(pread64)(fd, to, some, at)) }
