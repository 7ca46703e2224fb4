// SPDX-License-Identifier: GPL-2.0-or-later
// Fetching: from a release to a whole kernel out of the distribution's packages.
//
// linux-image-RELEASE has the image, the modules and the config; linux-headers-RELEASE has Module.symvers and the
// config that the build really used (the image's copy has lost its key names); linux-source-X.Y in the version
// that the image was built from has the source. linux-headers-*-common and linux-kbuild-X.Y are not needed: they
// are a cut-down source tree and its compiled host tools, and the whole tree makes its own in some seconds.
#include <fmt/format.h>

#include "arch/registry.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "kernel/catalogue.hpp"
#include "kernel/image.hpp"
#include "kernel/manifest.hpp"
#include "kernel/prepared_tree.hpp"
#include "kernel/vmlinux.hpp"
#include "packages/debian.hpp"
#include "packages/fetch.hpp"
#include "packages/mend.hpp"
#include "packages/prepare.hpp"

namespace klp::packages {

namespace {

struct Packages {
    Package image;
    Package headers;
    Package source;
};

struct Debs {
    fs::path image;
    fs::path headers;
    fs::path source;
};

Error no_package(std::string_view name, std::string_view version = {}) {
    return Error(
        fmt::format("no package {}{}{} in the package lists", name, version.empty() ? "" : " in version ", version));
}

Package need(const Apt& apt, const std::string& name, std::string_view version = {}) {
    if (auto package = apt.show(name, version)) return std::move(*package);
    throw no_package(name, version);
}

// The release whose image a metapackage depends on; nullopt for a package that is none.
std::optional<std::string> image_of_metapackage(const Package& package) {
    constexpr std::string_view prefix = "linux-image-";
    for (const std::string_view name : package.depends()) {
        if (name.starts_with(prefix)) return std::string(name.substr(prefix.size()));
    }
    return std::nullopt;
}

// The releases that begin with `start` and can be fetched: those that have headers, which neither packages of debug
// information nor unsigned images have, and that are no metapackages.
std::vector<std::string> releases(const Apt& apt, const std::string& start) {
    std::vector<std::string> found;
    for (const std::string& headers : apt.names("linux-headers-" + start)) {
        std::string release = headers.substr(std::string_view("linux-headers-").size());
        if (release.empty() || release.front() < '0' || release.front() > '9') continue;
        const auto image = apt.show("linux-image-" + release);
        if (image && !image_of_metapackage(*image)) found.push_back(std::move(release));
    }
    return found;
}

Package need_image(const Apt& apt, const std::string& release) {
    const std::string name = "linux-image-" + release;
    if (auto package = apt.show(name)) return std::move(*package);
    Error error = no_package(name);
    if (const auto flavours = releases(apt, release + "-"); !flavours.empty())
        throw std::move(error).hint(fmt::format("name the flavour, too: {}", fmt::join(flavours, ", ")));
    if (const auto all = releases(apt, ""); !all.empty())
        throw std::move(error).hint(fmt::format("there are: {}", fmt::join(all, ", ")));
    throw std::move(error);
}

// What the distribution's metapackage depends on today.
std::string newest_release(const Apt& apt) {
    const Package meta = need(apt, "linux-image-" + debian_architecture());
    if (auto release = image_of_metapackage(meta)) return *std::move(release);
    throw Error(fmt::format("package {} {} depends on no linux-image package", meta.name(), meta.version()));
}

// "6.1" of "6.1.0-56-amd64".
std::string series(std::string_view release) {
    const std::size_t dot = release.find('.');
    const std::size_t end = release.find_first_not_of("0123456789", dot == std::string_view::npos ? 0 : dot + 1);
    return std::string(release.substr(0, end));
}

Packages packages_of(const Apt& apt, const std::string& release) {
    Package image = need_image(apt, release);
    Package headers = need(apt, "linux-headers-" + release);
    const std::string version = image.linux_source_version();
    Package source = need(apt, "linux-source-" + series(release), version);
    if (headers.version() != version && headers.linux_source_version() != version) {
        throw Error(fmt::format("package {} is of version {}, but the image was built from {}", headers.name(),
                                headers.version(), version));
    }
    return {std::move(image), std::move(headers), std::move(source)};
}

// The first line of what an Error says; the lines of a failed program's output follow when it comes to the end.
std::string_view summary(const Error& error) {
    std::string_view text = error.what();
    text = text.substr(0, text.find('\n'));
    return text.substr(0, text.find_last_not_of(':') + 1);
}

// Does `what` with the machine's package lists; where that fails (there are none, they are too old to know the
// release, or they name packages that the archive has dropped since), once more with our own.
template <typename What>
auto with_lists(Apt& apt, const Progress& progress, const What& what) {
    if (!apt.has_own_lists()) {
        try {
            return what();
        } catch (const Error& error) {
            progress(fmt::format("{}; trying with fresh package lists", summary(error)));
        }
        apt.use_own_lists(progress);
    }
    return what();
}

// The tarball unpacks to about ten times its size.
std::uint64_t space_needed(const Packages& packages) {
    return packages.image.size() + packages.image.installed_size() + packages.headers.size() +
           14 * packages.source.size();
}

void check_space(const fs::path& folder, std::uint64_t needed) {
    const std::uint64_t available = fs::space(folder).available;
    if (available >= needed) return;
    throw Error({folder.string(), "", {}},
                fmt::format("no space: {} needed, {} free", format_size(needed), format_size(available)))
        .hint("put the cache elsewhere: KLPKIT_CACHE=FOLDER");
}

// One kernel's folder being filled.
class Fetcher {
public:
    Fetcher(Apt& apt, std::string release, const Progress& progress)
        : apt_(apt), release_(std::move(release)), progress_(progress), folder_(release_) {}

    kernel::Manifest run(const Packages& found);

private:
    [[nodiscard]] fs::path at(std::string_view name) const { return folder_.path() / name; }
    Debs download(const Packages& packages);
    fs::path download(const Package& package);
    void unpack_image_package(const fs::path& deb);
    void unpack_headers_package(const fs::path& deb);
    void unpack_source_package(const fs::path& deb);
    void take(const std::vector<fs::path>& candidates, std::string_view name);
    [[nodiscard]] kernel::Manifest manifest() const;

    Apt& apt_;
    std::string release_;
    const Progress& progress_;
    kernel::NewKernelFolder folder_;
};

Debs Fetcher::download(const Packages& packages) {
    return {download(packages.image), download(packages.headers), download(packages.source)};
}

fs::path Fetcher::download(const Package& package) {
    progress_(fmt::format("downloading {} {} ({})", package.name(), package.version(), format_size(package.size())));
    const fs::path folder = at("download");
    fs::create_directories(folder);
    return apt_.download(package, folder);
}

// Moves the one of `candidates` (relative to the unpacked package) that there is.
void Fetcher::take(const std::vector<fs::path>& candidates, std::string_view name) {
    for (const fs::path& candidate : candidates) {
        if (!fs::exists(at("unpacked") / candidate)) continue;
        fs::rename(at("unpacked") / candidate, at(name));
        return;
    }
    throw Error(fmt::format("the package has no file {}", candidates.front().string()));
}

void Fetcher::unpack_image_package(const fs::path& deb) {
    progress_("unpacking the image and its modules");
    unpack_deb(deb, at("unpacked"));
    take({"boot/vmlinuz-" + release_, "boot/vmlinux-" + release_}, "vmlinuz");
    take({"lib/modules/" + release_, "usr/lib/modules/" + release_}, "modules");
    fs::remove(at("modules") / "build");  // links to packages that are not here
    fs::remove(at("modules") / "source");
    const MappedFile image(at("vmlinuz"));
    const Location where{image.path().string(), "", {}};
    const auto found = kernel::release_of_image(image.bytes(), where);
    if (!found) throw Error(where, fmt::format("expected release {}, the image says none", release_));
    if (*found != release_) throw Error(where, fmt::format("expected release {}, the image says {}", release_, *found));
}

void Fetcher::unpack_headers_package(const fs::path& deb) {
    unpack_deb(deb, at("unpacked"));
    const fs::path headers = "usr/src/linux-headers-" + release_;
    take({headers / ".config"}, "config");
    take({headers / "Module.symvers"}, "Module.symvers");
}

void Fetcher::unpack_source_package(const fs::path& deb) {
    progress_("unpacking the source");
    unpack_deb(deb, at("unpacked"));
    const fs::path tarball = at("unpacked") / "usr/src" / fmt::format("linux-source-{}.tar.xz", series(release_));
    if (!fs::exists(tarball)) throw Error(fmt::format("the source package has no {}", tarball.filename().string()));
    fs::create_directories(at("source"));
    run_checked({.argv = {"tar", "-xf", tarball.string(), "-C", at("source").string(), "--strip-components=1",
                          "--no-same-owner"}},
                "the source cannot be unpacked");
}

kernel::Manifest Fetcher::manifest() const {
    return {.name = release_,
            .release = release_,
            .source = at("source"),
            .image = at("vmlinuz"),
            .vmlinux = at("vmlinux"),
            .modules = at("modules"),
            .config = at("config"),
            .symvers = at("Module.symvers"),
            .fetched = true};
}

kernel::Manifest Fetcher::run(const Packages& found) {
    check_space(folder_.path(), space_needed(found));
    const Debs debs = with_lists(apt_, progress_, [this] { return download(packages_of(apt_, release_)); });
    unpack_image_package(debs.image);
    unpack_headers_package(debs.headers);
    kernel::Manifest made = manifest();
    kernel::unpack_vmlinux(made);
    made.arch = arch::for_object(elf::Object::read(made.vmlinux)).name();
    if (!kernel::Config::read(made.config).enabled("CONFIG_LIVEPATCH")) {
        throw Error(fmt::format("kernel {} cannot be livepatched: its config has no CONFIG_LIVEPATCH=y", release_));
    }
    unpack_source_package(debs.source);
    fs::remove_all(at("download"));
    fs::remove_all(at("unpacked"));
    prepare_source({made.source, made.config, made.symvers, release_, &arch::for_name(made.arch)}, progress_);
    kernel::note_tree(made);
    folder_.commit(made);
    progress_(fmt::format("kernel {} is ready in {}", release_, folder_.path().string()));
    return made;
}

// The release that is newest today; without network, the newest that was fetched before.
std::string newest_release_or_known(Apt& apt, const Progress& progress) {
    try {
        return with_lists(apt, progress, [&apt] { return newest_release(apt); });
    } catch (const Error& error) {
        const auto known = kernel::newest_fetched();
        if (!known) throw;
        progress(fmt::format("{}; taking the newest kernel fetched before: {}", summary(error), known->name));
        return known->name;
    }
}

// A kernel that is there, with its tree as it should be. One whose kernel.json is damaged is as good as not there.
std::optional<kernel::Manifest> known_kernel(std::string_view release, const Progress& progress) {
    std::optional<kernel::Manifest> manifest;
    try {
        manifest = kernel::load_manifest(release);
    } catch (const Error& error) {
        kernel::check_kernel_name(release);
        progress(fmt::format("{}; fetching the kernel again", summary(error)));
    }
    if (manifest && manifest->fetched) keep_prepared(*manifest, progress);
    return manifest;
}

}  // namespace

kernel::Manifest fetch(std::string_view wanted, const Progress& progress) {
    kernel::discard_abandoned_kernels();
    if (wanted != "newest") {
        if (auto manifest = known_kernel(wanted, progress)) return std::move(*manifest);
    }
    Apt apt;
    const std::string release = wanted == "newest" ? newest_release_or_known(apt, progress) : std::string(wanted);
    if (auto manifest = known_kernel(release, progress)) return std::move(*manifest);
    check_prepare_tools();
    const Packages found = with_lists(apt, progress, [&] { return packages_of(apt, release); });
    const FileLock lock = kernel::lock_kernel(release);
    if (auto manifest = known_kernel(release, progress)) return std::move(*manifest);  // another process was faster
    return Fetcher(apt, release, progress).run(found);
}

}  // namespace klp::packages
