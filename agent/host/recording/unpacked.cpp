#include "host/recording/unpacked.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "core/base/error.hpp"
#include "core/recording/recording.hpp"
#include "formats/recording/recording_file.hpp"
#include "host/system/write_whole.hpp"

namespace hostsplit {
namespace {

namespace fs = std::filesystem;
using Kind = RecordedEntry::Kind;

std::string read_text(const std::string& file) {
  const auto refuse = [&](const char* reason) {
    throw Error("use", file, reason, "Name a file that hostsplit snapshot made.", Error::Kind::bad_input);
  };
  // O_NONBLOCK: a fifo must not stop us.
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (fd.get() < 0 || fstat(fd.get(), &status) != 0) refuse(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) refuse("it is neither a file nor a directory");
  if (static_cast<std::uint64_t>(status.st_size) > largest_recording) refuse("it is larger than any snapshot");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const auto count = ::read(fd.get(), text.data() + have, text.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(std::strerror(errno));
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  text.resize(have);
  return text;
}

constexpr const char* more_room = "Set TMPDIR to a directory with room.";

std::string private_directory() {
  std::string pattern = (fs::temp_directory_path() / "hostsplit-snapshot.XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw Error("make", pattern, std::strerror(errno), more_room);
  return pattern;
}

void write_file(const std::string& path, const RecordedEntry& entry) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  const int error = fd.get() < 0 ? errno : write_whole(fd.get(), entry.text);
  if (error != 0) throw Error("write", path, std::strerror(error), more_room);
  // Whoever looks at it is to be able to read it.
  if (entry.mode) fchmod(fd.get(), *entry.mode | 0400u);
}

void write_entry(const std::string& directory, const std::string& path, const RecordedEntry& entry) {
  const auto at = directory + "/" + path;
  fs::create_directories(fs::path(at).parent_path());
  switch (entry.kind) {
    case Kind::directory:
    case Kind::unreadable:  // a directory is what is there and cannot be read as a file
      fs::create_directories(at);
      return;
    case Kind::name:
      if (!fs::exists(at)) write_file(at, {});
      return;
    case Kind::file: return write_file(at, entry);
    case Kind::link: fs::create_symlink(entry.text, at);
  }
}

}  // namespace

void unpack(const Recording& recording, const std::string& directory) {
  // Names last: what is below them tells whether they are directories.
  for (const bool names : {false, true})
    for (const auto& [path, entry] : recording.entries)
      if ((entry.kind == Kind::name) == names) write_entry(directory, path, entry);
}

Recording read_recording(const std::string& file) {
  return parse_recording(read_text(file), file);
}

UnpackedMachine::UnpackedMachine(const std::string& file) {
  const Recording recording = read_recording(file);
  try {
    directory_ = private_directory();
    remove_when_gone();
    unpack(recording, directory_);
  } catch (const fs::filesystem_error& error) {
    throw Error("unpack", file, error.code().message(), more_room);
  }
}

/// A process of its own, because this one may be killed or replaced by another program.
void UnpackedMachine::remove_when_gone() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Error("unpack to", directory_, std::strerror(errno));
  UniqueFd waits(ends[0]);
  alive_.reset(ends[1]);
  remover_ = fork();
  if (remover_ < 0) throw Error("unpack to", directory_, std::strerror(errno));
  if (remover_ != 0) return;
  setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  alive_.reset();
  // Who reads our output waits for all who could write to it.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(fd);
  char byte;
  while (read(waits.get(), &byte, 1) < 0 && errno == EINTR) continue;
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
  _exit(0);
}

UnpackedMachine::~UnpackedMachine() {
  alive_.reset();
  if (remover_ > 0)
    while (waitpid(remover_, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace hostsplit
