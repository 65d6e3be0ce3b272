#include "operations/report/preview.hpp"

#include <nlohmann/json.hpp>

#include "core/planner/token.hpp"
#include "operations/report/report.hpp"

namespace hostsplit {

std::string nothing_done(const Preview& preview) {
  nlohmann::ordered_json document{{"version", 1}, {"ok", true}, {"results", nlohmann::ordered_json::array()}};
  document["findings"] = nlohmann::ordered_json::parse(preview.json).at("findings");
  return document.dump(2) + "\n";
}

namespace {

/// Where /etc/pve was not read, what would be set there is not in the plan: nobody is to agree to what is not shown.
bool hides_steps(const State& state, const Request& request) {
  if (state.pve) return false;
  if (std::holds_alternative<Undo>(request)) return !state.baseline.pve_keys.empty() || state.baseline_lost;
  return std::holds_alternative<Setup>(request) ||
         (std::holds_alternative<Apply>(request) && state.config && state.config->guests == GuestPolicy::set);
}

}  // namespace

Preview preview(const State& state, const Request& request, const Paint& paint) {
  Plan planned = plan_for(state, request);
  if (hides_steps(state, request))
    planned.findings.push_back({"vms-not-shown", Severity::error, "VMs",
                                "it sets VMs in Proxmox VE too, and only root can be shown how",
                                std::string("Run: sudo hostsplit ") + verb_of(request)});
  return {plan_text(planned, paint, std::string("hostsplit ") + verb_of(request) + " --dry-run"), plan_json(planned),
          plan_token(planned), planned.steps.size(), has_errors(planned.findings)};
}

}  // namespace hostsplit
