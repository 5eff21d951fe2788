// The resolver of one worker: its two caches, and the questions it has under way.
#include <boost/asio/co_spawn.hpp>
#include <cstring>

#include "base/text.hpp"
#include "vault/clock_cache.hpp"
#include "vault/core.hpp"
#include "vault/error.hpp"
#include "vault/worker_questions.hpp"

namespace sallyport::vault {
namespace {

namespace asio = boost::asio;
constexpr std::size_t cached_connections_max = 1 << 14;  // per worker
constexpr std::size_t cached_runs_max = 1 << 16;
constexpr std::size_t questions_max = 4096;  // of each sort, under way per worker
constexpr int fetch_attempts_max = 4;        // where changes keep overtaking the answer

// What an entry needs of its worker, which it may outlive.
struct worker_side {
    explicit worker_side(std::shared_ptr<core> with)
        : shared(std::move(with)), opener(shared->guard.make_opener())
    {
    }
    std::shared_ptr<core> shared;
    memory_guard::opener opener;
};

class cached_connection final : public resolved {
public:
    cached_connection(std::shared_ptr<worker_side> side, answered_connection answer,
                      const validity& valid)
        : side_(std::move(side)), answer_(std::move(answer)), valid_(valid)
    {
        attention_at = answer_.attention_at;
        mark = std::move(answer_.mark);
    }

    const connection& record() const noexcept override { return answer_.record; }

    result<void> open(std::string_view field, secret& out) const override
    {
        for (const guarded_field& kept : answer_.fields) {
            if (kept.name == field) {
                return side_->opener.open(kept.label, kept.sealed, out);
            }
        }
        out.shrink(0);
        return errc::not_found;
    }

    bool refreshable() const noexcept override { return answer_.refreshable; }

    bool good(std::int64_t now) const noexcept override { return valid_.good(now); }

private:
    std::shared_ptr<worker_side> side_;
    answered_connection answer_;
    validity valid_;
};

using connection_answer = std::shared_ptr<const cached_connection>;

struct cached_run {
    bool live;
    validity valid;
};

class worker_resolver final : public resolver {
public:
    worker_resolver(std::shared_ptr<core> shared, asio::io_context& worker)
        : worker_(worker), side_(std::make_shared<worker_side>(std::move(shared)))
    {
        back_->worker = &worker;
    }

    ~worker_resolver() override
    {
        const std::lock_guard lock(back_->mutex);
        back_->worker = nullptr;
    }

    std::shared_ptr<const resolved> cached(std::string_view id, std::int64_t now) noexcept override
    {
        connection_answer* const known = connections_.find(id);
        if (known == nullptr || *known == nullptr) {
            return nullptr;
        }
        if (!(*known)->good(now)) {
            return nullptr;
        }
        return *known;
    }

    asio::awaitable<result<std::shared_ptr<const resolved>>> fetch(std::string id) override
    {
        for (int attempt = 0; attempt < fetch_attempts_max; ++attempt) {
            const auto asked = ask_connection(id);
            if (!asked) {
                co_return errc::unavailable;
            }
            auto waiting = wait_for(asked);
            const result<void> waited = co_await std::move(waiting);
            if (!waited) {
                co_return waited.error();
            }
            if (!asked->valid.stands()) {
                continue;
            }
            if (!*asked->outcome) {
                co_return asked->outcome->error();
            }
            std::shared_ptr<const resolved> found = **asked->outcome;
            co_return found;
        }
        co_return errc::unavailable;
    }

    asio::awaitable<fresher> fetch_fresher(std::string id,
                                           std::uint64_t stale_credential_version) override
    {
        fresher answer;
        const auto asked = ask_refresh(id, stale_credential_version);
        if (!asked) {
            answer.error = errc::unavailable;
            co_return answer;
        }
        auto waiting = wait_for(asked);
        const result<void> waited = co_await std::move(waiting);
        if (!waited || !*asked->outcome) {
            answer.error = errc::refresh_failed;
            answer.retry_after = std::chrono::seconds(1);
            co_return answer;
        }
        answer.error = (*asked->outcome)->error;
        answer.retry_after = (*asked->outcome)->retry_after;
        if (answer.error) {
            co_return answer;
        }
        auto fetching = fetch(std::move(id));
        result<std::shared_ptr<const resolved>> found = co_await std::move(fetching);
        if (found) {
            answer.found = std::move(*found);
        } else {
            answer.error = found.error();
        }
        co_return answer;
    }

    void begin_refresh(std::string id, std::uint64_t stale_credential_version) override
    {
        (void)ask_refresh(id, stale_credential_version);
    }

    bool out_of_reach(std::int64_t now) const noexcept override
    {
        return side_->shared->lease.lost_for_long(now);
    }

    int cached_run_live(std::string_view workspace, std::string_view run,
                        std::int64_t now) noexcept override
    {
        // Put together on the stack: this is the warm way.
        char name[2 * name_bytes_max + 1];
        if (workspace.size() > name_bytes_max || run.size() > name_bytes_max) {
            return -1;
        }
        std::memcpy(name, workspace.data(), workspace.size());
        name[workspace.size()] = '/';
        std::memcpy(name + workspace.size() + 1, run.data(), run.size());
        const cached_run* const known = runs_.find({name, workspace.size() + 1 + run.size()});
        if (known == nullptr || !known->valid.good(now)) {
            return -1;
        }
        return known->live ? 1 : 0;
    }

    asio::awaitable<result<bool>> fetch_run_live(std::string workspace, std::string run) override
    {
        for (int attempt = 0; attempt < fetch_attempts_max; ++attempt) {
            const auto asked = ask_run(workspace, run);
            if (!asked) {
                co_return errc::unavailable;
            }
            auto waiting = wait_for(asked);
            const result<void> waited = co_await std::move(waiting);
            if (!waited) {
                co_return result<bool>(boost::system::in_place_error, waited.error());
            }
            if (asked->valid.stands()) {
                const result<bool>& live = *asked->outcome;  // const, or it would convert to bool
                co_return live;
            }
        }
        co_return errc::unavailable;
    }

private:
    // A question that was sent before the last change is not joined: a new one is asked.
    template <class Answer>
    static std::shared_ptr<question<Answer>> under_way(const questions<Answer>& all,
                                                       const std::string& name)
    {
        const auto at = all.find(name);
        return at != all.end() && at->second->valid.stands() ? at->second : nullptr;
    }

    validity valid_from_now(const epoch_table& epochs, const std::string& name) const
    {
        const std::atomic<std::uint64_t>& epoch = epochs.slot(name);
        return {&side_->shared->lease, &epoch, epoch.load(std::memory_order_seq_cst)};
    }

    template <class Answer>
    void forget(questions<Answer>& all, const std::string& name,
                const std::shared_ptr<question<Answer>>& asked)
    {
        const auto at = all.find(name);
        if (at != all.end() && at->second == asked) {
            all.erase(at);
        }
    }

    // Null if there are too many questions under way.
    std::shared_ptr<question<connection_answer>> ask_connection(const std::string& id)
    {
        if (auto known = under_way(asked_connections_, id)) {
            return known;
        }
        if (asked_connections_.size() >= questions_max) {
            return nullptr;
        }
        const auto asked = std::make_shared<question<connection_answer>>(
            worker_, valid_from_now(side_->shared->connections, id));
        asked_connections_.insert_or_assign(id, asked);
        // The control thread holds nothing of this resolver but the way back, and there the alive
        // mark says whether the resolver is still there.
        auto deliver = [this, back = back_, alive = std::weak_ptr<bool>(alive_), id,
                        weak = std::weak_ptr(asked)](std::exception_ptr bug,
                                                     result<answered_connection> answer) {
            if (bug) {
                answer = errc::unavailable;
            }
            back->send([this, alive, id, weak, answer = std::move(answer)]() mutable {
                if (!alive.expired()) {
                    settle_connection(id, weak.lock(), std::move(answer));
                }
            });
        };
        asio::co_spawn(side_->shared->control, answer_connection(side_->shared, id),
                       std::move(deliver));
        return asked;
    }

    void settle_connection(const std::string& id,
                           const std::shared_ptr<question<connection_answer>>& asked,
                           result<answered_connection> answer)
    {
        if (!asked) {
            return;  // Overtaken by a later question, and nobody waits any more.
        }
        forget(asked_connections_, id, asked);
        if (!answer) {
            asked->settle(answer.error());
            return;
        }
        auto entry =
            std::make_shared<const cached_connection>(side_, std::move(*answer), asked->valid);
        if (asked->valid.stands()) {
            connections_.put(id, entry);
        }
        asked->settle(std::move(entry));
    }

    // Null if there are too many questions under way.
    std::shared_ptr<question<refresh_word>> ask_refresh(const std::string& id, std::uint64_t stale)
    {
        const std::string name = id + " " + std::to_string(stale);
        const auto known = asked_refreshes_.find(name);
        if (known != asked_refreshes_.end()) {
            return known->second;
        }
        if (asked_refreshes_.size() >= questions_max) {
            return nullptr;
        }
        const auto asked = std::make_shared<question<refresh_word>>(
            worker_, valid_from_now(side_->shared->connections, id), refresh_limit_);
        asked_refreshes_.emplace(name, asked);
        auto deliver = [this, back = back_, alive = std::weak_ptr<bool>(alive_), name,
                        weak = std::weak_ptr(asked)](std::exception_ptr bug, refresh_word answer) {
            if (bug) {
                answer.error = errc::unavailable;
            }
            back->send([this, alive, name, weak, answer] {
                const auto still = weak.lock();
                if (!alive.expired() && still) {
                    forget(asked_refreshes_, name, still);
                    still->settle(answer);
                }
            });
        };
        asio::co_spawn(side_->shared->control, refresher::word_of(side_->shared, id, stale),
                       std::move(deliver));
        return asked;
    }

    std::shared_ptr<question<bool>> ask_run(const std::string& workspace, const std::string& run)
    {
        const std::string name = run_name(workspace, run);
        if (auto known = under_way(asked_runs_, name)) {
            return known;
        }
        if (asked_runs_.size() >= questions_max) {
            return nullptr;
        }
        const auto asked =
            std::make_shared<question<bool>>(worker_, valid_from_now(side_->shared->runs, name));
        asked_runs_.insert_or_assign(name, asked);
        auto deliver = [this, back = back_, alive = std::weak_ptr<bool>(alive_), name,
                        weak = std::weak_ptr(asked)](std::exception_ptr bug, result<bool> live) {
            if (bug) {
                live = errc::unavailable;
            }
            // Moved: a copy of a result<bool> that is not const would convert it to bool.
            back->send([this, alive, name, weak, live = std::move(live)] {
                if (!alive.expired()) {
                    settle_run(name, weak.lock(), live);
                }
            });
        };
        asio::co_spawn(side_->shared->control, answer_run_live(side_->shared, workspace, run),
                       std::move(deliver));
        return asked;
    }

    void settle_run(const std::string& name, const std::shared_ptr<question<bool>>& asked,
                    const result<bool>& live)
    {
        if (!asked) {
            return;
        }
        forget(asked_runs_, name, asked);
        if (live && asked->valid.stands()) {
            runs_.put(name, {*live, asked->valid});
        }
        asked->settle(live);
    }

    asio::io_context& worker_;
    std::shared_ptr<worker_side> side_;
    std::shared_ptr<return_address> back_ = std::make_shared<return_address>();
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    clock_cache<connection_answer> connections_{cached_connections_max};
    clock_cache<cached_run> runs_{cached_runs_max};
    questions<connection_answer> asked_connections_;
    questions<bool> asked_runs_;
    questions<refresh_word> asked_refreshes_;
    const std::chrono::milliseconds refresh_limit_ =
        side_->shared->refreshes.wait_limit() + fetch_timeout;
};

}  // namespace

std::unique_ptr<resolver> make_worker_resolver(std::shared_ptr<core> shared,
                                               asio::io_context& worker)
{
    return std::make_unique<worker_resolver>(std::move(shared), worker);
}

}  // namespace sallyport::vault
