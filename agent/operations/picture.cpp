#include "operations/picture.hpp"

#include <algorithm>
#include <set>

#include "core/base/printable.hpp"
#include "core/picture/panels.hpp"
#include "core/picture/parts.hpp"
#include "core/state/wanted_cpus.hpp"
#include "host/inventory/picture_sources.hpp"
#include "operations/status.hpp"

namespace hostsplit {
namespace {

/// VMs of the configuration, and those that were applied.
std::vector<VmPicture> vms_of(const State& state, const BootPlan& target) {
  std::map<int, VmPicture> vms;
  if (state.config)
    for (const auto& [id, vm] : state.config->vms) {
      vms[id].name = printable(vm.name);
      vms[id].cpus = wanted_cpus(vm, state.snapshot.nodes);
    }
  for (const auto& claim : target.claims) vms[claim.vm];
  for (const auto& reservation : target.reservations)
    for (const auto& [id, pages] : reservation.shares)
      vms[id].memory[reservation.node] += pages * reservation.page_size;
  std::vector<VmPicture> list;
  for (auto& [id, vm] : vms) {
    vm.id = id;
    list.push_back(std::move(vm));
  }
  return list;
}

const UsbDevice* plugged_into(const Snapshot& snapshot, const PortStatus& port) {
  for (const auto half : {UsbHalf::usb3, UsbHalf::usb2}) {
    const auto& path = half == UsbHalf::usb2 ? port.usb2 : port.usb3;
    for (const auto& device : snapshot.devices)
      if (path && device.controller == port.controller && device.half == half && device.path == *path) return &device;
  }
  return nullptr;
}

/// Without its serial number: a picture is for showing around.
std::string short_name(const UsbDevice& device) {
  if (!device.product_name.empty()) return printable(device.product_name);
  if (!device.manufacturer.empty()) return printable(device.manufacturer);
  return (device.hub ? "hub " : "") + id_pair(device.vendor, device.product);
}

/// Sockets as status() lists them.
std::vector<SocketPicture> sockets_of(const State& state, const Status& now, const MachinePicture& picture) {
  std::map<PciAddress, std::optional<int>> owner;
  for (const auto& controller : now.controllers) owner[controller.address] = controller.vm;
  std::vector<SocketPicture> sockets;
  for (const auto& port : now.ports) {
    SocketPicture socket{port.label, port.controller, port.usb2, port.usb3, {}, {}};
    if (port.controller) socket.vm = owner[*port.controller];
    if (port.controller)
      if (const UsbDevice* device = plugged_into(state.snapshot, port)) socket.device = short_name(*device);
    socket.marks = marks_on_label(picture.findings, port.label);
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

/// Ports that firmware says lead nowhere.
std::set<std::pair<PciAddress, std::string>> unused_ports(const Snapshot& snapshot) {
  std::set<std::pair<PciAddress, std::string>> unused;
  for (const auto& port : snapshot.ports)
    if (port.connect_type == "not used") unused.insert({port.controller, port.path});
  return unused;
}

void add_sockets(const Snapshot& snapshot, const std::vector<SocketPicture>& sockets, MachinePicture& picture) {
  const auto unused = unused_ports(snapshot);
  for (const auto& socket : sockets) {
    const auto controller = std::find_if(picture.controllers.begin(), picture.controllers.end(),
                                         [&](const auto& one) { return one.address == socket.controller; });
    const auto path = socket.usb3 ? socket.usb3 : socket.usb2;
    if (controller == picture.controllers.end())
      picture.lost.push_back(socket);
    else if (!socket.label.empty() || !socket.device.empty())
      controller->sockets.push_back(socket);
    else if (path && !unused.contains({controller->address, *path}))
      ++controller->unnamed;
    if (const auto vm = picture.colour_of(socket.vm); vm && !socket.label.empty())
      picture.vms[*vm].sockets.push_back(socket.label);
  }
}

Marks marks_of(const ControllerPicture& controller, const std::vector<MarkedFinding>& findings) {
  Marks marks = marks_about(findings, to_string(controller.address));
  if (!controller.group) return marks;
  for (const auto mark : marks_about(findings, "group " + std::to_string(*controller.group))) marks.push_back(mark);
  std::sort(marks.begin(), marks.end());
  return marks;
}

std::vector<ControllerPicture> controllers_of(const Root& root, const State& state, const Status& now,
                                              const std::vector<MarkedFinding>& findings) {
  const auto names = read_controller_names(root, state.snapshot);
  std::vector<ControllerPicture> list;
  for (const auto& controller : now.controllers) {
    ControllerPicture picture;
    picture.address = controller.address;
    picture.kind = to_string(controller.kind);
    if (const auto name = names.find(controller.address); name != names.end()) picture.name = name->second;
    const auto& ids = state.snapshot.function(controller.address)->fingerprint.ids;
    picture.ids = id_pair(ids.vendor, ids.device);
    picture.driver = printable(controller.driver);
    picture.wanted_driver = printable(controller.wanted_driver);
    picture.group = controller.group;
    picture.node = controller.node;
    picture.vm = controller.vm;
    picture.released = controller.released;
    picture.marks = marks_of(picture, findings);
    list.push_back(std::move(picture));
  }
  return list;
}

std::vector<NodePicture> nodes_of(const State& state, const BootPlan& target,
                                  const std::vector<MarkedFinding>& findings) {
  std::optional<Kib> keep_free;
  if (state.config)
    keep_free = state.config->keep_free;
  else if (state.applied)
    keep_free = state.applied->keep_free;
  const Config config = state.config.value_or(Config{});
  std::vector<NodePicture> list;
  for (const auto& [id, node] : state.snapshot.nodes)
    list.push_back({id, node.memory, cpu_parts(node, state.snapshot.nodes, config),
                    node.memory == 0 ? std::vector<MemoryPart>{} : memory_parts(node, target, keep_free),
                    wanted_pools(node, target), marks_about(findings, "node " + std::to_string(id))});
  return list;
}

}  // namespace

MachinePicture picture_of(const Root& root, const State& state, bool panels, const std::vector<Finding>& damaged) {
  if (panels && state.config) check_panels(*state.config, state.ports);
  const Status now = status(state, damaged);
  MachinePicture picture;
  picture.configured = state.config.has_value() || state.applied.has_value();
  picture.findings = marked(now.findings);
  picture.vms = vms_of(state, now.target);
  for (auto& vm : picture.vms) vm.marks = marks_about(picture.findings, "VM " + std::to_string(vm.id));
  picture.nodes = nodes_of(state, now.target, picture.findings);
  picture.controllers = controllers_of(root, state, now, picture.findings);
  const auto sockets = sockets_of(state, now, picture);
  add_sockets(state.snapshot, sockets, picture);
  if (panels)
    picture.panels = panels_of(state.config ? state.config->panels : std::vector<PanelRows>{}, sockets,
                               read_port_places(root, state.snapshot), picture.panels_from);
  return picture;
}

}  // namespace hostsplit
