// The commands of the vault to Redis: plain ones and scripts, with errors told apart.
//
// Threading: the io_context's thread. Lifetime: outlives what is asked of it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "vault/redis_link.hpp"
#include "vault/store.hpp"

namespace sallyport::vault {

using words = std::vector<std::string>;

// A script and the name Redis keeps it under.
struct redis_script {
    explicit redis_script(const char* source);
    std::string text;
    std::string name;
};

// A list of at least `count` texts and nothing else.
bool all_texts(const redis_reply& reply, std::size_t count);

// What a script's one word means: done, missing, taken, conflict, or foreign (not the store that
// the change was meant for).
result<void> outcome_of(const redis_reply& reply);

class redis_commands {
public:
    redis_commands(boost::asio::io_context& context, std::shared_ptr<redis_site> site,
                   redis_hooks hooks = redis_hooks())
        : site_(site), link_(context, std::move(site), std::move(hooks))
    {
    }

    // errc::unavailable also where Redis answers with an error: it is loading, out of memory, read
    // only, or does not permit the command.
    task<redis_reply> ask(words command);
    // The script belongs to the caller and stays until the answer.
    task<redis_reply> call(const redis_script* what, words keys, words arguments);
    // A script that answers with one such word.
    task<void> change(const redis_script* what, words keys, words arguments);

    std::string trouble() const;
    // What of Redis's own settings weakens what it acknowledges. errc::misconfigured where they let
    // it forget a revocation altogether and nobody accepted that; trouble() then says which.
    task<std::vector<std::string>> warnings();

private:
    task<std::string> info();
    task<std::string> setting(std::string name);

    std::shared_ptr<redis_site> site_;
    redis_link link_;
    std::string refusal_;  // Set while the last command was answered with an error.
};

}  // namespace sallyport::vault
