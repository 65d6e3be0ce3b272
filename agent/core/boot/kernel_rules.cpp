#include <algorithm>

#include "core/base/number.hpp"
#include "core/boot/huge_page_parameters.hpp"

/// What differs between kernels and machines for parameters about huge pages.
namespace hostsplit {

KernelRules kernel_rules(std::string_view release) {
  KernelRules rules;
  const auto dot = release.find('.');
  if (dot == std::string_view::npos) return rules;
  const auto behind = release.substr(dot + 1);
  const auto major = parse_number<int>(release.substr(0, dot));
  const auto minor = parse_number<int>(behind.substr(0, behind.find_first_not_of("0123456789")));
  if (!major || !minor) return rules;
  rules.noted_first = *major > 6 || (*major == 6 && *minor >= 15);
  rules.by_node = *major > 5 || (*major == 5 && *minor >= 16);
  return rules;
}

KernelRules kernel_rules(const Snapshot& snapshot, std::string_view release) {
  KernelRules rules = kernel_rules(release);
  rules.cma = snapshot.boot.build.cma;
  rules.cma_known = snapshot.boot.build.known;
  bool pools = false, gibibytes = false;
  for (const auto& [id, node] : snapshot.nodes) {
    if (!node.late) rules.online.insert(id);
    pools = pools || !node.pools.empty();
    gibibytes = gibibytes || std::any_of(node.pools.begin(), node.pools.end(),
                                         [](const PagePool& pool) { return pool.page_size == kib_per_gib; });
  }
  rules.gibibytes = gibibytes || !pools;
  return rules;
}

KernelRules kernel_rules(const Snapshot& snapshot) {
  return kernel_rules(snapshot, snapshot.kernel);
}

}  // namespace hostsplit
