// SPDX-License-Identifier: GPL-2.0-or-later
// The file that a command leaves (-o FILE).
#pragma once

#include <memory>
#include <vector>

#include "base/file.hpp"
#include "base/pending_file.hpp"

namespace klp {

// One that appears whole, and only with commit(), which a command calls once its results have been printed: until then
// a file that is there stays as it is. A file that is replaced hands its mode and owner on. Symbolic links are
// followed. Devices, FIFOs and open files by their names in /proc (/dev/stdout, /dev/fd/3) are written to.
class OutputFile {
public:
    // Looks, and does nothing yet. Error: nothing can be written there. Error with ExitCode::usage: it is one of
    // `inputs`, by whatever name, or lies in one that is a folder.
    OutputFile(const fs::path& path, const std::vector<fs::path>& inputs);

    void write(std::vector<std::byte> bytes);  // once
    void commit();

    // What else is printed there would be in the middle of the output.
    [[nodiscard]] bool is_standard_output() const noexcept { return is_standard_output_; }
    [[nodiscard]] const fs::path& path() const noexcept { return path_; }  // as given

private:
    void check_file() const;
    void check_folder() const;
    void write_directly() const;

    fs::path path_;
    fs::path place_;  // behind all links
    bool is_direct_ = false;
    bool is_standard_output_ = false;
    std::vector<std::byte> bytes_;
    std::unique_ptr<PendingFile> pending_;
};

// Whether -o with that path means standard output; false also where nothing can be written there.
[[nodiscard]] bool leads_to_standard_output(const fs::path& path) noexcept;

}  // namespace klp
