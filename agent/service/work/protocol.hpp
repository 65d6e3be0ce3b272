#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "operations/carry_out.hpp"
#include "operations/report/preview.hpp"
#include "operations/request.hpp"

namespace hostsplit {

/// What the service and its worker tell each other: one JSON object per packet of a SOCK_SEQPACKET connection. The
/// service looks and decides inside its sandbox; the worker acts, outside of it (docs/sandbox.md). A worker is never
/// handed a plan: it makes its own, and does it if it is the one that was meant.

/// Service to worker: do this.
struct WorkRequest {
  Request request;
  std::string token;  ///< plan_token() of the plan that was shown; empty: whatever the plan is by then
  bool operator==(const WorkRequest&) const = default;
};

/// Service to worker: leave the steps that have not begun.
struct WorkCancel {};

/// Worker to service: a step has begun, or ended.
struct WorkProgress {
  std::size_t number = 0, total = 0;  ///< from 1; 0: no step, what is waited for before the first one
  std::string step, sentence;
  std::optional<StepResult::Kind> ended;  ///< empty: it has begun
  std::string detail;
};

/// Worker to service: the end. The connection takes the next request.
struct WorkResult {
  bool ok = false;
  std::string error;       ///< sentence of what kept it from being done at all; empty when `outcome` tells
  bool bad_input = false;  ///< the error is about a damaged or contradictory file
  Outcome outcome;
  std::string document;     ///< JSON as `hostsplit apply --json` prints it; empty when there is an error
  unsigned lost_audit = 0;  ///< audit records nobody took
};

std::string to_packet(const WorkRequest& request);
std::string to_packet(const WorkCancel& cancel);
std::string to_packet(const WorkProgress& progress);
std::string to_packet(const WorkResult& result);

std::string to_packet(const Preview& preview);
/// \throws Error for a packet that is none.
Preview parse_preview(std::string_view packet);

/// \throws Error for a packet that is none of these.
std::variant<WorkRequest, WorkCancel> parse_to_worker(std::string_view packet);
std::variant<WorkProgress, WorkResult> parse_from_worker(std::string_view packet);

/// Longest packet either side takes: more than the kernel's default limit for one (net.core.wmem_default).
inline constexpr std::size_t longest_packet = 256 * 1024;

/// "done", "failed", "skipped".
const char* to_text(StepResult::Kind kind);

}  // namespace hostsplit
