#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/recording/recording.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Records what readers ask of a Root and what they were given.
class Recorder : public RootRecorder {
 public:
  /// \param directory  of the Root that is recorded. \throws Error if it cannot be opened.
  explicit Recorder(const std::string& directory) : plain_(directory) {}

  void on_read(const std::string& path, const std::string& content) override;
  void on_unreadable(const std::string& path) override;
  void on_list(const std::string& path, const std::vector<std::string>& names) override;
  void on_link(const std::string& path, const std::string& target) override;
  void on_seen(const std::string& path) override;
  void on_mode(const std::string& path, unsigned mode) override;

  /// Everything up to now.
  const std::map<std::string, RecordedEntry>& entries() const { return entries_; }

 private:
  std::string directory_of(const std::string& path);
  std::string follow(const std::string& path);
  std::string step(const std::string& directory, const std::string& name, int depth);
  std::string walk(const std::string& from, const std::string& target, int depth);
  RecordedEntry* put(const std::string& path, RecordedEntry::Kind kind);
  void put_link(const std::string& path, const std::string& target);

  Root plain_;  ///< the same machine, unrecorded
  std::map<std::string, RecordedEntry> entries_;
  std::map<std::string, std::string> followed_;  ///< path as it was asked -> path without links
};

}  // namespace hostsplit
