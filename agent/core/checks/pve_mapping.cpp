#include "core/checks/pve_mapping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace hostsplit {
namespace {

constexpr std::string_view prefix = "hostsplit-";

bool digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Where a function hangs, as text that sorts.
std::string place(const Claim& claim) {
  return claim.function.root + " " + to_string(claim.function.chain);
}

PveMapEntry entry_of(const PciFunction& function, const std::string& node) {
  const auto& ids = function.fingerprint.ids;
  PveMapEntry entry{node, {{function.address, false}}, id_pair(ids.vendor, ids.device), {}, function.group};
  entry.subsystem = id_pair(ids.subsystem_vendor, ids.subsystem_device);
  return entry;
}

}  // namespace

std::vector<PveMapping> mappings_of(const BootPlan& applied, const Snapshot& snapshot, const std::string& node,
                                    std::vector<Finding>& findings) {
  auto claims = applied.claims;
  std::sort(claims.begin(), claims.end(),
            [](const Claim& a, const Claim& b) { return std::tuple(a.vm, place(a)) < std::tuple(b.vm, place(b)); });
  std::vector<PveMapping> mappings;
  std::map<int, int> counted;
  for (const auto& claim : claims) {
    const int number = ++counted[claim.vm];
    const Located located = locate(snapshot, claim.function);
    if (located.kind != Located::Kind::found) {
      findings.push_back({"claim-absent", Severity::warning, to_string(claim.address),
                          describe(claim.function) + " is not where it was, so it gets no mapping",
                          "See the current state: hostsplit plan"});
      continue;
    }
    mappings.push_back(
        {fmt::format("{}{}-{}", prefix, claim.vm, number), {entry_of(*snapshot.function(*located.address), node)}});
  }
  return mappings;
}

bool is_own_mapping(const std::string& id) {
  if (!id.starts_with(prefix)) return false;
  const auto rest = std::string_view(id).substr(prefix.size());
  const auto dash = rest.find('-');
  return dash != std::string_view::npos && digits(rest.substr(0, dash)) && digits(rest.substr(dash + 1));
}

}  // namespace hostsplit
