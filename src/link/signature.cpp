// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/signature.hpp"

#include "base/bytes.hpp"
#include "base/cms.hpp"

namespace klp::link {
namespace {

// include/linux/module_signature.h: struct module_signature { u8 algo, hash, id_type, signer_len, key_id_len, pad[3];
// __be32 sig_len; }, of which PKEY_ID_PKCS7 uses the type and the length alone.
constexpr std::string_view marker = "~Module signature appended~\n";
constexpr std::size_t header_size = 12, type_field = 2, length_field = 8;
constexpr std::byte pkcs7{2};

}  // namespace

bool drop_signature(std::vector<std::byte>& module, const std::string& display_name) {
    const std::string_view text = as_text(module);
    if (!text.ends_with(marker)) return false;
    const std::size_t end = module.size() - marker.size();
    const Location where{display_name, {}, end};
    if (end < header_size) throw Error(where, "the marker of a signature, but no signature before it");
    const std::uint64_t length =
        load<std::uint32_t>(Bytes(module).subspan(end - header_size + length_field), ByteOrder::big);
    if (length > end - header_size) {
        throw Error(where, "the signature is longer than the file");
    }
    module.resize(end - header_size - length);
    return true;
}

void append_signature(std::vector<std::byte>& module, const Signer& signer) {
    const std::vector<std::byte> message = sign_detached(module, signer.key, signer.certificate, signer.hash);
    std::vector<std::byte> header(header_size);
    header[type_field] = pkcs7;
    store<std::uint32_t>(MutableBytes(header).subspan(length_field), static_cast<std::uint32_t>(message.size()),
                         ByteOrder::big);
    const Bytes end = as_bytes(marker);
    module.insert(module.end(), message.begin(), message.end());
    module.insert(module.end(), header.begin(), header.end());
    module.insert(module.end(), end.begin(), end.end());
}

}  // namespace klp::link
