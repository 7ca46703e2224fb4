// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/debian.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace klp::packages {

namespace {

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string_view first_word(std::string_view text) {
    return text.substr(0, text.find_first_of(" (|:"));
}

// "VERSION" out of "linux (= VERSION)" or "linux (VERSION)".
std::string_view version_in_brackets(std::string_view text) {
    const std::size_t open = text.find('(');
    const std::size_t close = text.find(')', open);
    if (close == std::string_view::npos) return {};
    std::string_view version = text.substr(open + 1, close - open - 1);
    if (version.starts_with('=')) version.remove_prefix(1);
    return trimmed(version);
}

// "linux", "linux-6.12"; not "linux-signed-amd64".
bool is_kernel_source(std::string_view name) {
    constexpr std::string_view linux_name = "linux";
    if (!name.starts_with(linux_name)) return false;
    name.remove_prefix(linux_name.size());
    return name.empty() ||
           (name.size() > 1 && name[0] == '-' && std::isdigit(static_cast<unsigned char>(name[1])) != 0);
}

// Debian Policy, section 5.6.1; upper case is met in other archives.
bool can_name_a_package(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.';
    });
}

// "bookworm"
std::string codename_of_machine() {
    const fs::path file = "/etc/os-release";  // os-release(5)
    constexpr std::string_view key = "VERSION_CODENAME=";
    for (const std::string text = read_text(file); const std::string_view line : lines_of(text))
        if (line.starts_with(key)) return std::string(trimmed(line.substr(key.size())));
    throw Error({file.string(), "", {}}, "it has no VERSION_CODENAME").hint("name the suite: --suite SUITE");
}

// The folders that apt wants to find. False where it could not work in them.
bool make_state(const fs::path& state) {
    std::error_code failure;
    for (const char* folder : {"lists/partial", "archives/partial"}) {
        fs::create_directories(state / folder, failure);
        if (failure || ::access((state / folder).c_str(), W_OK) != 0) return false;
    }
    return ::access(state.c_str(), W_OK) == 0;
}

Command quiet(std::vector<std::string> argv) {
    return {.argv = std::move(argv), .environment = {{"LC_ALL", "C"}, {"DEBIAN_FRONTEND", "noninteractive"}}};
}

void check_update(const CommandResult& result) {
    if (result.status == 0) return;
    throw Error(fmt::format("package lists cannot be updated: 'apt-get' exited with status {}:\n{}", result.status,
                            trimmed(result.errors)))
        .hint("check the network, and the proxy that apt uses");
}

Error no_suite(const Repository& repository) {
    const std::string_view release = release_of_suite(repository.suite);
    if (is_known_release(release))
        return Error(fmt::format("suite '{}' is archived: {} has it no more", repository.suite, repository.uri))
            .hint("name an archive of old suites: --mirror URL");
    return Error(fmt::format("no suite '{}': {} has none of that name", repository.suite, repository.uri))
        .hint("suites are named like bookworm, trixie, trixie-backports or sid");
}

void check_apt_is_here() {
    for (const char* program : {"apt-get", "apt-cache", "dpkg", "dpkg-deb"}) {
        if (find_program(program)) continue;
        throw Error(fmt::format("no {} here: packages can be fetched on Debian and its kin only", program))
            .hint("add a kernel of another origin with klp kernel add");
    }
}

}  // namespace

std::optional<Package> Package::parse(std::string_view record) {
    Package package;
    for (const std::string_view line : lines_of(record)) {
        if (line.empty()) break;  // a second version follows
        const std::size_t colon = line.find(':');
        if (line.front() == ' ' || colon == std::string_view::npos) continue;  // more of a description
        package.fields_.try_emplace(std::string(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
    }
    if (package.name().empty() || package.version().empty()) return std::nullopt;
    return package;
}

std::string_view Package::field(std::string_view name) const {
    const auto found = fields_.find(name);
    return found == fields_.end() ? std::string_view() : found->second;
}

std::uint64_t Package::size() const {
    return number(field("Size"));
}
std::uint64_t Package::installed_size() const {
    return number(field("Installed-Size")) * 1024;
}

std::vector<std::string_view> Package::depends() const {
    std::vector<std::string_view> names;
    for (const std::string_view part : split(field("Depends"), ',')) names.push_back(first_word(trimmed(part)));
    return names;
}

Package::Source Package::linux_source() const {
    for (const std::string_view part : split(field("Built-Using"), ',')) {
        const std::string_view used = first_word(trimmed(part));
        if (is_kernel_source(used)) return {std::string(used), std::string(version_in_brackets(part))};
    }
    const std::string_view built_from = first_word(field("Source"));
    if (!is_kernel_source(built_from)) {
        throw Error(
            fmt::format("package {} does not say which version of source package 'linux' it was built from", name()));
    }
    const std::string_view version_of_source = version_in_brackets(field("Source"));
    return {std::string(built_from), std::string(version_of_source.empty() ? version() : version_of_source)};
}

Apt::Apt(std::string architecture) : architecture_(std::move(architecture)) {
    check_apt_is_here();
}

Apt::Apt(Archive archive) : archive_(std::move(archive)) {
    check_suite_name(archive_->suite);
    check_apt_is_here();
}

std::vector<std::string> Apt::command(std::string_view program) const {
    // As root apt would drop to user _apt, who may not write where we download to.
    std::vector<std::string> argv{std::string(program), "-q", "-o", "APT::Sandbox::User="};
    argv.insert(argv.end(), options_.begin(), options_.end());
    return argv;
}

// Where no package has the name, apt takes it for a regular expression, and shows the packages that match it: for
// linux-image-6.1.0-54 that is linux-image-6.1.0-54-amd64-dbg.
std::optional<Package> Apt::show(const std::string& name, std::string_view version) const {
    if (!can_name_a_package(name)) return std::nullopt;
    auto argv = command("apt-cache");
    // What is in stable, too, would win over its backport.
    if (archive_ && is_backports(archive_->suite))
        argv.insert(argv.end(), {"-o", "APT::Default-Release=" + archive_->suite});
    argv.insert(argv.end(),
                {"--no-all-versions", "show", version.empty() ? name : fmt::format("{}={}", name, version)});
    const CommandResult result = run(quiet(std::move(argv)));
    if (result.status != 0 && result.errors.find("No packages found") == std::string::npos)
        throw Error(fmt::format("apt-cache does not say whether there is a package {}: it ended with status {}: {}",
                                name, result.status, trimmed(result.errors)));
    auto package = Package::parse(result.output);
    if (package && (package->name() != name || (!version.empty() && package->version() != version))) package.reset();
    return package;
}

std::vector<std::string> Apt::names(std::string_view prefix) const {
    auto argv = command("apt-cache");
    argv.insert(argv.end(), {"pkgnames", std::string(prefix)});
    const std::string output = run_checked(quiet(std::move(argv)), "apt-cache does not list packages").output;
    std::vector<std::string> names;
    for (const std::string_view line : lines_of(output))
        if (line.starts_with(prefix)) names.emplace_back(line);
    std::ranges::sort(names, version_less);
    return names;
}

// In the cache, where it can be written to.
fs::path Apt::own_state() {
    std::string name = architecture_.empty() ? "apt" : "apt-" + architecture_;
    if (archive_) {
        name = "apt-" + archive_->suite + (archive_->sources ? "-sources" : "");
        // Lists of another archive are others.
        if (!archive_->mirror.empty() || !archive_->keyring.empty())
            name += "-" + sha256_hex(as_bytes(archive_->mirror + " " + archive_->keyring.string())).substr(0, 16);
    }
    fs::path state = cache_root() / name;
    if (make_state(state)) return state;
    scratch_.emplace("klp-apt");
    if (!make_state(scratch_->path())) throw Error({scratch_->path().string(), "", {}}, "folders cannot be made in it");
    return scratch_->path();
}

void Apt::use_own_lists(const Progress& progress) {
    const fs::path state = own_state();
    // Images of containers turn off the caches without which each question costs a second.
    options_ = {"-o", "Dir::State::Lists=" + (state / "lists").string(),
                "-o", "Dir::Cache=" + state.string(),
                "-o", "Dir::Cache::pkgcache=pkgcache.bin",
                "-o", "Dir::Cache::srcpkgcache=srcpkgcache.bin"};
    if (!architecture_.empty())
        options_.insert(options_.end(), {"-o", "APT::Architecture=" + architecture_, "-o",
                                         "APT::Architectures=" + architecture_, "-o", "Dir::State::status=/dev/null"});
    const FileLock lock(state / ".lock", FileLock::Mode::exclusive);
    progress("updating package lists");
    if (archive_) {
        choose_suite(state);
        update_suite(state);
        return;
    }
    check_update(update());
}

CommandResult Apt::update() const {
    auto argv = command("apt-get");
    argv.insert(argv.end(), {"-o", "APT::Update::Error-Mode=any", "update"});
    return run(quiet(std::move(argv)));
}

// apt looks at nothing that the machine's administrator has chosen but how to reach the network.
void Apt::choose_suite(const fs::path& state) {
    write_file(state / "status", std::string_view());
    options_.insert(
        options_.end(),
        {"-o", "Dir::State=" + state.string(), "-o", "Dir::State::status=" + (state / "status").string(), "-o",
         "Dir::Etc::SourceList=" + (state / "debian-suite.sources").string(), "-o", "Dir::Etc::SourceParts=/dev/null",
         "-o", "Dir::Etc::Preferences=/dev/null", "-o", "Dir::Etc::PreferencesParts=/dev/null"});
}

// Some suites have no updates, or none any more: asked for all, apt says what is missing.
void Apt::update_suite(const fs::path& state) {
    const fs::path keyring =
        archive_->keyring.empty() ? fs::path("/usr/share/keyrings/debian-archive-keyring.gpg") : archive_->keyring;
    if (!fs::exists(keyring)) {
        Error error({keyring.string(), "", {}}, "the keys that sign package lists are not there");
        if (archive_->keyring.empty()) error.hint("apt-get install debian-archive-keyring");
        throw std::move(error);
    }
    Mirrors mirrors{archive_->mirror, {}};
    if (mirrors.main.empty()) {
        const std::vector<std::string> targets{"apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)"};
        mirrors = debian_mirrors(run(quiet(targets)).output);
    }
    std::vector<Repository> repositories = repositories_of(archive_->suite, mirrors.main, mirrors.security);
    while (true) {
        write_file(state / "debian-suite.sources", sources_text(repositories, fs::absolute(keyring), *archive_));
        const CommandResult result = update();
        if (result.status == 0) return;
        auto missing = missing_repositories(repositories, result.errors);
        if (missing.empty()) check_update(result);
        for (; !missing.empty(); missing.pop_back()) {
            const std::size_t index = missing.back();
            if (repositories[index].is_required) throw no_suite(repositories[index]);
            repositories.erase(repositories.begin() + static_cast<std::ptrdiff_t>(index));
        }
    }
}

fs::path Apt::download(const Package& package, const fs::path& folder) const {
    auto argv = command("apt-get");
    argv.insert(argv.end(), {"download", fmt::format("{}={}", package.name(), package.version())});
    Command download = quiet(std::move(argv));
    download.directory = folder;
    run_checked(download, fmt::format("package {} {} cannot be downloaded", package.name(), package.version()));
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string file = entry.path().filename().string();
        if (file.starts_with(std::string(package.name()) + "_") && file.ends_with(".deb")) return entry.path();
    }
    throw Error(fmt::format("apt-get download left no file for package {}", package.name()));
}

Apt Apt::for_sources(std::string_view version) const {
    Archive archive = archive_.value_or(Archive());
    if (archive.suite.empty()) {
        const bool is_backport = version.find("~bpo") != std::string_view::npos;
        archive.suite = codename_of_machine() + (is_backport ? "-backports" : "");
    }
    archive.sources = true;
    return Apt(std::move(archive));
}

fs::path Apt::download_packaging(const Package::Source& source, const fs::path& folder) const {
    auto argv = command("apt-get");
    argv.insert(argv.end(),
                {"source", "--download-only", "--diff-only", fmt::format("{}={}", source.name, source.version)});
    Command download = quiet(std::move(argv));
    download.directory = folder;
    run_checked(download, fmt::format("source package {} {} cannot be downloaded", source.name, source.version));
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string file = entry.path().filename().string();
        if (file.starts_with(source.name + "_") && file.find(".debian.tar.") != std::string::npos) return entry.path();
    }
    throw Error(fmt::format("apt-get source left no packaging of {} {}", source.name, source.version));
}

std::vector<fs::path> Apt::download_all(const std::vector<std::string>& names, const fs::path& folder) const {
    fs::create_directories(folder / "partial");
    write_file(folder / "status", std::string_view());
    auto argv = command("apt-get");
    argv.insert(argv.end(), {"-o", "Dir::State::status=" + (folder / "status").string(), "-o",
                             "Dir::State::extended_states=" + (folder / "extended_states").string(), "-o",
                             "Dir::Cache::archives=" + folder.string(), "-o", "Debug::NoLocking=1", "-o",
                             "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "--no-install-recommends",
                             "--download-only", "-y", "install"});
    argv.insert(argv.end(), names.begin(), names.end());
    run_checked(quiet(std::move(argv)), "packages cannot be downloaded");
    std::vector<fs::path> debs;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".deb") debs.push_back(entry.path());
    std::ranges::sort(debs);
    return debs;
}

std::string debian_architecture() {
    std::string name =
        run_checked(quiet({"dpkg", "--print-architecture"}), "dpkg does not say its architecture").output;
    while (!name.empty() && name.back() == '\n') name.pop_back();
    return name;
}

void unpack_deb(const fs::path& deb, const fs::path& folder) {
    run_checked(quiet({"dpkg-deb", "-x", deb.string(), folder.string()}),
                fmt::format("package {} cannot be unpacked", deb.filename().string()));
}

}  // namespace klp::packages
