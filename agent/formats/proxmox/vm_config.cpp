#include "formats/proxmox/vm_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/base/number.hpp"
#include "core/base/printable.hpp"
#include "core/base/sha1.hpp"
#include "core/base/text.hpp"
#include "core/proxmox/values.hpp"

namespace hostsplit {
namespace {

constexpr auto remedy = "Correct it in the web interface or with qm set; hostsplit ignores that line";

/// Calls back with each part between separators, empty ones included.
template <class Use>
void each_part(std::string_view text, char separator, Use use) {
  while (true) {
    const auto end = text.find(separator);
    use(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

/// Where we are, and where complaints go.
struct Place {
  const std::string& file;
  std::vector<Finding>& findings;
  unsigned line = 0;

  void complain(std::string_view key, const std::string& what) const {
    findings.push_back({"pve-config-line", Severity::warning, printable(fmt::format("{}:{}", file, line)),
                        printable(fmt::format("{}: {}", key, what)), remedy});
  }
  void not_valid(std::string_view key, std::string_view value) const {
    constexpr std::size_t most = 60;
    complain(key, fmt::format("\"{}{}\" is not valid", value.substr(0, most), value.size() > most ? "..." : ""));
  }
};

/// Mebibytes, as all sizes of memory in these files.
std::optional<Kib> mebibytes(std::string_view text) {
  const auto count = parse_number<Kib>(text);
  constexpr Kib most = Kib{1024} * 1024 * 1024;  // 1 PiB
  if (!count || *count > most) return {};
  return *count * kib_per_mib;
}

/// "0-3;8" as well as "0-3,8".
std::optional<CpuSet> numbers(std::string text) {
  std::replace(text.begin(), text.end(), ';', ',');
  auto set = parse_cpu_set(text);
  return set && set->empty() ? std::nullopt : set;
}

/// "0000:03:00.3", "03:00.3", "10000:e1:00.0" behind Intel VMD (PVE::QemuServer::PCI takes domains of four digits and
/// more), or without ".3" for the whole slot.
std::optional<PveHostAddress> host_address(std::string_view text) {
  for (const bool slot : {false, true}) {
    const auto full = std::string(text) + (slot ? ".0" : "");
    if (const auto address = parse_pci_address(full)) return PveHostAddress{*address, slot};
    if (const auto address = parse_vmd_address(full)) return PveHostAddress{{}, slot, *address};
  }
  return {};
}

std::optional<std::vector<PveHostAddress>> host_addresses(std::string_view text) {
  std::vector<PveHostAddress> list;
  bool good = true;
  each_part(text, ';', [&](std::string_view part) {
    const auto address = host_address(trimmed(part));
    good = good && address;
    if (address) list.push_back(*address);
  });
  if (!good) return {};
  return list;
}

/// The number behind a key's name: "numa1" -> 1. Empty when `key` is not `stem` plus a number.
std::optional<int> numbered(std::string_view key, std::string_view stem) {
  if (!key.starts_with(stem)) return {};
  return parse_number<int>(key.substr(stem.size()));
}

bool is_disk(std::string_view key) {
  for (const auto* stem : {"scsi", "virtio", "sata", "ide", "efidisk", "tpmstate"})
    if (numbered(key, stem)) return true;
  return false;
}

void read_numa_node(PveVm& vm, int index, std::string_view key, std::string_view value, const Place& place) {
  PveNumaNode node;
  node.index = index;
  const auto found = pve_properties(value, "cpus");
  const auto of = [&](const char* name) {
    const auto it = found.find(name);
    return it == found.end() ? std::string() : it->second;
  };
  if (const auto cpus = numbers(of("cpus"))) node.guest_cpus = *cpus;
  if (const auto hosts = of("hostnodes"); !hosts.empty()) {
    const auto nodes = numbers(hosts);
    if (!nodes) return place.not_valid(key, value);
    node.host_nodes.assign(nodes->begin(), nodes->end());
    node.host_nodes_written = hosts;
  }
  if (const auto memory = of("memory"); !memory.empty()) node.memory = mebibytes(memory);
  node.policy = of("policy");
  if (node.guest_cpus.empty() || (found.contains("memory") && !node.memory)) return place.not_valid(key, value);
  vm.numa_nodes.push_back(std::move(node));
}

void read_host_pci(PveVm& vm, int index, std::string_view key, std::string_view value, const Place& place) {
  PveHostPci pci;
  pci.index = index;
  const auto found = pve_properties(value, "host");
  if (const auto mapping = found.find("mapping"); mapping != found.end()) pci.mapping = mapping->second;
  if (const auto host = found.find("host"); host != found.end()) {
    const auto addresses = host_addresses(host->second);
    if (!addresses) return place.not_valid(key, value);
    pci.addresses = *addresses;
  }
  if (const auto driver = found.find("driver"); driver != found.end()) pci.keep_driver = driver->second == "keep";
  for (const auto& [name, text] : found)
    if (name != "host" && name != "mapping") pci.rest += (pci.rest.empty() ? "" : ",") + name + "=" + text;
  if (pci.addresses.empty() && pci.mapping.empty()) return place.not_valid(key, value);
  vm.host_pci.push_back(std::move(pci));
}

void read_startup(PveVm& vm, std::string_view value) {
  const auto found = pve_properties(value, "order");
  if (const auto order = found.find("order"); order != found.end()) vm.start_order = parse_number<int>(order->second);
  if (const auto up = found.find("up"); up != found.end()) vm.start_delay = parse_number<int>(up->second);
  if (const auto down = found.find("down"); down != found.end()) vm.stop_delay = parse_number<int>(down->second);
}

std::optional<PvePages> pages(std::string_view value) {
  if (value == "any") return PvePages::any;
  if (value == "2") return PvePages::small;
  if (value == "1024") return PvePages::big;
  return {};
}

/// Takes a parsed value over, or complains about the text it came from.
template <class Value, class Into>
void take(const std::optional<Value>& parsed, Into& into, std::string_view key, std::string_view value,
          const Place& place) {
  if (parsed)
    into = *parsed;
  else
    place.not_valid(key, value);
}

/// \return true when the key was one of those that only need copying.
bool read_text(PveVm& vm, std::string_view key, std::string_view value) {
  std::string* const into = key == "name"         ? &vm.name
                            : key == "cpu"        ? &vm.cpu
                            : key == "args"       ? &vm.args
                            : key == "hotplug"    ? &vm.hotplug
                            : key == "hookscript" ? &vm.hookscript
                            : key == "lock"       ? &vm.lock
                            : key == "machine"    ? &vm.machine
                                                  : nullptr;
  if (into) *into = std::string(value);
  return into != nullptr;
}

void read_flag(PveVm& vm, std::string_view key, std::string_view value, const Place& place) {
  bool* const into = key == "numa"            ? &vm.numa
                     : key == "keephugepages" ? &vm.keep_hugepages
                     : key == "onboot"        ? &vm.on_boot
                     : key == "template"      ? &vm.is_template
                                              : nullptr;
  if (into) take(pve_boolean(value), *into, key, value, place);
}

void read_key(PveVm& vm, std::string_view key, std::string_view value, const Place& place) {
  if (read_text(vm, key, value)) return;
  if (key == "memory")
    return take(mebibytes(pve_properties(value, "current")["current"]), vm.memory, key, value, place);
  if (key == "balloon") return take(mebibytes(value), vm.balloon, key, value, place);
  if (key == "hugepages") return take(pages(value), vm.hugepages, key, value, place);
  if (key == "sockets") return take(parse_number<int>(value), vm.sockets, key, value, place);
  if (key == "cores") return take(parse_number<int>(value), vm.cores, key, value, place);
  if (key == "vcpus") return take(parse_number<int>(value), vm.vcpus, key, value, place);
  if (key == "affinity") {
    const auto cpus = pve_cpu_list(value);
    return take(cpus && cpus->empty() ? std::nullopt : cpus, vm.affinity, key, value, place);
  }
  if (key == "startup") return read_startup(vm, value);
  if (const auto index = numbered(key, "numa")) return read_numa_node(vm, *index, key, value, place);
  if (const auto index = numbered(key, "hostpci")) return read_host_pci(vm, *index, key, value, place);
  if (is_disk(key)) return void(vm.disks[std::string(key)] = std::string(value));
  if (numbered(key, "usb")) return void(vm.usb[std::string(key)] = std::string(value));
  if (numbered(key, "serial") || numbered(key, "parallel"))
    return void(vm.serial[std::string(key)] = std::string(value));
  read_flag(vm, key, value, place);
}

bool is_key(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::islower(c) || std::isdigit(c) || c == '_' || c == '-';
  });
}

/// Goes through the lines and knows the section it is in.
class VmReader {
 public:
  VmReader(PveVm& vm, Place place) : vm_(vm), place_(std::move(place)) {}

  void line(std::string_view text) {
    ++place_.line;
    text = trimmed(text);
    if (text.empty() || text.starts_with('#')) return;
    if (text.starts_with('[')) return section(text);
    const auto colon = text.find(':');
    const auto key = text.substr(0, colon);
    if (colon == std::string_view::npos || !is_key(key)) return place_.not_valid("line", text);
    entry(key, trimmed(text.substr(colon + 1)));
  }

  void finish() {
    drop_void(vm_.numa_nodes, void_numa_);
    drop_void(vm_.host_pci, void_pci_);
  }

 private:
  enum class Section { main, pending, other };

  void section(std::string_view text) {
    // Whose keys follow is not known then: nobody's.
    section_ = Section::other;
    seen_.clear();
    if (!text.ends_with(']')) return place_.not_valid("section", text);
    const auto name = text.substr(1, text.size() - 2);
    // [special:cloudinit] is no snapshot: their names have no colon.
    if (name == "PENDING" || name == "pending")
      section_ = Section::pending;
    else if (name.find(':') == std::string_view::npos)
      vm_.snapshots.emplace_back(name);
  }

  void entry(std::string_view key, std::string_view value) {
    // How a snapshot was is its own affair.
    if (section_ == Section::other) return;
    if (!seen_.insert(std::string(key)).second) place_.complain(key, "is given twice; the last one counts");
    if (section_ == Section::main) {
      forget(key);
      vm_.values[std::string(key)] = std::string(value);
      return read_key(vm_, key, value, place_);
    }
    if (key != "delete") return void(vm_.pending[std::string(key)] = std::string(value));
    each_part(value, ',', [&](std::string_view name) {
      name = trimmed(name);
      if (name.starts_with('!')) name.remove_prefix(1);  // to be forced (PVE::AbstractConfig)
      if (!name.empty()) vm_.pending_deletes.emplace_back(name);
    });
  }

  /// What was read before a line of the same key is void, whether that line makes sense or not.
  void forget(std::string_view key) {
    if (const auto index = numbered(key, "numa")) void_numa_[*index] = vm_.numa_nodes.size();
    if (const auto index = numbered(key, "hostpci")) void_pci_[*index] = vm_.host_pci.size();
  }

  /// In one pass at the end: one for each line takes an hour where there are a hundred thousand.
  template <class Item>
  static void drop_void(std::vector<Item>& items, const std::map<int, std::size_t>& before) {
    std::vector<Item> rest;
    for (std::size_t i = 0; i < items.size(); ++i)
      if (i >= before.at(items[i].index)) rest.push_back(std::move(items[i]));
    std::sort(rest.begin(), rest.end(), [](const Item& a, const Item& b) { return a.index < b.index; });
    items = std::move(rest);
  }

  PveVm& vm_;
  std::map<int, std::size_t> void_numa_, void_pci_;  ///< index to how many entries from the beginning are void
  Place place_;
  Section section_ = Section::main;
  std::set<std::string> seen_;
};

std::optional<PveMapEntry> map_entry(std::string_view value) {
  const auto found = pve_properties(value, "path");
  const auto of = [&](const char* name) {
    const auto it = found.find(name);
    return it == found.end() ? std::string() : it->second;
  };
  PveMapEntry entry;
  entry.node = of("node");
  entry.ids = of("id");
  entry.subsystem = of("subsystem-id");
  if (const auto group = of("iommugroup"); !group.empty()) entry.group = parse_number<int>(group);
  const auto addresses = host_addresses(of("path"));
  if (!addresses || entry.node.empty()) return {};
  entry.addresses = *addresses;
  return entry;
}

}  // namespace

PveVm parse_pve_vm(int id, std::string_view text, const std::string& file, std::vector<Finding>& findings) {
  PveVm vm;
  vm.id = id;
  vm.digest = sha1_hex(text);
  VmReader reader(vm, {file, findings});
  each_part(text, '\n', [&](std::string_view line) { reader.line(line); });
  reader.finish();
  return vm;
}

PveVm at_next_start(const PveVm& vm) {
  PveVm next = with_changes(vm, {});
  next.pending = vm.pending;
  next.pending_deletes = vm.pending_deletes;
  return next;
}

PveVm with_changes(const PveVm& vm, const std::vector<PveKeyChange>& changes) {
  // next_value() of each key, with the deletes looked up and not gone through.
  const std::set<std::string> deleted(vm.pending_deletes.begin(), vm.pending_deletes.end());
  std::map<std::string, std::string> values;
  for (const auto& [key, value] : vm.values)
    if (!deleted.count(key)) values[key] = value;
  for (const auto& [key, value] : vm.pending) values[key] = value;
  for (const auto& change : changes) {
    values.erase(change.key);
    if (change.to) values[change.key] = *change.to;
  }
  std::string text;
  for (const auto& [key, value] : values) text += key + ": " + value + "\n";
  std::vector<Finding> reported_before;
  PveVm next = parse_pve_vm(vm.id, text, {}, reported_before);
  next.snapshots = vm.snapshots;
  next.digest = vm.digest;
  next.running = vm.running;
  return next;
}

std::vector<PveMapping> parse_pve_mappings(std::string_view text, const std::string& file,
                                           std::vector<Finding>& findings) {
  std::vector<PveMapping> mappings;
  Place place{file, findings};
  each_part(text, '\n', [&](std::string_view line) {
    ++place.line;
    const auto content = trimmed(line);
    if (content.empty() || content.starts_with('#')) return;
    const bool indented = line.front() == ' ' || line.front() == '\t';
    if (!indented) return void(mappings.push_back({std::string(content), {}}));
    if (mappings.empty()) return place.not_valid("property", content);
    if (!content.starts_with("map ")) return;
    const auto value = trimmed(content.substr(4));
    if (const auto entry = map_entry(value))
      mappings.back().entries.push_back(*entry);
    else
      place.not_valid("map", value);
  });
  return mappings;
}

}  // namespace hostsplit
