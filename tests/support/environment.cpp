// SPDX-License-Identifier: GPL-2.0-or-later
// What every test program has: a cache folder of its own, so that the user's catalogue stays out of it, and a record of
// the findings that the code under test made, for scripts/check-findings. The linker's --wrap leads each call of
// klp::Diagnostics to here.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "base/diagnostics.hpp"

namespace klp {

Finding& real_add(Diagnostics* self, Severity severity, std::string id, Location where, std::string message) asm(
    "__real__ZN3klp11Diagnostics3addENS_8SeverityENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEENS_"
    "8LocationES7_");
Finding& real_error(Diagnostics* self, std::string id, Location where, std::string message) asm(
    "__real__ZN3klp11Diagnostics5errorENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEENS_8LocationES6_");
Finding& real_warning(Diagnostics* self, std::string id, Location where, std::string message) asm(
    "__real__ZN3klp11Diagnostics7warningENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEENS_8LocationES6_");

Finding*
real_add_once(Diagnostics* self, std::string_view subject, Severity severity, std::string id, Location where, std::string message) asm(
    "__real__ZN3klp11Diagnostics8add_onceESt17basic_string_viewIcSt11char_"
    "traitsIcEENS_8SeverityENSt7__cxx1112basic_stringIcS3_SaIcEEENS_"
    "8LocationES9_");

Finding& wrapped_add(Diagnostics* self, Severity severity, std::string id, Location where, std::string message) asm(
    "__wrap__ZN3klp11Diagnostics3addENS_8SeverityENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEENS_"
    "8LocationES7_");
Finding& wrapped_error(Diagnostics* self, std::string id, Location where, std::string message) asm(
    "__wrap__ZN3klp11Diagnostics5errorENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEENS_8LocationES6_");
Finding& wrapped_warning(Diagnostics* self, std::string id, Location where, std::string message) asm(
    "__wrap__ZN3klp11Diagnostics7warningENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEENS_8LocationES6_");
Finding*
wrapped_add_once(Diagnostics* self, std::string_view subject, Severity severity, std::string id, Location where, std::string message) asm(
    "__wrap__ZN3klp11Diagnostics8add_onceESt17basic_"
    "string_viewIcSt11char_traitsIcEENS_8SeverityENSt7__"
    "cxx1112basic_stringIcS3_SaIcEEENS_8LocationES9_");

namespace {

void record(const std::string& id) {
    static const char* const file = std::getenv("KLPKIT_FINDINGS");
    static std::set<std::string> known;
    if (file != nullptr && known.insert(id).second) std::ofstream(file, std::ios::app) << id + "\n";
}

// Anew for each test, since some set and unset it themselves.
class OwnCache : public testing::EmptyTestEventListener {
    void OnTestProgramStart(const testing::UnitTest&) override {
        std::string folder = std::filesystem::temp_directory_path() / "klp-test-XXXXXX";
        if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder " + folder);
        folder_ = folder;
    }
    void OnTestStart(const testing::TestInfo&) override { setenv("KLPKIT_CACHE", (folder_ / "cache").c_str(), 1); }
    void OnTestProgramEnd(const testing::UnitTest&) override { std::filesystem::remove_all(folder_); }

    std::filesystem::path folder_;
};

[[maybe_unused]] const bool has_own_cache = [] {
    testing::UnitTest::GetInstance()->listeners().Append(new OwnCache);  // GoogleTest owns it
    return true;
}();

}  // namespace

Finding& wrapped_add(Diagnostics* self, Severity severity, std::string id, Location where, std::string message) {
    record(id);
    return real_add(self, severity, std::move(id), std::move(where), std::move(message));
}

Finding& wrapped_error(Diagnostics* self, std::string id, Location where, std::string message) {
    record(id);
    return real_error(self, std::move(id), std::move(where), std::move(message));
}

Finding& wrapped_warning(Diagnostics* self, std::string id, Location where, std::string message) {
    record(id);
    return real_warning(self, std::move(id), std::move(where), std::move(message));
}

Finding* wrapped_add_once(Diagnostics* self, std::string_view subject, Severity severity, std::string id,
                          Location where, std::string message) {
    record(id);
    return real_add_once(self, subject, severity, std::move(id), std::move(where), std::move(message));
}

}  // namespace klp
