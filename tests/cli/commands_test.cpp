// SPDX-License-Identifier: GPL-2.0-or-later
// How commands end, where their results go, and which kernel they are about.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/output.hpp"
#include "cli/accept.hpp"
#include "cli/choose_kernel.hpp"
#include "cli/command.hpp"
#include "cli/command_line.hpp"
#include "cli/outcome.hpp"
#include "kernel/manifest.hpp"
#include "report/text.hpp"

namespace klp::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

ExitCode status_of_command(ExitCode result) {
    std::string program = "klp", command = "do";
    std::array<char*, 2> argv{program.data(), command.data()};
    return parse_and_run(2, argv.data(), "description", "version", [&](CommandLine& line) {
        CommandLine action = line.command("do", "does it");
        action.run([result] { return result; });
    });
}

TEST(CommandLineStatus, IsThatOfTheCommand) {
    for (const ExitCode code :
         {ExitCode::done, ExitCode::error, ExitCode::unsafe, ExitCode::unchanged, ExitCode::usage})
        EXPECT_EQ(status_of_command(code), code);
}

// What is printed on standard output by a command that ends as `action` does.
std::string documents_of(bool is_json, const std::function<ExitCode(Outcome&)>& action) {
    testing::internal::CaptureStdout();
    EXPECT_THROW((void)with_document(is_json, "", action), Error);
    return testing::internal::GetCapturedStdout();
}

TEST(WithDocument, AFailureIsOneDocumentToo) {
    const auto fail = [](Outcome& outcome) -> ExitCode {
        outcome.findings.error("test.found", {"a.o", {}, {}}, "found before");
        outcome.result = [] { return Json{{"module", "a"}}; };
        throw Error("refused", ExitCode::unsafe);
    };
    const Json json = Json::parse(documents_of(true, fail));
    EXPECT_EQ(json["status"], 2);
    EXPECT_EQ(json["error"]["message"], "refused");
    EXPECT_EQ(json["findings"][0]["id"], "test.found");
    EXPECT_EQ(json["module"], "a");
    EXPECT_EQ(documents_of(false, fail), "");
}

TEST(WithDocument, AFailureAfterTheDocumentPrintsNoSecondOne) {
    const auto fail = [](Outcome& outcome) -> ExitCode {
        print_result(outcome.document());
        throw Error("the disk is full");
    };
    EXPECT_EQ(Json::parse(documents_of(true, fail))["status"], 0);
}

TEST(Results, AreNotMixedWithAModuleOnStandardOutput) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    OutputFile output("/dev/stdout", {});
    const Bytes module = as_bytes("MODULE");
    output.write({module.begin(), module.end()});
    deliver(output, "report\n");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "report\n");
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "MODULE");
}

TEST(Accept, IsForLayoutsAndForWhatCanBeLeftOut) {
    const Accepted accepted =
        accepted_changes({"diff.layout:struct page", "diff.layout:file", "diff.init-code:init_module",
                          "diff.layout:union u", "diff.table:.pci_fixup_final"});
    EXPECT_THAT(accepted.layouts, ElementsAre("file", "page", "u"));
    EXPECT_THAT(accepted.left_out, ElementsAre(diff::LeftOut{"diff.init-code", "init_module"},
                                               diff::LeftOut{"diff.table", ".pci_fixup_final"}));
    for (const char* word : {"", "page", "diff.layout", "diff.layout:", "diff.data:page", "diff.layout.:page",
                             "diff.init-code", "diff.init-code:", "diff.renamed-data:x", "diff.export:x"}) {
        try {
            (void)accepted_changes({"diff.layout:a", word});
            FAIL() << word;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::usage) << word;
        }
    }
}

class FittingKernel : public testing::Test {
protected:
    FittingKernel() { ::setenv("KLPKIT_CACHE", folder_.path().c_str(), 1); }
    ~FittingKernel() override { ::unsetenv("KLPKIT_CACHE"); }

    static void have(const std::string& name, const std::string& release, const std::string& arch) {
        kernel::NewKernelFolder(name).commit({.name = name, .release = release, .arch = arch});
    }
    static ModuleFile module_for(const std::string& release, std::uint16_t machine = EM_X86_64) {
        return {release + ".ko", {release, machine, false}};
    }
    static std::string name_for(const std::vector<ModuleFile>& modules) {
        const auto found = fitting_kernel(modules);
        return found ? found->name : "none";
    }

    TempDir folder_{"klp-test"};
};

TEST_F(FittingKernel, HasTheReleaseAndTheMachineOfTheModules) {
    have("big", "6.1.0", "s390x");
    have("mine", "6.1.0", "x86_64");
    have("other", "6.2.0", "x86_64");
    EXPECT_EQ(name_for({module_for("6.1.0")}), "mine");
    EXPECT_EQ(name_for({module_for("6.1.0", EM_S390)}), "big");
    EXPECT_EQ(name_for({module_for("6.2.0", EM_S390)}), "none");
    EXPECT_EQ(name_for({module_for("6.3.0")}), "none");
    EXPECT_EQ(name_for({module_for("")}), "none");
    EXPECT_EQ(name_for({module_for(""), module_for("6.2.0")}), "other");
}

TEST_F(FittingKernel, IsNotGuessedOfSeveral) {
    have("a", "6.1.0", "x86_64");
    have("b", "6.1.0", "x86_64");
    EXPECT_THAT([] { (void)name_for({module_for("6.1.0")}); },
                ThrowsMessage<Error>(HasSubstr("several kernels of the catalogue are of release '6.1.0': a, b")));
    have("6.1.0", "6.1.0", "x86_64");
    EXPECT_EQ(name_for({module_for("6.1.0")}), "6.1.0");
}

TEST_F(FittingKernel, IsOneForAllModules) {
    have("mine", "6.1.0", "x86_64");
    EXPECT_EQ(name_for({module_for("6.1.0"), module_for("6.1.0")}), "mine");
    for (const ModuleFile& other : {module_for("6.2.0"), module_for("6.1.0", EM_S390)})
        EXPECT_THAT(
            [&] {
                (void)name_for({module_for("6.1.0"), other});
            },
            ThrowsMessage<Error>(HasSubstr("modules of different kernels")));
}

}  // namespace
}  // namespace klp::cli
