#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "core/base/number.hpp"
#include "core/base/printable.hpp"
#include "core/machine/pci.hpp"
#include "core/state/port_map.hpp"
#include "formats/toml/documents.hpp"
#include "formats/toml/panels.hpp"
#include "formats/toml/reader.hpp"

namespace hostsplit {
namespace {

constexpr auto size_remedy = "Write a whole number with its unit, for example \"56GiB\" or \"512MiB\".";
/// Far above any machine, and low enough that sums over all VMs stay exact.
constexpr Kib largest_size = Kib{1024} * 1024 * kib_per_gib;

std::optional<Kib> read_size(const TomlReader& table, const char* key) {
  const auto text = table.text(key);
  if (!text) return std::nullopt;
  const auto size = parse_size(*text);
  if (!size) table.complain(key, "\"" + *text + "\" is not a size", size_remedy);
  if (*size > largest_size) table.complain(key, "\"" + *text + "\" is more memory than any machine has", size_remedy);
  return size;
}

/// One of some words. \return the index of the word, empty when the key is absent.
std::optional<std::size_t> read_choice(const TomlReader& table, const char* key,
                                       const std::vector<std::string>& words) {
  const auto text = table.text(key);
  if (!text) return std::nullopt;
  const auto word = std::find(words.begin(), words.end(), *text);
  if (word != words.end()) return word - words.begin();
  std::string known;
  for (const auto& w : words) known += (known.empty() ? "\"" : ", \"") + w + "\"";
  table.complain(key, "\"" + *text + "\" is not a valid value", "Write one of " + known + ".");
}

void require_labels(const TomlReader& table, const char* key, const std::vector<Named>& names) {
  for (const auto& name : names)
    if (!valid_label(name.text))
      table.complain_at(name.line, key, "\"" + name.text + "\" is not a label",
                        fmt::format("A label is {}, as given with hostsplit learn.", label_rule));
}

/// Brings addresses to the form of sysfs.
std::vector<Named> read_addresses(const TomlReader& table, const char* key) {
  std::vector<Named> names = table.texts(key);
  for (auto& name : names) {
    const auto address = parse_pci_address(name.text);
    // Domains beyond ffff are those Intel VMD makes (drivers/pci/controller/vmd.c).
    if (!address && name.text.find(':') > 4 &&
        parse_pci_address(name.text.substr(std::min<std::size_t>(name.text.find(':') + 1, name.text.size()))))
      table.complain_at(
          name.line, key, "\"" + name.text + "\" is behind Intel VMD and cannot be given alone",
          "All that is behind VMD belongs to one function, which carries it; turn VMD off in the firmware "
          "setup to have it as functions of its own.");
    if (!address)
      table.complain_at(name.line, key, "\"" + name.text + "\" is not a PCI address",
                        "Write it as hostsplit status shows it, for example \"0000:22:00.3\".");
    name.text = to_string(*address);
  }
  return names;
}

void read_host(const TomlReader& host, Config& config) {
  host.allow_only({"keep_free", "keep", "may_lose", "pages", "iommu"});
  if (const auto choice = read_choice(host, "iommu", {"kernel", "pt"})) config.iommu_passthrough = *choice == 1;
  if (const auto size = read_size(host, "keep_free")) config.keep_free = *size;
  if (const auto choice = read_choice(host, "pages", {"auto", "run-time", "command-line", "cma"});
      choice && *choice != 0)
    config.pages = std::array{PageSource::run_time, PageSource::command_line, PageSource::cma}[*choice - 1];
  config.keep = host.texts("keep");
  for (auto& name : config.keep) {
    if (const auto address = parse_pci_address(name.text)) {
      name.text = to_string(*address);
    } else if (!valid_label(name.text)) {
      host.complain_at(name.line, "keep", "\"" + name.text + "\" is neither a label nor a PCI address",
                       "Write a learned label or an address like \"0000:44:00.3\".");
    }
  }
  config.may_lose = host.texts("may_lose");
  for (const auto& name : config.may_lose)
    if (name.text == "/" || name.text.empty() || name.text != printable(name.text))
      host.complain_at(
          name.line, "may_lose", "\"" + name.text + "\" cannot be given up by name",
          "Write \"keyboard\", \"usb\", or what hostsplit plan refuses to take: a mount point but not \"/\", a "
          "network interface, a console.");
}

void read_enforce(const TomlReader& enforce, Config& config) {
  enforce.allow_only({"drift", "blacklist", "boot"});
  if (const auto choice = read_choice(enforce, "drift", {"rebind", "report"}))
    config.drift = *choice == 0 ? DriftPolicy::rebind : DriftPolicy::report;
  if (const auto choice = read_choice(enforce, "blacklist", {"ask", "never", "allow"}))
    config.blacklist = std::array{BlacklistPolicy::ask, BlacklistPolicy::never, BlacklistPolicy::allow}[*choice];
  if (const auto choice = read_choice(enforce, "boot", {"initramfs", "service"}))
    config.boot = *choice == 0 ? BootPolicy::initramfs : BootPolicy::service;
}

void read_proxmox(const TomlReader& proxmox, Config& config) {
  proxmox.allow_only({"vms"});
  if (const auto choice = read_choice(proxmox, "vms", {"print", "set"}))
    config.guests = *choice == 0 ? GuestPolicy::print : GuestPolicy::set;
}

void read_notify(const TomlReader& notify, Config& config) {
  notify.allow_only({"mail"});
  if (const auto choice = read_choice(notify, "mail", {"root", "off"})) config.mail = *choice == 0;
}

int read_vm_id(const std::string& key, const TomlReader& vm) {
  const auto id = parse_number<int>(key);
  // Without leading zeros, so that a VM has one spelling and TOML itself refuses a second table for it.
  if (!id || *id < 100 || *id > 999999999 || key.front() == '0')
    throw bad_line(vm.file(), vm.line(""), printable("vm." + key), "\"" + printable(key) + "\" is not a VM number",
                   "Write the number Proxmox VE gave the VM, 100 or above: [vm.101].");
  return *id;
}

void require_whole_pages(const TomlReader& table, const char* key, Kib memory, Kib page_size) {
  if (memory % page_size == 0) return;
  const Kib rounded = (memory + page_size - 1) / page_size * page_size;
  table.complain(
      key, fmt::format("{} is not a multiple of its pages of {}", format_size(memory), format_size(page_size)),
      page_size == kib_per_gib ? fmt::format("Write \"{}GiB\", or page_size = \"2MiB\".", rounded / kib_per_gib)
                               : fmt::format("Write \"{}MiB\".", rounded / kib_per_mib));
}

/// memory = { 0 = "28GiB", 1 = "28GiB" }
void read_spread(const TomlReader& table, VmWish& vm) {
  if (vm.node) table.complain("node", "memory names its nodes itself", "Leave node out, or write memory = \"56GiB\".");
  const auto spread = *table.table("memory");
  for (const auto& key : spread.keys()) {
    const auto node = parse_number<int>(key);
    if (!node || *node > 1023)
      spread.complain(key.c_str(), "\"" + key + "\" is not a NUMA node",
                      "Write for example { 0 = \"28GiB\", 1 = \"28GiB\" }.");
    const Kib memory = *read_size(spread, key.c_str());
    require_whole_pages(spread, key.c_str(), memory, vm.page_size);
    vm.spread[*node] = memory;
  }
}

void read_memory(const TomlReader& table, VmWish& vm) {
  if (const auto choice = read_choice(table, "page_size", {"1GiB", "2MiB"}))
    vm.page_size = *choice == 0 ? kib_per_gib : 2 * kib_per_mib;
  if (table.is_table("memory")) return read_spread(table, vm);
  const auto memory = read_size(table, "memory");
  if (!memory) return;
  vm.memory = *memory;
  require_whole_pages(table, "memory", vm.memory, vm.page_size);
  if (vm.memory != 0 && !vm.node)
    table.complain("memory", "the NUMA node is missing", "Write node = 0 (or another) in the same table.");
}

VmWish read_vm(const std::string& key, const TomlReader& table) {
  VmWish vm;
  vm.id = read_vm_id(key, table);
  vm.line = table.line("");
  const std::vector<std::string> keys{"name",      "node",  "cpus",        "memory",
                                      "page_size", "ports", "controllers", "functions"};
  table.allow_only(keys);
  for (const auto& name : keys)
    if (table.has(name.c_str())) vm.lines[name] = table.line(name.c_str());
  vm.name = table.text("name").value_or("");
  if (table.has("name") && (vm.name.empty() || vm.name.size() > 64 || vm.name != printable(vm.name)))
    table.complain("name", "a name is one line of 1 to 64 bytes without control characters",
                   "Write for example name = \"fluent-a\".");
  if (const auto node = table.number("node")) {
    if (*node < 0 || *node > 1023)
      table.complain("node", "a NUMA node is 0 to 1023", "See hostsplit status for nodes.");
    vm.node = static_cast<int>(*node);
  }
  if (const auto cpus = table.text("cpus")) {
    vm.cpus = parse_cpu_set(*cpus);
    if (!vm.cpus || vm.cpus->empty())
      table.complain("cpus", "\"" + *cpus + "\" is not a list of CPUs", "Write for example \"0-31,64-95\".");
  }
  read_memory(table, vm);
  vm.ports = table.texts("ports");
  require_labels(table, "ports", vm.ports);
  vm.controllers = read_addresses(table, "controllers");
  vm.functions = read_addresses(table, "functions");
  return vm;
}

void forbid_shared_cpus(const Config& config) {
  std::map<int, const VmWish*> owner;
  for (const auto& [id, vm] : config.vms) {
    if (!vm.cpus) continue;
    for (const int cpu : *vm.cpus) {
      const auto [other, fresh] = owner.try_emplace(cpu, &vm);
      if (fresh) continue;
      // The later line is the one to complain about, whatever the order of the numbers.
      const bool later = vm.lines.at("cpus") > other->second->lines.at("cpus");
      const VmWish &first = later ? *other->second : vm, &second = later ? vm : *other->second;
      throw bad_line(config.file, second.lines.at("cpus"), fmt::format("vm.{}.cpus", second.id),
                     fmt::format("CPU {} belongs to VM {} already (line {})", cpu, first.id, first.lines.at("cpus")),
                     "Give each VM CPUs of its own.");
    }
  }
}

struct Taken {
  std::string by, key;
  unsigned line;
};

void take(const Config& config, std::map<std::string, Taken>& taken, const std::vector<Named>& names,
          const std::string& by, const std::string& key) {
  for (const auto& name : names) {
    const auto [other, fresh] = taken.try_emplace(name.text, Taken{by, key, name.line});
    if (fresh) continue;
    Taken first = other->second, second{by, key, name.line};
    if (first.line > second.line) std::swap(first, second);  // the later line is the one to complain about
    throw bad_line(config.file, second.line, second.by + "." + second.key,
                   fmt::format("{} belongs to {} already (line {})", name.text, first.by, first.line),
                   "Name it once: a socket or controller goes to one VM, or stays with the host.");
  }
}

void forbid_shared_names(const Config& config) {
  std::map<std::string, Taken> taken;
  for (const auto& [id, vm] : config.vms) {
    const std::string by = fmt::format("vm.{}", id);
    take(config, taken, vm.ports, by, "ports");
    take(config, taken, vm.controllers, by, "controllers");
    take(config, taken, vm.functions, by, "functions");
  }
  take(config, taken, config.keep, "host", "keep");
}

}  // namespace

Config parse_config(std::string_view text, const std::string& file) {
  const toml::table document = parse_toml(text, file);
  const TomlReader top(document, file);
  Config config;
  config.file = file;
  // What a newer version may hold is unknown; a misspelt version is told as such.
  if (top.has("version")) top.require_version_1();
  top.allow_only({"version", "host", "vm", "enforce", "proxmox", "notify", "panel"});
  top.require_version_1();
  if (const auto host = top.table("host")) read_host(*host, config);
  if (const auto enforce = top.table("enforce")) read_enforce(*enforce, config);
  if (const auto proxmox = top.table("proxmox")) read_proxmox(*proxmox, config);
  if (const auto notify = top.table("notify")) read_notify(*notify, config);
  if (const auto vms = top.table("vm")) {
    for (const auto& [key, table] : vms->subtables("[vm.101]")) {
      const VmWish vm = read_vm(key, table);
      config.vms.emplace(vm.id, vm);
    }
  }
  if (const auto panels = top.table("panel")) config.panels = read_panels(*panels);
  forbid_shared_cpus(config);
  forbid_shared_names(config);
  return config;
}

}  // namespace hostsplit
