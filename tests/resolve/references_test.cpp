// SPDX-License-Identifier: GPL-2.0-or-later
// Where needed symbols are had from: exports, livepatch symbols of vmlinux and of modules, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "resolve/tiny_kernel.hpp"

namespace klp::resolve::test {
namespace {

using testing::HasSubstr;

const std::string other_unit = R"(
    .globl shared, exported, twice
    func shared
    ret
    end shared
    func exported
    ret
    end exported
    func twice
    ret
    end twice
)";

// Has a static function of the name of an export, and one of the name of a global function.
const std::string own_unit = R"(
    func main
    call shared
    ret
    end main
    variable exported
    .quad 0
    end exported
    func twice
    nop
    ret
    end twice
)";

class References : public testing::Test {
protected:
    References() : tiny({other_unit, own_unit}, "exported vmlinux\nfrom_dep dep\n") {
        tiny.add_module("dep", {".globl from_dep, __ksymtab_from_dep\nfunc from_dep\n ret\n end from_dep\n"});
        tiny.add_module("user", {module_unit("one"), module_unit("two")}, "dep");
        tiny.add_module("loner", {module_unit("one")});
    }

    static std::string module_unit(const std::string& main) {
        return "variable state\n .quad 0\n end state\nfunc helper\n mov state(%rip), %rax\n ret\n nop\n end "
               "helper\nfunc " +
               main + "\n call helper\n call exported\n mov $.Ltext, %rdi\n ret\n end " + main + "\nstring text, \"" +
               main + "\"\n";
    }

    Resolution resolve(const std::string& object, const elf::Object& original, const std::string& name) {
        const auto kernel = tiny.kernel();
        const Unit unit(kernel, object, diff::Decomposition(original));
        return unit.resolve(reference_to(original, name), diagnostics).at(0);
    }

    std::string finding() const { return diagnostics.findings().empty() ? "" : diagnostics.findings().front().id; }

    TinyKernel tiny;
    Diagnostics diagnostics;
};

TEST_F(References, ExportsOfVmlinuxStayOrdinary) {
    const auto found = resolve("vmlinux", recompiled(other_unit), "exported");
    EXPECT_EQ(found.kind, Resolution::Kind::exported);
    EXPECT_EQ(found.how, "export");
    EXPECT_EQ(resolve("user", recompiled(module_unit("one")), "exported").kind, Resolution::Kind::exported);
}

TEST_F(References, StaticOfTheNameOfAnExportIsALivepatchSymbol) {
    const auto found = resolve("vmlinux", recompiled(own_unit), "exported");
    EXPECT_EQ(found.kind, Resolution::Kind::livepatch);
    EXPECT_EQ(found.sympos, 2U);
}

TEST_F(References, UniqueNameHasPositionZero) {
    const auto found = resolve("vmlinux", recompiled(own_unit), "shared");
    EXPECT_EQ(found.kind, Resolution::Kind::livepatch);
    EXPECT_EQ(found.object, "vmlinux");
    EXPECT_EQ(found.sympos, 0U);
}

TEST_F(References, OfOtherFilesMeanTheGlobalOne) {
    const auto found = resolve("vmlinux", recompiled("func new\n call twice\n ret\n end new\n"), "twice");
    EXPECT_EQ(found.sympos, 1U);
    EXPECT_FALSE(diagnostics.has_errors());
}

TEST_F(References, NewInAnotherPatchedFileComesBeforeWhatTheKernelHas) {
    const auto original = recompiled("func new\n ret\n end new\n");
    const auto kernel = tiny.kernel();
    const Unit unit(kernel, "user", diff::Decomposition(original));
    for (const char* name : {"helper", "fresh"}) {
        const auto found = unit.resolve(reference_to(original, name), diagnostics, {{"user", {name}}}).at(0);
        EXPECT_EQ(found.kind, Resolution::Kind::internal);
        EXPECT_EQ(found.object, "user");
        EXPECT_EQ(found.name, name);
    }
    EXPECT_FALSE(diagnostics.has_errors());
}

TEST_F(References, NewInAnotherObjectIsForModulesThatAreSureToFindIt) {
    const auto original = recompiled("func new\n ret\n end new\n");
    const auto kernel = tiny.kernel();
    const auto found_in = [&](const char* object, const char* name, const NamesByObject& brought) {
        Diagnostics found;
        const auto resolution = Unit(kernel, object, diff::Decomposition(original))
                                    .resolve(reference_to(original, name), found, brought)
                                    .at(0);
        if (found.has_errors() && std::string_view(name) == "fresh") {
            EXPECT_THAT(found.findings().front().notes, testing::ElementsAre(testing::HasSubstr("it is new in dep")));
        }
        return resolution.kind == Resolution::Kind::internal && !found.has_errors() ? resolution.object : "none";
    };
    const NamesByObject everywhere = {{"vmlinux", {"fresh"}}, {"dep", {"fresh"}}, {"user", {"fresh"}}};
    EXPECT_EQ(found_in("user", "fresh", everywhere), "user");
    EXPECT_EQ(found_in("loner", "fresh", everywhere), "vmlinux");
    EXPECT_EQ(found_in("vmlinux", "fresh", everywhere), "vmlinux");
    EXPECT_EQ(found_in("user", "fresh", {{"dep", {"fresh"}}}), "dep");
    EXPECT_EQ(found_in("loner", "fresh", {{"dep", {"fresh"}}}), "none");
    EXPECT_EQ(found_in("vmlinux", "fresh", {{"dep", {"fresh"}}}), "none");
    EXPECT_EQ(found_in("user", "exported", {{"dep", {"exported"}}}), "none");
    EXPECT_EQ(found_in("dep", "from_dep", {{"vmlinux", {"from_dep"}}}), "none");
}

TEST_F(References, NewOnesMustNotHaveTheNameOfAGlobal) {
    const auto kernel = tiny.kernel();
    const auto original = recompiled("func f\n ret\n end f\n");
    const auto ids_of_new = [&](const std::string& object, const std::string& name) {
        diff::Result result{
            {}, {}, {}, recompiled(".globl " + name + "\nfunc " + name + "\n ret\n end " + name + "\n"), {}};
        Diagnostics found;
        Unit(kernel, object, diff::Decomposition(original)).check_new(result, found);
        return found.has_errors() ? found.findings().front().id : std::string();
    };
    EXPECT_EQ(ids_of_new("vmlinux", "shared"), "resolve.moved");
    EXPECT_EQ(ids_of_new("vmlinux", "main"), "");  // static there
    EXPECT_EQ(ids_of_new("vmlinux", "fresh"), "");
    EXPECT_EQ(ids_of_new("dep", "from_dep"), "resolve.moved");
    EXPECT_EQ(ids_of_new("user", "helper"), "");
}

// Neither is proven, nor does a proven function lead to it.
TEST_F(References, OfTheFileAreOfItsKindAndBinding) {
    const auto finding_of = [&](const std::string& unit, const std::string& name) {
        diagnostics = {};
        (void)resolve("vmlinux", recompiled(unit), name);
        return finding();
    };
    EXPECT_EQ(finding_of("func main\n nop\n end main\n", "main"), "");
    EXPECT_EQ(finding_of("variable main\n .quad 0\n end main\n", "main"), "resolve.unresolved");
    EXPECT_EQ(finding_of(".globl shared\nfunc shared\n nop\n end shared\n", "shared"), "");
    EXPECT_EQ(finding_of("func shared\n nop\n end shared\n", "shared"), "resolve.unresolved");
}

TEST_F(References, OfStaticDataNeedAListThatHasAll) {
    const auto original = recompiled("variable single\n .quad 1\n end single\n");
    const auto kind_with = [&](std::string_view config) -> std::optional<Resolution::Kind> {
        const TinyKernel other({other_unit, "variable single\n .quad 0\n end single\n"});
        other.set_config(config);
        const auto kernel = other.kernel();
        Diagnostics found;
        const Unit unit(kernel, "vmlinux", diff::Decomposition(original));
        const auto resolution = unit.resolve(reference_to(original, "single"), found).at(0);
        return found.has_errors() ? std::nullopt : std::optional(resolution.kind);
    };
    EXPECT_EQ(kind_with("CONFIG_KALLSYMS_ALL=y\n"), Resolution::Kind::livepatch);
    EXPECT_EQ(kind_with("CONFIG_KALLSYMS=y\n"), std::nullopt);
}

TEST_F(References, UnknownNamesAreReported) {
    (void)resolve("vmlinux", recompiled(own_unit), "nowhere");
    EXPECT_EQ(finding(), "resolve.unresolved");
}

TEST_F(References, VmlinuxCannotUseExportsOfModules) {
    (void)resolve("vmlinux", recompiled(own_unit), "from_dep");
    EXPECT_EQ(finding(), "resolve.module-export");
}

TEST_F(References, ModulesUseExportsOfWhatTheyDependOn) {
    const auto found = resolve("user", recompiled(module_unit("one")), "from_dep");
    EXPECT_EQ(found.object, "dep");
    EXPECT_EQ(found.sympos, 0U);
    EXPECT_FALSE(diagnostics.has_errors());
    (void)resolve("loner", recompiled(module_unit("one")), "from_dep");
    EXPECT_EQ(finding(), "resolve.module-export");
}

TEST_F(References, ModulesHaveWitnessesInTheirRelocations) {
    const auto original = recompiled(module_unit("two"));
    const auto state = resolve("user", original, "state");
    EXPECT_EQ(state.object, "user");
    EXPECT_EQ(state.sympos, 2U);
    EXPECT_EQ(resolve("user", original, "helper").sympos, 2U);
    EXPECT_FALSE(diagnostics.has_errors());
}

TEST_F(References, ModulesMayUseHiddenSymbolsOfVmlinux) {
    const auto found = resolve("user", recompiled(module_unit("one")), "shared");
    EXPECT_EQ(found.object, "vmlinux");
    EXPECT_EQ(found.kind, Resolution::Kind::livepatch);
}

TEST_F(References, ToInitCodeAreRefused) {
    tiny.add_module("starting", {module_unit("one") + R"(
        .section .init.text, "ax"
        .globl starter
        .type starter, @function
        starter: ret
        .size starter, . - starter
    )"});
    (void)resolve("starting", recompiled(module_unit("one") + "func f\n call starter\n end f\n"), "starter");
    EXPECT_EQ(finding(), "resolve.init");
}

TEST_F(References, ThisModuleIsThePatchedOne) {
    const auto found = resolve("user", recompiled(module_unit("one") + "func x\n mov $__this_module, %rdi\n end x\n"),
                               "__this_module");
    EXPECT_EQ(found.object, "user");
}

TEST_F(References, ModuleFunctionsAreProvenByNameStringAndImport) {
    const auto kernel = tiny.kernel();
    const auto prove = [&](const std::string& source, std::string_view name) {
        const auto original = recompiled(source);
        return proof(Unit(kernel, "user", diff::Decomposition(original)), original, name);
    };
    EXPECT_EQ(prove(module_unit("two"), "two").fidelity, Fidelity::identical)
        << prove(module_unit("two"), "two").detail;

    std::string other_import = module_unit("two");
    other_import.replace(other_import.find("call exported"), 13, "call imported");
    EXPECT_THAT(prove(other_import, "two").detail, HasSubstr("recompiled to 'imported', shipped to 'exported'"));

    std::string other_string = module_unit("two");
    other_string.replace(other_string.find("\"two\""), 5, "\"2nd\"");
    EXPECT_THAT(prove(other_string, "two").detail, HasSubstr("shipped to \"two\""));

    std::string shorter = module_unit("two");
    shorter.erase(shorter.find(" nop"), 4);
    EXPECT_THAT(prove(shorter, "helper").detail, HasSubstr("recompiled 8 bytes, shipped 9"));
}

}  // namespace
}  // namespace klp::resolve::test
