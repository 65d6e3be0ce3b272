#pragma once
#include <toml++/toml.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/size.hpp"

namespace hostsplit::testing {

/// One table of the description. Every key that stands there must be asked for, so that a typing error is told.
class Entry {
 public:
  Entry(const toml::table& table, const std::string& file) : table_(table), file_(file) {}

  template <typename Value>
  std::optional<Value> find(const char* key) {
    known_.insert(key);
    const auto* node = table_.get(key);
    if (!node) return std::nullopt;
    const auto value = node->value_exact<Value>();
    if (!value)
      throw bad_line(file_, node->source().begin.line, key, "has the wrong type", "See tests/machines/README.md");
    return value;
  }
  std::string text(const char* key, const std::string& otherwise = {}) {
    return find<std::string>(key).value_or(otherwise);
  }
  int number(const char* key, int otherwise) { return static_cast<int>(find<std::int64_t>(key).value_or(otherwise)); }
  bool flag(const char* key) { return find<bool>(key).value_or(false); }
  std::string need(const char* key) {
    auto value = find<std::string>(key);
    if (!value) throw bad_line(file_, line(), key, "is missing", "See tests/machines/README.md");
    return *value;
  }
  Kib size(const char* key, Kib otherwise) {
    const auto written = find<std::string>(key);
    if (!written) return otherwise;
    const auto value = parse_size(*written);
    if (!value) throw bad_line(file_, line(), key, "\"" + *written + "\" is not a size", "Write it as \"64GiB\"");
    return *value;
  }
  std::vector<std::string> texts(const char* key) {
    known_.insert(key);
    std::vector<std::string> values;
    if (const auto* array = table_.get_as<toml::array>(key))
      for (const auto& node : *array) values.push_back(node.value_or(std::string()));
    return values;
  }
  void done() {
    known_.insert("inferred");  // names the keys that no source printed; for readers
    for (const auto& [key, node] : table_)
      if (!known_.contains(std::string(key.str())))
        throw bad_line(file_, node.source().begin.line, std::string(key.str()), "is not known",
                       "See tests/machines/README.md");
  }
  unsigned line() const { return table_.source().begin.line; }

 private:
  const toml::table& table_;
  const std::string& file_;
  std::set<std::string> known_;
};

}  // namespace hostsplit::testing
