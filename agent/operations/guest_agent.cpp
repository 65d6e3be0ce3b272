#include "operations/guest_agent.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/base/error.hpp"
#include "core/base/printable.hpp"

namespace hostsplit {
namespace {

using std::chrono::milliseconds;
using Json = nlohmann::json;

/// Proxmox VE gives an agent some seconds itself before it says that there is none.
constexpr milliseconds short_deadline{15000};
/// How long a list may take inside of the guest: PowerShell alone needs seconds to start.
constexpr int listing_seconds = 20;
constexpr milliseconds listing_deadline{(listing_seconds + 10) * 1000};

Json parsed(const std::string& text) {
  return Json::parse(valid_utf8(text), nullptr, false);
}

/// Where Proxmox VE took the bytes of a guest for characters, U+0000 to U+00FF, and encoded them once more: the bytes.
std::string as_sent(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      bytes += text[i];
    } else if ((byte == 0xc2 || byte == 0xc3) && i + 1 < text.size()) {
      bytes += static_cast<char>((byte & 0x03) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
    } else {
      return text;  // characters beyond: it was not encoded twice
    }
  }
  return valid_utf8(bytes) == bytes ? bytes : text;
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? as_sent(found->get<std::string>()) : std::string();
}

/// Proxmox VE makes 1 and 0 of the agent's true and false.
bool is_true(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && (found->is_boolean() ? found->get<bool>() : *found == 1);
}

/// \return what the command has written, or empty and why not: it did not end in time, or failed.
std::optional<std::string> output_of(const std::string& answer, std::string& why_not) {
  const Json result = parsed(answer);
  if (!result.is_object()) {
    why_not = "what Proxmox VE answered is not JSON";
  } else if (!is_true(result, "exited")) {
    why_not = fmt::format("the command in the guest has not ended within {} s", listing_seconds);
  } else if (const auto code = result.find("exitcode"); code == result.end() || *code != 0) {
    why_not = fmt::format("the command in the guest failed: {}",
                          first_printable_line(text_of(result, "err-data") + text_of(result, "out-data")));
  } else {
    return text_of(result, "out-data");
  }
  return {};
}

}  // namespace

std::optional<std::string> GuestAgent::qm(const std::vector<std::string>& words, milliseconds deadline) {
  std::vector<std::string> command{"qm"};
  command.insert(command.end(), words.begin(), words.end());
  why_not_.clear();
  try {
    const auto answer = ask_(command, deadline);
    if (answer.exit_code == 0) return answer.out;
    why_not_ = first_printable_line(answer.err);
    if (why_not_.empty()) why_not_ = fmt::format("qm exited with {}", answer.exit_code);
  } catch (const Error& error) {
    why_not_ = error.reason();
  }
  return {};
}

bool GuestAgent::answers() {
  if (!qm({"agent", std::to_string(vm_), "ping"}, short_deadline)) return false;
  // Agents before 2.10 do not say in what they run.
  const auto system = qm({"agent", std::to_string(vm_), "get-osinfo"}, short_deadline);
  const Json info = system ? parsed(*system) : Json();
  if (info.is_object() && text_of(info, "id") == "mswindows") system_ = GuestSystem::windows;
  return true;
}

std::optional<std::vector<SeenDevice>> GuestAgent::usb_devices() {
  std::vector<std::string> words{"guest", "exec", std::to_string(vm_), "--timeout", std::to_string(listing_seconds),
                                 "--"};
  for (auto& word : listing_command(system_)) words.push_back(std::move(word));
  const auto answer = qm(words, listing_deadline);
  const auto text = answer ? output_of(*answer, why_not_) : std::nullopt;
  auto devices = text ? parse_listing(system_, *text) : std::nullopt;
  if (text && !devices) why_not_ = "its list of USB devices is not whole";
  return devices;
}

}  // namespace hostsplit
