#pragma once
#include <set>
#include <string>

#include "core/machine/pci.hpp"
#include "host/system/root.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {

/// Controllers a running program has asked for, to be the host's for as long as it runs. They are noted in
/// /run/hostsplit/lent, which the program keeps locked (flock(2)): when it ends in any way the kernel unlocks the file,
/// and what is noted there counts no more. So a program that was killed leaves nothing that somebody has to clean up:
/// the service finds functions that are not as applied, and repairs them.
class Lent {
 public:
  /// Notes nothing yet. \throws Error where the file cannot be opened, or another program has it.
  explicit Lent(const Root& root);
  /// Nothing is lent any more; the controllers themselves stay where they are.
  ~Lent();
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

  /// Replaces what is noted. \throws Error.
  void note(const std::set<PciAddress>& addresses);

 private:
  std::string shown_;
  UniqueFd fd_;
};

/// What a program that still runs has noted. Empty without the right to open the file: then nobody can tell.
std::set<PciAddress> load_lent(const Root& root);

}  // namespace hostsplit
