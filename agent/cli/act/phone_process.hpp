#pragma once
#include <sys/types.h>

#include <string>

namespace hostsplit::cli {

/// Starts the program that serves the phone page, as nobody and without a way to more rights, with the two sockets as
/// its descriptors 3 and 4 and no other. It is killed when the calling thread ends. \throws Error
pid_t start_phone_process(const std::string& program, int channel, int listener);

}  // namespace hostsplit::cli
