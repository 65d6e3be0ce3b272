#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

struct sd_bus_message;

namespace hostsplit {

/// More than a caller may ask for: told as org.freedesktop.DBus.Error.LimitsExceeded.
class OverBudget : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How much of a call is read at all. The bus lets 32 MiB through, and whoever sends them may be anybody.
namespace budget {
inline constexpr std::size_t words = 128;                          ///< targets, labels
inline constexpr std::size_t word = 4096;                          ///< bytes of one
inline constexpr std::size_t config = 64 * 1024;                   ///< bytes of a whole hostsplit.toml
inline constexpr int answers_of_a_user = 2;                        ///< computed at the same time
inline constexpr std::size_t calls_of_a_sender = 16, calls = 256;  ///< whose user is being found out
}  // namespace budget

/// The next argument, a text. \throws OverBudget for a longer one, Error when it cannot be read.
std::string text_argument(sd_bus_message* call, std::size_t longest = budget::word);
/// The next argument, an array of texts; stops reading at the first that is too many or too long.
std::vector<std::string> texts_argument(sd_bus_message* call, std::size_t longest = budget::word);

/// Counts what is being computed for each user.
class Answers {
 public:
  /// One of a user's places, free again at the end of it.
  class Place {
   public:
    /// \throws OverBudget when that user has none left.
    Place(std::shared_ptr<Answers> answers, std::uint32_t uid);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    std::shared_ptr<Answers> answers_;
    std::uint32_t uid_;
  };

 private:
  std::map<std::uint32_t, int> running_;
};

}  // namespace hostsplit
