// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

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
        for (const Manifest& manifest : list_kernels()) names.push_back(manifest.name);
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
    const Manifest found = find_kernel("n");
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
    EXPECT_THAT([] { (void)find_kernel("x"); }, ThrowsMessage<Error>(HasSubstr("the catalogue is empty")));
    store("y", true);
    EXPECT_THAT([] { (void)find_kernel("x"); }, ThrowsMessage<Error>(HasSubstr("no kernel 'x': the catalogue has y")));
    EXPECT_THAT([] { remove_kernel("x"); }, ThrowsMessage<Error>(HasSubstr("no kernel 'x'")));
}

TEST_F(Catalogue, NamesThatAreNoFolderAreRefused) {
    for (const char* name : {"", ".", "..", "../x", "a/b", "-x", ".hidden", "a b", "a\nb"}) {
        EXPECT_THAT([name] { (void)find_kernel(name); }, ThrowsMessage<Error>(HasSubstr("cannot name a kernel")))
            << name;
        EXPECT_THROW(remove_kernel(name), Error) << name;
    }
}

TEST_F(Catalogue, RemoveTakesAwayHalfAndWholeKernels) {
    store("a", true);
    fs::create_directories(kernel_folder("half") / "source");
    remove_kernel("a");
    remove_kernel("half");
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
    EXPECT_THAT([] { (void)find_kernel("a"); }, ThrowsMessage<Error>(HasSubstr("kernel.json: damaged")));
}

}  // namespace
}  // namespace klp::kernel
