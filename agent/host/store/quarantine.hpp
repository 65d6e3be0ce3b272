#pragma once
#include <cstdint>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/pci.hpp"
#include "host/effects/effects.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// A function that a write got stuck with inside the kernel. It is left alone until the machine restarts: the record
/// lies in /run. Only somebody who asks for it may try again earlier, and only once the stuck process has ended.
struct Quarantined {
  PciAddress address;
  int pid = 0;                ///< the child left behind
  std::uint64_t started = 0;  ///< its start time as in proc_pid_stat(5), which tells it from a later one; 0: unknown
  bool operator==(const Quarantined&) const = default;
};

/// Lines that make no sense are left out: a damaged record must not stop the service.
std::vector<Quarantined> load_quarantine(const Root& root);

/// Adds one, or replaces that of the same function. Errors are ignored: the error that led here is the one to report.
void quarantine(const Root& root, Effects& effects, const PciAddress& address, int pid) noexcept;

/// Drops the functions whose process has ended. \throws Error.
void release_answered(const Root& root, Effects& effects);

/// \throws Error naming the stuck process if it still is stuck with this function.
void require_answering(const Root& root, const PciAddress& address);

/// One finding of severity error for each.
std::vector<Finding> quarantine_findings(const Root& root, const std::vector<Quarantined>& quarantined);

}  // namespace hostsplit
