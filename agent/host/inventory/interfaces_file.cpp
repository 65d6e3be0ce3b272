#include <fnmatch.h>
#include <regex.h>

#include <algorithm>

#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/network_settings.hpp"
#include "host/inventory/parts.hpp"

/// interfaces(5), as far as it says which hardware the network of the host needs.
namespace hostsplit::inventory_parts {

std::vector<std::string> continued_lines(std::string_view text) {
  std::vector<std::string> lines;
  bool goes_on = false;
  while (!text.empty()) {
    auto line = trimmed(cut(text, '\n'));
    const bool comment = !goes_on && line.starts_with('#');  // a comment does not go on
    const bool more = !comment && line.ends_with('\\');
    if (more) line.remove_suffix(1);
    if (goes_on)
      lines.back() += " " + std::string(line);
    else
      lines.emplace_back(line);
    goes_on = more;
  }
  return lines;
}

bool is_shell_pattern(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

bool fits_shell_pattern(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0;
}

namespace {

/// The file and what it includes, each once.
class InterfacesText {
 public:
  explicit InterfacesText(const Root& root) : root_(root) {}

  void add(const std::string& path) {
    constexpr std::size_t most = 500;
    if (seen_.size() >= most || !seen_.insert(path).second) return;
    const auto content = root_.read(path).value_or("");
    for (const auto& line : continued_lines(content)) {
      const auto words = words_of(line);
      const auto key = words.empty() || words[0].starts_with('#') ? std::string_view() : words[0];
      if (key == "source" || key == "source-directory")
        for (std::size_t i = 1; i < words.size(); ++i) include(path, std::string(words[i]), key != "source");
      else if (!key.empty())
        text_ += line + "\n";
    }
  }
  void add_all(const std::string& directory) {
    for (const auto& name : root_.list(directory)) add(directory + "/" + name);
  }
  const std::string& text() const { return text_; }

 private:
  /// A path that does not begin at the root begins where the file is that names it.
  void include(const std::string& from, std::string pattern, bool directory) {
    if (!pattern.starts_with('/')) pattern = from.substr(0, from.rfind('/') + 1) + pattern;
    for (const auto& path : paths(pattern)) directory ? add_all(path) : add(path);
  }

  std::vector<std::string> paths(const std::string& pattern) const {
    std::vector<std::string> found{""};
    for (const auto part : split(pattern, '/')) {
      std::vector<std::string> next;
      for (const auto& path : found) {
        const auto below = path.empty() ? path : path + "/";
        if (!is_shell_pattern(part)) {
          next.push_back(below + std::string(part));
          continue;
        }
        for (const auto& name : root_.list(path))
          if (fits_shell_pattern(std::string(part), name)) next.push_back(below + name);
      }
      found = std::move(next);
    }
    return found;
  }

  const Root& root_;
  std::set<std::string> seen_;
  std::string text_;
};

/// "enx1.50" is made of enx1; "eth0:1" is eth0.
std::string_view without_vlan(std::string_view name) {
  return name.substr(0, name.find('.'));
}

/// `[2-11]`, `[10|12]` and `swp1-6` of ifupdown2 are ranges of numbers, which no shell knows: any text in their place.
std::string with_wide_ranges(std::string_view pattern) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string wide;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const auto end = pattern[i] == '[' ? pattern.find(']', i) : std::string_view::npos;
    if (end != std::string_view::npos) {
      const auto set = pattern.substr(i + 1, end - i - 1);
      wide += set.size() > 3 || set.find('|') != std::string_view::npos ? "*" : "[" + std::string(set) + "]";
      i = end;
    } else if (pattern[i] == '-' && i > 0 && is_digit(pattern[i - 1]) && i + 1 < pattern.size() &&
               is_digit(pattern[i + 1])) {
      while (!wide.empty() && is_digit(wide.back())) wide.pop_back();
      while (i + 1 < pattern.size() && is_digit(pattern[i + 1])) ++i;
      wide += '*';
    } else {
      wide += pattern[i];
    }
  }
  return wide;
}

/// Keys whose words are interfaces something is made of.
bool names_members(std::string_view key) {
  std::string plain(key);
  std::replace(plain.begin(), plain.end(), '_', '-');
  constexpr const char* keys[] = {"bridge-ports",    "bond-slaves",   "slaves",         "ovs-ports",     "ovs-bonds",
                                  "vlan-raw-device", "vxlan-physdev", "tunnel-physdev", "batman-ifaces", "team-ports"};
  return std::find(std::begin(keys), std::end(keys), plain) != std::end(keys);
}

class InterfacesLines {
 public:
  InterfacesLines(const std::vector<std::string>& present, const OtherNames& others)
      : present_(present),
        others_(others) {}

  void add(std::string_view line) {
    const auto words = words_of(line);
    if (words.empty() || words[0].starts_with('#')) return;
    const auto key = words[0];
    if (key == "iface") return begin(words);
    if (key == "auto" || key == "mapping" || key == "rename" || key.starts_with("allow-")) return stanza_.clear();
    if (words.size() < 2) return;
    // ifupdown2 wants neither family nor method to give an address; a port of Open vSwitch has none.
    // A member may name what it is a part of instead of the other way round.
    if (key == "address" || key.starts_with("ovs_") || key == "bond-master" || key == "bond_master") configure(stanza_);
    if (key == "up" || key == "pre-up" || key == "post-up") commands(std::string(line.substr(line.find(key))));
    if (names_members(key)) members(words);
  }

  std::set<std::string> configured;

 private:
  void begin(const std::vector<std::string_view>& words) {
    stanza_ = words.size() > 1 ? std::string(words[1]) : "";
    const auto method = words.size() > 3 ? words[3] : std::string_view("manual");
    const bool by_template = std::find(words.begin(), words.end(), "inherits") != words.end();
    // A VLAN needs the interface it is made of, whatever it is for.
    const bool vlan = without_vlan(stanza_).size() < stanza_.size();
    if (vlan || by_template || (method != "manual" && method != "loopback")) configure(stanza_);
  }

  void configure(std::string_view name) {
    name = name.substr(0, name.find(':'));
    if (name.empty()) return;
    if (is_shell_pattern(name)) return patterns(name);
    configured.emplace(name);
    configured.emplace(without_vlan(name));
  }

  /// Plain names, and behind `glob` and `regex` what they are compared with (bridge-utils-interfaces(5), ifupdown2).
  void members(const std::vector<std::string_view>& words) {
    enum { plain, glob, regex } mode = plain;
    for (auto word = words.begin() + 1; word != words.end(); ++word) {
      if (*word == "glob" || *word == "regex" || *word == "noregex")
        mode = *word == "glob" ? glob : *word == "regex" ? regex : plain;
      else if (*word == "all")
        configured.insert(present_.begin(), present_.end());
      else if (mode == regex)
        expressions(std::string(*word));
      else if (mode == glob)
        patterns(*word);
      else if (*word != "none")
        configure(*word);
    }
  }

  /// With and without the number of a VLAN, which may not be there.
  void patterns(std::string_view pattern) {
    const std::string whole = with_wide_ranges(pattern), base(without_vlan(whole));
    for (const auto& name : present_)
      if (fits_shell_pattern(whole, name) || fits_shell_pattern(base, name)) configured.insert(name);
  }

  /// What cannot be read may mean any.
  void expressions(const std::string& expression) {
    regex_t compiled;
    const bool valid = regcomp(&compiled, expression.c_str(), REG_EXTENDED | REG_NOSUB) == 0;
    for (const auto& name : present_)
      if (!valid || regexec(&compiled, name.c_str(), 0, nullptr, 0) == 0) configured.insert(name);
    if (valid) regfree(&compiled);
  }

  /// Of a shell, behind the key.
  void commands(std::string line) {
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '&' || c == '|'; }, ';');
    std::string_view rest = line;
    cut(rest, rest.find('\t') < rest.find(' ') ? '\t' : ' ');
    while (!rest.empty())
      if (const auto words = words_of(cut(rest, ';')); !words.empty()) command(words);
  }

  /// `ip address add 10.1.1.1/24 dev enx1`, `ip link add mv0 link enx1 type macvlan`: what is done to an interface, or
  /// with it, gives it a use, unless it is brought up or tuned.
  void command(const std::vector<std::string_view>& words) {
    if (only_tunes(words)) return;
    for (auto name : words) {
      constexpr std::string_view around = "\"'(){}`";
      while (!name.empty() && around.find(name.front()) != std::string_view::npos) name.remove_prefix(1);
      while (!name.empty() && around.find(name.back()) != std::string_view::npos) name.remove_suffix(1);
      if (name == "$IFACE" || name == "${IFACE")  // without its bracket by now
        configure(stanza_);
      else if (is_known(without_vlan(name.substr(0, name.find(':')))))
        configure(name);
    }
  }

  static bool only_tunes(const std::vector<std::string_view>& words) {
    const auto has = [&](std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); };
    const auto program = last_component(words[0]);
    if (program == "ethtool") return true;
    const bool link = program == "ip" && (has("link") || has("l")) && (has("set") || has("s"));
    if (link) return !has("master") && !has("promisc") && !has("netns") && !has("vf");
    return program == "ifconfig" && !has("promisc") && !has("inet6") &&
           std::none_of(words.begin() + 1, words.end(), [](auto word) {
             return word != "0.0.0.0" && word.find_first_of(".:") != std::string_view::npos;
           });
  }

  bool is_known(std::string_view name) const {
    return std::find(present_.begin(), present_.end(), name) != present_.end() || others_.contains(std::string(name));
  }

  const std::vector<std::string>& present_;
  const OtherNames& others_;
  std::string stanza_;
};

}  // namespace

std::string read_interfaces_text(const Root& root) {
  InterfacesText text(root);
  text.add("etc/network/interfaces");
  text.add("etc/network/interfaces.new");    // pvenetcommit.service puts it into place at the next boot
  text.add_all("etc/network/interfaces.d");  // named there on every machine of Proxmox VE
  return text.text();
}

std::set<std::string> configured_by_interfaces(std::string_view text, const std::vector<std::string>& present,
                                               const OtherNames& others) {
  InterfacesLines lines(present, others);
  while (!text.empty()) lines.add(cut(text, '\n'));
  return std::move(lines.configured);
}

}  // namespace hostsplit::inventory_parts
