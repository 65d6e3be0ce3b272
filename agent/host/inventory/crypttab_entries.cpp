#include "host/inventory/crypttab_entries.hpp"

#include <algorithm>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/mounts.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {
namespace {

/// Key scripts of Debian's cryptsetup and what they need (/usr/share/doc/cryptsetup-initramfs/README.*).
struct KeyScript {
  std::string_view name;
  bool asks;   ///< for a passphrase or PIN on the console
  bool card;   ///< needs a smart card in its reader
  bool reads;  ///< the third field is a file or device it reads; else a prompt, an id of a cache, or a mapping
};
constexpr KeyScript key_scripts[] = {
    {"askpass", true, false, false},          {"ask-password", true, false, false},
    {"cryptgetpw", true, false, false},       {"decrypt_keyctl", true, false, false},
    {"decrypt_gnupg", true, false, true},     {"decrypt_ssl", true, false, true},
    {"decrypt_gnupg-sc", true, true, true},   {"decrypt_opensc", true, true, true},
    {"decrypt_derived", false, false, false}, {"passdev", false, false, true},
};

const KeyScript* key_script(std::string_view name) {
  const auto* found = std::find_if(std::begin(key_scripts), std::end(key_scripts),
                                   [&](const KeyScript& each) { return each.name == name; });
  return found == std::end(key_scripts) ? nullptr : found;
}

/// "UUID=rest" taken apart; the first is empty where there is no UUID.
std::pair<std::string, std::string> with_uuid(const std::string& value) {
  const auto sign = value.find('=');
  const bool uuid =
      sign != std::string::npos && sign >= 32 && value.find_first_not_of("0123456789abcdefABCDEF-") == sign;
  return uuid ? std::pair{value.substr(0, sign), value.substr(sign + 1)} : std::pair{std::string(), value};
}

/// rd.luks.key=[UUID=]FILE[:DEVICE], rd.luks.options=[UUID=]OPTIONS, and cryptkey= of other makers of images.
void read_kernel_parameters(const Root& root, std::vector<CrypttabEntry>& entries) {
  const auto parameters = root.read("proc/cmdline").value_or("");
  for (const auto word : words_of(parameters))
    for (const std::string_view prefix :
         {"rd.luks.key=", "luks.key=", "cryptkey=", "rd.luks.options=", "luks.options="}) {
      if (!word.starts_with(prefix)) continue;
      std::string value(word.substr(prefix.size()));
      std::erase(value, '"');
      CrypttabEntry entry{std::string(prefix.substr(0, prefix.size() - 1)), {}, "none", {}, true, {}};
      auto [uuid, rest] = with_uuid(value);
      if (!uuid.empty()) entry.name_of_mapping = "luks-" + uuid;
      if (prefix.ends_with("options=")) {
        entry.options = rest;
      } else {
        // Whatever is in front of the path is the name of a disk.
        const auto file = rest.find("=/");
        entry.key = uuid.empty() && file != std::string::npos ? rest.substr(file + 1) : rest;
      }
      entries.push_back(std::move(entry));
    }
}

}  // namespace

bool CrypttabEntry::option(std::string_view word) const {
  const auto all = split(options, ',');
  return std::find(all.begin(), all.end(), word) != all.end();
}

std::string CrypttabEntry::value(std::string_view begins) const {
  for (const auto part : split(options, ','))
    if (part.starts_with(begins)) return std::string(part.substr(begins.size()));
  return {};
}

std::string CrypttabEntry::script() const {
  return std::string(last_component(value("keyscript=")));
}

bool CrypttabEntry::typed(bool by_systemd) const {
  if (pkcs11() || security_key() || own_script()) return true;
  if (const auto* known = key_script(script())) return known->asks;
  const auto pin = value("tpm2-pin=");
  const bool asks_pin = pin == "yes" || pin == "true" || pin == "1" || pin == "on";
  return (key.empty() || key == "none" || key == "-") && (value("tpm2-device=").empty() || asks_pin || !by_systemd);
}

bool CrypttabEntry::pkcs11() const {
  return !value("pkcs11-uri=").empty();
}

bool CrypttabEntry::security_key() const {
  return !value("fido2-device=").empty() || script().find("yk") != std::string::npos;
}

bool CrypttabEntry::card() const {
  const auto* known = key_script(script());
  return known && known->card;
}

bool CrypttabEntry::derived() const {
  return script() == "decrypt_derived";
}

bool CrypttabEntry::names_file() const {
  const auto* known = key_script(script());
  return !known || known->reads;
}

bool CrypttabEntry::own_script() const {
  const auto file = script();
  return !file.empty() && !key_script(file) && !pkcs11() && !security_key() && file.find("tpm") == std::string::npos;
}

std::vector<CrypttabEntry> read_crypttab(const Root& root) {
  std::vector<CrypttabEntry> entries;
  const auto text = root.read("etc/crypttab").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() < 2 || fields[0].starts_with('#')) continue;
    entries.push_back({unescape(fields[0]),
                       unescape(fields[1]),
                       fields.size() > 2 ? unescape(fields[2]) : "none",
                       fields.size() > 3 ? unescape(fields[3]) : "",
                       false,
                       {}});
  }
  read_kernel_parameters(root, entries);
  return entries;
}

std::string device_in(const std::string& key) {
  std::string_view text = key;
  if (device_named(text).empty()) {
    if (text.find(':') == std::string_view::npos) return {};
    text.remove_prefix(text.find(':') + 1);
  }
  text = text.substr(0, text.find(":/"));
  // udev's names of buses have colons in them: "/dev/disk/by-id/usb-Stick_4C53-0:0-part1". What is behind those of
  // other paths is an offset or the type of a file system (cryptkey=).
  if (text.starts_with("/dev/disk/by-") || text.starts_with("ID=")) {
    const auto last = text.rfind(':');
    const bool type = last != std::string_view::npos && last + 1 < text.size() && text[last + 1] >= 'a';
    if (type) text = text.substr(0, last);
  } else {
    text = text.substr(0, text.find(':'));
  }
  const auto device = device_named(text);
  return device == "/dev/urandom" || device == "/dev/random" ? std::string() : device;
}

}  // namespace hostsplit::inventory_parts
