#include "support/machine_file.hpp"

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
  machine.shapes.function(spec, ports);
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
  if (const auto interface = carried("interface")) host.add_interface(*interface, spec.address);
  if (const auto tty = carried("console")) host.add_console(*tty, spec.address);
  if (const auto disk = carried("disk")) host.add_disk(*disk, spec.address, entry.number("partitions", 0));
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
  machine.host.add_node(spec);
}

void add_topology(Machine& machine, Entry& entry) {
  machine.host.add_topology(entry.number("threads", 1), entry.number("cores_per_cache", 1));
}

void add_mapper(Machine& machine, Entry& entry) {
  machine.host.add_mapper(entry.need("name"), entry.need("mapper"), entry.text("uuid"), entry.texts("over"));
}
void add_array(Machine& machine, Entry& entry) {
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
  machine.host.add_mount(spec);
}
void add_iscsi(Machine& machine, Entry& entry) {
  machine.host.add_iscsi_disk(entry.need("disk"), entry.need("address"), entry.number("session", 1),
                              entry.number("partitions", 0));
}
void add_loop(Machine& machine, Entry& entry) {
  machine.host.add_loop(entry.need("name"), entry.need("file"));
}
void add_route(Machine& machine, Entry& entry) {
  machine.host.add_route(entry.need("interface"), entry.need("to"));
}
void add_process(Machine& machine, Entry& entry) {
  std::optional<int> vm;
  if (const auto id = entry.find<std::int64_t>("vm")) vm = static_cast<int>(*id);
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
  machine.host.hold_group(entry.number("pid", 1000), entry.number("group", 0), vm, entry.text("command", "kvm"));
}

/// Lists of tables, in the order in which they need each other.
struct {
  const char* key;
  void (*add)(Machine&, Entry&);
} constexpr lists[] = {
    {"node", add_numa_node}, {"topology", add_topology}, {"root", add_root},       {"pci", add_function},
    {"usb", add_usb},        {"iscsi", add_iscsi},       {"mapper", add_mapper},   {"array", add_array},
    {"pool", add_pool},      {"mount", add_mount},       {"loop", add_loop},       {"upper", add_upper},
    {"route", add_route},    {"keyboard", add_keyboard}, {"process", add_process}, {"holder", add_holder}};

void add_list(Machine& machine, const toml::table& top, const std::string& file, const char* key,
              void (*add)(Machine&, Entry&)) {
  const auto* tables = top.get_as<toml::array>(key);
  if (!tables) return;
  for (const auto& node : *tables) {
    const auto* table = node.as_table();
    if (!table)
      throw bad_line(file, node.source().begin.line, key, "is not a table", "Write [[" + std::string(key) + "]]");
    Entry entry(*table, file);
    try {
      add(machine, entry);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& problem) {  // an entry that names what the machine does not have
      throw bad_line(file, entry.line(), key, problem.what(), "See tests/machines/README.md");
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
  Machine machine{host};
  for (const auto& list : lists) {
    entry.texts(list.key);
    add_list(machine, top, file, list.key, list.add);
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

void unpack_machine(const std::string& snapshot, const std::string& directory) {
  // What a FakeHost begins with is not of that machine.
  for (const auto& entry : std::filesystem::directory_iterator(directory)) std::filesystem::remove_all(entry);
  unpack(read_recording(snapshot), directory);
}

std::string machine_path(const std::string& name) {
  return std::string(TESTS_DIR) + "/machines/" + name;
}

}  // namespace hostsplit::testing
