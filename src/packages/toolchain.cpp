// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/toolchain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/process.hpp"

namespace klp::packages {

namespace {

// Beside the compiler: what kbuild runs to find out its options and to make generated files, and the libraries of
// objtool. libc6-dev is for programs that kbuild compiles for the machine itself.
constexpr std::array<const char*, 18> companions{
    "binutils",  "make",      "libc6-dev", "bash",    "dash",   "coreutils", "sed", "grep", "mawk",
    "findutils", "diffutils", "perl-base", "libelf1", "zlib1g", "bc",        "tar", "gzip", "base-files"};

// Unpacked with what it depends on (bytes).
constexpr std::uint64_t toolchain_space = 600'000'000;

// Packages of releases before the merged /usr have files in the first of them.
constexpr std::array<const char*, 4> merged_folders{"bin", "sbin", "lib", "lib64"};

void make_merged_folders(const fs::path& root) {
    for (const char* name : merged_folders) {
        fs::create_directories(root / "usr" / name);
        fs::create_symlink(fs::path("usr") / name, root / name);
    }
}

// Names that maintainer scripts make, or a package that only depends on the compiler.
void make_common_names(const fs::path& root, const std::string& compiler) {
    const std::array<std::pair<std::string, std::string>, 4> names{
        {{"awk", "mawk"}, {"gcc", compiler}, {"cc", compiler}, {"sh", "dash"}}};
    for (const auto& [name, target] : names) {
        const fs::path link = root / "usr/bin" / name;
        if (!fs::exists(fs::symlink_status(link))) fs::create_symlink(target, link);
    }
}

class ToolchainFolder {
public:
    explicit ToolchainFolder(std::string_view name) : name_(name), bin_(".new", parent()) {}
    [[nodiscard]] fs::path root() const { return bin_.path() / "toolchain/root"; }
    [[nodiscard]] fs::path download() const { return bin_.path() / "download"; }
    kernel::Toolchain commit() const;

private:
    [[nodiscard]] fs::path parent() const {
        fs::create_directories(kernel::toolchain_folder(name_).parent_path());
        return kernel::toolchain_folder(name_).parent_path();
    }

    std::string name_;
    TempDir bin_;
};

kernel::Toolchain ToolchainFolder::commit() const {
    kernel::Toolchain toolchain{.name = name_, .root = {}, .fetched = true, .compilers = kernel::compilers_in(root())};
    if (toolchain.compilers.empty()) throw Error(fmt::format("toolchain '{}' has no compiler that runs", name_));
    const fs::path folder = kernel::toolchain_folder(name_);
    toolchain.root = folder / "root";
    std::error_code failure;
    fs::rename(bin_.path() / "toolchain", folder, failure);
    if (failure && !fs::exists(folder / "root"))
        throw Error({folder.string(), "", {}}, "cannot be made: " + failure.message());
    kernel::store_toolchain(toolchain);
    return toolchain;
}

struct ChosenCompiler {
    std::string package;  // "gcc-14=14.2.0-19"
    std::string version;  // "14.2.0-19"
};

ChosenCompiler choose_compiler(const Apt& apt, const kernel::CompilerText& wanted, const Progress& progress) {
    const std::string name = "gcc-" + wanted.major;
    if (!wanted.package_version.empty() && apt.show(name, wanted.package_version))
        return {fmt::format("{}={}", name, wanted.package_version), wanted.package_version};
    const auto other = apt.show(name);
    if (!other)
        throw Error(fmt::format("the archive has no {} (any more), which made the kernel: without it nothing of the "
                                "kernel can be proven",
                                name))
            .hint("unpack a distribution that has it into a folder: klp toolchain add NAME FOLDER");
    progress(
        fmt::format("the archive has {0} {1}, but not {2} any more, which made the kernel: code that it makes "
                    "differently will be refused, function by function",
                    name, other->version(), wanted.version));
    return {fmt::format("{}={}", name, other->version()), std::string(other->version())};
}

kernel::Toolchain fetch_toolchain(const Apt& apt, const kernel::CompilerText& wanted, const Progress& progress) {
    const ChosenCompiler chosen = choose_compiler(apt, wanted, progress);
    const std::string compiler = "gcc-" + wanted.major;
    const std::string name = fmt::format("{}-{}-{}", debian_architecture(), compiler, chosen.version);
    if (auto known = kernel::load_toolchain(name)) return *std::move(known);
    const ToolchainFolder folder(name);
    if (fs::space(folder.root().parent_path().parent_path()).available < toolchain_space)
        throw Error({kernel::toolchain_folder(name).string(), "", {}}, "no space for a toolchain: 600 MB needed")
            .hint("put the cache elsewhere: KLPKIT_CACHE=FOLDER");
    progress(fmt::format("downloading {} {} and what it depends on", compiler, chosen.version));
    std::vector<std::string> names{chosen.package};
    names.insert(names.end(), companions.begin(), companions.end());
    const std::vector<fs::path> debs = apt.download_all(names, folder.download());
    progress(fmt::format("unpacking {} packages of the toolchain", debs.size()));
    fs::create_directories(folder.root());
    make_merged_folders(folder.root());
    for (const fs::path& deb : debs) unpack_deb(deb, folder.root());
    make_common_names(folder.root(), compiler);
    return folder.commit();
}

bool has_programs() {
    return find_program("make") && find_program("ld");
}

}  // namespace

std::string provide_toolchain(const Apt& apt, const kernel::Config& config, const arch::Arch& arch,
                              const Location& where, const Progress& progress) {
    const kernel::CompilerText wanted =
        kernel::parse_compiler_text(config.value("CONFIG_CC_VERSION_TEXT").value_or(""));
    try {
        const kernel::Compiler compiler = kernel::find_compiler(config, arch, where);
        if (compiler.root.empty() && has_programs()) return {};
        for (const kernel::Toolchain& toolchain : kernel::list_toolchains())
            if (!compiler.root.empty() && toolchain.root == compiler.root) return toolchain.name;
    } catch (const kernel::NoCompiler&) {
        // Of a kernel that GCC has not made, no toolchain is known that would do.
        if (wanted.major.empty() || !config.enabled("CONFIG_CC_IS_GCC")) throw;
    }
    return fetch_toolchain(apt, wanted, progress).name;
}

kernel::Toolchain add_toolchain(std::string_view name, const fs::path& root) {
    if (kernel::load_toolchain(name))
        throw Error(fmt::format("there is a toolchain '{}' already", name))
            .hint(fmt::format("klp toolchain remove {}", name));
    std::error_code failure;
    const fs::path absolute = fs::canonical(root, failure);
    if (failure || !fs::is_directory(absolute)) throw Error({root.string(), "", {}}, "not a folder");
    kernel::Toolchain toolchain{
        .name = std::string(name), .root = absolute, .compilers = kernel::compilers_in(absolute)};
    if (toolchain.compilers.empty())
        throw Error({root.string(), "", {}}, "no compiler in this root: no gcc in its /usr/bin that runs")
            .hint(
                "it has to be a folder with a whole distribution in it, such as an exported container, with gcc, "
                "binutils and make installed");
    kernel::store_toolchain(toolchain);
    return toolchain;
}

}  // namespace klp::packages
