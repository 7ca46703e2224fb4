// SPDX-License-Identifier: GPL-2.0-or-later
// The unpacking of boot images, with all the compressed formats.
#include "fuzz.hpp"
#include "kernel/catalogue.hpp"
#include "kernel/image.hpp"

namespace klp::fuzz {

void run(Bytes input) {
    const Location where{"input", "", {}};
    // A few compressed bytes can stand for very many: more would only slow the search down.
    constexpr std::size_t limit = std::size_t{1} << 22;
    const std::vector<std::byte> vmlinux = kernel::unpack_image(input, where, limit);
    require(vmlinux.size() <= std::max(limit, input.size()));
    require(!kernel::release_of_vmlinux(vmlinux, where).empty());
}

}  // namespace klp::fuzz
