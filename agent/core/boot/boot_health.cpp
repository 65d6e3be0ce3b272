#include "core/boot/boot_health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "core/base/names.hpp"
#include "core/base/number.hpp"
#include "core/steps/steps.hpp"

namespace hostsplit {

std::string to_text(const BootHealth& health) {
  return fmt::format("begun={} boot={} network={}\n", health.begun, health.boot_id, health.network ? "yes" : "no");
}

std::optional<BootHealth> parse_boot_health(std::string_view text) {
  BootHealth health;
  bool begun = false, boot = false, network = false;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) return std::nullopt;
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "begun") {
      const auto count = parse_number<unsigned>(value);
      if (!count) return std::nullopt;
      health.begun = *count;
      begun = true;
    } else if (key == "boot") {
      health.boot_id = value;
      boot = !value.empty();
    } else if (key == "network") {
      health.network = value == "yes";
      network = true;
    } else {
      return std::nullopt;
    }
  }
  if (!begun || !boot || !network) return std::nullopt;
  return health;
}

BootHealth boot_begun(BootHealth health, const std::string& boot_id) {
  if (health.boot_id == boot_id) return health;
  ++health.begun;
  health.boot_id = boot_id;
  return health;
}

bool is_suspended(const HealthRecord& record) {
  return record.damaged || (record.health && record.health->begun > most_unhealthy_boots);
}

std::string why_suspended(const HealthRecord& record) {
  if (record.damaged) return "the count of unhealthy boots cannot be read";
  if (!is_suspended(record)) return {};
  return fmt::format("the last {} boots did not get healthy", record.health->begun - 1);
}

std::string why_not_healthy(const HealthSigns& signs, const BootHealth& health) {
  if (signs.watched < healthy_after) return "it has not been up for long enough";
  if (!signs.multi_user) return "multi-user.target has not been reached";
  if (!signs.units_fine) return "a unit of hostsplit has failed";
  if (health.network && !signs.network) return "the network that was there before is missing";
  return {};
}

std::vector<Step> trust_steps(const HealthRecord& record) {
  if (!is_suspended(record)) return {};
  return {forget_step(names::boot_health_file,
                      "hostsplit is suspended (" + why_suspended(record) + "); this ends the suspension")};
}

std::vector<Step> forget_health_steps(const HealthRecord& record) {
  if (!record.damaged && !record.health) return {};
  return {forget_step(names::boot_health_file, "nothing is applied any more whose boots would be counted")};
}

}  // namespace hostsplit
