// SPDX-License-Identifier: GPL-2.0-or-later
// Names as the kernel's own sscanf() reads them (kernel/livepatch/core.c, lib/vsprintf.c:vsscanf): a module that the
// kernel takes is not necessarily one that the format library would call well-formed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace klp::loader {

struct KlpSymbolName {
    std::string object;
    std::string symbol;
    std::uint64_t sympos = 0;
};

// ".klp.sym.%55[^.].%511[^,],%lu"
[[nodiscard]] std::optional<KlpSymbolName> scan_symbol_name(std::string_view name);
// ".klp.rela.%55[^.]"
[[nodiscard]] std::optional<std::string> scan_section_object(std::string_view name);

}  // namespace klp::loader
