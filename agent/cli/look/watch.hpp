#pragma once
#include <functional>
#include <string>

namespace hostsplit::cli {

/// What a verb shows at one moment.
struct Picture {
  std::string text;  ///< ends with a newline
  int code = 0;      ///< the exit code it stands for
};

/// Shows the picture again and again until SIGINT, SIGTERM or SIGHUP: looks after each event of the kernel about a
/// device, and every two seconds. On a terminal it is drawn in place whenever it differs; without
/// one, or with `plain`, every picture is printed below the last.
/// \return the code of the last picture. \throws what `look` throws
int watch(const std::function<Picture()>& look, bool plain);

}  // namespace hostsplit::cli
