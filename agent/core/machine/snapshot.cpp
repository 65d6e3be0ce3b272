#include "core/machine/snapshot.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace hostsplit {

const char* to_string(UseKind kind) {
  switch (kind) {
    case UseKind::mount: return "mount";
    case UseKind::swap: return "swap";
    case UseKind::lvm: return "lvm";
    case UseKind::zfs: return "zfs";
    case UseKind::md: return "md";
    case UseKind::network: return "network";
    case UseKind::keyboard: return "keyboard";
    case UseKind::input: return "input";
    case UseKind::console: return "console";
    case UseKind::key: return "key file";
    case UseKind::process: return "process";
    case UseKind::guest: return "guest";
  }
  return "unknown";
}

std::string to_string(const EarlyLeft& left) {
  return left.what + (left.what.empty() || left.why.empty() ? "" : " ") + left.why;
}

std::string to_string(const PageUser& user) {
  if (user.unknown()) return "somebody who was not found";
  if (!user.vm) return user.name + (user.pid == 0 ? "" : " (process " + std::to_string(user.pid) + ")");
  return "VM " + std::to_string(*user.vm) + (user.name.empty() ? "" : " (" + user.name + ")");
}

KernelBuild parse_kernel_build(std::string_view meminfo) {
  const auto has = [&](std::string_view line) {
    return meminfo.starts_with(line.substr(1)) || meminfo.find(line) != std::string_view::npos;
  };
  return {has("\nMemTotal:"), has("\nCmaTotal:")};
}

std::string pool_directory(const PoolKey& pool) {
  return fmt::format("sys/devices/system/node/node{}/hugepages/hugepages-{}kB", pool.node, pool.page_size);
}

const PagePool* pool_of(const std::map<int, NumaNode>& nodes, const PoolKey& key) {
  const auto node = nodes.find(key.node);
  if (node == nodes.end()) return nullptr;
  for (const auto& pool : node->second.pools)
    if (pool.page_size == key.page_size) return &pool;
  return nullptr;
}

PagePool pools_of_size(const std::map<int, NumaNode>& nodes, Kib page_size) {
  PagePool all{page_size};
  for (const auto& [id, node] : nodes)
    if (const PagePool* pool = pool_of(nodes, {id, page_size})) {
      all.total += pool->total;
      all.free += pool->free;
      all.surplus += pool->surplus;
      all.promised = pool->promised;
    }
  return all;
}

std::string iommu_off_parameter(const Snapshot& snapshot) {
  for (std::string_view line = snapshot.command_line; !line.empty();) {
    const auto word = cut(line, ' ');
    const auto plain = with_underscores(word);
    if (plain == "iommu=off" || plain == "amd_iommu=off" || plain == "intel_iommu=off") return std::string(word);
  }
  return {};
}

const PciFunction* Snapshot::function(const PciAddress& address) const {
  const auto it = functions.find(address);
  return it == functions.end() ? nullptr : &it->second;
}

const Controller* Snapshot::controller(const PciAddress& address) const {
  const auto it = controllers.find(address);
  return it == controllers.end() ? nullptr : &it->second;
}

const UsbDevice* Snapshot::device(const std::string& name) const {
  for (const auto& device : devices)
    if (device.name == name) return &device;
  return nullptr;
}

Located locate(const Snapshot& snapshot, const Fingerprint& fingerprint) {
  std::optional<PciAddress> look_alike;
  for (const auto& [address, function] : snapshot.functions) {
    const Fingerprint& seen = function.fingerprint;
    const bool same_place = seen.root == fingerprint.root && seen.chain == fingerprint.chain;
    const bool same_kind = seen.ids == fingerprint.ids && seen.pci_class == fingerprint.pci_class;
    if (same_place) return {same_kind ? Located::Kind::found : Located::Kind::other_device, address};
    if (same_kind && !look_alike) look_alike = address;
  }
  if (look_alike) return {Located::Kind::moved, look_alike};
  return {Located::Kind::absent, std::nullopt};
}

}  // namespace hostsplit
