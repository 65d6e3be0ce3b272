#include "core/memory/host_memory.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hostsplit {
namespace {

std::string gib(Kib size) {
  return fmt::format("{:.1f} GiB", static_cast<double>(size) / kib_per_gib);
}

/// The machine with its huge pages, as it will be.
struct Balance {
  Kib memory = 0, pages = 0, floor = 0;
  Kib left() const { return memory > pages ? memory - pages : 0; }
};

Balance balance_of(const Snapshot& snapshot, Kib keep_free, const std::vector<Reservation>& reserved) {
  Balance balance;
  for (const auto& [id, node] : snapshot.nodes) {
    balance.memory += node.memory;
    if (node.memory != 0) balance.floor += keep_free;
    for (const auto& pool : node.pools) {
      std::uint64_t pages = pool.total;
      for (const auto& item : reserved)
        if (item.node == id && item.page_size == pool.page_size) pages = item.pages;
      balance.pages += pages * pool.page_size;
    }
  }
  return balance;
}

/// A VM of the configuration gets its memory from huge pages, whatever Proxmox VE has now.
bool is_counted_as_pages(const OrdinaryGuest& guest, const Config& config) {
  const auto vm = config.vms.find(guest.id);
  return !guest.container && vm != config.vms.end() && !memory_by_node(vm->second).empty();
}

void check_guests(const Snapshot& snapshot, const Config& config, const Balance& balance,
                  std::vector<Finding>& findings) {
  Kib wanted = 0;
  std::string who;
  for (const auto& guest : snapshot.memory_users.ordinary) {
    if (!guest.on_boot || is_counted_as_pages(guest, config)) continue;
    wanted += guest.memory;
    who += fmt::format("{}{} {} ({})", who.empty() ? "" : ", ", guest.container ? "container" : "VM", guest.id,
                       gib(guest.memory));
  }
  if (wanted == 0 || wanted + balance.floor <= balance.left()) return;
  findings.push_back(
      {"guests-do-not-fit", Severity::warning, "memory",
       fmt::format(
           "guests without huge pages that start with the host may use {}, but huge pages leave {} of {}, and {} "
           "of that are for the host itself: {}",
           gib(wanted), gib(balance.left()), gib(balance.memory), gib(balance.floor), who),
       "Lower memory in hostsplit.toml or of these guests, or take onboot from some of them"});
}

void check_cache(const Snapshot& snapshot, const Balance& balance, std::vector<Finding>& findings) {
  if (!snapshot.zfs_cache || balance.pages == 0) return;
  const ZfsCache& cache = *snapshot.zfs_cache;
  // The floor is for the host with its caches; half of it has to be for everything else.
  const Kib most = balance.left() > balance.floor / 2 ? balance.left() - balance.floor / 2 : 0;
  if (cache.most <= most) return;
  const Kib advised = std::max({cache.least, balance.left() / 2 / kib_per_gib * kib_per_gib, kib_per_gib});
  const auto bytes = advised * bytes_per_kib;
  findings.push_back(
      {"zfs-arc-max", Severity::warning, "ZFS",
       fmt::format("its ARC may grow to {} (zfs_arc_max) and holds {} now, but huge pages leave {} of {} to the host",
                   gib(cache.most), gib(cache.size), gib(balance.left()), gib(balance.memory)),
       fmt::format(
           "echo \"options zfs zfs_arc_max={}\" > /etc/modprobe.d/zfs.conf && update-initramfs -u -k all; at once: "
           "echo {} > /sys/module/zfs/parameters/zfs_arc_max",
           bytes, bytes)});
}

}  // namespace

std::vector<Finding> check_host_memory(const Snapshot& snapshot, const Config& config,
                                       const std::vector<Reservation>& reserved) {
  std::vector<Finding> findings;
  const Balance balance = balance_of(snapshot, config.keep_free, reserved);
  if (balance.memory == 0) return findings;
  check_guests(snapshot, config, balance, findings);
  check_cache(snapshot, balance, findings);
  return findings;
}

}  // namespace hostsplit
