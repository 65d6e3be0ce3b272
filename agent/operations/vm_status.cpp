#include "operations/vm_status.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hostsplit {
namespace {

VmStatus& of(std::map<int, VmStatus>& vms, int vm) {
  auto& status = vms[vm];
  status.vm = vm;
  return status;
}

void add_wanted(const Config& config, std::map<int, VmStatus>& vms) {
  for (const auto& [id, wanted] : config.vms) {
    VmStatus& vm = of(vms, id);
    vm.name = wanted.name;
    vm.node = wanted.node;
    vm.memory = memory_by_node(wanted);
    for (const auto& port : wanted.ports) vm.ports.push_back(port.text);
  }
}

void add_applied(const BootPlan& applied, std::map<int, VmStatus>& vms) {
  for (const auto& claim : applied.claims) of(vms, claim.vm);
  for (const auto& reservation : applied.reservations)
    for (const auto& [id, pages] : reservation.shares)
      of(vms, id).memory[reservation.node] += pages * reservation.page_size;
}

/// Sockets belong to whom their controller belongs to.
void add_sockets(const Status& status, std::map<int, VmStatus>& vms) {
  for (const auto& controller : status.controllers) {
    if (!controller.vm) continue;
    VmStatus& vm = of(vms, *controller.vm);
    vm.controllers.push_back(controller.address);
    for (const auto& port : status.ports) {
      if (port.controller != controller.address) continue;
      if (port.label.empty())
        ++vm.unnamed;
      else if (std::find(vm.ports.begin(), vm.ports.end(), port.label) == vm.ports.end())
        vm.ports.push_back(port.label);
    }
  }
}

void add_missing(const Status& status, const BootPlan& target, std::map<int, VmStatus>& vms) {
  for (const auto& controller : status.controllers)
    if (controller.vm && controller.driver != controller.wanted_driver)
      of(vms, *controller.vm)
          .missing.push_back(controller.driver.empty()
                                 ? fmt::format("{} has no driver", to_string(controller.address))
                                 : fmt::format("{} has driver {}", to_string(controller.address), controller.driver));
    else if (controller.vm && controller.released)
      of(vms, *controller.vm).missing.push_back(to_string(controller.address) + " is lent to the host");
  for (const auto& reservation : target.reservations)
    for (const auto& pool : status.pools)
      if (pool.node == reservation.node && pool.pool.page_size == reservation.page_size && pool.wanted &&
          pool.pool.total < *pool.wanted)
        for (const auto& [id, pages] : reservation.shares)
          of(vms, id).missing.push_back(fmt::format("node {} has {} of {} pages of {}", pool.node, pool.pool.total,
                                                    *pool.wanted, format_size(pool.pool.page_size)));
}

}  // namespace

std::vector<VmStatus> vm_statuses(const State& state, const BootPlan& target, const Status& so_far) {
  std::map<int, VmStatus> vms;
  if (state.config)
    add_wanted(*state.config, vms);
  else
    add_applied(target, vms);
  add_sockets(so_far, vms);
  add_missing(so_far, target, vms);
  std::vector<VmStatus> list;
  for (auto& [id, vm] : vms) {
    const PveVm* known = state.pve ? state.pve->vm(id) : nullptr;
    if (vm.name.empty() && known) vm.name = known->name;
    if (!vm.node && vm.memory.size() == 1) vm.node = vm.memory.begin()->first;
    list.push_back(std::move(vm));
  }
  return list;
}

}  // namespace hostsplit
