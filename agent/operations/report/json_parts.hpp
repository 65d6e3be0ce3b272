#pragma once
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/finding.hpp"
#include "core/memory/page_source.hpp"

namespace hostsplit {

/// Where huge pages come from, as `plan` and `doctor` report it; null when none are wanted.
inline nlohmann::ordered_json pages_json(const std::optional<PageRecipe>& recipe) {
  if (!recipe) return nullptr;
  return {{"source", to_string(recipe->source)},
          {"reason", recipe->reason},
          {"words", recipe->words},
          {"pending", recipe->pending},
          {"needs_keephugepages", recipe->needs_keep_hugepages}};
}

/// The same list in every document; a remedy that is not there is null.
inline nlohmann::ordered_json findings_json(const std::vector<Finding>& findings) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& finding : findings)
    list.push_back(
        {{"code", finding.code},
         {"severity", to_string(finding.severity)},
         {"subject", finding.subject},
         {"message", finding.message},
         {"remedy", finding.remedy.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(finding.remedy)}});
  return list;
}

/// The document as it is printed. Device names come from the devices themselves: bytes that are not UTF-8 must not make
/// it invalid.
inline std::string printed(const nlohmann::ordered_json& document) {
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace hostsplit
