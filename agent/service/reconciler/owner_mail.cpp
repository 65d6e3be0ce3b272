#include "service/reconciler/owner_mail.hpp"

#include <fmt/format.h>

#include "core/base/number.hpp"
#include "core/base/text.hpp"

namespace hostsplit {

using std::chrono::duration_cast;
using std::chrono::seconds;

OwnerMail::OwnerMail(std::string_view kept) {
  const auto last = parse_number<std::int64_t>(cut(kept, '\n'));
  if (!last) return;
  last_ = Time(seconds(*last));
  while (!kept.empty()) sent_.emplace(cut(kept, '\n'));
}

void OwnerMail::hear(const std::string& key, const std::string& sentence) {
  if (!sent_.contains(key)) waiting_.insert_or_assign(key, sentence);
}

void OwnerMail::over(const std::string& key) {
  sent_.erase(key);
  waiting_.erase(key);
}

std::optional<std::string> OwnerMail::due(Time now) {
  if (waiting_.empty() || (last_ && now - *last_ < pause)) return std::nullopt;
  std::string text;
  for (const auto& [key, sentence] : waiting_) {
    text += fmt::format("* {}\n", sentence);
    sent_.insert(key);
  }
  waiting_.clear();
  last_ = now;
  return text + "\nSee: hostsplit status, hostsplit log\n";
}

std::string OwnerMail::to_text() const {
  if (!last_) return {};
  std::string text = fmt::format("{}\n", duration_cast<seconds>(last_->time_since_epoch()).count());
  for (const auto& key : sent_) text += key + "\n";
  return text;
}

}  // namespace hostsplit
