#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "host/unique_fd.hpp"

namespace hostsplit {

struct AttributeWrite;

/// A disposable child process that writes attributes, so that a write the kernel never answers (unbind of a device a VM
/// holds) hangs the child and nobody else. One child serves many writes; one that misses a deadline is left behind and
/// the next write gets a new one. The child closes everything it inherits and ends when its owner does.
class AttributeWriter {
 public:
  /// \param root directory that paths are relative to; must outlive the writer.
  explicit AttributeWriter(int root) : root_(root) {}
  ~AttributeWriter();
  AttributeWriter(const AttributeWriter&) = delete;
  AttributeWriter& operator=(const AttributeWriter&) = delete;

  struct Result {
    enum class Kind { done, failed, stuck } kind = Kind::done;
    std::size_t index = 0;  ///< the write that failed
    int code = 0;           ///< its errno
    int pid = 0;            ///< the child, where it is stuck
  };
  /// Writes in order, stops at the first that fails. \throws Error if no child can be started.
  Result write(const std::vector<AttributeWrite>& writes, std::chrono::milliseconds deadline);

 private:
  void start();
  void drop();

  int root_;
  UniqueFd channel_;
  int pid_ = 0;
  std::vector<int> abandoned_;
};

}  // namespace hostsplit
