// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/cms.hpp"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <limits>
#include <memory>

namespace klp {

namespace {

template <typename T, void (*release)(T*)>
struct Release {
    void operator()(T* value) const noexcept { release(value); }
};
template <typename T, void (*release)(T*)>
using Owned = std::unique_ptr<T, Release<T, release>>;

using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;
using Message = Owned<CMS_ContentInfo, CMS_ContentInfo_free>;
using Stream = Owned<BIO, BIO_free_all>;

// What OpenSSL says, the last first.
[[noreturn]] void fail(const Location& where, const std::string& message) {
    const unsigned long code = ERR_peek_last_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    ERR_clear_error();
    throw Error(where, reason == nullptr ? message : message + ": " + reason);
}

Stream stream_of(Bytes bytes, const Location& where) {
    if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) fail(where, "too large to be signed");
    Stream stream(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    if (!stream) fail(where, "out of memory");
    return stream;
}

// No passphrase is asked for: the program may run where nobody answers.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

Key read_key(const fs::path& path) {
    const Location where{path.string(), {}, {}};
    const MappedFile file(path);
    Key key(PEM_read_bio_PrivateKey(stream_of(file.bytes(), where).get(), nullptr, no_passphrase, nullptr));
    if (!key) fail(where, "cannot be read as a private key in PEM without a passphrase");
    return key;
}

Certificate read_certificate(const fs::path& path) {
    const Location where{path.string(), {}, {}};
    const MappedFile file(path);
    Certificate certificate(PEM_read_bio_X509(stream_of(file.bytes(), where).get(), nullptr, no_passphrase, nullptr));
    if (!certificate) certificate.reset(d2i_X509_bio(stream_of(file.bytes(), where).get(), nullptr));
    if (!certificate) fail(where, "cannot be read as a certificate in PEM or DER");
    ERR_clear_error();
    return certificate;
}

std::vector<std::byte> encode(CMS_ContentInfo& message, const Location& where) {
    unsigned char* data = nullptr;
    const int size = i2d_CMS_ContentInfo(&message, &data);
    if (size < 0) fail(where, "cannot encode the signature");
    const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(data,
                                                                         [](unsigned char* p) { OPENSSL_free(p); });
    const Bytes bytes = std::as_bytes(std::span(data, static_cast<std::size_t>(size)));
    return {bytes.begin(), bytes.end()};
}

}  // namespace

std::vector<std::byte> sign_detached(Bytes content, const fs::path& key_path, const fs::path& certificate_path,
                                     const std::string& hash) {
    constexpr unsigned int flags = CMS_NOCERTS | CMS_BINARY | CMS_DETACHED | CMS_PARTIAL | CMS_STREAM;
    constexpr unsigned int signer_flags = CMS_NOCERTS | CMS_BINARY | CMS_NOSMIMECAP | CMS_NOATTR;
    const Location where{key_path.string(), {}, {}};
    const EVP_MD* digest = EVP_get_digestbyname(hash.c_str());
    if (digest == nullptr) throw Error("no digest of the name '" + hash + "' to sign with");
    const Key key = read_key(key_path);
    const Certificate certificate = read_certificate(certificate_path);
    if (X509_check_private_key(certificate.get(), key.get()) != 1)
        fail(where, "is not the key of " + certificate_path.string());
    const Stream data = stream_of(content, where);
    const Message message(CMS_sign(nullptr, nullptr, nullptr, nullptr, flags));
    if (!message || CMS_add1_signer(message.get(), certificate.get(), key.get(), digest, signer_flags) == nullptr ||
        CMS_final(message.get(), data.get(), nullptr, flags) != 1)
        fail(where, "cannot sign");
    return encode(*message, where);
}

}  // namespace klp
