#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/cpu_set.hpp"
#include "core/base/finding.hpp"
#include "core/base/size.hpp"
#include "core/machine/file_content.hpp"
#include "core/machine/pci.hpp"

namespace hostsplit {

/// What Proxmox VE says about its guests, as values: read-only, and only the keys that memory, CPUs and passed through
/// functions depend on. Key names and their meaning: qm.conf(5).

/// One `numaN:` line: a NUMA node of the guest.
struct PveNumaNode {
  int index = 0;                ///< N, 0..7
  CpuSet guest_cpus;            ///< `cpus=`: numbers of the guest's CPUs, not of the host's
  std::vector<int> host_nodes;  ///< `hostnodes=`, ranges expanded; empty when not given
  std::optional<Kib> memory;
  std::string policy;                   ///< "bind", "preferred", "interleave"; empty when not given
  std::string host_nodes_written = {};  ///< `hostnodes=` as written, "0-0"; empty for a line that is to be written
  bool operator==(const PveNumaNode&) const = default;
};

/// A function, or without a function number all functions of a slot.
struct PveHostAddress {
  PciAddress address;
  bool whole_slot = false;
  std::string behind_vmd = {};  ///< "10000:e1:00.0", of parse_vmd_address(): then `address` says nothing
  bool operator==(const PveHostAddress&) const = default;
};

/// One `hostpciN:` line.
struct PveHostPci {
  int index = 0;
  std::vector<PveHostAddress> addresses;  ///< `host=`, more than one where joined with ";"
  std::string mapping;       ///< `mapping=`: id in /etc/pve/mapping/pci.cfg; empty when addresses are given
  bool keep_driver = false;  ///< `driver=keep`: Proxmox VE neither binds nor resets it
  std::string rest = {};     ///< all other properties, "pcie=1,rombar=0", for a line that only changes the address
  bool operator==(const PveHostPci&) const = default;
};

/// `hugepages:`.
enum class PvePages { none, any, small, big };
const char* to_string(PvePages pages);

/// /etc/pve/qemu-server/<vmid>.conf, the section before the first "[".
struct PveVm {
  int id = 0;
  std::string name;
  std::optional<Kib> memory;   ///< `memory:`
  std::optional<Kib> balloon;  ///< `balloon:`; 0 turns the balloon off, absent leaves it on
  bool numa = false;
  PvePages hugepages = PvePages::none;
  bool keep_hugepages = false;
  int sockets = 1, cores = 1;
  std::optional<int> vcpus;        ///< how many of its CPUs are there at the start; absent: all
  std::optional<CpuSet> affinity;  ///< host CPUs
  std::string cpu;                 ///< as written
  std::string hotplug;             ///< as written; empty: the default, which has no memory in it
  std::string args;
  std::string hookscript;
  bool on_boot = false;
  std::optional<int> start_order, start_delay, stop_delay;  ///< `startup: order=,up=,down=` (seconds)
  bool is_template = false;
  std::string lock;
  std::vector<PveNumaNode> numa_nodes;         ///< ascending
  std::vector<PveHostPci> host_pci;            ///< ascending
  std::map<std::string, std::string> disks;    ///< "scsi0" -> "local-lvm:vm-101-disk-0,size=64G"
  std::map<std::string, std::string> usb;      ///< "usb0" -> "host=10c4:ea60"
  std::map<std::string, std::string> serial;   ///< "serial0" -> "/dev/ttyUSB0"; parallel lines, too
  std::map<std::string, std::string> pending;  ///< keys of [PENDING]: what the next start will have
  std::vector<std::string> pending_deletes;
  std::vector<std::string> snapshots;
  std::string machine;                        ///< as written, "q35" or "pc-q35-9.2+pve1"; empty: i440fx
  std::map<std::string, std::string> values;  ///< every key of the main section, as written
  std::string digest;                         ///< SHA-1 of the whole file: what `qm set --digest` compares
  bool running = false;
  bool operator==(const PveVm&) const = default;
};

/// The memory it has, by the default of qm.conf(5) where nothing is said.
inline Kib memory_of(const PveVm& vm) {
  return vm.memory.value_or(512 * kib_per_mib);
}

/// Something Proxmox VE keeps keys of and has a command for: a VM (`qm set`) or a storage (`pvesm set`).
struct PveObject {
  enum class Kind { vm, storage };
  Kind kind = Kind::vm;
  std::string id;  ///< "101", "local"
  auto operator<=>(const PveObject&) const = default;
};
/// "VM 101", "storage local".
std::string to_string(const PveObject& object);

/// One key that gets another value. An empty optional: the key is not there.
struct PveKeyChange {
  std::string key;
  std::optional<std::string> from, to;
  bool operator==(const PveKeyChange&) const = default;
};

/// A storage of /etc/pve/storage.cfg, as far as scripts can be kept in it.
struct PveStorage {
  std::string id, type;
  std::string path;     ///< of its directory on this machine, below the root ("var/lib/vz"); empty: it has none
  std::string content;  ///< as written, "iso,vztmpl,backup"
  bool here = true;     ///< enabled, and on this node
  std::optional<FileNow> hook = {};  ///< hostsplit's script in its snippets, as it is there
  std::string group = {};            ///< volume group of LVM, or pool of ZFS; empty: it has none
  std::string mount_point = {};      ///< where something must be mounted before it is used; empty: nothing says so
  std::string backups = "dump";      ///< where its backups are, below `path`: another one by `content-dirs`
  bool unseen = false;  ///< its snippets are on the network, or may not answer for another reason: `hook` says nothing
  bool operator==(const PveStorage&) const = default;
};
/// True when `kind` ("snippets") is among what the storage may have.
bool holds(const PveStorage& storage, std::string_view kind);

/// /etc/pve/lxc/<ctid>.conf, as far as it names devices of the host (pct.conf(5), lxc.container.conf(5)).
struct PveContainer {
  int id = 0;
  std::string name;  ///< hostname
  Kib memory = 0;    ///< `memory:`, the most it may use
  bool on_boot = false, is_template = false;
  std::optional<int> start_order = {};  ///< `startup: order=`
  std::vector<std::string> devices;     ///< `devN:`, what `lxc.mount.entry` binds of /dev, volumes and paths
  std::vector<std::pair<std::string, std::string>> allowed;  ///< `lxc.cgroup2.devices.allow`: "c" and "188:*"
  std::vector<std::string>
      interfaces;  ///< cards of the host it has or stands on: `lxc.net.N.link` of type phys, macvlan, ipvlan, vlan
  std::vector<std::string> mount_files = {};  ///< `lxc.mount.fstab`: files with more of what it binds
  bool operator==(const PveContainer&) const = default;
};

/// One `map` line of a USB mapping.
struct PveUsbMapEntry {
  std::string node, ids, path;  ///< "10c4:ea60"; "1-2", or empty when only the ids count
  bool operator==(const PveUsbMapEntry&) const = default;
};

/// One `map` line of a directory mapping.
struct PveDirectoryMapEntry {
  std::string node, path;
  bool operator==(const PveDirectoryMapEntry&) const = default;
};

/// One `map` line of a PCI resource mapping: where the resource is on one node of the cluster.
struct PveMapEntry {
  std::string node;
  std::vector<PveHostAddress> addresses;  ///< `path=`
  std::string ids, subsystem;             ///< "1022:148c"; subsystem may be empty
  std::optional<int> group;
  bool operator==(const PveMapEntry&) const = default;
};

struct PveMapping {
  std::string id;
  std::vector<PveMapEntry> entries;
  bool operator==(const PveMapping&) const = default;
};

/// Everything below /etc/pve that hostsplit looks at.
struct PveConfigs {
  bool known =
      false;  ///< false: there is no /etc/pve, or it is empty (pmxcfs is not up): nothing is known about guests
  bool silent = false;  ///< it is there and does not answer; `known` is false then
  std::string node;     ///< this machine's name in the cluster; empty when unknown
  std::map<int, PveVm> vms;
  std::map<int, PveContainer> containers;
  /// Guests that Proxmox VE's high availability looks after, and whether it starts them; onboot means nothing for
  /// these.
  std::map<int, bool> managed;
  std::vector<PveMapping> mappings;
  std::multimap<std::string, PveUsbMapEntry> usb_mappings;              ///< by id, of /etc/pve/mapping/usb.cfg
  std::multimap<std::string, PveDirectoryMapEntry> directory_mappings;  ///< of /etc/pve/mapping/directory.cfg
  std::map<int, PveVm> next;             ///< `vms` as their next start will have them: pending changes taken over
  std::map<int, std::string> elsewhere;  ///< VMs of other nodes of the cluster, and the node of each
  std::vector<PveStorage> storages;
  std::string storages_digest;    ///< SHA-1 of storage.cfg: what `pvesm set --digest` compares
  std::optional<bool> quorate;    ///< empty: this node is in no cluster, or it does not say
  std::vector<Finding> findings;  ///< lines that make no sense, files that cannot be read

  const PveVm* vm(int id) const {
    const auto found = vms.find(id);
    return found == vms.end() ? nullptr : &found->second;
  }
  bool starts_with_host(int id, bool on_boot) const {
    const auto found = managed.find(id);
    return found == managed.end() ? on_boot : found->second;
  }
  /// As it will be when it starts the next time: Proxmox VE applies [PENDING] before anything else.
  const PveVm* next_start(int id) const {
    const auto found = next.find(id);
    return found == next.end() ? vm(id) : &found->second;
  }
};

/// What a key will be at the VM's next start; empty when it is not there then.
std::optional<std::string> next_value(const PveVm& vm, const std::string& key);

/// The addresses a `hostpciN:` line stands for on this node, mappings followed. Empty when the mapping has no entry
/// here.
std::vector<PveHostAddress> addresses_of(const PveHostPci& host_pci, const PveConfigs& configs);

/// True when the line's address means this function: the function itself, or any of the slot. What is behind Intel VMD
/// is none of these: see named_by() in core/usb/guest_takes.hpp.
inline bool means(const PveHostAddress& wanted, const PciAddress& address) {
  if (!wanted.behind_vmd.empty()) return false;
  return wanted.whole_slot ? address.domain == wanted.address.domain && address.bus == wanted.address.bus &&
                                 address.device == wanted.address.device
                           : address == wanted.address;
}

}  // namespace hostsplit
