#include "core/memory/pool_shrink.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/memory/kernel_command_line.hpp"
#include "core/memory/pools.hpp"

namespace hostsplit {
namespace {

std::uint64_t everywhere(const std::map<int, NumaNode>& nodes, Kib page_size) {
  std::uint64_t pages = 0;
  for (const auto& [id, node] : nodes)
    if (const auto* pool = pool_of(nodes, {id, page_size})) pages += persistent(*pool);
  return pages;
}

/// None at all is told by one pool alone: another may have been mended meanwhile, by the hook of the next VM.
bool like_pve(const PagePool& pool, const Snapshot& now) {
  const auto reads = pages_pve_reads(now.command_line, pool.page_size);
  return reads == 0 ? persistent(pool) == 0 : everywhere(now.nodes, pool.page_size) == reads;
}

}  // namespace

std::vector<Wipe> recognise_wipes(const std::map<int, NumaNode>& before, const Snapshot& now) {
  std::vector<Wipe> wipes;
  for (const auto& [id, node] : now.nodes)
    for (const auto& pool : node.pools) {
      const auto* old = pool_of(before, {id, pool.page_size});
      if (!old || persistent(pool) >= persistent(*old)) continue;
      wipes.push_back({id, pool.page_size, persistent(*old), persistent(pool), pool.surplus, like_pve(pool, now)});
    }
  return wipes;
}

const Wipe* wipe_behind(const std::vector<Wipe>& wipes, const Step& step) {
  const auto* reserve = std::get_if<Reserve>(&step.action);
  if (!reserve || reserve->to <= reserve->from) return nullptr;
  for (const auto& wipe : wipes)
    if (wipe.node == reserve->node && wipe.page_size == reserve->page_size) return &wipe;
  return nullptr;
}

std::string describe(const Wipe& wipe, const std::vector<int>& vms) {
  std::string text = fmt::format("node {}: the pool of {} pages went from {} to {} although no VM took them", wipe.node,
                                 format_size(wipe.page_size), wipe.before, wipe.now);
  if (wipe.surplus != 0) text += fmt::format(", and {} in use would not come back", wipe.surplus);
  if (!wipe.like_pve) return text + "; some program wrote nr_hugepages";
  text +=
      "; Proxmox VE sets the pool to the number on the kernel command line after the start of a VM without "
      "keephugepages";
  if (vms.empty()) return text;
  text += fmt::format(". Running from huge pages: VM {}. ", fmt::join(vms, ", VM "));
  return text + fmt::format("For each without it: qm set {} --keephugepages 1",
                            vms.size() == 1 ? std::to_string(vms[0]) : "<VMID>");
}

}  // namespace hostsplit
