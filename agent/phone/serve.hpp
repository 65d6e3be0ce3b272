#pragma once

namespace hostsplit {

/// The whole of the process that serves the phone page: until the other end of `channel` is gone.
/// \param channel  to `hostsplit learn` (core/phone/messages.hpp) \return the exit code
int serve_phone_page(int channel, int listener);

}  // namespace hostsplit
