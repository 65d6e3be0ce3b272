#include "host/store/lent.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

/// Readers hold a shared lock for an instant.
constexpr int most_tries = 25;
constexpr std::chrono::milliseconds between_tries{20};

bool locked(int fd) {
  for (int left = most_tries; left > 0; --left) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    std::this_thread::sleep_for(between_tries);
  }
  return false;
}

}  // namespace

Lent::Lent(const Root& root) : shown_(root.display(names::lent_file)) {
  mkdirat(root.descriptor(), "run", 0755);
  mkdirat(root.descriptor(), "run/hostsplit", 0755);
  // Nobody but root: who may open it may lock it.
  fd_.reset(openat(root.descriptor(), names::lent_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd_.get() < 0) throw Error("open", shown_, std::strerror(errno));
  if (!locked(fd_.get()))
    throw Error("lock", shown_, "another hostsplit learn has borrowed controllers", "End that one first.");
  note({});
}

Lent::~Lent() {
  if (ftruncate(fd_.get(), 0) != 0) {
    // The lock goes with the descriptor, and what is noted counts no more.
  }
}

void Lent::note(const std::set<PciAddress>& addresses) {
  std::string text;
  for (const auto& address : addresses) text += to_string(address) + "\n";
  if (ftruncate(fd_.get(), 0) != 0 ||
      pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    throw Error("write", shown_, std::strerror(errno));
}

std::set<PciAddress> load_lent(const Root& root) {
  std::set<PciAddress> lent;
  const UniqueFd fd(openat(root.descriptor(), names::lent_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd.get() < 0 || flock(fd.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return lent;
  const std::string text = root.read(names::lent_file).value_or("");
  for (std::string_view rest = text; !rest.empty();)
    if (const auto address = parse_pci_address(trimmed(cut(rest, '\n')))) lent.insert(*address);
  return lent;
}

}  // namespace hostsplit
