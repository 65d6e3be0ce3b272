#include "service/work/protocol.hpp"

#include <nlohmann/json.hpp>

#include "core/base/error.hpp"

namespace hostsplit {
namespace {

using Json = nlohmann::json;
using Kind = StepResult::Kind;

/// Texts may quote device names, which are any bytes.
std::string packet(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Kind parse_kind(const std::string& text) {
  for (const auto kind : {Kind::done, Kind::failed, Kind::skipped})
    if (text == to_text(kind)) return kind;
  throw Error("understand", "a packet about work", "no step ends as \"" + text + "\"");
}

WorkProgress parse_progress(const Json& json) {
  WorkProgress progress{json.at("number"), json.at("total"), json.at("step"), json.at("sentence"), {},
                        json.at("detail")};
  if (const auto& ended = json.at("ended"); !ended.is_null()) progress.ended = parse_kind(ended);
  return progress;
}

WorkResult parse_result(const Json& json) {
  WorkResult result{json.at("ok"),       json.at("error"),     json.at("bad_input"), {},
                    json.at("document"), json.at("lost_audit")};
  for (const auto& step : json.at("steps"))
    result.outcome.results.push_back({step.at("id"), parse_kind(step.at("result")), step.at("detail")});
  return result;
}

/// \throws Error instead of whatever the JSON library throws.
template <class Parse>
auto parsed(std::string_view text, Parse parse) {
  try {
    return parse(Json::parse(text));
  } catch (const Json::exception& error) {
    throw Error("understand", "a packet about work", error.what());
  }
}

}  // namespace

const char* to_text(Kind kind) {
  return kind == Kind::done ? "done" : kind == Kind::failed ? "failed" : "skipped";
}

std::string to_packet(const WorkRequest& request) {
  return packet({{"verb", verb_of(request.request)}, {"words", words_of(request.request)}, {"token", request.token}});
}

std::string to_packet(const WorkCancel&) {
  return packet({{"verb", "cancel"}});
}

std::string to_packet(const WorkProgress& progress) {
  return packet({{"number", progress.number},
                 {"total", progress.total},
                 {"step", progress.step},
                 {"sentence", progress.sentence},
                 {"ended", progress.ended ? Json(to_text(*progress.ended)) : Json(nullptr)},
                 {"detail", progress.detail}});
}

std::string to_packet(const WorkResult& result) {
  Json steps = Json::array();
  for (const auto& step : result.outcome.results)
    steps.push_back({{"id", step.id}, {"result", to_text(step.kind)}, {"detail", step.detail}});
  return packet({{"ok", result.ok},
                 {"error", result.error},
                 {"bad_input", result.bad_input},
                 {"steps", std::move(steps)},
                 {"document", result.document},
                 {"lost_audit", result.lost_audit}});
}

std::string to_packet(const Preview& preview) {
  return packet({{"text", preview.text},
                 {"json", preview.json},
                 {"token", preview.token},
                 {"steps", preview.steps},
                 {"refused", preview.refused}});
}

Preview parse_preview(std::string_view text) {
  return parsed(text, [](const Json& json) -> Preview {
    return {json.at("text"), json.at("json"), json.at("token"), json.at("steps"), json.at("refused")};
  });
}

std::variant<WorkRequest, WorkCancel> parse_to_worker(std::string_view text) {
  using Message = std::variant<WorkRequest, WorkCancel>;
  return parsed(text, [](const Json& json) -> Message {
    const std::string verb = json.at("verb");
    if (verb == "cancel") return WorkCancel{};
    return WorkRequest{make_request(verb, json.at("words")), json.at("token")};
  });
}

std::variant<WorkProgress, WorkResult> parse_from_worker(std::string_view text) {
  using Message = std::variant<WorkProgress, WorkResult>;
  return parsed(text, [](const Json& json) -> Message {
    if (json.contains("ok")) return parse_result(json);
    return parse_progress(json);
  });
}

}  // namespace hostsplit
