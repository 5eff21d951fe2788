#include "control/page.hpp"

#include <utility>

namespace sallyport::control {

namespace {

std::string escaped(std::string_view text)
{
    std::string safe;
    for (const char c : text) {
        switch (c) {
            case '&': safe += "&amp;"; break;
            case '<': safe += "&lt;"; break;
            case '>': safe += "&gt;"; break;
            case '"': safe += "&quot;"; break;
            case '\'': safe += "&#39;"; break;
            default: safe += c;
        }
    }
    return safe;
}

// The address bar holds a code and a state: neither goes anywhere from here.
void seal_off(answer& reply)
{
    reply.fields.emplace_back("Content-Security-Policy",
                              "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                              "form-action 'none'; frame-ancestors 'none'");
    reply.fields.emplace_back("Referrer-Policy", "no-referrer");
    reply.fields.emplace_back("X-Content-Type-Options", "nosniff");
    reply.fields.emplace_back("X-Frame-Options", "DENY");
}

}  // namespace

answer page(unsigned status, std::string_view title, std::string_view text)
{
    answer reply;
    reply.status = status;
    reply.html = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>" +
                 escaped(title) +
                 "</title>\n<style>body{font:1.1em/1.5 sans-serif;max-width:34em;margin:4em auto;"
                 "padding:0 1em}</style>\n<h1>" +
                 escaped(title) + "</h1>\n<p>" + escaped(text) + "</p>\n</html>\n";
    seal_off(reply);
    return reply;
}

answer redirect_to(std::string url)
{
    answer reply;
    reply.status = 303;
    seal_off(reply);
    reply.fields.emplace_back("Location", std::move(url));
    return reply;
}

}  // namespace sallyport::control
