#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/inventory/crypttab_entries.hpp"
#include "host/system/root.hpp"

namespace hostsplit::inventory_parts {

/// Disks that something asleep may be on.
struct Asleep {
  std::vector<std::string> disks = {};  ///< block devices ("sys/devices/...")
  std::string unknown = {};             ///< why it is one of them at most; empty: it is on all of them
};

/// Disks below block devices that are not there now and come when they are needed: closed mappings of crypttab(5),
/// volumes of groups that are not active and of pools that are not imported.
class SleepingDevices {
 public:
  explicit SleepingDevices(const Root& root) : root_(root) {}

  /// \param device  path below /dev
  /// \return the device itself where it is there; none where nothing says what it is on
  std::vector<std::string> below(const std::string& device);
  /// The same for what is needed: where nothing says it, any LUKS volume that is closed may have it.
  Asleep maybe_below(const std::string& device);
  Asleep group(const std::string& name);
  Asleep pool(const std::string& name);

  /// Physical volumes noted for the group; without a note it may be any that nobody holds.
  std::vector<std::string> physical_volumes(const std::string& group);
  /// Only those that udev notes the group of, held or not.
  std::vector<std::string> noted_volumes(const std::string& group);
  /// Members of a pool that is not imported; one without a label that can be read may be one of any pool.
  std::vector<std::string> pool_members(const std::string& pool);
  /// The mapping of device mapper of that name, where there is one.
  std::optional<std::string> mapping(const std::string& name);
  /// Below the mappings that the boot opens and that are closed now.
  std::vector<std::string> closed_at_boot();
  /// Block devices with a file system or LUKS volume that nobody uses; \param mounted  numbers of those that are.
  std::vector<std::string> unused(const std::vector<std::string>& mounted);

 private:
  /// What udev knows of a block device.
  struct Noted {
    std::string path, number, type, label, ambivalent, group;
    bool held = false;  ///< by a mapping or an array
  };
  const std::vector<Noted>& noted();
  const std::vector<CrypttabEntry>& crypttab();
  std::vector<std::string> below(const std::string& device, int depth);
  std::string group_of(const std::string& device);
  std::vector<std::string> closed_luks();
  Asleep closed(const std::string& what);

  const Root& root_;
  std::optional<std::vector<Noted>> noted_;
  std::optional<std::vector<CrypttabEntry>> crypttab_;
  std::optional<std::map<std::string, std::string>> mappings_;
};

/// The group of a volume as device mapper names it: "data-x" of "data--x-vm--105".
std::string mapped_group(std::string_view name);

/// Volume groups with active volumes.
std::set<std::string> active_groups(const Root& root);

/// All mappings of device mapper by their names ("sys/devices/...").
std::map<std::string, std::string> mappings(const Root& root);

}  // namespace hostsplit::inventory_parts
