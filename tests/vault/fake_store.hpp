// A store in memory that can stall, fail and do something in the middle of a question.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <map>

#include "vault/error.hpp"
#include "vault/key_place.hpp"
#include "vault/lease.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {

// Has no keys.
class keyless_store final : public key_store {
public:
    task<std::string> load(std::string, std::uint32_t) override { co_return errc::not_found; }
    task<void> insert(wrapped_key) override { co_return errc::unavailable; }
    task<std::vector<wrapped_key>> of(std::string) override { co_return errc::unavailable; }
    task<page<wrapped_key>> list(std::string) override { co_return errc::unavailable; }
    task<std::vector<wrapped_key>> list_in_order(key_place, std::size_t) override
    {
        co_return errc::unavailable;
    }
    task<std::uint64_t> swap(std::vector<key_swap>) override { co_return errc::unavailable; }
    task<void> drop_below(std::string, std::uint32_t) override { co_return errc::unavailable; }
    task<page<sealed_record>> list_sealed(std::string, std::string) override
    {
        co_return errc::unavailable;
    }
    task<std::uint64_t> swap_sealed(std::vector<sealed_swap>) override
    {
        co_return errc::unavailable;
    }
    task<std::uint64_t> shred(std::string, std::string) override { co_return errc::unavailable; }
};

class noteless_store final : public note_store {
public:
    task<void> put(sealed_note, note_write) override { co_return errc::unavailable; }
    task<sealed_note> read(std::string, std::string) override { co_return errc::not_found; }
    task<sealed_note> take(std::string, std::string) override { co_return errc::not_found; }
    task<std::vector<sealed_note>> list(std::string, std::string, std::size_t) override
    {
        co_return std::vector<sealed_note>();
    }
    task<std::optional<std::uint64_t>> claim(std::string, std::chrono::milliseconds) override
    {
        co_return errc::unavailable;
    }
    task<void> release(std::string, std::uint64_t) override { co_return errc::unavailable; }
};

class empty_archive final : public archive {
public:
    task<page<stored_connection>> list_connections(std::string) override
    {
        co_return page<stored_connection>();
    }
    task<page<run_record>> list_ended_runs(std::string) override { co_return page<run_record>(); }
};

class fake_store final : public store {
public:
    explicit fake_store(boost::asio::io_context& context)
        : gate_(context, boost::asio::steady_timer::time_point::max())
    {
    }

    void put(const connection& record) { records_[record.id] = record; }
    void hold() { held_ = true; }
    void release()
    {
        held_ = false;
        gate_.cancel();
    }
    int questions() const { return questions_; }

    bool ended = false;
    error_code fail_with;
    std::function<void(const std::string&)> on_load;
    std::vector<connection_use> uses;  // as they were saved

    task<stored_connection> load(std::string id) override
    {
        ++questions_;
        if (on_load) {
            on_load(id);
        }
        if (held_) {
            constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
            const auto [ignored] = co_await gate_.async_wait(as_result);
            static_cast<void>(ignored);
        }
        if (fail_with) {
            co_return fail_with;
        }
        const auto at = records_.find(id);
        if (at == records_.end()) {
            co_return errc::not_found;
        }
        stored_connection found;
        found.record = at->second;
        co_return found;
    }

    task<bool> run_ended(std::string, std::string) override
    {
        if (fail_with) {
            co_return result<bool>(boost::system::in_place_error, fail_with);
        }
        co_return ended;
    }

    task<void> save_uses(std::vector<connection_use> some) override
    {
        if (!fail_with) {
            uses.insert(uses.end(), some.begin(), some.end());
        }
        co_return fail_with ? result<void>(fail_with) : result<void>();
    }

    // Nothing below is asked by a resolver.
    task<void> insert(stored_connection) override { co_return errc::unavailable; }
    task<void> replace(stored_connection, std::uint64_t) override { co_return errc::unavailable; }
    task<connection> revoke(std::string, std::string, version_wish) override
    {
        co_return errc::unavailable;
    }
    task<void> remove(std::string, version_wish) override { co_return errc::unavailable; }
    task<std::vector<connection>> list(std::string, std::string, std::string, std::size_t) override
    {
        co_return errc::unavailable;
    }
    key_store& keys() noexcept override { return keys_; }
    note_store& notes() noexcept override { return notes_; }
    archive& contents() noexcept override { return contents_; }
    task<void> put_run(run_record) override { co_return errc::unavailable; }
    task<void> end_run(std::string, std::string, unix_micros) override
    {
        co_return errc::unavailable;
    }
    task<std::vector<run_record>> list_runs(std::string, std::string, std::size_t) override
    {
        co_return errc::unavailable;
    }
    // As good as for ever; tests end it themselves.
    void hold_lease(std::weak_ptr<lease_holder> holder, std::chrono::milliseconds) override
    {
        holder.lock()->lease_until(lease::forever);
    }
    task<void> settle() override { co_return result<void>(); }
    std::string trouble() const override { return ""; }
    task<std::vector<std::string>> warnings() override { co_return std::vector<std::string>(); }

private:
    std::map<std::string, connection> records_;
    keyless_store keys_;
    noteless_store notes_;
    empty_archive contents_;
    boost::asio::steady_timer gate_;
    bool held_ = false;
    int questions_ = 0;
};

}  // namespace sallyport::vault
