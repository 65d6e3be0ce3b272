#include "host/inventory/open_mappings.hpp"

#include <algorithm>

#include "host/inventory/parts.hpp"
#include "host/inventory/sleeping_devices.hpp"

namespace hostsplit::inventory_parts {
namespace {

/// Mappings below a mapping; what is on top is closed first.
int layers_below(const Root& root, const Follower& follow, const std::string& path, int depth = 0) {
  int most = 0;
  if (depth > 16) return most;  // a circle in a recorded tree
  for (const auto& slave : root.list(path + "/slaves"))
    if (const auto lower = follow.path_of(slave))
      most = std::max(most, 1 + layers_below(root, follow, *lower, depth + 1));
  return most;
}

/// Each owner puts its own word in front of the uuid (lvm2: dm-ioctl.h; cryptsetup: lib/libdevmapper.c).
OpenMapping open_mapping(const Root& root, const std::string& path) {
  const auto name = root.read(path + "/dm/name", 256).value_or(std::string(last_component(path)));
  const auto uuid = root.read(path + "/dm/uuid", 256).value_or("");
  if (uuid.starts_with("LVM-")) return {OpenMapping::Kind::group, mapped_group(name)};
  if (uuid.starts_with("CRYPT-LUKS")) return {OpenMapping::Kind::luks, name};
  return {uuid.starts_with("CRYPT-") ? OpenMapping::Kind::crypt : OpenMapping::Kind::other, name};
}

}  // namespace

std::map<Leaf, std::vector<OpenMapping>> open_mappings(const Root& root, const Follower& follow,
                                                       const ManagedDevices& managed, const std::set<Leaf>& boots) {
  std::map<Leaf, std::map<OpenMapping, int>> found;
  std::set<OpenMapping> stay;
  for (const auto& [path, followed] : managed) {
    if (!root.exists(path + "/dm")) continue;
    const auto mapping = open_mapping(root, path);
    const int layers = layers_below(root, follow, path);
    for (const auto& leaf : followed.leaves) {
      if (boots.contains(leaf)) stay.insert(mapping);
      auto& deepest = found[leaf][mapping];
      deepest = std::max(deepest, layers);
    }
  }
  std::map<Leaf, std::vector<OpenMapping>> open;
  for (const auto& [leaf, mappings] : found) {
    std::vector<std::pair<int, OpenMapping>> order;
    for (const auto& [mapping, layers] : mappings)
      if (!stay.contains(mapping)) order.emplace_back(-layers, mapping);
    std::sort(order.begin(), order.end());
    for (auto& [layers, mapping] : order) open[leaf].push_back(std::move(mapping));
  }
  return open;
}

}  // namespace hostsplit::inventory_parts
