// SPDX-License-Identifier: GPL-2.0-or-later
// What a kernel's .spec does with its sources in %prep: one tarball is unpacked, patches are applied. Specs run shell
// scripts and programs; the forms that kernels' specs have are understood, and others are refused, by their lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace klp::packages {

struct SpecPatch {
    std::string file;
    unsigned strip = 1;  // patch -pN
    bool reverse = false;
    bool optional = false;  // of ten lines or more, or else there is nothing in it (ApplyOptionalPatch)
};

struct SpecPlan {
    std::string tarball;
    std::vector<SpecPatch> patches;   // in the order of applying
    std::vector<std::string> copies;  // files of the package that are put into the top of the tree
    std::vector<std::string> edits;   // lines that change files of the tree by other programs
};

struct SpecFacts {
    std::string name, version, release;  // of the package
    std::string arch;                    // that the kernel is for, as rpm names it: "x86_64"
    std::vector<std::string> files;      // of the package
};

// Error: it is not understood.
[[nodiscard]] SpecPlan read_spec(std::string_view text, const SpecFacts& facts, const Location& where);

}  // namespace klp::packages
