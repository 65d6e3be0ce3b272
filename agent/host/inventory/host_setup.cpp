#include "host/inventory/host_setup.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "core/base/names.hpp"
#include "core/base/number.hpp"
#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "formats/proxmox/section_config.hpp"
#include "host/inventory/backups.hpp"
#include "host/inventory/mounts.hpp"
#include "host/inventory/page_lines.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit {
namespace {

using inventory_parts::split;

void read_lines(const Root& root, const std::string& path, std::vector<SetupLine>& lines) {
  const auto text = root.read(path);
  if (!text) return;
  unsigned number = 1;
  for (std::size_t begin = 0; begin < text->size(); ++number) {
    const auto end = std::min(text->find('\n', begin), text->size());
    auto line = std::string_view(*text).substr(begin, end - begin);
    begin = end + 1;
    line = line.substr(0, line.find('#'));
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (!line.empty()) lines.push_back({"/" + path, number, std::string(line)});
  }
}

/// modprobe.d(5), systemd.syntax(7): a backslash at the end of a line continues it.
void join_continued(std::vector<SetupLine>& lines) {
  std::vector<SetupLine> joined;
  unsigned last = 0;  // empty lines are not among them
  for (auto& line : lines) {
    const bool continues = !joined.empty() && joined.back().file == line.file && joined.back().text.ends_with('\\') &&
                           line.line == last + 1;
    last = line.line;
    if (continues)
      joined.back().text.replace(joined.back().text.size() - 1, 1, " " + line.text);
    else
      joined.push_back(std::move(line));
  }
  lines = std::move(joined);
}

void read_directory(const Root& root, const std::string& directory, std::vector<SetupLine>& lines) {
  for (const auto& file : root.list(directory))
    if (is_visible(file, ".conf")) read_lines(root, directory + "/" + file, lines);
  join_continued(lines);
}

/// Value of "key : value" in the first block of /proc/cpuinfo.
std::string_view cpuinfo_value(std::string_view text, std::string_view key) {
  for (const auto line : split(text, '\n')) {
    if (!line.starts_with(key)) continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto value = line.substr(colon + 1);
    return value.substr(std::min(value.find_first_not_of(' '), value.size()));
  }
  return {};
}

void read_cpu(const Root& root, HostSetup& setup) {
  const auto text = root.read("proc/cpuinfo", 1 << 16).value_or("");
  setup.cpu_vendor = std::string(cpuinfo_value(text, "vendor_id"));
  for (const auto flag : words_of(cpuinfo_value(text, "flags"))) setup.cpu_flags.emplace(flag);
}

/// Chips of remapped interrupts have names that begin with IR- (drivers/iommu); without any interrupt by message
/// nothing can be said.
std::optional<bool> read_remapping(const Root& root) {
  const auto text = root.read("proc/interrupts", 16 << 20).value_or("");
  if (text.find(" IR-") != std::string::npos) return true;
  if (text.find("PCI-MSI") != std::string::npos) return false;
  return {};
}

/// The data of a thin pool: its internal device "<vg>-<pool>-tpool", or the pool itself while nothing is open.
std::string thin_pool_block(const Root& root, const std::string& name) {
  for (const auto& block : root.list("sys/class/block")) {
    if (!block.starts_with("dm-")) continue;
    const auto mapper = root.read("sys/class/block/" + block + "/dm/name", 256);
    if (mapper == name + "-tpool" || mapper == name) return block;
  }
  return {};
}

Kib block_size(const Root& root, const std::string& block) {
  return parse_number<Kib>(root.read("sys/class/block/" + block + "/size", 64).value_or("")).value_or(0) / 2;
}

/// Partitions below a pool's internal devices: "dm-3" -> {"nvme0n1p3"}.
void add_partitions(const Root& root, const std::string& block, std::set<std::string>& partitions, int depth = 0) {
  const auto slaves = root.list("sys/class/block/" + block + "/slaves");
  for (const auto& slave : slaves)
    if (depth < 16) add_partitions(root, slave, partitions, depth + 1);
  if (slaves.empty() && !block.starts_with("dm-")) partitions.insert(block);
}

/// What of the pool's disk nobody has: the controller of the disk uses it, and a pool can grow into it.
void read_spare(const Root& root, const std::string& block, ThinPool& pool) {
  std::set<std::string> partitions;
  add_partitions(root, block, partitions);
  if (partitions.size() != 1) return;
  const auto path = inventory_parts::device_path(root, "sys/class/block/" + *partitions.begin()).value_or("");
  const auto parent = path.substr(0, path.rfind('/'));
  const bool whole = !root.exists(parent + "/dev") && !root.exists(parent + "/size");
  pool.disk = whole ? *partitions.begin() : std::string(inventory_parts::last_component(parent));
  pool.disk_size = block_size(root, pool.disk);
  if (pool.disk_size == 0) return;
  Kib partitioned = whole ? pool.disk_size : 0, mapped = 0;
  for (const auto& name : root.list("sys/class/block")) {
    const auto at = inventory_parts::device_path(root, "sys/class/block/" + name).value_or("");
    if (!whole && at.substr(0, at.rfind('/')) == parent) partitioned += block_size(root, name);
    if (root.link_text(at + "/slaves/" + *partitions.begin())) mapped += block_size(root, name);
  }
  const auto of_volumes = block_size(root, *partitions.begin());
  pool.spare = pool.disk_size - std::min(partitioned, pool.disk_size) + of_volumes - std::min(mapped, of_volumes);
}

void read_storages(const Root& root, HostSetup& setup) {
  setup.storages_known = root.exists("etc/pve/storage.cfg");
  const auto text = root.read("etc/pve/storage.cfg").value_or("");
  for (const auto& [type, id, properties] : parse_pve_sections(text)) {
    const auto pool = properties.find("thinpool"), group = properties.find("vgname");
    if (type != "lvmthin" || pool == properties.end() || group == properties.end()) continue;
    const auto block = thin_pool_block(
        root, inventory_parts::mapper_part(group->second) + "-" + inventory_parts::mapper_part(pool->second));
    setup.thin_pools.push_back({id, block.empty() ? 0 : block_size(root, block)});
    if (!block.empty()) read_spare(root, block, setup.thin_pools.back());
  }
}

/// Resets (Documentation/ABI/testing/sysfs-bus-pci: reset_method).
void read_functions(const Root& root, HostSetup& setup) {
  for (const auto& name : root.list("sys/bus/pci/devices")) {
    const auto address = parse_pci_address(name);
    if (!address || name.size() != 12) continue;
    const std::string directory = "sys/bus/pci/devices/" + name;
    auto& function = setup.functions[*address];
    function.reset_methods = root.read(directory + "/reset_method", 256);
    if (function.reset_methods && function.reset_methods->empty()) function.reset_methods.reset();
    setup.resets_known = setup.resets_known || function.reset_methods;
  }
}

bool executable(const Root& root, const std::string& path) {
  return (root.mode(path).value_or(0) & S_IXUSR) != 0;
}

constexpr auto sysctl_file = "etc/sysctl.conf";

/// sysctl.d(5), tmpfiles.d(5), modprobe.d(5): of files with one name only the first directory's counts.
void read_first_of(const Root& root, std::initializer_list<const char*> directories, std::vector<SetupLine>& lines) {
  std::set<std::string> seen;
  for (const std::string directory : directories)
    for (const auto& file : root.list(directory)) {
      if (!is_visible(file, ".conf") || !seen.insert(file).second) continue;
      // Debian 12 links 99-sysctl.conf to it.
      const std::string path = directory + "/" + file;
      if (root.resolve(path) != sysctl_file) read_lines(root, path, lines);
    }
}

/// Units of the owner, what drop-ins add to others, and the unit of a recipe that many have copied.
void read_units(const Root& root, std::vector<SetupLine>& lines) {
  for (const std::string directory : {"etc/systemd/system", "usr/local/lib/systemd/system"})
    for (const auto& unit : root.list(directory)) {
      if (unit.starts_with('.')) continue;
      if (unit.ends_with(".service")) read_lines(root, directory + "/" + unit, lines);
      if (unit.ends_with(".service.d")) read_directory(root, directory + "/" + unit, lines);
    }
  read_lines(root, "usr/lib/systemd/system/hugetlb-gigantic-pages.service", lines);
}

/// Scripts that are run one by one, each day or when an interface comes up, and those that become units.
void list_scripts(const Root& root, std::set<std::string>& scripts) {
  for (const std::string directory :
       {"etc/cron.hourly", "etc/cron.daily", "etc/cron.weekly", "etc/cron.monthly", "etc/cron.yearly", "etc/init.d",
        "etc/network/if-pre-up.d", "etc/network/if-up.d"})
    for (const auto& file : root.list(directory))
      if (is_run_parts_name(file) && executable(root, directory + "/" + file)) scripts.insert(directory + "/" + file);
}

/// interfaces(5): what is run when an interface comes up.
void read_interfaces(const Root& root, std::vector<SetupLine>& runs) {
  const std::string file = "etc/network/interfaces", directory = file + ".d";
  std::vector<SetupLine> lines;
  read_lines(root, file, lines);
  for (const auto& name : root.list(directory))
    if (!name.starts_with('.')) read_lines(root, directory + "/" + name, lines);
  for (auto& line : lines) {
    const auto word = line.text.substr(0, line.text.find_first_of(" \t"));
    if (word == "up" || word == "pre-up" || word == "post-up") runs.push_back(std::move(line));
  }
}

/// Counts that dpdk.service sets.
void read_dpdk(const Root& root, std::vector<SetupLine>& writers) {
  std::vector<SetupLine> lines;
  read_lines(root, "etc/dpdk/dpdk.conf", lines);
  for (auto& line : lines) {
    const auto equals = line.text.find('=');
    const auto key = line.text.substr(0, equals);
    if (equals == std::string::npos || (key != "NR_1G_PAGES" && key != "NR_2M_PAGES")) continue;
    // Neither empty nor 0, in quotes or not.
    if (line.text.find_first_not_of("0\"' \t", equals + 1) != std::string::npos) writers.push_back(std::move(line));
  }
}

/// Profiles of tuned: those of the owner, and of the others the active ones.
void read_tuned(const Root& root, std::vector<SetupLine>& writers) {
  std::vector<SetupLine> lines;
  std::set<std::string> own;
  for (const std::string home : {"etc/tuned", "etc/tuned/profiles"})
    for (const auto& profile : root.list(home)) {
      const auto file = home + "/" + profile + "/tuned.conf";
      if (root.exists(file) && own.insert(profile).second) read_lines(root, file, lines);
    }
  const auto active = root.read("etc/tuned/active_profile").value_or("");
  for (const auto word : words_of(active))
    for (const std::string home : {"usr/lib/tuned/", "usr/lib/tuned/profiles/"})
      if (!own.count(std::string(word))) read_lines(root, home + std::string(word) + "/tuned.conf", lines);
  for (auto& line : lines) {
    const bool parameter = line.text.starts_with("cmdline") && line.text.find("hugepages=") != std::string::npos;
    if (parameter || sets_pages(line.text)) writers.push_back(std::move(line));
  }
}

/// Hook scripts of guests but for hostsplit's: "local:snippets/x.sh" is a path below that of the storage.
std::set<std::string> hook_scripts(const Root& root) {
  std::map<std::string, std::string> homes{{"local", "var/lib/vz"}};
  for (const auto& storage : parse_pve_storages(root.read(names::storages_file).value_or(""), ""))
    if (!storage.path.empty()) homes[storage.id] = storage.path;
  std::set<std::string> scripts;
  for (const std::string directory : {"etc/pve/qemu-server", "etc/pve/lxc"})
    for (const auto& file : root.list(directory)) {
      const auto text = file.ends_with(".conf") ? root.read(directory + "/" + file).value_or("") : std::string();
      for (const auto line : split(text, '\n')) {
        if (line.starts_with('[')) break;  // snapshots
        constexpr std::string_view key = "hookscript:";
        if (!line.starts_with(key) || line.ends_with(names::hook_name)) continue;
        auto path = trimmed(line.substr(key.size()));
        if (const auto home = homes.find(std::string(cut(path, ':'))); home != homes.end() && !path.empty())
          scripts.insert(home->second + "/" + std::string(path));
      }
    }
  return scripts;
}

/// Who else writes pools when the host or a guest starts: sysctl.conf(5), sysctl.d(5), tmpfiles.d(5), units of the
/// owner, crontab(5), run-parts(8), init.d, interfaces(5), rules of udev, sysfsutils, DPDK, tuned, hook scripts, and
/// scripts that these run. Lines of rc.local itself are `rc_local`.
void read_page_writers(const Root& root, HostSetup& setup) {
  std::vector<SetupLine> lines, runs;
  read_lines(root, sysctl_file, lines);
  read_first_of(root, {"etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d"}, lines);
  read_first_of(root, {"etc/tmpfiles.d", "run/tmpfiles.d", "usr/lib/tmpfiles.d"}, lines);
  read_units(root, runs);
  read_lines(root, "etc/crontab", runs);
  read_lines(root, "var/spool/cron/crontabs/root", runs);
  for (const auto& file : root.list("etc/cron.d"))
    if (is_run_parts_name(file)) read_lines(root, "etc/cron.d/" + file, runs);
  read_lines(root, "etc/sysfs.conf", lines);
  for (const auto& file : root.list("etc/sysfs.d"))
    if (is_visible(file, ".conf")) read_lines(root, "etc/sysfs.d/" + file, lines);
  for (const auto& file : root.list("etc/udev/rules.d"))
    if (is_visible(file, ".rules")) read_lines(root, "etc/udev/rules.d/" + file, lines);
  read_interfaces(root, runs);
  std::set<std::string> scripts = hook_scripts(root);
  list_scripts(root, scripts);
  for (const auto* from : {&runs, &setup.rc_local})
    for (const auto& line : *from) add_scripts(line.text, scripts);
  const auto mounts = inventory_parts::read_own_mounts(root);
  for (const auto& script : scripts)
    if (inventory_parts::on_this_machine(root, mounts, script)) read_lines(root, script, lines);
  lines.insert(lines.end(), runs.begin(), runs.end());
  std::set<std::pair<std::string, unsigned>> seen;  // `sysctl -p /etc/sysctl.d/x.conf` in a script
  for (auto& line : lines)
    if (sets_pages(line.text) && seen.emplace(line.file, line.line).second)
      setup.page_writers.push_back(std::move(line));
  read_dpdk(root, setup.page_writers);
  read_tuned(root, setup.page_writers);
}

}  // namespace

HostSetup read_setup(const Root& root) {
  HostSetup setup;
  setup.kvm = root.exists("dev/kvm");
  read_cpu(root, setup);
  read_first_of(root, {"etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d"},
                setup.modprobe);
  join_continued(setup.modprobe);
  read_directory(root, "etc/modules-load.d", setup.modules_load);
  for (const auto* file : {"etc/modules", "etc/initramfs-tools/modules"}) read_lines(root, file, setup.modules_load);
  read_lines(root, "etc/rc.local", setup.rc_local);
  read_page_writers(root, setup);
  setup.rc_local_runs = executable(root, "etc/rc.local");
  setup.remapping = read_remapping(root);
  setup.unsafe_interrupts = root.read("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", 8) == "Y";
  read_storages(root, setup);
  read_backups(root, setup);
  read_functions(root, setup);
  setup.modprobe_known = root.exists("etc/modprobe.d");
  return setup;
}

}  // namespace hostsplit
