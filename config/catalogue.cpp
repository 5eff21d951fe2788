#include "config/catalogue.hpp"

#include "config/catalogue_file.hpp"
#include "policy/table_cache.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <tuple>

namespace sallyport::config {
namespace {

constexpr std::size_t catalogue_files_max = 1000;  // in one directory

// The provider files of a directory, by name, so that every start reads them in the same order.
std::vector<std::string> files_in(const std::string& directory, problems& found)
{
    std::vector<std::string> files;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator(directory, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        if (entry->path().extension() == ".yaml") {
            files.push_back(entry->path().string());
        }
    }
    if (error) {
        found.push_back({directory, 0, 0, "cannot be read"});
    }
    std::sort(files.begin(), files.end());
    if (files.size() > catalogue_files_max) {
        found.push_back({directory, 0, 0, "holds too many provider files"});
        files.resize(catalogue_files_max);
    }
    return files;
}

struct read_file {
    std::string id;
    std::unique_ptr<policy::provider> provider;  // Null: the file is broken.
};

read_file read(const std::string& path, table_store& tables, policy::table_cache& compiled,
               problems& found)
{
    const auto before = found.size();
    policy::provider_facts facts;
    read_provider(path, facts, tables, found);
    read_file result;
    result.id = facts.id.empty() ? std::filesystem::path(path).stem().string() : facts.id;
    if (found.size() == before) {
        try {
            result.provider = std::make_unique<policy::provider>(std::move(facts), &compiled);
        } catch (const std::invalid_argument& error) {
            found.push_back({path, 0, 0, error.what()});
        }
    }
    std::stable_sort(found.begin() + static_cast<std::ptrdiff_t>(before), found.end(),
                     [](const problem& a, const problem& b) {
                         return std::tie(a.file, a.line, a.column) <
                                std::tie(b.file, b.line, b.column);
                     });
    return result;
}

}  // namespace

loaded_catalogue load_catalogue(const std::vector<std::string>& directories)
{
    loaded_catalogue loaded;
    table_store tables;
    policy::table_cache compiled;
    std::map<std::string, std::unique_ptr<policy::provider>> by_id;
    for (const std::string& directory : directories) {
        std::map<std::string, std::string> file_of;
        for (const std::string& path : files_in(directory, loaded.problems)) {
            read_file file = read(path, tables, compiled, loaded.problems);
            const auto [known, is_new] = file_of.try_emplace(file.id, path);
            if (is_new) {
                // A broken file takes the place of the earlier one all the same: it may have been
                // written to narrow it.
                by_id[file.id] = std::move(file.provider);
            } else {
                loaded.problems.push_back(
                    {path, 0, 0, "has the same id as " + known->second + ", which is used"});
            }
        }
    }
    std::vector<std::unique_ptr<policy::provider>> sound;
    for (auto& [id, provider] : by_id) {
        if (provider) {
            sound.push_back(std::move(provider));
        }
    }
    loaded.catalogue = std::make_shared<const policy::catalogue>(std::move(sound));
    return loaded;
}

}  // namespace sallyport::config
