#pragma once
#include <map>
#include <set>
#include <string>

#include "support/fake_host.hpp"

namespace hostsplit::testing {

/// Refuses what no kernel would show, so that a description does not prove what cannot happen.
/// \throws std::runtime_error saying what is wrong; add_list() adds file and line.
class Shapes {
 public:
  void root(const std::string& name);
  /// \param name  of a host bridge below a function
  void nested(const std::string& name, const std::string& below);
  void function(const PciSpec& spec, const RootPorts& ports);
  /// That a function has such a thing: "disk", "interface", "console".
  void carries(const PciSpec& spec, const std::string& what) const;
  void usb(const std::string& controller, const std::string& path, const UsbSpec& spec);

 private:
  struct Known {
    PciSpec spec;
    RootPorts ports;
  };
  std::set<std::string> bridges_;           ///< host bridges, nested ones too
  std::map<std::string, Known> functions_;  ///< by address
  std::map<std::string, std::string> bus_;  ///< by what is above: "0000:03"
  std::map<std::string, int> hubs_;         ///< ports by "controller half path"
  std::set<std::string> plugged_;           ///< "controller half path"
};

}  // namespace hostsplit::testing
