// SPDX-License-Identifier: GPL-2.0-or-later
// Boot images: the ELF vmlinux inside.
#include <elf.h>

#include <array>

#include "base/decompress.hpp"
#include "kernel/image.hpp"

namespace klp::kernel {

namespace {

// Offsets in the x86 setup header (Documentation/x86/boot.rst, "The Real-Mode Kernel Header").
namespace setup {
constexpr std::uint64_t sectors = 0x1f1;         // u8: setup code in 512-byte sectors; 0 means 4
constexpr std::uint64_t magic = 0x202;           // "HdrS"
constexpr std::uint64_t version = 0x206;         // u16: protocol, 2.08 has the payload fields
constexpr std::uint64_t kernel_version = 0x20e;  // u16: of the version string, less 0x200
constexpr std::uint64_t payload_offset = 0x248;  // u32: from the protected-mode code
constexpr std::uint64_t payload_length = 0x24c;  // u32
constexpr std::uint16_t with_payload = 0x0208;
}  // namespace setup

bool is_elf(Bytes bytes) {
    return as_text(bytes).starts_with(ELFMAG);
}

bool is_bzimage(Bytes image) {
    return image.size() >= setup::magic + 4 && as_text(image.subspan(setup::magic, 4)) == "HdrS";
}

Cursor cursor_at(Bytes image, const Location& where, std::uint64_t position) {
    Cursor cursor(image, ByteOrder::little, where);
    cursor.seek(position);
    return cursor;
}

Bytes payload_of_bzimage(Bytes image, const Location& where) {
    const std::uint16_t version = cursor_at(image, where, setup::version).u16();
    if (version < setup::with_payload) {
        throw Error(where, "boot protocol older than 2.08: the image does not say where its kernel is");
    }
    const std::uint64_t sectors = cursor_at(image, where, setup::sectors).u8();
    const std::uint64_t offset = cursor_at(image, where, setup::payload_offset).u32();
    const std::uint64_t length = cursor_at(image, where, setup::payload_length).u32();
    const std::uint64_t protected_mode_code = ((sectors == 0 ? 4 : sectors) + 1) * 512;
    if (length == 0) throw Error(where, "the image says that its compressed kernel has no bytes");
    return slice(image, protected_mode_code + offset, length, where);
}

std::vector<std::byte> decompressed_elf(Bytes payload, const Location& where, std::size_t size_limit) {
    const Compression compression = detect_compression(payload);
    if (compression == Compression::none) {
        throw Error(where, "the kernel in the image is compressed in no known way, nor is it an ELF file");
    }
    std::vector<std::byte> content = decompress(compression, payload, where, size_limit);
    if (!is_elf(content)) {
        throw Error(where, "the image holds " + std::string(name(compression)) + " data, but no ELF file in it")
            .hint("give the vmlinux of the build with --vmlinux");
    }
    return content;
}

std::optional<std::string> release_in_banner(Bytes image) {
    // init/version.c:linux_banner; the format string of linux_proc_banner has no digit after "version ".
    constexpr std::string_view banner = "Linux version ";
    std::size_t from = 0;
    while (const auto at = klp::find(image, as_bytes(banner), from)) {
        const std::string_view rest = as_text(image.subspan(*at + banner.size()));
        const std::size_t end = rest.substr(0, 256).find(' ');
        if (end != std::string_view::npos && end > 0 && rest[0] >= '0' && rest[0] <= '9')
            return std::string(rest.substr(0, end));
        from = *at + banner.size();
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::byte> unpack_image(Bytes image, const Location& where, std::size_t size_limit) {
    if (is_elf(image)) return {image.begin(), image.end()};
    if (is_bzimage(image)) {
        const Bytes payload = payload_of_bzimage(image, where);
        if (is_elf(payload)) return {payload.begin(), payload.end()};
        return decompressed_elf(payload, where, size_limit);
    }
    if (detect_compression(image) != Compression::none) return decompressed_elf(image, where, size_limit);
    throw Error(where, "not a kernel image that is known: expected a bzImage, an ELF vmlinux, or one compressed")
        .hint("give the vmlinux of the build with --vmlinux");
}

std::optional<std::string> release_of_image(Bytes image, const Location& where) {
    if (!is_bzimage(image)) return release_in_banner(image);
    const std::uint64_t offset = cursor_at(image, where, setup::kernel_version).u16();
    if (offset == 0) return std::nullopt;
    const std::string_view text = cursor_at(image, where, offset + 0x200).c_string();
    return std::string(text.substr(0, text.find(' ')));
}

std::string release_of_vmlinux(Bytes vmlinux, const Location& where) {
    if (auto release = release_in_banner(vmlinux)) return *std::move(release);
    throw Error(where, "no 'Linux version' banner: not a Linux kernel");
}

}  // namespace klp::kernel
