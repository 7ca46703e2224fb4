// SPDX-License-Identifier: GPL-2.0-or-later
// The rules that need a kernel; structure_rules.hpp has those of the file alone.
#pragma once

#include "check/structure_rules.hpp"

namespace klp::check::rules {

// The module as a whole.
inline constexpr Rule other_machine{"check.other-machine", Severity::error, "of another architecture"};
inline constexpr Rule kernel_livepatch{"check.kernel-livepatch", Severity::error, "the kernel has no livepatching"};
inline constexpr Rule vermagic{"check.vermagic", Severity::error, "vermagic is not the kernel's"};
inline constexpr Rule release{"check.release", Severity::warning, "made for another release"};
inline constexpr Rule retpoline{"check.retpoline", Severity::warning, "compiled without retpolines"};
inline constexpr Rule is_unsigned{"check.unsigned", Severity::warning, "unsigned, and the kernel wants signatures"};
inline constexpr Rule depends_missing{"check.depends-missing", Severity::error,
                                      "depends on a module that is not there"};
inline constexpr Rule arch_ignored{"check.arch-ignored", Severity::error, ".klp.arch section that is not processed"};

inline constexpr Rule struct_size{"check.struct-size", Severity::error, "structures of another kernel or config"};

// What it imports.
inline constexpr Rule unknown_symbol{"check.unknown-symbol", Severity::error, "a symbol that nobody exports"};
inline constexpr Rule import_module{"check.import-module", Severity::error, "an export of a module not in depends"};
inline constexpr Rule version{"check.version", Severity::error, "the CRC of an imported symbol"};
inline constexpr Rule name_space{"check.namespace", Severity::error, "a symbol of a namespace not imported"};

// What it refers to by livepatch symbols.
inline constexpr Rule object_missing{"check.object-missing", Severity::warning, "an object the kernel does not have"};
inline constexpr Rule foreign_object{"check.foreign-object", Severity::error,
                                     "a symbol of an object that may be absent"};
inline constexpr Rule symbol_missing{"check.symbol-missing", Severity::error, "a symbol that its object does not have"};
inline constexpr Rule symbol_position{"check.symbol-position", Severity::error, "the position of a symbol"};
inline constexpr Rule position_unstable{"check.position-unstable", Severity::error, "a position that changes"};
inline constexpr Rule symbol_init{"check.symbol-init", Severity::error, "a symbol of init memory"};

inline constexpr Rule reference{"check.reference", Severity::error, "a call of data, or an access to code"};

// What it patches.
inline constexpr Rule function_missing{"check.function-missing", Severity::error, "a function that is not there"};
inline constexpr Rule function_position{"check.function-position", Severity::error, "the position of a function"};
inline constexpr Rule function_init{"check.function-init", Severity::error, "a function of init memory"};
inline constexpr Rule function_kind{"check.function-kind", Severity::error, "what is patched is no code"};
inline constexpr Rule untraceable{"check.untraceable", Severity::error, "a function that ftrace cannot hook"};
inline constexpr Rule hooked_elsewhere{"check.hooked-elsewhere", Severity::error,
                                       "a function that the kernel would not replace, though it says so"};

// The simulated load.
inline constexpr Rule load{"check.load", Severity::error, "the kernel refuses the livepatch"};
inline constexpr Rule object_load{"check.object-load", Severity::error, "the kernel refuses a patched object"};
inline constexpr Rule range{"check.range", Severity::error, "a value that its field does not hold"};
inline constexpr Rule unload{"check.unload", Severity::error, "the livepatch cannot be unloaded"};
inline constexpr Rule reload{"check.reload", Severity::warning, "a patched object cannot come again"};
inline constexpr Rule undefined{"check.undefined", Severity::error, "nobody can tell what the kernel would do"};

}  // namespace klp::check::rules
