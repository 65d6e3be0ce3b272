#include "support/machine_file.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>

#include "host/recording/unpacked.hpp"
#include "support/machine_entry.hpp"
#include "support/machine_shapes.hpp"

namespace hostsplit::testing {
namespace {

/// What is built, and what was seen of it.
struct Machine {
  FakeHost& host;
  Shapes shapes = {};
};

void add_root(Machine& machine, Entry& entry) {
  const auto name = entry.need("name");
  machine.shapes.root(name);
  machine.host.add_root_bridge(name, entry.text("acpi"));
}

/// Attributes only doctor reads.
void add_details(FakeHost& host, Entry& entry, const std::string& address) {
  const std::string directory = "sys/bus/pci/devices/" + address + "/";
  if (const auto methods = entry.find<std::string>("reset_method"))
    host.set_file(directory + "reset_method", *methods + "\n");
  if (const auto first = entry.find<bool>("boot_vga")) host.set_file(directory + "boot_vga", *first ? "1\n" : "0\n");
}

void add_function(Machine& machine, Entry& entry) {
  FakeHost& host = machine.host;
  PciSpec spec;
  spec.address = entry.need("at");
  spec.below = entry.need("below");
  spec.ids = entry.need("ids");
  spec.subsystem = entry.text("subsystem", "0000:0000");
  spec.pci_class = static_cast<std::uint32_t>(entry.number("class", 0));
  if (const auto group = entry.find<std::int64_t>("group")) spec.group = static_cast<int>(*group);
  spec.node = entry.number("node", -1);
  spec.driver = entry.text("driver");
  RootPorts ports{entry.number("usb2", 0),          entry.number("usb3", 0),
                  entry.text("usb3_speed", "5000"), entry.text("connect_type", "unknown"),
                  entry.flag("locations"),          entry.flag("dwc3")};
  machine.shapes.function(spec, ports, entry.find<std::string>("physical").has_value());
  if (ports.usb2 > 0 || ports.usb3 > 0) {
    host.add_controller(spec, ports);
  } else {
    host.add_pci(spec);
  }
  const auto carried = [&](const char* key) {
    const auto name = entry.find<std::string>(key);
    if (name) machine.shapes.carries(spec, key);
    return name;
  };
  if (const auto interface = carried("interface")) {
    machine.shapes.named("interface", *interface);
    host.add_interface(*interface, spec.address);
  }
  if (const auto tty = carried("console")) {
    machine.shapes.named("tty", *tty);
    host.add_console(*tty, spec.address);
  }
  if (const auto disk = carried("disk")) {
    machine.shapes.disk(*disk, entry.number("partitions", 0));
    host.add_disk(*disk, spec.address, entry.number("partitions", 0));
  }
  add_details(host, entry, spec.address);
  if (const auto physical = entry.find<std::string>("physical")) host.set_physical(spec.address, *physical);
  if (const auto nested = entry.find<std::string>("vmd")) {
    machine.shapes.nested(*nested, spec.address);
    host.add_nested_bridge(*nested, spec.address);
  }
}

void add_usb(Machine& machine, Entry& entry) {
  const auto controller = entry.need("controller"), path = entry.need("path");
  if (entry.flag("hub_pair")) {
    UsbSpec half;
    half.hub_ports = entry.number("hub_ports", 4);
    for (const auto* speed : {"480", "5000"}) {
      half.speed = speed;
      machine.shapes.usb(controller, path, half);
    }
    return machine.host.add_hub(controller, path, half.hub_ports);
  }
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
  spec.interface = entry.text("interface");
  spec.tty = entry.text("tty");
  spec.bluetooth = entry.text("bluetooth");
  spec.mouse_first = entry.flag("mouse_first");
  machine.shapes.usb(controller, path, spec);
  machine.host.plug(controller, path, spec);
}

void add_numa_node(Machine& machine, Entry& entry) {
  NodeSpec spec;
  spec.id = entry.number("id", 0);
  spec.cpus = entry.need("cpus");
  spec.memory = entry.size("memory", 0);
  spec.free = entry.size("free", spec.memory);
  spec.reclaimable = entry.size("reclaimable", 0);
  spec.distances = entry.text("distances", "10");
  machine.shapes.node(spec.id);
  machine.host.add_node(spec);
}

void add_topology(Machine& machine, Entry& entry) {
  const int threads = entry.number("threads", 1), cores = entry.number("cores_per_cache", 1);
  machine.shapes.at_least("threads", threads, 1);
  machine.shapes.at_least("cores_per_cache", cores, 1);
  machine.host.add_topology(threads, cores);
}

void add_mapper(Machine& machine, Entry& entry) {
  machine.shapes.named("block device", entry.need("name"));
  machine.host.add_mapper(entry.need("name"), entry.need("mapper"), entry.text("uuid"), entry.texts("over"));
}
void add_array(Machine& machine, Entry& entry) {
  machine.shapes.named("block device", entry.need("name"));
  machine.host.add_array(entry.need("name"), entry.texts("over"));
}
void add_mount(Machine& machine, Entry& entry) {
  MountSpec spec;
  spec.block = entry.text("block");
  spec.point = entry.need("at");
  spec.type = entry.text("type", "ext4");
  spec.source = spec.block.empty() ? entry.need("source") : entry.text("source");
  spec.options = entry.text("options");
  spec.process = entry.number("process", 1);
  machine.shapes.absolute(spec.point);
  machine.host.add_mount(spec);
}
void add_iscsi(Machine& machine, Entry& entry) {
  machine.shapes.disk(entry.need("disk"), entry.number("partitions", 0));
  machine.host.add_iscsi_disk(entry.need("disk"), entry.need("address"), entry.number("session", 1),
                              entry.number("partitions", 0));
}
void add_loop(Machine& machine, Entry& entry) {
  machine.shapes.named("block device", entry.need("name"));
  machine.shapes.absolute(entry.need("file"));
  machine.host.add_loop(entry.need("name"), entry.need("file"));
}
void add_route(Machine& machine, Entry& entry) {
  machine.host.add_route(entry.need("interface"), entry.need("to"));
}
void add_process(Machine& machine, Entry& entry) {
  std::optional<int> vm;
  if (const auto id = entry.find<std::int64_t>("vm")) vm = static_cast<int>(*id);
  machine.shapes.named("process", std::to_string(entry.number("pid", 1000)));
  for (const auto& file : entry.texts("opens")) machine.shapes.opens(file);
  machine.host.open_files(entry.number("pid", 1000), entry.need("command"), entry.texts("opens"), vm);
}
void add_keyboard(Machine& machine, Entry& entry) {
  const auto how = entry.need("how");
  const auto kind = how == "ps2"         ? KeyboardKind::ps2
                    : how == "uinput"    ? KeyboardKind::uinput
                    : how == "bluetooth" ? KeyboardKind::bluetooth
                                         : throw std::runtime_error("how is ps2, uinput or bluetooth, not " + how);
  machine.host.add_keyboard(entry.text("name", "a keyboard"), kind);
}
void add_pool(Machine& machine, Entry& entry) {
  machine.host.add_pool(entry.need("name"), entry.texts("members"));
}
void add_upper(Machine& machine, Entry& entry) {
  const auto name = entry.need("name"), kind = entry.text("kind", "plain");
  const auto over = entry.texts("over");
  machine.shapes.named("interface", name);
  machine.host.add_upper(name, over);
  const std::string directory = "sys/devices/virtual/net/" + name;
  std::string slaves;
  for (const auto& each : over) slaves += (slaves.empty() ? "" : " ") + each;
  if (kind == "bond") machine.host.set_file(directory + "/bonding/slaves", slaves + "\n");
  if (kind == "bridge") machine.host.set_file(directory + "/bridge/bridge_id", "8000.020000000000\n");
  if (kind != "bond" && kind != "bridge" && kind != "plain")
    throw std::runtime_error("an upper is a bond, a bridge or plain, not " + kind);
}
void add_holder(Machine& machine, Entry& entry) {
  std::optional<int> vm;
  if (const auto id = entry.find<std::int64_t>("vm")) vm = static_cast<int>(*id);
  machine.shapes.needs("group", std::to_string(entry.number("group", 0)));
  machine.host.hold_group(entry.number("pid", 1000), entry.number("group", 0), vm, entry.text("command", "kvm"));
}

/// Lists of tables, in the order in which they need each other.
struct {
  const char* key;
  void (*add)(Machine&, Entry&);
} constexpr lists[] = {
    {"node", add_numa_node}, {"topology", add_topology}, {"root", add_root},       {"pci", add_function},
    {"usb", add_usb},        {"iscsi", add_iscsi},       {"mapper", nullptr},      {"array", nullptr},
    {"pool", add_pool},      {"mount", add_mount},       {"loop", add_loop},       {"upper", add_upper},
    {"route", add_route},    {"keyboard", add_keyboard}, {"process", add_process}, {"holder", add_holder}};

using Add = void (*)(Machine&, Entry&);

void add_one(Machine& machine, const toml::table& table, const std::string& file, const char* key, Add add) {
  Entry entry(table, file);
  try {
    add(machine, entry);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& problem) {  // an entry that names what the machine does not have
    throw bad_line(file, entry.line(), key, problem.what(), "See tests/machines/README.md");
  }
  entry.done();
}

std::vector<const toml::table*> tables_of(const toml::table& top, const std::string& file, const char* key) {
  std::vector<const toml::table*> tables;
  const auto* array = top.get_as<toml::array>(key);
  if (!array) return tables;
  for (const auto& node : *array) {
    if (!node.as_table())
      throw bad_line(file, node.source().begin.line, key, "is not a table", "Write [[" + std::string(key) + "]]");
    tables.push_back(node.as_table());
  }
  return tables;
}

void add_list(Machine& machine, const toml::table& top, const std::string& file, const char* key, Add add) {
  for (const auto* table : tables_of(top, file, key)) add_one(machine, *table, file, key, add);
}

/// Mappings and arrays, each when what it is over is there: one may be over the other.
void add_layers(Machine& machine, const toml::table& top, const std::string& file) {
  struct Layer {
    const char* key;
    Add add;
    const toml::table* table;
  };
  std::vector<Layer> layers;
  for (const auto& [key, add] : {std::pair<const char*, Add>("mapper", add_mapper), {"array", add_array}})
    for (const auto* table : tables_of(top, file, key)) layers.push_back({key, add, table});
  while (!layers.empty()) {
    auto next = std::find_if(layers.begin(), layers.end(), [&](const Layer& layer) {
      const auto over = Entry(*layer.table, file).texts("over");
      return std::all_of(over.begin(), over.end(), [&](const auto& each) {
        return std::filesystem::is_symlink(machine.host.path("sys/class/block/" + each));
      });
    });
    if (next == layers.end()) next = layers.begin();  // it tells what is missing
    add_one(machine, *next->table, file, next->key, next->add);
    layers.erase(next);
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
  Machine machine{host};
  for (const auto& list : lists) {
    entry.texts(list.key);
    if (list.add)
      add_list(machine, top, file, list.key, list.add);
    else if (list.key == std::string("array"))
      add_layers(machine, top, file);
  }
  const auto named = [&](const char* key, const char* kind) {
    try {
      for (const auto& name : entry.texts(key)) machine.shapes.needs(kind, name);
    } catch (const std::exception& problem) {
      throw bad_line(file, entry.line(), key, problem.what(), "See tests/machines/README.md");
    }
    return entry.texts(key);
  };
  for (const auto& block : named("swap", "block device")) host.add_swap(block);
  for (const auto& interface : named("routes", "interface")) host.add_route(interface);
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

void unpack_machine(const std::string& snapshot, const std::string& directory) {
  // What a FakeHost begins with is not of that machine.
  for (const auto& entry : std::filesystem::directory_iterator(directory)) std::filesystem::remove_all(entry);
  unpack(read_recording(snapshot), directory);
}

std::string machine_path(const std::string& name) {
  return std::string(TESTS_DIR) + "/machines/" + name;
}

}  // namespace hostsplit::testing
