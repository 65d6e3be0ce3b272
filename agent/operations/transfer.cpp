#include "operations/transfer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/steps/steps.hpp"
#include "core/usb/guards.hpp"

namespace hostsplit {
namespace {

/// The controller a target names: an address, or the controller of a learned port.
PciAddress resolved(const State& state, const std::string& target) {
  if (const auto address = parse_pci_address(target)) {
    if (state.snapshot.function(*address)) return *address;
    throw Error("use", target, "nothing sits at that address", "See hostsplit status.", Error::Kind::bad_input);
  }
  const LearnedPort* port = state.ports.find(target);
  if (!port)
    throw Error("use", target, "it is neither a learned port nor a PCI address",
                "See hostsplit ports and hostsplit status.", Error::Kind::bad_input);
  const Located located = locate(state.snapshot, port->controller);
  if (located.kind == Located::Kind::found) return *located.address;
  throw Error("use", target, "its controller is not where it was when the port was learned",
              "See hostsplit status for what is wrong with it.", Error::Kind::bad_input);
}

/// The claims of all groups that the targets name.
std::vector<Claim> selected(const State& state, const std::vector<std::string>& targets,
                            std::vector<Finding>& findings) {
  const auto claims = present_claims(state.applied.value_or(BootPlan{}), state.snapshot);
  std::set<int> groups;
  for (const auto& target : targets) {
    const PciAddress address = resolved(state, target);
    const auto claim = std::find_if(claims.begin(), claims.end(), [&](const Claim& c) { return c.address == address; });
    const auto group = state.snapshot.function(address)->group;
    if (claim == claims.end() || !group)
      findings.push_back({"not-assigned", Severity::error, to_string(address),
                          "it was not given to any VM, so it is the host's",
                          "Give it to a VM in the configuration and run hostsplit apply"});
    else
      groups.insert(*group);
  }
  std::vector<Claim> all;
  for (const auto& claim : claims)
    if (const auto group = state.snapshot.function(claim.address)->group; group && groups.count(*group))
      all.push_back(claim);
  return all;
}

Step released_step(const std::set<PciAddress>& released, const std::string& reason) {
  if (released.empty()) return forget_step(names::released_file, reason);
  std::string text;
  for (const auto& address : released) text += to_string(address) + "\n";
  return {"write " + std::string(names::released_file), WriteFile{names::released_file, text}, reason};
}

void release_steps(const State& state, const std::vector<Claim>& claims, Plan& plan) {
  std::set<PciAddress> released = state.released;
  for (const auto& claim : claims)
    if (!state.lent.count(claim.address)) released.insert(claim.address);
  if (released != state.released)
    plan.steps.push_back(released_step(released, "so that the service leaves them with the host until the next boot"));
  for (const auto& claim : claims) {
    const PciFunction& function = *state.snapshot.function(claim.address);
    const BindingBefore* before = state.baseline.binding(claim.function);
    if (!before || function.driver == before->driver) continue;
    const auto reason = fmt::format("the host borrows it from VM {} until {}", claim.vm,
                                    state.lent.count(claim.address) ? "hostsplit learn ends" : "the next boot");
    if (auto step = return_step(function, *before, reason)) plan.steps.push_back(std::move(*step));
  }
}

void take_steps(const State& state, const std::vector<Claim>& claims, Plan& plan) {
  std::set<PciAddress> released = state.released;
  for (const auto& claim : claims) released.erase(claim.address);
  if (released != state.released) plan.steps.push_back(released_step(released, "they are their VM's again"));
  std::vector<Step> binds;
  for (const auto& claim : claims) {
    const PciFunction& function = *state.snapshot.function(claim.address);
    if (function.driver == names::vfio_driver) continue;
    binds.push_back(bind_step(function, names::vfio_driver, names::vfio_driver, describe(claim.causes)));
    auto& bind = std::get<Bind>(binds.back().action);
    bind.vm = claim.vm;
    bind.causes = claim.causes;
  }
  for (auto& step : module_steps(state.snapshot, binds)) plan.steps.push_back(std::move(step));
  plan.steps.insert(plan.steps.end(), binds.begin(), binds.end());
}

}  // namespace

Plan transfer_plan(const State& state, const Transfer& transfer) {
  Plan plan;
  if (state.applied) plan.target = *state.applied;
  const auto claims = selected(state, transfer.targets, plan.findings);
  if (transfer.to == Transfer::To::host)
    release_steps(state, claims, plan);
  else
    take_steps(state, claims, plan);
  auto against = guard_holders(state.snapshot, moving(plan.steps));
  if (transfer.to == Transfer::To::vm) {
    Departure departure{moving(plan.steps)};
    for (const auto& claim : claims) departure.to[claim.address] = claim.vm;
    departure.may_lose = plan.target.may_lose;
    if (state.config)
      for (const auto& name : state.config->may_lose) departure.may_lose.push_back(name.text);
    if (state.pve && state.pve->silent)
      against.insert(against.end(), state.pve->findings.begin(), state.pve->findings.end());
    if (state.pve) departure.guests = taken_by_guests(*state.pve, state.snapshot);
    const auto lifelines = losses(state.snapshot, departure);
    against.insert(against.end(), lifelines.begin(), lifelines.end());
  }
  plan.findings.insert(plan.findings.end(), against.begin(), against.end());
  return plan;
}

}  // namespace hostsplit
