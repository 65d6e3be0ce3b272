#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace hostsplit {

/// What root is to hear of by mail: each thing once while it lasts, at most one mail an hour. Knows no clock and sends
/// nothing.
class OwnerMail {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::hours pause{1};

  /// \param kept  of to_text() before a restart of the service in the same boot; anything else counts as nothing
  explicit OwnerMail(std::string_view kept = {});

  /// \param key  what it is about; while the same is heard again, nothing new has happened
  void hear(const std::string& key, const std::string& sentence);
  /// It is over: should it come again, that is news.
  void over(const std::string& key);
  /// The text of a mail with all that was heard and not sent; empty while there is none, or while the last one is less
  /// than `pause` ago. What it returns counts as sent.
  std::optional<std::string> due(Time now);

  /// What has to be kept, so that a restart of the service does not send everything again.
  std::string to_text() const;

 private:
  std::map<std::string, std::string> waiting_;
  std::set<std::string> sent_;
  std::optional<Time> last_;
};

}  // namespace hostsplit
