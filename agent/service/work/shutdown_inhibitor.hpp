#pragma once
#include "host/act/executor.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {

/// While one exists, logind delays nothing and refuses an orderly shutdown or reboot that does not insist
/// (systemd-inhibit(1), mode "block"). Without logind there is nobody to ask, and nothing is inhibited.
class ShutdownInhibitor {
 public:
  /// \param why shown by `systemd-inhibit --list`
  explicit ShutdownInhibitor(const char* why);

 private:
  UniqueFd lock_;
};

/// The same progress, holding an inhibitor during every step that builds an initramfs or a boot menu: a reboot in the
/// middle of it is survived, but costs the work.
Progress inhibiting_shutdown(Progress inner);

}  // namespace hostsplit
