#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/size.hpp"
#include "core/machine/pci.hpp"
#include "host/effects/effects.hpp"
#include "host/system/root.hpp"

/// A machine made of files: the parts of /sys, /proc, /run and /dev that inventory() reads, below a temporary
/// directory, with relative links exactly as in real sysfs. FakeHost builds and changes it with verbs; FakeEffects
/// writes to it and it reacts like the kernel. Only these files react:
///
///   <BDF>/driver_override                  any text: remembered; an empty line: unset, reads "(null)". Binds nothing.
///   <BDF>/driver/unbind,                   address: the driver lets go and the `driver` link vanishes; root hubs and
///   all bus/pci/drivers/<d>/unbind             that hangs below them too. ENODEV unless bound to that driver. Stuck
///   when
///                                          the driver is vfio-pci and somebody holds the group.
///   bus/pci/drivers/<d>/bind               address: binds if override or ids allow it, ENODEV otherwise.
///   bus/pci/drivers_probe                  address: binds the override if there is one and it is registered, else the
///                                          host's driver if that is registered. Success whatever happened; ENODEV
///                                          for an unknown address. While a group is held only vfio-pci binds in it.
///                                          A USB driver brings root hubs with the lowest free bus numbers.
///   nodeN/hugepages/hugepages-*/nr_hugepages  number: grows as far as pages can be had, never more; shrinking frees
///   free
///                                          pages, those in use become surplus. Success whatever happened; EINVAL
///                                          for no number. MemFree follows.
///   any other existing file                takes the text. ENOENT when it does not exist.
///
/// `qm` and `pvesm` are tests/pve/proxmox. Programs: `modprobe vfio-pci` registers the driver and binds unbound
/// functions whose override names it; `modprobe xhci_pci` (and ehci_pci, ohci_pci, uhci_hcd) likewise for unbound
/// controllers without override. All others are written down and succeed.
namespace hostsplit::testing {

struct PciSpec {
  std::string address;               ///< "0000:03:00.3"
  std::string below = "pci0000:00";  ///< root bridge, or the address of the bridge it sits behind
  std::string ids = "1022:148c";
  std::string subsystem = "0000:0000";
  std::uint32_t pci_class = 0;
  std::optional<int> group;  ///< empty: no IOMMU
  int node = -1;
  std::string driver;  ///< the host's own driver, bound at first; empty: none
};

/// Root ports of a controller. A half with 0 ports has no root hub.
struct RootPorts {
  int usb2 = 2;
  int usb3 = 2;
  std::string usb3_speed = "5000";
  std::string connect_type = "unknown";
  bool locations = false;  ///< firmware says which ports are one connector
  bool dwc3 = false;       ///< the host half is a platform device below dwc3 (drivers/usb/dwc3/host.c)
};

struct UsbSpec {
  std::string speed = "480";
  std::string ids = "0781:5581";
  std::string version = {};  ///< default: what fits the speed
  std::string serial = {}, manufacturer = {}, product = {};
  int hub_ports = 0;                                     ///< more than 0: a hub
  bool keyboard = false;                                 ///< brings an input device
  std::string disk = {};                                 ///< brings a block device of this name
  std::string interface = {}, tty = {}, bluetooth = {};  ///< bring a network interface, a serial line, an adapter
  bool mouse_first = false;  ///< its first interface is a mouse, the keyboard is another one of it
};

/// How a keyboard that is no USB device of its own is connected.
enum class KeyboardKind { ps2, uinput, bluetooth };

/// One line of a mount table, with or without a block device.
struct MountSpec {
  std::string block;  ///< empty: anonymous
  std::string point, type = "ext4";
  std::string source = {};   ///< default: /dev/<block>
  std::string options = {};  ///< of the super block, behind "rw"
  int process = 1;           ///< in whose mount namespace
};

struct NodeSpec {
  int id = 0;
  std::string cpus = "0-3";
  Kib memory = 16 * kib_per_gib;
  std::optional<Kib> free;  ///< default: memory
  Kib reclaimable = 0;
  std::string distances = "10";
  std::vector<Kib> page_sizes = {2048, kib_per_gib};
};

class FakeHost {
 public:
  /// In a fresh temporary directory that is removed afterwards.
  FakeHost();
  /// Below an existing directory that stays.
  explicit FakeHost(std::string directory);
  ~FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const std::string& directory() const { return directory_; }
  Root root() const { return Root(directory_); }
  std::string path(const std::string& below) const { return directory_ + "/" + below; }

  // The machine
  void set_kernel(const std::string& release, const std::string& command_line);
  /// Registered as built in (modules.builtin) or loaded (/proc/modules); names with underscores.
  void set_builtin(const std::vector<std::string>& modules);
  void add_module(const std::string& module, int references = 0, const std::string& users = "-");
  /// \param acpi  firmware_node/path; empty: the bridge has none
  void add_root_bridge(const std::string& name = "pci0000:00", const std::string& acpi = "\\_SB_.PCI0");
  /// A host bridge below a function, as Intel VMD makes it: "pci10001:80".
  void add_nested_bridge(const std::string& name, const std::string& below);
  void add_pci(const PciSpec& spec);
  void add_controller(const PciSpec& spec, const RootPorts& ports);
  void add_node(const NodeSpec& spec);
  /// Which CPUs of the nodes share a core and an L3 cache. Siblings are as far apart as there are cores, as the kernel
  /// numbers them on x86.
  void add_topology(int threads, int cores_per_cache);

  // USB
  /// \param path  port path, "2" or "2.1" behind a hub that was plugged before. The half follows from the speed.
  void plug(const std::string& controller, const std::string& path, const UsbSpec& spec);
  void unplug(const std::string& controller, const std::string& path, bool usb3 = false);
  /// Both halves of a USB3 hub.
  void add_hub(const std::string& controller, const std::string& path, int ports);

  // How it boots
  /// Installs initramfs-tools, and the running kernel with an image. As after SplitHost and in recorded machines.
  void add_initramfs_tools();
  /// Installs GRUB; its menu has one entry, and what the files of /etc/default/grub.d and 42_hostsplit make of it.
  void add_grub(const std::string& words = "quiet");
  void build_grub_config();
  /// What grub-probe says of /boot/grub; add_grub() has "ext2".
  void can_grub_write(const std::string& file_system, const std::string& abstraction = "");
  /// Another installed kernel with an image.
  void add_kernel(const std::string& release);
  /// What update-initramfs does: an image of scripts, hooks' results and modules as they are now.
  void build_image(const std::string& release);

  // What the host uses
  /// \param below  address of a PCI function. Partitions are called <name>p1.. when the name ends in a digit, else
  /// <name>1..
  void add_disk(const std::string& name, const std::string& below, int partitions = 0);
  /// A device mapper device over block devices. \param uuid  "LVM-..." for logical volumes
  void add_mapper(const std::string& name, const std::string& mapper_name, const std::string& uuid,
                  const std::vector<std::string>& over);
  void add_array(const std::string& name, const std::vector<std::string>& over);
  void add_mount(const std::string& block, const std::string& mount_point, const std::string& type = "ext4");
  void add_mount(const MountSpec& spec);
  void add_swap(const std::string& block);
  /// A disk of an iSCSI session, which no PCI function carries.
  void add_iscsi_disk(const std::string& name, const std::string& address, int session, int partitions = 0);
  /// A loop device over a file.
  void add_loop(const std::string& name, const std::string& file);
  void add_pool(const std::string& pool, const std::vector<std::string>& members);
  void add_interface(const std::string& name, const std::string& below);
  /// Makes a function a virtual one (SR-IOV) of another.
  void set_physical(const std::string& function, const std::string& physical);
  /// Bridge, bond or VLAN over other interfaces.
  void add_upper(const std::string& name, const std::vector<std::string>& lowers);
  void add_route(const std::string& interface);
  /// A route to a network. \param network  "10.10.10.0/24"
  void add_route(const std::string& interface, const std::string& network);
  void add_keyboard(const std::string& name, KeyboardKind kind);
  void add_console(const std::string& tty, const std::string& below);
  /// A process with /dev/vfio/<group> open. \param vm  its -id argument, if any
  void hold_group(int pid, int group, std::optional<int> vm = {}, const std::string& command = "kvm");
  void release_group(int pid);
  /// A process with these files open. \param vm  its -id argument, if any
  void open_files(int pid, const std::string& command, const std::vector<std::string>& files,
                  std::optional<int> vm = {});

  // Anything else
  void set_file(const std::string& below, const std::string& content);
  void set_link(const std::string& below, const std::string& target);
  void remove(const std::string& below);
  std::string file(const std::string& below) const;

  // The kernel's side, also for tests that play other programs
  std::string driver(const std::string& address) const;
  void bind(const std::string& address, const std::string& driver);
  void unbind(const std::string& address);
  void register_driver(const std::string& driver);
  bool held(int group) const;
  /// At most this many more pages can be had on the node, of any size.
  void short_pages(int node, std::uint64_t pages);
  /// A VM takes free pages.
  void use_pages(int node, Kib page_size, std::uint64_t pages);
  /// The VM ends: surplus pages go back to the kernel, the others become free.
  void free_pages(int node, Kib page_size, std::uint64_t pages);
  void set_pages(int node, Kib page_size, std::uint64_t pages);

 private:
  friend class FakeEffects;
  struct Function {
    PciSpec spec;
    std::string directory;  ///< below the root
    std::string driver;
    std::string driver_override;
    std::optional<RootPorts> ports;
    int bus_usb2 = 0, bus_usb3 = 0;                           ///< 0: no root hub
    std::map<std::pair<bool, std::string>, UsbSpec> plugged;  ///< by (USB3 half, path); parents sort before children
  };
  struct Pool {
    std::uint64_t total = 0, free = 0, surplus = 0;
  };
  struct Node {
    NodeSpec spec;
    Kib free = 0, reclaimable = 0;
    std::optional<std::uint64_t> available;
    std::map<Kib, Pool> pools;
  };

  void link(const std::string& below, const std::string& target_below);
  void write_uevent(const Function& function);
  void link_driver(const Function& function, bool bound);
  bool matches(const Function& function, const std::string& driver) const;
  /// Binds what the kernel would; nothing when it would not.
  void probe(const std::string& address);
  void probe_all();
  int lowest_free_bus() const;
  void raise_root_hubs(Function& function);
  void lower_root_hubs(Function& function);
  void raise_root_hub(Function& function, bool usb3);
  void raise_device(Function& function, bool usb3, const std::string& path, const UsbSpec& spec);
  void lower_device(Function& function, bool usb3, const std::string& path);
  void add_ports(const std::string& hub_directory, const std::string& hub, const Function& function, bool usb3,
                 const std::string& hub_path, int count, const std::string& interface);
  void add_input(const std::string& directory, const std::string& name, bool keyboard);
  void add_block(const std::string& name, const std::string& directory);
  std::string block_directory(const std::string& name) const;
  void remove_below(const std::string& directory);
  void write_modules();
  void write_node(const Node& node);
  void resize_pool(Node& node, Kib page_size, std::uint64_t wanted);
  Function& function(const std::string& address);
  static std::string above_hubs(const Function& function);
  void add_input_at(const std::string& below, const std::string& input, const std::string& name, bool keyboard);
  const Function* find(const std::string& address) const;

  struct Module {
    int references = 0;
    std::string users;
  };
  std::string directory_;
  bool temporary_ = false;
  std::map<std::string, Function> functions_;
  std::map<std::string, int> root_bridges_;
  std::map<std::string, std::string> nested_bridges_;  ///< name -> directory
  std::set<std::string> drivers_;
  std::map<std::string, Module> modules_;
  std::map<int, Node> nodes_;
  std::map<int, std::set<int>> holders_;  ///< pid -> groups
  std::map<int, int> next_device_;        ///< by bus
  int next_input_ = 0;
  int next_block_ = 0;
  int next_anonymous_ = 0;
};

/// Effects on a FakeHost. What was done is in `log()`, one line each, in order.
class FakeEffects : public Effects {
 public:
  explicit FakeEffects(FakeHost& host) : host_(host) {}
  void write_attributes(const std::vector<AttributeWrite>& writes, std::chrono::milliseconds deadline) override;
  void replace_file(const std::string& path, const std::string& content, unsigned mode = 0644) override;
  void overwrite_file(const std::string& path, const std::string& content) override;
  void replace_cluster_file(const std::string& path, const std::string& before, const std::string& content) override;
  void remove_file(const std::string& path) override;
  void rename_file(const std::string& from, const std::string& to) override;
  void keep_file(const std::string& path, const std::string& as) override;
  void copy_file(const std::string& path, const std::string& as) override;
  void flush(const std::string& path) override;
  void run(const std::vector<std::string>& command, std::chrono::milliseconds deadline) override;

  /// The next effect whose path (or joined command) ends like this fails with this errno. Nothing happens.
  void fail_next(const std::string& suffix, int error);
  /// Same, with the error told as text.
  void fail_next(const std::string& suffix, const std::string& reason);
  /// Every write to such a path misses its deadline.
  void stick(const std::string& suffix) { stuck_.insert(suffix); }
  /// At most this many more pages can be had on the node.
  void short_pages(int node, std::uint64_t pages) { host_.short_pages(node, pages); }
  /// Called before each effect: for tests that change the machine, or interrupt, in the middle.
  std::function<void(const std::string& line)> before;

  /// "write sys/...=value", "replace path", "remove path", "rename from to", "run modprobe vfio-pci"
  const std::vector<std::string>& log() const { return log_; }
  void clear_log() { log_.clear(); }

 private:
  void begin(const std::string& doing, const std::string& object, const std::string& detail);
  void write(const AttributeWrite& write, std::chrono::milliseconds deadline);
  void run_stand_in(const std::vector<std::string>& command) const;
  [[noreturn]] void stuck(const std::string& path, std::chrono::milliseconds deadline) const;

  FakeHost& host_;
  std::vector<std::pair<std::string, std::string>> failures_;
  std::set<std::string> stuck_;
  std::vector<std::string> log_;
};

}  // namespace hostsplit::testing
