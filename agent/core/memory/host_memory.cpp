#include "core/memory/host_memory.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/memory/page_users.hpp"

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
  for (const auto& [key, come] : pages_to_come(snapshot, reserved)) balance.pages += come.pages * key.page_size;
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

/// What bounds the cache from the next boot on; what is in the file stays beside it.
std::string lasting_bound(const ZfsCache& cache, std::uint64_t bytes) {
  const std::string rebuild = " && update-initramfs -u -k all";
  if (!cache.set)
    return fmt::format("echo \"options zfs zfs_arc_max={}\" >> /etc/modprobe.d/zfs.conf{}", bytes, rebuild);
  if (!cache.set->where.starts_with('/'))
    return fmt::format("Write zfs.zfs_arc_max={} instead of zfs.zfs_arc_max={} on the kernel command line", bytes,
                       cache.set->text);
  // A quote may also be before the name; both go.
  const auto* quote = cache.set->text.find('"') == std::string::npos ? "" : "\"*";
  return fmt::format("sed -i 's/{}zfs_arc_max=[^ ]*/zfs_arc_max={}/' {}{}", quote, bytes, cache.set->where, rebuild);
}

/// Why ZFS goes by its own maximum although one is set; empty: it does not.
std::string why_ignored(const ZfsCache::Setting& set, Kib memory) {
  if (!set.valid || set.most == 0 || zfs_heeds(set.most, memory)) return {};
  return fmt::format("ZFS ignores zfs_arc_max={} in {}: that many bytes are {}", set.text, set.where,
                     set.most < memory ? "less than 64 MiB" : "not less than all memory");
}

/// While it runs ZFS ignores a bound that is not above zfs_arc_min (arc_tuning_update()).
std::string bound_at_once(const ZfsCache& cache, Kib most) {
  const std::string parameters = "/sys/module/zfs/parameters/";
  std::string text;
  if (most <= cache.least) text = fmt::format("echo {} > {}zfs_arc_min && ", most / 2 * bytes_per_kib, parameters);
  return fmt::format("at once: {}echo {} > {}zfs_arc_max", text, most * bytes_per_kib, parameters);
}

void check_cache(const Snapshot& snapshot, const Balance& balance, std::vector<Finding>& findings) {
  if (!snapshot.zfs_cache) return;
  const ZfsCache& cache = *snapshot.zfs_cache;
  const auto tell = [&](const std::string& message, const std::string& remedy) {
    findings.push_back({"zfs-arc-max", Severity::warning, "ZFS", message, remedy});
  };
  const Kib advised = std::max(balance.left() / 2 / kib_per_gib * kib_per_gib, kib_per_gib);
  if (cache.set && !cache.set->valid)
    return tell(fmt::format("zfs_arc_max={} ({}) is not a number of bytes, and ZFS does not load with it",
                            cache.set->text, cache.set->where),
                lasting_bound(cache, advised * bytes_per_kib));
  if (balance.pages == 0) return;
  // The floor is for the host with its caches; half of it has to be for everything else.
  const Kib most = balance.left() > balance.floor / 2 ? balance.left() - balance.floor / 2 : 0;
  const std::string ignored = cache.set ? why_ignored(*cache.set, balance.memory) : std::string();
  const bool set = cache.set && cache.set->most != 0 && ignored.empty();
  const Kib next = set ? cache.set->most : cache.most;
  if (cache.most <= most && next <= most) return;
  const std::string leave =
      fmt::format("but huge pages leave {} of {} to the host", gib(balance.left()), gib(balance.memory));
  if (next <= most)
    tell(fmt::format("its ARC may grow to {} until the reboot ({} in {} afterwards) and holds {} now, {}",
                     gib(cache.most), gib(next), cache.set->where, gib(cache.size), leave),
         bound_at_once(cache, next));
  else
    tell(fmt::format("its ARC may grow to {} ({}) and holds {} now, {}", gib(next),
                     set                ? "zfs_arc_max in " + cache.set->where
                     : !ignored.empty() ? ignored
                                        : std::string("zfs_arc_max"),
                     gib(cache.size), leave),
         lasting_bound(cache, advised * bytes_per_kib) + "; " + bound_at_once(cache, advised));
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
