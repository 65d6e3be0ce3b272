#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>

#include "host/system/root.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit::cli {

/// Keeps messages of the kernel off the terminal of this process, where that is a console of the machine; elsewhere
/// they do not come. The level is put back when the object goes and when the process is killed: a child waits for that.
class QuietConsole {
 public:
  explicit QuietConsole(const Root& root);
  ~QuietConsole();
  QuietConsole(const QuietConsole&) = delete;
  QuietConsole& operator=(const QuietConsole&) = delete;

 private:
  UniqueFd alive_;  ///< closed by the kernel when this process ends
  pid_t guardian_ = -1;
};

/// Whether the kernel prints on that terminal. \param terminal  "/dev/tty1", "/dev/ttyS0", "/dev/pts/3"
/// \param active  /sys/class/tty/console/active: "tty0 ttyS0" (Documentation/ABI/testing/sysfs-tty)
bool is_console(std::string_view terminal, std::string_view active);
/// The level of /proc/sys/kernel/printk ("4\t4\t1\t7": the first number, proc_sys_kernel(5)); 0 where it is unreadable.
int console_level(std::string_view printk);

}  // namespace hostsplit::cli
