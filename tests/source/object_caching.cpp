// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "scratch_tree.hpp"
#include "source/object_cache.hpp"

namespace klp::source {
namespace {

class ObjectCaching : public testing::Test {
protected:
    ObjectCaching() {
        tree.add("x.c", "int x;\n");
        tree.add("x.h", "int y;\n");
        cache.store("key", tree.root(), {"x.c", "x.h"}, as_bytes("\nobject\n"));
    }
    [[nodiscard]] std::string found() const {
        const auto bytes = cache.find("key");
        return bytes ? std::string(as_text(*bytes)) : "none";
    }
    [[nodiscard]] fs::path entry() const { return fs::directory_iterator(tree.root() / "cache")->path(); }

    ScratchTree tree;
    ObjectCache cache{tree.root() / "cache"};
};

TEST_F(ObjectCaching, GivesBackWhatWasStored) {
    EXPECT_EQ(found(), "\nobject\n");
    EXPECT_FALSE(cache.find("another key").has_value());
}

TEST_F(ObjectCaching, ChangedHeaderIsAMiss) {
    tree.add("x.h", "long y;\n");
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
    EXPECT_NO_THROW(broken.store("key", tree.root(), {}, {}));
    EXPECT_FALSE(broken.find("key").has_value());
}

}  // namespace
}  // namespace klp::source
