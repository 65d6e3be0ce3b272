#include "core/planner/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <set>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/boot/boot_loader.hpp"
#include "core/boot/escalation.hpp"
#include "core/boot/initramfs.hpp"
#include "core/memory/host_memory.hpp"
#include "core/memory/pools.hpp"
#include "core/memory/pve_start.hpp"
#include "core/planner/vm_steps.hpp"
#include "core/state/wanted_cpus.hpp"
#include "core/steps/files.hpp"
#include "core/steps/steps.hpp"
#include "core/usb/claims.hpp"
#include "core/usb/displays.hpp"
#include "core/usb/guards.hpp"
#include "core/usb/topology.hpp"

namespace hostsplit {
namespace {

void append(std::vector<Finding>& to, std::vector<Finding> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

bool held_by_vfio(const PciFunction& function) {
  return function.driver == names::vfio_driver;
}

/// \param reason  of a claim, as a sentence fragment
std::vector<Step> claim_steps(const Snapshot& snapshot, const std::vector<Claim>& claims,
                              const std::function<std::string(const Claim&)>& reason) {
  std::vector<Step> steps;
  for (const auto& claim : claims) {
    const PciFunction& function = *snapshot.function(claim.address);
    if (held_by_vfio(function)) continue;
    Step step = bind_step(function, names::vfio_driver, names::vfio_driver, reason(claim));
    auto& bind = std::get<Bind>(step.action);
    bind.vm = claim.vm;
    bind.causes = claim.causes;
    steps.push_back(std::move(step));
  }
  return steps;
}

/// Functions hostsplit took earlier that nobody claims now go back to the driver they had.
std::vector<Step> release_steps(const Snapshot& snapshot, const Baseline& baseline,
                                const std::map<PciAddress, Claim>& claimed, std::vector<Finding>& findings) {
  std::vector<Step> steps;
  for (const auto& before : baseline.bindings) {
    const Located located = locate(snapshot, before.function);
    if (located.kind != Located::Kind::found) {
      findings.push_back({"release-absent", Severity::warning, to_string(before.address),
                          describe(before.function) + " was taken from the host earlier and is not there now",
                          "Nothing to give back: a function that returns starts with the host's driver"});
      continue;
    }
    const PciFunction& function = *snapshot.function(*located.address);
    if (claimed.count(function.address)) continue;
    const std::string had = before.unknown          ? "which driver it had before hostsplit is not known"
                            : before.driver.empty() ? "it had no driver before hostsplit"
                                                    : "it had " + before.driver + " before hostsplit";
    if (auto step = return_step(function, before, "no VM claims it any more; " + had))
      steps.push_back(std::move(*step));
  }
  return steps;
}

void add(std::vector<Step>& to, std::vector<Step> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

std::vector<Step> boot_plan_steps(const BootPlan& target, const std::optional<BootPlan>& applied) {
  const bool wanted = !target.claims.empty() || !target.reservations.empty();
  if (!wanted && !applied) return {};
  if (!wanted)
    return {forget_step(names::boot_plan_file, "nothing is assigned any more, so nothing has to be enforced")};
  if (applied && to_text(*applied) == to_text(target)) return {};
  return {{"write " + std::string(names::boot_plan_file), WriteFile{names::boot_plan_file, to_text(target)},
           "early boot and the service enforce this plan from now on"}};
}

/// Nodes the configuration names for a VM.
std::set<int> nodes_of(const VmWish& vm) {
  std::set<int> nodes;
  if (vm.node) nodes.insert(*vm.node);
  for (const auto& [node, memory] : vm.spread) nodes.insert(node);
  return nodes;
}

CpuSet local_cpus(const VmWish& vm, const Snapshot& snapshot) {
  std::map<int, Kib> nodes;
  for (const int id : nodes_of(vm)) nodes[id] = 0;
  return cpus_of_nodes(snapshot.nodes, nodes);
}

std::vector<Finding> check_cpus(const Snapshot& snapshot, const Config& config) {
  std::vector<Finding> findings;
  for (const auto& [id, vm] : config.vms) {
    const CpuSet local = local_cpus(vm, snapshot);
    if (!vm.cpus || local.empty()) continue;
    CpuSet remote;
    std::set_difference(vm.cpus->begin(), vm.cpus->end(), local.begin(), local.end(),
                        std::inserter(remote, remote.end()));
    if (!remote.empty())
      findings.push_back({"cpus-off-node", Severity::warning, vm_text(id, config),
                          fmt::format("CPUs {} are not on node {}, where its memory is", to_string(remote),
                                      fmt::join(nodes_of(vm), " or ")),
                          fmt::format("CPUs of node {}: {}", fmt::join(nodes_of(vm), " and "), to_string(local))});
  }
  return findings;
}

/// Labels that go along because a sibling of their group was asked for: the user learns before it happens.
std::vector<Finding> labels_along(const Snapshot& snapshot, const Claims& claims, const Config& config,
                                  const PortMap& ports) {
  std::vector<Finding> findings;
  for (const auto& port : ports.ports) {
    const Located located = locate(snapshot, port.controller);
    if (located.kind != Located::Kind::found) continue;
    const auto claim = claims.by_address.find(*located.address);
    if (claim == claims.by_address.end()) continue;
    const auto& wished = config.vms.at(claim->second.vm).ports;
    if (std::any_of(wished.begin(), wished.end(), [&](const Named& name) { return name.text == port.label; })) continue;
    findings.push_back({"port-goes-along", Severity::info, port.label,
                        fmt::format("goes to {} too: it is a socket of {} ({})", vm_text(claim->second.vm, config),
                                    to_string(*located.address), describe(claim->second.causes)),
                        ""});
  }
  return findings;
}

/// What the target takes from the host, and what the same plan gives back.
Departure departure_of(const PlanInput& input, const BootPlan& target, const std::vector<Step>& taking,
                       const std::vector<Step>& releasing) {
  Departure departure{moving(taking)};
  if (input.pve) departure.guests = taken_by_guests(*input.pve, input.snapshot);
  for (const auto& claim : target.claims) departure.to[claim.address] = claim.vm;
  for (const auto& step : releasing)
    if (const auto& bind = std::get<Bind>(step.action); !bind.to.empty() && bind.to != names::vfio_driver)
      departure.returning.insert(bind.address);
  departure.may_lose = target.may_lose;
  return departure;
}

/// Only where the plan itself takes one: what VMs take without hostsplit is told by doctor.
std::vector<Finding> displays_that_go(const Snapshot& snapshot, const Departure& departure) {
  const bool any = std::any_of(departure.leaving.begin(), departure.leaving.end(), [&](const PciAddress& address) {
    const PciFunction* function = snapshot.function(address);
    return function && is_display(function->fingerprint.pci_class);
  });
  return any ? lost_displays(snapshot, departure.leaving, departure.guests, departure.returning)
             : std::vector<Finding>{};
}

/// Without groups nobody can say what goes along with a function: that comes after the next boot.
bool waits_for_iommu(const Snapshot& snapshot, const Config& config) {
  const bool wishes = std::any_of(config.vms.begin(), config.vms.end(), [](const auto& vm) {
    return !vm.second.ports.empty() || !vm.second.controllers.empty() || !vm.second.functions.empty();
  });
  return wishes && !snapshot.iommu && !waiting_words(snapshot, iommu_words(snapshot)).empty();
}

Plan first_the_iommu(const PlanInput& input, const std::vector<KernelParameter>& words) {
  Plan plan;
  if (input.applied) plan.target = *input.applied;
  BootLoaderSteps loader = boot_loader_steps(input.snapshot, words, false, input.baseline);
  plan.findings = std::move(loader.findings);
  plan.findings.push_back({"iommu-after-reboot", Severity::warning, "IOMMU",
                           "it is off, so nothing can be given to a VM before it is switched on at the next boot",
                           "Reboot, then run hostsplit apply again for everything else"});
  plan.lines = std::move(loader.lines);
  add(plan.steps, std::move(loader.files));
  add(plan.steps, std::move(loader.refresh));
  return plan;
}

bool from_command_line_later(const Plan& plan) {
  return plan.pages && plan.pages->source == PageSource::command_line && plan.pages->pending;
}

/// Where the pages come from, unless they do not fit: words on the kernel command line are out of reach of any guard.
void add_page_source(const PlanInput& input, Plan& plan, std::vector<KernelParameter>& words) {
  auto findings = check_pages(input.snapshot, plan.target.reservations, input.config.keep_free);
  if (input.snapshot.memory_users.proxmox_ve) append(findings, check_placeable(input.config));
  if (input.pve) append(findings, check_startable(input.config, *input.pve, input.snapshot.nodes));
  append(findings, check_host_memory(input.snapshot, input.config, plan.target.reservations));
  append(findings, note_others(plan.target.reservations, input.snapshot));
  if (!has_errors(findings)) {
    PageSourcing pages = source_pages(plan.target.reservations, input.snapshot, input.config, input.baseline);
    plan.pages = std::move(pages.recipe);
    words.insert(words.end(), pages.words.begin(), pages.words.end());
    append(findings, std::move(pages.findings));
  }
  append(plan.findings, std::move(findings));
}

/// Where people write, too, only what hostsplit wrote is put back.
void restore_config(const Snapshot& snapshot, const Baseline& baseline, Plan& plan) {
  const FileBefore* before = baseline.file(names::config_file);
  const auto now = snapshot.boot.files.find(names::config_file);
  if (!before || now == snapshot.boot.files.end() || (before->file && *before->file == now->second)) return;
  if (holds_what_was_written(*before, now->second.content))
    return restore_file(snapshot, baseline, names::config_file, plan.steps);
  plan.findings.push_back({"config-edited", Severity::info, "/" + std::string(names::config_file),
                           "it was edited after hostsplit setup wrote it, so it stays as it is", ""});
}

}  // namespace

void check_against_machine(const Config& config, const Snapshot& snapshot) {
  if (snapshot.nodes.empty()) return;
  std::vector<int> known;
  CpuSet cpus;
  for (const auto& [id, node] : snapshot.nodes) {
    known.push_back(id);
    cpus.insert(node.cpus.begin(), node.cpus.end());
  }
  const auto line = [](const VmWish& vm, const char* key) {
    const auto it = vm.lines.find(key);
    return it == vm.lines.end() ? vm.line : it->second;
  };
  for (const auto& [id, vm] : config.vms) {
    const std::string prefix = fmt::format("vm.{}.", id);
    for (const int node : nodes_of(vm))
      if (!snapshot.nodes.count(node))
        throw bad_line(config.file, line(vm, vm.node ? "node" : "memory"), prefix + (vm.node ? "node" : "memory"),
                       fmt::format("this machine has no NUMA node {}", node),
                       fmt::format("Nodes here: {}", fmt::join(known, ", ")));
    if (!vm.cpus) continue;
    for (const int cpu : *vm.cpus)
      if (!cpus.empty() && !cpus.count(cpu))
        throw bad_line(config.file, line(vm, "cpus"), prefix + "cpus",
                       snapshot.offline_cpus.count(cpu)
                           ? fmt::format("CPUs {} of this machine are offline", to_string(snapshot.offline_cpus))
                           : fmt::format("this machine has no CPU {}", cpu),
                       "CPUs here: " + to_string(cpus));
  }
}

void add_vm_steps(const PlanInput& input, Plan& plan) {
  if (!input.pve) return;
  // Where it does not answer, nobody knows what its VMs have of the functions that are to be taken.
  if (input.pve->silent) return append(plan.findings, input.pve->findings);
  VmSteps vms = set_vm_steps({*input.pve, input.snapshot, input.config, plan.target.claims, input.baseline});
  append(plan.findings, std::move(vms.findings));
  add(plan.steps, std::move(vms.steps));
}

Plan make_plan(const PlanInput& input) {
  const Snapshot& snapshot = input.snapshot;
  auto words = wanted_words(snapshot, input.config);
  if (waits_for_iommu(snapshot, input.config)) return first_the_iommu(input, words);
  Plan plan;
  Claims claims = resolve_claims(snapshot, input.config, input.ports);
  append(plan.findings, std::move(claims.findings));
  for (const auto& [address, claim] : claims.by_address) plan.target.claims.push_back(claim);
  plan.target.reservations = with_others(wanted_pages(input.config), input.config, snapshot, input.applied);
  plan.target.keep_free = input.config.keep_free;
  for (const auto& name : input.config.may_lose) plan.target.may_lose.push_back(name.text);

  const auto taking = claim_steps(snapshot, plan.target.claims, [&](const Claim& claim) {
    return describe(claim.causes) + " of " + vm_text(claim.vm, input.config);
  });
  const auto releasing = release_steps(snapshot, input.baseline, claims.by_address, plan.findings);
  const Departure departure = departure_of(input, plan.target, taking, releasing);
  append(plan.findings, losses(snapshot, departure));
  append(plan.findings, displays_that_go(snapshot, departure));
  append(plan.findings, guard_holders(snapshot, moving(taking)));
  append(plan.findings, guard_holders(snapshot, moving(releasing)));
  add_page_source(input, plan, words);
  append(plan.findings, check_cpus(snapshot, input.config));
  append(plan.findings, note_topology(snapshot, plan.target.claims));
  if (!has_errors(plan.findings)) {
    append(plan.findings, labels_along(snapshot, claims, input.config, input.ports));
    append(plan.findings, plugged_in(snapshot, moving(taking), socket_labels(snapshot, input.ports)));
  }

  Ladder ladder = choose_rung({snapshot, plan.target, input.config, input.baseline, input.climbed});
  append(plan.findings, std::move(ladder.findings));
  BootRung early = boot_rung(snapshot, plan.target, input.config.boot, input.baseline, ladder.modprobe);
  append(plan.findings, std::move(early.findings));
  BootLoaderSteps loader = boot_loader_steps(snapshot, words, early.wanted, input.baseline);
  append(plan.findings, std::move(loader.findings));
  plan.lines = std::move(loader.lines);

  // Before anything local: what Proxmox VE refuses leaves the host as it is.
  add_vm_steps(input, plan);
  // Of the host the boot plan comes first: whoever is interrupted after it converges to it at the next start.
  add(plan.steps, boot_plan_steps(plan.target, input.applied));
  auto files = std::move(ladder.steps);
  add(files, std::move(early.files));
  add(files, std::move(loader.files));
  keep_edits(snapshot, input.baseline, files, plan.findings);
  add(plan.steps, std::move(files));
  add(plan.steps, releasing);
  add(plan.steps, module_steps(snapshot, taking));
  add(plan.steps, taking);
  auto pages = page_steps(snapshot, plan.target.reservations, input.config.keep_free, input.baseline, plan.findings);
  if (!has_errors(plan.findings))
    append(plan.findings, check_pages_now(snapshot, pages, from_command_line_later(plan)));
  add(plan.steps, std::move(pages));
  // Last: it takes a minute, fills memory with page cache, and what it makes permanent has been seen to work by then.
  add(plan.steps, std::move(loader.refresh));
  add(plan.steps, std::move(early.images));
  return plan;
}

Plan make_undo_plan(const Snapshot& snapshot, const Baseline& baseline, const std::optional<BootPlan>& applied,
                    const PveConfigs* pve) {
  Plan plan;
  VmSteps vms = restore_vm_steps(pve, baseline);
  append(plan.findings, std::move(vms.findings));
  BootRung early = boot_rung(snapshot, {}, BootPolicy::service, baseline, {});
  BootLoaderSteps loader = boot_loader_steps(snapshot, {}, false, baseline);
  append(plan.findings, std::move(loader.findings));
  plan.lines = std::move(loader.lines);
  add(plan.steps, boot_plan_steps({}, applied));
  add(plan.steps, leave_ladder(snapshot, baseline));
  add(plan.steps, std::move(early.files));
  add(plan.steps, std::move(loader.files));
  const auto releasing = release_steps(snapshot, baseline, {}, plan.findings);
  append(plan.findings, guard_holders(snapshot, moving(releasing)));
  add(plan.steps, releasing);
  add(plan.steps, return_pages(snapshot, baseline, plan.findings));
  add(plan.steps, std::move(vms.steps));
  append(plan.findings, changed_files(snapshot, baseline));
  restore_config(snapshot, baseline, plan);
  add(plan.steps, std::move(loader.refresh));
  add(plan.steps, std::move(early.images));
  return plan;
}

Plan make_repair_plan(const Snapshot& snapshot, const BootPlan& applied, const std::set<PciAddress>& released) {
  Plan plan;
  plan.target = applied;
  std::vector<Claim> present;
  for (const auto& claim : applied.claims) {
    const Located located = locate(snapshot, claim.function);
    if (located.kind == Located::Kind::found && released.count(*located.address)) continue;
    if (located.kind == Located::Kind::found) {
      present.push_back(claim);
      present.back().address = *located.address;
      continue;
    }
    plan.findings.push_back({"claim-absent", Severity::warning, to_string(claim.address),
                             fmt::format("{} ({}) is not where it was; whatever sits there is left alone",
                                         describe(claim.function), describe(claim.causes)),
                             "See the current state: hostsplit plan"});
  }
  std::vector<Step> taking = claim_steps(snapshot, present, [](const Claim& claim) {
    return fmt::format("drift: belongs to {} of VM {}", describe(claim.causes), claim.vm);
  });
  // Each function on its own: one that cannot move must not keep the others from moving.
  std::erase_if(taking, [&](const Step& step) {
    const auto& bind = std::get<Bind>(step.action);
    const std::set<PciAddress> one{bind.address};
    auto against = losses(snapshot, {one, {{bind.address, bind.vm.value_or(0)}}, {}, given_up_when_applied(applied)});
    append(against, guard_holders(snapshot, one));
    const bool refused = has_errors(against);
    append(plan.findings, std::move(against));
    return refused;
  });
  // Given up when it was applied: nothing new at each boot.
  std::erase_if(plan.findings, [](const Finding& f) {
    return f.severity != Severity::error && (f.code == "last-keyboard" || f.code == "last-usb");
  });
  add(plan.steps, module_steps(snapshot, taking));
  add(plan.steps, taking);
  std::vector<Finding> ignored;
  for (auto& step : page_steps(snapshot, applied.reservations, applied.keep_free, {}, ignored)) {
    const auto& reserve = std::get<Reserve>(step.action);
    if (reserve.to > reserve.from) plan.steps.push_back(std::move(step));
  }
  return plan;
}

Plan make_step_aside_plan(const Snapshot& snapshot, const Baseline& baseline) {
  Plan plan = make_undo_plan(snapshot, baseline, std::nullopt, nullptr);
  // Pages the kernel took by its command line, too: no VM of ours is to start, and the host may need them.
  std::erase_if(plan.steps,
                [](const Step& step) { return !std::holds_alternative<Bind>(step.action) && !touches_pool(step); });
  for (auto& step : plan.steps) step.reason = "hostsplit is suspended on this boot: returned to the host";
  return plan;
}

}  // namespace hostsplit
