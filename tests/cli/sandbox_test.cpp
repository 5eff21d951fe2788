// Each test makes a child that confines itself and then tries one thing: the filter has no way
// back, and what it refuses may be deadly.
#include "cli/sandbox.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <thread>

namespace sallyport::cli {
namespace {

constexpr int killed = 1000;       // by the filter
constexpr int no_complaint = 200;  // the attempt came back without an error

// What became of a confined child that makes `attempt`, which returns as system calls do.
int outcome_of(const std::function<long()>& attempt)
{
    const pid_t child = ::fork();
    if (child == 0) {
        confine_process();
        const long said = attempt();
        ::_exit(said < 0 ? errno : no_complaint);
    }
    int status = 0;
    EXPECT_EQ(child, ::waitpid(child, &status, 0));
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGSYS ? killed : -WTERMSIG(status);
    }
    return WEXITSTATUS(status);
}

int outcome_of_call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0)
{
    return outcome_of([=] { return ::syscall(number, a, b, c, d, e); });
}

TEST(Sandbox, KillsWhoRunsAProgram)
{
    const int outcome = outcome_of([] { return ::execl("/bin/true", "true", nullptr); });
    EXPECT_EQ(outcome, killed);
    EXPECT_EQ(outcome_of_call(SYS_execveat, AT_FDCWD), killed);
}

TEST(Sandbox, KillsWhoReachesForOtherProcessesOrTheKernel)
{
    for (const long number :
         {SYS_process_vm_readv, SYS_process_vm_writev, SYS_bpf, SYS_perf_event_open, SYS_unshare,
          SYS_setns, SYS_mount, SYS_chroot, SYS_setuid, SYS_init_module, SYS_keyctl}) {
        EXPECT_EQ(outcome_of_call(number), killed) << number;
    }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// A sanitizer's leak checker needs these two.
TEST(Sandbox, KillsWhoForksOrTraces)
{
    EXPECT_EQ(outcome_of([] { return static_cast<long>(::fork()); }), killed);
    EXPECT_EQ(outcome_of_call(SYS_ptrace, PTRACE_TRACEME), killed);
}
#endif

TEST(Sandbox, RefusesMemoryThatHoldsCode)
{
    const auto map = [](int protection) {
        return ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    };
    const auto mapped = [map](int protection) {
        return outcome_of([=] { return map(protection) == MAP_FAILED ? -1L : 0L; });
    };
    EXPECT_EQ(mapped(PROT_READ | PROT_EXEC), EPERM);
    EXPECT_EQ(mapped(PROT_READ | PROT_WRITE), no_complaint);
    const int made_executable = outcome_of([map] {
        return static_cast<long>(::mprotect(map(PROT_READ | PROT_WRITE), 4096, PROT_EXEC));
    });
    EXPECT_EQ(made_executable, EPERM);
}

TEST(Sandbox, RefusesSocketsThatAreNeitherStreamsNorDatagrams)
{
    EXPECT_EQ(outcome_of_call(SYS_socket, AF_PACKET, SOCK_RAW, 0), ENOSYS);
    EXPECT_EQ(outcome_of_call(SYS_socket, AF_INET, SOCK_RAW, 1), ENOSYS);
    EXPECT_EQ(outcome_of_call(SYS_socket, AF_VSOCK, SOCK_STREAM, 0), ENOSYS);
    EXPECT_EQ(outcome_of_call(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_AUDIT), ENOSYS);
    for (const int domain : {AF_INET, AF_INET6, AF_UNIX}) {
        EXPECT_EQ(outcome_of_call(SYS_socket, domain, SOCK_STREAM | SOCK_CLOEXEC, 0), no_complaint);
    }
}

TEST(Sandbox, RefusesWhatIsOnNoList)
{
    EXPECT_EQ(outcome_of_call(SYS_listen, 0, 1), ENOSYS);
    EXPECT_EQ(outcome_of_call(SYS_io_uring_setup, 1, 0), ENOSYS);
    EXPECT_EQ(outcome_of_call(SYS_memfd_create, 0, 0), ENOSYS);
    EXPECT_EQ(outcome_of_call(SYS_clone3, 0, 0), ENOSYS);
}

TEST(Sandbox, LetsThreadsStartAndNamesResolve)
{
    const int outcome = outcome_of([] {
        std::atomic<int> resolved = -1;
        std::thread([&] {
            addrinfo* found = nullptr;
            resolved = ::getaddrinfo("localhost", "80", nullptr, &found);
            ::freeaddrinfo(found);
        }).join();
        return resolved == 0 ? 0L : -1L;
    });
    EXPECT_EQ(outcome, no_complaint);
}

TEST(Sandbox, BindsThreadsThatRanBefore)
{
    const pid_t child = ::fork();
    if (child == 0) {
        std::atomic<bool> confined = false;
        std::thread before([&] {
            confined.wait(false);
            ::_exit(::syscall(SYS_listen, 0, 1) < 0 ? errno : no_complaint);
        });
        confine_process();
        confined = true;
        confined.notify_one();
        before.join();
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), ENOSYS);
}

}  // namespace
}  // namespace sallyport::cli
