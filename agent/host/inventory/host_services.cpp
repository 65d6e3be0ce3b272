#include <algorithm>
#include <set>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/dependents.hpp"
#include "host/inventory/parts.hpp"
#include "host/inventory/tokens.hpp"

/// What services of the host do with USB devices, as their settings or the kernel say; no open file shows it.
namespace hostsplit {
namespace {

using namespace inventory_parts;

/// Makers of uninterruptible power supplies with USB (NUT, drivers/*_usb.c, and usb.ids).
bool is_ups(const UsbDevice& device) {
  constexpr std::uint16_t makers[] = {0x0463, 0x051d, 0x0764, 0x06da, 0x09ae, 0x10af,
                                      0x0d9f, 0x0592, 0x05b8, 0x0665, 0x2b2d, 0x2e66};
  return std::find(std::begin(makers), std::end(makers), device.vendor) != std::end(makers) ||
         // HP makes keyboards, too; these are its UPS (NUT, drivers/usbhid-ups.c and hp-hid).
         (device.vendor == 0x03f0 && device.product >> 8 == 0x1f) ||
         device.product_name.find("UPS") != std::string::npos;
}

void add_ups(Snapshot& snapshot, const char* file, const std::string& what, const PciAddress& function) {
  snapshot.uses.push_back(
      {UseKind::process, std::string("the UPS of the host (/") + file + ")", what, {function}, false});
}

/// What the settings say of one UPS; what they leave out is empty.
struct UpsIds {
  std::optional<std::uint16_t> maker, product;
};

struct UpsSettings {
  bool usb = false;
  std::vector<std::string> lines;  ///< "ttyUSB0"
  std::vector<UpsIds> named;

  bool names(const UsbDevice& device) const {
    return std::any_of(named.begin(), named.end(), [&](const UpsIds& each) {
      return each.maker == device.vendor && each.product.value_or(device.product) == device.product;
    });
  }
};

/// ups.conf(5): `driver = usbhid-ups`, `port = /dev/ttyUSB0`, `vendorid = 0665`; apc_modbus(8): `porttype = usb`;
/// apcupsd.conf(5): `UPSTYPE usb`, `UPSCABLE usb`, `DEVICE /dev/ttyUSB0`.
UpsSettings read_ups_settings(const Root& root, const char* file) {
  UpsSettings settings;
  auto text = root.read(file).value_or("");
  for (char& c : text)
    if (c == '=' || c == '"') c = ' ';
  settings.named.emplace_back();
  for (const auto line : split(text, '\n')) {
    const auto words = words_of(line);
    if (!words.empty() && words[0].starts_with('[')) settings.named.emplace_back();
    if (words.size() < 2 || words[0].starts_with('#')) continue;
    if ((words[0] == "driver" && words[1].find("usb") != std::string_view::npos) ||
        (words[0] == "driver" && words[1] == "nutdrv_qx") || (words[0] == "porttype" && words[1] == "usb") ||
        ((words[0] == "UPSTYPE" || words[0] == "UPSCABLE") && words[1] == "usb"))
      settings.usb = true;
    if ((words[0] == "port" || words[0] == "DEVICE") && words[1].starts_with("/dev/"))
      settings.lines.push_back(
          root.link_name(std::string(words[1].substr(1))).value_or(std::string(last_component(words[1]))));
    if (words[0] == "vendorid") settings.named.back().maker = to_number<std::uint16_t>(words[1], 16);
    if (words[0] == "productid") settings.named.back().product = to_number<std::uint16_t>(words[1], 16);
  }
  return settings;
}

void read_ups(const Root& root, Snapshot& snapshot, const char* file) {
  const auto settings = read_ups_settings(root, file);
  for (const auto& line : settings.lines) {
    const auto path = device_path(root, "sys/class/tty/" + line);
    if (const auto function = path ? nearest_function(*path) : std::nullopt) add_ups(snapshot, file, line, *function);
  }
  if (!settings.usb) return;
  for (const auto& device : snapshot.devices)
    if (is_ups(device) || settings.names(device))
      add_ups(snapshot, file, device.product_name + " (" + id_pair(device.vendor, device.product) + ")",
              device.controller);
}

/// Devices the host serves to others (drivers/usb/usbip/stub_dev.c).
void read_served(const Root& root, Snapshot& snapshot) {
  const auto bound = root.list("sys/bus/usb/drivers/usbip-host");
  for (const auto& device : snapshot.devices)
    if (std::find(bound.begin(), bound.end(), device.name) != bound.end())
      snapshot.uses.push_back({UseKind::process,
                               "the USB/IP server (usbip-host)",
                               device.product_name + " (" + id_pair(device.vendor, device.product) + ")",
                               {device.controller},
                               false});
}

/// What asks for something that is plugged in: pam_u2f(8), pam_yubico(8), pam_pkcs11(8), pam_p11(8).
constexpr struct {
  const char* module;
  Token token;
  const char* shown;
} asking[] = {{"pam_u2f", Token::security_key, "a security key"},
              {"pam_yubico", Token::security_key, "a security key"},
              {"pam_pkcs11", Token::smart_card, "a smart card"},
              {"pam_p11", Token::smart_card, "a smart card"}};

/// A line that is not a comment speaks of it.
bool is_asked(std::string_view settings, std::string_view module) {
  const auto lines = split(settings, '\n');
  return std::any_of(lines.begin(), lines.end(), [&](std::string_view line) {
    return line.substr(0, line.find('#')).find(module) != std::string_view::npos;
  });
}

void read_logins(const Root& root, Snapshot& snapshot) {
  for (const auto& name : root.list("etc/pam.d")) {
    const std::string file = "etc/pam.d/" + name;
    const auto text = root.read(file, 1 << 16).value_or("");
    for (const auto& each : asking) {
      if (!is_asked(text, each.module)) continue;
      for (const auto& controller : token_controllers(root, snapshot, each.token))
        snapshot.uses.push_back(
            {UseKind::process, "the login (/" + file + ": " + each.module + ")", each.shown, {controller}, false});
    }
  }
}

}  // namespace

void read_host_services(const Root& root, Snapshot& snapshot) {
  for (const auto* file : {"etc/nut/ups.conf", "etc/apcupsd/apcupsd.conf"}) read_ups(root, snapshot, file);
  read_served(root, snapshot);
  read_logins(root, snapshot);
}

}  // namespace hostsplit
