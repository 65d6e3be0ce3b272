#include "formats/toml/panels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/base/printable.hpp"
#include "core/state/port_map.hpp"

namespace hostsplit {
namespace {

constexpr auto example_row = "[\"rear-1\", \"rear-2\"]";
constexpr auto example = "rows = [[\"rear-1\", \"rear-2\"], [\"rear-3\", \"\"]]";
/// Of rows and of places in a row: no case has as many.
constexpr std::size_t most = 32;

void require_labels_once(const TomlReader& table, const PanelRows& panel, std::map<std::string, unsigned>& seen) {
  for (const auto& row : panel.rows)
    for (const auto& label : row) {
      if (label.text.empty()) continue;
      if (!valid_label(label.text))
        table.complain_at(label.line, "rows", "\"" + label.text + "\" is not a label",
                          fmt::format("A label is {}. \"\" is a place without a socket.", label_rule));
      const auto [first, fresh] = seen.try_emplace(label.text, label.line);
      if (!fresh)
        table.complain_at(label.line, "rows",
                          fmt::format("\"{}\" stands on a panel already (line {})", label.text, first->second),
                          "A socket is in one place: take one of the two out.");
    }
}

void require_sane_size(const TomlReader& table, const PanelRows& panel) {
  bool any = false;
  for (const auto& row : panel.rows) {
    any = any || std::any_of(row.begin(), row.end(), [](const Named& label) { return !label.text.empty(); });
    if (row.size() > most)
      table.complain("rows", fmt::format("a row has more than {} places", most), "Part it into several rows.");
  }
  if (panel.rows.size() > most)
    table.complain("rows", fmt::format("it has more than {} rows", most), "Make several panels of it.");
  if (!any) table.complain("rows", "no socket is on this panel", fmt::format("Write for example {}.", example));
}

PanelRows read_panel(const std::string& name, const TomlReader& table) {
  if (!valid_label(name))
    throw bad_line(table.file(), table.line(""), "panel." + name, "\"" + name + "\" is not a name for a panel",
                   "Name it as it is called, for example [panel.rear]; names of other than plain letters in quotes.");
  table.allow_only({"rows"});
  PanelRows panel{name, table.line(""), table.text_rows("rows", example_row)};
  require_sane_size(table, panel);
  return panel;
}

}  // namespace

std::vector<PanelRows> read_panels(const TomlReader& panels) {
  std::vector<PanelRows> list;
  const auto subtables = panels.subtables("[panel.rear]");
  for (const auto& [name, table] : subtables) list.push_back(read_panel(name, table));
  std::map<std::string, unsigned> seen;
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
  for (const auto& panel : list) {
    const auto of =
        std::find_if(subtables.begin(), subtables.end(), [&](const auto& one) { return one.first == panel.name; });
    require_labels_once(of->second, panel, seen);
  }
  return list;
}

}  // namespace hostsplit
