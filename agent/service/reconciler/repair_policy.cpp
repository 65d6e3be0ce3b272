#include "service/reconciler/repair_policy.hpp"

#include <algorithm>

namespace hostsplit {
namespace {

/// 1 s, 2 s, 4 s ... up to the longest wait, for 1, 2, 3 ... in a row; none for 0.
std::chrono::seconds backoff(int in_a_row) {
  if (in_a_row <= 0) return std::chrono::seconds{0};
  const int doublings = std::min(in_a_row - 1, 6);
  return std::min(std::chrono::seconds{1 << doublings}, RepairPolicy::longest_wait);
}

void forget_old(std::deque<RepairPolicy::Time>& recent, RepairPolicy::Time now) {
  while (!recent.empty() && now - recent.front() > RepairPolicy::window) recent.pop_front();
}

}  // namespace

RepairPolicy::Answer RepairPolicy::ask(const std::string& subject, Time now) const {
  const auto found = subjects_.find(subject);
  if (found == subjects_.end()) return Answer::go;
  if (found->second.failures >= most_failures) return Answer::given_up;
  return found->second.not_before && now < *found->second.not_before ? Answer::wait : Answer::go;
}

void RepairPolicy::count(Subject& subject, Time now) {
  subject.recent.push_back(now);
  forget_old(subject.recent, now);
  // Step by step in both directions: one quiet minute in a storm must not start it all over.
  const bool too_many = subject.recent.size() > most_repairs_per_window;
  subject.slowdowns = too_many ? subject.slowdowns + 1 : std::max(subject.slowdowns - 1, 0);
  subject.not_before = now + std::max(backoff(subject.failures), backoff(subject.slowdowns));
}

void RepairPolicy::succeeded(const std::string& name, Time now) {
  auto& subject = subjects_[name];
  subject.failures = 0;
  subject.needed = false;
  count(subject, now);
}

bool RepairPolicy::failed(const std::string& name, Time now) {
  auto& subject = subjects_[name];
  subject.needed = true;
  ++subject.failures;
  count(subject, now);
  return subject.failures == most_failures;
}

void RepairPolicy::needed(const std::set<std::string>& subjects, Time now) {
  for (auto it = subjects_.begin(); it != subjects_.end();) {
    auto& subject = it->second;
    subject.needed = subjects.contains(it->first);
    if (!subject.needed) subject.failures = 0;
    forget_old(subject.recent, now);
    const bool nothing_left = !subject.needed && subject.recent.empty();
    it = nothing_left ? subjects_.erase(it) : std::next(it);
  }
}

std::optional<RepairPolicy::Time> RepairPolicy::next() const {
  std::optional<Time> earliest;
  for (const auto& [name, subject] : subjects_) {
    if (!subject.needed || subject.failures >= most_failures || !subject.not_before) continue;
    if (!earliest || *subject.not_before < *earliest) earliest = subject.not_before;
  }
  return earliest;
}

}  // namespace hostsplit
