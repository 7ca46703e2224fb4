// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/add.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "kernel/catalogue.hpp"
#include "kernel/manifest.hpp"
#include "support/kallsyms_image.hpp"

namespace klp::packages {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// A kernel of another origin: all parts, made small.
class AddedKernel : public ::testing::Test {
protected:
    AddedKernel() {
        ::setenv("KLPKIT_CACHE", (folder_.path() / "cache").c_str(), 1);
        const fs::path tree = folder_.path() / "tree";
        for (const char* name : {"include/generated/autoconf.h", "scripts/mod/modpost"}) put(tree / name, "x");
        put(tree / "include/generated/utsrelease.h", "#define UTS_RELEASE \"6.1.0-test\"\n");
        put(tree / "include/config/kernel.release", "6.1.192\n");  // KERNELRELEASE was given to make
        put(tree / ".config", config);
        put(folder_.path() / "config", config);
        put(folder_.path() / "Module.symvers", "0x00000001\ta\tvmlinux\tEXPORT_SYMBOL\t\n");
        put(folder_.path() / "mods/lib/modules/6.1.0-test/kernel/a-b.ko", "x");
        write_vmlinux("6.1.0-test");
        request_ = {.name = "mine",
                    .source = tree,
                    .image = folder_.path() / "vmlinux",
                    .config = folder_.path() / "config",
                    .symvers = folder_.path() / "Module.symvers",
                    .modules = folder_.path() / "mods",
                    .vmlinux = {}};
    }

    ~AddedKernel() override { ::unsetenv("KLPKIT_CACHE"); }

    static void put(const fs::path& path, std::string_view text) {
        fs::create_directories(path.parent_path());
        write_file(path, text);
    }
    void write_vmlinux(const std::string& release, const char* name = "vmlinux") {
        auto tables = test::TableWriter(test::example_lines(300, false), test::TableLayout::old,
                                        test::AddressForm::base_relative, ByteOrder::little)
                          .write();
        const std::string banner = "Linux version " + release + " (a@b) #1";
        for (const char c : banner) tables.push_back(std::byte(c));
        test::image_with(std::move(tables), ByteOrder::little).write_to(folder_.path() / name);
    }
    [[nodiscard]] auto adding() const {
        return [this] { (void)add(request_, {}); };
    }

    static constexpr std::string_view config =
        "CONFIG_LIVEPATCH=y\nCONFIG_KALLSYMS=y\nCONFIG_MODULES=y\nCONFIG_X86_64=y\n";
    TempDir folder_{"klp-add-test"};
    AddRequest request_;
};

TEST_F(AddedKernel, IsFoundAndRead) {
    const kernel::Manifest added = add(request_, {});
    EXPECT_EQ(added.release, "6.1.0-test");
    EXPECT_EQ(added.arch, "x86_64");
    EXPECT_EQ(added.modules, fs::canonical(folder_.path() / "mods/lib/modules/6.1.0-test"));
    const kernel::Kernel kernel(kernel::find_kernel("mine"));
    EXPECT_EQ(kernel.symbols().symbols().size(), 300U);
    EXPECT_TRUE(kernel.config().enabled("CONFIG_LIVEPATCH"));
    EXPECT_EQ(kernel.exports().size(), 1U);
    EXPECT_EQ(kernel.module_path("a_b"), added.modules / "kernel/a-b.ko");
    EXPECT_EQ(kernel.module_path("other"), std::nullopt);
    EXPECT_THAT([&] { (void)kernel.module("other"); },
                ThrowsMessage<Error>(HasSubstr("kernel mine has no module 'other'")));
    EXPECT_EQ(kernel.derived("kind", {}).get([] { return std::string("x"); }), "x");
    EXPECT_TRUE(fs::is_directory(kernel.cache_folder()));
    EXPECT_THAT(adding(), ThrowsMessage<Error>(HasSubstr("there is a kernel 'mine' already")));
}

TEST_F(AddedKernel, ReadsBytesByAddress) {
    const kernel::Kernel kernel(add(request_, {}));
    ASSERT_NE(kernel.section_at(test::text_address), nullptr);
    EXPECT_EQ(kernel.section_at(test::text_address)->name, ".text");
    EXPECT_EQ(kernel.section_at(test::text_address - 1), nullptr);
    EXPECT_EQ(kernel.section_at(test::text_address + 0x100000), nullptr);
    EXPECT_EQ(kernel.read(test::rodata_address, 4)->size(), 4U);
    EXPECT_EQ(kernel.read(test::rodata_address, 4)->front(), std::byte{0x5a});
    EXPECT_TRUE(kernel.read(test::text_address + 0xffff0, 0x10));
    EXPECT_FALSE(kernel.read(test::text_address + 0xffff0, 0x11));
    EXPECT_FALSE(kernel.read(test::text_address, UINT64_MAX));
}

TEST_F(AddedKernel, LoadsOncePerThreadRace) {
    const kernel::Kernel kernel(add(request_, {}));
    std::array<const kernel::SymbolTable*, 4> seen{};
    {
        std::vector<std::jthread> threads;
        for (auto& table : seen) threads.emplace_back([&] { table = &kernel.symbols(); });
    }
    for (const auto* table : seen) EXPECT_EQ(table, &kernel.symbols());
}

TEST_F(AddedKernel, PartsThatDoNotFitAreRefused) {
    const fs::path release = request_.source / "include/generated/utsrelease.h";
    put(release, "#define UTS_RELEASE \"6.1.0-other\"\n");
    EXPECT_THAT(adding(),
                ThrowsMessage<Error>(HasSubstr("the image is of release 6.1.0-test, this is of 6.1.0-other")));
    put(release, "#define UTS_RELEASE\n");
    EXPECT_THAT(adding(), ThrowsMessage<Error>(HasSubstr("utsrelease.h: does not define UTS_RELEASE")));
    put(release, "#define UTS_RELEASE \"6.1.0-test\"\n");
    put(request_.source / ".config", std::string(config) + "CONFIG_PREEMPT=y\n");
    EXPECT_THAT(adding(), ThrowsMessage<Error>(HasSubstr("CONFIG_PREEMPT: not set, 'y'")));
    fs::remove(request_.source / "scripts/mod/modpost");
    EXPECT_THAT(adding(),
                ThrowsMessage<Error>(HasSubstr("not a prepared kernel source tree: scripts/mod/modpost is missing")));
    request_.symvers = folder_.path() / "nothing";
    EXPECT_THAT(adding(), ThrowsMessage<Error>(HasSubstr("no such file (expected the kernel's Module.symvers)")));
    EXPECT_FALSE(fs::exists(kernel::kernel_folder("mine")));
}

TEST_F(AddedKernel, WithoutLivepatchIsRefused) {
    put(request_.config, "CONFIG_KALLSYMS=y\nCONFIG_MODULES=y\n");
    EXPECT_THAT(adding(), ThrowsMessage<Error>(HasSubstr("cannot be livepatched: CONFIG_LIVEPATCH is not set")));
    EXPECT_FALSE(fs::exists(kernel::kernel_folder("mine")));
}

TEST_F(AddedKernel, ConfigOfAnotherArchitectureIsRefused) {
    const std::string other = "CONFIG_LIVEPATCH=y\nCONFIG_KALLSYMS=y\nCONFIG_MODULES=y\nCONFIG_S390=y\n";
    for (const fs::path& file : {request_.config, request_.source / ".config"}) put(file, other);
    EXPECT_THAT(adding(), ThrowsMessage<Error>(HasSubstr("of another architecture: it is for x86_64, but ")));
    EXPECT_FALSE(fs::exists(kernel::kernel_folder("mine")));
}

TEST_F(AddedKernel, VmlinuxOfAnotherBuildIsRefused) {
    const std::string bytes = read_text(folder_.path() / "vmlinux");
    put(folder_.path() / "other", bytes.substr(0, bytes.size() / 2));
    request_.vmlinux = folder_.path() / "other";
    EXPECT_THROW(adding()(), Error);
    put(folder_.path() / "other", "\177ELF Linux version 6.6.0 (x");
    EXPECT_THROW(adding()(), Error);
    write_vmlinux("6.1.0-other", "other");
    put(request_.source / "include/generated/utsrelease.h", "#define UTS_RELEASE \"6.1.0-other\"\n");
    EXPECT_THAT(adding(), ThrowsMessage<Error>(HasSubstr(
                              "other: of another kernel: the image is of release 6.1.0-test, this is of 6.1.0-other")));
    EXPECT_FALSE(fs::exists(kernel::kernel_folder("mine")));
    put(folder_.path() / "image", "an image that does not tell its release");
    request_.image = folder_.path() / "image";
    EXPECT_EQ(add(request_, {}).release, "6.1.0-other");
}

}  // namespace
}  // namespace klp::packages
