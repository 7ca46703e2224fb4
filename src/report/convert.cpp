// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/convert.hpp"

#include <fmt/format.h>

namespace klp::report {

namespace {

constexpr std::string_view how(const convert::ConvertedSymbol& symbol) {
    return symbol.annotated ? "annotated" : "unique";
}

std::uint64_t count_relocations(const convert::Conversion& conversion) {
    std::uint64_t count = 0;
    for (const auto& symbol : conversion.symbols) count += symbol.relocations;
    return count;
}

}  // namespace

Json convert_json(const ConvertReport& report) {
    Json symbols = Json::array();
    for (const auto& each : report.conversion.symbols) {
        symbols.push_back({{"object", each.symbol.object},
                           {"symbol", each.symbol.symbol},
                           {"sympos", each.symbol.sympos},
                           {"how", how(each)},
                           {"applied_with", each.applied_with},
                           {"relocations", each.relocations}});
    }
    return {{"input", report.input},
            {"output", report.output},
            {"kernel", report.kernel},
            {"changed", report.conversion.changed},
            {"objects", report.conversion.objects},
            {"symbols", std::move(symbols)},
            {"livepatch_relocations", count_relocations(report.conversion)},
            {"ordinary_relocations", report.conversion.ordinary_relocations},
            {"signature_dropped", report.conversion.signature_dropped},
            {"signed", report.is_signed}};
}

std::string convert_text(const ConvertReport& report) {
    Table table({"object", "symbol", "sympos", "how", "applied with", "relocations"});
    for (const auto& each : report.conversion.symbols) {
        table.add({each.symbol.object, each.symbol.symbol, fmt::to_string(each.symbol.sympos), std::string(how(each)),
                   each.applied_with, fmt::to_string(each.relocations)});
    }
    return fmt::format("{}{}: {} livepatch relocations, {} ordinary ones{}\n", table.text(), printable(report.output),
                       count_relocations(report.conversion), report.conversion.ordinary_relocations,
                       report.is_signed ? ", signed" : "");
}

}  // namespace klp::report
