// An authorisation server in memory that rotates refresh tokens, and gives up the grant when one
// comes twice, as careful ones do.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <list>
#include <string>

#include "vault/token_source.hpp"

namespace sallyport::vault {

inline std::string field_of(const credential& fields, std::string_view name)
{
    for (const credential_field& field : fields) {
        if (field.name == name) {
            return std::string(field.value.reveal());
        }
    }
    return "";
}

inline credential tokens_of(const std::string& access, const std::string& refresh)
{
    credential fields;
    fields.push_back({"access_token", secret(access)});
    fields.push_back({"refresh_token", secret(refresh)});
    return fields;
}

class fake_tokens final : public token_source {
public:
    static constexpr std::chrono::milliseconds hang_limit{5'000};

    bool can_refresh(const connection& record) const override { return record.kind == "oauth2"; }

    boost::asio::awaitable<refresh_answer> refresh(connection record, credential current) override
    {
        ++asked;
        refresh_answer answer = decide(current);
        if (on_asked) {
            on_asked(record);
        }
        if (holding) {
            const auto executor = co_await boost::asio::this_coro::executor;
            boost::asio::steady_timer timer(executor, hang_limit);
            const auto at = waiting_.insert(waiting_.end(), &timer);
            constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
            const auto [ended] = co_await timer.async_wait(as_result);
            static_cast<void>(ended);
            waiting_.erase(at);
            if (loses_answers) {
                co_return refresh_answer();
            }
        }
        co_return answer;
    }

    // Whoever is held goes on.
    void release()
    {
        holding = false;
        for (boost::asio::steady_timer* one : waiting_) {
            one->cancel();
        }
    }

    // Whoever was held is no more.
    void forget_waiting()
    {
        holding = false;
        waiting_.clear();
    }

    int asked = 0;
    int rotations = 0;
    bool holding = false;        // what it answers; it has rotated by then
    bool loses_answers = false;  // while it held them
    std::chrono::seconds lifetime{3600};
    refresh_verdict verdict = refresh_verdict::fresh;
    std::chrono::seconds retry_after{0};
    std::function<void(const connection&)> on_asked;
    std::function<void(fresh_tokens&)> more;  // of an answer

private:
    refresh_answer decide(const credential& current)
    {
        refresh_answer answer;
        answer.verdict = verdict;
        answer.retry_after = retry_after;
        if (verdict != refresh_verdict::fresh) {
            return answer;
        }
        if (field_of(current, "refresh_token") != "refresh" + std::to_string(rotations)) {
            verdict = refresh_verdict::rejected;  // The whole family.
            answer.verdict = verdict;
            return answer;
        }
        ++rotations;
        answer.tokens.fields =
            tokens_of("access" + std::to_string(rotations), "refresh" + std::to_string(rotations));
        answer.tokens.expires_at = now_micros() + std::chrono::microseconds(lifetime).count();
        if (more) {
            more(answer.tokens);
        }
        return answer;
    }

    std::list<boost::asio::steady_timer*> waiting_;
};

}  // namespace sallyport::vault
