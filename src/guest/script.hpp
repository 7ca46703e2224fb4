// SPDX-License-Identifier: GPL-2.0-or-later
// The guest's /init: what is done in the guest, step by step, and reported as it is done.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "guest/machine.hpp"

namespace klp::guest {

// Paths in the guest, without the leading slash.
inline constexpr std::string_view work_folder = "klp";
inline constexpr std::string_view module_folder = "klp/modules";
inline constexpr std::string_view command_file = "klp/command";

struct Step {
    std::string title;   // for people: "load livepatch fix.ko"
    std::string call;    // of a function of the script, with its arguments quoted
    std::string record;  // key of the record that it leaves when done; empty: none
};

// Steps are numbered by their index. Which calls there are is decided in here alone.
[[nodiscard]] Step load_module_step(std::string_view file);
[[nodiscard]] Step try_module_step(std::string_view file);  // whether it loads or not
[[nodiscard]] Step load_livepatch_step(std::string_view file);
[[nodiscard]] Step hooks_step();                          // what is patched, and what is hooked
[[nodiscard]] Step command_step(std::string_view phase);  // "before", "after" or "reverted"
[[nodiscard]] Step revert_step();
[[nodiscard]] Step unload_step();

// `nonce` begins each line of the report (protocol.hpp). A transition that takes longer than `transition_limit`
// is a failed step.
[[nodiscard]] std::string make_init(const Machine& machine, std::string_view nonce, const std::vector<Step>& steps,
                                    std::chrono::seconds transition_limit);

// 'it'\''s'
[[nodiscard]] std::string shell_quote(std::string_view word);

// The kernel's log has a line with this text, and the step's title after it, where a step begins.
[[nodiscard]] std::string step_mark(std::size_t step);
// And this one where the last step has ended; the kernel's messages about the power-off follow.
inline constexpr std::string_view end_mark = "klp: end";

}  // namespace klp::guest
