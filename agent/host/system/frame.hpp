#pragma once
#include <chrono>
#include <optional>
#include <string>

namespace hostsplit {

/// A text over a stream between two processes of this program: its length, then its bytes. \return false when the other
/// end is gone.
bool send_frame(int fd, const std::string& text);
/// \param patience  how long until all of it must be here; negative: for ever
/// \return empty when the other end is gone, or the time is over.
std::optional<std::string> receive_frame(int fd, std::chrono::milliseconds patience);

}  // namespace hostsplit
