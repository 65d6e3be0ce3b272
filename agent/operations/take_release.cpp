#include "operations/take_release.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/usb/guards.hpp"
#include "core/base/names.hpp"
#include "core/steps/steps.hpp"
#include "host/store/lock.hpp"

namespace hostsplit {
namespace {

/// The controller a word means: an address, or the controller of a learned port.
PciAddress named(const View& view, const std::string& word) {
  if (const auto address = parse_pci_address(word)) {
    if (view.snapshot.function(*address)) return *address;
    throw Error("use", word, "nothing sits at that address", "See hostsplit status.", Error::Kind::bad_input);
  }
  const LearnedPort* port = view.ports.find(word);
  if (!port)
    throw Error("use", word, "it is neither a learned port nor a PCI address",
                "See hostsplit ports and hostsplit status.", Error::Kind::bad_input);
  const Located located = locate(view.snapshot, port->controller);
  if (located.kind == Located::Kind::found) return *located.address;
  throw Error("use", word, "its controller is not where it was when the port was learned",
              "See hostsplit status for what is wrong with it.", Error::Kind::bad_input);
}

/// What was applied, at the addresses where it is now.
std::vector<Claim> present_claims(const View& view) {
  std::vector<Claim> claims;
  if (!view.applied) return claims;
  for (Claim claim : view.applied->claims) {
    const Located located = locate(view.snapshot, claim.function);
    if (located.kind != Located::Kind::found) continue;
    claim.address = *located.address;
    claims.push_back(std::move(claim));
  }
  return claims;
}

/// The claims of all groups that the words name.
std::vector<Claim> meant(const View& view, const std::vector<std::string>& words, std::vector<Finding>& findings) {
  const auto claims = present_claims(view);
  std::set<int> groups;
  for (const auto& word : words) {
    const PciAddress address = named(view, word);
    const auto claim = std::find_if(claims.begin(), claims.end(), [&](const Claim& c) { return c.address == address; });
    const auto group = view.snapshot.function(address)->group;
    if (claim == claims.end() || !group)
      findings.push_back({"not-assigned", Severity::error, to_string(address),
                          "it was not given to any VM, so it is the host's",
                          "Give it to a VM in the configuration and run hostsplit apply"});
    else
      groups.insert(*group);
  }
  std::vector<Claim> all;
  for (const auto& claim : claims)
    if (const auto group = view.snapshot.function(claim.address)->group; group && groups.count(*group))
      all.push_back(claim);
  return all;
}

Step released_step(const std::set<PciAddress>& released, const std::string& reason) {
  if (released.empty()) return forget_step(names::released_file, reason);
  std::string text;
  for (const auto& address : released) text += to_string(address) + "\n";
  return {"write " + std::string(names::released_file), WriteFile{names::released_file, text}, reason};
}

void release_steps(const View& view, const std::vector<Claim>& claims, Plan& plan) {
  std::set<PciAddress> released = view.released;
  for (const auto& claim : claims) released.insert(claim.address);
  if (released != view.released)
    plan.steps.push_back(released_step(released, "so that the service leaves them with the host until the next boot"));
  for (const auto& claim : claims) {
    const PciFunction& function = *view.snapshot.function(claim.address);
    const BindingBefore* before = view.baseline.binding(claim.function);
    if (!before || function.driver == before->driver) continue;
    plan.steps.push_back(bind_step(function, before->driver, before->driver_override,
                                   fmt::format("the host borrows it from VM {} until the next boot", claim.vm)));
  }
}

void take_steps(const View& view, const std::vector<Claim>& claims, Plan& plan) {
  std::set<PciAddress> released = view.released;
  for (const auto& claim : claims) released.erase(claim.address);
  if (released != view.released) plan.steps.push_back(released_step(released, "they are their VM's again"));
  std::vector<Step> binds;
  for (const auto& claim : claims) {
    const PciFunction& function = *view.snapshot.function(claim.address);
    if (function.driver == names::vfio_driver) continue;
    binds.push_back(bind_step(function, names::vfio_driver, names::vfio_driver, describe(claim.causes)));
    auto& bind = std::get<Bind>(binds.back().action);
    bind.vm = claim.vm;
    bind.causes = claim.causes;
  }
  for (auto& step : module_steps(view.snapshot, binds)) plan.steps.push_back(std::move(step));
  plan.steps.insert(plan.steps.end(), binds.begin(), binds.end());
}

}  // namespace

Plan flip_plan(const View& view, Flip flip, const std::vector<std::string>& words) {
  Plan plan;
  if (view.applied) plan.target = *view.applied;
  const auto claims = meant(view, words, plan.findings);
  if (flip == Flip::release)
    release_steps(view, claims, plan);
  else
    take_steps(view, claims, plan);
  auto against = guard_holders(view.snapshot, moving(plan.steps));
  if (flip == Flip::take) {
    Departure departure{moving(plan.steps)};
    for (const auto& claim : claims) departure.to[claim.address] = claim.vm;
    departure.may_lose = plan.target.may_lose;
    if (view.config)
      for (const auto& name : view.config->may_lose) departure.may_lose.push_back(name.text);
    const auto lifelines = losses(view.snapshot, departure);
    against.insert(against.end(), lifelines.begin(), lifelines.end());
  }
  plan.findings.insert(plan.findings.end(), against.begin(), against.end());
  return plan;
}

Outcome flip(const Actor& actor, Flip way, const std::vector<std::string>& words, const Plan& shown,
             const Progress& progress) {
  for (const auto& finding : shown.findings)
    if (finding.severity == Severity::error) throw Error("flip", finding.subject, finding.message, finding.remedy);
  const Lock lock(actor.root);
  if (flip_plan(look(actor.root), way, words).steps != shown.steps)
    throw Error("flip", "the controllers", "the machine has changed since it was looked at",
                "Look again: hostsplit status");
  return Executor(actor.root, actor.effects, actor.audit, actor.stop_asked).run(shown.steps, progress);
}

}  // namespace hostsplit
