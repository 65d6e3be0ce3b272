#pragma once
#include <string>
#include <vector>

namespace hostsplit {

enum class Severity { info, warning, error };
inline const char* to_string(Severity s) {
  return s == Severity::error ? "error" : s == Severity::warning ? "warning" : "info";
}

/// Something wrong or noteworthy about the machine. An `error` blocks apply and makes the verb exit 3.
struct Finding {
  std::string code;  ///< stable, kebab-case: "group-lifeline"
  Severity severity = Severity::info;
  std::string subject;  ///< what it is about: an address, "group 24", "node 0", a label, a path
  std::string message;  ///< one sentence, without the subject's remedy
  std::string remedy;   ///< what to do; may be empty for info
  bool operator==(const Finding&) const = default;
};

/// True if any finding is an error.
inline bool has_errors(const std::vector<Finding>& findings) {
  for (const auto& finding : findings)
    if (finding.severity == Severity::error) return true;
  return false;
}

}  // namespace hostsplit
