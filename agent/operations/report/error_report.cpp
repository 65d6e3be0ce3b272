#include "operations/report/error_report.hpp"

#include <nlohmann/json.hpp>

#include "operations/report/json_parts.hpp"

namespace hostsplit {

std::string error_json(const Error& error, const char* kind) {
  using Json = nlohmann::ordered_json;
  const auto or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  const Error::Place& place = error.place();
  const char* const said = error.kind() == Error::Kind::bad_input ? "bad-input" : "failed";
  return printed({{"version", 1},
                  {"error",
                   {{"kind", kind ? kind : said},
                    {"message", error.what()},
                    {"doing", or_null(error.doing())},
                    {"object", or_null(error.object())},
                    {"reason", or_null(error.reason())},
                    {"remedy", or_null(error.remedy())},
                    {"file", or_null(place.file)},
                    {"line", place.line == 0 ? Json(nullptr) : Json(place.line)},
                    {"key", or_null(place.key)}}}});
}

}  // namespace hostsplit
