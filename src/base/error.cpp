// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.hpp"

#include <fmt/format.h>

#include <cctype>
#include <system_error>

#include "base/errno_text.hpp"

namespace klp {

namespace {

std::string with_location(const Location& where, const std::string& message) {
    const std::string place = where.text();
    return place.empty() ? message : place + ": " + message;
}

}  // namespace

std::string Location::text() const {
    std::string place = file;
    const std::string at = offset ? fmt::format("+0x{:x}", *offset) : std::string();
    if (section.empty() && at.empty()) return place;
    if (!place.empty()) place += ':';
    return place + (section.empty() ? at : fmt::format("({}{})", section, at));
}

Error::Error(std::string message, ExitCode code) : Error(Location{}, std::move(message), code) {}

Error::Error(Location where, std::string message, ExitCode code)
    : std::runtime_error(with_location(where, message)),
      where_(std::move(where)),
      message_(std::move(message)),
      code_(code) {}

Error&& Error::hint(std::string text) && {
    hints_.push_back(std::move(text));
    return std::move(*this);
}

Error& Error::hint(std::string text) & {
    hints_.push_back(std::move(text));
    return *this;
}

std::string errno_text(int number) {
    std::string text = std::generic_category().message(number);
    if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

}  // namespace klp
