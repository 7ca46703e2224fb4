// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/header_probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.hpp"
#include "kernel/struct_layout.hpp"

namespace klp::kernel {

namespace {

using Answers = std::map<std::string, std::optional<std::uint64_t>, std::less<>>;
using Indices = std::set<std::size_t>;

// What the compiler takes for the file of a question, so that its messages say whom they mean.
constexpr std::string_view question_file = "klp-question-";

class HeaderProbe {
public:
    HeaderProbe(const ModuleCompiler& module_compiler, std::span<const arch::HeaderQuestion> questions)
        : module_compiler_(module_compiler), questions_(questions) {}

    // All at once; then without those that the compiler complained of, which shows that the headers and the others are
    // all right; then each of those alone, for one error may bring about another.
    Answers run() {
        Indices open;
        for (std::size_t i = 0; i < questions_.size(); ++i) open.insert(i);
        Indices refused;
        for (auto complaint = ask(open); complaint; complaint = ask(open)) {
            const Indices named = questions_in(*complaint);
            if (named.empty()) throw UnusableHeaders(*complaint);
            for (const std::size_t each : named) {
                if (open.erase(each) != 0) refused.insert(each);
            }
        }
        for (const std::size_t each : refused)
            if (ask({each})) answers_[std::string(questions_[each].name)] = std::nullopt;
        return std::move(answers_);
    }

private:
    // What the compiler says against it; nullopt: nothing, and the answers are there.
    std::optional<std::string> ask(const Indices& indices) {
        const Verdict verdict = module_compiler_.try_compile("klp_features", source(indices));
        if (!verdict.object) return verdict.complaint;
        const std::vector<std::uint64_t> values = read_probe(elf::Object::read(*verdict.object), indices.size());
        auto value = values.begin();
        for (const std::size_t each : indices) answers_[std::string(questions_[each].name)] = *value++;
        return std::nullopt;
    }

    // A header that not all kernels have is no error by itself.
    [[nodiscard]] std::string source(const Indices& indices) const {
        std::vector<std::string> headers = {"linux/types.h", "linux/stddef.h", "linux/module.h"};
        for (const arch::HeaderQuestion& question : questions_) {
            for (const std::string_view header : split(question.headers, ','))
                if (std::ranges::find(headers, header) == headers.end()) headers.emplace_back(header);
        }
        std::vector<std::string> expressions;
        for (const std::size_t each : indices)
            expressions.push_back(
                fmt::format("\n#line 1 \"{}{}\"\n{}", question_file, each, questions_[each].expression));
        return probe_source(headers, expressions);
    }

    static Indices questions_in(std::string_view complaint) {
        Indices found;
        for (const std::string_view line : split(complaint, '\n')) {
            if (!line.starts_with(question_file)) continue;
            const std::string_view number = line.substr(question_file.size());
            std::size_t index = 0;
            if (std::from_chars(number.data(), number.data() + number.size(), index).ec == std::errc())
                found.insert(index);
        }
        return found;
    }

    const ModuleCompiler& module_compiler_;
    std::span<const arch::HeaderQuestion> questions_;
    Answers answers_;
};

}  // namespace

Answers ask_headers(const ModuleCompiler& module_compiler, std::span<const arch::HeaderQuestion> questions) {
    return HeaderProbe(module_compiler, questions).run();
}

}  // namespace klp::kernel
