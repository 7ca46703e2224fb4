// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/name_users.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "source/c_tokens.hpp"

namespace klp::source {
namespace {

constexpr std::string_view words_kind = "source-words";
constexpr std::string_view pasted_kind = "pasted-names";

// Beyond this, a type that everything has is concerned.
constexpr std::size_t most_carrying_names = 1000;

bool is_translation_unit(std::string_view path) {
    return path.ends_with(".c") || path.ends_with(".S") || path.ends_with(".uc");
}

bool share_name(const NameSet& a, const NameSet& b) {
    const NameSet& small = a.size() < b.size() ? a : b;
    const NameSet& large = a.size() < b.size() ? b : a;
    return std::ranges::any_of(small, [&](const std::string& name) { return large.contains(name); });
}

void add_words(NameSet& names, std::string_view text) {
    for (const auto token : c_tokens(text))
        if (is_c_identifier(token)) names.emplace(token);
}

}  // namespace

NameUsers::NameUsers(const kernel::Kernel& kernel, const SourceTree& tree, const IncludeIndex& includes,
                     const PatchedFiles& files, unsigned jobs)
    : tree_(tree), includes_(includes), files_(files), included_(included_c_files(kernel, tree, jobs)) {
    std::vector<std::string> paths;
    for (const auto& [path, file] : includes.files())
        if (path != IncludeIndex::command_line) paths.push_back(path);
    const DerivedFile words = kept_of_tree(words_kind, kernel, tree);
    if (auto text = words.load()) words_.emplace(*std::move(text));
    if (!words_) {
        words_.emplace(WordIndex::of(
            paths, [&](const std::string& path) { return locate(path); }, jobs));
        words.store(words_->text());
    }
    const DerivedFile pasted = kept_of_tree(pasted_kind, kernel, tree);
    pasted_ = PastePatterns::parse(pasted.get([&] {
        const auto read = [&](const std::string& path) { return read_text(locate(path)); };
        return find_paste_patterns(*words_, read, jobs).text();
    }));
}

fs::path NameUsers::locate(const std::string& path) const {
    const fs::path in_tree = tree_.root() / path;
    return !tree_.is_split() || fs::exists(in_tree) ? in_tree : tree_.object_root() / path;
}

// Of both sides where it is patched.
const std::vector<NameUsers::Item>& NameUsers::items_of(const std::string& path) {
    const auto [place, is_new] = items_.try_emplace(path);
    if (!is_new) return place->second;
    std::vector<std::string> texts;
    if (fs::exists(locate(path))) texts.push_back(read_text(locate(path)));
    if (const auto patched = files_.files().find(path); patched != files_.files().end() && patched->second.exists)
        texts.push_back(patched->second.text());
    for (const std::string& text : texts) {
        for (CItem& item : c_items(text)) {
            NameSet mentioned = mentioned_by(item);
            // A condition decides about what stands under it.
            add_words(mentioned, item.conditions);
            place->second.push_back({item.kind, std::move(item.names), std::move(mentioned)});
        }
    }
    return place->second;
}

// Who calls a macro that makes a name has the pieces.
void NameUsers::add_made_by_pasting(const NameSet& fresh, Search& search) {
    struct Call {
        const std::string* macro;
        std::vector<std::string> pieces;
    };
    std::vector<Call> calls;
    std::vector<WordIndex::Combination> words;
    for (const auto& maker : pasted_.makers) {
        for (const std::string& name : fresh) {
            for (auto& filling : pattern_fillings(name, maker.pattern)) {
                std::erase_if(filling, [](const std::string& piece) { return !is_c_identifier(piece); });
                auto& combination = words.emplace_back(WordIndex::Combination{word_sum(maker.macro), {}});
                for (const auto& piece : filling) combination.rest.push_back(word_sum(piece));
                calls.push_back({&maker.macro, std::move(filling)});
            }
        }
    }
    if (calls.empty()) return;
    for (const auto& [path, found] : words_->files_with(words)) {
        if (is_translation_unit(path)) {
            add_user(path, search);
            continue;
        }
        for (const std::size_t i : found) {
            for (const Item& item : items_of(path)) {
                const auto mentions = [&](const std::string& word) { return item.mentioned.contains(word); };
                if (mentions(*calls[i].macro) && std::ranges::all_of(calls[i].pieces, mentions))
                    add_item(item, path, search);
            }
        }
    }
}

void NameUsers::add_user(const std::string& path, Search& search) const {
    search.users.insert(path);
    if (const auto by = included_.find(path); by != included_.end())
        search.users.insert(by->second.begin(), by->second.end());
}

void NameUsers::add_item(const Item& item, const std::string& path, Search& search) {
    if (item.kind == CItem::Kind::inert) return;
    if (item.kind == CItem::Kind::macro || item.kind == CItem::Kind::declaration)
        search.fresh.insert(item.names.begin(), item.names.end());
    else
        search.carriers.insert(path);
}

void NameUsers::look_through(const std::string& path, const NameSet& fresh, Search& search) {
    if (is_translation_unit(path)) return add_user(path, search);
    for (const Item& item : items_of(path))
        if (share_name(item.mentioned, fresh)) add_item(item, path, search);
}

std::optional<std::set<std::string>> NameUsers::find(const NameSet& names) {
    Search search{names, names, {}, {}};
    while (!search.fresh.empty()) {
        const NameSet fresh = std::exchange(search.fresh, {});
        std::set<WordSum> sums;
        for (const std::string& name : fresh) sums.insert(word_sum(name));
        std::set<std::string> paths;
        for (std::string& path : words_->files_with(sums)) paths.insert(std::move(path));
        for (const auto& [path, file] : files_.files())
            if (file.is_changed() && file.exists && includes_.files().contains(path)) paths.insert(path);
        for (const std::string& path : paths) look_through(path, fresh, search);
        add_made_by_pasting(fresh, search);
        std::erase_if(search.fresh, [&](const std::string& name) { return search.names.contains(name); });
        search.names.insert(search.fresh.begin(), search.fresh.end());
        if (search.names.size() > most_carrying_names) return std::nullopt;
    }
    search.users.merge(includes_.sources_reaching(search.carriers));
    return std::move(search.users);
}

}  // namespace klp::source
