#include "formats/toml/config_edit.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "core/base/text.hpp"
#include "core/base/utf8.hpp"
#include "formats/toml/documents.hpp"
#include "formats/toml/reader.hpp"

namespace hostsplit {
namespace {

constexpr auto new_file =
    "# Written by hostsplit setup. It is yours to edit: comments and order stay when setup changes a value.\n"
    "# hostsplit.toml(5) explains every key; nothing takes effect before hostsplit apply.\n"
    "version = 1\n";

std::string size_text(Kib size) {
  if (size % kib_per_gib == 0) return fmt::format("\"{}GiB\"", size / kib_per_gib);
  if (size % kib_per_mib == 0) return fmt::format("\"{}MiB\"", size / kib_per_mib);
  return fmt::format("\"{}KiB\"", size);
}

std::string list_text(const std::vector<Named>& names) {
  std::vector<std::string> items;
  std::size_t length = 0;
  for (const auto& name : names) length += items.emplace_back(toml_quoted(name.text)).size();
  constexpr std::size_t one_line = 90;
  if (length < one_line) return fmt::format("[{}]", fmt::join(items, ", "));
  return fmt::format("[\n  {},\n]", fmt::join(items, ",\n  "));
}

/// Memory of a VM as it is written; empty when it has none.
std::optional<std::string> memory_text(const VmWish& vm) {
  if (vm.spread.empty()) return vm.memory == 0 ? std::nullopt : std::optional(size_text(vm.memory));
  std::vector<std::string> parts;
  for (const auto& [node, size] : vm.spread) parts.push_back(fmt::format("{} = {}", node, size_text(size)));
  return fmt::format("{{ {} }}", fmt::join(parts, ", "));
}

struct KeyText {
  const char* key;
  std::optional<std::string> value;  ///< empty: the key is not there
};

/// The keys of a VM in the order in which a new table has them.
std::vector<KeyText> keys_of(const VmWish& vm) {
  const auto list = [](const std::vector<Named>& names) {
    return names.empty() ? std::nullopt : std::optional(list_text(names));
  };
  std::vector<KeyText> keys;
  keys.push_back({"name", vm.name.empty() ? std::nullopt : std::optional(toml_quoted(vm.name))});
  keys.push_back({"node", vm.node ? std::optional(std::to_string(*vm.node)) : std::nullopt});
  keys.push_back({"cpus", vm.cpus ? std::optional(toml_quoted(to_string(*vm.cpus))) : std::nullopt});
  keys.push_back({"memory", memory_text(vm)});
  keys.push_back({"page_size", vm.page_size == kib_per_gib ? std::nullopt : std::optional<std::string>("\"2MiB\"")});
  keys.push_back({"ports", list(vm.ports)});
  keys.push_back({"controllers", list(vm.controllers)});
  return keys;
}

/// Bytes before a line and column of toml++, which count from 1 and columns in code points.
std::size_t offset_of(std::string_view text, const toml::source_position& at) {
  std::size_t offset = 0;
  for (auto line = at.line; line > 1 && offset < text.size(); --line)
    offset = std::min(text.find('\n', offset), text.size() - 1) + 1;
  for (auto column = at.column; column > 1 && offset < text.size(); --column)
    offset += first_character(text.substr(offset));
  return offset;
}

/// The beginning of a line; behind the last one, the end of the text.
std::size_t line_start(std::string_view text, std::size_t line) {
  return offset_of(text, {static_cast<toml::source_index>(line), 1});
}

using Path = std::vector<std::string>;

/// A text that is edited one value at a time and parsed again after each.
class Editor {
 public:
  Editor(std::string text, std::string file) : text_(std::move(text)), file_(std::move(file)) { parse(); }

  void set(const Path& path, const KeyText& key) {
    const toml::table* table = find(path);
    if (!table && !key.value) return;
    if (!table) return append_table(path, key);
    require_plain(path, *table);
    const toml::node* value = table->get(key.key);
    if (value && key.value)
      replace(offset_of(text_, value->source().begin), offset_of(text_, value->source().end), *key.value);
    else if (value)
      remove_lines(key_line(*table, key.key), value->source().end.line);
    else if (key.value)
      insert(line_start(text_, last_line(*table) + 1), fmt::format("{} = {}\n", key.key, *key.value));
  }

  /// Takes a table out, with the comment right above it.
  void remove(const Path& path) {
    const toml::table* table = find(path);
    if (!table) return;
    require_plain(path, *table);
    std::size_t first = table->source().begin.line;
    while (first > 1 && line(first - 1).starts_with('#')) --first;
    if (first > 1 && trimmed(line(first - 1)).empty()) --first;
    remove_lines(first, last_line(*table));
  }

  const std::string& text() const { return text_; }

 private:
  void parse() {
    if (!text_.empty() && text_.back() != '\n') text_ += '\n';
    document_ = parse_toml(text_, file_);
  }

  std::string_view line(std::size_t number) const {
    auto rest = std::string_view(text_).substr(line_start(text_, number));
    return cut(rest, '\n');
  }

  const toml::table* find(const Path& path) const {
    const toml::table* table = &document_;
    for (const auto& key : path) {
      const toml::node* node = table->get(key);
      table = node ? node->as_table() : nullptr;
      if (!table) return nullptr;
    }
    return table;
  }

  /// Only tables with a header line of their own and keys on lines of their own are edited.
  void require_plain(const Path& path, const toml::table& table) const {
    const auto at = table.source().begin.line;
    if (!table.is_inline() && trimmed(line(at)).starts_with('[')) return;
    throw bad_line(
        file_, at, fmt::format("{}", fmt::join(path, ".")), "it is written in a form that cannot be edited",
        fmt::format("Write it as a table of its own: [{}], with one key on each line.", fmt::join(path, ".")));
  }

  static std::size_t key_line(const toml::table& table, const char* name) {
    for (const auto& [key, value] : table)
      if (key.str() == name) return key.source().begin.line;
    return table.source().begin.line;
  }

  static std::size_t last_line(const toml::table& table) {
    std::size_t last = table.source().begin.line;
    for (const auto& [key, value] : table)
      // Tables below have headers elsewhere.
      if (!value.is_table() || value.as_table()->is_inline())
        last = std::max<std::size_t>(last, value.source().end.line);
    return last;
  }

  void append_table(const Path& path, const KeyText& key) {
    insert(text_.size(), fmt::format("\n[{}]\n{} = {}\n", fmt::join(path, "."), key.key, *key.value));
  }

  void insert(std::size_t at, const std::string& addition) { replace(at, at, addition); }

  void replace(std::size_t begin, std::size_t end, const std::string& value) {
    text_.replace(begin, end - begin, value);
    parse();
  }

  void remove_lines(std::size_t first, std::size_t last) {
    const auto begin = line_start(text_, first);
    text_.erase(begin, line_start(text_, last + 1) - begin);
    parse();
  }

  std::string text_, file_;
  toml::table document_;
};

/// Without what only says where something stands.
Config meaning(Config config) {
  config.file.clear();
  const auto strip = [](std::vector<Named>& names) {
    for (auto& name : names) name.line = 0;
  };
  strip(config.keep);
  strip(config.may_lose);
  for (auto& [id, vm] : config.vms) {
    vm.line = 0;
    vm.lines.clear();
    strip(vm.ports);
    strip(vm.controllers);
    strip(vm.functions);
  }
  return config;
}

void edit_vms(Editor& editor, const Config& now, const Config& wanted) {
  for (const auto& [id, vm] : now.vms)
    if (!wanted.vms.count(id)) editor.remove({"vm", std::to_string(id)});
  for (const auto& [id, vm] : wanted.vms) {
    const auto old = now.vms.find(id);
    const auto before = keys_of(old == now.vms.end() ? VmWish() : old->second), after = keys_of(vm);
    for (std::size_t i = 0; i < after.size(); ++i)
      if (before[i].value != after[i].value) editor.set({"vm", std::to_string(id)}, after[i]);
  }
}

}  // namespace

bool says_guest_policy(std::string_view text, const std::string& file) {
  const toml::table document = parse_toml(text, file);
  const auto* proxmox = document.get_as<toml::table>("proxmox");
  return proxmox && proxmox->contains("vms");
}

std::string edit_config(std::string_view text, const std::string& file, const Config& wanted) {
  const std::string start = text.empty() ? new_file : std::string(text);
  const Config now = parse_config(start, file);
  Editor editor(start, file);
  if (now.keep_free != wanted.keep_free) editor.set({"host"}, {"keep_free", size_text(wanted.keep_free)});
  if (now.guests != wanted.guests)
    editor.set({"proxmox"}, {"vms", wanted.guests == GuestPolicy::set ? "\"set\"" : "\"print\""});
  edit_vms(editor, now, wanted);
  if (meaning(parse_config(editor.text(), file)) != meaning(wanted))
    throw Error("edit", file, "the result would not say what it is to say", "Edit it by hand. Nothing was changed.");
  return editor.text();
}

}  // namespace hostsplit
