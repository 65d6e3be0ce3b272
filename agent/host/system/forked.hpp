#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace hostsplit {

/// In a process that was forked and goes on with a copy of its parent's memory: closes the descriptors that are not to
/// be kept. A copy would keep the parent's sockets, locks and terminal alive after its end. Standard streams that are
/// not kept become /dev/null.
void close_inherited(const std::function<bool(int fd)>& keep);

/// In such a process: it ends, at the latest, with `parent`, unless it hangs in the kernel.
void end_with_parent(int parent);

/// Computes a text in a process of its own, which is killed and left behind when it has not answered in time: it may
/// hang in the kernel, where not even SIGKILL reaches it. What it does to this program's memory is lost, and of its
/// descriptors it has `root` alone.
/// \return empty when there was no answer, because of the time or because the process died. \throws Error if none can
///         be started.
std::optional<std::string> answer_within(std::chrono::milliseconds patience, int root,
                                         const std::function<std::string()>& compute);

}  // namespace hostsplit
