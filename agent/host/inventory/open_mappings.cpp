#include "host/inventory/open_mappings.hpp"

#include <algorithm>

#include "host/inventory/parts.hpp"
#include "host/inventory/sleeping_devices.hpp"

namespace hostsplit::inventory_parts {
namespace {

constexpr int most_layers_open = 16;  // deeper is a circle in a recorded tree

/// Each owner puts its own word in front of the uuid (lvm2: dm-ioctl.h; cryptsetup: lib/libdevmapper.c).
OpenMapping open_mapping(const Root& root, const std::string& path) {
  const auto name = root.read(path + "/dm/name", 256).value_or(std::string(last_component(path)));
  const auto uuid = root.read(path + "/dm/uuid", 256).value_or("");
  if (uuid.starts_with("LVM-")) return {OpenMapping::Kind::group, mapped_group(name)};
  if (uuid.starts_with("CRYPT-LUKS")) return {OpenMapping::Kind::luks, name};
  return {uuid.starts_with("CRYPT-") ? OpenMapping::Kind::crypt : OpenMapping::Kind::other, name};
}

/// Adds what the device lies on next, through arrays and the like, and through other volumes of its own group.
void add_lower(const Root& root, const Follower& follow, const std::string& path, const OpenMapping& mapping,
               std::set<OpenMapping>& found, int depth = 0) {
  if (depth > most_layers_open) return;
  for (const auto& slave : root.list(path + "/slaves")) {
    const auto lower = follow.path_of(slave);
    if (!lower) continue;
    const auto next = root.exists(*lower + "/dm") ? open_mapping(root, *lower) : mapping;
    if (next == mapping)
      add_lower(root, follow, *lower, mapping, found, depth + 1);
    else
      found.insert(next);
  }
}

/// How high a mapping lies; what is on top is closed first. A group is closed as a whole, and so after all that lies on
/// any of its volumes: vgchange(8) deactivates none of them while one is open.
std::map<OpenMapping, int> heights(const Root& root, const Follower& follow, const ManagedDevices& managed) {
  std::map<OpenMapping, std::set<OpenMapping>> lower;
  for (const auto& [path, followed] : managed) {
    if (!root.exists(path + "/dm")) continue;
    const auto mapping = open_mapping(root, path);
    add_lower(root, follow, path, mapping, lower[mapping]);
  }
  std::map<OpenMapping, int> found;
  for (int round = 0; round < most_layers_open; ++round)
    for (const auto& [mapping, others] : lower)
      for (const auto& other : others) found[mapping] = std::max(found[mapping], found[other] + 1);
  return found;
}

}  // namespace

std::map<Leaf, std::vector<OpenMapping>> open_mappings(const Root& root, const Follower& follow,
                                                       const ManagedDevices& managed, const std::set<Leaf>& boots) {
  std::map<Leaf, std::set<OpenMapping>> found;
  std::set<OpenMapping> stay;
  for (const auto& [path, followed] : managed) {
    if (!root.exists(path + "/dm")) continue;
    const auto mapping = open_mapping(root, path);
    for (const auto& leaf : followed.leaves) {
      if (boots.contains(leaf)) stay.insert(mapping);
      found[leaf].insert(mapping);
    }
  }
  auto height = heights(root, follow, managed);
  std::map<Leaf, std::vector<OpenMapping>> open;
  for (const auto& [leaf, mappings] : found) {
    std::vector<std::pair<int, OpenMapping>> order;
    for (const auto& mapping : mappings)
      if (!stay.contains(mapping)) order.emplace_back(-height[mapping], mapping);
    std::sort(order.begin(), order.end());
    for (auto& [below_top, mapping] : order) open[leaf].push_back(std::move(mapping));
  }
  return open;
}

}  // namespace hostsplit::inventory_parts
