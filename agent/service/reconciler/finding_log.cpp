#include "service/reconciler/finding_log.hpp"

namespace hostsplit {

FindingLog::Changes FindingLog::update(const std::vector<Finding>& findings) {
  Changes changes;
  std::map<std::pair<std::string, std::string>, Finding> now;
  for (const auto& finding : findings) {
    const auto [place, fresh] = now.emplace(std::pair(finding.code, finding.subject), finding);
    if (!fresh) continue;
    const auto before = known_.find(place->first);
    if (before == known_.end() || before->second.message != finding.message) changes.begun.push_back(finding);
  }
  for (const auto& [key, finding] : known_)
    if (!now.contains(key)) changes.ended.push_back(finding);
  known_ = std::move(now);
  return changes;
}

}  // namespace hostsplit
