// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/line_numbers.hpp"

#include <algorithm>
#include <array>

namespace klp::diff {

namespace {

struct LineTaker {
    std::string_view function;
    std::uint32_t position = 0;  // of the argument; 0: the first
};

// include/linux/kernel.h and might_sleep() of kernel/sched/core.c, include/asm-generic/bug.h, include/linux/lockdep.h:
// all have had (const char *file, int line, …) in every kernel that has them.
constexpr std::array<LineTaker, 11> takers = {{
    {"__might_sleep", 1},
    {"___might_sleep", 1},
    {"__might_resched", 1},
    {"__might_fault", 1},
    {"__cant_sleep", 1},
    {"__cant_migrate", 1},
    {"warn_slowpath_fmt", 1},
    {"warn_slowpath_fmt_taint", 1},
    {"warn_slowpath_null", 1},
    {"lockdep_rcu_suspicious", 1},
    {"__warn_slowpath_fmt", 1},
}};

// They print what they are given, a line where __LINE__ is given (ASSERT_RTNL() of include/linux/rtnetlink.h): that it
// is one, only the debug information tells.
constexpr std::array<std::string_view, 5> printers = {"__warn_printk", "_printk", "printk", "panic", "vpanic"};

bool may_print_line(std::string_view function, std::uint32_t position) {
    return position > 0 && std::ranges::find(printers, function) != printers.end();
}

bool takes_line(std::string_view function, std::uint32_t position) {
    return std::ranges::any_of(
        takers, [&](const LineTaker& each) { return each.function == function && each.position == position; });
}

// lib/ubsan.h: struct source_location { const char *file_name; u32 line, column; }, with which all of them begin.
constexpr arch::Range line_of_check{8, 12};

bool is_check(const Target& target) {
    return target.kind == Target::Kind::piece && is_sanitizer_data(*target.piece->section) &&
           target.piece->range.size() >= line_of_check.end && !target.piece->section->rela().empty();
}

bool has_field_in(const Decomposition& object, const Piece& code, arch::Range range) {
    return std::ranges::any_of(object.fields(code),
                               [&](const Field& each) { return range.contains(each.offset() - code.range.begin); });
}

const Field* field_at(const Decomposition& object, const Piece& code, std::uint64_t offset) {
    const auto fields = object.fields(code);
    const auto found = std::ranges::find(fields, offset, &Field::offset);
    return found == fields.end() ? nullptr : &*found;
}

}  // namespace

LineNumbers::LineNumbers(const Correlation& pairs)
    : original_{pairs.original()},
      patched_{pairs.patched()},
      strict_(pairs),
      comparison_(pairs, [this](const Target& was, const Target& is) { return same_check(was, is); }) {}

bool LineNumbers::alone_differ(const Piece& original, const Piece& patched) {
    const bool is_code = original.is_any_code() && patched.is_any_code();
    if (!is_code || original.range.size() != patched.range.size()) return false;
    const auto loads = loads_of_lines(original, patched);
    return loads && comparison_.equal_but(original, patched, *loads);
}

bool LineNumbers::same_check(const Target& original, const Target& patched) const {
    return is_check(original) && is_check(patched) &&
           strict_.equal_but(*original.piece, *patched.piece, std::array{line_of_check});
}

std::optional<LineNumbers::Ranges> LineNumbers::loads_of_lines(const Piece& original, const Piece& patched) {
    const arch::Arch& architecture = patched_.object.architecture();
    const auto starts = architecture.instruction_starts(*patched.section, patched.range);
    const Bytes before = original.content();
    const Bytes after = patched.content();
    Ranges found;
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const std::uint64_t begin = starts[i] - patched.range.begin;
        const std::uint64_t end = (i + 1 < starts.size() ? starts[i + 1] : patched.range.end) - patched.range.begin;
        if (std::ranges::equal(before.subspan(begin, end - begin), after.subspan(begin, end - begin))) continue;
        // What relocations write is compared by what they refer to.
        if (has_field_in(patched_.object, patched, {begin, end})) continue;
        const auto was = line_loaded(original_, original, begin);
        const auto is = line_loaded(patched_, patched, begin);
        const auto place = [](const arch::ConstantArgument& load, const Piece& piece) {
            return std::pair(load.instruction.size(), load.argument.call - piece.range.begin);
        };
        if (!was || !is || was->argument.position != is->argument.position ||
            place(*was, original) != place(*is, patched))
            return std::nullopt;
        found.push_back({begin, end});
    }
    return found;
}

std::optional<arch::ConstantArgument> LineNumbers::line_loaded(Side& side, const Piece& code, std::uint64_t offset) {
    const auto loaded =
        side.object.architecture().constant_argument(*code.section, code.range, code.range.begin + offset);
    if (!loaded || loaded->instruction.begin != code.range.begin + offset) return std::nullopt;
    const Field* call = field_at(side.object, code, loaded->argument.call);
    const bool is_named =
        call != nullptr && (call->target.kind == Target::Kind::undefined || call->target.kind == Target::Kind::piece);
    if (!is_named) return std::nullopt;
    const bool is_line = takes_line(call->target.name(), loaded->argument.position);
    if (!is_line && !may_print_line(call->target.name(), loaded->argument.position)) return std::nullopt;
    return is_line_of(side, code, *loaded).value_or(is_line) ? loaded : std::nullopt;
}

std::optional<bool> LineNumbers::is_line_of(Side& side, const Piece& code, const arch::ConstantArgument& loaded) {
    if (!side.lines) {
        side.lines.emplace();
        const elf::Object& object = side.object.object();
        if (DebugImage::is_in(object))
            *side.lines = std::make_unique<SourceMap>(object, [](const std::string& name) { return name; });
    }
    if (*side.lines == nullptr) return std::nullopt;
    const auto line = (*side.lines)->line_at({code.section->name, code.name(), loaded.argument.call});
    return line && line->line == loaded.value;
}

}  // namespace klp::diff
