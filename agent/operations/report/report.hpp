#pragma once
#include <optional>
#include <string>
#include <vector>

#include "operations/carry_out.hpp"
#include "operations/report/colour.hpp"
#include "operations/status.hpp"

namespace hostsplit {

/// What operations return, as one JSON document each (RFC 8259, UTF-8, ends with a newline, `version` = 1).
/// Absent values are null. The shape is documented in docs/json.md and stable.
std::string status_json(const Status& status);
/// \param writes what rehearse() returned, where the plan was rehearsed.
std::string plan_json(const Plan& plan, const std::optional<std::vector<std::string>>& writes = std::nullopt);
/// \param damaged  why labels are missing, where ports.toml cannot be read
std::string ports_json(const std::vector<PortStatus>& ports, const std::vector<Finding>& damaged = {});
std::string outcome_json(const Outcome& outcome, const Plan& plan);

/// The same for people.
std::string status_text(const Status& status, const Paint& paint);
/// In sections: now, at the next boot, in Proxmox VE.
/// \param lists_all  the command that lists every step with its number, "hostsplit plan --verbose"; the files are only
///   counted then. Empty: every step is listed
std::string plan_text(const Plan& plan, const Paint& paint, const std::string& lists_all = "");
/// Where huge pages come from, why, and what that asks for.
std::string pages_text(const PageRecipe& recipe);
std::string ports_text(const std::vector<PortStatus>& ports, const Paint& paint);
/// One block per finding, the remedy on a line of its own that begins "fix: ". Errors first; what differs in nothing
/// but the subject is one block, and so is the remedy of several.
std::string findings_text(const std::vector<Finding>& findings, const Paint& paint);
/// A remedy as one line. A command that is longer than the width goes on in the next line after a "\", so that it can
/// be copied into a shell as it stands. \param before  "  fix: "
std::string remedy_text(const std::string& remedy, std::size_t width, const std::string& before);

}  // namespace hostsplit
