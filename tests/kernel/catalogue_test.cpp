// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "kallsyms_image.hpp"
#include "kernel/manifest.hpp"

namespace klp::kernel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

class Catalogue : public ::testing::Test {
protected:
    Catalogue() { ::setenv("KLPKIT_CACHE", (folder_.path() / "cache").c_str(), 1); }
    ~Catalogue() override { ::unsetenv("KLPKIT_CACHE"); }

    static void store(const std::string& name, bool fetched) {
        NewKernelFolder(name).commit({.name = name, .release = name, .arch = "x86_64", .fetched = fetched});
    }
    static std::vector<std::string> names() {
        std::vector<std::string> names;
        for (const Manifest& manifest : list()) names.push_back(manifest.name);
        return names;
    }

    TempDir folder_{"klp-test"};
};

TEST_F(Catalogue, ListsWholeKernelsByVersion) {
    EXPECT_THAT(names(), IsEmpty());
    for (const char* name : {"6.1.0-56-amd64", "6.1.0-9-amd64"}) store(name, true);
    fs::create_directories(kernel_folder("half"));
    EXPECT_THAT(names(), ElementsAre("6.1.0-9-amd64", "6.1.0-56-amd64"));
}

TEST_F(Catalogue, StoresAllOfAManifest) {
    const Manifest manifest{.name = "n",
                            .release = "r",
                            .arch = "x86_64",
                            .source = "/s",
                            .image = "/i",
                            .vmlinux = "/v",
                            .modules = "/m",
                            .config = "/c",
                            .symvers = "/y",
                            .fetched = true};
    NewKernelFolder(manifest.name).commit(manifest);
    const Manifest found = find("n");
    EXPECT_EQ(std::tie(found.release, found.arch, found.source, found.image, found.vmlinux, found.modules, found.config,
                       found.symvers, found.fetched),
              std::tie(manifest.release, manifest.arch, manifest.source, manifest.image, manifest.vmlinux,
                       manifest.modules, manifest.config, manifest.symvers, manifest.fetched));
}

TEST_F(Catalogue, DefaultIsTheOnlyOneOrTheNewestFetched) {
    EXPECT_THAT([] { (void)default_kernel(); }, ThrowsMessage<Error>(HasSubstr("no kernel in the catalogue")));
    store("own-2", false);
    EXPECT_EQ(default_kernel().name, "own-2");
    store("own-1", false);
    EXPECT_THAT([] { (void)default_kernel(); }, ThrowsMessage<Error>(HasSubstr("none of them fetched: own-1, own-2")));
    store("6.1.0-9-amd64", true);
    store("6.1.0-56-amd64", true);
    EXPECT_EQ(default_kernel().name, "6.1.0-56-amd64");
}

TEST_F(Catalogue, UnknownNamesAreRefusedWithTheKnownOnes) {
    EXPECT_THAT([] { (void)find("x"); }, ThrowsMessage<Error>(HasSubstr("the catalogue is empty")));
    store("y", true);
    EXPECT_THAT([] { (void)find("x"); }, ThrowsMessage<Error>(HasSubstr("no kernel 'x': the catalogue has y")));
    EXPECT_THAT([] { remove("x"); }, ThrowsMessage<Error>(HasSubstr("no kernel 'x'")));
}

TEST_F(Catalogue, NamesThatAreNoFolderAreRefused) {
    for (const char* name : {"", ".", "..", "../x", "a/b", "-x", ".hidden", "a b", "a\nb"}) {
        EXPECT_THAT([name] { (void)find(name); }, ThrowsMessage<Error>(HasSubstr("cannot name a kernel"))) << name;
        EXPECT_THROW(remove(name), Error) << name;
    }
}

TEST_F(Catalogue, RemoveTakesAwayHalfAndWholeKernels) {
    store("a", true);
    fs::create_directories(kernel_folder("half") / "source");
    remove("a");
    remove("half");
    EXPECT_FALSE(fs::exists(kernel_folder("a")));
    EXPECT_FALSE(fs::exists(kernel_folder("half")));
}

TEST_F(Catalogue, FolderGoesUnlessCommitted) {
    {
        const NewKernelFolder folder("a");
        write_file(folder.path() / "file", std::string_view("x"));
    }
    EXPECT_FALSE(fs::exists(kernel_folder("a")));
    fs::create_directories(kernel_folder("a"));
    write_file(kernel_folder("a") / "left-over", std::string_view("x"));
    store("a", true);
    EXPECT_FALSE(fs::exists(kernel_folder("a") / "left-over"));
}

TEST_F(Catalogue, DamagedManifestIsAnError) {
    store("a", true);
    write_file(kernel_folder("a") / "kernel.json", std::string_view("{\"name\": \"a\""));
    EXPECT_THAT([] { (void)find("a"); }, ThrowsMessage<Error>(HasSubstr("kernel.json: damaged")));
}

// A kernel of another origin: all parts, made small.
class AddedKernel : public Catalogue {
protected:
    AddedKernel() {
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

    static void put(const fs::path& path, std::string_view text) {
        fs::create_directories(path.parent_path());
        write_file(path, text);
    }
    void write_vmlinux(const std::string& release) {
        auto tables = test::TableWriter(test::example_lines(300, false), test::TableLayout::old,
                                        test::AddressForm::base_relative, ByteOrder::little)
                          .write();
        const std::string banner = "Linux version " + release + " (a@b) #1";
        for (const char c : banner) tables.push_back(std::byte(c));
        test::image_with(std::move(tables), ByteOrder::little).write_to(folder_.path() / "vmlinux");
    }
    [[nodiscard]] auto adding() const {
        return [this] { (void)add(request_, {}); };
    }

    static constexpr std::string_view config =
        "CONFIG_LIVEPATCH=y\nCONFIG_KALLSYMS=y\nCONFIG_MODULES=y\nCONFIG_X86_64=y\n";
    AddRequest request_;
};

TEST_F(AddedKernel, IsFoundAndRead) {
    const Manifest added = add(request_, {});
    EXPECT_EQ(added.release, "6.1.0-test");
    EXPECT_EQ(added.arch, "x86_64");
    EXPECT_EQ(added.modules, fs::canonical(folder_.path() / "mods/lib/modules/6.1.0-test"));
    const Kernel kernel(find("mine"));
    EXPECT_EQ(kernel.symbols().symbols().size(), 300U);
    EXPECT_TRUE(kernel.config().enabled("CONFIG_LIVEPATCH"));
    EXPECT_EQ(kernel.exports().size(), 1U);
    EXPECT_EQ(kernel.module_path("a_b"), added.modules / "kernel/a-b.ko");
    EXPECT_EQ(kernel.module_path("other"), std::nullopt);
    EXPECT_THAT([&] { (void)kernel.module("other"); },
                ThrowsMessage<Error>(HasSubstr("kernel mine has no module 'other'")));
    EXPECT_TRUE(fs::is_directory(kernel.cache_folder()));
    EXPECT_THAT(adding(), ThrowsMessage<Error>(HasSubstr("there is a kernel 'mine' already")));
}

TEST_F(AddedKernel, ReadsBytesByAddress) {
    const Kernel kernel(add(request_, {}));
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
    const Kernel kernel(add(request_, {}));
    std::array<const SymbolTable*, 4> seen{};
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
    EXPECT_FALSE(fs::exists(kernel_folder("mine")));
}

TEST_F(AddedKernel, WithoutLivepatchIsRefused) {
    put(request_.config, "CONFIG_KALLSYMS=y\nCONFIG_MODULES=y\n");
    EXPECT_THAT(adding(), ThrowsMessage<Error>(HasSubstr("cannot be livepatched: CONFIG_LIVEPATCH is not set")));
    EXPECT_FALSE(fs::exists(kernel_folder("mine")));
}

TEST_F(AddedKernel, VmlinuxOfAnotherBuildIsRefused) {
    const std::string bytes = read_text(folder_.path() / "vmlinux");
    put(folder_.path() / "other", bytes.substr(0, bytes.size() / 2));
    request_.vmlinux = folder_.path() / "other";
    EXPECT_THROW(adding()(), Error);
    put(folder_.path() / "other", "\177ELF Linux version 6.6.0 (x");
    EXPECT_THROW(adding()(), Error);
    EXPECT_FALSE(fs::exists(kernel_folder("mine")));
}

}  // namespace
}  // namespace klp::kernel
