// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/simulate_names.hpp"

#include <fmt/format.h>

namespace klp::report {

std::string_view word_of(loader::EventKind kind) {
    switch (kind) {
        case loader::EventKind::load:
            return "load";
        case loader::EventKind::unload:
            return "unload";
        case loader::EventKind::enable:
            return "enable";
        case loader::EventKind::disable:
            return "disable";
    }
    return {};
}

std::string_view word_of(loader::Area area) {
    switch (area) {
        case loader::Area::text:
            return "text";
        case loader::Area::data:
            return "data";
        case loader::Area::rodata:
            return "rodata";
        case loader::Area::ro_after_init:
            return "ro-after-init";
        case loader::Area::init_text:
            return "init-text";
        case loader::Area::init_data:
            return "init-data";
        case loader::Area::init_rodata:
            return "init-rodata";
    }
    return {};
}

std::string_view word_of(loader::LogLine::Level level) {
    switch (level) {
        case loader::LogLine::Level::info:
            return "info";
        case loader::LogLine::Level::notice:
            return "notice";
        case loader::LogLine::Level::warning:
            return "warning";
        case loader::LogLine::Level::error:
            return "error";
    }
    return {};
}

std::string_view word_of(loader::RelocationStep::Action action) {
    return action == loader::RelocationStep::Action::apply ? "apply" : "clear";
}

std::string_view word_of(kernel::Hook::Where where) {
    switch (where) {
        case kernel::Hook::Where::unknown:
            return "unknown";
        case kernel::Hook::Where::none:
            return "none";
        case kernel::Hook::Where::own:
            return "own";
        case kernel::Hook::Where::elsewhere:
            return "elsewhere";
    }
    return {};
}

std::string_view word_of(arch::WriteKind kind) {
    switch (kind) {
        case arch::WriteKind::field:
            return "field";
        case arch::WriteKind::toc_restore:
            return "toc-restore";
        case arch::WriteKind::stub:
            return "stub";
        case arch::WriteKind::got_entry:
            return "got-entry";
        case arch::WriteKind::plt_entry:
            return "plt-entry";
        case arch::WriteKind::veneer:
            return "veneer";
        case arch::WriteKind::trampoline:
            return "trampoline";
    }
    return {};
}

std::string hexadecimal(Bytes bytes) {
    std::string text;
    text.reserve(2 * bytes.size());
    for (const std::byte each : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(each));
    return text;
}

std::string counted(arch::WriteKind kind, std::size_t count) {
    const auto words = [&](std::string_view one, std::string_view several) {
        return fmt::format("{} {}", count, count == 1 ? one : several);
    };
    switch (kind) {
        case arch::WriteKind::field:
            return words("field", "fields");
        case arch::WriteKind::toc_restore:
            return words("restoring of r2", "restorings of r2");
        case arch::WriteKind::stub:
            return words("stub", "stubs");
        case arch::WriteKind::got_entry:
            return words("GOT entry", "GOT entries");
        case arch::WriteKind::plt_entry:
            return words("PLT entry", "PLT entries");
        case arch::WriteKind::veneer:
            return words("veneer", "veneers");
        case arch::WriteKind::trampoline:
            return words("trampoline", "trampolines");
    }
    return {};
}

loader::WrittenSection place_of(const arch::MemoryWrite& write, const loader::RelocationStep& step) {
    if (!write.section) return {"(got and plt)", step.reserved_text_address};
    const auto found = step.sections.find(*write.section);
    return found == step.sections.end() ? loader::WrittenSection{fmt::format("section {}", *write.section), 0}
                                        : found->second;
}

}  // namespace klp::report
