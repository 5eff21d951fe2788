#include "proxy/chunks.hpp"

#include <algorithm>
#include <charconv>

namespace sallyport::proxy {

namespace {

constexpr unsigned size_digits_max = 15;  // 2^60 bytes; no overflow is possible below that.

int hex_digit(char c) noexcept
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lowered = static_cast<char>(c | 0x20);
    return lowered >= 'a' && lowered <= 'f' ? lowered - 'a' + 10 : -1;
}

bool is_control(char c) noexcept
{
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

}  // namespace

bool chunk_reader::take_size(char c)
{
    const int digit = hex_digit(c);
    if (digit >= 0) {
        left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
        return ++digits_ <= size_digits_max;
    }
    if (digits_ == 0) {
        return false;
    }
    if (c == '\r') {
        place_ = place::size_lf;
        return true;
    }
    place_ = place::extension;
    return c == ';' && ++extensions_ <= extensions_max;
}

chunk_reader::state chunk_reader::read(std::string_view bytes, std::size_t& used,
                                       std::string_view& data)
{
    used = 0;
    data = {};
    while (used < bytes.size()) {
        if (place_ == place::data) {
            const auto size =
                static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used));
            data = bytes.substr(used, size);
            used += size;
            left_ -= size;
            if (left_ == 0) {
                place_ = place::data_cr;
            }
            return state::more;
        }
        const char c = bytes[used++];
        bool sound = true;
        switch (place_) {
            case place::size: sound = take_size(c); break;
            case place::extension:
                if (c == '\r') {
                    place_ = place::size_lf;
                } else {
                    sound = !is_control(c) && ++extensions_ <= extensions_max;
                }
                break;
            case place::size_lf:
                sound = c == '\n';
                place_ = left_ == 0 ? place::trailer_start : place::data;
                digits_ = 0;
                break;
            case place::data_cr:
                sound = c == '\r';
                place_ = place::data_lf;
                break;
            case place::data_lf:
                sound = c == '\n';
                place_ = place::size;
                break;
            case place::trailer_start:
                place_ = c == '\r' ? place::end_lf : place::trailer;
                sound = c == '\r' || (!is_control(c) && ++trailers_ <= trailers_max);
                break;
            case place::trailer:
                if (c == '\r') {
                    place_ = place::trailer_lf;
                } else {
                    sound = !is_control(c) && ++trailers_ <= trailers_max;
                }
                break;
            case place::trailer_lf:
                sound = c == '\n';
                place_ = place::trailer_start;
                break;
            case place::end_lf: return c == '\n' ? state::done : state::malformed;
            case place::data: break;
        }
        if (!sound) {
            return state::malformed;
        }
    }
    return state::more;
}

void append_chunk_head(std::string& out, std::size_t bytes)
{
    char digits[16];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, bytes, 16);
    out.append(digits, end);
    out += "\r\n";
}

}  // namespace sallyport::proxy
