#include "host/system/root.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/base/error.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {
namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

std::optional<std::string> read_link(int directory, const char* path) {
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(directory, path, target, sizeof target);
  if (length < 0) return std::nullopt;
  return std::string(target, static_cast<std::size_t>(length));
}

/// What the kernel calls the file behind a descriptor; " (deleted)" is appended to what has vanished.
std::optional<std::string> path_of(int fd) {
  return read_link(AT_FDCWD, ("/proc/self/fd/" + std::to_string(fd)).c_str());
}

bool is_below(const std::string& path, const std::string& directory) {
  return path == directory ||
         (path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/');
}

/// Without openat2 (kernels before 5.6, or a seccomp filter that does not know it) links are followed by the host's
/// rules. What ended up outside is refused afterwards: absolute links then do not resolve, but nothing leaks in.
int open_checked(int directory, const std::string& path, int flags) {
  const int fd = ::openat(directory, path.c_str(), flags);
  if (fd < 0) return -1;
  const auto top = path_of(directory), found = path_of(fd);
  if (top && found && is_below(*found, *top)) return fd;
  ::close(fd);
  errno = ENOENT;
  return -1;
}

int open_in_root(int directory, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) return open_checked(directory, path, flags);
  return static_cast<int>(fd);
}

bool is_absent(int error) {
  return error == ENOENT || error == ENOTDIR;
}

/// Appends up to `limit` bytes. \return 0, or errno of the failure.
int read_all(int fd, bool one_read_is_all, std::size_t limit, std::string& text) {
  char buffer[8192];
  while (text.size() < limit) {
    const ssize_t count = ::read(fd, buffer, std::min(sizeof buffer, limit - text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.append(buffer, static_cast<std::size_t>(count));
    if (count == 0 || (one_read_is_all && static_cast<std::size_t>(count) < sizeof buffer)) break;
  }
  return 0;
}

constexpr std::string_view cluster = "etc/pve";
/// pmxcfs is slow while a cluster finds its members, but not that slow; Proxmox VE gives a hook of a VM no limit.
constexpr std::chrono::milliseconds cluster_patience{5000};
/// The service's loop stands still meanwhile. The kernel shows an attribute within microseconds.
constexpr std::chrono::milliseconds attribute_patience{900};

bool in_cluster(const std::string& path) {
  return path.starts_with(cluster) && (path.size() == cluster.size() || path[cluster.size()] == '/');
}

/// What can be asked for, as the first byte of a request.
namespace look {
constexpr char read = 'r', file = 'f', list = 'l', link = 'k', resolve = 's', exists = 'e', mode = 'm';
}  // namespace look

}  // namespace

/// The first byte of an answer says what follows.
struct Root::Reply {
  enum class Kind : char { nothing = '-', value = '+', error = '!', silent = '?' } kind = Kind::silent;
  std::string text;

  std::optional<std::string> value() const {
    if (kind == Kind::value) return text;
    return std::nullopt;
  }
};

Root::Root(const std::string& directory, bool patient) : Root(RootPlace{directory}) {
  if (patient && !reader_) read_with_patience();
}

Root::Root(const RootPlace& place, RootRecorder* recorder)
    : directory_(place.directory),
      shown_(place.shown),
      recorder_(recorder),
      live_(place.directory == "/") {
  while (directory_.size() > 1 && directory_.back() == '/') directory_.pop_back();
  fd_ = ::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0)
    throw Error("open", directory_, reason(errno), "Name a snapshot, or the directory of a recorded machine",
                Error::Kind::bad_input);
  // "/." or "//" is the live machine too: what acts must not be fooled by spelling.
  if (const auto real = path_of(fd_); real == "/") {
    live_ = true;
    directory_ = "/";
  }
  if (live_) read_with_patience();
}

void Root::read_with_patience() {
  patient_ = getpid();
  reader_ = std::make_unique<PatientReader>(fd_, [this](const std::string& request) { return serve(request); });
}

Root::~Root() {
  ::close(fd_);
}

std::string Root::display(const std::string& path) const {
  if (!shown_.empty()) return shown_ + ":/" + path;
  return live_ ? "/" + path : directory_ + "/" + path;
}

int Root::open_below(const std::string& path, int flags) const {
  flags |= O_CLOEXEC;
  return live_ ? ::openat(fd_, path.c_str(), flags) : open_in_root(fd_, path, flags);
}

/// In the process of the reader, where everything is read directly.
std::string Root::serve(const std::string& request) const {
  const char what = request.at(0);
  const auto blank = request.find(' ');
  const std::size_t limit = std::stoull(request.substr(1, blank - 1));
  const std::string path = request.substr(blank + 1);
  const auto told = [](const std::optional<std::string>& value) { return value ? "+" + *value : "-"; };
  switch (what) {
    case look::read: return told(read(path, limit));
    case look::link: return told(link_text(path));
    case look::resolve: return told(resolve(path));
    case look::exists: return exists(path) ? "+" : "-";
    case look::mode: {
      const auto bits = mode(path);
      return bits ? "+" + std::to_string(*bits) : "-";
    }
    case look::list: {
      std::string names = "+";
      for (const auto& name : list(path)) names += name + '\0';
      return names;
    }
    default: try { return told(read_file(path));
      } catch (const Error& error) {
        return "!" + error.reason();
      }
  }
}

std::optional<Root::Reply> Root::asked(const std::string& subject, char what, const std::string& path,
                                       std::size_t limit) const {
  if (!reader_ || patient_ != getpid()) return std::nullopt;
  const auto patience = subject == cluster ? cluster_patience : attribute_patience;
  const auto answer = reader_->ask(subject, what + std::to_string(limit) + " " + path, patience);
  if (!answer || answer->empty()) return Reply{};
  return Reply{static_cast<Reply::Kind>(answer->front()), answer->substr(1)};
}

std::optional<std::string> Root::noted(const std::string& path, const Reply& reply,
                                       void (RootRecorder::*note)(const std::string&, const std::string&)) const {
  if (recorder_ && reply.kind == Reply::Kind::value) (recorder_->*note)(path, reply.text);
  return reply.value();
}

/// \return empty when it is to be read directly.
std::optional<Root::Reply> Root::patiently(char what, const std::string& path, std::size_t limit) const {
  if (!in_cluster(path)) return std::nullopt;
  return asked(std::string(cluster), what, path, limit);
}

std::optional<std::string> Root::read_in_time(const std::string& path, std::size_t limit) const {
  if (const auto reply = asked(path, look::read, path, limit)) return noted(path, *reply, &RootRecorder::on_read);
  return read(path, limit);
}

bool Root::silent(const std::string& path) const {
  return reader_ && reader_->silent(in_cluster(path) ? std::string(cluster) : path);
}

/// \param error  0, or errno of the failure
std::optional<std::string> Root::note_read(const std::string& path, int error, std::string text) const {
  if (recorder_ && error == 0) recorder_->on_read(path, text);
  if (recorder_ && error != 0 && !is_absent(error)) recorder_->on_unreadable(path);
  if (error != 0) return std::nullopt;
  return text;
}

std::optional<std::string> Root::read(const std::string& path, std::size_t limit) const {
  if (const auto reply = patiently(look::read, path, limit)) return noted(path, *reply, &RootRecorder::on_read);
  // O_NONBLOCK: a fifo in a recorded tree must not stop us.
  const UniqueFd fd(open_below(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (fd.get() < 0) return note_read(path, errno, {});
  std::string content;
  // A sysfs attribute comes whole in one read (Documentation/filesystems/sysfs.rst); /proc may come in pieces.
  const int error = read_all(fd.get(), path.starts_with("sys/"), limit, content);
  auto text = note_read(path, error, std::move(content));
  if (!text) return text;
  const auto end = text->find_last_not_of(" \t\r\n");
  text->erase(end == std::string::npos ? 0 : end + 1);
  return text;
}

std::optional<std::string> Root::read_file(const std::string& path) const {
  if (const auto reply = patiently(look::file, path)) {
    if (reply->kind == Reply::Kind::error) throw Error("read", display(path), reply->text);
    if (reply->kind == Reply::Kind::silent)
      throw Error("read", display(path), "the cluster file system does not answer",
                  "See systemctl status pve-cluster.");
    return noted(path, *reply, &RootRecorder::on_read);
  }
  const UniqueFd fd(open_below(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  const int refused = fd.get() < 0 ? errno : 0;
  if (is_absent(refused)) return std::nullopt;
  std::string content;
  const int error = refused != 0 ? refused : read_all(fd.get(), false, std::string::npos, content);
  auto text = note_read(path, error, std::move(content));
  if (!text) throw Error(refused != 0 ? "open" : "read", display(path), reason(error));
  return text;
}

std::vector<std::string> Root::list(const std::string& path) const {
  std::vector<std::string> names;
  if (const auto reply = patiently(look::list, path)) {
    for (std::string_view rest = reply->text; !rest.empty(); rest.remove_prefix(names.back().size() + 1))
      names.emplace_back(rest.substr(0, rest.find('\0')));
    if (recorder_ && reply->kind == Reply::Kind::value) recorder_->on_list(path, names);
    return names;
  }
  const UniqueFd fd(open_below(path, O_RDONLY | O_DIRECTORY));
  if (fd.get() < 0) return names;
  // Without readdir's bookkeeping: a look at the machine lists some fifty directories.
  alignas(dirent64) char buffer[16384];
  for (ssize_t count; (count = ::getdents64(fd.get(), buffer, sizeof buffer)) > 0;) {
    for (ssize_t offset = 0; offset < count;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + offset);
      offset += entry->d_reclen;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  if (recorder_) recorder_->on_list(path, names);
  return names;
}

bool Root::refuses(const std::string& directory) const {
  const UniqueFd fd(open_below(directory, O_RDONLY | O_DIRECTORY));
  return fd.get() < 0 && (errno == EACCES || errno == EPERM);
}

std::optional<std::string> Root::open_device(const std::string& path) const {
  struct statx found {};
  // Without asking who serves the file, and may never answer.
  if (!live_ || ::statx(fd_, path.c_str(), AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &found) != 0)
    return std::nullopt;
  if (!S_ISCHR(found.stx_mode) && !S_ISBLK(found.stx_mode)) return std::nullopt;
  const auto number = std::string(S_ISCHR(found.stx_mode) ? "char/" : "block/") + std::to_string(found.stx_rdev_major) +
                      ":" + std::to_string(found.stx_rdev_minor);
  if (recorder_) recorder_->on_link(path, "/dev/" + number);
  return number;
}

std::optional<std::string> Root::link_text(const std::string& path) const {
  if (const auto reply = patiently(look::link, path)) return noted(path, *reply, &RootRecorder::on_link);
  std::optional<std::string> target;
  if (live_) {
    target = read_link(fd_, path.c_str());
  } else {
    const UniqueFd fd(open_below(path, O_PATH | O_NOFOLLOW));
    if (fd.get() < 0) return std::nullopt;
    target = read_link(fd.get(), "");
    if (target && target->empty()) return std::nullopt;
  }
  if (recorder_ && target) recorder_->on_link(path, *target);
  return target;
}

std::optional<std::string> Root::link_name(const std::string& path) const {
  auto target = link_text(path);
  if (!target) return std::nullopt;
  while (!target->empty() && target->back() == '/') target->pop_back();
  return target->substr(target->rfind('/') + 1);
}

std::optional<std::string> Root::resolve(const std::string& path) const {
  if (const auto reply = patiently(look::resolve, path)) {
    if (recorder_ && reply->kind == Reply::Kind::value) recorder_->on_seen(path);
    return reply->value();
  }
  const UniqueFd fd(open_below(path, O_PATH));
  if (fd.get() < 0) return std::nullopt;
  if (recorder_) recorder_->on_seen(path);
  const auto top = path_of(fd_);
  auto found = path_of(fd.get());
  if (!top || !found || found->ends_with(" (deleted)")) return std::nullopt;
  if (live_) return found->substr(1);
  if (!is_below(*found, *top)) return std::nullopt;
  return found->size() == top->size() ? std::string() : found->substr(top->size() + 1);
}

std::optional<unsigned> Root::mode(const std::string& path) const {
  if (const auto reply = patiently(look::mode, path)) {
    const auto text = reply->value();
    if (!text) return std::nullopt;
    const auto bits = static_cast<unsigned>(std::stoul(*text));
    if (recorder_) recorder_->on_mode(path, bits);
    return bits;
  }
  const UniqueFd fd(open_below(path, O_PATH));
  struct stat found {};
  if (fd.get() < 0 || ::fstat(fd.get(), &found) != 0) return std::nullopt;
  if (recorder_) recorder_->on_mode(path, found.st_mode & 07777u);
  return found.st_mode & 07777u;
}

bool Root::exists(const std::string& path) const {
  if (const auto reply = patiently(look::exists, path)) {
    const bool there = reply->kind == Reply::Kind::value;
    if (recorder_ && there) recorder_->on_seen(path);
    return there;
  }
  if (live()) return ::faccessat(fd_, path.c_str(), F_OK, 0) == 0;
  const UniqueFd fd(open_below(path, O_PATH));
  if (recorder_ && fd.get() >= 0) recorder_->on_seen(path);
  return fd.get() >= 0;
}

}  // namespace hostsplit
