/* Lets calls that change one kind of file fail now and then, for trials of a failing disk.
   Set LD_PRELOAD to this library; FAILING_NAME to a part of the path of the files, FAILING_ERROR to the number of the
   error, FAILING_RATE to the failures in a million calls. They are read at each call, so a forked process can set its
   own. Half of the writes that fail write a part before that. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static unsigned drawn(void) {
  static unsigned state, owner;
  if (owner != (unsigned)getpid()) { owner = (unsigned)getpid(); state = owner * 2654435761u | 1; }
  state ^= state << 13; state ^= state >> 17; state ^= state << 5;
  return state;
}

static int fails(int fd) {
  const char *name = getenv("FAILING_NAME"), *rate = getenv("FAILING_RATE");
  if (!name || !rate || drawn() % 1000000 >= (unsigned)atoi(rate)) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (!strstr(path, name)) return 0;
  errno = atoi(getenv("FAILING_ERROR"));
  return 1;
}

#define REAL(result, name, ...) \
  static result (*real)(__VA_ARGS__); \
  if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *data, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  if (!fails(fd)) return real(fd, data, size);
  return size > 1 && drawn() % 2 ? real(fd, data, size / 2) : -1;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  if (!fails(fd)) return real(fd, data, size, offset);
  int error = errno;
  if (size > 1 && drawn() % 2) real(fd, data, size / 2, offset);
  errno = error;
  return -1;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }

int fsync(int fd) { REAL(int, "fsync", int); return fails(fd) ? -1 : real(fd); }

int fdatasync(int fd) { REAL(int, "fdatasync", int); return fails(fd) ? -1 : real(fd); }

int ftruncate64(int fd, off64_t size) { REAL(int, "ftruncate64", int, off64_t); return fails(fd) ? -1 : real(fd, size); }

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int posix_fallocate(int fd, off_t offset, off_t size) {
  REAL(int, "posix_fallocate", int, off_t, off_t);
  return fails(fd) ? errno : real(fd, offset, size);
}
