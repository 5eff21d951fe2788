#include "cli/body_sealer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <future>

#include "vault/error.hpp"
#include "vault/sealed_body.hpp"

namespace sallyport::cli {

namespace asio = boost::asio;

namespace {

using answered_key = result<vault::data_key>;

class workspace_sealer final : public audit::body_sealer {
public:
    workspace_sealer(asio::io_context& control, vault::keeper& keeper)
        : control_(control), keeper_(keeper)
    {
    }

    result<std::string> seal(const std::string& workspace, const std::string& call_id,
                             audit::body_side side, std::string_view text) override
    {
        const answered_key key = ask(workspace);
        if (!key) {
            return key.error();
        }
        return vault::seal_body(box_, *key, {workspace, call_id, audit::to_string(side)}, text);
    }

private:
    // Each time anew: what the store no longer has must not be sealed with.
    answered_key ask(const std::string& workspace)
    {
        const auto promised = std::make_shared<std::promise<answered_key>>();
        std::future<answered_key> answer = promised->get_future();
        asio::co_spawn(control_, key_of(keeper_, workspace),
                       [promised](std::exception_ptr bug, answered_key found) {
                           promised->set_value(bug ? answered_key(vault::errc::unavailable)
                                                   : std::move(found));
                       });
        if (answer.wait_for(key_patience) != std::future_status::ready) {
            return error_code(vault::errc::unavailable);
        }
        return answer.get();
    }

    static vault::task<vault::data_key> key_of(vault::keeper& keeper, std::string workspace)
    {
        return keeper.keys().body_key(std::move(workspace));
    }

    asio::io_context& control_;
    vault::keeper& keeper_;
    vault::envelope box_;
};

}  // namespace

std::unique_ptr<audit::body_sealer> make_body_sealer(asio::io_context& control,
                                                     vault::keeper& keeper)
{
    return std::make_unique<workspace_sealer>(control, keeper);
}

}  // namespace sallyport::cli
