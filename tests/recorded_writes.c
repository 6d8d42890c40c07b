/* Records what a process does to the files of one folder, as a disk sees it: for tests of a power failure.
   Set LD_PRELOAD to this library, RECORDED_FOLDER to the folder (with a slash at its end), and RECORDED_LOG to the log.
   A record of the log: kind (1 byte), length of the name (2), offset (8), length of the data (4), name, data.
   Kinds: w write, t truncate (to the offset), s sync, c create, u unlink, d sync of the folder. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static __thread int is_inside = 0;

#define REAL(result, name, ...) \
  static result (*real)(__VA_ARGS__); \
  if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static const char *folder(void) { const char *name = getenv("RECORDED_FOLDER"); return name ? name : ""; }

/* The name within the folder; an empty one for the folder itself; NULL for what lies elsewhere. */
static const char *within(const char *path) {
  size_t length = strlen(folder());
  if (!length || !path) return NULL;
  if (!strncmp(path, folder(), length)) return path + length;
  return strlen(path) == length - 1 && !strncmp(path, folder(), length - 1) ? "" : NULL;
}

static const char *name_of(int fd, char *buffer, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, buffer, size - 1);
  if (length < 0) return NULL;
  buffer[length] = 0;
  char *deleted = strstr(buffer, " (deleted)");
  return deleted ? NULL : within(buffer);
}

static void note(char kind, const char *name, uint64_t offset, const void *data, uint32_t size) {
  static ssize_t (*real_write)(int, const void *, size_t);
  if (!real_write) real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  pthread_mutex_lock(&lock);
  if (log_fd < 0) {
    is_inside = 1;
    log_fd = open(getenv("RECORDED_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    is_inside = 0;
  }
  uint16_t length = (uint16_t)strlen(name);
  char *record = malloc(15 + length + size);
  record[0] = kind;
  memcpy(record + 1, &length, 2);
  memcpy(record + 3, &offset, 8);
  memcpy(record + 11, &size, 4);
  memcpy(record + 15, name, length);
  memcpy(record + 15 + length, data, size);
  real_write(log_fd, record, 15 + length + size);
  free(record);
  pthread_mutex_unlock(&lock);
}

static void note_fd(char kind, int fd, uint64_t offset, const void *data, uint32_t size) {
  char buffer[4096];
  const char *name = name_of(fd, buffer, sizeof buffer);
  if (name) note(*name ? kind : 'd', name, offset, data, size);
}

ssize_t write(int fd, const void *data, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  off_t at = lseek(fd, 0, SEEK_CUR);
  if (at >= 0 && (fcntl(fd, F_GETFL) & O_APPEND)) at = lseek(fd, 0, SEEK_END);
  ssize_t written = real(fd, data, size);
  if (written > 0 && at >= 0) note_fd('w', fd, (uint64_t)at, data, (uint32_t)written);
  return written;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  ssize_t written = real(fd, data, size, at);
  if (written > 0) note_fd('w', fd, (uint64_t)at, data, (uint32_t)written);
  return written;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

static int synced(int fd, int result) { if (!result) note_fd('s', fd, 0, "", 0); return result; }

int fsync(int fd) { REAL(int, "fsync", int); return synced(fd, real(fd)); }

int fdatasync(int fd) { REAL(int, "fdatasync", int); return synced(fd, real(fd)); }

int ftruncate64(int fd, off64_t size) {
  REAL(int, "ftruncate64", int, off64_t);
  int result = real(fd, size);
  if (!result) note_fd('t', fd, (uint64_t)size, "", 0);
  return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int opened(const char *path, int flags, int existed, int fd) {
  const char *name = within(path);
  if (fd >= 0 && name && *name && !is_inside && (flags & O_CREAT) && !existed) note('c', name, 0, "", 0);
  return fd;
}

#define OPEN(function) \
  int function(const char *path, int flags, ...) { \
    REAL(int, #function, const char *, int, ...); \
    va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
    int existed = !access(path, F_OK); \
    return opened(path, flags, existed, real(path, flags, mode)); \
  }
OPEN(open)
OPEN(open64)

int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  int result = real(path);
  const char *name = within(path);
  if (!result && name) note('u', name, 0, "", 0);
  return result;
}

int unlinkat(int fd, const char *path, int flags) {
  REAL(int, "unlinkat", int, const char *, int);
  int result = real(fd, path, flags);
  const char *name = within(path);
  if (!result && name) note('u', name, 0, "", 0);
  return result;
}
