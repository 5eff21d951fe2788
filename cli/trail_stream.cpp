#include "cli/trail_stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <charconv>
#include <future>
#include <thread>

#include "vault/error.hpp"
#include "vault/redis_commands.hpp"

namespace sallyport::cli {

namespace asio = boost::asio;

namespace {

using kind = vault::redis_reply::kind;

constexpr std::size_t identity_digits = 16;

// KEYS lines, checkpoints. The last id of the lines, then that of the checkpoints and its note.
constexpr const char* find_source = R"(
local last, note = '0-0', {'0-0', ''}
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', '1')
if newest[1] then note = {newest[1][1], newest[1][2][2]} end
return {last, note[1], note[2]}
)";

// KEYS lines, checkpoints, names. ARGV (which key, id, field, text)...
constexpr const char* add_source = R"(
redis.call('SADD', KEYS[3], KEYS[1])
for i = 1, #ARGV, 4 do
  local done = redis.pcall('XADD', KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  if type(done) == 'table' and done.err and not string.find(done.err, 'equal or smaller') then
    return done
  end
end
return 'done'
)";

// KEYS streams.
constexpr const char* trim_source = R"(
local function parts(id)
  local dash = string.find(id, '-')
  return tonumber(string.sub(id, 1, dash - 1)), tonumber(string.sub(id, dash + 1))
end
local function before(a, b)
  local am, as = parts(a)
  local bm, bs = parts(b)
  return am < bm or (am == bm and as < bs)
end
for _, key in ipairs(KEYS) do
  local groups = {}
  if redis.call('EXISTS', key) == 1 then groups = redis.call('XINFO', 'GROUPS', key) end
  local needed = nil
  for _, group in ipairs(groups) do
    local name, delivered = nil, '0-0'
    for i = 1, #group, 2 do
      if group[i] == 'name' then name = group[i + 1] end
      if group[i] == 'last-delivered-id' then delivered = group[i + 1] end
    end
    local pending = redis.call('XPENDING', key, name)
    local first = pending[1] > 0 and pending[2] or delivered
    if not needed or before(first, needed) then needed = first end
  end
  if needed then redis.call('XTRIM', key, 'MINID', '=', needed) end
end
return 'done'
)";

class redis_trail_stream final : public audit::stream_sink {
public:
    redis_trail_stream(const std::string& url, const vault::redis_settings& redis,
                       const std::string& node)
        : node_(node),
          commands_(std::make_unique<vault::redis_commands>(
              context_, std::make_shared<vault::redis_site>(vault::parse_redis_url(url), redis)))
    {
        thread_ = std::thread([this] { context_.run(); });
    }
    ~redis_trail_stream() override
    {
        context_.stop();
        thread_.join();
        commands_.reset();
    }
    redis_trail_stream(const redis_trail_stream&) = delete;
    redis_trail_stream& operator=(const redis_trail_stream&) = delete;

    result<position> find(const std::string& identity) override
    {
        lines_ = "sallyport:audit:" + node_ + ':' + identity.substr(0, identity_digits);
        const result<vault::redis_reply> reply = call(find_, {lines_, notes()}, {});
        if (!reply) {
            return reply.error();
        }
        if (!vault::all_texts(*reply, 3)) {
            return make_error_code(vault::errc::corrupted);
        }
        const auto line = audit::parse_place(reply->elements[0].text);
        const auto note = audit::parse_place(reply->elements[1].text);
        if (!line || !note) {
            return make_error_code(vault::errc::corrupted);
        }
        return position{*line, note->checkpoint, reply->elements[2].text};
    }

    result<void> add(const std::vector<audit::covered_reader::item>& items) override
    {
        vault::words arguments;
        arguments.reserve(items.size() * 4);
        for (const audit::covered_reader::item& one : items) {
            const bool is_note = one.note != 0;
            arguments.emplace_back(is_note ? "2" : "1");
            arguments.push_back(to_string(is_note ? audit::place{one.note, 0} : one.at));
            arguments.emplace_back(is_note ? "note" : "line");
            arguments.push_back(one.text);
        }
        return done(call(add_, {lines_, notes(), "sallyport:audit"}, std::move(arguments)));
    }

    result<void> trim() override { return done(call(trim_, {lines_, notes()}, {})); }

private:
    std::string notes() const { return lines_ + ":checkpoints"; }

    result<vault::redis_reply> call(const vault::redis_script& what, vault::words keys,
                                    vault::words arguments)
    {
        auto asking = commands_->call(&what, std::move(keys), std::move(arguments));
        return asio::co_spawn(context_, std::move(asking), asio::use_future).get();
    }
    static result<void> done(const result<vault::redis_reply>& reply)
    {
        if (!reply) {
            return reply.error();
        }
        if (reply->text != "done") {
            return make_error_code(vault::errc::corrupted);
        }
        return {};
    }

    const std::string node_;
    const vault::redis_script find_{find_source}, add_{add_source}, trim_{trim_source};
    std::string lines_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::unique_ptr<vault::redis_commands> commands_;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<audit::stream_sink> make_trail_stream(const std::string& url,
                                                      const vault::redis_settings& redis,
                                                      const std::string& node)
{
    return std::make_unique<redis_trail_stream>(url, redis, node);
}

}  // namespace sallyport::cli
