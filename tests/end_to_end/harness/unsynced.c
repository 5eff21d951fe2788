// A disk that can lose its power, for one directory of one process: preloaded into it, this puts
// down everything the process does to the files of that directory, in order, with the moments at
// which it was promised that they are on disk. power.py makes of it what a disk may hold after a
// cut at any moment.
//
// The directory itself is written as well, so the process reads what it wrote. Its syncs touch no
// disk: they take UNSYNCED_MICROSECONDS and are put down, twice, because what is written during a
// sync is not promised by it.
//
//   UNSYNCED_DIRECTORY, UNSYNCED_JOURNAL: absolute paths; the directory exists already.
//
// A record is struct record and then `size` bytes. Calls that write a file in ways not known here
// end the process: better no test than one that overlooks something.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { descriptors_max = 1 << 16 };
enum kind { opened = 1, wrote, truncated, sync_begun, sync_done, unlinked, renamed };
enum { created = 1, emptied = 2 };  // of `opened`

struct record {
    uint64_t nanoseconds;  // CLOCK_MONOTONIC
    uint32_t kind;
    uint32_t handle;  // of one open(); 0: the directory
    uint64_t number;  // opened: how; wrote: offset; truncated: to; sync_*: which
    uint64_t size;    // of what follows: a name, two names with a line feed between, or bytes
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char* directory;
static dev_t device;
static ino_t inode;
static int journal = -1;
static long sync_microseconds;
static uint32_t handles[descriptors_max];  // by descriptor
static uint32_t last_handle;
static uint64_t last_sync;

static void fail(const char* why)
{
    syscall(SYS_write, 2, why, strlen(why));
    syscall(SYS_write, 2, "\n", 1);
    abort();
}

__attribute__((constructor)) static void begin(void)
{
    struct stat status;
    directory = getenv("UNSYNCED_DIRECTORY");
    const char* const path = getenv("UNSYNCED_JOURNAL");
    const char* const microseconds = getenv("UNSYNCED_MICROSECONDS");
    if (directory == NULL || path == NULL || stat(directory, &status) != 0) {
        fail("unsynced: no directory or no journal");
    }
    device = status.st_dev;
    inode = status.st_ino;
    sync_microseconds = microseconds == NULL ? 0 : atol(microseconds);
    const long file = syscall(SYS_openat, AT_FDCWD, path,
                              O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    journal = (int)syscall(SYS_fcntl, file, F_DUPFD_CLOEXEC, 1000);
    if (journal < 0) {
        journal = (int)file;
    }
    if (journal < 0) {
        fail("unsynced: the journal cannot be written");
    }
}

// Under the mutex. A kill may leave the last record cut off.
static void put(enum kind kind, uint32_t handle, uint64_t number, const void* bytes, size_t size)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const struct record head = {(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, kind,
                                handle, number, size};
    const struct iovec parts[] = {{(void*)(uintptr_t)&head, sizeof head},
                                  {(void*)(uintptr_t)bytes, size}};
    if (syscall(SYS_writev, journal, parts, 2) != (long)(sizeof head + size)) {
        fail("unsynced: the journal cannot be written");
    }
}

static int is_directory(int fd)
{
    struct stat status;
    return fd >= 0 && syscall(SYS_fstat, fd, &status) == 0 && status.st_dev == device &&
           status.st_ino == inode;
}

// The name within the directory, NULL if it is elsewhere or the directory itself.
static const char* name_of(int at, const char* path)
{
    if (path[0] == '/') {
        const size_t size = strlen(directory);
        const int within = strncmp(path, directory, size) == 0 && path[size] == '/';
        return within && strchr(path + size + 1, '/') == NULL ? path + size + 1 : NULL;
    }
    const int plain = strchr(path, '/') == NULL && strcmp(path, ".") != 0;
    return plain && is_directory(at) ? path : NULL;
}

static uint32_t handle_of(int fd) { return fd >= 0 && fd < descriptors_max ? handles[fd] : 0; }

static void track(int fd, uint32_t handle)
{
    if (fd >= descriptors_max && handle != 0) {
        fail("unsynced: too many descriptors");
    }
    if (fd >= 0 && fd < descriptors_max) {
        handles[fd] = handle;
    }
}

static int open_in(int at, const char* path, int flags, mode_t mode)
{
    const char* const name = (flags & O_TMPFILE) == O_TMPFILE ? NULL : name_of(at, path);
    pthread_mutex_lock(&mutex);
    struct stat status;
    const int is_new =
        name != NULL && syscall(SYS_newfstatat, at, path, &status, AT_SYMLINK_NOFOLLOW) != 0;
    const int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    const int error = errno;
    if (fd >= 0) {
        track(fd, name == NULL ? 0 : ++last_handle);
    }
    if (fd >= 0 && name != NULL) {
        put(opened, last_handle, (is_new ? created : 0) | (flags & O_TRUNC ? emptied : 0), name,
            strlen(name));
    }
    pthread_mutex_unlock(&mutex);
    errno = error;
    return fd;
}

static mode_t mode_of(int flags, va_list more)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;
}

#define OPEN(NAME, AT, ...)                       \
    int NAME(__VA_ARGS__, int flags, ...)         \
    {                                             \
        va_list more;                             \
        va_start(more, flags);                    \
        const mode_t mode = mode_of(flags, more); \
        va_end(more);                             \
        return open_in(AT, path, flags, mode);    \
    }
OPEN(open, AT_FDCWD, const char* path)
OPEN(open64, AT_FDCWD, const char* path)
OPEN(openat, at, int at, const char* path)
OPEN(openat64, at, int at, const char* path)
int __open_2(const char* path, int flags) { return open_in(AT_FDCWD, path, flags, 0); }
int __open64_2(const char* path, int flags) { return open_in(AT_FDCWD, path, flags, 0); }
int __openat_2(int at, const char* path, int flags) { return open_in(at, path, flags, 0); }
int __openat64_2(int at, const char* path, int flags) { return open_in(at, path, flags, 0); }

int close(int fd)
{
    track(fd, 0);
    return (int)syscall(SYS_close, fd);
}

static int duplicate(int fd, int copy)
{
    track(copy, handle_of(fd));
    return copy;
}

int dup(int fd) { return duplicate(fd, (int)syscall(SYS_dup, fd)); }
int dup2(int fd, int to) { return duplicate(fd, (int)syscall(SYS_dup2, fd, to)); }
int dup3(int fd, int to, int flags) { return duplicate(fd, (int)syscall(SYS_dup3, fd, to, flags)); }

#define FCNTL(NAME)                                                                         \
    int NAME(int fd, int command, ...)                                                      \
    {                                                                                       \
        va_list more;                                                                       \
        va_start(more, command);                                                            \
        void* const argument = va_arg(more, void*);                                         \
        va_end(more);                                                                       \
        const int out = (int)syscall(SYS_fcntl, fd, command, argument);                     \
        return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? duplicate(fd, out) : out; \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

static void refuse(int fd, const char* why)
{
    if (handle_of(fd) != 0) {
        fail(why);
    }
}

ssize_t write(int fd, const void* bytes, size_t size)
{
    const uint32_t handle = handle_of(fd);
    if (handle == 0) {
        return syscall(SYS_write, fd, bytes, size);
    }
    pthread_mutex_lock(&mutex);
    const int appends = (syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND) != 0;
    const off_t offset = syscall(SYS_lseek, fd, 0, appends ? SEEK_END : SEEK_CUR);
    const ssize_t put_down = syscall(SYS_write, fd, bytes, size);
    const int error = errno;
    if (put_down > 0) {
        put(wrote, handle, (uint64_t)offset, bytes, (size_t)put_down);
    }
    pthread_mutex_unlock(&mutex);
    errno = error;
    return put_down;
}

ssize_t writev(int fd, const struct iovec* parts, int count)
{
    refuse(fd, "unsynced: writev");
    return syscall(SYS_writev, fd, parts, count);
}

#define PWRITE(NAME)                                               \
    ssize_t NAME(int fd, const void* bytes, size_t size, off_t at) \
    {                                                              \
        refuse(fd, "unsynced: pwrite");                            \
        return syscall(SYS_pwrite64, fd, bytes, size, at);         \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

static int truncate_to(int fd, off_t size)
{
    const uint32_t handle = handle_of(fd);
    pthread_mutex_lock(&mutex);
    const int out = (int)syscall(SYS_ftruncate, fd, size);
    const int error = errno;
    if (out == 0 && handle != 0) {
        put(truncated, handle, (uint64_t)size, NULL, 0);
    }
    pthread_mutex_unlock(&mutex);
    errno = error;
    return out;
}
int ftruncate(int fd, off_t size) { return truncate_to(fd, size); }
int ftruncate64(int fd, off_t size) { return truncate_to(fd, size); }

// With FALLOC_FL_KEEP_SIZE nothing that can be read changes.
static int reserve(int fd, int how, off_t offset, off_t size)
{
    if (how != FALLOC_FL_KEEP_SIZE) {
        refuse(fd, "unsynced: fallocate");
    }
    return (int)syscall(SYS_fallocate, fd, how, offset, size);
}
int fallocate(int fd, int how, off_t offset, off_t size) { return reserve(fd, how, offset, size); }
int fallocate64(int fd, int how, off_t offset, off_t size)
{
    return reserve(fd, how, offset, size);
}

static int make_durable(int fd, long call)
{
    const uint32_t handle = handle_of(fd);
    if (handle == 0 && !is_directory(fd)) {
        return (int)syscall(call, fd);
    }
    pthread_mutex_lock(&mutex);
    const uint64_t number = ++last_sync;
    put(sync_begun, handle, number, NULL, 0);
    pthread_mutex_unlock(&mutex);
    const struct timespec pause = {sync_microseconds / 1000000, sync_microseconds % 1000000 * 1000};
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&mutex);
    put(sync_done, handle, number, NULL, 0);
    pthread_mutex_unlock(&mutex);
    return 0;
}
int fsync(int fd) { return make_durable(fd, SYS_fsync); }
int fdatasync(int fd) { return make_durable(fd, SYS_fdatasync); }

int unlinkat(int at, const char* path, int flags)
{
    const char* const name = name_of(at, path);
    pthread_mutex_lock(&mutex);
    const int out = (int)syscall(SYS_unlinkat, at, path, flags);
    const int error = errno;
    if (out == 0 && name != NULL) {
        put(unlinked, 0, 0, name, strlen(name));
    }
    pthread_mutex_unlock(&mutex);
    errno = error;
    return out;
}
int unlink(const char* path) { return unlinkat(AT_FDCWD, path, 0); }

static void put_names(const char* from, const char* to)
{
    char names[1024];
    if (from == NULL || to == NULL || strlen(from) + strlen(to) + 2 > sizeof names) {
        fail("unsynced: a name comes from elsewhere or goes there");
    }
    char* const end = stpcpy(stpcpy(stpcpy(names, from), "\n"), to);
    put(renamed, 0, 0, names, (size_t)(end - names));
}

int renameat(int at, const char* from, int to_at, const char* to)
{
    const char* const was = name_of(at, from);
    const char* const is = name_of(to_at, to);
    pthread_mutex_lock(&mutex);
    const int out = (int)syscall(SYS_renameat, at, from, to_at, to);
    const int error = errno;
    if (out == 0 && (was != NULL || is != NULL)) {
        put_names(was, is);
    }
    pthread_mutex_unlock(&mutex);
    errno = error;
    return out;
}
int rename(const char* from, const char* to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
