#include "host/store/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/base/error.hpp"
#include "host/system/unique_fd.hpp"
#include "host/system/write_whole.hpp"

namespace hostsplit {
namespace {

/// \param error  of errno
[[noreturn]] void fail(const std::string& path, int error) {
  throw Error("write", path, std::strerror(error), "Name a file in a directory that is there and may be written.");
}

bool has_mark(const std::string& path, std::string_view mark) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  char first[512];
  const ssize_t count = fd.get() < 0 ? -1 : read(fd.get(), first, sizeof first);
  return count > 0 && std::string_view(first, static_cast<std::size_t>(count)).find(mark) != std::string_view::npos;
}

/// \return true when there is a file, which is then to be replaced.
bool may_replace(const std::string& path, std::string_view mark, bool overwrite) {
  struct stat there {};
  if (lstat(path.c_str(), &there) != 0) {
    if (errno != ENOENT) fail(path, errno);
    return false;
  }
  if (!S_ISREG(there.st_mode))
    throw Error("write", path, "it is there already, and no regular file",
                "Name another file, or leave the name away: the document then goes to standard output.",
                Error::Kind::bad_input);
  if (!overwrite && !has_mark(path, mark))
    throw Error("write", path, "it is there already and was not made by hostsplit map",
                "Name another file, or overwrite it with --force.", Error::Kind::bad_input);
  return true;
}

/// \return errno; 0 when it has its name
int give_name(const std::string& temporary, const std::string& path, bool replace) {
  if (replace) return std::rename(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  // Somebody may have made a file of that name meanwhile: a link, unlike a rename, does not replace it.
  if (link(temporary.c_str(), path.c_str()) == 0) {
    unlink(temporary.c_str());
    return 0;
  }
  if (errno != EPERM && errno != EOPNOTSUPP) return errno;
  return std::rename(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;  // a file system without links
}

}  // namespace

// Never over a file that is there: whoever makes it may be root, and the name may be anybody's link.
void write_new_file(const std::string& file, const std::string& text, bool for_everybody) {
  const UniqueFd fd(
      open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, for_everybody ? 0644 : 0600));
  if (fd.get() < 0)
    throw Error("write", file, std::strerror(errno),
                errno == EEXIST ? "Name another file: hostsplit does not write over one." : "Name a file elsewhere.",
                Error::Kind::bad_input);
  if (const int error = write_whole(fd.get(), text); error != 0) {
    unlink(file.c_str());
    throw Error("write", file, std::strerror(error));
  }
}

void write_output(const std::string& path, std::string_view content, std::string_view mark, bool overwrite) {
  const bool replace = may_replace(path, mark, overwrite);
  const auto name = path.rfind('/') + 1;
  const std::string temporary = fmt::format("{}.{}.{}.new", path.substr(0, name), path.substr(name), getpid());
  const UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (fd.get() < 0) fail(path, errno);
  int error = write_whole(fd.get(), content);
  if (error == 0 && fsync(fd.get()) != 0 && errno != EINVAL) error = errno;
  if (error == 0) error = give_name(temporary, path, replace);
  if (error == 0) return;
  unlink(temporary.c_str());
  fail(path, error);
}

}  // namespace hostsplit
