#include "core/recording/identifiers.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hostsplit {
namespace {

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) > 127;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// A run of hex digits of exactly this length at `at`.
bool hex_run(std::string_view text, std::size_t at, std::size_t length) {
  if (at + length > text.size()) return false;
  if (!std::all_of(text.begin() + at, text.begin() + at + length, is_hex)) return false;
  return at + length == text.size() || !is_hex(text[at + length]);
}

/// Length of a UUID at `at`; 0 for none.
std::size_t uuid_length(std::string_view text, std::size_t at) {
  std::size_t end = at;
  for (const std::size_t length : {8, 4, 4, 4, 12}) {
    if (end != at && (end >= text.size() || text[end++] != '-')) return 0;
    if (!hex_run(text, end, length)) return 0;
    end += length;
  }
  return end < text.size() && is_word(text[end]) ? 0 : end - at;
}

/// Length of a hardware address at `at`: six or more pairs of hex digits; 0 for none.
std::size_t mac_length(std::string_view text, std::size_t at) {
  for (const char separator : {':', '-'}) {
    std::size_t end = at, pairs = 0;
    while (hex_run(text, end, 2)) {
      ++pairs;
      end += 2;
      if (end >= text.size() || text[end] != separator) break;
      ++end;
    }
    if (pairs == 0 || pairs < 6 || text[end - 1] == separator) continue;
    if (end == text.size() || !is_word(text[end])) return end - at;
  }
  return 0;
}

std::string formed(const std::string& form, std::size_t number) {
  if (form == "uuid") return fmt::format("00000000-0000-4000-8000-{:012x}", number);
  if (form == "mac") return fmt::format("02:00:00:00:{:02x}:{:02x}", number >> 8 & 0xff, number & 0xff);
  if (form == "interface mac") return fmt::format("02000000{:04x}", number & 0xffff);
  if (form == "iqn") return fmt::format("iqn.2000-01.org.example:{}", number);
  if (form == "mail") return fmt::format("user{}@example.org", number);
  return fmt::format("{}{}", form, number);
}

const char* form_of(Identifiers::Kind kind) {
  switch (kind) {
    case Identifiers::Kind::host: return "host";
    case Identifiers::Kind::guest: return "guest";
    case Identifiers::Kind::serial: return "serial";
    case Identifiers::Kind::id: return "id";
  }
  return "id";
}

}  // namespace

std::string Identifiers::numbered(Kind kind, const std::string& value) {
  auto& replacement = values_[value];
  if (replacement.empty()) {
    const std::string form = form_of(kind);
    replacement = formed(form, ++counts_[form]);
  }
  return replacement;
}

/// A value that has a form of its own gets what it would get in any text.
std::string Identifiers::of_form(Kind kind, const std::string& value) {
  std::size_t at = 0;
  std::string result;
  return take_formed(value, at, result) && at == value.size() ? result : numbered(kind, value);
}

std::string Identifiers::replaced(Kind kind, const std::string& value) {
  return value.empty() ? value : of_form(kind, value);
}

void Identifiers::add(Kind kind, const std::string& value) {
  if (values_.count(value)) return;
  const auto replacement = numbered(kind, value);
  // Device mapper writes "-" inside of names as "--".
  std::string doubled;
  for (const char c : value) doubled += c == '-' ? "--" : std::string(1, c);
  values_[doubled] = replacement;
  for (const auto& each : {value, doubled}) {
    auto& same = known_[each.front()];
    if (std::find(same.begin(), same.end(), each) == same.end()) same.push_back(each);
    std::stable_sort(same.begin(), same.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }
}

bool Identifiers::take_known(std::string_view text, std::size_t& at, std::string& result) const {
  const auto candidates = known_.find(text[at]);
  if (candidates == known_.end()) return false;
  for (const auto& value : candidates->second) {
    const auto end = at + value.size();
    if (text.substr(at, value.size()) != value || (end < text.size() && is_word(text[end]) && is_word(value.back())))
      continue;
    result += values_.at(value);
    at = end;
    return true;
  }
  return false;
}

bool Identifiers::take_prefixed(std::string_view text, std::size_t& at, std::string& result) {
  for (const std::string_view prefix : {"by-id/", "by-uuid/", "by-partuuid/", "by-label/", "by-partlabel/",
                                        "UUID=", "PARTUUID=", "LABEL=", "PARTLABEL=", "ID="}) {
    if (text.substr(at, prefix.size()) != prefix) continue;
    if (prefix.ends_with('=') && at > 0 && text[at - 1] == '_') continue;
    const auto begin = at + prefix.size();
    const auto stop = std::min(text.find_first_of(" \t\n\"',;:/)", begin), text.size());
    auto value = text.substr(begin, stop - begin);
    const auto part = value.rfind("-part");
    const bool partition = prefix == "by-id/" && part != std::string_view::npos && part + 5 < value.size() &&
                           std::all_of(value.begin() + part + 5, value.end(), is_digit);
    const auto rest = partition ? value.substr(part) : std::string_view();
    value.remove_suffix(rest.size());
    if (value.empty()) return false;
    result += std::string(prefix) + of_form(Kind::id, std::string(value)) + std::string(rest);
    at = stop;
    return true;
  }
  return false;
}

bool Identifiers::take_formed(std::string_view text, std::size_t& at, std::string& result) {
  std::string form;
  std::size_t length = uuid_length(text, at), shown = 0;
  if (length != 0) form = "uuid";
  if (length == 0 && (length = mac_length(text, at)) != 0) form = "mac";
  if (length == 0 && hex_run(text, at, 32) && (at + 32 == text.size() || !is_word(text[at + 32]))) {
    form = "id";
    length = 32;
  }
  for (const std::string_view name : {"enx", "wlx", "wwx"})
    if (length == 0 && text.substr(at, 3) == name && hex_run(text, at + 3, 12)) {
      form = "interface mac";
      length = 15;
      shown = 3;
    }
  if (length == 0 && text.substr(at, 4) == "iqn.") {
    form = "iqn";
    length = std::min(text.find_first_of(" \t\n\"',;", at), text.size()) - at;
  }
  if (length == 0) return false;
  const std::string value(text.substr(at, length));
  // The same for all: what it is for is that nobody's is in it.
  if (value.find_first_not_of("0:-") == std::string::npos) return false;
  auto& replacement = values_[value];
  if (replacement.empty()) replacement = value.substr(0, shown) + formed(form, ++counts_[form]);
  result += replacement;
  at += length;
  return true;
}

bool Identifiers::take_mail(std::string_view text, std::size_t& at, std::string& result) {
  const auto is_local = [](char c) {
    return is_word(c) || std::string_view("._%+-").find(c) != std::string_view::npos;
  };
  const auto is_domain = [](char c) { return is_word(c) || c == '.' || c == '-'; };
  std::size_t end = at;
  while (end < text.size() && is_local(text[end])) ++end;
  if (end == at || end >= text.size() || text[end] != '@') return false;
  std::size_t stop = end + 1;
  while (stop < text.size() && is_domain(text[stop])) ++stop;
  const std::string domain(text.substr(end + 1, stop - end - 1));
  const auto dot = domain.rfind('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == domain.size() || is_digit(domain[dot + 1])) return false;
  const std::string value(text.substr(at, stop - at));
  auto& replacement = values_[value];
  if (replacement.empty()) replacement = formed("mail", ++counts_["mail"]);
  if (const auto host = values_.find(domain); host != values_.end())
    result += "user@" + host->second;  // a server, which is looked up by its name
  else
    result += replacement;
  at = stop;
  return true;
}

std::string Identifiers::in_text(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const bool begins = at == 0 || !is_word(text[at - 1]) || !is_word(text[at]);
    if (begins && (take_prefixed(text, at, result) || take_mail(text, at, result) || take_formed(text, at, result) ||
                   take_known(text, at, result)))
      continue;
    result += text[at++];
  }
  return result;
}

}  // namespace hostsplit
