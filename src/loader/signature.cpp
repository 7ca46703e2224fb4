// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/signature.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "base/text.hpp"

namespace klp::loader {

namespace {

// include/linux/module_signature.h: struct module_signature and the marker lie behind the signature itself.
constexpr std::string_view appended_marker = "~Module signature appended~\n";
constexpr std::uint64_t info_size = 12, type_field = 2, length_field = 8;
constexpr std::byte pkcs7_type{2};

// Tags of crypto/asymmetric_keys/pkcs7.asn1.
enum Tag : std::uint8_t {
    integer = 0x02,
    octet_string = 0x04,
    object_identifier = 0x06,
    sequence = 0x30,
    set = 0x31,
    primitive_0 = 0x80,
    constructed_0 = 0xa0,
    constructed_3 = 0xa3,
};
// 1.2.840.113549.1.7.2
constexpr auto signed_data_id = std::to_array<std::uint8_t>({42, 134, 72, 134, 247, 13, 1, 7, 2});

struct Damaged {};  // lib/asn1_decoder.c gives it up: EBADMSG

// One value behind the other, each a tag, a length and as many bytes.
class Values {
public:
    explicit Values(Bytes bytes) : rest_(bytes) {}

    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    [[nodiscard]] bool is_next(std::initializer_list<std::uint8_t> tags) const {
        return !rest_.empty() && std::ranges::find(tags, std::to_integer<std::uint8_t>(rest_[0])) != tags.end();
    }
    struct Value {
        Bytes whole;
        Bytes content;
    };
    Value take(std::initializer_list<std::uint8_t> tags) {
        if (!is_next(tags)) throw Damaged{};
        return take();
    }
    Value take() {
        if (rest_.size() < 2) throw Damaged{};
        std::uint64_t length = std::to_integer<std::uint8_t>(rest_[1]), begin = 2;
        if (length >= 0x80) {
            const std::uint64_t bytes = length & 0x7f;
            if (bytes == 0 || bytes > 4 || rest_.size() < 2 + bytes) throw Damaged{};
            length = 0;
            for (; begin < 2 + bytes; ++begin) length = length << 8 | std::to_integer<std::uint8_t>(rest_[begin]);
        }
        if (length > rest_.size() - begin) throw Damaged{};
        const Value value{rest_.first(begin + length), rest_.subspan(begin, length)};
        rest_ = rest_.subspan(begin + length);
        return value;
    }

    void end() const {
        if (!at_end()) throw Damaged{};
    }

private:
    Bytes rest_;
};

void read_algorithm(Values& in) {
    Values(in.take({sequence}).content).take({object_identifier});
}

// SignerInfo, up to the signature itself.
void read_signer(Bytes content, Signature& signature) {
    Values in(content);
    in.take({integer});
    if (in.is_next({primitive_0})) {
        signature.serial = in.take().content;
    } else {
        Values sid(in.take({sequence}).content);
        signature.issuer = sid.take({sequence}).whole;
        signature.serial = sid.take({integer}).whole;
        sid.end();
    }
    read_algorithm(in);
    if (in.is_next({constructed_0, constructed_0 + 2})) in.take();  // authenticated attributes
    read_algorithm(in);
    in.take({octet_string});
    if (in.is_next({constructed_0 + 1, constructed_3})) in.take();  // unauthenticated attributes
    in.end();
}

void read_signed_data(Bytes content, Signature& signature) {
    Values in(content);
    in.take({integer});
    in.take({set, sequence});  // digest algorithms
    Values(in.take({sequence}).content).take({object_identifier});
    while (in.is_next({constructed_0, constructed_0 + 1, constructed_0 + 2, constructed_3})) in.take();
    Values signers(in.take({set, sequence}).content);
    in.end();
    if (signers.at_end()) throw Damaged{};
    read_signer(signers.take({sequence}).content, signature);
}

// crypto/asymmetric_keys/pkcs7_parser.c:pkcs7_parse_message
void read_message(Bytes message, Signature& signature) {
    Values in(Values(message).take({sequence}).content);
    const Bytes type = in.take({object_identifier}).content;
    const bool is_signed_data = std::ranges::equal(
        type, signed_data_id, [](std::byte a, std::uint8_t b) { return std::to_integer<std::uint8_t>(a) == b; });
    if (!is_signed_data) {
        signature.error = EINVAL;
        signature.message = "PKCS7: Only support pkcs7_signedData type";
        return;
    }
    Values content(in.take({constructed_0}).content);
    in.end();
    const Bytes signed_data = content.take({sequence}).content;
    content.end();
    read_signed_data(signed_data, signature);
}

// mod_verify_sig(), mod_check_sig(); `module` ends with struct module_signature.
void check_info(Bytes module, Signature& signature) {
    const auto fail = [&](int error, std::string message) {
        signature.error = error;
        signature.message = std::move(message);
    };
    if (module.size() <= info_size) return fail(EBADMSG, "");
    const Bytes info = module.last(info_size);
    const std::uint64_t length = load<std::uint32_t>(info.subspan(length_field), ByteOrder::big);
    if (length >= module.size() - info_size) return fail(EBADMSG, "");
    if (info[type_field] != pkcs7_type) return fail(ENOPKG, "module: not signed with expected PKCS#7 message");
    for (std::uint64_t i = 0; i < length_field; ++i) {
        if (i != type_field && info[i] != std::byte{0})
            return fail(EBADMSG, "module: PKCS#7 signature info has unexpected non-zero params");
    }
    signature.remaining = module.size() - info_size - length;
    try {
        read_message(module.subspan(signature.remaining, length), signature);
    } catch (const Damaged&) {
        fail(EBADMSG, "");
    }
}

}  // namespace

Signature read_signature(Bytes file) {
    Signature signature;
    signature.remaining = file.size();
    if (file.size() <= appended_marker.size() || !as_text(file).ends_with(appended_marker)) {
        signature.error = ENODATA;
        return signature;
    }
    signature.remaining = file.size() - appended_marker.size();
    check_info(file.first(signature.remaining), signature);
    return signature;
}

}  // namespace klp::loader
