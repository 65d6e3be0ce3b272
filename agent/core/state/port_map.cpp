#include "core/state/port_map.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/utf8.hpp"

namespace hostsplit {

const char* to_string(Pairing pairing) {
  switch (pairing) {
    case Pairing::none: return "none";
    case Pairing::location: return "location";
    case Pairing::number: return "number";
  }
  return "none";
}

bool LearnedPort::proven() const {
  if (!usb2 || !usb3 || pairing == Pairing::location) return true;
  return usb2->seen && usb3->seen;
}

const LearnedPort* PortMap::find(const std::string& label) const {
  const auto it = std::find_if(ports.begin(), ports.end(), [&](const auto& port) { return port.label == label; });
  return it == ports.end() ? nullptr : &*it;
}

bool valid_label(std::string_view label) {
  // An address where a label is allowed too must never be mistaken for one: labels hold no colon.
  return is_name(label, 64);
}

void require_new_label(const PortMap& map, const std::string& label) {
  if (!valid_label(label))
    throw Error("use label", "\"" + label + "\"", std::string("a label is ") + label_rule,
                "Start it with a letter or digit, for example front-1.", Error::Kind::bad_input);
  if (const LearnedPort* first = map.find(label))
    throw Error("use label", label, "it already names the port at " + place(*first),
                "Choose another name, or rename that one: hostsplit ports rename " + shell_word(label) + " NEW",
                Error::Kind::bad_input);
}

std::string place(const LearnedPort& port) {
  std::string text = port.last_address ? to_string(*port.last_address) : describe(port.controller);
  const auto half_text = [](const char* name, const LearnedHalf& half) {
    return std::string(name) + " half " + half.path + (half.seen ? "" : ", not seen yet");
  };
  text += " (";
  if (port.usb2) text += half_text("USB2", *port.usb2);
  if (port.usb2 && port.usb3) text += "; ";
  if (port.usb3) text += half_text("USB3", *port.usb3);
  return text + ")";
}

}  // namespace hostsplit
