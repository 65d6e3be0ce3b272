#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "host/effects/child_process.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// A value for one sysfs attribute.
struct AttributeWrite {
  std::string path;   ///< relative to the root
  std::string value;  ///< written in one write(2), newline included where the attribute wants one
};

/// A write that the kernel has not answered in time. The process that wrote is left behind inside the kernel, where not
/// even SIGKILL reaches it; whoever writes to the same device again only loses one more.
class Stuck : public Error {
 public:
  /// \param stack  of the process in the kernel (proc_pid_stack(5)); empty where it could not be read
  Stuck(const std::string& attribute, std::chrono::milliseconds deadline, int pid, std::string stack);
  int pid() const { return pid_; }
  const std::string& stack() const { return stack_; }

 private:
  int pid_;
  std::string stack_;
};

/// The directory of a file where only hostsplit keeps files, below /etc/hostsplit or /var/lib/hostsplit; empty: none.
std::string own_directory(const std::string& path);

/// The only way to touch the machine. Dry-run, the live machine and the tests' fake host are implementations.
class Effects {
 public:
  virtual ~Effects() = default;
  /// Does jobs 0 to `count` - 1 in order, each of which only reads, writes attributes and audits, in one child
  /// process where there is a kernel that may keep it: then all that a job leaves here is its report. Stops after one
  /// that says so, or when `ended` does; one more may end after that. \throws Stuck, Error: the first job that `ended`
  /// was not told of got stuck, or its process ended or never began.
  virtual void in_child(std::size_t count, const ChildProcess::Job& job, const ChildProcess::Ended& ended);
  /// Writes attributes in order; only in a job of in_child(), because some block inside the kernel (unbind while a VM
  /// holds the device). Stops at the first that fails. \param deadline of each. \throws Stuck when the kernel does not
  /// answer and this process has not been left behind with it. \throws Error naming the attribute and errno text.
  virtual void write_attributes(const std::vector<AttributeWrite>& writes, std::chrono::milliseconds deadline) = 0;
  /// Replaces a file atomically and durably (temporary file, fsync, rename, fsync of the directory); creates missing
  /// directories with mode 0755. The owner of a file that is there stays, and so does a symbolic link: what it points
  /// to is replaced. The temporary file's name begins with a dot, so that programs which take every file of a directory
  /// do not take it, and is never shared with another writer. \throws Error; the old content is then still there.
  virtual void replace_file(const std::string& path, const std::string& content, unsigned mode = 0644) = 0;
  /// Writes a file that is there and as long as `content` in the blocks it has, durably: for files whose blocks a boot
  /// loader reads and writes without its file system. \throws Error.
  virtual void overwrite_file(const std::string& path, const std::string& content) = 0;
  /// Replaces a file below /etc/pve: replace_cluster_file(). \throws Error.
  virtual void replace_cluster_file(const std::string& path, const std::string& before, const std::string& content) = 0;
  /// Removes a file durably; one that does not exist is fine. Its own_directory() goes with the last file in it.
  /// \throws Error.
  virtual void remove_file(const std::string& path) = 0;
  /// Renames a file within its directory, durably. \throws Error.
  virtual void rename_file(const std::string& from, const std::string& to) = 0;
  /// Keeps what a file holds now under a second name in its directory: a hard link where the file system has them, so
  /// only for files that are replaced and never written in place. Replaces what had that name. \throws Error.
  virtual void keep_file(const std::string& path, const std::string& as) = 0;
  /// The same as a durable copy: for files that others write in place (grub-mkconfig 2.06 writes grub.cfg with cat).
  virtual void copy_file(const std::string& path, const std::string& as) = 0;
  /// Brings all that a file system holds to where even a boot loader finds it, which reads no journal: after this the
  /// file at `path` is on the disk in its place, not only promised. \throws Error.
  virtual void flush(const std::string& path) = 0;
  /// Runs a program with arguments, no shell, output to our stderr; waits. See run_program(). \throws Error unless it
  /// exits 0.
  virtual void run(const std::vector<std::string>& command, std::chrono::milliseconds deadline) = 0;
  /// The same for a program that changes nothing and says in one sentence why it fails: that is the reason then. Not
  /// for one that may write much, see program_output().
  virtual void require(const std::vector<std::string>& command, std::chrono::milliseconds deadline);
  /// Runs `check`, which looks whether the machine shows what was just written, and throws if it does not.
  /// A rehearsal has nothing to look at and only notes that it would. \param what path that is read.
  virtual void read_back(const std::string& what, const std::function<void()>& check);
};

/// Touches the machine below `root`, which must be live for attributes and programs.
class LiveEffects : public Effects {
 public:
  /// \throws Error if `root` is not the live machine.
  explicit LiveEffects(const Root& root);
  void in_child(std::size_t count, const ChildProcess::Job& job, const ChildProcess::Ended& ended) override;
  void write_attributes(const std::vector<AttributeWrite>& writes, std::chrono::milliseconds deadline) override;
  void replace_file(const std::string& path, const std::string& content, unsigned mode = 0644) override;
  void overwrite_file(const std::string& path, const std::string& content) override;
  void replace_cluster_file(const std::string& path, const std::string& before, const std::string& content) override;
  void remove_file(const std::string& path) override;
  void rename_file(const std::string& from, const std::string& to) override;
  void keep_file(const std::string& path, const std::string& as) override;
  void copy_file(const std::string& path, const std::string& as) override;
  void flush(const std::string& path) override;
  void run(const std::vector<std::string>& command, std::chrono::milliseconds deadline) override;
  void require(const std::vector<std::string>& command, std::chrono::milliseconds deadline) override;

 private:
  const Root& root_;
  ChildProcess child_;
};

/// Touches nothing and writes down, one line per effect, what would have been done: the rehearsal of a plan.
class RecordingEffects : public Effects {
 public:
  void write_attributes(const std::vector<AttributeWrite>& writes, std::chrono::milliseconds deadline) override;
  void replace_file(const std::string& path, const std::string& content, unsigned mode = 0644) override;
  void overwrite_file(const std::string& path, const std::string& content) override;
  void replace_cluster_file(const std::string& path, const std::string& before, const std::string& content) override;
  void remove_file(const std::string& path) override;
  void rename_file(const std::string& from, const std::string& to) override;
  void keep_file(const std::string& path, const std::string& as) override;
  void copy_file(const std::string& path, const std::string& as) override;
  void flush(const std::string& path) override;
  void run(const std::vector<std::string>& command, std::chrono::milliseconds deadline) override;
  void read_back(const std::string& what, const std::function<void()>& check) override;
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

}  // namespace hostsplit
