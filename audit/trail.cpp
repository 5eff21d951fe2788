#include "audit/trail.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>

#include "audit/recovery.hpp"
#include "audit/retention.hpp"
#include "audit/writer.hpp"

namespace sallyport::audit {

namespace {

class directory_trail final : public trail {
public:
    directory_trail(std::shared_ptr<const directory> where, const recovery& recovered,
                    const keeping& rules)
        : where_(std::move(where)), recovered_(recovered), rules_(rules)
    {
    }

    result<std::unique_ptr<writer>> open_writer(std::string_view name) override
    {
        auto made = std::make_unique<segment_writer>(where_, name);
        if (const result<void> opened = made->open(); !opened) {
            return opened.error();
        }
        return std::unique_ptr<writer>(std::move(made));
    }

    const recovery& recovered() const noexcept override { return recovered_; }

    void keep(std::function<std::uint64_t()> shipped) override
    {
        if (rules_.compress || rules_.age.count() != 0 || rules_.bytes != 0) {
            kept_ = std::make_unique<retention>(where_, rules_, std::move(shipped));
        }
    }

private:
    std::shared_ptr<const directory> where_;
    recovery recovered_;
    keeping rules_;
    std::unique_ptr<retention> kept_;
};

}  // namespace

result<std::unique_ptr<trail>> open_trail(const settings& settings, std::string node,
                                          std::string* where)
{
    const std::filesystem::path path(settings.directory);
    if (path.has_parent_path()) {
        std::error_code ignored;  // What matters is whether the directory can be opened.
        std::filesystem::create_directories(path.parent_path(), ignored);
    }
    ::mkdir(path.c_str(), 0700);

    auto in = std::make_shared<directory>();
    in->self = open_directory(settings.directory);
    in->lock = file_descriptor(
        ::openat(in->self.get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    in->node = std::move(node);
    in->durable = settings.durability;
    in->segment_bytes = settings.segment_bytes;
    in->segment_age = settings.segment_age;
    if (!in->self.is_open() || !in->lock.is_open()) {
        return make_error_code(errc::unwritable);
    }
    if (::flock(in->lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return make_error_code(errc::directory_locked);
    }
    auto checkpoints = checkpointer::open(in->self.get(), in->node, in->durable);
    if (!checkpoints) {
        return checkpoints.error();
    }
    in->checkpoints = std::move(*checkpoints);
    std::string position;
    const result<trail::recovery> recovered = recover(in, where != nullptr ? *where : position);
    if (!recovered) {
        return recovered.error();
    }
    return std::unique_ptr<trail>(
        std::make_unique<directory_trail>(std::move(in), *recovered, settings.keeping));
}

}  // namespace sallyport::audit
