// SPDX-License-Identifier: GPL-2.0-or-later
// Names of files have macros in them that need not be known: of the files that the package has, the one is meant that
// has the form. A patch that the package has not was declared under a condition that did not hold.
#include "packages/spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "base/text.hpp"
#include "packages/spec_macros.hpp"

namespace klp::packages {

namespace {

enum class Truth { no, yes, unknown };

Truth of(std::optional<bool> value) {
    if (!value) return Truth::unknown;
    return *value ? Truth::yes : Truth::no;
}

// One %if with its branches.
struct Branch {
    Truth now = Truth::yes;    // the branch that is being read
    bool was_yes = false;      // an earlier one was taken for certain
    bool was_unknown = false;  // an earlier one may have been taken
};

enum class SpecSection { preamble, prep, patch_list, source_list, other };

std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    for (const std::string_view part : split(line, ' '))
        for (const std::string_view word : split(part, '\t'))
            if (!word.empty()) words.emplace_back(word);
    return words;
}

std::optional<unsigned> number_of(std::string_view text) {
    unsigned value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

// Only the name of a URL counts; "URL#/NAME" gives it another one.
std::string_view file_of_url(std::string_view url) {
    return url.substr(url.rfind('/') + 1);
}

SpecSection section_of(std::string_view word, SpecSection now) {
    constexpr std::array<std::string_view, 19> others{
        "%build",       "%install",      "%check",     "%clean",     "%files",         "%changelog",
        "%description", "%pre",          "%post",      "%preun",     "%postun",        "%pretrans",
        "%posttrans",   "%verifyscript", "%triggerin", "%triggerun", "%triggerpostun", "%generate_buildrequires",
        "%conf"};
    if (word == "%prep") return SpecSection::prep;
    if (word == "%package") return SpecSection::preamble;
    if (word == "%patchlist") return SpecSection::patch_list;
    if (word == "%sourcelist") return SpecSection::source_list;
    return std::ranges::find(others, word) == others.end() ? now : SpecSection::other;
}

// "ApplyPatch()"
bool begins_function(std::string_view line) {
    const std::size_t bracket = line.find("()");
    return bracket != std::string_view::npos && bracket > 0 && line.find_first_of(" \t$=|;") >= bracket;
}

// git am %{patches} </dev/null
bool is_git_am_of_all(const std::vector<std::string>& words) {
    constexpr std::array<std::string_view, 8> known{"git", "am", "-q",         "--quiet",
                                                    "-p1", "-3", "%{patches}", "</dev/null"};
    return words.size() >= 3 && words[0] == "git" && words[1] == "am" &&
           std::ranges::find(words, "%{patches}") != words.end() &&
           std::ranges::all_of(words, [&](const std::string& word) {
               return word == "<" || word == "/dev/null" || std::ranges::find(known, word) != known.end();
           });
}

class SpecReader {
public:
    SpecReader(const SpecFacts& facts, const Location& where) : facts_(facts), where_(where) { define_facts(); }
    SpecPlan read(std::string_view text);

private:
    void define_facts();
    void take_line(std::string_view line);
    bool take_condition(const std::vector<std::string>& words, std::string_view line);
    void next_branch(Truth truth);
    [[nodiscard]] Truth arch_is(const std::vector<std::string>& words, bool negated) const;
    [[nodiscard]] Truth now() const;
    void take_definition(std::string_view line);
    void take_declaration(std::string_view line);
    void declare(std::map<unsigned, std::string>& files, std::optional<unsigned> number, std::string_view value);
    [[nodiscard]] std::optional<std::string> file_for(std::string_view pattern) const;

    void take_command(std::string_view line);
    bool take_patch_command(const std::vector<std::string>& words);
    void setup(const std::vector<std::string>& words);
    void apply_numbered(const std::vector<std::string>& words);
    void apply_named(const std::vector<std::string>& words);
    void apply_all(unsigned strip, unsigned first = 0, unsigned last = ~0U);
    void copy(const std::vector<std::string>& words);
    void need_certainty() const;
    [[noreturn]] void refuse(std::string_view why) const;

    const SpecFacts& facts_;
    const Location& where_;
    SpecMacros macros_;
    SpecPlan plan_;
    SpecSection section_ = SpecSection::preamble;
    std::vector<Branch> branches_;
    std::map<unsigned, std::string> sources_, patches_;
    unsigned strip_of_function_ = 1;
    bool in_function_ = false;
    std::size_t number_ = 0;  // of the line
    std::string line_;
};

void SpecReader::refuse(std::string_view why) const {
    throw Error(where_, fmt::format("line {}: '{}': {}", number_, trimmed(line_), why))
        .hint("where the kernel comes from: rpmbuild -bp SPEC, and then here: --source DIR, the tree that it made");
}

void SpecReader::define_facts() {
    for (const char* name : {"name", "NAME", "PACKAGE_NAME"}) macros_.define(name, facts_.name);
    for (const char* name : {"version", "VERSION", "PACKAGE_VERSION"}) macros_.define(name, facts_.version);
    for (const char* name : {"release", "RELEASE", "PACKAGE_RELEASE"}) macros_.define(name, facts_.release);
    for (const char* name : {"_target_cpu", "_arch"}) macros_.define(name, facts_.arch);
    macros_.define("nil", "");
    for (const auto& [mark, macro] : {std::pair(".fc", "fedora"), std::pair(".el", "rhel")}) {
        const std::size_t at = facts_.release.find(mark);
        if (at == std::string::npos) continue;
        const std::string digits = facts_.release.substr(at + 3);
        macros_.define(macro, digits.substr(0, digits.find_first_not_of("0123456789")));
        macros_.undefine(macro == std::string_view("fedora") ? "rhel" : "fedora");
    }
}

Truth SpecReader::now() const {
    Truth truth = Truth::yes;
    for (const Branch& branch : branches_) {
        if (branch.now == Truth::no) return Truth::no;
        if (branch.now == Truth::unknown) truth = Truth::unknown;
    }
    return truth;
}

void SpecReader::next_branch(Truth truth) {
    if (branches_.empty()) refuse("there is no %if before it");
    Branch& branch = branches_.back();
    branch.was_yes = branch.was_yes || branch.now == Truth::yes;
    branch.was_unknown = branch.was_unknown || branch.now == Truth::unknown;
    branch.now = branch.was_yes ? Truth::no : truth;
    if (branch.was_unknown && branch.now == Truth::yes) branch.now = Truth::unknown;
}

Truth SpecReader::arch_is(const std::vector<std::string>& words, bool negated) const {
    bool is_unknown = false;
    for (std::size_t i = 1; i < words.size(); ++i)
        for (const std::string& arch : words_of(macros_.expand(words[i]))) {
            if (arch == facts_.arch) return negated ? Truth::no : Truth::yes;
            is_unknown = is_unknown || arch.find(SpecMacros::unknown) != std::string::npos;
        }
    if (is_unknown) return Truth::unknown;
    return negated ? Truth::yes : Truth::no;
}

bool SpecReader::take_condition(const std::vector<std::string>& words, std::string_view line) {
    const std::string& word = words.front();
    const auto truth = [&]() -> Truth {
        if (word.ends_with("narch")) return arch_is(words, true);
        if (word.ends_with("arch")) return arch_is(words, false);
        if (word.ends_with("os")) return Truth::unknown;
        return of(spec_condition(macros_.expand(line.substr(line.find(word) + word.size()))));
    };
    if (word == "%if" || word == "%ifarch" || word == "%ifnarch" || word == "%ifos" || word == "%ifnos") {
        branches_.push_back({.now = truth()});
    } else if (word == "%elif" || word == "%elifarch" || word == "%elifos") {
        next_branch(truth());
    } else if (word == "%else") {
        next_branch(Truth::yes);
    } else if (word == "%endif") {
        if (branches_.empty()) refuse("there is no %if before it");
        branches_.pop_back();
    } else {
        return false;
    }
    return true;
}

void SpecReader::take_definition(std::string_view line) {
    const std::size_t space = line.find_first_of(" \t");
    const std::string_view rest = trimmed(line.substr(std::min(space, line.size())));
    const std::size_t end = std::min(rest.find_first_of(" \t("), rest.size());
    const std::string_view macro = rest.substr(0, end);
    if (macro.empty()) return;
    const bool has_parameters = end < rest.size() && rest[end] == '(';
    if (now() == Truth::unknown || has_parameters) {
        macros_.make_unknown(macro);
    } else if (line.starts_with("%undefine")) {
        macros_.undefine(macro);
    } else {
        // %global is expanded at once; a macro that names itself would never end.
        const std::string_view body = trimmed(rest.substr(end));
        macros_.define(macro, line.starts_with("%global") ? macros_.expand(body) : std::string(body));
    }
}

std::optional<std::string> SpecReader::file_for(std::string_view value) const {
    const std::string pattern(file_of_url(macros_.expand(value)));
    if (std::ranges::find(facts_.files, pattern) != facts_.files.end()) return pattern;
    std::vector<std::string> fitting;
    for (const std::string& file : facts_.files)
        if (fits_pattern(file, pattern)) fitting.push_back(file);
    if (fitting.size() > 1)
        refuse(fmt::format("it may mean several files of the package: {}", fmt::join(fitting, ", ")));
    if (fitting.empty()) return std::nullopt;
    return fitting.front();
}

void SpecReader::declare(std::map<unsigned, std::string>& files, std::optional<unsigned> number,
                         std::string_view value) {
    if (!number) number = files.empty() ? 0 : files.rbegin()->first + 1;
    files.insert_or_assign(*number, std::string(value));
}

// "Patch12: NAME", "Source: URL".
void SpecReader::take_declaration(std::string_view line) {
    for (const std::string_view tag : {"Patch", "Source"}) {
        if (!line.starts_with(tag)) continue;
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) return;
        const std::string_view digits = trimmed(line.substr(tag.size(), colon - tag.size()));
        const auto number = number_of(digits);
        if (!digits.empty() && !number) return;
        declare(tag == "Patch" ? patches_ : sources_, number, trimmed(line.substr(colon + 1)));
    }
}

void SpecReader::need_certainty() const {
    if (now() == Truth::unknown) refuse("whether it is done depends on a condition that only rpmbuild can tell");
}

// All that is not an option of the tarball's own folder would need another one.
void SpecReader::setup(const std::vector<std::string>& words) {
    need_certainty();
    if (!plan_.tarball.empty()) refuse("several tarballs are not understood");
    const bool is_auto = words.front() == "%autosetup";
    bool patches = is_auto;
    unsigned strip = 0;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "-n") {
            ++i;
        } else if (is_auto && word == "-N") {
            patches = false;
        } else if (is_auto && word.starts_with("-S")) {
            const std::string tool = word.size() > 2 ? word.substr(2) : (++i < words.size() ? words[i] : "");
            if (tool.starts_with("git")) strip = 1;
        } else if (is_auto && word.starts_with("-p")) {
            const auto number = number_of(word.size() > 2 ? word.substr(2) : (++i < words.size() ? words[i] : ""));
            if (!number) refuse("its -p has no number");
            strip = *number;
        } else if (word != "-q" && word != "-c" && word != "-v") {
            refuse(fmt::format("option {} is not understood", word));
        }
    }
    const auto source = sources_.find(0);
    const auto tarball = source == sources_.end() ? std::nullopt : file_for(source->second);
    if (!tarball) refuse("the package has not the tarball that it names as Source0");
    plan_.tarball = *tarball;
    if (patches) apply_all(strip);
}

void SpecReader::apply_all(unsigned strip, unsigned first, unsigned last) {
    for (const auto& [number, value] : patches_) {
        if (number < first || number > last) continue;
        if (const auto file = file_for(value)) plan_.patches.push_back({.file = *file, .strip = strip});
    }
}

// %patch3 -p1, %patch -P 3 -p1, %patch 3; %autopatch -p1 -m 2 -M 9.
void SpecReader::apply_numbered(const std::vector<std::string>& words) {
    const bool all = words.front() == "%autopatch";
    SpecPatch patch{.file = {}, .strip = 0};
    std::vector<unsigned> numbers;
    unsigned first = 0;
    unsigned last = ~0U;
    if (const auto number = number_of(words.front().substr(std::min<std::size_t>(6, words.front().size()))))
        numbers.push_back(*number);
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string& word = words[i];
        const auto argument = [&] { return word.size() > 2 ? word.substr(2) : (++i < words.size() ? words[i] : ""); };
        const auto number = [&] {
            const auto value = number_of(argument());
            if (!value) refuse(fmt::format("option {} has no number", word));
            return *value;
        };
        if (word.starts_with("-p")) {
            patch.strip = number();
        } else if (word.starts_with("-P") && !all) {
            numbers.push_back(number());
        } else if (word.starts_with("-m") && all) {
            first = number();
        } else if (word.starts_with("-M") && all) {
            last = number();
        } else if ((word.starts_with("-b") || word.starts_with("-F")) && !all) {
            static_cast<void>(argument());
        } else if (word == "-R" && !all) {
            patch.reverse = true;
        } else if (const auto plain = number_of(word)) {
            numbers.push_back(*plain);
        } else if (word != "-E" && word != "-s" && word != "-v" && word != "-q") {
            refuse(fmt::format("option {} is not understood", word));
        }
    }
    if (all && numbers.empty()) {
        apply_all(patch.strip, first, last);
        return;
    }
    if (numbers.empty()) numbers.push_back(0);
    for (const unsigned number : numbers) {
        const auto declared = patches_.find(number);
        const auto file = declared == patches_.end() ? std::nullopt : file_for(declared->second);
        if (!file) refuse(fmt::format("the package has not the file of Patch{}", number));
        patch.file = *file;
        plan_.patches.push_back(patch);
    }
}

// ApplyPatch NAME [-pN] [-R], with Red Hat's functions.
void SpecReader::apply_named(const std::vector<std::string>& words) {
    if (words.size() < 2 || words[1].find('$') != std::string::npos) refuse("which patch it applies is not understood");
    const auto file = file_for(words[1]);
    if (!file) refuse("the package has no such file");
    SpecPatch patch{.file = *file,
                    .strip = strip_of_function_,
                    .reverse = false,
                    .optional = words.front() == "ApplyOptionalPatch"};
    for (std::size_t i = 2; i < words.size(); ++i) {
        const auto strip = words[i].starts_with("-p") ? number_of(words[i].substr(2)) : std::nullopt;
        if (strip) {
            patch.strip = *strip;
        } else if (words[i] == "-R") {
            patch.reverse = true;
        } else if (!words[i].starts_with("-F")) {
            refuse(fmt::format("option {} is not understood", words[i]));
        }
    }
    plan_.patches.push_back(patch);
}

bool SpecReader::take_patch_command(const std::vector<std::string>& words) {
    const std::string& command = words.front();
    if (command == "ApplyPatch" || command == "ApplyOptionalPatch" || command == "ApplyNoCheckPatch") {
        need_certainty();
        apply_named(words);
    } else if (command == "%autopatch" || command == "%patch" ||
               (command.starts_with("%patch") && number_of(command.substr(6)))) {
        need_certainty();
        apply_numbered(words);
    } else if (is_git_am_of_all(words)) {
        need_certainty();
        apply_all(1);
    } else {
        return false;
    }
    return true;
}

// cp -a %{SOURCE1} . puts a file beside the top Makefile, which includes it.
void SpecReader::copy(const std::vector<std::string>& words) {
    std::vector<std::string> plain;
    for (std::size_t i = 1; i < words.size(); ++i)
        if (!words[i].starts_with('-')) plain.push_back(words[i]);
    if (plain.size() != 2 || (plain[1] != "." && plain[1] != "./")) return;
    std::string_view name = plain[0];
    for (const std::string_view prefix : {"%{SOURCE", "%{S:", "%SOURCE"})
        if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    if (name.ends_with('}')) name.remove_suffix(1);
    const auto number = name.size() == plain[0].size() ? std::nullopt : number_of(name);
    if (!number) return;
    need_certainty();
    const auto source = sources_.find(*number);
    if (source == sources_.end()) refuse("there is no such source");
    if (const auto file = file_for(source->second)) plan_.copies.push_back(*file);
}

void SpecReader::take_command(std::string_view line) {
    if (in_function_) {
        in_function_ = line != "}";
        return;
    }
    if (begins_function(line)) {
        in_function_ = line.find('}') == std::string_view::npos;
        return;
    }
    const std::vector<std::string> words = words_of(line);
    const std::string& command = words.front();
    if (command.starts_with("patch_command=")) {
        const std::size_t strip = line.find("-p");
        if (strip != std::string_view::npos)
            strip_of_function_ = number_of(line.substr(strip + 2, 1)).value_or(strip_of_function_);
        return;
    }
    if (command == "%setup" || command == "%autosetup") {
        setup(words);
    } else if (take_patch_command(words)) {
        return;
    } else if (command == "cp") {
        copy(words);
    } else if (command == "patch" || command == "%{__patch}" || line.find("git am") != std::string_view::npos ||
               line.find("git apply") != std::string_view::npos || line.find("| patch") != std::string_view::npos ||
               line.find("xargs patch") != std::string_view::npos || command == "%apply_patches") {
        refuse("how it patches the source is not understood");
    } else if ((command == "sed" || command == "perl") && line.find("-i") != std::string_view::npos) {
        plan_.edits.emplace_back(trimmed(line));
    }
}

void SpecReader::take_line(std::string_view line) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#') return;
    const std::vector<std::string> words = words_of(text);
    if (take_condition(words, text) || now() == Truth::no) return;
    if (words.front() == "%define" || words.front() == "%global" || words.front() == "%undefine") {
        take_definition(text);
        return;
    }
    section_ = section_of(words.front(), section_);
    if (words.front() == "%prep" || words.front() == "%patchlist" || words.front() == "%sourcelist") return;
    switch (section_) {
        case SpecSection::preamble:
            take_declaration(text);
            break;
        case SpecSection::prep:
            take_command(text);
            break;
        case SpecSection::patch_list:
            declare(patches_, std::nullopt, text);
            break;
        case SpecSection::source_list:
            declare(sources_, std::nullopt, text);
            break;
        case SpecSection::other:
            break;
    }
}

SpecPlan SpecReader::read(std::string_view text) {
    std::size_t number = 0;
    std::string joined;
    for (const std::string_view line : lines_of(text)) {
        ++number;
        if (joined.empty()) number_ = number;
        if (line.ends_with('\\')) {
            joined += line.substr(0, line.size() - 1);
            joined += ' ';
            continue;
        }
        line_ = joined + std::string(line);
        joined.clear();
        take_line(line_);
    }
    if (plan_.tarball.empty())
        throw Error(where_, "no %setup in its %prep that is understood")
            .hint("where the kernel comes from: rpmbuild -bp SPEC, and then here: --source DIR, the tree that it made");
    return std::move(plan_);
}

}  // namespace

SpecPlan read_spec(std::string_view text, const SpecFacts& facts, const Location& where) {
    return SpecReader(facts, where).read(text);
}

}  // namespace klp::packages
