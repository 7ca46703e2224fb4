// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/versions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace klp::format {
namespace {

std::vector<std::string> lines(const std::vector<Version>& versions) {
    std::vector<std::string> text;
    for (const Version& each : versions)
        text.push_back(std::string(each.name) + " " + std::to_string(each.crc) + " " + std::to_string(each.offset));
    return text;
}

Bytes bytes_of(std::string_view text) {
    return as_bytes(text);
}

// struct modversion_info of a big-endian kernel, as modpost and a compiler make it.
TEST(Versions, AreReadAsTheKernelHasThem) {
    std::string section = "\0\0\0\0\0\0\1\2_printk"s;
    section.resize(64);
    section += "\0\0\0\0\0\0\0\3"s + std::string(56, 'x') + "rest";
    EXPECT_THAT(lines(read_versions(bytes_of(section), ByteOrder::big)),
                ElementsAre("_printk 258 0", std::string(56, 'x') + " 3 64"));
    EXPECT_THAT(read_versions({}, ByteOrder::big), IsEmpty());
}

TEST(Versions, AreReadBackAsTheyWereMade) {
    const std::vector<Version> versions = {{0x12345678, "module_layout"}, {1, std::string_view("a")}};
    for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
        const auto made = make_versions(versions, order);
        ASSERT_EQ(made.size(), 128U);
        EXPECT_EQ(load<std::uint64_t>(made, order), 0x12345678U);
        EXPECT_THAT(lines(read_versions(made, order)), ElementsAre("module_layout 305419896 0", "a 1 64"));
    }
}

TEST(ExtendedVersions, HaveNamesOfAnyLength) {
    const std::string long_name(100, 'n');
    const std::string names = "a\0"s + long_name + "\0";
    EXPECT_THAT(lines(read_extended_versions(bytes_of("\1\0\0\0\2\0\0\0"sv), bytes_of(names), ByteOrder::little)),
                ElementsAre("a 1 0", long_name + " 2 4"));
}

TEST(ExtendedVersions, EndWithTheShorterOfBothSections) {
    const Bytes crcs = bytes_of("\1\0\0\0\2\0\0\0"sv);
    EXPECT_THAT(lines(read_extended_versions(crcs, bytes_of("a\0"sv), ByteOrder::little)), ElementsAre("a 1 0"));
    EXPECT_THAT(lines(read_extended_versions(crcs, bytes_of("a\0b\0c\0"sv), ByteOrder::little)),
                ElementsAre("a 1 0", "b 2 4"));
    EXPECT_THAT(lines(read_extended_versions(crcs.first(6), bytes_of("a\0b"sv), ByteOrder::little)),
                ElementsAre("a 1 0"));
}

TEST(ExtendedVersions, AreReadBackAsTheyWereMade) {
    const std::vector<Version> versions = {{0x12345678, "module_layout"}, {1, "a"}};
    const auto made = make_extended_versions(versions, ByteOrder::big);
    EXPECT_EQ(as_text(made.names), "module_layout\0a\0"sv);
    EXPECT_THAT(lines(read_extended_versions(made.crcs, made.names, ByteOrder::big)),
                ElementsAre("module_layout 305419896 0", "a 1 4"));
}

}  // namespace
}  // namespace klp::format
