// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/klp_names.hpp"

#include <gtest/gtest.h>

namespace klp::loader {
namespace {

std::string scanned(std::string_view name) {
    const auto found = scan_symbol_name(name);
    return found ? found->object + " " + found->symbol + " " + std::to_string(found->sympos) : "-";
}

TEST(SymbolName, IsScannedAsTheKernelDoes) {
    EXPECT_EQ(scanned(".klp.sym.vmlinux.show,0"), "vmlinux show 0");
    EXPECT_EQ(scanned(".klp.sym.ext4.stop.isra.0,12"), "ext4 stop.isra.0 12");
    EXPECT_EQ(scanned(".klp.sym.m.f, 3rest"), "m f 3");
    EXPECT_EQ(scanned(".klp.sym.m.f,1,2"), "m f 1");
    EXPECT_EQ(scanned(".klp.sym.m.f"), "-");
    EXPECT_EQ(scanned(".klp.sym.m.f,"), "-");
    EXPECT_EQ(scanned(".klp.sym.m.f,-1"), "-");
    EXPECT_EQ(scanned(".klp.sym.m.,1"), "-");
    EXPECT_EQ(scanned(".klp.sym..f,1"), "-");
    EXPECT_EQ(scanned("klp.sym.m.f,1"), "-");
    EXPECT_EQ(scanned(".klp.sym." + std::string(55, 'm') + ".f,1"), std::string(55, 'm') + " f 1");
    EXPECT_EQ(scanned(".klp.sym." + std::string(56, 'm') + ".f,1"), "-");
    EXPECT_EQ(scanned(".klp.sym.m." + std::string(511, 'f') + ",1"), "m " + std::string(511, 'f') + " 1");
    EXPECT_EQ(scanned(".klp.sym.m." + std::string(512, 'f') + ",1"), "-");
}

TEST(SectionName, HasAnObject) {
    EXPECT_EQ(scan_section_object(".klp.rela.vmlinux..text"), "vmlinux");
    EXPECT_EQ(scan_section_object(".klp.rela.vmlinux"), "vmlinux");
    EXPECT_EQ(scan_section_object(".klp.rela." + std::string(60, 'm') + ".text"), std::string(55, 'm'));
    EXPECT_EQ(scan_section_object(".klp.rela..text"), std::nullopt);
    EXPECT_EQ(scan_section_object(".klp.rel.m.text"), std::nullopt);
}

}  // namespace
}  // namespace klp::loader
