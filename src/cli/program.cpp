// SPDX-License-Identifier: GPL-2.0-or-later
#include <new>

#include "base/errno_text.hpp"
#include "base/process.hpp"
#include "cli/command.hpp"

namespace klp::cli {

namespace {

constexpr auto program_footer =
    "exit status: 0 done; 1 error; 2 the change is unsafe or cannot be expressed as a livepatch;\n"
    "3 the patch changes no code; 64 wrong usage\n"
    "environment: KLPKIT_CACHE is the folder of the kernels and caches (default: $XDG_CACHE_HOME/klpkit)";

void declare(CommandLine& program) {
    program.footer(program_footer);
    program.require_command();
    add_kernel(program);
    add_toolchain(program);
    add_build(program);
    add_explain(program);
    add_run(program);
    add_diff(program);
    add_inspect(program);
    add_convert(program);
    add_symbols_db(program);
    add_check(program);
    add_simulate(program);
}

ExitCode run(int argc, char** argv) {
    try {
        return parse_and_run(argc, argv, "makes, proves and tries out Linux kernel live patches", "klp " KLPKIT_VERSION,
                             declare);
    } catch (const std::exception&) {
        const Error error = current_error();
        print_error(error);
        return error.code();
    }
}

}  // namespace

Error current_error() {
    try {
        throw;
    } catch (const Interrupted&) {
        return Error("interrupted; unfinished output was removed");
    } catch (const Error& error) {
        return error;
    } catch (const fs::filesystem_error& error) {
        return {{error.path1().string(), {}, {}}, errno_text(error.code().value())};
    } catch (const std::bad_alloc&) {
        return Error("out of memory");
    } catch (const std::exception& error) {
        return Error(error.what());
    }
}

int run_program(int argc, char** argv) {
    return static_cast<int>(run(argc, argv));
}

}  // namespace klp::cli
