#include "core/memory/args_memory.hpp"

#include <algorithm>

#include "core/base/number.hpp"
#include "core/base/size.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

/// Memory that lies in no huge pages: what is shared by ivshmem and by virtiofs.
bool is_ordinary(std::string_view path) {
  for (const auto* place : {"/dev/shm", "/run/shm", "/tmp", "/var/tmp", "/dev/kvmfr"})
    if (path.starts_with(place)) return true;
  return path.find("huge") == std::string_view::npos;
}

Kib page_size_of(std::string_view path, Kib usual) {
  const auto has = [&](std::string_view part) { return path.find(part) != std::string_view::npos; };
  if (has("1048576") || has("1G") || has("1g")) return kib_per_gib;
  if (has("2048") || has("2M") || has("2m")) return 2 * kib_per_mib;
  return usual;
}

int node_for(const PveVm& vm, const std::map<int, NumaNode>& nodes, Kib page_size) {
  const auto runs_there = [&](const NumaNode& node) {
    return vm.affinity &&
           std::any_of(node.cpus.begin(), node.cpus.end(), [&](int cpu) { return vm.affinity->count(cpu) != 0; });
  };
  const NumaNode* best = nullptr;
  const auto pages = [&](const NumaNode& node) {
    const PagePool* pool = pool_of(nodes, {node.id, page_size});
    return pool ? pool->total : 0;
  };
  for (const auto& [id, node] : nodes) {
    if (runs_there(node)) return id;
    if (!best || pages(node) > pages(*best)) best = &node;
  }
  return best ? best->id : 0;
}

/// Value of `key=` in a list that commas part; empty when it is not there.
std::string_view value_in(std::string_view list, std::string_view key) {
  while (!list.empty()) {
    const auto item = cut(list, ',');
    if (item.size() > key.size() && item.starts_with(key) && item[key.size()] == '=')
      return item.substr(key.size() + 1);
  }
  return {};
}

/// A number alone is of bytes (qemu(1)).
Kib size_in(std::string_view object, std::string_view key, Kib otherwise) {
  const auto text = value_in(object, key);
  if (const auto bytes = parse_number<Kib>(text)) return *bytes / bytes_per_kib;
  return parse_size(text).value_or(otherwise);
}

/// Memory of memory-backend-memfd that lies in huge pages: it has no path.
bool is_huge_memfd(std::string_view object) {
  const auto on = value_in(object, "hugetlb");
  return object.find("memory-backend-memfd") != std::string_view::npos &&
         (on == "on" || on == "true" || on == "yes" || on == "y");
}

}  // namespace

PageCounts pages_by_args(const PveVm& vm, const std::map<int, NumaNode>& nodes, Kib usual) {
  PageCounts counts;
  const auto count = [&](Kib memory, Kib page_size) {
    if (page_size != 0) counts[{node_for(vm, nodes, page_size), page_size}] += (memory + page_size - 1) / page_size;
  };
  const auto take = [&](std::string_view path, Kib memory) {
    if (!is_ordinary(path)) count(memory, page_size_of(path, usual));
  };
  bool next_is_path = false;
  std::string_view rest = vm.args;
  while (!rest.empty()) {
    const auto word = cut(rest, ' ');
    if (word.empty()) continue;
    if (next_is_path) take(word, memory_of(vm));
    next_is_path = word == "-mem-path" || word == "--mem-path";
    if (const auto path = value_in(word, "mem-path"); !path.empty()) take(path, size_in(word, "size", memory_of(vm)));
    if (is_huge_memfd(word)) count(size_in(word, "size", memory_of(vm)), size_in(word, "hugetlbsize", usual));
  }
  return counts;
}

}  // namespace hostsplit
