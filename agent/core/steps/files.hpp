#pragma once
#include <string>
#include <string_view>
#include <vector>

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

/// A step that makes a foreign file so; none if it is.
void want_file(const Snapshot& snapshot, const std::string& path, const FileNow& wanted, const std::string& reason,
               std::vector<Step>& steps);
/// A step that makes it as it was before hostsplit; none if it is, or was never touched.
void restore_file(const Snapshot& snapshot, const Baseline& baseline, const std::string& path,
                  std::vector<Step>& steps);

}  // namespace hostsplit
