#include "host/inventory/host_setup.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "core/boot/kernel_parameters.hpp"
#include "core/base/number.hpp"
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

void read_directory(const Root& root, const std::string& directory, std::vector<SetupLine>& lines) {
  for (const auto& file : root.list(directory))
    if (file.ends_with(".conf")) read_lines(root, directory + "/" + file, lines);
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

/// Sections of a file of Proxmox VE: "type: id", properties indented below ("key value").
template <class Use>
void each_section(std::string_view text, Use use) {
  std::string_view type, id;
  std::map<std::string, std::string> properties;
  const auto finish = [&] {
    if (!type.empty()) use(type, id, properties);
    properties.clear();
  };
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.empty() || fields[0].starts_with('#')) continue;
    const bool indented = line.front() == ' ' || line.front() == '\t';
    if (!indented) {
      finish();
      const auto colon = line.find(':');
      type = line.substr(0, colon);
      id = fields.size() > 1 ? fields[1] : std::string_view();
    } else {
      const auto begin = line.find(fields[0]) + fields[0].size();
      auto value = line.substr(begin);
      value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
      properties[std::string(fields[0])] = std::string(value);
    }
  }
  finish();
}

/// Device mapper writes "-" inside of names as "--".
std::string mapper_name(const std::string& group, const std::string& volume) {
  const auto doubled = [](const std::string& name) {
    std::string text;
    for (const char c : name) text += c == '-' ? "--" : std::string(1, c);
    return text;
  };
  return doubled(group) + "-" + doubled(volume);
}

/// Size of the data of a thin pool: its internal device "<vg>-<pool>-tpool", or the pool itself while nothing is open.
Kib thin_pool_size(const Root& root, const std::string& name) {
  for (const auto& block : root.list("sys/class/block")) {
    if (!block.starts_with("dm-")) continue;
    const auto mapper = root.read("sys/class/block/" + block + "/dm/name", 256);
    if (mapper != name + "-tpool" && mapper != name) continue;
    const auto sectors = parse_number<Kib>(root.read("sys/class/block/" + block + "/size", 64).value_or(""));
    return sectors.value_or(0) / 2;
  }
  return 0;
}

void read_storages(const Root& root, HostSetup& setup) {
  const auto text = root.read("etc/pve/storage.cfg").value_or("");
  each_section(text, [&](std::string_view type, std::string_view id, const auto& properties) {
    const auto pool = properties.find("thinpool"), group = properties.find("vgname");
    if (type != "lvmthin" || pool == properties.end() || group == properties.end()) return;
    setup.thin_pools.push_back({std::string(id), thin_pool_size(root, mapper_name(group->second, pool->second))});
  });
}

void read_jobs(const Root& root, HostSetup& setup) {
  const auto text = root.read("etc/pve/jobs.cfg").value_or("");
  each_section(text, [&](std::string_view type, std::string_view, const auto& properties) {
    const auto enabled = properties.find("enabled");
    if (type != "vzdump" || (enabled != properties.end() && enabled->second == "0")) return;
    const auto all = properties.find("all"), ids = properties.find("vmid"), pool = properties.find("pool");
    if (all != properties.end() && all->second == "1")
      setup.backup_jobs.push_back("all");
    else if (ids != properties.end())
      setup.backup_jobs.push_back(ids->second);
    else if (pool != properties.end())
      setup.backup_jobs.push_back("pool " + pool->second);
  });
}

bool executable(const Root& root, const std::string& path) {
  struct stat status {};
  return fstatat(root.descriptor(), path.c_str(), &status, 0) == 0 && (status.st_mode & S_IXUSR) != 0;
}

}  // namespace

HostSetup read_setup(const Root& root) {
  HostSetup setup;
  setup.kvm = root.exists("dev/kvm");
  read_cpu(root, setup);
  read_directory(root, "etc/modprobe.d", setup.modprobe);
  read_directory(root, "etc/modules-load.d", setup.modules_load);
  for (const auto* file : {"etc/modules", "etc/initramfs-tools/modules"}) read_lines(root, file, setup.modules_load);
  read_lines(root, "etc/rc.local", setup.rc_local);
  setup.rc_local_runs = executable(root, "etc/rc.local");
  setup.remapping = read_remapping(root);
  setup.unsafe_interrupts = root.read("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", 8) == "Y";
  read_storages(root, setup);
  read_jobs(root, setup);
  return setup;
}

}  // namespace hostsplit
