#include "formats/toml/fingerprint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace hostsplit {

std::string fingerprint_lines(const Fingerprint& fingerprint) {
  const PciIds& ids = fingerprint.ids;
  return fmt::format("root = {}\nchain = \"{}\"\nids = \"{}\"\nsubsystem = \"{}\"\nclass = \"{}\"\n",
                     toml_quoted(fingerprint.root), to_string(fingerprint.chain), id_pair(ids.vendor, ids.device),
                     id_pair(ids.subsystem_vendor, ids.subsystem_device), class_text(fingerprint.pci_class));
}

std::vector<std::string> fingerprint_keys() {
  return {"root", "chain", "ids", "subsystem", "class"};
}

namespace {

std::pair<std::uint16_t, std::uint16_t> read_id_pair(const TomlReader& table, const char* key) {
  const std::string text = table.required_text(key, "1022:148c");
  const auto pair = parse_id_pair(text);
  if (!pair) table.complain(key, "\"" + text + "\" is not a pair of ids", "Write for example \"1022:148c\".");
  return *pair;
}

std::uint32_t read_class(const TomlReader& table) {
  const std::string text = table.required_text("class", "0x0c0330");
  const auto value = parse_class(text);
  if (!value)
    table.complain("class", "\"" + text + "\" is not a PCI class", "Write six hexadecimal digits: \"0x0c0330\".");
  return *value;
}

/// One word: it becomes one of the boot plan too, which a shell reads.
std::string read_root(const TomlReader& table) {
  std::string root = table.required_text("root", "pci0000:00");
  const bool word = std::all_of(root.begin(), root.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
  if (root.empty() || !word)
    table.complain("root", "\"" + root + "\" is not the name of a root bridge",
                   "Write one word, for example \"\\\\_SB_.PCI0\" or \"pci0000:00\".");
  return root;
}

}  // namespace

Fingerprint read_fingerprint(const TomlReader& table) {
  Fingerprint fingerprint;
  fingerprint.root = read_root(table);
  const std::string chain = table.required_text("chain", "08.1/00.3");
  const auto hops = parse_chain(chain);
  if (!hops)
    table.complain("chain", "\"" + chain + "\" is not a chain", "Write device.function of each hop: \"08.1/00.3\".");
  fingerprint.chain = *hops;
  std::tie(fingerprint.ids.vendor, fingerprint.ids.device) = read_id_pair(table, "ids");
  std::tie(fingerprint.ids.subsystem_vendor, fingerprint.ids.subsystem_device) = read_id_pair(table, "subsystem");
  fingerprint.pci_class = read_class(table);
  return fingerprint;
}

std::optional<PciAddress> read_address(const TomlReader& table, const char* key) {
  const auto text = table.text(key);
  if (!text) return std::nullopt;
  const auto address = parse_pci_address(*text);
  if (!address) table.complain(key, "\"" + *text + "\" is not a PCI address", "Write for example \"0000:03:00.3\".");
  return address;
}

}  // namespace hostsplit
