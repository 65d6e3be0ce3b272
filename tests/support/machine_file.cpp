#include "support/machine_file.hpp"

#include <toml++/toml.h>
#include <array>
#include <cstdlib>
#include <exception>

#include "core/base/error.hpp"

namespace hostsplit::testing {
namespace {

/// One table of the description. Every key that stands there must be asked for, so that a typing error is told.
class Entry {
 public:
  Entry(const toml::table& table, const std::string& file) : table_(table), file_(file) {}

  template <typename Value>
  std::optional<Value> find(const char* key) {
    known_.insert(key);
    const auto* node = table_.get(key);
    if (!node) return std::nullopt;
    const auto value = node->value_exact<Value>();
    if (!value)
      throw bad_line(file_, node->source().begin.line, key, "has the wrong type", "See tests/machines/README.md");
    return value;
  }
  std::string text(const char* key, const std::string& otherwise = {}) {
    return find<std::string>(key).value_or(otherwise);
  }
  int number(const char* key, int otherwise) { return static_cast<int>(find<std::int64_t>(key).value_or(otherwise)); }
  bool flag(const char* key) { return find<bool>(key).value_or(false); }
  std::string need(const char* key) {
    auto value = find<std::string>(key);
    if (!value) throw bad_line(file_, line(), key, "is missing", "See tests/machines/README.md");
    return *value;
  }
  Kib size(const char* key, Kib otherwise) {
    const auto written = find<std::string>(key);
    if (!written) return otherwise;
    const auto value = parse_size(*written);
    if (!value) throw bad_line(file_, line(), key, "\"" + *written + "\" is not a size", "Write it as \"64GiB\"");
    return *value;
  }
  std::vector<std::string> texts(const char* key) {
    known_.insert(key);
    std::vector<std::string> values;
    if (const auto* array = table_.get_as<toml::array>(key))
      for (const auto& node : *array) values.push_back(node.value_or(std::string()));
    return values;
  }
  void done() {
    known_.insert("inferred");  // names the keys that no source printed; for readers
    for (const auto& [key, node] : table_)
      if (!known_.contains(std::string(key.str())))
        throw bad_line(file_, node.source().begin.line, std::string(key.str()), "is not known",
                       "See tests/machines/README.md");
  }
  unsigned line() const { return table_.source().begin.line; }

 private:
  const toml::table& table_;
  const std::string& file_;
  std::set<std::string> known_;
};

void add_root(FakeHost& host, Entry& entry) {
  host.add_root_bridge(entry.need("name"), entry.text("acpi"));
}

void add_function(FakeHost& host, Entry& entry) {
  PciSpec spec;
  spec.address = entry.need("at");
  spec.below = entry.need("below");
  spec.ids = entry.need("ids");
  spec.subsystem = entry.text("subsystem", "0000:0000");
  spec.pci_class = static_cast<std::uint32_t>(entry.number("class", 0));
  if (const auto group = entry.find<std::int64_t>("group")) spec.group = static_cast<int>(*group);
  spec.node = entry.number("node", -1);
  spec.driver = entry.text("driver");
  RootPorts ports{entry.number("usb2", 0), entry.number("usb3", 0), entry.text("usb3_speed", "5000"),
                  entry.text("connect_type", "unknown"), entry.flag("locations")};
  if (ports.usb2 > 0 || ports.usb3 > 0) {
    host.add_controller(spec, ports);
  } else {
    host.add_pci(spec);
  }
  if (const auto interface = entry.find<std::string>("interface")) host.add_interface(*interface, spec.address);
  if (const auto tty = entry.find<std::string>("console")) host.add_console(*tty, spec.address);
  if (const auto disk = entry.find<std::string>("disk"))
    host.add_disk(*disk, spec.address, entry.number("partitions", 0));
}

void add_usb(FakeHost& host, Entry& entry) {
  const auto controller = entry.need("controller"), path = entry.need("path");
  if (entry.flag("hub_pair")) return host.add_hub(controller, path, entry.number("hub_ports", 4));
  UsbSpec spec;
  spec.speed = entry.text("speed", "480");
  spec.ids = entry.need("ids");
  spec.version = entry.text("version");
  spec.serial = entry.text("serial");
  spec.manufacturer = entry.text("manufacturer");
  spec.product = entry.text("product");
  spec.hub_ports = entry.number("hub_ports", 0);
  spec.keyboard = entry.flag("keyboard");
  spec.disk = entry.text("disk");
  host.plug(controller, path, spec);
}

void add_numa_node(FakeHost& host, Entry& entry) {
  NodeSpec spec;
  spec.id = entry.number("id", 0);
  spec.cpus = entry.need("cpus");
  spec.memory = entry.size("memory", 0);
  spec.free = entry.size("free", spec.memory);
  spec.reclaimable = entry.size("reclaimable", 0);
  spec.distances = entry.text("distances", "10");
  host.add_node(spec);
}

void add_mapper(FakeHost& host, Entry& entry) {
  host.add_mapper(entry.need("name"), entry.need("mapper"), entry.text("uuid"), entry.texts("over"));
}
void add_array(FakeHost& host, Entry& entry) {
  host.add_array(entry.need("name"), entry.texts("over"));
}
void add_mount(FakeHost& host, Entry& entry) {
  host.add_mount(entry.need("block"), entry.need("at"), entry.text("type", "ext4"));
}
void add_pool(FakeHost& host, Entry& entry) {
  host.add_pool(entry.need("name"), entry.texts("members"));
}
void add_upper(FakeHost& host, Entry& entry) {
  host.add_upper(entry.need("name"), entry.texts("over"));
}
void add_holder(FakeHost& host, Entry& entry) {
  std::optional<int> vm;
  if (const auto id = entry.find<std::int64_t>("vm")) vm = static_cast<int>(*id);
  host.hold_group(entry.number("pid", 1000), entry.number("group", 0), vm, entry.text("command", "kvm"));
}

/// Lists of tables, in the order in which they need each other.
struct {
  const char* key;
  void (*add)(FakeHost&, Entry&);
} constexpr lists[] = {{"node", add_numa_node}, {"root", add_root},    {"pci", add_function}, {"usb", add_usb},
                       {"mapper", add_mapper},  {"array", add_array},  {"pool", add_pool},    {"mount", add_mount},
                       {"upper", add_upper},    {"holder", add_holder}};

void add_list(FakeHost& host, const toml::table& top, const std::string& file, const char* key,
              void (*add)(FakeHost&, Entry&)) {
  const auto* tables = top.get_as<toml::array>(key);
  if (!tables) return;
  for (const auto& node : *tables) {
    const auto* table = node.as_table();
    if (!table)
      throw bad_line(file, node.source().begin.line, key, "is not a table", "Write [[" + std::string(key) + "]]");
    Entry entry(*table, file);
    try {
      add(host, entry);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& problem) {  // an entry that names what the machine does not have
      throw bad_line(file, entry.line(), key, problem.what(), "Define it earlier in the file");
    }
    entry.done();
  }
}

void add_rest(FakeHost& host, const toml::table& top, const std::string& file) {
  Entry entry(top, file);
  entry.need("name");
  entry.need("source");
  host.set_kernel(entry.text("kernel", "6.17.13-1-pve"), entry.text("command_line", "quiet"));
  host.add_initramfs_tools();
  host.set_builtin(entry.texts("builtin"));
  for (const auto& module : entry.texts("modules")) host.add_module(module);
  for (const auto& list : lists) {
    entry.texts(list.key);
    add_list(host, top, file, list.key, list.add);
  }
  for (const auto& block : entry.texts("swap")) host.add_swap(block);
  for (const auto& interface : entry.texts("routes")) host.add_route(interface);
  entry.texts("files");
  if (const auto* files = top.get_as<toml::table>("files"))
    for (const auto& [path, content] : *files) host.set_file(std::string(path.str()), content.value_or(std::string()));
  entry.done();
}

}  // namespace

void build_machine(FakeHost& host, const std::string& file) {
  try {
    add_rest(host, toml::parse_file(file), file);
  } catch (const toml::parse_error& error) {
    throw bad_line(file, error.source().begin.line, "", std::string(error.description()), "Correct the TOML syntax");
  }
}

void unpack_machine(const std::string& archive, const std::string& directory) {
  const auto command = "tar -xzf '" + archive + "' -C '" + directory + "'";
  if (std::system(command.c_str()) != 0) throw Error("unpack", archive, "tar failed");
}

std::string machine_path(const std::string& name) {
  return std::string(TESTS_DIR) + "/machines/" + name;
}

}  // namespace hostsplit::testing
