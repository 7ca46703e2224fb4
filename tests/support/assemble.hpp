// SPDX-License-Identifier: GPL-2.0-or-later
// Objects for tests, made by the assembler from text in the test.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/process.hpp"
#include "elf/object.hpp"

namespace klp::test {

inline elf::Object assemble_with(std::vector<std::string> assembler, std::string_view text) {
    const TempDir folder("klp-test");
    const fs::path object = folder.path() / "test.o";
    Command command;
    command.argv = std::move(assembler);
    command.argv.insert(command.argv.end(), {"-o", object.string(), "-"});
    command.input = std::string(text);
    run_checked(command, "assembling a test input");
    const std::string bytes = read_text(object);
    const Bytes view = as_bytes(bytes);
    return elf::Object::read({view.begin(), view.end()}, "test.o");
}

// GNU as for x86-64; the object is read whole into memory.
inline elf::Object assemble(std::string_view text) {
    return assemble_with({"as", "--64", "-mrelax-relocations=no"}, text);
}

}  // namespace klp::test
