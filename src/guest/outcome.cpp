// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace klp::guest {

namespace {

// "[    2.659601] text" -> "text"
std::string_view without_time(std::string_view line) {
    if (!line.starts_with('[')) return line;
    const std::size_t end = line.find("] ");
    const bool stamped = end != std::string_view::npos &&
                         line.substr(1, end - 1).find_first_not_of(" .0123456789") == std::string_view::npos;
    return stamped ? line.substr(end + 2) : line;
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (const auto line = without_time(text.substr(0, end)); !line.empty()) lines.emplace_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

// The lines that begin an account of trouble (lib/bug.c, kernel/panic.c, arch/*/mm/fault.c, kernel/watchdog.c).
bool is_complaint(std::string_view line) {
    constexpr std::array beginnings{"WARNING: ", "BUG: ", "kernel BUG at ", "Oops: ", "watchdog: BUG: ", "INFO: task "};
    return std::ranges::any_of(beginnings, [&](std::string_view beginning) { return line.starts_with(beginning); });
}

class Reading {
public:
    Reading(const std::vector<Step>& steps, std::size_t livepatches, std::string console)
        : steps_(steps), livepatches_(livepatches) {
        result_.console = std::move(console);
    }

    void take(const Record& record) {
        if (current() != nullptr && record.key == current()->record) done_.insert(*step_);
        if (record.key == "step") {
            step_ = static_cast<std::size_t>(*parse_number(record.words[0]));
        } else if (record.key == "output") {
            take_output(record);
        } else if (record.key == "transition") {
            microseconds_ += *parse_number(record.words[0]);
            result_.transition_complete = result_.loaded = ++transitions_ == livepatches_;
        } else if (record.key == "unloaded") {
            result_.unloaded = true;
        } else if (record.key == "fail") {
            fail(record.content);
        } else if (record.key == "end") {
            ended_ = true;
        }
    }

    Result finish(const std::vector<std::string>& damage, const Ending& ending) {
        result_.transition_ms = (microseconds_ + 500) / 1000;
        for (const std::string& line : lines_of(result_.console))
            if (is_complaint(line)) result_.warnings.push_back(line);
        if (result_.ok() && !ended_) fail(why_unfinished(ending));
        if (result_.ok() && !damage.empty()) fail(fmt::format("the guest's report is damaged: {}", damage.front()));
        for (step_ = 0; result_.ok() && *step_ < steps_.size(); ++*step_)
            if (!current()->record.empty() && !done_.contains(*step_)) fail("the guest's report has nothing about it");
        return std::move(result_);
    }

private:
    void take_output(const Record& record) {
        const std::string& phase = record.words[0];
        auto& output = phase == "before" ? result_.before : phase == "after" ? result_.after : result_.reverted;
        output = Output{.stdout_text = record.content, .status = static_cast<int>(*parse_number(record.words[1]))};
    }

    // The step begun last; null while the guest boots.
    [[nodiscard]] const Step* current() const { return step_ && *step_ < steps_.size() ? &steps_[*step_] : nullptr; }

    void fail(std::string_view message) {
        result_.failure = fmt::format("{}: {}", current() != nullptr ? current()->title : "boot", message);
        if (current() == nullptr) return;
        constexpr std::size_t most = 8;
        auto messages = kernel_messages(result_.console, *step_);
        messages.resize(std::min(messages.size(), most));
        for (const std::string& line : messages) result_.failure += fmt::format("\nkernel: {}", line);
    }

    [[nodiscard]] std::string why_unfinished(const Ending& ending) const {
        for (const std::string& line : lines_of(result_.console))
            if (line.starts_with("Kernel panic")) return line;
        if (ending.timed_out)
            return fmt::format("not done when the time limit of {} s ended it", ending.time_limit.count());
        return "the guest ended before its steps did";
    }

    const std::vector<Step>& steps_;
    std::size_t livepatches_;
    Result result_;
    std::optional<std::size_t> step_;
    std::set<std::size_t> done_;  // steps that left their record
    std::size_t transitions_ = 0;
    std::int64_t microseconds_ = 0;
    bool ended_ = false;
};

}  // namespace

std::vector<std::string> kernel_messages(std::string_view console, std::size_t step) {
    const std::size_t mark = console.rfind(step_mark(step));
    if (mark == std::string_view::npos) return {};
    const std::size_t begin = std::min(console.find('\n', mark), console.size());
    const std::size_t end = std::min(console.find(end_mark, begin), console.size());
    std::vector<std::string> lines = lines_of(console.substr(begin, console.rfind('\n', end) - begin));
    // Each module that is not the distribution's taints the kernel, and that is said at length.
    std::erase_if(lines, [](const std::string& line) { return line.find("taint") != std::string::npos; });
    // insmod tries a second system call where the first one fails, and the kernel says the same again.
    lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
    return lines;
}

Result make_result(const Transcript& transcript, const std::vector<Step>& steps, std::size_t livepatches,
                   std::string console, const Ending& ending) {
    Reading reading(steps, livepatches, std::move(console));
    for (const Record& record : transcript.records) reading.take(record);
    return reading.finish(transcript.damage, ending);
}

}  // namespace klp::guest
