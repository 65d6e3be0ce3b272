#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/steps/step.hpp"

namespace hostsplit {

/// Whether the host comes up well with what was applied. Counted at each boot before hostsplit's first effect on the
/// real root; the daemon sets the count back when the host is healthy.
struct BootHealth {
  unsigned begun = 0;    ///< boots in a row that were begun and not found healthy, the present one included
  std::string boot_id;   ///< of the boot counted last (/proc/sys/kernel/random/boot_id)
  bool network = false;  ///< the host had a network it depends on when it was healthy last
  bool operator==(const BootHealth&) const = default;
};

/// After so many unhealthy boots in a row hostsplit does nothing until `apply` is run again.
inline constexpr unsigned most_unhealthy_boots = 2;
/// How long the host has to be up, as seen by the daemon, before it can be called healthy.
inline constexpr std::chrono::seconds healthy_after{30};

/// One line of `key=value` words. An unreadable count is a reason to do nothing, not to start anew.
std::string to_text(const BootHealth& health);
/// \return empty when damaged.
std::optional<BootHealth> parse_boot_health(std::string_view text);

/// The count after a boot has begun; the same boot is counted once.
BootHealth boot_begun(BootHealth health, const std::string& boot_id);

/// What is known of the count: nothing was counted yet, it is unreadable, or it is this.
struct HealthRecord {
  bool damaged = false;
  std::optional<BootHealth> health;
  bool operator==(const HealthRecord&) const = default;
};
/// True when hostsplit is to leave everything to the host.
bool is_suspended(const HealthRecord& record);
/// Why, in words; empty when it does not.
std::string why_suspended(const HealthRecord& record);

/// What the daemon sees of the host.
struct HealthSigns {
  std::chrono::seconds watched{0};  ///< since the daemon started
  bool multi_user = false;          ///< multi-user.target is active
  bool units_fine = false;          ///< none of hostsplit's own units has failed
  bool network = false;             ///< there is a network the host depends on
};
/// What is missing; empty when the host is healthy.
std::string why_not_healthy(const HealthSigns& signs, const BootHealth& health);

/// The step by which `apply` trusts the machine again; none when there is nothing to forgive.
std::vector<Step> trust_steps(const HealthRecord& record);
/// The step by which `undo` forgets the count.
std::vector<Step> forget_health_steps(const HealthRecord& record);

}  // namespace hostsplit
