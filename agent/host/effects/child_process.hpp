#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/effects/shared_value.hpp"

namespace hostsplit {

/// A child process for jobs the kernel may keep for ever inside one write (unbind of a device a VM holds): it
/// hangs, and nobody else. It does many jobs and waits for nobody in between, because being woken costs more than a
/// job's reads. While it is inside a write, a deadline stands; when that has passed it is left behind.
class ChildProcess {
 public:
  /// What is left of a job.
  struct Report {
    std::string text;   ///< at most 16 KiB; what is longer is cut
    bool go_on = true;  ///< false: the jobs after it are not begun
  };
  /// Does the job of a number.
  using Job = std::function<Report(std::size_t number)>;
  /// Told of each job that ended. \return false to begin no other.
  using Ended = std::function<bool(std::size_t number, const std::string& text)>;

  /// \param root directory that the jobs' paths are relative to; must outlive this.
  explicit ChildProcess(int root) : root_(root) {}
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// How the jobs ended; `stuck` and `died` are about the first that `ended` was not told of.
  struct Result {
    enum class Kind { ended, stuck, died } kind = Kind::ended;
    int pid = 0;                           ///< of the process
    std::string attribute;                 ///< stuck: what it is writing to
    std::chrono::milliseconds deadline{};  ///< stuck: the one that has passed
  };
  /// Does jobs 0 to `count` - 1 in order. What they do to this program's memory is lost; descriptors are closed to them
  /// but for the root and those of datagram sockets, by which the journal is reached.
  /// \param job    in the new process
  /// \param ended  in this one, while the next job is already being done: one more may end after it returned false
  /// \throws Error if no process can be started; what `ended` throws.
  Result run(std::size_t count, const Job& job, const Ended& ended);

  /// \return whether this is the process of jobs.
  bool inside() const { return inside_; }
  /// To be called in a job before writes that belong together: they are all begun, or, if the owner has ended or given
  /// up, none is and this process ends.
  void require_owner() const;
  /// To be called in a job before each write, and after it with a deadline of zero.
  void announce(std::string_view attribute, std::chrono::milliseconds deadline);

 private:
  [[noreturn]] void serve(int channel, std::size_t count, const Job& job);
  Result attend(int channel, int pid, const Ended& ended);

  /// What the owner wants of the process.
  enum class Will { go_on, begin_no_other, end };
  /// What the process and its owner both see.
  struct Shared {
    std::atomic<std::int64_t> due{0};       ///< steady clock in milliseconds; 0: it is in no write
    std::atomic<std::int64_t> deadline{0};  ///< in milliseconds
    std::atomic<Will> will{Will::go_on};
    std::array<char, 256> attribute{};  ///< ordered by `due`
  };

  int root_;
  int owner_ = 0;
  bool inside_ = false;
  SharedValue<Shared> shared_;
  std::vector<int> abandoned_;  ///< end some day; collecting them then keeps no zombies
};

}  // namespace hostsplit
