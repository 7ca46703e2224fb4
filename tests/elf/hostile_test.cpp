// SPDX-License-Identifier: GPL-2.0-or-later
// Damaged and malicious files: an Error that names the place, never a crash and never much memory.
#include <elf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf_test_support.hpp"

using testing::HasSubstr;
using testing::StartsWith;

namespace klp::elf {
namespace {

using FileBytes = std::vector<std::byte>;

std::string reading(const FileBytes& bytes) {
    return error_of([&] { (void)Object::read(bytes, "bad.o"); });
}

// Reads, and where that works does what libraries do with an object.
void exercise(const FileBytes& bytes) {
    try {
        Object object = Object::read(bytes, "bad.o");
        ASSERT_EQ(object.write(), bytes);
        std::size_t sum = 0;
        for (const auto& section : object.sections())
            for (const Relocation& relocation : section->rela()) sum += relocation.symbol->name.size();
        for (const auto& symbol : object.symbols()) sum += symbol->section != nullptr ? symbol->section->size() : 0;
        object.add_symbol({.name = std::to_string(sum), .binding = STB_GLOBAL});
        (void)object.write();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), StartsWith("bad.o"));
    }
}

class Fields {
public:
    explicit Fields(FileBytes& bytes) : bytes_(bytes) {}
    template <std::unsigned_integral T>
    void set(std::uint64_t at, T value) {
        store<T>(MutableBytes(bytes_).subspan(at), value, ByteOrder::little);
    }
    // The offset of a field in the header of section `index`.
    [[nodiscard]] std::uint64_t header(const Section* section, std::uint64_t field) const {
        const auto table = load<std::uint64_t>(Bytes(bytes_).subspan(offsetof(Elf64_Ehdr, e_shoff)), ByteOrder::little);
        return table + section->original_index * sizeof(Elf64_Shdr) + field;
    }

private:
    FileBytes& bytes_;
};

// The message for the sample with one field of one section's header changed.
template <typename T>
std::string with_header(std::string_view section, std::uint64_t field, T value) {
    const Object object = sample();
    FileBytes bytes = object.write();
    Fields fields(bytes);
    fields.set<T>(fields.header(object.find_section(section), field), value);
    exercise(bytes);
    return reading(bytes);
}

// The same for bytes inside of a section.
template <typename T>
std::string with_content(std::string_view section, std::uint64_t at, T value) {
    const Object object = sample();
    FileBytes bytes = object.write();
    Fields(bytes).set<T>(object.find_section(section)->original_offset + at, value);
    exercise(bytes);
    return reading(bytes);
}

std::string with_file_header(std::uint64_t field, std::uint16_t value) {
    FileBytes bytes = sample().write();
    Fields(bytes).set<std::uint16_t>(field, value);
    exercise(bytes);
    return reading(bytes);
}

TEST(Hostile, EveryTruncationIsAnError) {
    const FileBytes whole = sample().write();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const FileBytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_THAT(reading(cut), StartsWith("bad.o:")) << "cut at " << size;
    }
}

TEST(Hostile, NoFlippedByteCrashes) {
    const FileBytes whole = sample().write();
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const unsigned mask : {0x01U, 0x80U, 0xffU}) {
            FileBytes damaged = whole;
            damaged[at] ^= static_cast<std::byte>(mask);
            exercise(damaged);
        }
    }
}

TEST(Hostile, FileHeaders) {
    EXPECT_EQ(reading({}), "bad.o:+0x0: is not an ELF file");
    EXPECT_THAT(reading(to_vector(as_bytes("\x7f"
                                           "ELF\1"))),
                HasSubstr("ELF class is 1, expected 2"));
    EXPECT_THAT(with_file_header(offsetof(Elf64_Ehdr, e_shentsize), 63), HasSubstr("section header size is 63"));
    EXPECT_THAT(with_file_header(offsetof(Elf64_Ehdr, e_ehsize), 52), HasSubstr("ELF header size is 52"));
    EXPECT_THAT(with_file_header(offsetof(Elf64_Ehdr, e_shnum), 0x7000), HasSubstr("28672 section headers"));
    EXPECT_THAT(with_file_header(offsetof(Elf64_Ehdr, e_shstrndx), 0x70),
                HasSubstr("section names are in section 112"));
    EXPECT_THAT(with_file_header(offsetof(Elf64_Ehdr, e_shstrndx), 1), HasSubstr("is not a string table"));
    EXPECT_THAT(with_file_header(offsetof(Elf64_Ehdr, e_phnum), 0x1000), HasSubstr("program header size is 0"));
}

TEST(Hostile, SectionHeaders) {
    EXPECT_THAT(with_header<std::uint64_t>(".data", offsetof(Elf64_Shdr, sh_size), UINT64_MAX),
                HasSubstr("reaches from"));
    EXPECT_THAT(with_header<std::uint64_t>(".data", offsetof(Elf64_Shdr, sh_offset), UINT64_MAX), HasSubstr("reaches"));
    EXPECT_THAT(with_header<std::uint64_t>(".data", offsetof(Elf64_Shdr, sh_addralign), 3),
                HasSubstr("a power of two"));
    EXPECT_THAT(with_header<std::uint32_t>(".data", offsetof(Elf64_Shdr, sh_name), 0x7fffffff),
                HasSubstr("name of section"));
    EXPECT_THAT(with_header<std::uint32_t>(".data", offsetof(Elf64_Shdr, sh_link), 999),
                HasSubstr("bad.o:(.data): sh_link is section 999, expected 1 to"));
    EXPECT_THAT(with_header<std::uint32_t>(".data", offsetof(Elf64_Shdr, sh_type), SHT_SYMTAB),
                HasSubstr("symbol table"));
    EXPECT_THAT(with_header<std::uint32_t>(".data", offsetof(Elf64_Shdr, sh_type), SHT_REL),
                HasSubstr("expected RELA"));
    EXPECT_EQ(with_header<std::uint64_t>(".data", offsetof(Elf64_Shdr, sh_addralign), std::uint64_t{1} << 63),
              "no error");
    EXPECT_EQ(with_header<std::uint64_t>(".bss", offsetof(Elf64_Shdr, sh_size), UINT64_MAX), "no error");
}

TEST(Hostile, Symbols) {
    constexpr std::uint64_t second = sizeof(Elf64_Sym);
    EXPECT_THAT(with_content<std::uint32_t>(".symtab", second, 0x7fffffff),
                HasSubstr("bad.o:(.symtab+0x18): name of symbol 1"));
    EXPECT_THAT(with_content<std::uint16_t>(".symtab", second + offsetof(Elf64_Sym, st_shndx), 0x1000),
                HasSubstr("is in section 4096, expected 1 to"));
    const std::size_t behind_the_last = sample().sections().size() + 1;
    EXPECT_THAT(with_content<std::uint16_t>(".symtab", second + offsetof(Elf64_Sym, st_shndx),
                                            static_cast<std::uint16_t>(behind_the_last)),
                HasSubstr(fmt::format("is in section {0}, expected 1 to {1}", behind_the_last, behind_the_last - 1)));
    EXPECT_THAT(with_content<std::uint16_t>(".symtab", second + offsetof(Elf64_Sym, st_shndx), SHN_XINDEX),
                HasSubstr("extended section index"));
    EXPECT_THAT(with_header<std::uint64_t>(".symtab", offsetof(Elf64_Shdr, sh_entsize), 16),
                HasSubstr("entry size is 16"));
    EXPECT_THAT(with_header<std::uint64_t>(".symtab", offsetof(Elf64_Shdr, sh_size), 25), HasSubstr("not a multiple"));
    EXPECT_THAT(with_header<std::uint32_t>(".symtab", offsetof(Elf64_Shdr, sh_info), 999),
                HasSubstr("999 local symbols"));
    EXPECT_THAT(with_header<std::uint32_t>(".symtab", offsetof(Elf64_Shdr, sh_link), 1),
                HasSubstr("expected a string table"));
}

TEST(Hostile, Relocations) {
    EXPECT_THAT(with_content<std::uint64_t>(".rela.data", 0, 0x1000),
                HasSubstr("bad.o:(.rela.data+0x0): relocation at 0x1000 is past the end of section '.data'"));
    EXPECT_THAT(with_content<std::uint32_t>(".rela.data", offsetof(Elf64_Rela, r_info) + 4, 9999),
                HasSubstr("symbol index is 9999"));
    EXPECT_THAT(with_header<std::uint32_t>(".rela.data", offsetof(Elf64_Shdr, sh_info), 999),
                HasSubstr("sh_info is section 999"));
    EXPECT_THAT(with_header<std::uint32_t>(".rela.data", offsetof(Elf64_Shdr, sh_link), 1),
                HasSubstr("expected the symbol table"));
    EXPECT_EQ(with_header<std::uint32_t>(".rela.data", offsetof(Elf64_Shdr, sh_info), 0), "no error");
}

TEST(Hostile, Groups) {
    EXPECT_THAT(with_content<std::uint32_t>(".group", 4, 999), HasSubstr("group member is section 999"));
    EXPECT_THAT(with_content<std::uint32_t>(".group", 4, 0), HasSubstr("group member is section 0"));
    EXPECT_THAT(with_header<std::uint32_t>(".group", offsetof(Elf64_Shdr, sh_info), 999),
                HasSubstr("symbol index is 999"));
    EXPECT_THAT(with_header<std::uint64_t>(".group", offsetof(Elf64_Shdr, sh_size), 0), HasSubstr("truncated"));
}

TEST(Hostile, OverlappingSections) {
    const Object object = sample();
    const std::uint64_t names = object.find_section(".strtab")->original_offset;
    EXPECT_THAT(with_header<std::uint64_t>(".rela.data", offsetof(Elf64_Shdr, sh_offset), names),
                StartsWith(fmt::format(
                    "bad.o:(.strtab): begins at 0x{0:x} in the file, but section '.rela.data' reaches", names)));
}

// Section headers that all share one long name would make the model quadratic in the size of the file.
TEST(Hostile, OverlappingNamesAreBounded) {
    Object object(EM_X86_64, ByteOrder::little);
    const std::string name(20'000, 'n');
    for (int i = 0; i < 2000; ++i) object.add_section(name, SHT_PROGBITS, 0);
    EXPECT_THAT(reading(object.write()), HasSubstr("times as large as the file"));
}

}  // namespace
}  // namespace klp::elf
