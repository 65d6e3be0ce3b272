#include "core/planner/token.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

namespace hostsplit {
namespace {

/// FNV-1a, 64 bits (draft-eastlake-fnv).
class Hash {
 public:
  void add(std::string_view text) {
    for (const char c : text) byte(static_cast<unsigned char>(c));
    byte(0);  // so that "a" "bc" differs from "ab" "c"
  }
  std::uint64_t value() const { return value_; }

 private:
  void byte(unsigned char c) { value_ = (value_ ^ c) * 0x100000001b3ULL; }
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace

std::string plan_token(const Plan& plan) {
  Hash hash;
  for (const auto& step : plan.steps) {
    hash.add(step.id);
    hash.add(describe(step.action));
    hash.add(step.reason);
    if (const auto* file = std::get_if<WriteFile>(&step.action)) hash.add(file->content);
  }
  return fmt::format("{:016x}", hash.value());
}

}  // namespace hostsplit
