// Answer heads from a foreign hand, up to what goes back to the caller: it must be a head again,
// with one framing, no field of ours but our own, and nothing between the provider and the gate.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "proxy/answer.hpp"

using namespace sallyport;
using namespace sallyport::proxy;

namespace {

void require(bool holds)
{
    if (!holds) {
        std::abort();
    }
}

// A call to a provider with two hosts and a credential in the query.
struct call {
    call()
    {
        policy::provider_facts facts;
        facts.id = "example";
        facts.base = {"api.test", 443, {}};
        facts.hosts = {{"uploads.test", 443, {}}};
        facts.credentials = {{"api_key", {{policy::injection::place::query, "key", "{secret}"}}}};
        std::vector<std::unique_ptr<policy::provider>> providers;
        providers.push_back(std::make_unique<policy::provider>(std::move(facts)));
        std::string why;
        from =
            *snapshot::make(std::make_shared<const policy::catalogue>(std::move(providers)), why);
        vault::connection connection;
        connection.kind = "api_key";
        plan = make_connection_plan(from, *from->find("example"), connection, pool);
        request.path = "/v1/things";
        request.authority = "gate:8080";
        context.plan = plan.get();
        context.upstream = plan->find("", 0);
        context.request = &request;
        context.gate_scheme = "http";
        context.call_id = "01CALL";
        context.date = "Tue, 18 Nov 2025 12:00:00 GMT";
    }

    net::pool pool;
    std::shared_ptr<const snapshot> from;
    std::shared_ptr<const connection_plan> plan;
    admitted request;
    answer_context context;
};

void check(const std::string& written, unsigned status)
{
    response_head head;
    std::size_t scanned = 0;
    head_limits limits;
    limits.bytes = 1 << 20;
    require(read_response_head(written, limits, scanned, head) == head_state::complete);
    require(head.size == written.size() && head.status == status);
    std::size_t framings = 0;
    std::size_t call_ids = 0;
    for (const field& each : head.fields) {
        const std::string name = lower(each.name);
        framings += name == "content-length" || name == "transfer-encoding";
        call_ids += name.starts_with("sallyport-");
        require(name != "set-cookie" && name != "alt-svc" && name != "keep-alive" &&
                name != "upgrade");
        if (name == "location" || name == "content-location") {
            require(!each.value.starts_with("http://gate:8080/example/?key="));
        }
    }
    require(framings <= 1 && call_ids == (status < 200 ? 0u : 1u));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static call made;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    response_head head;
    std::size_t scanned = 0;
    bool keep_alive = false;
    if (read_response_head(bytes, {}, scanned, head) != head_state::complete ||
        frame_answer(head, (size & 1) != 0, made.context.body, keep_alive) != answer_fault::none) {
        return 0;
    }
    made.context.chunk = made.context.body.kind == body_kind::chunked ||
                         made.context.body.kind == body_kind::until_close;
    std::string out;
    write_answer_head(head, made.context, out);
    check(out, head.status);
    return 0;
}
