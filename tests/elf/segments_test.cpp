// SPDX-License-Identifier: GPL-2.0-or-later
// Program headers: against those of readelf, kept as they are, and checked.
#include <elf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "elf_test_support.hpp"

using testing::HasSubstr;
using testing::IsEmpty;

namespace klp::elf {
namespace {

// A program of two segments and a note, big-endian or not, linked by hand: 64 bytes of header, three program headers,
// and 16 bytes of content.
std::vector<std::byte> program(ByteOrder order = ByteOrder::little) {
    std::vector<std::byte> file(64 + 3 * 56 + 16);
    const MutableBytes bytes(file);
    const auto put16 = [&](std::size_t at, std::uint16_t value) {
        store<std::uint16_t>(bytes.subspan(at, 2), value, order);
    };
    const auto put32 = [&](std::size_t at, std::uint32_t value) {
        store<std::uint32_t>(bytes.subspan(at, 4), value, order);
    };
    const auto put64 = [&](std::size_t at, std::uint64_t value) {
        store<std::uint64_t>(bytes.subspan(at, 8), value, order);
    };
    std::ranges::copy(as_bytes("\177ELF\2"), bytes.begin());
    bytes[5] = order == ByteOrder::little ? std::byte{1} : std::byte{2};
    bytes[6] = std::byte{1};
    put16(16, ET_EXEC);
    put16(18, EM_S390);
    put64(24, 0x1000);
    put64(32, 64);
    put16(52, 64);
    put16(54, 56);
    put16(56, 3);
    for (std::size_t i = 0; i < 3; ++i) {
        const std::size_t at = 64 + i * 56;
        put32(at, i == 2 ? PT_NOTE : PT_LOAD);
        put32(at + 4, static_cast<std::uint32_t>(4 + i));
        put64(at + 8, 232 + i * 4);
        put64(at + 16, 0x1000 * (i + 1));
        put64(at + 24, 0x100 * (i + 1));
        put64(at + 32, 4);
        put64(at + 40, 8);
        put64(at + 48, 16);
    }
    for (std::size_t i = 232; i < file.size(); ++i) file[i] = static_cast<std::byte>(i - 232);
    return file;
}

Object read(std::vector<std::byte> file) {
    return Object::read(std::move(file), "program");
}

TEST(Segments, AreReadInEitherByteOrder) {
    for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
        const Object object = read(program(order));
        EXPECT_EQ(object.order(), order);
        EXPECT_EQ(object.entry(), 0x1000U);
        ASSERT_EQ(object.segments().size(), 3U);
        const Segment& second = object.segments()[1];
        EXPECT_EQ(second, (Segment{PT_LOAD, 5, 236, 0x2000, 0x200, 4, 8, 16}));
        EXPECT_EQ(to_vector(segment_content(program(order), second, "program")),
                  to_vector(as_bytes(std::string_view("\4\5\6\7", 4))));
        EXPECT_EQ(object.segments()[2].type, static_cast<std::uint32_t>(PT_NOTE));
        EXPECT_EQ(object.write(), program(order));
    }
}

TEST(Segments, AreThoseThatReadelfFinds) {
    const fs::path path = "/proc/self/exe";
    const Object object = Object::read(fs::read_symlink(path));
    const std::string listed =
        run_checked({.argv = {"readelf", "-lW", fs::read_symlink(path).string()}}, "listing segments").output;
    std::vector<std::string> theirs, ours;
    std::istringstream lines(listed.substr(listed.find("Program Headers:")));
    std::string line;
    std::getline(lines, line);
    std::getline(lines, line);
    while (std::getline(lines, line) && !line.empty()) {
        std::istringstream words(line);
        std::string type, offset, address, physical, file_size, memory_size;
        words >> type >> offset >> address >> physical >> file_size >> memory_size;
        if (offset.starts_with("0x"))
            theirs.push_back(fmt::format("{} {} {} {} {}", std::stoull(offset, nullptr, 16),
                                         std::stoull(address, nullptr, 16), std::stoull(physical, nullptr, 16),
                                         std::stoull(file_size, nullptr, 16), std::stoull(memory_size, nullptr, 16)));
    }
    for (const Segment& each : object.segments())
        ours.push_back(fmt::format("{} {} {} {} {}", each.offset, each.address, each.physical_address, each.file_size,
                                   each.memory_size));
    EXPECT_GT(ours.size(), 4U);
    EXPECT_EQ(ours, theirs);
}

TEST(Segments, OfARelocatableFileAreNone) {
    EXPECT_THAT(sample().segments(), IsEmpty());
}

TEST(Segments, ThatReachOutOfTheFileAreRefusedWhenRead) {
    std::vector<std::byte> file = program();
    store<std::uint64_t>(MutableBytes(file).subspan(64 + 32, 8), 100, ByteOrder::little);
    const auto first = [&] { (void)segment_content(file, read(file).segments()[0], "program"); };
    EXPECT_THAT(error_of(first), HasSubstr("program:+0xe8"));
    store<std::uint64_t>(MutableBytes(file).subspan(64 + 8, 8), UINT64_MAX, ByteOrder::little);
    EXPECT_NE(error_of(first), "no error");
}

TEST(Segments, WhoseHeadersReachOutOfTheFileAreRefused) {
    std::vector<std::byte> file = program();
    store<std::uint16_t>(MutableBytes(file).subspan(56, 2), 5, ByteOrder::little);
    EXPECT_THAT(error_of([&] { (void)read(file); }), HasSubstr("5 program headers, but the file has room for 3"));
    store<std::uint64_t>(MutableBytes(file).subspan(32, 8), 1 << 20, ByteOrder::little);
    EXPECT_THAT(error_of([&] { (void)read(file); }), HasSubstr("program"));
    file = program();
    store<std::uint16_t>(MutableBytes(file).subspan(54, 2), 32, ByteOrder::little);
    EXPECT_THAT(error_of([&] { (void)read(file); }), HasSubstr("program header size is 32, expected 56"));
    for (std::size_t size = 0; size < 232; ++size) {
        file = program();
        file.resize(size);
        EXPECT_NE(error_of([&] { (void)read(file); }), "no error") << size;
    }
}

// More than 65,534: the number is in the header of the null section.
TEST(Segments, MayBeMoreThanTheHeaderCounts) {
    std::vector<std::byte> file = program();
    const std::size_t null_section = file.size();
    file.resize(file.size() + 64);
    const MutableBytes bytes(file);
    store<std::uint16_t>(bytes.subspan(56, 2), PN_XNUM, ByteOrder::little);
    EXPECT_THAT(error_of([&] { (void)read(file); }), HasSubstr("no section headers"));
    store<std::uint64_t>(bytes.subspan(40, 8), null_section, ByteOrder::little);
    store<std::uint16_t>(bytes.subspan(58, 2), 64, ByteOrder::little);
    store<std::uint16_t>(bytes.subspan(60, 2), 1, ByteOrder::little);
    store<std::uint32_t>(bytes.subspan(null_section + 44, 4), 2, ByteOrder::little);
    EXPECT_EQ(read(file).segments().size(), 2U);
}

// Edits move what segments lie over.
TEST(Segments, OfARelocatableFileStayAsLongAsItIsNotEdited) {
    std::vector<std::byte> file = sample().write();
    const std::size_t at = file.size();
    file.resize(at + 56);
    const MutableBytes bytes(file);
    store<std::uint64_t>(bytes.subspan(32, 8), at, ByteOrder::little);
    store<std::uint16_t>(bytes.subspan(54, 2), 56, ByteOrder::little);
    store<std::uint16_t>(bytes.subspan(56, 2), 1, ByteOrder::little);
    const Object object = Object::read(file, "odd.o");
    EXPECT_EQ(object.segments().size(), 1U);
    EXPECT_EQ(object.write(), file);
    object.find_symbol("first")->name = "other";
    EXPECT_THAT(error_of([&] { (void)object.write(); }), HasSubstr("odd.o: a relocatable file with program headers"));
}

}  // namespace
}  // namespace klp::elf
