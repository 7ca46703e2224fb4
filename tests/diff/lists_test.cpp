// SPDX-License-Identifier: GPL-2.0-or-later
// Lists of BTF ids: names with counters in them, of which the order is the content.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_asm;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

// include/linux/btf_ids.h: BTF_ID(), with what __COUNTER__ and __LINE__ give; flags follow where they are not zero.
std::string id(const std::string& name, int number, int flags = 0) {
    const std::string symbol = "__BTF_ID__" + name + "__" + std::to_string(number);
    return ".local " + symbol + "\n.type " + symbol + ",STT_OBJECT\n.size " + symbol + ",4\n" + symbol + ": .zero 4\n" +
           (flags == 0 ? "" : ".long " + std::to_string(flags) + "\n");
}

std::string list(const std::string& name, const std::string& ids) {
    return ".section .BTF_ids,\"a\"\n.local " + name + "\n" + name + ":\n" + ids;
}

// Uses the second id of `list`.
std::string user(const std::string& body, const std::string& name = "list") {
    return ".section .text.f,\"ax\"\n.globl f\n.type f,@function\nf:\n1: call __fentry__\n"
           ".pushsection __mcount_loc,\"a\"\n.quad 1b\n.popsection\n" +
           body + "\nmov " + name + "+4(%rip), %eax\nret\n.size f,.-f\n";
}

TEST(Lists, OfBtfIdsStayWhereCountersMove) {
    const auto ids = [](int first) {
        return list("first", id("struct__file", first)) +
               list("list",
                    id("struct__file", first + 1) + id("struct__sock", first + 2, 3) + id("func__f2", first + 3));
    };
    EXPECT_THAT(compare_asm(user("nop") + ids(100), user("nop") + ids(110)).verdict(), IsEmpty());
    // the number that one had is another's now
    const auto compared = compare_asm(user("nop") + ids(100), user("int3") + ids(101));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.references(), ElementsAre("__BTF_ID__struct__sock__102", "__fentry__"));
    EXPECT_THAT(compared.relocations(".text.f"), Contains("__BTF_ID__struct__sock__102-4"));
    EXPECT_THAT(compared.diagnostics.findings(), IsEmpty());
}

TEST(Lists, OfBtfIdsThatChangeAreRefused) {
    const auto refused = AllOf(Not(IsEmpty()), Each("refused diff.table"));
    const auto compare = [](const std::string& before, const std::string& after) {
        return compare_asm(user("nop") + list("list", before), user("int3") + list("list", after)).verdict();
    };
    const std::string a = id("struct__a", 10), b = id("struct__b", 11), c = id("struct__c", 12);
    EXPECT_THAT(compare(a + b, b + a), refused);
    EXPECT_THAT(compare(a + b, id("struct__b", 10) + id("struct__a", 11)), refused);
    EXPECT_THAT(compare(a + b + c, a + c + b), refused);
    EXPECT_THAT(compare(a + b, a + b + c), refused);
    EXPECT_THAT(compare(a + b, a + c + b), refused);
    EXPECT_THAT(compare(a + b + c, a + c), refused);
    EXPECT_THAT(compare(a + b + c, a + b), refused);
    EXPECT_THAT(compare(a + id("struct__b", 11, 1), a + id("struct__b", 11, 2)), refused);
    EXPECT_THAT(compare(a + id("struct__b", 11, 1), a + b), refused);
    EXPECT_THAT(compare(a + b, a + id("struct__b", 11, 1)), refused);
    // of another list
    EXPECT_THAT(compare_asm(user("nop") + list("list", a + b) + list("other", c),
                            user("nop") + list("list", a) + list("other", c + b))
                    .verdict(),
                refused);
}

}  // namespace
}  // namespace klp::diff
