#include "core/checks/start_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/names.hpp"
#include "core/memory/pools.hpp"
#include "core/usb/guards.hpp"

namespace hostsplit {
namespace {

std::uint64_t share_of(const Reservation& item, int vm) {
  const auto share = item.shares.find(vm);
  return share == item.shares.end() ? 0 : share->second;
}

/// Who has the others: " (16 in use by VM 114 (Hybrid))".
std::string held_by(const Snapshot& snapshot, const Reservation& item, int vm) {
  std::string text;
  for (const auto& user : snapshot.memory_users.pages) {
    const auto at = user.holds.find({item.node, item.page_size});
    if (at == user.holds.end() || at->second == 0 || user.vm == vm) continue;
    text += fmt::format("{}{} in use by {}", text.empty() ? " (" : ", ", at->second, to_string(user));
  }
  return text.empty() ? text : text + ")";
}

/// The kernel gives nobody pages that it has promised to another, on whichever node they are.
std::optional<std::string> against_promised(const Snapshot& snapshot, const BootPlan& applied, int vm) {
  std::map<Kib, std::uint64_t> needed;
  for (const auto& item : applied.reservations) needed[item.page_size] += share_of(item, vm);
  for (const auto& [page_size, pages] : needed) {
    const PagePool all = pools_of_size(snapshot.nodes, page_size);
    if (pages != 0 && all.promised != 0 && all.free < pages + all.promised)
      return fmt::format(
          "{} huge pages of {} are free, {} of them are promised to other programs (resv_hugepages), and it needs {}: "
          "see hostsplit verify, then hostsplit apply",
          all.free, format_size(page_size), all.promised, pages);
  }
  return {};
}

std::optional<std::string> against_lifelines(const Snapshot& snapshot, const BootPlan& applied,
                                             const PciAddress& address, int vm) {
  for (const auto& finding : losses(snapshot, {{address}, {{address, vm}}, {}, given_up_when_applied(applied)}))
    if (finding.severity == Severity::error)
      return fmt::format("{}: {}. {}", finding.subject, finding.message, finding.remedy);
  return {};
}

std::optional<std::string> against_function(const Snapshot& snapshot, const Claim& claim, const PciAddress& address,
                                            int vm) {
  const PciFunction& function = *snapshot.function(address);
  if (function.driver != names::vfio_driver)
    return fmt::format("{} ({}) is with {}, not with {}: see journalctl -t hostsplit, then hostsplit apply",
                       to_string(address), describe(claim.causes),
                       function.driver.empty() ? "no driver" : function.driver, names::vfio_driver);
  const GroupHolder* holder = holder_of(snapshot, address);
  if (!holder || holder->vm == vm) return {};
  return fmt::format("{} ({}) is held by {} (process {}): shut that one down first", to_string(address),
                     describe(claim.causes), holder->vm ? fmt::format("VM {}", *holder->vm) : holder->command,
                     holder->pid);
}

std::optional<std::string> against_claim(const Snapshot& snapshot, const BootPlan& applied, const Claim& claim, int vm,
                                         bool only_lifelines) {
  const Located located = locate(snapshot, claim.function);
  if (located.kind != Located::Kind::found) {
    if (only_lifelines) return {};
    return fmt::format("{} ({}) is not where it was: see hostsplit plan", to_string(claim.address),
                       describe(claim.causes));
  }
  if (auto lifeline = against_lifelines(snapshot, applied, *located.address, vm)) return lifeline;
  if (only_lifelines) return {};
  return against_function(snapshot, claim, *located.address, vm);
}

}  // namespace

bool applied_for(const BootPlan& applied, int vm) {
  return std::any_of(applied.claims.begin(), applied.claims.end(),
                     [&](const Claim& claim) { return claim.vm == vm; }) ||
         std::any_of(applied.reservations.begin(), applied.reservations.end(),
                     [&](const Reservation& item) { return share_of(item, vm) != 0; });
}

std::optional<std::string> objection(const Snapshot& snapshot, const BootPlan& applied, int vm, StartChecks checks) {
  const bool only_lifelines = checks == StartChecks::lifelines;
  for (const auto& claim : applied.claims)
    if (claim.vm == vm)
      if (auto against = against_claim(snapshot, applied, claim, vm, only_lifelines)) return against;
  if (checks != StartChecks::all) return {};
  for (const auto& item : applied.reservations) {
    const std::uint64_t needed = share_of(item, vm);
    const PagePool* pool = pool_of(snapshot.nodes, {item.node, item.page_size});
    const std::uint64_t free = pool ? pool->free : 0;
    if (free < needed)
      return fmt::format(
          "node {} has {} free huge pages of {} and it needs {}{}: see hostsplit verify, then hostsplit apply",
          item.node, free, format_size(item.page_size), needed, held_by(snapshot, item, vm));
  }
  return against_promised(snapshot, applied, vm);
}

std::vector<Step> missing_pages(const Snapshot& snapshot, const BootPlan& applied, int vm) {
  BootPlan needed;
  needed.keep_free = applied.keep_free;
  for (const auto& item : applied.reservations) {
    const PagePool* pool = pool_of(snapshot.nodes, {item.node, item.page_size});
    const std::uint64_t share = share_of(item, vm);
    const std::uint64_t free = free_and_unpromised(snapshot.nodes, {item.node, item.page_size});
    if (!pool || free >= share) continue;
    needed.reservations.push_back(item);
    // Whoever uses pages of this pool keeps them: the VM gets its own beside those.
    auto& pages = needed.reservations.back().pages;
    pages = std::max(pages, pool->total - std::min(free, pool->total) + share);
  }
  auto steps = boot_page_steps(snapshot, needed);
  std::erase_if(steps, [](const Step& step) {
    const auto& reserve = std::get<Reserve>(step.action);
    return reserve.to <= reserve.from;
  });
  return steps;
}

}  // namespace hostsplit
