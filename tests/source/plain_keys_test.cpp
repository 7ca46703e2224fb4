// SPDX-License-Identifier: GPL-2.0-or-later
// Branches on chosen static keys become reads of the same outcome.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/process.hpp"
#include "source/plain_keys.hpp"

namespace klp::source {
namespace {

// As include/linux/jump_label.h: a branch is code that something else patches, here a call that tells its key.
constexpr std::string_view kernel_header = R"(
#pragma once
struct static_key { int enabled; };
static inline __attribute__((always_inline)) _Bool arch_static_branch(struct static_key *const key, const _Bool branch)
{ patched(key); return key->enabled != branch; }
static inline __attribute__((always_inline)) _Bool arch_static_branch_jump(struct static_key *const key, const _Bool branch)
{ patched(key); return key->enabled != branch; }
static inline __attribute__((always_inline)) _Bool static_key_false(struct static_key *key) { return arch_static_branch(key, 0); }
static inline __attribute__((always_inline)) _Bool static_key_true(struct static_key *key) { return !arch_static_branch(key, 1); }
#define static_branch_likely(x) (!arch_static_branch(&(x)->key, 1))
#define static_branch_unlikely(x) arch_static_branch_jump(&(x)->key, 0)
)";

constexpr std::string_view keys_program = R"(
#define CONFIG_JUMP_LABEL 1
struct static_key;
static int patches;
static void patched(struct static_key *key) { (void)key; ++patches; }
#include <linux/jump_label.h>
#include <linux/jump_label.h>
static int reads;
int static_key_count(struct static_key *key) { ++reads; return key->enabled; }
struct key { struct static_key key; } own = {{1}}, other = {{1}}, off = {{0}};
struct { struct static_key key; } __tracepoint_x = {{1}};
int main(void) {
    if (!static_branch_likely(&own) || !static_branch_unlikely(&own)) return 1;
    if (static_branch_likely(&off) || static_branch_unlikely(&off)) return 2;
    if (!static_key_false(&__tracepoint_x.key) || !static_key_true(&__tracepoint_x.key)) return 3;
    if (patches != 0 || reads != 6) return 4;
    if (!static_branch_likely(&other) || !static_branch_unlikely(&other)) return 5;
    if (!static_key_false(&other.key) || !static_key_true(&other.key)) return 6;
    return patches == 4 && reads == 6 ? 0 : 7;
}
)";

TEST(PlainKeys, AreReadWithTheOutcomeOfTheBranch) {
    const TempDir folder("klp-test");
    fs::create_directories(folder.path() / "kernel" / "linux");
    write_file(folder.path() / "kernel" / "linux" / "jump_label.h", kernel_header);
    write_file(folder.path() / "program.c", keys_program);
    write_plain_keys(folder.path() / "first", {"own", "off", "__tracepoint_x"});
    const std::string output = (folder.path() / "program").string();
    Command compile;
    compile.argv = {"gcc-12",
                    "-O2",
                    "-Wall",
                    "-Werror",
                    "-I" + (folder.path() / "first").string(),
                    "-I" + (folder.path() / "kernel").string(),
                    "-o",
                    output,
                    (folder.path() / "program.c").string()};
    run_checked(compile, "compiling a program with plain keys");
    Command command;
    command.argv = {output};
    EXPECT_NO_THROW(run_checked(command, "the program with plain keys"));
}

}  // namespace
}  // namespace klp::source
