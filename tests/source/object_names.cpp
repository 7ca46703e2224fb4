// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/object_names.hpp"

#include <gmock/gmock.h>

#include "scratch_tree.hpp"

namespace klp::source {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ObjectNames, OwnFolder) {
    EXPECT_EQ(object_of("fs/proc/meminfo.c"), "fs/proc/meminfo.o");
}

TEST(ObjectNames, OtherArchitectures) {
    EXPECT_TRUE(is_of_other_arch("arch/arm64/kernel/process.c", "x86"));
    EXPECT_TRUE(is_of_other_arch("arch/x86_64/x.c", "x86"));
    EXPECT_FALSE(is_of_other_arch("arch/x86/kernel/process.c", "x86"));
    EXPECT_FALSE(is_of_other_arch("fs/arch/x.c", "x86"));
}

TEST(ObjectNames, MakefilesThatReachBesideTheirFolder) {
    const ScratchTree tree;
    tree.add("drivers/amd/amdgpu/Makefile", "DAL = ../display\namdgpu-y += $(DAL)/dc/dc.o\n");
    tree.add("drivers/amd/other/Makefile", "obj-y += display.o\n");
    tree.add("drivers/amd/display/Makefile", "\n");
    tree.add("drivers/amd/display/dc/dc.c", "\n");
    EXPECT_THAT(objects_by_other_folders(tree.root(), "drivers/amd/display/dc/dc.c", "x86"),
                ElementsAre("drivers/amd/amdgpu/../display/dc/dc.o"));
    EXPECT_THAT(objects_by_other_folders(tree.root(), "drivers/amd/amdgpu/x.c", "x86"), IsEmpty());
}

TEST(ObjectNames, CommonCodeOfKvm) {
    EXPECT_THAT(objects_by_other_folders("/", "virt/kvm/kvm_main.c", "x86"),
                ElementsAre("arch/x86/kvm/../../../virt/kvm/kvm_main.o"));
}

}  // namespace
}  // namespace klp::source
