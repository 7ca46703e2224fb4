// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/derived.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/stamp.hpp"

namespace klp {
namespace {

class Derived : public testing::Test {
protected:
    [[nodiscard]] DerivedFile file(const std::string& origin = "one") const {
        return {folder_.path() / "sub" / "file", "kind", {origin, "two"}};
    }
    [[nodiscard]] DerivedBlob blob(const std::string& origin = "one") const {
        return {folder_.path() / "blob", "kind", {origin}, {folder_.path() / "input"}};
    }
    void put(std::string_view name, std::string_view text) const { write_file(folder_.path() / name, text); }
    // Another content of the same size, with the old time.
    void put_unseen(std::string_view name, std::string_view text) const {
        const auto time = fs::last_write_time(folder_.path() / name);
        put(name, text);
        fs::last_write_time(folder_.path() / name, time);
    }

    TempDir folder_{"klp-test"};
};

TEST_F(Derived, GivesBackWhatWasStored) {
    for (const std::string& text : {std::string("\ntext\n"), std::string(), std::string("a\0b", 3)}) {
        EXPECT_TRUE(file().store(text));
        EXPECT_EQ(file().load(), text);
    }
    EXPECT_EQ(file("other").load(), std::nullopt);
    EXPECT_EQ(DerivedFile(file().path(), "other-kind", {"one", "two"}).load(), std::nullopt);
    EXPECT_EQ(DerivedFile(file().path(), "kind", {"one"}).load(), std::nullopt);
}

TEST_F(Derived, DamageIsSeen) {
    file().store("content");
    const std::string whole = read_text(file().path());
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        write_file(file().path(), damaged);
        EXPECT_EQ(file().load(), std::nullopt) << "byte " << i;
        write_file(file().path(), whole.substr(0, i));
        EXPECT_EQ(file().load(), std::nullopt) << "cut at " << i;
    }
    write_file(file().path(), whole + "x");
    EXPECT_EQ(file().load(), std::nullopt);
}

TEST_F(Derived, IsMadeOnce) {
    int made = 0;
    const auto make = [&] { return std::to_string(++made); };
    EXPECT_EQ(file().get(make), "1");
    EXPECT_EQ(file().get(make), "1");
    EXPECT_EQ(file("other").get(make), "2");
    EXPECT_EQ(file().get(make), "3");
}

TEST_F(Derived, WhatCannotBeKeptIsStillMade) {
    put("sub", "a file where the folder should be");
    EXPECT_FALSE(file().store("x"));
    EXPECT_EQ(file().get([] { return std::string("made"); }), "made");
    fs::remove(folder_.path() / "sub");
    fs::create_directories(file().path());  // a folder where the file should be
    EXPECT_EQ(file().load(), std::nullopt);
    EXPECT_EQ(file().get([] { return std::string("made"); }), "made");
}

TEST_F(Derived, BlobsAreSoundWhileTheyAndTheirInputsAreTheSame) {
    put("input", "in");
    EXPECT_FALSE(blob().is_sound());
    EXPECT_TRUE(blob().store(as_bytes("program"), fs::perms(0755)));
    EXPECT_TRUE(blob().is_sound());
    EXPECT_EQ(read_text(folder_.path() / "blob"), "program");
    EXPECT_FALSE(blob("other").is_sound());
    put_unseen("blob", "Program");
    EXPECT_FALSE(blob().is_sound());
    put("blob", "program");
    EXPECT_TRUE(blob().is_sound()) << "what counts is the content";
    put_unseen("input", "iN");
    EXPECT_FALSE(blob().is_sound());
    put("input", "in");
    fs::remove(folder_.path() / "blob");
    EXPECT_FALSE(blob().is_sound());
}

TEST_F(Derived, BlobsThatAreThereCanBeAdopted) {
    put("input", "in");
    EXPECT_FALSE(blob().adopt()) << "there is none";
    put("blob", "program");
    EXPECT_FALSE(blob().has_origin());
    EXPECT_FALSE(blob().is_sound());
    EXPECT_TRUE(blob().adopt());
    EXPECT_TRUE(blob().has_origin());
    EXPECT_TRUE(blob().is_sound());
}

TEST(FileStamp, TellsTouchedFromChanged) {
    const TempDir folder("klp-test");
    const fs::path path = folder.path() / "a file";
    EXPECT_EQ(FileStamp::of(path).digest(), "-");
    FileStamp none = *FileStamp::parse(FileStamp::of(path).line());
    EXPECT_EQ(none.look(), FileStamp::Look::same) << "still missing";
    write_file(path, std::string_view("text"));
    EXPECT_EQ(none.look(), FileStamp::Look::changed);
    FileStamp stamp = *FileStamp::parse(FileStamp::of(path).line());
    EXPECT_EQ(stamp.path(), path);
    EXPECT_EQ(stamp.look(), FileStamp::Look::same);
    write_file(path, std::string_view("text"));
    EXPECT_EQ(stamp.look(), FileStamp::Look::same_text);
    EXPECT_EQ(stamp.look(), FileStamp::Look::same);
    write_file(path, std::string_view("tExt"));
    EXPECT_EQ(stamp.look(), FileStamp::Look::changed);
    EXPECT_EQ(stamp.look(), FileStamp::Look::changed) << "what was changed stays so";
    fs::remove(path);
    fs::create_directory(path);
    EXPECT_EQ(stamp.look(), FileStamp::Look::changed);
    EXPECT_THROW((void)FileStamp::of(path), Error);
    for (const char* line : {"", "x", "x 1 2 3 4", "x 1 2 3 4 ", "x 1 2 b 4 /p"})
        EXPECT_FALSE(FileStamp::parse(line)) << line;
}

TEST(FileStamp, KnowsWhatIsNewer) {
    const TempDir folder("klp-test");
    write_file(folder.path() / "f", std::string_view("x"));
    const FileStamp stamp = FileStamp::of(folder.path() / "f");
    const auto now = std::chrono::system_clock::now();
    EXPECT_TRUE(stamp.is_newer_than(now - std::chrono::seconds(5)));
    EXPECT_FALSE(stamp.is_newer_than(now + std::chrono::seconds(5)));
}

}  // namespace
}  // namespace klp
