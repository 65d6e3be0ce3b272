#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "host/system/unique_fd.hpp"
#include "host/system/write_whole.hpp"

namespace hostsplit::cli {

// Never over a file that is there: whoever makes it may be root, and the name may be anybody's link.
void write_new_file(const std::string& file, const std::string& text, bool for_everybody) {
  const UniqueFd fd(
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, for_everybody ? 0644 : 0600));
  if (fd.get() < 0)
    throw Error("write", file, std::strerror(errno),
                errno == EEXIST ? "Name another file: hostsplit does not write over one." : "Name a file elsewhere.",
                Error::Kind::bad_input);
  if (const int error = write_whole(fd.get(), text); error != 0) {
    ::unlink(file.c_str());
    throw Error("write", file, std::strerror(error));
  }
}

}  // namespace hostsplit::cli
