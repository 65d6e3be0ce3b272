#include "operations/request.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/boot/boot_count.hpp"
#include "core/boot/escalation.hpp"
#include "core/memory/pools.hpp"
#include "core/steps/files.hpp"
#include "core/steps/steps.hpp"
#include "formats/toml/documents.hpp"
#include "operations/transfer.hpp"

namespace hostsplit {
namespace {

std::vector<Step> end_of_release(const State& state, const std::string& reason) {
  if (state.released.empty()) return {};
  return {forget_step(names::released_file, reason)};
}

void put_first(Plan& plan, const std::vector<Step>& steps) {
  plan.steps.insert(plan.steps.begin(), steps.begin(), steps.end());
}

/// Files of hostsplit that cannot be used are kept, and gone, or written anew, when the plan is done.
void settle_damaged(const State& state, Plan& plan) {
  std::vector<Step> first;
  for (const auto& file : state.damaged) {
    first.push_back(keep_step(file.path, file.content, "it is damaged"));
    const bool settled =
        file.path == names::baseline_file || std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
          const auto* write = std::get_if<WriteFile>(&step.action);
          const auto* remove = std::get_if<RemoveFile>(&step.action);
          return (write && write->path == file.path) || (remove && remove->path == file.path);
        });
    if (!settled) first.push_back(forget_step(file.path, "it is damaged, and nothing needs it"));
  }
  put_first(plan, first);
  plan.findings.insert(plan.findings.end(), state.findings.begin(), state.findings.end());
}

/// What is done needs no record any more; pages that VMs still use do.
bool is_put_back(const State& state, const Plan& undo) {
  const auto& pools = state.baseline.pools;
  return undo.steps.empty() && std::none_of(pools.begin(), pools.end(), [&](const PoolBefore& before) {
           return is_larger_than_before(state.snapshot, before);
         });
}

Plan not_configured() {
  Plan nothing;
  nothing.findings.push_back({"not-configured", Severity::info, "hostsplit",
                              "there is no configuration yet, so nothing is assigned and nothing is enforced",
                              "Run hostsplit setup; or hostsplit learn, then write /etc/hostsplit/hostsplit.toml "
                              "(sample: /usr/share/doc/hostsplit/examples/hostsplit.toml.sample)"});
  return nothing;
}

/// Where xhci is blacklisted it is loaded right after the early unit: by then vfio-pci has to have what belongs to VMs.
std::vector<Step> binds_before_xhci(const State& state) {
  if (!state.climbed || state.climbed->rung != Rung::blacklist) return {};
  std::vector<Step> steps = make_repair_plan(state.snapshot, *state.applied, state.with_host()).steps;
  std::erase_if(steps, touches_pool);
  return steps;
}

/// One overload for each kind of request.
struct PlanFor {
  const State& state;

  Plan operator()(const Apply&) const { return state.config ? plan_of(*state.config) : not_configured(); }

  Plan operator()(const Setup& setup) const {
    Plan plan = plan_of(parse_config(setup.config, "/" + std::string(names::config_file)));
    const auto now = state.snapshot.boot.files.find(names::config_file);
    if (now == state.snapshot.boot.files.end() || now->second.content != setup.config)
      put_first(plan, {{"write " + std::string(names::config_file),
                        WriteFile{names::config_file, setup.config,
                                  now == state.snapshot.boot.files.end() ? 0644 : now->second.mode},
                        "what is wanted from now on"}});
    return plan;
  }

  Plan plan_of(const Config& config) const {
    check_against_machine(config, state.snapshot);
    Plan plan = make_plan({state.snapshot, config, state.ports, state.baseline, state.applied, state.climbed,
                           state.pve ? &*state.pve : nullptr});
    put_first(plan, end_of_release(state, "every function goes to its VM again"));
    put_first(plan, trust_steps(state.health));
    put_first(plan, start_again_steps(state.snapshot));
    settle_damaged(state, plan);
    return plan;
  }

  Plan operator()(const Undo&) const {
    Plan plan = make_undo_plan(state.snapshot, state.baseline, state.applied, state.pve ? &*state.pve : nullptr);
    put_first(plan, end_of_release(state, "nothing is assigned any more that could be lent"));
    for (const auto& forget : {forget_rung_steps(state.climbed), forget_health_steps(state.health)})
      plan.steps.insert(plan.steps.end(), forget.begin(), forget.end());
    settle_damaged(state, plan);
    if (state.baseline_lost)
      plan.findings.push_back(
          {"baseline-lost", Severity::warning, "/" + std::string(names::baseline_file),
           "the record of how the host was before hostsplit was lost; what is recognised as hostsplit's is taken away, "
           "and functions return to the driver the kernel chooses",
           ""});
    if (!state.baseline.empty() && is_put_back(state, plan))
      plan.steps.push_back(forget_step(names::baseline_file, "everything is as it was before hostsplit"));
    return plan;
  }

  Plan operator()(const Transfer& transfer) const { return transfer_plan(state, transfer); }

  Plan operator()(const Repair& repair) const {
    if (!state.applied) return {};
    Plan due = make_repair_plan(state.snapshot, *state.applied, state.with_host());
    std::erase_if(due.steps, [&](const Step& step) {
      return std::find(repair.steps.begin(), repair.steps.end(), step.id) == repair.steps.end();
    });
    due.findings.clear();  // about steps that are left out: the service reports them
    return due;
  }

  Plan operator()(const EarlyBoot&) const {
    Plan plan;
    if (!state.applied) return plan;
    plan.target = *state.applied;
    plan.steps = boot_page_steps(state.snapshot, *state.applied);
    put_first(plan, binds_before_xhci(state));
    return plan;
  }

  Plan operator()(const StepAside&) const { return make_step_aside_plan(state.snapshot, state.baseline); }
};

struct Verb {
  const char* operator()(const Apply&) const { return "apply"; }
  const char* operator()(const Undo&) const { return "undo"; }
  const char* operator()(const Transfer& t) const { return t.to == Transfer::To::vm ? "take" : "release"; }
  const char* operator()(const Repair&) const { return "repair"; }
  const char* operator()(const EarlyBoot&) const { return "boot"; }
  const char* operator()(const StepAside&) const { return "step-aside"; }
  const char* operator()(const Setup&) const { return "setup"; }
};

Request transfer(Transfer::To to, const std::string& verb, const std::vector<std::string>& targets) {
  if (targets.empty())
    throw Error("run", verb, "no ports or controllers are given", "Name labels of ports or PCI addresses.",
                Error::Kind::bad_input);
  return Transfer{to, targets};
}

}  // namespace

const char* verb_of(const Request& request) {
  return std::visit(Verb{}, request);
}

std::vector<std::string> words_of(const Request& request) {
  if (const auto* transfer = std::get_if<Transfer>(&request)) return transfer->targets;
  if (const auto* repair = std::get_if<Repair>(&request)) return repair->steps;
  if (const auto* setup = std::get_if<Setup>(&request)) return {setup->config};
  return {};
}

Request make_request(const std::string& verb, const std::vector<std::string>& words) {
  if (verb == "apply") return Apply{};
  if (verb == "undo") return Undo{};
  if (verb == "take") return transfer(Transfer::To::vm, verb, words);
  if (verb == "release") return transfer(Transfer::To::host, verb, words);
  if (verb == "repair") return Repair{words};
  if (verb == "setup" && words.size() == 1) return Setup{words.front()};
  throw Error("run", verb, "it is not a valid request", "", Error::Kind::bad_input);
}

State observe_for(const Root& root, const Request& request) {
  if (std::holds_alternative<Setup>(request)) return observe_for_setup(root);
  if (std::holds_alternative<Undo>(request)) return observe_for_undo(root);
  const bool depends_on_wishes = std::holds_alternative<Apply>(request) || std::holds_alternative<Transfer>(request);
  return depends_on_wishes ? observe(root) : observe_applied(root);
}

Plan plan_for(const State& state, const Request& request) {
  return std::visit(PlanFor{state}, request);
}

std::optional<Finding> misfit(const Config& config, const Snapshot& snapshot) try {
  check_against_machine(config, snapshot);
  return std::nullopt;
} catch (const Error& error) {
  return Finding{"config-does-not-fit", Severity::error, error.object(), error.reason(), error.remedy()};
}

Plan plan_or_misfit(const State& state) {
  auto against = state.config ? misfit(*state.config, state.snapshot) : std::nullopt;
  if (!against) return plan_for(state, Apply{});
  Plan nothing;
  nothing.target = state.applied.value_or(BootPlan{});
  nothing.findings.push_back(std::move(*against));
  return nothing;
}

}  // namespace hostsplit
