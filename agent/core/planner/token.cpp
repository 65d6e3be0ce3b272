#include "core/planner/token.hpp"

#include "core/base/text.hpp"

namespace hostsplit {

std::string plan_token(const Plan& plan) {
  std::vector<std::string> texts;
  for (const auto& step : plan.steps) {
    Description description = describe(step.action);
    texts.insert(texts.end(), {step.id, description.kind, std::move(description.sentence), step.reason});
    for (const auto& field : description.fields) texts.push_back(to_text(field.value));
    for (auto& content : description.content) texts.push_back(std::move(content));
  }
  return stamp_of({texts.begin(), texts.end()});
}

}  // namespace hostsplit
