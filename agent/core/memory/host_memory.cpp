#include "core/memory/host_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "core/memory/page_users.hpp"

namespace hostsplit {
namespace {

std::string gib(Kib size) {
  return fmt::format("{:.1f} GiB", static_cast<double>(size) / kib_per_gib);
}

/// A node or the machine with its huge pages, as it will be.
struct Balance {
  Kib memory = 0, pages = 0, floor = 0;
  Kib left() const { return memory > pages ? memory - pages : 0; }
};

/// By node.
std::map<int, Balance> balances_of(const Snapshot& snapshot, Kib keep_free, const std::vector<Reservation>& reserved) {
  std::map<int, Balance> balances;
  for (const auto& [id, node] : snapshot.nodes) {
    Balance& balance = balances[id];
    balance.memory = node.memory;
    if (node.memory != 0) balance.floor = keep_free;
    for (const auto& pool : node.pools) {
      std::uint64_t pages = pool.total;
      for (const auto& item : reserved)
        if (item.node == id && item.page_size == pool.page_size) pages = item.pages;
      balance.pages += pages * pool.page_size;
    }
  }
  for (const auto& [key, come] : pages_to_come(snapshot, reserved))
    balances[key.node].pages += come.pages * key.page_size;
  return balances;
}

Balance all_nodes(const std::map<int, Balance>& balances) {
  Balance all;
  for (const auto& [node, balance] : balances) {
    all.memory += balance.memory;
    all.pages += balance.pages;
    all.floor += balance.floor;
  }
  return all;
}

/// A VM of the configuration gets its memory from huge pages, whatever Proxmox VE has now.
bool is_counted_as_pages(const OrdinaryGuest& guest, const Config& config) {
  const auto vm = config.vms.find(guest.id);
  return !guest.container && vm != config.vms.end() && !memory_by_node(vm->second).empty();
}

/// Guests without huge pages that start with the host.
struct GuestsAtStart {
  Kib memory = 0;
  std::string who;  ///< "VM 200 (8.0 GiB), container 300 (4.0 GiB)"
};

/// \param node  counts what is bound to it; empty: all they may use
GuestsAtStart guests_at_start(const Snapshot& snapshot, const Config& config, std::optional<int> node = {}) {
  GuestsAtStart guests;
  for (const auto& guest : snapshot.memory_users.ordinary) {
    if (!guest.on_boot || is_counted_as_pages(guest, config)) continue;
    const auto bound = guest.bound.find(node.value_or(0));
    const Kib memory = !node ? guest.memory : bound == guest.bound.end() ? 0 : bound->second;
    if (memory == 0) continue;
    guests.memory += memory;
    guests.who += fmt::format("{}{} {} ({})", guests.who.empty() ? "" : ", ", guest.container ? "container" : "VM",
                              guest.id, gib(memory));
  }
  return guests;
}

bool is_too_much(const GuestsAtStart& guests, const Balance& balance) {
  return guests.memory != 0 && guests.memory + balance.floor > balance.left();
}

std::string against_guests(const GuestsAtStart& guests, const Balance& balance) {
  return fmt::format("may use {}, but huge pages leave {} of {}, and {} of that are for the host itself: {}",
                     gib(guests.memory), gib(balance.left()), gib(balance.memory), gib(balance.floor), guests.who);
}

/// All of them against the machine, and those that are bound to a node against that node.
void check_guests(const Snapshot& snapshot, const Config& config, const std::map<int, Balance>& balances,
                  std::vector<Finding>& findings) {
  const Balance machine = all_nodes(balances);
  if (const auto all = guests_at_start(snapshot, config); is_too_much(all, machine))
    findings.push_back({"guests-do-not-fit", Severity::warning, "memory",
                        "guests without huge pages that start with the host " + against_guests(all, machine),
                        "Lower memory in hostsplit.toml or of these guests, or take onboot from some of them"});
  for (const auto& [node, balance] : balances)
    if (const auto bound = guests_at_start(snapshot, config, node); balance.pages != 0 && is_too_much(bound, balance))
      findings.push_back(
          {"guests-do-not-fit", Severity::warning, fmt::format("node {}", node),
           "guests without huge pages that start with the host and are bound to this node (numa lines with "
           "policy=bind) " +
               against_guests(bound, balance),
           "Lower memory in hostsplit.toml or of these guests, bind them to another node, or take onboot from some of "
           "them"});
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

/// \param guests  memory of ordinary guests that start with the host: the cache has what they leave. What they lack
///   beyond the floor is another finding (`guests-do-not-fit`), and no maximum would make room for it.
void check_cache(const Snapshot& snapshot, const Balance& balance, Kib guests, std::vector<Finding>& findings) {
  if (!snapshot.zfs_cache) return;
  const ZfsCache& cache = *snapshot.zfs_cache;
  const auto tell = [&](const std::string& message, const std::string& remedy) {
    findings.push_back({"zfs-arc-max", Severity::warning, "ZFS", message, remedy});
  };
  const Kib left = balance.left() - std::min(guests, balance.left() - std::min(balance.floor, balance.left()));
  const Kib advised = std::max(left / 2 / kib_per_gib * kib_per_gib, kib_per_gib);
  if (cache.set && !cache.set->valid)
    return tell(fmt::format("zfs_arc_max={} ({}) is not a number of bytes, and ZFS does not load with it",
                            cache.set->text, cache.set->where),
                lasting_bound(cache, advised * bytes_per_kib));
  if (balance.pages == 0) return;
  // The floor is for the host with its caches; half of it has to be for everything else.
  const Kib most = left > balance.floor / 2 ? left - balance.floor / 2 : 0;
  const std::string ignored = cache.set ? why_ignored(*cache.set, balance.memory) : std::string();
  const bool set = cache.set && cache.set->most != 0 && ignored.empty();
  const Kib next = set ? cache.set->most : cache.most;
  if (cache.most <= most && next <= most) return;
  const std::string leave =
      fmt::format("but huge pages leave {} of {} to the host{}", gib(balance.left()), gib(balance.memory),
                  guests == 0 ? "" : ", and guests that start with it may use " + gib(guests));
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
  const auto balances = balances_of(snapshot, config.keep_free, reserved);
  const Balance machine = all_nodes(balances);
  if (machine.memory == 0) return findings;
  check_guests(snapshot, config, balances, findings);
  check_cache(snapshot, machine, guests_at_start(snapshot, config).memory, findings);
  return findings;
}

}  // namespace hostsplit
