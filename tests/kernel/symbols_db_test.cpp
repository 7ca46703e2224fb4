// SPDX-License-Identifier: GPL-2.0-or-later
// Lists of symbols that are damaged or hostile; tests/cli/convert.sh makes and reads real ones.
#include "kernel/symbols_db.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/compress.hpp"

namespace klp::kernel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Parts {
    std::string index = R"({"release": "1.0", "arch": "x86_64", "config": {"CONFIG_LIVEPATCH": "y"}, "objects": [
        {"name": "vmlinux", "offset": 0, "size": VMLINUX, "symbols": 2, "depends": []},
        {"name": "late", "offset": VMLINUX, "size": LATE, "symbols": 2, "depends": ["base"]}],
        "exports": {"offset": VMLINUX+LATE, "size": EXPORTS}})";
    std::string vmlinux = "ffffffff81000000\tT\tfirst\nffffffff81000010\tt\ttwice\tdir.c\n";
    std::uint32_t version = symbols_db_version;
    std::string late = "10\tt\thidden\t.text\t-\n0\tt\tstart\t.init.text\ti\n0\ta\tnumber\t\ti\n";
    std::string exports = "0x12345678\tfirst\tvmlinux\tEXPORT_SYMBOL_GPL\tSPACE\n";
};

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from))
        text.replace(at, from.size(), to);
}

class SymbolsDb : public testing::Test {
protected:
    std::unique_ptr<SymbolSource> read(const Parts& parts, std::uint32_t index_size_change = 0) {
        const auto vmlinux = compress_zstd(as_bytes(parts.vmlinux));
        const auto late = compress_zstd(as_bytes(parts.late));
        const auto exports = compress_zstd(as_bytes(parts.exports));
        std::string index = parts.index;
        replace_all(index, "VMLINUX+LATE", std::to_string(vmlinux.size() + late.size()));
        replace_all(index, "VMLINUX", std::to_string(vmlinux.size()));
        replace_all(index, "LATE", std::to_string(late.size()));
        replace_all(index, "EXPORTS", std::to_string(exports.size()));
        const auto packed = compress_zstd(as_bytes(index));
        std::vector<std::byte> bytes(16);
        std::ranges::copy(as_bytes(symbols_db_magic), bytes.begin());
        store<std::uint32_t>(MutableBytes(bytes).subspan(8), parts.version, ByteOrder::little);
        store<std::uint32_t>(MutableBytes(bytes).subspan(12),
                             static_cast<std::uint32_t>(packed.size()) + index_size_change, ByteOrder::little);
        for (const auto* part : {&packed, &vmlinux, &late, &exports})
            bytes.insert(bytes.end(), part->begin(), part->end());
        write_file(folder_.path() / "list.db", bytes);
        return read_symbols_db(folder_.path() / "list.db");
    }
    std::string problem(const Parts& parts) {
        try {
            const auto source = read(parts);
            (void)source->vmlinux();
            (void)source->module("late");
            (void)source->find_export("first");
            return "none";
        } catch (const Error& error) {
            return error.what();
        }
    }
    TempDir folder_{"klp-test"};
};

TEST_F(SymbolsDb, GivesWhatIsInIt) {
    const auto source = read({});
    EXPECT_EQ(source->release(), "1.0");
    EXPECT_EQ(source->arch().name(), "x86_64");
    EXPECT_EQ(source->config("CONFIG_LIVEPATCH"), "y");
    EXPECT_EQ(source->config("CONFIG_OTHER"), std::nullopt);
    ASSERT_EQ(source->vmlinux().symbols().size(), 2);
    EXPECT_EQ(source->vmlinux().symbols()[1].address, 0xffffffff81000010);
    EXPECT_EQ(source->vmlinux().symbols()[1].type, 't');
    EXPECT_EQ(source->vmlinux().symbols()[1].name, "twice");
    EXPECT_EQ(source->source_file(1), "dir.c");
    EXPECT_EQ(source->source_file(0), "");
    const auto& late = source->module("late")->symbols();
    ASSERT_EQ(late.size(), 3);
    EXPECT_EQ(late[0].section->name, ".text");
    EXPECT_FALSE(late[0].init_only);
    EXPECT_TRUE(late[1].init_only);
    EXPECT_EQ(late[2].section, nullptr);
    EXPECT_TRUE(late[2].init_only);
    EXPECT_EQ(source->module("other"), nullptr);
    EXPECT_EQ(source->module("vmlinux"), nullptr);
    EXPECT_THAT(source->dependencies("late"), ElementsAre("base"));
    EXPECT_EQ(source->find_export("first")->name_space, "SPACE");
    EXPECT_EQ(source->find_export("twice"), nullptr);
}

TEST_F(SymbolsDb, RefusesLinesThatAreNoSymbols) {
    for (const char* line : {"\n", "10\tt\n", "10\ttt\tname\n", "xyz\tt\tname\n", "\tt\tname\n", "10\tt\t\n",
                             "10\tt\tname\t.text\t-\tmore\n", "11223344556677889\tt\tname\n"}) {
        Parts parts;
        parts.late += line;
        EXPECT_THAT(problem(parts), HasSubstr("symbols of 'late': line 4 is none of a symbol")) << line;
    }
}

TEST_F(SymbolsDb, RefusesAnIndexThatIsNone) {
    for (
        const char* index :
        {"", "[]", "{", "{}",
         R"({"release": 1, "arch": "x86_64", "config": {}, "objects": [], "exports": {"offset": 0, "size": 0}})",
         R"({"release": "1", "arch": "x86_64", "config": {}, "objects": [{"name": "vmlinux", "offset": -1.5, "size": "x", "depends": []}], "exports": {}})"}) {
        Parts parts;
        parts.index = index;
        EXPECT_THAT(problem(parts), HasSubstr("the index is damaged")) << index;
    }
}

TEST_F(SymbolsDb, RefusesAnotherArchitectureAndAListWithoutVmlinux) {
    Parts parts;
    replace_all(parts.index, "x86_64", "vax");
    EXPECT_THAT(problem(parts), HasSubstr("vax"));
    parts = {};
    replace_all(parts.index, "\"vmlinux\"", "\"other\"");
    EXPECT_THAT(problem(parts), HasSubstr("no symbols of vmlinux"));
}

TEST_F(SymbolsDb, RefusesOtherVersionsOfTheFormat) {
    Parts parts;
    EXPECT_EQ(problem(parts), "none");
    for (const std::uint32_t version : {symbols_db_version + 1, 0U}) {
        parts.version = version;
        EXPECT_THAT(problem(parts), HasSubstr("of the format, expected"));
    }
}

TEST_F(SymbolsDb, RefusesPartsOutsideOfTheFile) {
    Parts parts;
    replace_all(parts.index, "\"size\": LATE", "\"size\": 18446744073709551615");
    EXPECT_THAT(problem(parts), HasSubstr("reach past the end"));
    parts = {};
    replace_all(parts.index, "\"offset\": VMLINUX,", "\"offset\": 3,");
    EXPECT_THAT(problem(parts), HasSubstr("no zstd frame"));
}

TEST_F(SymbolsDb, RefusesAnIndexThatReachesBeyondTheFile) {
    EXPECT_THROW((void)read({}, 1 << 20), Error);
}

TEST(SourceFiles, ComeFromTheFileSymbolsBefore) {
    elf::Object vmlinux(62, ByteOrder::little);
    elf::Section& text = vmlinux.add_section(".text", 1, 6);
    const auto add = [&](const char* name, std::uint8_t type, std::uint8_t binding, std::uint64_t value,
                         bool file = false) {
        elf::Symbol symbol;
        symbol.name = name;
        symbol.type = type;
        symbol.binding = binding;
        symbol.value = value;
        symbol.placement = file ? elf::Placement::absolute : elf::Placement::section;
        symbol.section = file ? nullptr : &text;
        (void)vmlinux.add_symbol(symbol);
    };
    add("a.c", 4, 0, 0, true);
    add("twice", 2, 0, 0x10);
    add("b.c", 4, 0, 0, true);
    add("twice", 2, 0, 0x20);
    add("global", 2, 1, 0x30);
    const SymbolTable symbols(
        "vmlinux", {{0x10, 't', "twice"}, {0x20, 't', "twice"}, {0x30, 'T', "global"}, {0x40, 't', "other"}});
    EXPECT_THAT(source_files(symbols, vmlinux), ElementsAre("a.c", "b.c", "", ""));
    EXPECT_TRUE(source_files(symbols, elf::Object(62, ByteOrder::little)).empty());
}

}  // namespace
}  // namespace klp::kernel
