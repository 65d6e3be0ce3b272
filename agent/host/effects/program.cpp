#include "host/effects/program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "core/base/error.hpp"
#include "host/effects/shared_value.hpp"
#include "host/system/forked.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds time_to_end{5000};

/// Where a program writes.
struct Outputs {
  int out = STDERR_FILENO, err = STDERR_FILENO;
};

/// What posix_spawn(3) is told, released with the object.
class SpawnSettings {
 public:
  explicit SpawnSettings(const Outputs& outputs) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, outputs.out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files_, outputs.err, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files_, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

/// Programs are found as boot finds them, and speak the language that is looked for in what they write.
const std::vector<std::string>& environment() {
  static const std::vector<std::string> fixed{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root",
                                              "DEBIAN_FRONTEND=noninteractive"};
  return fixed;
}

/// The program by its path: posix_spawnp would look along our own PATH.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const auto* directory : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"})
    if (const std::string path = directory + name; access(path.c_str(), X_OK) == 0) return path;
  return name;
}

void signal_ignored(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  sigaction(signal, &action, nullptr);
}

/// \return false when the deadline passed first.
bool wait_for_end(int pidfd, milliseconds patience) {
  const auto end = Clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    pollfd item{pidfd, POLLIN, 0};
    const int ready = poll(&item, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

/// Ends the whole group. One that sits in the kernel stays behind: nothing reaches it there.
bool end_group(int pid, int pidfd) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    kill(-pid, signal);
    if (!wait_for_end(pidfd, time_to_end)) continue;
    kill(-pid, SIGKILL);  // whatever of the group has outlived its leader
    return true;
  }
  return false;
}

/// How it went, told by the minder.
struct Told {
  int start_error = 0;  ///< errno; the program never ran
  bool timed_out = false, stays = false;
  int pid = 0, status = 0;
};

bool is_regular_file(int fd) {
  struct stat what {};
  return fstat(fd, &what) == 0 && S_ISREG(what.st_mode);
}

/// Waits for the end of the program or of whoever wants it done. \return false when the deadline passed first.
bool wait_for_either(int program, int owner, milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    pollfd items[2] = {{program, POLLIN, 0}, {owner, POLLIN, 0}};
    const int ready = poll(items, 2, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (ready > 0) return (items[0].revents & POLLIN) != 0;
    if (ready == 0 || errno != EINTR) return false;
  }
}

/// Not pidfd_open(): in glibc 2.36 its header is no C++.
UniqueFd open_pid(int pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

/// The process between us and the program. When we are killed it ends the program before our locks are free: it has
/// copies of all files that are open, and a lock on a file lasts as long as any copy (flock(2)).
[[noreturn]] void mind(const std::vector<std::string>& command, milliseconds deadline, const Outputs& outputs,
                       int owner, Told& told) {
  setpgid(0, 0);  // a Ctrl-C is for the owner
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal_ignored(signal);
  try {
    const UniqueFd owner_end = open_pid(owner);
    if (getppid() != owner) _exit(EXIT_FAILURE);
    close_inherited([&](int fd) { return fd == STDERR_FILENO || fd == owner_end.get() || is_regular_file(fd); });
    const SpawnSettings settings(outputs);
    const auto arguments = pointers(command), variables = pointers(environment());
    told.start_error = posix_spawn(&told.pid, find_program(command.front()).c_str(), settings.files(),
                                   settings.attributes(), arguments.data(), variables.data());
    if (told.start_error != 0) _exit(EXIT_SUCCESS);
    const UniqueFd program = open_pid(told.pid);
    told.timed_out = !wait_for_either(program.get(), owner_end.get(), deadline);
    told.stays = told.timed_out && !end_group(told.pid, program.get());
    if (!told.stays) waitpid(told.pid, &told.status, 0);
  } catch (...) {
    _exit(EXIT_FAILURE);  // beyond this point there is only a copy of the owner's stack
  }
  _exit(EXIT_SUCCESS);
}

std::string shown(const std::vector<std::string>& command) {
  return fmt::format("{}", fmt::join(command, " "));
}

/// \return its status as of waitpid(2). \throws Error unless it ended by itself.
int status_of(const std::vector<std::string>& command, milliseconds deadline, const Outputs& outputs) {
  SharedValue<Told> told;
  const int owner = getpid();
  const int minder = fork();
  if (minder < 0) throw Error("run", shown(command), std::strerror(errno));
  if (minder == 0) mind(command, deadline, outputs, owner, *told);
  int how = 0;
  while (waitpid(minder, &how, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(how) || WEXITSTATUS(how) != EXIT_SUCCESS) {
    if (told->pid > 0) kill(-told->pid, SIGKILL);
    throw Error("run", shown(command), "the process that was to wait for it has ended");
  }
  if (told->start_error != 0) throw Error("run", shown(command), std::strerror(told->start_error));
  if (told->stays)
    throw Error(
        "run", shown(command),
        fmt::format("it has not ended for {} ms and cannot be ended (process {})", deadline.count(), told->pid));
  if (told->timed_out)
    throw Error("run", shown(command), fmt::format("it took more than {} ms and was ended", deadline.count()));
  return told->status;
}

Error ended_by_signal(const std::vector<std::string>& command, int status) {
  return {"run", shown(command), fmt::format("it was ended by signal {}", WTERMSIG(status))};
}

/// A file in memory that takes so much and no more (memfd_create(2), F_SEAL_GROW). How much was written says its
/// position, which it shares with the program.
class Sink {
 public:
  Sink() {
    const UniqueFd made(memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    // Above the standard streams, which the program gets others for.
    fd_ = UniqueFd(fcntl(made.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (fd_.get() < 0 || ftruncate(fd_.get(), longest_output) != 0 ||
        fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0)
      throw Error("make", "a file in memory", std::strerror(errno));
  }
  int get() const { return fd_.get(); }
  std::size_t written() const { return static_cast<std::size_t>(std::max<off_t>(lseek(fd_.get(), 0, SEEK_CUR), 0)); }
  std::string text() const {
    std::string text(std::min(written(), longest_output), '\0');
    const auto size = pread(fd_.get(), text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return text;
  }

 private:
  UniqueFd fd_;
};

}  // namespace

void run_program(const std::vector<std::string>& command, milliseconds deadline) {
  const int status = status_of(command, deadline, {});
  if (!WIFEXITED(status)) throw ended_by_signal(command, status);
  if (WEXITSTATUS(status) != 0)
    throw Error("run", shown(command), fmt::format("it exited with {}", WEXITSTATUS(status)));
}

ProgramOutput program_output(const std::vector<std::string>& command, milliseconds deadline) {
  const Sink out, err;
  const int status = status_of(command, deadline, {out.get(), err.get()});
  if (!WIFEXITED(status)) throw ended_by_signal(command, status);
  if (out.written() >= longest_output || err.written() >= longest_output)
    throw Error("run", shown(command), fmt::format("it wrote more than {} bytes", longest_output));
  return {WEXITSTATUS(status), out.text(), err.text()};
}

}  // namespace hostsplit
