// What it takes to believe a run token, paid once per token: the proxy remembers those it believed.
#include <benchmark/benchmark.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "identity/run_token.hpp"

namespace {

using namespace sallyport;

constexpr unix_micros now = 1'763'640'000'000'000;

std::string pem_of(EVP_PKEY* key)
{
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    EVP_PKEY_free(key);
    return out;
}

std::string key_for(identity::algorithm alg)
{
    switch (alg) {
        case identity::algorithm::hs256: return std::string(32, 'k');
        case identity::algorithm::es256:
            return pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
        case identity::algorithm::rs256:
            return pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
    }
    return {};
}

identity::run_claims claims()
{
    identity::run_claims out;
    out.workspace = "acme", out.app = "mailer", out.run = "run-0001", out.user = "u_42";
    out.issued_at = now, out.expires_at = now + 3'600'000'000;
    out.connections_by_provider = {{"github", "conn_01ARYZ6S41TSV4RRFFQ69G5FAV"}};
    out.scopes = {{"github", {"repo", "read:user"}}};
    return out;
}

void verify(benchmark::State& state, identity::algorithm alg)
{
    identity::settings settings;
    settings.issuers.push_back({"sallyport", alg, key_for(alg), {}});
    const auto verifier = identity::token_verifier::make(settings);
    const std::string token = *identity::token_minter::make(settings)->mint(claims());
    for (auto _ : state) {
        auto found = verifier->verify(token, now);
        if (!found) {
            state.SkipWithError("not believed");
        }
        benchmark::DoNotOptimize(found);
    }
}
BENCHMARK_CAPTURE(verify, hs256, identity::algorithm::hs256);
BENCHMARK_CAPTURE(verify, es256, identity::algorithm::es256);
BENCHMARK_CAPTURE(verify, rs256, identity::algorithm::rs256);

void mint(benchmark::State& state, identity::algorithm alg)
{
    identity::settings settings;
    settings.issuers.push_back({"sallyport", alg, key_for(alg), {}});
    const auto minter = identity::token_minter::make(settings);
    for (auto _ : state) {
        auto token = minter->mint(claims());
        if (!token) {
            state.SkipWithError("not minted");
        }
        benchmark::DoNotOptimize(token);
    }
}
BENCHMARK_CAPTURE(mint, hs256, identity::algorithm::hs256);
BENCHMARK_CAPTURE(mint, es256, identity::algorithm::es256);
BENCHMARK_CAPTURE(mint, rs256, identity::algorithm::rs256);

}  // namespace
