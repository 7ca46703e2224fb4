// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/struct_layout.hpp"

#include <gmock/gmock.h>

#include <set>

#include "base/file.hpp"
#include "base/process.hpp"

namespace klp::kernel {
namespace {

elf::Object compile(const std::string& source, const fs::path& folder) {
    Command command;
    command.argv = {"cc", "-x", "c", "-c", "-o", (folder / "probe.o").string(), "-"};
    command.input = source;
    run_checked(command, "compiling the probe");
    return elf::Object::read(folder / "probe.o");
}

TEST(Probe, GivesTheValuesOfExpressions) {
    const TempDir folder;
    const elf::Object object = compile(
        probe_source({"stddef.h", "sys/types.h"}, {"sizeof(int)", "12", "offsetof(struct { char a; long b; }, b)"}),
        folder.path());
    EXPECT_THAT(read_probe(object, 3), testing::ElementsAre(4, 12, 8));
}

TEST(Probe, RefusesAnotherNumberOfValues) {
    const TempDir folder;
    const elf::Object object = compile(probe_source({}, {"1", "2"}), folder.path());
    EXPECT_THROW((void)read_probe(object, 3), Error);
    EXPECT_THROW((void)read_probe(compile("int x;", folder.path()), 1), Error);
}

TEST(StructLayout, NamesEachFieldOnce) {
    std::set<std::string_view> names, expressions;
    for (const LayoutField& field : layout_fields()) {
        names.insert(field.name);
        expressions.insert(field.expression);
    }
    EXPECT_EQ(names.size(), layout_fields().size());
    EXPECT_EQ(expressions.size(), layout_fields().size());
}

}  // namespace
}  // namespace klp::kernel
