#include "gate.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "control/openapi.hpp"

namespace sallyport::control {

namespace asio = boost::asio;

namespace {

std::string make_key()
{
    EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    std::string pem(data, static_cast<std::size_t>(size));
    BIO_free(out);
    EVP_PKEY_free(key);
    return pem;
}

policy::injection header(std::string name, std::string value)
{
    return {policy::injection::place::header, std::move(name), std::move(value)};
}

std::unique_ptr<policy::provider> make_provider(std::string id, std::string category,
                                                std::vector<policy::credential_kind> kinds,
                                                std::vector<policy::variable> variables = {})
{
    policy::provider_facts facts;
    facts.id = id;
    facts.name = id;
    facts.category = std::move(category);
    facts.base.host = variables.empty() ? "api." + id + ".example"
                                        : "{" + variables.front().name + "}." + id + ".example";
    facts.credentials = std::move(kinds);
    facts.variables = std::move(variables);
    facts.scopes = {{"things:read", "read", "Read your things"}};
    facts.enabled = id != "hidden";
    return std::make_unique<policy::provider>(std::move(facts));
}

}  // namespace

std::shared_ptr<const policy::catalogue> test_catalogue()
{
    const policy::credential_kind bearer{"bearer", {header("Authorization", "Bearer {secret}")}};
    const policy::credential_kind oauth2{"oauth2",
                                         {header("Authorization", "Bearer {access_token}")}};
    const policy::credential_kind basic{"basic", {header("Authorization", "Basic {basic}")}};
    const policy::credential_kind custom{
        "custom", {header("X-App", "{app_id}"), header("X-Key", "{app_key}")}};
    const policy::credential_kind placed{
        "api_key", {{policy::injection::place::path, "", "/bot{secret}/{bot}"}}};
    std::vector<std::unique_ptr<policy::provider>> providers;
    providers.push_back(make_provider("github", "Code Repository", {bearer, oauth2}));
    providers.push_back(make_provider("gmail", "Email", {oauth2}));
    providers.push_back(make_provider("hidden", "Email", {bearer}));
    providers.push_back(make_provider("pair", "Automation", {custom, placed, basic}));
    providers.push_back(make_provider("shop", "CRM", {bearer},
                                      {{"shop", "host", "", "", "The shop's name"},
                                       {"region", "host", "eu", "eu|us", "Where it is"}}));
    return std::make_shared<const policy::catalogue>(std::move(providers));
}

settings settings_in(const std::filesystem::path& directory)
{
    settings chosen;
    chosen.listen.path = directory / "control.sock";
    chosen.tokens = {{role::admin, "admin-token", {"*"}},
                     {role::platform, "platform-token", {"acme"}},
                     {role::auditor, "auditor-token", {"*"}},
                     {role::admin, "acme-admin-token", {"acme"}}};
    return chosen;
}

Gate::Gate() : catalogue_(test_catalogue())
{
    static const bool heap = vault::open_secure_heap();
    (void)heap;  // Where it cannot be locked, secrets live in wiped memory: enough for tests.
    const std::filesystem::path key = directory_ / "master.key";
    std::ofstream(key) << std::string(64, 'a') << '\n';
    ::chmod(key.c_str(), 0600);
    vault::settings vault_settings;
    vault_settings.store = "sqlite:" + (directory_ / "vault.db").string();
    vault_settings.master_key = "file:" + key.string();
    keeper_ = vault::keeper::open(context_, vault_settings);

    audit::settings trail_settings;
    trail_settings.directory = directory_ / "trail";
    trail_ = std::move(*audit::open_trail(trail_settings, "node"));
    writer_ = std::make_unique<breakable_writer>(std::move(*trail_->open_writer("control")));

    identity::settings tokens;
    tokens.issuers.push_back({"sallyport", identity::algorithm::es256, make_key(), {}});
    minter_ =
        std::make_unique<identity::token_minter>(std::move(*identity::token_minter::make(tokens)));

    desk_ = std::make_unique<audit_desk>(context_, trail_settings.directory);
    const settings chosen = settings_in(directory_);
    server_ = std::make_unique<server>(context_, chosen, offered());
    reach_.address = server_->open();
    thread_ = std::thread([this] {
        const auto work = asio::make_work_guard(context_);
        context_.run();
    });
}

services Gate::offered()
{
    return {.vault = *keeper_,
            .trail = *writer_,
            .minter = *minter_,
            .catalogue = [this] { return catalogue_; },
            .reload = [this] { return reload(); },
            .not_ready = [this] { return not_ready_; },
            .metrics = [] { return std::string("sallyport_up 1\n"); },
            .audit = desk_.get(),
            .audit_behind = {}};
}

Gate::~Gate()
{
    asio::post(context_, [this] { server_->stop(); });
    asio::post(context_, [this] { context_.stop(); });
    thread_.join();
    server_.reset();
    desk_.reset();
}

void Gate::TearDown()
{
    const std::string written = trail();
    for (const std::string_view secret : planted) {
        EXPECT_EQ(heard_.find(secret), std::string::npos) << "an answer holds " << secret;
        EXPECT_EQ(written.find(secret), std::string::npos) << "the trail holds " << secret;
    }
    for (const std::string_view token : {"admin-token", "platform-token", "auditor-token"}) {
        EXPECT_EQ(written.find(token), std::string::npos) << "the trail holds a control token";
    }
}

reply Gate::ask(std::string_view method, std::string_view target, std::string_view body,
                std::string_view token)
{
    client_options options = reach_;
    options.token = token;
    const result<client_response> answer = call(options, method, target, body);
    if (!answer) {
        ADD_FAILURE() << method << ' ' << target << ": " << answer.error().message();
        return {};
    }
    heard_ += answer->body;
    reply heard;
    heard.status = answer->status;
    error_code error;
    heard.body = json::parse(answer->body, error);
    if (const route* taken = route_for(method, target)) {
        EXPECT_EQ(undescribed(*taken, heard.status, heard.code()), "");
    }
    return heard;
}

std::string Gate::add(std::string_view body)
{
    const reply added = ask("POST", "/api/connect/connections", body);
    EXPECT_EQ(added.status, 201u) << json::serialize(added.body);
    return added.status == 201 ? added.text("id") : std::string();
}

std::string Gate::send_raw(std::string_view bytes)
{
    asio::io_context context;
    asio::local::stream_protocol::socket socket(context);
    socket.connect(asio::local::stream_protocol::endpoint(directory_ / "control.sock"));
    error_code error;
    asio::write(socket, asio::buffer(bytes), error);
    socket.shutdown(asio::socket_base::shutdown_send, error);
    std::string heard;
    asio::read(socket, asio::dynamic_buffer(heard), error);
    heard_ += heard;
    return heard;
}

std::string Gate::trail() const
{
    std::string all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ / "trail")) {
        if (entry.is_regular_file()) {
            std::ostringstream text;
            text << std::ifstream(entry.path()).rdbuf();
            all += text.str();
        }
    }
    return all;
}

std::vector<json::object> Gate::lines(std::string_view kind) const
{
    std::vector<json::object> found;
    std::istringstream all(trail());
    for (std::string line; std::getline(all, line);) {
        error_code error;
        const json::value parsed = json::parse(line, error);
        if (!error && parsed.is_object() && parsed.as_object().contains("kind") &&
            parsed.as_object().at("kind").as_string() == kind) {
            found.push_back(parsed.as_object());
        }
    }
    return found;
}

}  // namespace sallyport::control
