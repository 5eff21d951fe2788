// Backing a vault up and putting it back, through a running gate. The file holds what the store
// holds, sealed as it is there (vault/FORMAT.md).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "base/time.hpp"
#include "cli/command.hpp"
#include "cli/control_link.hpp"
#include "cli/output.hpp"
#include "vault/backup.hpp"
#include "vault/master_key.hpp"

namespace sallyport::cli {

namespace json = boost::json;

namespace {

const std::string backup_path = "/api/vault/backup";
const std::string restore_path = "/api/vault/restore";
constexpr std::size_t restore_bytes_max = std::size_t{256} << 10;  // a request's lines, about
constexpr std::size_t restore_items_max = 512;

struct vault_options {
    control_options gate;
    std::string file;
};

[[noreturn]] void refuse(const std::string& sentence)
{
    throw command_error(exit_status::refused, sentence);
}

// A new file for its owner alone, which goes away again unless it is finished.
class new_file {
public:
    explicit new_file(const std::string& path)
        : path_(path),
          number_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600))
    {
        if (number_ < 0) {
            refuse("cannot write " + printable(path) + ": " + std::strerror(errno));
        }
    }
    ~new_file()
    {
        ::close(number_);
        if (!finished_) {
            ::unlink(path_.c_str());
        }
    }
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;

    void write(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const ssize_t written = ::write(number_, bytes.data(), bytes.size());
            if (written < 0 && errno != EINTR) {
                refuse("cannot write " + printable(path_) + ": " + std::strerror(errno));
            }
            bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
        }
    }

    void finish()
    {
        if (::fsync(number_) != 0) {
            refuse("cannot write " + printable(path_) + ": " + std::strerror(errno));
        }
        finished_ = true;
    }

private:
    std::string path_;
    int number_;
    bool finished_ = false;
};

// Which keys there are and which are needed: a backup that lacks one is worth nothing.
class key_census {
public:
    void see(const vault::backup_item& item)
    {
        if (const auto* key = std::get_if<vault::wrapped_key>(&item)) {
            keys_.emplace(key->workspace, key->generation);
            if (const auto facts = vault::envelope::facts_of(key->wrapped)) {
                masters_.insert(vault::to_text(facts->master));
            }
        } else if (const auto* stored = std::get_if<vault::stored_connection>(&item)) {
            if (const auto generation = vault::envelope::generation_of(stored->sealed)) {
                needed_.emplace(stored->record.workspace, *generation);
            }
        }
    }
    bool is_complete() const
    {
        return std::includes(keys_.begin(), keys_.end(), needed_.begin(), needed_.end());
    }
    const std::set<std::string>& masters() const { return masters_; }

private:
    std::set<std::pair<std::string, std::uint32_t>> keys_;
    std::set<std::pair<std::string, std::uint32_t>> needed_;
    std::set<std::string> masters_;
};

// Every page of one part of what the gate's store holds.
template <class See>
void each_item(control_link& gate, const std::string& part, See see)
{
    std::string after;
    do {
        const std::string query =
            "?part=" + part + (after.empty() ? "" : "&after=" + url_escape(after));
        const json::value answer = parse_answer(gate.call("GET", backup_path + query));
        for (const json::value& one : items_of(answer)) {
            const auto item = one.is_object() ? vault::from_backup(one.get_object()) : std::nullopt;
            if (!item) {
                refuse("the gate's answer is no part of a backup");
            }
            see(*item, one);
        }
        after = text_of(answer, "next");
    } while (!after.empty());
}

json::array master_ids(control_link& gate)
{
    const json::value answer = parse_answer(gate.call("GET", "/api/keys"));
    const json::value* ids =
        answer.is_object() ? answer.get_object().if_contains("master_keys") : nullptr;
    return ids != nullptr && ids->is_array() ? ids->get_array() : json::array();
}

void back_up(const vault_options& options)
{
    control_link gate(options.gate);
    vault::backup_header header;
    header.made_at = rfc3339(now_micros());
    for (const json::value& one : master_ids(gate)) {
        header.master_keys.emplace_back(one.is_string() ? one.get_string() : json::string());
    }
    new_file out(options.file);
    vault::backup_digest digest;
    vault::backup_trailer trailer;
    key_census census;
    const auto put = [&](const json::value& line) {
        const std::string text = json::serialize(line) + "\n";
        digest.add(text);
        out.write(text);
    };
    put(vault::to_json(header));
    const auto see = [&](const vault::backup_item& item, const json::value& line) {
        trailer.count(item);
        census.see(item);
        put(line);
    };
    // Keys first and last: of those that are rotated meanwhile, the old are in the first, the new
    // in the last. Ends of runs and revocations after what they end.
    for (const char* part : {"keys", "connections", "keys", "runs"}) {
        each_item(gate, part, see);
    }
    if (!census.is_complete()) {
        refuse("keys were rotated while the backup was made: make it again");
    }
    trailer.sha256 = digest.hex();
    out.write(json::serialize(vault::to_json(trailer)) + "\n");
    out.finish();
    if (options.gate.json) {
        std::cout << json::serialize(vault::to_json(trailer)) << '\n';
    } else {
        std::cout << "wrote " << trailer.connections << " connections, " << trailer.keys
                  << " keys and " << trailer.runs << " ended runs to " << printable(options.file)
                  << "\nwithout the master key ("
                  << printable(header.master_keys.empty() ? "" : header.master_keys.front())
                  << ") it cannot be opened: keep that elsewhere\n";
    }
}

// A backup that was read to its end and found whole.
struct checked_backup {
    std::map<std::string, std::string> lines;                  // the last of each name
    std::vector<std::pair<std::uint64_t, std::string>> order;  // and when it is put back
    key_census census;
};

json::value parse_line(const std::string& text, std::uint64_t number)
{
    error_code error;
    json::value line = json::parse(text, error);
    if (error || !line.is_object() || text.size() > vault::backup_line_bytes_max) {
        refuse("line " + std::to_string(number) + " of the backup cannot be read");
    }
    return line;
}

checked_backup read_backup(const std::string& path)
{
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        refuse("cannot read " + printable(path) + ": " + std::strerror(errno));
    }
    checked_backup found;
    vault::backup_digest digest;
    vault::backup_trailer counted;
    std::optional<vault::backup_trailer> trailer;
    std::uint64_t number = 0;
    for (std::string text; std::getline(in, text);) {
        ++number;
        if (trailer) {
            refuse("the backup goes on after its end");
        }
        const json::value line = parse_line(text, number);
        const json::object& object = line.get_object();
        if (number == 1) {
            if (!vault::header_from(object)) {
                refuse(printable(path) + " is no backup of a vault, or of a newer format");
            }
        } else if (trailer = vault::trailer_from(object); trailer) {
            continue;
        } else if (const auto item = vault::from_backup(object)) {
            counted.count(*item);
            found.census.see(*item);
            std::string name = vault::name_of(*item);
            found.order.emplace_back(vault::order_of(*item), name);
            found.lines.insert_or_assign(std::move(name), text);
        } else {
            refuse("line " + std::to_string(number) + " of the backup is not what a vault holds");
        }
        digest.add(text + "\n");
    }
    counted.sha256 = digest.hex();
    if (!trailer || *trailer != counted) {
        refuse(trailer ? "the backup was changed: it is not what its last line says"
                       : "the backup was cut off: its last line is missing");
    }
    if (!found.census.is_complete()) {
        refuse("the backup lacks keys that its connections need");
    }
    return found;
}

// Sends what is not there yet, in the order in which it can be put back.
class restorer {
public:
    explicit restorer(control_link& gate) : gate_(gate) {}

    void send(const std::string& line)
    {
        if (!items_.empty() &&
            (bytes_ + line.size() > restore_bytes_max || items_.size() >= restore_items_max)) {
            flush();
        }
        items_.push_back(json::parse(line));
        bytes_ += line.size();
    }
    void flush()
    {
        if (!items_.empty()) {
            const json::object body{{"items", std::move(items_)}};
            gate_.call("POST", restore_path, json::serialize(body));
            items_ = json::array();
            bytes_ = 0;
        }
    }

private:
    control_link& gate_;
    json::array items_;
    std::size_t bytes_ = 0;
};

// What the store holds must be part of the backup: nothing, or what a restore that was cut off has
// left.
std::set<std::string> present_already(control_link& gate, const checked_backup& backup)
{
    std::set<std::string> present;
    std::map<std::string, std::uint64_t> strange;
    for (const char* part : {"keys", "connections", "runs"}) {
        each_item(gate, part, [&](const vault::backup_item& item, const json::value& line) {
            const std::string name = vault::name_of(item);
            const auto known = backup.lines.find(name);
            const bool is_run = std::holds_alternative<vault::run_record>(item);
            if (known != backup.lines.end() && (is_run || json::parse(known->second) == line)) {
                present.insert(name);
            } else {
                ++strange[part];
            }
        });
    }
    if (!strange.empty()) {
        std::string what;
        for (const auto& [part, count] : strange) {
            what += (what.empty() ? "" : ", ") + std::to_string(count) + " " + part;
        }
        refuse("the gate's vault is not empty: it holds " + what +
               " that the backup does not have; restore into a new one");
    }
    return present;
}

void restore(const vault_options& options)
{
    checked_backup backup = read_backup(options.file);
    control_link gate(options.gate);
    const json::array known = master_ids(gate);
    for (const std::string& id : backup.census.masters()) {
        if (std::find(known.begin(), known.end(), json::value(id)) == known.end()) {
            refuse("the backup's keys are wrapped by master key " + id +
                   ", which this gate does not have: name it in vault.master_key or "
                   "vault.previous_master_keys");
        }
    }
    const std::set<std::string> present = present_already(gate, backup);
    std::stable_sort(backup.order.begin(), backup.order.end());
    backup.order.erase(std::unique(backup.order.begin(), backup.order.end()), backup.order.end());
    restorer sending(gate);
    std::set<std::string> sent = present;
    for (const auto& [order, name] : backup.order) {
        const std::string& line = backup.lines.at(name);
        const auto item = vault::from_backup(json::parse(line).as_object());
        // An earlier line of the same name may have had another place in the order.
        if (vault::order_of(*item) == order && sent.insert(name).second) {
            sending.send(line);
        }
    }
    sending.flush();
    if (options.gate.json) {
        std::cout << json::serialize(json::object{{"restored", sent.size() - present.size()},
                                                  {"present", present.size()}})
                  << '\n';
    } else {
        std::cout << "restored " << sent.size() - present.size()
                  << " connections, keys and ended runs"
                  << (present.empty() ? "" : "; the others were there from before") << '\n';
    }
}

void add_backup(CLI::App& family)
{
    auto options = std::make_shared<vault_options>();
    CLI::App* command = family.add_subcommand(
        "backup",
        "Writes what the vault holds, sealed as it is, to a new file; never the master key");
    command->add_option("FILE", options->file, "Must not exist; will be its owner's alone")
        ->required();
    options->gate.add_to(*command);
    command->callback([options] { back_up(*options); });
}

void add_restore(CLI::App& family)
{
    auto options = std::make_shared<vault_options>();
    CLI::App* command = family.add_subcommand(
        "restore",
        "Puts a backup into an empty vault, after checking all of it; run again if cut off");
    command->add_option("FILE", options->file, "What `vault backup` wrote")->required();
    options->gate.add_to(*command);
    command->callback([options] { restore(*options); });
}

}  // namespace

void add_vault_commands(CLI::App& app)
{
    CLI::App* family = add_family(app, "vault", "Everything the vault holds");
    add_backup(*family);
    add_restore(*family);
}

}  // namespace sallyport::cli
