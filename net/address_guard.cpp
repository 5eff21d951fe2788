#include "net/address_guard.hpp"

#include <array>
#include <cstdint>

namespace sallyport::net {

namespace {

namespace ip = boost::asio::ip;

struct range4 {
    std::uint32_t base;
    unsigned bits;
};

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return a << 24 | b << 16 | c << 8 | d;
}

constexpr range4 special4[] = {
    {v4(0, 0, 0, 0), 8},        // this network
    {v4(10, 0, 0, 0), 8},       // private
    {v4(100, 64, 0, 0), 10},    // shared address space (carrier-grade NAT)
    {v4(127, 0, 0, 0), 8},      // loopback
    {v4(169, 254, 0, 0), 16},   // link-local, cloud metadata
    {v4(172, 16, 0, 0), 12},    // private
    {v4(192, 0, 0, 0), 24},     // protocol assignments
    {v4(192, 0, 2, 0), 24},     // documentation
    {v4(192, 31, 196, 0), 24},  // AS112
    {v4(192, 52, 193, 0), 24},  // AMT
    {v4(192, 88, 99, 0), 24},   // 6to4 relay anycast, deprecated
    {v4(192, 168, 0, 0), 16},   // private
    {v4(192, 175, 48, 0), 24},  // AS112
    {v4(198, 18, 0, 0), 15},    // benchmarking
    {v4(198, 51, 100, 0), 24},  // documentation
    {v4(203, 0, 113, 0), 24},   // documentation
    {v4(224, 0, 0, 0), 3},      // multicast, reserved and broadcast
};

bool is_public4(std::uint32_t address) noexcept
{
    for (const range4& range : special4) {
        if (((address ^ range.base) >> (32 - range.bits)) == 0) {
            return false;
        }
    }
    return true;
}

std::uint32_t embedded(const ip::address_v6::bytes_type& bytes, std::size_t at) noexcept
{
    return v4(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
}

bool starts_with(const ip::address_v6::bytes_type& bytes,
                 std::initializer_list<std::uint8_t> prefix) noexcept
{
    std::size_t at = 0;
    for (const std::uint8_t byte : prefix) {
        if (bytes[at++] != byte) {
            return false;
        }
    }
    return true;
}

bool is_public6(const ip::address_v6& address) noexcept
{
    const ip::address_v6::bytes_type bytes = address.to_bytes();
    if (starts_with(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) {  // ::ffff:0:0/96
        return is_public4(embedded(bytes, 12));
    }
    if (starts_with(bytes, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {  // NAT64
        return is_public4(embedded(bytes, 12));
    }
    if (starts_with(bytes, {0x20, 0x02})) {  // 6to4
        return is_public4(embedded(bytes, 2));
    }
    if ((bytes[0] & 0xe0) != 0x20) {  // Only 2000::/3 is global unicast.
        return false;
    }
    const bool protocol_assignments = starts_with(bytes, {0x20, 0x01}) && bytes[2] < 0x02;
    const bool documentation = starts_with(bytes, {0x20, 0x01, 0x0d, 0xb8}) ||
                               (starts_with(bytes, {0x3f, 0xff}) && bytes[2] < 0x10);
    return !protocol_assignments && !documentation;
}

}  // namespace

bool is_public(const ip::address& address) noexcept
{
    return address.is_v4() ? is_public4(address.to_v4().to_uint()) : is_public6(address.to_v6());
}

}  // namespace sallyport::net
