// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/header_reach.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/parallel.hpp"
#include "base/process.hpp"
#include "source/c_items.hpp"
#include "source/classify.hpp"
#include "source/overlay.hpp"
#include "source/patched_tree.hpp"
#include "source/touched_names.hpp"
#include "source/word_index.hpp"

namespace klp::source {
namespace {

constexpr const char* looked_at = "source files looked at";
constexpr std::size_t progress_step = 100;  // candidates
constexpr auto between_reports = std::chrono::seconds(5);
constexpr std::size_t enough_to_estimate = 100;  // candidates

std::vector<std::string> common_files(const Dependencies::Files& files, const std::vector<std::string>& headers) {
    std::vector<std::string> common;
    for (const auto& header : headers)
        if (files.contains(header)) common.push_back(header);
    return common;
}

// Code that has run when a livepatch is loaded, or that no kernel has.
bool is_of_no_interest(const std::string& source) {
    const FileClass kind = classify(source);
    return kind.kind == FileKind::ignored || kind.kind == FileKind::skipped || kind.id == "build.boot";
}

bool is_linker_script(std::string_view source) {
    return source.ends_with(".lds.S");
}

// As the kernel's rule for linker scripts has it (scripts/Makefile.build: cmd_cpp_lds_S).
kernel::CompileCommand linker_script_command(const kernel::Kbuild& kbuild, const SourceTree& tree,
                                             const std::string& source) {
    kernel::CompileCommand command;
    command.object = source.substr(0, source.size() - 2);
    command.source = tree.is_split() ? (tree.root() / source).string() : source;
    command.directory = tree.object_root();
    command.compiler = {kbuild.compiler().program, "-E", "-P", "-D__ASSEMBLY__", "-DLINKER_SCRIPT"};
    for (const char* variable : {"NOSTDINC_FLAGS", "LINUXINCLUDE", "KBUILD_CPPFLAGS"})
        for (auto& word : kbuild.words(variable)) command.compiler.push_back(std::move(word));
    return command;
}

}  // namespace

std::optional<TranslationUnit> HeaderReach::look_up(const std::string& source, const Inventory::Place& place) const {
    if (is_linker_script(source)) return TranslationUnit{source, linker_script_command(kbuild_, tree_, source), {}, {}};
    kernel::CommandAnswer answer = kbuild_.look_up(place.object, true);
    if (place.use == Inventory::Use::part && answer.command) return unit_of(source, std::move(answer));
    if (answer.command) return TranslationUnit{source, *std::move(answer.command), {}, {}};
    if (answer.assembly) return TranslationUnit{source, *std::move(answer.assembly), {}, {}};
    return std::nullopt;
}

Dependencies::Answer HeaderReach::dependencies_of(const TranslationUnit& unit, Side side) const {
    if (side == Side::original) return dependencies_.ask(unit.command.object, unit.command);
    Overlay overlay(tree_.root());
    write_patched(overlay, files_);
    overlay.make_folders_real(tree_.path_in_tree(unit.command.source));
    return dependencies_.ask_patched(unit.command, overlay.root());
}

void HeaderReach::add(TranslationUnit unit, Inventory::Use use) {
    const std::lock_guard guard(lock_);
    noticed_.insert(unit.reached_by.begin(), unit.reached_by.end());
    if (use == Inventory::Use::elsewhere || unit.objects.empty()) {
        result_.watched.push_back(std::move(unit));
        return;
    }
    std::string source = unit.source;
    result_.units.emplace(std::move(source), std::move(unit));
    if (known_ + result_.units.size() > options_.max_units) is_cut_short_ = true;
}

void HeaderReach::ask(const std::string& source, const std::vector<std::string>& headers, Side side) {
    if (is_of_no_interest(source)) return;
    const auto note_down = [&](std::set<std::string>& list) {
        const std::lock_guard guard(lock_);
        list.insert(source);
    };
    if (source.starts_with("scripts/") && source.ends_with(".c")) return note_down(result_.tools);
    if (source.ends_with(".uc")) {
        if (inventory_.visit(fs::path(source).parent_path().string()) != Inventory::Visit::no)
            note_down(result_.unknown);
        return;
    }
    const Inventory::Place place = inventory_.place_of(source);
    if (place.use == Inventory::Use::none) return;
    if (place.use == Inventory::Use::host) return note_down(result_.hosts);
    std::optional<Dependencies::Answer> answer;
    if (side == Side::original && !is_linker_script(source)) answer = dependencies_.kept(place.object);
    const auto needs_no_more = [&] {
        const auto common = common_files(answer->files, headers);
        if (common.empty()) return true;
        if (side == Side::patched || !mentions_none(*answer, common)) return false;
        const std::lock_guard guard(lock_);
        ++result_.unaffected;
        return true;
    };
    if (answer && needs_no_more()) return;
    auto unit = look_up(source, place);
    if (!unit) return note_down(result_.unknown);
    try {
        if (!answer) answer = dependencies_of(*unit, side);
    } catch (const Error&) {
        // Options that come from rules of its own are not known: it cannot be told.
        if (place.use != Inventory::Use::elsewhere) throw;
        return note_down(result_.unknown);
    }
    if (needs_no_more()) return;
    unit->reached_by = common_files(answer->files, headers);
    const std::lock_guard guard(lock_);
    // A new header has no original to compare with.
    reached_.push_back({*std::move(unit), place.use, side == Side::original ? std::move(answer->code) : std::string()});
}

// Macros that paste names are no way around this: what they make is in the text after preprocessing, and a macro that
// is changed is told by the compiler itself.
bool HeaderReach::mentions_none(const Dependencies::Answer& answer, const std::vector<std::string>& headers) const {
    if (answer.code.empty()) return false;
    return std::ranges::all_of(headers, [&](const std::string& header) {
        const auto words = words_.find(header);
        return words != words_.end() && std::ranges::none_of(words->second, [&](WordSum word) {
                   return std::ranges::binary_search(answer.words, word);
               });
    });
}

void HeaderReach::ask_all(const std::vector<std::string>& sources, const std::vector<std::string>& headers, Side side) {
    const std::span all(sources);
    began_ = reported_ = std::chrono::steady_clock::now();
    for (std::size_t at = 0; at < all.size(); at += progress_step) {
        if (is_cut_short_ && asked_ >= enough_to_estimate) return;
        ask_some(all.subspan(at, std::min(progress_step, all.size() - at)), headers, side, {at, all.size()});
        add_affected();
        if (at + progress_step < all.size()) report_progress(at + progress_step, all.size());
    }
    options_.progress.count(looked_at, all.size(), all.size());
}

void HeaderReach::ask_some(std::span<const std::string> sources, const std::vector<std::string>& headers, Side side,
                           Part part) {
    std::atomic<std::size_t> done = part.begin;
    parallel_for(sources.size(), options_.jobs, [&](std::size_t i) {
        check_interrupted();
        try {
            ask(sources[i], headers, side);
        } catch (const Error& failure) {
            const std::lock_guard guard(lock_);
            if (!failure_ || sources[i] < failure_->source) failure_ = Failure{sources[i], failure};
        }
        ++asked_;
        options_.progress.count(looked_at, ++done, part.all);
    });
}

// Units whose code is the same after preprocessing are left out.
void HeaderReach::add_affected() {
    const auto is_known = [](const Reached& reached) { return !reached.code.empty(); };
    if (std::ranges::any_of(reached_, is_known) && !patched_) {
        patched_.emplace(tree_.root());
        write_patched(*patched_, files_);
    }
    for (const Reached& reached : reached_)
        if (is_known(reached)) patched_->make_folders_real(tree_.path_in_tree(reached.unit.command.source));
    parallel_for(reached_.size(), options_.jobs, [&](std::size_t i) {
        check_interrupted();
        Reached& reached = reached_[i];
        if (is_known(reached) && is_unaffected(reached)) {
            const std::lock_guard guard(lock_);
            ++result_.unaffected;
        } else {
            add(std::move(reached.unit), reached.use);
        }
    });
    reached_.clear();
}

// What the preprocessor does not come to an end with, the compiler will not either: it says why.
bool HeaderReach::is_unaffected(const Reached& reached) const {
    try {
        return dependencies_.ask_patched(reached.unit.command, patched_->root()).code == reached.code;
    } catch (const Error&) {
        return false;
    }
}

void HeaderReach::report_progress(std::size_t done, std::size_t all) {
    const auto now = std::chrono::steady_clock::now();
    if (options_.progress.has_bar() || now - reported_ < between_reports) return;
    reported_ = now;
    const std::size_t found = result_.units.size() + result_.watched.size();
    std::string left = time_left(done, all, std::chrono::duration<double>(now - began_).count());
    if (!left.empty()) left.insert(0, "; ");
    options_.progress(
        fmt::format("{} of {} source files looked at: {} include a patched header, {} of them use what changes{}", done,
                    all, found + result_.unaffected, found, left));
}

std::set<std::string> HeaderReach::candidates(const IncludeIndex& index, const std::vector<std::string>& headers) {
    std::set<std::string> sources;
    for (const auto& header : headers) {
        const PatchedFile& file = files_.files().at(header);
        const bool is_c = header.ends_with(".h") && file.exists;
        const auto touched = is_c ? touched_names(file.original, file.text()) : std::nullopt;
        if (touched && (touched->names.empty() || are_new_declarations(touched->names, file, index))) {
            result_.unused.insert(header);
            continue;
        }
        if (touched && !touched->makes_macros)
            for (const std::string& name : touched->names) words_[header].push_back(word_sum(name));
        sources.merge(index.sources_reaching(header));
    }
    return sources;
}

// A declaration of what nothing has mentioned so far means nothing to sources that the patch leaves as they are. Of
// other names nobody can tell from the text who uses them: macros make names of pieces (##).
bool HeaderReach::are_new_declarations(const NameSet& names, const PatchedFile& file, const IncludeIndex& index) const {
    for (const CItem& item : c_items(file.text())) {
        const auto is_touched = [&](const std::string& name) { return names.contains(name); };
        if (item.kind == CItem::Kind::macro && std::ranges::any_of(item.names, is_touched)) return false;
    }
    std::set<WordSum> sums;
    for (const std::string& name : names) sums.insert(word_sum(name));
    const DerivedFile kept = kept_of_tree("source-words", kernel_, tree_);
    const auto words = [&] {
        if (auto text = kept.load()) return WordIndex(*std::move(text));
        std::vector<std::string> paths;
        for (const auto& [path, source] : index.files())
            if (path != IncludeIndex::command_line) paths.push_back(path);
        const auto locate = [&](const std::string& path) {
            const fs::path in_tree = tree_.root() / path;
            return !tree_.is_split() || fs::exists(in_tree) ? in_tree : tree_.object_root() / path;
        };
        WordIndex made = WordIndex::of(paths, locate, options_.jobs);
        kept.store(made.text());
        return made;
    }();
    return words.files_with(sums).empty();
}

HeaderReach::Result HeaderReach::find(const std::vector<std::string>& headers,
                                      const std::map<std::string, TranslationUnit>& known) {
    known_ = known.size();
    std::vector<std::string> before;  // that the unpatched tree has
    std::vector<std::string> added;
    std::map<std::string, std::string> texts;
    for (const auto& [path, file] : files_.files())
        if (file.is_changed() && file.exists) texts.emplace(path, file.text());
    for (const auto& header : headers) (files_.files().at(header).existed ? before : added).push_back(header);

    // In an order that lets those looked at so far stand for all.
    const auto still_open = [&](std::set<std::string> found) {
        std::erase_if(
            found, [&](const std::string& source) { return known.contains(source) || result_.units.contains(source); });
        result_.candidates += found.size();
        std::vector<std::string> sources(found.begin(), found.end());
        std::ranges::sort(sources, {}, [](const std::string& source) { return std::pair(word_sum(source), source); });
        return sources;
    };
    const IncludeIndex index = all_includes(kernel_, tree_, options_.jobs, {});
    const auto sources = still_open(candidates(index, before));
    if (sources.size() > progress_step)
        options_.progress(fmt::format("{} source files may include {}; asking the compiler which of them do",
                                      sources.size(), fmt::join(before, ", ")));
    ask_all(sources, before, Side::original);
    // A new header may also come in the place of one that others mean by the same name.
    if (!added.empty()) {
        const IncludeIndex patched = index.with(texts);
        ask_all(still_open(patched.sources_reaching(std::set(added.begin(), added.end()))), added, Side::patched);
    }
    // Too many is an answer that the one which could not be had would not change.
    if (failure_ && !is_cut_short_) throw Error(failure_->error);
    if (result_.unaffected != 0)
        for (const auto& header : before)
            if (!noticed_.contains(header)) result_.unused.insert(header);
    result_.is_cut_short = is_cut_short_;
    result_.asked = asked_;
    std::ranges::sort(result_.watched, {}, &TranslationUnit::source);
    return std::move(result_);
}

}  // namespace klp::source
