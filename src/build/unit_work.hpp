// SPDX-License-Identifier: GPL-2.0-or-later
// One translation unit of one kernel object on its way into the livepatch module.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/diagnostics.hpp"
#include "build/build.hpp"
#include "diff/diff.hpp"
#include "elf/object.hpp"
#include "kernel/kernel.hpp"
#include "make/make.hpp"
#include "resolve/resolve.hpp"

namespace klp::build {

// The steps are called in the order in which they stand here; each collects findings and leaves it to the
// caller to stop at them.
class UnitWork {
public:
    using EntrySizes = std::vector<std::pair<std::string, std::uint32_t>>;  // as diff::Options has them

    UnitWork(const kernel::Kernel& kernel, std::string source, std::string object, const elf::Object& original,
             const elf::Object& patched)
        : kernel_(kernel),
          source_(std::move(source)),
          object_(std::move(object)),
          original_(original),
          patched_(patched) {}

    void diff(const EntrySizes& entry_sizes, Diagnostics& diagnostics);
    // False where the difference cannot be expressed at all: its findings say so.
    [[nodiscard]] bool is_unchanged() const { return !failed_ && difference_->unchanged(); }
    // Not even a variable that another unit may use.
    [[nodiscard]] bool brings_nothing() const { return is_unchanged() && difference_->new_globals().empty(); }
    // False where all of its functions are new: the kernel would never call them.
    [[nodiscard]] bool replaces_functions() const;
    void prove(Diagnostics& diagnostics);
    // Symbols that the livepatch's other units of the same object may refer to.
    void add_new_globals(std::map<std::string, resolve::Names>& by_object) const;
    void resolve(const std::map<std::string, resolve::Names>& new_globals, Diagnostics& diagnostics);

    void add_to(Report& report) const;
    [[nodiscard]] make::UnitPart part();

private:
    [[nodiscard]] diff::Options options(const EntrySizes& entry_sizes) const;
    [[nodiscard]] bool is_resolved_at_load(std::string_view symbol) const;

    const kernel::Kernel& kernel_;
    std::string source_;
    std::string object_;
    const elf::Object& original_;
    const elf::Object& patched_;
    bool failed_ = false;
    std::optional<diff::Result> difference_;
    std::optional<resolve::Unit> unit_;
    std::vector<resolve::Resolution> resolutions_;
};

}  // namespace klp::build
