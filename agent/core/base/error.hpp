#pragma once
#include <stdexcept>
#include <string>

#include "core/base/printable.hpp"

namespace hostsplit {

/// The only exception hostsplit throws: it means "cannot go on". What was merely found wrong is a Finding.
/// Reads as "doing object: reason. remedy", in that order, so that every message names its subject.
class Error : public std::runtime_error {
 public:
  /// How the process answers: `failed` exits 1, `bad_input` (usage, configuration, damaged files) exits 2.
  enum class Kind { failed, bad_input };

  /// \param doing  verb phrase, e.g. "read"   \param object  path, address or key it concerns
  /// \param reason why it failed               \param remedy  what the user can do; may be empty
  Error(std::string doing, std::string object, std::string reason, std::string remedy = {}, Kind kind = Kind::failed)
      : std::runtime_error(sentence(doing, object, reason, remedy)),
        doing_(std::move(doing)),
        object_(std::move(object)),
        reason_(std::move(reason)),
        remedy_(std::move(remedy)),
        kind_(kind) {}

  /// Where in a file a person wrote.
  struct Place {
    std::string file;
    unsigned line = 0;  ///< 1-based; 0: the whole file
    std::string key;    ///< "vm.101.memory"; may be empty
  };
  Error(std::string doing, std::string object, std::string reason, std::string remedy, Kind kind, Place place)
      : Error(std::move(doing), std::move(object), std::move(reason), std::move(remedy), kind) {
    place_ = std::move(place);
  }

  /// One that another process has told: its sentence as it is.
  struct Told {
    std::string sentence;
  };
  explicit Error(const Told& told, Kind kind = Kind::failed) : std::runtime_error(told.sentence), kind_(kind) {}

  const std::string& doing() const { return doing_; }
  const std::string& object() const { return object_; }
  const std::string& reason() const { return reason_; }
  const std::string& remedy() const { return remedy_; }
  Kind kind() const { return kind_; }
  /// Empty file: it is about no place in a file.
  const Place& place() const { return place_; }

 private:
  static std::string sentence(const std::string& doing, const std::string& object, const std::string& reason,
                              const std::string& remedy) {
    std::string text = "cannot " + doing + " " + object + ": " + reason;
    if (!remedy.empty()) text += ". " + remedy;
    return text;
  }

  std::string doing_, object_, reason_, remedy_;
  Kind kind_;
  Place place_;
};

/// An Error about one place in a file a person wrote: names file, line, key, reason and remedy. These quote the file,
/// so they are made printable: a file cannot reach the terminal of whoever reads the message.
/// \param line 1-based; 0 when the whole file is meant.
inline Error bad_line(const std::string& file, unsigned line, const std::string& key, const std::string& reason,
                      const std::string& remedy) {
  std::string object = file;
  if (line != 0) object += ":" + std::to_string(line);
  if (!key.empty()) object += ": " + key;
  return {"use",
          printable(object),
          printable(reason),
          printable(remedy),
          Error::Kind::bad_input,
          Error::Place{printable(file), line, printable(key)}};
}

}  // namespace hostsplit
