#include "host/effects/effects.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>

#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "host/effects/cluster_file.hpp"
#include "host/effects/program.hpp"
#include "host/system/process_path.hpp"
#include "host/system/unique_fd.hpp"
#include "host/system/write_whole.hpp"

namespace hostsplit {
namespace {

using std::chrono::milliseconds;

std::string errno_text(int code) {
  return std::strerror(code);
}

/// Without the newline that some attributes want.
std::string shown_value(const AttributeWrite& item) {
  return item.value.substr(0, item.value.find_last_not_of('\n') + 1);
}

void fsync_directory(int root, const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash);
  const UniqueFd fd(openat(root, directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // pmxcfs and some network file systems refuse fsync on directories; the rename itself has happened.
  if (fd.get() >= 0) fsync(fd.get());
}

void make_parents(int root, const std::string& path, const std::string& shown) {
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    if (mkdirat(root, directory.c_str(), 0755) != 0 && errno != EEXIST)
      throw Error("create directory for", shown, errno_text(errno));
  }
}

/// "etc/x" -> "etc/.x.4711.new": no other process has this number while we run.
std::string temporary_name(const std::string& path) {
  const auto name = path.rfind('/') + 1;
  return fmt::format("{}.{}.{}.new", path.substr(0, name), path.substr(name), getpid());
}

/// A new file that nobody else has open. One of that name was left by a process that is gone.
UniqueFd create_temporary(int root, const std::string& name) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(openat(root, name.c_str(), flags, 0600));
  if (fd.get() >= 0 || errno != EEXIST) return fd;
  unlinkat(root, name.c_str(), 0);
  return UniqueFd(openat(root, name.c_str(), flags, 0600));
}

/// Where a chain of symbolic links ends, below the root; the path itself when it is none.
std::string link_target(const Root& root, std::string path) {
  constexpr int most_links = 8;
  for (int links = 0; links < most_links; ++links) {
    char target[4096];
    const ssize_t size = readlinkat(root.descriptor(), path.c_str(), target, sizeof target);
    if (size <= 0) return path;
    const std::string to(target, static_cast<std::size_t>(size));
    path = to.front() == '/' ? to.substr(1) : path.substr(0, path.rfind('/') + 1) + to;
  }
  throw Error("write", root.display(path), std::strerror(ELOOP));
}

/// The owner of the file that is replaced. Failing is ignored: root of a file system without owners may not set one.
void keep_owner(int root, const std::string& path, int fd) {
  struct stat before {};
  if (fstatat(root, path.c_str(), &before, AT_SYMLINK_NOFOLLOW) != 0) return;
  [[maybe_unused]] const int kept = fchown(fd, before.st_uid, before.st_gid);
}

}  // namespace

std::string own_directory(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  for (const std::string own : {"etc/hostsplit/", "var/lib/hostsplit/"})
    if (directory.starts_with(own) && directory != own) return directory.substr(0, directory.size() - 1);
  return {};
}

Stuck::Stuck(const std::string& attribute, milliseconds deadline, int pid, std::string stack)
    : Error("write", attribute,
            fmt::format("the kernel has not answered for {} ms; process {} is stuck in it", deadline.count(), pid),
            fmt::format(
                "See /proc/{}/stack; the device stays as it is until that process ends or the machine restarts.", pid)),
      pid_(pid),
      stack_(std::move(stack)) {}

void Effects::read_back(const std::string&, const std::function<void()>& check) {
  check();
}

void Effects::in_child(std::size_t count, const ChildProcess::Job& job, const ChildProcess::Ended& ended) {
  for (std::size_t number = 0; number < count; ++number) {
    const ChildProcess::Report report = job(number);
    if (!ended(number, report.text) || !report.go_on) return;
  }
}

LiveEffects::LiveEffects(const Root& root) : root_(root), child_(root.descriptor()) {
  if (!root.live())
    throw Error("act on", root.directory(), "it is a recorded machine, not this one",
                "Leave --root away to act on this machine.", Error::Kind::bad_input);
}

void LiveEffects::in_child(std::size_t count, const ChildProcess::Job& job, const ChildProcess::Ended& ended) {
  using Kind = ChildProcess::Result::Kind;
  const auto result = child_.run(count, job, ended);
  if (result.kind == Kind::stuck)
    throw Stuck(result.attribute, result.deadline, result.pid,
                root_.read(process_path(result.pid, "stack")).value_or(""));
  if (result.kind == Kind::died)
    throw Error("write", "attributes", fmt::format("process {}, which does it, was ended from outside", result.pid));
}

void LiveEffects::write_attributes(const std::vector<AttributeWrite>& writes, milliseconds deadline) {
  if (!child_.inside()) throw std::logic_error("attributes are written in a job of Effects::in_child()");
  child_.require_owner();
  for (const auto& item : writes) {
    child_.announce(root_.display(item.path), deadline);
    const UniqueFd fd(openat(root_.descriptor(), item.path.c_str(), O_WRONLY | O_CLOEXEC));
    const bool written = fd.get() >= 0 && write(fd.get(), item.value.data(), item.value.size()) >= 0;
    const int error = written ? 0 : errno;
    child_.announce({}, milliseconds(0));
    if (error == 0) continue;
    throw Error("write \"" + shown_value(item) + "\" to", root_.display(item.path), errno_text(error));
  }
}

void LiveEffects::replace_file(const std::string& asked, const std::string& content, unsigned mode) {
  const int root = root_.descriptor();
  const std::string shown = root_.display(asked), path = link_target(root_, asked);
  make_parents(root, path, shown);
  const std::string temporary = temporary_name(path);
  try {
    const UniqueFd fd = create_temporary(root, temporary);
    if (fd.get() < 0) throw Error("write", shown, errno_text(errno));
    if (const int error = write_whole(fd.get(), content)) throw Error("write", shown, errno_text(error));
    keep_owner(root, path, fd.get());
    if (fchmod(fd.get(), mode) != 0 || fsync(fd.get()) != 0) throw Error("write", shown, errno_text(errno));
    if (renameat(root, temporary.c_str(), root, path.c_str()) != 0) throw Error("replace", shown, errno_text(errno));
  } catch (const Error&) {
    unlinkat(root, temporary.c_str(), 0);
    throw;
  }
  fsync_directory(root, path);
}

void LiveEffects::overwrite_file(const std::string& path, const std::string& content) {
  const std::string shown = root_.display(path);
  const UniqueFd fd(openat(root_.descriptor(), path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat now {};
  if (fd.get() < 0 || fstat(fd.get(), &now) != 0) throw Error("write", shown, errno_text(errno));
  if (!S_ISREG(now.st_mode) || now.st_size != static_cast<off_t>(content.size()))
    throw Error("write", shown, fmt::format("it is not a file of {} bytes", content.size()));
  if (const int error = write_whole(fd.get(), content)) throw Error("write", shown, errno_text(error));
  if (fsync(fd.get()) != 0) throw Error("write", shown, errno_text(errno));
}

void LiveEffects::replace_cluster_file(const std::string& path, const std::string& before, const std::string& content) {
  hostsplit::replace_cluster_file(root_, path, before, content);
}

void LiveEffects::remove_file(const std::string& path) {
  if (unlinkat(root_.descriptor(), path.c_str(), 0) != 0 && errno != ENOENT)
    throw Error("remove", root_.display(path), errno_text(errno));
  fsync_directory(root_.descriptor(), path);
  if (const std::string own = own_directory(path); !own.empty())
    unlinkat(root_.descriptor(), own.c_str(), AT_REMOVEDIR);  // refused while something is in it
}

void LiveEffects::rename_file(const std::string& from, const std::string& to) {
  if (renameat(root_.descriptor(), from.c_str(), root_.descriptor(), to.c_str()) != 0)
    throw Error("rename", root_.display(from), errno_text(errno));
  fsync_directory(root_.descriptor(), to);
}

void LiveEffects::keep_file(const std::string& path, const std::string& as) {
  const int root = root_.descriptor();
  if (unlinkat(root, as.c_str(), 0) != 0 && errno != ENOENT)
    throw Error("replace", root_.display(as), errno_text(errno));
  if (linkat(root, path.c_str(), root, as.c_str(), 0) == 0) return fsync_directory(root, as);
  copy_file(path, as);
}

void LiveEffects::copy_file(const std::string& path, const std::string& as) {
  const auto content = root_.read_file(path);
  if (!content) throw Error("keep", root_.display(path), "it does not exist");
  replace_file(as, *content, root_.mode(path).value_or(0600));
}

void LiveEffects::flush(const std::string& path) {
  const UniqueFd fd(openat(root_.descriptor(), path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 || syncfs(fd.get()) != 0) throw Error("flush", root_.display(path), errno_text(errno));
  // syncfs is content with the journal. Where there is none, or one that cannot be emptied, this fails and need not
  // succeed (Documentation/filesystems/ext4/journal.rst; EXT4_IOC_CHECKPOINT, Linux 5.14).
  constexpr unsigned long ext4_checkpoint = _IOW('f', 43, std::uint32_t);
  std::uint32_t flags = 0;
  (void)ioctl(fd.get(), ext4_checkpoint, &flags);
}

void LiveEffects::run(const std::vector<std::string>& command, milliseconds deadline) {
  run_program(command, deadline);
}

void Effects::require(const std::vector<std::string>& command, milliseconds deadline) {
  run(command, deadline);
}

void LiveEffects::require(const std::vector<std::string>& command, milliseconds deadline) {
  const ProgramOutput answer = program_output(command, deadline);
  if (answer.exit_code == 0) return;
  std::string why = first_printable_line(answer.err);
  // "boot-entries: ..."
  const std::string name(command.front().substr(command.front().rfind('/') + 1) + ": ");
  if (why.starts_with(name)) why.erase(0, name.size());
  throw Error("run", command.front(), why.empty() ? fmt::format("it exited with {}", answer.exit_code) : why);
}

void RecordingEffects::write_attributes(const std::vector<AttributeWrite>& writes, milliseconds) {
  for (const auto& item : writes) lines_.push_back("write \"" + shown_value(item) + "\" to /" + item.path);
}

void RecordingEffects::replace_file(const std::string& path, const std::string& content, unsigned) {
  lines_.push_back(fmt::format("replace /{} ({} bytes)", path, content.size()));
}

void RecordingEffects::overwrite_file(const std::string& path, const std::string& content) {
  lines_.push_back(fmt::format("overwrite /{} ({} bytes)", path, content.size()));
}

void RecordingEffects::replace_cluster_file(const std::string& path, const std::string&, const std::string& content) {
  lines_.push_back(fmt::format("replace /{} in the cluster ({} bytes)", path, content.size()));
}

void RecordingEffects::remove_file(const std::string& path) {
  lines_.push_back("remove /" + path);
}

void RecordingEffects::rename_file(const std::string& from, const std::string& to) {
  lines_.push_back("rename /" + from + " to /" + to);
}

void RecordingEffects::keep_file(const std::string& path, const std::string& as) {
  lines_.push_back("keep /" + path + " as /" + as);
}

void RecordingEffects::copy_file(const std::string& path, const std::string& as) {
  lines_.push_back("copy /" + path + " to /" + as);
}

void RecordingEffects::flush(const std::string& path) {
  lines_.push_back("flush /" + path);
}

void RecordingEffects::read_back(const std::string& what, const std::function<void()>&) {
  lines_.push_back("read back /" + what);
}

void RecordingEffects::run(const std::vector<std::string>& command, milliseconds) {
  lines_.push_back(fmt::format("run {}", fmt::join(command, " ")));
}

}  // namespace hostsplit
