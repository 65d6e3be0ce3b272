#include "core/machine/pve.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace hostsplit {

const char* to_string(PvePages pages) {
  switch (pages) {
    case PvePages::none: return "none";
    case PvePages::any: return "any";
    case PvePages::small: return "2";
    case PvePages::big: return "1024";
  }
  return "none";
}

std::string to_string(const PveObject& object) {
  return (object.kind == PveObject::Kind::vm ? "VM " : "storage ") + object.id;
}

bool holds(const PveStorage& storage, std::string_view kind) {
  std::string_view rest = storage.content;
  while (!rest.empty())
    if (trimmed(cut(rest, ',')) == kind) return true;
  return false;
}

std::optional<std::string> next_value(const PveVm& vm, const std::string& key) {
  if (const auto pending = vm.pending.find(key); pending != vm.pending.end()) return pending->second;
  if (std::find(vm.pending_deletes.begin(), vm.pending_deletes.end(), key) != vm.pending_deletes.end()) return {};
  const auto value = vm.values.find(key);
  if (value == vm.values.end()) return {};
  return value->second;
}

std::vector<PveHostAddress> addresses_of(const PveHostPci& host_pci, const PveConfigs& configs) {
  if (host_pci.mapping.empty()) return host_pci.addresses;
  std::vector<PveHostAddress> addresses;
  for (const auto& mapping : configs.mappings) {
    if (mapping.id != host_pci.mapping) continue;
    for (const auto& entry : mapping.entries)
      if (entry.node == configs.node) addresses.insert(addresses.end(), entry.addresses.begin(), entry.addresses.end());
  }
  return addresses;
}

}  // namespace hostsplit
