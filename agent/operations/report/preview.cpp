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

Preview preview(const State& state, const Request& request, const Paint& paint) {
  const Plan planned = plan_for(state, request);
  return {plan_text(planned, paint), plan_json(planned), plan_token(planned), planned.steps.size(),
          has_errors(planned.findings)};
}

}  // namespace hostsplit
