#include <fmt/format.h>

#include "core/proposal/proposal.hpp"

namespace hostsplit {

std::string describe(const Reason& reason) {
  using Kind = Reason::Kind;
  switch (reason.kind) {
    case Kind::asked: return "as asked for";
    case Kind::near_sockets:
      return reason.distance <= 10
                 ? "the controllers of its sockets are on it"
                 : fmt::format("the nearest to the controllers of its sockets (distance {})", reason.distance);
    case Kind::near_devices: return "the PCI devices it has already are on it";
    case Kind::own_node: return "shared with no other VM";
    case Kind::shared_node: return fmt::format("{} VMs share it: there are more VMs than nodes", reason.count);
    case Kind::too_large: return fmt::format("its memory needs {} nodes", reason.count);
    case Kind::whole_node: return "all CPUs of its nodes";
    case Kind::whole_caches: return fmt::format("{} whole L3 cache{}", reason.count, reason.count == 1 ? "" : "s");
    case Kind::whole_cores:
      return fmt::format("{} whole core{}, siblings together", reason.count, reason.count == 1 ? "" : "s");
    case Kind::mixed_cores:
      return fmt::format("{} whole core{}, siblings together, and a share of each kind of core (P and E)", reason.count,
                         reason.count == 1 ? "" : "s");
    case Kind::single_cpus: return "which CPUs are siblings of one core is unknown";
    case Kind::under_floor:
      return reason.size == 0 ? "what the host's own use and its floor leave"
                              : fmt::format("what the host's own use, its floor and {} for other guests and ZFS leave",
                                            format_size(reason.size));
    case Kind::nearest_group: return "the nearest group that may leave the host";
    case Kind::none_left: return "no sockets";
  }
  return {};
}

std::string describe(const LeftOut& left_out) {
  switch (left_out.kind) {
    case LeftOut::Kind::shares_group:
      return fmt::format("{} cannot go to VM {}: it shares group {} with {} of VM {}", left_out.label, left_out.vm,
                         left_out.group, left_out.with, left_out.with_vm);
    case LeftOut::Kind::host_needs: return fmt::format("{} stays with the host: {}", left_out.label, left_out.why);
    case LeftOut::Kind::stays:
      return fmt::format("{} stays with the host, which keeps as many groups as each VM gets", left_out.label);
  }
  return {};
}

}  // namespace hostsplit
