#pragma once
#include <nlohmann/json.hpp>
#include <optional>

#include "core/memory/page_source.hpp"

namespace hostsplit {

/// Where huge pages come from, as `plan` and `doctor` tell programs; null when none are wanted.
inline nlohmann::ordered_json pages_json(const std::optional<PageRecipe>& recipe) {
  if (!recipe) return nullptr;
  return {{"source", to_string(recipe->source)},
          {"reason", recipe->reason},
          {"words", recipe->words},
          {"pending", recipe->pending},
          {"needs_keephugepages", recipe->needs_keep_hugepages}};
}

}  // namespace hostsplit
