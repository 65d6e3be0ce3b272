#pragma once

namespace hostsplit::cli {

/// While one exists, polkit can ask a user without a desktop for a password on the terminal (pkttyagent(1)). Nothing
/// happens for root, without a terminal, or where the program is not installed.
class PasswordAgent {
 public:
  PasswordAgent();
  ~PasswordAgent();
  PasswordAgent(const PasswordAgent&) = delete;
  PasswordAgent& operator=(const PasswordAgent&) = delete;

 private:
  int pid_ = -1;
};

}  // namespace hostsplit::cli
