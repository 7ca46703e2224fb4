// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is kept of a unit is a derived file, compressed: a checksum of what the file system says of its dependencies,
// that of its code, or an empty line, the words of it (each as its distance to the one before), then the dependencies,
// a line each.
#include "source/dependencies.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "base/compress.hpp"
#include "base/decompress.hpp"
#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "source/live_code.hpp"
#include "source/overlay.hpp"

namespace klp::source {
namespace {

// Whether what nothing mentions is left out of the object, as live_code() has it.
bool leaves_out_unused(const kernel::CompileCommand& command) {
    return std::ranges::none_of(command.compiler, [](const std::string& option) {
        return option.starts_with("-fkeep-") || option == "-fno-toplevel-reorder" || option == "-fno-unit-at-a-time" ||
               option == "-O0";
    });
}

std::string text_of(const std::vector<WordSum>& words) {
    std::string text;
    WordSum last = 0;
    for (const WordSum word : words) {
        text += fmt::format("{:x} ", word - last);
        last = word;
    }
    return text;
}

std::vector<WordSum> words_in(std::string_view line) {
    std::vector<WordSum> words;
    WordSum last = 0;
    while (!line.empty()) {
        WordSum distance = 0;
        const char* end = std::from_chars(line.data(), line.data() + line.size(), distance, 16).ptr;
        line.remove_prefix(std::min<std::size_t>(static_cast<std::size_t>(end - line.data()) + 1, line.size()));
        words.push_back(last += distance);
    }
    return words;
}

bool is_c_unit(const kernel::CompileCommand& command) {
    return command.source.ends_with(".c") && leaves_out_unused(command);
}

// The Makefiles that decide about an object's command, besides those that the environment comes from.
std::vector<fs::path> deciding_makefiles(const fs::path& tree, const std::string& object) {
    std::vector<fs::path> found;
    const auto add = [&](const fs::path& path) {
        if (fs::is_regular_file(path)) found.push_back(path);
    };
    for (const char* name : {"scripts/Makefile.build", "scripts/Makefile.lib"}) add(tree / name);
    for (fs::path folder = fs::path(object).parent_path(); !folder.empty(); folder = folder.parent_path())
        for (const char* name : {"Kbuild", "Makefile"}) add(tree / folder / name);
    return found;
}

}  // namespace

Dependencies::Dependencies(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree)
    : kernel_(kernel), kbuild_(kbuild), tree_(tree), identity_(kbuild.identity()), scratch_("klp-dependencies") {}

DerivedFile Dependencies::entry(const std::string& object) const {
    std::vector<std::string> made_from = {"object " + object, "tree " + tree_.root().string(), "kbuild " + identity_,
                                          std::string("code ") + live_code_version};
    for (const auto& makefile : deciding_makefiles(tree_.root(), object))
        made_from.push_back(makefile.string() + " " + state_of(makefile.string()));
    const std::string digest = sha256_hex(as_bytes(fmt::format("{}", fmt::join(made_from, "\n"))));
    return {kernel_.cache_folder() / "dependencies" / digest, "unit-dependencies", made_from};
}

// Size, times and inode; what a file is that is not there, is a state too.
std::string Dependencies::state_of(const std::string& name) const {
    {
        const std::lock_guard guard(lock_);
        if (const auto known = states_.find(name); known != states_.end()) return known->second;
    }
    struct stat info {};
    std::string state = "-";
    if (::stat((tree_.root() / name).c_str(), &info) == 0)
        state = fmt::format("{} {}.{} {}.{} {}", info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                            info.st_ctim.tv_sec, info.st_ctim.tv_nsec, info.st_ino);
    const std::lock_guard guard(lock_);
    return states_.emplace(name, std::move(state)).first->second;
}

std::string Dependencies::states_digest(const Files& files) const {
    std::string text;
    for (const auto& file : files) text += state_of(file) + "\n";
    return sha256_hex(as_bytes(text));
}

std::string Dependencies::name_of(const fs::path& file, const fs::path& root) const {
    const std::string written = file.string();
    {
        const std::lock_guard guard(lock_);
        if (const auto known = names_.find(written); known != names_.end()) return known->second;
    }
    std::error_code error;
    const fs::path real = fs::canonical(file, error);
    if (error)
        throw Error({written, {}, {}}, fmt::format("what the compiler reads cannot be looked at: {}", error.message()));
    std::string name = real.string();
    for (const fs::path& base : {root, tree_.root()}) {
        const std::string prefix = base.string() + "/";
        if (name.starts_with(prefix)) {
            name.erase(0, prefix.size());
            break;
        }
    }
    const std::lock_guard guard(lock_);
    return names_.emplace(written, std::move(name)).first->second;
}

void Dependencies::add_name(Files& files, const fs::path& file, const fs::path& root) const {
    std::error_code error;
    if (fs::exists(file, error)) files.insert(name_of(file, root));
    if (error) throw Error({file.string(), {}, {}}, fmt::format("cannot be looked at: {}", error.message()));
}

std::optional<Dependencies::Answer> Dependencies::kept(const std::string& object) const {
    const auto packed = entry(object).load();
    if (!packed) return std::nullopt;
    const auto bytes = decompress(Compression::zstd, as_bytes(*packed), {object, {}, {}});
    const auto lines = lines_of(as_text(bytes));
    if (lines.size() < 3) return std::nullopt;
    Answer answer{{}, std::string(lines[1]), words_in(lines[2])};
    for (auto line = lines.begin() + 3; line != lines.end(); ++line) answer.files.emplace(*line);
    if (states_digest(answer.files) != lines.front()) return std::nullopt;
    return answer;
}

// A path of the other tree is no difference.
void Dependencies::read_code(Answer& answer, const fs::path& preprocessed, const fs::path& root) const {
    const std::string text = read_text(preprocessed);
    fs::remove(preprocessed);
    auto code = live_code(text);
    if (!code) return;
    const std::string other = root.string() + "/";
    const std::string own = tree_.root().string() + "/";
    if (other != own)
        for (std::size_t at = code->find(other); at != std::string::npos; at = code->find(other, at + own.size()))
            code->replace(at, other.size(), own);
    answer.code = sha256_hex(as_bytes(*code));
    answer.words = live_words(*code, text);
}

Dependencies::Answer Dependencies::run_compiler(const kernel::CompileCommand& command, const fs::path& root) const {
    const fs::path directory = tree_.is_split() || root == tree_.root() ? command.directory : root;
    std::string flat = command.object;
    std::ranges::replace(flat, '/', '_');
    const fs::path output = scratch_.path() / (flat + ".d");
    const fs::path preprocessed = scratch_.path() / (flat + ".i");
    std::vector<std::string> argv = command.compiler;
    argv.push_back(command.source);
    for (auto& word : argv) word = tree_.moved(word, root);
    const auto run_with = [&](const std::vector<std::string>& options) {
        std::vector<std::string> all = argv;
        all.insert(all.end(), options.begin(), options.end());
        Command run = kbuild_.in_tree(std::move(all), scratch_.path());
        run.directory = directory;
        return klp::run(run);
    };
    Answer answer;
    CommandResult result;
    if (is_c_unit(command)) {
        result = run_with({"-E", "-dU", "-MD", "-MF", output.string(), "-o", preprocessed.string()});
        if (result.status == 0) read_code(answer, preprocessed, root);
    } else {
        result = run_with({"-M", "-MF", output.string()});
    }
    // A prepared tree lacks some headers that are generated while the kernel is built, such as numbers for
    // assembly; the compiler then takes what it does not find for such. They include nothing.
    if (result.status != 0) result = run_with({"-M", "-MF", output.string(), "-MG"});
    if (result.status != 0)
        throw Error({command.source, {}, {}},
                    fmt::format("the compiler does not say which files this is made from:\n{}",
                                without_newline(result.errors)));
    for (const auto& file : read_dependency_file(output)) add_name(answer.files, directory / file, root);
    return answer;
}

Dependencies::Answer Dependencies::ask(const std::string& object, const kernel::CompileCommand& command) const {
    Answer answer = run_compiler(command, tree_.root());
    const std::string text = fmt::format("{}\n{}\n{}\n{}\n", states_digest(answer.files), answer.code,
                                         text_of(answer.words), fmt::join(answer.files, "\n"));
    entry(object).store(as_text(compress_zstd(as_bytes(text))));
    return answer;
}

Dependencies::Answer Dependencies::ask_patched(const kernel::CompileCommand& command, const fs::path& root) const {
    return run_compiler(command, root);
}

}  // namespace klp::source
