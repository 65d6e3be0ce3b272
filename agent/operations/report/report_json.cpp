#include <nlohmann/json.hpp>

#include "operations/report/json_parts.hpp"
#include "operations/report/report.hpp"

namespace hostsplit {
namespace {

using Json = nlohmann::ordered_json;

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json address_or_null(const std::optional<PciAddress>& address) {
  return address ? Json(to_string(*address)) : Json(nullptr);
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json half_json(const std::optional<std::string>& path, bool seen) {
  return path ? Json{{"path", *path}, {"seen", seen}} : Json(nullptr);
}

Json port_json(const PortStatus& port) {
  return {{"label", text_or_null(port.label)},
          {"usb2", half_json(port.usb2, port.usb2_seen)},
          {"usb3", half_json(port.usb3, port.usb3_seen)},
          {"proven", port.proven},
          {"device", text_or_null(port.device)}};
}

Json ports_array(const std::vector<PortStatus>& ports) {
  Json list = Json::array();
  for (const auto& port : ports) {
    Json item = port_json(port);
    item["controller"] = address_or_null(port.controller);
    list.push_back(std::move(item));
  }
  return list;
}

Json controller_json(const ControllerStatus& controller, const std::vector<PortStatus>& all_ports) {
  Json holders = Json::array();
  for (const auto& holder : controller.holders)
    holders.push_back({{"pid", holder.pid}, {"command", holder.command}, {"vm", or_null(holder.vm)}});
  Json ports = Json::array();
  for (const auto& port : all_ports)
    if (port.controller == controller.address) ports.push_back(port_json(port));
  return {{"address", to_string(controller.address)},
          {"kind", std::string(to_string(controller.kind))},
          {"driver", text_or_null(controller.driver)},
          {"wanted_driver", text_or_null(controller.wanted_driver)},
          {"group", or_null(controller.group)},
          {"node", or_null(controller.node)},
          {"vm", or_null(controller.vm)},
          {"released", controller.released},
          {"holders", std::move(holders)},
          {"ports", std::move(ports)}};
}

Json vm_json(const VmStatus& vm) {
  Json memory = Json::array(), controllers = Json::array();
  for (const auto& [node, size] : vm.memory) memory.push_back({{"node", node}, {"kib", size}});
  for (const auto& address : vm.controllers) controllers.push_back(to_string(address));
  return {{"vm", vm.vm},
          {"name", text_or_null(vm.name)},
          {"node", or_null(vm.node)},
          {"memory", std::move(memory)},
          {"ports", vm.ports},
          {"controllers", std::move(controllers)},
          {"missing", vm.missing}};
}

Json node_json(const NumaNode& node, const std::vector<PoolStatus>& pools) {
  Json pages = Json::array();
  for (const auto& pool : pools)
    if (pool.node == node.id)
      pages.push_back({{"size", pool.pool.page_size},
                       {"total", pool.pool.total},
                       {"free", pool.pool.free},
                       {"surplus", pool.pool.surplus},
                       {"wanted", or_null(pool.wanted)}});
  return {{"node", node.id},       {"cpus", to_string(node.cpus)}, {"memory_kib", node.memory},
          {"free_kib", node.free}, {"distances", node.distances},  {"pages", std::move(pages)}};
}

struct ToJson {
  Json operator()(std::monostate) const { return nullptr; }
  template <typename Value>
  Json operator()(const Value& value) const {
    return value;
  }
};

Json step_json(const Step& step) {
  const Description description = describe(step.action);
  Json json{{"id", step.id}, {"do", description.sentence}, {"reason", step.reason}, {"kind", description.kind}};
  for (const auto& field : description.fields) json[field.name] = std::visit(ToJson{}, field.value);
  return json;
}

Json boot_json(const BootStatus& boot) {
  Json images = Json::array(), early = nullptr, left = Json::array();
  for (const auto& [kernel, good] : boot.images) images.push_back({{"kernel", kernel}, {"as_applied", good}});
  if (boot.early)
    for (const auto& each : boot.early->left) left.push_back(to_string(each));
  if (boot.early)
    early = {{"off", boot.early->off},
             {"bound", boot.early->bound},
             {"left", std::move(left)},
             {"took_ms", or_null(boot.early->took_ms)}};
  return {{"initramfs", boot.initramfs},
          {"images", std::move(images)},
          {"early", std::move(early)},
          {"rung", to_string(boot.rung)},
          {"rung_reason", text_or_null(boot.rung_why)},
          {"unhealthy_boots", boot.unhealthy},
          {"sitting_out", boot.suspended}};
}

const char* to_text(StepResult::Kind kind) {
  return kind == StepResult::Kind::done ? "done" : kind == StepResult::Kind::failed ? "failed" : "skipped";
}

}  // namespace

std::string status_json(const Status& status) {
  Json vms = Json::array(), controllers = Json::array(), nodes = Json::array();
  for (const auto& vm : status.vms) vms.push_back(vm_json(vm));
  for (const auto& controller : status.controllers) controllers.push_back(controller_json(controller, status.ports));
  for (const auto& [id, node] : status.nodes) nodes.push_back(node_json(node, status.pools));
  return printed({{"version", 1},
                  {"live", status.live},
                  {"configured", status.configured},
                  {"applied", status.applied},
                  {"pending_changes", status.pending_changes},
                  {"pending_reboot", status.pending_reboot},
                  {"boot", boot_json(status.boot)},
                  {"vms", std::move(vms)},
                  {"controllers", std::move(controllers)},
                  {"ports", ports_array(status.ports)},
                  {"nodes", std::move(nodes)},
                  {"findings", findings_json(status.findings)}});
}

namespace {

Json command_line_pages_json(const std::vector<CommandLinePages>& all) {
  Json list = Json::array();
  for (const auto& pages : all) {
    Json by_node = Json::array();
    for (const auto& [node, count] : pages.by_node) by_node.push_back({{"node", node}, {"pages", count}});
    list.push_back({{"size", pages.page_size}, {"pages", pages.sum()}, {"by_node", std::move(by_node)}});
  }
  return list;
}

Json lines_json(const std::vector<LineChange>& lines) {
  Json list = Json::array();
  for (const auto& line : lines)
    list.push_back({{"loader", line.loader},
                    {"before", text_or_null(line.before)},
                    {"after", text_or_null(line.after)},
                    {"without", text_or_null(line.without)},
                    {"pages_before", command_line_pages_json(line.pages_before)},
                    {"pages_after", command_line_pages_json(line.pages_after)}});
  return list;
}

}  // namespace

std::string plan_json(const Plan& plan, const std::optional<std::vector<std::string>>& writes) {
  Json steps = Json::array();
  for (const auto& step : plan.steps) steps.push_back(step_json(step));
  return printed({{"version", 1},
                  {"empty", plan.steps.empty()},
                  {"steps", std::move(steps)},
                  {"writes", or_null(writes)},
                  {"pages", pages_json(plan.pages)},
                  {"command_lines", lines_json(plan.lines)},
                  {"findings", findings_json(plan.findings)}});
}

std::string ports_json(const std::vector<PortStatus>& ports, const std::vector<Finding>& damaged) {
  return printed({{"version", 1}, {"ports", ports_array(ports)}, {"findings", findings_json(damaged)}});
}

std::string outcome_json(const Outcome& outcome, const Plan& plan) {
  Json results = Json::array();
  for (const auto& result : outcome.results)
    results.push_back({{"id", result.id}, {"result", to_text(result.kind)}, {"detail", text_or_null(result.detail)}});
  return printed({{"version", 1},
                  {"ok", outcome.ok()},
                  {"results", std::move(results)},
                  {"findings", findings_json(plan.findings)}});
}

}  // namespace hostsplit
