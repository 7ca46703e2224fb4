// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bytes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>

using testing::HasSubstr;

namespace klp {
namespace {

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(Bytes, LoadAndStoreFollowTheByteOrder) {
    std::array<std::byte, 4> bytes{};
    store<std::uint32_t>(bytes, 0x11223344, ByteOrder::big);
    EXPECT_EQ(bytes[0], std::byte{0x11});
    EXPECT_EQ(load<std::uint32_t>(bytes, ByteOrder::big), 0x11223344U);
    EXPECT_EQ(load<std::uint32_t>(bytes, ByteOrder::little), 0x44332211U);
    store<std::uint16_t>(bytes, 0xabcd, ByteOrder::little);
    EXPECT_EQ(bytes[0], std::byte{0xcd});
}

TEST(Cursor, ReadsInOrderAndStopsAtTheEnd) {
    using namespace std::string_view_literals;
    Cursor in(as_bytes("\x01\x02\x03\xff\xff\xff\xffname\0x"sv), ByteOrder::little);
    EXPECT_EQ(in.u8(), 1);
    EXPECT_EQ(in.u16(), 0x0302);
    EXPECT_EQ(in.u32(), UINT32_MAX);
    EXPECT_EQ(in.c_string(), "name");
    EXPECT_EQ(in.remaining(), 1U);
    in.seek(13);
    EXPECT_TRUE(in.at_end());
}

TEST(Cursor, FailuresNameThePlaceAtWhichTheReadBegan) {
    Cursor in(as_bytes("abcdef"), ByteOrder::little, {"f.o", ".text", 0x10});
    in.skip(4);
    EXPECT_EQ(message_of([&] { in.u32(); }), "f.o:(.text+0x14): truncated: expected 4 more bytes, 2 are left");
    EXPECT_THAT(message_of([&] { in.c_string(); }), HasSubstr("terminating zero"));
    EXPECT_THAT(message_of([&] { in.seek(7); }), HasSubstr("past the end"));
    EXPECT_THAT(message_of([&] { in.skip(UINT64_MAX); }), HasSubstr("truncated"));
    EXPECT_EQ(in.position(), 4U);
}

TEST(Slice, DoesNotOverflow) {
    const Bytes bytes = as_bytes("0123456789");
    EXPECT_EQ(as_text(slice(bytes, 3, 2, {})), "34");
    EXPECT_EQ(slice(bytes, 10, 0, {}).size(), 0U);
    EXPECT_THROW((void)slice(bytes, 2, UINT64_MAX, {}), Error);
    EXPECT_THROW((void)slice(bytes, 11, 0, {}), Error);
}

TEST(Find, LooksFromThePositionOn) {
    const Bytes text = as_bytes("abcabc");
    EXPECT_EQ(klp::find(text, as_bytes("bc")), 1U);
    EXPECT_EQ(klp::find(text, as_bytes("bc"), 2), 4U);
    EXPECT_EQ(klp::find(text, as_bytes("bc"), 5), std::nullopt);
    EXPECT_EQ(klp::find(text, as_bytes("a"), 7), std::nullopt);
}

TEST(Sha256, GivesTheKnownDigest) {
    EXPECT_EQ(sha256_hex(as_bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace klp
