// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <thread>

#include "scratch_tree.hpp"
#include "source/object_cache.hpp"

namespace klp::source {
namespace {

class ObjectCaching : public testing::Test {
protected:
    ObjectCaching() {
        tree.add("x.c", "int x;\n");
        tree.add("x.h", "int y;\n");
        store();
    }
    void store(std::chrono::seconds before_now = {}) const {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));  // longer than what times of files are off
        const auto began = std::chrono::system_clock::now() - before_now;
        cache.store("key", {began, tree.root(), {"x.c", "x.h"}}, as_bytes("\nobject\n"), "types\n");
    }
    [[nodiscard]] std::string found() const {
        const auto product = cache.find("key");
        return product ? product->types + std::string(as_text(product->object)) : "none";
    }
    [[nodiscard]] fs::path entry() const { return fs::directory_iterator(tree.root() / "cache")->path(); }

    ScratchTree tree;
    ObjectCache cache{tree.root() / "cache"};
};

TEST_F(ObjectCaching, GivesBackWhatWasStored) {
    EXPECT_EQ(found(), "types\n\nobject\n");
    EXPECT_FALSE(cache.find("another key").has_value());
}

TEST_F(ObjectCaching, DropsWhatIsOldest) {
    cache.drop_oldest(1);
    EXPECT_NE(found(), "none");
    fs::last_write_time(entry(), fs::file_time_type::clock::now() - std::chrono::hours(1));
    cache.store("new", {std::chrono::system_clock::now(), tree.root(), {}}, as_bytes("object"), "");
    cache.drop_oldest(1);
    EXPECT_EQ(found(), "none");
    EXPECT_TRUE(cache.find("new").has_value());
    ObjectCache(tree.root() / "no-such-folder").drop_oldest(1);
}

TEST_F(ObjectCaching, ChangedHeaderIsAMiss) {
    tree.add("x.h", "long y;\n");
    EXPECT_EQ(found(), "none");
}

// Neither size nor time of the last change tell: a copy that keeps times, an editor that sets them.
TEST_F(ObjectCaching, ChangedHeaderWithItsOldTimeIsAMiss) {
    const fs::path header = tree.root() / "x.h";
    const auto time = fs::last_write_time(header);
    tree.add("x.h", "int z;\n");
    fs::last_write_time(header, time);
    EXPECT_EQ(found(), "none");
}

TEST_F(ObjectCaching, TouchedHeaderIsNone) {
    const fs::path header = tree.root() / "x.h";
    fs::last_write_time(header, fs::last_write_time(header) + std::chrono::hours(1));
    const std::string before = read_text(entry());
    EXPECT_EQ(found(), "types\n\nobject\n");
    EXPECT_NE(read_text(entry()), before) << "the next look need not read the header again";
    EXPECT_EQ(found(), "types\n\nobject\n");
}

TEST_F(ObjectCaching, HeaderThatChangedDuringTheCompilationIsNotKept) {
    fs::remove_all(tree.root() / "cache");
    store(std::chrono::seconds(5));
    EXPECT_EQ(found(), "none");
}

TEST_F(ObjectCaching, MissingHeaderIsAMiss) {
    fs::remove(tree.root() / "x.h");
    EXPECT_EQ(found(), "none");
}

TEST_F(ObjectCaching, DamageIsAMiss) {
    const std::string whole = read_text(entry());
    for (std::size_t i = 0; i < whole.size(); i += 7) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        write_file(entry(), damaged);
        EXPECT_EQ(found(), "none") << "byte " << i;
        write_file(entry(), whole.substr(0, i));
        EXPECT_EQ(found(), "none") << "cut at " << i;
    }
}

TEST_F(ObjectCaching, FolderThatCannotBeWrittenIsNoFailure) {
    tree.add("file", "");
    const ObjectCache broken(tree.root() / "file/cache");
    EXPECT_NO_THROW(broken.store("key", {{}, tree.root(), {}}, {}, {}));
    EXPECT_FALSE(broken.find("key").has_value());
}

}  // namespace
}  // namespace klp::source
