#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/system/patient_reader.hpp"

namespace hostsplit {

/// Where a machine is read: a directory, and what it is called in messages.
struct RootPlace {
  std::string directory = "/";
  std::string shown = {};  ///< instead of the directory, where that is a copy of something else; empty: the directory
};

/// Notes what readers ask of a Root and what they were given: how a machine is recorded. Paths are as they were asked.
class RootRecorder {
 public:
  RootRecorder() = default;
  RootRecorder(const RootRecorder&) = delete;
  RootRecorder& operator=(const RootRecorder&) = delete;
  virtual ~RootRecorder() = default;

  /// Content, as much of it as was read.
  virtual void on_read(const std::string& path, const std::string& content) = 0;
  /// It is there, and cannot be read.
  virtual void on_unreadable(const std::string& path) = 0;
  virtual void on_list(const std::string& path, const std::vector<std::string>& names) = 0;
  /// A symbolic link and its target as it is written.
  virtual void on_link(const std::string& path, const std::string& target) = 0;
  /// It was asked whether this is there, and it is.
  virtual void on_seen(const std::string& path) = 0;
  virtual void on_mode(const std::string& path, unsigned mode) = 0;
};

/// The directory a machine's /sys, /proc, /etc, /var, /run and /dev are read below. Every reader takes one; no reader
/// knows another way in. Paths are relative to it and never start with "/". Symbolic links are resolved as if the
/// root were "/" (openat2(2) RESOLVE_IN_ROOT), so a recorded machine cannot lead outside its directory.
///
/// What may never answer on the live machine is read with patience (PatientReader): everything below etc/pve, and what
/// read_in_time() is asked for. When that is over, it is as if it could not be read, and silent() says so.
class Root {
 public:
  /// \param patient  to read with patience although it is not the live machine
  /// \throws Error if the directory cannot be opened.
  explicit Root(const std::string& directory = "/", bool patient = false);
  /// \param recorder  notes what is read; lives as long as the Root. A root that is being recorded is not live().
  /// \throws Error if the directory cannot be opened.
  explicit Root(const RootPlace& place, RootRecorder* recorder = nullptr);
  ~Root();
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  /// True for "/" only. A root that is not live can be looked at, never acted upon.
  bool live() const { return live_ && !recorder_; }
  const std::string& directory() const { return directory_; }
  /// "/etc/x" on the live machine, "<directory>/etc/x" otherwise, or "<shown>:/etc/x" for a
  /// copy of something: for messages.
  std::string display(const std::string& path) const;

  /// Content without trailing newlines and blanks; empty optional if it does not exist or cannot be read
  /// (an attribute may fail with EIO or vanish meanwhile). At most `limit` bytes.
  std::optional<std::string> read(const std::string& path, std::size_t limit = 1 << 20) const;
  /// Content exactly as it is. Empty optional only if the file does not exist. \throws Error on any other failure.
  std::optional<std::string> read_file(const std::string& path) const;
  /// As read(), for an attribute that the kernel shows under the lock of its device, which a driver may hold for ever.
  std::optional<std::string> read_in_time(const std::string& path, std::size_t limit) const;
  /// What is at this path has not answered when it was read; it may be anything.
  bool silent(const std::string& path) const;
  /// Names in a directory, sorted, without "." and ".."; empty if it does not exist.
  std::vector<std::string> list(const std::string& path) const;
  /// It is a directory that may not be listed: list() is empty for another reason.
  bool refuses(const std::string& directory) const;
  /// Number of the device file a process of the live machine has open, whatever it is called where that process looks:
  /// "char/188:0", "block/8:16". It is recorded as the target of the link. Empty optional for all else.
  /// \param path  "proc/900/fd/3"
  std::optional<std::string> open_device(const std::string& path) const;
  /// Target of a symbolic link as it is written; empty optional if it is not a link.
  std::optional<std::string> link_text(const std::string& path) const;
  /// Last component of a symbolic link's target; empty optional if it is not a link.
  std::optional<std::string> link_name(const std::string& path) const;
  /// Path below the root after resolving every link, without leading "/"; empty optional if it does not exist.
  std::optional<std::string> resolve(const std::string& path) const;
  bool exists(const std::string& path) const;
  /// Permission bits; empty optional if it does not exist.
  std::optional<unsigned> mode(const std::string& path) const;

  /// Descriptor of the directory, for openat. Valid as long as the Root.
  int descriptor() const { return fd_; }

 private:
  struct Reply;
  int open_below(const std::string& path, int flags) const;
  std::optional<Reply> patiently(char look, const std::string& path, std::size_t limit = 0) const;
  std::optional<Reply> asked(const std::string& subject, char look, const std::string& path, std::size_t limit) const;
  std::string serve(const std::string& request) const;
  void read_with_patience();
  std::optional<std::string> noted(const std::string& path, const Reply& reply,
                                   void (RootRecorder::*note)(const std::string&, const std::string&)) const;
  std::optional<std::string> note_read(const std::string& path, int error, std::string text) const;
  std::string directory_, shown_;
  RootRecorder* recorder_ = nullptr;
  int fd_ = -1;
  bool live_ = false;
  int patient_ = 0;  ///< the process that reads with patience; in those it has forked, each is one that may hang itself
  std::unique_ptr<PatientReader> reader_;
};

}  // namespace hostsplit
