// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/plain_keys.hpp"

#include <fmt/format.h>

namespace klp::source {

namespace {

// A branch tells its key by the text of its argument: "&(&foo_key)->key". Text that holds the name of another key as
// well makes that one read, too, which is as right. A branch that is compiled to jump when `branch` differs from the
// key's state is true then.
constexpr std::string_view redefinitions = R"(
#define arch_static_branch(key, branch) \
    (KLPKIT_READS(#key) ? (static_key_count(key) > 0) != (branch) : (arch_static_branch)(key, branch))
#define arch_static_branch_jump(key, branch) \
    (KLPKIT_READS(#key) ? (static_key_count(key) > 0) != (branch) : (arch_static_branch_jump)(key, branch))
#define static_key_false(key) (KLPKIT_READS(#key) ? static_key_count(key) > 0 : (static_key_false)(key))
#define static_key_true(key) (KLPKIT_READS(#key) ? static_key_count(key) > 0 : (static_key_true)(key))
)";

}  // namespace

void write_plain_keys(const fs::path& folder, const KeyNames& keys) {
    std::string condition = "0";
    for (const std::string& key : keys) condition += fmt::format(" || __builtin_strstr(text, \"{}\") != 0", key);
    const std::string text = fmt::format(
        "#include_next <linux/jump_label.h>\n"
        "#if defined(CONFIG_JUMP_LABEL) && !defined(__ASSEMBLY__) && !defined(KLPKIT_READS)\n"
        "#define KLPKIT_READS(text) ({})\n{}#endif\n",
        condition, redefinitions);
    fs::create_directories(folder / "linux");
    write_file(folder / "linux" / "jump_label.h", text);
}

}  // namespace klp::source
