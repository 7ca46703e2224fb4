// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/package_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "packages/debian.hpp"
#include "packages/rpm.hpp"

namespace klp::packages {

namespace {

constexpr std::string_view ar_magic = "!<arch>\n";
constexpr std::string_view member_end = "`\n";
constexpr std::size_t control_limit = std::size_t{1} << 20;

struct ArMember {
    std::string name;
    Bytes content;
};

// However it is compressed.
bool is_tar_of(std::string_view what, const ArMember& member) {
    return member.name.starts_with(fmt::format("{}.tar", what));
}

// The members of a .deb are in the traditional ar format (deb(5)).
std::optional<ArMember> next_member(Cursor& cursor, std::uint64_t file_size) {
    if (cursor.at_end()) return std::nullopt;
    const std::string_view header = as_text(cursor.take(60));
    const std::string_view digits = trimmed(header.substr(48, 10));
    std::uint64_t size = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    if (header.substr(58) != member_end || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
        cursor.fail("no header of an archive's member: the package is damaged");
    std::string_view name = trimmed(header.substr(0, 16));
    if (name.ends_with('/')) name.remove_suffix(1);
    if (size > cursor.remaining())
        cursor.fail(
            fmt::format("the package is cut short: it has {} of {} bytes", file_size, cursor.position() + size));
    ArMember member{std::string(name), cursor.take(size)};
    if (size % 2 == 1 && !cursor.at_end()) cursor.skip(1);
    return member;
}

Package read_control(Bytes archive, const Location& where) {
    ArchiveReader reader(archive, where);
    while (const auto entry = reader.next()) {
        if (entry->path != "control" && entry->path != "./control") continue;
        if (auto package = Package::parse(reader.read_all(control_limit))) return *std::move(package);
        throw Error(where, "the control file names no package");
    }
    throw Error(where, "a .deb without a control file");
}

// A rebuild of the binaries alone is no other version of the sources: "+b1" (Debian Policy, section 5.6.12).
std::string without_rebuild(std::string version) {
    const std::size_t plus = version.rfind("+b");
    if (plus == std::string::npos || plus + 2 == version.size()) return version;
    if (version.find_first_not_of("0123456789", plus + 2) == std::string::npos) version.resize(plus);
    return version;
}

// Signed images are built from a source package of their own, and name the kernel's in Built-Using.
std::string source_version(const Package& package) {
    for (const std::string_view part : split(package.field("Built-Using"), ',')) {
        const std::string_view used = trimmed(part);
        if (!used.starts_with("linux")) continue;
        const std::size_t begin = used.find("(= ");
        const std::size_t end = used.find(')', begin);
        if (end != std::string_view::npos) return std::string(trimmed(used.substr(begin + 3, end - begin - 3)));
    }
    return without_rebuild(std::string(package.version()));
}

}  // namespace

PackageFile::PackageFile(const fs::path& path) : file_(path) {
    if (as_text(file_.bytes()).starts_with(ar_magic)) {
        read_deb();
    } else if (packages::is_rpm(file_.bytes())) {
        read_rpm_file();
    } else {
        throw Error(where(), "neither a .deb nor an .rpm package");
    }
}

void PackageFile::read_deb() {
    Cursor cursor(file_.bytes(), ByteOrder::little, where());
    cursor.skip(ar_magic.size());
    std::optional<Package> control;
    while (const auto member = next_member(cursor, file_.bytes().size())) {
        if (is_tar_of("control", *member)) control = read_control(member->content, where());
        if (is_tar_of("data", *member)) payload_ = member->content;
    }
    if (!control || payload_.empty())
        throw Error(where(), fmt::format("the package is cut short, or no .deb: it has no {}.tar",
                                         control ? "data" : "control"));
    name_ = control->name();
    version_ = control->version();
    const std::string_view arch = control->field("Architecture");
    arch_ = arch == "all" ? "" : arch;
    maker_ = control->field("Maintainer");
    source_ = source_version(*control);
    depends_ = control->field("Depends");
    full_name_ = fmt::format("{}_{}_{}", name_, version_, arch);
}

void PackageFile::read_rpm_file() {
    const RpmHeader header = read_rpm(file_.bytes(), where());
    format_ = header.source_rpm.empty() ? Format::source_rpm : Format::rpm;
    const bool is_source = format_ == Format::source_rpm;
    name_ = header.name;
    version_ = fmt::format("{}-{}", header.version, header.release);
    arch_ = is_source || header.arch == "noarch" ? "" : header.arch;
    maker_ = header.vendor;
    full_name_ = fmt::format("{}-{}.{}", name_, version_, is_source ? "src" : header.arch);
    source_ = is_source ? full_name_ + ".rpm" : header.source_rpm;
    payload_ = header.payload;
}

void PackageFile::unpack_to(const fs::path& folder, const UnpackRules& rules) const {
    ArchiveReader archive(payload_, where());
    unpack(archive, folder, where(), rules);
}

}  // namespace klp::packages
