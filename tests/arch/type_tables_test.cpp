// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <bit>
#include <set>

#include "arch/registry.hpp"

namespace klp::arch::type_tables_test {
namespace {

struct Names {
    std::string_view arch;
    std::string_view prefix;
    std::size_t fewest;
};

class TypeTables : public testing::TestWithParam<Names> {};

TEST_P(TypeTables, AreConsistent) {
    const Arch& arch = for_name(GetParam().arch);
    std::set<std::string_view> names;
    for (std::uint32_t type = 0; type < 2000; ++type) {
        const auto info = arch.relocation_info(type);
        if (!info) continue;
        names.insert(info->name);
        EXPECT_TRUE(info->name.starts_with(GetParam().prefix)) << info->name;
        EXPECT_EQ(info->size == 0, info->formula == Formula::none) << info->name;
        EXPECT_TRUE(info->size == 0 || std::has_single_bit(info->size)) << info->name;
        const bool fits = info->size == 8 || info->bits >> (8 * info->size) == 0;
        const bool is_relative = info->formula == Formula::pc_relative;
        EXPECT_TRUE(fits) << info->name;
        EXPECT_TRUE(is_relative || !info->is_call) << info->name;
        EXPECT_TRUE(info->is_signed || !is_relative) << info->name;
    }
    EXPECT_GE(names.size(), GetParam().fewest);
    const auto absolute = *arch.relocation_info(arch.absolute64_type());
    EXPECT_EQ(absolute.formula, Formula::absolute);
    EXPECT_EQ(absolute.size, 8);
}

INSTANTIATE_TEST_SUITE_P(All, TypeTables,
                         testing::Values(Names{"x86_64", "R_X86_64_", 15}, Names{"ppc64le", "R_PPC64_", 60},
                                         Names{"s390x", "R_390_", 40}, Names{"arm64", "R_AARCH64_", 40}),
                         [](const auto& each) { return std::string(each.param.arch); });

}  // namespace
}  // namespace klp::arch::type_tables_test
