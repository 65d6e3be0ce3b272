#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/machine/host_use.hpp"
#include "host/inventory/follow.hpp"
#include "host/system/root.hpp"

namespace hostsplit::inventory_parts {

/// Block devices made of others ("sys/devices/virtual/block/dm-5"), and where they lead.
using ManagedDevices = std::vector<std::pair<std::string, Followed>>;

/// What has to be closed on each disk before it can leave: mappings by their names, volumes by their group (dm/name and
/// dm/uuid, Documentation/ABI/testing/sysfs-block-dm), those on top of others first.
/// \param boots  what the root file system lies on: nothing that is on it can be closed, and none of it is returned
std::map<Leaf, std::vector<OpenMapping>> open_mappings(const Root& root, const Follower& follow,
                                                       const ManagedDevices& managed, const std::set<Leaf>& boots);

}  // namespace hostsplit::inventory_parts
