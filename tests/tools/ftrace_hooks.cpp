// SPDX-License-Identifier: GPL-2.0-or-later
// ftrace_hooks KERNEL: address, name and the distance of the ftrace record that is met ("-" for none) of each function
// of vmlinux, with the record's kind behind it. For comparison with tests/ftrace_locations.py and with guests.
#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "kernel/catalogue.hpp"
#include "kernel/ftrace_table.hpp"
#include "report/simulate_names.hpp"

int main(int argc, char** argv) {
    if (argc != 2) return 64;
    const klp::kernel::Kernel kernel(klp::kernel::find_kernel(argv[1]));
    const klp::kernel::FtraceTable table(kernel);
    for (const auto& symbol : kernel.symbols().symbols()) {
        if (!symbol.is_code()) continue;
        const klp::kernel::Hook hook = table.hook_of(symbol.address);
        const std::string distance = hook.address == 0 ? "-" : std::to_string(hook.address - symbol.address);
        fmt::print("{:x} {} {} {}\n", symbol.address, symbol.name, distance, klp::report::word_of(hook.where));
    }
    return 0;
}
