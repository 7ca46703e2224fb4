// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/process.hpp"
#include "kernel/catalogue.hpp"
#include "kernel/image.hpp"

namespace klp::kernel {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const Location here{"vmlinuz", "", {}};

// What stands for a vmlinux: the ELF magic, a banner after the format string that is like one, and some bulk.
std::string kernel_text() {
    std::string text = "\177ELF\2\1\1";
    text += "Linux version %s (Linux version 6.1.0-9-test (someone@somewhere) #1 SMP";
    for (int i = 0; i < 20000; ++i) text += std::to_string(i * 7919 % 10007);
    return text;
}

std::vector<std::byte> bytes_of(std::string_view text) {
    const Bytes bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

void put(std::string& image, std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) image[at + i] = static_cast<char>(value >> (8 * i));
}

// A bzImage with two sectors of setup code, and `payload` 0x40 bytes into the protected-mode code.
std::string bzimage(std::string_view payload) {
    std::string image(3 * 512 + 0x40, '\0');
    image[0x1f1] = 2;
    image.replace(0x202, 4, "HdrS");
    put(image, 0x206, 0x020f, 2);
    put(image, 0x20e, 0x300, 2);
    constexpr std::string_view version = "6.1.0-9-test (someone@somewhere) #1 SMP";
    image.replace(0x500, version.size(), version);
    put(image, 0x248, 0x40, 4);
    put(image, 0x24c, payload.size() + 4, 4);
    image += payload;
    return image + std::string("\0\0\1\0", 4) + "what follows the payload";
}

std::string compressed(const std::vector<std::string>& argv) {
    return run_checked({.argv = argv, .input = kernel_text()}, "compressing").output;
}

class Compressors : public ::testing::TestWithParam<std::vector<std::string>> {};

TEST_P(Compressors, PayloadIsUnpacked) {
    if (!find_program(GetParam().front())) GTEST_SKIP() << "no " << GetParam().front();
    const std::string image = bzimage(compressed(GetParam()));
    EXPECT_EQ(unpack_image(as_bytes(image), here), bytes_of(kernel_text()));
}

INSTANTIATE_TEST_SUITE_P(
    All, Compressors,
    ::testing::Values(std::vector<std::string>{"gzip", "-9n"},
                      std::vector<std::string>{"xz", "--check=crc32", "--x86", "--lzma2=dict=1MiB"},
                      std::vector<std::string>{"zstd", "-q"}, std::vector<std::string>{"lz4", "-l", "-9", "-q"},
                      std::vector<std::string>{"bzip2", "-9"}, std::vector<std::string>{"lzma", "-9"},
                      std::vector<std::string>{"lzop", "-9"}));

TEST(UnpackImage, ElfPassesThrough) {
    EXPECT_EQ(unpack_image(as_bytes(kernel_text()), here), bytes_of(kernel_text()));
    EXPECT_EQ(unpack_image(as_bytes(bzimage(kernel_text())), here).size(), kernel_text().size() + 4);
}

TEST(UnpackImage, CompressedVmlinuxIsUnpacked) {
    EXPECT_EQ(unpack_image(as_bytes(compressed({"gzip"})), here), bytes_of(kernel_text()));
}

TEST(UnpackImage, TruncatedImagesAreRefused) {
    const std::string image = bzimage(compressed({"gzip", "-9n"}));
    for (std::size_t size = 0; size + 40 < image.size(); size += size < 0x700 ? 1 : 997) {
        EXPECT_THROW((void)unpack_image(as_bytes(image).first(size), here), Error) << size;
    }
}

TEST(UnpackImage, ForeignFilesAreRefused) {
    const auto unpacking = [](std::string text) { return [text] { (void)unpack_image(as_bytes(text), here); }; };
    EXPECT_THAT(unpacking("PK\3\4 something else altogether"),
                ThrowsMessage<Error>(HasSubstr("vmlinuz: not a kernel image that is known")));
    EXPECT_THAT(unpacking(""), ThrowsMessage<Error>(HasSubstr("not a kernel image")));
    EXPECT_THAT(unpacking(bzimage("not compressed at all")),
                ThrowsMessage<Error>(HasSubstr("compressed in no known way")));
    const std::string text = run_checked({.argv = {"gzip"}, .input = "no ELF file"}, "gzip").output;
    EXPECT_THAT(unpacking(bzimage(text)), ThrowsMessage<Error>(HasSubstr("holds gzip data, but no ELF file")));
}

TEST(UnpackImage, OldBootProtocolIsRefused) {
    std::string image = bzimage(kernel_text());
    put(image, 0x206, 0x0207, 2);
    EXPECT_THAT([&] { (void)unpack_image(as_bytes(image), here); }, ThrowsMessage<Error>(HasSubstr("older than 2.08")));
}

TEST(ReleaseOfImage, DamagedHeaderIsNoImageThatDoesNotTell) {
    std::string image = bzimage(kernel_text());
    put(image, 0x20e, 0x8000, 2);
    image.resize(0x8100);
    EXPECT_THAT([&] { (void)release_of_image(as_bytes(image), here); }, testing::Throws<Error>());
    put(image, 0x20e, 0, 2);
    EXPECT_EQ(release_of_image(as_bytes(image), here), std::nullopt);
}

TEST(ReleaseOfImage, IsReadFromHeaderAndBanner) {
    EXPECT_EQ(release_of_image(as_bytes(bzimage(compressed({"gzip"}))), here), "6.1.0-9-test");
    EXPECT_EQ(release_of_image(as_bytes(kernel_text()), here), "6.1.0-9-test");
    EXPECT_EQ(release_of_image(as_bytes(compressed({"gzip"})), here), std::nullopt);
    EXPECT_THAT([] { (void)release_of_vmlinux(as_bytes("\177ELF Linux version %s (%s"), here); },
                ThrowsMessage<Error>(HasSubstr("not a Linux kernel")));
}

}  // namespace
}  // namespace klp::kernel
