#include "host/inventory/tokens.hpp"

#include <algorithm>
#include <set>

#include "core/base/text.hpp"
#include "core/usb/keyboards.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {

bool reports_fido(const Root& root, const std::string& interface) {
  const auto children = root.list(interface);
  return std::any_of(children.begin(), children.end(), [&](const std::string& child) {
    return is_fido_descriptor(root.read(interface + "/" + child + "/report_descriptor", 4096).value_or(""));
  });
}

bool reads_cards(const Root& root, const std::string& interface) {
  return root.read(interface + "/bInterfaceClass", 8) == "0b";
}

namespace {

bool named_for_cards(const UsbDevice& device) {
  const auto name = lowered(device.manufacturer + " " + device.product_name);
  for (const auto* word : {"smartcard", "smart card", "card reader", "cardreader", "ccid", "openpgp", "gnuk", "hsm"})
    if (name.find(word) != std::string::npos) return true;
  return false;
}

bool may_be(const Root& root, const UsbDevice& device, Token token) {
  if (device.hub) return false;
  if (is_security_key({device.vendor, device.product, device.product_name})) return true;
  if (token == Token::smart_card && named_for_cards(device)) return true;
  const std::string directory = "sys/bus/usb/devices/" + device.name;
  const auto entries = root.list(directory);
  return std::any_of(entries.begin(), entries.end(), [&](const std::string& entry) {
    if (!entry.starts_with(device.name + ":")) return false;
    const auto interface = directory + "/" + entry;
    return token == Token::smart_card ? reads_cards(root, interface) : reports_fido(root, interface);
  });
}

}  // namespace

std::vector<PciAddress> token_controllers(const Root& root, const Snapshot& snapshot, Token token) {
  std::set<PciAddress> found;
  for (const auto& device : snapshot.devices)
    if (may_be(root, device, token)) found.insert(device.controller);
  return {found.begin(), found.end()};
}

}  // namespace hostsplit::inventory_parts
