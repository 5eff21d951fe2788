#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "cli/output.hpp"
#include "cli/policy.hpp"
#include "config/catalogue.hpp"
#include "config/import.hpp"

namespace sallyport::cli {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

using reader = bool (*)(const std::string&, const config::import_options&,
                        config::imported_provider&, config::problems&);

struct format {
    const char* name;
    const char* description;
    reader read;
};

constexpr format formats[] = {
    {"openapi", "From OpenAPI 3 or Swagger 2.0, JSON or YAML", config::read_openapi},
    {"google-discovery", "From a Google API discovery document", config::read_discovery},
    {"ms-graph", "From Microsoft Graph's permissions.json", config::read_graph},
    {"tsv", "From a table of METHOD, TEMPLATE and SCOPES", config::read_table_file}};

struct options {
    std::string file;
    std::string out = ".";
    bool force = false;
    bool json = false;
    config::import_options import;
};

// A directory beside the target, gone with this object: what is written stands there first.
class draft_directory {
public:
    explicit draft_directory(const fs::path& out)
    {
        std::error_code error;
        fs::create_directories(out, error);
        std::string name = (out / ".import.XXXXXX").string();
        if (error || ::mkdtemp(name.data()) == nullptr) {
            throw command_error(exit_status::refused, "cannot write into " + out.string());
        }
        path_ = name;
    }
    ~draft_directory()
    {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    draft_directory(const draft_directory&) = delete;
    draft_directory& operator=(const draft_directory&) = delete;

    const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
};

void write(const fs::path& file, const std::string& text)
{
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.close();
    if (!out) {
        throw command_error(exit_status::refused, "cannot write " + file.string());
    }
}

// Reads what was written as the gate will. A document may hold what no provider file can say.
void prove(const fs::path& draft)
{
    config::loaded_catalogue loaded = config::load_catalogue({draft.string()});
    for (config::problem& problem : loaded.problems) {
        problem.file = fs::path(problem.file).filename().string();
    }
    if (!loaded.problems.empty()) {
        print_problems(loaded.problems, std::cerr);
        throw command_error(exit_status::refused,
                            "the document cannot be said in a provider file; nothing was written");
    }
}

void refuse_to_overwrite(const options& given, const std::vector<config::rendered_file>& files)
{
    for (const config::rendered_file& file : files) {
        if (const fs::path target = fs::path(given.out) / file.name;
            !given.force && fs::exists(target)) {
            throw command_error(exit_status::refused,
                                target.string() + " exists already; --force replaces it");
        }
    }
}

std::string joined(const std::vector<std::string>& texts)
{
    std::string all;
    for (const std::string& text : texts) {
        all += (all.empty() ? "" : ", ") + text;
    }
    return all;
}

void print_json(const options& given, const config::imported_provider& made)
{
    json::array tables;
    for (const config::imported_table& table : made.tables) {
        tables.push_back(
            json::object{{"file", (fs::path(given.out) / table.file).string()},
                         {"kinds", json::array(table.kinds.begin(), table.kinds.end())},
                         {"variant", table.variant},
                         {"calls", table.rows.size()}});
    }
    const json::object told{{"provider", made.id},
                            {"file", (fs::path(given.out) / (made.id + ".yaml")).string()},
                            {"base_url", made.base},
                            {"scopes", made.scopes.size()},
                            {"tables", std::move(tables)},
                            {"left_out", problems_json(made.left_out)}};
    std::cout << json::serialize(told) << '\n';
}

void print(const options& given, const config::imported_provider& made)
{
    std::cout << "wrote " << (fs::path(given.out) / (made.id + ".yaml")).string() << ": "
              << printable(made.name) << " at " << printable(made.base) << ", "
              << made.scopes.size() << " scopes described\n";
    for (const config::imported_table& table : made.tables) {
        std::cout << "wrote " << (fs::path(given.out) / table.file).string() << ": "
                  << table.rows.size() << " calls for " << joined(table.kinds)
                  << (table.variant.empty() ? "" : ", variant " + table.variant) << '\n';
    }
    if (!made.left_out.empty()) {
        std::cout << "left out:\n";
    }
    for (const config::problem& problem : made.left_out) {
        std::cout << printable(problem.text()) << '\n';
    }
}

void import(const options& given, reader read)
{
    config::imported_provider made;
    config::problems wrong;
    if (!read(given.file, given.import, made, wrong)) {
        for (const config::problem& problem : wrong) {
            std::cerr << printable(problem.text()) << '\n';
        }
        throw command_error(exit_status::refused, "");
    }
    const std::vector<config::rendered_file> files = config::render(made);
    refuse_to_overwrite(given, files);
    const draft_directory draft(given.out);
    for (const config::rendered_file& file : files) {
        write(draft.path() / file.name, file.text);
    }
    prove(draft.path());
    // The provider's file last: whoever reloads in between finds the tables that it names.
    std::for_each(files.rbegin(), files.rend(), [&](const config::rendered_file& file) {
        fs::rename(draft.path() / file.name, fs::path(given.out) / file.name);
    });
    given.json ? print_json(given, made) : print(given, made);
}

void add_format(CLI::App& family, const format& known)
{
    auto given = std::make_shared<options>();
    CLI::App* command = family.add_subcommand(known.name, known.description);
    command->add_option("FILE", given->file, "The document")->required()->type_name("FILE");
    command->add_option("--out", given->out, "Where to write (default: here)")->type_name("DIR");
    command->add_option("--id", given->import.id, "The provider's id (default: of its title)");
    command->add_option("--name", given->import.name, "Its name (default: its title)");
    command->add_option("--category", given->import.category, "Its category (default: Imported)");
    command
        ->add_option("--base-url", given->import.base_url,
                     "Where the API is, in place of what the document says")
        ->type_name("URL");
    command
        ->add_option("--allow", given->import.allow,
                     "plain_http, private_addresses: for a provider on your own network")
        ->delimiter(',')
        ->check(CLI::IsMember({"plain_http", "private_addresses"}));
    if (known.read == config::read_openapi || known.read == config::read_table_file) {
        command->add_option("--credential", given->import.credential,
                            "How it is sent: bearer, basic, header:NAME or query:NAME");
    }
    if (known.read == config::read_openapi) {
        command->add_option("--full-scope", given->import.full_scope,
                            "A scope that opens every call, and alone those that name none");
    }
    if (known.read == config::read_openapi || known.read == config::read_discovery) {
        command->add_flag("--drop-open", given->import.drop_open,
                          "Leave out calls that ask for no credential or scope");
    }
    command->add_flag("--force", given->force, "Replace files that exist");
    add_json_option(*command, given->json);
    const reader read = known.read;
    command->callback([given, read] { import(*given, read); });
}

}  // namespace

void add_policy_import(CLI::App& family)
{
    CLI::App* command = add_family(family, "import",
                                   "Makes a provider file and its tables of a published document");
    command->footer(
        "Reads the document alone, asks no network. What cannot be said is left out and named "
        "with\n"
        "its place. Put the files into a directory of the catalogue and reload.");
    for (const format& known : formats) {
        add_format(*command, known);
    }
}

}  // namespace sallyport::cli
