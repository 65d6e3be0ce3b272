#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/baseline.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

/// Paths outside hostsplit's own directories that it may write: the inverse of each is kept in the baseline.
const std::vector<std::string>& foreign_files();
/// True for files whose inverse the baseline keeps: foreign ones, and the configuration, which people write, too.
bool keeps_inverse(const std::string& path);
/// True for paths outside /etc/hostsplit, /var/lib/hostsplit and /run/hostsplit.
bool is_foreign(const std::string& path);

/// True for the text of a file that hostsplit wrote outside its own directories, in this version or another.
bool is_ours(std::string_view content);
/// True where the file is known to hold exactly what hostsplit wrote there last.
bool holds_what_was_written(const FileBefore& before, std::string_view content);
/// The record with `content` as what hostsplit writes there next.
void note_written(FileBefore& before, std::string_view content);

/// A step that keeps the text of a file below names::kept_directory, for the owner, before it goes.
Step keep_step(const std::string& path, const std::string& content, std::string reason);

/// A step that makes a foreign file so; none if it is.
void want_file(const Snapshot& snapshot, const std::string& path, const FileNow& wanted, const std::string& reason,
               std::vector<Step>& steps);
/// A step that makes it as it was before hostsplit; none if it is, or was never touched, or is somebody else's by now
/// (changed_files() names it). What hostsplit wrote and somebody edited since is kept first.
void restore_file(const Snapshot& snapshot, const Baseline& baseline, const std::string& path,
                  std::vector<Step>& steps);
/// Puts a step in front of each that writes a foreign file which somebody edited or replaced after hostsplit wrote it:
/// what they wrote is kept first (`file-edited`).
void keep_edits(const Snapshot& snapshot, const Baseline& baseline, std::vector<Step>& steps,
                std::vector<Finding>& findings);
/// Foreign files that hostsplit wrote and somebody replaced since: they stay (`file-replaced`).
std::vector<Finding> changed_files(const Snapshot& snapshot, const Baseline& baseline);

}  // namespace hostsplit
