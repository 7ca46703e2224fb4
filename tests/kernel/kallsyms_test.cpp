// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "kallsyms_image.hpp"
#include "kernel/kallsyms.hpp"

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
