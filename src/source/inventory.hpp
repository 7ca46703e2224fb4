// SPDX-License-Identifier: GPL-2.0-or-later
// Which sources of the tree this kernel's configuration has a use for, as its Makefiles say.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/kbuild.hpp"
#include "kernel/kernel.hpp"
#include "source/source_tree.hpp"

namespace klp::source {

class Inventory {
public:
    Inventory(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree);

    enum class Use {
        none,
        part,       // its object is linked into vmlinux or modules
        elsewhere,  // compiled, but by rules of its own: the vDSO, numbers for assembly, a hypervisor's part
        host,       // a program for the build itself
    };
    struct Place {
        Use use = Use::none;
        std::string object;  // for Kbuild::look_up(); with `..` where the Makefile of another folder has it
    };
    // Of a .c or .S file of the tree. May be called for several at once. Error: kbuild cannot be asked.
    [[nodiscard]] Place place_of(const std::string& source) const;

    enum class Visit { no, modules, everything };  // modules: what is built in here goes nowhere
    // Whether kbuild goes to a folder.
    [[nodiscard]] Visit visit(const std::string& folder) const;

    // Whether the configuration is what leaves the file out: its folder, or (for .c and .S) its object. False also
    // where the Makefiles do not say so.
    [[nodiscard]] bool is_left_out(const std::string& path) const;
    // Whether a Makefile of the file's folder or of one above names the file `name`.
    [[nodiscard]] bool is_named_by_makefile(const std::string& path, std::string_view name) const;
    // Whether a Makefile of the architecture makes something from this header, other than by including it
    // (arch/x86/kernel/cpu/Makefile: cpufeatures.h).
    [[nodiscard]] bool is_input_of_makefile(const std::string& header) const;
    // A file of another architecture's folder, which nothing of this one's leads to.
    [[nodiscard]] bool is_of_foreign_arch(const std::string& path) const;

private:
    [[nodiscard]] const kernel::FolderParts& parts(const std::string& folder) const;
    [[nodiscard]] std::vector<std::string> objects_of(const std::string& source) const;
    [[nodiscard]] Visit find_visit(const std::string& folder) const;
    [[nodiscard]] bool is_part(const std::string& object) const;
    [[nodiscard]] bool is_named_by_other_arch_alone(const std::string& folder) const;

    const kernel::Kernel& kernel_;
    const kernel::Kbuild& kbuild_;
    const SourceTree& tree_;
    std::string identity_;
    std::string arch_;
    mutable std::mutex lock_;
    mutable std::map<std::string, kernel::FolderParts> parts_;
    mutable std::map<std::string, Visit> visits_;
    mutable std::map<std::string, std::vector<std::string>> other_names_;  // of an object x.o, by the source's folder
};

}  // namespace klp::source
