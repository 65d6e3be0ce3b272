#include <nlohmann/json.hpp>

#include "operations/report/json_parts.hpp"
#include "operations/report/picture_report.hpp"

namespace hostsplit {
namespace {

using Json = nlohmann::ordered_json;

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

Json or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json marks_json(const MachinePicture& picture, const Marks& marks) {
  auto list = Json::array();
  for (const auto mark : marks) list.push_back(picture.findings[mark].mark);
  return list;
}

Json socket_json(const MachinePicture& picture, const SocketPicture& socket) {
  return {{"label", or_null(socket.label)},
          {"controller", socket.controller ? Json(to_string(*socket.controller)) : Json()},
          {"usb2", or_null(socket.usb2)},
          {"usb3", or_null(socket.usb3)},
          {"device", or_null(socket.device)},
          {"vm", or_null(socket.vm)},
          {"marks", marks_json(picture, socket.marks)}};
}

Json sockets_json(const MachinePicture& picture, const std::vector<SocketPicture>& sockets) {
  auto list = Json::array();
  for (const auto& socket : sockets) list.push_back(socket_json(picture, socket));
  return list;
}

Json vm_json(const MachinePicture& picture, const VmPicture& vm) {
  auto memory = Json::array();
  for (const auto& [node, size] : vm.memory) memory.push_back({{"node", node}, {"kib", size}});
  return {{"vm", vm.id},           {"name", or_null(vm.name)},
          {"memory", memory},      {"cpus", or_null(to_string(vm.cpus))},
          {"sockets", vm.sockets}, {"marks", marks_json(picture, vm.marks)}};
}

Json node_json(const MachinePicture& picture, const NodePicture& node) {
  auto cpus = Json::array(), memory = Json::array(), pools = Json::array();
  for (const auto& part : node.cpus) cpus.push_back({{"vm", or_null(part.vm)}, {"cpus", to_string(part.cpus)}});
  for (const auto& part : node.memory_parts)
    memory.push_back({{"use", to_string(part.use)}, {"vm", or_null(part.vm)}, {"kib", part.size}});
  for (const auto& pool : node.pools)
    pools.push_back({{"size", pool.page_size}, {"reserved", pool.reserved}, {"wanted", pool.wanted}});
  return {{"node", node.id}, {"memory_kib", node.memory},
          {"cpus", cpus},    {"memory", memory},
          {"pages", pools},  {"marks", marks_json(picture, node.marks)}};
}

Json controller_json(const MachinePicture& picture, const ControllerPicture& controller) {
  return {{"address", to_string(controller.address)},
          {"kind", controller.kind},
          {"name", or_null(controller.name)},
          {"ids", controller.ids},
          {"driver", or_null(controller.driver)},
          {"wanted_driver", or_null(controller.wanted_driver)},
          {"group", or_null(controller.group)},
          {"node", or_null(controller.node)},
          {"vm", or_null(controller.vm)},
          {"released", controller.released},
          {"sockets", sockets_json(picture, controller.sockets)},
          {"unnamed", controller.unnamed},
          {"marks", marks_json(picture, controller.marks)}};
}

Json panel_json(const MachinePicture& picture, const PanelPicture& panel) {
  auto rows = Json::array();
  for (const auto& row : panel.rows) {
    auto places = Json::array();
    for (const auto& socket : row) places.push_back(socket ? socket_json(picture, *socket) : Json());
    rows.push_back(std::move(places));
  }
  return {{"title", panel.title}, {"rows", rows}};
}

template <typename Item, typename Make>
Json list_of(const MachinePicture& picture, const std::vector<Item>& items, Make make) {
  auto list = Json::array();
  for (const auto& item : items) list.push_back(make(picture, item));
  return list;
}

}  // namespace

std::string picture_json(const MachinePicture& picture) {
  std::vector<Finding> findings;
  for (const auto& marked : picture.findings) findings.push_back(marked.finding);
  Json list = findings_json(findings);
  for (std::size_t i = 0; i < list.size(); ++i) list[i]["mark"] = picture.findings[i].mark;
  return printed({{"version", 1},
                  {"configured", picture.configured},
                  {"vms", list_of(picture, picture.vms, vm_json)},
                  {"nodes", list_of(picture, picture.nodes, node_json)},
                  {"controllers", list_of(picture, picture.controllers, controller_json)},
                  {"lost", sockets_json(picture, picture.lost)},
                  {"panels", list_of(picture, picture.panels, panel_json)},
                  {"panels_from", to_string(picture.panels_from)},
                  {"findings", list}});
}

}  // namespace hostsplit
