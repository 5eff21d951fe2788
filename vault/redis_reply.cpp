#include "vault/redis_reply.hpp"

#include <hiredis/hiredis.h>
#include <openssl/crypto.h>

#include <new>

#include "vault/error.hpp"

namespace sallyport::vault {
namespace {

// Where the reply of a task goes: into its parent's list, or into a new root. Null on lack of
// memory, which hiredis takes as the end of the conversation.
redis_reply* room_for(const redisReadTask* task) noexcept
{
    if (task->parent != nullptr) {
        auto* const parent = static_cast<redis_reply*>(task->parent->obj);
        return &parent->elements[static_cast<std::size_t>(task->idx)];
    }
    return new (std::nothrow) redis_reply;
}

void* make_text(const redisReadTask* task, char* bytes, std::size_t size) noexcept
try {
    redis_reply* const reply = room_for(task);
    if (reply != nullptr) {
        reply->type =
            task->type == REDIS_REPLY_ERROR ? redis_reply::kind::error : redis_reply::kind::text;
        reply->text.assign(bytes, size);
    }
    return reply;
} catch (const std::bad_alloc&) {
    return nullptr;
}

void* make_list(const redisReadTask* task, int size) noexcept
try {
    if (size < 0 || size > redis_reader::elements_max) {
        return nullptr;
    }
    redis_reply* const reply = room_for(task);
    if (reply != nullptr) {
        reply->type = redis_reply::kind::list;
        reply->elements.resize(static_cast<std::size_t>(size));
    }
    return reply;
} catch (const std::bad_alloc&) {
    return nullptr;
}

void* make_number(const redisReadTask* task, long long value) noexcept
{
    redis_reply* const reply = room_for(task);
    if (reply != nullptr) {
        reply->type = redis_reply::kind::number;
        reply->number = value;
    }
    return reply;
}

void* make_nothing(const redisReadTask* task) noexcept { return room_for(task); }

// Called for roots alone.
void destroy(void* reply) noexcept { delete static_cast<redis_reply*>(reply); }

redisReplyObjectFunctions functions = {make_text, make_list, make_number, make_nothing, destroy};

}  // namespace

bool append_command(std::string& out, const std::vector<std::string_view>& words)
{
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string_view word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    char* formatted = nullptr;
    const int size = redisFormatCommandArgv(&formatted, static_cast<int>(words.size()),
                                            texts.data(), sizes.data());
    if (size < 0) {
        return false;
    }
    out.append(formatted, static_cast<std::size_t>(size));
    OPENSSL_cleanse(formatted, static_cast<std::size_t>(size));  // AUTH holds a password.
    redisFreeCommand(formatted);
    return true;
}

void redis_reader::destroyer::operator()(redisReader* reader) const noexcept
{
    redisReaderFree(reader);
}

redis_reader::redis_reader() : reader_(redisReaderCreateWithFunctions(&functions))
{
    if (!reader_) {
        throw std::bad_alloc();
    }
}

result<void> redis_reader::feed(std::string_view bytes)
{
    unanswered_bytes_ += bytes.size();
    if (unanswered_bytes_ > reply_bytes_max ||
        redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
        return errc::unavailable;
    }
    return {};
}

result<std::optional<redis_reply>> redis_reader::next()
{
    void* root = nullptr;
    if (redisReaderGetReply(reader_.get(), &root) != REDIS_OK) {
        return errc::unavailable;
    }
    if (root == nullptr) {
        return std::optional<redis_reply>();
    }
    const std::unique_ptr<redis_reply> owned(static_cast<redis_reply*>(root));
    unanswered_bytes_ = 0;
    return std::optional<redis_reply>(std::move(*owned));
}

}  // namespace sallyport::vault
