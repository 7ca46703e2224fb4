// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "arch/registry.hpp"

namespace klp::arch::x86_64_relocations_test {
namespace {

const Arch& x86() {
    return for_name("x86_64");
}

TEST(Architectures, AreFoundByMachineAndByName) {
    EXPECT_EQ(&for_machine(EM_X86_64, {}), &x86());
    EXPECT_EQ(x86().name(), "x86_64");
    EXPECT_EQ(x86().debian_name(), "amd64");
    EXPECT_EQ(x86().absolute64_type(), static_cast<std::uint32_t>(R_X86_64_64));
}

TEST(Architectures, OthersAreRefusedByName) {
    EXPECT_THROW(static_cast<void>(for_name("vax")), Error);
    try {
        static_cast<void>(for_machine(EM_VAX, {"foo.o", {}, {}}));
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(),
                     "foo.o: unsupported architecture: ELF machine 75 (supported: x86_64, ppc64le, s390x, arm64)");
    }
}

struct TypeCase {
    std::uint32_t type;
    std::string_view name;
    std::uint8_t size;
    Formula formula;
    bool is_signed;
    bool is_call;
};

class RelocationTypes : public testing::TestWithParam<TypeCase> {};

TEST_P(RelocationTypes, HaveTheMeaningOfThePsabi) {
    const TypeCase& expected = GetParam();
    const auto info = x86().relocation_info(expected.type);
    ASSERT_TRUE(info.has_value());
    EXPECT_EQ(info->name, expected.name);
    EXPECT_EQ(info->size, expected.size);
    EXPECT_EQ(info->formula, expected.formula);
    EXPECT_EQ(info->is_signed, expected.is_signed);
    EXPECT_EQ(info->is_call, expected.is_call);
}

INSTANTIATE_TEST_SUITE_P(
    X86_64, RelocationTypes,
    testing::Values(TypeCase{R_X86_64_NONE, "R_X86_64_NONE", 0, Formula::none, false, false},
                    TypeCase{R_X86_64_64, "R_X86_64_64", 8, Formula::absolute, false, false},
                    TypeCase{R_X86_64_32, "R_X86_64_32", 4, Formula::absolute, false, false},
                    TypeCase{R_X86_64_32S, "R_X86_64_32S", 4, Formula::absolute, true, false},
                    TypeCase{R_X86_64_16, "R_X86_64_16", 2, Formula::absolute, false, false},
                    TypeCase{R_X86_64_8, "R_X86_64_8", 1, Formula::absolute, true, false},
                    TypeCase{R_X86_64_PC64, "R_X86_64_PC64", 8, Formula::pc_relative, true, false},
                    TypeCase{R_X86_64_PC32, "R_X86_64_PC32", 4, Formula::pc_relative, true, false},
                    TypeCase{R_X86_64_PC16, "R_X86_64_PC16", 2, Formula::pc_relative, true, false},
                    TypeCase{R_X86_64_PC8, "R_X86_64_PC8", 1, Formula::pc_relative, true, false},
                    TypeCase{R_X86_64_PLT32, "R_X86_64_PLT32", 4, Formula::pc_relative, true, true},
                    TypeCase{R_X86_64_GOT32, "R_X86_64_GOT32", 4, Formula::other, true, false},
                    TypeCase{R_X86_64_GOTPCREL, "R_X86_64_GOTPCREL", 4, Formula::other, true, false},
                    TypeCase{R_X86_64_GOTPCRELX, "R_X86_64_GOTPCRELX", 4, Formula::other, true, false},
                    TypeCase{R_X86_64_REX_GOTPCRELX, "R_X86_64_REX_GOTPCRELX", 4, Formula::other, true, false},
                    TypeCase{R_X86_64_GOTPC32, "R_X86_64_GOTPC32", 4, Formula::other, true, false},
                    TypeCase{R_X86_64_GOTOFF64, "R_X86_64_GOTOFF64", 8, Formula::other, true, false},
                    TypeCase{R_X86_64_TPOFF32, "R_X86_64_TPOFF32", 4, Formula::other, true, false},
                    TypeCase{R_X86_64_SIZE32, "R_X86_64_SIZE32", 4, Formula::other, false, false},
                    TypeCase{R_X86_64_SIZE64, "R_X86_64_SIZE64", 8, Formula::other, false, false}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(RelocationType, OfUserSpaceIsUnknown) {
    EXPECT_FALSE(x86().relocation_info(R_X86_64_COPY).has_value());
    EXPECT_FALSE(x86().relocation_info(999).has_value());
}

// The psABI formula applied, then read back: for each type, symbol and addend the target must be the symbol.
std::uint64_t apply(const RelocationInfo& info, std::uint64_t symbol, std::int64_t addend, std::uint64_t place) {
    const std::uint64_t base = info.formula == Formula::pc_relative ? place : 0;
    return symbol + static_cast<std::uint64_t>(addend) - base;
}

std::optional<std::uint64_t> read_back(std::uint32_t type, std::uint64_t field, std::uint64_t place,
                                       std::int64_t addend) {
    std::array<std::byte, 8> bytes{};
    store<std::uint64_t>(bytes, field, ByteOrder::little);
    const auto info = *x86().relocation_info(type);
    return x86().target_of_field(info, Bytes(bytes).first(info.size), place, addend);
}

struct TargetCase {
    std::uint32_t type;
    std::uint64_t symbol;
    std::int64_t addend;
    std::uint64_t place;
};

class Targets : public testing::TestWithParam<TargetCase> {};

TEST_P(Targets, AreReadBackFromTheField) {
    const auto& [type, symbol, addend, place] = GetParam();
    const auto info = *x86().relocation_info(type);
    EXPECT_EQ(read_back(type, apply(info, symbol, addend, place), place, addend), symbol);
}

constexpr std::uint64_t text = 0xffffffff81000000;
constexpr std::uint64_t modules = 0xffffffffc0000000;

INSTANTIATE_TEST_SUITE_P(
    X86_64, Targets,
    testing::Values(TargetCase{R_X86_64_64, text + 0x1234, 0x10, 0}, TargetCase{R_X86_64_64, 0x1000, -0x2000, 0},
                    TargetCase{R_X86_64_32, 0x7fff0000, 0xfff, 0}, TargetCase{R_X86_64_32, 0x10, -0x10, 0},
                    TargetCase{R_X86_64_32S, text, -8, 0}, TargetCase{R_X86_64_32S, 0xffffffff80000000, 0, 0},
                    TargetCase{R_X86_64_32S, 0x1000, 0x7ffff000 - 0x1000, 0},
                    TargetCase{R_X86_64_16, 0x1000, 0xefff, 0}, TargetCase{R_X86_64_8, 0x10, -0x80, 0},
                    TargetCase{R_X86_64_PC32, text, -4, modules}, TargetCase{R_X86_64_PC32, modules, -4, text},
                    TargetCase{R_X86_64_PLT32, text + 0x7fffffff, 0, text},
                    TargetCase{R_X86_64_PLT32, text, 0, text + 0x80000000 - 0x1000000},
                    TargetCase{R_X86_64_PC64, 0x10, 0x20, text}, TargetCase{R_X86_64_PC16, text, -2, text + 0x7000},
                    TargetCase{R_X86_64_PC8, text, -1, text + 0x7f}));

TEST(Target, WrapsAtTheEndOfTheAddressSpace) {
    EXPECT_EQ(read_back(R_X86_64_PC32, 0x20, 0xfffffffffffffff0, 0), 0x10U);
    EXPECT_EQ(read_back(R_X86_64_64, 0, 0, 1), std::numeric_limits<std::uint64_t>::max());
}

TEST(Target, OfAZeroExtendedFieldIsPositive) {
    EXPECT_EQ(read_back(R_X86_64_32, 0xffffffff, 0, 0), 0xffffffffU);
    EXPECT_EQ(read_back(R_X86_64_32S, 0xffffffff, 0, 0), 0xffffffffffffffffU);
    EXPECT_EQ(read_back(R_X86_64_16, 0x8000, 0, 0), 0x8000U);
}

TEST(Target, OfTheInstructionComesFromTheBias) {
    // call text, at modules: field modules + 1, which holds text - (field + 4)
    const std::uint64_t place = modules + 1;
    EXPECT_EQ(read_back(R_X86_64_PLT32, text - (place + 4), place, -4), text);
}

TEST(Target, CannotBeReadFromOtherFieldsOrFromTooFewBytes) {
    EXPECT_EQ(read_back(R_X86_64_GOTPCREL, 0, 0, 0), std::nullopt);
    EXPECT_EQ(read_back(R_X86_64_NONE, 0, 0, 0), std::nullopt);
    const std::array<std::byte, 3> bytes{};
    EXPECT_EQ(x86().target_of_field(*x86().relocation_info(R_X86_64_PC32), bytes, 0, 0), std::nullopt);
}

}  // namespace
}  // namespace klp::arch::x86_64_relocations_test
