#include "core/state/port_map.hpp"

#include <algorithm>

#include "core/base/error.hpp"

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
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (label.empty() || label.size() > 64 || !alphanumeric(label.front())) return false;
  // An address where a label is allowed too must never be mistaken for one: labels hold no colon.
  return std::all_of(label.begin(), label.end(),
                     [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

void require_new_label(const PortMap& map, const std::string& label) {
  if (!valid_label(label))
    throw Error("use label", "\"" + label + "\"", "a label is 1 to 64 letters, digits, '.', '_' or '-'",
                "Start it with a letter or digit, for example front-1.", Error::Kind::bad_input);
  if (const LearnedPort* first = map.find(label))
    throw Error("use label", label, "it already names the port at " + place(*first),
                "Choose another name, or rename that one: hostsplit ports rename " + label + " NEW",
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
