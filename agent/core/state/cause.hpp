#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/machine/pci.hpp"

namespace hostsplit {

/// One reason why a function belongs to a VM.
struct Cause {
  enum class Kind {
    port,            ///< a learned port of it was asked for, by `label`
    controller,      ///< its address stands under `controllers`
    function,        ///< its address stands under `functions`
    shares_group,    ///< it is in IOMMU group `group` with `with`
    shares_sockets,  ///< EHCI and its companions: its sockets are those of `with`
    other            ///< as an older plan says it, in `label`
  };
  Kind kind = Kind::port;
  std::string label = {};
  PciAddress with = {};
  int group = 0;
  bool operator==(const Cause&) const = default;
};

/// "port front-1", "shares group 24 with 0000:44:00.1".
std::string describe(const Cause& cause);
/// All of them, separated by commas.
std::string describe(const std::vector<Cause>& causes);
/// Labels of the ports among them, in order.
std::vector<std::string> labels_of(const std::vector<Cause>& causes);

/// As the boot plan has them: "port front-1; group 24 with 0000:44:00.1". Labels have no semicolon.
std::string to_text(const std::vector<Cause>& causes);
/// Inverse of to_text(). What is in no such form is of the kind `other`, word for word.
std::vector<Cause> parse_causes(std::string_view text);

}  // namespace hostsplit
