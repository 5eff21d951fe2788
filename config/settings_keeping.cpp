// audit: what becomes of the trail's segments. "" stands for off, as an absent key does.
#include "config/settings_reader.hpp"

namespace sallyport::config {

namespace {

constexpr std::chrono::milliseconds age_min = std::chrono::minutes(1);
constexpr std::chrono::milliseconds age_max = std::chrono::hours(24 * 365 * 100);
constexpr std::uint64_t size_min = std::uint64_t{1} << 20, size_max = std::uint64_t{1} << 50;

bool is_given(yaml_map& map, std::string_view key)
{
    const yaml_node* const node = map.find(key);
    return node && !(node->is == yaml_node::type::scalar && node->text.empty());
}

}  // namespace

void settings_reader::read_keeping(yaml_map& map, const yaml_node& node)
{
    audit::keeping& rules = into_.audit.keeping;
    map.read("compress", rules.compress);
    if (is_given(map, "segment_age")) {
        map.read("segment_age", into_.audit.segment_age, age_min, age_max);
    }
    yaml_map retention(file_, section(map, node, "retention"));
    if (is_given(retention, "age")) {
        retention.read("age", rules.age, age_min, age_max);
    }
    if (is_given(retention, "size")) {
        retention.read_size("size", rules.bytes, size_min, size_max);
    }
}

}  // namespace sallyport::config
