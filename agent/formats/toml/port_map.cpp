#include <fmt/format.h>

#include <algorithm>

#include "formats/toml/documents.hpp"
#include "formats/toml/fingerprint.hpp"
#include "formats/toml/reader.hpp"

namespace hostsplit {
namespace {

constexpr auto port_map_header =
    R"(# The ports of this machine, learned with `hostsplit learn` and kept by hostsplit. Safe to edit while the machine runs:
# label is yours to change; [port.controller] says which controller it is, by wiring and ids; [port.last_seen] is what
# was observed last and may be deleted. A port that is wrong: remove its block, or `hostsplit ports forget LABEL`.
version = 1
)";

bool valid_path(const std::string& path) {
  bool digit = false;
  for (const char c : path) {
    if (c >= '0' && c <= '9') {
      digit = true;
    } else if (c == '.' && digit) {
      digit = false;
    } else {
      return false;
    }
  }
  return digit && path.size() < 32;
}

std::optional<LearnedHalf> read_half(const TomlReader& port, const char* key) {
  const auto table = port.table(key);
  if (!table) return std::nullopt;
  table->allow_only({"path", "seen"});
  LearnedHalf half{table->required_text("path", "2.1"), table->boolean("seen").value_or(false)};
  if (!valid_path(half.path))
    table->complain("path", "\"" + half.path + "\" is not a port path",
                    "Write port numbers with dots: \"2\" or \"2.1\".");
  return half;
}

Pairing read_pairing(const TomlReader& port) {
  const std::string text = port.text("pairing").value_or("none");
  for (const Pairing pairing : {Pairing::none, Pairing::location, Pairing::number})
    if (text == to_string(pairing)) return pairing;
  port.complain("pairing", "\"" + text + "\" is not a valid value", "Write \"location\", \"number\" or \"none\".");
}

std::optional<int> read_small(const TomlReader& table, const char* key) {
  const auto number = table.number(key);
  if (!number) return std::nullopt;
  if (*number < 0 || *number > 65535)
    table.complain(key, "it is out of range", "Delete the line; it is only an observation.");
  return static_cast<int>(*number);
}

void read_last_seen(const TomlReader& port, LearnedPort& learned) {
  const auto seen = port.table("last_seen");
  if (!seen) return;
  seen->allow_only({"address", "group", "bus_usb2", "bus_usb3"});
  learned.last_address = read_address(*seen, "address");
  learned.last_group = read_small(*seen, "group");
  learned.last_bus_usb2 = read_small(*seen, "bus_usb2");
  learned.last_bus_usb3 = read_small(*seen, "bus_usb3");
}

LearnedPort read_port(const TomlReader& table) {
  table.allow_only({"label", "pairing", "usb2", "usb3", "controller", "last_seen"});
  LearnedPort port;
  port.label = table.required_text("label", "front-1");
  if (!valid_label(port.label))
    table.complain("label", "\"" + port.label + "\" is not a label", fmt::format("A label is {}.", label_rule));
  port.line = table.line("label");
  port.usb2 = read_half(table, "usb2");
  port.usb3 = read_half(table, "usb3");
  if (!port.usb2 && !port.usb3)
    table.complain("usb2", "a port has at least one half", "Write for example usb2 = { path = \"2\", seen = true }.");
  port.pairing = read_pairing(table);
  const auto controller = table.table("controller");
  if (!controller)
    table.complain("controller", "it is missing", "Learn the port again: remove this block, then hostsplit learn.");
  controller->allow_only(fingerprint_keys());
  port.controller = read_fingerprint(*controller);
  read_last_seen(table, port);
  return port;
}

std::string half_line(const char* key, const std::optional<LearnedHalf>& half) {
  return half ? fmt::format("{} = {{ path = \"{}\", seen = {} }}\n", key, half->path, half->seen) : "";
}

std::string last_seen_lines(const LearnedPort& port) {
  std::string lines;
  if (port.last_address) lines += fmt::format("address = \"{}\"\n", to_string(*port.last_address));
  if (port.last_group) lines += fmt::format("group = {}\n", *port.last_group);
  if (port.last_bus_usb2) lines += fmt::format("bus_usb2 = {}\n", *port.last_bus_usb2);
  if (port.last_bus_usb3) lines += fmt::format("bus_usb3 = {}\n", *port.last_bus_usb3);
  return lines.empty() ? "" : "[port.last_seen]\n" + lines;
}

}  // namespace

PortMap parse_port_map(std::string_view text, const std::string& file) {
  const toml::table document = parse_toml(text, file);
  const TomlReader top(document, file);
  top.require_version_1();
  top.allow_only({"version", "port"});
  PortMap map;
  map.file = file;
  for (const auto& table : top.tables("port")) {
    LearnedPort port = read_port(table);
    if (const LearnedPort* first = map.find(port.label))
      table.complain("label", fmt::format("{} is used already (line {})", port.label, first->line),
                     "Give one of the two another label, or remove its block.");
    map.ports.push_back(std::move(port));
  }
  return map;
}

std::string to_toml(const PortMap& map) {
  std::string text = port_map_header;
  for (const auto& port : map.ports) {
    text += fmt::format("\n[[port]]\nlabel = {}\npairing = \"{}\"\n", toml_quoted(port.label), to_string(port.pairing));
    text += half_line("usb2", port.usb2) + half_line("usb3", port.usb3);
    text += "[port.controller]\n" + fingerprint_lines(port.controller) + last_seen_lines(port);
  }
  return text;
}

}  // namespace hostsplit
