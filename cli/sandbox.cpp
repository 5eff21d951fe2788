#include "cli/sandbox.hpp"

#include <asm/termbits.h>
#include <linux/prctl.h>
#include <netdb.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace sallyport::cli {
namespace {

constexpr const char* allowed_calls[] = {
    // Bytes.
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "lseek",
    "close", "close_range", "dup", "dup2", "dup3", "fcntl", "pipe", "pipe2",
    // Files: the store with its log, the trail, configuration and catalogue read again.
    "open", "openat", "openat2", "stat", "fstat", "lstat", "newfstatat", "fstatat64", "statx",
    "statfs", "fstatfs", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd",
    "getdents64", "flock", "fsync", "fdatasync", "sync_file_range", "fallocate", "ftruncate",
    "fadvise64", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir",
    "mkdirat", "rmdir", "umask", "chmod", "fchmod", "fchmodat", "fchown", "utimensat",
    // Sockets that exist already, and waiting.
    "connect", "accept", "accept4", "bind", "getsockname", "getpeername", "setsockopt",
    "getsockopt", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown",
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
    "select", "pselect6", "eventfd2", "timerfd_create", "timerfd_settime", "timerfd_gettime",
    // Memory that holds no code.
    "brk", "munmap", "mremap", "madvise", "mlock", "mlock2", "munlock", "membarrier",
    // Threads, signals, time.
    "futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "gettid", "getpid",
    "getppid", "getuid", "geteuid", "getgid", "getegid", "sched_yield", "sched_getaffinity",
    "sched_setaffinity", "getcpu", "exit", "exit_group", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "rt_sigsuspend", "sigaltstack",
    "restart_syscall", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
    "gettimeofday", "time", "getrandom", "getrlimit", "getrusage", "times", "sysinfo", "uname"};

// Nothing in a gate makes these by mistake.
constexpr const char* deadly_calls[] = {"execve",
                                        "execveat",
                                        "fork",
                                        "vfork",
                                        "ptrace",
                                        "process_vm_readv",
                                        "process_vm_writev",
                                        "process_madvise",
                                        "pidfd_getfd",
                                        "kcmp",
                                        "init_module",
                                        "finit_module",
                                        "delete_module",
                                        "kexec_load",
                                        "kexec_file_load",
                                        "bpf",
                                        "perf_event_open",
                                        "userfaultfd",
                                        "unshare",
                                        "setns",
                                        "mount",
                                        "umount2",
                                        "move_mount",
                                        "open_tree",
                                        "fsopen",
                                        "pivot_root",
                                        "chroot",
                                        "setuid",
                                        "setreuid",
                                        "setresuid",
                                        "setgid",
                                        "setregid",
                                        "setresgid",
                                        "setgroups",
                                        "capset",
                                        "keyctl",
                                        "add_key",
                                        "request_key",
                                        "reboot",
                                        "swapon",
                                        "swapoff",
                                        "iopl",
                                        "ioperm",
                                        "personality"};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // The leak checker clones a tracer that stops all threads.
#else
constexpr bool sanitized = false;
#endif
constexpr const char* sanitizer_calls[] = {"getdents", "ptrace", "wait4",      "kill",
                                           "tgkill",   "prctl",  "personality"};

bool needed_by_sanitizers(const char* call)
{
    for (const char* name : sanitizer_calls) {
        if (sanitized && std::strcmp(name, call) == 0) {
            return true;
        }
    }
    return false;
}

class filter {
public:
    // A call that is on no list.
    filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)))
    {
        if (context_ == nullptr) {
            throw std::bad_alloc();
        }
        set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        set(SCMP_FLTATR_CTL_TSYNC, 1);
        set(SCMP_FLTATR_CTL_LOG, 1);
        set(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // A search tree: 150 comparisons a call would show.
    }

    template <class... Conditions>
    void rule(std::uint32_t action, const char* call, Conditions... conditions)
    {
        const int number = ::seccomp_syscall_resolve_name(call);
        if (number == __NR_SCMP_ERROR) {
            return;  // Newer than the library: it stays on no list.
        }
        const scmp_arg_cmp all[] = {conditions..., scmp_arg_cmp{}};
        const int code =
            ::seccomp_rule_add_array(context_.get(), action, number, sizeof...(conditions), all);
        // EDOM: this processor's kernel has no such call.
        require(code == -EDOM ? 0 : code, call);
    }

    void allow(const char* call) { rule(SCMP_ACT_ALLOW, call); }
    template <class... Conditions>
    void allow_if(const char* call, Conditions... conditions)
    {
        rule(SCMP_ACT_ALLOW, call, conditions...);
    }

    void load() { require(::seccomp_load(context_.get()), "load"); }

private:
    struct releaser {
        void operator()(void* context) const noexcept { ::seccomp_release(context); }
    };

    void set(scmp_filter_attr attribute, std::uint32_t value)
    {
        require(::seccomp_attr_set(context_.get(), attribute, value), "set up");
    }

    static void require(int code, const char* step)
    {
        if (code != 0) {
            throw std::runtime_error(std::string("the system-call filter cannot be installed (") +
                                     step + ": " + std::strerror(-code) +
                                     "); serve --no-seccomp starts without it");
        }
    }

    std::unique_ptr<void, releaser> context_;
};

scmp_arg_cmp is(unsigned argument, std::uint64_t value)
{
    return {argument, SCMP_CMP_EQ, value, 0};
}

scmp_arg_cmp has_bits(unsigned argument, std::uint64_t mask, std::uint64_t bits)
{
    return {argument, SCMP_CMP_MASKED_EQ, mask, bits};
}

// Streams to providers, datagrams to name servers, unix sockets; netlink only for the question
// which kinds of address this machine has, which getaddrinfo asks.
void allow_sockets(filter& rules)
{
    constexpr std::uint64_t type_mask = 0xf;  // Less SOCK_CLOEXEC and SOCK_NONBLOCK.
    for (const int domain : {AF_INET, AF_INET6, AF_UNIX}) {
        for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
            rules.allow_if("socket", is(0, static_cast<std::uint64_t>(domain)),
                           has_bits(1, type_mask, static_cast<std::uint64_t>(type)));
        }
    }
    rules.allow_if("socket", is(0, AF_NETLINK), is(2, 0));  // NETLINK_ROUTE
    rules.allow_if("socketpair", is(0, AF_UNIX));
}

void allow_memory_without_code(filter& rules)
{
    for (const char* call : {"mmap", "mprotect"}) {
        rules.allow_if(call, has_bits(2, PROT_EXEC, 0));
        rules.rule(SCMP_ACT_ERRNO(EPERM), call, has_bits(2, PROT_EXEC, PROT_EXEC));
    }
}

// Threads, but no processes. clone3 hides its flags in memory, where no filter can see them: the C
// library takes ENOSYS as the advice to use clone.
void allow_threads(filter& rules)
{
    const std::uint64_t thread = CLONE_THREAD;
    rules.allow_if("clone", has_bits(0, thread, thread));
    rules.rule(sanitized ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS, "clone", has_bits(0, thread, 0));
}

void allow_on_itself(filter& rules)
{
    const auto self = static_cast<std::uint64_t>(::getpid());
    if (!sanitized) {
        rules.allow_if("tgkill", is(0, self));  // abort()
        for (const std::uint64_t option : {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_DUMPABLE}) {
            rules.allow_if("prctl", is(0, option));
        }
    }
    rules.allow_if("prlimit64", is(0, 0), is(2, 0));  // Reading limits, not setting them.
    for (const std::uint64_t request : {FIONBIO, FIONREAD, TCGETS}) {
        rules.allow_if("ioctl", is(1, request));
    }
}

// Whatever /etc/nsswitch.conf wants for a name that `files` knows is loaded now.
void load_name_services()
{
    addrinfo* found = nullptr;
    if (::getaddrinfo("localhost", nullptr, nullptr, &found) == 0) {
        ::freeaddrinfo(found);
    }
}

}  // namespace

void confine_process()
{
    load_name_services();
    filter rules;
    for (const char* call : allowed_calls) {
        rules.allow(call);
    }
    for (const char* call : deadly_calls) {
        if (!needed_by_sanitizers(call)) {
            rules.rule(SCMP_ACT_KILL_PROCESS, call);
        }
    }
    if (sanitized) {
        for (const char* call : sanitizer_calls) {
            rules.allow(call);
        }
    }
    allow_sockets(rules);
    allow_memory_without_code(rules);
    allow_threads(rules);
    allow_on_itself(rules);
    rules.load();
}

}  // namespace sallyport::cli
