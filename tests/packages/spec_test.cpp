// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packages/spec_macros.hpp"

namespace klp::packages {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

SpecFacts facts() {
    return {.name = "kernel",
            .version = "6.8.5",
            .release = "301.fc40",
            .arch = "x86_64",
            .files = {"a.patch", "b.patch", "c.patch", "kernel.spec", "linux-6.8.5.tar.xz", "patch-6.8-redhat.patch",
                      "Makefile.rhelver"}};
}

std::vector<std::string> applied(const std::string& text) {
    std::vector<std::string> patches;
    for (const SpecPatch& patch : read_spec(text, facts(), {"kernel.spec", "", {}}).patches)
        patches.push_back((patch.reverse ? "-R " : "") + std::to_string(patch.strip) + " " + patch.file);
    return patches;
}

const std::string declared =
    "%define fileversion 6.8.5\n"
    "Source0: https://example.org/pub/linux-%{fileversion}.tar.xz\n"
    "Source1: Makefile.rhelver\n"
    "Patch1: patch-%{patchversion}-redhat.patch\n"
    "Patch20: b.patch\n"
    "Patch3: https://example.org/x/?id=1#/a.patch\n"
    "Patch30: not-there.patch\n"
    "%prep\n";
const std::string start = declared + "%setup -q -n kernel-%{fileversion} -c\n";

TEST(Spec, TakesTheTarballAndTheFilesBesideIt) {
    const SpecPlan plan = read_spec(start + "cp -a %{SOURCE1} .\ncp %{SOURCE1} configs/\nsed -i s/a/b/ x.c\n", facts(),
                                    {"kernel.spec", "", {}});
    EXPECT_EQ(plan.tarball, "linux-6.8.5.tar.xz");
    EXPECT_THAT(plan.copies, ElementsAre("Makefile.rhelver"));
    EXPECT_THAT(plan.edits, ElementsAre("sed -i s/a/b/ x.c"));
    EXPECT_THAT(plan.patches, IsEmpty());
}

TEST(Spec, AppliesAllByTheirNumbers) {
    EXPECT_THAT(applied(declared + "%autosetup -p1 -n linux-%{version}\n"),
                ElementsAre("1 patch-6.8-redhat.patch", "1 a.patch", "1 b.patch"));
    EXPECT_THAT(applied(declared + "%autosetup -n x\n"),
                ElementsAre("0 patch-6.8-redhat.patch", "0 a.patch", "0 b.patch"));
    EXPECT_THAT(applied(declared + "%autosetup -S git_am\n"),
                ElementsAre("1 patch-6.8-redhat.patch", "1 a.patch", "1 b.patch"));
    EXPECT_THAT(applied(declared + "%autosetup -N\n"), IsEmpty());
    EXPECT_THAT(applied(start + "%autopatch -p2 -m 3 -M 19\n"), ElementsAre("2 a.patch"));
    EXPECT_THAT(applied(start + "git am %{patches} </dev/null\n"),
                ElementsAre("1 patch-6.8-redhat.patch", "1 a.patch", "1 b.patch"));
}

TEST(Spec, AppliesThoseThatAreNamedInTheirOrder) {
    EXPECT_THAT(applied(start + "%patch20 -p1 -b .orig\n%patch -P 3 -p2\n%patch 1 -R -p1\n%patch -P1 -p1\n"),
                ElementsAre("1 b.patch", "2 a.patch", "-R 1 patch-6.8-redhat.patch", "1 patch-6.8-redhat.patch"));
    EXPECT_THAT(applied(start + "patch_command='patch -p1 -F1 -s'\nApplyPatch()\n{\n  patch -p1 < $1\n}\n"
                                "ApplyOptionalPatch patch-%{patchversion}-redhat.patch\nApplyPatch b.patch -p0 -R\n"),
                ElementsAre("1 patch-6.8-redhat.patch", "-R 0 b.patch"));
}

TEST(Spec, KnowsConditions) {
    EXPECT_THAT(applied("%define nopatches 0\n" + start +
                        "%if !%{nopatches}\nApplyPatch a.patch\n%else\nApplyPatch b.patch\n%endif\n"),
                ElementsAre("1 a.patch"));
    EXPECT_THAT(applied(start + "%if 0%{?fedora} >= 40 && !0%{?rhel}\nApplyPatch a.patch\n%endif\n"),
                ElementsAre("1 a.patch"));
    EXPECT_THAT(applied(start + "%ifarch s390x ppc64le\nApplyPatch a.patch\n%elifarch x86_64\nApplyPatch b.patch\n"
                                "%else\nApplyPatch c.patch\n%endif\n"),
                ElementsAre("1 b.patch"));
    EXPECT_THAT(applied(start + "%ifnarch x86_64\nApplyPatch a.patch\n%endif\n%if 0\n%if 1\nApplyPatch b.patch\n"
                                "%endif\n%endif\n"),
                IsEmpty());
    EXPECT_THAT(applied("%define with_vanilla %{?_with_vanilla: 1} %{?!_with_vanilla: 0}\n" + start +
                        "%if !%{with_vanilla}\nApplyPatch a.patch\n%endif\n"),
                ElementsAre("1 a.patch"));
    // What is in a branch that may or may not be taken does not matter where it patches nothing.
    EXPECT_THAT(applied(start + "%if %{something}\nrm -f x\n%endif\nApplyPatch a.patch\n"), ElementsAre("1 a.patch"));
}

TEST(Spec, RefusesWhatItDoesNotKnow) {
    const auto reading = [](const std::string& text) { return [text] { (void)applied(text); }; };
    EXPECT_THAT(
        reading(start + "%if %{something}\nApplyPatch a.patch\n%endif\n"),
        ThrowsMessage<Error>(HasSubstr("kernel.spec: line 11: 'ApplyPatch a.patch': whether it is done depends")));
    EXPECT_THAT(reading("%if %{something}\n%define choice 1\n%else\n%define choice 0\n%endif\n" + start +
                        "%if %{choice}\nApplyPatch a.patch\n%endif\n"),
                ThrowsMessage<Error>(HasSubstr("depends on a condition")));
    EXPECT_THAT(reading(start + "for i in %{patches}; do\npatch -p1 < $i\ndone\n"),
                ThrowsMessage<Error>(HasSubstr("how it patches the source is not understood")));
    EXPECT_THAT(reading(start + "git apply %{PATCH1}\n"), ThrowsMessage<Error>(HasSubstr("not understood")));
    EXPECT_THAT(reading(start + "ApplyPatch $i\n"), ThrowsMessage<Error>(HasSubstr("which patch it applies")));
    EXPECT_THAT(reading(start + "ApplyPatch none.patch\n"), ThrowsMessage<Error>(HasSubstr("no such file")));
    EXPECT_THAT(reading(start + "ApplyPatch %{letter}.patch\n"), ThrowsMessage<Error>(HasSubstr("several files")));
    EXPECT_THAT(reading(start + "%patch30 -p1\n"), ThrowsMessage<Error>(HasSubstr("has not the file of Patch30")));
    EXPECT_THAT(reading(start + "%patch4 -p1\n"), ThrowsMessage<Error>(HasSubstr("has not the file of Patch4")));
    EXPECT_THAT(reading(start + "%patch1 -p\n"), ThrowsMessage<Error>(HasSubstr("has no number")));
    EXPECT_THAT(reading(start + "%patch1 -Z\n"), ThrowsMessage<Error>(HasSubstr("-Z is not understood")));
    EXPECT_THAT(reading(start + "%setup -T -D -a 1\n"), ThrowsMessage<Error>(HasSubstr("several tarballs")));
    EXPECT_THAT(reading(declared + "%setup -a 1\n"), ThrowsMessage<Error>(HasSubstr("-a is not understood")));
    EXPECT_THAT(reading(declared + "tar xf %{SOURCE0}\n"), ThrowsMessage<Error>(HasSubstr("no %setup")));
    EXPECT_THAT(reading("Source0: none.tar\n%prep\n%setup\n"), ThrowsMessage<Error>(HasSubstr("names as Source0")));
    EXPECT_THAT(reading("%endif\n"), ThrowsMessage<Error>(HasSubstr("no %if before it")));
    EXPECT_THAT(reading(""), ThrowsMessage<Error>(HasSubstr("no %setup")));
}

TEST(SpecMacros, ExpandWhatIsKnown) {
    SpecMacros macros;
    macros.define("a", "1%{?b}");
    macros.define("b", "2");
    macros.undefine("c");
    macros.define("loop", "%{loop}");
    const std::string unknown{SpecMacros::unknown};
    EXPECT_EQ(macros.expand("%{a}-%b-%%x"), "12-2-%x");
    EXPECT_EQ(macros.expand("%{?c}%{!?c:no}%{?b:has %{b}}%{!?b:none}"), "nohas 2");
    EXPECT_EQ(macros.expand("%{d}|%{?d}|%(date)|%{lua: x}|%[1+1]"),
              unknown + "|" + unknown + "|" + unknown + "|" + unknown + "|" + unknown);
    EXPECT_EQ(macros.expand("%{loop}"), unknown);
    EXPECT_EQ(macros.expand("%{?_with_x:1}%{!?_without_x:0}"), "0");
    EXPECT_EQ(macros.expand("50% of %{a"), "50% of " + unknown);
}

TEST(SpecCondition, IsThreeValued) {
    const std::string unknown{SpecMacros::unknown};
    EXPECT_EQ(spec_condition("1 && !0"), true);
    EXPECT_EQ(spec_condition("040 >= 40 || 0"), true);
    EXPECT_EQ(spec_condition("(1 == 2) || \"a\" == \"b\""), false);
    EXPECT_EQ(spec_condition("\"a\" != \"b\""), true);
    EXPECT_EQ(spec_condition("0 && 0" + unknown), false);
    EXPECT_EQ(spec_condition("1 || " + unknown), true);
    EXPECT_EQ(spec_condition("1 && 0" + unknown), std::nullopt);
    EXPECT_EQ(spec_condition("\"" + unknown + "\" == \"a\""), std::nullopt);
    EXPECT_EQ(spec_condition("1 1"), std::nullopt);
    EXPECT_EQ(spec_condition(""), std::nullopt);
    EXPECT_EQ(spec_condition(std::string(100000, '!')), std::nullopt);
    EXPECT_EQ(spec_condition(std::string(100000, '(')), std::nullopt);
}

TEST(SpecPattern, TakesUnknownTextForAny) {
    const std::string unknown{SpecMacros::unknown};
    EXPECT_TRUE(fits_pattern("patch-6.8-redhat.patch", "patch-" + unknown + "-redhat.patch"));
    EXPECT_FALSE(fits_pattern("patch-6.8.patch", "patch-" + unknown + "-redhat.patch"));
    EXPECT_TRUE(fits_pattern("a", unknown + "a" + unknown));
    EXPECT_FALSE(fits_pattern("a", ""));
    EXPECT_TRUE(fits_pattern("", unknown));
}

}  // namespace
}  // namespace klp::packages
