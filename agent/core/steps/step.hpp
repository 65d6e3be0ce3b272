#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/size.hpp"
#include "core/machine/pci.hpp"
#include "core/machine/pve.hpp"
#include "core/state/baseline.hpp"
#include "core/state/cause.hpp"
#include "core/state/rung.hpp"

namespace hostsplit {

/// Load a kernel module. Has no inverse: a loaded vfio-pci without overrides binds nothing.
struct LoadModule {
  std::string module;  ///< as for modprobe, "vfio-pci"
  bool operator==(const LoadModule&) const = default;
};

/// Give one function to another driver, runtime rung: driver_override, unbind, drivers_probe, read back.
struct Bind {
  PciAddress address;
  Fingerprint function;                       ///< checked again before acting
  std::string from;                           ///< driver bound when planned; empty: none
  std::string to;                             ///< driver to end up with; empty: none
  std::optional<std::string> final_override;  ///< value of driver_override afterwards
  std::optional<int> group;
  std::optional<int> vm;      ///< empty when it returns to the host
  std::vector<Cause> causes;  ///< why it goes to `vm`
  bool by_kernel = false;     ///< `to` is empty, and the kernel chooses any driver but vfio-pci
  bool operator==(const Bind&) const = default;
};

/// Bring the pool of one node to a number of pages. Never above `to`, never below the floor.
struct Reserve {
  int node = 0;
  Kib page_size = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  Kib keep_free = 0;                    ///< host floor on this node
  std::vector<int> vms;                 ///< for whom
  std::map<int, std::uint64_t> shares;  ///< how many of `to` each of them needs
  std::uint64_t others = 0;             ///< how many of `to` are for somebody else
  bool operator==(const Reserve&) const = default;
};

/// Replace a file atomically: one of hostsplit's own, or one whose inverse the baseline keeps. Path below the root.
struct WriteFile {
  std::string path;
  std::string content;
  unsigned mode = 0644;
  bool in_place = false;  ///< it is there, has that size, and a boot loader writes its blocks as well
  bool operator==(const WriteFile&) const = default;
};

/// Change the first line of a file that others write, too. Done only if the file still is what was planned on; what was
/// put into it is remembered, so that exactly that is taken out again.
struct EditLine {
  EditMade puts;              ///< path, and what stands there of hostsplit afterwards; nothing: all of it is taken out
  std::string before, after;  ///< whole contents
  bool creates = false;       ///< the file is not there yet
  unsigned mode = 0644;
  bool operator==(const EditLine&) const = default;
};

/// Remove a file that hostsplit made.
struct RemoveFile {
  std::string path;
  bool operator==(const RemoveFile&) const = default;
};

/// Bring an initramfs image to carry what early boot needs, or nothing of hostsplit any more. Looks into the image
/// before, so that one which is as wanted is left alone, and after.
struct RebuildInitramfs {
  std::string kernel;  ///< release, "6.17.13-1-pve"
  std::string plan;    ///< what etc/hostsplit/boot/plan in the image must be; empty: the image must not know hostsplit
  std::string stamp;   ///< of all that goes in; empty with an empty plan
  std::string modprobe = {};  ///< what etc/modprobe.d/hostsplit.conf in the image must be; empty: not there
  /// The image as it was before hostsplit stays beside it, for the menu entry without hostsplit.
  bool keep_without = false;
  bool operator==(const RebuildInitramfs&) const = default;
};

/// Kernel command lines that the entries of a menu must be like, as far as the kernel reads huge pages from them.
struct MenuLines {
  std::string kernel;   ///< release whose parser counts
  std::string with;     ///< of entries with all of hostsplit's parameters
  std::string without;  ///< of entries without hostsplit: the owner's line
  bool operator==(const MenuLines&) const = default;
};

/// Have the boot loader's menu made anew from its settings. Takes effect with the next boot.
struct RefreshBootLoader {
  std::string program;               ///< "update-grub" or "proxmox-boot-tool refresh"
  std::string menu;                  ///< where GRUB has it; empty: on partitions that are not mounted
  std::vector<std::string> entries;  ///< command that keeps the menus there, and looks into them; empty: there are none
  std::vector<std::string> present;  ///< words the menu must have afterwards
  std::vector<std::string> absent;   ///< words it must not have; of several in one item no entry may have all
  std::optional<MenuLines> lines;    ///< empty: the owner's settings are not known
  std::string stamp;                 ///< of what hostsplit has in it; empty: nothing any more
  bool operator==(const RefreshBootLoader&) const = default;
};

/// Keep that another rung is in force from now on, and why. Its files and images are steps of their own.
struct SetRung {
  Rung from = Rung::boot, to = Rung::boot;
  std::string why;  ///< empty for `boot`
  bool operator==(const SetRung&) const = default;
};

/// Set keys of a VM or a storage by Proxmox VE's own command, in one call. What runs has them at its next start.
struct SetPve {
  PveObject object;
  std::vector<PveKeyChange> changes;  ///< only keys that differ
  std::string digest;                 ///< of the file they are in, as it was when planned; empty: unknown
  bool pending = false;               ///< the VM is running
  bool operator==(const SetPve&) const = default;
};

using Action = std::variant<LoadModule, Bind, Reserve, WriteFile, EditLine, RemoveFile, RebuildInitramfs,
                            RefreshBootLoader, SetRung, SetPve>;

/// One part of a plan: what, and why.
struct Step {
  std::string id;  ///< stable within the plan: "bind 0000:03:00.3"
  Action action;
  std::string reason;  ///< sentence fragment: "port front-1 of VM 101 (fluent-a)"
  bool operator==(const Step&) const = default;
};

/// A value of an action that is reported; null where there is none.
using FieldValue =
    std::variant<std::monostate, bool, std::uint64_t, std::string, std::vector<int>, std::vector<std::string>>;
struct Field {
  const char* name;  ///< in JSON: docs/json.md
  FieldValue value;
  const char* journal = nullptr;  ///< HOSTSPLIT_<name> of the audit record, lower case; nullptr: not in it
};
/// The value as the journal has it: numbers separated by commas, words by blanks, null as "".
std::string to_text(const FieldValue& value);

/// All that there is to say about an action: plan, progress, audit record, JSON and token are made of it.
struct Description {
  const char* kind;      ///< stable: "bind"; the event of the audit record
  std::string sentence;  ///< in the imperative: "give 0000:03:00.3 from xhci_hcd to vfio-pci"
  std::vector<Field> fields;
  std::vector<std::string> content;  ///< what it writes beyond the fields: files, modes, stamps
  std::string drift;                 ///< what was found, where the action brings back what was applied
  bool at_next_boot = false;         ///< takes effect with the next boot, not at once
};
Description describe(const Action& action);

}  // namespace hostsplit
