#include "formats/proxmox/pci_mapping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "core/base/text.hpp"
#include "core/checks/pve_mapping.hpp"
#include "core/proxmox/values.hpp"

namespace hostsplit {
namespace {

constexpr std::string_view blanks = " \t\r";
/// pmxcfs takes no larger file.
constexpr std::size_t largest = 1 << 20;

/// What stands between commas.
std::vector<std::string_view> parts(std::string_view properties) {
  std::vector<std::string_view> found;
  while (!properties.empty()) {
    const auto end = std::min(properties.find(','), properties.size());
    found.push_back(trimmed(properties.substr(0, end)));
    properties.remove_prefix(std::min(end + 1, properties.size()));
  }
  return found;
}

/// In whatever order Proxmox VE wrote them.
std::vector<std::string> sorted_properties(std::string_view properties) {
  const auto found = parts(properties);
  std::vector<std::string> sorted(found.begin(), found.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

struct MappingLine {
  std::string text;     ///< with its end
  std::string section;  ///< the mapping it belongs to, its header included; empty: none
  bool header = false;
  bool entry = false;                   ///< a `map` line
  std::string map_node;                 ///< its node; empty: it says none
  std::vector<std::string> properties;  ///< of an entry, sorted
};

/// Lines of the file as PVE::SectionConfig takes them: a header, properties indented below, a blank line at the end.
class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : file_(file) {
    if (text.find('\0') != std::string_view::npos) throw bad_line(file, 0, "", "holds bytes that are no text", remedy);
    for (unsigned number = 1; !text.empty(); ++number) {
      const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
      read(text.substr(0, end), number);
      text.remove_prefix(end);
    }
  }
  std::vector<MappingLine> lines;

 private:
  static constexpr auto remedy =
      "Correct it, or remove the mapping in the web interface (Datacenter, Resource Mappings): hostsplit writes only "
      "into a "
      "file it understands whole";

  void read(std::string_view raw, unsigned number) {
    MappingLine line{std::string(raw), {}, false, false, {}, {}};
    const auto content = trimmed(raw.substr(0, raw.find('\n')));
    if (content.empty()) {
      section_.clear();
    } else if (content.front() != '#') {
      const bool indented = raw.front() == ' ' || raw.front() == '\t';
      indented ? read_property(content, number, line) : read_header(content, number, line);
    }
    line.section = section_;
    lines.push_back(std::move(line));
  }
  void read_header(std::string_view content, unsigned number, MappingLine& line) {
    if (content.find_first_of(blanks) != std::string_view::npos)
      throw bad_line(file_, number, "", "\"" + printable(content) + "\" is not the name of a mapping", remedy);
    section_ = std::string(content);
    if (is_own_mapping(section_) && !own_.insert(section_).second)
      throw bad_line(file_, number, "", section_ + " is there twice", remedy);
    line.header = true;
  }
  void read_property(std::string_view content, unsigned number, MappingLine& line) {
    if (section_.empty()) throw bad_line(file_, number, "", "a property that belongs to no mapping", remedy);
    const auto end = std::min(content.find_first_of(blanks), content.size());
    line.entry = content.substr(0, end) == "map";
    if (!line.entry) return;
    line.map_node = pve_properties(content.substr(end), "")["node"];
    line.properties = sorted_properties(content.substr(end));
  }

  const std::string& file_;
  std::string section_;
  std::set<std::string> own_;
};

std::string entry_lines(const PveMapping& mapping) {
  std::string text;
  for (const auto& entry : mapping.entries) text += "\tmap " + to_text(entry) + "\n";
  return text;
}

std::string section_text(const PveMapping& mapping) {
  return mapping.id + "\n\tdescription written by hostsplit, for the VM in its name\n" + entry_lines(mapping);
}

/// Sections of hostsplit that keep or get an entry; the others go.
std::set<std::string> kept_sections(const std::vector<MappingLine>& lines,
                                    const std::map<std::string, const PveMapping*>& wanted, const std::string& node) {
  std::set<std::string> kept;
  for (const auto& line : lines)
    if (wanted.count(line.section) || (line.entry && line.map_node != node)) kept.insert(line.section);
  return kept;
}

/// True when the entries of this node are as wanted already.
bool settled(const std::vector<MappingLine>& lines, const PveMapping& mapping, const std::string& node) {
  std::vector<std::vector<std::string>> there, wanted;
  for (const auto& line : lines)
    if (line.section == mapping.id && line.entry && line.map_node == node) there.push_back(line.properties);
  for (const auto& entry : mapping.entries) wanted.push_back(sorted_properties(to_text(entry)));
  return there == wanted;
}

void end_line(std::string& text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
}

}  // namespace

std::string to_text(const PveMapEntry& entry) {
  std::string path;
  for (const auto& [address, whole_slot, behind_vmd] : entry.addresses) {
    std::string one = behind_vmd.empty() ? to_string(address) : behind_vmd;
    if (whole_slot) one.erase(one.rfind('.'));
    path += (path.empty() ? "" : ";") + one;
  }
  return fmt::format("id={}{},node={},path={}{}", entry.ids,
                     entry.group ? fmt::format(",iommugroup={}", *entry.group) : std::string(), entry.node, path,
                     entry.subsystem.empty() ? std::string() : ",subsystem-id=" + entry.subsystem);
}

std::string to_text(const std::vector<PveMapping>& mappings) {
  std::string text;
  for (const auto& mapping : mappings) text += (text.empty() ? "" : "\n") + section_text(mapping);
  return text;
}

std::string merge_pve_mappings(std::string_view text, const std::vector<PveMapping>& ours, const std::string& node,
                               const std::string& file) {
  const Reader reader(text, file);
  std::map<std::string, const PveMapping*> wanted;
  for (const auto& mapping : ours) wanted[mapping.id] = &mapping;
  const auto kept = kept_sections(reader.lines, wanted, node);
  std::set<std::string> untouched;
  for (const auto& [id, mapping] : wanted)
    if (settled(reader.lines, *mapping, node)) untouched.insert(id);
  std::string merged;
  for (const auto& line : reader.lines) {
    const bool change = is_own_mapping(line.section) && !untouched.count(line.section);
    const bool goes = change && !kept.count(line.section);
    if (goes && line.header && merged.ends_with("\n\n")) merged.pop_back();
    if (goes || (change && line.entry && line.map_node == node)) continue;
    merged += line.text;
    const auto mapping = wanted.find(line.section);
    if (!line.header || mapping == wanted.end()) continue;
    if (change) {
      end_line(merged);
      merged += entry_lines(*mapping->second);
    }
    wanted.erase(mapping);
  }
  if (merged.find_first_not_of('\n') == std::string::npos) merged.clear();
  for (const auto& mapping : ours) {
    if (!wanted.count(mapping.id)) continue;
    end_line(merged);
    if (!merged.empty() && !merged.ends_with("\n\n")) merged += "\n";
    merged += section_text(mapping);
  }
  if (merged.size() > largest)
    throw bad_line(file, 0, "", "would be larger than 1 MiB, and pmxcfs takes no such file",
                   "Remove mappings nobody uses");
  return merged;
}

}  // namespace hostsplit
