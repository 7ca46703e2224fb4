// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "base/process.hpp"
#include "guest/busybox.hpp"
#include "tiny_kernel.hpp"

using testing::ElementsAre;
using testing::HasSubstr;

namespace klp::guest {
namespace {

// A kernel that has modules alone: `deep` needs `middle_one`, which needs `base`. And a program that passes for
// busybox.
class PayloadTest : public testing::Test {
protected:
    void SetUp() override {
        const fs::path modules = folder_.path() / "modules";
        fs::create_directory(modules);
        add_module(modules / "base.ko", "");
        add_module(modules / "middle-one.ko", "base");
        add_module(modules / "deep.ko", "middle-one,base");
        write_file(folder_.path() / "config", std::string_view("CONFIG_KALLSYMS_ALL=y\n"));
        write_file(folder_.path() / "fix.ko", std::string_view("FIX"));
        ::setenv("KLPKIT_BUSYBOX", test::tiny_kernel(folder_.path(), test::tiny_kernel_hangs).c_str(), 1);
    }
    void TearDown() override { ::unsetenv("KLPKIT_BUSYBOX"); }

    static void add_module(const fs::path& path, const std::string& depends, const std::string& more_info = "") {
        Command assembler;
        assembler.argv = {"as", "--64", "-o", path.string(), "-"};
        assembler.input =
            ".globl init_module\ninit_module: ret\n.section .modinfo, \"a\"\n.asciz \"depends=" + depends + "\"\n" +
            more_info;
        run_checked(assembler, "assembling a module");
    }

    [[nodiscard]] Payload pack(const Request& request) const {
        kernel::Manifest manifest;
        manifest.name = "test-kernel";
        manifest.arch = "x86_64";
        manifest.modules = folder_.path() / "modules";
        manifest.config = folder_.path() / "config";
        return make_payload(kernel::Kernel(manifest), request, machine_for("x86_64"), "nonce", {});
    }
    [[nodiscard]] std::vector<std::string> titles(const Request& request) const {
        std::vector<std::string> titles;
        for (const Step& step : pack(request).steps) titles.push_back(step.title);
        return titles;
    }
    [[nodiscard]] Request request() const {
        Request request;
        request.livepatches = {folder_.path() / "fix.ko"};
        return request;
    }
    [[nodiscard]] std::string failure_of(const Request& request) const {
        try {
            (void)pack(request);
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    }

    TempDir folder_{"klp-test"};
};

TEST_F(PayloadTest, ModulesComeWithWhatTheyNeedEachOnceAndLateOnesLater) {
    Request both = request();
    both.modules = {"middle-one"};
    both.late_modules = {"deep"};
    both.command = "true";
    EXPECT_THAT(titles(both), ElementsAre("load module base.ko", "load module middle-one.ko", "run the command, before",
                                          "load livepatch fix.ko", "load module deep.ko", "look at what is hooked",
                                          "run the command, after", "disable", "unload", "run the command, reverted"));
}

// As libcrc32c wants crc32c, which is the name of no module but an alias of crc32c_generic.
TEST_F(PayloadTest, WhatModulesWantBeforeThemIsTriedFirst) {
    ::setenv("KLPKIT_CACHE", (folder_.path() / "cache").c_str(), 1);
    const fs::path modules = folder_.path() / "modules";
    add_module(modules / "sum-generic.ko", "base", ".asciz \"alias=crypto-sum\"\n");
    add_module(modules / "helper.ko", "", ".asciz \"softdep=pre: eager\"\n");
    add_module(modules / "eager.ko", "helper", ".asciz \"softdep=pre: crypto-sum nonesuch\"\n");
    Request eager = request();
    eager.modules = {"eager"};
    std::vector<std::string> first = titles(eager);
    ::unsetenv("KLPKIT_CACHE");
    first.resize(4);
    EXPECT_THAT(first, ElementsAre("load module helper.ko", "try module base.ko", "try module sum-generic.ko",
                                   "load module eager.ko"));
}

TEST_F(PayloadTest, WithoutACommandNoneIsRun) {
    EXPECT_THAT(titles(request()), ElementsAre("load livepatch fix.ko", "look at what is hooked", "disable", "unload"));
}

TEST_F(PayloadTest, CompressedModulesAreUnpacked) {
    if (!find_program("xz")) GTEST_SKIP() << "xz is not installed";
    Command xz;
    xz.argv = {"xz", (folder_.path() / "fix.ko").string()};
    run_checked(xz, "compressing");
    Request compressed;
    compressed.livepatches = {folder_.path() / "fix.ko.xz"};
    const Payload payload = pack(compressed);
    EXPECT_EQ(payload.steps[0].title, "load livepatch fix.ko");
    EXPECT_THAT(payload.initramfs, HasSubstr(std::string("klp/modules/fix.ko\0", 19)));
    EXPECT_THAT(payload.initramfs, HasSubstr("FIX"));
}

TEST_F(PayloadTest, AModuleMayBeAFile) {
    Request file = request();
    fs::copy_file(folder_.path() / "fix.ko", folder_.path() / "other.ko");
    file.modules = {folder_.path() / "other.ko"};
    EXPECT_EQ(titles(file).front(), "load module other.ko");
}

TEST_F(PayloadTest, FilesComeIntoTheRootFolder) {
    Request with_file = request();
    write_file(folder_.path() / "data.txt", std::string_view("hello guest"));
    with_file.files = {folder_.path() / "data.txt"};
    EXPECT_THAT(pack(with_file).initramfs, HasSubstr("hello guest"));
}

TEST_F(PayloadTest, WhatIsNotThereOrThereTwiceIsAnError) {
    Request unknown = request();
    unknown.modules = {"nonesuch"};
    EXPECT_EQ(failure_of(unknown), "kernel test-kernel has no module 'nonesuch'");
    Request missing = request();
    missing.livepatches.emplace_back(folder_.path() / "missing.ko");
    EXPECT_THAT(failure_of(missing), HasSubstr("missing.ko"));
    Request twice = request();
    twice.livepatches.push_back(twice.livepatches.front());
    EXPECT_THAT(failure_of(twice), HasSubstr("'/klp/modules/fix.ko' is in the guest already"));
    Request reserved = request();
    write_file(folder_.path() / "init", std::string_view("mine"));
    reserved.files = {folder_.path() / "init"};
    EXPECT_THAT(failure_of(reserved), HasSubstr("'/init' is in the guest already"));
}

class BusyboxTest : public PayloadTest {
protected:
    [[nodiscard]] static Error failure(const fs::path& path, std::uint16_t machine) {
        try {
            check_static_program(path, machine);
        } catch (const Error& error) {
            return error;
        }
        return Error("no error");
    }
};

TEST_F(BusyboxTest, MustBeStaticAndOfTheGuestsMachine) {
    constexpr std::uint16_t x86_64 = 62;
    constexpr std::uint16_t s390 = 22;
    const fs::path good = folder_.path() / "tiny";
    EXPECT_NO_THROW(check_static_program(good, x86_64));
    EXPECT_THAT(failure(good, s390).what(), HasSubstr("a program for ELF machine 62, expected 22"));
    EXPECT_THAT(failure("/proc/self/exe", x86_64).what(), HasSubstr("dynamically linked"));
    EXPECT_THAT(failure("/proc/self/exe", x86_64).hints(), ElementsAre(HasSubstr("busybox-static")));
    EXPECT_THAT(failure(folder_.path() / "fix.ko", x86_64).what(), HasSubstr("not an ELF file"));
}

TEST_F(BusyboxTest, TheOneThatIsNamedIsTaken) {
    EXPECT_EQ(find_busybox({62, "amd64"}, {}).path, folder_.path() / "tiny");
    ::setenv("KLPKIT_BUSYBOX", "/nonexistent", 1);
    EXPECT_THROW((void)find_busybox({62, "amd64"}, {}).path, Error);
}

class ForeignBusyboxTest : public BusyboxTest {
protected:
    static constexpr BusyboxKind s390x{22, "s390x"};

    void SetUp() override {
        BusyboxTest::SetUp();
        ::unsetenv("KLPKIT_BUSYBOX");
        ::setenv("KLPKIT_CACHE", (folder_.path() / "cache").c_str(), 1);
    }
    void TearDown() override {
        ::unsetenv("KLPKIT_CACHE");
        BusyboxTest::TearDown();
    }

    // An ELF header that is all: a program for that machine, in its byte order, without segments.
    fs::path put_into_cache(std::uint16_t machine) {
        std::vector<std::byte> program(64);
        constexpr std::string_view magic(
            "\x7f"
            "ELF\2\2\1",
            7);
        std::ranges::copy(as_bytes(magic), program.begin());
        store<std::uint16_t>(std::span(program).subspan(18, 2), machine, ByteOrder::big);
        store<std::uint16_t>(std::span(program).subspan(52, 2), 64, ByteOrder::big);
        const fs::path path = folder_.path() / "cache/busybox/s390x";
        fs::create_directories(path.parent_path());
        write_file(path, Bytes(program));
        return path;
    }

    // Without apt-get: what the search for one says that is not in the cache.
    Error failure_to_download() {
        const std::string path = ::getenv("PATH");
        ::setenv("PATH", folder_.path().c_str(), 1);
        std::optional<Error> failure;
        try {
            (void)find_busybox(s390x, {});
        } catch (const Error& error) {
            failure = error;
        }
        ::setenv("PATH", path.c_str(), 1);
        return failure.value_or(Error("there is one"));
    }
};

TEST_F(ForeignBusyboxTest, OfTheCacheIsTaken) {
    const fs::path path = put_into_cache(22);
    EXPECT_EQ(find_busybox(s390x, {}).path, path);
    EXPECT_EQ(find_busybox({62, "amd64"}, {}).path, *find_program("busybox"));
}

TEST_F(ForeignBusyboxTest, OfTheCacheIsChecked) {
    put_into_cache(21);
    EXPECT_THAT(failure_to_download().what(), HasSubstr("no apt-get here"));
}

TEST_F(ForeignBusyboxTest, OfTheCacheIsNotTakenOnceItWasDamaged) {
    const fs::path path = put_into_cache(22);
    EXPECT_EQ(find_busybox(s390x, {}).path, path);
    write_file(path, read_text(path) + "x");
    EXPECT_THAT(failure_to_download().what(), HasSubstr("no apt-get here"));
}

TEST_F(ForeignBusyboxTest, ThatCannotBeDownloadedCanBeNamed) {
    EXPECT_THAT(failure_to_download().what(), HasSubstr("no apt-get here"));
    EXPECT_THAT(failure_to_download().hints(), testing::Contains(HasSubstr("KLPKIT_BUSYBOX")));
    EXPECT_FALSE(fs::exists(folder_.path() / "cache/busybox/s390x"));
}

}  // namespace
}  // namespace klp::guest
