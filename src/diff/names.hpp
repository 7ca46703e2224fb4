// SPDX-License-Identifier: GPL-2.0-or-later
// What a symbol's name says: numbers that compilers and the kernel's macros append, and which names belong to
// one another.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace klp::diff {

// The name without the counters that differ from one compilation to the next: "count.12" -> "count",
// "foo.constprop.0" -> "foo.constprop", "__UNIQUE_ID_ddebug123.4" -> "__UNIQUE_ID_ddebug",
// "__BTF_ID__struct__file__123456" -> "__BTF_ID__struct__file__".
[[nodiscard]] std::string base_name(std::string_view name);

// Whether the base name is one of those that clang numbers from the second on: the first show.count of a function
// `show` has no number, and neither has the first ".compoundliteral" of a file.
[[nodiscard]] bool may_lack_number(std::string_view base);

// count of clang's show.count; of others the name itself.
[[nodiscard]] std::string_view variable_name(std::string_view base);

// Equal names, or two names that differ in such counters alone ("foo.123", "foo.constprop.0"): the compiler counts
// through the translation unit, so that other options can give other numbers.
[[nodiscard]] bool same_but_number(std::string_view a, std::string_view b);

// What the compiler makes of a function or a static local: "foo.isra.0", "count.12".
[[nodiscard]] bool is_variant_of(std::string_view variant, std::string_view name);

// "foo" of "foo.cold" (GCC 8 and later) and of "foo.cold.3".
[[nodiscard]] std::optional<std::string_view> parent_of_cold(std::string_view name);

// Read-only data that a compiler or a macro names for itself, and whose address nobody keeps to compare:
// __func__, NL_SET_ERR_MSG's __msg (include/linux/netlink.h), switch tables, constant initialisers.
[[nodiscard]] bool is_nameless_constant(std::string_view base);

// State of print-once and rate-limit macros: starting afresh means at worst one more message.
// include/linux/once_lite.h:DO_ONCE_LITE_IF, include/linux/printk.h:printk_ratelimited, and relatives.
[[nodiscard]] bool is_message_state(std::string_view base);

// The key of a lockdep class (include/linux/lockdep.h), which is such a state and tells no message.
[[nodiscard]] bool is_lock_class_key(std::string_view base);

// Where the kernel has its struct _ddebug (include/linux/dynamic_debug.h): __verbose before Linux 5.9.
[[nodiscard]] bool is_debug_descriptor_section(std::string_view name);

// What MODULE_DEVICE_TABLE names a table by, for scripts/mod/file2alias.c alone.
[[nodiscard]] bool is_device_table_alias(std::string_view name);

// Local labels that the assembler kept because a relocation needs them.
[[nodiscard]] bool is_assembler_label(std::string_view name);

}  // namespace klp::diff
