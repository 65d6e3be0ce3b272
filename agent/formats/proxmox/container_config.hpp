#pragma once
#include <map>
#include <string>
#include <string_view>

#include "core/machine/pve.hpp"

namespace hostsplit {

/// A container of Proxmox VE (pct.conf(5)): only what gives it devices of the host, pending changes among
/// them. Sections of snapshots are left out.
PveContainer parse_pve_container(int id, std::string_view text);

/// /etc/pve/mapping/usb.cfg: an id at the beginning of a line, its `map` lines indented below.
std::multimap<std::string, PveUsbMapEntry> parse_pve_usb_mappings(std::string_view text);
/// /etc/pve/mapping/directory.cfg, of the same form.
std::multimap<std::string, PveDirectoryMapEntry> parse_pve_directory_mappings(std::string_view text);
/// What a file of `lxc.mount.fstab` binds into the container, as lines of `lxc.mount.entry` would.
void add_pve_container_mounts(std::string_view text, PveContainer& container);

}  // namespace hostsplit
