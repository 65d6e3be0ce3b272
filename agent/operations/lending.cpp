#include "operations/lending.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/state/boot_plan.hpp"

namespace hostsplit {
namespace {

std::string why_not(const State& state, const PciAddress& address) {
  std::string why;
  for (const auto& finding : plan_for(state, Transfer{Transfer::To::host, {to_string(address)}}).findings)
    if (finding.severity == Severity::error) why += (why.empty() ? "" : "; ") + finding.message;
  return why;
}

/// All functions that go along: of every group one of them is in.
std::set<PciAddress> with_groups(const State& state, const std::set<PciAddress>& controllers) {
  std::set<PciAddress> all = controllers;
  for (const auto& address : controllers) {
    const PciFunction* lent = state.snapshot.function(address);
    if (!lent || !lent->group) continue;
    for (const auto& [other, function] : state.snapshot.functions)
      if (function.group == lent->group) all.insert(other);
  }
  return all;
}

}  // namespace

std::vector<HiddenController> hidden_controllers(const State& state) {
  std::vector<HiddenController> hidden;
  const auto claims = present_claims(state.applied.value_or(BootPlan{}), state.snapshot);
  for (const auto& [address, controller] : state.snapshot.controllers) {
    if (state.snapshot.function(address)->driver != names::vfio_driver) continue;
    const auto claim =
        std::find_if(claims.begin(), claims.end(), [&](const Claim& each) { return each.address == address; });
    if (claim == claims.end())
      hidden.push_back({address, 0, "it was not given to a VM by hostsplit"});
    else
      hidden.push_back({address, claim->vm, why_not(state, address)});
  }
  return hidden;
}

std::string Lending::lend(const State& state, const std::set<PciAddress>& controllers) {
  if (!note_) note_ = std::make_unique<Lent>(root_);
  auto noted = with_groups(state, controllers);
  noted.merge(with_groups(state, lent_));
  // Noted before it is done: the service must not take it for drift.
  note_->note(noted);
  lent_.insert(controllers.begin(), controllers.end());
  return move(Transfer::To::host);
}

std::string Lending::give_back() {
  if (lent_.empty()) return "";
  std::string why;
  try {
    why = move(Transfer::To::vm);
  } catch (const Error& error) {
    why = error.what();
  }
  note_.reset();
  lent_.clear();
  return why;
}

std::string Lending::move(Transfer::To to) {
  Transfer transfer{to, {}};
  for (const auto& address : lent_) transfer.targets.push_back(to_string(address));
  return move_(transfer);
}

}  // namespace hostsplit
