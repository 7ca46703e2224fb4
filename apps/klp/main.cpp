// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/process.hpp"
#include "cli/command.hpp"

int main(int argc, char** argv) {
    klp::fill_standard_descriptors();
    klp::install_interrupt_handlers();
    return klp::cli::run_program(argc, argv);
}
