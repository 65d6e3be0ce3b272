#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/finding.hpp"

namespace hostsplit {

/// Tells what is new and what is over from one look to the next, so that each finding is logged once while it
/// persists. A finding is the same as before when code and subject are; a changed sentence counts as new.
class FindingLog {
 public:
  struct Changes {
    std::vector<Finding> begun, ended;
  };
  Changes update(const std::vector<Finding>& findings);

 private:
  std::map<std::pair<std::string, std::string>, Finding> known_;
};

}  // namespace hostsplit
