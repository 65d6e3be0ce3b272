#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "core/base/error.hpp"
#include "core/state/config.hpp"

/// Included by agent/text/*.cpp only: toml++ does not leave this layer.
namespace hostsplit {

/// Parses a document. \throws Error(bad_input) naming the line of a syntax error, or of one that is too long.
toml::table parse_toml(std::string_view text, const std::string& file);

/// A table of a document that knows its file and its dotted name, so that every complaint names file, line and key.
class TomlReader {
 public:
  TomlReader(const toml::table& table, std::string file, std::string name = {}, unsigned line = 0)
      : table_(table),
        file_(std::move(file)),
        name_(std::move(name)),
        line_(line) {}

  /// \throws Error(bad_input) for the first key that is not among `known`, with the nearest one that is.
  void allow_only(const std::vector<std::string>& known) const;
  /// \throws Error(bad_input) unless `version = 1` is there.
  void require_version_1() const;

  bool has(const char* key) const { return table_.contains(key); }
  /// Line of a key; of the table itself when the key is absent.
  unsigned line(const char* key) const;

  /// Each returns empty when the key is absent. \throws Error(bad_input) on another type.
  std::optional<std::string> text(const char* key) const;
  std::optional<std::int64_t> number(const char* key) const;
  std::optional<bool> boolean(const char* key) const;
  std::vector<Named> texts(const char* key) const;
  /// Lists of texts in a list. \param example  what stands in one, for messages
  std::vector<std::vector<Named>> text_rows(const char* key, const std::string& example) const;
  /// True when the key holds a table, or a list; nothing is complained about.
  bool is_table(const char* key) const;
  bool is_list(const char* key) const;
  /// Its keys, in the order of the text.
  std::vector<std::string> keys() const;
  std::optional<TomlReader> table(const char* key) const;
  /// Elements of an array of tables.
  std::vector<TomlReader> tables(const char* key) const;
  /// All subtables of a table, with their keys. \param example header of one, for the message about anything else
  std::vector<std::pair<std::string, TomlReader>> subtables(const std::string& example) const;

  /// \throws Error(bad_input) when the key is absent.
  std::string required_text(const char* key, const std::string& example) const;

  [[noreturn]] void complain(const char* key, const std::string& reason, const std::string& remedy) const;
  [[noreturn]] void complain_at(unsigned line, const char* key, const std::string& reason,
                                const std::string& remedy) const;
  const std::string& file() const { return file_; }
  const toml::table& raw() const { return table_; }

 private:
  std::string dotted(const std::string& key) const { return name_.empty() ? key : name_ + "." + key; }
  std::vector<Named> elements(const char* key, const toml::array& array) const;
  [[noreturn]] void wrong_type(const char* key, const toml::node& found, const std::string& wanted) const;

  const toml::table& table_;
  std::string file_, name_;
  unsigned line_;
};

/// A TOML basic string with everything escaped that needs it. TOML knows no bytes that are not UTF-8: they become
/// U+FFFD, so that what is written can always be read again.
std::string toml_quoted(std::string_view text);

}  // namespace hostsplit
