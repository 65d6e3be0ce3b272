#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/cpu_set.hpp"
#include "core/base/finding.hpp"
#include "core/base/size.hpp"
#include "core/machine/file_content.hpp"
#include "core/machine/host_use.hpp"
#include "core/machine/pci.hpp"
#include "core/machine/usb.hpp"

namespace hostsplit {

struct IommuGroup {
  int id = 0;
  std::string type;                 ///< "DMA", "DMA-FQ", "identity", "auto"; empty when unreadable
  std::vector<PciAddress> members;  ///< ascending
  bool operator==(const IommuGroup&) const = default;
};

/// Huge pages of one size on one node (Documentation/admin-guide/mm/hugetlbpage.rst).
struct PagePool {
  Kib page_size = 0;
  std::uint64_t total = 0;  ///< nr_hugepages; includes surplus
  std::uint64_t free = 0;
  std::uint64_t surplus = 0;
  /// resv_hugepages, of all nodes together: free pages that are promised to somebody and not touched yet. The kernel
  /// does not say on which node.
  std::uint64_t promised = 0;
  bool operator==(const PagePool&) const = default;
};

struct NumaNode {
  int id = 0;
  CpuSet cpus;
  std::vector<int> distances;   ///< to node 0, 1, ...; in the order of the kernel's file
  Kib memory = 0;               ///< MemTotal, without what firmware and kernel keep
  Kib free = 0;                 ///< MemFree; excludes huge page pools
  Kib reclaimable = 0;          ///< file cache and reclaimable slab that a reservation may push out
  std::vector<PagePool> pools;  ///< one per page size, ascending
  bool late = false;            ///< a driver brings its memory after the boot (dax/kmem); no parameter reaches it
  bool operator==(const NumaNode&) const = default;
};

/// Which CPUs share what (Documentation/ABI/stable/sysfs-devices-system-cpu).
struct CpuTopology {
  std::vector<CpuSet> cores;       ///< siblings of one core, ascending; empty when unknown
  std::vector<CpuSet> caches;      ///< CPUs of one L3 cache, ascending; empty when unknown
  std::vector<CpuSet> kinds = {};  ///< CPUs of one kind of core (P, E) where the CPU has several; else empty
  bool operator==(const CpuTopology&) const = default;
};

/// One pool: a node and a page size.
struct PoolKey {
  int node = 0;
  Kib page_size = 0;
  auto operator<=>(const PoolKey&) const = default;
};
using PageCounts = std::map<PoolKey, std::uint64_t>;
/// Its directory below the root (Documentation/admin-guide/mm/hugetlbpage.rst).
std::string pool_directory(const PoolKey& pool);
/// \return nullptr when there is no such node, or it has no pool of that size.
const PagePool* pool_of(const std::map<int, NumaNode>& nodes, const PoolKey& key);
/// The pools of one size of all nodes as one.
PagePool pools_of_size(const std::map<int, NumaNode>& nodes, Kib page_size);

/// A VM of Proxmox VE or a process that uses huge pages, or will at its next start.
struct PageUser {
  std::optional<int> vm;  ///< empty: a process that is no VM of Proxmox VE; without a pid, files no process has mapped
  std::string name;       ///< of the VM, or the command; of unknown() empty
  int pid = 0;            ///< 0: it does not run
  PageCounts holds;       ///< now
  PageCounts needs;       ///< of a VM, at its next start
  bool on_boot = false;   ///< it starts with the host
  bool refused = false;   ///< Proxmox VE refuses its next start before it takes a page
  /// True for pages that are in use, by whom was not found: shared memory, a hugetlbfs that only a container sees.
  bool unknown() const { return !vm && pid == 0 && name.empty(); }
  bool operator==(const PageUser&) const = default;
};
/// "VM 114 (Hybrid)", "xmrig (process 812)", "files in /dev/hugepages"
std::string to_string(const PageUser& user);

/// A guest whose memory does not come from huge pages.
struct OrdinaryGuest {
  int id = 0;
  std::string name;
  bool container = false;
  Kib memory = 0;  ///< of a container: the most it may use
  bool on_boot = false;
  std::map<int, Kib> bound = {};  ///< what of it numa lines bind to one node each
  bool operator==(const OrdinaryGuest&) const = default;
};

/// Who uses memory beside the VMs of the configuration.
struct MemoryUsers {
  bool known = false;       ///< somebody looked; the service does not (it would have to wait for /etc/pve)
  bool proxmox_ve = false;  ///< /etc/pve was there
  std::vector<PageUser> pages;
  std::vector<OrdinaryGuest> ordinary;
  /// By VM that runs: guest memory it has touched and that is not in huge pages, so what becomes free when it ends.
  std::map<int, Kib> resident = {};
  bool operator==(const MemoryUsers&) const = default;
};

/// The cache of ZFS (/proc/spl/kstat/zfs/arcstats): the kernel counts it as memory in use.
struct ZfsCache {
  Kib size = 0, least = 0, most = 0;  ///< now, and the bounds (c_min, c_max)
  /// zfs_arc_max as ZFS gets it at the next boot: of several lines the last, and the kernel command line after all.
  struct Setting {
    std::string where;  ///< "/etc/modprobe.d/zfs.conf", or "kernel command line"
    std::string text;   ///< as written
    Kib most = 0;       ///< 0: ZFS decides
    bool valid = true;  ///< a number of bytes; ZFS does not load with anything else
    bool operator==(const Setting&) const = default;
  };
  std::optional<Setting> set = {};  ///< empty: nobody sets it
  bool operator==(const ZfsCache&) const = default;
};

/// A process that holds an IOMMU group open (/dev/vfio/<group>).
struct GroupHolder {
  int group = 0;
  int pid = 0;
  std::string command;    ///< comm, e.g. "kvm"
  std::optional<int> vm;  ///< VMID from its -id argument, where it is a PVE guest
  bool operator==(const GroupHolder&) const = default;
};

/// A function the script in the initramfs left to the host.
struct EarlyLeft {
  /// absent, other-device, has-driver, no-override, not-taken; empty in notes of an older script.
  std::string code;
  std::string what;  ///< an address, or where nothing was found
  std::string why;   ///< for people
  bool operator==(const EarlyLeft&) const = default;
};
/// "0000:03:00.3 another device ..."
std::string to_string(const EarlyLeft& left);

/// What the script in the initramfs did at this boot, as it noted it in /run.
struct EarlyNotes {
  bool off = false;                ///< hostsplit=off
  std::string plan;                ///< the plan it had
  std::vector<std::string> bound;  ///< addresses it gave to vfio-pci
  std::vector<EarlyLeft> left;     ///< what it left to the host, and why
  std::optional<unsigned> took_ms;
  bool operator==(const EarlyNotes&) const = default;
};

/// What the running kernel was built with, as its /proc/meminfo tells.
struct KernelBuild {
  bool known = false;  ///< there is that file
  bool cma = false;    ///< CONFIG_CMA: hugetlb_cma= means something to it
  bool operator==(const KernelBuild&) const = default;
};

/// From the text of /proc/meminfo: it has a line `CmaTotal:` where the kernel has CONFIG_CMA (fs/proc/meminfo.c).
KernelBuild parse_kernel_build(std::string_view meminfo);

/// A settings file of grub-mkconfig.
struct SettingsFile {
  std::string path;  ///< "etc/default/grub.d/x.cfg"
  std::string content;
  bool operator==(const SettingsFile&) const = default;
};

/// The boots that the boot loader has begun and hostsplit has not found healthy (core/boot/boot_count.hpp).
struct BootCount {
  std::string path;   ///< of the file it is in: one of names::boot_count_files
  std::string begun;  ///< "", "1", "2" or "given-up"
  bool operator==(const BootCount&) const = default;
};

/// How this machine boots, as far as hostsplit has a hand in it.
struct BootTools {
  bool initramfs_tools = false;      ///< update-initramfs and /etc/initramfs-tools are there
  bool dracut = false;               ///< the images are made by dracut, not by initramfs-tools
  bool grub = false;                 ///< update-grub and /etc/default/grub are there
  bool proxmox_boot = false;         ///< proxmox-boot-tool keeps kernels on EFI partitions (proxmox-boot-uuids)
  bool efi = false;                  ///< booted by UEFI firmware
  bool dmar = false;                 ///< the firmware describes an Intel IOMMU (ACPI table DMAR)
  std::vector<std::string> kernels;  ///< releases with both modules and an initramfs image in /boot, ascending
  KernelBuild build;                 ///< of the running kernel
  std::optional<EarlyNotes> early;   ///< empty: the image that booted had no script of hostsplit
  /// Drivers of assigned functions when hostsplit first looked at this boot, before it moved any; empty: it has not.
  std::map<PciAddress, std::string> first_drivers;
  std::map<std::string, FileNow> files;  ///< those of foreign_files() and the configuration, where they exist
  /// /etc/default/grub, then /etc/default/grub.d/*.cfg in the order of the shell; hostsplit's own among them.
  std::vector<SettingsFile> grub_settings;
  std::optional<BootCount> count;  ///< empty: the boot loader does not count
  bool menu_has_ours = false;      ///< GRUB's menu has entries of hostsplit (config/grub)
  bool operator==(const BootTools&) const = default;
};

/// All that was observed at one moment, a plain value.
struct Snapshot {
  bool live = false;   ///< from the running machine; only then may anything act
  std::string kernel;  ///< release; empty when unknown
  std::string command_line;
  std::string boot_id;                    ///< changes with each boot; empty when unknown
  bool iommu = false;                     ///< /sys/class/iommu is not empty
  std::set<std::string> modules;          ///< loaded, names with underscores
  std::set<std::string> builtin_modules;  ///< from modules.builtin, names with underscores
  bool builtin_known = false;             ///< modules.builtin was readable
  std::set<std::string> pci_drivers;      ///< registered drivers, names as in /sys/bus/pci/drivers
  std::map<PciAddress, PciFunction> functions;
  std::map<PciAddress, Controller> controllers;
  std::map<int, IommuGroup> groups;
  std::vector<UsbPort> ports;      ///< by controller, half, path
  std::vector<UsbDevice> devices;  ///< by name
  std::map<int, NumaNode> nodes;
  MemoryUsers memory_users;
  std::optional<ZfsCache> zfs_cache;
  CpuSet offline_cpus;   ///< present and switched off (nosmt); in no node
  CpuSet isolated_cpus;  ///< isolcpus: the kernel moves no thread from one of them to another
  CpuTopology topology;  ///< only of read_topology()
  /// What ZFS may keep as its cache (zfs_arc_max), of read_topology(); 0: no limit is set; empty: no ZFS.
  std::optional<Kib> arc_limit;
  std::vector<HostUse> uses;
  /// Mapping below the root file system, or encryption root of ZFS, that is opened by a passphrase typed in the
  /// initramfs, where nothing else can open it; empty: none.
  std::string root_passphrase;
  bool root_on_dataset = false;  ///< it is an encryption root of ZFS
  /// Mapping of another disk whose passphrase the boot waits for without end, before anybody can log in; empty: none.
  std::string boot_passphrase;
  /// Encryption root of ZFS without whose passphrase the boot ends in emergency mode; empty: none.
  std::string boot_dataset;
  bool open_files_unread = false;  ///< of some processes nobody who looks here may see what they have open
  std::vector<GroupHolder> holders;
  BootTools boot;
  std::vector<Finding> findings;  ///< what could not be read or made no sense

  /// \return nullptr when the address is not present.
  const PciFunction* function(const PciAddress& address) const;
  /// \return nullptr when no controller sits there.
  const Controller* controller(const PciAddress& address) const;
  /// \return nullptr when no such device is attached.
  const UsbDevice* device(const std::string& name) const;
};

/// The parameter of this boot that switches the IOMMU off, as it is written there ("intel_iommu=off"); empty: none. The
/// kernel takes "-" in the name of a parameter for "_" (kernel/params.c, dash2underscore).
std::string iommu_off_parameter(const Snapshot& snapshot);

/// Where a fingerprint sits now.
struct Located {
  enum class Kind {
    found,         ///< root, chain, ids and class agree
    absent,        ///< nothing sits at that chain, and nothing alike elsewhere
    other_device,  ///< something else sits at that chain
    moved          ///< nothing at that chain, but the same ids elsewhere: maybe another of the same kind
  };
  Kind kind = Kind::absent;
  std::optional<PciAddress> address;  ///< of the match, the other device, or the first look-alike
};
/// Compares only what is stable; the address a fingerprint was last seen at plays no part.
Located locate(const Snapshot& snapshot, const Fingerprint& fingerprint);

}  // namespace hostsplit
