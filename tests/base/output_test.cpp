// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/output.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace klp {
namespace {

std::vector<std::byte> output_bytes(std::string_view text) {
    const Bytes bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

// ExitCode::done: it is not refused.
ExitCode refusal_of(const fs::path& output, const std::vector<fs::path>& inputs) {
    try {
        const OutputFile file(output, inputs);
        return ExitCode::done;
    } catch (const Error& error) {
        return error.code();
    }
}

TEST(OutputFile, IsNoneOfTheInputsByWhateverName) {
    const TempDir folder;
    const fs::path input = folder.path() / "in", link = folder.path() / "link", hard = folder.path() / "hard";
    write_file(input, std::string_view("input"));
    fs::create_symlink("in", link);
    fs::create_hard_link(input, hard);
    for (const fs::path& name : {input, link, hard}) EXPECT_EQ(refusal_of(name, {"/dev/null", input}), ExitCode::usage);
    EXPECT_EQ(refusal_of(folder.path() / "other", {input}), ExitCode::done);
    EXPECT_EQ(read_text(input), "input");
}

TEST(OutputFile, IsInNoFolderThatIsAnInput) {
    const TempDir folder;
    fs::create_directories(folder.path() / "tree/inner");
    const fs::path file = folder.path() / "tree/inner/file";
    write_file(file, std::string_view("a source"));
    EXPECT_EQ(refusal_of(file, {folder.path() / "tree"}), ExitCode::usage);
    EXPECT_EQ(refusal_of(file, {folder.path() / "other"}), ExitCode::done);
}

TEST(OutputFile, ThatIsNotCommittedLeavesTheOldOne) {
    const TempDir folder;
    const fs::path path = folder.path() / "out";
    write_file(path, std::string_view("old"), fs::perms(0600));
    {
        OutputFile file(path, {});
        file.write(output_bytes("new"));
    }
    EXPECT_EQ(read_text(path), "old");
    OutputFile file(path, {});
    file.write(output_bytes("new"));
    file.commit();
    EXPECT_EQ(read_text(path), "new");
    // Who may read the old one may read the new one, and no one else.
    EXPECT_EQ(fs::status(path).permissions(), fs::perms(0600));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(OutputFile, GoesWhereALinkLeads) {
    const TempDir folder;
    const fs::path link = folder.path() / "link";
    write_file(folder.path() / "place", std::string_view("old"));
    fs::create_symlink("place", link);
    OutputFile file(link, {});
    file.write(output_bytes("new"));
    file.commit();
    EXPECT_TRUE(fs::is_symlink(link));
    EXPECT_EQ(read_text(folder.path() / "place"), "new");
}

TEST(OutputFile, ThatCannotBeWrittenIsRefusedBeforeTheWork) {
    const TempDir folder;
    EXPECT_EQ(refusal_of(folder.path(), {}), ExitCode::error);
    EXPECT_EQ(refusal_of(folder.path() / "missing/file", {}), ExitCode::error);
    fs::create_symlink("circle", folder.path() / "circle");
    EXPECT_EQ(refusal_of(folder.path() / "circle", {}), ExitCode::error);
}

}  // namespace
}  // namespace klp
