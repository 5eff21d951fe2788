// A certificate authority of the test's own and what it signs, made afresh in a directory that goes
// away.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "tests/temporary_directory.hpp"

namespace sallyport::net {

struct pem_files {
    std::string certificate, key;
};

class certificates {
public:
    certificates() { ca_ = issue("ca", ""); }
    ~certificates()
    {
        EVP_PKEY_free(ca_key_);
        X509_free(ca_certificate_);
    }
    certificates(const certificates&) = delete;
    certificates& operator=(const certificates&) = delete;

    const std::string& ca() const { return ca_.certificate; }

    // `names` as OpenSSL writes them: "DNS:api.test,IP:127.0.0.1". Empty: the authority itself.
    pem_files issue(const std::string& file, const std::string& names, long days = 1)
    {
        EVP_PKEY* const key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
        X509* const certificate = X509_new();
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
        X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86400 - 3600);
        X509_set_pubkey(certificate, key);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(file.c_str()), -1, -1, 0);
        const bool is_ca = names.empty();
        X509_set_issuer_name(certificate,
                             X509_get_subject_name(is_ca ? certificate : ca_certificate_));
        extend(certificate, is_ca ? NID_basic_constraints : NID_subject_alt_name,
               is_ca ? "critical,CA:TRUE" : names);
        X509_sign(certificate, is_ca ? key : ca_key_, EVP_sha256());

        const pem_files out{directory_.file(file + ".pem"), directory_.file(file + ".key")};
        with_file(out.certificate, [&](std::FILE* f) { PEM_write_X509(f, certificate); });
        with_file(out.key, [&](std::FILE* f) {
            PEM_write_PrivateKey(f, key, nullptr, nullptr, 0, nullptr, nullptr);
        });
        if (is_ca && ca_key_ == nullptr) {
            ca_key_ = key;
            ca_certificate_ = certificate;
        } else {
            EVP_PKEY_free(key);
            X509_free(certificate);
        }
        return out;
    }

private:
    static void extend(X509* certificate, int kind, const std::string& value)
    {
        X509_EXTENSION* const extension =
            X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }

    template <class Write>
    static void with_file(const std::string& path, Write write)
    {
        std::FILE* const file = std::fopen(path.c_str(), "w");
        if (file == nullptr) {
            throw std::runtime_error("no file");
        }
        write(file);
        std::fclose(file);
    }

    temporary_directory directory_;
    EVP_PKEY* ca_key_ = nullptr;
    X509* ca_certificate_ = nullptr;
    long serial_ = 0;
    pem_files ca_;
};

// One authority for a whole test program.
inline certificates& test_certificates()
{
    static certificates made;
    return made;
}

}  // namespace sallyport::net
