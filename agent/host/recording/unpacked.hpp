#pragma once
#include <sys/types.h>

#include <string>

#include "core/recording/recording.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {

/// \throws Error(bad_input) for a file that is no snapshot, damaged or malicious: see parse_recording().
Recording read_recording(const std::string& file);

/// Below an existing directory that nobody else writes to. \throws Error or std::filesystem::filesystem_error where it
/// cannot be written.
void unpack(const Recording& recording, const std::string& directory);

/// A snapshot as a directory that only this user can read and that goes when the object goes, or the process in any
/// way.
class UnpackedMachine {
 public:
  /// \throws Error(bad_input) as read_recording(); Error where it cannot be written.
  explicit UnpackedMachine(const std::string& file);
  ~UnpackedMachine();
  UnpackedMachine(const UnpackedMachine&) = delete;
  UnpackedMachine& operator=(const UnpackedMachine&) = delete;

  const std::string& directory() const { return directory_; }

 private:
  void remove_when_gone();
  std::string directory_;
  UniqueFd alive_;  ///< open as long as the directory is needed, in whatever way that ends
  pid_t remover_ = -1;
};

}  // namespace hostsplit
