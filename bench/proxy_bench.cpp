// The pure parts of a call, one by one: reading what was asked, writing what goes out, writing what
// comes back, and refusing.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "proxy/answer.hpp"
#include "proxy/outgoing.hpp"
#include "vault/error.hpp"

namespace {

using namespace sallyport;
using namespace sallyport::proxy;

// What an SDK sends.
constexpr std::string_view request_bytes =
    "GET /github/repos/octo/hello/issues?state=open&per_page=100&page=2 HTTP/1.1\r\n"
    "Host: 127.0.0.1:8080\r\nUser-Agent: octokit-rest.js/20.0.2 octokit-core.js/5.0.1\r\n"
    "Accept: application/vnd.github+json\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "X-GitHub-Api-Version: 2022-11-28\r\nAuthorization: Bearer a.run.token\r\n"
    "Connection: keep-alive\r\n\r\n";

constexpr std::string_view answer_bytes =
    "HTTP/1.1 200 OK\r\nServer: GitHub.com\r\nDate: Tue, 18 Nov 2025 12:00:00 GMT\r\n"
    "Content-Type: application/json; charset=utf-8\r\nContent-Length: 4711\r\n"
    "Cache-Control: private, max-age=60, s-maxage=60\r\nETag: W/\"0123456789abcdef\"\r\n"
    "Link: <https://api.test/repositories/1/issues?page=3>; rel=\"next\"\r\n"
    "Strict-Transport-Security: max-age=31536000\r\nX-RateLimit-Limit: 5000\r\n"
    "X-RateLimit-Remaining: 4999\r\nX-Content-Type-Options: nosniff\r\nVary: Accept\r\n\r\n";

class resolved_in_clear final : public vault::resolved {
public:
    const vault::connection& record() const noexcept override { return record_; }
    result<void> open(std::string_view field, vault::secret& out) const override
    {
        if (field != "secret") {
            return error_code(vault::errc::not_found);
        }
        out.renew(40);
        std::fill_n(out.data(), 40, 's');
        return {};
    }
    bool good(std::int64_t) const noexcept override { return true; }

private:
    vault::connection record_;
};

struct call {
    call()
    {
        policy::provider_facts facts;
        facts.id = "github";
        facts.base = {"api.test", 443, {}};
        facts.credentials = {
            {"bearer", {{policy::injection::place::header, "Authorization", "Bearer {secret}"}}}};
        std::vector<std::unique_ptr<policy::provider>> providers;
        providers.push_back(std::make_unique<policy::provider>(std::move(facts)));
        std::string why;
        from =
            *snapshot::make(std::make_shared<const policy::catalogue>(std::move(providers)), why);
        vault::connection connection;
        connection.kind = "bearer";
        plan = make_connection_plan(from, *from->find("github"), connection, pool);
        std::size_t scanned = 0;
        read_request_head(request_bytes, {}, scanned, head);
        admit(head, request);
    }

    net::pool pool;
    std::shared_ptr<const snapshot> from;
    std::shared_ptr<const connection_plan> plan;
    request_head head;
    admitted request;
};

void read_a_request(benchmark::State& state)
{
    request_head head;
    admitted request;
    for (auto _ : state) {
        std::size_t scanned = 0;
        if (read_request_head(request_bytes, {}, scanned, head) != head_state::complete ||
            admit(head, request)) {
            state.SkipWithError("not admitted");
        }
        benchmark::DoNotOptimize(request);
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * request_bytes.size()));
}
BENCHMARK(read_a_request);

void write_it_to_the_provider(benchmark::State& state)
{
    const call made;
    const resolved_in_clear credential;
    vault::secret scratch;
    outgoing parts;
    parts.head = &made.head;
    parts.request = &made.request;
    parts.plan = made.plan.get();
    parts.upstream = made.plan->find("", 0);
    parts.credential = &credential;
    parts.scratch = &scratch;
    std::string out;
    std::vector<std::string_view> stripped;
    for (auto _ : state) {
        out.clear();
        stripped.clear();
        if (write_request_head(parts, out, stripped) != write_fault::none) {
            state.SkipWithError("not written");
        }
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(write_it_to_the_provider);

void pass_an_answer(benchmark::State& state)
{
    const call made;
    answer_context context;
    context.plan = made.plan.get();
    context.upstream = made.plan->find("", 0);
    context.request = &made.request;
    context.gate_scheme = "http";
    context.call_id = "01JD0000000000000000000000";
    response_head head;
    std::string out;
    for (auto _ : state) {
        std::size_t scanned = 0;
        bool keep_alive = false;
        if (read_response_head(answer_bytes, {}, scanned, head) != head_state::complete ||
            frame_answer(head, false, context.body, keep_alive) != answer_fault::none) {
            state.SkipWithError("not framed");
        }
        out.clear();
        write_answer_head(head, context, out);
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(pass_an_answer);

void count_a_call(benchmark::State& state)
{
    worker_metrics metrics;
    metrics.prepare(50);
    finished_call call{.provider = 1,
                       .call_class = 1,
                       .code = {},
                       .gate_us = 40,
                       .upstream_us = 900,
                       .status = 200,
                       .request_bytes = 10,
                       .response_bytes = 4711};
    for (auto _ : state) {
        call.provider = static_cast<std::uint16_t>(call.provider % 49 + 1);
        count(metrics, call);
        benchmark::ClobberMemory();
    }
}
BENCHMARK(count_a_call);

// What a call without a trace pays for looking, and one with a trace for carrying it on.
void carry_a_trace_on(benchmark::State& state)
{
    const std::string bytes =
        std::string(request_bytes.substr(0, request_bytes.size() - 2)) +
        (state.range(0) == 0
             ? "\r\n"
             : "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
    request_head head;
    std::size_t scanned = 0;
    if (read_request_head(bytes, {}, scanned, head) != head_state::complete) {
        state.SkipWithError("not read");
    }
    trace_context trace;
    for (auto _ : state) {
        trace.read(head, "01JD3X5C7ZABCDEFGHJKMNPQRS");
        benchmark::DoNotOptimize(trace);
    }
}
BENCHMARK(carry_a_trace_on)->ArgName("traced")->Arg(0)->Arg(1);

void refuse(benchmark::State& state)
{
    refusal refused{code::scope_missing, "The connection lacks a scope.", {}, {}};
    refused.members.emplace_back("missing_scopes", R"([["repo"],["public_repo"]])");
    const refusal_context context{"01JD0000000000000000000000"};
    for (auto _ : state) {
        benchmark::DoNotOptimize(render(refused, context));
    }
}
BENCHMARK(refuse);

}  // namespace
