#include "connecting.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace sallyport::control {

namespace asio = boost::asio;

std::string header(const std::string& response, const std::string& name)
{
    const std::size_t at = response.find("\r\n" + name + ": ");
    if (at == std::string::npos) {
        return {};
    }
    const std::size_t begin = at + name.size() + 4;
    return response.substr(begin, response.find("\r\n", begin) - begin);
}

bool has_status(const std::string& response, unsigned status)
{
    return response.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
}

std::shared_ptr<const policy::catalogue> Connecting::own_catalogue() const
{
    policy::provider_facts facts;
    facts.id = "local";
    facts.name = "Local";
    facts.category = "Email";
    facts.plain_http = true;
    facts.private_addresses = true;
    facts.base.host = "127.0.0.1";
    facts.base.port = provider_->port();
    facts.credentials = {
        {"oauth2", {{policy::injection::place::header, "Authorization", "Bearer {access_token}"}}},
        {"api_key", {{policy::injection::place::header, "X-Key", "{secret}"}}}};
    facts.variables = {{"team", "path", "", "[a-z]+", "The team", true}};
    facts.scopes = {{"things:read", "read", "Read your things"}};
    facts.about.test.request = "GET " + provider_->url("/me");
    facts.about.test.scope_header = "X-Scopes lists them";
    policy::oauth2_facts& flow = facts.oauth2.emplace();
    flow.authorize_url = provider_->url("/authorize");
    flow.token_url = provider_->url("/token");
    flow.device_authorization_url = provider_->url("/device");
    flow.response_vars = {"team"};
    flow.revocation = policy::oauth2_facts::revoke_style::rfc7009;
    flow.revoke.url = provider_->url("/revoke");
    policy::provider_facts unknown = facts;
    unknown.id = "no_client";
    std::vector<std::unique_ptr<policy::provider>> all;
    all.push_back(std::make_unique<policy::provider>(std::move(facts)));
    all.push_back(std::make_unique<policy::provider>(std::move(unknown)));
    return std::make_shared<const policy::catalogue>(std::move(all));
}

std::string Connecting::answer_of(const std::string& request)
{
    using net::scripted_server;
    if (meanwhile_ && request.starts_with("POST /token ")) {
        std::exchange(meanwhile_, nullptr)();
    }
    const std::lock_guard hold(lock_);
    if (request.starts_with("GET /me ")) {
        return scripted_server::answer(std::to_string(me_status_) + " X",
                                       "X-Scopes: things:read, things:write\r\n", "{}");
    }
    if (request.starts_with("POST /device ")) {
        return scripted_server::json("200 OK", R"({"device_code": "planted-password",
            "user_code": "WDJB-MJHT", "verification_uri": "https://local.example/device",
            "expires_in": 600, "interval": 7})");
    }
    if (!request.starts_with("POST /token ") || grants_.empty()) {
        return scripted_server::json("400 Bad Request", R"({"error": "invalid_grant"})");
    }
    const std::string body = grants_.front();
    grants_.pop_front();
    return scripted_server::json("200 OK", body);
}

Connecting::Connecting() : gate_(offered())
{
    provider_ = std::make_unique<net::scripted_server>(
        [this](const std::string& request) { return answer_of(request); });
    providers_ = own_catalogue();
    http_ = std::make_unique<net::http_client>(context_);
    auto clients = std::make_shared<oauth::clients>();
    oauth::client one;
    one.id = "client-1";
    one.secret = vault::secret("planted-secret-2");
    clients->add("local", std::move(one));
    endpoint_ = std::make_unique<oauth::endpoint>(
        *http_, [this] { return providers_; }, std::move(clients));
    chosen_ = settings_in(directory_);
    chosen_.listen.path = directory_ / "connecting.sock";
    chosen_.public_url = "https://connect.example";
    chosen_.return_urls = {"https://app.example/done"};
    net::listen_address outside;
    outside.host = "127.0.0.1";
    chosen_.public_listen = {outside};
    gate_.catalogue = [this] { return providers_; };
    gate_.oauth = endpoint_.get();
    gate_.http = http_.get();
    gate_.settings = &chosen_;
    gate_.after_revoke = [this](const std::string& id) { told_.push_back(id); };
    on_control_thread([this] {
        inside_ = std::make_unique<server>(context_, chosen_, gate_);
        reach_.address = inside_->open();
        outside_ = std::make_unique<public_server>(context_, chosen_, gate_);
        const std::string where = outside_->open().front();
        public_port_ = static_cast<std::uint16_t>(std::stoi(where.substr(where.rfind(':') + 1)));
    });
}

Connecting::~Connecting()
{
    on_control_thread([this] {
        inside_->stop();
        outside_->stop();
    });
}

void Connecting::on_control_thread(const std::function<void()>& deed)
{
    std::promise<void> done;
    asio::post(context_, [&] {
        deed();
        done.set_value();
    });
    done.get_future().get();
}

void Connecting::grant(std::string body)
{
    const std::lock_guard hold(lock_);
    grants_.push_back(std::move(body));
}

reply Connecting::initiate(std::string_view more)
{
    std::string body = R"({"workspace": "acme", "user": "ann", "provider": "local")";
    body += more.empty() ? "" : ", ";
    body += more;
    return ask("POST", "/api/connect/initiate", body + "}", "platform-token");
}

std::string Connecting::parameter(std::string_view url, std::string_view name)
{
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed || !parsed->params().contains(name)) {
        ADD_FAILURE() << url << " lacks " << name;
        return {};
    }
    return std::string((*parsed->params().find(name)).value);
}

std::string Connecting::visit(const std::string& request)
{
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), public_port_});
    error_code error;
    asio::write(socket, asio::buffer(request), error);
    std::string heard;
    asio::read(socket, asio::dynamic_buffer(heard), error);
    return heard;
}

std::string Connecting::come_back(const std::string& query)
{
    return visit("GET /api/connect/callback?" + query +
                 " HTTP/1.1\r\nHost: connect.example\r\nConnection: close\r\n\r\n");
}

json::value Connecting::shown(const std::string& id)
{
    return ask("GET", "/api/connect/connections/" + id).body;
}

std::string Connecting::status_of(const std::string& id)
{
    return std::string(shown(id).at("status").as_string());
}

std::string Connecting::connect()
{
    const reply begun = initiate(R"("scopes": ["things:read"])");
    grant(tokens_);
    const std::string page =
        come_back("code=c-1&state=" + parameter(begun.text("authorize_url"), "state"));
    EXPECT_TRUE(page.starts_with("HTTP/1.1 200 ")) << page;
    return begun.text("connection_id");
}

std::vector<vault::note> Connecting::notes(std::string_view kind)
{
    auto listing = keeper_->notes().list(std::string(kind), "", 100);
    return run(std::move(listing)).value();
}

}  // namespace sallyport::control
