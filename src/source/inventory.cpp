// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/inventory.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/text.hpp"
#include "source/object_names.hpp"

namespace klp::source {
namespace {

constexpr std::string_view top = ".";

// From the folder of `path` up to the top folder, without those behind `..`.
std::vector<std::string> folders_above(const std::string& path) {
    std::vector<std::string> folders;
    for (fs::path folder = fs::path(path).parent_path(); !folder.empty(); folder = folder.parent_path())
        if (folder.string().find("..") == std::string::npos) folders.push_back(folder.string());
    folders.emplace_back(top);
    return folders;
}

std::vector<fs::path> makefiles_of(const fs::path& folder) {
    std::vector<fs::path> found;
    for (const char* name : {"Kbuild", "Makefile"})
        if (fs::is_regular_file(folder / name)) found.push_back(folder / name);
    return found;
}

using Names = std::set<std::string, std::less<>>;

std::array<std::pair<std::string_view, Names kernel::FolderParts::*>, 6> fields() {
    using kernel::FolderParts;
    return {{{"builtin", &FolderParts::builtin},
             {"modules", &FolderParts::modules},
             {"folders", &FolderParts::folders},
             {"targets", &FolderParts::targets},
             {"hosts", &FolderParts::hosts},
             {"left-out", &FolderParts::left_out}}};
}

std::string text_of(const kernel::FolderParts& parts) {
    std::string text;
    for (const auto& [name, list] : fields()) text += fmt::format("{} {}\n", name, fmt::join(parts.*list, " "));
    return text;
}

kernel::FolderParts parse_parts(std::string_view text) {
    kernel::FolderParts parts;
    for (std::string_view line : lines_of(text)) {
        const std::string_view name = line.substr(0, line.find(' '));
        for (const auto& [field, list] : fields()) {
            if (field != name) continue;
            std::string_view rest = line.substr(std::min(name.size() + 1, line.size()));
            while (!rest.empty()) {
                const std::size_t end = std::min(rest.find(' '), rest.size());
                (parts.*list).emplace(rest.substr(0, end));
                rest.remove_prefix(std::min(end + 1, rest.size()));
            }
        }
    }
    return parts;
}

std::string without_extension(const std::string& path) {
    return path.substr(0, path.rfind('.'));
}

bool is_compiled(const std::string& target) {
    return target.ends_with(".o") || target.ends_with(".s");
}

// Whether `names` has an object, or the like, that is made from the source whose path without extension is `stem`.
bool has_made_of(const Names& names, const std::string& stem) {
    const std::string prefix = stem + ".";
    for (auto name = names.lower_bound(prefix); name != names.end() && name->starts_with(prefix); ++name)
        if (is_compiled(*name)) return true;
    return stem.ends_with(".lds") && names.contains(stem);
}

// Whether a word of a Makefile is the path of `header`, in the source tree and with a folder: a name alone is that of a
// header that is made.
bool names_input(std::string_view makefile, const std::string& header) {
    std::string_view before;
    for (std::size_t at = 0; at < makefile.size();) {
        const std::size_t begin = makefile.find_first_not_of(" \t\n", at);
        if (begin == std::string_view::npos) break;
        at = std::min(makefile.find_first_of(" \t\n", begin), makefile.size());
        std::string_view word = makefile.substr(begin, at - begin);
        const bool is_option = std::exchange(before, word) == "-include";
        if (is_option || !word.ends_with(".h") || word.starts_with("$(obj)") || word.starts_with('-')) continue;
        if (const std::size_t variable = word.find(")/"); variable != std::string_view::npos)
            word.remove_prefix(variable + 2);
        while (word.starts_with("../")) word.remove_prefix(3);
        if (word.find('/') == std::string_view::npos) continue;
        const std::string pattern = "*/" + std::string(word);
        if (::fnmatch(pattern.c_str(), ("/" + header).c_str(), 0) == 0) return true;
    }
    return false;
}

}  // namespace

Inventory::Inventory(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree)
    : kernel_(kernel),
      kbuild_(kbuild),
      tree_(tree),
      identity_(kbuild.identity()),
      arch_(kernel.arch().source_folder()) {}

const kernel::FolderParts& Inventory::parts(const std::string& folder) const {
    {
        const std::lock_guard guard(lock_);
        if (const auto known = parts_.find(folder); known != parts_.end()) return known->second;
    }
    std::vector<std::string> made_from = {"folder " + folder, "tree " + tree_.root().string(), "kbuild " + identity_};
    for (const auto& makefile : makefiles_of(tree_.root() / folder))
        made_from.push_back(makefile.string() + " " + sha256_hex(as_bytes(read_text(makefile))));
    const std::string digest = sha256_hex(as_bytes(fmt::format("{}", fmt::join(made_from, "\n"))));
    const DerivedFile kept(kernel_.cache_folder() / "folders" / digest, "folder-parts", made_from);
    kernel::FolderParts found = parse_parts(kept.get([&] { return text_of(kbuild_.parts(folder)); }));
    const std::lock_guard guard(lock_);
    return parts_.emplace(folder, std::move(found)).first->second;
}

Inventory::Visit Inventory::visit(const std::string& folder) const {
    {
        const std::lock_guard guard(lock_);
        if (const auto known = visits_.find(folder); known != visits_.end()) return known->second;
    }
    const Visit found = find_visit(folder);
    const std::lock_guard guard(lock_);
    return visits_.emplace(folder, found).first->second;
}

Inventory::Visit Inventory::find_visit(const std::string& folder) const {
    if (folder == top) return Visit::everything;
    Visit best = Visit::no;
    for (const auto& above : folders_above(folder)) {
        const Visit from = visit(above);
        if (from == Visit::no || !kbuild_.has_makefile(above)) continue;
        const kernel::FolderParts& parts = this->parts(above);
        // Before 6.1 the top Makefile itself listed the folders.
        const bool is_unknown = above == top && parts.folders.empty() &&
                                (folder.find('/') == std::string::npos || folder.starts_with("arch/" + arch_));
        if (!is_unknown && !parts.folders.contains(folder)) continue;
        if (is_unknown || (from == Visit::everything && parts.builtin.contains(folder + "/built-in.a")))
            return Visit::everything;
        best = Visit::modules;
    }
    return best;
}

std::vector<std::string> Inventory::objects_of(const std::string& source) const {
    const fs::path path(source);
    const std::string folder = path.parent_path().string();
    std::vector<std::string> others;
    {
        const std::lock_guard guard(lock_);
        if (const auto known = other_names_.find(folder); known != other_names_.end())
            others = known->second;
        else
            others = other_names_[folder] = objects_by_other_folders(tree_.root(), folder + "/x.c", arch_);
    }
    const std::string object = object_of(source);
    std::vector<std::string> objects = {object};
    for (const auto& other : others)
        objects.push_back((fs::path(other).parent_path() / fs::path(object).filename()).string());
    return objects;
}

bool Inventory::is_part(const std::string& object) const {
    return std::ranges::any_of(folders_above(object), [&](const std::string& folder) {
        const Visit kind = visit(folder);
        if (kind == Visit::no || !kbuild_.has_makefile(folder)) return false;
        const kernel::FolderParts& found = parts(folder);
        return found.modules.contains(object) || (kind == Visit::everything && found.builtin.contains(object));
    });
}

Inventory::Place Inventory::place_of(const std::string& source) const {
    for (const auto& object : objects_of(source))
        if (is_part(object)) return {Use::part, object};
    const std::string stem = without_extension(source);
    for (const auto& folder : folders_above(source)) {
        if (visit(folder) == Visit::no || !kbuild_.has_makefile(folder)) continue;
        const kernel::FolderParts& found = parts(folder);
        if (found.hosts.contains(stem) || found.hosts.contains(stem + ".o")) return {Use::host, {}};
        if (has_made_of(found.targets, stem)) return {Use::elsewhere, object_of(source)};
    }
    return {};
}

bool Inventory::is_named_by_makefile(const std::string& path, std::string_view name) const {
    return std::ranges::any_of(folders_above(path), [&](const std::string& folder) {
        return std::ranges::any_of(makefiles_of(tree_.root() / folder), [&](const fs::path& makefile) {
            return read_text(makefile).find(name) != std::string::npos;
        });
    });
}

bool Inventory::is_left_out(const std::string& path) const {
    const auto folders = folders_above(path);
    if (visit(folders.front()) == Visit::no) {
        for (const auto& folder : folders) {
            if (folder == top || visit(folder) != Visit::no) continue;
            if (is_named_by_other_arch_alone(folder)) return true;
            for (const auto& above : folders_above(folder))
                if (visit(above) != Visit::no && kbuild_.has_makefile(above) &&
                    parts(above).left_out.contains(folder + "/"))
                    return true;
        }
        return false;
    }
    if (!path.ends_with(".c") && !path.ends_with(".S")) return false;
    return place_of(path).use == Use::none && is_named_by_makefile(path, fs::path(object_of(path)).filename().string());
}

bool Inventory::is_input_of_makefile(const std::string& header) const {
    for (const auto& entry : fs::recursive_directory_iterator(tree_.root() / "arch" / arch_)) {
        const std::string file = entry.path().filename();
        if (!entry.is_regular_file() || (!file.starts_with("Makefile") && !file.starts_with("Kbuild"))) continue;
        if (names_input(read_text(entry.path()), header)) return true;
    }
    return false;
}

// As arch/s390/Makefile names drivers/s390.
bool Inventory::is_named_by_other_arch_alone(const std::string& folder) const {
    const fs::path all = tree_.root() / "arch";
    const std::string name = folder + "/";
    const auto names = [&](const fs::path& arch) {
        return std::ranges::any_of(makefiles_of(arch), [&](const fs::path& makefile) {
            const std::string text = read_text(makefile);
            for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1))
                if (at > 0 && std::isspace(static_cast<unsigned char>(text[at - 1])) != 0) return true;
            return false;
        });
    };
    if (names(all / arch_)) return false;
    return std::ranges::any_of(fs::directory_iterator(all),
                               [&](const auto& each) { return each.path().filename() != arch_ && names(each.path()); });
}

bool Inventory::is_of_foreign_arch(const std::string& path) const {
    if (!is_of_other_arch(path, arch_)) return false;
    std::string_view other = std::string_view(path).substr(std::string_view("arch/").size());
    other = other.substr(0, other.find('/'));
    if (other.size() + std::string_view("arch/").size() == path.size()) return false;  // arch/Kconfig
    const std::string folder = fmt::format("/{}/", other);
    const fs::path own = tree_.root() / "arch" / arch_;
    for (const auto& entry : fs::recursive_directory_iterator(own)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with("Makefile") && !name.starts_with("Kbuild")) continue;
        if (read_text(entry.path()).find(folder) != std::string::npos) return false;
    }
    return true;
}

}  // namespace klp::source
