#include "core/steps/step.hpp"

#include <fmt/format.h>

namespace hostsplit {
namespace {

struct Describe {
  std::string operator()(const LoadModule& a) const { return "load module " + a.module; }
  std::string operator()(const Bind& a) const {
    const auto name = [](const std::string& driver) { return driver.empty() ? std::string("no driver") : driver; };
    if (a.from == a.to) return fmt::format("restore driver_override of {} ({})", to_string(a.address), name(a.to));
    return fmt::format("give {} from {} to {}", to_string(a.address), name(a.from), name(a.to));
  }
  std::string operator()(const Reserve& a) const {
    return fmt::format("{} huge pages of {} on node {}, from {} to {}", a.to > a.from ? "reserve" : "return",
                       format_size(a.page_size), a.node, a.from, a.to);
  }
  std::string operator()(const WriteFile& a) const { return "write /" + a.path; }
  std::string operator()(const RemoveFile& a) const { return "remove /" + a.path; }
  std::string operator()(const RebuildInitramfs& a) const {
    return fmt::format("rebuild the initramfs of {} {} hostsplit, about a minute", a.kernel,
                       a.plan.empty() ? "without" : "with");
  }
  std::string operator()(const RefreshBootLoader& a) const { return "run " + a.program + ", for the next boot"; }
  std::string operator()(const SetRung& a) const {
    return fmt::format("{} from rung {} to {}, for the next boot", a.to > a.from ? "climb" : "go back",
                       to_string(a.from), to_string(a.to));
  }
};

}  // namespace

std::string describe(const Action& action) {
  return std::visit(Describe{}, action);
}

}  // namespace hostsplit
