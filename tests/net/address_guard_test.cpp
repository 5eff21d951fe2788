#include "net/address_guard.hpp"

#include <gtest/gtest.h>

namespace sallyport::net {
namespace {

bool is_public_text(const char* text) { return is_public(boost::asio::ip::make_address(text)); }

TEST(AddressGuard, RefusesEverySpecialAddress)
{
    for (const char* text : {
             "0.0.0.0",
             "0.255.255.255",
             "10.0.0.1",
             "10.255.255.255",
             "100.64.0.1",
             "100.127.255.255",
             "127.0.0.1",
             "127.255.255.254",
             "169.254.0.1",
             "169.254.169.254",
             "172.16.0.1",
             "172.31.255.255",
             "192.0.0.1",
             "192.0.0.170",
             "192.0.2.1",
             "192.31.196.1",
             "192.52.193.1",
             "192.88.99.1",
             "192.168.0.1",
             "192.168.255.255",
             "192.175.48.1",
             "198.18.0.1",
             "198.19.255.255",
             "198.51.100.1",
             "203.0.113.1",
             "224.0.0.1",
             "239.255.255.255",
             "240.0.0.1",
             "255.255.255.255",
             "::",
             "::1",
             "::2",
             "::127.0.0.1",
             "::8.8.8.8",
             "100::1",
             "fc00::1",
             "fd12:3456::1",
             "fe80::1",
             "febf::1",
             "fec0::1",
             "ff02::1",
             "ff0e::1",
             "2001::1",
             "2001:2::1",
             "2001:10::1",
             "2001:20::1",
             "2001:1ff:ffff::",
             "2001:db8::1",
             "2001:db8:ffff::1",
             "3fff::1",
             "3fff:fff::1",
             "4000::1",
             "5f00::1",
             "64:ff9b:1::1",
             "64:ff9c::8.8.8.8",
         }) {
        EXPECT_FALSE(is_public_text(text)) << text;
    }
}

TEST(AddressGuard, LetsPublicAddressesThrough)
{
    for (const char* text : {
             "1.1.1.1",         "8.8.8.8",         "9.255.255.255",
             "11.0.0.0",        "100.63.255.255",  "100.128.0.0",
             "126.255.255.255", "128.0.0.0",       "169.253.0.1",
             "169.255.0.1",     "172.15.255.255",  "172.32.0.0",
             "192.0.1.1",       "192.167.255.255", "192.169.0.0",
             "198.17.255.255",  "198.20.0.0",      "203.0.112.1",
             "223.255.255.255", "2001:200::1",     "2001:4860:4860::8888",
             "2606:4700::1111", "2a00::1",         "2400:cb00::1",
             "3ffe::1",         "2001:db7::1",     "2001:db9::1",
         }) {
        EXPECT_TRUE(is_public_text(text)) << text;
    }
}

TEST(AddressGuard, JudgesACarriedAddressByWhatItIs)
{
    struct {
        const char* text;
        bool is_public;
    } const table[] = {
        {"::ffff:8.8.8.8", true},
        {"::ffff:127.0.0.1", false},
        {"::ffff:169.254.169.254", false},
        {"::ffff:0.0.0.0", false},
        {"64:ff9b::8.8.8.8", true},
        {"64:ff9b::10.0.0.1", false},
        {"64:ff9b::169.254.169.254", false},
        {"2002:808:808::1", true},
        {"2002:7f00:1::1", false},
        {"2002:a9fe:a9fe::", false},
        {"2002:c0a8:1::1", false},
    };
    for (const auto& row : table) {
        EXPECT_EQ(is_public_text(row.text), row.is_public) << row.text;
    }
}

}  // namespace
}  // namespace sallyport::net
