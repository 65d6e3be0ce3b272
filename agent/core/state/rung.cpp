#include "core/state/rung.hpp"

#include <array>

namespace hostsplit {

const char* to_string(Rung rung) {
  constexpr std::array names{"runtime", "boot", "ids", "blacklist"};
  return names.at(static_cast<std::size_t>(rung));
}

std::string to_text(const RungRecord& record) {
  return std::string("rung=") + to_string(record.rung) + " why=" + record.why + "\n";
}

std::optional<RungRecord> parse_rung(std::string_view text) {
  constexpr std::string_view rung_key = "rung=", why_key = " why=";
  const auto why = text.find(why_key);
  if (!text.starts_with(rung_key) || why == std::string_view::npos || !text.ends_with('\n')) return std::nullopt;
  const auto name = text.substr(rung_key.size(), why - rung_key.size());
  const auto begin = why + why_key.size();
  const auto reason = text.substr(begin, text.size() - begin - 1);
  if (reason.find('\n') != std::string_view::npos) return std::nullopt;
  for (const Rung rung : {Rung::ids, Rung::blacklist})
    if (name == to_string(rung)) return RungRecord{rung, std::string(reason)};
  return std::nullopt;
}

}  // namespace hostsplit
