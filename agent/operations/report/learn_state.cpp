#include "operations/report/learn_state.hpp"

#include <nlohmann/json.hpp>

#include "core/base/printable.hpp"
#include "core/usb/learn.hpp"

namespace hostsplit {
namespace {

using Json = nlohmann::ordered_json;
using Ask = LearnQuestion::Kind;

constexpr std::size_t most_for_phone = 4;

Json place_json(const UsbDevice& device) {
  return {{"half", device.half == UsbHalf::usb2 ? "USB2" : "USB3"},
          {"port", device.path},
          {"controller", to_string(device.controller)},
          {"device", printable(in_words(device))}};
}

Json question_json(const LearnQuestion& question) {
  return {{"number", question.number},
          {"kind", question.kind == Ask::name ? "name" : "other_half"},
          {"place", place_json(question.device)},
          {"label", question.label},
          {"proposal", question.proposal}};
}

const char* word_for(LearnDialogue::Tone tone) {
  switch (tone) {
    case LearnDialogue::Tone::good: return "good";
    case LearnDialogue::Tone::bad: return "bad";
    case LearnDialogue::Tone::hint: return "hint";
    case LearnDialogue::Tone::plain: break;
  }
  return "plain";
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string learn_state(const LearnDialogue& dialogue) {
  const auto& question = dialogue.question();
  const bool asked = question && question->about_socket();
  Json messages = Json::array();
  const auto& all = dialogue.messages();
  for (std::size_t i = all.size() > most_for_phone ? all.size() - most_for_phone : 0; i < all.size(); ++i)
    messages.push_back({{"tone", word_for(all[i].tone)}, {"text", valid_utf8(all[i].text)}});
  return text_of({{"question", asked ? question_json(*question) : Json()},
                  {"elsewhere", question && !asked},
                  {"lit", dialogue.lit() ? place_json(*dialogue.lit()) : Json()},
                  {"waiting", dialogue.waiting()},
                  {"named", dialogue.scene().map.ports.size()},
                  {"sockets", dialogue.scene().ports.size()},
                  {"messages", messages}});
}

std::string answer_state(bool taken, const std::string& sentence) {
  return text_of({{"taken", taken}, {"sentence", valid_utf8(sentence)}});
}

}  // namespace hostsplit
