#include <fmt/format.h>

#include <map>
#include <stdexcept>

#include "host/act/pages.hpp"
#include "host/inventory/inventory.hpp"
#include "measure.hpp"

namespace {

using namespace hostsplit;

void require_pages(const Root& root, int node, std::uint64_t count) {
  const auto now = read_node(root, node);
  if (now)
    for (const auto& pool : now->pools)
      if (pool.page_size == kib_per_gib && pool.total == count) return;
  throw std::runtime_error(fmt::format("node {} does not have {} pages of 1 GiB", node, count));
}

}  // namespace

std::string measure_pages(const Root& root, Effects& effects, int node, int count, int rounds) {
  const std::string pool =
      fmt::format("/sys/devices/system/node/node{}/hugepages/hugepages-1048576kB/nr_hugepages", node);
  const auto wanted = static_cast<std::uint64_t>(count);
  const std::vector<std::pair<std::string, std::function<void()>>> ways{
      {"raw",
       [&] {
         for (int pages = 1; pages <= count; ++pages) raw_write(pool, std::to_string(pages));
       }},
      {"hostsplit", [&] {
         reserve_pages(root, effects, {node, kib_per_gib, 0, wanted, 0, {}, {}});
       }}};
  std::map<std::string, std::vector<long>> times;
  raw_write(pool, "0");
  for (int round = 0; round < rounds; ++round)
    for (std::size_t turn = 0; turn < ways.size(); ++turn) {
      const auto& [name, work] = ways[(turn + static_cast<std::size_t>(round)) % ways.size()];
      times[name].push_back(microseconds(work));
      require_pages(root, node, wanted);
      raw_write(pool, "0");
    }
  return fmt::format("{{\"raw\": {}, \"hostsplit\": {}}}", median(times["raw"]), median(times["hostsplit"]));
}
