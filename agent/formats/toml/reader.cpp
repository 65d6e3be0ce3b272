#include "formats/toml/reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/printable.hpp"
#include "core/base/suggestion.hpp"

namespace hostsplit {
namespace {

unsigned line_of(const toml::node& node) {
  return static_cast<unsigned>(node.source().begin.line);
}

const char* type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "true or false";
    default: return "a date or time";
  }
}

std::string syntax_remedy(std::string_view description) {
  if (description.find("redefin") != std::string_view::npos || description.find("existing") != std::string_view::npos)
    return "Each table and key may be defined only once: join the two.";
  return "Correct that line; texts stand in quotes: name = \"fluent-a\".";
}

constexpr std::size_t longest_line = 4096;

/// toml++ bounds the depth of values, not that of dotted keys: thousands of dots in one line would exhaust the stack
/// when the document is taken down.
void forbid_long_lines(std::string_view text, const std::string& file) {
  for (unsigned line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > longest_line)
      throw bad_line(file, line, "", fmt::format("the line is longer than {} bytes", longest_line),
                     "Write lists over several lines, one item each.");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// As a file has after a power cut.
void forbid_zeros(std::string_view text, const std::string& file) {
  const auto zero = text.find('\0');
  if (zero == std::string_view::npos) return;
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(zero), '\n');
  throw bad_line(file, static_cast<unsigned>(line), "", "there is a byte 0 in it, so it is no text",
                 "Correct that line, or restore the file.");
}

}  // namespace

toml::table parse_toml(std::string_view text, const std::string& file) {
  forbid_zeros(text, file);
  forbid_long_lines(text, file);
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    throw bad_line(file, static_cast<unsigned>(error.source().begin.line), "", printable(error.description()),
                   syntax_remedy(error.description()));
  }
}

void TomlReader::allow_only(const std::vector<std::string>& known) const {
  for (const auto& [key, node] : table_) {
    const std::string name(key.str());
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto meant = nearest(name, known);
    throw bad_line(file_, static_cast<unsigned>(key.source().begin.line), printable(dotted(name)), "unknown key",
                   meant ? "Did you mean " + *meant + "?" : fmt::format("Known here: {}.", fmt::join(known, ", ")));
  }
}

void TomlReader::require_version_1() const {
  const auto version = number("version");
  if (!version) complain("version", "the version of the format is missing", "Write version = 1 as the first line.");
  if (*version > 1)
    complain("version", fmt::format("version {} was written by a newer hostsplit", *version),
             "Update hostsplit, or go back to the file as it was.");
  if (*version != 1) complain("version", "this version is not supported", "Write version = 1.");
}

unsigned TomlReader::line(const char* key) const {
  const toml::node* node = table_.get(key);
  return node ? line_of(*node) : line_;
}

void TomlReader::complain(const char* key, const std::string& reason, const std::string& remedy) const {
  complain_at(line(key), key, reason, remedy);
}

void TomlReader::complain_at(unsigned line, const char* key, const std::string& reason,
                             const std::string& remedy) const {
  throw bad_line(file_, line, printable(dotted(key)), printable(reason), remedy);
}

void TomlReader::wrong_type(const char* key, const toml::node& found, const std::string& wanted) const {
  complain_at(line_of(found), key, fmt::format("it is {}, where {} is wanted", type_name(found), wanted),
              fmt::format("Write {} there.", wanted));
}

std::optional<std::string> TomlReader::text(const char* key) const {
  const toml::node* node = table_.get(key);
  if (!node) return std::nullopt;
  if (const auto* value = node->as_string()) return value->get();
  wrong_type(key, *node, "a text in quotes");
}

std::optional<std::int64_t> TomlReader::number(const char* key) const {
  const toml::node* node = table_.get(key);
  if (!node) return std::nullopt;
  if (const auto* value = node->as_integer()) return value->get();
  wrong_type(key, *node, "a whole number without quotes");
}

std::optional<bool> TomlReader::boolean(const char* key) const {
  const toml::node* node = table_.get(key);
  if (!node) return std::nullopt;
  if (const auto* value = node->as_boolean()) return value->get();
  wrong_type(key, *node, "true or false without quotes");
}

std::vector<Named> TomlReader::texts(const char* key) const {
  const toml::node* node = table_.get(key);
  if (!node) return {};
  const auto* array = node->as_array();
  if (!array) wrong_type(key, *node, "a list of texts like [\"front-1\"]");
  return elements(key, *array);
}

std::vector<Named> TomlReader::elements(const char* key, const toml::array& array) const {
  std::vector<Named> list;
  for (const auto& element : array) {
    const auto* value = element.as_string();
    if (!value) wrong_type(key, element, "a text in quotes");
    list.push_back({value->get(), line_of(element)});
  }
  return list;
}

std::vector<std::vector<Named>> TomlReader::text_rows(const char* key, const std::string& example) const {
  std::vector<std::vector<Named>> rows;
  const toml::node* node = table_.get(key);
  if (!node) return rows;
  const auto* array = node->as_array();
  if (!array) wrong_type(key, *node, "a list of rows like [" + example + "]");
  for (const auto& element : *array) {
    const auto* row = element.as_array();
    if (!row) wrong_type(key, element, "a row like " + example);
    rows.push_back(elements(key, *row));
  }
  return rows;
}

bool TomlReader::is_table(const char* key) const {
  const toml::node* node = table_.get(key);
  return node && node->is_table();
}

bool TomlReader::is_list(const char* key) const {
  const toml::node* node = table_.get(key);
  return node && node->is_array();
}

std::vector<std::string> TomlReader::keys() const {
  std::vector<std::string> names;
  for (const auto& [key, node] : table_) names.emplace_back(key.str());
  return names;
}

std::optional<TomlReader> TomlReader::table(const char* key) const {
  const toml::node* node = table_.get(key);
  if (!node) return std::nullopt;
  const auto* value = node->as_table();
  if (!value) wrong_type(key, *node, "a table");
  return TomlReader(*value, file_, dotted(key), line_of(*value));
}

std::vector<TomlReader> TomlReader::tables(const char* key) const {
  std::vector<TomlReader> list;
  const toml::node* node = table_.get(key);
  if (!node) return list;
  const auto* array = node->as_array();
  if (!array) wrong_type(key, *node, fmt::format("a list of tables like [[{}]]", key));
  for (const auto& element : *array) {
    const auto* value = element.as_table();
    if (!value) wrong_type(key, element, fmt::format("a table like [[{}]]", key));
    list.emplace_back(*value, file_, dotted(key), line_of(*value));
  }
  return list;
}

std::vector<std::pair<std::string, TomlReader>> TomlReader::subtables(const std::string& example) const {
  std::vector<std::pair<std::string, TomlReader>> list;
  for (const auto& [key, node] : table_) {
    const std::string name(key.str());
    const auto* value = node.as_table();
    if (!value) wrong_type(name.c_str(), node, "a table like " + example);
    list.emplace_back(name, TomlReader(*value, file_, dotted(name), line_of(*value)));
  }
  return list;
}

std::string TomlReader::required_text(const char* key, const std::string& example) const {
  if (auto value = text(key)) return *value;
  complain(key, "it is missing", fmt::format("Write for example: {} = \"{}\".", key, example));
}

std::string toml_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : valid_utf8(text)) {
    if (c == '"' || c == '\\')
      (quoted += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      quoted += fmt::format("\\u{:04X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    else
      quoted += c;
  }
  return quoted + '"';
}

}  // namespace hostsplit
