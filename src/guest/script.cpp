// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/script.hpp"

#include <fmt/format.h>

#include "guest/script_functions.hpp"

namespace klp::guest {

namespace {

std::string file_call(std::string_view function, std::string_view file) {
    return fmt::format("{} {}", function, shell_quote(fmt::format("/{}/{}", module_folder, file)));
}

std::string variable(std::string_view name, std::string_view value) {
    return fmt::format("{}={}\n", name, shell_quote(value));
}

}  // namespace

std::string shell_quote(std::string_view word) {
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

Step load_module_step(std::string_view file) {
    return {fmt::format("load module {}", file), file_call("load", file), ""};
}

Step try_module_step(std::string_view file) {
    return {fmt::format("try module {}", file), file_call("try_load", file), ""};
}

Step load_livepatch_step(std::string_view file) {
    return {fmt::format("load livepatch {}", file), file_call("load_livepatch", file), "transition"};
}

Step hooks_step() {
    return {"look at what is hooked", "report_hooks", "hooks"};
}

Step command_step(std::string_view phase) {
    return {fmt::format("run the command, {}", phase), fmt::format("run_command {}", shell_quote(phase)), "output"};
}

Step revert_step() {
    return {"disable", "revert", "reverted"};
}

Step unload_step() {
    return {"unload", "unload", "unloaded"};
}

std::string step_mark(std::size_t step) {
    return fmt::format("klp: step {}: ", step);
}

std::string make_init(const Machine& machine, std::string_view nonce, const std::vector<Step>& steps,
                      std::chrono::seconds transition_limit) {
    std::string script = "#!/bin/busybox sh\n";
    script += variable("nonce", nonce);
    script += variable("report", fmt::format("/{}", machine.report.path));
    script += variable("shared", machine.shares_console() ? "yes" : "");
    script += variable("power_off", machine.power_off);
    script += variable("end_mark", end_mark);
    script += variable("transition_seconds", std::to_string(transition_limit.count()));
    script += script_functions;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        script += fmt::format("step {} {}\n{}\n", i, shell_quote(step_mark(i) + steps[i].title), steps[i].call);
    }
    return script + "finish\n";
}

}  // namespace klp::guest
