#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "host/act/executor.hpp"
#include "operations/request.hpp"

namespace hostsplit {

/// Called while Proxmox VE starts a VM with huge pages and so holds the lock for pools: at once, every second, and with
/// `over` at the end.
using Waiting = std::function<void(std::chrono::seconds waited, bool over)>;

/// What the acting operations need.
struct Context {
  const Root& root;
  Effects& effects;
  AuditSink& audit;
  StopAsked stop_asked = {};
  Waiting waiting = {};
};

/// A request that was carried out: what it came to, and how that went.
struct CarriedOut {
  Plan plan;
  Outcome outcome;
  bool ok() const { return outcome.ok(); }
};

/// The one way to change the machine. Takes the lock, observes, plans, compares with what was shown, waits for a VM
/// that is starting when pools are touched, and runs the plan. A request that nobody waits for (Repair, EarlyBoot,
/// StepAside) does not wait for a VM either.
/// \param token  plan_token() of the plan that was shown; empty: whatever the plan is by now
/// \throws Error if another hostsplit acts, the plan is another one than was shown, it has error findings, or a VM is
///         starting for too long; Error(bad_input) as plan_for().
CarriedOut carry_out(const Context& context, const Request& request, const std::string& token = {},
                     const Progress& progress = {});

/// Every single touch of the machine that a plan would make, one line each; touches nothing.
std::vector<std::string> rehearse(const Root& root, const Plan& plan);

}  // namespace hostsplit
