#include "control/requirements.hpp"

#include <boost/json/object.hpp>
#include <algorithm>
#include <set>
#include <utility>

#include "base/text.hpp"

namespace sallyport::control {

namespace json = boost::json;

namespace {

// These exist even where no provider of theirs is installed.
constexpr std::string_view known_categories[] = {
    "Email",        "Calendar",  "Code Repository",    "Messaging",
    "File Storage", "CRM",       "Project Management", "Social Media",
    "Spreadsheets", "Documents", "Automation",         "Database"};

void merge(std::vector<requirement>& list, requirement fresh)
{
    for (requirement& known : list) {
        if (known.is_category == fresh.is_category && known.id == fresh.id) {
            known.is_required = known.is_required || fresh.is_required;
            return;
        }
    }
    list.push_back(std::move(fresh));
}

requirement read_one(const json::object& given, const std::string& pointer, complaints& wrong)
{
    member_reader members(given, pointer, wrong);
    requirement one;
    const std::string type = members.required_text("type");
    one.is_category = type == "category";
    if (!type.empty() && !one.is_category && type != "specific") {
        members.complain("type", "must be specific or category");
    }
    one.id = members.required_text("id");
    one.is_required = members.flag("is_required").value_or(true);
    (void)members.text("label");  // for people; the report names categories by their own name
    members.refuse_others();
    return one;
}

// The category's name; empty if there is none with that id.
std::string category_name(std::string_view id, const policy::catalogue& catalogue)
{
    for (const std::string_view name : known_categories) {
        if (category_id(name) == id) {
            return std::string(name);
        }
    }
    for (const auto& provider : catalogue.all()) {
        if (category_id(provider->facts().category) == id) {
            return provider->facts().category;
        }
    }
    return {};
}

bool meets(const policy::provider& provider, const requirement& wanted)
{
    const policy::provider_facts& facts = provider.facts();
    return facts.enabled &&
           (wanted.is_category ? category_id(facts.category) == wanted.id : facts.id == wanted.id);
}

json::object report_one(const requirement& wanted, const policy::catalogue& catalogue,
                        const std::set<std::string, std::less<>>& connected)
{
    json::array satisfied_by;
    json::array available;
    std::string category = wanted.is_category ? category_name(wanted.id, catalogue) : std::string();
    for (const auto& provider : catalogue.all()) {  // sorted by id
        if (!meets(*provider, wanted)) {
            continue;
        }
        if (!wanted.is_category) {
            category = provider->facts().category;
        }
        available.emplace_back(provider->facts().id);
        if (connected.contains(provider->facts().id)) {
            satisfied_by.emplace_back(provider->facts().id);
        }
    }
    json::object record;
    record["type"] = wanted.is_category ? "category" : "specific";
    record["id"] = wanted.id;
    record["is_required"] = wanted.is_required;
    record["category_name"] = category.empty() ? json::value(nullptr) : json::value(category);
    record["is_satisfied"] = !satisfied_by.empty();
    record["satisfied_by"] = std::move(satisfied_by);
    record["available"] = std::move(available);
    return record;
}

}  // namespace

std::string category_id(std::string_view name)
{
    std::string id = lower(name);
    std::replace(id.begin(), id.end(), ' ', '_');
    return id;
}

std::vector<requirement> read_requirements(member_reader& members, std::string_view name,
                                           complaints& wrong)
{
    std::vector<requirement> list;
    const json::array* given = members.array(name);
    if (given == nullptr) {
        return list;
    }
    if (given->size() > requirements_max) {
        members.complain(name, "has too many entries");
        return list;
    }
    for (std::size_t i = 0; i < given->size(); ++i) {
        const std::string pointer = pointer_to(pointer_to("", name), std::to_string(i));
        if (const json::string* id = (*given)[i].if_string()) {
            merge(list, {false, std::string(*id), true});
        } else if (const json::object* object = (*given)[i].if_object()) {
            merge(list, read_one(*object, pointer, wrong));
        } else {
            wrong.add(pointer, "must be a string or an object", complaint_code::shape);
        }
    }
    for (const requirement& one : list) {
        if (!is_name(one.id)) {
            members.complain(name, "name something that cannot be an id");
        }
    }
    return list;
}

requirement_report report_on(const std::vector<requirement>& wanted,
                             const policy::catalogue& catalogue,
                             const std::vector<vault::connection>& connections,
                             std::string_view user)
{
    std::set<std::string, std::less<>> connected;
    for (const vault::connection& record : connections) {
        if (record.status == vault::status::active && (record.shared || record.user == user)) {
            connected.insert(record.provider);
        }
    }
    requirement_report report;
    for (const requirement& one : wanted) {
        json::object record = report_one(one, catalogue, connected);
        report.is_satisfied =
            report.is_satisfied && (!one.is_required || record["is_satisfied"].get_bool());
        report.records.push_back(std::move(record));
    }
    return report;
}

json::array missing_of(const requirement_report& report)
{
    json::array missing;
    for (const json::value& record : report.records) {
        const json::object& one = record.get_object();
        if (one.at("is_required").get_bool() && !one.at("is_satisfied").get_bool()) {
            missing.push_back(record);
        }
    }
    return missing;
}

}  // namespace sallyport::control
