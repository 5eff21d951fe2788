// The trail's price on the path of a call: one line formatted and hashed, then written in batches;
// and how fast a directory is proved.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include "audit/line.hpp"
#include "audit/trail.hpp"
#include "audit/verify.hpp"
#include "tests/temporary_directory.hpp"

namespace {

using namespace sallyport;

audit::entry intent()
{
    static const std::string_view keys[] = {"page", "per_page"};
    static const std::string scopes[] = {"repo"};
    audit::entry out;
    out.call_id = "01ARYZ6S41TSV4RRFFQ69G5FAV";
    out.workspace = "acme", out.app = "mailer", out.run = "run-0001", out.user = "u_42";
    out.connection_id = "conn_01ARYZ6S41TSV4RRFFQ69G5FAV", out.provider = "github";
    out.method = "GET", out.host = "api.github.com", out.path = "/repos/acme/site/issues";
    out.operation = "issues.list", out.cls = "read", out.decision = "allow";
    out.query_keys = keys, out.scopes_used = scopes, out.client = "127.0.0.1";
    return out;
}

class directory {
public:
    directory() { settings.directory = home_.path(); }

    audit::settings settings;

private:
    temporary_directory home_;
};

void format_and_hash(benchmark::State& state)
{
    audit::line_maker maker("gate-1", "w0-01ARYZ6S41TSV4RRFFQ69G5FAV");
    audit::batch lines;
    audit::chain_head head;
    const audit::entry entry = intent();
    std::size_t bytes = 0;
    for (auto _ : state) {
        lines.clear();
        maker.append(lines, entry, head);
        bytes += lines.size();
        benchmark::DoNotOptimize(lines.text().data());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(format_and_hash);

void append_and_flush(benchmark::State& state, audit::durability durability)
{
    directory where;
    where.settings.durability = durability;
    auto trail = *audit::open_trail(where.settings, "gate-1");
    auto writer = *trail->open_writer("w0");
    const audit::entry entry = intent();
    for (auto _ : state) {
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            if (!writer->append(entry)) {
                state.SkipWithError("append");
            }
        }
        if (!writer->flush()) {
            state.SkipWithError("flush");
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(append_and_flush, write, audit::durability::write)->Arg(1)->Arg(8)->Arg(32);
BENCHMARK_CAPTURE(append_and_flush, fsync, audit::durability::fsync)->Arg(1)->Arg(8)->Arg(32);

// What the disk alone takes of a batch made durable: no formatting, no hashing.
void write_and_fdatasync(benchmark::State& state)
{
    constexpr off_t reserved = 16 << 20;
    constexpr std::size_t line_bytes = 640;
    directory where;
    const std::string path = where.settings.directory + "/disk";
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string lines(line_bytes * static_cast<std::size_t>(state.range(0)), 'x');
    off_t size = 0, end = 0;
    for (auto _ : state) {
        size += static_cast<off_t>(lines.size());
        if (size > end) {
            end = size + reserved;
            if (::fallocate(file, FALLOC_FL_KEEP_SIZE, size, reserved) != 0) {
                state.SkipWithError("fallocate");
            }
        }
        if (::write(file, lines.data(), lines.size()) < 0 || ::fdatasync(file) != 0) {
            state.SkipWithError("disk");
        }
    }
    ::close(file);
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(write_and_fdatasync)->Arg(1)->Arg(8)->Arg(32);

void verify(benchmark::State& state)
{
    constexpr std::int64_t lines = 50'000;
    directory where;
    {
        auto trail = *audit::open_trail(where.settings, "gate-1");
        auto writer = *trail->open_writer("w0");
        for (std::int64_t i = 0; i < lines; ++i) {
            if (!writer->append(intent()) || !writer->flush()) {
                state.SkipWithError("fill");
            }
        }
    }
    std::uint64_t bytes = 0;
    for (auto _ : state) {
        const audit::verification found = audit::verify_directory(where.settings.directory);
        if (!found.sound) {
            state.SkipWithError("not sound");
        }
        bytes += found.bytes;
    }
    state.SetItemsProcessed(state.iterations() * lines);
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(verify)->Unit(benchmark::kMillisecond);

}  // namespace
