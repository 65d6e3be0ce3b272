#include "formats/proc/qemu_command.hpp"

#include <algorithm>
#include <set>

#include "core/base/number.hpp"

namespace hostsplit {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// "type,key=value,...": keys may repeat (host-nodes=0,host-nodes=1). Newer Proxmox VE writes the same as JSON.
struct Properties {
  std::string_view type;
  std::vector<std::pair<std::string_view, std::string_view>> values;

  std::string_view of(std::string_view key) const {
    for (const auto& [name, value] : values)
      if (name == key) return value;
    return {};
  }
};

/// A flat JSON object's keys and values as they are written, arrays by their items: {"a":"x","b":[1,2]} -> a=x b=1 b=2.
/// Enough for what Proxmox VE gives to -object and -device; nested objects are skipped.
Properties from_json(std::string_view text) {
  Properties found;
  std::string_view key;
  bool in_array = false;
  while (!text.empty()) {
    const auto begin = text.find_first_not_of(" ,:{}\t");
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    if (text.front() == '[' || text.front() == ']') {
      in_array = text.front() == '[';
      if (!in_array) key = {};
      text.remove_prefix(1);
      continue;
    }
    const bool quoted = text.front() == '"';
    const auto end = std::min(quoted ? text.find('"', 1) : text.find_first_of(",:{}[] "), text.size());
    const auto word = text.substr(quoted, end - quoted);
    text.remove_prefix(std::min(end + quoted, text.size()));
    if (key.empty()) {
      key = word;
    } else {
      found.values.emplace_back(key, word);
      if (!in_array) key = {};
    }
  }
  found.type = found.of("qom-type").empty() ? found.of("driver") : found.of("qom-type");
  return found;
}

Properties properties(std::string_view text) {
  if (text.starts_with('{')) return from_json(text);
  Properties found;
  for (const auto part : split(text, ',')) {
    const auto equals = part.find('=');
    if (equals != std::string_view::npos)
      found.values.emplace_back(part.substr(0, equals), part.substr(equals + 1));
    else if (found.type.empty())
      found.type = part;
  }
  return found;
}

/// "1024M", "2G", "1024" in mebibytes where `plain` is Mi, in bytes where it is 1.
Kib size(std::string_view text, Kib plain_bytes) {
  if (text.empty()) return 0;
  constexpr std::string_view units = "KMGT";
  Kib factor = 0;
  const auto unit = units.find(static_cast<char>(text.back() & ~0x20));
  if (unit != std::string_view::npos) {
    factor = Kib{1} << (10 * unit);
    text.remove_suffix(1);
  }
  const auto count = parse_number<Kib>(text);
  if (!count || *count > (Kib{1} << 50)) return 0;
  return factor != 0 ? *count * factor : *count * plain_bytes / 1024;
}

/// Of "/run/hugepages/kvm/1048576kB" (PVE::QemuServer::Memory) or hugetlbsize=2M; 0: it is not told.
Kib page_size_of(const Properties& found) {
  if (const auto told = found.of("hugetlbsize"); !told.empty()) return size(told, 1);
  auto path = found.of("mem-path");
  path = path.substr(path.rfind('/') + 1);
  if (!path.ends_with("kB")) return 0;
  return parse_number<Kib>(path.substr(0, path.size() - 2)).value_or(0);
}

MemoryBackend backend(const Properties& found) {
  const auto path = found.of("mem-path");
  MemoryBackend memory;
  memory.id = std::string(found.of("id"));
  memory.size = size(found.of("size"), 1);
  memory.huge = path.starts_with("/run/hugepages") || path.starts_with("/dev/hugepages") ||
                found.of("hugetlb") == "on" || found.of("hugetlb") == "true";
  memory.policy = found.of("policy").empty() ? "default" : std::string(found.of("policy"));
  memory.page_size = memory.huge ? page_size_of(found) : 0;
  for (const auto& [key, value] : found.values) {
    if (!key.starts_with("host-nodes")) continue;
    if (const auto nodes = parse_cpu_set(value))
      memory.host_nodes.insert(memory.host_nodes.end(), nodes->begin(), nodes->end());
  }
  return memory;
}

/// What backends are for, by id (qemu(1)).
struct BackendUses {
  std::set<std::string> memory;  ///< named as the guest's memory
  std::set<std::string> shared;  ///< shared with it, as ivshmem is

  static void add(std::set<std::string>& ids, std::string_view id) {
    if (!id.empty()) ids.emplace(id);
  }
  /// Where nothing is named as memory, all are that are not shared.
  bool is_memory(const std::string& id) const { return memory.empty() ? shared.count(id) == 0 : memory.count(id) != 0; }
};

void take(GuestCommand& command, BackendUses& uses, std::string_view option, std::string_view value) {
  if (option == "-id") command.vm = parse_number<int>(value);
  if (option == "-pidfile") command.pid_file = std::string(value);
  if (option == "-m") {
    const auto found = properties(value);
    command.memory = size(found.of("size").empty() ? found.type : found.of("size"), 1024 * 1024);
  }
  if (option == "-object") {
    const auto found = properties(value);
    if (found.type.starts_with("memory-backend-")) command.backends.push_back(backend(found));
  }
  if (option == "-numa" || option == "-machine")
    uses.add(uses.memory, properties(value).of(option == "-numa" ? "memdev" : "memory-backend"));
  if (option == "-device") {
    const auto found = properties(value);
    if (found.type.starts_with("ivshmem")) uses.add(uses.shared, found.of("memdev"));
    if (found.type == "pc-dimm" || found.type.starts_with("virtio-mem")) uses.add(uses.memory, found.of("memdev"));
    if (!found.type.starts_with("vfio-pci")) return;
    if (const auto address = parse_pci_address(found.of("host"))) command.functions.push_back(*address);
  }
}

}  // namespace

GuestCommand parse_qemu_command(std::string_view cmdline) {
  GuestCommand command;
  BackendUses uses;
  const auto arguments = split(cmdline, '\0');
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i)
    if (arguments[i].starts_with('-')) take(command, uses, arguments[i], arguments[i + 1]);
  std::erase_if(command.backends, [&](const MemoryBackend& backend) {
    const bool memory = uses.is_memory(backend.id);
    if (!memory) (backend.huge ? command.beside_on_huge : command.beside) += backend.size;
    return !memory;
  });
  return command;
}

}  // namespace hostsplit
