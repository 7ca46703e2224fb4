// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "kernel/kallsyms.hpp"
#include "support/kallsyms_image.hpp"

namespace klp::kernel {
namespace {

using test::AddressForm;
using test::Line;
using test::TableLayout;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<std::byte> tables(const std::vector<Line>& lines, TableLayout layout, AddressForm form, ByteOrder order) {
    return test::TableWriter(lines, layout, form, order).write();
}

void expect_same(const SymbolTable& table, const std::vector<Line>& lines) {
    ASSERT_EQ(table.symbols().size(), lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        ASSERT_EQ(table.symbols()[i].address, lines[i].address) << i;
        ASSERT_EQ(table.symbols()[i].type, lines[i].type) << i;
        ASSERT_EQ(table.symbols()[i].name, lines[i].name) << i;
    }
}

struct Variant {
    TableLayout layout;
    AddressForm form;
    ByteOrder order;
};

class KallsymsVariant : public ::testing::TestWithParam<Variant> {};

TEST_P(KallsymsVariant, ReadsWhatTheKernelBuildWrites) {
    const auto [layout, form, order] = GetParam();
    for (const std::size_t count : {5U, 255U, 256U, 257U, 1000U, 1001U, 2003U}) {
        const auto lines =
            test::example_lines(count, form == AddressForm::absolute_percpu || form == AddressForm::absolute);
        const auto image = test::image_with(tables(lines, layout, form, order), order);
        SCOPED_TRACE(count);
        expect_same(read_kallsyms(image), lines);
    }
}

// A position-independent kernel: the numbers at `places` of .rodata are zero, and .rela.dyn has them, as addends alone
// or as what is left beyond a symbol.
elf::Object relocatable(std::vector<std::byte> rodata, const std::vector<std::size_t>& places, bool with_symbol,
                        ByteOrder order) {
    const auto put = [order](std::vector<std::byte>& table, std::uint64_t value) {
        table.resize(table.size() + 8);
        store<std::uint64_t>(std::span(table).last(8), value, order);
    };
    const std::uint64_t symbol_value = with_symbol ? test::text_address - 5 : 0;
    std::vector<std::byte> symbols(24);
    for (const std::uint64_t word : {std::uint64_t{0}, symbol_value, std::uint64_t{0}}) put(symbols, word);
    std::vector<std::byte> relocations;
    for (const std::size_t place : places) {
        const auto field = std::span(rodata).subspan(place, 8);
        put(relocations, test::rodata_address + place);
        put(relocations, with_symbol ? std::uint64_t{1} << 32 | 22 : 12);
        put(relocations, load<std::uint64_t>(field, order) - symbol_value);
        std::ranges::fill(field, std::byte{0});
    }
    elf::Object image = test::image_with(std::move(rodata), order);
    elf::Section& dynsym = image.add_section(".dynsym", SHT_DYNSYM, SHF_ALLOC, 8);
    dynsym.set_content(std::move(symbols));
    elf::Section& rela = image.add_section(".rela.dyn", SHT_RELA, SHF_ALLOC, 8);
    rela.set_content(std::move(relocations));
    rela.link = &dynsym;
    return image;
}

// The places of 8 bytes that hold `value`.
std::vector<std::size_t> places_of(std::uint64_t value, const std::vector<std::byte>& bytes, ByteOrder order) {
    std::vector<std::size_t> places;
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8)
        if (load<std::uint64_t>(std::span(bytes).subspan(at, 8), order) == value) places.push_back(at);
    return places;
}

TEST(Kallsyms, PointersOfARelocatableKernelAreInItsRelocations) {
    for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
        const auto lines = test::example_lines(300, false);
        for (const auto layout : {TableLayout::old, TableLayout::late}) {
            const auto bytes = tables(lines, layout, AddressForm::base_relative, order);
            const auto places = places_of(test::text_address, bytes, order);
            ASSERT_EQ(places.size(), 1U);
            for (const bool with_symbol : {false, true})
                expect_same(read_kallsyms(relocatable(bytes, places, with_symbol, order)), lines);
        }
    }
}

std::vector<Variant> variants() {
    std::vector<Variant> all;
    for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
        for (const auto layout : {TableLayout::early, TableLayout::old, TableLayout::with_seqs, TableLayout::late}) {
            for (const auto form : {AddressForm::base_relative, AddressForm::absolute_percpu, AddressForm::absolute})
                all.push_back({layout, form, order});
        }
        all.push_back({TableLayout::latest, AddressForm::base_relative, order});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(All, KallsymsVariant, ::testing::ValuesIn(variants()));

TEST(Kallsyms, ImageWithoutTablesIsRefused) {
    const auto image = test::image_with(std::vector<std::byte>(4096, std::byte{0x11}), ByteOrder::little);
    EXPECT_THAT([&] { (void)read_kallsyms(image); }, ThrowsMessage<Error>(HasSubstr("no kallsyms tables")));
}

TEST(Kallsyms, TruncatedTablesAreRefused) {
    const auto lines = test::example_lines(700, true);
    const auto whole = tables(lines, TableLayout::late, AddressForm::absolute_percpu, ByteOrder::little);
    for (std::size_t size = 0; size + 700 * 3 + 80 < whole.size(); size += 97) {
        const auto image =
            test::image_with({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}, ByteOrder::little);
        EXPECT_THROW((void)read_kallsyms(image), Error) << size;
    }
}

// Markers and lengths of names say the same thing twice: neither can be wrong unnoticed.
TEST(Kallsyms, MarkersAndLengthsThatDisagreeAreRefused) {
    test::TableWriter writer(test::example_lines(1000, false), TableLayout::old, AddressForm::base_relative,
                             ByteOrder::little);
    const auto whole = writer.write();
    for (const std::size_t at : {writer.markers_at, writer.markers_at + 4, writer.markers_at + 12, writer.names_at}) {
        auto damaged = whole;
        damaged[at] ^= std::byte{1};
        const auto image = test::image_with(std::move(damaged), ByteOrder::little);
        EXPECT_THAT([&] { (void)read_kallsyms(image); },
                    ThrowsMessage<Error>(HasSubstr("no names that fit the token table")))
            << at;
    }
}

TEST(Kallsyms, AddressesThatDoNotAscendAreRefused) {
    auto lines = test::example_lines(1000, false);
    std::swap(lines[500].address, lines[600].address);
    const auto image = test::image_with(tables(lines, TableLayout::late, AddressForm::base_relative, ByteOrder::little),
                                        ByteOrder::little);
    EXPECT_THAT([&] { (void)read_kallsyms(image); }, ThrowsMessage<Error>(HasSubstr("no ascending addresses")));
}

TEST(Kallsyms, TextOutsideCodeIsRefused) {
    auto lines = test::example_lines(1000, false);
    for (Line& line : lines) line.address += 0x40000000;
    const auto image =
        test::image_with(tables(lines, TableLayout::old, AddressForm::absolute, ByteOrder::little), ByteOrder::little);
    EXPECT_THAT([&] { (void)read_kallsyms(image); }, ThrowsMessage<Error>(HasSubstr("_stext in a code section")));
}

// .data of 7.x kernels has code in it, so that nm calls all of it code.
TEST(Kallsyms, DataIsNoCodeWhateverItsLetter) {
    const auto lines = test::example_lines(1000, false);
    auto image =
        test::image_with(tables(lines, TableLayout::old, AddressForm::absolute, ByteOrder::little), ByteOrder::little);
    const auto is_code = [&] {
        const SymbolTable table = read_kallsyms(image);
        const auto found = std::ranges::find(table.symbols(), lines.back().address, &KernelSymbol::address);
        EXPECT_NE(found, table.symbols().end());
        return KernelSymbol{.type = 't', .in_data = found->in_data}.is_code();
    };
    ASSERT_TRUE(is_code());
    elf::Section& data = image.add_section(".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR, 1);
    data.address = lines.back().address;
    data.set_content({std::byte{0}});
    EXPECT_FALSE(is_code());
    data.name = ".init.text";  // of ppc64le, where it is writable
    EXPECT_TRUE(is_code());
}

TEST(Kallsyms, EmptyNameIsRefused) {
    auto lines = test::example_lines(1000, false);
    lines[71].name = std::string(1, '\x1b');  // has no token of its own: the name is empty
    const auto image =
        test::image_with(tables(lines, TableLayout::old, AddressForm::absolute, ByteOrder::little), ByteOrder::little);
    EXPECT_THAT([&] { (void)read_kallsyms(image); }, ThrowsMessage<Error>(HasSubstr("name 71 of 1000")));
}

// Whatever a byte says, there is a table or an Error.
TEST(Kallsyms, RandomDamageIsSurvived) {
    std::mt19937 random(7);
    for (const auto layout : {TableLayout::with_seqs, TableLayout::late, TableLayout::latest}) {
        const auto whole = tables(test::example_lines(600, false), layout, AddressForm::base_relative, ByteOrder::big);
        for (int round = 0; round < 300; ++round) {
            auto damaged = whole;
            for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = std::byte(random() & 0xff);
            const auto image = test::image_with(std::move(damaged), ByteOrder::big);
            try {
                EXPECT_LE(read_kallsyms(image).symbols().size(), 600U);
            } catch (const Error&) {
            }
        }
    }
}

}  // namespace
}  // namespace klp::kernel
