#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "host/system/unique_fd.hpp"

namespace hostsplit {

/// Reads what may never answer, pmxcfs below /etc/pve or a sysfs attribute behind the lock of a device whose driver
/// hangs, in a process of its own. One that has not answered in time is left behind, and what it was asked about is not
/// asked again as long as it has not ended.
class PatientReader {
 public:
  /// Answers a request; in the other process.
  using Serve = std::function<std::string(const std::string& request)>;

  /// \param root  the only descriptor the process has
  PatientReader(int root, Serve serve) : root_(root), serve_(std::move(serve)) {}
  ~PatientReader();
  PatientReader(const PatientReader&) = delete;
  PatientReader& operator=(const PatientReader&) = delete;

  /// \param subject  what hangs together: where one request hangs, others about it would, too
  /// \return empty when there was no answer in time, now or the last time.
  std::optional<std::string> ask(const std::string& subject, const std::string& request,
                                 std::chrono::milliseconds patience);
  /// The last request about this had no answer.
  bool silent(const std::string& subject) const { return silent_.count(subject) != 0; }

 private:
  struct Silent {
    int pid = 0;  ///< the process left behind
    std::chrono::steady_clock::time_point until;
  };
  bool start();
  void end();
  bool still_silent(const std::string& subject);
  [[noreturn]] void serve(int channel, int owner) const;

  int root_;
  Serve serve_;
  UniqueFd channel_;
  int pid_ = 0, owner_ = 0;
  std::map<std::string, Silent> silent_;
};

}  // namespace hostsplit
